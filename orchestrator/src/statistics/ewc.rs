//! The variance of a sum over windows that depend on one another, by equal-weighted cosines (EWC; Lazarus, Lewis, Stock
//! and Watson 2018, "HAR Inference: Recommendations for Practice").
//!
//! Let z be the windows' deviations from their common mean. What the sum over all windows varies by, from test to test,
//! is what z does slowly: quick ups and downs cancel within a test, slow ones do not. So the series is compared with the
//! ν slowest cosines, √2·cos(πj(t + ½)/n) for j = 1 to ν, and the mean of the squares is the estimate. Each square has one
//! degree of freedom, so that Student's t with ν of them is the critical value. With few waves the estimate is not
//! biased by quick changes, but is rough, and t says how rough; ν = 0.4·n^⅔ is what the authors recommend.

use std::f64::consts::{PI, SQRT_2};

/// Fewest cosines, where there are windows enough for them.
const MIN_COSINES: usize = 4;

/// How many times as large as the quick ones the slow waves are from which on they alone count. Of independent windows it is
/// so in one of six series of 300, and then the interval is wider than it need be.
const DOMINANT: f64 = 2.0;

/// Most windows of one series. More are merged, neighbours with one another: only slow changes count, and these a merged
/// series has as well. The table of cosines has 2.7 MB then.
pub const MAX_WINDOWS: usize = 3_600;

/// The slowest cosines of a series of windows.
#[derive(Debug, Clone)]
pub struct Cosines {
    n: usize,
    /// One after the other, `n` values each.
    values: Vec<f64>,
}

impl Cosines {
    /// Those of a series of `n` windows: max(4, 0.4·n^⅔) of them, at most `n` - 1.
    pub fn of(n: usize) -> Self {
        let wanted = (0.4 * (n as f64).powf(2.0 / 3.0)).floor() as usize;
        let count = wanted.max(MIN_COSINES).min(n.saturating_sub(1));
        let value = |j: usize, t: usize| SQRT_2 * (PI * j as f64 * (t as f64 + 0.5) / n as f64).cos();
        let values = (1..=count).flat_map(|j| (0..n).map(move |t| value(j, t))).collect();
        Self { n, values }
    }

    /// How many windows they are for.
    pub fn windows(&self) -> usize {
        self.n
    }

    /// The degrees of freedom of their estimates: how many they are.
    pub fn degrees(&self) -> f64 {
        self.values.len().checked_div(self.n).unwrap_or(0) as f64
    }

    /// The square of what each of them has of a series, the slowest first.
    fn powers<'s>(&'s self, z: &'s [f64]) -> impl Iterator<Item = f64> + 's {
        self.values.chunks_exact(self.n.max(1)).map(move |cosine| {
            // Four sums at a time: the processor need not wait for one to be added to.
            let mut sums = [0.0_f64; 4];
            let (cosines, rest) = cosine.as_chunks::<4>();
            let (values, rest_of_values) = z.as_chunks::<4>();
            for (cosine, z) in cosines.iter().zip(values) {
                for at in 0..4 {
                    sums[at] += cosine[at] * z[at];
                }
            }
            let rest: f64 = rest.iter().zip(rest_of_values).map(|(value, z)| value * z).sum();
            let sum = sums.iter().sum::<f64>() + rest;
            sum * sum
        })
    }

    /// The variance of the sum of a series (one value a window), and its degrees of freedom. The variance of a series too short for a
    /// cosine is 0.
    ///
    /// Where what is slow is far more than what is quick even among these waves, a state of the series lasts about as long as
    /// the quickest of them, which therefore have too little of it: then the slower half alone counts.
    pub fn variance_of_sum(&self, z: &[f64]) -> (f64, f64) {
        let powers: Vec<f64> = self.powers(z).collect();
        let mean = |powers: &[f64]| powers.iter().sum::<f64>() / (powers.len() as f64).max(1.0);
        let (slow, quick) = powers.split_at(powers.len() / 2);
        if slow.len() >= MIN_COSINES && mean(slow) > DOMINANT * mean(quick) {
            return (mean(slow), slow.len() as f64);
        }
        (mean(&powers), self.degrees())
    }

    /// The same without the slowest cosine, which is nearly all that a steady rise or fall consists of.
    pub fn variance_without_trend(&self, z: &[f64]) -> f64 {
        self.powers(z).skip(1).sum::<f64>() / (self.degrees() - 1.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_are_as_many_cosines_as_recommended() {
        for (n, degrees) in
            [(0, 0.0), (1, 0.0), (2, 1.0), (4, 3.0), (10, 4.0), (60, 6.0), (300, 17.0), (3_600, 93.0)]
        {
            assert_eq!(Cosines::of(n).degrees(), degrees, "{n} windows");
        }
    }

    proptest! {
        /// A level adds nothing: cosines have no part of a constant. And a series of twice the size has four times the
        /// variance.
        #[test]
        fn a_level_does_not_count_and_sizes_count_squared(
            z in prop::collection::vec(-5.0..5.0_f64, 8..80), level in -9.0..9.0_f64,
        ) {
            let cosines = Cosines::of(z.len());
            let (variance, degrees) = cosines.variance_of_sum(&z);
            let raised: Vec<f64> = z.iter().map(|z| z + level).collect();
            let (same, _) = cosines.variance_of_sum(&raised);
            // Rounding may decide otherwise which waves count.
            prop_assume!(cosines.variance_of_sum(&raised).1 == degrees);
            prop_assert!((same - variance).abs() < 1e-6 * (1.0 + variance));
            let doubled: Vec<f64> = z.iter().map(|z| z * 2.0).collect();
            prop_assert!((cosines.variance_of_sum(&doubled).0 - 4.0 * variance).abs() < 1e-9 * (1.0 + variance));
        }
    }

    #[test]
    fn all_cosines_together_have_the_whole_variance() {
        // With n - 1 cosines the mean of the squares is n times the usual variance (the basis is whole).
        let z = [3.0, -1.0, 2.0, 0.5];
        let mean = z.iter().sum::<f64>() / 4.0;
        let usual = z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / 3.0;
        assert!((Cosines::of(4).variance_of_sum(&z).0 - 4.0 * usual).abs() < 1e-9);
    }

    #[test]
    fn a_steady_rise_is_in_the_slowest_cosine() {
        let z: Vec<f64> = (0..120).map(|t| f64::from(t) - 59.5).collect();
        let cosines = Cosines::of(120);
        assert!(cosines.variance_without_trend(&z) < 0.03 * cosines.variance_of_sum(&z).0);
    }

    #[test]
    fn where_slow_waves_dominate_they_alone_count() {
        let cosines = Cosines::of(300);
        // A state that lasts for 30 windows, and one that changes each window.
        let lasting: Vec<f64> = (0..300).map(|t| if (t / 30) % 3 == 0 { 2.0 } else { -1.0 }).collect();
        let quick: Vec<f64> = (0..300).map(|t| f64::from((t * 7_919) % 13) - 6.0).collect();
        assert_eq!(cosines.variance_of_sum(&lasting).1, 8.0);
        assert_eq!(cosines.variance_of_sum(&quick).1, 17.0);
    }
}
