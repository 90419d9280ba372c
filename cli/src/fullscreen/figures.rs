//! The table of latencies, as many of its lines and figures as fit. Pure: draws into a frame.

use common::latency::LatencyStats;
use orchestrator::human::ms;
use orchestrator::model::LatencyView;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Cell, Row, Table};

/// Columns of a line's label.
const LABEL: u16 = 11;

/// Columns of a figure, the blank before it included.
const FIGURE: u16 = 9;

/// Rows of a screen from which on every latency has a line.
const TALL: u16 = 30;

/// A figure: its name, what it is of a latency, and its rank. Those of high rank are left out first.
type Figure = (&'static str, fn(&LatencyStats) -> Option<f64>, usize);

const FIGURES: [Figure; 10] = [
    ("min", |stats| stats.min, 8),
    ("mean", |stats| stats.mean, 5),
    ("median", |stats| stats.median, 0),
    ("mode", |stats| stats.mode, 9),
    ("p90", |stats| stats.p90, 3),
    ("p95", |stats| stats.p95, 6),
    ("p99", |stats| stats.p99, 1),
    ("p99.9", |stats| stats.p999, 4),
    ("p99.99", |stats| stats.p9999, 7),
    ("max", |stats| stats.max, 2),
];

/// Rows that the table takes on a screen of this height.
pub fn rows(latency: &LatencyView, height: u16) -> u16 {
    1 + lines(latency, height).len() as u16
}

/// The lines of the table. Where requests failed, completed and failed ones have a line each as well.
fn lines(latency: &LatencyView, height: u16) -> Vec<(&'static str, &LatencyStats)> {
    let mut lines = vec![("response", &latency.response)];
    if latency.failed.response.count > 0 {
        lines.extend([(" completed", &latency.success.response), (" failed", &latency.failed.response)]);
    }
    lines.push(("service", &latency.service));
    if height >= TALL {
        let some = [("first byte", &latency.first_byte), ("connect", &latency.connect)];
        lines.extend(some.into_iter().filter(|(_, stats)| stats.count > 0));
    }
    lines.push(("lag", &latency.lag));
    lines
}

/// Draws the table.
pub fn draw(frame: &mut Frame<'_>, area: Rect, latency: &LatencyView) {
    let fit = usize::from(area.width.saturating_sub(LABEL) / FIGURE);
    let figures: Vec<&Figure> = FIGURES.iter().filter(|(.., rank)| *rank < fit).collect();
    let rows: Vec<Row<'_>> = lines(latency, frame.area().height)
        .into_iter()
        .map(|(name, stats)| {
            let cells = figures.iter().map(|figure| Cell::from(right(cell(stats, figure))));
            Row::new(std::iter::once(Cell::from(name)).chain(cells))
        })
        .collect();
    let heads = figures.iter().map(|(name, ..)| Cell::from(right((*name).to_owned())));
    let head = Row::new(std::iter::once(Cell::from("latency")).chain(heads))
        .style(Style::new().add_modifier(Modifier::BOLD));
    let widths = std::iter::once(LABEL).chain(figures.iter().map(|_| FIGURE)).map(Constraint::Length);
    frame.render_widget(Table::new(rows, widths).column_spacing(0).header(head), area);
}

fn cell(stats: &LatencyStats, (name, of, _): &Figure) -> String {
    let bound = if stats.lower_bounds.iter().any(|known| known == name) { "≥" } else { "" };
    of(stats).map_or_else(|| "-".to_owned(), |value| format!("{bound}{}", ms(value)))
}

fn right(text: String) -> String {
    format!("{text:>width$}", width = usize::from(FIGURE))
}
