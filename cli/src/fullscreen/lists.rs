//! The lists of which one is on the screen at a time: drivers, requests by name, events. Pure: draws into a frame.

use common::latency::LatencyStats;
use orchestrator::human::{brief_count, ms};
use orchestrator::model::{DriverTotals, PartState, TestView};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row, Table};

use super::parts::View;

/// Columns of a count, the blank before it included.
const COUNT: usize = 10;

/// Columns of a time, the blank before it included.
const TIME: usize = 9;

/// Columns of a share in percent, the blank before it included.
const SHARE: usize = 6;

/// Which list is on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum List {
    #[default]
    Drivers,
    Requests,
    Events,
}

impl List {
    /// The one after this, around.
    pub fn next(self) -> Self {
        match self {
            Self::Drivers => Self::Requests,
            Self::Requests => Self::Events,
            Self::Events => Self::Drivers,
        }
    }
}

/// Draws the list that is chosen. Where it is longer than its area, its last line says how much is left out.
pub fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let test = &view.shown.test;
    match view.list {
        List::Drivers => draw_drivers(frame, area, test, view),
        List::Requests => draw_requests(frame, area, test, view),
        List::Events => draw_events(frame, area, test),
    }
}

fn draw_drivers(frame: &mut Frame<'_>, area: Rect, test: &TestView, view: &View<'_>) {
    // Those that need a look first; a fleet is often longer than the screen.
    let mut drivers: Vec<&DriverTotals> = test.drivers.iter().collect();
    drivers.sort_by_key(|driver| !is_alarming(&driver.state));
    let rows = drivers.iter().map(|driver| {
        let totals = &driver.totals;
        let cells = vec![
            driver.state.as_str().to_owned(),
            counted(totals.sent),
            counted(totals.in_flight),
            counted(totals.failed),
            counted(totals.dropped),
            time(&totals.latency_ms.response, |stats| stats.p99, "p99"),
            driver.cpu.map_or_else(|| dash(SHARE), |share| right(&format!("{:.0} %", share * 100.0), SHARE)),
        ];
        let style = if is_alarming(&driver.state) { view.in_colour(Color::Red) } else { Style::new() };
        (driver.node_id.clone(), cells, style)
    });
    let heads = [
        "driver".to_owned(),
        "state".to_owned(),
        right("sent", COUNT),
        right("in flight", COUNT),
        right("failed", COUNT),
        right("dropped", COUNT),
        right("p99", TIME),
        right("CPU", SHARE),
    ];
    let widths = [10, COUNT, COUNT, COUNT, COUNT, TIME, SHARE];
    draw_table(frame, area, &heads, &widths, rows.collect());
}

fn draw_requests(frame: &mut Frame<'_>, area: Rect, test: &TestView, view: &View<'_>) {
    if test.totals.requests.is_empty() {
        frame.render_widget(Line::raw("requests: the plan has one"), area);
        return;
    }
    let rows = test.totals.requests.iter().map(|(name, of)| {
        let response = &of.latency_ms.response;
        let cells = vec![
            counted(Some(of.sent)),
            counted(Some(of.failed)),
            time(response, |stats| stats.median, "median"),
            time(response, |stats| stats.p99, "p99"),
            time(response, |stats| stats.max, "max"),
        ];
        let style = if of.failed > 0 { view.in_colour(Color::Red) } else { Style::new() };
        (name.clone(), cells, style)
    });
    let heads = [
        "request".to_owned(),
        right("sent", COUNT),
        right("failed", COUNT),
        right("median", TIME),
        right("p99", TIME),
        right("max", TIME),
    ];
    draw_table(frame, area, &heads, &[COUNT, COUNT, TIME, TIME, TIME], rows.collect());
}

/// The newest at the bottom, as in a log.
fn draw_events(frame: &mut Frame<'_>, area: Rect, test: &TestView) {
    let room = usize::from(area.height).saturating_sub(1);
    let events = &test.timeline[test.timeline.len().saturating_sub(room)..];
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled("events (UTC)", bold)];
    lines.extend(events.iter().map(|event| {
        let time = event.at.get(11..19).unwrap_or_default();
        let driver = event.driver.as_deref().map_or_else(String::new, |driver| format!(" {driver}"));
        let detail = if event.detail.is_empty() { String::new() } else { format!(": {}", event.detail) };
        Line::raw(format!("{time}  {}{driver}{detail}", event.what))
    }));
    frame.render_widget(Paragraph::new(lines), area);
}

/// A table whose first column takes what the others leave.
fn draw_table(
    frame: &mut Frame<'_>,
    area: Rect,
    heads: &[String],
    widths: &[usize],
    mut rows: Vec<(String, Vec<String>, Style)>,
) {
    let room = usize::from(area.height).saturating_sub(1);
    if rows.len() > room && room > 0 {
        let n_left = rows.len() - (room - 1);
        rows.truncate(room - 1);
        rows.push((format!("and {n_left} more"), Vec::new(), Style::new()));
    }
    let rows = rows.into_iter().map(|(name, cells, style)| {
        Row::new(std::iter::once(name).chain(cells).map(Cell::from)).style(style)
    });
    let head = Row::new(heads.iter().map(|head| Cell::from(head.as_str())))
        .style(Style::new().add_modifier(Modifier::BOLD));
    let constraints = std::iter::once(Constraint::Fill(1))
        .chain(widths.iter().map(|width| Constraint::Length(*width as u16)));
    frame.render_widget(Table::new(rows, constraints).column_spacing(0).header(head), area);
}

/// Whether a driver in this state needs a look.
fn is_alarming(state: &PartState) -> bool {
    matches!(state, PartState::Lost | PartState::Deaf | PartState::Refused)
}

fn counted(n: Option<u64>) -> String {
    n.map_or_else(|| dash(COUNT), |n| right(&brief_count(n, COUNT), COUNT))
}

fn time(stats: &LatencyStats, of: fn(&LatencyStats) -> Option<f64>, name: &str) -> String {
    let bound = if stats.lower_bounds.iter().any(|known| known == name) { "≥" } else { "" };
    of(stats).map_or_else(|| dash(TIME), |value| right(&format!("{bound}{}", ms(value)), TIME))
}

fn dash(columns: usize) -> String {
    right("-", columns)
}

fn right(text: &str, columns: usize) -> String {
    format!("{text:>columns$}")
}
