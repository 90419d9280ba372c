//! Sums of many histograms of each kind, an array of all buckets for each: as fast to add to as it gets.

use std::collections::BTreeMap;

use super::compact::{CompactLatencies, MAX_PLACES, damaged, highest, lowest};
use super::{Extremes, Latencies, Latency, LatencyError, LatencyKind, RankedLatencies, Ranks, v2};

/// Samples of each kind, by bucket: up to 200 kB a kind.
#[derive(Debug, Clone, Default)]
pub struct LatencySums {
    counts: BTreeMap<LatencyKind, Vec<u64>>,
    extremes: BTreeMap<LatencyKind, Extremes>,
}

impl LatencySums {
    /// Adds all samples of these.
    ///
    /// # Errors
    /// Where they hold more buckets than there are: they were read from damaged bytes.
    pub fn add(&mut self, latencies: &CompactLatencies) -> Result<(), LatencyError> {
        for (kind, counts) in latencies.counts() {
            let sums = self.counts.entry(kind).or_default();
            for (place, n) in counts {
                add(sums, place, n)?;
            }
        }
        for (kind, extremes) in latencies.extremes() {
            self.extremes.entry(*kind).or_insert(Extremes::NONE).merge(*extremes);
        }
        Ok(())
    }

    /// Adds a histogram of a kind as it stands on the wire.
    ///
    /// # Errors
    /// As [`Latency::decode`].
    pub fn add_text(&mut self, kind: LatencyKind, text: &str) -> Result<(), LatencyError> {
        let sums = self.counts.entry(kind).or_default();
        v2::each_count(text, |place, n| add(sums, place, n))
    }

    /// Adds the smallest and the largest sample of a kind, of `service` and `response` those of completed requests, µs.
    pub fn add_extremes(&mut self, kind: LatencyKind, [min_us, max_us]: [u64; 2]) {
        if let Some(extremes) = Extremes::new(min_us, max_us) {
            self.extremes.entry(kind).or_insert(Extremes::NONE).merge(extremes);
        }
    }

    /// Leaves no samples, and keeps the memory.
    pub fn clear(&mut self) {
        self.counts.values_mut().for_each(|counts| counts.fill(0));
        self.extremes.clear();
    }

    /// The sums by rank, to read figures from: those that [`LatencySums::latencies`] has, without a histogram.
    pub fn ranked(&self) -> RankedLatencies {
        let of = |kind| {
            let counts = self.counts.get(&kind).map_or(&[][..], Vec::as_slice);
            Ranks::of_buckets((0..).zip(counts).map(|(place, n)| (highest(place), *n)))
        };
        let mut ranked = RankedLatencies::new(LatencyKind::ALL.map(of));
        let mut given = self.extremes.iter();
        // Some may have come without extremes: then those of the others are not those of all.
        if given.all(|(kind, extremes)| ranked.of_extremes_mut(*kind).fits(*extremes)) {
            for (kind, extremes) in &self.extremes {
                ranked.of_extremes_mut(*kind).set_extremes(*extremes);
            }
        }
        ranked
    }

    /// The sums as histograms.
    pub fn latencies(&self) -> Latencies {
        let mut latencies = self.without_extremes();
        let extremes = self.extremes.iter();
        let extremes = extremes.filter_map(|(kind, of)| Some((kind.as_str().to_owned(), of.both()?)));
        match latencies.set_extremes(&extremes.collect()) {
            Ok(()) => latencies,
            // Some came without them: the edges of the buckets are left.
            Err(_) => self.without_extremes(),
        }
    }

    fn without_extremes(&self) -> Latencies {
        let mut latencies = Latencies::new();
        for (kind, counts) in &self.counts {
            let counted = (0..).zip(counts).filter(|(_, n)| **n > 0);
            *latencies.of_mut(*kind) = Latency::of_buckets(counted.map(|(place, n)| (lowest(place), *n)));
        }
        latencies
    }
}

fn add(sums: &mut Vec<u64>, place: u64, n: u64) -> Result<(), LatencyError> {
    if place >= MAX_PLACES {
        return Err(damaged("more buckets than there are"));
    }
    let place = place as usize;
    if sums.len() <= place {
        sums.resize(place + 1, 0);
    }
    sums[place] = sums[place].saturating_add(n);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{any_ended, of};
    use super::super::{Encoder, Outcome};
    use super::*;

    const OUTCOMES: [Outcome; 3] = [Outcome::All, Outcome::Success, Outcome::Failed];

    /// Adds histograms as they stand on the wire; those of before extremes came without them.
    fn add_texts(sums: &mut LatencySums, part: &Latencies, with_extremes: bool) {
        for kind in LatencyKind::ALL.into_iter().filter(|kind| !part.of(*kind).is_empty()) {
            sums.add_text(kind, &Encoder::new().text(part.of(kind))).unwrap();
        }
        for (kind, pair) in part.extremes().into_iter().filter(|_| with_extremes) {
            sums.add_extremes(LatencyKind::from_name(kind).unwrap(), pair);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// However samples come together, in compact form or from the wire: they are what one histogram of all has.
        #[test]
        fn all_forms_add_up_to_the_same(parts in prop::collection::vec(any_ended(), 0..5)) {
            let all = of(&parts.concat());
            let (mut sums, mut of_texts) = (LatencySums::default(), LatencySums::default());
            add_texts(&mut of_texts, &of(&[(7_000_000, false)]), true);
            of_texts.clear();
            for part in parts.iter().map(|part| of(part)) {
                sums.add(&CompactLatencies::of(&part)).unwrap();
                add_texts(&mut of_texts, &part, true);
            }
            let ranks = |ranked: RankedLatencies| {
                LatencyKind::ALL.map(|kind| OUTCOMES.map(|outcome| ranked.of(outcome, kind).clone()))
            };
            for sums in [sums, of_texts] {
                prop_assert_eq!(&sums.latencies(), &all);
                prop_assert_eq!(ranks(sums.ranked()), ranks(all.ranked()));
            }
        }

        /// The slow way, by histograms, and the fast one have the same figures, also where some came without extremes.
        #[test]
        fn figures_are_those_of_the_histograms(
            parts in prop::collection::vec((any_ended(), any::<bool>()), 0..4), slower in 0..20_u64,
        ) {
            let mut sums = LatencySums::default();
            parts.iter().for_each(|(ended, with_extremes)| add_texts(&mut sums, &of(ended), *with_extremes));
            let (slow, fast) = (sums.latencies(), sums.ranked());
            for kind in LatencyKind::ALL {
                for outcome in OUTCOMES {
                    prop_assert_eq!(
                        fast.stats(outcome, kind, slower), slow.spread(outcome, kind, slower).stats(), "{} {:?}", kind, outcome
                    );
                }
            }
        }
    }

    #[test]
    fn without_extremes_the_edges_of_the_buckets_are_left() {
        let latencies = of(&[(1_000_000, true), (1_500_000, true)]);
        let mut sums = LatencySums::default();
        sums.add_text(LatencyKind::Service, &Encoder::new().text(latencies.of(LatencyKind::Service)))
            .unwrap();
        assert_eq!(sums.latencies().of(LatencyKind::Service).extremes().both(), Some([999_936, 1_500_159]));
    }
}
