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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    begins: Nanos,
    interval_ns: f64,
    warmup_ns: Nanos,
    warmup_ticks: u64,
    /// How many there are in all.
    ticks: u64,
    /// Length after the warm-up, where it is limited.
    length_ns: Option<Nanos>,
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
        let interval_ns = (1e9 / rate_per_s).clamp(1.0, FOREVER as f64);
        let begins = (f64::from(index) * interval_ns / f64::from(of.max(1))) as Nanos;
        let warmup_ns = nanos(warmup);
        let warmup_ticks = ticks_before(warmup_ns, interval_ns);
        let by_requests = requests.map(|n| (n as f64 * interval_ns).round().min(FOREVER as f64) as Nanos);
        let length_ns = match (by_requests, duration.map(nanos)) {
            (Some(requests), Some(duration)) => Some(requests.min(duration)),
            (requests, duration) => requests.or(duration),
        };
        let until = duration.map_or(u64::MAX, |duration| {
            ticks_before(warmup_ns.saturating_add(nanos(duration)).min(FOREVER), interval_ns)
        });
        let ticks = requests.map_or(u64::MAX, |n| warmup_ticks.saturating_add(n)).min(until);
        Self { begins, interval_ns, warmup_ns, warmup_ticks, ticks, length_ns }
    }

    /// Tick `number`, where there is one.
    pub fn tick(&self, number: u64) -> Option<Tick> {
        (number < self.ticks).then(|| Tick {
            number,
            due: self.begins.saturating_add(offset(number, self.interval_ns)),
            warmup: number < self.warmup_ticks,
        })
    }

    /// How many ticks there are, the warm-up's included.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Time between two ticks.
    pub fn interval_ns(&self) -> f64 {
        self.interval_ns
    }

    /// When the schedule proper begins: after the warm-up.
    pub fn from(&self) -> Nanos {
        self.begins.saturating_add(self.warmup_ns)
    }

    pub fn to(&self) -> Nanos {
        self.from().saturating_add(self.length_ns.unwrap_or(FOREVER))
    }
}

fn offset(number: u64, interval_ns: f64) -> Nanos {
    (number as f64 * interval_ns).round().min(FOREVER as f64) as Nanos
}

/// How many ticks are due before `span`: the division is off by one at most, for rounding.
fn ticks_before(span: Nanos, interval_ns: f64) -> u64 {
    if span <= 0 {
        return 0;
    }
    let mut ticks = (span as f64 / interval_ns).ceil() as u64;
    while ticks > 0 && offset(ticks - 1, interval_ns) >= span {
        ticks -= 1;
    }
    while offset(ticks, interval_ns) < span {
        ticks += 1;
    }
    ticks
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
