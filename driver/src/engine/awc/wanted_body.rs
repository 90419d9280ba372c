//! Passes the body of one attempt's answer on, where it is wanted.
//!
//! awc returns the body of an answer whose head frames it. An answer of HTTP/1.1 that ends with its connection it takes
//! for an empty one: what it had read behind the head is lost with its buffer, and the rest is still in the socket. So
//! what the socket brings is kept until awc returns the head, and the beginning of such a body is taken from there.

use std::cell::RefCell;

use bytes::Bytes;

use crate::engine::{AnswerReader, AnswerTo, BodySink};

#[derive(Debug)]
pub struct WantedBody {
    sink: BodySink,
    /// What came with the head: no more than awc reads before it has one whole, some 128 KiB.
    early: RefCell<Option<Vec<u8>>>,
}

impl WantedBody {
    /// Nothing was read yet.
    pub fn new(sink: BodySink) -> Self {
        Self { sink, early: RefCell::new(Some(Vec::new())) }
    }

    /// Notes bytes that the socket brought, as long as the head is not whole.
    pub fn came(&self, bytes: &[u8]) {
        if let Some(early) = &mut *self.early.borrow_mut() {
            early.extend_from_slice(bytes);
        }
    }

    /// The head is whole, and awc returns the body.
    pub fn is_framed(&self) {
        *self.early.borrow_mut() = None;
    }

    /// The head is whole, and awc ignores the body: passes on what came with the head.
    pub fn is_ignored(&self) {
        let early = self.early.take().unwrap_or_default();
        let mut reader = AnswerReader::new(AnswerTo { head_only: false, wants_body: true });
        // It does not fail: awc has found the head to be one.
        let _ = reader.take_with(&early, &mut |bytes: &[u8]| self.pass(Bytes::copy_from_slice(bytes)));
    }

    /// Passes the next piece on.
    pub fn pass(&self, piece: Bytes) {
        self.sink.push(piece);
    }
}
