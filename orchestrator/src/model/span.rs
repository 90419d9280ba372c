//! The figures of some seconds of a test: `GET /api/v1/tests/{id}/span`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LatencyView, PassTotals, RequestTotals, SessionTotals, WarmupTotals};

/// The exact figures of the seconds `from` to `to`, computed from the histograms of these seconds. Requests that were due in
/// the warm-up are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Span)]
pub struct SpanView {
    /// Which test.
    pub test_id: String,
    /// The first second that the figures cover, counted from the start.
    pub from: u64,
    /// The last second that they cover.
    pub to: u64,
    /// What both were rounded to: seconds (1, 10 or 60).
    pub step: u64,
    /// Of the fleet.
    pub totals: SpanTotals,
    /// Of each driver that sends windows, by its id.
    pub drivers: Vec<SpanDriver>,
    /// Of the requests of each name, where the plan has several.
    pub requests: BTreeMap<String, RequestTotals>,
    /// What became of sessions of all scenarios, where the plan has several requests: as in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<SessionTotals>,
    /// The sessions of each scenario.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenarios: BTreeMap<String, SessionTotals>,
    /// The passes of each group of steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, PassTotals>,
    /// The polls of each request that is polled.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub polls: BTreeMap<String, PassTotals>,
    /// `response` over the share of requests that were no slower.
    pub curve: SpanCurves,
}

/// Counters and latencies of some seconds, those of requests due in the warm-up left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpanTotals {
    /// Ticks that fell due (closed loop: attempts begun).
    pub scheduled: u64,
    /// Attempts begun, of the ticks that fell due.
    pub sent: u64,
    /// Answers with an expected status that ended in these seconds.
    pub completed: u64,
    /// Everything else that ended in them.
    pub failed: u64,
    /// Ticks not sent.
    pub dropped: u64,
    /// Completed within the schedule, per second of it that lies in the span; null below 1 ms of it. Of a fleet with an open
    /// loop the sum over its drivers; with a closed loop what all completed over the longest driver's part.
    pub throughput_per_s: Option<f64>,
    /// Answers by status.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures without a status, by kind.
    pub errors: BTreeMap<String, u64>,
    /// Latencies, in milliseconds.
    pub latency_ms: LatencyView,
    /// The requests of these seconds that were due in the warm-up. None of the figures above has them.
    #[serde(default)]
    pub warmup: WarmupTotals,
}

/// One driver's part of a span.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpanDriver {
    /// The driver.
    pub node_id: String,
    #[serde(flatten)]
    pub totals: SpanTotals,
}

/// Points of `response`: [quantile from 0 to 1, ms], ever finer towards 1, up to one request in as many as there are. ms is
/// null where the quantile falls among the requests that failed or were dropped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpanCurves {
    /// Of the fleet; empty where nothing completed.
    pub fleet: Vec<CurvePoint>,
    /// Of each driver, by its id.
    pub drivers: BTreeMap<String, Vec<CurvePoint>>,
}

/// A quantile from 0 to 1, and the response there in ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CurvePoint(pub f64, pub Option<f64>);
