//! One answer's bytes, as they come: where its head ends, how its body is framed, when it is whole. Pure: it
//! knows no socket and no clock, and comes to the same end however the bytes are split.

use std::mem::MaybeUninit;

use common::counters::ErrorKind;
use httparse::{Header, ParserConfig, Response, Status};

use super::chunks::Chunks;
use super::location::location_in;
use super::wants::{WORTH_SKIPPING_BYTES, Wants};

/// Longest head, in bytes, each interim one (1xx) too; a longer one is `too_large`.
pub const MAX_HEAD_BYTES: usize = 128 << 10;
/// Fields of a head that there is room for without an allocation; a head with more is parsed once more, with room for
/// as many as it has lines. Only the size of a head is limited.
const USUAL_FIELDS: usize = 96;
/// Bytes of one read that may bring a head. What a large body brings beyond these is discarded instead of copied.
const HEAD_READ_BYTES: usize = 16 << 10;

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

/// What a head means for its answer and its connection.
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

/// Reads answers, one after the other.
#[derive(Debug)]
pub struct Answer {
    /// The request was a HEAD: no answer has a body, whatever its fields are.
    head_only: bool,
    /// The bytes of a head that is not whole.
    partial: Vec<u8>,
    body: Body,
    status: u16,
    keeps: bool,
    received: u64,
    /// Where the first redirect among the answers points.
    location: Option<String>,
}

impl Answer {
    /// Reads an answer to a HEAD, or to anything else.
    pub fn new(head_only: bool) -> Self {
        Self {
            head_only,
            partial: Vec::new(),
            body: Body::Head,
            status: 0,
            keeps: false,
            received: 0,
            location: None,
        }
    }

    /// Where the first redirect among its answers points.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Forgets the last answer, whole or not. The next one is to a HEAD, or to anything else.
    #[inline]
    pub fn reset(&mut self, head_only: bool) {
        self.head_only = head_only;
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
    /// `protocol` where the bytes are not the HTTP/1 that we accept, `too_large` where a head is longer than
    /// [`MAX_HEAD_BYTES`] or a length does not fit 64 bits. A body may have any length: it is counted, not kept.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) -> Result<Progress, ErrorKind> {
        let progress = self.advance(bytes);
        let used = if let Ok(Progress::Whole(whole)) = &progress { whole.used } else { bytes.len() };
        self.received += used as u64;
        progress
    }

    /// How the next bytes are best read.
    #[inline]
    pub fn wants(&self) -> Wants {
        match &self.body {
            Body::Head => Wants::Bytes(HEAD_READ_BYTES),
            // Ask for one byte more than the body has: if it comes, data follows the answer that belongs to no
            // request, and no other read is needed to know.
            Body::Sized(left) if *left >= WORTH_SKIPPING_BYTES => Wants::Skip(left.saturating_add(1)),
            Body::Sized(_) => Wants::Bytes(usize::MAX),
            Body::Chunked(chunks) => chunks.wants(),
            Body::UntilClose => Wants::Skip(u64::MAX),
        }
    }

    /// Counts bytes that were discarded, no more than [`Answer::wants`] allowed.
    pub fn skip(&mut self, n_bytes: u64) -> Progress {
        let (whole, taken) = match &mut self.body {
            Body::Sized(left) => {
                let taken = n_bytes.min(*left);
                *left -= taken;
                (*left == 0, taken)
            }
            Body::Chunked(chunks) => (false, chunks.skip(n_bytes)),
            Body::Head | Body::UntilClose => (false, n_bytes),
        };
        self.received += taken;
        if !whole {
            return Progress::More;
        }
        let used = usize::try_from(taken).unwrap_or(usize::MAX);
        Progress::Whole(Whole { status: self.status, used, keeps: self.keeps })
    }

    /// The peer closed: whether that was the end of the answer.
    ///
    /// # Errors
    /// `closed` where the answer is not whole, `protocol` where its bytes cannot begin one.
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
            if (300..400).contains(&head.status) && self.location.is_none() {
                let whole = if kept == 0 { &bytes[used..] } else { &self.partial[..] };
                self.location = location_in(&whole[..head.length]);
            }
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
    let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    match parse_into(bytes, head_only, &mut usual) {
        Err(httparse::Error::TooManyHeaders) => {
            // Each field takes a line.
            let lines = memchr::memchr_iter(b'\n', bytes).count();
            let mut fields = vec![MaybeUninit::uninit(); lines];
            parse_into(bytes, head_only, &mut fields).unwrap_or(Err(ErrorKind::Protocol))
        }
        parsed => parsed.unwrap_or(Err(ErrorKind::Protocol)),
    }
}

type Parsed = Result<Option<Head>, ErrorKind>;

/// Parses a head into this room for its fields; the outer error is that of its syntax.
fn parse_into<'a>(
    bytes: &'a [u8],
    head_only: bool,
    fields: &mut [MaybeUninit<Header<'a>>],
) -> Result<Parsed, httparse::Error> {
    let mut response = Response::new(&mut []);
    let mut rules = ParserConfig::default();
    // RFC 9112: a client takes a folded field for one with blanks (5.2), and may take a name with blanks behind it
    // for the name (5.1); servers behind lenient proxies send both.
    rules
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true);
    match rules.parse_response_with_uninit_headers(&mut response, bytes, fields)? {
        Status::Complete(length) => Ok(head_of(&response, head_only, length).map(Some)),
        Status::Partial => Ok(Ok(None)),
    }
}

/// Reads the meaning of a parsed head of this length.
fn head_of(response: &Response<'_, '_>, head_only: bool, length: usize) -> Result<Head, ErrorKind> {
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
        _ => fields.framing(),
    };
    // After 101 the protocol changes; with both framings at once (RFC 9112, 6.3) the answer's end is ambiguous.
    let keeps = fields.keeps && status != 101 && !(fields.coding.is_some() && fields.length.is_some());
    Ok(Head { status, keeps, framing, length })
}

/// The fields of a head that concern the body and the connection.
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
            // Lengths are compared first: that rules out nearly every other field, cheaply.
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

    /// Reads a length, which may be repeated with the same value (RFC 9110, 8.6).
    fn length(&mut self, value: &[u8]) -> Result<(), ErrorKind> {
        for token in value.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
                return Err(ErrorKind::Protocol);
            }
            let digit = |sum: u64, byte: &u8| sum.checked_mul(10)?.checked_add(u64::from(byte - b'0'));
            let length = token.iter().try_fold(0, digit).ok_or(ErrorKind::TooLarge)?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return Err(ErrorKind::Protocol);
            }
        }
        Ok(())
    }

    fn framing(&self) -> Framing {
        match (self.coding, self.length) {
            (Some(true), _) => Framing::Chunked,
            (Some(false), _) | (None, None) => Framing::UntilClose,
            (None, Some(length)) => Framing::Sized(length),
        }
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}
