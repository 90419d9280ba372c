//! What a session reports of itself, for its caller to count.

use crate::start_at::Nanos;

/// Receives what ends within a session.
pub trait Notes {
    /// A pass through a group ended.
    fn grouped(&mut self, group: u16, pass: Pass);
    /// A poll ended.
    fn polled(&mut self, poll: u16, pass: Pass);
}

/// A pass through a group, or a poll, that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// When its last answer came.
    pub at: Nanos,
    /// Whether it began in the warm-up.
    pub warmup: bool,
    /// How long it took; `None`: it failed.
    pub response: Option<Nanos>,
}

/// A session that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// How it ended.
    pub end: End,
    /// When its last answer came; where none did, when it began.
    pub at: Nanos,
    /// Whether any answer came, expected or not.
    pub answered: bool,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// No step failed: due time to last byte, less what it thought or waited for an `at`.
    Completed(Nanos),
    /// A step failed: the first one that did, by its index among the names of the scenario's steps.
    Failed(u32),
    /// We ended it, and no step had failed: the step that it would have come to.
    Abandoned(u32),
}
