//! Which changes of a running test's rate are obeyed: those of the orchestrator that leads it, each once and in their
//! order. Whatever else arrives, as a record of before this driver's start, changes nothing.

use common::wire::{ChangeRate, RateApplied};

use super::{Candidate, Life, Output};

/// The changes of the test that runs.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The number of the last one that was obeyed.
    last: u32,
    applied: Option<RateApplied>,
}

impl Changes {
    /// The last one, as the workers received it.
    pub(super) fn applied(&self) -> Option<RateApplied> {
        self.applied
    }
}

impl Life {
    pub(super) fn change_rate(&mut self, order: ChangeRate, out: &mut Vec<Output>) {
        let ChangeRate { test_id, revision, change } = order;
        let runs = |candidate: &Candidate| {
            candidate.is_ours() && candidate.test_id == test_id && candidate.revision() == Some(revision)
        };
        let why = match &mut self.running {
            Some(running) if !runs(&running.candidate) => "it changes the rate of another test",
            Some(running) if running.stopping => "the test is being stopped",
            Some(running) if change.number <= running.rate.last => "this change of the rate came twice",
            Some(running) => {
                running.rate.last = change.number;
                return out.push(Output::ChangeRate(change));
            }
            None => "it changes the rate of a test that does not run here",
        };
        out.push(Output::Ignored { test_id, why });
    }

    pub(super) fn rate_changed(&mut self, applied: RateApplied) {
        if let Some(running) = &mut self.running {
            running.rate.applied = Some(applied);
        }
    }
}
