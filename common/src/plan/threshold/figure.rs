//! A figure of the report that a threshold can name: a latency's, a ratio, or the throughput.

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
            percentile => percentile_of_name(percentile)?,
        })
    }
}

/// Most decimals of a percentile: p99.9999 is one request in a million.
const MAX_DECIMALS: usize = 6;

/// What `p99` or `p97.5` names. `p0` is the lowest and `p100` the highest.
fn percentile_of_name(name: &str) -> Option<LatencyFigure> {
    let text = name.strip_prefix('p')?;
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, if whole == "100" { 3 } else { 2 })
        || decimals.is_some_and(|decimals| !digits(decimals, MAX_DECIMALS))
    {
        return None;
    }
    let decimals = decimals.unwrap_or("");
    // Both numbers are whole and small, so that the division gives the f64 nearest to the decimal fraction:
    // p99.9 is the same number as the literal 0.999.
    let numerator: u32 = format!("{whole}{decimals}").parse().ok()?;
    let denominator = 10_f64.powi(i32::try_from(decimals.len()).ok()? + 2);
    match f64::from(numerator) / denominator {
        0.0 => Some(LatencyFigure::Min),
        1.0 => Some(LatencyFigure::Max),
        above if above > 1.0 => None,
        quantile => Some(LatencyFigure::Quantile(quantile)),
    }
}

/// A quantile as people call it: `p50`, `p97.5`; 1 is `max`.
pub fn quantile_name(quantile: f64) -> String {
    if quantile >= 1.0 {
        return "max".to_owned();
    }
    let text = format!("{:.*}", MAX_DECIMALS, quantile * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads the name of a figure, as in `response.p99`.
pub(super) fn parse_figure(name: &str) -> Result<Figure, String> {
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
    let figure = LatencyFigure::from_name(figure).ok_or_else(|| {
        format!(
            "unknown figure of {latency}; expected min, mean, median, mode, max or a percentile from p0 to p100, as in \
             p99 or p97.5"
        )
    })?;
    Ok(Figure::Latency { of, kind, figure })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(percentile_of_name(name), Some(LatencyFigure::Quantile(quantile)), "{name}");
            assert_eq!(quantile_name(quantile), name);
        }
        assert_eq!(percentile_of_name("p99.90"), Some(LatencyFigure::Quantile(0.999)));
        assert_eq!(quantile_name(1.0), "max");
        for (name, figure) in [
            ("p0", LatencyFigure::Min),
            ("p0.0", LatencyFigure::Min),
            ("p100", LatencyFigure::Max),
            ("p100.0", LatencyFigure::Max),
        ] {
            assert_eq!(percentile_of_name(name), Some(figure), "{name}");
        }
        for name in
            ["p100.1", "p101", "p000", "p", "p.5", "p9.", "p-1", "p+9", "p1e1", "p99.9999999", "99", "P99"]
        {
            assert_eq!(percentile_of_name(name), None, "{name}");
        }
    }
}
