//! Which config is held and answered, and which trigger starts it: the two come on two topics, in either order.

use std::time::Instant;

use common::ids::TestId;
use common::wire::{DriverState, PROTOCOL, TestConfig, Trigger};

use super::{
    CONFIG_AFTER_TRIGGER_MS, Candidate, Check, Go, Held, HeldTrigger, Lead, Life, MAX_HELD,
    MAX_HELD_TRIGGERS, Output, Reply, TRIGGER_HELD_FOR, Ticket,
};

impl Life {
    pub(super) fn config(
        &mut self,
        config: TestConfig,
        timestamp_ms: Option<i64>,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let test_id = config.test_id;
        let ignored = |why| Output::Ignored { test_id: test_id.clone(), why };
        if self.leaving {
            return out.push(ignored("this driver is leaving"));
        }
        let led_by_ours = config.ours.as_ref().map(|ours| (ours.epoch, ours.revision));
        let led_by_another = config.other_protocol.as_ref().map(|other| (other.epoch, other.revision));
        if let Some((epoch, revision)) = led_by_ours.or(led_by_another) {
            if !self.orchestrator_seen(epoch, now) {
                return out.push(ignored("its orchestrator was replaced by a later one"));
            }
            if self.over.iter().any(|(id, up_to)| *id == test_id && *up_to >= revision) {
                return out.push(ignored("it ran already, or was stopped"));
            }
        }
        let mut refused = None;
        let lead = match (config.ours, config.other_protocol) {
            (Some(mut ours), _) => ours.assignments.remove(&self.node_id).map(|share| {
                let plan = Box::new(ours.plan);
                Lead::Ours { revision: ours.revision, epoch: ours.epoch, plan, share }
            }),
            (None, Some(other)) => other.drivers.contains(&self.node_id).then(|| {
                // Numbers are sent since protocol 2.
                let theirs = other.protocol.map_or("an earlier one".to_owned(), |number| number.to_string());
                refused = Some(format!(
                    "{}: speaks protocol {PROTOCOL}, this orchestrator {theirs}: install the same version on both",
                    self.node_id
                ));
                Lead::OtherProtocol { revision: other.revision, epoch: other.epoch }
            }),
            (None, None) => Some(Lead::Classic(config.classic)),
        };
        let Some(lead) = lead else {
            // The orchestrator has moved on to another test: drop its earlier config unless that was triggered.
            self.held.retain(|held| !held.candidate.is_ours() || held.triggered.is_some());
            return out.push(ignored("it has no share for this driver"));
        };
        self.counter += 1;
        let candidate = Candidate { ticket: Ticket(self.counter), test_id, lead };
        let ticket = candidate.ticket;
        if candidate.is_ours() {
            self.hold_ours(candidate, timestamp_ms, now, out);
        } else {
            self.hold_classic(candidate, timestamp_ms, now, out);
        }
        if let Some(reason) = refused {
            // Nothing of it can be checked.
            out.retain(|output| !matches!(output, Output::Check(candidate) if candidate.ticket == ticket));
            self.checked(ticket, Err(reason), now);
        }
        self.match_triggers();
    }

    fn hold_ours(
        &mut self,
        candidate: Candidate,
        timestamp_ms: Option<i64>,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let revision = candidate.revision();
        let known = self.held.iter().map(|held| &held.candidate).chain(self.running_candidate());
        if known.clone().any(|known| known.test_id == candidate.test_id && known.revision() >= revision) {
            return out.push(Output::Ignored { test_id: candidate.test_id, why: "it came twice" });
        }
        if let Some(running) = self.running_candidate().or_else(|| self.triggered_candidate()) {
            let reason = format!("{}: runs test {}", self.node_id, running.test_id);
            let reply = Reply { reason: Some(reason), ..Reply::of(DriverState::Refused, &candidate) };
            return out.push(Output::Reply(reply));
        }
        // An orchestrator stands at one barrier at a time: a later config takes the place of an earlier one.
        self.held.retain(|held| !held.candidate.is_ours());
        self.hold(candidate, timestamp_ms, now, out);
    }

    fn hold_classic(
        &mut self,
        candidate: Candidate,
        timestamp_ms: Option<i64>,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
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
        self.hold(candidate, timestamp_ms, now, out);
    }

    fn hold(&mut self, candidate: Candidate, timestamp_ms: Option<i64>, now: Instant, out: &mut Vec<Output>) {
        out.push(Output::Check(Box::new(candidate.clone())));
        let check = Check::Pending { since: now, resolves: None, slow: false, fetched: None };
        self.held.push(Held { candidate, timestamp_ms, check, triggered: None });
    }

    pub(super) fn trigger(
        &mut self,
        trigger: Trigger,
        timestamp_ms: Option<i64>,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
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
