//! After a restart: whether a trigger was published before the orchestrator ended. Pure.
//!
//! The store has a test's start before Kafka has its trigger, so that no trigger is out of which a later life would
//! not know. Killed in between, that life knows the start and not whether the drivers do. They show it: a driver
//! that received the trigger runs, drains, or has reported; one that did not gives its config up as soon as a
//! heartbeat of the new orchestrator reaches it, and is idle.

use std::time::Duration;

use common::wire::DriverState;

use super::warned::since_trigger;
use super::{Effect, Lifecycle, Phase, RUNNING};
use crate::model::TimelineEntry;
use crate::now::Now;
use crate::participant::{PartSeen, Participant};
use crate::refusal::CommandError;
use crate::registry::{Liveness, NodeFacts};

/// How long drivers are looked at that show no sign of the test. Their heartbeats and their windows come on two
/// topics: a test that is over already may show itself by its windows alone.
const LOOKED_AT: Duration = Duration::from_secs(3);

impl Lifecycle {
    /// What follows once the drivers have shown whether they were triggered; nothing until then.
    pub(super) fn doubt(&mut self, now: Now, nodes: &[NodeFacts], parts: &[PartSeen]) -> Vec<Effect> {
        let Phase::Doubtful { resumed_at, idle_since, at, at_us } = self.phase else { return Vec::new() };
        let node_of = |one: &Participant| {
            let same = |node: &&NodeFacts| node.node_id == one.node_id && node.epoch == one.epoch;
            nodes.iter().find(same)
        };
        let about_it = |node: &NodeFacts| node.test_id.as_ref() == Some(&self.test_id);
        let sends = |node: &NodeFacts| {
            about_it(node) && matches!(node.state, Some(DriverState::Running | DriverState::Draining))
        };
        let triggered = parts.iter().any(|part| part.heard_at.is_some())
            // A classic driver shows nothing before its first report.
            || self.participants.iter().any(|one| one.epoch.is_none() || node_of(one).is_some_and(sends));
        // One that is gone will not say anything more; its part ends by the usual rules.
        let gone = |node: &NodeFacts| matches!(node.liveness, Liveness::Lost | Liveness::Left);
        let here: Vec<&NodeFacts> =
            self.participants.iter().filter_map(node_of).filter(|node| !gone(node)).collect();
        if triggered || here.is_empty() {
            self.phase = Phase::Started { at, at_us };
            return vec![Effect::Note { what: RUNNING, detail: String::new() }];
        }
        if !here.iter().all(|node| node.heard_at > resumed_at && !about_it(node)) {
            self.phase = Phase::Doubtful { resumed_at, idle_since: None, at, at_us };
            return Vec::new();
        }
        let since = idle_since.unwrap_or(now.elapsed);
        self.phase = Phase::Doubtful { resumed_at, idle_since: Some(since), at, at_us };
        if now.elapsed.saturating_sub(since) < LOOKED_AT {
            return Vec::new();
        }
        let why = "the orchestrator was restarted before it could trigger the test: trigger it again";
        self.barrier_failed(CommandError::Conflict(why.to_owned()))
    }
}

/// Whether it is not known from a test's timeline that its trigger was published.
pub fn is_doubtful(timeline: &[TimelineEntry]) -> bool {
    since_trigger(timeline).iter().all(|entry| entry.what != RUNNING)
}
