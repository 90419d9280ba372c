//! Classic drivers that go on sending after their load should be over, because they ignore the count or the duration.
//! We publish a stop, unless another classic driver could mistake it for a start. If no stop is published, or the
//! driver ignores it, the report says that it runs on.

use std::time::Duration;

use super::super::{Effect, Lifecycle, STOP_PATIENCE, count_of, delay_of};
use super::{classic, listens_as_classic, note};
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen};
use crate::registry::NodeFacts;

/// Looks for drivers that run on, `running` after the common start. Does nothing while a driver of ours still sends,
/// because a stop would end its load as well.
pub fn look(
    life: &mut Lifecycle,
    now: Now,
    running: Duration,
    nodes: &[NodeFacts],
    parts: &[PartSeen],
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if life.ours_done_at.is_none() {
        return effects;
    }
    let open = parts.iter().filter(|part| part.epoch.is_none() && part.ended_by.is_none());
    let goes_on = |part: &&PartSeen| past_count(life, now, part) || past_time(life, now, running, part);
    for part in open.filter(goes_on).collect::<Vec<_>>() {
        match life.runaways.get(&part.node_id) {
            None if may_be_stopped(part, nodes) => {
                life.runaways.insert(part.node_id.clone(), now.elapsed);
                effects.push(Effect::PublishStop);
                effects.push(note("driver_told_to_stop", part, "it went on after the end of its load"));
            }
            Some(stopped_at) if now.elapsed.saturating_sub(*stopped_at) <= STOP_PATIENCE => {}
            _ => {
                effects.push(note("driver_runs_on", part, "after the end of its load"));
                effects.push(Effect::PartEnded(part.node_id.clone(), None, EndedBy::RunsOn));
            }
        }
    }
    effects
}

/// Whether no other classic driver could mistake the stop for a start.
fn may_be_stopped(part: &PartSeen, nodes: &[NodeFacts]) -> bool {
    !nodes.iter().any(|node| node.node_id != part.node_id && listens_as_classic(node))
}

/// Whether its total is above the count of its config, and still rises.
fn past_count(life: &Lifecycle, now: Now, part: &PartSeen) -> bool {
    let count = count_of(life.plan());
    let rises = part
        .rose_at
        .is_some_and(|at| now.elapsed.saturating_sub(now.elapsed_at(at)) < classic::settles(life, part));
    count > 0 && part.sent.is_some_and(|sent| sent > count) && rises
}

/// Upper limit for a reported mean latency in the estimate of how long a load takes: some drivers report another unit.
const MAX_LATENCY: Duration = Duration::from_secs(60);

/// Whether it still reports after twice the time that its load should take, or after the plan's duration. Classic
/// drivers start the next delay only after each answer, so a slow target makes their load longer.
fn past_time(life: &Lifecycle, now: Now, running: Duration, part: &PartSeen) -> bool {
    let load = &life.plan().load;
    let twice_due = delay_of(life.plan()).and_then(|delay| {
        let each = delay + part.mean_latency.unwrap_or_default().min(MAX_LATENCY);
        Duration::try_from_secs_f64(2.0 * each.as_secs_f64() * count_of(life.plan()) as f64).ok()
    });
    // Where the count was computed from the duration, do not use the duration as a second limit: a driver that is a
    // little late still ends by its count.
    let duration = load.duration.filter(|_| load.requests.is_some());
    let limit = twice_due.into_iter().chain(duration).min();
    let Some(limit) = limit.map(|limit| limit.max(life.rules.classic.deaf_after)) else { return false };
    // A driver that has gone silent has finished without reporting it; do not send it a stop.
    let limit_at = now.elapsed.saturating_sub(running).saturating_add(limit);
    running > limit && part.last_report_at.is_some_and(|at| now.elapsed_at(at) > limit_at)
}
