//! Figures of all drivers together: coverage, missing windows, and the facts for a verdict.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::clock::{UnixMicros, rfc3339};
use common::counters::Counters;
use common::ids::RequestName;
use common::plan::ThresholdOf;
use common::session_figures::AllSessions;
use common::wire::Ending;

use super::part::Part;
use super::unstarted::Unstarted;
use super::views::share;
use super::{Tally, WINDOW_US, requests, sessions};
use crate::lifecycle::count_of;
use crate::model::{Completeness, MissingWindows};
use crate::stopped_by::StoppedBy;
use crate::verdict::{
    ClassicFacts, DriverFacts, Facts, GeneratorLoad, OfSessions, Reported, Sample, SentMore, Stop, failures,
};

impl Tally {
    /// Whether no more records are expected of a part.
    pub(super) fn is_over(&self, part: &Part) -> bool {
        self.finished || part.ended_by.is_some()
    }

    /// Whether the test was started (its trigger has a start time).
    pub(super) fn was_started(&self) -> bool {
        self.start_at.is_some()
    }

    /// Whether the test was started and no counters of this driver of ours have arrived.
    pub(super) fn reported_nothing(&self, part: &Part) -> bool {
        self.was_started() && part.windows.newest_at.is_none()
    }

    /// Requests of all drivers that count as slower than any completed one. A classic driver's failures are among them,
    /// as far as it reports any, though it sends no histogram.
    pub(super) fn fleet_slower(&self) -> u64 {
        self.fleet_slower_counted() + self.fleet_unsent()
    }

    /// Requests that sessions would have sent that never began, beyond those that the counters have as dropped.
    pub(super) fn fleet_unsent(&self) -> u64 {
        let mut counters = Counters::default();
        for part in self.parts.iter().filter(|part| !part.is_classic()) {
            counters += part.windows.measured(self.is_over(part));
        }
        Unstarted::of(&self.sessions.counters()).beyond(&counters)
    }

    fn fleet_slower_counted(&self) -> u64 {
        let slower = |part: &Part| {
            let over = self.is_over(part);
            if part.is_classic() {
                let counts = part.reports.counts(over);
                return counts.failed.filter(|_| counts.addable).unwrap_or(0);
            }
            part.windows.measured(over).slower()
        };
        self.parts.iter().map(slower).fold(0, u64::saturating_add)
    }

    /// Share of all completed requests that the histograms hold; `None` where a driver does not report how many
    /// requests completed.
    pub(super) fn fleet_coverage(&self) -> Option<f64> {
        let (mut all, mut covered) = (0_u64, 0_u64);
        for part in &self.parts {
            let (completed, held) = self.completed(part)?;
            all = all.saturating_add(completed);
            covered += held;
        }
        Some(share(covered, all))
    }

    /// Completed requests of a part and how many of them its histograms hold; `None` where it does not report that.
    fn completed(&self, part: &Part) -> Option<(u64, u64)> {
        let over = self.is_over(part);
        if part.is_classic() {
            let counts = part.reports.counts(over);
            return Some((counts.completed.filter(|_| counts.addable)?, 0));
        }
        if over && self.reported_nothing(part) {
            return None;
        }
        Some(part.windows.completed(over))
    }

    /// When a part's process did not run, in ms since the start.
    pub(super) fn stops(&self, part: &Part) -> Vec<Stop> {
        let Some(start) = self.start_at else { return Vec::new() };
        let ms = |at: UnixMicros| at.saturating_sub(start).max(0) / 1_000;
        let pauses = part.windows.stopped.iter().filter(|(_, to)| *to > start);
        pauses.map(|(from, to)| Stop { from_ms: ms(*from), to_ms: ms(*to) }).collect()
    }

    /// The seq of the last window that a part must have sent: its final window or, where it is over without one, the
    /// last window of the driver that went on longest.
    fn last_expected(&self, part: &Part) -> Option<u64> {
        if let Some(last) = part.windows.final_seq {
            return Some(last);
        }
        let highest = part.windows.seqs.highest();
        if !self.is_over(part) || !self.was_started() {
            return highest;
        }
        let others =
            self.parts.iter().filter_map(|part| part.windows.final_seq.or(part.windows.seqs.highest()));
        // At least the final one is missing.
        Some(others.max().unwrap_or(0).max(highest.map_or(0, |highest| highest + 1)))
    }
}

/// Whether all windows arrived, and which did not.
pub fn completeness(tally: &Tally) -> Completeness {
    let mut all = Completeness::default();
    for part in tally.parts.iter().filter(|part| !part.is_classic()) {
        let Some(last) = tally.last_expected(part) else { continue };
        all.windows_expected += last + 1;
        all.windows_received += part.windows.seqs.count();
        let begun = |seq: u64| {
            let from = i64::try_from(seq).unwrap_or(i64::MAX).saturating_mul(WINDOW_US);
            rfc3339(tally.start_at.unwrap_or(0).saturating_add(from))
        };
        all.missing.extend(part.windows.seqs.gaps(last).into_iter().map(|(from_seq, to_seq)| {
            MissingWindows {
                node_id: part.node.to_string(),
                from_seq,
                to_seq,
                from: begun(from_seq),
                to: begun(to_seq + 1),
            }
        }));
    }
    all
}

/// The facts for a verdict.
pub fn facts<'a>(tally: &'a Tally, stopped_by: Option<&StoppedBy>) -> Facts<'a> {
    let drivers: Vec<DriverFacts<'a>> = tally.parts.iter().map(|part| driver(tally, part)).collect();
    let mut counters = Counters::default();
    let mut reported = Reported::ALL;
    for driver in &drivers {
        reported = reported.and(driver.sample.reported);
        if driver.sample.reported.sent {
            counters.add(&driver.sample.counters);
        }
    }
    let names = requests::counters(tally.parts.iter().map(|part| &part.windows)).named;
    let facts = Facts {
        plan: &tally.plan,
        over: true,
        stopped_by: stopped_by.cloned(),
        interrupted: tally.interrupted.clone(),
        steps: tally.steps().clone(),
        started_at: tally.start_at,
        capacity: tally.capacity(),
        rate_changes: &tally.rate_changes,
        fleet: Sample {
            counters,
            reported,
            latencies: Cow::Borrowed(&tally.fleet.all),
            of_sessions: of_sessions(tally, &names, &tally.sessions, tally.fleet_unsent()),
            coverage: tally.fleet_coverage(),
            throughput_per_s: tally.fleet_throughput(),
            schedule_s: tally.longest_s(),
            windows: drivers.iter().map(|driver| driver.sample.windows).sum(),
            busy_windows: drivers.iter().map(|driver| driver.sample.busy_windows).sum(),
        },
        of: Vec::new(),
        names,
        shared: tally.sessions.shared.clone(),
        missing: completeness(tally).missing,
        foreign: tally.foreign.iter().cloned().collect(),
        drivers,
    };
    let mut of: Vec<(ThresholdOf, Facts<'a>)> = Vec::new();
    let defaults = tally.plan.default_thresholds();
    for threshold in tally.plan.thresholds.iter().chain(&defaults) {
        if of.iter().any(|(looked_at, _)| *looked_at == threshold.of) {
            continue;
        }
        let about = match &threshold.of {
            ThresholdOf::All => continue,
            ThresholdOf::Request(name) => requests::facts(tally, &facts, name),
            ThresholdOf::Group(_) | ThresholdOf::Poll(_) | ThresholdOf::Sessions(_) => {
                sessions::facts(tally, &facts, &threshold.of)
            }
        };
        of.push((threshold.of.clone(), about));
    }
    Facts { of, ..facts }
}

/// What a plan with several requests adds to the sample of all of them; nothing for a plan with one.
fn of_sessions(
    tally: &Tally,
    names: &BTreeMap<RequestName, Counters>,
    all: &AllSessions,
    unsent: u64,
) -> OfSessions {
    let Some(program) = &tally.plan.program else { return OfSessions::default() };
    OfSessions {
        unsent,
        sessions: Some(all.counters()),
        unexpected: Some(failures::unexpected(program, names.iter().filter(|(name, _)| !name.is_part()))),
        abandoned: None,
    }
}

fn driver<'a>(tally: &Tally, part: &'a Part) -> DriverFacts<'a> {
    let over = tally.is_over(part);
    let counts = part.reports.counts(over);
    let (counters, reported, unresolved) = if part.is_classic() {
        let counters = Counters {
            scheduled: counts.sent.unwrap_or(0),
            sent: counts.sent.unwrap_or(0),
            completed: counts.completed.unwrap_or(0),
            failed: counts.failed.unwrap_or(0),
            ..Counters::default()
        };
        let reported = Reported {
            sent: counts.addable,
            completed: counts.addable && counts.completed.is_some(),
            failed: counts.addable && counts.failed.is_some(),
        };
        // A verdict is about a test that is over: requests whose end was not reported are unresolved.
        let unresolved = part.reports.counts(true).unresolved.unwrap_or(counts.end_unknown);
        (counters, reported, unresolved)
    } else {
        let counters = part.windows.newest.clone();
        let reported = if tally.reported_nothing(part) { Reported::NONE } else { Reported::ALL };
        let unresolved = counters.in_flight();
        (counters, reported, unresolved)
    };
    let coverage = match tally.completed(part) {
        _ if part.is_classic() => None,
        Some((completed, held)) => Some(share(held, completed)),
        None => None,
    };
    // An unchosen part is another life where its node has several parts. If it is the only part of its node, it is a
    // classic driver that made itself known after the trigger.
    let lives = tally.parts.iter().filter(|other| other.node == part.node).count();
    DriverFacts {
        name: part.node.to_string(),
        classic: part.is_classic(),
        other_life: part.share.is_none() && lives > 1,
        joined: part.share.is_none() && lives == 1,
        ended_by: part.ended_by,
        last_report_at: part.last_report_at(),
        unresolved,
        cut_short: part.windows.ending.as_ref().and_then(|ending| ending.cut_short.clone()),
        redirected_to: part.windows.ending.as_ref().and_then(|ending| ending.redirected_to.clone()),
        rows_used_up: part.windows.ending.as_ref().and_then(|ending| ending.rows_used_up.clone()),
        share: part.share.as_ref(),
        implausible: part.is_classic() && part.reports.implausible(over),
        as_classic: if part.is_classic() { as_classic(part, over) } else { ClassicFacts::default() },
        silent: part.silent,
        sent_more: sent_more(tally, part, over),
        machine: GeneratorLoad {
            cpu_max: part.windows.cpu_shares.max(),
            steal_mean: part.windows.steal_shares.mean(),
            steal_max: part.windows.steal_shares.max(),
            waited_max: part.windows.wait_shares.max(),
            stops: tally.stops(part),
            gave_up_spinning: part
                .windows
                .ending
                .as_ref()
                .is_some_and(|ending| ending.precision.as_deref() == Some(Ending::GAVE_UP_SPINNING)),
        },
        sample: Sample {
            throughput_per_s: tally.throughput_of(part),
            schedule_s: tally.length_s(part),
            counters,
            reported,
            latencies: Cow::Borrowed(&part.windows.latencies.all),
            of_sessions: of_sessions(
                tally,
                &part.windows.at_window.named,
                &part.windows.sessions,
                part.windows.unstarted().beyond(part.windows.measured(over)),
            ),
            coverage,
            windows: part.windows.judged,
            busy_windows: part.windows.busy,
        },
    }
}

/// How many requests a classic driver was to send and how many it reports, where that is more.
fn sent_more(tally: &Tally, part: &Part, over: bool) -> Option<SentMore> {
    let asked = count_of(&tally.plan);
    let sent = part.reports.counts(over).sent.filter(|_| part.is_classic())?;
    (sent > asked).then_some(SentMore { asked, sent })
}

fn as_classic(part: &Part, over: bool) -> ClassicFacts {
    ClassicFacts {
        reading: Some(part.reports.reading(over)),
        at_least: part.reports.at_least(),
        response: part.reports.response(),
    }
}
