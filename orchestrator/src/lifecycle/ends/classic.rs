//! When the part of a classic driver is over: it sent an end word, it reached its count, or its reports stopped. A
//! missing report alone does not end a part: while the driver sends heartbeats, the test waits for it within a bound.

use std::time::Duration;

use common::plan::Mode;

use super::super::{Lifecycle, count_of, delay_of};
use super::End;
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen};
use crate::registry::{Liveness, NodeFacts};

/// Shortest time without a report that ends the part of a classic driver that has reported before.
const SILENCE: Duration = Duration::from_secs(15);

/// Shortest time that a count must stay unchanged before it is final: a driver that ignores its limit reports more.
const SETTLES: Duration = Duration::from_secs(2);

/// What a look at a classic driver's part shows.
pub enum Seen {
    /// It goes on, as far as is known.
    GoesOn,
    /// It has sent no report yet, though most have by now.
    Silent,
    Over(End),
}

/// Looks at the part of a classic driver, `running` after the common start.
pub fn look(
    life: &Lifecycle,
    now: Now,
    running: Duration,
    node: Option<&NodeFacts>,
    part: &PartSeen,
) -> Seen {
    if node.and_then(|node| node.said_no_at).is_some_and(|at| is_about(life, at, now, running, part)) {
        return Seen::Over((EndedBy::Word, "said NO"));
    }
    let Some(last_report_at) = part.last_report_at else { return without_report(life, now, running, node) };
    let quiet = since(now, last_report_at);
    let count = count_of(life.plan());
    if count > 0 && count_is_last(life, now, running, part, count) {
        return Seen::Over((EndedBy::Count, "reported as many requests as it was to send"));
    }
    let delay = delay_of(life.plan()).unwrap_or_default();
    if quiet <= SILENCE.max(3 * delay) {
        return Seen::GoesOn;
    }
    let open = has_more_to_send(life, running.saturating_sub(quiet), part, count);
    let liveness = node.map_or(Liveness::Lost, |node| node.liveness);
    let gone = matches!(liveness, Liveness::Lost | Liveness::Stale);
    let beat = node.is_some_and(|node| node.beat_in_test);
    let beats_idle = node.is_none_or(|node| node.beats_idle);
    // Its heartbeats are overdue: either they resume, or it becomes lost.
    if beat && liveness == Liveness::Suspect && (open || beats_idle) {
        return Seen::GoesOn;
    }
    // Where a driver also sends heartbeats while idle, their end means that the process ended. Where it sends them only
    // during a test, they stop at the normal end as well; then its reports decide whether it had finished.
    let process_ended = beat && gone && (open || beats_idle);
    if process_ended || (gone && part.sent.is_some_and(|sent| sent < count)) {
        return Seen::Over((EndedBy::Lost, "its reports and its heartbeats stopped"));
    }
    if open && beat && !gone && waits_for_silent(life, now, running) {
        return Seen::GoesOn;
    }
    Seen::Over((EndedBy::Silence, "fell silent"))
}

fn since(now: Now, at_us: i64) -> Duration {
    Duration::from_micros(u64::try_from(now.unix_us.saturating_sub(at_us)).unwrap_or(0))
}

/// Judges a driver that has sent no report. It may report only at its end, wait for a slow first answer, or not have
/// received the trigger. While it sends heartbeats, the test waits for it within the bound of [`waits_for_silent`].
fn without_report(life: &Lifecycle, now: Now, running: Duration, node: Option<&NodeFacts>) -> Seen {
    let deaf_after = life.rules.classic.deaf_after.max(3 * delay_of(life.plan()).unwrap_or_default());
    if running <= deaf_after {
        return Seen::GoesOn;
    }
    let beat = node.is_some_and(|node| node.beat_in_test);
    match node.is_some_and(NodeFacts::is_alive) {
        true if beat && waits_for_silent(life, now, running) => Seen::Silent,
        false if beat => Seen::Over((EndedBy::Lost, "its heartbeats stopped before its first report")),
        _ => Seen::Over((EndedBy::Deaf, "sent no report after the trigger")),
    }
}

/// Whether a driver that sends heartbeats and no reports may still be working. An open loop may until its schedule must
/// be over. A closed loop has no such bound: it may until `silent_for` after our own drivers were done.
fn waits_for_silent(life: &Lifecycle, now: Now, running: Duration) -> bool {
    let rules = &life.rules.classic;
    match life.plan().load.mode {
        Mode::Tsunami { .. } => {
            let delay = delay_of(life.plan()).unwrap_or_default();
            let schedule = delay.as_secs_f64() * count_of(life.plan()) as f64;
            let schedule = Duration::try_from_secs_f64(schedule).unwrap_or(Duration::MAX);
            running <= schedule.saturating_add(rules.deaf_after)
        }
        Mode::Avalanche { .. } => {
            let has_ours = life.participants().iter().any(|participant| participant.epoch.is_some());
            let started_at = now.elapsed.saturating_sub(running);
            let from = if has_ours { life.ours_done_at } else { Some(started_at) };
            from.is_none_or(|from| now.elapsed.saturating_sub(from) <= rules.silent_for)
        }
    }
}

/// Whether a driver has reached the count of its config and the count no longer changes. A total that still rises comes
/// from a driver that ignores its limit (`runaways`). Where the reports contain no total, their number is compared with
/// the count: some drivers send one report for each answer. A driver that reports at an interval soon exceeds the
/// count, which shows nothing about its end.
fn count_is_last(life: &Lifecycle, now: Now, running: Duration, part: &PartSeen, count: u64) -> bool {
    let reached_at = match part.sent {
        Some(sent) => (sent >= count).then_some(part.rose_at),
        None => (part.reports == count && running >= shortest(life, count)).then_some(part.last_report_at),
    };
    reached_at.flatten().is_some_and(|at| since(now, at) >= settles(life, part))
}

/// How long no report may come after the last one before that one counts as final.
pub fn settles(life: &Lifecycle, part: &PartSeen) -> Duration {
    let own = part.report_interval.map_or(SETTLES, |interval| SETTLES.max(3 * interval));
    own.min(life.rules.classic.deaf_after.max(SETTLES))
}

/// Whether a driver's reports show that it has requests left to send. Its total decides, if it reports one. Else it has
/// some left where it sent fewer reports than requests, unless it sent one report only and that came when its schedule
/// could be over. `at`: when the last report came, from the common start.
fn has_more_to_send(life: &Lifecycle, at: Duration, part: &PartSeen, count: u64) -> bool {
    match part.sent {
        Some(sent) => sent < count,
        None => {
            let at_end = part.reports == 1 && at >= shortest(life, count);
            part.reports < count && !at_end
        }
    }
}

/// From the common start to the earliest end of a classic driver's schedule.
fn shortest(life: &Lifecycle, count: u64) -> Duration {
    let delay = delay_of(life.plan()).unwrap_or_default();
    let schedule = delay.as_secs_f64() * count.saturating_sub(1) as f64;
    // A classic driver starts when it receives the trigger, which is up to start_delay before the common start.
    Duration::try_from_secs_f64(schedule).unwrap_or(Duration::MAX).saturating_sub(life.rules.start_delay)
}

/// Whether a `NO` that arrived at `at` is about this test. Classic drivers ignore `start_at`, and some start on the
/// config without a trigger, so one may have finished before our own drivers start. Where the driver has reported, a
/// `NO` since the config counts; where it has not, only one since the common start, as an earlier one may belong to
/// another test.
fn is_about(life: &Lifecycle, at: Duration, now: Now, running: Duration, part: &PartSeen) -> bool {
    let started_at = now.elapsed.saturating_sub(running);
    let since = if part.reports > 0 { life.configured_at.unwrap_or(started_at) } else { started_at };
    at > since
}
