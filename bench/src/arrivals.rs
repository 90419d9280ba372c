//! Statistics of arrival times: how far they are off the schedule, and how evenly they are spread. Pure: the input is
//! nanoseconds.

use serde::{Deserialize, Serialize};

use crate::figures::quantile;

const MS: u64 = 1_000_000;

/// How far from their due times requests arrived, whether early or late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OffSchedule {
    /// Half came no further off, µs.
    pub p50_us: f64,
    /// 99 % came no further off, µs.
    pub p99_us: f64,
    /// The furthest, µs.
    pub max_us: f64,
}

/// Arrival k against `arrivals[0] + k / rate`, and the same against the start that fits best: where the first
/// request was late, by its connection for one, the first figure counts that against all the others.
pub fn off_schedule(arrivals: &[u64], rate_per_s: f64) -> Option<(OffSchedule, OffSchedule)> {
    let first = *arrivals.first()?;
    let interval_ns = 1e9 / rate_per_s;
    let mut late: Vec<f64> =
        arrivals.iter().zip(0_u64..).map(|(at, k)| (at - first) as f64 - k as f64 * interval_ns).collect();
    let against_first = spread(late.iter().copied());
    late.sort_by(f64::total_cmp);
    let middle = quantile(&late, 0.5);
    Some((against_first, spread(late.iter().map(|ns| ns - middle))))
}

/// How much later than at best: waits, or arrivals against the earliest of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Half were no later, µs.
    pub p50_us: f64,
    /// 99 % were no later, µs.
    pub p99_us: f64,
    /// The latest, µs.
    pub max_us: f64,
}

impl Late {
    /// Of values in µs; `None` of none.
    pub fn of(values_us: impl Iterator<Item = f64>) -> Option<Self> {
        let mut late: Vec<f64> = values_us.collect();
        late.sort_by(f64::total_cmp);
        let max_us = *late.last()?;
        Some(Self { p50_us: quantile(&late, 0.5), p99_us: quantile(&late, 0.99), max_us })
    }
}

/// How much later arrivals were than the schedule through the earliest of them, which itself was sent no earlier than
/// it was due.
pub fn late(arrivals: &[u64], rate_per_s: f64) -> Option<Late> {
    let interval_ns = 1e9 / rate_per_s;
    let since_first = |(at, k): (&u64, u64)| (*at - arrivals[0]) as f64 - k as f64 * interval_ns;
    let earliest = arrivals.iter().zip(0_u64..).map(since_first).min_by(f64::total_cmp)?;
    Late::of(arrivals.iter().zip(0_u64..).map(|pair| (since_first(pair) - earliest) / 1e3))
}

fn spread(late_ns: impl Iterator<Item = f64>) -> OffSchedule {
    let mut off: Vec<f64> = late_ns.map(|ns| ns.abs() / 1e3).collect();
    off.sort_by(f64::total_cmp);
    OffSchedule { p50_us: quantile(&off, 0.5), p99_us: quantile(&off, 0.99), max_us: quantile(&off, 1.0) }
}

/// Variance over mean of the arrivals in each whole millisecond from the first to the last: 0 is a metronome, 1 is
/// chance (Poisson), above are clumps. `None` below two milliseconds.
pub fn variance_over_mean(arrivals: &[u64]) -> Option<f64> {
    let (first, last) = (*arrivals.first()?, *arrivals.last()?);
    let mut counts = vec![0_u32; usize::try_from((last - first) / MS).ok().filter(|n| *n >= 2)?];
    for at in arrivals {
        if let Some(count) = usize::try_from((at - first) / MS).ok().and_then(|ms| counts.get_mut(ms)) {
            *count += 1;
        }
    }
    let n = counts.len() as f64;
    let mean = counts.iter().map(|count| f64::from(*count)).sum::<f64>() / n;
    let variance = counts.iter().map(|count| (f64::from(*count) - mean).powi(2)).sum::<f64>() / n;
    (mean > 0.0).then(|| variance / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_arrival_is_not_late() {
        // Due each millisecond, after 300, 0, 100 and 200 µs.
        let arrivals = [5_300_000, 6_000_000, 7_100_000, 8_200_000];
        let late = late(&arrivals, 1_000.0).unwrap();
        assert_eq!((late.p50_us, late.p99_us, late.max_us), (100.0, 300.0, 300.0));
        assert_eq!(super::late(&[], 1_000.0), None);
    }

    #[test]
    fn a_metronome_is_on_schedule_and_even() {
        let arrivals: Vec<u64> = (0..10_000).map(|k| 7 + k * 100_000).collect();
        let (off, fitted) = off_schedule(&arrivals, 10_000.0).unwrap();
        assert_eq!((off.p99_us, fitted.max_us), (0.0, 0.0));
        assert_eq!(variance_over_mean(&arrivals), Some(0.0));
    }

    #[test]
    fn a_late_first_request_counts_against_all_but_not_against_the_best_fit() {
        let mut arrivals: Vec<u64> = (0..1_000).map(|k| k * MS).collect();
        arrivals[0] = 300_000;
        let (off, fitted) = off_schedule(&arrivals, 1_000.0).unwrap();
        assert_eq!((off.p50_us, off.p99_us), (300.0, 300.0));
        assert_eq!((fitted.p50_us, fitted.p99_us, fitted.max_us), (0.0, 0.0, 300.0));
    }

    #[test]
    fn clumps_are_uneven() {
        // Ten at once every 10 ms: the mean is 1 in 1 ms, the variance 9.
        let arrivals: Vec<u64> = (0..1_001).map(|k| k / 10 * 10 * MS).collect();
        let ratio = variance_over_mean(&arrivals).unwrap();
        assert!((ratio - 9.0).abs() < 0.1, "{ratio}");
        assert_eq!(variance_over_mean(&[5]), None);
        assert_eq!(off_schedule(&[], 10.0), None);
    }
}
