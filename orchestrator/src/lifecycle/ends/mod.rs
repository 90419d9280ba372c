//! When a participant's part is over although it has not reported its end: lost, silent, deaf, or at its count.

mod classic;
mod runaways;
#[cfg(test)]
mod tests;

use std::time::Duration;

use common::plan::Mode;

use super::{Effect, Lifecycle, delay_of};
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen, Participant};
use crate::registry::{Liveness, NodeFacts};

/// How long after its goodbye a driver's final window may come.
const AFTER_GOODBYE: Duration = Duration::from_secs(5);

/// How long windows may be overdue while the driver's heartbeats arrive. After an outage of Kafka the delayed windows
/// arrive within seconds.
const OVERDUE: Duration = Duration::from_secs(60);

/// Windows come every second: after so long without one, some are missing.
const MISSING_AFTER: Duration = Duration::from_secs(10);

/// A driver is in touch if a record of it arrived within this time. While it runs it sends four heartbeats a second.
const IN_TOUCH: Duration = Duration::from_secs(5);

/// How long a driver may report another test, or none, and send no window of this one, before its part is over.
const ELSEWHERE: Duration = Duration::from_secs(30);

/// Looks for parts that are over, `running` after the start.
pub fn look(
    life: &mut Lifecycle,
    now: Now,
    running: Duration,
    nodes: &[NodeFacts],
    parts: &[PartSeen],
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let ours_done = parts.iter().all(|part| part.epoch.is_none() || part.ended_by.is_some());
    life.ours_done_at = ours_done.then(|| life.ours_done_at.unwrap_or(now.elapsed));
    for part in parts {
        let node = nodes.iter().find(|node| node.node_id == part.node_id);
        let ended = match (part.epoch, part.ended_by) {
            (Some(_), Some(EndedBy::Lost | EndedBy::Overdue)) => {
                // A driver is back only if it is alive and no rule would end its part again at once.
                let alive = node.is_some_and(NodeFacts::is_alive);
                if alive && our_end(life, now, running, node, part).is_none() {
                    effects.push(note("driver_back", part, ""));
                    effects.push(Effect::PartBack(part.node_id.clone(), part.epoch));
                }
                None
            }
            (_, Some(_)) => None,
            (Some(_), None) => our_end(life, now, running, node, part),
            (None, None) => match classic::look(life, now, running, node, part) {
                classic::Seen::GoesOn => None,
                classic::Seen::Silent if part.silent => None,
                classic::Seen::Silent => {
                    effects.push(note("driver_silent", part, "reports at its end, or did not start"));
                    effects.push(Effect::Silent(part.node_id.clone()));
                    None
                }
                classic::Seen::Over(end) => Some(end),
            },
        };
        if let Some((by, what)) = ended {
            if by == EndedBy::Deaf {
                effects.push(Effect::Deaf(part.node_id.clone()));
            }
            let happened = match by {
                EndedBy::Lost => "driver_lost",
                EndedBy::Overdue => "driver_overdue",
                _ => "driver_ended",
            };
            effects.push(note(happened, part, what));
            effects.push(Effect::PartEnded(part.node_id.clone(), part.epoch, by));
        }
    }
    effects.extend(runaways::look(life, now, running, nodes, parts));
    effects
}

/// After a stop: ends the parts of drivers that are gone, which send nothing more, and of classic drivers, which do not
/// report an end.
pub fn stopped(life: &Lifecycle, nodes: &[NodeFacts], parts: &[PartSeen]) -> Vec<Effect> {
    let gone = |part: &PartSeen| {
        let node = nodes.iter().find(|node| node.node_id == part.node_id);
        part.epoch.is_none()
            || node.is_none_or(|node| node.epoch != part.epoch || node.liveness == Liveness::Lost)
    };
    let waits = parts.iter().filter(|part| part.ended_by.is_none());
    let never_started = life.started_at().is_none();
    waits
        .filter(|part| gone(part) || never_started)
        .map(|part| Effect::PartEnded(part.node_id.clone(), part.epoch, EndedBy::Stopped))
        .collect()
}

fn note(what: &'static str, part: &PartSeen, why: &str) -> Effect {
    let detail = if why.is_empty() { part.node_id.to_string() } else { format!("{}: {why}", part.node_id) };
    Effect::note_of(&part.node_id, what, detail)
}

type End = (EndedBy, &'static str);

fn our_end(
    life: &mut Lifecycle,
    now: Now,
    running: Duration,
    node: Option<&NodeFacts>,
    part: &PartSeen,
) -> Option<End> {
    let Some(node) = node else { return Some((EndedBy::Lost, "is not registered any more")) };
    if node.epoch != part.epoch {
        return Some((EndedBy::Lost, "was started again before it had ended the test"));
    }
    match node.liveness {
        Liveness::Lost => return Some((EndedBy::Lost, "its heartbeats stopped")),
        Liveness::Left => {
            let since = node.said_no_at.map_or(Duration::ZERO, |at| now.elapsed.saturating_sub(at));
            return (since > AFTER_GOODBYE).then_some((EndedBy::Lost, "left without a final window"));
        }
        _ => {}
    }
    let elsewhere = node.state.is_some() && node.test_id.as_ref() != Some(life.test_id());
    let quiet = part.last_report_at.map_or(running, |at| now.elapsed.saturating_sub(now.elapsed_at(at)));
    if elsewhere && running > ELSEWHERE && quiet > ELSEWHERE {
        return Some((EndedBy::Lost, "is at something else, and sent no final window"));
    }
    overdue(life, now, running, node, part).then_some((EndedBy::Overdue, "sends heartbeats, and no windows"))
}

/// Whether a driver has sent heartbeats for too long without the windows that should come with them, as a driver whose
/// load hangs does. The time restarts whenever its heartbeats do not arrive either, so that an outage of Kafka does not
/// count.
fn overdue(life: &mut Lifecycle, now: Now, running: Duration, node: &NodeFacts, part: &PartSeen) -> bool {
    let silent = part.window_at.map_or(running, |at| now.elapsed.saturating_sub(now.elapsed_at(at)));
    let missing = silent > MISSING_AFTER || due_length(life).is_some_and(|due| running > due);
    let in_touch = now.elapsed.saturating_sub(node.seen_at) <= IN_TOUCH;
    let whose = (part.node_id.clone(), part.epoch);
    if !(missing && in_touch) {
        life.overdue_since.remove(&whose);
        return false;
    }
    let since = *life.overdue_since.entry(whose).or_insert(now.elapsed);
    now.elapsed.saturating_sub(since) > OVERDUE
}

/// Whether the test ends while a driver of ours may still be sending, so that a stop should follow. False where a
/// classic driver could mistake the stop for a start.
pub fn leaves_a_load_behind(nodes: &[NodeFacts], parts: &[PartSeen], effects: &[Effect]) -> bool {
    let hangs = parts.iter().any(|part| part.ended_by == Some(EndedBy::Overdue))
        || effects.iter().any(|effect| matches!(effect, Effect::PartEnded(_, _, EndedBy::Overdue)));
    hangs && !nodes.iter().any(listens_as_classic)
}

/// Whether a node is a classic driver that may receive a stop and could mistake it for a start. A deaf driver still
/// runs, and one that sends heartbeats only during tests may listen although it is silent.
pub fn listens_as_classic(node: &NodeFacts) -> bool {
    let here = node.is_alive() || node.liveness == Liveness::Deaf || node.beats_only_in_tests();
    node.is_classic() && here
}

/// Longest time that one driver's part can take; `None` where the plan does not bound it.
fn due_length(life: &Lifecycle) -> Option<Duration> {
    let load = &life.plan().load;
    if !load.stages.is_empty() {
        // They end the load, wherever a number of sessions does not end it before.
        let stages: Duration = load.stages.iter().map(|stage| stage.ramp.saturating_add(stage.hold)).sum();
        return Some(stages.saturating_add(load.drain_timeout));
    }
    if !life.rate_changes().is_empty() {
        let planned = |one: &Participant| {
            one.share.planned_end(life.plan(), life.started_at().unwrap_or(0), life.rate_changes())
        };
        let ends = life.participants().iter().map(planned).collect::<Option<Vec<_>>>()?;
        return ends.into_iter().max().map(|end| end.saturating_add(load.drain_timeout));
    }
    let by_requests = match load.mode {
        Mode::Tsunami { .. } => delay_of(life.plan()).zip(load.requests).map(|(delay, requests)| {
            Duration::try_from_secs_f64(delay.as_secs_f64() * requests as f64).unwrap_or(Duration::MAX)
        }),
        Mode::Avalanche { .. } => None,
    };
    let length = match (load.duration, by_requests) {
        (Some(duration), Some(requests)) => duration.min(requests),
        (duration, requests) => duration.or(requests)?,
    };
    Some(length.saturating_add(load.warmup).saturating_add(load.drain_timeout))
}
