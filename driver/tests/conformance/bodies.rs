//! Bodies that are wanted: byte for byte what the server sent, without its framing, and nothing where they are not.

use common::counters::ErrorKind::{Closed, Timeout};
use driver::driver_test::DriverTest;
use driver::engine::{Exchange, Outcome, RequestSpec};

use crate::answers::play;
use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{PONG, server};
use crate::support::tls::{Identity, https};
use crate::support::{failed, request, status, test_of};
use crate::table::{Does, Then, does, head};

/// What a server does with each request, and the body that this means.
struct Row {
    name: &'static str,
    /// Lines of `[request]`.
    request: &'static str,
    does: Does,
    outcome: Outcome,
    body: Vec<u8>,
}

/// So many bytes and three, of nearly all values: one that is lost, doubled or moved shows.
fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|at| (at % 251) as u8).chain([b'\r', b'\n', 0xff]).collect()
}

/// A body in chunks of this size at most, with the last chunk.
fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let chunk = |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
    let mut all: Vec<u8> = body.chunks(size).flat_map(chunk).collect();
    all.extend(b"0\r\n\r\n");
    all
}

type Columns = (&'static str, &'static str, Does, Outcome, Vec<u8>);

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const UNSIZED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
/// It looks like what frames a body.
const FRAMES: &[u8] = b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n4\r\n";

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Then::{Closes, HalfCloses, Waits};
    let sized = |body: &[u8]| {
        [&head("200 OK", &[&format!("content-length: {}", body.len())])[..], body].concat()
    };
    let (short, long, longest) = (bytes(300), bytes(300_000), bytes(3 << 20));
    let ok = status(200);
    let none = Vec::new;
    let table: Vec<Columns> = vec![
        ("a length",                     "", does(&[&sized(&short)], Waits), ok, short.clone()),
        ("a length, and frames",         "", does(&[&sized(FRAMES)], Waits), ok, FRAMES.to_vec()),
        ("a length, in pieces",          "", does(&[&head("200 OK", &["content-length: 9"]), b"all", b" of ", b"it"], Waits), ok, b"all of it".to_vec()),
        ("a length of none",             "", does(&[&sized(b"")], Waits), ok, none()),
        ("a large length",               "", does(&[&sized(&long)], Waits), ok, long.clone()),
        ("a larger length",              "", does(&[&sized(&longest)], Waits), ok, longest.clone()),
        ("a length and more",            "", does(&[&[&sized(b"pong")[..], b"!"].concat()], Waits), ok, b"pong".to_vec()),
        ("chunks",                       "", does(&[CHUNKED, &chunks(&short, 100)], Waits), ok, short.clone()),
        ("chunks of frames",             "", does(&[CHUNKED, &chunks(FRAMES, 5)], Waits), ok, FRAMES.to_vec()),
        ("chunks, split in each header", "", does(&[
            CHUNKED, b"1", b"0;x=\"y\"\r", b"\n01234", b"56789abcdef\r", b"\n0", b"00003\r\n\r\nz", b"\r\n0", b"\r", b"\nt: u\r\n\r", b"\n",
        ], Waits), ok, b"0123456789abcdef\r\nz".to_vec()),
        ("no chunk but the last",        "", does(&[CHUNKED, b"0\r\n\r\n"], Waits), ok, none()),
        ("large chunks",                 "", does(&[CHUNKED, &chunks(&long, 90_000)], Waits), ok, long.clone()),
        ("many chunks",                  "", does(&[CHUNKED, &chunks(&long, 1_001)], Waits), ok, long.clone()),
        ("until the close, at once",     "", does(&[&[UNSIZED, &short].concat()], Closes), ok, short.clone()),
        ("until the close, in pieces",   "", does(&[b"HTTP/1.1 200 OK\r\n\r", b"\nall", b" of ", b"it"], Closes), ok, b"all of it".to_vec()),
        ("until the close, large",       "", does(&[&[UNSIZED, &long].concat()], Closes), ok, long.clone()),
        ("until the close, larger",      "", does(&[UNSIZED, &longest], Closes), ok, longest.clone()),
        ("until the half close",         "", does(&[UNSIZED, FRAMES], HalfCloses), ok, FRAMES.to_vec()),
        ("until the close, of nothing",  "", does(&[UNSIZED], Closes), ok, none()),
        ("HTTP/1.0, until the close",    "", does(&[b"HTTP/1.0 200 OK\r\n\r\nall", b" of it"], Closes), ok, b"all of it".to_vec()),
        ("a length, to a HEAD",          "method = 'HEAD'", does(&[&head("200 OK", &["content-length: 4"])], Waits), ok, none()),
        ("204",                          "", does(&[&head("204 No Content", &[])], Waits), status(204), none()),
        ("304 with a length",            "", does(&[&head("304 Not Modified", &["content-length: 4"])], Waits), status(304), none()),
        ("an error",                     "", does(&[&[&head("503 Busy", &["content-length: 5"])[..], b"later"].concat()], Waits), status(503), b"later".to_vec()),
        // What fails later is passed on as far as it came.
        ("a length, cut short",          "", does(&[&head("200 OK", &["content-length: 9"]), b"all"], Closes), failed(Closed), b"all".to_vec()),
        ("a chunk, cut short",           "", does(&[CHUNKED, b"9\r\nall"], Closes), failed(Closed), b"all".to_vec()),
        ("a length, and silence",        "timeout = '500ms'", does(&[&head("200 OK", &["content-length: 9"]), b"all"], Waits), failed(Timeout), b"all".to_vec()),
    ];
    table
        .into_iter()
        .map(|(name, request, does, outcome, body)| Row { name, request, does, outcome, body })
        .collect()
}

/// Makes an attempt; returns its exchange and the body that came before its end.
async fn answered(drive: &mut Drive) -> (Exchange, Vec<u8>) {
    let exchange = drive.exchange().await;
    let mut bodies = drive.bodies();
    assert_eq!(bodies.len(), 1);
    (exchange, bodies.remove(0))
}

/// Two attempts over one engine; returns what is not as it should be.
async fn wrong(row: &Row, which: Which, test: &DriverTest, wants_body: bool) -> Option<String> {
    let spec = RequestSpec { wants_body, ..RequestSpec::plain(&test.assignment.request) };
    let mut drive = Drive::of_each(which, test, &[spec]);
    let expected = if wants_body { &row.body[..] } else { &[] };
    for attempt in 0..2 {
        let (exchange, body) = answered(&mut drive).await;
        if exchange.outcome != row.outcome {
            return Some(format!("attempt {attempt}: {exchange:?}"));
        }
        if body != expected {
            let differs = body.iter().zip(expected).position(|(byte, expected)| byte != expected);
            let (n, of) = (body.len(), expected.len());
            return Some(format!("attempt {attempt}: {n} bytes of {of}, the first to differ: {differs:?}"));
        }
    }
    None
}

#[actix_rt::test]
async fn a_body_that_is_wanted_is_passed_on_as_it_was_sent_and_no_other_is() {
    let mut faults = Vec::new();
    for row in rows() {
        for which in BOTH {
            for wants_body in [true, false] {
                let does = row.does.clone();
                let (address, _) = server(move |peer| play(&does, peer));
                if let Some(fault) = wrong(&row, which, &test_of(address, row.request), wants_body).await {
                    faults.push(format!("{}, {which:?}, wanted: {wants_body}: {fault}", row.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What ends with the connection needs TLS's own goodbye, which these servers do not send.
#[actix_rt::test]
async fn under_tls_it_is_the_same() {
    let identity = Identity::new();
    let mut faults = Vec::new();
    for row in rows().into_iter().filter(|row| row.does.then == Then::Waits) {
        for which in BOTH {
            let does = row.does.clone();
            let (address, _) = identity.serve(move |peer| play(&does, peer));
            let test = https(address, row.request, identity.trusted());
            if let Some(fault) = wrong(&row, which, &test, true).await {
                faults.push(format!("{}, {which:?}: {fault}", row.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// awc takes no answer after an interim one.
#[actix_rt::test]
async fn an_interim_answer_has_no_body() {
    let (address, _) = server(|mut peer| {
        while peer.request().is_some() {
            peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
            peer.send(PONG);
        }
    });
    let request = request("");
    let spec = RequestSpec { wants_body: true, ..RequestSpec::plain(&request) };
    let mut drive = Drive::of_each(Which::Wire, &test_of(address, ""), &[spec]);
    for _ in 0..2 {
        let (exchange, body) = answered(&mut drive).await;
        assert_eq!((exchange.outcome, &body[..]), (status(200), &b"pong"[..]));
    }
}

#[actix_rt::test]
async fn bodies_of_attempts_at_the_same_time_are_not_mixed_and_only_wanted_ones_come() {
    let sent: Vec<String> = ["a", "b", "c"].map(|letter| letter.repeat(200_000)).into();
    let posts: Vec<_> = sent
        .iter()
        .map(|body| request(&format!("method = 'POST'\ntimeout = '20s'\nbody = '{body}'")))
        .collect();
    // The third is not wanted.
    let specs: Vec<_> = (0..)
        .zip(&posts)
        .map(|(index, request)| RequestSpec { wants_body: index != 2, ..RequestSpec::plain(request) })
        .collect();
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            while let Some(request) = peer.request() {
                peer.send(CHUNKED);
                for piece in request.body.chunks(30_000) {
                    peer.send(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
                    std::thread::yield_now();
                }
                peer.send(b"0\r\n\r\n");
            }
        });
        let mut drive = Drive::of_each(which, &test_of(address, ""), &specs);
        for _ in 0..3 {
            for place in 0..3_u16 {
                drive.begin_with(place.into(), place, &[]);
            }
            let ends = drive.ends(3).await;
            for ((place, exchange), body) in ends.into_iter().zip(drive.bodies()) {
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                let expected = if place == 2 { "" } else { &sent[place as usize] };
                assert!(body == expected.as_bytes(), "{which:?}: {} bytes at place {place}", body.len());
            }
        }
        assert_eq!(seen.requests(), 9, "{which:?}");
    }
}
