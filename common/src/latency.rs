//! Latency as histograms that merge exactly: one bounds for all, so that the fleet's percentile is the
//! percentile of all samples. It knows no clock: whoever records gives microseconds.

mod encoder;
mod kinds;
mod v2;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

pub use encoder::Encoder;
pub use kinds::{Latencies, LatencyKind};

/// Longest latency told apart, in µs: one hour. Longer ones are recorded as this.
pub const MAX_US: u64 = 3_600_000_000;

/// Significant decimal digits of a recorded value.
pub const DIGITS: u8 = 3;

/// Most base64 accepted for one histogram, in bytes. A full one of ours is under 64 KiB.
pub const MAX_ENCODED_BYTES: usize = 256 * 1024;

/// Why a text is no histogram of ours.
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
}

/// A histogram of latencies: 1 µs to 1 h, three significant digits. It grows as values need it, so that
/// one that saw nothing above a few milliseconds stays small (188 kB when full).
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Latency {
    fn eq(&self, other: &Self) -> bool {
        // hdrhistogram's own comparison depends on which of the two has grown further.
        self.buckets().eq(other.buckets())
    }
}

impl Latency {
    /// An empty one that grows on demand.
    pub fn new() -> Self {
        #[allow(clippy::expect_used)] // constants within hdrhistogram's documented range
        let mut histogram = Histogram::new_with_bounds(1, 2, DIGITS).expect("constant bounds are valid");
        histogram.auto(true);
        Self(histogram)
    }

    /// An empty one with all its buckets: recording never allocates.
    pub fn dense() -> Self {
        #[allow(clippy::expect_used)] // constants within hdrhistogram's documented range
        let histogram = Histogram::new_with_bounds(1, MAX_US, DIGITS).expect("constant bounds are valid");
        Self(histogram)
    }

    /// Records one latency in µs; above [`MAX_US`] it counts as that.
    #[inline]
    pub fn record_us(&mut self, us: u64) {
        self.record_n_us(us, 1);
    }

    /// Records `n` equal latencies in µs.
    pub fn record_n_us(&mut self, us: u64, n: u64) {
        // Cannot fail: the value is within bounds, or the histogram grows to it.
        let _ = self.0.record_n(us.min(MAX_US), n);
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Whether none was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// Adds all samples of another: exact, whatever the sizes of the two.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.0.add(&other.0).is_err() {
            // A dense histogram cannot grow to a decoded one whose bounds round up past its own; its values still fit.
            for value in other.0.iter_recorded() {
                self.record_n_us(value.value_iterated_to(), value.count_at_value());
            }
        }
    }

    /// Reads what [`Encoder::text`], or another writer of the format with our bounds, wrote.
    ///
    /// # Errors
    /// Where the text is too long, no base64, no V2-deflate, or of other bounds.
    pub fn decode(text: &str) -> Result<Self, LatencyError> {
        if text.len() > MAX_ENCODED_BYTES {
            return Err(LatencyError::TooLong(text.len()));
        }
        Self::decode_bytes(&STANDARD.decode(text)?)
    }

    /// Reads what [`Encoder::bytes`] wrote.
    ///
    /// # Errors
    /// Where the bytes are no V2-deflate, or of other bounds.
    pub fn decode_bytes(bytes: &[u8]) -> Result<Self, LatencyError> {
        let mut histogram = v2::read(bytes)?;
        if histogram.low() != 1 || histogram.sigfig() != DIGITS || histogram.max() > highest_us() {
            return Err(LatencyError::Bounds {
                low: histogram.low(),
                high: histogram.high(),
                digits: histogram.sigfig(),
            });
        }
        histogram.auto(true);
        Ok(Self(histogram))
    }

    /// The value at a quantile (0 to 1) in µs, with `slower` further samples that are slower than any
    /// recorded: `None` where there are no samples, or where the quantile falls among the slower ones
    /// (then all that is known is: at least [`Latency::max_us`]).
    pub fn quantile_us(&self, quantile: f64, slower: u64) -> Option<u64> {
        let n = self.count();
        if n == 0 {
            return None;
        }
        if slower == 0 {
            return Some(self.0.value_at_quantile(quantile));
        }
        let rank = ((n + slower) as f64 * quantile).ceil().max(1.0) as u64;
        if rank > n {
            return None;
        }
        // Half a rank back, so that the division cannot round up into the next bucket.
        Some(self.0.value_at_quantile((rank as f64 - 0.5) / n as f64))
    }

    /// Lowest recorded, µs.
    pub fn min_us(&self) -> Option<u64> {
        (!self.is_empty()).then(|| self.0.min())
    }

    /// Highest recorded, µs (the top of its bucket).
    pub fn max_us(&self) -> Option<u64> {
        (!self.is_empty()).then(|| self.0.max())
    }

    /// Mean, µs.
    pub fn mean_us(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.mean())
    }

    /// Mode, µs: the middle of the bucket with the highest count per µs of its width; of equals the lowest.
    pub fn mode_us(&self) -> Option<f64> {
        let mut best: Option<(f64, f64)> = None;
        for bucket in self.0.iter_recorded() {
            let value = bucket.value_iterated_to();
            let low = self.0.lowest_equivalent(value);
            let width = self.0.equivalent_range(value) as f64;
            let density = bucket.count_at_value() as f64 / width;
            if best.is_none_or(|(densest, _)| density > densest) {
                best = Some((density, low as f64 + (width - 1.0) / 2.0));
            }
        }
        best.map(|(_, middle)| middle)
    }

    /// Counts per bucket, lowest first: (highest value of the bucket in µs, count).
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter_recorded().map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }

    /// The figures that reports show, in milliseconds, where `slower` dropped ticks count as slower than
    /// any answer. All null but the count where nothing was recorded.
    pub fn stats(&self, slower: u64) -> LatencyStats {
        let ms = |us: f64| us / 1_000.0;
        let mut lower_bounds = Vec::new();
        let mut at = |name: &str, quantile: f64| {
            let max = self.max_us()?;
            let known = self.quantile_us(quantile, slower);
            if slower > 0 && known.is_none() {
                lower_bounds.push(name.to_owned());
            }
            Some(ms(known.unwrap_or(max) as f64))
        };
        let (median, p90, p95) = (at("median", 0.5), at("p90", 0.9), at("p95", 0.95));
        let (p99, p999, p9999) = (at("p99", 0.99), at("p99.9", 0.999), at("p99.99", 0.9999));
        if slower > 0 && !self.is_empty() {
            lower_bounds.push("max".to_owned());
        }
        LatencyStats {
            count: self.count(),
            min: self.min_us().map(|us| ms(us as f64)),
            mean: self.mean_us().map(ms),
            median,
            mode: self.mode_us().map(ms),
            p90,
            p95,
            p99,
            p999,
            p9999,
            max: self.max_us().map(|us| ms(us as f64)),
            lower_bounds,
        }
    }
}

/// The top of the bucket that holds [`MAX_US`]: what a histogram of ours can show at most.
fn highest_us() -> u64 {
    let mut top = Latency::new();
    top.record_us(MAX_US);
    top.0.max()
}

/// The figures that reports show of one histogram, in milliseconds; null where nothing was recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyStats {
    /// Samples.
    pub count: u64,
    /// Lowest.
    pub min: Option<f64>,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Half are no slower.
    pub median: Option<f64>,
    /// Middle of the densest bucket.
    pub mode: Option<f64>,
    /// 90 % are no slower.
    pub p90: Option<f64>,
    /// 95 % are no slower.
    pub p95: Option<f64>,
    /// 99 % are no slower.
    pub p99: Option<f64>,
    /// 99.9 % are no slower.
    #[serde(rename = "p99.9")]
    pub p999: Option<f64>,
    /// 99.99 % are no slower.
    #[serde(rename = "p99.99")]
    pub p9999: Option<f64>,
    /// Highest.
    pub max: Option<f64>,
    /// Names of the figures that are only lower bounds, for dropped ticks have no latency: shown with ≥.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lower_bounds: Vec<String>,
}

#[cfg(test)]
mod tests {
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
            let read = Latency::decode(&Encoder::new().text(&sent)).unwrap();
            prop_assert!(read.buckets().eq(sent.buckets()));
            prop_assert_eq!(read.stats(7), sent.stats(7));
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
        assert!(matches!(
            Latency::decode(&STANDARD.encode(bytes)),
            Err(LatencyError::Bounds { digits: 2, .. })
        ));
    }

    #[test]
    fn the_mode_goes_by_density_and_the_lowest_of_equals() {
        assert_eq!(of(&[10, 10, 20, 20, 30]).mode_us(), Some(10.0));
        // 5,000 µs lies in a bucket 4 µs wide: three samples there are thinner than one in a bucket of 1 µs.
        assert_eq!(of(&[5_000, 5_000, 5_000, 7]).mode_us(), Some(7.0));
        assert_eq!(of(&[]).mode_us(), None);
    }

    #[test]
    fn figures_are_milliseconds_and_mark_lower_bounds() {
        let stats = of(&[1_000, 1_000, 1_000, 2_000]).stats(0);
        assert_eq!((stats.count, stats.min, stats.median, stats.max), (4, Some(1.0), Some(1.0), Some(2.0)));
        assert!(stats.lower_bounds.is_empty());
        let with_drops = of(&[1_000; 95]).stats(5);
        assert_eq!(with_drops.lower_bounds, ["p99", "p99.9", "p99.99", "max"]);
        assert_eq!(of(&[]).stats(0), LatencyStats::default());
    }
}
