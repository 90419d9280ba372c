//! What was known at the end of a test beyond its stored records: which drivers were lost, the counters of heartbeats
//! that are newer than the last window, who stopped it. It is stored with the test, so that the test can be counted
//! again later, with late windows, and gives the same figures as the first time.

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::ids::{Epoch, NodeId};
use common::wire::StepsOf;
use serde::{Deserialize, Serialize};

use super::Tally;
use super::limits::MAX_FOREIGN;
use super::part::Part;
use crate::lifecycle::count_of;
use crate::model::{CapacityView, PartState, StepsView};
use crate::participant::EndedBy;
use crate::stopped_by::StoppedBy;

/// A test's end, beyond its records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    /// Who or what stopped the test.
    pub stopped_by: Option<StoppedBy>,
    /// Why the test was interrupted, where the orchestrator that led it ended first.
    #[serde(default)]
    pub interrupted: Option<String>,
    /// What setup and teardown came to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<StepsOf, StepsView>,
    /// What the search of `[capacity]` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Box<CapacityView>>,
    /// Each life of each node, in the order of the tally.
    pub parts: Vec<ClosingPart>,
    /// Nodes that sent reports although they take no part.
    pub foreign: Vec<String>,
}

/// One life of one node at the end of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosingPart {
    pub node_id: NodeId,
    /// Which life; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// How its part ended; `None`: its end was not reported.
    pub ended_by: Option<EndedBy>,
    /// Classic: reports until then; `None`: an earlier version did not keep it.
    #[serde(default)]
    pub reports: Option<u64>,
    /// Its state, by its heartbeats.
    pub state: PartState,
    /// The newest counters of ours, of a window or a heartbeat.
    pub counters: Counters,
    /// When those arrived; `None`: none did. Stored under this name.
    pub heard_at: Option<UnixMicros>,
    /// Process CPU in its last heartbeat.
    pub cpu: Option<f64>,
}

impl Tally {
    /// What to store of a test that is over, beside its records.
    pub fn closing(&self, stopped_by: Option<&StoppedBy>) -> Closing {
        let part = |part: &Part| ClosingPart {
            node_id: part.node.clone(),
            epoch: part.epoch,
            ended_by: part.ended_by,
            reports: part.is_classic().then(|| part.reports.taken()),
            state: part.state.clone(),
            counters: part.windows.newest.clone(),
            heard_at: part.windows.newest_at,
            cpu: part.windows.cpu,
        };
        Closing {
            stopped_by: stopped_by.cloned(),
            interrupted: self.interrupted.clone(),
            steps: self.steps.clone(),
            capacity: self.capacity_at_end(),
            parts: self.parts.iter().map(part).collect(),
            foreign: self.foreign.iter().cloned().collect(),
        }
    }

    /// Ends a test that was counted again from its records in the same way as the first time. Where a driver's own end
    /// arrived since, it replaces what was concluded without it.
    pub fn close(&mut self, closing: &Closing) {
        for stored in &closing.parts {
            let index = self.part_of(&stored.node_id, stored.epoch);
            let Some(index) = index.or_else(|| self.join(&stored.node_id, stored.epoch.is_none())) else {
                continue;
            };
            let part = &mut self.parts[index];
            part.state.clone_from(&stored.state);
            part.windows.cpu = stored.cpu;
            if let Some(arrived_at) = stored.heard_at {
                part.windows.take_counters(&stored.counters, arrived_at);
            }
            if let Some(by) = stored.ended_by {
                let by = self.with_late_reports(stored, by);
                self.ended(&stored.node_id, stored.epoch, by);
            }
        }
        let room = MAX_FOREIGN.saturating_sub(self.foreign.len());
        self.foreign.extend(closing.foreign.iter().take(room).cloned());
        self.interrupted.clone_from(&closing.interrupted);
        self.steps.clone_from(&closing.steps);
        self.found.clone_from(&closing.capacity);
        self.finish();
    }

    /// How a classic part ended. Where reports came after the test, they replace an end that was concluded from their
    /// absence.
    fn with_late_reports(&self, stored: &ClosingPart, by: EndedBy) -> EndedBy {
        let Some(part) = self.find(&stored.node_id, stored.epoch).map(|index| &self.parts[index]) else {
            return by;
        };
        let late = part.is_classic() && part.reports.taken() > stored.reports.unwrap_or(0);
        if !late || !matches!(by, EndedBy::Deaf | EndedBy::Lost | EndedBy::Silence) {
            return by;
        }
        let count = count_of(&self.plan);
        let reached = part.reports.counts(true).sent.is_some_and(|sent| sent >= count);
        if reached { EndedBy::Count } else { EndedBy::Silence }
    }
}
