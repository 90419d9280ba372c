//! The figures of one histogram that reports show, in milliseconds. It does not depend on reports.

use serde::{Deserialize, Serialize};

use super::{Latency, Spread};

/// The figures that reports show of one latency, in milliseconds; null where there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyStats {
    /// Requests with a time. Those that count as slower than any of them are in the percentiles alone.
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
    /// Names of the percentiles of which only a lower bound is known, shown with ≥: they fall among the requests that
    /// failed or were dropped. The bound is the slowest completed request; null where nothing completed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lower_bounds: Vec<String>,
}

impl Latency {
    /// The figures that reports show, in milliseconds, where `slower` further requests count as slower than any
    /// recorded one.
    pub fn stats(&self, slower: u64) -> LatencyStats {
        Spread::of(self).with_slower(slower).stats()
    }
}
