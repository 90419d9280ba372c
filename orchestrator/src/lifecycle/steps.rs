//! Setup between the barrier and the trigger, and teardown after the end. Pure.
//!
//! The answer to the trigger command goes out when the drivers are ready, so that its caller does not wait for setup. Each
//! of the two runs once: where a driver or the orchestrator ends meanwhile, it is lost, and is not asked for again, since
//! part of it may have been done. A test whose setup did not complete is over, and is not `configured` again for that
//! reason.

use std::time::Duration;

use common::ids::NodeId;
use common::plan::program::{Around, Once};
use common::wire::{DriverState, StepsOf, StepsReport, StepsState};

use super::warned::since_trigger;
use super::{Effect, Lifecycle, Phase};
use crate::human::names;
use crate::model::{StepsOutcome, StepsView, TimelineEntry};
use crate::now::Now;
use crate::participant::Participant;
use crate::registry::NodeFacts;
use crate::stopped_by::StoppedBy;

/// In a timeline: drivers were asked to run setup.
pub(super) const SETUP: &str = "setup";
/// In a timeline: a driver was asked to run teardown.
const TEARDOWN: &str = "teardown";
/// How long after its own limit a driver has to report that its steps are over.
const PATIENCE: Duration = Duration::from_secs(10);

impl Lifecycle {
    fn around(&self, run: StepsOf) -> Option<&Around> {
        let program = self.plan.program.as_deref()?;
        match run {
            StepsOf::Setup => program.setup.as_ref(),
            StepsOf::Teardown => program.teardown.as_ref(),
        }
    }

    /// What setup extracted, where it travels.
    pub fn setup_values(&self) -> &std::collections::BTreeMap<String, String> {
        &self.setup_values
    }

    /// The same test, after a restart: what was stored of setup and teardown. Teardown that ran then is lost.
    pub fn with_steps(mut self, setup: Option<StepsView>, teardown: Option<StepsView>) -> Self {
        self.steps.extend(setup.map(|setup| (StepsOf::Setup, setup)));
        let lost = |view: StepsView| match view.outcome {
            StepsOutcome::Running => {
                view.ended(StepsOutcome::Lost, None, "the orchestrator was started again while it ran")
            }
            _ => view,
        };
        self.steps.extend(teardown.map(|teardown| (StepsOf::Teardown, lost(teardown))));
        self
    }

    /// The same test, where these drivers took part, setup had begun and the load had not when the orchestrator ended.
    pub fn in_setup(self, participants: Vec<Participant>, stopped_by: Option<StoppedBy>) -> Self {
        Self { phase: Phase::Setup { since: Duration::ZERO }, participants, stopped_by, ..self }
    }

    /// What to do of such a test: setup that was over stays as it was. Teardown was next then, or was asked for already.
    pub fn resumed_in_setup(&mut self) -> Vec<Effect> {
        if self.view_of(StepsOf::Setup).ended_early() {
            return self.conclude();
        }
        let why = "the orchestrator was started again before the load began: run the test again";
        self.setup_lost(why.to_owned())
    }

    /// What setup and teardown came to.
    pub fn steps(&self) -> impl Iterator<Item = (StepsOf, &StepsView)> {
        self.steps.iter().map(|(run, view)| (*run, view))
    }

    /// All drivers are ready: setup, where there is one, else the trigger.
    pub(super) fn after_barrier(&mut self, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let Some(once) = self.around(StepsOf::Setup).map(|setup| setup.once) else {
            return self.start(now, nodes);
        };
        let ours = self.participants.iter().filter(|one| one.epoch.is_some());
        let n = if once == Once::Fleet { 1 } else { usize::MAX };
        let drivers: Vec<NodeId> = ours.take(n).map(|one| one.node_id.clone()).collect();
        // Setup comes after the barrier, whose length says how long the trigger takes.
        self.ready_lead = Some(self.lead(now, nodes));
        self.phase = Phase::Setup { since: now.elapsed };
        let mut effects = self.ask(StepsOf::Setup, SETUP, drivers);
        let ask = effects.pop();
        effects.push(Effect::Answer(Ok(())));
        effects.extend(ask);
        effects
    }

    /// Asks drivers to run the steps. The note is stored before they are asked, so that a restart knows of it.
    fn ask(&mut self, run: StepsOf, note: &'static str, drivers: Vec<NodeId>) -> Vec<Effect> {
        let named: Vec<String> = drivers.iter().map(ToString::to_string).collect();
        let on = names(named.iter().map(String::as_str));
        let changed = self.set_steps(run, StepsView::running(named));
        vec![changed, Effect::note(note, format!("on {on}")), Effect::AskSteps { run, drivers }]
    }

    fn set_steps(&mut self, run: StepsOf, view: StepsView) -> Effect {
        self.steps.insert(run, view.clone());
        Effect::StepsChanged(run, Box::new(view))
    }

    fn view_of(&self, run: StepsOf) -> StepsView {
        self.steps.get(&run).cloned().unwrap_or_else(|| StepsView::running(Vec::new()))
    }

    /// What the drivers that run the steps report of them.
    fn reports<'a>(&self, run: StepsOf, nodes: &'a [NodeFacts]) -> Vec<(&'a NodeId, &'a StepsReport)> {
        let view = self.view_of(run);
        let of = |name: &String| {
            let node = nodes.iter().find(|node| node.node_id.as_str() == name)?;
            let report = node.steps.as_deref().filter(|report| {
                report.test_id == self.test_id && report.revision == self.revision && report.run == run
            })?;
            Some((&node.node_id, report))
        };
        view.drivers.iter().filter_map(of).collect()
    }

    /// Why a participant cannot go on with what it was asked for; `None`: it can.
    fn gone(participant: &Participant, nodes: &[NodeFacts]) -> Option<&'static str> {
        match nodes.iter().find(|node| node.node_id == participant.node_id) {
            Some(node) if node.epoch != participant.epoch => Some("was started again meanwhile"),
            Some(node) if node.is_alive() => None,
            Some(_) | None => Some("was lost meanwhile"),
        }
    }

    /// Why a participant could not start the load any more; `None`: it could. All of them were ready when setup began. A
    /// driver lets go of the test where it receives nothing from its orchestrator for some time.
    fn not_ready(&self, one: &Participant, nodes: &[NodeFacts]) -> Option<&'static str> {
        let is_ready = |node: &NodeFacts| {
            node.node_id == one.node_id && node.state == Some(DriverState::Ready) && self.answers(node)
        };
        let let_go = || (!nodes.iter().any(is_ready)).then_some("does not hold the test any more");
        Self::gone(one, nodes).or_else(let_go)
    }

    pub(super) fn look_at_setup(&mut self, since: Duration, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let Some((once, timeout)) = self.around(StepsOf::Setup).map(|setup| (setup.once, setup.timeout))
        else {
            return self.start(now, nodes);
        };
        let reports = self.reports(StepsOf::Setup, nodes);
        let mut view = self.view_of(StepsOf::Setup);
        view.count(reports.iter().map(|(_, report)| *report));
        if let Some((driver, report)) = reports.iter().find(|(_, report)| report.state == StepsState::Failed)
        {
            return self.setup_over(failed(view, driver, report));
        }
        // A driver that does not run setup is needed for the load.
        let mut ours = self.participants.iter().filter(|one| one.epoch.is_some());
        let gone = ours.find_map(|one| Some((one.node_id.clone(), self.not_ready(one, nodes)?)));
        if let Some((driver, how)) = gone {
            let why = format!("driver {driver} {how}: run the test again");
            return self.setup_over(view.ended(StepsOutcome::Lost, Some(driver.as_str()), why));
        }
        let completed = |(_, report): &(&NodeId, &StepsReport)| report.state == StepsState::Completed;
        if reports.len() == view.drivers.len() && reports.iter().all(completed) {
            if once == Once::Fleet {
                self.setup_values =
                    reports.first().map(|(_, report)| report.values.clone()).unwrap_or_default();
            }
            let done = StepsView { outcome: StepsOutcome::Completed, ..view };
            let mut effects = vec![self.set_steps(StepsOf::Setup, done)];
            effects.push(Effect::note("setup_completed", ""));
            effects.extend(self.start(now, nodes));
            return effects;
        }
        if now.elapsed.saturating_sub(since) > timeout + PATIENCE {
            let silent = view
                .drivers
                .iter()
                .find(|name| !reports.iter().any(|one| one.0.as_str() == name.as_str() && completed(one)));
            let silent = silent.cloned();
            let why = "the driver did not report its end in time".to_owned();
            return self.setup_over(view.ended(StepsOutcome::Failed, silent.as_deref(), why));
        }
        Vec::new()
    }

    /// Setup did not complete: the load does not start. The stop releases the drivers that are ready.
    fn setup_over(&mut self, view: StepsView) -> Vec<Effect> {
        let detail = view.reason.clone().unwrap_or_default();
        let mut effects = vec![self.set_steps(StepsOf::Setup, view), Effect::PublishStop];
        effects.push(Effect::note("setup_failed", detail));
        effects.extend(self.conclude());
        effects
    }

    /// What setup did is done, and the load cannot be started.
    pub(super) fn setup_lost(&mut self, why: String) -> Vec<Effect> {
        let view = self.view_of(StepsOf::Setup).ended(StepsOutcome::Lost, None, why);
        self.setup_over(view)
    }

    /// A stop while setup runs. The note of it is stored with what became of setup.
    pub(super) fn setup_stopped(&mut self, note: Effect) -> Vec<Effect> {
        let view = self.view_of(StepsOf::Setup).ended(
            StepsOutcome::Stopped,
            None,
            "the test was stopped before its end",
        );
        let mut effects = vec![self.set_steps(StepsOf::Setup, view), Effect::PublishStop, note];
        effects.extend(self.conclude());
        effects
    }

    /// The test is over: teardown, where there is one that was not asked for yet, else the end. Which driver runs it is
    /// decided at the next look, which knows the nodes.
    pub(super) fn conclude(&mut self) -> Vec<Effect> {
        let pending =
            self.around(StepsOf::Teardown).is_some() && !self.steps.contains_key(&StepsOf::Teardown);
        if pending {
            // A start that was stored, and not carried out, does not count.
            let is_lost = self.steps.get(&StepsOf::Setup).is_some_and(StepsView::ended_early);
            self.phase = Phase::Teardown { since: None, at_us: self.started_at().filter(|_| !is_lost) };
            return Vec::new();
        }
        self.phase = Phase::Finished;
        vec![Effect::Finish]
    }

    pub(super) fn look_at_teardown(
        &mut self,
        since: Option<Duration>,
        now: Now,
        nodes: &[NodeFacts],
    ) -> Vec<Effect> {
        let Some(since) = since else {
            let alive = |one: &&Participant| one.epoch.is_some() && Self::gone(one, nodes).is_none();
            let Some(driver) = self.participants.iter().find(alive).map(|one| one.node_id.clone()) else {
                let why = "no driver that took part is alive";
                let view = StepsView::running(Vec::new()).ended(StepsOutcome::Failed, None, why);
                return self.teardown_over(view);
            };
            // After a restart a driver counts as alive until it has been silent for too long, and may have ended too. One of
            // which nothing has arrived has no state.
            if !nodes.iter().any(|node| node.node_id == driver && node.state.is_some()) {
                return Vec::new();
            }
            self.phase = Phase::Teardown { since: Some(now.elapsed), at_us: self.started_at() };
            return self.ask(StepsOf::Teardown, TEARDOWN, vec![driver]);
        };
        let mut view = self.view_of(StepsOf::Teardown);
        let reports = self.reports(StepsOf::Teardown, nodes);
        view.count(reports.iter().map(|(_, report)| *report));
        match reports.first().map(|(driver, report)| (*driver, *report, report.state)) {
            Some((driver, report, StepsState::Failed)) => {
                return self.teardown_over(failed(view, driver, report));
            }
            Some((_, _, StepsState::Completed)) => {
                return self.teardown_over(StepsView { outcome: StepsOutcome::Completed, ..view });
            }
            _ => {}
        }
        let runs = |one: &&Participant| view.drivers.iter().any(|name| name == one.node_id.as_str());
        let gone = self.participants.iter().find(runs).and_then(|one| Self::gone(one, nodes));
        let driver = view.drivers.first().cloned();
        if let Some(how) = gone {
            let why = format!("the driver {how}");
            return self.teardown_over(view.ended(StepsOutcome::Lost, driver.as_deref(), why));
        }
        let timeout = self.around(StepsOf::Teardown).map_or(Duration::ZERO, |teardown| teardown.timeout);
        if now.elapsed.saturating_sub(since) > timeout + PATIENCE {
            let why = "the driver did not report its end in time";
            return self.teardown_over(view.ended(StepsOutcome::Failed, driver.as_deref(), why));
        }
        Vec::new()
    }

    /// However teardown ended, the test is over.
    fn teardown_over(&mut self, view: StepsView) -> Vec<Effect> {
        let changed = self.set_steps(StepsOf::Teardown, view);
        self.phase = Phase::Finished;
        vec![changed, Effect::Finish]
    }

    /// The record that asks for teardown could not be published.
    pub(super) fn teardown_not_asked(&mut self, why: String) -> Vec<Effect> {
        let view = self.view_of(StepsOf::Teardown).ended(StepsOutcome::Failed, None, why);
        self.teardown_over(view)
    }
}

/// The view of steps that a driver reports as failed.
fn failed(view: StepsView, driver: &NodeId, report: &StepsReport) -> StepsView {
    let step = report.step.clone();
    let why = report.reason.clone().unwrap_or_else(|| "a step failed".to_owned());
    StepsView { step, ..view.ended(StepsOutcome::Failed, Some(driver.as_str()), why) }
}

/// Whether the timeline of a test that was not started says that setup was asked for since its last trigger.
pub fn began_setup(timeline: &[TimelineEntry]) -> bool {
    since_trigger(timeline).iter().any(|entry| entry.what == SETUP)
}
