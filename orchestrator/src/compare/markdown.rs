//! A comparison with a baseline as Markdown, below the report of the newer test in a comment on a pull request.

use common::plan::write_ratio;

use super::Regression;
use super::text::{phrase, shown};
use crate::model::{ComparedFigure, ComparedOutcome, ComparisonView};
use crate::report::files::prose;

/// Most warnings.
const MAX_WARNINGS: usize = 3;

/// The comparison, with what is worse by more than allowed, where a limit was given.
pub fn markdown(comparison: &ComparisonView, max: Option<f64>, beyond: &[Regression]) -> String {
    let mut out = "\n#### Beside the baseline\n\n".to_owned();
    if let Some(max) = max {
        let max = write_ratio(max);
        let names: Vec<&str> = beyond.iter().map(|regression| regression.figure.as_str()).collect();
        out.push_str(&match names.as_slice() {
            [] => format!("No figure is worse by more than {max} beyond doubt.\n\n"),
            names => format!("**Worse by more than {max} beyond doubt: {}**\n\n", names.join(", ")),
        });
    }
    out.push_str("| | baseline | this test | |\n|---|---:|---:|---|\n");
    for figure in &comparison.figures {
        out.push_str(&row(figure));
    }
    for warning in comparison.trend.iter().chain(&comparison.warnings).take(MAX_WARNINGS) {
        out.push_str(&format!("\n- warning: {}", prose(warning)));
    }
    if !comparison.trend.is_empty() || !comparison.warnings.is_empty() {
        out.push('\n');
    }
    out
}

fn row(figure: &ComparedFigure) -> String {
    let value = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| shown(figure, value));
    let mark = if figure.outcome == ComparedOutcome::Worse { "**" } else { "" };
    let sentence = prose(phrase(figure));
    format!("| {} | {} | {} | {mark}{sentence}{mark} |\n", figure.figure, value(figure.a), value(figure.b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn figure(name: &str, outcome: ComparedOutcome, b: Option<f64>, sentence: &str) -> ComparedFigure {
        ComparedFigure { a: Some(40.0), b, ..fixtures::compared_figure(name, outcome, sentence) }
    }

    #[test]
    fn what_is_worse_stands_first_and_nothing_of_a_node_becomes_markup() {
        let worse = "p50 is 48 % to 53 % higher: worse";
        let comparison = ComparisonView {
            warnings: vec!["drivers differ: <b>@one</b>".to_owned()],
            ..fixtures::comparison(vec![
                figure("p50", ComparedOutcome::Worse, Some(60.0), worse),
                figure("p99", ComparedOutcome::CannotTell, None, "p99: cannot tell: run at least 2 min"),
            ])
        };
        let beyond = [Regression { figure: "p50".to_owned(), sentence: worse.to_owned() }];
        assert_eq!(
            markdown(&comparison, Some(0.1), &beyond),
            "\n#### Beside the baseline\n\n**Worse by more than 10% beyond doubt: p50**\n\n\
             | | baseline | this test | |\n|---|---:|---:|---|\n\
             | p50 | 40.0 ms | 60.0 ms | **48 % to 53 % higher: worse** |\n\
             | p99 | 40.0 ms | none | cannot tell: run at least 2 min |\n\
             \n- warning: drivers differ: &lt;b\\>@\u{200b}one&lt;/b\\>\n"
        );
        let none = markdown(&comparison, Some(0.6), &[]);
        assert!(none.contains("\nNo figure is worse by more than 60% beyond doubt.\n"), "{none}");
        assert!(!markdown(&comparison, None, &[]).contains("beyond doubt"));
    }
}
