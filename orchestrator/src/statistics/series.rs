//! The windows of one test, as statistics need them: counts, and the responses of the completed requests as buckets.

use std::sync::Arc;

use super::{Cosines, MAX_WINDOWS};

/// One window: a second of the fleet, or several neighbouring ones.
///
/// It keeps the buckets of its histogram in which there are samples, 8 bytes each: some 300 of them a second at moderate
/// rates (9 MB for an hour), 2,000 at high ones (58 MB).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Completed requests by their response: the highest µs of each bucket, and how many are no slower.
    pub(crate) buckets: Vec<(u32, u32)>,
    /// Sum of the responses, µs.
    pub(crate) sum_us: f64,
    /// Requests that count as slower than any completed one: failed, and not sent.
    pub slower: u64,
    /// Failed requests, without those that a stop cancelled.
    pub failed: u64,
    /// Completed and failed requests, without those that a stop cancelled.
    pub ended: u64,
    /// Requests that completed within the schedule.
    pub in_schedule: u64,
    /// How much of the schedule it is, seconds.
    pub seconds: f64,
}

/// The lowest and the highest µs of the bucket that holds a value: three significant digits, as all histograms have them
/// (`common::latency`).
pub fn bucket(us: u32) -> (u32, u32) {
    // 2,048 values of 1 µs, then 1,024 of 2 µs, 1,024 of 4 µs, and so on.
    let width_bits = (us | 2_047).ilog2() - 10;
    let rest = (1_u32 << width_bits) - 1;
    (us & !rest, us | rest)
}

/// The place of a value's bucket among all buckets, the lowest first.
pub(super) fn place_of_bucket(us: u32) -> usize {
    let width_bits = (us | 2_047).ilog2() - 10;
    (width_bits as usize * 1_024) + (us >> width_bits) as usize
}

/// The highest µs of the bucket at a place.
pub(super) fn top_of_bucket(place: usize) -> u32 {
    let width_bits = (place / 1_024).saturating_sub(1);
    let lowest = (place - width_bits * 1_024) << width_bits;
    u32::try_from(lowest + (1 << width_bits) - 1).unwrap_or(u32::MAX)
}

/// How many buckets there are for all values.
pub(super) const BUCKETS: usize = 1_024 * 23;

impl Window {
    /// A window with these completed requests: (highest µs of the bucket, how many), ascending.
    pub fn new(buckets: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut window = Self::default();
        let mut so_far = 0_u64;
        for (us, n) in buckets {
            let us = u32::try_from(us).unwrap_or(u32::MAX);
            let (low, high) = bucket(us);
            so_far += n;
            window.sum_us += (f64::from(low) + f64::from(high)) / 2.0 * n as f64;
            window.buckets.push((us, u32::try_from(so_far).unwrap_or(u32::MAX)));
        }
        window
    }

    /// Completed requests.
    pub fn completed(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, n)| u64::from(*n))
    }

    /// Completed requests, and those that count as slower.
    pub fn requests(&self) -> u64 {
        self.completed() + self.slower
    }

    /// Sum of the responses of completed requests, µs.
    pub fn sum_us(&self) -> f64 {
        self.sum_us
    }

    /// Completed requests that took no longer than the bucket of `us`.
    pub fn no_slower_than(&self, us: u32) -> u64 {
        let after = self.buckets.partition_point(|(top, _)| *top <= us);
        after.checked_sub(1).map_or(0, |last| u64::from(self.buckets[last].1))
    }

    /// The bucket of the completed request at a rank (1 is the fastest): its highest µs; `None` past the last one.
    pub fn at_rank(&self, rank: u64) -> Option<u32> {
        let at = self.buckets.partition_point(|(_, n)| u64::from(*n) < rank);
        self.buckets.get(at).map(|(us, _)| *us)
    }

    /// How many in each bucket: (highest µs, how many).
    pub fn buckets(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let before = std::iter::once(0).chain(self.buckets.iter().map(|(_, n)| *n));
        self.buckets.iter().zip(before).map(|((us, n), before)| (*us, u64::from(n - before)))
    }

    /// Adds what another one holds, its time too.
    pub fn merge(&mut self, other: &Self) {
        let mut all: Vec<(u64, u64)> = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let mut both: Vec<(u32, u64)> = self.buckets().chain(other.buckets()).collect();
        both.sort_unstable_by_key(|(us, _)| *us);
        for (us, n) in both {
            match all.last_mut() {
                Some((last, sum)) if *last == u64::from(us) => *sum += n,
                _ => all.push((u64::from(us), n)),
            }
        }
        *self = Self {
            slower: self.slower + other.slower,
            failed: self.failed + other.failed,
            ended: self.ended + other.ended,
            in_schedule: self.in_schedule + other.in_schedule,
            seconds: self.seconds + other.seconds,
            ..Self::new(all)
        };
    }
}

/// The windows of one test, in their order. A copy shares them.
#[derive(Debug, Clone)]
pub struct Series {
    windows: Arc<[Window]>,
    cosines: Arc<Cosines>,
}

impl Series {
    /// A series of these windows. Where there are more than [`MAX_WINDOWS`], neighbours are merged.
    pub fn new(mut windows: Vec<Window>) -> Self {
        let step = windows.len().div_ceil(MAX_WINDOWS);
        if step > 1 {
            let merged = windows.chunks(step).filter_map(|neighbours| {
                let (first, rest) = neighbours.split_first()?;
                let mut sum = first.clone();
                rest.iter().for_each(|more| sum.merge(more));
                Some(sum)
            });
            windows = merged.collect();
        }
        let cosines = Arc::new(Cosines::of(windows.len()));
        Self { windows: windows.into(), cosines }
    }

    /// Its windows, in their order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The cosines of so many windows.
    pub fn cosines(&self) -> &Cosines {
        &self.cosines
    }

    /// How much of the schedule it is, seconds.
    pub fn seconds(&self) -> f64 {
        self.windows.iter().map(|window| window.seconds).sum()
    }
}

#[cfg(test)]
mod tests {
    use common::latency::Latency;
    use proptest::prelude::*;

    use super::*;

    fn window_of(us: &[u64]) -> Window {
        let mut latency = Latency::new();
        us.iter().for_each(|us| latency.record_us(*us));
        Window { ended: us.len() as u64, seconds: 1.0, ..Window::new(latency.buckets()) }
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_the_histograms(us in 0..3_600_000_000_u64) {
            let mut latency = Latency::new();
            latency.record_us(us);
            let (top, _) = latency.buckets().next().unwrap();
            let (low, high) = bucket(us as u32);
            prop_assert_eq!(u64::from(high), top);
            prop_assert!(u64::from(low) <= us && us <= u64::from(high));
            prop_assert_eq!(bucket(low), (low, high));
            prop_assert_eq!(bucket(high), (low, high));
            prop_assert_eq!(top_of_bucket(place_of_bucket(low)), high);
            prop_assert_eq!(top_of_bucket(place_of_bucket(high)), high);
            prop_assert!(place_of_bucket(u32::MAX) < BUCKETS);
        }

        #[test]
        fn merging_windows_is_as_recording_in_one(
            a in prop::collection::vec(1..9_000_000_u64, 0..30), b in prop::collection::vec(1..9_000_000_u64, 0..30),
        ) {
            let mut merged = window_of(&a);
            merged.merge(&window_of(&b));
            let both = window_of(&[a, b].concat());
            prop_assert_eq!(merged.buckets().collect::<Vec<_>>(), both.buckets().collect::<Vec<_>>());
            prop_assert_eq!((merged.ended, merged.seconds), (both.ended, 2.0));
            prop_assert!((merged.sum_us() - both.sum_us()).abs() <= 1e-9 * both.sum_us());
        }
    }

    #[test]
    fn requests_are_counted_up_to_a_bucket() {
        let window = Window { slower: 2, ..window_of(&[10, 20, 20, 5_001]) };
        for (us, n) in [(9, 0), (10, 1), (19, 1), (20, 3), (4_999, 3), (bucket(5_001).1, 4), (u32::MAX, 4)] {
            assert_eq!(window.no_slower_than(us), n, "{us}");
        }
        assert_eq!((window.completed(), window.requests()), (4, 6));
    }

    #[test]
    fn long_series_are_merged() {
        let series = Series::new(vec![window_of(&[10]); 3_601]);
        assert_eq!((series.windows().len(), series.cosines().windows()), (1_801, 1_801));
        assert_eq!(series.windows().iter().map(Window::completed).sum::<u64>(), 3_601);
        assert_eq!(series.seconds(), 3_601.0);
        assert_eq!(Series::new(vec![window_of(&[10]); 3_600]).windows().len(), 3_600);
    }
}
