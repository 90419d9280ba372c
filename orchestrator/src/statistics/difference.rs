//! The difference of a figure between two sides.
//!
//! Both sides' limits are put together by MOVER (the distances from each estimate to its limit, as a root of their
//! squares), on the scale of logarithms, so that the result is a ratio; for a share of errors, which may be 0, on its own
//! scale (Newcombe's interval). The critical value is Student's t with Satterthwaite's degrees of freedom.

use super::estimate::{Estimate, Figure};
use super::{Interval, root_of_squares, student_t};

/// What two sides' figures are, and how they differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The first side's figure.
    pub a: Interval,
    /// The second side's.
    pub b: Interval,
    /// The second side's as a multiple of the first's; `None` where the first's is 0 or neither is finite.
    pub ratio: Option<Interval>,
    /// The second side's minus the first's.
    pub minus: Interval,
}

/// A figure with its limits for any critical value, and its degrees of freedom.
trait Limited {
    fn limits(&self, critical: f64) -> Interval;
    fn degrees(&self) -> f64;
    /// Whether two of them differ by a ratio; shares differ by what one is above the other.
    fn has_ratio(&self) -> bool;
}

impl Limited for Estimate<'_> {
    fn limits(&self, critical: f64) -> Interval {
        Estimate::limits(self, critical)
    }

    fn degrees(&self) -> f64 {
        self.variance().degrees
    }

    fn has_ratio(&self) -> bool {
        self.figure() != Figure::Errors
    }
}

/// A figure's mean over tests that differ from one another; on the scale of logarithms or on its own.
#[derive(Debug, Clone, Copy)]
struct OverTests {
    mean: f64,
    se: f64,
    degrees: f64,
    of_logarithms: bool,
}

impl Limited for OverTests {
    fn limits(&self, critical: f64) -> Interval {
        let back = |value: f64| if self.of_logarithms { value.exp() } else { value };
        let half = critical * self.se;
        Interval { low: back(self.mean - half), estimate: back(self.mean), high: back(self.mean + half) }
    }

    fn degrees(&self) -> f64 {
        self.degrees
    }

    fn has_ratio(&self) -> bool {
        self.of_logarithms
    }
}

/// The difference of two estimates of a figure, of these tests alone, at a confidence.
pub fn between_tests(a: &Estimate<'_>, b: &Estimate<'_>, confidence: f64) -> Difference {
    of(a, b, confidence)
}

/// The difference of two estimates whose windows lie apart: all of one beyond all of the other, by more than what either of
/// them has between its own ([`Estimate::reach`]). `None` where they do not.
pub fn between_windows(a: &Estimate<'_>, b: &Estimate<'_>) -> Option<Difference> {
    let (a, b) = (a.reach()?, b.reach()?);
    let all = |of: fn(f64, f64) -> f64| Interval {
        low: of(b.low, a.high),
        estimate: of(b.estimate, a.estimate),
        high: of(b.high, a.low),
    };
    (a.high < b.low || b.high < a.low).then(|| Difference {
        a,
        b,
        ratio: Some(all(|b, a| b / a)),
        minus: all(|b, a| b - a),
    })
}

/// The difference of a figure of which there are estimates of several tests a side, at least two each: how tests of one
/// side differ is what counts, and no less than their windows say. `None` where a figure is infinite, or 0 where a ratio
/// is asked for (`ratio`).
pub fn between_services(
    a: &[Estimate<'_>],
    b: &[Estimate<'_>],
    ratio: bool,
    confidence: f64,
) -> Option<Difference> {
    Some(of(&over_tests(a, ratio)?, &over_tests(b, ratio)?, confidence))
}

fn over_tests(tests: &[Estimate<'_>], of_logarithms: bool) -> Option<OverTests> {
    let scaled = |value: f64| if of_logarithms { value.ln() } else { value };
    let values: Vec<f64> = tests.iter().map(|test| scaled(test.value())).collect();
    if values.len() < 2 || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let among = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0) / n;
    let within = |test: &Estimate<'_>| {
        let limits = test.limits(1.0);
        let half = (scaled(limits.high) - scaled(limits.low)) / 2.0;
        Some(half * half).filter(|square| square.is_finite())
    };
    let within = tests.iter().map(within).sum::<Option<f64>>()? / (n * n);
    Some(OverTests { mean, se: among.max(within).sqrt(), degrees: n - 1.0, of_logarithms })
}

fn of(a: &impl Limited, b: &impl Limited, confidence: f64) -> Difference {
    let degrees = match (square(a), square(b)) {
        (Some(va), Some(vb)) => (va + vb).powi(2) / (va * va / a.degrees() + vb * vb / b.degrees()),
        _ => a.degrees().min(b.degrees()),
    };
    let critical = student_t(confidence, degrees);
    let (a, b) = (a.limits(critical), b.limits(critical));
    Difference { a, b, ratio: ratio(a, b), minus: mover(a, b) }
}

/// The squared standard error, by which degrees of freedom are weighed, on the scale on which the two sides are put together;
/// `None` where it is 0 or has no bound.
fn square(side: &impl Limited) -> Option<f64> {
    let Interval { low, high, .. } = side.limits(1.0);
    let half = if side.has_ratio() { (high / low).ln() / 2.0 } else { (high - low) / 2.0 };
    Some(half * half).filter(|square| square.is_finite() && *square > 0.0)
}

/// The interval of b - a.
fn mover(a: Interval, b: Interval) -> Interval {
    let estimate = b.estimate - a.estimate;
    Interval {
        low: estimate - root_of_squares(b.estimate - b.low, a.high - a.estimate),
        estimate,
        high: estimate + root_of_squares(b.high - b.estimate, a.estimate - a.low),
    }
}

/// The interval of b / a.
fn ratio(a: Interval, b: Interval) -> Option<Interval> {
    let known = |estimate: f64| estimate > 0.0 && estimate.is_finite();
    match (known(a.estimate), known(b.estimate)) {
        (true, true) => {
            let logs =
                |of: Interval| Interval { low: of.low.ln(), estimate: of.estimate.ln(), high: of.high.ln() };
            let of = mover(logs(a), logs(b));
            Some(Interval { low: of.low.exp(), estimate: of.estimate.exp(), high: of.high.exp() })
        }
        // One of them falls among requests that count as slower: all that is known of it is its lower limit.
        (true, false) if b.estimate == f64::INFINITY => {
            Some(Interval { low: b.low / a.high, estimate: f64::INFINITY, high: f64::INFINITY })
        }
        (false, true) if a.estimate == f64::INFINITY => {
            Some(Interval { low: 0.0, estimate: 0.0, high: b.high / a.low })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, estimate: f64, high: f64) -> Interval {
        Interval { low, estimate, high }
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 || found == expected, "{found}, not {expected}");
    }

    #[test]
    fn distances_add_up_as_a_root_of_squares() {
        let of = mover(interval(7.0, 10.0, 14.0), interval(17.0, 20.0, 26.0));
        close(of.low, 10.0 - 5.0);
        close(of.high, 10.0 + 45.0_f64.sqrt());
        // Of two equal sides the ratio is even on the scale of logarithms.
        let of = ratio(interval(8.0, 10.0, 12.5), interval(8.0, 10.0, 12.5)).unwrap();
        close(of.low, (-(1.25_f64.ln()) * 2.0_f64.sqrt()).exp());
        close(of.low * of.high, 1.0);
    }

    #[test]
    fn a_figure_that_is_only_known_to_be_high_bounds_the_ratio_on_one_side() {
        let (finite, open) = (interval(8.0, 10.0, 12.0), interval(30.0, f64::INFINITY, f64::INFINITY));
        let of = ratio(finite, open).unwrap();
        assert_eq!((of.low, of.high), (2.5, f64::INFINITY));
        let of = ratio(open, finite).unwrap();
        assert_eq!((of.low, of.high), (0.0, 0.4));
        assert!(ratio(open, open).is_none());
        assert!(ratio(interval(0.0, 0.0, 0.01), interval(0.0, 0.1, 0.2)).is_none());
    }

    #[test]
    fn critical_values_grow_where_one_side_decides() {
        let side = |se: f64, degrees: f64| OverTests { mean: 0.0, se, degrees, of_logarithms: true };
        let width = |a: OverTests, b: OverTests| {
            let of = of(&a, &b, 0.95).ratio.unwrap();
            (of.high / of.low).ln() / 2.0 / root_of_squares(a.se, b.se)
        };
        close((width(side(0.1, 4.0), side(0.1, 4.0)) - student_t(0.95, 8.0)).abs(), 0.0);
        let uneven = width(side(0.1, 4.0), side(0.01, 4.0));
        assert!(uneven > student_t(0.95, 4.2) && uneven < student_t(0.95, 4.0), "{uneven}");
        // Of shares of errors it is the one that varies by more points that decides, be it the smaller part of its own.
        let share = |mean: f64, se: f64, degrees: f64| OverTests { mean, se, degrees, of_logarithms: false };
        let (rare, often) = (share(0.001, 0.000_5, 17.0), share(0.5, 0.01, 6.0));
        let of = of(&rare, &often, 0.95).minus;
        let times = (of.high - of.low) / 2.0 / root_of_squares(rare.se, often.se);
        assert!(times > student_t(0.95, 6.2) && times <= student_t(0.95, 6.0), "{times}");
    }
}
