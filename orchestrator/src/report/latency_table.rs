//! The latencies as a table: a line for each, in two or more blocks where the page is too narrow for all figures.

use common::latency::LatencyStats;

use super::columns::Page;
use crate::human::percent;
use crate::model::LatencyView;

/// Columns of a line's label.
const LABEL: usize = 10;

/// Columns of a figure, a blank before it included.
const FIGURE: usize = 7;

/// A figure by its name.
pub(super) type Figure = (&'static str, fn(&LatencyStats) -> Option<f64>);

/// All figures of a latency, in the order in which they are shown.
pub(super) const FIGURES: [Figure; 10] = [
    ("min", |stats| stats.min),
    ("mean", |stats| stats.mean),
    ("median", |stats| stats.median),
    ("mode", |stats| stats.mode),
    ("p90", |stats| stats.p90),
    ("p95", |stats| stats.p95),
    ("p99", |stats| stats.p99),
    ("p99.9", |stats| stats.p999),
    ("p99.99", |stats| stats.p9999),
    ("max", |stats| stats.max),
];

/// Adds the table and the remarks on its figures.
pub fn add(out: &mut Page, latency: &LatencyView) {
    let lines = lines(latency);
    let fit = (out.width().saturating_sub(LABEL) / FIGURE).clamp(1, FIGURES.len());
    // As many blocks as it takes, all of about the same width.
    let per_block = FIGURES.len().div_ceil(FIGURES.len().div_ceil(fit));
    for (place, figures) in FIGURES.chunks(per_block).enumerate() {
        let label = if place == 0 { "latency ms" } else { "" };
        block(out, label, figures, &lines);
    }
    if !latency.response.lower_bounds.is_empty() {
        out.wrap("  ", "≥ at least: failed and dropped requests count as slower than completed ones");
    }
    match latency.coverage {
        Some(coverage) if coverage < 1.0 => out.wrap(
            "  ",
            &format!(
                "these cover {} of the completed requests: the rest came without histograms",
                percent(coverage)
            ),
        ),
        None => out.wrap("  ", "how many of the completed requests these cover is not known"),
        Some(_) => {}
    }
}

fn block(out: &mut Page, label: &str, figures: &[Figure], lines: &[(&str, &LatencyStats)]) {
    let mut widths = vec![LABEL];
    widths.resize(1 + figures.len(), FIGURE);
    let heads = figures.iter().map(|(name, _)| (*name).to_owned());
    out.row(&widths, &std::iter::once(label.to_owned()).chain(heads).collect::<Vec<_>>());
    for (name, stats) in lines {
        let cells = figures.iter().map(|figure| cell(stats, figure));
        out.row(&widths, &std::iter::once((*name).to_owned()).chain(cells).collect::<Vec<_>>());
    }
}

fn cell(stats: &LatencyStats, (figure, of): &Figure) -> String {
    let bound = if stats.lower_bounds.iter().any(|name| name == figure) { "≥" } else { "" };
    of(stats).map_or_else(|| "-".to_owned(), |value| format!("{bound}{}", plain_ms(value)))
}

/// Lines of the table. Where requests failed, completed and failed ones have a line each as well.
fn lines(latency: &LatencyView) -> Vec<(&'static str, &LatencyStats)> {
    let mut lines = vec![("response", &latency.response)];
    if latency.failed.response.count > 0 {
        lines.extend([(" completed", &latency.success.response), (" failed", &latency.failed.response)]);
    }
    lines.push(("service", &latency.service));
    let some = [("first byte", &latency.first_byte), ("connect", &latency.connect)];
    lines.extend(some.into_iter().filter(|(_, stats)| stats.count > 0));
    lines.push(("lag", &latency.lag));
    lines
}

/// Milliseconds without a unit, with up to three decimals; from 100 s on seconds, with the unit.
/// At most 5 columns.
pub fn plain_ms(ms: f64) -> String {
    match ms {
        ms if ms < 9.9995 => format!("{ms:.3}"),
        ms if ms < 99.95 => format!("{ms:.1}"),
        ms if ms < 99_999.5 => format!("{ms:.0}"),
        ms => format!("{:.0}s", ms / 1e3),
    }
}
