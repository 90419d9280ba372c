//! A threshold: a figure of the report and what it must be, as in `"response.p99" = "< 250ms"`.

mod defaults;
mod figure;
mod of;

use std::time::Duration;

pub use figure::{Figure, LatencyFigure, quantile_name};
pub use of::{Naming, StatisticsNames, ThresholdOf};

use super::rate::parse_rate;
use super::units::{parse_duration, parse_ratio};

/// How the figure and the bound compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// As people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether the figure is what it must be.
    pub fn holds(self, figure: f64, bound: f64) -> bool {
        match self {
            Self::Less => figure < bound,
            Self::LessOrEqual => figure <= bound,
            Self::Greater => figure > bound,
            Self::GreaterOrEqual => figure >= bound,
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Whether it must hold for each driver rather than for the fleet (`driver.` before the figure).
    pub each_driver: bool,
    /// What it looks at: all requests, those of a name, a group, a poll, or sessions.
    pub of: ThresholdOf,
    /// Which figure of these.
    pub figure: Figure,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: milliseconds, a ratio, or requests per second.
    pub bound: f64,
    /// As people read it, as in `response.p99 < 250ms`.
    pub expression: String,
}

/// Why a text is not a valid threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// The figure's name is not in the list.
    #[error("{0}")]
    Figure(String),
    /// The comparison or its bound cannot be read.
    #[error("{0}")]
    Bound(String),
}

/// What a latency's threshold can be: as long as a histogram reaches.
const MAX_LATENCY: Duration = Duration::from_secs(3_600);

/// Highest bound of a throughput, requests per second.
const MAX_THROUGHPUT_PER_S: f64 = 1e9;

impl Threshold {
    /// Reads a key of `[thresholds]` and its value, as in `response.p99` and `< 250ms`, of a plan with one request.
    ///
    /// # Errors
    /// Which of the two is wrong, and what would be right.
    pub fn parse(key: &str, condition: &str) -> Result<Self, ThresholdError> {
        Self::parse_in(key, condition, Naming::Unnamed)
    }

    /// Reads a key of `[thresholds]` and its value where names may stand before the figure, as in
    /// `create.response.p99`.
    ///
    /// # Errors
    /// Which of the two is wrong, and what would be right.
    pub fn parse_in(key: &str, condition: &str, naming: Naming<'_>) -> Result<Self, ThresholdError> {
        let key = key.trim();
        let (each_driver, name) = match key.strip_prefix("driver.") {
            Some(name) => (true, name),
            None => (false, key),
        };
        let (of, figure) = of::parse_key(name, naming).map_err(ThresholdError::Figure)?;
        let (comparison, text) = parse_comparison(condition.trim()).map_err(ThresholdError::Bound)?;
        let bound = parse_bound(figure, text).map_err(ThresholdError::Bound)?;
        let expression = format!("{key} {} {text}", comparison.as_str());
        Ok(Self { each_driver, of, figure, comparison, bound, expression })
    }

    /// Splits the form that flags have, as in `response.p99 < 250ms`, into key and condition.
    ///
    /// # Errors
    /// Where the text has no comparison.
    pub fn split_expression(expression: &str) -> Result<(&str, &str), ThresholdError> {
        // The name in a key may hold comparisons; a bound holds none.
        let at = expression.rfind(['<', '>']).ok_or_else(|| {
            ThresholdError::Bound("expected a comparison, as in \"response.p99 < 250ms\"".to_owned())
        })?;
        let (key, condition) = expression.split_at(at);
        Ok((key.trim(), condition.trim()))
    }

    /// The key of `[thresholds]`, `driver.` included.
    pub fn key(&self) -> &str {
        self.parts().0
    }

    /// The value of that key, as in `< 250ms`.
    pub fn condition(&self) -> &str {
        self.parts().1
    }

    /// Key and condition. The name in a key may hold blanks and comparisons; a bound holds neither of the latter.
    fn parts(&self) -> (&str, &str) {
        let at = self.expression.rfind(['<', '>']).unwrap_or(self.expression.len());
        let (key, condition) = self.expression.split_at(at);
        (key.trim_end(), condition)
    }
}

fn parse_comparison(condition: &str) -> Result<(Comparison, &str), String> {
    let comparisons =
        [Comparison::LessOrEqual, Comparison::GreaterOrEqual, Comparison::Less, Comparison::Greater];
    for comparison in comparisons {
        if let Some(bound) = condition.strip_prefix(comparison.as_str()) {
            return Ok((comparison, bound.trim()));
        }
    }
    Err("expected <, <=, > or >= and a bound, as in \"< 250ms\"".to_owned())
}

fn parse_bound(figure: Figure, text: &str) -> Result<f64, String> {
    match figure {
        Figure::Latency { .. } => {
            let bound = parse_duration(text)?;
            if bound > MAX_LATENCY {
                return Err("a latency is at most 1h".to_owned());
            }
            Ok(bound.as_nanos() as f64 / 1e6)
        }
        Figure::ErrorsRatio | Figure::DroppedRatio => {
            let bound = parse_ratio(text)?;
            if bound > 1.0 {
                return Err("a share is from 0% to 100%".to_owned());
            }
            Ok(bound)
        }
        Figure::Throughput => {
            let bound = parse_rate(text)?;
            if bound > MAX_THROUGHPUT_PER_S {
                return Err("a throughput is at most 1000000000/s".to_owned());
            }
            Ok(bound)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{LatencyKind, Outcome};

    #[track_caller]
    fn check(expression: &str, bound: f64) -> Threshold {
        let (key, condition) = Threshold::split_expression(expression).unwrap();
        let threshold = Threshold::parse(key, condition).unwrap();
        assert_eq!(threshold.bound, bound, "{expression}");
        let again = Threshold::parse(threshold.key(), threshold.condition()).unwrap();
        assert_eq!(again, threshold, "{expression}: as written again");
        threshold
    }

    #[test]
    fn a_threshold_is_a_figure_a_comparison_and_a_bound() {
        let p99 = check("response.p99<250ms", 250.0);
        assert_eq!(p99.expression, "response.p99 < 250ms");
        let (of, kind) = (Outcome::All, LatencyKind::Response);
        assert_eq!(p99.figure, Figure::Latency { of, kind, figure: LatencyFigure::Quantile(0.99) });
        assert!(!p99.each_driver);
        assert!(check("driver.lag.p99.99 <= 1.5ms", 1.5).each_driver);
        assert_eq!(check("errors.ratio < 0.1%", 0.001).figure, Figure::ErrorsRatio);
        assert_eq!(check("driver.dropped.ratio < 0.5", 0.5).figure, Figure::DroppedRatio);
        assert_eq!(check("throughput >= 1980/s", 1980.0).comparison, Comparison::GreaterOrEqual);
        assert_eq!(check("throughput >= 2k/s", 2_000.0).condition(), ">= 2k/s");
        check("service.median > 17us", 0.017);
    }

    #[test]
    fn every_figure_of_the_list_is_known() {
        let percentiles = ["p1", "p50", "p75", "p90", "p97.5", "p99", "p99.9", "p99.99", "p99.999999"];
        for latency in ["lag", "service", "response", "success.response", "failed.service"] {
            for name in ["min", "mean", "median", "mode", "max"].into_iter().chain(percentiles) {
                check(&format!("{latency}.{name} < 1s"), 1_000.0);
                check(&format!("driver.{latency}.{name} < 1s"), 1_000.0);
            }
        }
    }

    #[test]
    fn completed_and_failed_requests_have_figures_of_their_own() {
        let of = |expression| match check(expression, 70.0).figure {
            Figure::Latency { of, kind, .. } => (of, kind),
            figure => panic!("{figure:?}"),
        };
        assert_eq!(of("success.response.p75 < 70ms"), (Outcome::Success, LatencyKind::Response));
        assert_eq!(of("driver.failed.service.mean < 70ms"), (Outcome::Failed, LatencyKind::Service));
        assert_eq!(of("service.p75 < 70ms"), (Outcome::All, LatencyKind::Service));
    }

    #[track_caller]
    fn wrong(key: &str, condition: &str, expected: &str) {
        let error = Threshold::parse(key, condition).unwrap_err();
        assert!(error.to_string().contains(expected), "{key} {condition}: {error}");
    }

    #[test]
    fn what_is_no_threshold_says_what_would_be() {
        wrong("response.p101", "< 1ms", "a percentile from p0 to p100");
        wrong("response", "< 1ms", "expected min, mean, median");
        wrong("p95", "< 1ms", "\"p95\" alone is not clear: did you mean response.p95?");
        wrong("driver.median", "< 1ms", "did you mean response.median?");
        wrong("p99.9", "< 1ms", "did you mean response.p99.9?");
        wrong("success.p95", "< 1ms", "did you mean success.response.p95?");
        wrong("failed.p99.9", "< 1ms", "did you mean failed.response.p99.9?");
        wrong("failed.lag.p95", "< 1ms", "lag is of every request that was sent");
        wrong("failed.ratio", "< 1%", "unknown figure");
        wrong("turn.p99", "< 1ms", "expected response, service or lag");
        wrong("response.p99", "< 250", "has no unit");
        wrong("response.p99", "= 250ms", "expected <, <=");
        wrong("response.p99", "< 2h", "at most 1h");
        wrong("errors.ratio", "< 101%", "from 0% to 100%");
        wrong("throughput", ">= fast", "as in 200 or \"200/s\"");
        assert!(Threshold::split_expression("response.p99 250ms").is_err());
    }

    #[test]
    fn comparisons_differ_at_the_bound() {
        assert!(Comparison::LessOrEqual.holds(1.0, 1.0) && !Comparison::Less.holds(1.0, 1.0));
        assert!(Comparison::GreaterOrEqual.holds(1.0, 1.0) && !Comparison::Greater.holds(1.0, 1.0));
        assert!(!Comparison::Less.holds(f64::NAN, 1.0), "no figure breaks a threshold by being none");
    }
}
