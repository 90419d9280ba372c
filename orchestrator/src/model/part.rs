//! The words for a driver's part in a test. A report that another version stored may hold further ones: they are read,
//! shown and written again as they are.

use std::ops::Deref;

use common::wire::DriverState;
use serde::{Deserialize, Serialize};

use crate::participant::EndedBy;

/// What a driver does in a test, or how its part ended, in one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Waits for a test.
    Idle,
    /// Holds the config and waits for the trigger.
    Ready,
    /// Will not run the config.
    Refused,
    Running,
    /// Sends no more and waits for answers.
    Draining,
    /// Classic: it sends heartbeats and has sent no report for longer than most need for one.
    Silent,
    /// Its part is over.
    Done,
    /// Its heartbeats stopped, or it ended without a report of its end.
    Lost,
    /// Its heartbeats go on, and its windows do not arrive.
    Overdue,
    /// Classic: it sent no report after the trigger.
    Deaf,
    /// Classic: its load is over, and it goes on sending.
    RunsOn,
    /// The orchestrator that led the test ended first.
    Interrupted,
    /// A word that this version does not write.
    #[serde(untagged)]
    Other(String),
}

impl PartState {
    /// The word in JSON and in texts.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Idle => "idle",
            Self::Ready => "ready",
            Self::Refused => "refused",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Silent => "silent",
            Self::Done => "done",
            Self::Lost => "lost",
            Self::Overdue => "overdue",
            Self::Deaf => "deaf",
            Self::RunsOn => "runs_on",
            Self::Interrupted => "interrupted",
            Self::Other(word) => word,
        }
    }
}

impl From<DriverState> for PartState {
    fn from(state: DriverState) -> Self {
        match state {
            DriverState::Idle => Self::Idle,
            DriverState::Ready => Self::Ready,
            DriverState::Refused => Self::Refused,
            DriverState::Running => Self::Running,
            DriverState::Draining => Self::Draining,
        }
    }
}

/// How a driver's part ended, as reports have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartEnd {
    /// By its final window.
    FinalWindow,
    /// Classic: by `test_status: complete`.
    Status,
    /// Classic: it reported as many requests, or sent as many reports, as its config asked for.
    Count,
    /// Classic: by an end word, or a heartbeat `NO`.
    Word,
    /// Classic: no report, or no further one, arrived.
    Silence,
    /// Its heartbeats stopped, or a later life of the node took its place.
    Lost,
    /// Its heartbeats went on, and its windows did not arrive.
    Overdue,
    /// Classic: its load was over, and it went on sending.
    RunsOn,
    /// The test was stopped.
    Stopped,
    /// The orchestrator that led the test ended.
    Interrupted,
    /// A word that this version does not write.
    #[serde(untagged)]
    Other(String),
}

impl PartEnd {
    /// The word in JSON and in texts.
    pub fn as_str(&self) -> &str {
        match self {
            Self::FinalWindow => "final_window",
            Self::Status => "status",
            Self::Count => "count",
            Self::Word => "word",
            Self::Silence => "silence",
            Self::Lost => "lost",
            Self::Overdue => "overdue",
            Self::RunsOn => "runs_on",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Other(word) => word,
        }
    }
}

impl From<EndedBy> for PartEnd {
    fn from(by: EndedBy) -> Self {
        match by {
            EndedBy::FinalWindow => Self::FinalWindow,
            EndedBy::Status => Self::Status,
            EndedBy::Count => Self::Count,
            EndedBy::Word => Self::Word,
            // The state says which of the two it is.
            EndedBy::Silence | EndedBy::Deaf => Self::Silence,
            EndedBy::Lost => Self::Lost,
            EndedBy::Overdue => Self::Overdue,
            EndedBy::RunsOn => Self::RunsOn,
            EndedBy::Stopped => Self::Stopped,
            EndedBy::Interrupted => Self::Interrupted,
        }
    }
}

/// Each is a word, and is shown and compared as one.
macro_rules! words {
    ($($name:ident)*) => {$(
        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }
    )*};
}

words! { PartState PartEnd }

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check<T>(word: &str, expected: T)
    where
        T: std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Deref<Target = str>,
    {
        let read: T = serde_json::from_value(json!(word)).unwrap();
        assert_eq!(read, expected);
        assert_eq!((&*read, serde_json::to_value(&read).unwrap()), (word, json!(word)));
    }

    #[test]
    fn every_state_has_the_word_that_json_has_and_others_stay_as_they_are() {
        use PartState::{
            Deaf, Done, Draining, Idle, Interrupted, Lost, Overdue, Ready, Refused, Running, RunsOn, Silent,
        };
        let known =
            [Idle, Ready, Refused, Running, Draining, Silent, Done, Lost, Overdue, Deaf, RunsOn, Interrupted];
        for state in known {
            check(&state.clone(), state);
        }
        check("leaving", PartState::Other("leaving".to_owned()));
    }

    #[test]
    fn every_end_has_the_word_that_json_has_and_others_stay_as_they_are() {
        use PartEnd::{
            Count, FinalWindow, Interrupted, Lost, Overdue, RunsOn, Silence, Status, Stopped, Word,
        };
        let known = [FinalWindow, Status, Count, Word, Silence, Lost, Overdue, RunsOn, Stopped, Interrupted];
        for end in known {
            check(&end.clone(), end);
        }
        check("moved", PartEnd::Other("moved".to_owned()));
    }
}
