//! Which scenario a session follows: a table, shuffled by the seed, that holds each scenario in its share.

use super::{below, mix64, place_of};

const PLACE: u64 = place_of("scenarios");

/// The scenarios of a test, by the numbers of its sessions.
#[derive(Debug, Clone)]
pub struct Mix {
    /// For each entry its scenario, and how many entries before it have the same.
    entries: Box<[(u16, u32)]>,
    /// How many entries each scenario has.
    counts: Box<[u32]>,
}

impl Mix {
    /// A table of so many entries that holds each scenario in its share of all, to the nearest entry. Where `entries` is
    /// prime, a fleet's drivers and workers, which take every nth session, all see this mix, unless n is a multiple of it.
    pub fn new(seed: u64, shares: &[u32], entries: u32) -> Self {
        let counts = apportion(shares, entries);
        let mut order: Vec<u16> = Vec::with_capacity(entries as usize);
        for (scenario, count) in counts.iter().enumerate() {
            let scenario = u16::try_from(scenario).unwrap_or(u16::MAX);
            order.extend(std::iter::repeat_n(scenario, *count as usize));
        }
        for last in (1..order.len()).rev() {
            let other = below(mix64(seed, last as u64, PLACE), last as u64 + 1);
            order.swap(last, usize::try_from(other).unwrap_or(last));
        }
        let mut so_far = vec![0_u32; counts.len()];
        let ranked = order.into_iter().map(|scenario| {
            let n = &mut so_far[usize::from(scenario)];
            *n += 1;
            (scenario, *n - 1)
        });
        Self { entries: ranked.collect(), counts: counts.into_boxed_slice() }
    }

    /// The scenario of session `g`, by its position among the shares.
    #[inline]
    pub fn scenario(&self, g: u64) -> usize {
        usize::from(self.entry(g).0)
    }

    /// How many sessions below `g` follow its scenario.
    #[inline]
    pub fn ordinal(&self, g: u64) -> u64 {
        self.place(g).1
    }

    /// Both: the scenario, and how many sessions below `g` follow it.
    #[inline]
    pub fn place(&self, g: u64) -> (usize, u64) {
        let (scenario, rank) = self.entry(g);
        let count = self.counts.get(usize::from(scenario)).copied().unwrap_or(0);
        let rounds = g / (self.entries.len() as u64).max(1);
        (usize::from(scenario), rounds * u64::from(count) + u64::from(rank))
    }

    #[inline]
    fn entry(&self, g: u64) -> (u16, u32) {
        let at = g.checked_rem(self.entries.len() as u64).unwrap_or(0);
        self.entries.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or((0, 0))
    }
}

/// Shares out the entries by the method of largest remainders: each scenario has its exact share, rounded up or down.
fn apportion(shares: &[u32], entries: u32) -> Vec<u32> {
    let total: u64 = shares.iter().map(|share| u64::from(*share)).sum();
    if total == 0 {
        return Vec::new();
    }
    let exact = |share: &u32| u64::from(*share) * u64::from(entries);
    let mut counts: Vec<u32> =
        shares.iter().map(|share| u32::try_from(exact(share) / total).unwrap_or(0)).collect();
    let left = entries - counts.iter().sum::<u32>();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    // Stable: of equal remainders the first has it.
    by_remainder.sort_by_key(|i| std::cmp::Reverse(exact(&shares[*i]) % total));
    for i in by_remainder.into_iter().take(left as usize) {
        counts[i] += 1;
    }
    counts
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENTRIES: u32 = 10_007;

    #[test]
    fn entries_are_shared_out_to_the_last() {
        for (shares, entries, expected) in [
            (&[1][..], 10, &[10][..]),
            (&[1, 1, 1], 10, &[4, 3, 3]),
            (&[600, 390, 5, 5], 10_007, &[6_004, 3_903, 50, 50]),
            (&[1, 1_000_000], 10_007, &[0, 10_007]),
            (&[u32::MAX, u32::MAX], 65_537, &[32_769, 32_768]),
            (&[], 5, &[]),
        ] {
            assert_eq!(apportion(shares, entries), expected, "{shares:?}");
        }
        let none = Mix::new(1, &[], 7);
        assert_eq!((none.scenario(5), none.ordinal(5)), (0, 0));
    }

    #[test]
    fn in_between_shares_stay_within_four_sigma() {
        let shares = [60_u32, 39, 1];
        let mix = Mix::new(7, &shares, ENTRIES);
        let mut counts = [0_f64; 3];
        for g in 0..u64::from(ENTRIES) {
            counts[mix.scenario(g)] += 1.0;
            let n = g as f64 + 1.0;
            for (count, share) in counts.iter().zip(shares) {
                let p = f64::from(share) / 100.0;
                let sigma = (n * p * (1.0 - p) * (1.0 - g as f64 / f64::from(ENTRIES))).sqrt();
                assert!((count - n * p).abs() <= 4.0 * sigma + 1.5, "{count} of {n} at {p}");
            }
        }
    }

    #[test]
    fn every_driver_sees_the_same_mix() {
        let mix = Mix::new(3, &[50, 30, 20], ENTRIES);
        // Also where there are more workers than entries: they take the entries in another order.
        for drivers in [2, 8, 10, 100, 9_600, 12_800, 65_537] {
            let ours = (0..u64::from(ENTRIES)).map(|k| mix.scenario(k * drivers + 1));
            assert_eq!(ours.filter(|scenario| *scenario == 1).count(), 3_002, "{drivers} drivers");
        }
    }

    proptest! {
        #[test]
        fn shares_are_exact_over_a_table_and_ordinals_count(
            seed: u64, shares in prop::collection::vec(1_u32..1_000, 1..6), from in 0_u64..1_000_000,
        ) {
            let mix = Mix::new(seed, &shares, 1_009);
            let mut counts = vec![0_u32; shares.len()];
            (from..from + 1_009).for_each(|g| counts[mix.scenario(g)] += 1);
            prop_assert_eq!(counts, apportion(&shares, 1_009));
            let mut so_far = vec![0; shares.len()];
            for g in 0..3_000 {
                prop_assert_eq!(mix.ordinal(g), so_far[mix.scenario(g)]);
                so_far[mix.scenario(g)] += 1;
            }
        }
    }
}
