//! The totals as people read them: one row per driver, and the fleet as the sum of the rows.

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::session_figures::SessionCounters;

use super::part::Part;
use super::series::added;
use super::unstarted::Unstarted;
use super::views::{by_cause, by_kind, by_status, dropped_by, latency_view, share, shared, warmup};
use super::{Tally, requests, sessions};
use crate::model::{DriverTotals, LatencyView, PartEnd, PartState, Pause, Totals};
use crate::participant::EndedBy;

pub fn driver(tally: &Tally, part: &Part, now_us: UnixMicros) -> DriverTotals {
    let over = tally.is_over(part);
    let windows = &part.windows;
    let mut totals = Totals {
        latency_ms: latencies(tally, part, over),
        requests: requests::rows(&windows.at_window, &windows.latencies, windows.unstarted()),
        users: windows.users,
        ..counted(tally, part, over)
    };
    let unknown = over && tally.reported_nothing(part);
    if !part.is_classic() && !unknown {
        let unresolved = |name: Option<&str>| if over { under_way(part, name) } else { 0 };
        let per_second = |name: Option<&str>| tally.per_second_of(part, completed(part, name));
        sessions::add_rows(&mut totals, tally, &windows.sessions, unresolved, per_second);
    }
    // The counters of the final window never change: they cannot be out of date.
    let age_ms = match part.ended_by {
        Some(EndedBy::FinalWindow) => Some(0),
        _ => part.last_report_at().map(|at| u64::try_from(now_us.saturating_sub(at) / 1_000).unwrap_or(0)),
    };
    let ending = part.windows.ending.as_ref();
    DriverTotals {
        node_id: part.node.to_string(),
        epoch: part.epoch.map(|epoch| epoch.0),
        state: state(part, over),
        age_ms,
        approximate: part.is_classic(),
        ended_by: part.ended_by.or((over && tally.was_started()).then_some(EndedBy::Lost)).map(PartEnd::from),
        engine: ending.map(|ending| ending.engine.clone()),
        precision: ending.and_then(|ending| ending.precision.clone()),
        connections_opened: ending.map(|ending| ending.connections_opened),
        handshakes: ending.map(|ending| ending.handshakes),
        busy_max: part.windows.busy_max,
        cpu: part.windows.cpu,
        cpu_mean: part.windows.cpu_shares.mean(),
        cpu_max: part.windows.cpu_shares.max(),
        steal_mean: part.windows.steal_shares.mean(),
        steal_max: part.windows.steal_shares.max(),
        wait_max: part.windows.wait_shares.max(),
        stopped: tally
            .stops(part)
            .into_iter()
            .map(|stop| Pause { from_ms: stop.from_ms, to_ms: stop.to_ms })
            .collect(),
        implausible: part.is_classic() && part.reports.implausible(over),
        shared: if part.is_classic() {
            BTreeMap::new()
        } else {
            shared(&tally.plan, &windows.sessions.shared)
        },
        totals,
    }
}

/// A part's sessions, of one scenario or of all: those of the warm-up included.
fn under_way(part: &Part, scenario: Option<&str>) -> u64 {
    let mut all = SessionCounters::default();
    for (name, of) in &part.windows.sessions.scenarios {
        if scenario.is_none_or(|scenario| scenario == name) {
            all += &of.counters;
            all += &of.warmup;
        }
    }
    all.under_way()
}

/// A part's completed sessions after the warm-up, of one scenario or of all.
fn completed(part: &Part, scenario: Option<&str>) -> u64 {
    let sessions = &part.windows.sessions;
    match scenario {
        Some(name) => sessions.scenarios.get(name).map_or(0, |of| of.counters.completed),
        None => sessions.counters().completed,
    }
}

fn state(part: &Part, over: bool) -> PartState {
    match part.ended_by {
        Some(EndedBy::Lost) => PartState::Lost,
        Some(EndedBy::Overdue) => PartState::Overdue,
        Some(EndedBy::Deaf) => PartState::Deaf,
        Some(EndedBy::RunsOn) => PartState::RunsOn,
        Some(EndedBy::Interrupted) => PartState::Interrupted,
        Some(_) => PartState::Done,
        None if over => PartState::Lost,
        None if part.silent => PartState::Silent,
        // A classic driver reports no state: its reports show that it runs.
        None if part.is_classic() && part.reports.taken() > 0 => PartState::Running,
        None => part.state.clone(),
    }
}

/// The counts of a part, without its latencies. The fleet sums these rows and takes its latencies from its own
/// histogram, so computing them here would be wasted work.
fn counted(tally: &Tally, part: &Part, over: bool) -> Totals {
    if part.is_classic() {
        return classic(part, over);
    }
    let windows = &part.windows;
    if over && tally.reported_nothing(part) {
        // It is unknown how many requests it sent: null, not zero.
        return Totals { unknown_from: vec![part.node.to_string()], ..Totals::default() };
    }
    let counters = &windows.newest;
    let open = counters.in_flight();
    let (in_flight, unresolved) = if over { (0, open) } else { (open, 0) };
    Totals {
        scheduled: Some(counters.scheduled),
        sent: Some(counters.sent),
        completed: Some(counters.completed),
        failed: Some(counters.failed),
        dropped: Some(counters.dropped()),
        dropped_by: dropped_by(counters),
        in_flight: Some(in_flight),
        unresolved: Some(unresolved),
        end_unknown: 0,
        closed_on_reuse: counters.closed_on_reuse,
        bytes_received: counters.bytes_received,
        throughput_per_s: tally.throughput_of(part),
        completed_in_schedule: Some(counters.completed_in_schedule),
        warmup: warmup(&counters.warmup),
        unknown_from: Vec::new(),
        ends_unknown_from: Vec::new(),
        latency_ms: LatencyView::default(),
        status_codes: by_status(&counters.status_codes),
        errors: by_kind(&counters.errors),
        tls_causes: by_cause(&counters.tls_causes),
        short_gaps: counters.short_gaps,
        ..Totals::default()
    }
}

/// The counts of a classic driver. It has no schedule and drops nothing, so `scheduled` equals `sent`.
pub(super) fn classic(part: &Part, over: bool) -> Totals {
    let counts = part.reports.counts(over);
    let named = |holds: bool| if holds { vec![part.node.to_string()] } else { Vec::new() };
    Totals {
        scheduled: counts.sent,
        sent: counts.sent,
        completed: counts.completed,
        failed: counts.failed,
        dropped: counts.sent.map(|_| 0),
        in_flight: counts.in_flight,
        unresolved: counts.unresolved,
        end_unknown: counts.end_unknown,
        unknown_from: named(!counts.addable),
        ends_unknown_from: named(counts.addable && (counts.completed.is_none() || counts.failed.is_none())),
        ..Totals::default()
    }
}

fn latencies(tally: &Tally, part: &Part, over: bool) -> LatencyView {
    let windows = &part.windows;
    if part.is_classic() {
        return LatencyView { response: part.reports.response(), ..LatencyView::default() };
    }
    if over && tally.reported_nothing(part) {
        return LatencyView::default();
    }
    let (completed, covered) = windows.completed(over);
    LatencyView {
        coverage: Some(share(covered, completed)),
        ..latency_view(&windows.latencies.all.ranked(), windows.slower(over))
    }
}

/// The fleet: the sum of the rows that can be added, with its own histograms and throughput. A figure that no row has
/// is null.
pub fn fleet(tally: &Tally) -> Totals {
    let mut sum = Totals::default();
    for row in tally.parts.iter().map(|part| counted(tally, part, tally.is_over(part))) {
        if row.unknown_from.is_empty() {
            add(&mut sum, &row);
            sum.ends_unknown_from.extend(row.ends_unknown_from);
        } else {
            sum.unknown_from.extend(row.unknown_from);
        }
    }
    sum.unknown_from.dedup();
    if tally.parts.is_empty() {
        let nothing = Some(0);
        for n in [&mut sum.scheduled, &mut sum.sent, &mut sum.completed, &mut sum.failed, &mut sum.dropped] {
            *n = nothing;
        }
        (sum.in_flight, sum.unresolved) = (nothing, nothing);
    }
    sum.throughput_per_s = tally.fleet_throughput();
    let counters = requests::counters(tally.parts.iter().map(|part| &part.windows));
    let unstarted = Unstarted::of(&tally.sessions.counters());
    sum.requests = requests::rows(&counters, &tally.fleet, unstarted);
    sum.users = tally.parts.iter().map(|part| part.windows.users).fold(None, added);
    let unresolved = |name: Option<&str>| {
        let over = tally.parts.iter().filter(|part| tally.is_over(part));
        over.map(|part| under_way(part, name)).sum()
    };
    let per_second = |name: Option<&str>| tally.fleet_per_second_of(|part| completed(part, name));
    sessions::add_rows(&mut sum, tally, &tally.sessions, unresolved, per_second);
    sum.latency_ms = LatencyView {
        coverage: tally.fleet_coverage(),
        ..latency_view(&tally.fleet.all.ranked(), tally.fleet_slower())
    };
    sum
}

fn add(sum: &mut Totals, row: &Totals) {
    let add = |sum: &mut Option<u64>, n: Option<u64>| {
        if let Some(n) = n {
            *sum = Some(sum.unwrap_or(0).saturating_add(n));
        }
    };
    add(&mut sum.scheduled, row.scheduled);
    add(&mut sum.sent, row.sent);
    add(&mut sum.completed, row.completed);
    add(&mut sum.failed, row.failed);
    add(&mut sum.dropped, row.dropped);
    add(&mut sum.in_flight, row.in_flight);
    add(&mut sum.completed_in_schedule, row.completed_in_schedule);
    sum.dropped_by.in_flight += row.dropped_by.in_flight;
    sum.dropped_by.late += row.dropped_by.late;
    add(&mut sum.unresolved, row.unresolved);
    sum.end_unknown = sum.end_unknown.saturating_add(row.end_unknown);
    sum.closed_on_reuse += row.closed_on_reuse;
    sum.bytes_received += row.bytes_received;
    sum.short_gaps += row.short_gaps;
    sum.warmup.scheduled += row.warmup.scheduled;
    sum.warmup.sent += row.warmup.sent;
    sum.warmup.completed += row.warmup.completed;
    sum.warmup.failed += row.warmup.failed;
    sum.warmup.dropped += row.warmup.dropped;
    add_each(&mut sum.status_codes, &row.status_codes);
    add_each(&mut sum.errors, &row.errors);
    add_each(&mut sum.tls_causes, &row.tls_causes);
    add_each(&mut sum.warmup.status_codes, &row.warmup.status_codes);
    add_each(&mut sum.warmup.errors, &row.warmup.errors);
}

fn add_each(sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (name, n) in counts {
        *sums.entry(name.clone()).or_default() += n;
    }
}
