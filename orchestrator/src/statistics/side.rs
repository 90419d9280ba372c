//! One side of a comparison: the series of one test or of several, and what its figures and their variances are.

use super::series::{BUCKETS, Series, Window, place_of_bucket, top_of_bucket};
use super::{effective_windows, lag_1};

/// The series of the tests of one side. Figures are of all their windows together.
#[derive(Debug, Clone)]
pub struct Side {
    series: Vec<Series>,
    /// Completed requests of all windows: the highest µs of each bucket, and how many are no slower.
    merged: Vec<(u32, u64)>,
    /// Completed requests, and those that count as slower.
    requests: u64,
}

/// The variance of a sum over the windows of a side, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variance {
    /// The variance.
    pub of_sum: f64,
    /// Its degrees of freedom (Satterthwaite's, where it comes from several tests).
    pub degrees: f64,
    /// The highest correlation of neighbouring windows, of all tests.
    pub lag_1: f64,
    /// How many independent windows all windows are worth.
    pub effective: f64,
}

impl Side {
    /// The side that these tests make, at least one.
    pub fn new(series: Vec<Series>) -> Self {
        let mut counts = vec![0_u64; BUCKETS];
        for (us, n) in series.iter().flat_map(Series::windows).flat_map(Window::buckets) {
            counts[place_of_bucket(us)] += n;
        }
        let mut merged = Vec::new();
        let mut so_far = 0;
        for (place, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            so_far += n;
            merged.push((top_of_bucket(place), so_far));
        }
        let requests = series.iter().flat_map(Series::windows).map(Window::requests).sum();
        Self { series, merged, requests }
    }

    /// A side of each test by itself.
    pub fn each(&self) -> impl Iterator<Item = Self> + '_ {
        self.series.iter().map(|one| Self::new(vec![one.clone()]))
    }

    /// The tests' series.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// How many windows all tests have.
    pub fn windows(&self) -> usize {
        self.series.iter().map(|one| one.windows().len()).sum()
    }

    /// How much of a schedule all tests are, seconds.
    pub fn seconds(&self) -> f64 {
        self.series.iter().map(Series::seconds).sum()
    }

    /// Completed requests, and those that count as slower.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The sum of something over all windows.
    pub fn sum(&self, of: impl Fn(&Window) -> f64) -> f64 {
        self.series.iter().flat_map(Series::windows).map(of).sum()
    }

    /// The buckets with completed requests of all windows: the highest µs of each, and how many are no slower.
    pub fn merged(&self) -> &[(u32, u64)] {
        &self.merged
    }

    /// The variance of the sum of deviations, of which `z` gives that of a window. `independent` gives what a test's
    /// would be, were its requests independent of one another; no test counts for less.
    pub fn variance(&self, z: impl Fn(&Window) -> f64, independent: impl Fn(&Series) -> f64) -> Variance {
        let (mut of_sum, mut squares, mut lag, mut effective) = (0.0, 0.0, 0.0_f64, 0.0);
        for one in &self.series {
            let z: Vec<f64> = one.windows().iter().map(&z).collect();
            let worth = effective_windows(&z);
            let (of_waves, waves) = one.cosines().variance_of_sum(&z);
            let variance = of_waves.max(lingering(&z, worth)).max(independent(one));
            of_sum += variance;
            squares += variance * variance / waves.max(1.0);
            lag = lag.max(lag_1(&z));
            effective += worth;
        }
        let degrees = if squares > 0.0 { of_sum * of_sum / squares } else { self.fewest_degrees() };
        Variance { of_sum, degrees, lag_1: lag, effective }
    }

    fn fewest_degrees(&self) -> f64 {
        self.series.iter().map(|one| one.cosines().degrees()).fold(f64::INFINITY, f64::min).max(1.0)
    }
}

/// The variance of the sum of deviations that linger from window to window so that `n` windows are `worth` fewer.
fn lingering(z: &[f64], worth: f64) -> f64 {
    let mean = z.iter().sum::<f64>() / (z.len() as f64).max(1.0);
    z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() * z.len() as f64 / worth.max(1e-9)
}
