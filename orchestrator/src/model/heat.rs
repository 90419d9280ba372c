//! What a window has for the charts of a page: how its responses are spread, and what the generator's machine did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many requests of a window had a `response` in which bin, those of the warm-up left out. Bin k holds 2^(k/8) µs up to
/// 2^((k+1)/8) µs: k is floor(8·log2(µs)), and 0 for 1 µs and less. An outcome without requests is left out. Sums of bins
/// over windows are the bins of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Heat {
    /// Of answers with an expected status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<HeatBins>,
    /// Of everything else that ended and has a time (all but `cancelled`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<HeatBins>,
}

/// Requests by bin, without the empty bins on either side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeatBins {
    /// The first bin with a request.
    pub first: u32,
    /// Requests in that bin and in those that follow, up to the last one with a request.
    pub counts: Vec<u64>,
}

/// What the machine did in a window, as shares from 0 to 1; of a fleet, and of several seconds, the highest. Null where it is
/// not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MachineShares {
    /// Of its cores, what the driver's process used.
    pub cpu: Option<f64>,
    /// Of the machine's CPU time, what its host gave to other machines.
    pub steal: Option<f64>,
    /// Of the window, how long a worker waited for a core, of the worker that waited longest.
    pub wait: Option<f64>,
}

impl MachineShares {
    /// The higher share of each.
    pub fn highest(self, other: Self) -> Self {
        let of = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            cpu: of(self.cpu, other.cpu),
            steal: of(self.steal, other.steal),
            wait: of(self.wait, other.wait),
        }
    }
}
