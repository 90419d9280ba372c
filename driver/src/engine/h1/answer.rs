//! One answer's bytes, as they come: where its head ends, where its body does, when it is whole. Pure: it knows no
//! socket and no clock, and comes to the same end however the bytes are split.

use common::counters::ErrorKind;

use super::chunks::Chunks;
use super::head::{Framing, MAX_HEAD_BYTES, parse, whole_head};
use super::location::location_in;
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
    /// The bytes of its body are wanted, and not only their number.
    pub wants_body: bool,
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

    /// Takes the next bytes, and passes on those of the body, without their framing, where they are wanted. After
    /// [`ReadStep::Whole`] or an error it is to be [`AnswerReader::reset`].
    ///
    /// # Errors
    /// `protocol` where the bytes are not the HTTP/1 that we accept, `too_large` where a head is longer than
    /// [`MAX_HEAD_BYTES`] or a length does not fit 64 bits. A body may have any length: it is counted, not kept.
    #[inline]
    pub fn take_with(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<ReadStep, ErrorKind> {
        let wants_body = self.to.wants_body;
        // Where `body` does nothing, as that of a load does, the compiler removes this altogether.
        let mut pass = |data: &[u8]| {
            if wants_body && !data.is_empty() {
                body(data);
            }
        };
        let step = self.advance(bytes, &mut pass);
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

    fn advance(&mut self, bytes: &[u8], pass: &mut impl FnMut(&[u8])) -> Result<ReadStep, ErrorKind> {
        let mut used = 0;
        if matches!(self.body, Body::Head) {
            match self.head(bytes)? {
                None => return Ok(ReadStep::More),
                Some(length) => used = length,
            }
        }
        self.body(bytes, used, pass)
    }

    /// Reads heads up to the answer's own; returns how many of `bytes` they took, `None` where more is to come.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, ErrorKind> {
        let mut used = 0;
        loop {
            let kept = self.partial.len();
            let head = if kept == 0 {
                // Nearly always the head is whole at once, and nothing is copied.
                match whole_head(&bytes[used..], self.to.head_only)? {
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
                match whole_head(&self.partial, self.to.head_only)? {
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
