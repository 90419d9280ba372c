//! What choosing and leading drivers needs to know of a node.

use std::time::Duration;

use common::ids::{Epoch, NodeId, TestId};
use common::wire::{Calibrated, DriverState, PROTOCOL, RateApplied, StepsReport};

use crate::model::Liveness;

/// Which protocol a node of ours speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// It did not register yet, or it is a classic node.
    Unknown,
    /// It registered with this number, or without one.
    Registered(Option<u32>),
}

impl Protocol {
    /// Whether it is known to differ from this orchestrator's protocol.
    pub fn is_other(self) -> bool {
        matches!(self, Self::Registered(number) if number != Some(PROTOCOL))
    }

    /// The number, where it is known.
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Unknown => None,
            Self::Registered(number) => number,
        }
    }
}

/// What choosing and leading drivers needs to know of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    pub node_id: NodeId,
    /// The epoch of its current life; `None` for a classic node.
    pub epoch: Option<Epoch>,
    /// Whether it is alive, silent or gone.
    pub liveness: Liveness,
    /// How long no record of it has arrived, counted only while our own heartbeats came back from Kafka.
    pub silent_for: Duration,
    /// When a record of it last arrived, on the monotonic clock.
    pub seen_at: Duration,
    /// Since when it is known, on the monotonic clock. A classic node has no epoch that would show a restart, so this
    /// is reset whenever it may have been restarted.
    pub known_since: Duration,
    /// Its state, by its last heartbeat.
    pub state: Option<DriverState>,
    /// Whether it is looking up the target's name; it answers a config after that.
    pub is_resolving: bool,
    /// How many bytes of its test's data files it has received, while it fetches them; it answers a config after that.
    pub fetched_bytes: Option<u64>,
    /// Why it refuses a config, without its own name; `None`: it does not refuse, or gives no reason.
    pub refusal: Option<String>,
    /// Its warning about the test it is ready for, without its own name.
    pub warning: Option<String>,
    /// The test that it works on, by its last heartbeat.
    pub test_id: Option<TestId>,
    /// The revision of the config that it has answered.
    pub revision: Option<u32>,
    /// How setup or teardown goes or went, where it was asked for either.
    pub steps: Option<Box<StepsReport>>,
    /// Its highest rate, requests per second.
    pub max_rate: Option<f64>,
    /// Whether it runs under the same kernel, and so by the same clock, as this orchestrator; false where that is not
    /// known.
    pub on_this_host: bool,
    /// Its build and its cores, as in `0.1.0 (abc1234), 2 cores`; `None` where it did not register them.
    pub build: Option<String>,
    /// What it could send when it was calibrated, where that is known.
    pub calibrated: Option<Calibrated>,
    /// Which protocol it speaks.
    pub protocol: Protocol,
    /// Whether it may read plans with several requests; true for a node of ours that has not registered yet.
    pub reads_programs: bool,
    /// Whether it may obey changes of a running test's rate; true for a node of ours that has not registered yet.
    pub changes_rate: bool,
    /// The change of its test's rate that it obeyed last, by its last heartbeat.
    pub rate_change: Option<RateApplied>,
    /// When its last heartbeat `NO` arrived.
    pub said_no_at: Option<Duration>,
    /// Its observed interval between heartbeats, or the usual one before it was observed.
    pub interval: Duration,
    /// Whether it has sent heartbeats while it took part in no test.
    pub beats_idle: bool,
    /// Whether it has sent a heartbeat in the test that it takes part in.
    pub beat_in_test: bool,
    /// Whether it sends heartbeats while idle, and has sent none since its last test.
    pub quiet_since_test: bool,
}

impl NodeFacts {
    /// Whether it speaks the classic fields alone.
    pub fn is_classic(&self) -> bool {
        self.epoch.is_none()
    }

    /// Whether it can take part in a test.
    pub fn is_alive(&self) -> bool {
        matches!(self.liveness, Liveness::Alive | Liveness::Suspect)
    }

    /// Whether it may listen although it sends nothing: a classic driver that sends heartbeats only during tests. If
    /// the others take longer than it does, it counts as lost by the end of the test although it works as usual.
    pub fn beats_only_in_tests(&self) -> bool {
        let silent = matches!(self.liveness, Liveness::Stale | Liveness::Lost);
        self.is_classic() && silent && !self.beats_idle
    }

    /// Whether the process of a classic driver may have ended: it sends heartbeats while idle, and now one is overdue
    /// or none has come since its last test.
    pub fn may_be_gone(&self) -> bool {
        let overdue = matches!(self.liveness, Liveness::Suspect | Liveness::Lost | Liveness::Stale);
        self.is_classic() && self.beats_idle && (overdue || self.quiet_since_test)
    }
}
