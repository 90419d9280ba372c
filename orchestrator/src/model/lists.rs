//! What is shown beside a test itself: nodes, seconds, the history.

use std::collections::BTreeMap;

use common::wire::Calibrated;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    DroppedBy, Heat, LatencyView, MachineShares, RequestTotals, SessionTotals, TestState, Verdict,
    WarmupTotals,
};

common::named! {
    /// Whether a node is alive, silent or gone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
    pub enum Liveness {
        /// A record of it arrived recently.
        Alive = "alive",
        /// No record of it for longer than usual.
        Suspect = "suspect",
        /// No record of it for too long.
        Lost = "lost",
        /// Classic, in no test, and silent for too long: it may send heartbeats only in tests.
        Stale = "stale",
        /// It sent a goodbye (`NO`).
        Left = "left",
        /// Classic, and sent nothing in the last test that it was chosen for.
        Deaf = "deaf",
    }
}

/// What a driver could send at most when `groundswell calibrate` measured it, against a server in its own process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Calibration)]
pub struct CalibrationView {
    /// When that was, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// The highest rate of an open loop that it kept, requests per second; null where it kept none.
    pub open_per_s: Option<f64>,
    /// What a closed loop reached, requests per second.
    pub closed_per_s: f64,
}

impl From<Calibrated> for CalibrationView {
    fn from(Calibrated { at, open_per_s, closed_per_s }: Calibrated) -> Self {
        Self { at, open_per_s, closed_per_s }
    }
}

/// A node that the orchestrator knows: `GET /api/v1/drivers` and the `driver` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Driver)]
pub struct DriverView {
    /// The node's id.
    pub node_id: String,
    /// Its address as it sent it.
    pub address: Option<String>,
    /// Whether it is a classic node, which does not send our additions.
    pub classic: bool,
    /// idle, ready, refused, running, draining; for a classic node only idle or running.
    pub state: String,
    /// Why it refused a test, or what it waits for, as in `resolving shop.test`; null where it reports neither.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether it is alive, silent or gone.
    #[schema(value_type = Liveness)] // a text: a later orchestrator may know another word
    pub liveness: String,
    /// Whether records of it still arrive (alive or suspect), so that it can be chosen for a test.
    pub alive: bool,
    /// When a record of it last arrived, RFC 3339.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// How long ago that is, ms.
    pub age_ms: u64,
    /// The epoch of its current life; null for a classic node.
    pub epoch: Option<u64>,
    /// Its build; null for a classic node.
    pub version: Option<String>,
    /// Version of our additions to Kafka's records that it speaks. Only drivers with the orchestrator's version (see
    /// `GET /api/v1/bootstrap`) can be chosen for a test. Null for a classic node, and where it sent none.
    #[serde(default)]
    pub protocol: Option<u32>,
    /// Cores that its process may use; null for a classic node.
    pub cores: Option<u32>,
    /// Its clock's offset to ours, ms; null for a classic node.
    pub clock_offset_ms: Option<f64>,
    /// Its highest rate, requests per second, where it has one.
    pub max_rate: Option<f64>,
    /// What it could send when it was calibrated; null where it was not since its workers, precision or machine changed, and
    /// for a classic node.
    #[serde(default)]
    pub calibration: Option<CalibrationView>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The test it takes part in.
    pub test_id: Option<String>,
    /// Requests sent in the test it takes part in, or took part in last; null before its first test, and where it does
    /// not report it. For a classic node it is the number in its newest report, which may be a total or the count of an
    /// interval: the test's report shows which.
    pub requests_sent: Option<u64>,
}

/// One second of a test, or several together: `GET /api/v1/tests/{id}/windows`; the `window` event has single seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Window)]
pub struct WindowView {
    /// Which test.
    pub test_id: String,
    /// The driver; null for the fleet.
    pub node_id: Option<String>,
    /// Its first second, counted from the start.
    pub seq: u64,
    /// How many seconds it is of: 1, 10 or 60.
    #[serde(default = "one_second")]
    pub seconds: u64,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// When it ended, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// Ticks that fell due within this window (closed loop: attempts begun).
    pub scheduled: u64,
    /// Attempts begun, of the ticks that fell due within this window.
    pub sent: u64,
    /// Answers with an expected status that ended within this window.
    pub completed: u64,
    /// Everything else that ended within this window.
    pub failed: u64,
    /// Ticks of this window that were not sent.
    pub dropped: u64,
    /// Attempts that had not ended at its end.
    #[serde(default)]
    pub in_flight: u64,
    /// Why they were not sent.
    #[serde(default)]
    pub dropped_by: DroppedBy,
    /// Of the errors `closed` and `reset` of this window: how many met a kept connection.
    #[serde(default)]
    pub closed_on_reuse: u64,
    /// Bytes of the answers that ended within this window.
    #[serde(default)]
    pub bytes_received: u64,
    /// Answers of this window by status, those of the warm-up included.
    #[serde(default)]
    pub status_codes: BTreeMap<String, u64>,
    /// Failures of this window without a status, by kind, those of the warm-up included.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
    /// The error `tls` of this window by its cause; left out where none failed so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tls_causes: BTreeMap<String, u64>,
    /// The part of the counters above whose requests were due in the warm-up. Latencies leave it out.
    #[serde(default)]
    pub warmup: WarmupTotals,
    /// Busiest worker, 0 to 1.
    pub busy: f64,
    /// What the machine did in this window.
    #[serde(default)]
    pub machine: MachineShares,
    /// This window's latencies.
    pub latency_ms: LatencyView,
    /// How its responses are spread. A `window` event of a driver does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat: Option<Heat>,
    /// This window's requests of each name, where the plan has several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, RequestTotals>,
    /// What became of sessions in this window, where the plan has several requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<SessionTotals>,
    /// The most users at a time in this window, those in their last session included; left out where the load has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
}

/// What a window is of that was written before there were others.
fn one_second() -> u64 {
    1
}

/// One page of the history: `GET /api/v1/tests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestPage {
    /// Newest first.
    pub tests: Vec<TestSummary>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestSummary {
    /// Its id.
    pub test_id: String,
    /// The plan's name.
    pub name: String,
    /// Where in its life it is.
    pub state: TestState,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// When it was created, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it started, RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it was finished, RFC 3339.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}
