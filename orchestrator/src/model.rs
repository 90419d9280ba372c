//! What the orchestrator says to people and programs: the JSON shapes of REST, of the events and of the
//! report (interface.md). Plain data; the rules that fill it are in `tally`, `verdict` and `registry`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod finding;

pub use finding::{FindingKind, FindingLevel, FindingView};

/// A test, live or finished: `GET /api/v1/tests/{id}`, the JSON report and the `test` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestView {
    /// Its id.
    pub test_id: String,
    /// The plan's name.
    pub name: String,
    /// Where in its life it is.
    pub state: TestState,
    /// How it ended; null until it has.
    pub verdict: Option<Verdict>,
    /// How it stands while it runs, by what is known so far; null before its start and once it has a verdict.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// What was found, the reasons for the verdict first. Empty in reports that were stored before there were any.
    #[serde(default)]
    pub findings: Vec<FindingView>,
    /// The sentences of the findings that are reasons: why the verdict is what it is, each a sentence that a person can act on, the worst first.
    pub reasons: Vec<String>,
    /// The sentences of those that are warnings: what does not change the verdict and yet should be known.
    pub warnings: Vec<String>,
    /// The sentences of those that are notes: what should be known of any test of this kind to read its figures right.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Which definitions its figures follow: 2 are those of interface.md; 1 those of before, in a report that an earlier
    /// version stored (failed requests were in `response` and `service` with the time they took, and a fleet's
    /// throughput was over the span from the first start to the last end).
    #[serde(default = "first_definitions")]
    pub definitions: u32,
    /// The plan as validated, secrets masked.
    #[schema(value_type = Object)]
    pub plan: serde_json::Value,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// When the drivers were told to start, RFC 3339.
    pub started_at: Option<String>,
    /// When it was finished, RFC 3339.
    pub ended_at: Option<String>,
    /// All drivers together.
    pub totals: Totals,
    /// Each driver that took part, in the order of its share.
    pub drivers: Vec<DriverTotals>,
    /// What had to hold and whether it did.
    pub thresholds: Vec<ThresholdView>,
    /// Whether all windows arrived.
    pub completeness: Completeness,
    /// What happened to it, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

impl TestView {
    /// Sets the findings, and the sentences that repeat them.
    pub fn set_findings(&mut self, mut findings: Vec<FindingView>) {
        findings.sort_by_key(|finding| finding.level);
        let of = |level| {
            let same = findings.iter().filter(|finding: &&FindingView| finding.level == level);
            same.map(|finding| finding.text.clone()).collect()
        };
        self.reasons = of(FindingLevel::Reason);
        self.warnings = of(FindingLevel::Warning);
        self.notes = of(FindingLevel::Note);
        self.findings = findings;
    }
}

/// How a test stands while it runs: the verdict that it would get if what is known now were all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nothing speaks against it so far.
    Ok,
    /// A threshold is broken so far, or nothing completed.
    Failing,
    /// The generator is the limit so far.
    Invalid,
    /// A driver is lost, or windows are missing.
    Incomplete,
}

/// Which definitions the figures of this version follow ([`TestView::definitions`]).
pub const DEFINITIONS: u32 = 2;

/// Those of a report that does not name any: it was stored before they had a number.
fn first_definitions() -> u32 {
    1
}

/// Where in its life a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestState {
    /// Checked and stored; drivers have not heard of it.
    Configured,
    /// Published; waits for the drivers' `ready`, or for `start_at`.
    Starting,
    /// Drivers send.
    Running,
    /// Drivers send no more; answers or final windows are still out.
    Draining,
    /// Over, with a verdict.
    Finished,
}

/// How a test ended, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that had to hold held.
    Passed,
    /// A threshold broke, or nothing completed.
    Failed,
    /// The generator was the limit.
    Invalid,
    /// Drivers or windows are missing, or a given threshold cannot be decided.
    Incomplete,
    /// Someone stopped it.
    Aborted,
}

impl Verdict {
    /// As JSON and people say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Incomplete => "incomplete",
            Self::Aborted => "aborted",
        }
    }
}

/// Counters and latencies of a driver or a fleet. What a driver does not tell is null.
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
    /// Sent by a driver that was lost before it told the end.
    pub unresolved: u64,
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
    /// Nodes that do not tell what they sent; the sums leave them out.
    pub unknown_from: Vec<String>,
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
pub struct LatencyView {
    /// Share of the completed requests that these figures cover, 0 to 1; null where a driver does not say how many it
    /// completed.
    pub coverage: Option<f64>,
    /// Last byte - due. The percentiles are over completed, failed and dropped requests, of which the latter two count
    /// as slower than any completed one; min, mean, mode and max are of the completed ones alone.
    #[schema(value_type = Object)]
    pub response: common::latency::LatencyStats,
    /// Last byte - attempt began, over the same requests.
    #[schema(value_type = Object)]
    pub service: common::latency::LatencyStats,
    /// Attempt began - due.
    #[schema(value_type = Object)]
    pub lag: common::latency::LatencyStats,
    /// How late the generator was to read: from the poll's return to the handling of an event it brought.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub turn: common::latency::LatencyStats,
    /// Time to open a connection (TCP and TLS), of the attempts that opened one.
    #[schema(value_type = Object)]
    #[serde(default)]
    pub connect: common::latency::LatencyStats,
    /// First byte of the answer - attempt began.
    #[schema(value_type = Object)]
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
    #[schema(value_type = Object)]
    pub response: common::latency::LatencyStats,
    /// Last byte - attempt began.
    #[schema(value_type = Object)]
    pub service: common::latency::LatencyStats,
}

/// One driver's part of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriverTotals {
    /// Who.
    pub node_id: String,
    /// Its epoch; null for a classic driver.
    pub epoch: Option<u64>,
    /// What it does or how it ended: idle, ready, refused, running, draining, done, leaving, lost, deaf, …
    pub state: String,
    /// How old the counters below are, ms; null before the first.
    pub age_ms: Option<u64>,
    /// Its figures are its own sums, not histograms: a classic driver's.
    pub approximate: bool,
    /// How its end was told: final_window, status, count, word, silence, lost, overdue, stopped; null
    /// before it.
    pub ended_by: Option<String>,
    /// The engine that sent; null before the end.
    pub engine: Option<String>,
    /// How its schedule was kept: spin, timer, or gave_up_spinning (a timer alone, after spinning met others on its
    /// core); null before the end.
    #[serde(default)]
    pub precision: Option<String>,
    /// TCP connections that it opened; null before the end.
    #[serde(default)]
    pub connections_opened: Option<u64>,
    /// TLS handshakes that succeeded, apart from the requests on kept connections; null before the end.
    #[serde(default)]
    pub handshakes: Option<u64>,
    /// Busiest second of its busiest worker, 0 to 1.
    pub busy_max: Option<f64>,
    /// Its process's CPU as a share of its cores, as it beat last.
    pub cpu: Option<f64>,
    /// The same over the whole test, by its windows.
    pub cpu_mean: Option<f64>,
    /// The same in its highest second.
    pub cpu_max: Option<f64>,
    /// Share of its machine's CPU time that the machine's host gave to others, over the whole test.
    pub steal_mean: Option<f64>,
    /// The same in its highest second.
    pub steal_max: Option<f64>,
    /// Share of a second that one of its threads waited for a core at most, though it could have run; null where its
    /// kernel does not count it.
    #[serde(default)]
    pub wait_max: Option<f64>,
    /// When its process did not run at all for 100 ms or longer, though nothing held its cores: it was stopped, or its
    /// host was.
    #[serde(default)]
    pub stopped: Vec<Pause>,
    /// Marks figures that contradict each other, as a classic driver sent them.
    pub implausible: bool,
    /// Every key of the totals.
    #[serde(flatten)]
    pub totals: Totals,
}

/// A while in which a driver did not run, in ms since the start of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    /// When it last ran.
    pub from_ms: i64,
    /// When it ran again.
    pub to_ms: i64,
}

/// One threshold and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThresholdView {
    /// As in `response.p99 < 250ms`.
    pub expression: String,
    /// What it was, or is so far: ms, a ratio, or requests per second; null where it is not known.
    pub value: Option<f64>,
    /// Only a lower bound of it is known, and `value` is that: a percentile that falls among failed or dropped requests.
    #[serde(default)]
    pub lower_bound: bool,
    /// Whether it held; null where it cannot be decided. While the test runs: true where it holds so far, null where it
    /// does not hold so far and still may at the end (or is not known), false once it cannot hold any more.
    pub ok: Option<bool>,
    /// Whether the plan gave it, rather than the defaults.
    pub given: bool,
    /// The driver for which it is decided, with the prefix `driver.`.
    pub driver: Option<String>,
}

/// Whether all windows arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completeness {
    /// Windows that the drivers must have sent by their own count so far.
    pub windows_expected: u64,
    /// Windows that arrived, each counted once.
    pub windows_received: u64,
    /// Which are missing.
    pub missing: Vec<MissingWindows>,
}

/// A run of windows that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingWindows {
    /// Whose.
    pub node_id: String,
    /// First missing sequence number.
    pub from_seq: u64,
    /// Last missing sequence number.
    pub to_seq: u64,
    /// When the first began, RFC 3339.
    pub from: String,
    /// When the last ended, RFC 3339.
    pub to: String,
}

/// Something that happened to a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, RFC 3339.
    pub at: String,
    /// What, in a few words: created, triggered, warned, running, driver_lost, stopped, finished, revised, …
    pub what: String,
    /// More of it, a sentence; may be empty.
    pub detail: String,
}

/// A node that the orchestrator knows: `GET /api/v1/drivers` and the `driver` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriverView {
    /// Who.
    pub node_id: String,
    /// Its address as it sent it.
    pub address: Option<String>,
    /// Whether it speaks our additions.
    pub classic: bool,
    /// idle, ready, refused, running, draining; for a classic node what is known.
    pub state: String,
    /// Why it refused a test, or what it waits for, as in `resolving shop.test`; null where it says neither.
    #[serde(default)]
    pub reason: Option<String>,
    /// alive, suspect, lost, stale, left, fenced or deaf.
    pub liveness: String,
    /// Whether records of it still arrive, so that it can be chosen for a test.
    pub alive: bool,
    /// When a record of it last arrived, RFC 3339.
    pub last_seen: String,
    /// How long ago that is, ms.
    pub age_ms: u64,
    /// This life of it; null for a classic node.
    pub epoch: Option<u64>,
    /// Its build; null for a classic node.
    pub version: Option<String>,
    /// Version of our additions to Kafka's records that it speaks: only drivers with the orchestrator's own (see
    /// `GET /api/v1/bootstrap`) can be chosen for a test. Null for a classic node, and where it named none.
    #[serde(default)]
    pub protocol: Option<u32>,
    /// Cores that its process may use; null for a classic node.
    pub cores: Option<u32>,
    /// Its clock's offset to ours, ms; null for a classic node.
    pub clock_offset_ms: Option<f64>,
    /// Its highest rate, requests per second, where it has one.
    pub max_rate: Option<f64>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The test it takes part in.
    pub test_id: Option<String>,
    /// Requests sent in the test it takes part in, or took part in last; null before its first test, and where it does
    /// not report it.
    pub requests_sent: Option<u64>,
}

/// One second of a test: `GET /api/v1/tests/{id}/windows` and the `window` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// Which test.
    pub test_id: String,
    /// Whose; null for the fleet.
    pub node_id: Option<String>,
    /// The second, counted from the start.
    pub seq: u64,
    /// When it began, RFC 3339.
    pub from: String,
    /// When it ended, RFC 3339.
    pub to: String,
    /// Within this window.
    pub scheduled: u64,
    /// Within this window.
    pub sent: u64,
    /// Within this window.
    pub completed: u64,
    /// Within this window.
    pub failed: u64,
    /// Within this window.
    pub dropped: u64,
    /// Busiest worker, 0 to 1.
    pub busy: f64,
    /// This window's latencies.
    pub latency_ms: LatencyView,
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
    pub created_at: String,
    /// When it started, RFC 3339.
    pub started_at: Option<String>,
    /// When it was finished, RFC 3339.
    pub ended_at: Option<String>,
}

/// What a driver needs to join: `GET /api/v1/bootstrap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bootstrap {
    /// Kafka's bootstrap servers, each `host:port`.
    pub brokers: Vec<String>,
    /// What every topic's name begins with; may be empty.
    pub topic_prefix: String,
    /// Version of our additions to the wire.
    pub protocol: u32,
}

/// The orchestrator's clock: `GET /api/v1/time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Time {
    /// Unix time in µs.
    pub unix_us: i64,
}
