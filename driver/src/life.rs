//! A test's life on a driver, as a pure state machine: which config is answered, which trigger starts
//! what, who may stop it. Our own orchestrator leads by plan, share, revision and epoch; other people's
//! by the classic fields alone. It knows no Kafka, no actor and no clock: time is an argument.

mod words;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use common::ids::{Epoch, NodeId, TestId};
use common::wire::{DriverState, TestConfig, Trigger};

pub use words::{Answer, Candidate, Input, Lead, Output, Ticket};

/// How long a trigger waits for its config: the two come on two topics, in either order.
pub const TRIGGER_HELD_FOR: Duration = Duration::from_secs(5);
/// How much later than the trigger's a config's Kafka timestamp may be, for the two to belong together.
pub const CONFIG_AFTER_TRIGGER_MS: i64 = 500;
/// How long a refusal is shown before the driver is idle again.
pub const REFUSED_SHOWN_FOR: Duration = Duration::from_secs(30);
/// Most configs held at once; of classic ones, more than one may wait for its turn.
pub const MAX_HELD: usize = 32;
/// Most triggers held at once.
pub const MAX_HELD_TRIGGERS: usize = 64;
/// How many of our own tests are remembered, so that none runs twice.
const MAX_REMEMBERED: usize = 256;

/// `cut_short` of a test that somebody stopped.
pub const STOPPED: &str = "stopped";
/// `cut_short` of a test whose driver was told to leave.
pub const LEAVING: &str = "leaving";
/// `cut_short` of a test whose orchestrator fell silent.
pub const ORCHESTRATOR_SILENT: &str = "orchestrator silent";

#[derive(Debug)]
enum Check {
    Pending,
    Passed { warning: Option<String> },
    Refused { reason: String, at: Instant },
}

#[derive(Debug)]
struct Held {
    candidate: Candidate,
    timestamp_ms: Option<i64>,
    check: Check,
    triggered: Option<Go>,
}

#[derive(Debug, Clone, Copy)]
struct Go {
    order: u64,
    start_at_ms: Option<u64>,
}

#[derive(Debug)]
struct HeldTrigger {
    trigger: Trigger,
    timestamp_ms: Option<i64>,
    until: Instant,
}

#[derive(Debug)]
struct Running {
    candidate: Candidate,
    stopping: bool,
}

/// The state of all tests that a driver has heard of and not forgotten.
#[derive(Debug)]
pub struct Life {
    node_id: NodeId,
    grace: Duration,
    leader: Option<(Epoch, Instant)>,
    held: Vec<Held>,
    triggers: VecDeque<HeldTrigger>,
    running: Option<Running>,
    /// Tests of ours that ran or were stopped, up to which revision.
    over: VecDeque<(TestId, u32)>,
    counter: u64,
    leaving: bool,
    answered: Answer,
}

impl Life {
    /// A driver that has heard nothing. `grace`: how long its orchestrator may be silent while it leads.
    pub fn new(node_id: NodeId, grace: Duration) -> Self {
        Self {
            node_id,
            grace,
            leader: None,
            held: Vec::new(),
            triggers: VecDeque::new(),
            running: None,
            over: VecDeque::new(),
            counter: 0,
            leaving: false,
            answered: Answer::idle(),
        }
    }

    /// What the driver says of itself now.
    pub fn answer(&self) -> Answer {
        if let Some(running) = &self.running {
            // Whether it drains, the workers know; the heartbeat asks them.
            return Answer::of(DriverState::Running, &running.candidate);
        }
        let Some(held) = self.held.iter().find(|held| held.candidate.is_ours()) else {
            return Answer::idle();
        };
        match &held.check {
            Check::Pending => Answer::idle(),
            Check::Passed { warning } => {
                Answer { warning: warning.clone(), ..Answer::of(DriverState::Ready, &held.candidate) }
            }
            Check::Refused { reason, .. } => {
                Answer { reason: Some(reason.clone()), ..Answer::of(DriverState::Refused, &held.candidate) }
            }
        }
    }

    /// Whether a test runs, or is about to.
    pub fn busy(&self) -> bool {
        self.running.is_some() || self.held.iter().any(|held| held.triggered.is_some())
    }

    /// Forgets which orchestrator leads: the driver has moved to another Kafka.
    pub fn forget_leader(&mut self) {
        self.leader = None;
    }

    /// Takes what happened, tells what to do, in order.
    pub fn step(&mut self, input: Input, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Config { config, timestamp_ms } => self.config(*config, timestamp_ms, now, &mut out),
            Input::Trigger { trigger, timestamp_ms } if trigger.start => {
                self.trigger(trigger, timestamp_ms, now, &mut out);
            }
            Input::Trigger { trigger, timestamp_ms } => self.stop(&trigger, timestamp_ms, &mut out),
            Input::Checked(ticket, result) => self.checked(ticket, result, now),
            Input::Ended => self.running = None,
            Input::OrchestratorHeard(epoch) => {
                self.heard(epoch, now);
            }
            Input::Leave => {
                self.leaving = true;
                self.held.clear();
                self.triggers.clear();
                self.stop_running(LEAVING, &mut out);
            }
            Input::Tick => {}
        }
        self.lapse(now, &mut out);
        self.advance(&mut out);
        let answer = self.answer();
        if answer != self.answered {
            self.answered = answer.clone();
            out.push(Output::Answer(answer));
        }
        if self.leaving && self.running.is_none() {
            out.push(Output::Left);
        }
        out
    }

    /// Notes an orchestrator's sign of life; false for one that a later one has replaced.
    fn heard(&mut self, epoch: Epoch, now: Instant) -> bool {
        match self.leader {
            Some((leader, _)) if epoch < leader => return false,
            Some((leader, _)) if epoch > leader => {
                // A new life of the orchestrator knows nothing of the barrier that the old one waited at.
                self.held.retain(|held| match held.candidate.lead {
                    Lead::Ours { epoch: of, .. } => of >= epoch || held.triggered.is_some(),
                    Lead::Classic(_) => true,
                });
            }
            _ => {}
        }
        self.leader = Some((epoch, now));
        true
    }

    fn config(&mut self, config: TestConfig, timestamp_ms: Option<i64>, now: Instant, out: &mut Vec<Output>) {
        let test_id = config.test_id;
        let ignored = |why| Output::Ignored { test_id: test_id.clone(), why };
        if self.leaving {
            return out.push(ignored("this driver is leaving"));
        }
        let lead = match config.ours {
            Some(mut ours) => {
                if !self.heard(ours.epoch, now) {
                    return out.push(ignored("its orchestrator was replaced by a later one"));
                }
                if self.over.iter().any(|(id, revision)| *id == test_id && *revision >= ours.revision) {
                    return out.push(ignored("it ran already, or was stopped"));
                }
                let Some(share) = ours.assignments.remove(&self.node_id) else {
                    // Whatever barrier we stood at, its orchestrator has turned to another test.
                    self.held.retain(|held| !held.candidate.is_ours() || held.triggered.is_some());
                    return out.push(ignored("it has no share for this driver"));
                };
                let plan = Box::new(ours.plan);
                Lead::Ours { revision: ours.revision, epoch: ours.epoch, plan, share }
            }
            None => Lead::Classic(config.classic),
        };
        self.counter += 1;
        let candidate = Candidate { ticket: Ticket(self.counter), test_id, lead };
        if candidate.is_ours() {
            self.hold_ours(candidate, timestamp_ms, out);
        } else {
            self.hold_classic(candidate, timestamp_ms, out);
        }
        self.match_triggers();
    }

    fn hold_ours(&mut self, candidate: Candidate, timestamp_ms: Option<i64>, out: &mut Vec<Output>) {
        let revision = candidate.revision();
        let known = self.held.iter().map(|held| &held.candidate).chain(self.running_candidate());
        if known.clone().any(|known| known.test_id == candidate.test_id && known.revision() >= revision) {
            return out.push(Output::Ignored { test_id: candidate.test_id, why: "it came twice" });
        }
        if let Some(running) = self.running_candidate().or_else(|| self.triggered_candidate()) {
            let reason = format!("{}: runs test {}", self.node_id, running.test_id);
            let answer = Answer { reason: Some(reason), ..Answer::of(DriverState::Refused, &candidate) };
            return out.push(Output::Answer(answer));
        }
        // An orchestrator stands at one barrier at a time: a later config takes the place of an earlier one.
        self.held.retain(|held| !held.candidate.is_ours());
        self.hold(candidate, timestamp_ms, out);
    }

    fn hold_classic(&mut self, candidate: Candidate, timestamp_ms: Option<i64>, out: &mut Vec<Output>) {
        let ignored = |why| Output::Ignored { test_id: candidate.test_id.clone(), why };
        if let Some(running) = self.running_candidate() {
            if running.is_ours() {
                return out.push(ignored("a test of our own orchestrator runs"));
            }
            if running.test_id == candidate.test_id {
                return out.push(ignored("a test with this id runs"));
            }
        }
        let same = |held: &Held| !held.candidate.is_ours() && held.candidate.test_id == candidate.test_id;
        if self.held.iter().any(|held| same(held) && held.triggered.is_some()) {
            return out.push(ignored("a test with this id waits for its turn"));
        }
        self.held.retain(|held| !same(held));
        if self.held.len() >= MAX_HELD {
            match self.held.iter().position(|held| held.triggered.is_none()) {
                Some(oldest) => drop(self.held.remove(oldest)),
                None => return out.push(ignored("too many tests wait for their turn")),
            }
        }
        self.hold(candidate, timestamp_ms, out);
    }

    fn hold(&mut self, candidate: Candidate, timestamp_ms: Option<i64>, out: &mut Vec<Output>) {
        out.push(Output::Check(Box::new(candidate.clone())));
        self.held.push(Held { candidate, timestamp_ms, check: Check::Pending, triggered: None });
    }

    fn running_candidate(&self) -> Option<&Candidate> {
        self.running.as_ref().map(|running| &running.candidate)
    }

    fn triggered_candidate(&self) -> Option<&Candidate> {
        self.held.iter().find(|held| held.triggered.is_some()).map(|held| &held.candidate)
    }

    fn trigger(&mut self, trigger: Trigger, timestamp_ms: Option<i64>, now: Instant, out: &mut Vec<Output>) {
        let test_id = trigger.test_id.clone();
        let ignored = |why| Output::Ignored { test_id: test_id.clone(), why };
        if self.leaving {
            return out.push(ignored("this driver is leaving"));
        }
        if self.running_candidate().is_some_and(|running| running.test_id == test_id) {
            return out.push(ignored("a test with this id runs"));
        }
        let ran = |(id, revision): &(TestId, u32)| *id == test_id && trigger.revision <= Some(*revision);
        if trigger.revision.is_some() && self.over.iter().any(ran) {
            return out.push(ignored("it ran already, or was stopped"));
        }
        if self.triggers.len() >= MAX_HELD_TRIGGERS {
            self.triggers.pop_front();
        }
        self.triggers.push_back(HeldTrigger { trigger, timestamp_ms, until: now + TRIGGER_HELD_FOR });
        self.match_triggers();
    }

    /// Brings triggers and configs together. A trigger is used up by the config it starts, and by one that
    /// was started already: a test id runs once.
    fn match_triggers(&mut self) {
        let triggers = std::mem::take(&mut self.triggers);
        for waiting in triggers {
            let fits = |held: &&mut Held| fits(&held.candidate, held.timestamp_ms, &waiting);
            match self.held.iter_mut().find(fits) {
                Some(held) if held.triggered.is_none() => {
                    self.counter += 1;
                    let start_at_ms = waiting.trigger.start_at_ms;
                    held.triggered = Some(Go { order: self.counter, start_at_ms });
                }
                Some(_) => {}
                None => self.triggers.push_back(waiting),
            }
        }
    }

    fn stop(&mut self, trigger: &Trigger, timestamp_ms: Option<i64>, out: &mut Vec<Output>) {
        let covers = |candidate: &Candidate| {
            candidate.test_id == trigger.test_id
                && (trigger.revision.is_none() || candidate.revision() <= trigger.revision)
        };
        // A stop that is older than a classic config means the test before it, of the same id.
        let older = |held: &Held| match (timestamp_ms, held.timestamp_ms) {
            (Some(stop), Some(config)) => !held.candidate.is_ours() && stop < config,
            _ => false,
        };
        self.triggers.retain(|held| held.trigger.test_id != trigger.test_id);
        let mut over: Vec<_> = trigger.revision.into_iter().collect();
        self.held.retain(|held| {
            let stopped = covers(&held.candidate) && !older(held);
            over.extend(held.candidate.revision().filter(|_| stopped));
            !stopped
        });
        for revision in over {
            self.remember(trigger.test_id.clone(), revision);
        }
        if self.running_candidate().is_some_and(covers) {
            self.stop_running(STOPPED, out);
        }
    }

    fn stop_running(&mut self, why: &'static str, out: &mut Vec<Output>) {
        if let Some(running) = &mut self.running
            && !running.stopping
        {
            running.stopping = true;
            out.push(Output::Stop(why));
        }
    }

    fn checked(&mut self, ticket: Ticket, result: Result<Option<String>, String>, now: Instant) {
        if let Some(held) = self.held.iter_mut().find(|held| held.candidate.ticket == ticket) {
            held.check = match result {
                Ok(warning) => Check::Passed { warning },
                Err(reason) => Check::Refused { reason, at: now },
            };
        }
    }

    /// Drops what has waited too long.
    fn lapse(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.triggers.retain(|held| {
            let keep = now < held.until;
            if !keep {
                let test_id = held.trigger.test_id.clone();
                out.push(Output::Ignored { test_id, why: "no new config came with this trigger" });
            }
            keep
        });
        let silent = self.leader.is_some_and(|(_, heard)| now.duration_since(heard) >= self.grace);
        self.held.retain(|held| match &held.check {
            Check::Refused { at, .. } => now.duration_since(*at) < REFUSED_SHOWN_FOR,
            _ => !(silent && held.candidate.is_ours()),
        });
        if silent && self.running_candidate().is_some_and(Candidate::is_ours) {
            self.stop_running(ORCHESTRATOR_SILENT, out);
        }
    }

    /// Starts the next test that was triggered, if none runs. One that is still being checked holds those
    /// behind it: they run in the order of their triggers.
    fn advance(&mut self, out: &mut Vec<Output>) {
        while self.running.is_none() {
            let next = self.held.iter().enumerate().filter_map(|(at, held)| Some((held.triggered?, at)));
            let Some((go, at)) = next.min_by_key(|(go, _)| go.order) else { return };
            if matches!(self.held[at].check, Check::Pending) {
                return;
            }
            let held = self.held.remove(at);
            let candidate = held.candidate;
            if let Check::Refused { .. } = held.check {
                out.push(Output::Ignored { test_id: candidate.test_id, why: "this driver refused it" });
                continue;
            }
            if candidate.is_ours() {
                self.remember(candidate.test_id.clone(), u32::MAX);
                self.held.retain(|held| !held.candidate.is_ours());
            }
            out.push(Output::Start { candidate: Box::new(candidate.clone()), start_at_ms: go.start_at_ms });
            self.running = Some(Running { candidate, stopping: false });
        }
    }

    fn remember(&mut self, test_id: TestId, revision: u32) {
        match self.over.iter_mut().find(|(id, _)| *id == test_id) {
            Some((_, up_to)) => *up_to = revision.max(*up_to),
            None => {
                if self.over.len() >= MAX_REMEMBERED {
                    self.over.pop_front();
                }
                self.over.push_back((test_id, revision));
            }
        }
    }
}

/// Whether a trigger belongs to a config.
fn fits(candidate: &Candidate, config_ms: Option<i64>, waiting: &HeldTrigger) -> bool {
    if candidate.test_id != waiting.trigger.test_id {
        return false;
    }
    if let (Some(of_config), Some(of_trigger)) = (candidate.revision(), waiting.trigger.revision) {
        return of_config == of_trigger;
    }
    match (config_ms, waiting.timestamp_ms) {
        (Some(config), Some(trigger)) => config <= trigger.saturating_add(CONFIG_AFTER_TRIGGER_MS),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
