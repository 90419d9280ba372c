//! The orchestrator's output for people and programs: the JSON shapes of REST, of the events and of the report
//! (interface.md). Plain data; the rules that fill it are in `tally`, `verdict` and `registry`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod capacity;
mod comparison;
mod figures;
mod finding;
mod heat;
mod lists;
mod part;
mod schema;
mod span;
mod steps;

pub use capacity::{
    CapacityDecided, CapacityDoing, CapacityKnee, CapacityLevelView, CapacityLimit, CapacityState,
    CapacityStep, CapacityView, UslView,
};
pub use comparison::{ComparedFigure, ComparedOutcome, ComparedTest, ComparedWhat, ComparisonView};
pub use figures::{
    DroppedBy, LatencyView, OutcomeLatency, PassTotals, RequestTotals, ResponseLatency, SessionCounts,
    SessionTotals, SharedTotals, Totals, WarmupTotals,
};
pub use finding::{FindingKind, FindingLevel, FindingView};
pub use heat::{Heat, HeatBins, MachineShares};
pub use lists::{CalibrationView, DriverView, Liveness, TestPage, TestSummary, WindowView};
pub use part::{PartEnd, PartState};
pub use schema::{BootstrapSchema, LatencyStatsSchema, PlanSchema, TimeSchema};
pub use span::{CurvePoint, SpanCurves, SpanDriver, SpanTotals, SpanView};
pub use steps::{StepsOutcome, StepsRequest, StepsView};

/// From this share of steal on (`steal_mean`, CPU time that the host took from a machine), the host is reported as a
/// cause.
pub const MUCH_STEAL: f64 = 0.02;

/// A test, live or finished: `GET /api/v1/tests/{id}`, the JSON report and the `test` event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Test)]
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
    /// The sentences of the findings that are reasons for the verdict, the worst first. Each says what to do.
    pub reasons: Vec<String>,
    /// The sentences of the findings that are warnings: they do not change the verdict, but should be known.
    pub warnings: Vec<String>,
    /// The sentences of the findings that are notes: they hold for every test of this kind, and help to read its
    /// figures.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Which definitions its figures follow: 2 are those of interface.md; 1 those of before, in a report that an
    /// earlier version stored (failed requests were in `response` and `service` with the time they took, and a fleet's
    /// throughput was over the span from the first start to the last end).
    #[serde(default = "first_definitions")]
    pub definitions: u32,
    /// The plan as validated, secrets masked.
    #[schema(value_type = PlanSchema)]
    pub plan: serde_json::Value,
    /// What the random values of a plan with several requests were drawn from: with it, the same plan sends the same
    /// again. Left out for a plan with one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Requests that a session of a plan with several requests sends on average, by its shares, before anything is known of
    /// answers. Left out for a plan with one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_session: Option<f64>,
    /// When it was created, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The start of the load, as the trigger gave it to the drivers, RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it was finished, RFC 3339.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// What was done before the load, where the plan has a setup and it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<StepsView>,
    /// What was done after the load, where the plan has a teardown and it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<StepsView>,
    /// All drivers together.
    pub totals: Totals,
    /// What the drivers sent by themselves, by the key in `[shared]`; left out where the plan has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, SharedTotals>,
    /// Each driver that took part, in the order of its share.
    pub drivers: Vec<DriverTotals>,
    /// What had to hold and whether it did.
    pub thresholds: Vec<ThresholdView>,
    /// What the search for its capacity found, or knows so far; left out where the plan has no `[capacity]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Box<CapacityView>>,
    /// Whether all windows arrived.
    pub completeness: Completeness,
    /// How its rate was changed while it ran, in order; left out where it was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_changes: Vec<RateChangeView>,
    /// What happened to it, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// A change of a running test's rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RateChange)]
pub struct RateChangeView {
    /// Its number, from 1.
    pub change: u32,
    /// From when on, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// The same in seconds since the start.
    pub at_s: f64,
    /// The rate from then on: requests a second, or sessions where the plan has several requests; of each driver, or of
    /// the fleet with `per = "fleet"`.
    pub rate: f64,
    /// The rate until then.
    pub rate_before: f64,
}

/// What a change of a running test says: the body of `PATCH /api/v1/tests/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RateOrder {
    /// The new rate, above zero: requests a second, or sessions where the plan has several requests; of each driver, or of
    /// the fleet with `per = "fleet"`. A number, or a text with a unit, as in `500/s` or `6/m`.
    pub rate: f64,
}

/// The rate of a running test by now: the answer to a change of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Rate)]
pub struct RateView {
    /// The test.
    pub test_id: String,
    /// The rate: requests a second, or sessions where the plan has several requests; of each driver, or of the fleet with
    /// `per = "fleet"`.
    pub rate: f64,
    /// Since when, or from when on, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// The same in seconds since the start; 0 for the rate that the plan has.
    pub at_s: f64,
    /// The number of the change; null for the rate that the plan has.
    pub change: Option<u32>,
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

/// How a test stands while it runs: the verdict that it would get if it ended with what is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// No reason against `passed` so far.
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

/// The definitions of a report without the field `definitions`: it was stored before the field existed.
fn first_definitions() -> u32 {
    1
}

/// Where in its life a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestState {
    /// Validated and stored; nothing has been published to drivers yet.
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

common::named! {
    /// How a test ended, the best first.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
    pub enum Verdict {
        /// All that had to hold held.
        Passed = "passed",
        /// A threshold broke, or nothing completed.
        Failed = "failed",
        /// The generator was the limit.
        Invalid = "invalid",
        /// Drivers or windows are missing, or a given threshold cannot be decided.
        Incomplete = "incomplete",
        /// Someone stopped it.
        Aborted = "aborted",
    }
}

/// One driver's part of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DriverTotals {
    /// The driver's node id.
    pub node_id: String,
    /// Its epoch; null for a classic driver.
    pub epoch: Option<u64>,
    /// What it does or how it ended: idle, ready, refused, running, draining, done, leaving, lost, deaf, runs_on, …;
    /// silent: a classic driver that sends heartbeats and has sent no report longer than most need for one.
    #[schema(value_type = String)] // a text: a stored report may hold another word
    pub state: PartState,
    /// How old the counters below are, ms; null before the first.
    pub age_ms: Option<u64>,
    /// Whether its figures are its own sums rather than histograms: it is a classic driver.
    pub approximate: bool,
    /// How its part ended: final_window, status, count, word, silence, lost, overdue, runs_on, stopped, interrupted;
    /// null before it.
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<PartEnd>,
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
    /// Its process's CPU as a share of its cores, by its last heartbeat.
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
    /// What it sent by itself, by the key in `[shared]`; left out where the plan has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, SharedTotals>,
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
#[schema(as = Threshold)]
pub struct ThresholdView {
    /// As in `response.p99 < 250ms`.
    pub expression: String,
    /// What it was, or is so far: ms, a ratio, or requests per second; null where it is not known.
    pub value: Option<f64>,
    /// Only a lower bound of it is known, and `value` is that: a percentile that falls among failed or dropped
    /// requests.
    #[serde(default)]
    pub lower_bound: bool,
    /// Whether it held; null where it cannot be decided. While the test runs: true where it holds so far, null where it
    /// does not hold so far and still may at the end (or is not known), false once it cannot hold any more.
    pub ok: Option<bool>,
    /// Whether the plan gave it, rather than the defaults.
    pub given: bool,
    /// The driver for which it is decided, with the prefix `driver.`.
    pub driver: Option<String>,
    /// Drivers that `value` leaves out, because they do not report what it is made of. Where it breaks over the others,
    /// the threshold is not met; where it holds over them, it is not decided, unless what is not known cannot change
    /// it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
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
    /// The driver whose windows they are.
    pub node_id: String,
    /// First missing sequence number.
    pub from_seq: u64,
    /// Last missing sequence number.
    pub to_seq: u64,
    /// When the first began, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// When the last ended, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
}

/// Something that happened to a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// What, in a few words: created, triggered, warned, running, driver_lost, stopped, finished, revised, …
    pub what: String,
    /// The node id of the driver that it is about; left out where it is about several, or about none, and in entries
    /// that an earlier version stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Details, as a sentence; may be empty.
    pub detail: String,
}
