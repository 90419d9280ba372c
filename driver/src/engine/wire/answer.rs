//! One answer's bytes, as they come: where its head ends, how its body is framed, when it is whole. Pure: it
//! knows no socket and no clock, and comes to the same end however the bytes are split.

use std::mem::MaybeUninit;

use common::counters::ErrorKind;
use httparse::{Header, ParserConfig, Response, Status};

use super::chunks::Chunks;

/// Longest head, in bytes, each interim one (1xx) too; a longer one is `too_large`.
pub const MAX_HEAD_BYTES: usize = 128 << 10;
/// Most fields of a head; one with more is `too_large`.
pub const MAX_FIELDS: usize = 96;
/// Longest answer, heads and body; a longer one is `too_large`.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// How far an answer is after some bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// It is whole.
    Whole(Whole),
}

/// A whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Its status.
    pub status: u16,
    /// How many of the bytes given last belong to it.
    pub used: usize,
    /// Whether its connection may serve again.
    pub keeps: bool,
}

/// How the bytes after a head are counted.
#[derive(Debug)]
enum Body {
    /// The head itself is not whole yet.
    Head,
    /// So many bytes are still to come.
    Sized(u64),
    Chunked(Chunks),
    /// Until the peer closes.
    UntilClose,
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    keeps: bool,
    framing: Framing,
    /// Its length in bytes.
    length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// It is followed by another head.
    Interim,
    Sized(u64),
    Chunked,
    UntilClose,
}

/// Reads answers to one kind of request, one after the other.
#[derive(Debug)]
pub struct Answer {
    /// The request was a HEAD: no answer has a body, whatever it says.
    head_only: bool,
    /// What came of a head that is not whole.
    partial: Vec<u8>,
    body: Body,
    status: u16,
    keeps: bool,
    received: u64,
}

impl Answer {
    /// Reads answers to a HEAD, or to anything else.
    pub fn new(head_only: bool) -> Self {
        Self { head_only, partial: Vec::new(), body: Body::Head, status: 0, keeps: false, received: 0 }
    }

    /// Forgets the last answer, whole or not.
    #[inline]
    pub fn reset(&mut self) {
        self.partial.clear();
        self.body = Body::Head;
        self.received = 0;
    }

    /// Bytes of this answer so far, heads included.
    #[inline]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes the next bytes. After [`Progress::Whole`] or an error it is to be [`Answer::reset`].
    ///
    /// # Errors
    /// `protocol` where this is no HTTP/1 that we understand, `too_large` past one of the limits.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) -> Result<Progress, ErrorKind> {
        let progress = self.advance(bytes);
        let used = if let Ok(Progress::Whole(whole)) = &progress { whole.used } else { bytes.len() };
        self.received += used as u64;
        if self.received > MAX_ANSWER_BYTES { Err(ErrorKind::TooLarge) } else { progress }
    }

    /// The peer closed: whether that was the end of the answer.
    ///
    /// # Errors
    /// `closed` where more was to come, `protocol` where what came is no answer.
    pub fn end(&mut self) -> Result<u16, ErrorKind> {
        match self.body {
            Body::UntilClose => Ok(self.status),
            Body::Head if !self.partial.is_empty() => {
                parse(&self.partial, self.head_only).and(Err(ErrorKind::Closed))
            }
            _ => Err(ErrorKind::Closed),
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Progress, ErrorKind> {
        let mut used = 0;
        if matches!(self.body, Body::Head) {
            match self.head(bytes)? {
                None => return Ok(Progress::More),
                Some(length) => used = length,
            }
        }
        self.body(bytes, used)
    }

    /// Reads heads up to the answer's own; returns how many of `bytes` they took, `None` where more is to come.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, ErrorKind> {
        let mut used = 0;
        loop {
            let kept = self.partial.len();
            let head = if kept == 0 {
                // Nearly always the head is whole at once, and nothing is copied.
                match whole_head(&bytes[used..], self.head_only)? {
                    Some(head) => head,
                    None => {
                        self.partial.extend_from_slice(&bytes[used..]);
                        return Ok(None);
                    }
                }
            } else {
                // No more than can matter: the limit and a byte past it.
                let most = (MAX_HEAD_BYTES + 1).saturating_sub(kept);
                let rest = &bytes[used..];
                self.partial.extend_from_slice(&rest[..rest.len().min(most)]);
                match whole_head(&self.partial, self.head_only)? {
                    Some(head) => head,
                    None => return Ok(None),
                }
            };
            self.partial.clear();
            used += head.length - kept;
            self.status = head.status;
            self.keeps = head.keeps;
            self.body = match head.framing {
                Framing::Interim => {
                    if used == bytes.len() {
                        return Ok(None);
                    }
                    continue;
                }
                Framing::Sized(length) => Body::Sized(length),
                Framing::Chunked => Body::Chunked(Chunks::default()),
                Framing::UntilClose => Body::UntilClose,
            };
            return Ok(Some(used));
        }
    }

    /// Counts body bytes from `used` on.
    fn body(&mut self, bytes: &[u8], used: usize) -> Result<Progress, ErrorKind> {
        let rest = &bytes[used..];
        let (whole, taken) = match &mut self.body {
            Body::Head | Body::UntilClose => (false, rest.len()),
            Body::Sized(left) => {
                let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                (*left == 0, taken)
            }
            Body::Chunked(chunks) => chunks.take(rest)?,
        };
        if !whole {
            return Ok(Progress::More);
        }
        Ok(Progress::Whole(Whole { status: self.status, used: used + taken, keeps: self.keeps }))
    }
}

/// The head that these bytes begin with; `None` where it is not whole.
///
/// A head is judged line by line, so that the end does not depend on how its bytes were split: what follows
/// the last line break is looked at only once the limit is reached.
fn whole_head(bytes: &[u8], head_only: bool) -> Result<Option<Head>, ErrorKind> {
    let too_long = bytes.len() > MAX_HEAD_BYTES;
    let window = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    let lines = match memchr::memrchr(b'\n', window) {
        Some(last) => &window[..=last],
        None => &[],
    };
    match parse(lines, head_only)? {
        None if !may_become_a_head(window) => Err(ErrorKind::Protocol),
        None if too_long => Err(ErrorKind::TooLarge),
        head => Ok(head),
    }
}

/// Whether these bytes begin as a head does, as far as they go: a peer that speaks something else may never send a
/// line break.
fn may_become_a_head(bytes: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let begun = &bytes[blank..];
    let n = begun.len().min(BEGINNING.len());
    begun[..n] == BEGINNING[..n]
}

fn parse(bytes: &[u8], head_only: bool) -> Result<Option<Head>, ErrorKind> {
    let mut fields = [const { MaybeUninit::<Header>::uninit() }; MAX_FIELDS];
    let mut response = Response::new(&mut []);
    let parsed =
        ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(ErrorKind::TooLarge),
        Err(_) => return Err(ErrorKind::Protocol),
    };
    let status = response.code.unwrap_or(0);
    if !(100..=999).contains(&status) {
        return Err(ErrorKind::Protocol);
    }
    let fields = Fields::of(response.headers, response.version == Some(1))?;
    let framing = match status {
        101 => Framing::Sized(0),
        100..=199 => Framing::Interim,
        204 | 304 => Framing::Sized(0),
        _ if head_only => Framing::Sized(0),
        _ => fields.framing()?,
    };
    // After 101 the connection speaks something else; after both framings at once (RFC 9112, 6.3) who knows what.
    let keeps = fields.keeps && status != 101 && !(fields.coding.is_some() && fields.length.is_some());
    Ok(Some(Head { status, keeps, framing, length }))
}

/// What a head's fields say about the body and the connection.
struct Fields {
    keeps: bool,
    length: Option<u64>,
    /// There is a transfer coding; whether the last one is `chunked`.
    coding: Option<bool>,
}

impl Fields {
    fn of(headers: &[Header<'_>], is_1_1: bool) -> Result<Self, ErrorKind> {
        let mut fields = Self { keeps: is_1_1, length: None, coding: None };
        for header in headers {
            // The names that matter are told apart by their lengths first.
            match header.name.len() {
                10 if header.name.eq_ignore_ascii_case("connection") => fields.connection(header.value),
                14 if header.name.eq_ignore_ascii_case("content-length") => fields.length(header.value)?,
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    let last = tokens(header.value).last().unwrap_or_default();
                    fields.coding = Some(last.eq_ignore_ascii_case(b"chunked"));
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    fn connection(&mut self, value: &[u8]) {
        for token in tokens(value) {
            if token.eq_ignore_ascii_case(b"close") {
                self.keeps = false;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keeps = true;
            }
        }
    }

    /// One length, said once or several times alike (RFC 9110, 8.6).
    fn length(&mut self, value: &[u8]) -> Result<(), ErrorKind> {
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
                return Err(ErrorKind::Protocol);
            }
            let digit = |sum: u64, byte: &u8| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
            let length = token.iter().fold(0, digit);
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(ErrorKind::Protocol);
            }
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, ErrorKind> {
        match (self.coding, self.length) {
            (Some(true), _) => Ok(Framing::Chunked),
            (Some(false), _) | (None, None) => Ok(Framing::UntilClose),
            (None, Some(length)) if length > MAX_ANSWER_BYTES => Err(ErrorKind::TooLarge),
            (None, Some(length)) => Ok(Framing::Sized(length)),
        }
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}
