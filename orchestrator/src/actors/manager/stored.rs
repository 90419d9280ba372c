//! How the manager stores tests, and resumes one after a restart.

use common::ids::TestId;
use common::plan::Plan;

use super::super::offer;
use super::super::recount::recount;
use super::super::stats_aggregator::Meta;
use super::in_setup::has_begun_setup_alone;
use super::meta::{empty_view, meta_of, note, note_to};
use super::{Active, Manager};
use crate::actors::events::Changed;
use crate::assemble::changes_of;
use crate::lifecycle::{self, Lifecycle, is_doubtful};
use crate::model::{StepsView, TestState, TestView, TimelineEntry};
use crate::participant::Participant;
use crate::ran_on::orphaned;
use crate::refusal::CommandError;
use crate::stopped_by::StoppedBy;
use crate::store::{StoreError, StoredTest};
use crate::tally::Tally;

impl Manager {
    pub(super) async fn load(&self, id: &TestId) -> Result<StoredTest, CommandError> {
        if let Some(held) = self.unsaved.get(id) {
            return Ok(held.clone());
        }
        let loaded = self.links.store.load_test(id).await;
        let stored = loaded.map_err(|error| CommandError::Internal(error.to_string()))?;
        stored.ok_or_else(|| CommandError::NoSuchTest(id.clone()))
    }

    /// Deletes a test that is not active.
    pub(super) async fn delete(&mut self, id: &TestId) -> Result<TestView, CommandError> {
        let under_way = || {
            CommandError::Conflict(format!(
                "test {id} is under way: stop it, and delete it when it is finished"
            ))
        };
        if self.active.as_ref().is_some_and(|active| active.life.test_id() == id) {
            return Err(under_way());
        }
        let view = self.get(id).await?;
        self.waiting.cancel(id, "deleted");
        let held = self.unsaved.forget(id);
        let removed = self.links.store.remove_test(id).await.map_err(|error| not_stored(&error))?;
        // The store has a report held in memory as still active, or not at all.
        if !removed && !held {
            return Err(under_way());
        }
        offer(&self.links.events, Changed::Deleted(id.clone()), &self.settings.telemetry);
        Ok(view)
    }

    pub(super) async fn save_active(&self) {
        let Some(active) = &self.active else { return };
        let view = self.unless_ending(self.links.tally.view(active.meta.clone()).await);
        // Without a tally the report has no counts: the next process counts the stored records again.
        let view = view.flatten().unwrap_or_else(|| empty_view(&active.meta, active.life.plan()));
        let Active { life, meta, .. } = active;
        let test = stored(meta, life.plan(), life.revision(), life.participants(), &view);
        if let Err(error) = self.save(test).await {
            log::error!(error:%; "test not stored");
        }
    }

    pub(super) async fn save(&self, test: StoredTest) -> Result<(), CommandError> {
        self.links.store.save_test(test).await.map_err(|error| not_stored(&error))
    }

    /// Handles the tests that were active when the previous process ended, as far as possible without Kafka. Tests that
    /// cannot go on are closed; tests that were waiting for drivers are configured again. Of the others those in setup wait
    /// for Kafka, and the rest for [`Self::resume`].
    pub async fn close_orphans(&mut self) {
        let unfinished = match self.links.store.load_unfinished().await {
            Ok(unfinished) => unfinished,
            Err(StoreError::Stopped) => return,
            Err(error) => return log::error!(error:%; "unfinished tests cannot be read"),
        };
        for stored in unfinished {
            let id = stored.test_id.clone();
            let done = match (stored.started_at, orphaned(stored.kafka.as_ref(), self.kafka.as_ref())) {
                (None, Some(_)) if has_begun_setup_alone(&stored) => self.close_in_setup(stored).await,
                (None, None) if has_begun_setup_alone(&stored) => {
                    self.in_setup.push(id.clone());
                    Ok(())
                }
                (None, _) => self.configured_again(stored).await,
                (Some(_), Some(why)) => self.close_orphan(stored, why).await,
                (Some(_), None) => {
                    self.resumable.push(stored);
                    Ok(())
                }
            };
            if let Err(error) = done {
                log::error!(test_id:% = id, error:%; "test of the previous process not resumed");
            }
        }
    }

    /// Resumes the test that was running when the previous process ended, from its stored records.
    pub async fn resume(&mut self) {
        for stored in std::mem::take(&mut self.resumable) {
            if let Err(error) = self.resume_one(stored).await {
                log::error!(error:%; "test not resumed");
            }
        }
    }

    /// The test was waiting for its drivers when the previous process ended: it is configured again.
    async fn configured_again(&mut self, mut stored: StoredTest) -> Result<(), CommandError> {
        stored.state = TestState::Configured;
        stored.started_at = None;
        if let Some(report) = &mut stored.report {
            (report.state, report.started_at) = (TestState::Configured, None);
            let now_us = self.settings.clock.unix_us();
            note_to(
                &mut report.timeline,
                now_us,
                "not_started",
                "the orchestrator was restarted: trigger it again",
            );
        }
        self.save(stored).await
    }

    pub(super) async fn resume_one(&mut self, stored: StoredTest) -> Result<(), CommandError> {
        let Some(started_at) = stored.started_at.filter(|_| self.active.is_none()) else {
            return self.configured_again(stored).await;
        };
        let plan = stored.plan.into_plan().map_err(CommandError::Plan)?;
        self.settings.clock.hold();
        let (id, rules, now) = (stored.test_id.clone(), self.settings.rules, self.settings.clock.now());
        let mut meta = meta_of(&id, &plan, stored.created_at);
        let (setup, teardown) = steps_of(&stored.report);
        meta.rate_changes = changes_of(stored.report.as_ref(), started_at);
        meta.timeline = stored.report.map(|report| report.timeline).unwrap_or_default();
        meta.started_at = Some(started_at);
        meta.kafka = stored.kafka;
        let mut life = Lifecycle::resumed(
            id.clone(),
            plan.clone(),
            rules,
            stored.revision,
            stored.participants,
            started_at,
            now,
        )
        .with_rate_changes(meta.rate_changes.clone())
        .with_steps(setup, teardown);
        if let Some(by) = stopped_by(&meta.timeline) {
            life = life.stopping(by, now);
        } else if is_doubtful(&meta.timeline) {
            life = life.doubtful(now);
        }
        meta.state = life.state(now, &[]);
        note(&mut meta, now.unix_us, "resumed", "the orchestrator was started again");
        let mut tally = Box::new(Tally::new(id, plan, life.participants()));
        tally.started(started_at);
        life.steps().for_each(|(run, view)| tally.set_steps(run, view.clone()));
        tally.rate_changed(meta.rate_changes.clone());
        let tally = recount(&self.links.records, &self.links.store, tally).await?;
        self.active = Some(Active::new(life, meta));
        self.open_tally(Some(tally)).await
    }
}

/// What a stored report has of setup and of teardown.
pub(super) fn steps_of(report: &Option<TestView>) -> (Option<StepsView>, Option<StepsView>) {
    report.as_ref().map_or((None, None), |report| (report.setup.clone(), report.teardown.clone()))
}

/// Why a test was not stored. The user sees the store's reason, unless the node is ending.
fn not_stored(error: &StoreError) -> CommandError {
    match error {
        StoreError::Stopped | StoreError::Deleted => CommandError::Internal(error.to_string()),
        StoreError::Sqlite { .. } | StoreError::Row { .. } => {
            CommandError::NotStored(error.cause().to_owned())
        }
    }
}

/// Who stopped a test since it was triggered last, as its timeline has it.
pub(super) fn stopped_by(timeline: &[TimelineEntry]) -> Option<StoppedBy> {
    lifecycle::since_trigger(timeline)
        .iter()
        .find(|entry| entry.what == lifecycle::STOPPED)
        .map(|entry| StoppedBy::from_sentence(&entry.detail))
}

/// A test as the store keeps it, its end apart.
pub(super) fn stored(
    meta: &Meta,
    plan: &Plan,
    revision: u32,
    participants: &[Participant],
    view: &TestView,
) -> StoredTest {
    StoredTest {
        test_id: meta.test_id.clone(),
        plan: plan.clone().into(),
        state: meta.state,
        verdict: view.verdict,
        created_at: meta.created_at,
        started_at: meta.started_at,
        ended_at: meta.ended_at,
        kafka: meta.kafka.clone(),
        revision,
        participants: participants.to_vec(),
        report: Some(view.clone()),
        closing: None,
    }
}
