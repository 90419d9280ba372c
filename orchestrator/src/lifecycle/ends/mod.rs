//! When a participant's part is over though its own word does not say so: lost, silent, deaf, by a count.

use std::time::Duration;

use common::plan::Mode;

use super::{Effect, Lifecycle, PartSeen, count_of, delay_of};
use crate::now::Now;
use crate::registry::{Liveness, NodeFacts};
use crate::tally::EndedBy;

/// How long after its goodbye a driver's final window may come.
const AFTER_GOODBYE: Duration = Duration::from_secs(5);

/// How long a driver that is heard may owe windows: what an outage of Kafka held back comes within seconds.
const OVERDUE: Duration = Duration::from_secs(60);

/// Windows come each second: without one for so long a driver owes some.
const OWES_AFTER: Duration = Duration::from_secs(10);

/// A driver that was heard within so long is in touch. Running, it beats four times a second.
const IN_TOUCH: Duration = Duration::from_secs(5);

/// How long a driver may say that it does something else, and tell no window, before its part is over.
const ELSEWHERE: Duration = Duration::from_secs(30);

/// Least silence that ends a classic driver's part.
const CLASSIC_SILENCE: Duration = Duration::from_secs(15);

/// Looks for parts that are over, `running` after the start.
pub fn look(
    life: &mut Lifecycle,
    now: Now,
    running: Duration,
    nodes: &[NodeFacts],
    parts: &[PartSeen],
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for part in parts {
        let node = nodes.iter().find(|node| node.node_id == part.node_id);
        let told = match (part.epoch, part.ended_by) {
            (Some(_), Some(EndedBy::Lost | EndedBy::Overdue)) => {
                // Whoever is here and still gives a reason to be taken for lost is not back.
                let alive = node.is_some_and(NodeFacts::is_alive);
                if alive && our_end(life, now, running, node, part).is_none() {
                    effects.push(note("driver_back", part, ""));
                    effects.push(Effect::PartBack(part.node_id.clone(), part.epoch));
                }
                None
            }
            (_, Some(_)) => None,
            (Some(_), None) => our_end(life, now, running, node, part),
            (None, None) => classic_end(life, now, running, node, part),
        };
        if let Some((by, what)) = told {
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
    effects.extend(runaways(life, now, running, nodes, parts));
    effects
}

/// After a stop: who is gone will tell nothing more, and a classic driver tells no end.
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
    Effect::Note { what, detail }
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
    let told = part.heard_at.map_or(running, |at| now.elapsed.saturating_sub(now.elapsed_at(at)));
    if elsewhere && running > ELSEWHERE && told > ELSEWHERE {
        return Some((EndedBy::Lost, "is at something else, and sent no final window"));
    }
    overdue(life, now, running, node, part).then_some((EndedBy::Overdue, "sends heartbeats, and no windows"))
}

/// Whether a driver beats on and on without the windows that belong to it: a load that hangs looks so. The time in
/// which Kafka carries nothing does not count.
fn overdue(life: &mut Lifecycle, now: Now, running: Duration, node: &NodeFacts, part: &PartSeen) -> bool {
    let silent = part.window_at.map_or(running, |at| now.elapsed.saturating_sub(now.elapsed_at(at)));
    let owes = silent > OWES_AFTER || due_length(life).is_some_and(|due| running > due);
    let in_touch = now.elapsed.saturating_sub(node.heard_at) <= IN_TOUCH;
    let whose = (part.node_id.clone(), part.epoch);
    if !(owes && in_touch) {
        life.owing.remove(&whose);
        return false;
    }
    let since = *life.owing.entry(whose).or_insert(now.elapsed);
    now.elapsed.saturating_sub(since) > OVERDUE
}

/// Whether a test ends while a driver of ours may still send, and nobody listens who could take a stop for a start.
pub fn leaves_a_load_behind(nodes: &[NodeFacts], parts: &[PartSeen], effects: &[Effect]) -> bool {
    let hangs = parts.iter().any(|part| part.ended_by == Some(EndedBy::Overdue))
        || effects.iter().any(|effect| matches!(effect, Effect::PartEnded(_, _, EndedBy::Overdue)));
    hangs && !nodes.iter().any(listens_as_classic)
}

/// A deaf classic driver is alive as well, and could take a stop for a start.
fn listens_as_classic(node: &NodeFacts) -> bool {
    node.is_classic() && (node.is_alive() || node.liveness == Liveness::Deaf)
}

/// Length of one driver's part at the most; `None` where nothing bounds it.
fn due_length(life: &Lifecycle) -> Option<Duration> {
    let load = &life.plan().load;
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

fn classic_end(
    life: &Lifecycle,
    now: Now,
    running: Duration,
    node: Option<&NodeFacts>,
    part: &PartSeen,
) -> Option<End> {
    if node.and_then(|node| node.said_no_at).is_some_and(|at| is_about(life, at, now, running, part)) {
        return Some((EndedBy::Word, "said NO"));
    }
    let count = count_of(life.plan());
    let enough = match part.sent {
        Some(sent) => sent >= count,
        None => part.reports >= count && running >= shortest(life, count),
    };
    if count > 0 && enough {
        return Some((EndedBy::Count, "reported as many requests as it was to send"));
    }
    let Some(heard_at) = part.heard_at else {
        let deaf = running > life.rules.classic.deaf_after.max(3 * delay_of(life.plan()).unwrap_or_default());
        return deaf.then_some((EndedBy::Deaf, "sent no report after the trigger"));
    };
    let silent = Duration::from_micros(u64::try_from(now.unix_us.saturating_sub(heard_at)).unwrap_or(0));
    let patience = CLASSIC_SILENCE.max(3 * delay_of(life.plan()).unwrap_or_default());
    if silent <= patience {
        return None;
    }
    // Where it says itself that it owes requests, and beats no more either, it did not end: it broke.
    let owes = part.sent.is_some_and(|sent| sent < count);
    let gone = node.is_none_or(|node| node.liveness == Liveness::Lost);
    Some(if owes && gone {
        (EndedBy::Lost, "its reports and its heartbeats stopped")
    } else {
        (EndedBy::Silence, "fell silent")
    })
}

/// From the common start to the earliest end of a classic driver's schedule. Reports are as many as requests where
/// each answer brings one; where they come at an interval they are soon more, and say nothing before that.
fn shortest(life: &Lifecycle, count: u64) -> Duration {
    let delay = delay_of(life.plan()).unwrap_or_default();
    let schedule = delay.as_secs_f64() * count.saturating_sub(1) as f64;
    // It starts at the trigger.
    Duration::try_from_secs_f64(schedule).unwrap_or(Duration::MAX).saturating_sub(life.rules.start_delay)
}

/// Whether a `NO` that was said at an instant is about this test. Classic drivers wait for no `start_at`, and some for
/// no trigger: one may be done before our own have begun. What it says before it shows anything of the test is about
/// another one.
fn is_about(life: &Lifecycle, at: Duration, now: Now, running: Duration, part: &PartSeen) -> bool {
    let started_at = now.elapsed.saturating_sub(running);
    let since = if part.reports > 0 { life.configured_at.unwrap_or(started_at) } else { started_at };
    at > since
}

/// A classic driver that does not count to its limit is told to stop, if nobody else could take that for a start.
fn runaways(
    life: &mut Lifecycle,
    now: Now,
    running: Duration,
    nodes: &[NodeFacts],
    parts: &[PartSeen],
) -> Vec<Effect> {
    let load = &life.plan().load;
    let twice_due = delay_of(life.plan()).and_then(|delay| {
        Duration::try_from_secs_f64(2.0 * delay.as_secs_f64() * count_of(life.plan()) as f64).ok()
    });
    // Where the duration alone made the count, a driver that is a little late ends by its count.
    let duration = load.duration.filter(|_| load.requests.is_some());
    let limit = twice_due.into_iter().chain(duration).min();
    let Some(limit) = limit.map(|limit| limit.max(life.rules.classic.deaf_after)) else { return Vec::new() };
    if running <= limit {
        return Vec::new();
    }
    let classic_alive = nodes.iter().filter(|node| listens_as_classic(node)).count();
    // One that fell silent is at its end and does not say so: a stop would reach it after that.
    let limit_at = now.elapsed.saturating_sub(running).saturating_add(limit);
    let reports_on =
        |part: &&PartSeen| part.heard_at.is_some_and(|heard_at| now.elapsed_at(heard_at) > limit_at);
    let runs_on: Vec<_> = parts
        .iter()
        .filter(|part| {
            part.epoch.is_none() && part.ended_by.is_none() && !life.runaways.contains(&part.node_id)
        })
        .filter(reports_on)
        .collect();
    let mut effects = Vec::new();
    for part in runs_on {
        life.runaways.push(part.node_id.clone());
        if classic_alive == 1 {
            effects.push(Effect::PublishStop);
            effects.push(note("driver_told_to_stop", part, "it ran past the end of the test"));
        } else {
            effects.push(note("driver_runs_on", part, "past the end of the test"));
        }
    }
    effects
}
