//! Counters and latencies as REST, the events and the report show them: of a driver, of a fleet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LatencyStatsSchema;

/// Counters and latencies of a driver or a fleet. What a driver does not report is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Ticks that fell due (closed loop: attempts begun).
    pub scheduled: Option<u64>,
    /// Attempts begun.
    pub sent: Option<u64>,
    /// Answers with an expected status.
    pub completed: Option<u64>,
    /// Everything else that ended.
    pub failed: Option<u64>,
    /// Ticks not sent.
    pub dropped: Option<u64>,
    /// Why they were not.
    pub dropped_by: DroppedBy,
    /// Attempts that have not ended.
    pub in_flight: Option<u64>,
    /// Sent by a driver that was lost before it reported the end; null where that is not known.
    pub unresolved: Option<u64>,
    /// Sent by the drivers of `ends_unknown_from`, which do not report how these ended. Always: sent = completed +
    /// failed + in_flight + unresolved + end_unknown, where null counts as 0.
    #[serde(default)]
    pub end_unknown: u64,
    /// Of the error `closed`: how many met a kept connection.
    pub closed_on_reuse: u64,
    /// Bytes of answers.
    pub bytes_received: u64,
    /// Completed within the schedule / its length; null below 1 ms of length. Of a fleet with an open loop the sum over
    /// its drivers; with a closed loop what all completed over the longest driver's length.
    pub throughput_per_s: Option<f64>,
    /// Of `completed`: within the schedule and due after the warm-up, which is what throughput counts; null where it is
    /// not known.
    #[serde(default)]
    pub completed_in_schedule: Option<u64>,
    /// The part that was due in the warm-up; included in the counters above.
    pub warmup: WarmupTotals,
    /// Nodes that do not report what they sent; the sums leave them out.
    pub unknown_from: Vec<String>,
    /// Nodes that report what they sent, but not completely how it ended: their `completed` or `failed` is null, and
    /// adds nothing to the sums.
    #[serde(default)]
    pub ends_unknown_from: Vec<String>,
    /// Latencies after the warm-up, in milliseconds.
    pub latency_ms: LatencyView,
    /// Answers by status, those of the warm-up included.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures without a status, by kind, those of the warm-up included.
    pub errors: BTreeMap<String, u64>,
    /// The error `tls` by its cause; empty where none failed so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tls_causes: BTreeMap<String, u64>,
    /// Gaps between two sends shorter than half the delay.
    pub short_gaps: u64,
    /// The requests of each name, where the plan has several; their sums are the counters above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, RequestTotals>,
    /// The sessions of all scenarios, where the plan has several requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<SessionTotals>,
    /// The sessions of each scenario, where the plan has several requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scenarios: BTreeMap<String, SessionTotals>,
    /// The passes of each group of steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, PassTotals>,
    /// The polls of each request that is polled.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub polls: BTreeMap<String, PassTotals>,
    /// The most users at a time; of a fleet the sum over its drivers. Left out where the load has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
}

/// Sessions of one scenario, or of all. Always: started = completed + failed + abandoned + under_way + unresolved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionTotals {
    #[serde(flatten)]
    pub counts: SessionCounts,
    /// Sessions that have not ended; left out in a window, whose sessions may end in a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<u64>,
    /// Sessions of a driver that was lost before it reported their end.
    pub unresolved: u64,
    /// Completed / length of the schedule; null below 1 ms of length, and in a window.
    #[serde(default)]
    pub throughput_per_s: Option<f64>,
    /// The part that was due in the warm-up, included in the counts above; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<SessionCounts>,
    /// Of one scenario: sessions after the warm-up that failed or were abandoned, by the step at which they ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended_at: BTreeMap<String, u64>,
    /// From the due time to the last byte, less what the session thought, after the warm-up, in milliseconds. Failed and
    /// dropped sessions count as slower than any completed one; where more than 1 % were abandoned, all but the lowest
    /// are lower bounds.
    pub latency_ms: ResponseLatency,
}

/// Counts of sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionCounts {
    /// Sessions that began.
    pub started: u64,
    /// Ended, and no step failed.
    pub completed: u64,
    /// Ended with a failed step.
    pub failed: u64,
    /// Ended by us between two steps, by the end of the drain or by a stop.
    pub abandoned: u64,
    /// Fell due and never began.
    pub dropped: u64,
}

/// The passes of a group, or the polls of a request, after the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PassTotals {
    /// Passes in which no step failed, or polls whose condition held.
    pub completed: u64,
    /// The others.
    pub failed: u64,
    /// In milliseconds. Failed ones, and those of sessions that were dropped, count as slower than any completed one.
    pub latency_ms: ResponseLatency,
}

/// A response alone, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResponseLatency {
    #[schema(value_type = LatencyStatsSchema)]
    pub response: common::latency::LatencyStats,
}

/// The requests of one name. The figures are as in the totals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestTotals {
    /// Attempts begun.
    pub sent: u64,
    /// Answers with an expected status.
    pub completed: u64,
    /// Everything else that ended.
    pub failed: u64,
    /// Answers by status, those of the warm-up included.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures without a status, by kind, those of the warm-up included.
    pub errors: BTreeMap<String, u64>,
    /// Latencies after the warm-up, in milliseconds. Failed and dropped requests count as slower than any completed one.
    pub latency_ms: OutcomeLatency,
}

/// What drivers sent by themselves for an entry of `[shared]`: at their start, and again by age. It is in no other figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedTotals {
    /// Attempts, redirects that were followed included.
    pub sent: u64,
    /// Answered as expected, with nothing missing.
    pub completed: u64,
    /// The others: the values before stayed.
    pub failed: u64,
    /// Answers by status.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures by kind.
    pub errors: BTreeMap<String, u64>,
}

/// Why ticks were not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DroppedBy {
    /// The in-flight bound was reached: the target's doing.
    pub in_flight: u64,
    /// The generator was late: ours.
    pub late: u64,
}

/// The part of the counters that was due in the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WarmupTotals {
    /// Ticks that fell due.
    pub scheduled: u64,
    /// Attempts begun.
    pub sent: u64,
    /// Answers with an expected status.
    pub completed: u64,
    /// Everything else that ended.
    pub failed: u64,
    /// Ticks not sent.
    pub dropped: u64,
    /// Answers by status.
    #[serde(default)]
    pub status_codes: BTreeMap<String, u64>,
    /// Failures without a status, by kind.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
}

/// The latencies of a driver or a fleet, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Latencies)]
pub struct LatencyView {
    /// Share of the completed requests that these figures cover, 0 to 1; null where a driver does not report how many
    /// completed.
    pub coverage: Option<f64>,
    /// Last byte - due. The percentiles are over completed, failed and dropped requests, of which the latter two count
    /// as slower than any completed one; min, mean, mode and max are of the completed ones alone.
    #[schema(value_type = LatencyStatsSchema)]
    pub response: common::latency::LatencyStats,
    /// Last byte - attempt began, over the same requests.
    #[schema(value_type = LatencyStatsSchema)]
    pub service: common::latency::LatencyStats,
    /// Attempt began - due.
    #[schema(value_type = LatencyStatsSchema)]
    pub lag: common::latency::LatencyStats,
    /// How late the generator was to read: from the poll's return to the handling of an event it brought.
    #[schema(value_type = LatencyStatsSchema)]
    #[serde(default)]
    pub turn: common::latency::LatencyStats,
    /// Time to open a connection (TCP and TLS), of the attempts that opened one.
    #[schema(value_type = LatencyStatsSchema)]
    #[serde(default)]
    pub connect: common::latency::LatencyStats,
    /// First byte of the answer - attempt began.
    #[schema(value_type = LatencyStatsSchema)]
    #[serde(default)]
    pub first_byte: common::latency::LatencyStats,
    /// Of completed requests only.
    #[serde(default)]
    pub success: OutcomeLatency,
    /// Of failed requests only, with the time they took.
    #[serde(default)]
    pub failed: OutcomeLatency,
}

/// The latencies of the requests that ended one way, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeLatency {
    /// Last byte - due.
    #[schema(value_type = LatencyStatsSchema)]
    pub response: common::latency::LatencyStats,
    /// Last byte - attempt began.
    #[schema(value_type = LatencyStatsSchema)]
    pub service: common::latency::LatencyStats,
}
