//! Counters and histograms in the form in which REST and events show them, for a driver's row, the fleet's and a second
//! of the series alike.

use std::collections::BTreeMap;

use common::counters::{Counters, ErrorKind, WarmupCounters};
use common::ids::RequestName;
use common::latency::{LatencyKind, Outcome, RankedLatencies};
use common::plan::Plan;
use common::session_figures::SharedCounters;
use common::tls_cause::TlsCause;

use super::unstarted::Unstarted;
use crate::model::{DroppedBy, LatencyView, OutcomeLatency, RequestTotals, SharedTotals, WarmupTotals};

/// The figures of each latency; `slower`: how many requests count as slower than any completed one. The caller sets the
/// coverage.
pub fn latency_view(samples: &RankedLatencies, slower: u64) -> LatencyView {
    let of = |outcome, kind| samples.stats(outcome, kind, slower);
    let ended = |outcome| OutcomeLatency {
        response: of(outcome, LatencyKind::Response),
        service: of(outcome, LatencyKind::Service),
    };
    LatencyView {
        coverage: None,
        response: of(Outcome::All, LatencyKind::Response),
        service: of(Outcome::All, LatencyKind::Service),
        lag: of(Outcome::All, LatencyKind::Lag),
        turn: of(Outcome::All, LatencyKind::Turn),
        connect: of(Outcome::All, LatencyKind::Connect),
        first_byte: of(Outcome::All, LatencyKind::FirstByte),
        success: ended(Outcome::Success),
        failed: ended(Outcome::Failed),
    }
}

/// The requests of one name.
pub fn request(counters: &Counters, samples: &RankedLatencies, unstarted: Unstarted) -> RequestTotals {
    let slower = unstarted.slower(counters);
    let of = |kind| samples.stats(Outcome::All, kind, slower);
    RequestTotals {
        sent: counters.sent,
        completed: counters.completed,
        failed: counters.failed,
        status_codes: by_status(&counters.status_codes),
        errors: by_kind(&counters.errors),
        latency_ms: OutcomeLatency { response: of(LatencyKind::Response), service: of(LatencyKind::Service) },
    }
}

/// What drivers sent by themselves, by the key in `[shared]`; each that the plan has, though nothing was reported of it.
pub fn shared(plan: &Plan, sent: &BTreeMap<RequestName, SharedCounters>) -> BTreeMap<String, SharedTotals> {
    let row = |of: &SharedCounters| SharedTotals {
        sent: of.sent,
        completed: of.completed,
        failed: of.failed,
        status_codes: by_status(&of.status_codes),
        errors: by_kind(&of.errors),
    };
    let none = SharedCounters::default();
    let planned = plan.program.iter().flat_map(|program| &program.shared).map(|shared| &shared.name);
    let names = planned.chain(sent.keys());
    names.map(|name| (name.to_string(), row(sent.get(name).unwrap_or(&none)))).collect()
}

/// The warm-up's part of the counters.
pub fn warmup(counters: &WarmupCounters) -> WarmupTotals {
    WarmupTotals {
        scheduled: counters.scheduled,
        sent: counters.sent,
        completed: counters.completed,
        failed: counters.failed,
        dropped: counters.dropped_in_flight + counters.dropped_late,
        status_codes: by_status(&counters.status_codes),
        errors: by_kind(&counters.errors),
    }
}

/// Answers by their status as text.
pub fn by_status(counts: &BTreeMap<u16, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(status, n)| (status.to_string(), *n)).collect()
}

/// Why ticks were not sent.
pub fn dropped_by(counters: &Counters) -> DroppedBy {
    DroppedBy { in_flight: counters.dropped_in_flight, late: counters.dropped_late }
}

/// TLS failures by the name of their cause.
pub fn by_cause(counts: &BTreeMap<TlsCause, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(cause, n)| (cause.as_str().to_owned(), *n)).collect()
}

/// Failures by the name of their kind.
pub fn by_kind(counts: &BTreeMap<ErrorKind, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n)).collect()
}

/// The share of a part in a whole; 1 where the whole is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
