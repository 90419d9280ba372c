//! The five JSON topics (docs/wire.md), strict in what is sent, tolerant in what is read: bytes
//! become these types here and nowhere else. It depends on neither Kafka nor a node.

mod apart;
mod classic;
mod fields;
mod names;
mod numbers;
mod ours;
mod parse;
mod raw;
mod read;
mod reject;
mod sessions;
mod steps;
mod units;
mod window;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use apart::{ApartWindow, SampleTexts};
pub use classic::{AmountError, MAX_CLASSIC_AMOUNT};
pub use ours::{Calibrated, DriverState, HeartbeatOurs, RateApplied, Reason, RegisterOurs, Role};
pub use parse::{MAX_DEPTH, MAX_RECORD_BYTES};
pub use raw::{MAX_CLASSIC_BYTES, RawMetrics};
pub use read::read;
pub use reject::{RejectReason, Rejected};
pub use steps::{
    MAX_SETUP_VALUE_BYTES, MAX_SETUP_VALUES, MAX_STEPS_TEXT_BYTES, StepsAsk, StepsCounts, StepsOf,
    StepsReport, StepsState,
};
pub use units::{NodePattern, ReadAs};
pub use write::{MAX_WRITTEN_BYTES, Outbound, WriteError, WrittenRecord};

use crate::clock::UnixMicros;
use crate::counters::ErrorKind;
use crate::figures::{ByRequest, Figures};
use crate::ids::{Epoch, NodeId, RequestName, TestId};
use crate::plan::{Plan, RateChange, Share};
use crate::session_figures::AllSessions;

/// The version of our additions to the classic wire. A driver and an orchestrator work together where both have the same:
/// what they mean by a field, and what a driver sends for a plan, may differ otherwise.
pub const PROTOCOL: u32 = 2;

/// The version of the language of plans with `[requests]` that this build reads. A driver registers it; one that
/// registers none is not chosen for such a plan.
pub const PLAN_LANGUAGE: u32 = 1;

/// The version of the records that change the rate of a running test ([`ChangeRate`]) which this build obeys. A driver
/// registers it; the rate of a test that another one runs is not changed.
pub const RATE_CHANGES: u32 = 1;

crate::named! {
    /// One of the five topics.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum Topic {
        /// Node to orchestrator: I am here.
        Register = "register",
        /// Orchestrator to drivers: this is the test.
        TestConfig = "test_config",
        /// Orchestrator to drivers: go, or stop.
        Trigger = "trigger",
        /// Driver to orchestrator: what I measured.
        Metrics = "metrics",
        /// Everyone: I am alive.
        Heartbeat = "heartbeat",
    }
}

/// A record of any topic, as read.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    /// A node is here.
    Register(Register),
    /// A test is described.
    TestConfig(Box<TestConfig>),
    /// A test is to start or stop.
    Trigger(Trigger),
    /// A running test is to go on with another rate.
    ChangeRate(ChangeRate),
    /// A driver reports its measurements.
    Metrics(Box<Metrics>),
    /// A node is alive, or leaves.
    Heartbeat(Box<Heartbeat>),
    /// A bare word or a `{"kill": 0}` on a topic: some classic nodes end a test so, without any id.
    EndWord(String),
}

/// `register`
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// Who.
    pub node_id: NodeId,
    /// Its address as sent; `None` where there is none.
    pub address: Option<String>,
    /// Ours: present on every record of our nodes.
    pub ours: Option<RegisterOurs>,
}

/// `test_config`
#[derive(Debug, Clone, PartialEq)]
pub struct TestConfig {
    /// Which test.
    pub test_id: TestId,
    /// The classic fields.
    pub classic: ClassicConfig,
    /// Ours: the validated plan and the shares. Our drivers read this alone.
    pub ours: Option<ConfigOurs>,
    /// Instead of `ours`: an orchestrator of ours that speaks another protocol leads. Never written.
    pub other_protocol: Option<OtherProtocol>,
}

/// What is read of a `test_config` of another protocol: enough to refuse it.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherProtocol {
    /// Which one; `None` where the record has no such number, as before protocol 2.
    pub protocol: Option<u32>,
    /// As [`ConfigOurs::revision`].
    pub revision: u32,
    /// As [`ConfigOurs::epoch`].
    pub epoch: Epoch,
    /// The drivers that have a share.
    pub drivers: BTreeSet<NodeId>,
}

/// The classic fields of `test_config`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassicConfig {
    /// Open or closed loop.
    pub test_type: TestType,
    /// The delay in the unit of `[classic] delay_unit`.
    pub delay: f64,
    /// Requests per driver.
    pub message_count: u64,
    /// The target, from whichever of the three fields held one.
    pub target_url: Option<String>,
    /// How many drivers take part, where an orchestrator says so. Ours always writes 1.
    pub num_drivers: Option<u32>,
}

/// `test_type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestType {
    /// Closed loop.
    Avalanche,
    /// Open loop.
    Tsunami,
}

/// What our orchestrator adds to `test_config`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigOurs {
    /// Counts the configs published for one test id, from 1: a test triggered again after a failed barrier has a new one.
    pub revision: u32,
    /// The epoch of the orchestrator that leads.
    pub epoch: Epoch,
    /// The whole plan.
    pub plan: Plan,
    /// Each chosen driver's share.
    pub assignments: BTreeMap<NodeId, Share>,
}

/// `trigger`
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// Which test.
    pub test_id: TestId,
    /// `YES` starts, `NO` stops.
    pub start: bool,
    /// Ours: all drivers start at this instant, Unix ms by the orchestrator's clock.
    pub start_at_ms: Option<u64>,
    /// Ours: which config it goes with.
    pub revision: Option<u32>,
    /// Ours: what setup extracted, by variable; empty where it extracted nothing, or nothing travels.
    pub setup: BTreeMap<String, String>,
}

/// `trigger`, with the word `RATE`: ours alone, and sent only where no classic driver is alive, for some of them start at
/// any word.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRate {
    /// Which test, running.
    pub test_id: TestId,
    /// Which config it was started with.
    pub revision: u32,
    /// The new rate, and from when on.
    pub change: RateChange,
}

/// `metrics`
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Who.
    pub node_id: NodeId,
    /// Of which test; `None` where the record names none, or names test 0.
    pub test_id: Option<TestId>,
    /// As sent.
    pub report_id: Option<String>,
    /// The classic figures.
    pub classic: ClassicMetrics,
    /// Ours: a window.
    pub ours: Option<Box<Window>>,
}

/// The classic figures of `metrics`, in milliseconds, as sent: `None` where the record has no such figure, never 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassicMetrics {
    /// Mean latency.
    pub mean_ms: Option<f64>,
    /// Median latency.
    pub median_ms: Option<f64>,
    /// Lowest latency.
    pub min_ms: Option<f64>,
    /// Highest latency.
    pub max_ms: Option<f64>,
    /// Mode, as sent.
    pub mode_ms: Option<f64>,
    /// Requests sent so far.
    pub num_requests: Option<u64>,
    /// Answers so far.
    pub num_responses: Option<u64>,
    /// Failures so far.
    pub num_errors: Option<u64>,
    /// The figures contradict each other (mean below min, …): shown as sent, and marked.
    pub implausible: bool,
    /// `test_status: "complete"`, in any spelling that means the end.
    pub complete: bool,
}

/// What our drivers add to `metrics`: one window of one second.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The epoch of the driver's process.
    pub epoch: Epoch,
    /// 0, 1, 2 … per test, node and epoch.
    pub seq: u64,
    /// When it began, Unix µs by the orchestrator's clock.
    pub from_us: UnixMicros,
    /// When it ended, Unix µs by the orchestrator's clock.
    pub to_us: UnixMicros,
    /// Counters since the start of the test, this window included, and the samples of this window alone: counters that
    /// are missed come with the next window, samples are sent once.
    pub figures: ByRequest<Figures>,
    /// Sessions, groups and polls of this window alone, where the plan has several requests: each of them is counted
    /// and timed in the window in which it began, ended or was dropped.
    pub sessions: AllSessions,
    /// The most users at a time, those that end their last session included: the sum over its workers. `None`: the load has
    /// no users.
    pub users: Option<u64>,
    /// Busiest worker's share of the window spent not waiting, 0 to 1.
    pub busy: f64,
    /// What the driver and its machine did meanwhile.
    pub machine: MachineLoad,
    /// The last of the test.
    pub is_final: bool,
    /// How the driver ran the test, and how it ended; on the final window.
    pub ending: Option<Ending>,
}

/// Figures that explain a driver's lag. A figure that it could not measure is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MachineLoad {
    /// Share of its cores that the driver's process used in the window, 0 to 1.
    pub cpu: Option<f64>,
    /// Share of the machine's CPU time in the window that its host gave to others, 0 to 1.
    pub steal: Option<f64>,
    /// Share of the window that a worker's thread was runnable but waited for a core, 0 to 1, of the worker
    /// that waited longest.
    pub wait: Option<f64>,
    /// When the process did not run at all although its cores were free: each [from, to] in Unix µs by the
    /// orchestrator's clock. Pauses that were noticed since the last window, at most [`MAX_STOPPED`].
    pub stopped: Vec<(UnixMicros, UnixMicros)>,
}

/// Most pauses that one window names.
pub const MAX_STOPPED: usize = 16;

/// What a driver reports with its final window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When its schedule began (after the warm-up), Unix µs by the orchestrator's clock.
    pub schedule_from_us: UnixMicros,
    /// When its schedule ended, Unix µs by the orchestrator's clock.
    pub schedule_to_us: UnixMicros,
    /// The engine that sent, as in `awc`.
    pub engine: String,
    /// Workers that took part.
    pub workers: u32,
    /// How its schedule was kept: `spin`, `timer`, or `gave_up_spinning` (a timer alone, after spinning met others
    /// on its core); `None`: it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Where the first redirect that it met points, with secrets masked; `None`: it met none, or it named no address, or
    /// the plan has sessions, whose addresses may hold secrets under any name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirected_to: Option<String>,
    /// Connections opened.
    pub connections_opened: u64,
    /// TLS handshakes that succeeded: apart from the requests, which a kept connection serves without one.
    #[serde(default)]
    pub handshakes: u64,
    /// Why it ended early, where it did: `stopped`, `leaving`, `orchestrator silent`, … ; `None`: it ran its course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
    /// Data with `order = "once"` that had no row left for a session; `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_used_up: Option<RowsUsedUp>,
}

/// Data that gives each row once had none left on a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsUsedUp {
    /// The name of the data.
    pub data: RequestName,
    /// Sessions that the driver began in the whole test.
    pub sessions: u64,
}

impl Ending {
    /// `precision` of a driver that kept its schedule by a timer alone, after spinning met others on its core.
    pub const GAVE_UP_SPINNING: &'static str = "gave_up_spinning";
    /// `cut_short` of a driver whose test was stopped.
    pub const STOPPED: &'static str = "stopped";
    /// `cut_short` of a driver that was shut down.
    pub const LEAVING: &'static str = "leaving";
}

/// `heartbeat`
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// Who.
    pub node_id: NodeId,
    /// `YES`: alive. `NO`: leaving, or, from some classic nodes, "test done".
    pub alive: bool,
    /// When it was sent, by its sender's clock; `None` where the record has no readable timestamp. Liveness depends on
    /// the time of arrival alone.
    pub sent_at_us: Option<UnixMicros>,
    /// Ours: present on every record of our nodes.
    pub ours: Option<HeartbeatOurs>,
}

crate::named! {
    /// Units of the classic fields, from `[classic]`: records do not carry them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum Unit {
        /// Seconds.
        Seconds = "s",
        /// Milliseconds.
        Milliseconds = "ms",
    }
}

/// Failures by kind, as on the wire.
pub type Errors = BTreeMap<ErrorKind, u64>;
