//! A test's life on a driver, as a pure state machine: which config is accepted, which trigger starts which test, who
//! may stop it. Our own orchestrator leads by plan, share, revision and epoch; a classic one by the classic fields
//! alone. It knows no Kafka, no actor and no clock: time is an argument.

mod hold;
mod over;
mod rate;
mod steps;
mod words;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use common::ids::{Epoch, NodeId, TestId};
use common::wire::{DriverState, Ending, Reason, Trigger};

pub use words::{Candidate, Input, Lead, Output, Over, Reply, Ticket};

use self::steps::Steps;
use crate::settings::Habits;

/// How long a trigger waits for its config: the two come on two topics, in either order.
pub const TRIGGER_HELD_FOR: Duration = Duration::from_secs(5);
/// How much later than the trigger's a config's Kafka timestamp may be, for the two to belong together.
pub const CONFIG_AFTER_TRIGGER_MS: i64 = 500;
/// How long a refusal is shown before the driver is idle again.
pub const REFUSED_SHOWN_FOR: Duration = Duration::from_secs(30);
/// A check that takes longer is reported in heartbeats; most names resolve well before.
pub const SLOW_CHECK: Duration = Duration::from_millis(200);
/// Most configs held at once; of classic ones, more than one may wait for its turn.
pub const MAX_HELD: usize = 32;
/// Most triggers held at once.
pub const MAX_HELD_TRIGGERS: usize = 64;
/// How many of our own tests are remembered, so that none runs twice.
const MAX_REMEMBERED: usize = 256;

/// `cut_short` of a test whose orchestrator fell silent. Other nodes show it, and decide nothing by it; what they do
/// decide by is named beside [`Ending`].
const ORCHESTRATOR_SILENT: &str = "orchestrator silent";

#[derive(Debug)]
enum Check {
    Pending {
        since: Instant,
        /// The name that is looked up for it.
        resolves: Option<String>,
        /// It has taken [`SLOW_CHECK`] already, so that heartbeats report it.
        slow: bool,
    },
    Passed {
        warning: Option<String>,
    },
    Refused {
        reason: String,
        at: Instant,
    },
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
    /// Kafka has its final window, though its end was not announced yet.
    reported: bool,
    /// How its rate was changed.
    rate: rate::Changes,
}

/// The state of the tests that a driver has received and not forgotten.
#[derive(Debug)]
pub struct Life {
    node_id: NodeId,
    grace: Duration,
    habits: Habits,
    leader: Option<(Epoch, Instant)>,
    held: Vec<Held>,
    triggers: VecDeque<HeldTrigger>,
    running: Option<Running>,
    /// Classic tests that are over, whose final window Kafka does not have yet.
    unreported: VecDeque<TestId>,
    /// Tests of ours that ran or were stopped, up to which revision.
    over: VecDeque<(TestId, u32)>,
    /// Setup or teardown, whichever was asked for last.
    steps: Option<Steps>,
    counter: u64,
    leaving: bool,
    replied: Reply,
}

impl Life {
    /// A driver that has received nothing. `grace`: how long its orchestrator may be silent while it leads. `habits`:
    /// what it does in classic tests.
    pub fn new(node_id: NodeId, grace: Duration, habits: Habits) -> Self {
        Self {
            node_id,
            grace,
            habits,
            leader: None,
            held: Vec::new(),
            triggers: VecDeque::new(),
            running: None,
            unreported: VecDeque::new(),
            over: VecDeque::new(),
            steps: None,
            counter: 0,
            leaving: false,
            replied: Reply::idle(),
        }
    }

    /// The state that heartbeats carry now.
    pub fn reply(&self) -> Reply {
        Reply { steps: self.steps_report(), ..self.reply_of_test() }
    }

    fn reply_of_test(&self) -> Reply {
        if let Some(running) = &self.running {
            // `Draining` comes from the workers' progress: the heartbeat puts it in.
            let rate_change = running.rate.applied();
            return Reply { rate_change, ..Reply::of(DriverState::Running, &running.candidate) };
        }
        let Some(held) = self.held.iter().find(|held| held.candidate.is_ours()) else {
            return Reply::idle();
        };
        match &held.check {
            Check::Pending { resolves: Some(name), slow: true, .. } => {
                let reason = Some(Reason::Resolving(name).to_string());
                Reply { reason, ..Reply::of(DriverState::Idle, &held.candidate) }
            }
            Check::Pending { .. } => Reply::idle(),
            Check::Passed { warning } => {
                Reply { warning: warning.clone(), ..Reply::of(DriverState::Ready, &held.candidate) }
            }
            Check::Refused { reason, .. } => {
                Reply { reason: Some(reason.clone()), ..Reply::of(DriverState::Refused, &held.candidate) }
            }
        }
    }

    /// Forgets which orchestrator leads: the driver has moved to another Kafka.
    pub fn forget_leader(&mut self) {
        self.leader = None;
    }

    /// Takes one input; returns what to do, in order.
    pub fn step(&mut self, input: Input, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Config { config, timestamp_ms } => self.config(*config, timestamp_ms, now, &mut out),
            Input::Trigger { trigger, timestamp_ms } if trigger.start => {
                self.trigger(trigger, timestamp_ms, now, &mut out);
            }
            Input::Trigger { trigger, timestamp_ms } => self.stop(&trigger, timestamp_ms, &mut out),
            Input::ChangeRate(order) => self.change_rate(order, &mut out),
            Input::RateChanged(applied) => self.rate_changed(applied),
            Input::Checked(ticket, result) => self.checked(ticket, result, now),
            Input::Ended => self.ended(&mut out),
            Input::Reported(test_id) => self.reported(test_id, &mut out),
            Input::OrchestratorSeen(epoch) => {
                self.orchestrator_seen(epoch, now);
            }
            Input::Asked(epoch, ask) => {
                if self.orchestrator_seen(epoch, now) {
                    self.asked(&ask, &mut out);
                }
            }
            Input::StepsEnded(report) => self.steps_ended(*report),
            Input::Leave => {
                self.leaving = true;
                self.held.clear();
                self.triggers.clear();
                self.stop_running(Ending::LEAVING, &mut out);
            }
            Input::Tick => {}
        }
        self.lapse(now, &mut out);
        self.advance(&mut out);
        self.advance_steps(&mut out);
        let reply = self.reply();
        if reply != self.replied {
            self.replied = reply.clone();
            out.push(Output::Reply(reply));
        }
        if self.leaving && self.running.is_none() {
            out.push(Output::Left);
        }
        out
    }

    /// Notes that one of our orchestrators is alive; false if one with a higher epoch has replaced it.
    fn orchestrator_seen(&mut self, epoch: Epoch, now: Instant) -> bool {
        match self.leader {
            Some((leader, _)) if epoch < leader => return false,
            Some((leader, _)) if epoch > leader => {
                // The orchestrator was restarted and does not know the old barrier: drop configs that were not
                // triggered.
                self.held.retain(|held| match held.candidate.lead {
                    Lead::Ours { epoch: of, .. } | Lead::OtherProtocol { epoch: of, .. } => {
                        of >= epoch || held.triggered.is_some()
                    }
                    Lead::Classic(_) => true,
                });
            }
            _ => {}
        }
        self.leader = Some((epoch, now));
        true
    }

    fn running_candidate(&self) -> Option<&Candidate> {
        self.running.as_ref().map(|running| &running.candidate)
    }

    fn triggered_candidate(&self) -> Option<&Candidate> {
        self.held.iter().find(|held| held.triggered.is_some()).map(|held| &held.candidate)
    }

    fn stop(&mut self, trigger: &Trigger, timestamp_ms: Option<i64>, out: &mut Vec<Output>) {
        let covers = |candidate: &Candidate| {
            candidate.test_id == trigger.test_id
                && (trigger.revision.is_none() || candidate.revision() <= trigger.revision)
        };
        // A stop that is older than a classic config belongs to an earlier test with the same id.
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
            self.stop_running(Ending::STOPPED, out);
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

    /// A candidate's check has to look up a name: if that takes long, heartbeats report it, and the orchestrator
    /// waits.
    pub fn resolves(&mut self, ticket: Ticket, name: &str) {
        let held = self.held.iter_mut().find(|held| held.candidate.ticket == ticket);
        if let Some(Check::Pending { resolves, .. }) = held.map(|held| &mut held.check) {
            *resolves = Some(name.to_owned());
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

    /// Drops what has waited too long, and stops a load whose orchestrator is silent.
    fn lapse(&mut self, now: Instant, out: &mut Vec<Output>) {
        for held in &mut self.held {
            if let Check::Pending { since, slow, .. } = &mut held.check {
                *slow |= now.duration_since(*since) >= SLOW_CHECK;
            }
        }
        self.triggers.retain(|held| {
            let keep = now < held.until;
            if !keep {
                let test_id = held.trigger.test_id.clone();
                out.push(Output::Ignored { test_id, why: "no new config came with this trigger" });
            }
            keep
        });
        let silent = self.leader.is_some_and(|(_, seen)| now.duration_since(seen) >= self.grace);
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
            if matches!(self.held[at].check, Check::Pending { .. }) {
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
            self.announce_start(&candidate, out);
            out.push(Output::Start { candidate: Box::new(candidate.clone()), start_at_ms: go.start_at_ms });
            let rate = rate::Changes::default();
            self.running = Some(Running { candidate, stopping: false, reported: false, rate });
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

#[cfg(test)]
mod tests;
