//! What the manager keeps of tests, and how it takes one up again.

use common::ids::TestId;
use common::plan::Plan;

use super::super::stats_aggregator::{GetView, Meta, Recount, TallyStarted};
use super::{Active, Manager, empty_view, gone, meta_of, note, plan_of};
use crate::lifecycle::Lifecycle;
use crate::messages::{
    CommandError, LoadMetrics, LoadTest, LoadUnfinished, SaveTest, StoredParticipant, StoredTest,
};
use crate::model::{TestState, TestView};

/// Records of a page when a test is counted again.
const PAGE: u32 = 500;

impl Manager {
    pub(super) async fn load(&self, id: &TestId) -> Result<StoredTest, CommandError> {
        let loaded = self.links.load.send(LoadTest(id.clone())).await.map_err(gone)?;
        let stored = loaded.map_err(|error| CommandError::Internal(error.to_string()))?;
        stored.ok_or_else(|| CommandError::NoSuchTest(id.clone()))
    }

    pub(super) async fn revised(&mut self, view: TestView) -> Result<TestView, CommandError> {
        let id = TestId::new(&view.test_id).map_err(|error| CommandError::Internal(error.to_string()))?;
        let mut stored = self.load(&id).await?;
        stored.verdict = view.verdict;
        stored.report = Some(view.clone());
        let saved = self.links.save.send(SaveTest(Box::new(stored))).await.map_err(gone)?;
        saved.map_err(|error| CommandError::Internal(error.to_string()))?;
        self.tell(view.clone());
        Ok(view)
    }

    pub(super) async fn save_active(&self) {
        let Some(active) = &self.active else { return };
        let view = match self.links.view.send(GetView(active.meta.clone())).await {
            Ok(Some(view)) => view,
            _ => empty_view(&active.meta, active.life.plan()),
        };
        let (plan, revision) = (active.life.plan(), active.life.revision());
        if let Err(error) = self.save(&active.meta, plan, revision, active.life.participants(), &view).await {
            log::error!(error:%; "the test was not stored");
        }
    }

    pub(super) async fn save(
        &self,
        meta: &Meta,
        plan: &Plan,
        revision: u32,
        participants: &[StoredParticipant],
        view: &TestView,
    ) -> Result<(), CommandError> {
        let stored = StoredTest {
            test_id: meta.test_id.clone(),
            plan: plan.to_json(),
            state: meta.state,
            verdict: view.verdict,
            created_at: meta.created_at,
            started_at: meta.started_at,
            ended_at: meta.ended_at,
            revision,
            participants: participants.to_vec(),
            report: Some(view.clone()),
        };
        let saved = self.links.save.send(SaveTest(Box::new(stored))).await.map_err(gone)?;
        saved.map_err(|error| CommandError::Internal(error.to_string()))
    }

    /// Goes on with the test that ran when the orchestrator's life before ended, from what the store kept.
    pub async fn resume(&mut self) {
        let unfinished = match self.links.unfinished.send(LoadUnfinished).await {
            Ok(Ok(unfinished)) => unfinished,
            Ok(Err(error)) => return log::error!(error:%; "unfinished tests cannot be read"),
            Err(_) => return,
        };
        for stored in unfinished {
            if let Err(error) = self.resume_one(stored).await {
                log::error!(error:%; "a test cannot be resumed");
            }
        }
    }

    pub(super) async fn resume_one(&mut self, mut stored: StoredTest) -> Result<(), CommandError> {
        let Some(started_at) = stored.started_at.filter(|_| self.active.is_none()) else {
            // Its barrier ended with the life that stood at it.
            stored.state = TestState::Configured;
            let saved = self.links.save.send(SaveTest(Box::new(stored))).await.map_err(gone)?;
            return saved.map_err(|error| CommandError::Internal(error.to_string()));
        };
        let plan = plan_of(&stored.plan)?;
        let (id, rules, now) = (stored.test_id.clone(), self.settings.rules, self.settings.clock.now());
        let life = Lifecycle::resumed(
            id.clone(),
            plan.clone(),
            rules,
            stored.revision,
            stored.participants,
            started_at,
            now,
        );
        let mut meta = meta_of(&id, &plan, stored.created_at);
        meta.timeline = stored.report.map(|report| report.timeline).unwrap_or_default();
        meta.started_at = Some(started_at);
        meta.state = TestState::Running;
        note(&mut meta, "resumed", "the orchestrator was started again");
        self.active = Some(Active { life, meta, waiting: Vec::new() });
        self.open_tally().await?;
        self.links.started.send(TallyStarted(started_at)).await.map_err(gone)?;
        let mut after = 0;
        loop {
            let asked = LoadMetrics { test_id: id.clone(), after, limit: PAGE };
            let page = self.links.metrics.send(asked).await.map_err(gone)?;
            let page = page.map_err(|error| CommandError::Internal(error.to_string()))?;
            self.links.recount.send(Recount(page.records)).await.map_err(gone)?;
            match page.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }
}
