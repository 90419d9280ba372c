//! From the trigger to the start: classic drivers are known for long enough, the config is out, every driver has
//! answered it, the trigger follows.

use std::time::Duration;

use common::ids::NodeId;
use common::wire::{DriverState, RESOLVING};

use super::choose::{choose, protocol_blocker, refused};
use super::{Effect, Lifecycle, MAX_BLOCKERS, Phase, RUNNING, warned};
use crate::now::Now;
use crate::refusal::CommandError;
use crate::registry::{Liveness, NodeFacts};

/// How long drivers may look up the target's name before they count as late all the same: their own limit is 15 s.
const MAX_RESOLVING: Duration = Duration::from_secs(20);

/// How long the next heartbeat of a classic driver that may be gone is waited for at the most.
const MAX_AWAITED: Duration = Duration::from_secs(15);

impl Lifecycle {
    fn chosen(&self) -> String {
        match self.participants.len() {
            1 => "1 driver chosen".to_owned(),
            n => format!("{n} drivers chosen"),
        }
    }

    fn has_classic(&self) -> bool {
        self.participants.iter().any(|participant| participant.epoch.is_none())
    }

    pub(super) fn acquaint(&mut self, since: Duration, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let known =
            |node: &NodeFacts| now.elapsed.saturating_sub(node.known_since) >= self.rules.classic.known_for;
        let strange = nodes.iter().filter(|node| node.is_alive() && node.is_classic() && !known(node));
        let strange: Vec<&NodeFacts> = strange.take(MAX_BLOCKERS).collect();
        if !strange.is_empty() {
            self.phase = Phase::Acquainting { since: Some(since) };
            // Ever new ones would hold the test up for ever.
            if now.elapsed.saturating_sub(since) <= self.rules.classic.known_for + self.rules.ready_timeout {
                return Vec::new();
            }
            let why = "is a classic driver that appeared just now: its like keep appearing".to_owned();
            let blockers = strange.iter().map(|node| (node.node_id.to_string(), why.clone())).collect();
            return self.barrier_failed(refused(blockers));
        }
        let awaited = |node: &&NodeFacts| {
            let next = (3 * node.interval).min(MAX_AWAITED);
            node.may_be_gone() && node.is_alive() && now.elapsed.saturating_sub(since) <= next
        };
        if self.chosen_of(nodes).any(|node| awaited(&node)) {
            self.phase = Phase::Acquainting { since: Some(since) };
            return Vec::new();
        }
        let gone = match self.leave_out_gone(nodes) {
            Ok(gone) => gone,
            Err(error) => return self.barrier_failed(error),
        };
        self.revision += 1;
        self.classic_heard =
            self.has_classic() || nodes.iter().any(|node| node.is_alive() && node.is_classic());
        self.configured_at = Some(now.elapsed);
        self.phase = Phase::Barrier { since: now.elapsed };
        self.resolving_at = None;
        // Those that are left out have no part in the tally. What is noted is stored before the config goes out: a revision
        // that drivers know is never given to another config.
        let mut effects = if gone.is_empty() { Vec::new() } else { vec![Effect::Rechosen] };
        effects.push(Effect::Note { what: warned::TRIGGERED, detail: self.chosen() });
        effects.extend(warned::left_out(&self.plan, nodes, &gone));
        effects.push(Effect::PublishConfig { revision: self.revision });
        effects
    }

    /// The nodes of those that take part.
    fn chosen_of<'a>(&self, nodes: &'a [NodeFacts]) -> impl Iterator<Item = &'a NodeFacts> {
        let takes_part = |node: &&NodeFacts| {
            self.participants.iter().any(|participant| participant.node_id == node.node_id)
        };
        nodes.iter().filter(takes_part)
    }

    /// Chooses again where the process of a classic driver is gone, which still looked alive at the trigger: one that
    /// runs one test a process is known for some time after its end, and would be waited for in vain. Says which.
    fn leave_out_gone(&mut self, nodes: &[NodeFacts]) -> Result<Vec<NodeId>, CommandError> {
        let gone: Vec<NodeId> = self
            .chosen_of(nodes)
            .filter(|node| node.may_be_gone())
            .map(|node| node.node_id.clone())
            .collect();
        if gone.is_empty() {
            return Ok(gone);
        }
        let mut left = nodes.to_vec();
        for node in left.iter_mut().filter(|node| gone.contains(&node.node_id)) {
            node.liveness = Liveness::Lost;
        }
        self.participants = choose(&self.plan, &left, &self.rules.classic)?;
        Ok(gone)
    }

    pub(super) fn barrier(&mut self, since: Duration, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let mut waits = Vec::new();
        let mut resolves = false;
        let mut blockers = Vec::new();
        for participant in self.participants.iter().filter(|participant| participant.epoch.is_some()) {
            let name = participant.node_id.to_string();
            let node = nodes.iter().find(|node| node.node_id == participant.node_id);
            match node {
                None => blockers.push((name, "is gone".to_owned())),
                Some(node) if !node.is_alive() => {
                    blockers.push((name, format!("is {}", node.liveness.as_str())))
                }
                Some(node) if node.epoch != participant.epoch => {
                    blockers.push((name, "was started again".to_owned()));
                }
                // Chosen before it registered, as after a restart of the orchestrator.
                Some(node) if let Some(why) = protocol_blocker(node) => blockers.push((name, why)),
                Some(node) if !self.answers(node) => {
                    resolves |= self.is_resolving(node);
                    waits.push(name);
                }
                Some(node) if node.state == Some(DriverState::Refused) => {
                    let why = node.reason.clone().unwrap_or_else(|| "refused without a reason".to_owned());
                    // Drivers begin with their own name.
                    let why = why.strip_prefix(&format!("{name}: ")).map_or(why.clone(), str::to_owned);
                    blockers.push((name, why));
                }
                Some(_) => {}
            }
        }
        if !blockers.is_empty() {
            return self.barrier_failed(refused(blockers));
        }
        if waits.is_empty() {
            let mut effects = warned::notes(&self.participants, nodes);
            if self.has_classic() || self.classic_heard {
                self.phase = Phase::Gap { until: since + self.rules.classic.trigger_gap };
            } else {
                effects.extend(self.start(now, nodes));
            }
            return effects;
        }
        // The time-out counts from when the last of them has the target's addresses. A driver gives up on a name by itself,
        // so that one which never does is broken.
        if resolves && now.elapsed.saturating_sub(since) <= MAX_RESOLVING {
            self.resolving_at = Some(now.elapsed);
            return Vec::new();
        }
        let from = self.resolving_at.map_or(since, |at| at.max(since));
        if now.elapsed.saturating_sub(from) > self.rules.ready_timeout {
            let late = format!("did not become ready within {:?}", self.rules.ready_timeout);
            return self
                .barrier_failed(refused(waits.into_iter().map(|name| (name, late.clone())).collect()));
        }
        Vec::new()
    }

    /// Whether a driver says that it looks up the target's name for this test.
    fn is_resolving(&self, node: &NodeFacts) -> bool {
        node.test_id.as_ref() == Some(&self.test_id)
            && node.revision == Some(self.revision)
            && node.state == Some(DriverState::Idle)
            && node.reason.as_ref().is_some_and(|reason| reason.starts_with(RESOLVING))
    }

    /// Whether what a driver says is about this test and revision.
    fn answers(&self, node: &NodeFacts) -> bool {
        node.test_id.as_ref() == Some(&self.test_id)
            && node.revision == Some(self.revision)
            && matches!(node.state, Some(DriverState::Ready | DriverState::Refused))
    }

    pub(super) fn barrier_failed(&mut self, error: CommandError) -> Vec<Effect> {
        let note = Effect::Note { what: "not_started", detail: error.to_string() };
        let published = self.revision > 0 && !matches!(self.phase, Phase::Acquainting { .. });
        let mut effects = Vec::new();
        if self.classic_heard {
            self.phase = Phase::Finished;
            effects.extend([note, Effect::Answer(Err(error)), Effect::Finish]);
        } else {
            self.phase = Phase::Configured;
            // Those that are ready must not wait for a trigger that never comes.
            if published {
                effects.push(Effect::PublishStop);
            }
            effects.extend([note, Effect::Answer(Err(error))]);
        }
        effects
    }

    pub(super) fn start(&mut self, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        self.lead = self.lead(now, nodes);
        vec![
            Effect::PublishTrigger { start_at_ms: self.starts_at(now), revision: self.revision },
            Effect::Note { what: RUNNING, detail: String::new() },
            Effect::Answer(Ok(())),
        ]
    }
}
