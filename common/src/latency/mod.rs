//! Latency as histograms that merge exactly: one bounds for all, so that the fleet's percentile is the
//! percentile of all samples. It has no clock: the caller passes microseconds.

pub mod compact;
mod encoder;
mod extremes;
#[cfg(test)]
mod fixtures;
mod interval_log;
mod kinds;
mod percentiles;
mod ranks;
mod spread;
mod stats;
mod sums;
mod up_to;
mod v2;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;

pub use compact::CompactLatencies;
pub use encoder::Encoder;
pub use extremes::Extremes;
pub use interval_log::IntervalLog;
pub use kinds::{Latencies, LatencyKind};
pub use percentiles::Level;
pub use ranks::{RankedLatencies, Ranks};
pub use spread::{Outcome, Quantile, Spread};
pub use stats::LatencyStats;
pub use sums::LatencySums;
pub use up_to::{BOUNDS_US, UpTo};

/// Longest latency recorded exactly, in µs: one hour. Longer ones are recorded as this.
pub const MAX_US: u64 = 3_600_000_000;

/// Significant decimal digits of a recorded value.
pub const DIGITS: u8 = 3;

/// Most base64 accepted for one histogram, in bytes. A full one of ours is under 64 KiB.
pub const MAX_ENCODED_BYTES: usize = 256 * 1024;

/// Why a text cannot be decoded as one of our histograms.
#[derive(Debug, thiserror::Error)]
pub enum LatencyError {
    /// Longer than [`MAX_ENCODED_BYTES`].
    #[error("histogram of {0} bytes is longer than {MAX_ENCODED_BYTES}")]
    TooLong(usize),
    /// Not base64.
    #[error("histogram is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not an HdrHistogram in V2-deflate.
    #[error("histogram is not V2-deflate: {0}")]
    Format(String),
    /// Made with other bounds: adding it would not be exact.
    #[error("histogram has bounds {low}..{high} µs and {digits} digits, not 1..{MAX_US} and {DIGITS}")]
    Bounds {
        /// Lowest discernible value, µs.
        low: u64,
        /// Highest trackable value, µs.
        high: u64,
        /// Significant digits.
        digits: u8,
    },
    /// Exact extremes that are not in the lowest and the highest bucket that hold a sample.
    #[error("{min_us} and {max_us} µs are not in the first and the last bucket of the histogram")]
    Extremes {
        /// The smallest sample, as claimed.
        min_us: u64,
        /// The largest sample, as claimed.
        max_us: u64,
    },
}

/// A histogram of latencies: 1 µs to 1 h, three significant digits. It grows as values need it, so that
/// one without values above a few milliseconds stays small (188 kB when full).
///
/// Beside it stand the exact smallest and largest sample. All figures lie between these two, so that
/// min ≤ median ≤ … ≤ max holds, and min ≤ mean ≤ max. A histogram that came without them (from a text or from bytes)
/// has the edges of its first and last bucket in their place, until [`Latency::set_extremes`].
#[derive(Debug, Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
    extremes: Extremes,
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Latency {
    fn eq(&self, other: &Self) -> bool {
        // hdrhistogram's own comparison depends on which of the two has grown further.
        self.extremes == other.extremes && self.buckets().eq(other.buckets())
    }
}

impl Latency {
    /// An empty one that grows on demand.
    pub fn new() -> Self {
        #[allow(clippy::expect_used)] // constants within hdrhistogram's documented range
        let mut histogram = Histogram::new_with_bounds(1, 2, DIGITS).expect("constant bounds are valid");
        histogram.auto(true);
        Self { histogram, extremes: Extremes::NONE }
    }

    /// An empty one with all its buckets: recording never allocates.
    pub fn dense() -> Self {
        #[allow(clippy::expect_used)] // constants within hdrhistogram's documented range
        let histogram = Histogram::new_with_bounds(1, MAX_US, DIGITS).expect("constant bounds are valid");
        Self { histogram, extremes: Extremes::NONE }
    }

    /// Records one latency in µs; above [`MAX_US`] it counts as that.
    #[inline]
    pub fn record_us(&mut self, us: u64) {
        self.record_n_us(us, 1);
    }

    /// Records `n` equal latencies in µs.
    pub fn record_n_us(&mut self, us: u64, n: u64) {
        if n == 0 {
            return;
        }
        let us = us.min(MAX_US);
        // Cannot fail: the value is within bounds, or the histogram grows to it.
        let _ = self.histogram.record_n(us, n);
        self.extremes.take(us);
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Whether none was recorded.
    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// Removes all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.extremes = Extremes::NONE;
    }

    /// Adds all samples of another: exact, whatever the sizes of the two.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.histogram.add(&other.histogram).is_err() {
            // A dense histogram cannot grow to a decoded one whose bounds round up past its own; its values still fit.
            for (value, n) in other.buckets() {
                let _ = self.histogram.record_n(value.min(MAX_US), n);
            }
        }
        self.extremes.merge(other.extremes);
    }

    /// The samples that remain after subtracting `part`, bucket by bucket. Counts are exact. The smallest and largest
    /// sample are known only to the edges of their buckets, narrowed by the extremes of all samples. Where `part` has
    /// more samples in a bucket than there are, the bucket is left empty.
    pub fn without(&self, part: &Self) -> Self {
        let mut rest = self.clone();
        rest.clear();
        for (value, n) in self.buckets() {
            // Past its highest bucket, hdrhistogram would answer with the count of that one.
            let of_part = if value <= part.histogram.max() { part.histogram.count_at(value) } else { 0 };
            rest.record_n_us(value, n.saturating_sub(of_part));
        }
        rest.extremes = edges(&rest.histogram).within(self.extremes);
        rest
    }

    /// The exact smallest and largest sample; the edges of their buckets where only the histogram was there.
    pub fn extremes(&self) -> Extremes {
        self.extremes
    }

    /// Sets the exact smallest and largest sample beside a histogram that came without them.
    ///
    /// # Errors
    /// Where they do not lie in the first and the last bucket that hold a sample; then nothing is changed.
    pub fn set_extremes(&mut self, extremes: Extremes) -> Result<(), LatencyError> {
        let fits = match (extremes.both(), edges(&self.histogram).both()) {
            (Some([min, max]), Some([low, high])) => {
                max <= MAX_US && self.histogram.equivalent(min, low) && self.histogram.equivalent(max, high)
            }
            (claimed, held) => claimed == held,
        };
        if !fits {
            let [min_us, max_us] = extremes.both().unwrap_or_default();
            return Err(LatencyError::Extremes { min_us, max_us });
        }
        self.extremes = extremes;
        Ok(())
    }

    /// A figure in µs, moved between the smallest and the largest sample: a bucket's edge or middle may lie beyond.
    fn between(&self, us: u64) -> u64 {
        self.extremes.between(us)
    }

    /// As [`Latency::between`].
    fn between_f64(&self, us: f64) -> f64 {
        self.extremes.between_f64(us)
    }

    /// Reads what [`Encoder::text`], or another writer of the format with our bounds, wrote.
    ///
    /// # Errors
    /// Where the text is too long, not base64, not V2-deflate, or has other bounds.
    pub fn decode(text: &str) -> Result<Self, LatencyError> {
        if text.len() > MAX_ENCODED_BYTES {
            return Err(LatencyError::TooLong(text.len()));
        }
        Self::decode_bytes(&STANDARD.decode(text)?)
    }

    /// Reads what [`Encoder::bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are not V2-deflate, or have other bounds.
    pub fn decode_bytes(bytes: &[u8]) -> Result<Self, LatencyError> {
        let mut histogram = v2::read(bytes)?;
        if histogram.low() != 1 || histogram.sigfig() != DIGITS || histogram.max() > HIGHEST_US {
            return Err(LatencyError::Bounds {
                low: histogram.low(),
                high: histogram.high(),
                digits: histogram.sigfig(),
            });
        }
        histogram.auto(true);
        let extremes = edges(&histogram);
        Ok(Self { histogram, extremes })
    }

    /// What has these counts, each with some value of its bucket. Its extremes are the edges of the buckets.
    fn of_buckets(buckets: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut latency = Self::new();
        buckets.for_each(|(us, n)| latency.record_n_us(us, n));
        latency.extremes = edges(&latency.histogram);
        latency
    }

    /// The value at a quantile (0 to 1) in µs, with `slower` further samples that are slower than any
    /// recorded: `None` where there are no samples, or where the quantile falls among the slower ones
    /// (then all that is known is: at least [`Latency::max_us`]).
    pub fn quantile_us(&self, quantile: f64, slower: u64) -> Option<u64> {
        let n = self.count();
        if n == 0 {
            return None;
        }
        let rank = rank(n.saturating_add(slower), quantile);
        if rank > n {
            return None;
        }
        // Half a rank back, so that the division cannot round up into the next bucket.
        Some(self.between(self.histogram.value_at_quantile((rank as f64 - 0.5) / n as f64)))
    }

    /// Lowest recorded, µs.
    pub fn min_us(&self) -> Option<u64> {
        self.extremes.min_us()
    }

    /// Highest recorded, µs.
    pub fn max_us(&self) -> Option<u64> {
        self.extremes.max_us()
    }

    /// Mean, µs.
    pub fn mean_us(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.between_f64(self.histogram.mean()))
    }

    /// Standard deviation, µs; 0 where there are no samples.
    pub fn deviation_us(&self) -> f64 {
        self.histogram.stdev()
    }

    /// Mode, µs: the middle of the bucket with the highest count per µs of its width; of equals the lowest.
    pub fn mode_us(&self) -> Option<f64> {
        let mut best: Option<(f64, f64)> = None;
        for bucket in self.histogram.iter_recorded() {
            let value = bucket.value_iterated_to();
            let low = self.histogram.lowest_equivalent(value);
            let width = self.histogram.equivalent_range(value) as f64;
            let density = bucket.count_at_value() as f64 / width;
            if best.is_none_or(|(densest, _)| density > densest) {
                best = Some((density, low as f64 + (width - 1.0) / 2.0));
            }
        }
        best.map(|(_, middle)| self.between_f64(middle))
    }

    /// How the histogram is divided, as HdrHistogram's output notes it: buckets that each reach twice as far as the one
    /// before, and parts of a bucket.
    pub fn division(&self) -> (u32, u32) {
        // Parts that are one value each, as many as it takes for so many digits, and as many again.
        let parts = (2 * 10_u32.pow(u32::from(DIGITS))).next_power_of_two();
        (u32::from(self.histogram.buckets()), parts)
    }

    /// Counts per bucket, lowest first: (highest value of the bucket in µs, count).
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }
}

/// Which of `n` samples, counted from 1 and the fastest first, is the one at a quantile.
fn rank(n: u64, quantile: f64) -> u64 {
    let exact = n as f64 * quantile;
    // 0.07 × 100 is 7.000000000000001 in floating point, and the 7th is meant.
    let nearest = exact.round();
    let rank = if (exact - nearest).abs() <= exact * 1e-12 { nearest } else { exact.ceil() };
    (rank as u64).clamp(1, n.max(1))
}

/// The edges of the first and the last bucket that hold a sample: the best estimate of the extremes from a histogram
/// alone.
fn edges(histogram: &Histogram<u64>) -> Extremes {
    let held = (!histogram.is_empty()).then(|| Extremes::new(histogram.min(), histogram.max().min(MAX_US)));
    held.flatten().unwrap_or(Extremes::NONE)
}

/// The top of the bucket that holds [`MAX_US`]: what a histogram of ours can show at most. To ask a histogram for it would
/// take longer than to decode one.
const HIGHEST_US: u64 = (((MAX_US >> BUCKET_OF_MAX_BITS) + 1) << BUCKET_OF_MAX_BITS) - 1;

/// The bucket that holds [`MAX_US`] is 2 to the power of this wide: of a value the 11 highest bits are kept.
const BUCKET_OF_MAX_BITS: u32 = MAX_US.ilog2() - 10;

#[cfg(test)]
mod tests;
