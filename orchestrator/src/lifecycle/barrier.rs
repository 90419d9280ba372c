//! From the trigger command to the published trigger: wait until every classic driver has been known for long enough,
//! publish the config, wait until every driver of ours has answered it, then publish the trigger.

use std::time::Duration;

use common::ids::NodeId;
use common::wire::DriverState;

use super::choose::{choose, program_blocker, protocol_blocker, refused};
use super::{Effect, Lifecycle, MAX_BLOCKERS, Phase, RUNNING, machines, warned};
use crate::blocker::{Blocker, ClassicBlocker};
use crate::now::Now;
use crate::refusal::CommandError;
use crate::registry::{Liveness, NodeFacts};

/// How long the barrier waits for drivers that resolve the target's name. Drivers give up on a name after 15 s, so one
/// that takes longer is broken.
const MAX_RESOLVING: Duration = Duration::from_secs(20);

/// How long the barrier waits for drivers that fetch data files, however slowly: a fleet of 16 takes 1 GiB each through
/// 1 Gbit/s in half of it.
const MAX_FETCHING: Duration = Duration::from_secs(300);

/// Longest wait for the next heartbeat of a classic driver whose process may have ended.
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

    pub(super) fn await_classic(&mut self, since: Duration, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let known =
            |node: &NodeFacts| now.elapsed.saturating_sub(node.known_since) >= self.rules.classic.known_for;
        let newcomers = nodes.iter().filter(|node| node.is_alive() && node.is_classic() && !known(node));
        let newcomers: Vec<&NodeFacts> = newcomers.take(MAX_BLOCKERS).collect();
        if !newcomers.is_empty() {
            self.phase = Phase::AwaitingClassic { since: Some(since) };
            // Bounded: classic drivers that keep appearing must not delay the test for ever.
            if now.elapsed.saturating_sub(since) <= self.rules.classic.known_for + self.rules.ready_timeout {
                return Vec::new();
            }
            let why = Blocker::Classic(ClassicBlocker::JustAppeared);
            let blockers = newcomers.iter().map(|node| (node.node_id.to_string(), why.clone())).collect();
            return self.barrier_failed(refused(blockers));
        }
        let awaited = |node: &&NodeFacts| {
            let next = (3 * node.interval).min(MAX_AWAITED);
            node.may_be_gone() && node.is_alive() && now.elapsed.saturating_sub(since) <= next
        };
        if self.chosen_of(nodes).any(|node| awaited(&node)) {
            self.phase = Phase::AwaitingClassic { since: Some(since) };
            return Vec::new();
        }
        let gone = match self.leave_out_gone(nodes) {
            Ok(gone) => gone,
            Err(error) => return self.barrier_failed(error),
        };
        self.revision += 1;
        self.classic_has_config =
            self.has_classic() || nodes.iter().any(|node| node.is_alive() && node.is_classic());
        self.configured_at = Some(now.elapsed);
        self.phase = Phase::Barrier { since: now.elapsed };
        self.resolving_at = None;
        self.fetching.clear();
        // The tally must drop the drivers that are left out. The notes are stored before the config is published, so
        // that after a restart this revision number is not given to a different config.
        let mut effects = if gone.is_empty() { Vec::new() } else { vec![Effect::Rechosen] };
        effects.push(Effect::note(warned::TRIGGERED, self.chosen()));
        effects.extend(warned::left_out(&self.plan, nodes, &gone));
        effects.push(Effect::PublishConfig { revision: self.revision });
        effects
    }

    /// The nodes that take part.
    fn chosen_of<'a>(&self, nodes: &'a [NodeFacts]) -> impl Iterator<Item = &'a NodeFacts> {
        let takes_part = |node: &&NodeFacts| {
            self.participants.iter().any(|participant| participant.node_id == node.node_id)
        };
        nodes.iter().filter(takes_part)
    }

    /// Chooses again without the classic drivers whose process has ended, and returns their ids. A classic driver that
    /// exits after each test still counts as alive for some time; the test would wait for it in vain.
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
        let mut fetched = Vec::new();
        let mut blockers = Vec::new();
        for participant in self.participants.iter().filter(|participant| participant.epoch.is_some()) {
            let name = participant.node_id.to_string();
            let node = nodes.iter().find(|node| node.node_id == participant.node_id);
            match node {
                None => blockers.push((name, Blocker::Gone)),
                Some(node) if !node.is_alive() => blockers.push((name, Blocker::NotAlive(node.liveness))),
                Some(node) if node.epoch != participant.epoch => blockers.push((name, Blocker::StartedAgain)),
                // It was chosen before it registered, for example after a restart of the orchestrator.
                Some(node) if let Some(why) = protocol_blocker(node) => blockers.push((name, why)),
                Some(node) if let Some(why) = program_blocker(&self.plan, node) => blockers.push((name, why)),
                Some(node) if !self.answers(node) => {
                    resolves |= self.is_resolving(node);
                    fetched.extend(self.fetched(node));
                    waits.push(name);
                }
                Some(node) if node.state == Some(DriverState::Refused) => {
                    blockers.push((name, Blocker::Refused(node.refusal.clone())));
                }
                Some(_) => {}
            }
        }
        if !blockers.is_empty() {
            return self.barrier_failed(refused(blockers));
        }
        if waits.is_empty() {
            let mut effects = warned::notes(&self.participants, nodes);
            effects.extend(machines::notes(&self.participants, nodes));
            if self.has_classic() || self.classic_has_config {
                self.phase = Phase::Gap { until: since + self.rules.classic.trigger_gap };
            } else {
                effects.extend(self.after_barrier(now, nodes));
            }
            return effects;
        }
        // While a driver resolves the target's name, ready_timeout does not run: it counts from the last look at which
        // one was still resolving. MAX_RESOLVING bounds this.
        if resolves && now.elapsed.saturating_sub(since) <= MAX_RESOLVING {
            self.resolving_at = Some(now.elapsed);
            return Vec::new();
        }
        for (node, bytes) in fetched {
            let known = self.fetching.entry(node).or_insert((0, since));
            if bytes > known.0 {
                *known = (bytes, now.elapsed);
            }
        }
        // While a driver fetches data files, ready_timeout counts from when its count of bytes last grew.
        let progress =
            self.fetching.values().map(|(_, at)| *at).max().filter(|at| *at <= since + MAX_FETCHING);
        let from = self.resolving_at.max(progress).map_or(since, |at| at.max(since));
        if now.elapsed.saturating_sub(from) > self.rules.ready_timeout {
            let late = Blocker::NotReady(self.rules.ready_timeout);
            return self
                .barrier_failed(refused(waits.into_iter().map(|name| (name, late.clone())).collect()));
        }
        Vec::new()
    }

    /// Whether a driver reports that it is resolving the target's name for this test.
    fn is_resolving(&self, node: &NodeFacts) -> bool {
        node.test_id.as_ref() == Some(&self.test_id)
            && node.revision == Some(self.revision)
            && node.is_resolving
    }

    /// How many bytes of this test's data files a driver has received, while it fetches them.
    fn fetched(&self, node: &NodeFacts) -> Option<(NodeId, u64)> {
        let of_this = node.test_id.as_ref() == Some(&self.test_id) && node.revision == Some(self.revision);
        node.fetched_bytes.filter(|_| of_this).map(|bytes| (node.node_id.clone(), bytes))
    }

    /// Whether a driver has answered (ready or refused) this revision of this test's config.
    pub(super) fn answers(&self, node: &NodeFacts) -> bool {
        node.test_id.as_ref() == Some(&self.test_id)
            && node.revision == Some(self.revision)
            && matches!(node.state, Some(DriverState::Ready | DriverState::Refused))
    }

    pub(super) fn barrier_failed(&mut self, error: CommandError) -> Vec<Effect> {
        if self.steps().next().is_some() {
            return self.setup_lost(error.to_string());
        }
        let note = Effect::note("not_started", error.to_string());
        let published = self.revision > 0 && !matches!(self.phase, Phase::AwaitingClassic { .. });
        let mut effects = Vec::new();
        if self.classic_has_config {
            self.phase = Phase::Finished;
            effects.extend([note, Effect::Answer(Err(error)), Effect::Finish]);
        } else {
            self.phase = Phase::Configured;
            // Release the drivers that are ready: no trigger will follow.
            if published {
                effects.push(Effect::PublishStop);
            }
            effects.extend([note, Effect::Answer(Err(error))]);
        }
        effects
    }

    pub(super) fn start(&mut self, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        self.lead = self.ready_lead.take().unwrap_or_else(|| self.lead(now, nodes));
        vec![
            Effect::PublishTrigger { start_at_ms: self.starts_at(now), revision: self.revision },
            Effect::note(RUNNING, ""),
            Effect::Answer(Ok(())),
        ]
    }
}
