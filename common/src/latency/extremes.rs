//! The exact smallest and largest of some samples. A histogram knows its ends only as buckets, up to 0.1 % wide: from
//! its buckets alone, a server that waits 1.000 s would seem to have answered after 999.936 ms.

/// The smallest and the largest of some samples, µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes {
    min_us: u64,
    max_us: u64,
}

impl Extremes {
    /// Those of no samples. The smallest stands above the largest, so that taking a sample, or merging two, needs no
    /// look at whether there was one before.
    pub const NONE: Self = Self { min_us: u64::MAX, max_us: 0 };

    /// These two; `None` where the smallest is above the largest.
    pub fn new(min_us: u64, max_us: u64) -> Option<Self> {
        (min_us <= max_us).then_some(Self { min_us, max_us })
    }

    /// Takes one sample: two comparisons.
    #[inline]
    pub fn take(&mut self, us: u64) {
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
    }

    /// Adds those of other samples.
    pub fn merge(&mut self, other: Self) {
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// Whether they are those of no samples.
    pub fn is_none(self) -> bool {
        self.min_us > self.max_us
    }

    /// Both, smallest first; `None` where there were no samples.
    pub fn both(self) -> Option<[u64; 2]> {
        (!self.is_none()).then_some([self.min_us, self.max_us])
    }

    /// The smallest.
    pub fn min_us(self) -> Option<u64> {
        self.both().map(|[min, _]| min)
    }

    /// The largest.
    pub fn max_us(self) -> Option<u64> {
        self.both().map(|[_, max]| max)
    }

    /// A figure in µs, moved between the two: a bucket's edge or middle may lie beyond.
    pub(super) fn between(self, us: u64) -> u64 {
        self.both().map_or(us, |[min, max]| us.clamp(min, max))
    }

    /// As [`Extremes::between`].
    pub(super) fn between_f64(self, us: f64) -> f64 {
        self.both().map_or(us, |[min, max]| us.clamp(min as f64, max as f64))
    }

    /// What is left of these where it is known from elsewhere that no sample lies outside of others.
    pub(super) fn within(self, others: Self) -> Self {
        let within = Self { min_us: self.min_us.max(others.min_us), max_us: self.max_us.min(others.max_us) };
        if within.is_none() { self } else { within }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_and_merging_come_to_the_same() {
        let of = |samples: &[u64]| {
            let mut extremes = Extremes::NONE;
            samples.iter().for_each(|us| extremes.take(*us));
            extremes
        };
        for (a, b) in [(&[][..], &[][..]), (&[7], &[]), (&[3, 9], &[5]), (&[0], &[u64::MAX])] {
            let mut merged = of(a);
            merged.merge(of(b));
            assert_eq!(merged, of(&[a, b].concat()));
        }
        assert_eq!(of(&[3, 9, 5]).both(), Some([3, 9]));
        assert_eq!((of(&[]).both(), of(&[]).min_us(), of(&[]).is_none()), (None, None, true));
        assert_eq!((Extremes::new(5, 4), of(&[4]).max_us()), (None, Some(4)));
    }
}
