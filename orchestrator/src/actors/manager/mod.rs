//! The task inside `TestManagerActor`. It does commands and periodic looks one after the other, so two steps of a test
//! never run at once. The rules are in `lifecycle`; this module carries them out.

mod command;
mod effects;
mod in_setup;
mod links;
mod meta;
mod orphan;
mod publish;
mod rate;
mod search;
mod stored;
mod unsaved;
mod waiting;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::TestId;
use common::plan::{Fault, Plan, read_value};

pub use self::command::{Answer, Asked, Command};
pub use self::links::{ManagerLinks, ManagerSettings};
use self::meta::{empty_view, meta_of, note};
use self::stored::stored;
use self::unsaved::Unsaved;
use self::waiting::Waiting;
use super::stats_aggregator::{Meta, PartChanged};
use super::{Gone, offer};
use crate::actors::events::Changed;
use crate::capacity::Want;
use crate::lifecycle::{self, Lifecycle};
use crate::model::{TestState, TestView};
use crate::participant::PartSeen;
use crate::ran_on::RanOn;
use crate::refusal::CommandError;
use crate::registry::NodeFacts;
use crate::seed::{random_seed, with_seed};
use crate::stopped_by::StoppedBy;
use crate::store::StoredTest;
use crate::tally::Tally;
use crate::verdict::judge;

/// Least time between two updates of the active test to listeners while its state does not change. What they show is
/// at most 1 s old; an update every time would cost too much, because the figures are computed for each.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// How often the test that is under way is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The same while it starts, so that ready drivers get the trigger soon and short tests are reported promptly.
const LOOK_AT_FIRST_EVERY: Duration = Duration::from_millis(20);

const NOT_RECEIVING_YET: &str =
    "the orchestrator does not receive from Kafka yet: try again in a few seconds";

/// The test that is under way.
struct Active {
    life: Lifecycle,
    meta: Meta,
    waiting: Vec<Answer>,
    /// The state that the store has.
    saved: Option<TestState>,
    /// The state that was last sent to listeners, and when.
    shown: Option<(Duration, TestState)>,
}

impl Active {
    fn new(life: Lifecycle, meta: Meta) -> Self {
        Self { life, meta, waiting: Vec::new(), saved: None, shown: None }
    }
}

pub struct Manager {
    links: ManagerLinks,
    settings: ManagerSettings,
    active: Option<Active>,
    unsaved: Unsaved,
    waiting: Waiting,
    /// The cluster id of Kafka; `None` until it has answered, and for a cluster without an id.
    kafka: Option<RanOn>,
    /// Whether the store has the offsets where reading began: no test is triggered before that.
    reads: bool,
    /// Tests of the previous process that may go on, until they are resumed.
    resumable: Vec<StoredTest>,
    /// Tests of the previous process whose setup had begun and whose load had not, until Kafka answers.
    in_setup: Vec<TestId>,
    /// Whether an actor did not answer, so that it is logged once.
    ending: Cell<bool>,
}

impl Manager {
    /// A manager without an active test.
    pub fn new(links: ManagerLinks, settings: ManagerSettings) -> Self {
        let kafka = settings.embedded.then_some(RanOn::Embedded);
        let (unsaved, waiting) = (Unsaved::default(), Waiting::default());
        Self {
            links,
            settings,
            active: None,
            unsaved,
            waiting,
            kafka,
            reads: false,
            resumable: Vec::new(),
            in_setup: Vec::new(),
            ending: Cell::new(false),
        }
    }

    /// Runs one command; the answer to a trigger may follow later.
    pub async fn command(&mut self, command: Command, answer: Answer) {
        self.do_command(command, answer).await;
        self.serve_waiting().await;
        self.release_clock();
    }

    /// The time of day is the wall clock's again where no test is under way.
    fn release_clock(&self) {
        if self.active.is_none() {
            self.settings.clock.release();
        }
    }

    async fn do_command(&mut self, command: Command, answer: Answer) {
        let answered = match command {
            Command::Create(plan) => self.create(*plan).await,
            Command::Copy(from, name) => self.copy(&from, name).await,
            Command::Get(id) => self.get(&id).await,
            Command::Stop(id) => self.stop(&id).await,
            Command::ChangeRate(id, rate_per_s) => self.change_rate(&id, rate_per_s).await,
            Command::Delete(id) => self.delete(&id).await,
            Command::StoreChanged(trouble) => return self.store_changed(trouble).await,
            Command::KafkaReached(kafka) => {
                self.kafka_reached(kafka).await;
                // The caller needs only to know that it is done, not the result.
                return drop(answer);
            }
            Command::Trigger(id, wait) => return self.asked_to_start(id, wait, answer).await,
        };
        // The caller may have stopped waiting.
        let _ = answer.send(answered);
    }

    /// Advances the active test by one step of its lifecycle and carries out the effects.
    pub async fn look(&mut self) {
        self.look_once().await;
        self.serve_waiting().await;
        self.release_clock();
    }

    /// How long until the next look.
    pub fn look_again_in(&self) -> Duration {
        let now = self.settings.clock.now();
        let begins = self.active.as_ref().is_some_and(|active| active.life.begins(now));
        if begins { LOOK_AT_FIRST_EVERY } else { LOOK_EVERY }
    }

    async fn look_once(&mut self) {
        self.save_held().await;
        if self.active.is_none() {
            return;
        }
        let Some((nodes, parts)) = self.unless_ending(self.seen().await) else { return };
        let Some(breach) = self.breach().await else { return };
        let Some(wanted) = self.search_wants().await else { return };
        let now = self.settings.clock.now();
        let Some(active) = &mut self.active else { return };
        let mut effects = Vec::new();
        if let Some(breach) = breach {
            // Repeating a stop changes nothing: the breach stays until the test is over.
            effects = active.life.stop(StoppedBy::Abort(breach), now);
        }
        if wanted == Want::End {
            effects.extend(active.life.stop(StoppedBy::Search, now));
        }
        effects.extend(active.life.step(now, &nodes, &parts));
        active.meta.state = active.life.state(now, &nodes);
        self.carry_out(effects).await;
        self.follow_search(wanted, &nodes).await;
        let Some(active) = &mut self.active else { return };
        let state = active.meta.state;
        if active.saved.replace(state) != Some(state) {
            // The history is served from the store, so a new state is stored at once.
            self.save_active().await;
        }
        let Some(active) = &mut self.active else { return };
        let lately = |(at, shown)| shown == state && now.elapsed.saturating_sub(at) < SHOW_EVERY;
        if active.shown.is_some_and(lately) {
            return;
        }
        active.shown = Some((now.elapsed, state));
        let view = self.links.tally.view(active.meta.clone()).await;
        if let Some(Some(view)) = self.unless_ending(view) {
            self.show(view);
        }
    }

    fn show(&self, view: TestView) {
        offer(&self.links.events, Changed::Test(Box::new(view)), &self.settings.telemetry);
    }

    async fn seen(&self) -> Result<(Vec<NodeFacts>, Vec<PartSeen>), Gone> {
        Ok((self.links.registry.facts().await?, self.links.tally.parts().await?))
    }

    /// The breach of a condition of the active test's `[abort]`; the outer `None`: the node is ending.
    async fn breach(&self) -> Option<Option<String>> {
        match &self.active {
            Some(active) if !active.life.plan().abort.is_empty() => {
                self.unless_ending(self.links.tally.breach().await)
            }
            _ => Some(None),
        }
    }

    /// The answer of an actor. Without one nothing is known of nodes or parts, which is not the same as that there are
    /// none: the lifecycle would end the test of drivers that run it. The node is ending, and its next process resumes
    /// the test, so the caller leaves out what depends on the answer.
    fn unless_ending<T>(&self, answer: Result<T, Gone>) -> Option<T> {
        answer
            .inspect_err(|error| {
                if !self.ending.replace(true) {
                    log::warn!(error:%; "an actor has stopped; tests are no longer led");
                }
            })
            .ok()
    }

    async fn change_part(&self, changed: PartChanged) {
        self.unless_ending(self.links.tally.part_changed(changed).await);
    }

    async fn forget_tally(&self, test_id: TestId) {
        self.unless_ending(self.links.tally.forget(test_id).await);
    }

    /// No driver is busy with a test any more.
    async fn free_drivers(&self) {
        self.unless_ending(self.links.registry.set_busy(BTreeMap::new()).await);
    }

    async fn create(&mut self, plan: Plan) -> Result<TestView, CommandError> {
        let test_id = TestId::random();
        let plan = with_seed(plan, random_seed());
        let now_us = self.settings.clock.unix_us();
        let mut meta = meta_of(&test_id, &plan, now_us);
        note(&mut meta, now_us, "created", "");
        let view = empty_view(&meta, &plan);
        self.save(stored(&meta, &plan, 0, &[], &view)).await?;
        self.show(view.clone());
        Ok(view)
    }

    /// Creates a test with the stored plan of another one, which answers show masked alone. Its seed stays, so that the same
    /// is sent again.
    async fn copy(&mut self, from: &TestId, name: Option<String>) -> Result<TestView, CommandError> {
        let plan = self.load(from).await?.plan.into_plan().map_err(CommandError::Plan)?;
        let plan = match name {
            Some(name) => named(&plan, name).map_err(CommandError::Plan)?,
            None => plan,
        };
        self.create(plan).await
    }

    /// The active test as it is now, not as the last look found it: drivers may have begun since.
    async fn current(&mut self) -> Result<Option<TestView>, CommandError> {
        let nodes = self.links.registry.facts().await?;
        let now = self.settings.clock.now();
        let Some(active) = &mut self.active else { return Ok(None) };
        active.meta.state = active.life.state(now, &nodes);
        Ok(self.links.tally.view(active.meta.clone()).await?)
    }

    async fn get(&mut self, id: &TestId) -> Result<TestView, CommandError> {
        if self.active.as_ref().is_some_and(|active| active.life.test_id() == id)
            && let Some(view) = self.current().await?
        {
            return Ok(view);
        }
        let stored = self.load(id).await?;
        match stored.report {
            Some(report) => Ok(report),
            None => {
                let plan = stored.plan.into_plan().map_err(CommandError::Plan)?;
                Ok(empty_view(&meta_of(id, &plan, stored.created_at), &plan))
            }
        }
    }

    /// Makes a stored test the active one, still configured.
    async fn activate(&mut self, stored: StoredTest) -> Result<(), CommandError> {
        let plan = stored.plan.into_plan().map_err(CommandError::Plan)?;
        let mut meta = meta_of(&stored.test_id, &plan, stored.created_at);
        meta.timeline = stored.report.map(|report| report.timeline).unwrap_or_default();
        meta.kafka.clone_from(&self.kafka);
        let life = Lifecycle::new(stored.test_id, plan, self.settings.rules, stored.revision);
        self.settings.clock.hold();
        self.active = Some(Active::new(life, meta));
        Ok(())
    }

    /// `None`: the barrier will answer.
    async fn trigger(&mut self, id: &TestId) -> Result<Option<TestView>, CommandError> {
        if let Some(active) = self.active.as_ref().filter(|active| active.life.test_id() == id) {
            return if active.life.awaits_drivers() { Ok(None) } else { self.get(id).await.map(Some) };
        }
        // Before the look at what else is under way: one that is finished starts neither now nor later.
        let stored = self.load(id).await?;
        if stored.state == TestState::Finished {
            return Err(is_finished(id));
        }
        if let Some(active) = &self.active {
            let (test_id, waited) = (active.life.test_id().clone(), Duration::ZERO);
            return Err(CommandError::UnderWay { test_id, waited });
        }
        if !self.reads {
            return Err(CommandError::NotReady(NOT_RECEIVING_YET.to_owned()));
        }
        let nodes = self.links.registry.facts().await?;
        self.activate(stored).await?;
        let Some(active) = &mut self.active else { return Ok(None) };
        if let Err(error) = active.life.trigger(&nodes) {
            self.active = None;
            return Err(error);
        }
        self.open_tally(None).await?;
        Ok(None)
    }

    /// Names who is busy with the active test, and has what arrives counted to it: to a new tally, or to one that
    /// was counted from the store.
    async fn open_tally(&self, counted: Option<Box<Tally>>) -> Result<(), CommandError> {
        let Some(Active { life, .. }) = &self.active else { return Ok(()) };
        let participants = life.participants();
        let busy = participants.iter().map(|one| (one.node_id.clone(), one.epoch)).collect();
        self.links.registry.set_busy(busy).await?;
        let tally = counted.unwrap_or_else(|| {
            Box::new(Tally::new(life.test_id().clone(), life.plan().clone(), participants))
        });
        Ok(self.links.tally.open(tally).await?)
    }

    async fn stop(&mut self, id: &TestId) -> Result<TestView, CommandError> {
        if self.active.as_ref().is_none_or(|active| active.life.test_id() != id) {
            if self.in_setup.contains(id) {
                return Err(CommandError::NotReady(NOT_RECEIVING_YET.to_owned()));
            }
            self.waiting.cancel(id, "stopped");
            let stored = self.load(id).await?;
            // Repeating a stop changes nothing.
            return if stored.state == TestState::Finished {
                self.get(id).await
            } else {
                self.stop_unstarted(stored).await
            };
        }
        let now = self.settings.clock.now();
        let effects = self.active.as_mut().map(|active| active.life.stop(StoppedBy::the_user(), now));
        self.carry_out(effects.unwrap_or_default()).await;
        self.get(id).await
    }

    /// Ends a test whose config was never sent to a driver; another test may be under way.
    async fn stop_unstarted(&mut self, test: StoredTest) -> Result<TestView, CommandError> {
        let plan = test.plan.into_plan().map_err(CommandError::Plan)?;
        let mut meta = meta_of(&test.test_id, &plan, test.created_at);
        meta.timeline = test.report.map(|report| report.timeline).unwrap_or_default();
        let now_us = self.settings.clock.unix_us();
        let by = StoppedBy::the_user();
        note(&mut meta, now_us, lifecycle::STOPPED, &by.to_string());
        note(&mut meta, now_us, "finished", "");
        (meta.state, meta.ended_at) = (TestState::Finished, Some(now_us));
        let mut tally = Tally::new(test.test_id, plan.clone(), &[]);
        tally.finish();
        let judgement = judge(&tally.facts(Some(&by)));
        let view = crate::assemble::view(&meta.borrowed(), &tally, Some(&judgement), now_us);
        self.save(stored(&meta, &plan, test.revision, &[], &view)).await?;
        self.show(view.clone());
        Ok(view)
    }
}

/// A plan under another name, which is checked as one of a plan.
fn named(plan: &Plan, name: String) -> Result<Plan, Vec<Fault>> {
    let mut json = plan.to_json();
    json["name"] = name.into();
    read_value(&json)
}

fn is_finished(id: &TestId) -> CommandError {
    CommandError::Conflict(format!("test {id} is finished; create it anew to run it again"))
}
