//! A threshold: a figure of the report and what it must be, as in `"response.p99" = "< 250ms"`.

use std::time::Duration;

use super::rate::parse_rate;
use super::units::{parse_duration, parse_ratio};
use crate::ids::RequestName;
use crate::latency::{LatencyKind, Outcome};

/// A figure of the report that a threshold can name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A latency, compared in milliseconds.
    Latency {
        /// Of which requests.
        of: Outcome,
        /// Which latency: lag, service or response.
        kind: LatencyKind,
        /// Which of its figures.
        figure: LatencyFigure,
    },
    /// (failed - cancelled) / (sent - cancelled), 0 to 1.
    ErrorsRatio,
    /// dropped (in flight) / scheduled, 0 to 1.
    DroppedRatio,
    /// Completed per second of the schedule.
    Throughput,
}

/// A figure of one latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LatencyFigure {
    /// Lowest.
    Min,
    /// Arithmetic mean.
    Mean,
    /// Middle of the densest bucket.
    Mode,
    /// Highest.
    Max,
    /// A quantile, above 0 and at most 1 (the median is 0.5, p97.5 is 0.975).
    Quantile(f64),
}

impl LatencyFigure {
    /// Reads `min`, `mean`, `median`, `mode`, `max`, or any percentile as in `p99` and `p97.5`.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "median" => Self::Quantile(0.5),
            "mode" => Self::Mode,
            "max" => Self::Max,
            percentile => Self::Quantile(percentile_of_name(percentile)?),
        })
    }
}

/// Most decimals of a percentile: p99.9999 is one request in a million.
const MAX_DECIMALS: usize = 6;

/// The quantile that `p99` or `p97.5` names: above 0 and below 1.
fn percentile_of_name(name: &str) -> Option<f64> {
    let text = name.strip_prefix('p')?;
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 2) || decimals.is_some_and(|decimals| !digits(decimals, MAX_DECIMALS)) {
        return None;
    }
    let decimals = decimals.unwrap_or("");
    // Both numbers are whole and small, so that the division gives the f64 nearest to the decimal fraction:
    // p99.9 is the same number as the literal 0.999.
    let numerator: u32 = format!("{whole}{decimals}").parse().ok()?;
    let denominator = 10_f64.powi(i32::try_from(decimals.len()).ok()? + 2);
    (numerator > 0).then(|| f64::from(numerator) / denominator)
}

/// A quantile as people call it: `p50`, `p97.5`; 1 is `max`.
pub fn quantile_name(quantile: f64) -> String {
    if quantile >= 1.0 {
        return "max".to_owned();
    }
    let text = format!("{:.*}", MAX_DECIMALS, quantile * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

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
    /// The requests of which name it looks at; `None`: all of the test. A plan's one request has no name, so the reader
    /// of a plan does not set it yet.
    pub request: Option<RequestName>,
    /// What is looked at.
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
    /// Reads a key of `[thresholds]` and its value, as in `response.p99` and `< 250ms`.
    ///
    /// # Errors
    /// Which of the two is wrong, and what would be right.
    pub fn parse(key: &str, condition: &str) -> Result<Self, ThresholdError> {
        let key = key.trim();
        let (each_driver, name) = match key.strip_prefix("driver.") {
            Some(name) => (true, name),
            None => (false, key),
        };
        let figure = parse_figure(name).map_err(ThresholdError::Figure)?;
        let (comparison, text) = parse_comparison(condition.trim()).map_err(ThresholdError::Bound)?;
        let bound = parse_bound(figure, text).map_err(ThresholdError::Bound)?;
        let expression = format!("{key} {} {text}", comparison.as_str());
        Ok(Self { each_driver, request: None, figure, comparison, bound, expression })
    }

    /// Splits the form that flags have, as in `response.p99 < 250ms`, into key and condition.
    ///
    /// # Errors
    /// Where the text has no comparison.
    pub fn split_expression(expression: &str) -> Result<(&str, &str), ThresholdError> {
        let at = expression.find(['<', '>']).ok_or_else(|| {
            ThresholdError::Bound("expected a comparison, as in \"response.p99 < 250ms\"".to_owned())
        })?;
        let (key, condition) = expression.split_at(at);
        Ok((key.trim(), condition.trim()))
    }

    /// The key of `[thresholds]`, `driver.` included.
    pub fn key(&self) -> &str {
        self.expression.split_once(' ').map_or(self.expression.as_str(), |(key, _)| key)
    }

    /// The value of that key, as in `< 250ms`.
    pub fn condition(&self) -> &str {
        self.expression.split_once(' ').map_or("", |(_, condition)| condition)
    }
}

fn parse_figure(name: &str) -> Result<Figure, String> {
    match name {
        "errors.ratio" => return Ok(Figure::ErrorsRatio),
        "dropped.ratio" => return Ok(Figure::DroppedRatio),
        "throughput" => return Ok(Figure::Throughput),
        _ => {}
    }
    let (of, of_these) = match (name.strip_prefix("success."), name.strip_prefix("failed.")) {
        (Some(rest), _) => (Outcome::Success, rest),
        (_, Some(rest)) => (Outcome::Failed, rest),
        _ => (Outcome::All, name),
    };
    let (latency, figure) = of_these.split_once('.').unwrap_or((of_these, ""));
    let kind = match latency {
        "lag" if of == Outcome::All => LatencyKind::Lag,
        "lag" => return Err("lag is of every request that was sent; leave out the part before it".to_owned()),
        "service" => LatencyKind::Service,
        "response" => LatencyKind::Response,
        _ if LatencyFigure::from_name(name).is_some() => {
            return Err(format!("\"{name}\" alone is not clear: did you mean response.{name}?"));
        }
        _ if of != Outcome::All && LatencyFigure::from_name(of_these).is_some() => {
            let part = name.strip_suffix(of_these).unwrap_or_default();
            return Err(format!("did you mean {part}response.{of_these}?"));
        }
        _ => {
            return Err(
                "unknown figure; expected response, service or lag with a figure (as in response.p99, or \
                 success.response.p99 for completed requests only), errors.ratio, dropped.ratio or throughput, with \
                 driver. before it to hold for each driver"
                    .to_owned(),
            );
        }
    };
    let figure = LatencyFigure::from_name(figure).ok_or_else(|| match figure {
        "p100" => format!("p100 is the highest: did you mean {latency}.max?"),
        _ => format!(
            "unknown figure of {latency}; expected min, mean, median, mode, max or a percentile above p0 and below \
             p100, as in p99 or p97.5"
        ),
    })?;
    Ok(Figure::Latency { of, kind, figure })
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

    #[test]
    fn a_percentile_is_the_number_that_people_write_and_has_its_name_again() {
        for (name, quantile) in [
            ("p1", 0.01),
            ("p7", 0.07),
            ("p50", 0.5),
            ("p75", 0.75),
            ("p97.5", 0.975),
            ("p99.9", 0.999),
            ("p99.99", 0.9999),
            ("p99.999", 0.99999),
            ("p0.5", 0.005),
        ] {
            assert_eq!(percentile_of_name(name), Some(quantile), "{name}");
            assert_eq!(quantile_name(quantile), name);
        }
        assert_eq!(percentile_of_name("p99.90"), Some(0.999));
        assert_eq!(quantile_name(1.0), "max");
        for name in ["p0", "p100", "p", "p.5", "p9.", "p-1", "p+9", "p1e1", "p99.9999999", "99", "P99"] {
            assert_eq!(percentile_of_name(name), None, "{name}");
        }
    }

    #[track_caller]
    fn wrong(key: &str, condition: &str, expected: &str) {
        let error = Threshold::parse(key, condition).unwrap_err();
        assert!(error.to_string().contains(expected), "{key} {condition}: {error}");
    }

    #[test]
    fn what_is_no_threshold_says_what_would_be() {
        wrong("response.p0", "< 1ms", "a percentile above p0 and below p100");
        wrong("response.p100", "< 1ms", "did you mean response.max?");
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
