//! Whether a test rose or fell from its beginning to its end: its first quarter against its last.

use super::series::{Series, Window};
use super::{Cosines, root_of_squares, student_t};

/// A figure of the first and of the last quarter of a test, which differ beyond what its windows vary by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Of the first quarter.
    pub first: f64,
    /// Of the last quarter.
    pub last: f64,
}

/// The trend of a ratio of two sums over a test's windows (responses and requests, requests and seconds); `None` where
/// the quarters do not differ by more than they would vary by at this confidence.
///
/// What they vary by comes from the waves of the series without the slowest one, which is the trend itself.
pub fn trend(
    series: &Series,
    above: impl Fn(&Window) -> f64,
    below: impl Fn(&Window) -> f64,
    confidence: f64,
) -> Option<Trend> {
    let windows = series.windows();
    let quarter = windows.len() / 4;
    let sums = |windows: &[Window]| -> (f64, f64) {
        (windows.iter().map(&above).sum(), windows.iter().map(&below).sum())
    };
    let (whole_above, whole_below) = sums(windows);
    let mean = whole_above / whole_below;
    let z: Vec<f64> = windows.iter().map(|window| above(window) - mean * below(window)).collect();
    let of_quarter = |windows: &[Window]| {
        let (above, below) = sums(windows);
        (above / below, below)
    };
    let (first, first_below) = of_quarter(windows.get(..quarter)?);
    let (last, last_below) = of_quarter(windows.get(windows.len() - quarter..)?);
    let cosines: &Cosines = series.cosines();
    // Of a quarter's sum: a quarter of the whole's.
    let of_sum = cosines.variance_without_trend(&z) * quarter as f64 / windows.len() as f64;
    let se = of_sum.sqrt() * root_of_squares(1.0 / first_below, 1.0 / last_below);
    let critical = student_t(confidence, cosines.degrees() - 1.0);
    // What is as small as this is beyond the three digits that figures have.
    let least = 0.001 * mean.abs();
    let differs = (last - first).abs() > (critical * se).max(least);
    Some(Trend { first, last }).filter(|_| differs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throughput(counts: impl Iterator<Item = u64>) -> Option<Trend> {
        let window = |n| Window { in_schedule: n, seconds: 1.0, ..Window::default() };
        let series = Series::new(counts.map(window).collect());
        trend(&series, |window| window.in_schedule as f64, |window| window.seconds, 0.99)
    }

    #[test]
    fn a_rise_is_a_trend_and_a_wave_is_none() {
        let noise = |t: u64| (t * 7_919) % 13;
        let rising = throughput((0..120).map(|t| 1_000 + t + noise(t))).unwrap();
        assert!(rising.last - rising.first > 80.0, "{rising:?}");
        assert!(throughput((0..120).map(|t| 1_000 + noise(t))).is_none());
        let wave = |t: u64| ((t as f64 / 10.0).sin() * 100.0) as i64;
        assert!(throughput((0..120).map(|t| (1_000 + wave(t)) as u64 + noise(t))).is_none());
        assert!(throughput((0..120).map(|_| 1_000)).is_none(), "what never varies");
        assert!(throughput((0..3).map(|_| 1_000)).is_none() && throughput((0..0).map(|_| 0)).is_none());
    }
}
