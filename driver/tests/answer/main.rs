//! The reader of answers against a corpus of what servers send, well and badly: each comes to its end, the same
//! one however its bytes are split, and no bytes make it panic or keep more than its limits.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use common::counters::ErrorKind;
use driver::engine::{AnswerReader, AnswerTo, MAX_HEAD_BYTES, ReadStep, Wants};
use proptest::prelude::*;

/// How an answer ended, and after how many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole { status: u16, keeps: bool, length: usize },
    More,
    Failed(ErrorKind),
}

struct Case {
    name: String,
    expected: String,
    bytes: Vec<u8>,
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next().unwrap() {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => panic!("\\{} in the corpus", other as char),
        }
    }
    bytes
}

fn corpus() -> Vec<Case> {
    let cases: Vec<Case> = include_str!("corpus.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.splitn(3, '\t');
            let mut next = || columns.next().unwrap();
            Case { name: next().to_owned(), expected: next().to_owned(), bytes: unescape(next()) }
        })
        .collect();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    cases
}

/// Reads pieces up to the answer's end.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> End {
    let mut answer = AnswerReader::new(AnswerTo::default());
    let mut before = 0;
    for piece in pieces {
        match answer.take(piece) {
            Ok(ReadStep::More) => before += piece.len(),
            Ok(ReadStep::Whole(whole)) => {
                assert!(whole.used <= piece.len());
                let length = before + whole.used;
                assert_eq!(answer.received(), length as u64);
                return End::Whole { status: whole.status, keeps: whole.keeps, length };
            }
            Err(kind) => return End::Failed(kind),
        }
    }
    // A body that lasts until the peer closes.
    match answer.end() {
        Ok(status) => End::Whole { status, keeps: false, length: before },
        Err(ErrorKind::Closed) => End::More,
        Err(kind) => End::Failed(kind),
    }
}

/// Reads as a connection does, of which so many bytes are there at a time: what the answer does not want to see is
/// skipped. Returns how many bytes were skipped as well.
fn read_as_wanted(bytes: &[u8], at_a_time: usize) -> (End, usize) {
    let mut answer = AnswerReader::new(AnswerTo::default());
    let (mut at, mut skipped) = (0, 0);
    while at < bytes.len() {
        let there = &bytes[at..bytes.len().min(at.saturating_add(at_a_time))];
        let (given, step) = match answer.wants() {
            Wants::Bytes(most) => {
                let given = there.len().min(most);
                (given, answer.take(&there[..given]))
            }
            Wants::Skip(most) => {
                let given = there.len().min(usize::try_from(most).unwrap_or(usize::MAX));
                skipped += given;
                (given, Ok(answer.skip(given as u64)))
            }
        };
        match step {
            Ok(ReadStep::More) => at += given,
            Ok(ReadStep::Whole(whole)) => {
                assert!(whole.used <= given);
                let length = at + whole.used;
                assert_eq!(answer.received(), length as u64);
                return (End::Whole { status: whole.status, keeps: whole.keeps, length }, skipped);
            }
            Err(kind) => return (End::Failed(kind), skipped),
        }
    }
    let end = match answer.end() {
        Ok(status) => End::Whole { status, keeps: false, length: at },
        Err(ErrorKind::Closed) => End::More,
        Err(kind) => End::Failed(kind),
    };
    (end, skipped)
}

/// The body of an answer that is wanted, as it is passed on.
fn body_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut answer = AnswerReader::new(AnswerTo { wants_body: true, ..AnswerTo::default() });
    let mut body = Vec::new();
    for piece in pieces {
        assert!(matches!(answer.wants(), Wants::Bytes(_)), "what is wanted is not skipped");
        let taken = answer.take_with(piece, &mut |bytes: &[u8]| {
            assert!(!bytes.is_empty());
            body.extend_from_slice(bytes);
        });
        if !matches!(taken, Ok(ReadStep::More)) {
            break;
        }
    }
    body
}

fn described(end: End) -> String {
    match end {
        End::Whole { status, keeps, .. } => format!("{status} {}", if keeps { "keeps" } else { "closes" }),
        End::More => "more".to_owned(),
        End::Failed(kind) => kind.as_str().to_owned(),
    }
}

#[test]
fn every_answer_of_the_corpus_comes_to_its_end() {
    let wrong: Vec<String> = corpus()
        .iter()
        .map(|case| (case, described(read([&case.bytes[..]]))))
        .filter(|(case, described)| *described != case.expected)
        .map(|(case, described)| format!("{}: {described}, not {}", case.name, case.expected))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_end_is_the_same_at_every_split() {
    for case in corpus() {
        let whole = read([&case.bytes[..]]);
        // Every split of what is read in one piece in practice; of the few endless ones a sample.
        let step = if case.bytes.len() <= 2_048 { 1 } else { 193 };
        for at in (0..=case.bytes.len()).step_by(step) {
            let (first, second) = case.bytes.split_at(at);
            assert_eq!(read([first, second]), whole, "{} split at {at}", case.name);
        }
        assert_eq!(read(case.bytes.chunks(1)), whole, "{} byte by byte", case.name);
    }
}

#[test]
fn a_wanted_body_comes_without_its_framing_at_every_split() {
    let table: [(&[u8], &[u8]); 5] = [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n0\r\n\r\n!more", b"0\r\n\r\n!"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\n\r\n0\r\n00002\npo\n2\r\nng\r\n0\r\nx: y\r\n\r\nmore",
            b"\r\n0pong",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil \r\n\r\nthe end", b"until \r\n\r\nthe end"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nmore", b""),
        // It fails, and what came before that was passed on.
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong4\r\nmore", b"pong"),
    ];
    for (answer, body) in table {
        for at in 0..=answer.len() {
            let (first, second) = answer.split_at(at);
            assert_eq!(body_of([first, second]), body, "split at {at}");
        }
        assert_eq!(body_of(answer.chunks(1)), body, "byte by byte");
        let mut passed = 0;
        let _ = AnswerReader::new(AnswerTo::default())
            .take_with(answer, &mut |bytes: &[u8]| passed += bytes.len());
        assert_eq!(passed, 0, "it is not wanted");
    }
}

#[test]
fn what_is_skipped_ends_where_it_would_if_it_were_read() {
    for case in corpus() {
        let whole = read([&case.bytes[..]]);
        for at_a_time in [usize::MAX, 5_000, 700] {
            assert_eq!(read_as_wanted(&case.bytes, at_a_time).0, whole, "{}, {at_a_time}", case.name);
        }
    }
}

#[test]
fn large_bodies_are_skipped_but_for_what_comes_with_their_heads() {
    let sized = |n: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {n}\r\n\r\n{}", "x".repeat(n));
    let chunks = |sizes: &[usize]| {
        let chunks: String = sizes.iter().map(|n| format!("{n:x}\r\n{}\r\n", "x".repeat(*n))).collect();
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    // What it is, and how much of it must be skipped: at least this, and never more than its body.
    let table = [
        ("a length", sized(700_000), 680_000..=700_000),
        ("a small length", sized(9_000), 0..=0),
        ("large chunks", chunks(&[90_000; 6]), 515_000..=540_000),
        ("small chunks", chunks(&[1_000; 300]), 0..=0),
        ("until the close", format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(300_000)), 283_000..=300_000),
    ];
    for (name, answer, expected) in table {
        let whole = read([answer.as_bytes()]);
        assert!(matches!(whole, End::Whole { length, .. } if length == answer.len()), "{name}: {whole:?}");
        for at_a_time in [usize::MAX, 64 << 10, 20_001] {
            let (end, skipped) = read_as_wanted(answer.as_bytes(), at_a_time);
            assert_eq!(end, whole, "{name}, {at_a_time} at a time");
            assert!(expected.contains(&skipped), "{name}, {at_a_time} at a time: {skipped} skipped");
        }
        // What follows belongs to no request, and is seen without another read.
        if !name.starts_with("until") {
            let more = [answer.as_bytes(), b"HTTP/1.1 200 OK\r\n"].concat();
            assert_eq!(read_as_wanted(&more, usize::MAX).0, whole, "{name}, and more");
        }
    }
}

#[test]
fn answers_to_head_end_with_their_heads() {
    let mut answer = AnswerReader::new(AnswerTo { head_only: true, ..AnswerTo::default() });
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
    let Ok(ReadStep::Whole(whole)) = answer.take(head) else { panic!("not whole") };
    assert_eq!((whole.status, whole.used, whole.keeps), (200, head.len(), true));
}

#[test]
fn one_reader_reads_many_answers() {
    let mut answer = AnswerReader::new(AnswerTo::default());
    for n in 0..100 {
        answer.reset(AnswerTo::default());
        let bytes = format!("HTTP/1.1 {} OK\r\ncontent-length: {n}\r\n\r\n{}", 400 + n, "x".repeat(n));
        let Ok(ReadStep::Whole(whole)) = answer.take(bytes.as_bytes()) else { panic!("not whole") };
        assert_eq!((usize::from(whole.status), whole.used), (400 + n, bytes.len()));
    }
}

#[test]
fn an_endless_head_is_given_up_at_its_limit() {
    for endless in [&b"HTTP/1.1 200 OK\r\nx: "[..], b"HTTP/1.1 200 OK\r\n", b"\r\n\r\nHTTP/1.1 200 "] {
        let mut answer = AnswerReader::new(AnswerTo::default());
        let mut given = 0;
        let mut piece = endless.to_vec();
        let end = loop {
            match answer.take(&piece) {
                Ok(_) => given += piece.len(),
                Err(kind) => break kind,
            }
            assert!(given <= MAX_HEAD_BYTES + 4_096, "{given} bytes were taken");
            piece = vec![b'a'; 4_096];
        };
        assert_eq!(end, ErrorKind::TooLarge);
    }
}

/// However many fields there are: only the size of a head is limited.
#[test]
fn a_head_of_many_fields_is_given_up_at_its_limit_alone() {
    let head =
        |n: usize| [b"HTTP/1.1 200 OK\r\n", &b"s:\r\n".repeat(n)[..], b"content-length: 0\r\n\r\n"].concat();
    let most = (MAX_HEAD_BYTES - head(0).len()) / 4;
    for pieces in [usize::MAX, 30_000] {
        let whole = head(most);
        let end = End::Whole { status: 200, keeps: true, length: whole.len() };
        assert_eq!(read(whole.chunks(pieces)), end);
        assert_eq!(read(head(most + 1).chunks(pieces)), End::Failed(ErrorKind::TooLarge));
    }
}

/// A peer of another protocol may wait for us from then on, and never send a line break.
#[test]
fn what_cannot_become_a_head_is_refused_at_its_first_byte() {
    for (bytes, end) in [
        (&b"H"[..], End::More),
        (b"\r\n\r\nHTTP/1.", End::More),
        (b"HTTP/1.1 2", End::More),
        (b"HTTP/2", End::Failed(ErrorKind::Protocol)),
        (b"\r\n!", End::Failed(ErrorKind::Protocol)),
        (b"\x15\x03\x01\x00\x02\x02\x16", End::Failed(ErrorKind::Protocol)),
    ] {
        assert_eq!(read([bytes]), end, "{bytes:?}");
        assert_eq!(read(bytes.chunks(1)), end, "{bytes:?} byte by byte");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_split_of_any_answer_is_read_alike(
        case in prop::sample::select(corpus().into_iter().map(|case| case.bytes).collect::<Vec<_>>()),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut pieces = Vec::new();
        let mut cuts: Vec<usize> = cuts.drain(..).map(|cut| cut.index(case.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&case[from..cut]);
            from = cut;
        }
        pieces.push(&case[from..]);
        prop_assert_eq!(body_of(pieces.clone()), body_of([&case[..]]));
        prop_assert_eq!(read(pieces), read([&case[..]]));
    }

    /// Answers that were damaged in places: whatever becomes of them, it does not depend on how they came.
    #[test]
    fn damaged_answers_are_read_alike_at_any_split(
        case in prop::sample::select(corpus().into_iter().map(|case| case.bytes).filter(|bytes| bytes.len() <= 2_048).collect::<Vec<_>>()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = case;
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = read([&bytes[..]]);
        let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
        prop_assert_eq!(read([first, second]), whole);
        prop_assert_eq!(read(bytes.chunks(1)), whole);
        prop_assert_eq!(body_of([first, second]), body_of([&bytes[..]]));
    }

    /// Bodies of any framing, read as a connection reads them, however much is there at a time.
    #[test]
    fn skipping_and_reading_come_to_the_same_end(
        sizes in prop::collection::vec(0..60_000_usize, 1..8),
        at_a_time in prop::collection::vec(1..80_000_usize, 1..4),
        sized in any::<bool>(),
    ) {
        let answer = if sized {
            let n: usize = sizes.iter().sum();
            format!("HTTP/1.1 200 OK\r\ncontent-length: {n}\r\n\r\n{}", "7".repeat(n))
        } else {
            let chunk = |n: &usize| format!("{n:05x}\r\n{}\r\n", "7".repeat(*n));
            let chunks: String = sizes.iter().filter(|n| **n > 0).map(chunk).collect();
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
        };
        let whole = read([answer.as_bytes()]);
        for at_a_time in at_a_time {
            prop_assert_eq!(read_as_wanted(answer.as_bytes(), at_a_time).0, whole);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), piece in 1..50_usize) {
        prop_assert_eq!(read(bytes.chunks(piece)), read([&bytes[..]]));
    }
}
