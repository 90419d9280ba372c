//! Who receives the parts of an answer that are wanted: its head, then its body.

use crate::engine::{Ends, Place};
use crate::scenario::answer::Field;

/// Receives the parts of one answer, as they come.
pub trait Parts {
    /// The head, where it is wanted; once, and before any of the body.
    fn head(&mut self, status: u16, fields: &[Field<'_>]);

    /// The next bytes of the body, without their framing, where they are wanted.
    fn body(&mut self, bytes: &[u8]);
}

/// A closure receives the body alone.
impl<F: FnMut(&[u8])> Parts for F {
    #[inline]
    fn head(&mut self, _: u16, _: &[Field<'_>]) {}

    #[inline]
    fn body(&mut self, bytes: &[u8]) {
        self(bytes);
    }
}

/// Passes the parts of the answer to the attempt at a place to those who receive its end.
pub(super) struct PartsOf<'a, E> {
    pub place: Place,
    pub ends: &'a mut E,
}

impl<E: Ends> Parts for PartsOf<'_, E> {
    #[inline]
    fn head(&mut self, status: u16, fields: &[Field<'_>]) {
        self.ends.head(self.place, status, fields);
    }

    #[inline]
    fn body(&mut self, bytes: &[u8]) {
        self.ends.body(self.place, bytes);
    }
}
