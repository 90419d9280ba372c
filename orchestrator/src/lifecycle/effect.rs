//! What a test's life asks its caller to do.

use common::ids::{Epoch, NodeId};
use common::wire::StepsOf;

use crate::model::StepsView;
use crate::participant::EndedBy;
use crate::refusal::CommandError;

/// An action for the caller. Effects are carried out in the order in which they are returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Publish the config of this revision.
    PublishConfig {
        /// Counts from 1.
        revision: u32,
    },
    PublishTrigger {
        /// Unix ms; where classic drivers alone take part they ignore it.
        start_at_ms: u64,
        revision: u32,
    },
    PublishStop,
    /// Ask these drivers to run setup or teardown.
    AskSteps {
        run: StepsOf,
        drivers: Vec<NodeId>,
    },
    /// What setup or teardown came to so far.
    StepsChanged(StepsOf, Box<StepsView>),
    /// The barrier succeeded or failed: answer the request that triggered the test.
    Answer(Result<(), CommandError>),
    /// The state changed, or another event happened that belongs in the timeline.
    Note {
        /// Name of the event in snake_case.
        what: &'static str,
        /// The driver that it is about; `None`: it is about several, or about none.
        driver: Option<NodeId>,
        /// A sentence; may be empty.
        detail: String,
    },
    /// A participant's part is over, although it did not report its end.
    PartEnded(NodeId, Option<Epoch>, EndedBy),
    /// A lost participant is back.
    PartBack(NodeId, Option<Epoch>),
    /// A classic driver sends heartbeats and has sent no report yet.
    Silent(NodeId),
    /// A classic driver did not receive the trigger.
    Deaf(NodeId),
    /// The participants changed since the trigger chose them.
    Rechosen,
    /// The test is over; judge it.
    Finish,
}

impl Effect {
    /// A note about the test as a whole.
    pub(super) fn note(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Note { what, driver: None, detail: detail.into() }
    }

    /// A note about one driver.
    pub(super) fn note_of(driver: &NodeId, what: &'static str, detail: String) -> Self {
        Self::Note { what, driver: Some(driver.clone()), detail }
    }
}
