//! What was known of a test when it ended and stands in no record: who was lost, what heartbeats told beyond the
//! last window, who stopped it. Kept with the test, so that it can be counted again, late windows included, as
//! exactly as it was counted the first time.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::ids::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

use super::part::{self, Part};
use super::{MAX_FOREIGN, Tally};
use crate::lifecycle::count_of;
use crate::participant::EndedBy;

/// A test's end, beyond its records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    /// Who or what stopped the test.
    pub stopped_by: Option<String>,
    /// Why the test ended with the life of the orchestrator that led it, where it did.
    #[serde(default)]
    pub interrupted: Option<String>,
    /// Each life of each node, in the order of the tally.
    pub parts: Vec<ClosingPart>,
    /// Nodes that reported though they take no part.
    pub foreign: Vec<String>,
}

/// One life of one node at the end of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosingPart {
    /// Whose.
    pub node_id: NodeId,
    /// Which life; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// How its end was told; `None`: it was not.
    pub ended_by: Option<EndedBy>,
    /// Classic: reports until then; `None`: an earlier version did not keep it.
    #[serde(default)]
    pub reports: Option<u64>,
    /// What it did, as the registry said.
    pub state: String,
    /// The newest counters of ours, of a window or a heartbeat.
    pub counters: Counters,
    /// When those arrived; `None`: nothing was ever heard.
    pub heard_at: Option<UnixMicros>,
    /// Process CPU as it beat last.
    pub cpu: Option<f64>,
}

impl Tally {
    /// What is to be kept of a test that is over, beside its records.
    pub fn closing(&self, stopped_by: Option<&str>) -> Closing {
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
            stopped_by: stopped_by.map(str::to_owned),
            interrupted: self.interrupted.clone(),
            parts: self.parts.iter().map(part).collect(),
            foreign: self.foreign.iter().cloned().collect(),
        }
    }

    /// Ends a test that was counted again from its records as it ended the first time. A word of a driver's own that
    /// came since is better than what was concluded without it.
    pub fn close(&mut self, closing: &Closing) {
        for told in &closing.parts {
            let index = self.part_of(&told.node_id, told.epoch);
            let Some(index) = index.or_else(|| self.join(&told.node_id, told.epoch.is_none())) else {
                continue;
            };
            let part = &mut self.parts[index];
            part.state.clone_from(&told.state);
            part.windows.cpu = told.cpu;
            if let Some(heard_at) = told.heard_at.filter(|_| part::believable(&told.counters)) {
                part.windows.hear(&told.counters, heard_at);
            }
            if let Some(by) = told.ended_by {
                let by = self.with_late_reports(told, by);
                self.ended(&told.node_id, told.epoch, by);
            }
        }
        let room = MAX_FOREIGN.saturating_sub(self.foreign.len());
        self.foreign.extend(closing.foreign.iter().take(room).cloned());
        self.interrupted.clone_from(&closing.interrupted);
        self.finish();
    }

    /// How a classic part ended, where reports came after the test that contradict what was concluded without them.
    fn with_late_reports(&self, told: &ClosingPart, by: EndedBy) -> EndedBy {
        let Some(part) = self.find(&told.node_id, told.epoch).map(|index| &self.parts[index]) else {
            return by;
        };
        let late = part.is_classic() && part.reports.taken() > told.reports.unwrap_or(0);
        if !late || !matches!(by, EndedBy::Deaf | EndedBy::Lost | EndedBy::Silence) {
            return by;
        }
        let count = count_of(&self.plan);
        let reached = part.reports.counts(true).sent.is_some_and(|sent| sent >= count);
        if reached { EndedBy::Count } else { EndedBy::Silence }
    }
}
