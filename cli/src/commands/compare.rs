//! `compare`: tests beside one another.

use std::path::Path;

use common::plan::{parse_ratio, write_ratio};
use orchestrator::compare::{Regression, regressions, text_in};
use orchestrator::model::ComparisonView;
use serde::Serialize;

use crate::args::{CompareArgs, RegressionArgs};
use crate::exit::{ExitCode, Stop};
use crate::history::History;
use crate::report_file::{self, is_stdout};
use crate::say;

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct Written<'c> {
    /// As given, 0 to 1; null where it was not.
    max_regression: Option<f64>,
    comparisons: Vec<Comparison<'c>>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Comparison<'c> {
    #[serde(flatten)]
    view: &'c ComparisonView,
    /// The figures that are worse by more than allowed, beyond doubt.
    regressions: Vec<String>,
}

/// Compares tests with the first one.
///
/// # Errors
/// Where a test does not exist, cannot be compared, or cannot be read; or the file cannot be written.
pub async fn compare(arguments: &CompareArgs) -> Result<ExitCode, Stop> {
    let limit = Limit::of(&arguments.limit)?;
    if let Some(path) = &arguments.json {
        report_file::prepare(path).map_err(|error| no_json(path, error))?;
    }
    let history = History::find(&arguments.history).await?;
    let mut sides = Vec::with_capacity(arguments.tests.len());
    for words in &arguments.tests {
        let mut ids = Vec::new();
        for word in words.split(',') {
            if word.is_empty() {
                return Err(Stop::usage(format!("{words}: a test is missing beside a comma")));
            }
            ids.push(history.id_of(word).await?);
        }
        sides.push(ids);
    }
    let Some((a, others)) = sides.split_first() else { return Err(Stop::usage("name two tests at least")) };
    let mut comparisons = Vec::with_capacity(others.len());
    for b in others {
        comparisons.push(history.compare(a, b).await?);
    }
    let beyond: Vec<Vec<Regression>> = comparisons.iter().map(|one| limit.beyond(one)).collect();
    if !arguments.json.as_deref().is_some_and(is_stdout) {
        for (at, (comparison, beyond)) in comparisons.iter().zip(&beyond).enumerate() {
            if at > 0 {
                say::line("");
            }
            show(comparison, beyond, &limit, say::text, say::columns(std::io::stdout()));
        }
    }
    if let Some(path) = &arguments.json {
        write(path, &limit, &comparisons, &beyond)?;
    }
    let any = beyond.iter().any(|beyond| !beyond.is_empty());
    Ok(if any { ExitCode::Failed } else { ExitCode::Done })
}

/// What `--max-regression` allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit(Option<f64>);

impl Limit {
    /// What was asked for.
    ///
    /// # Errors
    /// Where it is not a share, or could be read in two ways.
    pub fn of(arguments: &RegressionArgs) -> Result<Self, Stop> {
        let Some(text) = &arguments.max_regression else { return Ok(Self(None)) };
        let wrong = |reason: &str| Stop::usage(format!("--max-regression {text}: {reason}"));
        let share = parse_ratio(text).map_err(|reason| wrong(&reason))?;
        // "5" could mean five times, or 5 %.
        if !text.trim_end().ends_with('%') && share >= 1.0 {
            return Err(wrong("give it in %, as in 5%, or as a fraction below 1"));
        }
        Ok(Self(Some(share)))
    }

    /// As a share, where it was given.
    pub fn share(self) -> Option<f64> {
        self.0
    }

    /// The figures that are worse by more.
    pub fn beyond(self, comparison: &ComparisonView) -> Vec<Regression> {
        self.0.map_or_else(Vec::new, |max| regressions(comparison, max))
    }
}

/// Shows a comparison, and which figures are beyond the limit.
pub(super) fn show(
    comparison: &ComparisonView,
    beyond: &[Regression],
    limit: &Limit,
    out: impl Fn(String),
    columns: usize,
) {
    out(text_in(comparison, columns));
    let Some(max) = limit.0 else { return };
    let max = write_ratio(max);
    if beyond.is_empty() {
        out(format!("no figure is worse by more than {max} beyond doubt\n"));
    }
    for regression in beyond {
        out(format!("REGRESSION  beyond {max}: {}\n", regression.sentence));
    }
}

fn write(
    path: &Path,
    limit: &Limit,
    comparisons: &[ComparisonView],
    beyond: &[Vec<Regression>],
) -> Result<(), Stop> {
    let names = |beyond: &[Regression]| beyond.iter().map(|regression| regression.figure.clone()).collect();
    let comparisons = comparisons
        .iter()
        .zip(beyond)
        .map(|(view, beyond)| Comparison { view, regressions: names(beyond) })
        .collect();
    let written = Written { max_regression: limit.0, comparisons };
    let json = serde_json::to_string_pretty(&written).map_err(|error| no_json(path, error))?;
    if is_stdout(path) {
        say::line(json);
        return Ok(());
    }
    report_file::write(path, &format!("{json}\n")).map_err(|error| no_json(path, error))
}

fn no_json(path: &Path, cause: impl std::fmt::Display) -> Stop {
    Stop::could_not(format!("--json {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_share_and_never_ambiguous() {
        for (text, expected) in [
            ("5%", Some(0.05)),
            ("0.05", Some(0.05)),
            ("0", Some(0.0)),
            ("150%", Some(1.5)),
            ("5", None),
            ("-1%", None),
            ("five", None),
        ] {
            let limit = Limit::of(&RegressionArgs { max_regression: Some(text.to_owned()) });
            assert_eq!(limit.ok().and_then(|limit| limit.0), expected, "{text}");
        }
    }
}
