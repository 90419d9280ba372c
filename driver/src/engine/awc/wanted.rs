//! Passes the head and the body of one attempt's answer on, where they are wanted.
//!
//! awc returns the body of an answer whose head frames it. An answer of HTTP/1.1 that ends with its connection it takes
//! for an empty one: what it had read behind the head is lost with its buffer, and the rest is still in the socket. Of
//! a head it returns the fields in no order. So what the socket brings is kept until awc returns the head: the head,
//! and the beginning of such a body, are taken from there.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

use crate::engine::{AnswerReader, AnswerSink, AnswerTo};

/// What of an answer is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wants {
    pub head: bool,
    pub body: bool,
    /// Most bytes of a body that is wanted; `None`: any number.
    pub max_body: Option<u32>,
}

impl Wants {
    /// Whether anything is.
    pub fn anything(self) -> bool {
        self.head || self.body
    }
}

#[derive(Debug)]
pub struct Wanted {
    wants: Wants,
    sink: AnswerSink,
    /// What came with the head: no more than awc reads before it has one whole, some 128 KiB.
    early: RefCell<Option<Vec<u8>>>,
    /// How many more bytes of the body may come.
    left: Cell<u64>,
    is_too_large: Cell<bool>,
}

impl Wanted {
    /// Nothing was read yet.
    pub fn new(wants: Wants, sink: AnswerSink) -> Self {
        Self {
            wants,
            sink,
            early: RefCell::new(Some(Vec::new())),
            left: Cell::new(wants.max_body.map_or(u64::MAX, u64::from)),
            is_too_large: Cell::new(false),
        }
    }

    /// Notes bytes that the socket brought, as long as the head is not whole.
    pub fn came(&self, bytes: &[u8]) {
        if let Some(early) = &mut *self.early.borrow_mut() {
            early.extend_from_slice(bytes);
        }
    }

    /// The head is whole, and the answer not an interim one: passes it on.
    pub fn head(&self, status: u16) {
        if !self.wants.head {
            return;
        }
        let early = self.early.borrow();
        let early = early.as_deref().unwrap_or_default();
        if let Some(length) = head_length(early) {
            self.sink.head(status, Bytes::copy_from_slice(&early[..length]));
        }
    }

    /// The head is whole, and awc returns the body.
    pub fn is_framed(&self) {
        *self.early.borrow_mut() = None;
    }

    /// The head is whole, and awc ignores the body: passes on what came with the head.
    pub fn is_ignored(&self) {
        let early = self.early.take().unwrap_or_default();
        let mut reader = AnswerReader::new(AnswerTo { wants_body: true, ..AnswerTo::default() });
        // It does not fail: awc has found the head to be one.
        let _ = reader.take_with(&early, &mut |bytes: &[u8]| self.pass(Bytes::copy_from_slice(bytes)));
    }

    /// Passes the next piece of the body on.
    pub fn pass(&self, mut piece: Bytes) {
        if !self.wants.body {
            return;
        }
        let left = self.left.get();
        if piece.len() as u64 > left {
            self.is_too_large.set(true);
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.left.set(left - piece.len() as u64);
        self.sink.push(piece);
    }

    /// Whether the body is longer than it may be, by a length in the head or by what came.
    pub fn is_too_large(&self, length: Option<u64>) -> bool {
        self.wants.body && (self.is_too_large.get() || length.is_some_and(|length| length > self.left.get()))
    }
}

/// The length of the head that these bytes begin with, its empty line included.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let (mut line, mut has_begun) = (0, false);
    memchr::memchr_iter(b'\n', bytes).find_map(|end| {
        let is_empty = matches!(&bytes[line..end], b"" | b"\r");
        line = end + 1;
        // Servers may send empty lines before a head.
        let is_end = is_empty && has_begun;
        has_begun |= !is_empty;
        is_end.then_some(line)
    })
}
