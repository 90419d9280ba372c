//! Classic drivers that go on after their end: one that ignores its count, or its time. It receives a stop where no
//! other classic driver could take that for a start; else the report says that it runs on.

use std::time::Duration;

use super::super::{Effect, Lifecycle, STOP_PATIENCE, count_of, delay_of};
use super::{classic, listens_as_classic, note};
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen};
use crate::registry::NodeFacts;

/// Looks for drivers that run on, `running` after the common start. Never while a driver of ours still has to send: a
/// stop would end its load as well.
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

/// Whether nobody else could take the stop for a start.
fn may_be_stopped(part: &PartSeen, nodes: &[NodeFacts]) -> bool {
    !nodes.iter().any(|node| node.node_id != part.node_id && listens_as_classic(node))
}

/// Whether its total is above what it was to send, and rose lately.
fn past_count(life: &Lifecycle, now: Now, part: &PartSeen) -> bool {
    let count = count_of(life.plan());
    let rises = part
        .rose_at
        .is_some_and(|at| now.elapsed.saturating_sub(now.elapsed_at(at)) < classic::settles(life, part));
    count > 0 && part.sent.is_some_and(|sent| sent > count) && rises
}

/// Longest mean latency that is believed where it says how long a load takes: some report in another unit.
const MAX_LATENCY: Duration = Duration::from_secs(60);

/// Whether it reports on after twice the time that its load takes, or the end of the duration. Classic drivers wait for
/// each answer before the next delay begins, so that a slow target makes their load longer.
fn past_time(life: &Lifecycle, now: Now, running: Duration, part: &PartSeen) -> bool {
    let load = &life.plan().load;
    let twice_due = delay_of(life.plan()).and_then(|delay| {
        let each = delay + part.mean_latency.unwrap_or_default().min(MAX_LATENCY);
        Duration::try_from_secs_f64(2.0 * each.as_secs_f64() * count_of(life.plan()) as f64).ok()
    });
    // Where the duration alone made the count, a driver that is a little late ends by its count.
    let duration = load.duration.filter(|_| load.requests.is_some());
    let limit = twice_due.into_iter().chain(duration).min();
    let Some(limit) = limit.map(|limit| limit.max(life.rules.classic.deaf_after)) else { return false };
    // One that fell silent is at its end and does not say so: a stop would reach it after that.
    let limit_at = now.elapsed.saturating_sub(running).saturating_add(limit);
    running > limit && part.heard_at.is_some_and(|heard_at| now.elapsed_at(heard_at) > limit_at)
}
