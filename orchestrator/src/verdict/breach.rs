//! Whether a window of seconds breaks a condition of `[abort]`, and the sentence that says so. The figure is found as that
//! of a threshold is; what differs is that the comparison is the breach.

use std::time::Duration;

use common::plan::{Abort, Comparison, Figure};

use super::Facts;
use super::found::{Value, find};
use crate::human::{ms, percent, rate};

/// What the figure was, as in `was 34 %`, where it breaks the condition; `None` where it does not, or there was nothing
/// to measure.
pub fn look(facts: &Facts<'_>, abort: &Abort) -> Option<String> {
    let threshold = &abort.breach;
    let breaks = |value: f64| threshold.comparison.holds(value, threshold.bound);
    // These count as slower than any completed request.
    let slower = "fell among what failed or was dropped";
    match find(facts, threshold, None).value {
        Value::Is(value) | Value::OfTheKnown(value) => {
            breaks(value).then(|| format!("was {}", shown(threshold.figure, value)))
        }
        Value::AtLeast(value) => (breaks(value) && breaks(f64::INFINITY))
            .then(|| format!("was at least {}", shown(threshold.figure, value))),
        Value::AtMost(value) => {
            (breaks(value) && breaks(0.0)).then(|| format!("was at most {}", shown(threshold.figure, value)))
        }
        Value::Beyond(_) => breaks(f64::INFINITY).then(|| slower.to_owned()),
        Value::NoneCompleted => {
            breaks(f64::INFINITY).then(|| "had no value, because none completed,".to_owned())
        }
        Value::NoneFailed | Value::Nothing | Value::Unknown => None,
    }
}

/// The whole sentence; `ends_at`: how long after the start the window ended.
pub fn sentence(abort: &Abort, was: &str, ends_at: Duration) -> String {
    let threshold = &abort.breach;
    let bound = shown(threshold.figure, threshold.bound);
    let bound = match threshold.comparison {
        Comparison::Greater => format!("above {bound}"),
        Comparison::GreaterOrEqual => format!("at {bound} or above"),
        Comparison::Less => format!("below {bound}"),
        Comparison::LessOrEqual => format!("at {bound} or below"),
    };
    format!(
        "{} {was} over the {} s up to {}, and [abort] ends the test {bound}",
        abort.key(),
        abort.over.as_secs(),
        since_start(ends_at)
    )
}

fn shown(figure: Figure, value: f64) -> String {
    match figure {
        Figure::Latency { .. } => ms(value),
        Figure::ErrorsRatio | Figure::DroppedRatio => percent(value),
        Figure::Throughput => rate(value),
    }
}

/// A time since the start, as in `00:42` or `1:02:03`.
fn since_start(at: Duration) -> String {
    let (hours, minutes, seconds) = (at.as_secs() / 3_600, at.as_secs() / 60 % 60, at.as_secs() % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use common::plan::Naming;

    use super::*;

    #[test]
    fn a_sentence_names_figure_window_end_and_bound() {
        for (key, condition, was, at, expected) in [
            (
                "errors.ratio",
                "> 20% for 15s",
                "was 34 %",
                42,
                "errors.ratio was 34 % over the 15 s up to 00:42, and [abort] ends the test above 20 %",
            ),
            (
                "response.p99",
                ">= 2s for 1m",
                "was 2.00 s",
                3_723,
                "response.p99 was 2.00 s over the 60 s up to 1:02:03, and [abort] ends the test at 2.00 s or above",
            ),
            (
                "throughput",
                "< 50/s for 2s",
                "was 7/s",
                600,
                "throughput was 7/s over the 2 s up to 10:00, and [abort] ends the test below 50/s",
            ),
        ] {
            let abort = Abort::parse_in(key, condition, Naming::Unnamed).unwrap();
            assert_eq!(sentence(&abort, was, Duration::from_secs(at)), expected);
        }
    }
}
