//! What the lifecycle decides, carried out: records published, parts ended, callers answered, the test finished.

use common::wire::StepsOf;

use super::meta::{note, note_of};
use super::stored::stored;
use super::{Active, Manager};
use crate::actors::stats_aggregator::{ClosedTest, PartChanged};
use crate::lifecycle::Effect;
use crate::model::TestState;
use crate::refusal::CommandError;
use crate::store::StoredTest;

impl Manager {
    pub(super) async fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = std::collections::VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let failed = match effect {
                Effect::PublishConfig { revision } => {
                    let published = self.publish_config(revision).await;
                    if let Some(active) = &mut self.active {
                        active.life.config_published(self.settings.clock.now());
                    }
                    published.err()
                }
                Effect::PublishTrigger { start_at_ms, revision } => {
                    self.publish_trigger(start_at_ms, revision).await.err()
                }
                Effect::PublishStop => {
                    if let Err(error) = self.publish_stop().await {
                        log::error!(error:%; "stop not published");
                    }
                    None
                }
                Effect::AskSteps { run, drivers } => self.publish_ask(run, drivers).await.err(),
                Effect::StepsChanged(run, view) => {
                    // A start that was stored, and not carried out, does not count.
                    if let (StepsOf::Setup, true, Some(active)) = (run, view.ended_early(), &mut self.active)
                    {
                        active.meta.started_at = None;
                    }
                    self.change_part(PartChanged::Steps(run, view)).await;
                    None
                }
                Effect::Answer(result) => {
                    self.answer(result).await;
                    None
                }
                Effect::Note { what, driver, detail } => {
                    let now_us = self.settings.clock.unix_us();
                    if let Some(active) = &mut self.active {
                        note_of(&mut active.meta.timeline, driver.as_ref(), now_us, what, &detail);
                        log::info!(test_id:% = active.meta.test_id, what, detail:%; "test");
                    }
                    self.save_active().await;
                    None
                }
                Effect::PartEnded(node, epoch, by) => {
                    self.change_part(PartChanged::Ended(node, epoch, by)).await;
                    None
                }
                Effect::PartBack(node, epoch) => {
                    self.change_part(PartChanged::Back(node, epoch)).await;
                    None
                }
                Effect::Silent(node) => {
                    self.change_part(PartChanged::Silent(node)).await;
                    None
                }
                Effect::Rechosen => self.open_tally(None).await.err(),
                Effect::Deaf(node) => {
                    self.unless_ending(self.links.registry.mark_deaf(node).await);
                    None
                }
                Effect::Finish => {
                    self.finish().await;
                    None
                }
            };
            if let Some(why) = failed {
                log::error!(error:% = why; "record not published");
                let more = self.active.as_mut().map(|active| active.life.publishing_failed(why));
                effects = more.unwrap_or_default().into();
            }
        }
        // After a failed barrier the test stays configured, and another test may be triggered.
        if self.active.as_ref().is_some_and(|active| !active.life.is_under_way()) {
            if let Some(active) = &mut self.active {
                active.meta.state = TestState::Configured;
                active.meta.started_at = None;
                let test_id = active.meta.test_id.clone();
                self.forget_tally(test_id).await;
            }
            self.save_active().await;
            self.active = None;
            self.free_drivers().await;
        }
    }

    async fn answer(&mut self, result: Result<(), CommandError>) {
        let Some(active) = &mut self.active else { return };
        let waiting = std::mem::take(&mut active.waiting);
        let id = active.life.test_id().clone();
        let answered = match result {
            Ok(()) => self.get(&id).await,
            Err(error) => Err(error),
        };
        for answer in waiting {
            let _ = answer.send(answered.clone());
        }
    }

    async fn finish(&mut self) {
        let Some(mut active) = self.active.take() else { return };
        active.meta.state = TestState::Finished;
        let now_us = self.settings.clock.unix_us();
        active.meta.ended_at = Some(now_us);
        self.waiting.ended(active.meta.test_id.clone(), self.settings.clock.now().elapsed);
        note(&mut active.meta, now_us, "finished", "");
        let stopped_by = active.life.stopped_by().cloned();
        let closed = self.links.tally.close(active.meta.clone(), stopped_by).await;
        if let Some(Some(ClosedTest { mut view, closing })) = self.unless_ending(closed) {
            let Active { life, meta, .. } = &active;
            let finished = stored(meta, life.plan(), life.revision(), life.participants(), &view);
            let finished = StoredTest { closing: Some(closing), ..finished };
            let failed = self.save(finished.clone()).await.err().map(|error| error.to_string());
            // Its windows may still wait although the report itself was stored.
            if let Some(why) = self.unsaved.trouble.clone().or(failed) {
                log::error!(error:% = why; "report not stored; held in memory");
                view = self.unsaved.hold(finished, now_us, &why).unwrap_or(view);
            }
            log::info!(test_id:% = active.meta.test_id, verdict:? = view.verdict; "test finished");
            self.show(view.clone());
            for answer in active.waiting {
                let _ = answer.send(Ok(view.clone()));
            }
        }
        self.free_drivers().await;
    }
}
