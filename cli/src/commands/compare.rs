//! `compare`: tests beside one another; and `run --baseline`, the test that just ended beside an earlier one.

use std::path::Path;

use common::plan::{parse_ratio, write_ratio};
use orchestrator::compare::{Regression, markdown, plan_reasons, refusals, regressions, text_in};
use orchestrator::model::{ComparisonView, TestView};
use orchestrator::report::files::junit_beside;
use serde::Serialize;

use crate::args::{CompareArgs, RegressionArgs, RunArgs};
use crate::client::Client;
use crate::exit::{ExitCode, Stop};
use crate::history::History;
use crate::report_file::{self, is_stdout};
use crate::report_files::ReportFiles;
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
struct Limit(Option<f64>);

impl Limit {
    fn of(arguments: &RegressionArgs) -> Result<Self, Stop> {
        let Some(text) = &arguments.max_regression else { return Ok(Self(None)) };
        let wrong = |reason: &str| Stop::usage(format!("--max-regression {text}: {reason}"));
        let share = parse_ratio(text).map_err(|reason| wrong(&reason))?;
        // "5" could mean five times, or 5 %.
        if !text.trim_end().ends_with('%') && share >= 1.0 {
            return Err(wrong("give it in %, as in 5%, or as a fraction below 1"));
        }
        Ok(Self(Some(share)))
    }

    fn beyond(self, comparison: &ComparisonView) -> Vec<Regression> {
        self.0.map_or_else(Vec::new, |max| regressions(comparison, max))
    }
}

/// Shows a comparison, and which figures are beyond the limit.
fn show(
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

/// The test that `run` compares its own with.
pub struct Baseline {
    limit: Limit,
    /// As given, until it is found.
    word: Option<String>,
    report: Option<Box<TestView>>,
}

impl Baseline {
    /// What `run` was asked for.
    ///
    /// # Errors
    /// Where the limit is not a share, or is given without a baseline.
    pub fn of(arguments: &RunArgs) -> Result<Self, Stop> {
        if let (None, Some(text)) = (&arguments.baseline, &arguments.limit.max_regression) {
            return Err(Stop::usage(format!(
                "--max-regression {text}: is for a comparison; name the test to compare with: --baseline TEST"
            )));
        }
        Ok(Self { limit: Limit::of(&arguments.limit)?, word: arguments.baseline.clone(), report: None })
    }

    /// Finds the test, before the load begins.
    ///
    /// # Errors
    /// Where it does not exist, or cannot be compared with any.
    pub async fn find(&mut self, client: &Client) -> Result<(), Stop> {
        let Some(word) = &self.word else { return Ok(()) };
        let history = History::Running(client.clone());
        let report = history.report(&history.id_of(word).await?).await?;
        refused(word, refusals(std::slice::from_ref(&report), &[]))?;
        self.report = Some(Box::new(report));
        Ok(())
    }

    /// Checks that a test that was created can be compared with it.
    ///
    /// # Errors
    /// Where its plan sends something else.
    pub fn check(&self, created: &TestView) -> Result<(), Stop> {
        let Some(report) = &self.report else { return Ok(()) };
        refused(&report.test_id, plan_reasons(("the baseline", &report.plan), ("this test", &created.plan)))
    }

    /// Compares the test that ended with it, shows that on stdout, or on stderr where a file is stdout, and adds it to the
    /// Markdown and, where a limit says which figures are wrong, to the JUnit XML. The exit code is the test's own, or 3 where a figure is worse by more than allowed beyond doubt.
    ///
    /// # Errors
    /// Where they cannot be compared after all.
    pub async fn compare(
        &self,
        client: &Client,
        finished: &TestView,
        verdict: ExitCode,
        files: &ReportFiles<'_>,
    ) -> Result<ExitCode, Stop> {
        let Some(report) = &self.report else { return Ok(verdict) };
        let history = History::Running(client.clone());
        let sides = [vec![report.test_id.clone()], vec![finished.test_id.clone()]];
        let comparison = match history.compare(&sides[0], &sides[1]).await {
            Ok(comparison) => comparison,
            // The verdict is worse news.
            Err(stop) if verdict != ExitCode::Done => {
                say::aside(format_args!("not compared with the baseline: {}", stop.message));
                return Ok(verdict);
            }
            Err(Stop { message, .. }) => {
                return Err(Stop::could_not(format!("not compared with the baseline: {message}")));
            }
        };
        let beyond = self.limit.beyond(&comparison);
        if files.take_stdout() {
            say::aside("");
            let out = |text: String| say::aside(text.trim_end_matches('\n'));
            show(&comparison, &beyond, &self.limit, out, say::columns(std::io::stderr()));
        } else {
            say::line("");
            show(&comparison, &beyond, &self.limit, say::text, say::columns(std::io::stdout()));
        }
        files.add_to_markdown(&markdown(&comparison, self.limit.0, &beyond));
        if self.limit.0.is_some() {
            files.replace_junit(|| junit_beside(finished, &comparison, &beyond));
        }
        Ok(code(verdict, &beyond))
    }
}

/// The exit code of a test that was compared: its own, or failed where it passed and a figure is worse by more than allowed.
fn code(verdict: ExitCode, beyond: &[Regression]) -> ExitCode {
    if verdict == ExitCode::Done && !beyond.is_empty() { ExitCode::Failed } else { verdict }
}

fn refused(baseline: &str, reasons: Vec<String>) -> Result<(), Stop> {
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Stop::usage(format!("--baseline {baseline}: cannot be compared\n  {}", reasons.join("\n  "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_fails_a_test_that_passed_and_no_other() {
        let worse =
            [Regression { figure: "p50".to_owned(), sentence: "p50 is 30 % higher: worse".to_owned() }];
        assert_eq!(code(ExitCode::Done, &worse), ExitCode::Failed);
        assert_eq!(code(ExitCode::Done, &[]), ExitCode::Done);
        assert_eq!(code(ExitCode::Invalid, &worse), ExitCode::Invalid);
    }

    #[test]
    fn a_limit_without_a_baseline_is_refused() {
        let limit = RegressionArgs { max_regression: Some("5%".to_owned()) };
        let mut run = RunArgs { limit, ..RunArgs::default() };
        let message = Baseline::of(&run).err().map(|stop| stop.message).unwrap_or_default();
        assert!(
            message.starts_with("--max-regression 5%") && message.contains("--baseline TEST"),
            "{message}"
        );
        run.baseline = Some("latest".to_owned());
        assert!(Baseline::of(&run).is_ok());
    }

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
