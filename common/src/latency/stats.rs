//! What reports show of one histogram: figures in milliseconds. It knows no report.

use serde::{Deserialize, Serialize};

use super::Latency;

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

impl Latency {
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
