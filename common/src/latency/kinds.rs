//! The latencies that are told apart, and one histogram of each: what a worker, a driver and a fleet keep.

use serde::{Deserialize, Serialize};

use super::Latency;

/// Which latency a histogram holds. The words are those of interface.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyKind {
    /// Attempt began - due; every sent request.
    Lag,
    /// Last byte - attempt began; every answered or failed request.
    Service,
    /// Last byte - due; every answered or failed request.
    Response,
    /// The part of `service` that failed.
    FailedService,
    /// The part of `response` that failed.
    FailedResponse,
    /// From the poll's return to the handling of an event it brought.
    Turn,
    /// `service` of requests due in the warm-up.
    WarmupService,
    /// `response` of requests due in the warm-up.
    WarmupResponse,
}

impl LatencyKind {
    /// Every kind.
    pub const ALL: [LatencyKind; 8] = [
        Self::Lag,
        Self::Service,
        Self::Response,
        Self::FailedService,
        Self::FailedResponse,
        Self::Turn,
        Self::WarmupService,
        Self::WarmupResponse,
    ];

    /// The key on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Service => "service",
            Self::Response => "response",
            Self::FailedService => "failed_service",
            Self::FailedResponse => "failed_response",
            Self::Turn => "turn",
            Self::WarmupService => "warmup_service",
            Self::WarmupResponse => "warmup_response",
        }
    }
}

/// One histogram of each kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies([Latency; LatencyKind::ALL.len()]);

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// Empty ones that grow on demand.
    pub fn new() -> Self {
        Self(std::array::from_fn(|_| Latency::new()))
    }

    /// The histogram of a kind.
    pub fn of(&self, kind: LatencyKind) -> &Latency {
        &self.0[kind as usize]
    }

    /// The histogram of a kind, to record in.
    #[inline]
    pub fn of_mut(&mut self, kind: LatencyKind) -> &mut Latency {
        &mut self.0[kind as usize]
    }

    /// Adds all samples of another set.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            mine.merge(theirs);
        }
    }

    /// Forgets all samples and keeps the memory.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Latency::clear);
    }
}
