//! The lives of nodes in a test, a part each: which there are, and how each of them ended.

use common::ids::{Epoch, NodeId};
use common::wire::DriverState;

use super::Tally;
use super::limits::{MAX_JOINED, MAX_LIVES};
use super::part::Part;
use crate::participant::{EndedBy, PartSeen};

impl Tally {
    /// Sets a participant's state, as its heartbeat has it.
    pub fn set_state(&mut self, node: &NodeId, epoch: Epoch, state: DriverState) {
        if let Some(index) = self.find(node, Some(epoch)) {
            self.parts[index].state = state.into();
        }
    }

    /// Ends a driver's part that has not reported its end, or reported it by a sign that the tally does not receive.
    /// Changes nothing where the driver has reported its end; a concluded end (lost, overdue, deaf) is replaced.
    pub fn ended(&mut self, node: &NodeId, epoch: Option<Epoch>, by: EndedBy) {
        let Some(index) = self.find(node, epoch) else { return };
        let part = &mut self.parts[index];
        if part.reported_its_end() {
            return;
        }
        part.ended_by = Some(by);
        part.silent = false;
        let seconds = part.series.flush();
        self.emit(index, &seconds);
        if by == EndedBy::Count {
            self.assign_end_words();
        }
    }

    /// A lost driver is back in the same life: the test waits for its end again.
    pub fn back(&mut self, node: &NodeId, epoch: Option<Epoch>) {
        if let Some(index) = self.find(node, epoch) {
            let ended_by = &mut self.parts[index].ended_by;
            *ended_by = ended_by.filter(|by| !by.is_concluded());
        }
    }

    /// Whether every part has ended, by a report or by a conclusion (lost, deaf, …).
    pub fn all_ended(&self) -> bool {
        self.parts.iter().all(|part| part.ended_by.is_some())
    }

    /// How a driver's part ended; `None`: it has not, or the driver takes no part.
    pub fn ended_by(&self, node: &NodeId, epoch: Option<Epoch>) -> Option<EndedBy> {
        self.find(node, epoch).and_then(|index| self.parts[index].ended_by)
    }

    /// What the lifecycle needs to know of each part.
    pub fn parts_seen(&self) -> Vec<PartSeen> {
        let seen = |part: &Part| {
            let classic = part.is_classic();
            PartSeen {
                node_id: part.node.clone(),
                epoch: part.epoch,
                ended_by: part.ended_by,
                last_report_at: part.last_report_at(),
                window_at: part.windows.window_at,
                reports: part.reports.taken(),
                report_interval: part.reports.interval(),
                rose_at: part.reports.rose_at(),
                mean_latency: part.reports.mean(),
                silent: part.silent,
                sent: if classic { part.reports.counts(false).sent } else { None },
            }
        };
        self.parts.iter().map(seen).collect()
    }

    /// Marks a classic driver that sends heartbeats and has sent no report for longer than most need for one.
    pub fn silent(&mut self, node: &NodeId) {
        if let Some(index) = self.find(node, None) {
            self.parts[index].silent = self.parts[index].reports.taken() == 0;
        }
    }

    /// The orchestrator that led the test ended before the test did. Parts whose end was not reported end with it.
    pub fn interrupt(&mut self, why: &str) {
        self.interrupted = Some(why.to_owned());
        for part in &mut self.parts {
            part.ended_by.get_or_insert(EndedBy::Interrupted);
        }
    }

    pub(super) fn find(&self, node: &NodeId, epoch: Option<Epoch>) -> Option<usize> {
        self.parts.iter().position(|part| part.node == *node && part.epoch == epoch)
    }

    /// The part of this life of a node; a new one where a participant shows another life than the one chosen.
    pub(super) fn part_of(&mut self, node: &NodeId, epoch: Option<Epoch>) -> Option<usize> {
        if let Some(index) = self.find(node, epoch) {
            return Some(index);
        }
        let lives = self.parts.iter().filter(|part| part.node == *node).count();
        if lives == 0 || lives >= MAX_LIVES {
            return None;
        }
        self.parts.push(Part::new(node.clone(), epoch, None));
        Some(self.parts.len() - 1)
    }

    /// Adds a part for a classic driver that was not known at the trigger and received it all the same. `takes_part`:
    /// it is classic and its report names this test.
    pub(super) fn join(&mut self, node: &NodeId, takes_part: bool) -> Option<usize> {
        let joined = self.parts.iter().filter(|part| part.is_classic()).count();
        if !takes_part || joined >= MAX_JOINED || self.parts.iter().any(|part| part.node == *node) {
            return None;
        }
        self.parts.push(Part::new(node.clone(), None, None));
        Some(self.parts.len() - 1)
    }
}
