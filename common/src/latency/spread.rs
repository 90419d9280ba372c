//! The figures of a latency over requests of which some have no time that counts: those that failed and those that
//! were never sent. Each of them counts as slower than any completed request, whatever the time it took. Otherwise a
//! server that rejects 60 % of the requests at once would have the better median for it.

use std::borrow::Cow;

use super::{Latencies, Latency, LatencyKind, LatencyStats, MAX_US, Ranks};

/// Which requests a latency is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of them; one that failed or was dropped counts as slower than any completed one.
    All,
    /// The completed ones only (`success.` before the latency).
    Success,
    /// The failed ones only, with the time they took (`failed.` before the latency).
    Failed,
}

/// Samples, and how many further requests are slower than all of them.
#[derive(Debug, Clone)]
pub struct Spread<'l> {
    samples: Cow<'l, Latency>,
    slower: u64,
    open: bool,
}

/// A quantile of a [`Spread`], µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantile {
    /// There are no requests.
    Nothing,
    /// This.
    Is(u64),
    /// It falls among the requests that count as slower: no less than the slowest of the others, of which there may be
    /// none.
    AtLeast(Option<u64>),
}

impl Latencies {
    /// The figures of a latency over the requests of an outcome. `slower` of them ([`Counters::slower`]) count as
    /// slower than any completed one where the outcome is [`Outcome::All`]. Lag and the like are of every request that
    /// has one, however it ended.
    ///
    /// [`Counters::slower`]: crate::counters::Counters::slower
    pub fn spread(&self, of: Outcome, kind: LatencyKind, slower: u64) -> Spread<'_> {
        let Some(failed) = kind.failed() else { return Spread::of(self.of(kind)) };
        match of {
            Outcome::Failed => Spread::of(self.of(failed)),
            Outcome::Success | Outcome::All => {
                let none_failed = self.of(failed).is_empty();
                // Histograms are copied only where there is something to take out.
                let samples =
                    if none_failed { Cow::Borrowed(self.of(kind)) } else { Cow::Owned(self.completed(kind)) };
                Spread { samples, slower: if of == Outcome::All { slower } else { 0 }, open: false }
            }
        }
    }
}

impl<'l> Spread<'l> {
    /// Of samples as they are.
    pub fn of(samples: &'l Latency) -> Self {
        Self { samples: Cow::Borrowed(samples), slower: 0, open: false }
    }

    /// So many further requests count as slower.
    pub fn with_slower(self, slower: u64) -> Self {
        Self { slower, ..self }
    }

    /// Whether further samples have a time that is not known, so that every figure but the lowest is a lower bound. It
    /// changes no figure, only what [`Spread::stats`] says of it.
    pub fn left_open(self, open: bool) -> Self {
        Self { open, ..self }
    }

    /// The requests that have a time.
    pub fn samples(&self) -> &Latency {
        &self.samples
    }

    /// How many further requests count as slower than all that have a time.
    pub fn slower(&self) -> u64 {
        self.slower
    }

    /// One histogram of all requests, in which those that count as slower than any other took [`MAX_US`]: for programs
    /// that know samples alone.
    pub fn with_slower_recorded(&self) -> Latency {
        let mut all = self.samples.clone().into_owned();
        all.record_n_us(MAX_US, self.slower);
        all
    }

    /// The value at a quantile, 0 to 1.
    pub fn quantile(&self, quantile: f64) -> Quantile {
        match self.samples.quantile_us(quantile, self.slower) {
            Some(us) => Quantile::Is(us),
            None if self.slower > 0 => Quantile::AtLeast(self.samples.max_us()),
            None => Quantile::Nothing,
        }
    }

    /// The figures that reports show, in milliseconds.
    pub fn stats(&self) -> LatencyStats {
        Ranks::of(self.samples()).stats(self.slower, self.open)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ended: &[(u64, bool)]) -> Latencies {
        let mut latencies = Latencies::new();
        ended.iter().for_each(|(us, completed)| latencies.ended(*us, us + 3, *completed));
        latencies
    }

    /// min ≤ median ≤ p90 ≤ … ≤ max, and mean and mode between the ends.
    #[track_caller]
    fn assert_in_order(stats: &LatencyStats) {
        let figures =
            [stats.min, stats.median, stats.p90, stats.p95, stats.p99, stats.p999, stats.p9999, stats.max];
        let known: Vec<f64> = figures.into_iter().flatten().collect();
        assert!(known.is_sorted(), "{stats:?}");
        for middle in [stats.mean, stats.mode].into_iter().flatten() {
            assert!(stats.min.unwrap() <= middle && middle <= stats.max.unwrap(), "{stats:?}");
        }
        assert_eq!(stats.min.is_some(), stats.count > 0);
    }

    proptest! {
        #[test]
        fn failed_and_dropped_requests_move_a_percentile_as_if_each_took_forever(
            ended in prop::collection::vec((0..9_000_u64, any::<bool>()), 0..60),
            dropped in 0..60_u64,
            quantile in prop::sample::select(&[0.01, 0.5, 0.75, 0.9, 0.975, 0.99, 1.0][..]),
        ) {
            let latencies = of(&ended);
            let failed = ended.iter().filter(|(_, completed)| !completed).count() as u64;
            let spread = latencies.spread(Outcome::All, LatencyKind::Service, failed + dropped);
            // The definition, sample by sample.
            let mut times: Vec<u64> = ended.iter().map(|(us, ok)| if *ok { *us } else { u64::MAX }).collect();
            times.extend((0..dropped).map(|_| u64::MAX));
            times.sort_unstable();
            let slowest = ended.iter().filter(|(_, ok)| *ok).map(|(us, _)| *us).max();
            let rank = (times.len() as f64 * quantile - 1e-9).ceil().max(1.0) as usize;
            match (spread.quantile(quantile), times.get(rank - 1)) {
                (Quantile::Nothing, None) => {}
                (Quantile::AtLeast(bound), Some(&u64::MAX)) => prop_assert_eq!(bound, slowest),
                (Quantile::Is(shown), Some(exact)) => {
                    prop_assert!(shown.abs_diff(*exact) as f64 <= *exact as f64 * 0.001, "{} is not {}", shown, exact);
                    prop_assert!(slowest.is_some_and(|slowest| shown <= slowest));
                }
                (shown, exact) => prop_assert!(false, "{:?} beside {:?}", shown, exact),
            }
        }

        #[test]
        fn the_figures_are_in_order_and_the_ends_exact_whatever_was_merged(
            parts in prop::collection::vec(prop::collection::vec((0..3_700_000_000_u64, any::<bool>()), 0..20), 0..5),
            slower in 0..50_u64,
        ) {
            let mut merged = Latencies::new();
            parts.iter().for_each(|part| merged.merge(&of(part)));
            for outcome in [Outcome::All, Outcome::Success, Outcome::Failed] {
                let stats = merged.spread(outcome, LatencyKind::Service, slower).stats();
                assert_in_order(&stats);
                assert_in_order(&merged.spread(outcome, LatencyKind::Response, slower).stats());
                let own = parts.iter().flatten().filter(|(_, ok)| *ok == (outcome != Outcome::Failed));
                let own = own.map(|(us, _)| (*us).min(crate::latency::MAX_US));
                let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
                prop_assert_eq!((stats.min, stats.max), (ms(own.clone().min()), ms(own.max())));
            }
        }
    }

    #[test]
    fn figures_are_of_completed_requests_and_percentiles_of_all() {
        // 7 of 10 fail at once.
        let ended: Vec<(u64, bool)> =
            (0..10).map(|n| if n < 7 { (400, false) } else { (61_000, true) }).collect();
        let latencies = of(&ended);
        let all = latencies.spread(Outcome::All, LatencyKind::Service, 7).stats();
        assert_eq!((all.count, all.min, all.mean, all.max), (3, Some(61.0), Some(61.0), Some(61.0)));
        assert_eq!(all.median, Some(61.0));
        assert_eq!(all.lower_bounds, ["median", "p90", "p95", "p99", "p99.9", "p99.99"]);
        let success = latencies.spread(Outcome::Success, LatencyKind::Service, 7).stats();
        assert_eq!((success.count, success.lower_bounds.len()), (3, 0));
        let failed = latencies.spread(Outcome::Failed, LatencyKind::Service, 7).stats();
        assert_eq!((failed.count, failed.p99, failed.lower_bounds.len()), (7, Some(0.4), 0));
        let lag = latencies.spread(Outcome::All, LatencyKind::Lag, 7).stats();
        assert_eq!(lag, LatencyStats::default(), "lag is of what was sent");
    }

    #[test]
    fn where_nothing_completed_there_is_no_bound_to_name() {
        let latencies = of(&[(400, false), (500, false)]);
        let all = latencies.spread(Outcome::All, LatencyKind::Response, 2).stats();
        assert_eq!((all.count, all.median, all.max), (0, None, None));
        assert_eq!(all.lower_bounds.len(), 6, "{all:?}");
    }
}
