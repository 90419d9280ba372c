//! A comparison as text for a terminal.

use crate::human::{ms, percent, rate};
use crate::model::{ComparedFigure, ComparedTest, ComparisonView};
use crate::report::columns::{Page, short, width};

/// Columns of a figure's name, and of its value on a side.
const NAME: usize = 12;
const VALUE: usize = 11;

/// The comparison in so many columns; fewer than 32 count as 32, more than 120 as 120.
pub fn text_in(comparison: &ComparisonView, columns: usize) -> String {
    let mut out = Page::new(columns);
    for (side, tests) in [('A', &comparison.a), ('B', &comparison.b)] {
        for (at, test) in tests.iter().enumerate() {
            let called = super::label(side, at, tests.len());
            let line = listed(test, out.width().saturating_sub(4));
            out.line(&format!("{called:<4}{line}"));
        }
    }
    for trend in &comparison.trend {
        out.wrap("  ! ", trend);
    }
    for warning in &comparison.warnings {
        out.wrap("  ! ", warning);
    }
    out.blank();
    out.line(&format!("{:<NAME$}{:>VALUE$}{:>VALUE$}  B BESIDE A", "FIGURE", "A", "B"));
    for figure in &comparison.figures {
        let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| shown(figure, value));
        let label =
            format!("{:<NAME$}{:>VALUE$}{:>VALUE$}  ", figure.figure, value(figure.a), value(figure.b));
        out.wrap(&label, phrase(figure));
    }
    out.blank();
    out.wrap("", &format!("Intervals hold together with 95 %. The answer is {}.", comparison.about));
    out.into_text()
}

/// As in `ping, 01234567-…, passed, 120 windows`.
fn listed(test: &ComparedTest, columns: usize) -> String {
    let verdict = test.verdict.map_or("without a verdict", crate::model::Verdict::as_str);
    let rest = format!("  {}, {verdict}, {} windows", test.test_id, test.windows);
    format!("{}{rest}", short(&test.name, columns.saturating_sub(width(&rest)).max(8)))
}

pub(super) fn shown(figure: &ComparedFigure, value: f64) -> String {
    match figure.unit.as_str() {
        "per_s" => rate(value),
        "ratio" => percent(value),
        _ => ms(value),
    }
}

/// The sentence without the figure's name, which stands before it.
pub(super) fn phrase(figure: &ComparedFigure) -> &str {
    let rest = figure.sentence.strip_prefix(&*figure.figure).unwrap_or(&figure.sentence);
    [" is ", " are ", ": "].into_iter().find_map(|verb| rest.strip_prefix(verb)).unwrap_or(rest)
}
