//! Heads that are wanted: all fields of the final answer, in their order, before its body; and bodies with a limit.

use common::counters::ErrorKind::{Closed, Protocol, TooLarge};
use driver::driver_test::DriverTest;
use driver::engine::{Exchange, MAX_WANTED_BODY_BYTES, RequestSpec};

use crate::support::drive::{BOTH, Drive, Head, Which};
use crate::support::server::{Peer, server};
use crate::support::tls::{Identity, https};
use crate::support::{failed, outgoing, rendered, request, status, test_of};

/// Answers each request with these pieces.
fn sends(pieces: &[&[u8]]) -> impl Fn(Peer) + Send + Sync + Clone + 'static {
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    move |mut peer| {
        while peer.request().is_some() {
            pieces.iter().for_each(|piece| peer.send_until_read(piece));
        }
    }
}

/// Two attempts whose heads are wanted, the second rendered; the heads are the same.
async fn head_of(which: Which, test: &DriverTest, case: &str) -> (Exchange, Option<Head>) {
    let spec = RequestSpec { wants_head: true, ..RequestSpec::plain(&test.assignment.request) };
    let mut drive = Drive::of_each(which, test, &[spec]);
    let exchange = drive.exchange().await;
    let method = &test.assignment.request.method;
    let again = drive.exchange_rendered(outgoing(&rendered(method, "/", b""))).await;
    assert_eq!(exchange.outcome, again.outcome, "{which:?}, {case}");
    let mut heads = drive.heads();
    assert_eq!(heads.len(), 2, "{which:?}, {case}");
    assert_eq!(heads[0], heads[1], "{which:?}, {case}");
    (exchange, heads.remove(0))
}

/// A caption, lines of `[request]`, what the server sends, and the head that this means.
type Case = (&'static str, &'static str, &'static [&'static [u8]], u16, Fields);
type Fields = &'static [(&'static str, &'static str)];

#[rustfmt::skip]
const HEADS: [Case; 9] = [
    ("repeated, in odd case", "", &[b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-oDD: 1\r\nset-cookie: b=2\r\nContent-Length: 2\r\nSET-COOKIE: a=1\r\n\r\nok"],
        200, &[("Set-Cookie", "a=1; Path=/"), ("X-oDD", "1"), ("set-cookie", "b=2"), ("Content-Length", "2"), ("SET-COOKIE", "a=1")]),
    ("blanks and nothing", "", &[b"HTTP/1.1 200 OK\r\na:\r\nb:   \r\nc: \t x  y \t\r\ncontent-length: 0\r\n\r\n"],
        200, &[("a", ""), ("b", ""), ("c", "x  y"), ("content-length", "0")]),
    ("in pieces", "", &[b"HTTP/1.1 200 O", b"K\r\netag: \"a", b"b\"\r\ncontent-length: 2\r", b"\n\r", b"\nok"],
        200, &[("etag", "\"ab\""), ("content-length", "2")]),
    ("a redirect", "", &[b"HTTP/1.1 302 Found\r\nLocation: /next?code=1\r\ncontent-length: 0\r\n\r\n"],
        302, &[("Location", "/next?code=1"), ("content-length", "0")]),
    ("chunks", "", &[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: 1\r\n\r\n2\r\nok\r\n0\r\nlate: 1\r\n\r\n"],
        200, &[("transfer-encoding", "chunked"), ("x", "1")]),
    ("to a HEAD", "method = 'HEAD'", &[b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\nx: 1\r\n\r\n"],
        200, &[("content-length", "7"), ("x", "1")]),
    ("no content", "", &[b"HTTP/1.1 204 No Content\r\nx: 1\r\n\r\n"], 204, &[("x", "1")]),
    ("an error", "", &[b"HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n"],
        503, &[("retry-after", "3"), ("content-length", "0")]),
    ("empty lines before", "", &[b"\r\n\r\nHTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 0\r\n\r\n"],
        200, &[("x", "1"), ("content-length", "0")]),
];

#[actix_rt::test]
async fn all_fields_come_as_they_were_sent() {
    let identity = Identity::new();
    for (case, lines, pieces, code, fields) in HEADS {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for which in BOTH {
            let (plain, _) = server(sends(pieces));
            let whole = [pieces.concat()];
            let (tls, _) = identity.serve(sends(&whole.each_ref().map(|piece| &piece[..])));
            for test in [test_of(plain, lines), https(tls, lines, identity.trusted())] {
                let (exchange, head) = head_of(which, &test, case).await;
                assert_eq!(exchange.outcome, status(code), "{which:?}, {case}: {exchange:?}");
                assert_eq!(head, Some((code, fields.clone())), "{which:?}, {case}");
            }
        }
    }
}

#[actix_rt::test]
async fn until_the_close_it_is_the_same() {
    for which in BOTH {
        let (address, _) = server(|mut peer| {
            peer.request();
            peer.send(b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\nall of it");
            peer.close();
        });
        let (exchange, head) = head_of(which, &test_of(address, ""), "until the close").await;
        assert_eq!(exchange.outcome, status(200), "{which:?}");
        assert_eq!(head, Some((200, vec![("X".to_owned(), "1".to_owned())])), "{which:?}");
    }
}

/// As many as fit a head of 128 KiB; awc has room for 96.
#[actix_rt::test]
async fn there_may_be_many_fields() {
    for (which, n) in [(Which::Wire, 3_000), (Which::Wire, 95), (Which::Awc, 90)] {
        let lines: String = (0..n).map(|i| format!("x-{i}: {}\r\n", i * i)).collect();
        let (address, _) =
            server(sends(&[format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n").as_bytes()]));
        let (exchange, head) = head_of(which, &test_of(address, ""), "many").await;
        assert_eq!(exchange.outcome, status(200), "{which:?}");
        let (_, fields) = head.unwrap();
        let expected = (0..n).map(|i| (format!("x-{i}"), (i * i).to_string()));
        let expected: Vec<_> = expected.chain([("content-length".to_owned(), "0".to_owned())]).collect();
        assert!(fields == expected, "{which:?}: {} fields", fields.len());
    }
}

/// A folded value: the wire engine reads it as RFC 9112 has it, and awc refuses it, heads wanted or not.
#[actix_rt::test]
async fn a_folded_value_is_read_where_the_engine_reads_one() {
    let folded = b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ny: c\r\ncontent-length: 0\r\n\r\n";
    for (which, outcome) in [(Which::Wire, status(200)), (Which::Awc, failed(Protocol))] {
        let (address, _) = server(sends(&[folded]));
        let (exchange, head) = head_of(which, &test_of(address, ""), "folded").await;
        assert_eq!(exchange.outcome, outcome, "{which:?}");
        let fields = [("x", "a   b"), ("y", "c"), ("content-length", "0")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        assert_eq!(head, (which == Which::Wire).then_some((200, fields)), "{which:?}");
    }
}

#[actix_rt::test]
async fn interim_answers_are_not_passed_on() {
    let (address, _) = server(sends(&[
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 0\r\n\r\n",
    ]));
    let (_, head) = head_of(Which::Wire, &test_of(address, ""), "interim").await;
    let fields =
        [("x", "1"), ("content-length", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(head, Some((200, fields.to_vec())));
    let (exchange, head) = head_of(Which::Awc, &test_of(address, ""), "interim").await;
    assert_eq!((exchange.outcome, head), (failed(Protocol), None));
}

#[actix_rt::test]
async fn only_wanted_heads_come_and_those_of_answers_that_fail_later_do() {
    let requests = ["", ""].map(request);
    for which in BOTH {
        let (address, _) = server(|mut peer| {
            peer.request();
            peer.send(b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 9\r\n\r\nall");
            peer.close();
        });
        let specs = [true, false].map(|wants_head| RequestSpec {
            wants_head,
            wants_body: true,
            ..RequestSpec::plain(&requests[0])
        });
        let mut drive = Drive::of_each(which, &test_of(address, ""), &specs);
        for (index, wanted) in [(0, true), (1, false)] {
            assert_eq!(drive.exchange_with(index).await.outcome, failed(Closed), "{which:?}");
            assert_eq!(drive.heads().remove(0).is_some(), wanted, "{which:?}");
            assert_eq!(drive.bodies(), [b"all".to_vec()], "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn a_wanted_body_that_is_longer_than_its_limit_ends_the_attempt_and_its_connection() {
    let most = MAX_WANTED_BODY_BYTES as usize;
    let sized = |n: usize| {
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {n}\r\n\r\n").into_bytes(), vec![b'x'; n]].concat()
    };
    let chunked = |n: usize| {
        let chunk = [format!("{n:x}\r\n").into_bytes(), vec![b'x'; n], b"\r\n0\r\n\r\n".to_vec()].concat();
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), chunk].concat()
    };
    let unsized_ = |n: usize| [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; n]].concat();
    let cases = [
        ("a length, just", sized(most), true),
        ("a length, over", sized(most + 1), false),
        ("a length, far over", sized(64 << 20), false),
        ("chunks, just", chunked(most), true),
        ("chunks, over", chunked(most + 1), false),
        ("until the close, just", unsized_(most), true),
        ("until the close, over", unsized_(most + 1), false),
        ("until the close, far over", unsized_(64 << 20), false),
    ];
    for (case, answer, fits) in cases {
        for which in BOTH {
            let until_close = case.starts_with("until");
            let bytes = answer.clone();
            let (address, seen) = server(move |mut peer| {
                while peer.request().is_some() {
                    if !peer.try_send(&bytes) || until_close {
                        return;
                    }
                }
            });
            let test = test_of(address, "timeout = '20s'");
            let plain = RequestSpec::plain(&test.assignment.request);
            let limited = RequestSpec { wants_body: true, max_body: Some(MAX_WANTED_BODY_BYTES), ..plain };
            let mut drive = Drive::of_each(which, &test, &[limited, plain]);
            for _ in 0..2 {
                let exchange = drive.exchange_with(0).await;
                let expected = if fits { status(200) } else { failed(TooLarge) };
                assert_eq!(exchange.outcome, expected, "{which:?}, {case}: {exchange:?}");
                assert!(drive.bodies().remove(0).len() <= most, "{which:?}, {case}");
                assert!(exchange.bytes_received < 16 << 20, "{which:?}, {case}: it stops reading");
            }
            // One that is not wanted may be as long as it likes.
            assert_eq!(drive.exchange_with(1).await.outcome, status(200), "{which:?}, {case}");
            let connections = if fits && !until_close { 1 } else { 3 };
            assert_eq!(seen.connections(), connections, "{which:?}, {case}");
        }
    }
}
