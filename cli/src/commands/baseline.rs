//! `run --baseline`: the test that just ended beside an earlier one. What could not be compared is refused before the load.

use orchestrator::compare::{Regression, markdown, plan_reasons, refusals};
use orchestrator::model::TestView;
use orchestrator::report::files::{Form, junit_beside};
use serde_json::Value;

use super::compare::{Limit, show};
use crate::args::RunArgs;
use crate::client::Client;
use crate::exit::{ExitCode, Stop};
use crate::history::History;
use crate::report_files::ReportFiles;
use crate::say;

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
    /// Where the limit is not a share, or there is nothing that it limits.
    pub fn of(arguments: &RunArgs) -> Result<Self, Stop> {
        let limit = Limit::of(&arguments.limit)?;
        if let (None, Some(text)) = (&arguments.baseline, &arguments.limit.max_regression) {
            return Err(Stop::usage(format!(
                "--max-regression {text}: is for a comparison; name the test to compare with: --baseline TEST"
            )));
        }
        Ok(Self { limit, word: arguments.baseline.clone(), report: None })
    }

    /// The forms of the report that the comparison adds to: a limit says which figures are wrong, so that there are cases.
    pub fn gaining(&self) -> &'static [Form] {
        match (&self.word, self.limit.share()) {
            (None, _) => &[],
            (Some(_), None) => &[Form::Markdown],
            (Some(_), Some(_)) => &[Form::Markdown, Form::Junit],
        }
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
    /// Where its plan sends something else, or names another number of drivers.
    pub fn check(&self, created: &TestView) -> Result<(), Stop> {
        let Some(report) = &self.report else { return Ok(()) };
        refused(&report.test_id, reasons_against(&report.plan, report.drivers.len(), &created.plan))
    }

    /// Compares the test that ended with it, shows that on stdout, or on stderr where a file is stdout, and adds it to the
    /// Markdown and, where a limit says which figures are wrong, to the JUnit XML. The exit code is the test's own, or 3 where
    /// a figure is worse by more than allowed beyond doubt.
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
        let comparison = history.compare(&sides[0], &sides[1]).await;
        if comparison.is_err() {
            files.write_waiting(finished, self.gaining());
        }
        let comparison = match comparison {
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
        files.add_to_markdown(finished, &markdown(&comparison, self.limit.share(), &beyond));
        if self.limit.share().is_some() {
            files.replace_junit(|| junit_beside(finished, &comparison, &beyond));
        }
        Ok(code(verdict, &beyond))
    }
}

/// The exit code of a test that was compared: its own, or failed where it passed and a figure is worse by more than allowed.
fn code(verdict: ExitCode, beyond: &[Regression]) -> ExitCode {
    if verdict == ExitCode::Done && !beyond.is_empty() { ExitCode::Failed } else { verdict }
}

/// Why a test of this plan could not be compared with the baseline, of which so many drivers took part, as far as the plan
/// says it.
fn reasons_against(baseline: &Value, had: usize, plan: &Value) -> Vec<String> {
    if plan.get("capacity").is_some() {
        return vec!["this test is a search for the capacity, whose rate moves".to_owned()];
    }
    let mut reasons = plan_reasons(("the baseline", baseline), ("this test", plan));
    let drivers = match plan.get("drivers") {
        Some(Value::Array(names)) => Some(names.len()),
        Some(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        None => None,
    };
    if let Some(drivers) = drivers.filter(|drivers| *drivers != had) {
        reasons.push(format!("drivers: {had} in the baseline and {drivers} in this test (--drivers)"));
    }
    reasons
}

fn refused(baseline: &str, reasons: Vec<String>) -> Result<(), Stop> {
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Stop::usage(format!("--baseline {baseline}: cannot be compared\n  {}", reasons.join("\n  "))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::args::RegressionArgs;

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
        let of = |baseline: Option<&str>| {
            let limit = RegressionArgs { max_regression: Some("5%".to_owned()) };
            Baseline::of(&RunArgs { limit, baseline: baseline.map(str::to_owned), ..RunArgs::default() })
        };
        assert!(of(Some("latest")).is_ok_and(|baseline| baseline.gaining().contains(&Form::Junit)));
        let Err(stop) = of(None) else { panic!("it would be ignored") };
        assert!(
            stop.message.starts_with("--max-regression 5%") && stop.message.contains("--baseline TEST"),
            "{}",
            stop.message
        );
        assert!(Baseline::of(&RunArgs::default()).is_ok_and(|baseline| baseline.gaining().is_empty()));
    }

    #[test]
    fn what_could_not_be_compared_is_known_before_the_load() {
        let plan =
            |rate: u64| json!({ "target": { "url": "http://a/" }, "load": { "rate": rate }, "drivers": 2 });
        let against = |other: &Value| reasons_against(&plan(5), 2, other);
        assert_eq!(against(&plan(5)), [""; 0]);
        assert_eq!(against(&plan(6)), ["load.rate is 5 in the baseline and 6 in this test"]);
        let mut other = plan(5);
        other["drivers"] = json!(["one"]);
        assert_eq!(against(&other), ["drivers: 2 in the baseline and 1 in this test (--drivers)"]);
        other["drivers"] = json!("all");
        assert_eq!(against(&other), [""; 0], "how many there are is not known yet");
        other["capacity"] = json!({});
        assert!(against(&other)[0].contains("search for the capacity"));
    }
}
