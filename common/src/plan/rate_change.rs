//! The rate of an open loop that changes while its test runs: what it means for each driver, and how long a schedule
//! takes. From the instant of a change the area under the rate goes on with the new rate, so numbers stay dense.

use std::time::Duration;

use super::load::{MAX_RATE_PER_S, MIN_RATE_PER_S};
use super::{Per, Plan, Share};
use crate::clock::UnixMicros;

/// A change of the rate of a test that runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateChange {
    /// Counts the changes of one test, from 1.
    pub number: u32,
    /// The new rate, above zero, of what the plan's rate counts: of each driver, or of the fleet where it shares the
    /// plan's amounts.
    pub rate_per_s: f64,
    /// From when on, Unix µs by the orchestrator's clock; no earlier than the change before.
    pub at_us: UnixMicros,
}

/// Whether a plan may have this rate.
pub fn is_rate(per_s: f64) -> bool {
    (MIN_RATE_PER_S..=MAX_RATE_PER_S).contains(&per_s)
}

impl Share {
    /// The rate of the schedule that this driver keeps, where the plan's rate is so much: its own, or that of the one
    /// schedule of its fleet.
    pub fn rate_of_schedule(&self, per: Per, rate_per_s: f64) -> f64 {
        match (self.fleet, per) {
            // Independent arrivals are those of the whole fleet, also where each driver stands for its own.
            (Some(_), Per::Driver) => rate_per_s * f64::from(self.of),
            _ => rate_per_s,
        }
    }

    /// Length of this driver's schedule after the warm-up, seconds, with the changes of its rate so far: the duration, or
    /// the time that its ticks take, whichever is shorter. `None` for a closed loop. It is not rounded, as
    /// [`Share::planned_length`] is: 20 requests at 3/s come to exactly 3/s. `start_at`: of the test, Unix µs.
    pub fn planned_seconds(&self, plan: &Plan, start_at: UnixMicros, changes: &[RateChange]) -> Option<f64> {
        let load = &plan.load;
        if self.stages_times.is_some() {
            return self.planned_length(load).map(|length| length.as_secs_f64());
        }
        let (requests, rate) = match self.fleet {
            Some(fleet) => (fleet.requests, fleet.rate_per_s),
            None => (self.requests, self.rate_per_s?),
        };
        let by_requests = requests.filter(|_| rate > 0.0).map(|n| {
            let begins = self.begins_after().saturating_add(load.warmup).as_secs_f64();
            let change = |change: &RateChange| {
                let rate = self.rate_of_schedule(plan.per, change.rate_per_s);
                (change.at_us.saturating_sub(start_at) as f64 / 1e6 - begins, rate)
            };
            seconds_of_ticks(n as f64, rate, changes.iter().map(change))
        });
        let by_duration = load.duration.map(|duration| duration.as_secs_f64());
        by_requests.into_iter().chain(by_duration).reduce(f64::min)
    }

    /// How long after the start of the test this driver's schedule is planned to end, with the changes of its rate so far.
    pub fn planned_end(&self, plan: &Plan, start_at: UnixMicros, changes: &[RateChange]) -> Option<Duration> {
        let length = match changes {
            [] => self.planned_length(&plan.load)?,
            _ => {
                let seconds = self.planned_seconds(plan, start_at, changes)?;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        };
        Some(self.begins_after().saturating_add(plan.load.warmup).saturating_add(length))
    }

    /// This driver's own part of the plan's rate.
    pub fn own_rate(&self, per: Per, rate_per_s: f64) -> f64 {
        match per {
            Per::Fleet => rate_per_s / f64::from(self.of.max(1)),
            Per::Driver => rate_per_s,
        }
    }
}

/// How long so many ticks take, seconds, at a rate (above zero) that changes: each at so many seconds after their
/// begin, in order. A change before the begin counts as one at it.
pub fn seconds_of_ticks(ticks: f64, rate_per_s: f64, changes: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut left, mut from, mut rate) = (ticks, 0.0, rate_per_s);
    for (at, next) in changes {
        let span = (at - from).max(0.0);
        if span * rate >= left {
            break;
        }
        left -= span * rate;
        (from, rate) = (from + span, next);
    }
    from + left / rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_take_longer_or_shorter_from_a_change_on() {
        for (caption, ticks, changes, expected) in [
            ("none", 20.0, &[][..], 2.0),
            ("faster", 20.0, &[(1.0, 20.0)], 1.5),
            ("slower", 20.0, &[(1.0, 5.0)], 3.0),
            ("there and back", 40.0, &[(1.0, 20.0), (2.0, 10.0)], 3.0),
            ("in the warm-up", 20.0, &[(-3.0, 4.0)], 5.0),
            ("after the end", 20.0, &[(2.0, 1.0)], 2.0),
            ("two at once", 20.0, &[(1.0, 99.0), (1.0, 5.0)], 3.0),
        ] {
            let seconds = seconds_of_ticks(ticks, 10.0, changes.iter().copied());
            assert_eq!(seconds, expected, "{caption}");
        }
    }

    #[test]
    fn a_rate_of_a_plan_is_that_of_a_driver_or_of_its_fleet() {
        let fleet = Some(super::super::FleetSchedule { rate_per_s: 1.0, requests: None });
        let own = Share { of: 4, ..Share::default() };
        let shared = Share { fleet, ..own.clone() };
        for (share, per, schedule, part) in [
            (&own, Per::Driver, 100.0, 100.0),
            (&shared, Per::Fleet, 100.0, 25.0),
            (&shared, Per::Driver, 400.0, 100.0),
        ] {
            assert_eq!((share.rate_of_schedule(per, 100.0), share.own_rate(per, 100.0)), (schedule, part));
        }
    }
}
