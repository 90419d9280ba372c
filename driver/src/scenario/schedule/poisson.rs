//! Independent arrivals: one stream of sessions for the whole fleet. The area under the rate between two sessions is
//! exponential with mean 1, drawn from the seed and the session's number, so the stream is the same however many
//! drivers and workers there are, and ramps need nothing of their own. Every worker walks through all sessions of the
//! fleet, some 10 ns each, and keeps its own.

use super::line::Line;
use crate::scenario::numbers::{mix64, place_of};
use crate::start_at::Nanos;

/// Up to so many sessions are walked through beforehand, to know when the last is due; it takes 0.1 s.
const COUNTED: u64 = 10_000_000;

/// A walk through the sessions of a fleet.
#[derive(Debug, Clone)]
pub struct Poisson {
    line: Line,
    steps: Steps,
    /// Where the walk was before its last step.
    back: Steps,
    /// Area before the end of the warm-up.
    warmup_area: f64,
    warmup: Nanos,
    /// Sessions after the warm-up, where they are limited.
    limit: Option<u64>,
    /// The first session after the warm-up, once the walk has passed it.
    first_proper: Option<u64>,
    /// Whether the limit was reached.
    used_up: bool,
    /// Area at which the limit ends it, where it does.
    end_area: Option<f64>,
}

/// The area at each session in turn.
#[derive(Debug, Clone, Copy)]
struct Steps {
    seed: u64,
    place: u64,
    /// The next session.
    g: u64,
    /// At the session before it.
    area: f64,
}

impl Steps {
    fn new(seed: u64) -> Self {
        Self { seed, place: place_of("load.arrival"), g: 0, area: 0.0 }
    }

    /// The next session and its area.
    #[inline]
    fn next(&mut self) -> (u64, f64) {
        let g = self.g;
        // In the open interval from 0 to 1, so that the logarithm is finite.
        let unit = ((mix64(self.seed, g, self.place) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        self.area -= unit.ln();
        self.g += 1;
        (g, self.area)
    }
}

impl Poisson {
    /// Sessions under a line of sessions per second of the fleet, of which `limit` come after the warm-up.
    pub fn new(line: Line, warmup: Nanos, limit: Option<u64>, seed: u64) -> Self {
        let warmup_area = line.area_before(warmup);
        let steps = Steps::new(seed);
        Self {
            line,
            steps,
            back: steps,
            warmup_area,
            warmup,
            limit,
            first_proper: None,
            used_up: false,
            end_area: None,
        }
    }

    /// The next session with number `g` or a later one: when it is due, and whether it belongs to the warm-up. `None`: none is left.
    /// Calls ask for ever higher numbers.
    pub fn at(&mut self, g: u64) -> Option<(Nanos, bool)> {
        loop {
            self.back = self.steps;
            let (number, area) = self.steps.next();
            let warmup = area < self.warmup_area;
            if !warmup {
                let first = *self.first_proper.get_or_insert(number);
                if self.limit.is_some_and(|limit| number - first >= limit) {
                    self.used_up = true;
                    return None;
                }
            }
            if area >= self.line.area() {
                return None;
            }
            if number >= g {
                let due = self.line.instant(area)?;
                // Rounded, it may be the first instant of what comes next.
                let until = if warmup { self.warmup } else { self.line.end() };
                return Some((due.min(until - 1), warmup));
            }
        }
    }

    /// Another rate of the fleet from an instant on; returns when the schedule ends by then. The areas between sessions
    /// stay as they were drawn, so that all drivers and workers have the same instants. The next call of
    /// [`Poisson::at`] may ask for the number of the last one again.
    pub fn change(&mut self, at: Nanos, rate_per_s: f64) -> Nanos {
        self.line.change(at, rate_per_s);
        self.steps = self.back;
        if at < self.warmup {
            // Which sessions are in the warm-up depends on the rate, so the walk, which is short by then, begins anew.
            self.warmup_area = self.line.area_before(self.warmup);
            (self.steps, self.first_proper, self.end_area) = (Steps::new(self.steps.seed), None, None);
            self.used_up = false;
        }
        let expected = self.limit.map(|limit| self.end_area.unwrap_or(self.warmup_area + limit as f64));
        expected.and_then(|area| self.line.instant(area)).unwrap_or(self.line.end())
    }

    /// Whether a higher rate could make a session due, though none is left.
    pub fn may_grow(&self, now: Nanos) -> bool {
        now < self.line.end() && !self.used_up
    }

    /// When the schedule ends: with its line, or one mean distance after its last session where their number ends it first.
    /// Of more sessions than can be counted beforehand, when they are expected to have come.
    pub fn end(&mut self) -> Nanos {
        let Some(limit) = self.limit else { return self.line.end() };
        let mut area = self.warmup_area + limit as f64;
        if limit <= COUNTED {
            let mut steps = Steps::new(self.steps.seed);
            let mut left = limit;
            area = self.warmup_area;
            while left > 0 && area < self.line.area() {
                area = steps.next().1;
                left -= u64::from(area >= self.warmup_area);
            }
            area += 1.0;
            self.end_area = (left == 0).then_some(area);
        }
        self.line.instant(area).unwrap_or(self.line.end())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::plan::program::Stage;

    use super::*;

    /// The probability that values of this distribution differ as much or more, by Kolmogorov and Smirnov.
    fn p_value(mut values: Vec<f64>, distribution: impl Fn(f64) -> f64) -> f64 {
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let far = |(i, x): (usize, &f64)| {
            let f = distribution(*x);
            (f - i as f64 / n).max((i + 1) as f64 / n - f)
        };
        let d = values.iter().enumerate().map(far).fold(0.0, f64::max);
        let t = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * d;
        let term = |j: i32| f64::from(1 - 2 * ((j - 1) % 2)) * (-2.0 * f64::from(j * j) * t * t).exp();
        (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
    }

    fn all(line: &Line, warmup: Nanos, limit: Option<u64>, seed: u64) -> Vec<(Nanos, bool)> {
        let mut walk = Poisson::new(line.clone(), warmup, limit, seed);
        (0..).map_while(|g| walk.at(g)).collect()
    }

    #[test]
    fn distances_are_exponential() {
        let line = Line::level(1_000.0, 1_000_000_000);
        let low = (0..100).filter(|seed| {
            let due: Vec<_> = all(&line, 0, None, *seed).into_iter().map(|(due, _)| due).collect();
            assert!((800..1_200).contains(&due.len()), "{}", due.len());
            let first = due.first().copied().into_iter();
            let gaps = first.chain(due.windows(2).map(|pair| pair[1] - pair[0])).map(|gap| gap as f64 / 1e6);
            p_value(gaps.collect(), |ms| 1.0 - (-ms).exp()) <= 0.001
        });
        assert!(low.count() <= 1);
    }

    #[test]
    fn a_ramp_spreads_sessions_as_its_area_does() {
        let ramp = Stage { level: 2_000.0, ramp: Duration::from_secs(1), hold: Duration::ZERO };
        let line = Line::new(&[ramp], 1.0);
        let low = (0..100).filter(|seed| {
            let due = all(&line, 0, None, *seed);
            // Of a Poisson process, given how many there are, each instant is drawn independently in the area.
            p_value(due.into_iter().map(|(due, _)| due as f64 / 1e9).collect(), |s| s * s) <= 0.001
        });
        assert!(low.count() <= 1);
    }

    #[test]
    fn a_number_of_sessions_comes_after_the_warm_up() {
        let line = Line::level(100.0, 3_600_000_000_000);
        for seed in 0..20 {
            let due = all(&line, 1_000_000_000, Some(50), seed);
            let warm = due.iter().filter(|(_, warmup)| *warmup).count();
            assert!((60..150).contains(&warm), "{warm}");
            assert_eq!(due.len() - warm, 50);
            assert!(due.iter().all(|(due, warmup)| (*due < 1_000_000_000) == *warmup));
            let end = Poisson::new(line.clone(), 1_000_000_000, Some(50), seed).end();
            assert_eq!(end - due.last().unwrap().0, 10_000_000, "one mean distance");
        }
        assert_eq!(Poisson::new(line.clone(), 0, None, 1).end(), line.end());
        assert_eq!(
            Poisson::new(line.clone(), 0, Some(1_000_000), 1).end(),
            line.end(),
            "the time is over first"
        );
    }
}
