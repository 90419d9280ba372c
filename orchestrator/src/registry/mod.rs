//! The known nodes: every node of which a record arrived, ours and classic, and whether it is still alive. Time is an
//! argument. Only the arrival of a record counts; timestamps inside records are ignored. The registry has no access to
//! Kafka or actors, and of tests it knows only which nodes are busy with one.
//!
//! Silence is measured on a separate clock, which runs only while the orchestrator's own heartbeats come back from
//! Kafka. While Kafka delivers nothing, the clock stands still, so that an outage of Kafka makes no node lost.

mod facts;
mod habit;
mod node;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::ids::{Epoch, NodeId};
use common::wire::{Heartbeat, Metrics, Register, RegisterOurs, Role};

pub use crate::model::Liveness;
pub use facts::{NodeFacts, Protocol};
use node::{Description, Node};

/// Most nodes kept; a flood of made-up ids stops here and is counted.
pub const MAX_NODES: usize = 10_000;
/// How long the clock of silence runs on after one of our own heartbeats (one a second) came back.
const BEAT_SLACK: Duration = Duration::from_millis(1_500);
/// A classic node that registers again after so long may be a new process, which does not listen yet. Registrations
/// that come faster than this are repetitions of the same process.
const REGISTERS_ANEW_AFTER: Duration = Duration::from_secs(5);
/// Nodes that have been gone for so long are removed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A registration as the store has it, from this or an earlier life of the orchestrator. The store keeps neither the
/// protocol nor the kernel: both are `None` in it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownNode {
    pub node_id: NodeId,
    /// Its address as it sent it.
    pub address: Option<String>,
    /// What a node of ours added; `None` for a classic node.
    pub ours: Option<RegisterOurs>,
}

impl KnownNode {
    /// The epoch of its life; `None` for a classic node.
    pub fn epoch(&self) -> Option<Epoch> {
        self.ours.as_ref().map(|ours| ours.epoch)
    }
}

/// The limits of `[test]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A node is suspect after so long without a record, or after three of its own intervals if that is longer.
    pub suspect_after: Duration,
    /// A node is lost after so long without a record, or after five of its own intervals if that is longer.
    pub lost_after: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { suspect_after: Duration::from_secs(3), lost_after: Duration::from_secs(10) }
    }
}

/// Something about a node changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first record of this node arrived.
    Appeared(NodeId),
    /// A later life of the node took the place of an earlier one.
    Replaced {
        node: NodeId,
        /// The life whose records are ignored from now on; `None` where it was taken for a classic node.
        old: Option<Epoch>,
        new: Epoch,
    },
    Liveness {
        node: NodeId,
        from: Liveness,
        to: Liveness,
    },
    /// The state, test or revision in its heartbeats changed.
    State(NodeId),
    /// A classic id registered from two addresses: perhaps two nodes with one id.
    TwoAddresses {
        node: NodeId,
        known: String,
        /// The address it registered with now.
        other: String,
    },
    /// Another orchestrator has a higher epoch: this one must step down.
    Superseded(Epoch),
}

/// What the registry counts, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistryCounts {
    /// Records of a fenced, earlier life of a node; ignored.
    pub fenced_records: u64,
    /// Records without an epoch under the id of a node of ours; ignored.
    pub conflicting_records: u64,
    /// Records of nodes for which there was no room.
    pub refused_records: u64,
}

#[derive(Debug)]
pub struct Registry {
    epoch: Epoch,
    patience: Patience,
    /// The id of the kernel under which this orchestrator runs, where that is known.
    kernel: Option<String>,
    nodes: BTreeMap<NodeId, Node>,
    /// Registrations from earlier lives of the orchestrator.
    remembered: BTreeMap<NodeId, KnownNode>,
    busy: BTreeSet<NodeId>,
    /// The clock of silence at the instant when our last heartbeat came back.
    clock_at_own_beat: Duration,
    own_beat_at: Option<Duration>,
    counts: RegistryCounts,
}

impl Registry {
    /// An empty registry. `epoch`: this life of the orchestrator.
    pub fn new(epoch: Epoch, patience: Patience) -> Self {
        Self {
            epoch,
            patience,
            kernel: None,
            nodes: BTreeMap::new(),
            remembered: BTreeMap::new(),
            busy: BTreeSet::new(),
            clock_at_own_beat: Duration::ZERO,
            own_beat_at: None,
            counts: RegistryCounts::default(),
        }
    }

    /// The same, for an orchestrator that runs under this kernel.
    pub fn under(self, kernel: Option<String>) -> Self {
        Self { kernel, ..self }
    }

    pub fn counts(&self) -> RegistryCounts {
        self.counts
    }

    /// How many nodes are known.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no node is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether our own heartbeats come back from Kafka.
    pub fn own_heartbeats_arrive(&self, now: Duration) -> bool {
        self.own_beat_at.is_some_and(|at| now.saturating_sub(at) <= 2 * BEAT_SLACK)
    }

    /// Sets which nodes are busy with a test: a classic node that falls silent while busy is lost rather than stale. A
    /// busy node of which no record has arrived in this life of the orchestrator counts as alive until its silence
    /// lasts too long.
    pub fn set_busy(&mut self, busy: BTreeMap<NodeId, Option<Epoch>>, now: Duration) {
        let clock = self.silence_clock(now);
        for (node_id, epoch) in &busy {
            if !self.nodes.contains_key(node_id) {
                self.put(Node::new(node_id.clone(), *epoch, now, clock));
            }
        }
        let before = std::mem::replace(&mut self.busy, busy.into_keys().collect());
        for node_id in self.busy.symmetric_difference(&before) {
            let Some(node) = self.nodes.get_mut(node_id) else { continue };
            if self.busy.contains(node_id) {
                node.habit.test_began();
                node.stale_in_test = node.liveness == Liveness::Stale;
            } else {
                node.habit.test_ended(now);
            }
        }
    }

    /// Takes the stored registrations of nodes from before this life of the orchestrator. They do not make a node
    /// known: they describe it once a record of it arrives. A driver of ours registers again a second later anyway; a
    /// classic one never does.
    pub fn remember(&mut self, known: Vec<KnownNode>) {
        for known in known.into_iter().take(MAX_NODES) {
            if let Some(node) = self.nodes.get_mut(&known.node_id) {
                node.remembered(&known);
            }
            self.remembered.insert(known.node_id.clone(), known);
        }
    }

    /// Adds or replaces a node.
    fn put(&mut self, mut node: Node) {
        if let Some(known) = self.remembered.get(&node.node_id) {
            node.remembered(known);
        }
        self.nodes.insert(node.node_id.clone(), node);
    }

    /// Marks a classic driver that sent nothing in a test that it was chosen for: it is left out until it registers
    /// again, or another sign shows that it listens.
    pub fn mark_deaf(&mut self, node_id: &NodeId, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let clock = self.silence_clock(now);
        if let Some(node) = self.nodes.get_mut(node_id)
            && node.epoch().is_none()
        {
            node.deaf = true;
            let busy = self.busy.contains(node_id);
            events.extend(node.update_liveness(clock, self.patience, busy));
        }
        events
    }

    /// A `register` record.
    pub fn register(&mut self, register: &Register, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let epoch = register.ours.as_ref().map(|ours| ours.epoch);
        let clock = self.silence_clock(now);
        let Some(node) = self.touch(&register.node_id, epoch, now, &mut events) else { return events };
        if let (Some(known), Some(other), None) = (&node.address, &register.address, epoch)
            && known != other
        {
            let (known, other) = (known.clone(), other.clone());
            events.push(Event::TwoAddresses { node: register.node_id.clone(), known, other });
        }
        if register.address.is_some() {
            node.address.clone_from(&register.address);
        }
        let anew =
            node.deaf || node.registered_at.is_none_or(|at| now.saturating_sub(at) > REGISTERS_ANEW_AFTER);
        if epoch.is_none() && anew {
            node.known_since = now;
        }
        node.registered_at = Some(now);
        // A node that registers runs and listens, whatever was concluded before.
        node.deaf = false;
        node.habit.registered();
        node.left_at = None;
        if let (Some(ours), Some(mine)) = (&register.ours, &mut node.ours) {
            mine.description = Description::Registered(ours.clone());
        }
        self.settle(&register.node_id, clock, events)
    }

    /// A `heartbeat` record, of a driver or of an orchestrator.
    pub fn heartbeat(&mut self, beat: &Heartbeat, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(ours) = &beat.ours
            && ours.role == Role::Orchestrator
        {
            self.orchestrator_beat(ours.epoch, now, &mut events);
            return events;
        }
        let epoch = beat.ours.as_ref().map(|ours| ours.epoch);
        let clock = self.silence_clock(now);
        let Some(node) = self.touch(&beat.node_id, epoch, now, &mut events) else { return events };
        if let Some(ours) = &beat.ours {
            node.sent.beat(ours);
        }
        if beat.alive {
            node.beat(clock);
            node.habit.beat(now);
            node.left_at = None;
        } else {
            node.left_at = epoch.map(|_| now);
            node.said_no_at = Some(now);
        }
        if let (Some(ours), Some(mine)) = (&beat.ours, &mut node.ours)
            && mine.take_heartbeat(ours)
        {
            events.push(Event::State(beat.node_id.clone()));
        }
        self.settle(&beat.node_id, clock, events)
    }

    /// A `metrics` record.
    pub fn metrics(&mut self, metrics: &Metrics, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let epoch = metrics.ours.as_ref().map(|window| window.epoch);
        let clock = self.silence_clock(now);
        let Some(node) = self.touch(&metrics.node_id, epoch, now, &mut events) else { return events };
        if metrics.test_id.is_some() && epoch.is_none() {
            node.last_test.clone_from(&metrics.test_id);
        }
        // A late report shows that it received the trigger.
        node.deaf = false;
        match &metrics.ours {
            Some(window) => {
                let now_in = node.ours.as_ref().and_then(|ours| ours.heartbeat.test_id.as_ref());
                node.sent.window(metrics.test_id.as_ref(), window.figures.all.counters.sent, now_in);
            }
            None => node.sent.report(metrics.classic.num_requests),
        }
        self.settle(&metrics.node_id, clock, events)
    }

    /// Time has passed: updates every liveness, and removes nodes that have been gone for too long.
    pub fn tick(&mut self, now: Duration) -> Vec<Event> {
        let clock = self.silence_clock(now);
        let (patience, busy) = (self.patience, &self.busy);
        let mut events = Vec::new();
        for (node_id, node) in &mut self.nodes {
            events.extend(node.update_liveness(clock, patience, busy.contains(node_id)));
        }
        let crowded = self.nodes.len() > MAX_NODES / 10 * 9;
        self.nodes.retain(|node_id, node| {
            let gone =
                !matches!(node.liveness, Liveness::Alive | Liveness::Suspect) && !busy.contains(node_id);
            !(gone && (crowded || now.saturating_sub(node.seen_at) > FORGOTTEN_AFTER))
        });
        events
    }

    /// What choosing and leading drivers needs to know of one node.
    pub fn facts(&self, node_id: &NodeId, now: Duration) -> Option<NodeFacts> {
        self.nodes.get(node_id).map(|node| node.facts(self.silence_clock(now), self.kernel.as_deref()))
    }

    /// The same of every node, in the order of their ids.
    pub fn all_facts(&self, now: Duration) -> Vec<NodeFacts> {
        let clock = self.silence_clock(now);
        self.nodes.values().map(|node| node.facts(clock, self.kernel.as_deref())).collect()
    }

    /// The clock of silence: it stands still while our own heartbeats do not come back.
    fn silence_clock(&self, now: Duration) -> Duration {
        let since = self.own_beat_at.map_or(Duration::ZERO, |at| now.saturating_sub(at).min(BEAT_SLACK));
        self.clock_at_own_beat + since
    }

    fn orchestrator_beat(&mut self, epoch: Epoch, now: Duration, events: &mut Vec<Event>) {
        if epoch == self.epoch {
            self.clock_at_own_beat = self.silence_clock(now);
            self.own_beat_at = Some(now);
        } else if epoch > self.epoch {
            events.push(Event::Superseded(epoch));
        }
    }

    /// Finds or creates the node that sent a record; `None` where the record must be ignored.
    fn touch(
        &mut self,
        node_id: &NodeId,
        epoch: Option<Epoch>,
        now: Duration,
        events: &mut Vec<Event>,
    ) -> Option<&mut Node> {
        let clock = self.silence_clock(now);
        if !self.nodes.contains_key(node_id) {
            if self.nodes.len() >= MAX_NODES {
                self.counts.refused_records += 1;
                return None;
            }
            self.put(Node::new(node_id.clone(), epoch, now, clock));
            events.push(Event::Appeared(node_id.clone()));
        }
        let node = self.nodes.get_mut(node_id)?;
        match (node.epoch(), epoch) {
            (Some(known), Some(earlier)) if earlier < known => {
                self.counts.fenced_records += 1;
                return None;
            }
            (Some(_), None) => {
                self.counts.conflicting_records += 1;
                return None;
            }
            (old, Some(new)) if old != Some(new) => {
                self.put(Node::new(node_id.clone(), epoch, now, clock));
                events.push(Event::Replaced { node: node_id.clone(), old, new });
            }
            _ => {}
        }
        let node = self.nodes.get_mut(node_id)?;
        let was_gone = matches!(node.liveness, Liveness::Lost | Liveness::Stale);
        // A classic node that was gone may have been restarted. One that sends heartbeats only in tests need not have
        // been: its silence was normal.
        if node.ours.is_none() && was_gone && node.habit.beats_idle() {
            node.known_since = now;
        }
        node.seen_at = now;
        node.seen_clock = clock;
        node.stale_in_test = false;
        Some(node)
    }

    /// Updates the node's liveness after a record of it arrived.
    fn settle(&mut self, node_id: &NodeId, clock: Duration, mut events: Vec<Event>) -> Vec<Event> {
        let busy = self.busy.contains(node_id);
        if let Some(node) = self.nodes.get_mut(node_id) {
            events.extend(node.update_liveness(clock, self.patience, busy));
        }
        events
    }
}
