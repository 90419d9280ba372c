//! A set of whole numbers that takes little memory where they are nearly consecutive: seqs of windows that arrived,
//! offsets of reports that were read.

use std::collections::BTreeMap;

/// A set of numbers, kept as runs of consecutive ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// First number of each run → its last. Runs neither touch nor overlap.
    runs: BTreeMap<u64, u64>,
    count: u64,
}

impl Runs {
    /// Adds a number; false where it was in the set already.
    pub fn insert(&mut self, n: u64) -> bool {
        if self.contains(n) {
            return false;
        }
        let before = self.runs.range(..n).next_back().map(|(from, to)| (*from, *to));
        let mut from = n;
        if let Some((first, last)) = before
            && last + 1 == n
        {
            from = first;
        }
        let to = n.checked_add(1).and_then(|next| self.runs.remove(&next)).unwrap_or(n);
        self.runs.insert(from, to);
        self.count += 1;
        true
    }

    /// Whether a number is in it.
    pub fn contains(&self, n: u64) -> bool {
        self.runs.range(..=n).next_back().is_some_and(|(_, last)| *last >= n)
    }

    /// How many numbers are in it.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn highest(&self) -> Option<u64> {
        self.runs.last_key_value().map(|(_, last)| *last)
    }

    /// The runs of numbers from 0 to `last` that are not in it, lowest first.
    pub fn gaps(&self, last: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut next = 0;
        for (from, to) in &self.runs {
            if *from > last {
                break;
            }
            if *from > next {
                gaps.push((next, from - 1));
            }
            next = to.saturating_add(1);
        }
        if next <= last {
            gaps.push((next, last));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_in_whatever_order(numbers in prop::collection::vec(0..60_u64, 0..80), last in 0..70_u64) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for n in numbers {
                prop_assert_eq!(runs.insert(n), set.insert(n));
                prop_assert_eq!(runs.count(), set.len() as u64);
                prop_assert_eq!(runs.highest(), set.last().copied());
            }
            let missing: Vec<u64> = runs.gaps(last).into_iter().flat_map(|(from, to)| from..=to).collect();
            let expected: Vec<u64> = (0..=last).filter(|n| !set.contains(n)).collect();
            prop_assert_eq!(missing, expected);
            let touching = runs.runs.values().any(|to| runs.runs.contains_key(&(to + 1)));
            prop_assert!(!touching, "runs are joined: {:?}", runs);
        }
    }

    #[test]
    fn the_highest_number_does_not_overflow() {
        let mut runs = Runs::default();
        assert!(runs.insert(u64::MAX) && !runs.insert(u64::MAX) && runs.insert(u64::MAX - 1));
        assert_eq!(runs.gaps(0), [(0, 0)]);
    }
}
