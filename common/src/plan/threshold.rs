//! A threshold: a figure of the report and what it must be, as in `"response.p99" = "< 250ms"`.

use std::time::Duration;

use super::units::{parse_duration, parse_ratio, parse_throughput};
use crate::latency::LatencyKind;

/// A figure of the report that a threshold can name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A latency, compared in milliseconds.
    Latency {
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

/// A figure of one histogram.
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
    /// A quantile, 0 to 1 (the median is 0.5), by the name it was given.
    Quantile(f64),
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
    /// What is looked at.
    pub figure: Figure,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: milliseconds, a ratio, or requests per second.
    pub bound: f64,
    /// As people read it, as in `response.p99 < 250ms`.
    pub expression: String,
}

/// Why a text is no threshold.
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

/// The figures of a latency by name.
const LATENCY_FIGURES: [(&str, LatencyFigure); 10] = [
    ("min", LatencyFigure::Min),
    ("mean", LatencyFigure::Mean),
    ("median", LatencyFigure::Quantile(0.5)),
    ("mode", LatencyFigure::Mode),
    ("p90", LatencyFigure::Quantile(0.9)),
    ("p95", LatencyFigure::Quantile(0.95)),
    ("p99", LatencyFigure::Quantile(0.99)),
    ("p99.9", LatencyFigure::Quantile(0.999)),
    ("p99.99", LatencyFigure::Quantile(0.9999)),
    ("max", LatencyFigure::Max),
];

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
        Ok(Self { each_driver, figure, comparison, bound, expression })
    }

    /// Splits the form that flags have, as in `response.p99 < 250ms`, into key and condition.
    ///
    /// # Errors
    /// Where there is no comparison in it.
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
    let kind = |name| match name {
        "lag" => Some(LatencyKind::Lag),
        "service" => Some(LatencyKind::Service),
        "response" => Some(LatencyKind::Response),
        _ => None,
    };
    let (latency, figure) = name.split_once('.').unwrap_or((name, ""));
    let Some(kind) = kind(latency) else {
        return Err(
            "unknown figure; expected response, service or lag with a figure (as in response.p99), errors.ratio, \
             dropped.ratio or throughput, with driver. before it to hold for each driver"
                .to_owned(),
        );
    };
    let found = LATENCY_FIGURES.iter().find(|(known, _)| *known == figure);
    found.map(|(_, figure)| Figure::Latency { kind, figure: *figure }).ok_or_else(|| {
        let known: Vec<&str> = LATENCY_FIGURES.iter().map(|(name, _)| *name).collect();
        format!("unknown figure of {latency}; expected one of {}", known.join(" "))
    })
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
            let bound = parse_throughput(text)?;
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
        let quantile = LatencyFigure::Quantile(0.99);
        assert_eq!(p99.figure, Figure::Latency { kind: LatencyKind::Response, figure: quantile });
        assert!(!p99.each_driver);
        assert!(check("driver.lag.p99.99 <= 1.5ms", 1.5).each_driver);
        assert_eq!(check("errors.ratio < 0.1%", 0.001).figure, Figure::ErrorsRatio);
        assert_eq!(check("driver.dropped.ratio < 0.5", 0.5).figure, Figure::DroppedRatio);
        assert_eq!(check("throughput >= 1980/s", 1980.0).comparison, Comparison::GreaterOrEqual);
        check("service.median > 17us", 0.017);
    }

    #[test]
    fn every_figure_of_the_list_is_known() {
        for latency in ["lag", "service", "response"] {
            for (name, _) in LATENCY_FIGURES {
                check(&format!("{latency}.{name} < 1s"), 1_000.0);
                check(&format!("driver.{latency}.{name} < 1s"), 1_000.0);
            }
        }
    }

    #[track_caller]
    fn wrong(key: &str, condition: &str, expected: &str) {
        let error = Threshold::parse(key, condition).unwrap_err();
        assert!(error.to_string().contains(expected), "{key} {condition}: {error}");
    }

    #[test]
    fn what_is_no_threshold_says_what_would_be() {
        wrong("response.p42", "< 1ms", "p99.9");
        wrong("turn.p99", "< 1ms", "expected response, service or lag");
        wrong("response.p99", "< 250", "has no unit");
        wrong("response.p99", "= 250ms", "expected <, <=");
        wrong("response.p99", "< 2h", "at most 1h");
        wrong("errors.ratio", "< 101%", "from 0% to 100%");
        wrong("throughput", ">= fast", "as in \"1980/s\"");
        assert!(Threshold::split_expression("response.p99 250ms").is_err());
    }

    #[test]
    fn comparisons_differ_at_the_bound() {
        assert!(Comparison::LessOrEqual.holds(1.0, 1.0) && !Comparison::Less.holds(1.0, 1.0));
        assert!(Comparison::GreaterOrEqual.holds(1.0, 1.0) && !Comparison::Greater.holds(1.0, 1.0));
        assert!(!Comparison::Less.holds(f64::NAN, 1.0), "no figure breaks a threshold by being none");
    }
}
