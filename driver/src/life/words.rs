//! The inputs and outputs of `life`.

use std::sync::Arc;

use common::ids::{Epoch, TestId};
use common::plan::{Plan, RateChange, Share};
use common::wire::{
    ChangeRate, ClassicConfig, DriverState, RateApplied, StepsAsk, StepsOf, StepsReport, TestConfig, Trigger,
};

#[cfg(doc)]
use crate::settings::Habits;

/// Identifies one received config; a later one has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which kind of orchestrator leads a test, and what it asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Lead {
    Ours {
        /// Counts the configs of one test.
        revision: u32,
        epoch: Epoch,
        plan: Box<Plan>,
        /// How much of it is ours.
        share: Share,
    },
    /// One of our orchestrators, of another protocol version: the driver refuses its tests.
    OtherProtocol {
        /// Counts the configs of one test.
        revision: u32,
        epoch: Epoch,
    },
    /// An orchestrator of another make.
    Classic(ClassicConfig),
}

/// A config that concerns this driver.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub ticket: Ticket,
    pub test_id: TestId,
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
        config: Box<TestConfig>,
        /// Kafka's timestamp of it, Unix ms.
        timestamp_ms: Option<i64>,
    },
    /// A `trigger` record was read.
    Trigger {
        trigger: Trigger,
        /// Kafka's timestamp of it, Unix ms.
        timestamp_ms: Option<i64>,
    },
    /// A record was read that changes the rate of a running test.
    ChangeRate(ChangeRate),
    /// The change of the running test's rate was given to its workers.
    RateChanged(RateApplied),
    /// A candidate was checked: it can be run, perhaps with a warning, or not and why.
    Checked(Ticket, Result<Option<String>, String>),
    /// The load is over; its final window was made, and may still wait for Kafka.
    Ended,
    /// Kafka has the final window of a test.
    Reported(TestId),
    /// A heartbeat of one of our orchestrators was received.
    OrchestratorSeen(Epoch),
    /// One of our orchestrators asks drivers to run setup or teardown.
    Asked(Epoch, Box<StepsAsk>),
    /// Setup or teardown is over.
    StepsEnded(Box<StepsReport>),
    /// The driver is shut down.
    Leave,
    Tick,
}

/// What a driver is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Check whether this can be run; the result is [`Input::Checked`].
    Check(Box<Candidate>),
    /// Publish this state at once.
    Reply(Reply),
    /// Start the load; its end is [`Input::Ended`].
    Start {
        candidate: Box<Candidate>,
        /// When, Unix ms by the orchestrator's clock; `None`: now.
        start_at_ms: Option<u64>,
    },
    Stop(&'static str),
    /// Run setup or teardown of a test; the end is [`Input::StepsEnded`].
    RunSteps {
        test_id: TestId,
        revision: u32,
        run: StepsOf,
    },
    /// End setup or teardown where it stands; nothing is reported of it.
    StopSteps,
    /// Go on with another rate; the outcome is [`Input::RateChanged`].
    ChangeRate(RateChange),
    /// Register again, for a classic orchestrator that waits for it after its trigger.
    Register,
    /// Announce the end of a classic test to an orchestrator that waits for more than the last report.
    AnnounceEnd(Over),
    /// Nothing runs and nothing will: the driver may leave.
    Left,
    /// A record is ignored; for the log.
    Ignored {
        test_id: TestId,
        why: &'static str,
    },
}

/// How the end of a classic test is announced, as [`Habits`] asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    pub test_id: TestId,
    /// A bare word on the metrics topic.
    pub word: Option<String>,
    /// A heartbeat `"NO"`.
    pub no: bool,
}

/// The state that a driver's heartbeats carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub state: DriverState,
    pub reason: Option<String>,
    /// With `ready`: what should be known before the test begins.
    pub warning: Option<String>,
    pub test_id: Option<TestId>,
    /// Which config of that test.
    pub revision: Option<u32>,
    /// How setup or teardown goes or went, where it was asked for.
    pub steps: Option<Arc<StepsReport>>,
    /// The change of the running test's rate that it obeyed last.
    pub rate_change: Option<RateApplied>,
}

impl Reply {
    /// The state of a driver that waits for a test.
    pub fn idle() -> Self {
        let state = DriverState::Idle;
        let (reason, warning, test_id, revision) = (None, None, None, None);
        Self { state, reason, warning, test_id, revision, steps: None, rate_change: None }
    }

    pub(super) fn of(state: DriverState, candidate: &Candidate) -> Self {
        let (test_id, revision) = (Some(candidate.test_id.clone()), candidate.revision());
        Self { state, reason: None, warning: None, test_id, revision, steps: None, rate_change: None }
    }
}
