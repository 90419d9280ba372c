//! One node: what it reported, when its records arrived, and what follows from its silence.

use std::time::Duration;

use common::ids::{Epoch, NodeId, TestId};
use common::wire::{DriverState, HeartbeatOurs, PLAN_LANGUAGE, RATE_CHANGES, Reason, RegisterOurs, Role};

use super::facts::{NodeFacts, Protocol};
use super::habit::Habit;
use super::{Event, KnownNode, Patience};
use crate::human::counted;
use crate::model::Liveness;

/// Intervals between heartbeats that are remembered; their median is the node's own interval.
const GAPS: usize = 5;
/// The interval of a node of ours before it was observed.
const OUR_INTERVAL: Duration = Duration::from_secs(1);
/// The interval of a classic node before it was observed: the longest seen in the wild.
const CLASSIC_INTERVAL: Duration = Duration::from_secs(10);

/// What a node of ours reports about itself: its records as they came, so that a further field of theirs is named only
/// where it is used.
#[derive(Debug)]
pub(super) struct Ours {
    pub epoch: Epoch,
    pub description: Description,
    /// Its last heartbeat, without the counters ([`Sent`] has what is kept of them) and with the clock offset of an
    /// earlier heartbeat where this one had none; before the first an empty one.
    pub heartbeat: HeartbeatOurs,
}

impl Ours {
    fn new(epoch: Epoch) -> Self {
        Self { epoch, description: Description::Unknown, heartbeat: HeartbeatOurs::new(epoch, Role::Driver) }
    }

    /// Takes a heartbeat; true where state, test or revision changed.
    pub(super) fn take_heartbeat(&mut self, beat: &HeartbeatOurs) -> bool {
        let last = &self.heartbeat;
        let changed =
            (last.state, &last.test_id, last.revision) != (beat.state, &beat.test_id, beat.revision);
        let clock_offset_us = beat.clock_offset_us.or(last.clock_offset_us);
        self.heartbeat = HeartbeatOurs { clock_offset_us, counters: None, ..beat.clone() };
        changed
    }
}

/// What is known of a node of ours beside its heartbeats.
#[derive(Debug)]
pub(super) enum Description {
    /// It has not registered yet.
    Unknown,
    /// It registered in an earlier life of the orchestrator: as the store has it ([`KnownNode`]).
    Remembered(RegisterOurs),
    Registered(RegisterOurs),
}

impl Description {
    /// Its registration, of whichever life of the orchestrator.
    pub(super) fn registration(&self) -> Option<&RegisterOurs> {
        match self {
            Self::Unknown => None,
            Self::Remembered(ours) | Self::Registered(ours) => Some(ours),
        }
    }

    /// Which protocol it speaks. The store does not keep it.
    pub(super) fn protocol(&self) -> Protocol {
        match self {
            Self::Unknown | Self::Remembered(_) => Protocol::Unknown,
            Self::Registered(ours) => Protocol::Registered(ours.protocol),
        }
    }

    /// Whether it may read plans with several requests: false once it registered without the language that this
    /// orchestrator writes. The store does not keep it.
    pub(super) fn reads_programs(&self) -> bool {
        match self {
            Self::Unknown | Self::Remembered(_) => true,
            Self::Registered(ours) => ours.plan_language.is_some_and(|language| language >= PLAN_LANGUAGE),
        }
    }
}

impl Description {
    /// Whether it may obey changes of a running test's rate: false once it registered without the version of them that
    /// this orchestrator writes. The store does not keep it.
    pub(super) fn changes_rate(&self) -> bool {
        match self {
            Self::Unknown | Self::Remembered(_) => true,
            Self::Registered(ours) => ours.rate_changes.is_some_and(|version| version >= RATE_CHANGES),
        }
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
        if known.epoch() != self.epoch() || self.registered_at.is_some() {
            return;
        }
        self.address.clone_from(&known.address);
        if let (Some(ours), Some(stored)) = (&mut self.ours, &known.ours) {
            ours.description = Description::Remembered(stored.clone());
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
        let beat = ours.map(|ours| &ours.heartbeat);
        let reason = beat.and_then(|beat| beat.reason_in_parts(&self.node_id));
        let registration = ours.and_then(|ours| ours.description.registration());
        NodeFacts {
            node_id: self.node_id.clone(),
            epoch: self.epoch(),
            liveness: self.liveness,
            silent_for: clock.saturating_sub(self.seen_clock),
            seen_at: self.seen_at,
            known_since: self.known_since,
            state: beat.and_then(|beat| beat.state),
            is_resolving: matches!(reason, Some(Reason::Resolving(_))),
            fetched_bytes: beat.and_then(|beat| beat.fetched_bytes),
            refusal: match reason {
                Some(Reason::Refusal(why)) => Some(why.to_owned()),
                _ => None,
            },
            warning: beat.and_then(|beat| beat.warning_without_name(&self.node_id)).map(str::to_owned),
            test_id: beat.and_then(|beat| beat.test_id.clone()),
            revision: beat.and_then(|beat| beat.revision),
            steps: beat.and_then(|beat| beat.steps.clone()),
            max_rate: registration.and_then(|ours| ours.max_rate),
            on_this_host: kernel.is_some() && registration.and_then(|ours| ours.kernel.as_deref()) == kernel,
            build: registration
                .filter(|ours| !ours.version.is_empty())
                .map(|ours| format!("{}, {}", ours.version, counted(u64::from(ours.cores), "core"))),
            calibrated: registration.and_then(|ours| ours.calibrated.clone()),
            protocol: ours.map_or(Protocol::Unknown, |ours| ours.description.protocol()),
            reads_programs: ours.is_some_and(|ours| ours.description.reads_programs()),
            changes_rate: ours.is_some_and(|ours| ours.description.changes_rate()),
            rate_change: beat.and_then(|beat| beat.rate_change),
            said_no_at: self.said_no_at,
            interval: self.interval(),
            beats_idle: self.habit.beats_idle(),
            beat_in_test: self.habit.beat_in_test(),
            quiet_since_test: self.habit.is_quiet_since_test(),
        }
    }
}
