//! The ticks of a fixed rate: which there are, when each is due, and which driver and worker own it.

use std::time::Duration;

use common::plan::{Load, Share};

use crate::start_at::Nanos;

/// One request of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Its number in the schedule, from 0, the warm-up included.
    pub number: u64,
    /// When it is due.
    pub due: Nanos,
    /// Whether it belongs to the warm-up.
    pub warmup: bool,
}

/// The ticks of one driver, or of a fleet that shares one schedule: tick k is due at `begins + round(k · interval)`;
/// the first of them are the warm-up, then come at most `requests`, for at most `duration`.
///
/// Where the rate changes while the test runs, each rate has a schedule of its own ([`Schedule::change`]), and numbers
/// go on: tick k is due where the area under the rate, from the start, is k. `area` is what there was of it before
/// `begins`, so that tick k is due at `begins + round((k - area) · interval)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    begins: Nanos,
    /// Ticks before `begins`, and the part of one; 0 at the first rate.
    area: f64,
    interval_ns: f64,
    /// When the schedule proper begins, after the warm-up, and the ticks before that.
    from: Nanos,
    from_area: f64,
    warmup_ticks: u64,
    /// The number after the last one.
    ticks: u64,
    /// Most ticks after the warm-up.
    requests: Option<u64>,
    /// When the duration is over.
    until: Option<Nanos>,
    /// When the schedule ends, by its duration or its requests.
    to: Nanos,
}

/// Longest span reckoned with: 146 years, half of what [`Nanos`] holds, so that sums do not overflow.
const FOREVER: Nanos = Nanos::MAX / 2;

/// A span in [`Nanos`], at most [`FOREVER`].
pub(crate) fn nanos(span: Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(FOREVER).min(FOREVER)
}

/// Which ticks of a schedule are one driver's, or one worker's: `first`, `first + step`, `first + 2·step`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The first of them.
    pub first: u64,
    /// From one to the next; at least 1.
    pub step: u64,
}

impl Own {
    pub const ALL: Self = Self { first: 0, step: 1 };

    /// Part `index` of `of` (at least 1) of these: every `of`th. The parts together are these, each tick once.
    pub fn part(self, index: u32, of: u32) -> Self {
        Self { first: self.first + self.step * u64::from(index), step: self.step * u64::from(of.max(1)) }
    }
}

impl Schedule {
    /// The schedule that a driver keeps, and which of its ticks are the driver's: all of its own schedule, or every
    /// nth one of the fleet's.
    pub fn of_share(share: &Share, load: &Load) -> (Self, Own) {
        match share.fleet {
            Some(fleet) => {
                let one = Self::new(fleet.rate_per_s, (0, 1), load.warmup, fleet.requests, load.duration);
                (one, Own::ALL.part(share.index, share.of))
            }
            None => {
                let (rate, part) = (share.rate_per_s.unwrap_or(1.0), (share.index, share.of));
                (Self::new(rate, part, load.warmup, share.requests, load.duration), Own::ALL)
            }
        }
    }

    /// The schedule of driver `index` of `of` (it begins `index / of` of an interval after `start_at`) at
    /// `rate_per_s` (above zero), with a warm-up before `requests` and `duration` begin.
    pub fn new(
        rate_per_s: f64,
        (index, of): (u32, u32),
        warmup: Duration,
        requests: Option<u64>,
        duration: Option<Duration>,
    ) -> Self {
        let interval_ns = interval(rate_per_s);
        let begins = (f64::from(index) * interval_ns / f64::from(of.max(1))) as Nanos;
        Self::beginning(begins, interval_ns, nanos(warmup), requests, duration.map(nanos))
    }

    fn beginning(
        begins: Nanos,
        interval_ns: f64,
        warmup: Nanos,
        requests: Option<u64>,
        duration: Option<Nanos>,
    ) -> Self {
        let from = begins.saturating_add(warmup);
        let until = duration.map(|duration| from.saturating_add(duration));
        let by_requests = requests.map(|n| from.saturating_add(offset(n as f64, interval_ns)));
        let to = by_requests.into_iter().chain(until).min().unwrap_or(from.saturating_add(FOREVER));
        let from_area = warmup as f64 / interval_ns;
        let (area, warmup_ticks, ticks) = (0.0, 0, 0);
        let empty =
            Self { begins, area, interval_ns, from, from_area, warmup_ticks, ticks, requests, until, to };
        let warm = Self { warmup_ticks: empty.due_before(from), ..empty };
        Self { ticks: warm.count(), ..warm }
    }

    /// Another rate (above zero) from an instant on: ends this schedule there, and returns the one that goes on. An
    /// instant before `begins` counts as `begins`, except before the first tick of all, which it moves, and with it the
    /// warm-up and the end. `None`: the schedule is over by then, and stays as it is.
    pub fn change(&mut self, at: Nanos, rate_per_s: f64) -> Option<Self> {
        let interval_ns = interval(rate_per_s);
        if self.area == 0.0 && at < self.begins {
            // What is left of the first interval is left of it at the new rate.
            let left = (self.begins - at) as f64 / self.interval_ns;
            let begins = at.saturating_add(offset(left, interval_ns));
            let duration = self.until.map(|until| until - self.from);
            self.ticks = 0;
            let warmup = self.from - self.begins;
            return Some(Self::beginning(begins, interval_ns, warmup, self.requests, duration));
        }
        let at = at.max(self.begins);
        if self.until.is_some_and(|until| at >= until) {
            return None;
        }
        let area = self.area + (at - self.begins) as f64 / self.interval_ns;
        if self.requests.is_some_and(|n| area >= self.from_area + n as f64) {
            return None;
        }
        let mut next = Self { begins: at, area, interval_ns, ..*self };
        if at < self.from {
            next.from_area = area + (self.from - at) as f64 / next.interval_ns;
            next.warmup_ticks = next.due_before(self.from);
            // All ticks before the change are in the warm-up, and this many are at least as many.
            self.warmup_ticks = next.warmup_ticks;
        }
        next.ticks = next.count();
        let by_requests = self.requests.map(|n| next.due(next.from_area + n as f64));
        next.to = by_requests.into_iter().chain(self.until).min().unwrap_or(self.to);
        self.ticks = self.ticks.min(self.due_before(at));
        Some(next)
    }

    /// Tick `number`, where there is one.
    #[inline]
    pub fn tick(&self, number: u64) -> Option<Tick> {
        (number < self.ticks).then(|| Tick {
            number,
            due: self.due(number as f64),
            warmup: number < self.warmup_ticks,
        })
    }

    /// How many ticks there are, the warm-up's and those of earlier rates included.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Whether a higher rate could still make tick `number` due, although there is no such tick so far: the duration is
    /// not over, and its requests are not used up.
    pub fn may_grow(&self, number: u64, now: Nanos) -> bool {
        self.until.is_some_and(|until| now < until)
            && self.requests.is_none_or(|n| number < self.warmup_ticks.saturating_add(n))
    }

    /// Time between two ticks.
    pub fn interval_ns(&self) -> f64 {
        self.interval_ns
    }

    /// When the schedule proper begins: after the warm-up.
    pub fn from(&self) -> Nanos {
        self.from
    }

    pub fn to(&self) -> Nanos {
        self.to
    }

    #[inline]
    fn due(&self, number: f64) -> Nanos {
        self.begins.saturating_add(offset(number - self.area, self.interval_ns))
    }

    fn count(&self) -> u64 {
        let by_duration = self.until.map_or(u64::MAX, |until| self.due_before(until));
        self.requests.map_or(u64::MAX, |n| self.warmup_ticks.saturating_add(n)).min(by_duration)
    }

    /// How many ticks are due before an instant, those of earlier rates included: the division is off by one at most,
    /// for rounding.
    fn due_before(&self, instant: Nanos) -> u64 {
        let instant = instant.min(self.begins.saturating_add(FOREVER));
        if instant <= self.begins {
            return 0;
        }
        let span = (instant - self.begins) as f64;
        let mut ticks = (self.area + span / self.interval_ns).ceil().max(0.0) as u64;
        while ticks > 0 && self.due((ticks - 1) as f64) >= instant {
            ticks -= 1;
        }
        while self.due(ticks as f64) < instant {
            ticks += 1;
        }
        ticks
    }
}

fn interval(rate_per_s: f64) -> f64 {
    (1e9 / rate_per_s).clamp(1.0, FOREVER as f64)
}

fn offset(ticks: f64, interval_ns: f64) -> Nanos {
    (ticks * interval_ns).round().clamp(0.0, FOREVER as f64) as Nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    #[track_caller]
    fn check(schedule: &Schedule, expected: &[(Nanos, bool)]) {
        let ticks: Vec<_> =
            (0..).map_while(|k| schedule.tick(k)).map(|tick| (tick.due, tick.warmup)).collect();
        assert_eq!(ticks, expected);
        assert_eq!(schedule.ticks(), expected.len() as u64);
    }

    #[test]
    fn ticks_fall_due_at_equal_intervals_from_the_drivers_own_start() {
        let ms = Duration::from_millis;
        // 100/s for 30 ms: the tick at 30 ms is past the end.
        check(
            &Schedule::new(100.0, (0, 1), ms(0), None, Some(ms(30))),
            &[(0, false), (10 * MS, false), (20 * MS, false)],
        );
        // The second of four drivers begins a quarter of the delay later.
        check(
            &Schedule::new(100.0, (1, 4), ms(0), Some(2), None),
            &[(2_500_000, false), (12_500_000, false)],
        );
        // A warm-up of 15 ms holds two ticks; requests are counted after it.
        check(
            &Schedule::new(100.0, (0, 1), ms(15), Some(2), Some(ms(1_000))),
            &[(0, true), (10 * MS, true), (20 * MS, false), (30 * MS, false)],
        );
        // The duration is over first.
        check(
            &Schedule::new(100.0, (0, 1), ms(10), Some(99), Some(ms(11))),
            &[(0, true), (10 * MS, false), (20 * MS, false)],
        );
        // A third of a millisecond is rounded for each tick, never summed up.
        let thirds = Schedule::new(3_000.0, (0, 1), ms(0), Some(4), None);
        check(&thirds, &[(0, false), (333_333, false), (666_667, false), (MS, false)]);
    }

    #[test]
    fn a_schedule_is_as_long_as_its_duration_or_its_requests() {
        let s = Duration::from_secs;
        let both = Schedule::new(10.0, (0, 1), s(2), Some(50), Some(s(30)));
        assert_eq!((both.from(), both.to()), (2_000 * MS, 7_000 * MS));
        let long = Schedule::new(10.0, (1, 2), s(0), Some(50), Some(s(3)));
        assert_eq!((long.from(), long.to()), (50 * MS, 3_050 * MS));
    }

    #[test]
    fn a_day_of_ticks_does_not_drift() {
        let day = Schedule::new(7.0, (0, 1), Duration::ZERO, None, Some(Duration::from_secs(86_400)));
        assert_eq!(day.ticks(), 7 * 86_400);
        assert_eq!(day.tick(7 * 80_000).unwrap().due, 80_000_000 * MS);
    }
}
