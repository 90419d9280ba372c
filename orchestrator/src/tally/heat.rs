//! How the responses of a window are spread, in bins of an eighth of an octave: what a heatmap shows of it.

use common::latency::{LatencyKind, Outcome, RankedLatencies, Ranks};

use crate::model::{Heat, HeatBins};

/// Bins an octave.
const PER_OCTAVE: f64 = 8.0;

/// The bin of a response.
fn bin(us: u64) -> usize {
    if us <= 1 { 0 } else { ((us as f64).log2() * PER_OCTAVE).floor() as usize }
}

/// The responses of the completed and of the failed requests.
pub fn of(samples: &RankedLatencies) -> Heat {
    let of = |outcome| bins(samples.of(outcome, LatencyKind::Response));
    Heat { completed: of(Outcome::Success), failed: of(Outcome::Failed) }
}

/// By the buckets of the histogram, none of which is in two bins by more than its own 0.1 %. So the bins of a sum are the sums
/// of the bins.
fn bins(samples: &Ranks) -> Option<HeatBins> {
    let mut first = 0;
    let mut counts: Vec<u64> = Vec::new();
    for (us, n) in samples.buckets() {
        let bin = bin(us);
        if counts.is_empty() {
            first = bin;
        }
        // Buckets come in order: the bin is the last one or a later one.
        let place = bin.saturating_sub(first);
        if counts.len() <= place {
            counts.resize(place + 1, 0);
        }
        counts[place] += n;
    }
    (!counts.is_empty()).then(|| HeatBins { first: u32::try_from(first).unwrap_or(u32::MAX), counts })
}

#[cfg(test)]
mod tests {
    use common::latency::Latencies;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_are_eighths_of_an_octave() {
        for (us, expected) in
            [(0, 0), (1, 0), (2, 8), (3, 12), (4, 16), (1_000, 79), (1_024, 80), (1_116, 80), (1_117, 81)]
        {
            assert_eq!(bin(us), expected, "{us} µs");
        }
        assert_eq!(bin(common::latency::MAX_US), 253, "an hour");
    }

    #[test]
    fn completed_and_failed_requests_are_apart_and_what_is_empty_is_left_out() {
        let mut latencies = Latencies::new();
        for (us, completed) in [(100, true), (101, true), (300, true), (90, false)] {
            latencies.ended(us, us, completed);
        }
        let of = |latencies: &Latencies| serde_json::to_value(super::of(&latencies.ranked())).unwrap();
        assert_eq!(
            of(&latencies),
            serde_json::json!({
                "completed": { "first": 53, "counts": [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
                "failed": { "first": 51, "counts": [1] },
            })
        );
        assert_eq!(of(&Latencies::new()), serde_json::json!({}));
    }

    /// Counts by bin.
    fn by_bin(bins: &Option<HeatBins>) -> std::collections::BTreeMap<u32, u64> {
        let bins = bins.iter().flat_map(|of| (of.first..).zip(of.counts.iter().copied()));
        bins.filter(|(_, n)| *n > 0).collect()
    }

    proptest! {
        #[test]
        fn the_bins_of_a_sum_are_the_sums_of_the_bins(
            parts in prop::collection::vec(prop::collection::vec((0..90_000_000_u64, any::<bool>()), 0..30), 0..4),
        ) {
            let mut sum = Latencies::new();
            let (mut completed, mut failed) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
            for part in &parts {
                let mut latencies = Latencies::new();
                part.iter().for_each(|(us, ok)| latencies.ended(*us, *us, *ok));
                sum.merge(&latencies);
                let heat = super::of(&latencies.ranked());
                for (bins, all) in [(&heat.completed, &mut completed), (&heat.failed, &mut failed)] {
                    by_bin(bins).into_iter().for_each(|(bin, n)| *all.entry(bin).or_insert(0) += n);
                }
            }
            let heat = super::of(&sum.ranked());
            prop_assert_eq!(by_bin(&heat.completed), completed);
            prop_assert_eq!(by_bin(&heat.failed), failed);
        }
    }
}
