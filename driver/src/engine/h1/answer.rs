//! One answer's bytes, as they come: where its head ends, where its body does, when it is whole. Pure: it knows no
//! socket and no clock, and comes to the same end however the bytes are split.

use common::counters::ErrorKind;

use super::chunks::Chunks;
use super::fields::give_fields;
use super::head::{Framing, MAX_HEAD_BYTES, parse, whole_head, whole_head_with};
use super::location::location_in;
use super::parts::Parts;
use super::wants::{WORTH_SKIPPING_BYTES, Wants};

/// Bytes of one read that may bring a head. What a large body brings beyond these is discarded instead of copied.
const HEAD_READ_BYTES: usize = 16 << 10;

/// How far an answer is after some bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadStep {
    /// More is to come.
    More,
    Whole(Whole),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    pub status: u16,
    /// How many of the bytes given last belong to it.
    pub used: usize,
    /// Whether its connection may serve again.
    pub keeps: bool,
}

/// What of a request matters for how its answer is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnswerTo {
    /// The request was a HEAD: no answer has a body, whatever its fields are.
    pub head_only: bool,
    /// Its head is wanted.
    pub wants_head: bool,
    /// The bytes of its body are wanted, and not only their number.
    pub wants_body: bool,
    /// Most bytes of a body that is wanted; a longer one is `too_large`. `None`: any number.
    pub max_body: Option<u32>,
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

/// Reads answers, one after the other.
#[derive(Debug)]
pub struct AnswerReader {
    to: AnswerTo,
    /// The bytes of a head that is not whole.
    partial: Vec<u8>,
    body: Body,
    status: u16,
    keeps: bool,
    received: u64,
    /// Bytes of the body that were passed on.
    passed: u64,
    /// Where the first redirect among the answers points.
    location: Option<String>,
}

impl AnswerReader {
    /// Reads an answer to such a request.
    pub fn new(to: AnswerTo) -> Self {
        Self {
            to,
            partial: Vec::new(),
            body: Body::Head,
            status: 0,
            keeps: false,
            received: 0,
            passed: 0,
            location: None,
        }
    }

    /// Where the first redirect among its answers points.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Forgets the last answer, whole or not. The next one is to such a request.
    #[inline]
    pub fn reset(&mut self, to: AnswerTo) {
        self.to = to;
        self.partial.clear();
        self.body = Body::Head;
        self.received = 0;
        self.passed = 0;
    }

    /// Bytes of this answer so far, heads included.
    #[inline]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// As [`AnswerReader::take_with`], for a body that is not wanted.
    ///
    /// # Errors
    /// As that.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) -> Result<ReadStep, ErrorKind> {
        self.take_with(bytes, &mut |_: &[u8]| {})
    }

    /// Takes the next bytes, and passes on the head and the bytes of the body, without their framing, where they are
    /// wanted. After [`ReadStep::Whole`] or an error it is to be [`AnswerReader::reset`].
    ///
    /// # Errors
    /// `protocol` where the bytes are not the HTTP/1 that we accept, `too_large` where a head is longer than
    /// [`MAX_HEAD_BYTES`], a length does not fit 64 bits, or a body that is wanted is longer than
    /// [`AnswerTo::max_body`]. A body that is not wanted may have any length: it is counted, not kept.
    #[inline]
    pub fn take_with(&mut self, bytes: &[u8], parts: &mut impl Parts) -> Result<ReadStep, ErrorKind> {
        let step = self.advance(bytes, parts);
        let used = if let Ok(ReadStep::Whole(whole)) = &step { whole.used } else { bytes.len() };
        self.received += used as u64;
        step
    }

    /// How the next bytes are best read.
    #[inline]
    pub fn wants(&self) -> Wants {
        match &self.body {
            Body::Head => Wants::Bytes(HEAD_READ_BYTES),
            _ if self.to.wants_body => Wants::Bytes(usize::MAX),
            // Ask for one byte more than the body has: if it comes, data follows the answer that belongs to no
            // request, and no other read is needed to know.
            Body::Sized(left) if *left >= WORTH_SKIPPING_BYTES => Wants::Skip(left.saturating_add(1)),
            Body::Sized(_) => Wants::Bytes(usize::MAX),
            Body::Chunked(chunks) => chunks.wants(),
            Body::UntilClose => Wants::Skip(u64::MAX),
        }
    }

    /// Counts bytes that were discarded, no more than [`AnswerReader::wants`] allowed.
    pub fn skip(&mut self, n_bytes: u64) -> ReadStep {
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
            return ReadStep::More;
        }
        let used = usize::try_from(taken).unwrap_or(usize::MAX);
        ReadStep::Whole(Whole { status: self.status, used, keeps: self.keeps })
    }

    /// The peer closed: whether that was the end of the answer.
    ///
    /// # Errors
    /// `closed` where the answer is not whole, `protocol` where its bytes cannot begin one.
    pub fn end(&mut self) -> Result<u16, ErrorKind> {
        match self.body {
            Body::UntilClose => Ok(self.status),
            Body::Head if !self.partial.is_empty() => {
                parse(&self.partial, self.to.head_only).and(Err(ErrorKind::Closed))
            }
            _ => Err(ErrorKind::Closed),
        }
    }

    #[inline]
    fn advance(&mut self, bytes: &[u8], parts: &mut impl Parts) -> Result<ReadStep, ErrorKind> {
        let mut used = 0;
        if matches!(self.body, Body::Head) {
            match self.head(bytes, parts)? {
                None => return Ok(ReadStep::More),
                Some(length) => used = length,
            }
        }
        if !self.to.wants_body {
            return self.body(bytes, used, &mut |_: &[u8]| {});
        }
        let mut left = self.may_pass();
        if let Body::Sized(length) = self.body
            && length > left
        {
            return Err(ErrorKind::TooLarge);
        }
        let mut is_too_large = false;
        let mut pass = |data: &[u8]| {
            let n = data.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            is_too_large |= n < data.len();
            left -= n as u64;
            if n > 0 {
                parts.body(&data[..n]);
            }
        };
        let step = self.body(bytes, used, &mut pass)?;
        self.passed += self.may_pass() - left;
        if is_too_large { Err(ErrorKind::TooLarge) } else { Ok(step) }
    }

    /// How many more bytes of a body that is wanted may come.
    fn may_pass(&self) -> u64 {
        self.to.max_body.map_or(u64::MAX, u64::from).saturating_sub(self.passed)
    }

    /// Reads heads up to the answer's own; returns how many of `bytes` they took, `None` where more is to come.
    fn head(&mut self, bytes: &[u8], parts: &mut impl Parts) -> Result<Option<usize>, ErrorKind> {
        let mut used = 0;
        loop {
            let kept = self.partial.len();
            let to = self.to;
            let mut read = |bytes: &[u8]| match to.wants_head {
                false => whole_head(bytes, to.head_only),
                true => whole_head_with(bytes, to.head_only, &mut |head, headers| {
                    let head_bytes = bytes.get(..head.length).unwrap_or(bytes);
                    give_fields(head_bytes, headers, |fields| parts.head(head.status, fields));
                }),
            };
            let head = if kept == 0 {
                // Nearly always the head is whole at once, and nothing is copied.
                match read(&bytes[used..])? {
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
                match read(&self.partial)? {
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

    /// Counts body bytes from `used` on, and passes them on.
    fn body(
        &mut self,
        bytes: &[u8],
        used: usize,
        pass: &mut impl FnMut(&[u8]),
    ) -> Result<ReadStep, ErrorKind> {
        let rest = &bytes[used..];
        let (whole, taken) = match &mut self.body {
            Body::Head | Body::UntilClose => {
                pass(rest);
                (false, rest.len())
            }
            Body::Sized(left) => {
                let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                pass(&rest[..taken]);
                (*left == 0, taken)
            }
            Body::Chunked(chunks) => chunks.take(rest, pass)?,
        };
        if !whole {
            return Ok(ReadStep::More);
        }
        Ok(ReadStep::Whole(Whole { status: self.status, used: used + taken, keeps: self.keeps }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::answer::Field;

    /// What was passed on, in its order: a head as its status and its fields, and pieces of a body.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Passed {
        heads: Vec<(u16, String)>,
        body: Vec<u8>,
    }

    impl Parts for Passed {
        fn head(&mut self, status: u16, fields: &[Field<'_>]) {
            assert!(self.body.is_empty(), "a head comes before its body");
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let line = |field: &Field<'_>| format!("{}={};", text(field.name), text(field.value));
            self.heads.push((status, fields.iter().map(line).collect()));
        }

        fn body(&mut self, bytes: &[u8]) {
            self.body.extend_from_slice(bytes);
        }
    }

    const WANTED: AnswerTo =
        AnswerTo { head_only: false, wants_head: true, wants_body: true, max_body: Some(6) };

    /// Reads an answer in pieces of each size.
    #[track_caller]
    fn check(answer: &str, outcome: Result<u16, ErrorKind>, heads: &[(u16, &str)], body: &str) {
        let heads: Vec<_> = heads.iter().map(|(status, fields)| (*status, (*fields).to_owned())).collect();
        for size in 1..=answer.len() {
            let (mut reader, mut passed) = (AnswerReader::new(WANTED), Passed::default());
            let end =
                answer.as_bytes().chunks(size).find_map(|piece| match reader.take_with(piece, &mut passed) {
                    Ok(ReadStep::More) => None,
                    Ok(ReadStep::Whole(whole)) => Some(Ok(whole.status)),
                    Err(kind) => Some(Err(kind)),
                });
            assert_eq!(end.unwrap_or_else(|| reader.end()), outcome, "in pieces of {size}: {answer}");
            assert_eq!(passed.heads, heads, "in pieces of {size}: {answer}");
            if outcome.is_ok() {
                assert_eq!(passed.body, body.as_bytes(), "in pieces of {size}: {answer}");
            } else {
                assert!(body.as_bytes().starts_with(&passed.body), "in pieces of {size}: {answer}");
            }
        }
    }

    #[test]
    fn the_head_of_the_final_answer_is_passed_on_once_however_its_bytes_are_split() {
        let sized = "HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 6\r\n\r\nabcdef";
        let fields = "A=1;a=2;Content-Length=6;";
        check(sized, Ok(200), &[(200, fields)], "abcdef");
        let interim = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
        check(&format!("{interim}{sized}"), Ok(200), &[(200, fields)], "abcdef");
        check("HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", Ok(101), &[(101, "upgrade=x;")], "");
        check("HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", Ok(304), &[(304, "etag=x;")], "");
        check("HTTP/1.0 200 OK\r\n\r\nabc", Ok(200), &[(200, "")], "abc");
    }

    #[test]
    fn a_body_longer_than_its_limit_is_too_large_and_no_more_than_the_limit_is_passed_on() {
        let too_large = Err(ErrorKind::TooLarge);
        let head = [(200, "content-length=7;")];
        check("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nabcdefg", too_large, &head, "");
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let head = [(200, "transfer-encoding=chunked;")];
        check(&format!("{chunked}4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n"), Ok(200), &head, "abcdef");
        check(&format!("{chunked}4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"), too_large, &head, "abcdef");
        check("HTTP/1.1 200 OK\r\n\r\nabcdefg", too_large, &[(200, "")], "abcdef");
    }

    #[test]
    fn the_limit_is_each_answers_own_and_only_of_bodies_that_are_wanted() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef";
        let mut reader = AnswerReader::new(WANTED);
        for _ in 0..3 {
            assert!(matches!(reader.take(answer), Ok(ReadStep::Whole(_))));
            reader.reset(WANTED);
        }
        let longer = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nabcdefg";
        reader.reset(AnswerTo { wants_body: false, ..WANTED });
        assert!(matches!(reader.take(longer), Ok(ReadStep::Whole(_))));
    }
}
