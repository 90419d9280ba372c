//! What choosing and leading drivers needs to know of a node.

use std::time::Duration;

use common::ids::{Epoch, NodeId, TestId};
use common::wire::DriverState;

use super::{Liveness, Protocol};

/// What choosing and leading drivers needs to know of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFacts {
    /// Who.
    pub node_id: NodeId,
    /// This life of it; `None` for a classic node.
    pub epoch: Option<Epoch>,
    /// Whether it is here.
    pub liveness: Liveness,
    /// How long nothing was heard of it, while our own heartbeats came back.
    pub silent_for: Duration,
    /// When it was last heard, on the clock that never goes back.
    pub heard_at: Duration,
    /// Since when it is known, on the clock that never goes back; a classic node anew where it may have been started
    /// again, which it has no epoch to tell.
    pub known_since: Duration,
    /// What it does, as it said last.
    pub state: Option<DriverState>,
    /// Why it refused.
    pub reason: Option<String>,
    /// What it says should be known of the test it is ready for.
    pub warning: Option<String>,
    /// Which test it holds, as it said last.
    pub test_id: Option<TestId>,
    /// The revision it answers to.
    pub revision: Option<u32>,
    /// Its highest rate, requests per second.
    pub max_rate: Option<f64>,
    /// Whether it runs under the same kernel as this orchestrator, so that they go by the same clock; false where that is
    /// not known.
    pub on_this_host: bool,
    /// Which protocol it speaks.
    pub protocol: Protocol,
    /// When it last said `NO`, and not that it is alive since (ours) or ever again (classic).
    pub said_no_at: Option<Duration>,
    /// Its own interval between heartbeats, or what is usual where that was not observed.
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

    /// Whether it may listen although it shows nothing: a classic driver that sends heartbeats only in tests. Where others
    /// took longer than it did, it is lost by the end of the test, though nothing has happened to it.
    pub fn beats_only_in_tests(&self) -> bool {
        let silent = matches!(self.liveness, Liveness::Stale | Liveness::Lost);
        self.is_classic() && silent && !self.beats_idle
    }

    /// Whether a classic driver that sends heartbeats while idle does not send them now, so that its process may be
    /// gone: one is overdue, or none came since its last test.
    pub fn may_be_gone(&self) -> bool {
        let overdue = matches!(self.liveness, Liveness::Suspect | Liveness::Lost | Liveness::Stale);
        self.is_classic() && self.beats_idle && (overdue || self.quiet_since_test)
    }
}
