//! The latency heatmap in blocks: a column a second, a row a range of response times on a log scale. Pure.

use std::collections::VecDeque;

use orchestrator::human::ms;
use orchestrator::model::WindowView;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;

/// Most seconds kept: no terminal is wider.
const KEPT: usize = 512;

/// Columns of the labels at the left, the blank behind them included.
const LABEL: u16 = 8;

/// From few requests to many: blue over green to yellow, in the palette of 256 colours that nearly all terminals have. The
/// order of brightness is the order of counts, so that people who do not tell these colours apart see it, too.
const COLOURS: [u8; 8] = [17, 60, 24, 30, 36, 77, 148, 226];

/// The same without colours.
const SHADES: [&str; 4] = ["·", "░", "▒", "█"];

/// One second: how many requests ended in it in each range of response times.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    seq: u64,
    /// The number of the first range of `counts`; range k begins at 2^(k/8) µs.
    first: usize,
    counts: Vec<u64>,
    p99_ms: Option<f64>,
}

/// The newest seconds of a test.
#[derive(Debug, Clone, Default)]
pub struct Heat {
    columns: VecDeque<Column>,
}

impl Heat {
    /// The first second that is not known yet.
    pub fn next(&self) -> u64 {
        self.columns.back().map_or(0, |column| column.seq + 1)
    }

    /// The first second to ask for, of a test that has run for so many: an hour that no terminal can show is not read.
    pub fn wanted(&self, elapsed_s: u64) -> u64 {
        self.next().max(elapsed_s.saturating_sub(KEPT as u64))
    }

    /// Takes a second of the fleet.
    pub fn take(&mut self, window: &WindowView) {
        if window.seq < self.next() {
            return;
        }
        // Seconds that are missing in between were lost with a driver. They keep their columns, empty.
        let next = if self.columns.is_empty() { window.seq } else { self.next() };
        for seq in next.max(window.seq.saturating_sub(KEPT as u64))..window.seq {
            self.push(Column { seq, first: 0, counts: Vec::new(), p99_ms: None });
        }
        let (first, counts) = ranges(window);
        self.push(Column { seq: window.seq, first, counts, p99_ms: window.latency_ms.response.p99 });
    }

    fn push(&mut self, column: Column) {
        self.columns.push_back(column);
        if self.columns.len() > KEPT {
            self.columns.pop_front();
        }
    }

    /// As a widget; `colour`: whether the terminal shows colours; `nothing`: what stands there while it is empty.
    pub fn widget<'a>(&'a self, colour: bool, nothing: &'a str) -> HeatWidget<'a> {
        HeatWidget { heat: self, colour, nothing }
    }

    /// The newest seconds, at most so many, in order.
    fn newest(&self, n: usize) -> impl Iterator<Item = &Column> {
        self.columns.range(self.columns.len().saturating_sub(n)..)
    }
}

/// All requests of a second by their range, the failed ones as well: they ended after that long.
fn ranges(window: &WindowView) -> (usize, Vec<u64>) {
    let outcomes = window.heat.iter().flat_map(|heat| [&heat.completed, &heat.failed]).flatten();
    let parts: Vec<_> = outcomes.filter(|part| !part.counts.is_empty()).collect();
    let first = parts.iter().map(|part| part.first as usize).min().unwrap_or(0);
    let end = parts.iter().map(|part| part.first as usize + part.counts.len()).max().unwrap_or(first);
    let mut counts = vec![0; end - first];
    for part in parts {
        for (place, n) in part.counts.iter().enumerate() {
            counts[part.first as usize - first + place] += n;
        }
    }
    (first, counts)
}

/// What a heatmap looks like in an area.
#[derive(Debug)]
pub struct HeatWidget<'a> {
    heat: &'a Heat,
    colour: bool,
    nothing: &'a str,
}

/// Which ranges of response times stand in which row, the slowest at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    first: usize,
    per_row: usize,
    rows: usize,
}

impl Scale {
    /// Whole ranges in each row, as few as let the rows hold all that is shown.
    fn of<'a>(columns: impl Iterator<Item = &'a Column>, rows: usize) -> Option<Self> {
        let (mut first, mut end) = (usize::MAX, 0);
        for column in columns.filter(|column| !column.counts.is_empty()) {
            first = first.min(column.first);
            end = end.max(column.first + column.counts.len());
        }
        (first < end && rows > 0).then(|| Self { first, per_row: (end - first).div_ceil(rows), rows })
    }

    /// The row of a range, 0 at the top.
    fn row(&self, range: usize) -> Option<usize> {
        let from_below = range.checked_sub(self.first)? / self.per_row;
        (from_below < self.rows).then(|| self.rows - 1 - from_below)
    }

    /// Where a row begins, ms.
    fn begins_ms(&self, row: usize) -> f64 {
        let range = self.first + (self.rows - 1 - row) * self.per_row;
        (range as f64 / 8.0).exp2() / 1_000.0
    }
}

/// The range that a response time falls into.
fn range_of(ms: f64) -> usize {
    (8.0 * (ms * 1_000.0).max(1.0).log2()).floor() as usize
}

impl Widget for HeatWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(area.width.saturating_sub(LABEL));
        // With colours a cell has two rows: its upper and its lower half.
        let per_cell = if self.colour { 2 } else { 1 };
        let rows = usize::from(area.height) * per_cell;
        let Some(scale) = Scale::of(self.heat.newest(width), rows) else {
            buffer.set_string(area.x, area.y, self.nothing, ratatui::style::Style::new());
            return;
        };
        label(&scale, area, per_cell, buffer);
        let columns: Vec<(Vec<u64>, &Column)> =
            self.heat.newest(width).map(|column| (sums(column, &scale), column)).collect();
        let most = columns.iter().flat_map(|(sums, _)| sums).copied().max().unwrap_or(0);
        for (x, (sums, column)) in columns.iter().enumerate() {
            let x = area.x + LABEL + x as u16;
            let p99 = column.p99_ms.and_then(|ms| scale.row(range_of(ms)));
            for y in 0..area.height {
                let top = usize::from(y) * per_cell;
                let cell = &mut buffer[(x, area.y + y)];
                if self.colour {
                    let [upper, lower] = [sums[top], sums[top + 1]].map(|n| level(n, most, COLOURS.len()));
                    let paint = |level: usize| Color::Indexed(COLOURS[level]);
                    match (upper, lower) {
                        (None, None) => {}
                        (Some(upper), None) => drop(cell.set_symbol("▀").set_fg(paint(upper))),
                        (None, Some(lower)) => drop(cell.set_symbol("▄").set_fg(paint(lower))),
                        (Some(upper), Some(lower)) => {
                            cell.set_symbol("▀").set_fg(paint(upper)).set_bg(paint(lower));
                        }
                    }
                } else if let Some(level) = level(sums[top], most, SHADES.len()) {
                    cell.set_symbol(SHADES[level]);
                }
                if p99.is_some_and(|row| (top..top + per_cell).contains(&row)) {
                    let background = upper_or_lower(sums, top, per_cell, most).filter(|_| self.colour);
                    cell.set_symbol("─").set_fg(Color::Reset);
                    cell.set_bg(background.map_or(Color::Reset, |level| Color::Indexed(COLOURS[level])));
                    if background.is_some_and(|level| level > COLOURS.len() / 2) {
                        cell.set_fg(Color::Black);
                    }
                }
            }
        }
    }
}

/// The stronger colour of a cell's rows.
fn upper_or_lower(sums: &[u64], top: usize, per_cell: usize, most: u64) -> Option<usize> {
    sums[top..top + per_cell].iter().filter_map(|n| level(*n, most, COLOURS.len())).max()
}

/// What each row begins with, at the left: the top, the middle and the bottom one.
fn label(scale: &Scale, area: Rect, per_cell: usize, buffer: &mut Buffer) {
    let mut labelled = [0, area.height / 2, area.height - 1].to_vec();
    labelled.dedup();
    for y in labelled {
        // The row that begins at the cell's lower edge.
        let row = usize::from(y) * per_cell + per_cell - 1;
        let text = format!("{:>width$}", ms(scale.begins_ms(row)), width = usize::from(LABEL) - 1);
        buffer.set_string(area.x, area.y + y, text, ratatui::style::Style::new());
    }
}

/// Requests of a second by row.
fn sums(column: &Column, scale: &Scale) -> Vec<u64> {
    let mut sums = vec![0; scale.rows];
    for (place, n) in column.counts.iter().enumerate() {
        if let Some(row) = scale.row(column.first + place) {
            sums[row] += n;
        }
    }
    sums
}

/// The level of a count among so many, on a log scale; `None` for none.
fn level(n: u64, most: u64, levels: usize) -> Option<usize> {
    if n == 0 {
        return None;
    }
    if most <= 1 {
        return Some(levels - 1);
    }
    let share = (n as f64).ln() / (most as f64).ln();
    Some(((share * levels as f64) as usize).min(levels - 1))
}
