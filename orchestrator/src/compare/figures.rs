//! The figures of two sides, one by one: whether this data can tell how they differ, and how.

use super::confidence_of_one;
use super::words::{Cannot, Found, sentence};
use crate::model::{ComparedFigure, ComparedOutcome, ComparedWhat};
use crate::statistics::{
    Difference, Estimate, Figure, Interval, Side, Variance, between_services, between_tests, between_windows,
};

/// Fewest windows of a side.
const MIN_WINDOWS: usize = 60;

/// With fewer windows a series that lingers is not believed.
const LONG: usize = 300;

/// Correlation of neighbouring windows from which on a series lingers.
const LINGERS: f64 = 0.7;

/// Fewest independent windows that the windows of a side must be worth, however long the series is.
const MIN_EFFECTIVE: f64 = 10.0;

/// A ratio's interval of at least this half-width says nothing: 50 %.
const SAYS_NOTHING: f64 = 0.5;

/// The half-width that a longer test is advised for: 25 %.
const WORTHWHILE: f64 = 0.25;

/// The half-width from which on an interval of error ratios says nothing: 10 percentage points.
const SAYS_NOTHING_POINTS: f64 = 0.1;

/// A figure that is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub name: &'static str,
    unit: &'static str,
    figure: Figure,
    /// How many of the figure's units are one of `unit`.
    scale: f64,
    /// Fewest requests that are slower than a quantile, of a side.
    min_above: f64,
}

/// All figures that are compared.
pub(super) const KINDS: [Kind; 7] = [
    Kind { name: "throughput", unit: "per_s", figure: Figure::Throughput, scale: 1.0, min_above: 0.0 },
    Kind { name: "errors", unit: "ratio", figure: Figure::Errors, scale: 1.0, min_above: 0.0 },
    Kind { name: "mean", unit: "ms", figure: Figure::Mean, scale: 1e3, min_above: 0.0 },
    Kind { name: "p50", unit: "ms", figure: Figure::Quantile(0.5), scale: 1e3, min_above: 20.0 },
    Kind { name: "p90", unit: "ms", figure: Figure::Quantile(0.9), scale: 1e3, min_above: 20.0 },
    Kind { name: "p99", unit: "ms", figure: Figure::Quantile(0.99), scale: 1e3, min_above: 20.0 },
    Kind { name: "p99.9", unit: "ms", figure: Figure::Quantile(0.999), scale: 1e3, min_above: 100.0 },
];

/// Each figure of two sides.
pub(super) fn compare(a: &Side, b: &Side, asked: ComparedWhat) -> Vec<ComparedFigure> {
    KINDS.iter().map(|kind| one(kind, a, b, asked)).collect()
}

fn one(kind: &Kind, a: &Side, b: &Side, asked: ComparedWhat) -> ComparedFigure {
    let (of_a, of_b) = (Estimate::of(a, kind.figure), Estimate::of(b, kind.figure));
    let (Some(of_a), Some(of_b)) = (of_a, of_b) else {
        let without = if Estimate::of(a, kind.figure).is_none() { 'A' } else { 'B' };
        return view(kind, None, Found::Cannot(Cannot::Nothing(without)));
    };
    let difference = match asked {
        ComparedWhat::Tests => Ok(between_tests(&of_a, &of_b, confidence_of_one())),
        ComparedWhat::Service => of_services(kind, a, b),
    };
    let difference = match difference {
        Ok(difference) => difference,
        Err(why) => return view(kind, None, Found::Cannot(why)),
    };
    let sides = [(a, &of_a), (b, &of_b)];
    let most = |needed: [Option<f64>; 2]| needed.into_iter().flatten().reduce(f64::max);
    let few = most(sides.map(|(side, _)| has_few(kind, side)));
    // Between services it is the tests that count, each as one.
    let lingers = match asked {
        ComparedWhat::Tests => most(sides.map(|(side, of)| lingers(side, of.variance()))),
        ComparedWhat::Service => None,
    };
    let seconds = a.seconds().min(b.seconds());
    match (few, lingers) {
        (None, None) => view(kind, Some(difference), found(kind, &difference, seconds, asked)),
        (None, Some(needed)) => match between_windows(&of_a, &of_b) {
            Some(apart) => view(kind, Some(apart), found(kind, &apart, seconds, asked)),
            None => view(kind, Some(difference), Found::Cannot(Cannot::Run(needed))),
        },
        (few, lingers) => {
            let needed = most([few, lingers]).unwrap_or(seconds);
            view(kind, Some(difference), Found::Cannot(Cannot::Run(needed)))
        }
    }
}

/// The difference of two services: how tests of one differ is what counts.
fn of_services(kind: &Kind, a: &Side, b: &Side) -> Result<Difference, Cannot> {
    let (a, b): (Vec<Side>, Vec<Side>) = (a.each().collect(), b.each().collect());
    let of_a = estimates(kind, &a).ok_or(Cannot::NothingInOne('A'))?;
    let of_b = estimates(kind, &b).ok_or(Cannot::NothingInOne('B'))?;
    let difference = between_services(&of_a, &of_b, kind.figure != Figure::Errors, confidence_of_one());
    // A percentile that falls among failed requests in one of the tests has no mean over them.
    difference.ok_or(Cannot::AmongSlower)
}

/// The figure of each test; `None` where one has none.
fn estimates<'s>(kind: &Kind, tests: &'s [Side]) -> Option<Vec<Estimate<'s>>> {
    tests.iter().map(|test| Estimate::of(test, kind.figure)).collect()
}

/// How many seconds a side would need at least for this figure, where it has fewer windows or requests than that.
fn has_few(kind: &Kind, side: &Side) -> Option<f64> {
    let mut needed = 0.0_f64;
    if let Figure::Quantile(p) = kind.figure {
        let above = side.requests() as f64 * (1.0 - p);
        if above < kind.min_above {
            needed = side.seconds() * kind.min_above / above.max(0.1);
        }
    }
    if side.windows() < MIN_WINDOWS {
        needed = needed.max(MIN_WINDOWS as f64);
    }
    Some(needed).filter(|needed| *needed > 0.0)
}

/// How many seconds a side would need at least, where its windows resemble their neighbours so much that it is too short to
/// show how long a state of it lasts.
fn lingers(side: &Side, variance: Variance) -> Option<f64> {
    let mut needed = 0.0_f64;
    if side.windows() < LONG && variance.lag_1 > LINGERS {
        needed = LONG as f64;
    }
    if variance.effective < MIN_EFFECTIVE {
        needed = needed.max(side.seconds() * MIN_EFFECTIVE / variance.effective.max(0.1));
    }
    Some(needed).filter(|needed| *needed > 0.0)
}

fn found(kind: &Kind, difference: &Difference, seconds: f64, asked: ComparedWhat) -> Found {
    let longer = |half: f64, says_nothing: f64| {
        let times = if half.is_finite() { (half / (says_nothing / 2.0)).powi(2) } else { 16.0 };
        match asked {
            ComparedWhat::Tests => Found::Cannot(Cannot::Run(seconds * times)),
            ComparedWhat::Service => Found::Cannot(Cannot::MoreTests),
        }
    };
    if kind.figure == Figure::Errors {
        let of = difference.minus;
        let half = (of.high - of.low) / 2.0;
        return match of {
            of if of.low > 0.0 || of.high < 0.0 => Found::Points { low: of.low, high: of.high },
            _ if half >= SAYS_NOTHING_POINTS => longer(half, SAYS_NOTHING_POINTS),
            _ => Found::NoPoints { half },
        };
    }
    let Some(of) = difference.ratio else { return Found::Cannot(Cannot::AmongSlower) };
    let half = half_width(of);
    match of {
        of if of.low > 1.0 && of.high.is_finite() => Found::Ratio { low: of.low, high: of.high },
        of if of.low > 1.0 => Found::AtLeast { low: of.low },
        of if of.high < 1.0 && of.low > 0.0 => Found::Ratio { low: of.low, high: of.high },
        of if of.high < 1.0 => Found::AtMost { high: of.high },
        _ if half >= SAYS_NOTHING || !half.is_finite() => longer(half, WORTHWHILE * 2.0),
        _ => Found::None { half },
    }
}

/// Half the width of a ratio's interval, as a share.
fn half_width(of: Interval) -> f64 {
    ((of.high / of.low).ln() / 2.0).exp_m1()
}

fn view(kind: &Kind, difference: Option<Difference>, found: Found) -> ComparedFigure {
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let scaled = |value: f64| finite(value / kind.scale);
    let ratio = difference.and_then(|of| of.ratio);
    let points = difference.map(|of| of.minus).filter(|_| kind.figure == Figure::Errors);
    let half = match points {
        Some(of) => finite((of.high - of.low) / 2.0),
        None => ratio.and_then(|of| finite(half_width(of))),
    };
    ComparedFigure {
        figure: kind.name.to_owned(),
        unit: kind.unit.to_owned(),
        a: difference.and_then(|of| scaled(of.a.estimate)),
        b: difference.and_then(|of| scaled(of.b.estimate)),
        a_low: difference.and_then(|of| scaled(of.a.low)),
        a_high: difference.and_then(|of| scaled(of.a.high)),
        b_low: difference.and_then(|of| scaled(of.b.low)),
        b_high: difference.and_then(|of| scaled(of.b.high)),
        ratio: ratio.filter(|of| of.estimate > 0.0).and_then(|of| finite(of.estimate)),
        low: ratio.and_then(|of| finite(of.low)),
        high: ratio.and_then(|of| finite(of.high)),
        half_width: half,
        difference: points.and_then(|of| finite(of.estimate)),
        difference_low: points.and_then(|of| finite(of.low)),
        difference_high: points.and_then(|of| finite(of.high)),
        outcome: outcome(kind, found),
        sentence: sentence(kind.name, found, outcome(kind, found)),
    }
}

fn outcome(kind: &Kind, found: Found) -> ComparedOutcome {
    let higher = match found {
        Found::Ratio { low, .. } | Found::AtLeast { low } => low > 1.0,
        Found::AtMost { .. } => false,
        Found::Points { low, .. } => low > 0.0,
        Found::None { .. } | Found::NoPoints { .. } => return ComparedOutcome::Same,
        Found::Cannot(_) => return ComparedOutcome::CannotTell,
    };
    if higher == (kind.figure == Figure::Throughput) {
        ComparedOutcome::Better
    } else {
        ComparedOutcome::Worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{Series, Window};

    /// A test of 90 s: each second 100 requests completed after so many µs, more or less, and so many failed.
    fn test(us: u64, failed: u64) -> Series {
        let window = |t: u64| Window {
            slower: failed,
            failed,
            ended: 100 + failed,
            in_schedule: 100,
            seconds: 1.0,
            ..Window::new([(us + t % 3, 100)])
        };
        Series::new((0..90).map(window).collect())
    }

    fn figure(figures: &[ComparedFigure], name: &str) -> ComparedFigure {
        figures.iter().find(|figure| figure.figure == name).unwrap().clone()
    }

    #[test]
    fn a_percentile_that_left_the_failed_requests_is_lower_by_at_least_so_much() {
        let (failing, well) = (Side::new(vec![test(500, 5)]), Side::new(vec![test(200, 0)]));
        let p99 = figure(&compare(&failing, &well, ComparedWhat::Tests), "p99");
        assert_eq!((p99.a, p99.ratio, p99.outcome), (None, None, ComparedOutcome::Better), "{p99:?}");
        assert!(p99.high.is_some_and(|high| high < 0.42), "{p99:?}");
        assert_eq!(p99.sentence, "p99 is at least 60 % lower: better");
        let p99 = figure(&compare(&well, &failing, ComparedWhat::Tests), "p99");
        assert_eq!((p99.b, p99.ratio, p99.outcome), (None, None, ComparedOutcome::Worse), "{p99:?}");
        assert!(p99.sentence.starts_with("p99 is at least "), "{p99:?}");
    }

    #[test]
    fn a_test_of_several_in_which_nothing_completed_is_named_as_such() {
        let empty = Window { slower: 9, failed: 9, ended: 9, seconds: 1.0, ..Window::default() };
        let with_empty = Side::new(vec![test(500, 0), Series::new(vec![empty; 90]), test(500, 0)]);
        let well = Side::new(vec![test(500, 0), test(500, 0), test(501, 0)]);
        let figures = compare(&well, &with_empty, ComparedWhat::Service);
        for name in ["throughput", "mean", "p50"] {
            let sentence = figure(&figures, name).sentence;
            let expected = "cannot tell: a test of B has no such figure, nothing completed in it";
            assert_eq!(sentence, format!("{name}: {expected}"));
        }
        let among = Side::new(vec![test(500, 0), test(500, 5), test(500, 0)]);
        let p99 = figure(&compare(&well, &among, ComparedWhat::Service), "p99");
        assert_eq!(p99.sentence, "p99: cannot tell: it falls among the failed or dropped requests");
    }
}
