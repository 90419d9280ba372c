//! A change of the running test's rate: stored first, then published, so that the next process of this orchestrator knows
//! every change that a driver may have obeyed.

use common::ids::TestId;
use common::plan::RateChange;

use super::Manager;
use super::meta::note;
use crate::lifecycle::{RATE_CHANGED, not_running};
use crate::model::TestView;
use crate::now::Now;
use crate::refusal::CommandError;

impl Manager {
    /// Changes the rate of a test that runs; a test that has this rate stays as it is.
    pub(super) async fn change_rate(
        &mut self,
        id: &TestId,
        rate_per_s: f64,
    ) -> Result<TestView, CommandError> {
        if self.active.as_ref().is_none_or(|active| active.life.test_id() != id) {
            let stored = self.load(id).await?;
            return Err(CommandError::Conflict(not_running(id.as_str(), stored.state)));
        }
        let nodes = self.links.registry.facts().await?;
        let now = self.settings.clock.now();
        let Some(active) = &mut self.active else { return self.get(id).await };
        let Some((change, detail)) = active.life.change_rate(rate_per_s, now, &nodes)? else {
            return self.get(id).await;
        };
        self.order_rate(change, &detail, now).await?;
        let view = self.get(id).await?;
        self.show(view.clone());
        Ok(view)
    }

    /// Stores a change that the lifecycle made, and publishes it.
    pub(super) async fn order_rate(
        &mut self,
        change: RateChange,
        detail: &str,
        now: Now,
    ) -> Result<(), CommandError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        log::info!(test_id:% = active.meta.test_id, change = change.number, detail:%; "rate changes");
        let entries = active.meta.timeline.len();
        note(&mut active.meta, now.unix_us, RATE_CHANGED, detail);
        self.keep_rate_changes().await?;
        if let Err(error) = self.publish_rate(change).await {
            self.take_back(change, entries).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Kafka did not take a change: the report says that there was none.
    async fn take_back(&mut self, change: RateChange, entries: usize) -> Result<(), CommandError> {
        log::error!(change = change.number; "change of the rate not published");
        if let Some(active) = &mut self.active {
            active.life.take_back_rate();
            active.meta.timeline.truncate(entries);
        }
        self.keep_rate_changes().await
    }

    /// Has the tally and the store follow the changes of the active test.
    async fn keep_rate_changes(&mut self) -> Result<(), CommandError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let changes = active.life.rate_changes().to_vec();
        active.meta.rate_changes.clone_from(&changes);
        self.links.tally.rate_changed(changes).await?;
        self.save_active().await;
        Ok(())
    }
}
