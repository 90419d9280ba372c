//! One of n by weight, in one look: Walker's alias method as Vose builds it.

use super::{below, scramble};

/// A table of weights.
#[derive(Debug, Clone)]
pub struct AliasTable {
    /// For each entry: below which of 2³² it is the entry itself, and what else it is.
    entries: Box<[(u32, u32)]>,
}

impl AliasTable {
    /// A table of these weights, in their order. One that is negative or no number counts as zero; where all are, every
    /// entry is as likely.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Rows are at most 10 million, and shares lie between 0 and 1.
    pub fn new(weights: &[f64]) -> Self {
        let of = |weight: &f64| if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        let largest = weights.iter().map(of).fold(0.0, f64::max);
        let sum: f64 = weights.iter().map(|weight| of(weight) / largest).sum();
        let n = weights.len();
        // Each scaled so that the mean is 1.
        let mut scaled: Vec<f64> = if largest > 0.0 {
            weights.iter().map(|weight| of(weight) / largest * (n as f64 / sum)).collect()
        } else {
            vec![1.0; n]
        };
        let mut entries: Vec<(u32, u32)> = (0..n).map(|i| (u32::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| scaled[*i] < 1.0);
        while let (Some(less), Some(more)) = (small.pop(), large.pop()) {
            entries[less] = ((scaled[less] * 4_294_967_296.0) as u32, more as u32);
            scaled[more] -= 1.0 - scaled[less];
            if scaled[more] < 1.0 { &mut small } else { &mut large }.push(more);
        }
        Self { entries: entries.into_boxed_slice() }
    }

    /// The entry that a random value picks; 0 where there is none.
    #[inline]
    pub fn pick(&self, random: u64) -> usize {
        let at = usize::try_from(below(random, self.entries.len() as u64)).unwrap_or(0);
        match self.entries.get(at) {
            // Another value for the second decision: the first is used up by the entry's position.
            Some((own, alias)) if (scramble(random) >> 32) as u32 >= *own => *alias as usize,
            _ => at,
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::super::mix64;
    use super::*;

    #[track_caller]
    fn check(weights: &[f64]) {
        let (table, n) = (AliasTable::new(weights), 200_000_u64);
        let mut counts = vec![0_u64; weights.len()];
        (0..n).for_each(|x| counts[table.pick(mix64(11, x, 5))] += 1);
        let sum: f64 = weights.iter().sum();
        for (i, count) in counts.iter().enumerate() {
            let share = weights[i] / sum;
            let sigma = (share * (1.0 - share) * n as f64).sqrt();
            let off = (*count as f64 - share * n as f64).abs();
            assert!(off <= 4.5 * sigma + 1e-4, "{weights:?}: {i} {count} times, {off} off");
        }
    }

    #[test]
    fn entries_are_picked_by_their_weights() {
        check(&[1.0]);
        check(&[1.0, 1.0, 1.0]);
        check(&[13_737.0, 1.0, 500.0, 0.0, 2_000.0]);
        check(&[0.1, 0.7, 0.2]);
        check(&(1..=100).map(f64::from).collect::<Vec<_>>());
        check(&[1e300, 3e300]);
    }

    #[test]
    fn weights_that_make_no_sense_are_no_panic() {
        assert_eq!(AliasTable::new(&[]).pick(u64::MAX), 0);
        let table = AliasTable::new(&[f64::NAN, -1.0, f64::INFINITY]);
        let seen: std::collections::BTreeSet<usize> = (0..100).map(|x| table.pick(scramble(x))).collect();
        assert_eq!(seen.len(), 3, "all alike");
        assert!((0..1_000).all(|x| AliasTable::new(&[0.0, 2.0, -3.0]).pick(scramble(x)) == 1));
    }
}
