//! The totals as people read them: one row per driver, and the fleet as the sum of the rows.

use common::clock::UnixMicros;
use common::latency::{Latencies, LatencyKind};

use super::part::Part;
use super::{EndedBy, Tally};
use crate::model::{DriverTotals, DroppedBy, LatencyView, Totals, WarmupTotals};

/// Schedules shorter than this, in µs, have no throughput.
pub const MIN_SCHEDULE_US: i64 = 1_000;

/// Ticks that count as slower than any answer: those dropped after the warm-up.
pub fn slower(counters: &common::counters::Counters) -> u64 {
    let warmup = &counters.warmup;
    counters.dropped().saturating_sub(warmup.dropped_in_flight + warmup.dropped_late)
}

/// Requests per second of a schedule; `None` below 1 ms of length.
pub fn per_second(n: u64, schedule: Option<(i64, i64)>) -> Option<f64> {
    let (from, to) = schedule?;
    let length = to.saturating_sub(from);
    (length >= MIN_SCHEDULE_US).then(|| n as f64 / (length as f64 / 1e6))
}

/// The figures of each histogram, `slower` dropped ticks counted as slower than any answer. Who is covered is
/// the caller's.
pub fn latency_stats(latencies: &Latencies, slower: u64) -> LatencyView {
    LatencyView {
        coverage: None,
        response: latencies.of(LatencyKind::Response).stats(slower),
        service: latencies.of(LatencyKind::Service).stats(slower),
        lag: latencies.of(LatencyKind::Lag).stats(0),
        turn: latencies.of(LatencyKind::Turn).stats(0),
    }
}

/// One driver's row.
pub fn driver(tally: &Tally, part: &Part, now_us: UnixMicros) -> DriverTotals {
    let over = tally.is_over(part);
    let totals = Totals { latency_ms: latencies(tally, part, over), ..counted(tally, part, over) };
    // The final window's counters are the driver's for ever: they cannot be behind.
    let age_ms = match part.ended_by {
        Some(EndedBy::FinalWindow) => Some(0),
        _ => part.heard_at().map(|at| u64::try_from(now_us.saturating_sub(at) / 1_000).unwrap_or(0)),
    };
    let ending = part.windows.ending.as_ref();
    DriverTotals {
        node_id: part.node.to_string(),
        epoch: part.epoch.map(|epoch| epoch.0),
        state: state(part, over).to_owned(),
        age_ms,
        approximate: part.is_classic(),
        ended_by: part
            .ended_by
            .or((over && tally.was_started()).then_some(EndedBy::Lost))
            .map(|by| by.as_str().to_owned()),
        engine: ending.map(|ending| ending.engine.clone()),
        precision: ending.and_then(|ending| ending.precision.clone()),
        connections_opened: ending.map(|ending| ending.connections_opened),
        handshakes: ending.map(|ending| ending.handshakes),
        busy_max: part.windows.busy_max,
        cpu: part.windows.cpu,
        cpu_mean: part.windows.cpu_told.mean(),
        cpu_max: part.windows.cpu_told.max(),
        steal_mean: part.windows.steal_told.mean(),
        steal_max: part.windows.steal_told.max(),
        implausible: part.is_classic() && part.reports.implausible(),
        totals,
    }
}

fn state(part: &Part, over: bool) -> &str {
    match part.ended_by {
        Some(EndedBy::Lost) => "lost",
        Some(EndedBy::Overdue) => "overdue",
        Some(EndedBy::Deaf) => "deaf",
        Some(EndedBy::Interrupted) => "interrupted",
        Some(_) => "done",
        None if over => "lost",
        None => &part.state,
    }
}

/// What is counted of a part, without its latencies: those of a fleet are not the sum of its drivers', and are work.
fn counted(tally: &Tally, part: &Part, over: bool) -> Totals {
    if part.is_classic() {
        return classic(part, over);
    }
    let windows = &part.windows;
    if over && tally.never_spoke(part) {
        // What it sent is not known, which is not zero.
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
        dropped_by: DroppedBy { in_flight: counters.dropped_in_flight, late: counters.dropped_late },
        in_flight: Some(in_flight),
        unresolved,
        closed_on_reuse: counters.closed_on_reuse,
        bytes_received: counters.bytes_received,
        throughput_per_s: per_second(counters.completed_in_schedule, tally.schedule_of(part)),
        warmup: WarmupTotals {
            scheduled: counters.warmup.scheduled,
            sent: counters.warmup.sent,
            completed: counters.warmup.completed,
            failed: counters.warmup.failed,
            dropped: counters.warmup.dropped_in_flight + counters.warmup.dropped_late,
        },
        unknown_from: Vec::new(),
        latency_ms: LatencyView::default(),
        status_codes: counters.status_codes.iter().map(|(status, n)| (status.to_string(), *n)).collect(),
        errors: counters.errors.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n)).collect(),
        tls_causes: counters.tls_causes.iter().map(|(cause, n)| (cause.as_str().to_owned(), *n)).collect(),
        short_gaps: counters.short_gaps,
    }
}

/// A classic driver has no schedule and drops nothing: what it sent is what fell due.
fn classic(part: &Part, over: bool) -> Totals {
    let counts = part.reports.counts(over);
    Totals {
        scheduled: counts.sent,
        sent: counts.sent,
        completed: counts.completed,
        failed: counts.failed,
        dropped: counts.sent.map(|_| 0),
        in_flight: counts.in_flight,
        unresolved: counts.unresolved,
        unknown_from: if counts.addable { Vec::new() } else { vec![part.node.to_string()] },
        ..Totals::default()
    }
}

/// One driver's latencies.
fn latencies(tally: &Tally, part: &Part, over: bool) -> LatencyView {
    let windows = &part.windows;
    if part.is_classic() {
        return LatencyView { response: part.reports.response(), ..LatencyView::default() };
    }
    if over && tally.never_spoke(part) {
        return LatencyView::default();
    }
    let (answers, covered) = windows.answers(over);
    LatencyView {
        coverage: Some(share(covered, answers)),
        ..latency_stats(&windows.latencies, slower(windows.measured(over)))
    }
}

/// The fleet: the sum of the rows that can be added, and its own histograms and throughput.
pub fn fleet(tally: &Tally) -> Totals {
    let mut sum = Totals::default();
    for row in tally.parts.iter().map(|part| counted(tally, part, tally.is_over(part))) {
        if row.unknown_from.is_empty() {
            add(&mut sum, &row);
        } else {
            sum.unknown_from.extend(row.unknown_from);
        }
    }
    sum.unknown_from.dedup();
    if tally.parts.is_empty() {
        add(&mut sum, &Totals { scheduled: Some(0), sent: Some(0), completed: Some(0), ..Totals::default() });
    }
    if sum.sent.is_some() {
        // Summed over those that tell: what none tells adds nothing.
        for n in [&mut sum.completed, &mut sum.failed, &mut sum.dropped, &mut sum.in_flight] {
            n.get_or_insert(0);
        }
    }
    let slower = tally.fleet_slower();
    sum.throughput_per_s = tally.fleet_throughput();
    sum.latency_ms = LatencyView { coverage: tally.fleet_coverage(), ..latency_stats(&tally.fleet, slower) };
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
    sum.dropped_by.in_flight += row.dropped_by.in_flight;
    sum.dropped_by.late += row.dropped_by.late;
    sum.unresolved = sum.unresolved.saturating_add(row.unresolved);
    sum.closed_on_reuse += row.closed_on_reuse;
    sum.bytes_received += row.bytes_received;
    sum.short_gaps += row.short_gaps;
    sum.warmup.scheduled += row.warmup.scheduled;
    sum.warmup.sent += row.warmup.sent;
    sum.warmup.completed += row.warmup.completed;
    sum.warmup.failed += row.warmup.failed;
    sum.warmup.dropped += row.warmup.dropped;
    for (status, n) in &row.status_codes {
        *sum.status_codes.entry(status.clone()).or_default() += n;
    }
    for (kind, n) in &row.errors {
        *sum.errors.entry(kind.clone()).or_default() += n;
    }
    for (cause, n) in &row.tls_causes {
        *sum.tls_causes.entry(cause.clone()).or_default() += n;
    }
}

/// A part of a whole, 1 where the whole is nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
