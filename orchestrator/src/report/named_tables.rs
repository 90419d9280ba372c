//! The tables of a test with several requests: sessions by scenario, groups and polls, and requests by name; a line for
//! each, names cut to their column, and the page's width kept. A test with one request has none of them.

use common::latency::LatencyStats;

use super::columns::{Page, short};
use super::latency_table::plain_ms;
use crate::human::{brief_count, count, counted};
use crate::model::{RequestTotals, SessionTotals, TestView};

/// Most lines of one table; the JSON report has all of them.
const MAX_LINES: usize = 24;

/// Most steps at which sessions ended that a line lists.
const MAX_STEPS: usize = 4;

/// Name, three or four counts, p50, p95, p99.
const WIDTHS: [usize; 8] = [18, 10, 11, 9, 9, 7, 7, 8];

/// Columns that a narrow page leaves out, in this order.
const SPARED: [usize; 5] = [6, 5, 2, 4, 3];

/// Fewest columns of a name.
const MIN_NAME: usize = 10;

/// A line: its name, the counts, and the times.
struct Line<'v> {
    name: &'v str,
    counts: [Option<u64>; 4],
    response: &'v LatencyStats,
}

/// Adds the tables that the view has lines for.
pub fn add(out: &mut Page, view: &TestView) {
    let totals = &view.totals;
    if let Some(all) = &totals.sessions {
        out.blank();
        let mut lines: Vec<Line<'_>> =
            totals.scenarios.iter().map(|(name, sessions)| of_sessions(name, sessions)).collect();
        if lines.len() > 1 {
            lines.insert(0, of_sessions("all", all));
        }
        table(out, ["sessions, ms", "started", "completed", "failed", "dropped"], lines);
        for (name, sessions) in totals.scenarios.iter().filter(|(_, of)| !of.ended_at.is_empty()) {
            out.wrap("  ", &format!("{} ended early at {}", short(name, WIDTHS[0]), ended_at(sessions)));
        }
    }
    let passes = totals.groups.iter().map(|(name, of)| (name.as_str(), of));
    let polls: Vec<(String, _)> =
        totals.polls.iter().map(|(name, of)| (format!("{name}.poll"), of)).collect();
    let passes = passes.chain(polls.iter().map(|(name, of)| (name.as_str(), *of)));
    let lines: Vec<Line<'_>> = passes
        .map(|(name, of)| Line {
            name,
            counts: [Some(of.completed + of.failed), Some(of.completed), Some(of.failed), None],
            response: &of.latency_ms.response,
        })
        .collect();
    if !lines.is_empty() {
        out.blank();
        table(out, ["groups, ms", "passes", "completed", "failed", ""], lines);
    }
    if !totals.requests.is_empty() {
        out.blank();
        let lines = totals.requests.iter().map(|(name, of)| of_requests(name, of)).collect();
        table(out, ["requests, ms", "sent", "completed", "failed", ""], lines);
    }
}

fn of_sessions<'v>(name: &'v str, sessions: &'v SessionTotals) -> Line<'v> {
    let counts = &sessions.counts;
    Line {
        name,
        counts: [counts.started, counts.completed, counts.failed, counts.dropped].map(Some),
        response: &sessions.latency_ms.response,
    }
}

fn of_requests<'v>(name: &'v str, requests: &'v RequestTotals) -> Line<'v> {
    Line {
        name,
        counts: [Some(requests.sent), Some(requests.completed), Some(requests.failed), None],
        response: &requests.latency_ms.response,
    }
}

/// As in `confirm: 12, status: 3`, the most frequent first.
fn ended_at(sessions: &SessionTotals) -> String {
    let mut steps: Vec<(&String, &u64)> = sessions.ended_at.iter().collect();
    steps.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> =
        steps.iter().take(MAX_STEPS).map(|(step, n)| format!("{step}: {}", count(**n))).collect();
    match steps.len().saturating_sub(MAX_STEPS) {
        0 => shown.join(", "),
        more => format!("{} and {}", shown.join(", "), counted(more as u64, "other step")),
    }
}

/// Adds a table. Of more lines than there is room for, those with the most failures, and then the busiest, are kept.
fn table(out: &mut Page, heads: [&str; 5], mut lines: Vec<Line<'_>>) {
    let all = lines.len();
    if all > MAX_LINES {
        lines.sort_by_key(|line| (std::cmp::Reverse(line.counts[2]), std::cmp::Reverse(line.counts[0])));
        lines.truncate(MAX_LINES);
    }
    let kept = kept(out.width(), !heads[4].is_empty());
    let widths: Vec<usize> = kept.iter().map(|(_, width)| *width).collect();
    let row = |out: &mut Page, cells: &[String]| {
        let cells: Vec<String> = kept.iter().map(|(column, _)| cells[*column].clone()).collect();
        out.row(&widths, &cells);
    };
    let times = ["p50", "p95", "p99"];
    row(out, &heads.into_iter().chain(times).map(str::to_owned).collect::<Vec<_>>());
    for line in &lines {
        let counts = line.counts.iter().zip(&WIDTHS[1..]);
        let counts = counts.map(|(n, width)| n.map_or_else(String::new, |n| brief_count(n, *width)));
        let name = short(line.name, widths[0].saturating_sub(1));
        let times =
            [("median", line.response.median), ("p95", line.response.p95), ("p99", line.response.p99)];
        let times = times.map(|(figure, value)| time(line.response, figure, value));
        row(out, &std::iter::once(name).chain(counts).chain(times).collect::<Vec<_>>());
    }
    if lines.len() < all {
        let more = all - lines.len();
        out.wrap(
            "  ",
            &format!("and {} with fewer failures: see the JSON report", counted(more as u64, "other")),
        );
    }
}

fn time(stats: &LatencyStats, figure: &str, value: Option<f64>) -> String {
    let bound = if stats.lower_bounds.iter().any(|name| name == figure) { "≥" } else { "" };
    value.map_or_else(|| "-".to_owned(), |ms| format!("{bound}{}", plain_ms(ms)))
}

/// The columns that a page of this width has room for, each with its width; `four`: whether there is a fourth count.
fn kept(page: usize, four: bool) -> Vec<(usize, usize)> {
    let mut kept: Vec<usize> = (0..WIDTHS.len()).filter(|column| four || *column != 4).collect();
    let others = |kept: &[usize]| kept.iter().skip(1).map(|column| WIDTHS[*column]).sum::<usize>();
    for spared in SPARED {
        if others(&kept) + MIN_NAME <= page {
            break;
        }
        kept.retain(|column| *column != spared);
    }
    // The room that is left goes to the names.
    let most = if four { WIDTHS[0] } else { WIDTHS[0] + WIDTHS[4] };
    let name = page.saturating_sub(others(&kept)).min(most);
    kept.into_iter().map(|column| (column, if column == 0 { name } else { WIDTHS[column] })).collect()
}
