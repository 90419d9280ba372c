//! A latency as a curve of percentiles, at the levels of HdrHistogram's percentile iterator: so many steps in each half of
//! the distance to 100 %, so that the tail is as finely divided as the rest.

use super::Spread;

/// Requests up to a percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The share of the requests, 0 to 1.
    pub quantile: f64,
    /// So many of them are no slower than this, µs.
    pub us: u64,
    /// Samples up to this value.
    pub count: u64,
}

impl Spread<'_> {
    /// The curve, with so many steps in each half of the distance to 100 % (at least one). Where requests count as slower
    /// than all samples, it ends at the share that the samples are; else at 1.
    pub fn levels(&self, steps: u32) -> Vec<Level> {
        let samples = self.samples();
        let n = samples.count();
        let all = n.saturating_add(self.slower());
        let mut levels = Vec::new();
        // In percent, as HdrHistogram counts: in shares of 1, ties would fall to the other side now and then.
        let (mut percent, mut count) = (0.0_f64, 0);
        for (us, more) in samples.buckets() {
            count += more;
            let reached = 100.0 * count as f64 / all as f64;
            while reached >= percent && percent < 100.0 {
                levels.push(Level { quantile: percent / 100.0, us: samples.between(us), count });
                let next = percent + 100.0 / ticks(steps, percent);
                // So close to 100 % that a step does not change the number any more; or in the last bucket, from which
                // HdrHistogram goes to 100 % at once.
                percent = if next > percent && count < all { next } else { 100.0 };
            }
        }
        if self.slower() == 0 {
            levels.extend(samples.max_us().map(|us| Level { quantile: 1.0, us, count: n }));
        }
        levels
    }
}

/// Steps of the whole distance at a level: twice as many each time that the distance to 100 % is halved.
fn ticks(steps: u32, percent: f64) -> f64 {
    let halvings = (100.0 / (100.0 - percent)).log2().floor();
    f64::from(steps.max(1)) * (halvings + 1.0).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Latency;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Without slower requests it is the curve of hdrhistogram's own iterator. The numbers of steps are those with which
        /// levels are exact in percent and in shares of 1: with others the two add rounding errors of different sizes. Java's
        /// iterator, which counts in percent too, is what e2e/tests/reports.rs compares with.
        #[test]
        fn the_curve_is_that_of_hdrhistogram(us in prop::collection::vec((0..4_000_000_u64, 1..40_u64), 1..60), steps in prop::sample::select(vec![1, 2, 4, 8_u32])) {
            let mut latency = Latency::new();
            us.iter().for_each(|(us, n)| latency.record_n_us(*us, *n));
            let levels = Spread::of(&latency).levels(steps);
            let theirs: Vec<_> = latency.histogram.iter_quantiles(steps).collect();
            prop_assert_eq!(levels.len(), theirs.len());
            let mut count = 0;
            for (ours, theirs) in levels.iter().zip(&theirs) {
                prop_assert!((ours.quantile - theirs.quantile_iterated_to()).abs() < 1e-12);
                prop_assert_eq!(ours.us, latency.between(theirs.value_iterated_to()));
                count = ours.count.max(count);
            }
            prop_assert_eq!(count, latency.count());
        }

        /// At every level the value is the quantile that figures have, and it ends where the samples do.
        #[test]
        fn slower_requests_move_the_curve_and_cut_it(us in prop::collection::vec(0..90_000_u64, 1..200), slower in 1..300_u64) {
            let mut latency = Latency::new();
            us.iter().for_each(|us| latency.record_us(*us));
            let spread = Spread::of(&latency).with_slower(slower);
            let levels = spread.levels(5);
            let share = us.len() as f64 / (us.len() as u64 + slower) as f64;
            prop_assert!(levels.iter().all(|level| level.quantile <= share));
            prop_assert!(levels.windows(2).all(|pair| pair[0].us <= pair[1].us && pair[0].quantile < pair[1].quantile));
            prop_assert_eq!(levels.iter().map(|level| level.us).max() <= latency.max_us(), true);
        }
    }

    #[test]
    fn nothing_has_no_curve() {
        assert_eq!(Spread::of(&Latency::new()).levels(5), []);
        assert_eq!(Spread::of(&Latency::new()).with_slower(9).levels(5), []);
    }
}
