//! The report as text: one screen, the verdict first and what to do about it next, and the verdict again at the end.

use std::collections::BTreeMap;

use common::tls_cause::TlsCause;

use super::columns::{Page, WIDTH, short, width};
use super::{capacity_table, drivers_table, latency_table, named_tables, plan_line, thresholds_table};
use crate::human::{count, counted, ms, names, percent, rate};
use crate::model::{
    DEFINITIONS, DriverTotals, FindingKind, FindingLevel, RateChangeView, SessionTotals, SharedTotals,
    StepsRequest, StepsView, TestState, TestView, Totals, Verdict, WarmupTotals,
};

/// Most reasons, and most warnings, in the text.
const MAX_SENTENCES: usize = 5;

/// Most names of requests that the lines on setup and teardown list.
const MAX_STEPS_SHOWN: usize = 8;

/// Most changes of the rate in the text.
const MAX_CHANGES: usize = 6;

/// Most columns of a test's name.
const MAX_NAME: usize = 60;

/// From this share of a second on, steal and waiting for a core are shown.
const MUCH: f64 = 0.02;

/// The note on a report that an earlier version stored.
const EARLIER_DEFINITIONS: &str = "figures as an earlier version defined them: failed requests are in response and \
                                   service with the time they took, and throughput is over the span from the first \
                                   driver's start to the last one's end";

/// The summary of a test, live or finished, in 80 columns.
pub fn text(view: &TestView) -> String {
    text_in(view, WIDTH)
}

/// The same in so many columns; fewer than 32 count as 32, more than 120 as 120.
pub fn text_in(view: &TestView, columns: usize) -> String {
    let mut out = Page::new(columns);
    let room = out.width().saturating_sub(width(headline(view)) + 2);
    out.line(&format!("{}  {}", headline(view), short(&view.name, room.min(MAX_NAME))));
    sentences(&mut out, "  - ", &view.reasons);
    let found = view.capacity.as_deref();
    if found.is_some() {
        // The answer comes first, whether it is a reason or a note.
        sentences(&mut out, "  = ", &found_texts(view));
    }
    out.blank();
    out.wrap("plan       ", &plan_line::sentence(&view.plan, view.drivers.len(), view.requests_per_session));
    if !view.rate_changes.is_empty() && found.is_none() {
        out.wrap("rate       ", &rate_line(&view.rate_changes));
    }
    out.wrap("target     ", &plan_line::target(&view.plan));
    out.wrap("test       ", &test_line(view));
    out.blank();
    if let Some(found) = found {
        capacity_table::add(&mut out, found);
        out.blank();
    }
    steps(&mut out, "setup      ", view.setup.as_ref());
    totals(&mut out, view);
    steps(&mut out, "teardown   ", view.teardown.as_ref());
    out.blank();
    if found.is_none() {
        // Of all rates together a percentile says nothing.
        latency_table::add(&mut out, &view.totals.latency_ms);
    }
    named_tables::add(&mut out, view);
    if view.totals.sessions.is_some() {
        out.blank();
    }
    generator(&mut out, view);
    if view.definitions < DEFINITIONS {
        out.wrap("note       ", EARLIER_DEFINITIONS);
    }
    for note in view.notes.iter().filter(|note| !found_texts(view).contains(note)) {
        out.wrap("note       ", note);
    }
    thresholds_table::add(&mut out, &view.thresholds);
    drivers_table::add(&mut out, &view.drivers);
    if !view.warnings.is_empty() {
        out.blank();
        sentences(&mut out, "  ! ", &view.warnings);
    }
    closing(&mut out, view);
    out.into_text()
}

/// Repeats the verdict and its first reason, because a screen of 24 lines shows only the end of the output.
fn closing(out: &mut Page, view: &TestView) {
    if view.verdict.is_none() {
        return;
    }
    out.blank();
    let found = found_texts(view);
    let held = found.first().map_or("every threshold held", String::as_str);
    let reason = view.reasons.first().map_or(held, String::as_str);
    out.wrap(&format!("{}  ", headline(view)), reason);
}

/// What a search for the capacity found, where that is no reason against the test.
pub(super) fn found_texts(view: &TestView) -> Vec<String> {
    let found = view
        .findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::CapacityFound && finding.level == FindingLevel::Note);
    found.map(|finding| finding.text.clone()).collect()
}

/// The verdict, or while there is none the state.
pub(super) fn headline(view: &TestView) -> &'static str {
    match (view.verdict, view.state) {
        (Some(Verdict::Passed), _) => "PASSED",
        (Some(Verdict::Failed), _) => "FAILED",
        (Some(Verdict::Invalid), _) => "INVALID",
        (Some(Verdict::Incomplete), _) => "INCOMPLETE",
        (Some(Verdict::Aborted), _) => "ABORTED",
        (None, TestState::Configured) => "CONFIGURED",
        (None, TestState::Starting) => "STARTING",
        (None, TestState::Running) => "RUNNING",
        (None, TestState::Draining) => "DRAINING",
        (None, TestState::Finished) => "FINISHED",
    }
}

fn sentences(out: &mut Page, label: &str, sentences: &[String]) {
    for sentence in sentences.iter().take(MAX_SENTENCES) {
        out.wrap(label, sentence);
    }
    if sentences.len() > MAX_SENTENCES {
        out.wrap(label, &format!("and {} more: see the JSON report", sentences.len() - MAX_SENTENCES));
    }
}

fn test_line(view: &TestView) -> String {
    let started = view.started_at.as_deref().unwrap_or(&view.created_at);
    // 2026-11-23T23:40:00.000000Z to the second.
    let at = started.get(..19).unwrap_or(started).replace('T', " ");
    let seed = view.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    format!("{}, {at} UTC{seed}", view.test_id)
}

/// As in `changed from 200/s to 500/s at 12.0 s, to 100/s at 20.0 s`.
fn rate_line(changes: &[RateChangeView]) -> String {
    let to = |change: &RateChangeView| format!("to {} at {:.1} s", rate(change.rate), change.at_s);
    let before = changes.first().map_or(0.0, |first| first.rate_before);
    let shown: Vec<String> = changes.iter().take(MAX_CHANGES).map(to).collect();
    let more = match changes.len().saturating_sub(MAX_CHANGES) {
        0 => String::new(),
        n => format!(", and {n} more: see the JSON report"),
    };
    format!("changed from {} {}{more}", rate(before), shown.join(", "))
}

fn totals(out: &mut Page, view: &TestView) {
    let totals = &view.totals;
    let n = |value: Option<u64>| value.map_or_else(|| "?".to_owned(), count);
    let by = match (totals.dropped_by.in_flight, totals.dropped_by.late) {
        (0, 0) => String::new(),
        (bound, late) => format!(" ({} at the limit, {} late)", count(bound), count(late)),
    };
    if let Some(sessions) = &totals.sessions {
        out.wrap("sessions   ", &sessions_line(sessions));
        if let Some(users) = totals.users {
            out.wrap("users      ", &format!("{} at a time at most", count(users)));
        }
    }
    out.wrap(
        "scheduled  ",
        &format!("{} = {} sent + {} dropped{by}", n(totals.scheduled), n(totals.sent), n(totals.dropped)),
    );
    let mut sent =
        format!("{} = {} completed + {} failed", n(totals.sent), n(totals.completed), n(totals.failed));
    let parts = [
        (totals.in_flight.unwrap_or(0), "in flight"),
        (totals.unresolved.unwrap_or(0), "unresolved"),
        (totals.end_unknown, "whose end is not reported"),
    ];
    for (part, name) in parts {
        if part > 0 {
            sent.push_str(&format!(" + {} {name}", count(part)));
        }
    }
    out.wrap("sent       ", &sent);
    let throughput =
        totals.throughput_per_s.map_or_else(|| "unknown".to_owned(), |in_all| both(in_all, view));
    let windows = &view.completeness;
    let windows = match windows.windows_expected {
        0 => String::new(),
        expected => format!(", {} of {} windows", count(windows.windows_received), count(expected)),
    };
    out.wrap("throughput ", &format!("{throughput}, {} received{windows}", bytes(totals.bytes_received)));
    let parts: Vec<String> = answers(totals).into_iter().chain(opened(&view.drivers)).collect();
    out.wrap("answers    ", &parts.join(" · "));
    if totals.warmup.scheduled > 0 {
        out.wrap("warm-up    ", &warmup_line(&totals.warmup));
    }
    if !view.shared.is_empty() {
        out.wrap("shared     ", &shared_line(&view.shared));
    }
    let unknown = unknown(view);
    if !unknown.is_empty() {
        out.wrap("unknown    ", &format!("{}: not in these sums", unknown.join("; ")));
    }
}

/// A line on setup or teardown, whose requests are in no other figure. As in
/// `completed on a: login 1 sent, item 3 sent (1 failed)`.
fn steps(out: &mut Page, label: &str, steps: Option<&StepsView>) {
    let Some(steps) = steps else { return };
    let on = match steps.drivers.as_slice() {
        [] => String::new(),
        drivers => format!(" on {}", names(drivers.iter().map(String::as_str))),
    };
    let one = |(name, request): (&String, &StepsRequest)| {
        let failed = match request.failed {
            0 => String::new(),
            failed => format!(" ({} failed)", count(failed)),
        };
        format!("{name} {} sent{failed}", count(request.sent))
    };
    let requests: Vec<String> = steps.requests.iter().take(MAX_STEPS_SHOWN).map(one).collect();
    let more = match steps.requests.len().saturating_sub(MAX_STEPS_SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let sent = if requests.is_empty() { String::new() } else { format!(": {}{more}", requests.join(", ")) };
    out.wrap(label, &format!("{}{on}{sent}", steps.outcome.name()));
}

/// As in `token: 12 sent = 11 completed + 1 failed`: what drivers sent by themselves.
fn shared_line(shared: &BTreeMap<String, SharedTotals>) -> String {
    let one = |(name, of): (&String, &SharedTotals)| {
        let (sent, completed, failed) = (count(of.sent), count(of.completed), count(of.failed));
        format!("{name}: {sent} sent = {completed} completed + {failed} failed")
    };
    shared.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// As in `600 started = 580 completed + 15 failed + 5 abandoned; 9.7/s`.
fn sessions_line(sessions: &SessionTotals) -> String {
    let counts = &sessions.counts;
    let mut line = format!(
        "{} started = {} completed + {} failed",
        count(counts.started),
        count(counts.completed),
        count(counts.failed)
    );
    let parts = [
        (counts.abandoned, "abandoned"),
        (sessions.under_way.unwrap_or(0), "under way"),
        (sessions.unresolved, "unresolved"),
    ];
    for (n, what) in parts.into_iter().filter(|(n, _)| *n > 0) {
        line.push_str(&format!(" + {} {what}", count(n)));
    }
    if counts.dropped > 0 {
        line.push_str(&format!("; {} dropped", count(counts.dropped)));
    }
    if let Some(per_s) = sessions.throughput_per_s {
        line.push_str(&format!("; {} completed", rate(per_s)));
    }
    line
}

/// As in `what d sent`, `how requests of e ended`.
fn unknown(view: &TestView) -> Vec<String> {
    let totals = &view.totals;
    let reports_ends = |id: &&String| {
        let row = view.drivers.iter().find(|driver| driver.node_id == **id);
        row.is_some_and(|driver| driver.totals.completed.is_some())
    };
    let (failed, ended): (Vec<&String>, Vec<&String>) =
        totals.ends_unknown_from.iter().partition(reports_ends);
    let lists = [
        (totals.unknown_from.iter().collect(), "what ", " sent"),
        (ended, "how requests of ", " ended"),
        (failed, "how many requests of ", " failed"),
    ];
    let not_empty = lists.into_iter().filter(|(who, ..)| !who.is_empty());
    not_empty
        .map(|(who, what, did)| format!("{what}{}{did}", names(who.into_iter().map(String::as_str))))
        .collect()
}

/// As in `400 scheduled, 398 sent, 12 failed: in the counts above, in no other figure`.
fn warmup_line(warmup: &WarmupTotals) -> String {
    let mut parts =
        vec![format!("{} scheduled", count(warmup.scheduled)), format!("{} sent", count(warmup.sent))];
    let more = [(warmup.failed, "failed"), (warmup.dropped, "dropped")];
    parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))));
    format!("{}: in the counts above, in no other figure", parts.join(", "))
}

/// As in `2,000/s`, or for several drivers `1,000/s each, 2,000/s in all`: a plan's rate is usually each driver's.
fn both(in_all: f64, view: &TestView) -> String {
    match view.drivers.len() {
        0 | 1 => rate(in_all),
        n => format!("{} each, {} in all", rate(in_all / n as f64), rate(in_all)),
    }
}

/// Statuses and errors, as in `200: 59,990`, `503: 10`, `no errors`.
fn answers(totals: &Totals) -> Vec<String> {
    let mut parts: Vec<String> =
        totals.status_codes.iter().map(|(status, n)| format!("{status}: {}", count(*n))).collect();
    if totals.errors.values().all(|n| *n == 0) {
        parts.push("no errors".to_owned());
    }
    for (kind, n) in totals.errors.iter().filter(|(_, n)| **n > 0) {
        let more = if kind == "tls" { tls_causes(totals) } else { String::new() };
        parts.push(format!("{kind}: {}{more}", count(*n)));
    }
    if totals.closed_on_reuse > 0 {
        parts.push(format!("{} on kept connections", count(totals.closed_on_reuse)));
    }
    parts
}

/// Why TLS failed, as in ` (certificate not trusted: self-signed)`; several causes are listed with their counts.
fn tls_causes(totals: &Totals) -> String {
    let words = |name: &String| {
        TlsCause::from_name(name).map_or_else(|| name.replace('_', " "), |cause| cause.words().to_owned())
    };
    let causes: Vec<_> = totals.tls_causes.iter().filter(|(_, n)| **n > 0).collect();
    match causes[..] {
        [] => String::new(),
        [(name, _)] => format!(" ({})", words(name)),
        _ => {
            let each = causes.iter().map(|(name, n)| format!("{}: {}", words(name), count(**n)));
            format!(" ({})", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Connections and TLS handshakes, once drivers report them.
fn opened(drivers: &[DriverTotals]) -> Option<String> {
    let sum = |of: fn(&DriverTotals) -> Option<u64>| drivers.iter().filter_map(of).reduce(|a, b| a + b);
    let connections = counted(sum(|driver| driver.connections_opened)?, "connection");
    Some(match sum(|driver| driver.handshakes).filter(|n| *n > 0) {
        Some(handshakes) => format!("{connections}, {}", counted(handshakes, "TLS handshake")),
        None => connections,
    })
}

fn bytes(n: u64) -> String {
    match n as f64 {
        b if b < 1e3 => format!("{n} B"),
        b if b < 999.5e3 => format!("{:.1} kB", b / 1e3),
        b if b < 999.5e6 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// The line about the load generator itself: engine, and the worst figures of its drivers. The lag is in the table
/// above.
fn generator(out: &mut Page, view: &TestView) {
    let most = |of: fn(&DriverTotals) -> Option<f64>| view.drivers.iter().filter_map(of).reduce(f64::max);
    let turn = view.totals.latency_ms.turn.p99.map(|turn| format!("turn p99 {}", ms(turn)));
    let shares = [
        (most(|driver| driver.busy_max), "busy"),
        (most(|driver| driver.cpu_max), "CPU"),
        // Every machine has a little of it.
        (most(|driver| driver.steal_max).filter(|steal| *steal >= MUCH), "taken by the host (steal)"),
        (most(|driver| driver.wait_max).filter(|wait| *wait >= MUCH), "waiting for a core"),
    ];
    let shares = shares.iter().filter_map(|(share, what)| Some(format!("{} {what}", percent((*share)?))));
    let shares = shares.collect::<Vec<_>>().join(", ");
    let shares = (!shares.is_empty()).then(|| format!("at most {shares}"));
    let gaps = view.totals.short_gaps;
    let gaps = (gaps > 0).then(|| {
        format!(
            "{} followed closer than half the planned interval (catching up after a pause)",
            counted(gaps, "request")
        )
    });
    let parts: Vec<String> = engines(&view.drivers)
        .into_iter()
        .chain(turn)
        .chain(shares)
        .chain(stopped(view))
        .chain(gaps)
        .collect();
    if !parts.is_empty() {
        out.wrap("generator  ", &parts.join(", "));
    }
}

/// As in `did not run for 800 ms`: pauses of all drivers.
fn stopped(view: &TestView) -> Option<String> {
    let pauses = view.drivers.iter().flat_map(|driver| &driver.stopped);
    let ms_in_all: i64 = pauses.map(|pause| pause.to_ms - pause.from_ms).sum();
    (ms_in_all > 0).then(|| format!("did not run for {} (stopped)", ms(ms_in_all as f64)))
}

/// As in `wire (spin)`: which engines sent, and how they kept the schedule.
fn engines(drivers: &[DriverTotals]) -> Option<String> {
    let of = |driver: &DriverTotals| {
        let engine = driver.engine.as_deref()?;
        let kept = driver.precision.as_deref().map(|kept| format!(" ({})", kept.replace('_', " ")));
        Some(format!("{engine}{}", kept.unwrap_or_default()))
    };
    let mut engines: Vec<String> = drivers.iter().filter_map(of).collect();
    engines.sort();
    engines.dedup();
    (!engines.is_empty()).then(|| engines.join(" and "))
}
