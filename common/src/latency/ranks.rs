//! Samples by rank: how many lie up to each bucket that has any. The figures of a latency are read from this form. It takes one
//! walk over a histogram to make, and then a quantile is a binary search, where in a histogram each figure is a walk of its own.

use super::compact::{lowest, place};
use super::kinds::ANSWERS;
use super::{Extremes, Latencies, Latency, LatencyKind, LatencyStats, MAX_US, Outcome, Quantile, rank};

/// Samples, and how many of them lie up to each bucket. All figures lie between the smallest and the largest one, as those of a
/// [`Latency`] do.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranks {
    /// The highest value of a bucket in µs, and how many samples lie up to it; ascending, without empty buckets.
    up_to: Vec<(u64, u64)>,
    extremes: Extremes,
}

impl Default for Ranks {
    fn default() -> Self {
        Self { up_to: Vec::new(), extremes: Extremes::NONE }
    }
}

impl Ranks {
    /// Of a histogram.
    pub fn of(samples: &Latency) -> Self {
        Self { extremes: samples.extremes(), ..Self::of_buckets(samples.buckets()) }
    }

    /// Of buckets in ascending order: the highest value of each in µs, and how many samples it has. Their extremes are the
    /// edges of the buckets.
    pub(super) fn of_buckets(buckets: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut sum = 0_u64;
        let counted = buckets.filter(|(_, n)| *n > 0).map(|(us, n)| {
            sum = sum.saturating_add(n);
            (us, sum)
        });
        let mut ranks = Self { up_to: counted.collect(), extremes: Extremes::NONE };
        ranks.extremes = ranks.edges();
        ranks
    }

    /// The edges of the first and the last bucket.
    fn edges(&self) -> Extremes {
        let both = self.up_to.first().zip(self.up_to.last());
        let edges = both
            .and_then(|((first, _), (last, _))| Extremes::new(lowest(place(*first)), (*last).min(MAX_US)));
        edges.unwrap_or(Extremes::NONE)
    }

    /// Whether the smallest and the largest sample can be these.
    pub(super) fn fits(&self, extremes: Extremes) -> bool {
        match (extremes.both(), self.edges().both()) {
            (Some([min, max]), Some([low, high])) => {
                max <= MAX_US && place(min) == place(low) && place(max) == place(high)
            }
            (claimed, held) => claimed == held,
        }
    }

    /// Sets the smallest and the largest sample where they can be these.
    pub(super) fn set_extremes(&mut self, extremes: Extremes) {
        if self.fits(extremes) {
            self.extremes = extremes;
        }
    }

    /// What remains without a part of them, as [`Latency::without`].
    pub(super) fn without(&self, part: &Self) -> Self {
        let mut of_part = part.buckets().peekable();
        let rest = self.buckets().map(|(us, n)| {
            while of_part.next_if(|(below, _)| *below < us).is_some() {}
            let less = of_part.next_if(|(same, _)| *same == us).map_or(0, |(_, less)| less);
            (us, n.saturating_sub(less))
        });
        let mut rest = Self::of_buckets(rest);
        rest.extremes = rest.extremes.within(self.extremes);
        rest
    }

    /// The highest value of each bucket in µs, and how many samples it has; ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut before = 0;
        self.up_to.iter().map(move |(us, up_to)| (*us, up_to - std::mem::replace(&mut before, *up_to)))
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        self.up_to.last().map_or(0, |(_, up_to)| *up_to)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.up_to.is_empty()
    }

    /// The smallest one, µs.
    pub fn min_us(&self) -> Option<u64> {
        self.extremes.min_us()
    }

    /// The largest one, µs.
    pub fn max_us(&self) -> Option<u64> {
        self.extremes.max_us()
    }

    /// The value at a quantile, 0 to 1, where `slower` further requests are slower than all of these.
    pub fn quantile(&self, quantile: f64, slower: u64) -> Quantile {
        let n = self.count();
        let all = n.saturating_add(slower);
        if all == 0 {
            return Quantile::Nothing;
        }
        let rank = rank(all, quantile);
        match self.up_to.get(self.up_to.partition_point(|(_, up_to)| *up_to < rank)) {
            Some((us, _)) => Quantile::Is(self.extremes.between(*us)),
            None => Quantile::AtLeast(self.max_us()),
        }
    }

    /// Mean, µs: each sample taken as the middle of its bucket.
    pub fn mean_us(&self) -> Option<f64> {
        let n = self.count() as f64;
        // In the order of `Histogram::mean`, so that both round alike.
        let sum = self.buckets().fold(0.0_f64, |sum, (high, of_bucket)| {
            let low = lowest(place(high));
            let middle = low + ((high - low + 1) >> 1);
            sum + middle as f64 * of_bucket as f64 / n
        });
        (!self.is_empty()).then(|| self.extremes.between_f64(sum))
    }

    /// Mode, µs: the middle of the bucket with the highest count per µs of its width; of equals the lowest.
    pub fn mode_us(&self) -> Option<f64> {
        let mut best: Option<(f64, f64)> = None;
        for (high, n) in self.buckets() {
            let low = lowest(place(high));
            let width = (high - low + 1) as f64;
            let density = n as f64 / width;
            if best.is_none_or(|(densest, _)| density > densest) {
                best = Some((density, low as f64 + (width - 1.0) / 2.0));
            }
        }
        best.map(|(_, middle)| self.extremes.between_f64(middle))
    }

    /// The figures that reports show, in milliseconds, where `slower` further requests are slower than all of these. `open`:
    /// whether further samples have a time that is not known, so that every figure but the lowest is a lower bound.
    pub fn stats(&self, slower: u64, open: bool) -> LatencyStats {
        let whole = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
        let part = |us: Option<f64>| us.map(|us| us / 1e3);
        let mut lower_bounds = Vec::new();
        let mut at = |name: &str, quantile: f64| match self.quantile(quantile, slower) {
            Quantile::Nothing => None,
            Quantile::Is(us) => whole(Some(us)),
            Quantile::AtLeast(us) => {
                lower_bounds.push(name.to_owned());
                whole(us)
            }
        };
        let (median, p90, p95) = (at("median", 0.5), at("p90", 0.9), at("p95", 0.95));
        let (p99, p999, p9999) = (at("p99", 0.99), at("p99.9", 0.999), at("p99.99", 0.9999));
        if open && !self.is_empty() {
            let all = ["mean", "median", "mode", "p90", "p95", "p99", "p99.9", "p99.99", "max"];
            lower_bounds = all.map(str::to_owned).into();
        }
        LatencyStats {
            count: self.count(),
            min: whole(self.min_us()),
            mean: part(self.mean_us()),
            median,
            mode: part(self.mode_us()),
            p90,
            p95,
            p99,
            p999,
            p9999,
            max: whole(self.max_us()),
            lower_bounds,
        }
    }
}

/// Each kind of [`Latencies`] by rank, the completed requests of `service` and `response` apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RankedLatencies {
    of: [Ranks; LatencyKind::ALL.len()],
    /// Of [`ANSWERS`]; `None` where none failed, so that all of them completed.
    completed: [Option<Ranks>; ANSWERS.len()],
}

impl RankedLatencies {
    /// With the edges of their buckets as extremes of the completed ones.
    pub(super) fn new(of: [Ranks; LatencyKind::ALL.len()]) -> Self {
        let completed = ANSWERS.map(|kind| {
            let failed = kind.failed().map(|failed| &of[failed as usize]).filter(|failed| !failed.is_empty());
            failed.map(|failed| of[kind as usize].without(failed))
        });
        Self { of, completed }
    }

    /// The requests of a kind that are of an outcome. Kinds whose failed requests are not kept apart are the same for all.
    pub fn of(&self, outcome: Outcome, kind: LatencyKind) -> &Ranks {
        let all = &self.of[kind as usize];
        match (kind.failed(), outcome) {
            (None, _) => all,
            (Some(failed), Outcome::Failed) => &self.of[failed as usize],
            (Some(_), Outcome::Success | Outcome::All) => self.completed_of(kind).unwrap_or(all),
        }
    }

    /// The completed requests of a kind, where some failed.
    fn completed_of(&self, kind: LatencyKind) -> Option<&Ranks> {
        let place = ANSWERS.iter().position(|answers| *answers == kind)?;
        self.completed[place].as_ref()
    }

    /// The ranks to which the extremes on the wire belong: of `service` and `response` those of completed requests.
    pub(super) fn of_extremes_mut(&mut self, kind: LatencyKind) -> &mut Ranks {
        let place = ANSWERS.iter().position(|answers| *answers == kind);
        match place.and_then(|place| self.completed[place].as_mut()) {
            Some(completed) => completed,
            None => &mut self.of[kind as usize],
        }
    }

    /// The figures that reports show of a latency, in milliseconds: as [`Latencies::spread`] has them.
    pub fn stats(&self, outcome: Outcome, kind: LatencyKind, slower: u64) -> LatencyStats {
        let counts = outcome == Outcome::All && kind.failed().is_some();
        self.of(outcome, kind).stats(if counts { slower } else { 0 }, false)
    }
}

impl Latencies {
    /// All kinds by rank.
    pub fn ranked(&self) -> RankedLatencies {
        let mut ranked = RankedLatencies::new(LatencyKind::ALL.map(|kind| Ranks::of(self.of(kind))));
        for kind in ANSWERS {
            // Refused only where samples came without their extremes: then the edges of the buckets stay.
            ranked.of_extremes_mut(kind).set_extremes(self.completed_extremes(kind));
        }
        ranked
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Spread;
    use super::super::fixtures::{any_ended, of};
    use super::*;

    const OUTCOMES: [Outcome; 3] = [Outcome::All, Outcome::Success, Outcome::Failed];

    proptest! {
        // A case walks some 100 histograms, ten times each.
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Each figure as a histogram has it, walk by walk.
        #[test]
        fn figures_are_those_of_the_histograms(ended in any_ended(), slower in 0..40_u64, quantile in 0.0..=1.0_f64) {
            let latencies = of(&ended);
            let ranked = latencies.ranked();
            for kind in LatencyKind::ALL {
                for outcome in OUTCOMES {
                    let spread = latencies.spread(outcome, kind, slower);
                    let (samples, ranks) = (spread.samples(), ranked.of(outcome, kind));
                    prop_assert!(ranks.buckets().eq(samples.buckets()));
                    prop_assert_eq!(ranks.count(), samples.count());
                    prop_assert_eq!((ranks.min_us(), ranks.max_us()), (samples.min_us(), samples.max_us()));
                    prop_assert_eq!((ranks.mean_us(), ranks.mode_us()), (samples.mean_us(), samples.mode_us()));
                    for quantile in [quantile, 0.0, 0.5, 0.99, 1.0] {
                        prop_assert_eq!(ranks.quantile(quantile, spread.slower()), spread.quantile(quantile));
                    }
                    prop_assert_eq!(ranked.stats(outcome, kind, slower), spread.stats());
                }
            }
        }
    }

    #[test]
    fn nothing_has_no_figures() {
        let ranks = Ranks::of(&Latency::new());
        assert_eq!(ranks, Ranks::default());
        assert_eq!(
            (ranks.quantile(0.5, 0), ranks.quantile(0.5, 3)),
            (Quantile::Nothing, Quantile::AtLeast(None))
        );
        assert_eq!(ranks.stats(0, false), LatencyStats::default());
        assert_eq!(Spread::of(&Latency::new()).stats(), LatencyStats::default());
    }
}
