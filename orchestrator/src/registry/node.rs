//! One node: what it reported, when its records arrived, and what follows from its silence.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::{Epoch, NodeId, TestId};
use common::wire::{DriverState, HeartbeatOurs, RESOLVING, RegisterOurs};

use super::facts::{NodeFacts, Protocol};
use super::habit::Habit;
use super::{Event, KnownNode, Patience};
use crate::model::Liveness;

/// Intervals between heartbeats that are remembered; their median is the node's own interval.
const GAPS: usize = 5;
/// The interval of a node of ours before it was observed.
const OUR_INTERVAL: Duration = Duration::from_secs(1);
/// The interval of a classic node before it was observed: the longest seen in the wild.
const CLASSIC_INTERVAL: Duration = Duration::from_secs(10);

/// What a node of ours reports about itself.
#[derive(Debug)]
pub(super) struct Ours {
    pub epoch: Epoch,
    pub protocol: Protocol,
    pub version: Option<String>,
    pub cores: Option<u32>,
    pub labels: BTreeMap<String, String>,
    pub max_rate: Option<f64>,
    pub kernel: Option<String>,
    pub clock_offset_us: Option<i64>,
    pub state: Option<DriverState>,
    pub reason: Option<String>,
    pub warning: Option<String>,
    pub test_id: Option<TestId>,
    pub revision: Option<u32>,
}

impl Ours {
    fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            protocol: Protocol::Unknown,
            version: None,
            cores: None,
            labels: BTreeMap::new(),
            max_rate: None,
            kernel: None,
            clock_offset_us: None,
            state: None,
            reason: None,
            warning: None,
            test_id: None,
            revision: None,
        }
    }

    /// Takes what a registration describes.
    pub(super) fn described(&mut self, register: &RegisterOurs) {
        self.protocol = Protocol::Registered(register.protocol);
        self.version = Some(register.version.clone());
        self.cores = Some(register.cores);
        self.labels.clone_from(&register.labels);
        self.max_rate = register.max_rate;
        self.kernel.clone_from(&register.kernel);
    }

    /// Takes its registration from an earlier life of the orchestrator.
    fn remembered(&mut self, known: &KnownNode) {
        self.version.clone_from(&known.version);
        self.cores = known.cores;
        self.labels.clone_from(&known.labels);
        self.max_rate = known.max_rate;
    }

    /// Takes a heartbeat; true where state, test or revision changed.
    pub(super) fn take_heartbeat(&mut self, beat: &HeartbeatOurs) -> bool {
        let changed =
            (self.state, &self.test_id, self.revision) != (beat.state, &beat.test_id, beat.revision);
        self.state = beat.state;
        self.reason.clone_from(&beat.reason);
        self.warning.clone_from(&beat.warning);
        self.test_id.clone_from(&beat.test_id);
        self.revision = beat.revision;
        self.clock_offset_us = beat.clock_offset_us.or(self.clock_offset_us);
        changed
    }

    /// Whether it is looking up the target's name.
    fn is_resolving(&self) -> bool {
        self.state == Some(DriverState::Idle)
            && self.reason.as_ref().is_some_and(|reason| reason.starts_with(RESOLVING))
    }

    /// Why it refuses a config, without the name that drivers put before the reason.
    fn refusal(&self, node_id: &NodeId) -> Option<String> {
        let reason = self.reason.as_deref().filter(|_| self.state == Some(DriverState::Refused))?;
        Some(reason.strip_prefix(&format!("{node_id}: ")).unwrap_or(reason).to_owned())
    }
}

/// Requests that a node sent in the test that it takes part in, or took part in last.
#[derive(Debug, Default)]
pub(super) struct Sent {
    test: Option<TestId>,
    n: Option<u64>,
}

impl Sent {
    /// The number reported last; `None` where none was.
    pub fn so_far(&self) -> Option<u64> {
        self.n
    }

    /// Takes a heartbeat of a node of ours. The last heartbeat of a test is older than its end, so the final window has
    /// the final number. Where the heartbeat is of another test, the count restarts, at 0 if it has no counters yet.
    pub fn beat(&mut self, beat: &HeartbeatOurs) {
        // A refusal names a test in which the node takes no part, perhaps while another one runs.
        if beat.state == Some(DriverState::Refused) {
            return;
        }
        let Some(test) = &beat.test_id else { return };
        let sent = beat.counters.as_ref().map(|counters| counters.sent);
        if self.test.as_ref() == Some(test) {
            self.n = self.n.max(sent);
        } else {
            (self.test, self.n) = (Some(test.clone()), Some(sent.unwrap_or(0)));
        }
    }

    /// Takes a window of a node of ours; `now`: the test that it takes part in. A window of an earlier test may come
    /// late.
    pub fn window(&mut self, test: Option<&TestId>, sent: u64, now: Option<&TestId>) {
        if self.test.as_ref() == test {
            self.n = self.n.max(Some(sent));
        } else if self.test.is_none() || now == test {
            (self.test, self.n) = (test.cloned(), Some(sent));
        }
    }

    /// Takes a report of a classic node: a total or the count of an interval, shown as it came.
    pub fn report(&mut self, sent: Option<u64>) {
        self.n = sent.or(self.n);
    }
}

/// One life of a node. Fields `*_at` are on the monotonic clock, `*_clock` on the clock of silence.
#[derive(Debug)]
pub(super) struct Node {
    pub node_id: NodeId,
    pub ours: Option<Ours>,
    pub address: Option<String>,
    pub known_since: Duration,
    pub registered_at: Option<Duration>,
    pub seen_at: Duration,
    pub seen_clock: Duration,
    pub left_at: Option<Duration>,
    pub said_no_at: Option<Duration>,
    pub deaf: bool,
    /// Classic: it was stale already when its test began, which is normal between tests, and nothing has arrived since.
    pub stale_in_test: bool,
    pub habit: Habit,
    pub last_test: Option<TestId>,
    pub sent: Sent,
    pub liveness: Liveness,
    beat_clock: Option<Duration>,
    gaps: Vec<Duration>,
}

impl Node {
    pub fn new(node_id: NodeId, epoch: Option<Epoch>, now: Duration, clock: Duration) -> Self {
        Self {
            node_id,
            ours: epoch.map(Ours::new),
            address: None,
            known_since: now,
            registered_at: None,
            seen_at: now,
            seen_clock: clock,
            left_at: None,
            said_no_at: None,
            deaf: false,
            stale_in_test: false,
            habit: Habit::default(),
            last_test: None,
            sent: Sent::default(),
            liveness: Liveness::Alive,
            beat_clock: None,
            gaps: Vec::with_capacity(GAPS),
        }
    }

    /// Takes what the store has of this life of the node, as far as it has not registered since.
    pub fn remembered(&mut self, known: &KnownNode) {
        if known.epoch != self.epoch() || self.registered_at.is_some() {
            return;
        }
        self.address.clone_from(&known.address);
        if let Some(ours) = &mut self.ours {
            ours.remembered(known);
        }
    }

    pub fn epoch(&self) -> Option<Epoch> {
        self.ours.as_ref().map(|ours| ours.epoch)
    }

    /// Notes a heartbeat on the clock of silence.
    pub fn beat(&mut self, clock: Duration) {
        if let Some(last) = self.beat_clock.replace(clock) {
            if self.gaps.len() == GAPS {
                self.gaps.remove(0);
            }
            self.gaps.push(clock.saturating_sub(last));
        }
    }

    /// Its interval between heartbeats: the median of the last ones, so that neither one pause nor two heartbeats that
    /// arrive together change it.
    pub fn interval(&self) -> Duration {
        let mut gaps = self.gaps.clone();
        gaps.sort_unstable();
        let unknown = if self.ours.is_some() { OUR_INTERVAL } else { CLASSIC_INTERVAL };
        gaps.get(gaps.len() / 2).copied().unwrap_or(unknown)
    }

    /// Updates its liveness; returns an event where that changed.
    pub fn update_liveness(&mut self, clock: Duration, patience: Patience, busy: bool) -> Option<Event> {
        let silent = clock.saturating_sub(self.seen_clock);
        let interval = self.interval();
        let to = if self.left_at.is_some() {
            Liveness::Left
        } else if self.deaf {
            Liveness::Deaf
        } else if silent > patience.lost_after.max(5 * interval) {
            let lost = self.ours.is_some() || (busy && !self.stale_in_test);
            if lost { Liveness::Lost } else { Liveness::Stale }
        } else if silent > patience.suspect_after.max(3 * interval) {
            Liveness::Suspect
        } else {
            Liveness::Alive
        };
        let from = std::mem::replace(&mut self.liveness, to);
        (from != to).then(|| Event::Liveness { node: self.node_id.clone(), from, to })
    }

    /// What choosing and leading drivers needs to know of it. `kernel`: the one of this orchestrator.
    pub fn facts(&self, clock: Duration, kernel: Option<&str>) -> NodeFacts {
        let ours = self.ours.as_ref();
        NodeFacts {
            node_id: self.node_id.clone(),
            epoch: self.epoch(),
            liveness: self.liveness,
            silent_for: clock.saturating_sub(self.seen_clock),
            seen_at: self.seen_at,
            known_since: self.known_since,
            state: ours.and_then(|ours| ours.state),
            is_resolving: ours.is_some_and(Ours::is_resolving),
            refusal: ours.and_then(|ours| ours.refusal(&self.node_id)),
            warning: ours.and_then(|ours| ours.warning.clone()),
            test_id: ours.and_then(|ours| ours.test_id.clone()),
            revision: ours.and_then(|ours| ours.revision),
            max_rate: ours.and_then(|ours| ours.max_rate),
            on_this_host: kernel.is_some() && ours.and_then(|ours| ours.kernel.as_deref()) == kernel,
            protocol: ours.map_or(Protocol::Unknown, |ours| ours.protocol),
            said_no_at: self.said_no_at,
            interval: self.interval(),
            beats_idle: self.habit.beats_idle(),
            beat_in_test: self.habit.beat_in_test(),
            quiet_since_test: self.habit.is_quiet_since_test(),
        }
    }
}
