use super::*;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use proptest::prelude::*;

fn of(values: &[u64]) -> Latency {
    let mut latency = Latency::new();
    values.iter().for_each(|us| latency.record_us(*us));
    latency
}

proptest! {
    #[test]
    fn merging_is_recording_all_in_one(a in prop::collection::vec(0..MAX_US * 2, 0..200), b in prop::collection::vec(0..5_000_u64, 0..200)) {
        let all = of(&[a.clone(), b.clone()].concat());
        let (mut ab, mut ba, mut dense) = (of(&a), of(&b), Latency::dense());
        ab.merge(&of(&b));
        ba.merge(&of(&a));
        dense.merge(&of(&a));
        dense.merge(&of(&b));
        for merged in [&ab, &ba, &dense] {
            prop_assert_eq!(merged.stats(0), all.stats(0));
            prop_assert!(merged.buckets().eq(all.buckets()));
        }
    }

    #[test]
    fn the_wire_keeps_every_sample(values in prop::collection::vec(0..MAX_US, 1..300)) {
        let sent = of(&values);
        let mut read = Latency::decode(&Encoder::new().text(&sent)).unwrap();
        prop_assert!(read.buckets().eq(sent.buckets()));
        prop_assert!(read.min_us() <= sent.min_us() && sent.max_us() <= read.max_us());
        read.set_extremes(sent.extremes()).unwrap();
        prop_assert_eq!(read.stats(7), sent.stats(7));
    }

    /// Whatever was recorded, and however it was put together: the two ends are exact, and no figure lies beyond.
    #[test]
    fn all_figures_lie_between_the_exact_ends(values in prop::collection::vec(0..MAX_US + 5_000_000, 1..60), parts in 1..4_usize, slower in 0..50_u64) {
        let mut merged = Latency::new();
        values.chunks(values.len().div_ceil(parts)).for_each(|part| merged.merge(&of(part)));
        let sent: Vec<u64> = values.iter().map(|us| (*us).min(MAX_US)).collect();
        prop_assert_eq!(merged.min_us(), sent.iter().min().copied());
        prop_assert_eq!(merged.max_us(), sent.iter().max().copied());
        let stats = merged.stats(slower);
        let rising = [stats.min, stats.median, stats.p90, stats.p95, stats.p99, stats.p999, stats.p9999, stats.max];
        prop_assert!(rising.is_sorted(), "{stats:?}");
        for middle in [stats.mean, stats.mode] {
            prop_assert!(stats.min <= middle && middle <= stats.max, "{stats:?}");
        }
    }

    #[test]
    fn a_part_taken_out_leaves_the_rest(a in prop::collection::vec(0..MAX_US, 0..60), b in prop::collection::vec(0..40_000_u64, 0..60)) {
        let (rest, part) = (of(&a), of(&b));
        let mut all = rest.clone();
        all.merge(&part);
        let mut left = all.without(&part);
        prop_assert!(left.buckets().eq(rest.buckets()));
        prop_assert!(left.min_us() <= rest.min_us() && rest.max_us() <= left.max_us(), "no further than the edges");
        prop_assert!(left.min_us() >= all.min_us().filter(|_| !a.is_empty()));
        left.set_extremes(rest.extremes()).unwrap();
        prop_assert_eq!(left.stats(3), rest.stats(3));
        prop_assert!(part.without(&all).is_empty(), "never fewer than none");
    }

    #[test]
    fn no_text_makes_the_decoder_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Latency::decode(&text);
        let _ = Latency::decode(&STANDARD.encode(bytes));
    }

    #[test]
    fn slower_samples_move_a_quantile_as_if_recorded(values in prop::collection::vec(0..1_000_u64, 1..100), slower in 1..100_u64) {
        let mut padded = of(&values);
        padded.record_n_us(MAX_US, slower);
        for quantile in [0.5, 0.9, 0.99, 1.0] {
            let expected = padded.quantile_us(quantile, 0).filter(|us| *us < 10_000);
            prop_assert_eq!(of(&values).quantile_us(quantile, slower), expected);
        }
    }
}

#[test]
fn other_bounds_are_refused() {
    let mut other = Histogram::<u64>::new_with_bounds(1, 1_000, 2).unwrap();
    other.record(5).unwrap();
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&other, &mut bytes).unwrap();
    assert!(matches!(Latency::decode(&STANDARD.encode(bytes)), Err(LatencyError::Bounds { digits: 2, .. })));
}

#[test]
fn the_mode_goes_by_density_and_the_lowest_of_equals() {
    assert_eq!(of(&[10, 10, 20, 20, 30]).mode_us(), Some(10.0));
    // 5,000 µs lies in a bucket 4 µs wide: three samples there are thinner than one in a bucket of 1 µs.
    assert_eq!(of(&[5_000, 5_000, 5_000, 7]).mode_us(), Some(7.0));
    assert_eq!(of(&[]).mode_us(), None);
}

#[test]
fn extremes_are_exact_or_refused() {
    // 1.000 s lies in a bucket that begins at 999.936 ms.
    let mut waits = of(&[1_000_000, 1_000_000, 1_730_007]);
    assert_eq!((waits.min_us(), waits.max_us()), (Some(1_000_000), Some(1_730_007)));
    assert_eq!(
        waits.quantile_us(0.5, 0),
        Some(1_000_447),
        "the top of a bucket, where both ends leave room for it"
    );
    assert_eq!(of(&[1_000_000]).stats(0).p99, Some(1_000.0), "and where they do not, none");
    let mut read = Latency::decode(&Encoder::new().text(&waits)).unwrap();
    assert_eq!((read.min_us(), read.max_us()), (Some(999_936), Some(1_730_559)), "the edges of the buckets");
    for (min_us, max_us) in [(999_000, 1_730_007), (1_000_000, 1_731_000), (1_000_000, 1_000_000)] {
        let refused = read.set_extremes(Extremes::new(min_us, max_us).unwrap());
        assert!(matches!(refused, Err(LatencyError::Extremes { .. })), "{min_us} {max_us}");
    }
    assert!(read.set_extremes(Extremes::NONE).is_err() && of(&[]).set_extremes(waits.extremes()).is_err());
    read.set_extremes(waits.extremes()).unwrap();
    assert_eq!(read, waits);
    waits.clear();
    assert_eq!((waits.min_us(), waits.stats(0)), (None, LatencyStats::default()));
    waits.record_n_us(5, 0);
    assert_eq!(waits.max_us(), None, "recording a value zero times adds no sample");
}

#[test]
fn figures_are_milliseconds_and_mark_lower_bounds() {
    let stats = of(&[1_000, 1_000, 1_000, 2_000]).stats(0);
    assert_eq!((stats.count, stats.min, stats.median, stats.max), (4, Some(1.0), Some(1.0), Some(2.0)));
    assert!(stats.lower_bounds.is_empty());
    let with_drops = of(&[1_000; 95]).stats(5);
    assert_eq!(with_drops.lower_bounds, ["p99", "p99.9", "p99.99"], "the max is of those that completed");
    assert_eq!(of(&[]).stats(0), LatencyStats::default());
}

#[test]
fn the_rank_of_a_percentile_is_not_moved_by_rounding() {
    for percent in 1..=100_u64 {
        let quantile = percent as f64 / 100.0;
        assert_eq!(rank(100, quantile), percent);
        assert_eq!(rank(1_000_000, quantile), percent * 10_000);
    }
    assert_eq!((rank(7, 0.5), rank(1, 0.001), rank(3, 1.0)), (4, 1, 3));
}
