//! What a driver hears and does, as `life` takes and tells it.

use common::ids::{Epoch, TestId};
use common::plan::{Plan, Share};
use common::wire::{ClassicConfig, DriverState, TestConfig, Trigger};

#[cfg(doc)]
use crate::settings::Habits;

/// Tells one config that was heard from every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Who leads a test, and what it says is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Lead {
    /// Our orchestrator.
    Ours {
        /// Counts the configs of one test.
        revision: u32,
        /// The orchestrator's epoch.
        epoch: Epoch,
        /// What to do.
        plan: Box<Plan>,
        /// How much of it is ours.
        share: Share,
    },
    /// An orchestrator of ours that speaks another protocol: the driver refuses it, for it cannot know what is meant.
    OtherProtocol {
        /// Counts the configs of one test.
        revision: u32,
        /// The orchestrator's epoch.
        epoch: Epoch,
    },
    /// Somebody else's orchestrator.
    Classic(ClassicConfig),
}

/// A config that concerns this driver.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Names this config.
    pub ticket: Ticket,
    /// Which test.
    pub test_id: TestId,
    /// Who leads.
    pub lead: Lead,
}

impl Candidate {
    /// The revision, where our orchestrator leads.
    pub fn revision(&self) -> Option<u32> {
        match self.lead {
            Lead::Ours { revision, .. } | Lead::OtherProtocol { revision, .. } => Some(revision),
            Lead::Classic(_) => None,
        }
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.lead, Lead::Ours { .. } | Lead::OtherProtocol { .. })
    }
}

/// What happens to a driver.
#[derive(Debug)]
pub enum Input {
    /// A `test_config` record was read.
    Config {
        /// The record.
        config: Box<TestConfig>,
        /// Kafka's timestamp of it, Unix ms.
        timestamp_ms: Option<i64>,
    },
    /// A `trigger` record was read.
    Trigger {
        /// The record.
        trigger: Trigger,
        /// Kafka's timestamp of it, Unix ms.
        timestamp_ms: Option<i64>,
    },
    /// A candidate was checked: it can be run, perhaps with a warning, or not and why.
    Checked(Ticket, Result<Option<String>, String>),
    /// The load is over; its final window was made, and may still wait for Kafka.
    Ended,
    /// Kafka has the final window of a test.
    Reported(TestId),
    /// An orchestrator of ours beat.
    OrchestratorHeard(Epoch),
    /// The driver is told to leave.
    Leave,
    /// Time has passed.
    Tick,
}

/// What a driver is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Look whether this can be run, and tell by [`Input::Checked`].
    Check(Box<Candidate>),
    /// Tell the orchestrator at once.
    Answer(Answer),
    /// Start the load; tell its end by [`Input::Ended`].
    Start {
        /// What.
        candidate: Box<Candidate>,
        /// When, Unix ms by the orchestrator's clock; `None`: now.
        start_at_ms: Option<u64>,
    },
    /// Stop the load.
    Stop(&'static str),
    /// Register again, for a classic orchestrator that waits for it after its trigger.
    Register,
    /// Say that a classic test is over, beyond its last report: for an orchestrator that waits for it.
    SayOver(Over),
    /// Nothing runs and nothing will: the driver may leave.
    Left,
    /// Something was heard and is not acted on; for the log.
    Ignored {
        /// Of which test.
        test_id: TestId,
        /// Why.
        why: &'static str,
    },
}

/// How the end of a classic test is said, as [`Habits`] asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Which test.
    pub test_id: TestId,
    /// A bare word on the metrics topic.
    pub word: Option<String>,
    /// A heartbeat `"NO"`.
    pub no: bool,
}

/// What a driver says of itself in its heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What it does.
    pub state: DriverState,
    /// Why it refused.
    pub reason: Option<String>,
    /// With `ready`: what should be known before the test begins.
    pub warning: Option<String>,
    /// Which test.
    pub test_id: Option<TestId>,
    /// Which config of that test.
    pub revision: Option<u32>,
}

impl Answer {
    /// Waits for a test.
    pub fn idle() -> Self {
        Self { state: DriverState::Idle, reason: None, warning: None, test_id: None, revision: None }
    }

    pub(super) fn of(state: DriverState, candidate: &Candidate) -> Self {
        let (test_id, revision) = (Some(candidate.test_id.clone()), candidate.revision());
        Self { state, reason: None, warning: None, test_id, revision }
    }
}
