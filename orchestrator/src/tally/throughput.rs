//! Throughput: what completed within the schedule, per second of the schedule's length (interface.md, "What the
//! words mean").
//!
//! Of a fleet with an open loop it is the sum over its drivers, each over its own planned length. The drivers start
//! staggered, so that the span from the first start to the last end is longer than any schedule: divided by it, two
//! drivers that keep 20/s would come to 39.7/s. A lost driver counts with its whole planned length, because the plan
//! asks it to send all that time. Of a fleet with a closed loop it is what all drivers completed, divided by the
//! longest driver's length. Drivers finish at different times there, and a sum of rates would count a driver that has
//! finished as if it had gone on.

use std::time::Duration;

use common::clock::UnixMicros;
use common::plan::{Load, Mode, Share};
use common::wire::Ending;

use super::Tally;
use super::part::Part;

/// Schedules shorter than this, in seconds, have no throughput.
const MIN_LENGTH_S: f64 = 0.001;

/// A measured length that differs from the planned one by no more than this, in seconds, counts as the planned one.
/// Drivers report their start and end in whole microseconds, so 3 s can come out as 3.000001 s, and 60 requests in it
/// as less than 20/s.
const SAME_LENGTH_S: f64 = 0.002;

impl Tally {
    /// Completed within the schedule per second of it; `None` where the part has no schedule (yet) or a too short one.
    pub(super) fn throughput_of(&self, part: &Part) -> Option<f64> {
        self.per_second_of(part, part.windows.newest.completed_in_schedule)
    }

    /// So many completed within the schedule of a part, per second of it.
    pub(super) fn per_second_of(&self, part: &Part, completed: u64) -> Option<f64> {
        per_second(completed, self.length_s(part)?)
    }

    pub(super) fn fleet_throughput(&self) -> Option<f64> {
        self.fleet_per_second_of(|part| part.windows.newest.completed_in_schedule)
    }

    /// The fleet's, of requests that a part completed within its schedule.
    pub(super) fn fleet_per_second_of(&self, completed: impl Fn(&Part) -> u64) -> Option<f64> {
        match self.plan.load.mode {
            Mode::Tsunami { .. } => {
                let rates = self.parts.iter().filter_map(|part| self.per_second_of(part, completed(part)));
                rates.reduce(|sum, rate| sum + rate).map(without_rounding)
            }
            Mode::Avalanche { .. } => {
                let completed = self.parts.iter().map(completed).sum();
                per_second(completed, self.longest_s()?)
            }
        }
    }

    /// Length of the longest schedule of all drivers, seconds.
    pub(super) fn longest_s(&self) -> Option<f64> {
        self.parts.iter().filter_map(|part| self.length_s(part)).reduce(f64::max)
    }

    /// Length of a part's schedule, seconds: as planned, to the stop where it ended early, and while it runs up to
    /// its last report. `None` where it has no schedule (yet) or does not report one.
    pub(super) fn length_s(&self, part: &Part) -> Option<f64> {
        let start = self.start_at.filter(|_| !part.is_classic())?;
        let load = &self.plan.load;
        let planned = |share: &Share| share.planned_seconds(&self.plan, start, &self.rate_changes);
        let planned_s = part.share.as_ref().and_then(planned);
        if let Some(ending) = &part.windows.ending {
            return Some(ended_length_s(ending, planned_s));
        }
        let from = own_start(load, part.share.as_ref(), start);
        let last_at = part.windows.newest_at.max(part.windows.to_us);
        let until = |to: UnixMicros| planned_s.map_or(seconds(from, to), |s| s.min(seconds(from, to)));
        if !self.is_over(part) {
            return last_at.map(until);
        }
        match (planned_s, self.stopped_at()) {
            (Some(_), Some(stop)) => Some(until(stop)),
            (Some(planned_s), None) => last_at.map(|_| planned_s),
            // A closed loop ends with its last attempt, whose time is not reported: count up to the last report.
            (None, _) => last_at.map(until),
        }
    }

    /// When the test was stopped, by the endings of the drivers that stopped.
    fn stopped_at(&self) -> Option<UnixMicros> {
        let endings = self.parts.iter().filter_map(|part| part.windows.ending.as_ref());
        let stopped = endings.filter(|ending| ending.cut_short.as_deref() == Some(Ending::STOPPED));
        stopped.map(|ending| ending.schedule_to_us).max()
    }
}

/// Length of a schedule that its driver reports as over, seconds: as measured, or as planned where both are the same.
pub(crate) fn ended_length_s(ending: &Ending, planned_s: Option<f64>) -> f64 {
    let measured_s = seconds(ending.schedule_from_us, ending.schedule_to_us);
    let same =
        |planned_s: &f64| ending.cut_short.is_none() && (measured_s - planned_s).abs() <= SAME_LENGTH_S;
    planned_s.filter(same).unwrap_or(measured_s)
}

/// When a driver's schedule begins, after the warm-up.
pub(crate) fn own_start(load: &Load, share: Option<&Share>, start: UnixMicros) -> UnixMicros {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let begins_after = share.map_or(Duration::ZERO, Share::begins_after);
    start.saturating_add(micros(begins_after)).saturating_add(micros(load.warmup))
}

/// The time from one instant to a later one, s.
pub(super) fn seconds(from: UnixMicros, to: UnixMicros) -> f64 {
    to.saturating_sub(from).max(0) as f64 / 1e6
}

/// Requests per second; `None` below 1 ms of length.
pub(super) fn per_second(n: u64, length_s: f64) -> Option<f64> {
    (length_s >= MIN_LENGTH_S).then(|| without_rounding(n as f64 / length_s))
}

/// A rate to twelve significant digits: sums and quotients of fractions are off in the sixteenth, and 100/s must not
/// come out as 99.99999999999999/s beside a threshold of `>= 100/s`.
pub(super) fn without_rounding(per_s: f64) -> f64 {
    if per_s <= 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(11 - per_s.log10().floor() as i32);
    (per_s * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_was_kept_is_not_below_itself() {
        for (n, rate) in [(20_u64, 3.0), (7, 0.3), (11, 7.7), (33, 33.3), (99_999, 12_345.6), (1, 0.000_01)] {
            let length_s = n as f64 / rate;
            assert_eq!(per_second(n, length_s), Some(rate), "{n} at {rate}/s");
        }
        assert_eq!(without_rounding(100.0 / 3.0 * 3.0 - 1e-13), 100.0);
        assert_eq!(per_second(5, 0.000_9), None, "below 1 ms");
        assert_eq!(per_second(0, 4.0), Some(0.0));
    }
}
