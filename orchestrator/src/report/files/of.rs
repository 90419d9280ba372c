//! Which latency a histogram is of, by the names that thresholds have.

use common::latency::{Latencies, LatencyKind, Outcome, Spread};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

common::named! {
    /// Which latency a histogram is of.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub enum LatencyOf {
        /// Last byte - due. A request that failed or was dropped counts as slower than any completed one.
        #[default]
        Response = "response",
        /// Last byte - attempt began, over the same requests.
        Service = "service",
        /// Attempt began - due.
        Lag = "lag",
        /// How late the generator was to read.
        Turn = "turn",
        /// Time to open a connection.
        Connect = "connect",
        /// First byte of the answer - attempt began.
        FirstByte = "first_byte",
        /// `response` of completed requests alone.
        SuccessResponse = "success.response",
        /// `service` of completed requests alone.
        SuccessService = "success.service",
        /// `response` of failed requests alone, with the time they took.
        FailedResponse = "failed.response",
        /// `service` of failed requests alone, with the time they took.
        FailedService = "failed.service",
    }
}

impl LatencyOf {
    /// The one of a name.
    ///
    /// # Errors
    /// For another name: all that there are.
    pub fn read(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        Self::from_name(name).ok_or_else(|| format!("expected one of {}", names()))
    }

    /// Whether requests that failed or were dropped count as slower than the samples.
    pub fn counts_failures(self) -> bool {
        matches!(self, Self::Response | Self::Service)
    }

    /// The histograms that its samples are made of.
    pub fn kinds(self) -> &'static [LatencyKind] {
        match self {
            Self::Response | Self::SuccessResponse => &[LatencyKind::Response, LatencyKind::FailedResponse],
            Self::Service | Self::SuccessService => &[LatencyKind::Service, LatencyKind::FailedService],
            Self::FailedResponse => &[LatencyKind::FailedResponse],
            Self::FailedService => &[LatencyKind::FailedService],
            Self::Lag => &[LatencyKind::Lag],
            Self::Turn => &[LatencyKind::Turn],
            Self::Connect => &[LatencyKind::Connect],
            Self::FirstByte => &[LatencyKind::FirstByte],
        }
    }

    /// Its samples, with so many requests that count as slower where they do.
    pub fn spread(self, latencies: &Latencies, slower: u64) -> Spread<'_> {
        let (outcome, kind) = match self {
            Self::Response => (Outcome::All, LatencyKind::Response),
            Self::Service => (Outcome::All, LatencyKind::Service),
            Self::Lag => (Outcome::All, LatencyKind::Lag),
            Self::Turn => (Outcome::All, LatencyKind::Turn),
            Self::Connect => (Outcome::All, LatencyKind::Connect),
            Self::FirstByte => (Outcome::All, LatencyKind::FirstByte),
            Self::SuccessResponse => (Outcome::Success, LatencyKind::Response),
            Self::SuccessService => (Outcome::Success, LatencyKind::Service),
            Self::FailedResponse => (Outcome::Failed, LatencyKind::Response),
            Self::FailedService => (Outcome::Failed, LatencyKind::Service),
        };
        latencies.spread(outcome, kind, slower)
    }
}
