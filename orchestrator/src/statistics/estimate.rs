//! A figure of a side, and between which limits its true value lies.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Interval;
use super::series::{Series, Window, bucket};
use super::share::wilson;
use super::side::{Side, Variance};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// Completed within the schedule, per second of it.
    Throughput,
    /// Failed of all that ended, 0 to 1.
    Errors,
    /// Mean response of completed requests, µs.
    Mean,
    /// The response, µs, that this share (0 to 1) of the requests does not exceed; failed and unsent requests count as
    /// slower than any completed one.
    Quantile(f64),
}

/// Figures have three digits, so that no difference below half of the last one can be seen.
const RESOLUTION: f64 = 0.000_5;

/// A figure of a side.
#[derive(Debug, Clone)]
pub struct Estimate<'s> {
    side: &'s Side,
    figure: Figure,
    value: f64,
    variance: Variance,
    /// Of a quantile: the shares of no slower requests that were computed so far, with their standard errors, by the place
    /// of the bucket.
    shares: RefCell<BTreeMap<usize, (f64, f64)>>,
}

impl<'s> Estimate<'s> {
    /// The figure of a side; `None` where it has none: nothing completed, or nothing ended. A quantile that falls among
    /// the requests that count as slower is infinite.
    pub fn of(side: &'s Side, figure: Figure) -> Option<Self> {
        let (value, variance) = match figure {
            Figure::Throughput => throughput(side)?,
            Figure::Errors => errors(side)?,
            Figure::Mean => mean(side)?,
            Figure::Quantile(p) => quantile(side, p)?,
        };
        Some(Self { side, figure, value, variance, shares: RefCell::default() })
    }

    /// What was measured.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// What it is of.
    pub fn figure(&self) -> Figure {
        self.figure
    }

    /// What is known of its variance.
    pub fn variance(&self) -> Variance {
        self.variance
    }

    /// What the figure was in each window by itself, from the lowest to the highest, and at either end as many times further as
    /// these are apart. It leans on no model of how windows depend on one another, so it holds for a series that is too short to
    /// show that, as long as the service stays in the states that were seen. `None` for shares of errors, and where a window
    /// has no such figure.
    pub fn reach(&self) -> Option<Interval> {
        let windows = self.side.series().iter().flat_map(Series::windows);
        let (mut lowest, mut highest) = (f64::INFINITY, 0.0_f64);
        for window in windows {
            let (low, high) = self.of_window(window)?;
            (lowest, highest) = (lowest.min(low), highest.max(high));
        }
        let times = highest / lowest;
        let reach = Interval { low: lowest / times, estimate: self.value, high: highest * times };
        (reach.low > 0.0 && reach.high.is_finite()).then_some(reach)
    }

    /// Between which two values the figure of one window lies, by the width of its buckets and digits.
    fn of_window(&self, window: &Window) -> Option<(f64, f64)> {
        let about = |value: f64| (value * (1.0 - RESOLUTION), value * (1.0 + RESOLUTION));
        match self.figure {
            Figure::Errors => None,
            Figure::Throughput => Some(about(window.in_schedule as f64 / window.seconds)),
            Figure::Mean => {
                let completed = window.completed();
                (completed > 0).then(|| about(window.sum_us() / completed as f64))
            }
            Figure::Quantile(p) => {
                let (low, high) = bucket(window.at_rank(rank(window.requests(), p))?);
                Some((f64::from(low) - 0.5, f64::from(high) + 0.5))
            }
        }
    }

    /// Its limits, within so many standard errors.
    pub fn limits(&self, critical: f64) -> Interval {
        let estimate = self.value;
        let se = |n: f64| critical * self.variance.of_sum.sqrt() / n;
        match self.figure {
            Figure::Errors => {
                let ended = self.side.sum(|window| window.ended as f64);
                let independent = estimate * (1.0 - estimate) * ended;
                let worth =
                    if independent > 0.0 { ended * independent / self.variance.of_sum } else { ended };
                wilson(estimate, worth, critical)
            }
            Figure::Throughput => around(estimate, se(self.side.seconds())),
            Figure::Mean => around(estimate, se(self.side.sum(|window| window.completed() as f64))),
            Figure::Quantile(p) => {
                let (low, high) = self.woodruff(p, critical);
                Interval { low: low.min(estimate), estimate, high: high.max(estimate) }
            }
        }
    }
}

fn around(estimate: f64, half: f64) -> Interval {
    let half = half + RESOLUTION * estimate;
    Interval { low: (estimate - half).max(0.0), estimate, high: estimate + half }
}

fn throughput(side: &Side) -> Option<(f64, Variance)> {
    let seconds = side.seconds();
    let completed = side.sum(|window| window.in_schedule as f64);
    let rate = Some(completed / seconds).filter(|_| seconds > 0.0 && completed > 0.0)?;
    // At the least, one request more or less is on either side of a window's edge.
    Some((rate, side.variance(|window| window.in_schedule as f64 - rate * window.seconds, |_| 1.0)))
}

fn errors(side: &Side) -> Option<(f64, Variance)> {
    let ended = side.sum(|window| window.ended as f64);
    let ratio = Some(side.sum(|window| window.failed as f64) / ended).filter(|_| ended > 0.0)?;
    let independent = |one: &Series| {
        ratio * (1.0 - ratio) * one.windows().iter().map(|window| window.ended as f64).sum::<f64>()
    };
    Some((ratio, side.variance(|window| window.failed as f64 - ratio * window.ended as f64, independent)))
}

fn mean(side: &Side) -> Option<(f64, Variance)> {
    let completed = side.sum(|window| window.completed() as f64);
    let mean = Some(side.sum(Window::sum_us) / completed).filter(|_| completed > 0.0)?;
    Some((mean, side.variance(|window| window.sum_us() - mean * window.completed() as f64, |_| 0.0)))
}

/// The variance of how many of a side's requests are no slower than `us`, and which share they are.
fn no_slower(side: &Side, us: u32) -> (f64, Variance) {
    let after = side.merged().partition_point(|(top, _)| *top <= us);
    let n = after.checked_sub(1).map_or(0, |last| side.merged()[last].1);
    let share = n as f64 / (side.requests() as f64).max(1.0);
    let independent = |one: &Series| {
        share * (1.0 - share) * one.windows().iter().map(|window| window.requests() as f64).sum::<f64>()
    };
    let z = |window: &Window| window.no_slower_than(us) as f64 - share * window.requests() as f64;
    (share, side.variance(z, independent))
}

/// The place in a side's buckets of the request at a quantile; past the last where it counts as slower.
fn place(side: &Side, p: f64) -> usize {
    let rank = rank(side.requests(), p);
    side.merged().partition_point(|(_, n)| *n < rank)
}

/// Which of so many requests, counted from 1, is the one at a quantile.
fn rank(requests: u64, p: f64) -> u64 {
    let exact = p * requests as f64;
    let nearest = exact.round();
    // As `common::latency`: 0.07 × 100 is 7.000000000000001, and the 7th is meant.
    if (exact - nearest).abs() <= exact * 1e-12 { nearest } else { exact.ceil() }.max(1.0) as u64
}

fn quantile(side: &Side, p: f64) -> Option<(f64, Variance)> {
    let (slowest, _) = *side.merged().last()?;
    let us = side.merged().get(place(side, p)).map(|(us, _)| *us);
    let (_, variance) = no_slower(side, us.unwrap_or(slowest));
    Some((us.map_or(f64::INFINITY, f64::from), variance))
}

impl Estimate<'_> {
    /// Woodruff's interval of a quantile: all values whose share of no slower requests differs from `p` by no more than so
    /// many of its standard errors. Ends are those of their buckets, half a µs further out, because µs are rounded.
    fn woodruff(&self, p: f64, critical: f64) -> (f64, f64) {
        let buckets = self.side.merged();
        let middle = place(self.side, p);
        // The first bucket whose share may be as high as p, and the first whose share is as high for sure.
        let low = first_up_to(middle.min(buckets.len().saturating_sub(1)), |at| {
            let (share, se) = self.share_at(at);
            share + critical * se >= p
        });
        let high = first_from(middle.min(buckets.len()), buckets.len(), |at| {
            let (share, se) = self.share_at(at);
            share - critical * se >= p
        });
        let low_us = buckets.get(low).map_or(0.0, |(us, _)| f64::from(bucket(*us).0) - 0.5);
        let high_us = buckets.get(high).map_or(f64::INFINITY, |(us, _)| f64::from(bucket(*us).1) + 0.5);
        (low_us.max(0.0), high_us)
    }

    /// The share of requests that are no slower than a bucket, and its standard error.
    fn share_at(&self, at: usize) -> (f64, f64) {
        if let Some(known) = self.shares.borrow().get(&at) {
            return *known;
        }
        let us = self.side.merged().get(at).map_or(u32::MAX, |(us, _)| *us);
        let (share, variance) = no_slower(self.side, us);
        let found = (share, variance.of_sum.sqrt() / self.side.requests() as f64);
        self.shares.borrow_mut().insert(at, found);
        found
    }
}

/// The first of `from..to` for which something holds that holds for all behind it; `to` where it holds for none. It is
/// looked for near `from` first.
fn first_from(from: usize, to: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut fails_below, mut step) = (from, 1);
    let mut top = to;
    while fails_below < to {
        let at = (fails_below + step - 1).min(to - 1);
        if holds(at) {
            top = at;
            break;
        }
        fails_below = at + 1;
        step *= 2;
    }
    between(fails_below, top, holds)
}

/// The first of `0..=last` for which something holds that holds for all behind it; `last` where it holds for none before.
/// It is looked for near `last` first.
fn first_up_to(last: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut top, mut step) = (last, 1);
    let mut from = 0;
    while top > 0 {
        let at = top.saturating_sub(step);
        if !holds(at) {
            from = at + 1;
            break;
        }
        top = at;
        step *= 2;
    }
    between(from, top, holds)
}

/// The first of `from..to` for which something holds that holds for all behind it; `to` where it holds for none.
fn between(from: usize, to: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (from, to);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test of windows with these responses in µs, each window of one second.
    fn side<const N: usize>(windows: [&[u64]; N]) -> Side {
        let window = |us: &&[u64]| {
            let mut sorted = us.to_vec();
            sorted.sort_unstable();
            Window {
                ended: us.len() as u64,
                in_schedule: us.len() as u64,
                seconds: 1.0,
                ..Window::new(sorted.into_iter().map(|us| (us, 1)))
            }
        };
        Side::new(vec![Series::new(windows.iter().map(window).collect())])
    }

    #[test]
    fn figures_are_those_of_all_windows_together() {
        let side = side([&[10, 20, 30, 40], &[50], &[60, 70, 80, 90, 100]]);
        for (figure, expected) in [
            (Figure::Quantile(0.5), 50.0),
            (Figure::Quantile(0.9), 90.0),
            (Figure::Quantile(0.99), 100.0),
            (Figure::Mean, 55.0),
            (Figure::Errors, 0.0),
            (Figure::Throughput, 10.0 / 3.0),
        ] {
            let value = Estimate::of(&side, figure).unwrap().value();
            assert!((value - expected).abs() < 1e-9, "{figure:?}: {value}");
        }
    }

    #[test]
    fn a_figure_that_never_varies_has_the_limits_of_its_last_digit() {
        let side = side([&[500, 500, 500]; 100]);
        let at = |figure| Estimate::of(&side, figure).unwrap().limits(3.0);
        let p50 = at(Figure::Quantile(0.5));
        assert_eq!((p50.low, p50.estimate, p50.high), (499.5, 500.0, 500.5));
        let mean = at(Figure::Mean);
        assert!(mean.low < 500.0 && mean.low > 499.5 && mean.high < 500.5, "{mean:?}");
        assert!(at(Figure::Throughput).low > 2.9);
    }

    #[test]
    fn a_figure_reaches_beyond_its_windows_by_as_much_as_they_are_apart() {
        let apart = side([&[500, 520, 540], &[500, 500, 560], &[540, 540, 540]]);
        let reach = |side: &Side, figure| Estimate::of(side, figure).unwrap().reach();
        let p50 = reach(&apart, Figure::Quantile(0.5)).unwrap();
        let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.003;
        assert!(near(p50.low, 500.0 * 500.0 / 540.0) && near(p50.high, 540.0 * 540.0 / 500.0), "{p50:?}");
        let mean = reach(&apart, Figure::Mean).unwrap();
        assert!(near(mean.low, 520.0 * 520.0 / 540.0) && near(mean.high, 540.0 * 540.0 / 520.0), "{mean:?}");
        assert_eq!(reach(&apart, Figure::Errors), None);
        assert_eq!(reach(&side([&[500], &[]]), Figure::Mean), None, "a window without requests");
        assert_eq!(reach(&side([&[500], &[]]), Figure::Throughput), None, "one without any");
    }

    #[test]
    fn a_quantile_among_failed_requests_is_infinite_and_has_a_lower_limit() {
        let mut windows = side([&[10, 20, 30]; 80]).series()[0].windows().to_vec();
        for window in &mut windows {
            (window.slower, window.failed, window.ended) = (1, 1, 4);
        }
        let side = Side::new(vec![Series::new(windows)]);
        let p99 = Estimate::of(&side, Figure::Quantile(0.99)).unwrap();
        assert_eq!(p99.value(), f64::INFINITY);
        let limits = p99.limits(3.0);
        assert_eq!((limits.low, limits.high), (29.5, f64::INFINITY));
        let p50 = Estimate::of(&side, Figure::Quantile(0.5)).unwrap();
        assert_eq!(p50.value(), 20.0);
        assert_eq!(Estimate::of(&side, Figure::Errors).unwrap().value(), 0.25);
    }

    #[test]
    fn the_first_place_is_found_from_either_end() {
        for to in 0..20 {
            for from in 0..=to {
                for edge in 0..=to {
                    let holds = |at: usize| at >= edge;
                    assert_eq!(first_from(from, to, holds), edge.max(from).min(to), "{from}..{to}, {edge}");
                }
            }
            for edge in 0..=to {
                assert_eq!(first_up_to(to, |at| at >= edge), edge.min(to), "0..={to}, {edge}");
            }
        }
    }

    #[test]
    fn without_requests_there_is_no_figure() {
        let none = side([&[]; 80]);
        for figure in [Figure::Throughput, Figure::Errors, Figure::Mean, Figure::Quantile(0.5)] {
            assert!(Estimate::of(&none, figure).is_none(), "{figure:?}");
        }
    }
}
