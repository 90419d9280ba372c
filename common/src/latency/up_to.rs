//! How many samples lie up to each of some fixed bounds: the form in which other systems take a histogram (Prometheus'
//! classic one). Coarser than ours, and counted from it.

use std::ops::{AddAssign, SubAssign};

use super::Latency;

/// The bounds, µs, ascending: three to a decade up to 10 s, and a minute. They are the same for every test, so that series of
/// several tests and of several orchestrators add up.
pub const BOUNDS_US: [u64; 17] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 60_000_000,
];

/// Samples by bound. Sums of these are the counts of the merged samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpTo {
    /// Samples up to each of [`BOUNDS_US`], those up to the bounds before included.
    pub counts: [u64; BOUNDS_US.len()],
    /// All samples.
    pub count: u64,
    /// Their sum, µs, each taken as the middle of its bucket: within 0.05 % of the exact one. Whole, so that it does not
    /// depend on the order of additions and what was added can be taken away again.
    pub sum_us: u128,
}

impl Latency {
    /// Counts by bound. A bucket of ours counts up to a bound where all of it lies there, so that no sample counts as
    /// faster than it was; one that is at most 0.1 % below a bound may count up to the next one instead.
    pub fn up_to(&self) -> UpTo {
        let mut up_to = UpTo::default();
        let mut place = 0;
        for (high, n) in self.buckets() {
            let low = self.histogram.lowest_equivalent(high);
            up_to.sum_us += u128::from(low + (high - low) / 2) * u128::from(n);
            while BOUNDS_US.get(place).is_some_and(|bound| *bound < high) {
                if let Some(count) = up_to.counts.get_mut(place) {
                    *count = up_to.count;
                }
                place += 1;
            }
            up_to.count += n;
        }
        up_to.counts.iter_mut().skip(place).for_each(|count| *count = up_to.count);
        up_to
    }
}

impl AddAssign<&Self> for UpTo {
    fn add_assign(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, more)| *mine += more);
        self.count += other.count;
        self.sum_us += other.sum_us;
    }
}

/// Takes samples away that are part of these; never below zero.
impl SubAssign<&Self> for UpTo {
    fn sub_assign(&mut self, part: &Self) {
        self.counts.iter_mut().zip(&part.counts).for_each(|(mine, less)| *mine = mine.saturating_sub(*less));
        self.count = self.count.saturating_sub(part.count);
        self.sum_us = self.sum_us.saturating_sub(part.sum_us);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(samples: &[u64]) -> Latency {
        let mut latency = Latency::new();
        samples.iter().for_each(|us| latency.record_us(*us));
        latency
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_samples_to_a_thousandth(
            samples in prop::collection::vec(prop_oneof![0..3_000_u64, 0..20_000_000_u64], 0..60),
        ) {
            let up_to = of(&samples).up_to();
            prop_assert_eq!(up_to.count, samples.len() as u64);
            for (bound, counted) in BOUNDS_US.iter().zip(up_to.counts) {
                let below = |bound: f64| samples.iter().filter(|us| **us as f64 <= bound).count() as u64;
                prop_assert!(counted <= below(*bound as f64), "a sample counts as faster than it was");
                prop_assert!(counted >= below(*bound as f64 * 0.999), "{} up to {}", counted, bound);
            }
            prop_assert!(up_to.counts.is_sorted());
            let sum = samples.iter().sum::<u64>() as f64;
            prop_assert!((up_to.sum_us as f64 - sum).abs() <= sum * 0.0005 + samples.len() as f64);
        }

        /// What a scrape sees never falls while a test goes on, and parts make the whole.
        #[test]
        fn counts_add_up_and_can_be_taken_away(
            a in prop::collection::vec(0..9_000_000_u64, 0..40),
            b in prop::collection::vec(0..9_000_000_u64, 0..40),
        ) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let mut sum = of(&a).up_to();
            sum += &of(&b).up_to();
            prop_assert_eq!(sum, merged.up_to());
            sum -= &of(&b).up_to();
            prop_assert_eq!(sum, of(&a).up_to());
        }
    }

    #[test]
    fn a_bound_holds_what_lies_at_it_and_the_rest_is_above() {
        let up_to = of(&[0, 100, 101, 1_000, 2_000_000, 3_700_000_000]).up_to();
        assert_eq!((up_to.counts[0], up_to.counts[1], up_to.counts[3]), (2, 3, 4));
        assert_eq!((up_to.counts[12], up_to.counts[13], up_to.counts[16], up_to.count), (4, 5, 5, 6));
        assert_eq!(of(&[]).up_to(), UpTo::default());
    }
}
