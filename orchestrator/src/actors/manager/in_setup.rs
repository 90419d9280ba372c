//! Tests whose setup had begun when the previous process ended, and whose load had not. What setup did is lost, and it is
//! not repeated. Where the drivers can still be reached, teardown is next; where not, the test is closed.

use common::ids::TestId;
use common::plan::Plan;
use common::wire::StepsOf;

use super::meta::{meta_of, note};
use super::orphan::Closed;
use super::stored::{steps_of, stopped_by};
use super::{Active, Manager};
use crate::lifecycle::{self, Lifecycle};
use crate::model::{StepsOutcome, StepsView, TestState};
use crate::ran_on::orphaned;
use crate::refusal::CommandError;
use crate::store::StoredTest;
use crate::tally::Tally;

/// Whether setup was under way or over when the previous process ended, and the load was not started.
pub(super) fn has_begun_setup_alone(stored: &StoredTest) -> bool {
    let began = stored.report.as_ref().is_some_and(|report| lifecycle::began_setup(&report.timeline));
    stored.started_at.is_none() && began
}

/// Teardown as a test has it that is closed: what did not end, or was not asked for, is lost. `None`: the plan has none.
pub(super) fn closed_teardown(plan: &Plan, stored: Option<StepsView>) -> Option<StepsView> {
    plan.program.as_ref()?.teardown.as_ref()?;
    let view = stored.unwrap_or_else(|| StepsView::running(Vec::new()));
    let why = "the orchestrator was started again before it had ended";
    let is_open = view.outcome == StepsOutcome::Running;
    Some(if is_open { view.ended(StepsOutcome::Lost, None, why) } else { view })
}

impl Manager {
    /// Kafka answered: goes on with the tests that waited for it.
    pub(super) async fn resume_in_setup(&mut self) {
        for id in std::mem::take(&mut self.in_setup) {
            if let Err(error) = self.resume_one_in_setup(&id).await {
                log::error!(test_id:% = id, error:%; "test of the previous process not resumed");
            }
        }
    }

    async fn resume_one_in_setup(&mut self, id: &TestId) -> Result<(), CommandError> {
        let test = self.load(id).await?;
        if test.state == TestState::Finished {
            return Ok(());
        }
        if self.active.is_some() || orphaned(test.kafka.as_ref(), self.kafka.as_ref()).is_some() {
            return self.close_in_setup(test).await;
        }
        let plan = test.plan.into_plan().map_err(CommandError::Plan)?;
        self.settings.clock.hold();
        let (rules, now) = (self.settings.rules, self.settings.clock.now());
        let mut meta = meta_of(id, &plan, test.created_at);
        let (setup, teardown) = steps_of(&test.report);
        meta.timeline = test.report.map(|report| report.timeline).unwrap_or_default();
        meta.kafka = test.kafka;
        let mut life = Lifecycle::new(id.clone(), plan.clone(), rules, test.revision)
            .in_setup(test.participants, stopped_by(&meta.timeline))
            .with_steps(setup, teardown);
        note(&mut meta, now.unix_us, "resumed", "the orchestrator was started again");
        let mut tally = Box::new(Tally::new(id.clone(), plan, life.participants()));
        life.steps().for_each(|(run, view)| tally.set_steps(run, view.clone()));
        let effects = life.resumed_in_setup();
        meta.state = life.state(now, &[]);
        self.active = Some(Active::new(life, meta));
        self.open_tally(Some(tally)).await?;
        self.carry_out(effects).await;
        Ok(())
    }

    /// Closes such a test. Its drivers let go of it when they see this process.
    pub(super) async fn close_in_setup(&mut self, test: StoredTest) -> Result<(), CommandError> {
        let plan = test.plan.into_plan().map_err(CommandError::Plan)?;
        let now_us = self.settings.clock.unix_us();
        let mut meta = meta_of(&test.test_id, &plan, test.created_at);
        let (setup, teardown) = steps_of(&test.report);
        meta.timeline = test.report.map(|report| report.timeline).unwrap_or_default();
        meta.kafka = test.kafka;
        let setup = setup.unwrap_or_else(|| StepsView::running(Vec::new()));
        let teardown = closed_teardown(&plan, teardown);
        let (setup, why) = if setup.ended_early() {
            (setup, "the orchestrator was started again before the test had ended")
        } else {
            let why = "the orchestrator was started again while setup ran, which is not repeated: undo what it did, then \
                       run the test again";
            (setup.ended(StepsOutcome::Lost, None, why), why)
        };
        note(&mut meta, now_us, "interrupted", why);
        meta.ended_at = Some(now_us);
        let mut tally = Box::new(Tally::new(test.test_id, plan.clone(), &test.participants));
        tally.set_steps(StepsOf::Setup, setup);
        if let Some(teardown) = teardown {
            tally.set_steps(StepsOf::Teardown, teardown);
        }
        self.judge_closed(Closed {
            meta,
            plan,
            revision: test.revision,
            participants: test.participants,
            tally,
        })
        .await
    }
}
