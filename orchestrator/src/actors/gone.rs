//! [`Gone`]: the error of a handle whose messages have no error of their own.

use actix::MailboxError;

use crate::refusal::CommandError;

/// The actor has stopped and does not answer. Actors stop only when their node ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is ending")]
pub struct Gone;

impl From<MailboxError> for Gone {
    fn from(_: MailboxError) -> Self {
        Self
    }
}

impl From<Gone> for CommandError {
    fn from(gone: Gone) -> Self {
        Self::Internal(gone.to_string())
    }
}
