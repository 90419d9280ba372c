//! CSV (RFC 4180): a row for each second of the fleet, of each driver, and of each request of these, so that a data frame
//! needs no reshaping. Units stand in the names of the columns.

use std::collections::BTreeMap;
use std::io;

use common::latency::LatencyStats;
use csv::{Terminator, Writer, WriterBuilder};

use super::super::latency_table::FIGURES;
use crate::model::{LatencyView, RequestTotals, WindowView};
use crate::store::SecondsPage;

/// Whose row it is, and when.
const WHICH: [&str; 6] = ["second_s", "from_utc", "to_utc", "scope", "driver", "request"];

/// Counts of requests, and what else is known of a second.
const COUNTS: [&str; 21] = [
    "scheduled",
    "sent",
    "completed",
    "failed",
    "dropped_in_flight",
    "dropped_late",
    "in_flight",
    "warmup_scheduled",
    "warmup_sent",
    "warmup_completed",
    "warmup_failed",
    "warmup_dropped",
    "received_bytes",
    "busy_share",
    "cpu_share",
    "steal_share",
    "wait_share",
    "users",
    "sessions_started",
    "sessions_completed",
    "sessions_failed",
];

/// Counts by status and by kind of error, as in `200=17 503=2`.
const MAPS: [&str; 2] = ["status_codes", "errors"];

/// The figures of latencies other than response and service: fewer, since each is a column of every row.
const FEW: [&str; 4] = ["mean", "median", "p99", "max"];

/// A latency by its name in the columns, whether all figures are shown, and where it is.
type Column = (&'static str, bool, fn(&LatencyView) -> &LatencyStats);

const LATENCIES: [Column; 6] = [
    ("response", true, |view| &view.response),
    ("service", true, |view| &view.service),
    ("failed_response", false, |view| &view.failed.response),
    ("lag", false, |view| &view.lag),
    ("connect", false, |view| &view.connect),
    ("first_byte", false, |view| &view.first_byte),
];

/// The last column: percentiles of which only a lower bound is known, as in `response_p99 response_p99.9`.
const LOWER_BOUNDS: &str = "lower_bounds";

/// The line with the names of the columns.
pub fn head() -> io::Result<Vec<u8>> {
    let mut writer = writer();
    let latencies = LATENCIES.iter().flat_map(|(latency, whole, _)| {
        let figures = figures(*whole).map(move |(figure, _)| format!("{latency}_{figure}_ms"));
        std::iter::once(format!("{latency}_count")).chain(figures)
    });
    let fixed = WHICH.iter().chain(&COUNTS).chain(&MAPS).map(|name| (*name).to_owned());
    writer.write_record(fixed.chain(latencies).chain([LOWER_BOUNDS.to_owned()]))?;
    finished(writer)
}

/// The rows of a page.
pub fn page(page: &SecondsPage<WindowView>) -> io::Result<Vec<u8>> {
    let mut writer = writer();
    for window in &page.lines {
        rows(&mut writer, window)?;
    }
    finished(writer)
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new())
}

fn finished(writer: Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// The figures of a latency in the order of the columns.
fn figures(whole: bool) -> impl Iterator<Item = &'static (&'static str, fn(&LatencyStats) -> Option<f64>)> {
    FIGURES.iter().filter(move |(name, _)| whole || FEW.contains(name))
}

/// The row of all requests of a window, and one for those of each name.
fn rows(writer: &mut Writer<Vec<u8>>, window: &WindowView) -> csv::Result<()> {
    let warmup = &window.warmup;
    let sessions = window.sessions.as_ref().map(|sessions| &sessions.counts);
    let counts = [
        Some(window.scheduled),
        Some(window.sent),
        Some(window.completed),
        Some(window.failed),
        Some(window.dropped_by.in_flight),
        Some(window.dropped_by.late),
        Some(window.in_flight),
        Some(warmup.scheduled),
        Some(warmup.sent),
        Some(warmup.completed),
        Some(warmup.failed),
        Some(warmup.dropped),
        Some(window.bytes_received),
    ];
    let more = [
        window.users,
        sessions.map(|counts| counts.started),
        sessions.map(|counts| counts.completed),
        sessions.map(|counts| counts.failed),
    ];
    let text = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let mut row = which(window, "");
    row.extend(counts.map(text));
    let machine = &window.machine;
    let shares = [Some(window.busy), machine.cpu, machine.steal, machine.wait];
    row.extend(shares.map(|share| share.map(|share| share.to_string()).unwrap_or_default()));
    row.extend(more.map(text));
    row.extend([counted(&window.status_codes), counted(&window.errors)]);
    latencies(&mut row, &window.latency_ms, |_| true);
    writer.write_record(&row)?;
    for (name, request) in &window.requests {
        writer.write_record(of_request(window, name, request))?;
    }
    Ok(())
}

/// A request's row: what is not counted by name is left empty.
fn of_request(window: &WindowView, name: &str, request: &RequestTotals) -> Vec<String> {
    let mut row = which(window, name);
    let known = [("sent", request.sent), ("completed", request.completed), ("failed", request.failed)];
    row.extend(COUNTS.map(|column| {
        let count = known.iter().find(|(known, _)| *known == column);
        count.map(|(_, n)| n.to_string()).unwrap_or_default()
    }));
    row.extend([counted(&request.status_codes), counted(&request.errors)]);
    let view = LatencyView {
        response: request.latency_ms.response.clone(),
        service: request.latency_ms.service.clone(),
        ..LatencyView::default()
    };
    // The others are not counted by name: their cells stay empty.
    latencies(&mut row, &view, |latency| ["response", "service"].contains(&latency));
    row
}

fn which(window: &WindowView, request: &str) -> Vec<String> {
    let (scope, driver) = match &window.node_id {
        Some(driver) => ("driver", driver.as_str()),
        None => ("fleet", ""),
    };
    let seq = window.seq.to_string();
    [&seq, &window.from, &window.to, scope, driver, request].map(|cell: &str| cell.to_owned()).into()
}

/// As in `200=17 503=2`.
fn counted(counts: &BTreeMap<String, u64>) -> String {
    let counts = counts.iter().filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name}={n}"));
    counts.collect::<Vec<_>>().join(" ")
}

/// The cells of all latencies, and which figures are lower bounds; the cells of those that are not `known` stay empty.
fn latencies(row: &mut Vec<String>, view: &LatencyView, known: impl Fn(&str) -> bool) {
    let mut bounds = Vec::new();
    for (latency, whole, of) in LATENCIES {
        let stats = Some(of(view)).filter(|_| known(latency));
        row.push(stats.map(|stats| stats.count.to_string()).unwrap_or_default());
        for (name, figure) in figures(whole) {
            let value = stats.and_then(figure);
            row.push(value.map(|ms| ms.to_string()).unwrap_or_default());
            if stats.is_some_and(|stats| stats.lower_bounds.iter().any(|bound| bound == name)) {
                bounds.push(format!("{latency}_{name}"));
            }
        }
    }
    row.push(bounds.join(" "));
}
