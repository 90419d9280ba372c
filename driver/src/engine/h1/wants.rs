//! How the next bytes of an answer are best read. It knows neither the answer nor its framing.

/// From so many bytes on, the kernel discards a body more cheaply than it copies it.
pub(super) const WORTH_SKIPPING_BYTES: u64 = 4 << 10;

/// What the next bytes of an answer are for: how they are best read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// [`AnswerReader::take`](super::AnswerReader::take) has to see them; more than this number at once gains nothing.
    Bytes(usize),
    /// Their values do not matter: up to this number may be discarded, and counted with
    /// [`AnswerReader::skip`](super::AnswerReader::skip).
    Skip(u64),
}
