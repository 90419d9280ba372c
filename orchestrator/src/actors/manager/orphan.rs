//! Tests that were active when the previous process ended, and cannot go on in this one. They are closed with the
//! records that the store has. `ran_on` decides whether a test can go on.

use common::plan::Plan;
use common::wire::StepsOf;

use super::super::recount::{recount, save_spans};
use super::in_setup::{closed_teardown, has_begun_setup_alone};
use super::meta::{meta_of, note};
use super::stored::{steps_of, stopped_by, stored};
use super::{Manager, Meta};
use crate::assemble::changes_of;
use crate::model::TestState;
use crate::participant::Participant;
use crate::ran_on::{Orphaned, RanOn, orphaned};
use crate::refusal::CommandError;
use crate::store::StoredTest;
use crate::tally::Tally;
use crate::verdict::judge;

/// A test that cannot go on. Its state and its last note are not set yet.
pub(super) struct Closed {
    pub meta: Meta,
    pub plan: Plan,
    pub revision: u32,
    pub participants: Vec<Participant>,
    pub tally: Box<Tally>,
}

impl Manager {
    /// Kafka answered, and the store has the offsets where reading begins. No record was read yet.
    pub(super) async fn kafka_reached(&mut self, kafka: Option<RanOn>) {
        (self.kafka, self.reads) = (kafka, true);
        self.resume_in_setup().await;
        let Some(active) = &self.active else { return };
        let Some(why) = orphaned(active.meta.kafka.as_ref(), self.kafka.as_ref()) else { return };
        let id = active.life.test_id().clone();
        self.active = None;
        self.forget_tally(id.clone()).await;
        self.free_drivers().await;
        let closed = match self.load(&id).await {
            Ok(stored) if has_begun_setup_alone(&stored) => self.close_in_setup(stored).await,
            Ok(stored) => self.close_orphan(stored, why).await,
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            log::error!(test_id:% = id, error:%; "test of another kafka not closed");
        }
    }

    /// Judges a test by its stored records, and stores it as finished.
    pub(super) async fn close_orphan(&mut self, test: StoredTest, why: Orphaned) -> Result<(), CommandError> {
        let plan = test.plan.into_plan().map_err(CommandError::Plan)?;
        let now_us = self.settings.clock.unix_us();
        let started_at = test.started_at.unwrap_or(test.created_at);
        let mut meta = meta_of(&test.test_id, &plan, test.created_at);
        let (setup, teardown) = steps_of(&test.report);
        let teardown = closed_teardown(&plan, teardown);
        let steps = [(StepsOf::Setup, setup), (StepsOf::Teardown, teardown)];
        meta.rate_changes = changes_of(test.report.as_ref(), started_at);
        meta.timeline = test.report.map(|report| report.timeline).unwrap_or_default();
        (meta.started_at, meta.kafka) = (Some(started_at), test.kafka);
        let mut tally = Box::new(Tally::new(test.test_id, plan.clone(), &test.participants));
        tally.started(started_at);
        for (run, view) in steps.into_iter().filter_map(|(run, view)| Some((run, view?))) {
            tally.set_steps(run, view);
        }
        tally.rate_changed(meta.rate_changes.clone());
        let mut tally = recount(&self.links.records, &self.links.store, tally).await?;
        let last_at = tally.parts_seen().iter().filter_map(|part| part.last_report_at).max();
        // If all drivers have reported their end, no record is missing: only the verdict was not computed.
        if !tally.all_ended() {
            let reason = why.reason(started_at, last_at);
            note(&mut meta, now_us, "interrupted", &reason);
            tally.interrupt(&reason);
        }
        // It ended with the previous process, not at this restart.
        meta.ended_at = Some(last_at.unwrap_or(started_at).max(started_at));
        self.judge_closed(Closed {
            meta,
            plan,
            revision: test.revision,
            participants: test.participants,
            tally,
        })
        .await
    }

    /// Judges a test that is closed by what its tally has, and stores it as finished.
    pub(super) async fn judge_closed(&mut self, closed: Closed) -> Result<(), CommandError> {
        let Closed { mut meta, plan, revision, participants, mut tally } = closed;
        let now_us = self.settings.clock.unix_us();
        note(&mut meta, now_us, "finished", "when the orchestrator was started again");
        meta.state = TestState::Finished;
        let stopped_by = stopped_by(&meta.timeline);
        let closing = tally.closing(stopped_by.as_ref());
        tally.finish();
        save_spans(&self.links.store, &mut tally, false).await;
        let judgement = judge(&tally.facts(stopped_by.as_ref()));
        let view = crate::assemble::view(&meta.borrowed(), &tally, Some(&judgement), now_us);
        let finished = stored(&meta, &plan, revision, &participants, &view);
        self.save(StoredTest { closing: Some(closing), ..finished }).await?;
        log::info!(test_id:% = meta.test_id, verdict:? = view.verdict; "closed a test of the previous process");
        self.show(view);
        Ok(())
    }
}
