//! An answer's head: what it means for the answer's body and for the connection. Pure.

use std::mem::MaybeUninit;

use common::counters::ErrorKind;
use httparse::{Header, ParserConfig, Response, Status};

/// Longest head, in bytes, each interim one (1xx) too; a longer one is `too_large`.
pub const MAX_HEAD_BYTES: usize = 128 << 10;
/// Fields of a head that there is room for without an allocation; a head with more is parsed once more, with room for
/// as many as it has lines. Only the size of a head is limited.
const USUAL_FIELDS: usize = 96;

/// What a head means for its answer and its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Whether its connection may serve again.
    pub keeps: bool,
    /// How the body is framed that follows it.
    pub framing: Framing,
    /// Its length in bytes.
    pub length: usize,
}

/// How the bytes after a head are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// It is followed by another head.
    Interim,
    /// A body of so many bytes.
    Sized(u64),
    Chunked,
    /// A body that ends when the peer closes.
    UntilClose,
}

/// The head that these bytes begin with; `None` where it is not whole.
///
/// A head is judged line by line, so that the end does not depend on how its bytes were split: what follows
/// the last line break is looked at only once the limit is reached.
///
/// # Errors
/// `protocol` or `too_large`.
#[inline]
pub fn whole_head(bytes: &[u8], head_only: bool) -> Result<Option<Head>, ErrorKind> {
    whole_head_with(bytes, head_only, &mut |_, _| {})
}

/// As [`whole_head`], and gives the fields of the head, unless it is an interim one.
///
/// # Errors
/// As that; then nothing is given.
#[inline]
pub fn whole_head_with(
    bytes: &[u8],
    head_only: bool,
    give: &mut impl FnMut(&Head, &[Header<'_>]),
) -> Result<Option<Head>, ErrorKind> {
    let too_long = bytes.len() > MAX_HEAD_BYTES;
    let window = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
    let lines = match memchr::memrchr(b'\n', window) {
        Some(last) => &window[..=last],
        None => &[],
    };
    match parse_with(lines, head_only, give)? {
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

/// Parses a head, of which these bytes may be the beginning; `None` where it is not whole.
///
/// # Errors
/// `protocol` where they are not, and `too_large` where a length does not fit 64 bits.
pub fn parse(bytes: &[u8], head_only: bool) -> Result<Option<Head>, ErrorKind> {
    parse_with(bytes, head_only, &mut |_, _| {})
}

fn parse_with(
    bytes: &[u8],
    head_only: bool,
    give: &mut impl FnMut(&Head, &[Header<'_>]),
) -> Result<Option<Head>, ErrorKind> {
    let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    match parse_into(bytes, head_only, &mut usual, give) {
        Err(httparse::Error::TooManyHeaders) => {
            // Each field takes a line.
            let lines = memchr::memchr_iter(b'\n', bytes).count();
            let mut fields = vec![MaybeUninit::uninit(); lines];
            parse_into(bytes, head_only, &mut fields, give).unwrap_or(Err(ErrorKind::Protocol))
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
    give: &mut impl FnMut(&Head, &[Header<'_>]),
) -> Result<Parsed, httparse::Error> {
    let mut response = Response::new(&mut []);
    match rules().parse_response_with_uninit_headers(&mut response, bytes, fields)? {
        Status::Complete(length) => {
            let head = head_of(&response, head_only, length);
            if let Ok(head) = &head
                && head.framing != Framing::Interim
            {
                give(head, response.headers);
            }
            Ok(head.map(Some))
        }
        Status::Partial => Ok(Ok(None)),
    }
}

/// What is accepted beyond RFC 9112's grammar. It has a client take a folded field for one with blanks (5.2), and lets it
/// take a name with blanks behind it for the name (5.1); servers behind lenient proxies send both.
#[inline]
pub(super) fn rules() -> ParserConfig {
    let mut rules = ParserConfig::default();
    rules
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true);
    rules
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
