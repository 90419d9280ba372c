//! The table of server behaviours, each with the outcome it must count as, and whether the connection serves the next
//! request. The last column is what awc does otherwise.

use common::counters::ErrorKind::{Closed, Protocol, Reset, Timeout, TooLarge};
use driver::engine::Outcome;

use crate::support::{failed, status};

/// What a server does with each request.
#[derive(Debug, Clone)]
pub struct Does {
    /// What it sends, with a pause between the pieces.
    pub pieces: Vec<Vec<u8>>,
    pub then: Then,
}

/// What a server does after it has sent that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It waits for the next request.
    Waits,
    Closes,
    HalfCloses,
    Resets,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It serves the next request.
    Kept,
    /// The next request has a new one.
    New,
}

/// What awc does differently from the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awc {
    Same,
    /// It counts it as that, on a new connection each time.
    Counts(Outcome),
    /// It takes this connection for the next request.
    But(Next),
}

pub struct Row {
    pub name: &'static str,
    /// Lines of `[request]`.
    pub request: &'static str,
    pub does: Does,
    pub outcome: Outcome,
    pub next: Next,
    pub awc: Awc,
}

pub fn does(pieces: &[&[u8]], then: Then) -> Does {
    Does { pieces: pieces.iter().map(|piece| piece.to_vec()).collect(), then }
}

fn says(bytes: &[u8]) -> Does {
    does(&[bytes], Then::Waits)
}

fn says_slowly(pieces: &[&[u8]]) -> Does {
    does(pieces, Then::Waits)
}

fn closes(bytes: &[u8]) -> Does {
    does(&[bytes], Then::Closes)
}

fn half_closes(bytes: &[u8]) -> Does {
    does(&[bytes], Then::HalfCloses)
}

fn resets(bytes: &[u8]) -> Does {
    does(&[bytes], Then::Resets)
}

/// A head with these fields.
pub fn head(status_line: &str, fields: &[&str]) -> Vec<u8> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("HTTP/1.1 {status_line}\r\n{fields}\r\n").into_bytes()
}

const GET: &str = "";
const HEAD: &str = "method = 'HEAD'";
const SHORT: &str = "timeout = '200ms'";

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const SIZED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
const UNSIZED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

fn chunked(body: &[u8]) -> Vec<u8> {
    [CHUNKED, body].concat()
}

fn sized(body: &[u8]) -> Vec<u8> {
    [SIZED, body].concat()
}

type Columns = (&'static str, &'static str, Does, Outcome, Next, Awc);

#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    use Awc::{But, Counts, Same};
    use Next::{Kept, New};
    let protocol = Counts(failed(Protocol));
    let many = |n: usize| (0..n).map(|i| format!("x-{i}: {i}")).collect::<Vec<_>>();
    let (ninety, thousand) = (many(90), many(1_000));
    let fields = |fields: &[String]| {
        let fields: Vec<&str> = std::iter::once("content-length: 0").chain(fields.iter().map(String::as_str)).collect();
        head("200 OK", &fields)
    };
    let table: Vec<Columns> = vec![
        // Statuses: each is an answer.
        ("a status and a body",            GET, says(&sized(b"pong")), status(200), Kept, Same),
        ("a body of no bytes",             GET, says(&head("200 OK", &["content-length: 0"])), status(200), Kept, Same),
        ("a redirect",                     GET, says(&head("302 Found", &["location: /", "content-length: 0"])), status(302), Kept, Same),
        ("a status without a reason",      GET, says(b"HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n"), status(404), Kept, Same),
        ("an error with a body",           GET, says(&[&head("503 Busy", &["content-length: 5"])[..], b"later"].concat()), status(503), Kept, Same),
        ("an unregistered status",         GET, says(&head("599 Eh", &["content-length: 0"])), status(599), Kept, Same),
        ("ninety fields",                  GET, says(&fields(&ninety)), status(200), Kept, Same),
        ("a thousand fields",              GET, says(&fields(&thousand)), status(200), Kept, Counts(failed(TooLarge))),
        ("a folded field",                 GET, says(b"HTTP/1.1 200 OK\r\nX-List: one,\r\n  two,\r\n\tthree\r\ncontent-length: 4\r\n\r\npong"), status(200), Kept, protocol),
        ("a length on a folded line",      GET, says(b"HTTP/1.1 200 OK\r\ncontent-length:\r\n 4\r\n\r\npong"), status(200), Kept, protocol),
        ("blanks before a colon",          GET, says(b"HTTP/1.1 200 OK\r\nServer \t : x\r\ncontent-length : 4\r\n\r\npong"), status(200), Kept, Same),
        ("names in capitals",              GET, says(b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 4\r\n\r\npong"), status(200), Kept, Same),
        ("one length, sent twice",         GET, says(&[&head("200 OK", &["content-length: 4", "content-length: 4"])[..], b"pong"].concat()), status(200), Kept, protocol),
        // Without a body, whatever the fields are.
        ("204",                            GET, says(&head("204 No Content", &[])), status(204), Kept, Same),
        ("304",                            GET, says(&head("304 Not Modified", &[])), status(304), Kept, Same),
        ("304 with a length",              GET, says(&head("304 Not Modified", &["content-length: 4"])), status(304), Kept, But(New)),
        ("a length, to a HEAD",            HEAD, says(SIZED), status(200), Kept, Same),
        ("chunks, to a HEAD",              HEAD, says(CHUNKED), status(200), Kept, Same),
        // Chunks.
        ("a chunk",                        GET, says(&chunked(b"4\r\npong\r\n0\r\n\r\n")), status(200), Kept, Same),
        ("no chunk but the last",          GET, says(&chunked(b"0\r\n\r\n")), status(200), Kept, Same),
        ("chunks, an extension, trailers", GET, says(&chunked(b"A;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nx: y\r\nz: a\r\n\r\n")), status(200), Kept, Same),
        ("sizes of many digits",           GET, says(&chunked(b"000000000000000000004\r\npong\r\n00000000000000000\r\n\r\n")), status(200), Kept, Same),
        ("codings that end in chunked",    GET, says(&[&head("200 OK", &["transfer-encoding: gzip, chunked"])[..], b"4\r\npong\r\n0\r\n\r\n"].concat()), status(200), Kept, protocol),
        ("chunks and a length",            GET, says(&[&head("200 OK", &["transfer-encoding: chunked", "content-length: 9"])[..], b"4\r\npong\r\n0\r\n\r\n"].concat()), status(200), New, Same),
        // The end of the connection.
        ("a body until the close",         GET, closes(&[UNSIZED, b"all of it"].concat()), status(200), New, Same),
        ("the same, said so",              GET, closes(&[&head("201 Created", &["connection: close"])[..], b"all of it"].concat()), status(201), New, Same),
        ("a body until the half close",    GET, half_closes(&[UNSIZED, b"all of it"].concat()), status(200), New, Same),
        ("HTTP/1.0, until the close",      GET, closes(b"HTTP/1.0 200 OK\r\n\r\nall of it"), status(200), New, Same),
        ("HTTP/1.0 with a length",         GET, says(b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\npong"), status(200), New, Same),
        ("HTTP/1.0 that keeps",            GET, says(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 4\r\n\r\npong"), status(200), Kept, Same),
        ("connection: close",              GET, says(&[&head("200 OK", &["connection: close", "content-length: 4"])[..], b"pong"].concat()), status(200), New, Same),
        ("close among other options",      GET, says(&[&head("200 OK", &["connection: x, Close", "content-length: 4"])[..], b"pong"].concat()), status(200), New, Same),
        ("a close after the answer",       GET, closes(&sized(b"pong")), status(200), New, Same),
        ("a half close after the answer",  GET, half_closes(&sized(b"pong")), status(200), New, Same),
        ("another protocol",               GET, says(&head("101 Switching Protocols", &["upgrade: x", "connection: upgrade"])), status(101), New, Same),
        ("another protocol, half sent",    GET, says(&head("101 Switching Protocols", &[])), status(101), New, Same),
        ("bytes behind the answer",        GET, says(&sized(b"pong!")), status(200), New, But(Kept)),
        ("two answers at once",            GET, says(&[sized(b"pong"), head("500 No", &["content-length: 0"])].concat()), status(200), New, But(Kept)),
        // Slowly.
        ("a head in pieces",               GET, says_slowly(&[b"HTTP/1.", b"1 200 OK\r", b"\ncontent-le", b"ngth: 4\r\n", b"\r\npong"]), status(200), Kept, Same),
        ("a body in pieces",               GET, says_slowly(&[SIZED, b"po", b"ng"]), status(200), Kept, Same),
        ("chunks in pieces",               GET, says_slowly(&[CHUNKED, b"4\r", b"\npo", b"ng\r\n", b"0\r\n", b"\r\n"]), status(200), Kept, Same),
        // Interim answers: the next head is the answer, or the one after it.
        ("103 and the answer",             GET, says(&[head("103 Early Hints", &["link: </x>"]), sized(b"pong")].concat()), status(200), Kept, protocol),
        ("100, 102, later the answer",     GET, says_slowly(&[b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", &sized(b"pong")]), status(200), Kept, protocol),
        ("103 and a close",                GET, closes(&head("103 Early Hints", &[])), failed(Closed), New, protocol),
        // Cut short.
        ("a close without a word",         GET, closes(b""), failed(Closed), New, Same),
        ("a half close without a word",    GET, half_closes(b""), failed(Closed), New, Same),
        ("a reset without a word",         GET, resets(b""), failed(Reset), New, Same),
        ("a close in the head",            GET, closes(b"HTTP/1.1 200 OK\r\ncont"), failed(Closed), New, Same),
        ("a close in a sized body",        GET, closes(&sized(b"po")), failed(Closed), New, Same),
        ("a half close in a sized body",   GET, half_closes(&sized(b"po")), failed(Closed), New, Same),
        ("a close in a chunk",             GET, closes(&chunked(b"4\r\npo")), failed(Closed), New, Same),
        ("a close before the last chunk",  GET, closes(&chunked(b"4\r\npong\r\n")), failed(Closed), New, Same),
        ("a close in the trailers",        GET, closes(&chunked(b"0\r\nx: y\r\n")), failed(Closed), New, Same),
        ("a reset in the head",            GET, resets(b"HTTP/1.1 200 OK\r\ncont"), failed(Reset), New, Same),
        ("a reset in a sized body",        GET, resets(&sized(b"po")), failed(Reset), New, Same),
        ("a reset in an endless body",     GET, resets(&[UNSIZED, b"po"].concat()), failed(Reset), New, Same),
        // Too slow.
        ("silence",                        SHORT, says(b""), failed(Timeout), New, Same),
        ("silence in the head",            SHORT, says(b"HTTP/1.1 200 OK\r\ncont"), failed(Timeout), New, Same),
        ("silence in a sized body",        SHORT, says(&sized(b"po")), failed(Timeout), New, Same),
        ("silence in a body of 5 TB",      SHORT, says(&head("200 OK", &["content-length: 5497558138880"])), failed(Timeout), New, Same),
        ("silence in an endless body",     SHORT, says(&[UNSIZED, b"po"].concat()), failed(Timeout), New, Same),
        ("silence after 100",              SHORT, says(&head("100 Continue", &[])), failed(Timeout), New, protocol),
        // Garbage.
        ("a mail server",                  GET, says(b"220 mail ready\r\n"), failed(Protocol), New, Same),
        ("an alert of TLS",                GET, says(b"\x15\x03\x01\x00\x02\x02\x16"), failed(Protocol), New, Same),
        ("an alert of TLS, and a close",   GET, closes(b"\x15\x03\x01\x00\x02\x02\x16"), failed(Protocol), New, Same),
        ("frames of HTTP/2",               GET, says(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"), failed(Protocol), New, Same),
        ("a body where a head should be",  GET, says(b"<!DOCTYPE html><title>no</title>\n"), failed(Protocol), New, Same),
        ("HTTP/2 in words",                GET, says(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"), failed(Protocol), New, Same),
        ("a status of letters",            GET, says(b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n"), failed(Protocol), New, Same),
        ("a status of two digits",         GET, says(b"HTTP/1.1 99 OK\r\ncontent-length: 0\r\n\r\n"), failed(Protocol), New, Same),
        ("a name that is none",            GET, says(&head("200 OK", &["a b: c", "content-length: 0"])), failed(Protocol), New, Same),
        ("a length that is none",          GET, says(&head("200 OK", &["content-length: four"])), failed(Protocol), New, Same),
        ("a length below zero",            GET, says(&head("200 OK", &["content-length: -1"])), failed(Protocol), New, Same),
        ("two lengths",                    GET, says(&[&head("200 OK", &["content-length: 4", "content-length: 5"])[..], b"pong!"].concat()), failed(Protocol), New, Same),
        ("a chunk's size that is none",    GET, says(&chunked(b"zz\r\n")), failed(Protocol), New, Same),
        ("a chunk longer than it says",    GET, says(&chunked(b"3\r\npong\r\n0\r\n\r\n")), failed(Protocol), New, Same),
        // Oversized.
        ("a field of 400 kB",              GET, says(&[b"HTTP/1.1 200 OK\r\nx: ", &[b'a'; 400_000][..]].concat()), failed(TooLarge), New, Same),
        ("a length past 64 bits",          GET, says(&head("200 OK", &["content-length: 99999999999999999999"])), failed(TooLarge), New, protocol),
        ("a chunk's size past 64 bits",    GET, says(&chunked(b"f0000000000000000\r\n")), failed(TooLarge), New, protocol),
    ];
    table
        .into_iter()
        .map(|(name, request, does, outcome, next, awc)| Row { name, request, does, outcome, next, awc })
        .collect()
}
