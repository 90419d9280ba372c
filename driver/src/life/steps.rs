//! Setup and teardown: which request for them is carried out, and what heartbeats say of it. Each runs once in the life of
//! a driver. Setup belongs to a config that is held and ready; teardown waits until the load is over.

use common::ids::TestId;
use common::wire::{StepsAsk, StepsOf, StepsReport, StepsState};

use super::{Candidate, Check, Life, Output};

/// Steps that were asked for, as heartbeats report them.
#[derive(Debug)]
pub(super) struct Steps {
    report: StepsReport,
    /// Teardown that waits for the end of the load.
    waits: bool,
}

impl Steps {
    fn is(&self, test_id: &TestId, revision: u32, run: StepsOf) -> bool {
        let report = &self.report;
        report.test_id == *test_id && report.revision == revision && report.run == run
    }

    fn runs(&self) -> bool {
        self.report.state == StepsState::Running && !self.waits
    }
}

impl Life {
    /// Takes the orchestrator's request, which may come twice.
    pub(super) fn asked(&mut self, ask: &StepsAsk, out: &mut Vec<Output>) {
        if self.leaving || self.is_late(ask) || !ask.drivers.contains(&self.node_id) {
            return;
        }
        // Setup of the same test, where the stop that ends it comes later, on its own topic.
        self.stop_steps(out);
        let report = StepsReport::running(ask.test_id.clone(), ask.revision, ask.run);
        let runs_load = self.running_candidate().is_some_and(|running| running.test_id == ask.test_id);
        if ask.run == StepsOf::Setup && !self.is_ready_for(&ask.test_id, ask.revision) {
            let report = report.failed("this driver does not hold the test any more");
            self.steps = Some(Steps { report, waits: false });
            return;
        }
        self.steps = Some(Steps { report, waits: runs_load });
        if !runs_load {
            self.run_steps(out);
        }
    }

    /// Whether a request is one of before, which Kafka may deliver again: for the steps that were asked for last, for the
    /// setup of a test whose teardown was asked for, or for another test than the one that is here.
    fn is_late(&self, ask: &StepsAsk) -> bool {
        let known = |run| self.steps.as_ref().is_some_and(|steps| steps.is(&ask.test_id, ask.revision, run));
        let of_held = self.held.iter().map(|held| &held.candidate).filter(|candidate| candidate.is_ours());
        let of_running = self.running_candidate().filter(|candidate| candidate.is_ours());
        let of_another = |candidate: &Candidate| {
            candidate.test_id != ask.test_id || candidate.revision() != Some(ask.revision)
        };
        known(ask.run) || known(StepsOf::Teardown) || of_held.chain(of_running).any(of_another)
    }

    fn run_steps(&mut self, out: &mut Vec<Output>) {
        if let Some(Steps { report, .. }) = &self.steps {
            let (test_id, revision, run) = (report.test_id.clone(), report.revision, report.run);
            out.push(Output::RunSteps { test_id, revision, run });
        }
    }

    /// Whether it is ready to start that config.
    fn is_ready_for(&self, test_id: &TestId, revision: u32) -> bool {
        self.held.iter().any(|held| {
            held.candidate.test_id == *test_id
                && held.candidate.is_ours()
                && held.candidate.revision() == Some(revision)
                && matches!(held.check, Check::Passed { .. })
                && held.triggered.is_none()
        })
    }

    /// Steps are over.
    pub(super) fn steps_ended(&mut self, report: StepsReport) {
        let same =
            |steps: &&mut Steps| steps.is(&report.test_id, report.revision, report.run) && steps.runs();
        if let Some(steps) = self.steps.as_mut().filter(same) {
            steps.report = report;
        }
    }

    /// Drops steps whose test this driver holds no longer, or is not asked about any more, and begins those that waited for
    /// the end of a load.
    pub(super) fn advance_steps(&mut self, out: &mut Vec<Output>) {
        let Some(steps) = &self.steps else { return };
        let (test_id, revision) = (steps.report.test_id.clone(), steps.report.revision);
        let held_another = self.held.iter().map(|held| &held.candidate).any(|candidate| {
            candidate.is_ours() && (candidate.test_id != test_id || candidate.revision() != Some(revision))
        });
        let of_setup = steps.report.run == StepsOf::Setup;
        // Once the load has begun, the orchestrator knows how setup went; a config that was stopped needs none.
        let is_setup_over = of_setup && steps.runs() && !self.is_ready_for(&test_id, revision);
        let has_begun = self.running_candidate().is_some_and(|running| running.test_id == test_id);
        if self.leaving || held_another || is_setup_over || (of_setup && has_begun) {
            self.stop_steps(out);
            self.steps = None;
        } else if steps.waits && !has_begun {
            if let Some(steps) = &mut self.steps {
                steps.waits = false;
            }
            self.run_steps(out);
        }
    }

    fn stop_steps(&mut self, out: &mut Vec<Output>) {
        if self.steps.as_ref().is_some_and(Steps::runs) {
            out.push(Output::StopSteps);
        }
    }

    /// What heartbeats report of steps.
    pub(super) fn steps_report(&self) -> Option<std::sync::Arc<StepsReport>> {
        self.steps.as_ref().map(|steps| std::sync::Arc::new(steps.report.clone()))
    }
}
