//! After a restart: whether a trigger was published before the orchestrator ended. Pure.
//!
//! The start of a test is stored first and its trigger is published second, so that the store knows of every trigger
//! that was published. If the orchestrator is killed between the two, its next life finds a stored start and cannot
//! know whether the trigger was published. The drivers' state decides. A driver that received the trigger is running
//! or draining, or has sent windows. A driver that did not receive it discards its config at the first heartbeat of
//! the new orchestrator, and is idle.

use std::time::Duration;

use common::wire::DriverState;

use super::warned::since_trigger;
use super::{Effect, Lifecycle, Phase, RUNNING};
use crate::model::TimelineEntry;
use crate::now::Now;
use crate::participant::{PartSeen, Participant};
use crate::refusal::CommandError;
use crate::registry::{Liveness, NodeFacts};

/// How long all drivers must be idle before we conclude that the trigger was not published. Heartbeats and windows
/// arrive on two topics: where the test is over already, only the windows show that it ran, and they may come later.
const LOOKED_AT: Duration = Duration::from_secs(3);

impl Lifecycle {
    /// Decides whether the test goes on or failed to start, once the drivers' state shows whether they received the
    /// trigger. Returns no effects until then.
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
        let triggered = parts.iter().any(|part| part.last_report_at.is_some())
            // A classic driver has no state before its first report: assume that it runs.
            || self.participants.iter().any(|one| one.epoch.is_none() || node_of(one).is_some_and(sends));
        // A driver that is gone sends nothing more. Its part ends by the usual rules.
        let gone = |node: &NodeFacts| matches!(node.liveness, Liveness::Lost | Liveness::Left);
        let here: Vec<&NodeFacts> =
            self.participants.iter().filter_map(node_of).filter(|node| !gone(node)).collect();
        if triggered || here.is_empty() {
            self.phase = Phase::Started { at, at_us };
            return vec![Effect::note(RUNNING, "")];
        }
        // One of which nothing has arrived yet counts as seen at the restart, and has no state.
        let shows_it =
            |node: &NodeFacts| node.seen_at > resumed_at && node.state.is_some() && !about_it(node);
        if !here.iter().all(|node| shows_it(node)) {
            self.phase = Phase::Doubtful { resumed_at, idle_since: None, at, at_us };
            return Vec::new();
        }
        let since = idle_since.unwrap_or(now.elapsed);
        self.phase = Phase::Doubtful { resumed_at, idle_since: Some(since), at, at_us };
        if now.elapsed.saturating_sub(since) < LOOKED_AT {
            return Vec::new();
        }
        // Where setup has run, the test is finished then.
        let again = if self.steps().next().is_some() { "run the test again" } else { "trigger it again" };
        let why = format!("the orchestrator was restarted before it could trigger the test: {again}");
        self.barrier_failed(CommandError::Conflict(why))
    }
}

/// Whether the timeline lacks the entry that is written after the trigger was published.
pub fn is_doubtful(timeline: &[TimelineEntry]) -> bool {
    since_trigger(timeline).iter().all(|entry| entry.what != RUNNING)
}
