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
            let called = format!("{:<4}", super::label(side, at, tests.len()));
            let room = out.width().saturating_sub(width(&called));
            let line = listed(test, room);
            if width(&line) > room {
                out.wrap(&called, &line);
            } else {
                out.line(&format!("{called}{line}"));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::model::{ComparedOutcome, Verdict};

    #[test]
    fn tests_are_listed_within_the_columns() {
        let test = |name: &str| ComparedTest {
            test_id: "01a22d3f-3c68-7654-91b0-af8e2eda27a2".to_owned(),
            name: name.to_owned(),
            verdict: Some(Verdict::Passed),
            started_at: None,
            windows: 3_600,
        };
        let sentence = "p99: no difference that this data could show: under 4 %";
        let comparison = ComparisonView {
            a: vec![test("release 1.7\n<b>")],
            b: vec![test("a"), test(&"long ".repeat(40))],
            ..fixtures::comparison(vec![fixtures::compared_figure("p99", ComparedOutcome::Same, sentence)])
        };
        for columns in [60, 80, 120] {
            let text = text_in(&comparison, columns);
            let wide: Vec<&str> = text.lines().filter(|line| width(line) > columns).collect();
            assert_eq!(wide, [""; 0], "{columns}:\n{text}");
        }
        let text = text_in(&comparison, 80);
        assert!(text.starts_with("A   release 1.7 <b>  01a22d3f-"), "{text}");
        assert!(text.contains("\nB1  a  01a22d3f-"), "{text}");
    }
}
