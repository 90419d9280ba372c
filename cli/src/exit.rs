//! How a command ends: the promised exit codes, and the one line that says why.

use orchestrator::model::Verdict;

/// An exit code of interface.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Passed; or the command did its work.
    Done = 0,
    /// Could not do it.
    CouldNot = 1,
    /// Wrong usage, wrong config or plan.
    Usage = 2,
    Failed = 3,
    /// A driver or windows are missing.
    Incomplete = 4,
    /// The generator was the limit.
    Invalid = 5,
    Aborted = 6,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Done,
            Verdict::Failed => Self::Failed,
            Verdict::Incomplete => Self::Incomplete,
            Verdict::Invalid => Self::Invalid,
            Verdict::Aborted => Self::Aborted,
        }
    }
}

/// Why a command ended early: what people see, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Stop {
    /// The message, without the program's name; one line for each fault.
    pub message: String,
    pub code: ExitCode,
}

impl Stop {
    /// Could not do it (exit 1).
    pub fn could_not(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: ExitCode::CouldNot }
    }

    /// Wrong usage, config or plan (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: ExitCode::Usage }
    }
}
