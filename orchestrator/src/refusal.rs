//! Why a command was refused. Independent of HTTP: only `http/problem.rs` maps it to a status.

use std::time::Duration;

use common::ids::TestId;

use crate::blocker::Blocker;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// No test with this id exists.
    #[error("test {0} does not exist")]
    NoSuchTest(TestId),
    /// The state of this or another test forbids it.
    #[error("{0}")]
    Conflict(String),
    /// Another test is under way.
    #[error("test {test_id} is {}; one runs at a time", still(*waited))]
    UnderWay {
        test_id: TestId,
        /// How long the command waited for its end.
        waited: Duration,
    },
    /// Drivers are missing or refused.
    #[error("{summary}")]
    Drivers {
        summary: String,
        /// Node id, and why it cannot take part.
        blockers: Vec<(String, Blocker)>,
    },
    /// The plan is valid by itself but cannot be run here.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Plan(Vec<common::plan::Fault>),
    /// The store could not save it; SQLite's message.
    #[error("the orchestrator cannot store it: {0}")]
    NotStored(String),
    /// The orchestrator has only just started; waiting helps.
    #[error("{0}")]
    NotReady(String),
    /// Kafka did not accept a config or a trigger. The drivers received nothing, or receive a stop.
    #[error("kafka did not take it: {0}")]
    NotPublished(String),
    /// The test manager has stopped and does not answer.
    #[error("the node is ending")]
    Stopped,
    /// An internal error; the cause goes to the log.
    #[error("{0}")]
    Internal(String),
}

fn still(waited: Duration) -> String {
    if waited.is_zero() {
        return "under way".to_owned();
    }
    format!("still under way after a wait of {}", common::plan::write_duration(waited))
}
