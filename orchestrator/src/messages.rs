//! What the HTTP side asks of the actors, what the actors tell the store and the listeners. Messages
//! between two actors alone stand in the receiving actor's file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Offsets;
use common::plan::Plan;
use common::wire::{Metrics, Register};

use crate::model::{DriverView, TestPage, TestState, TestView, Verdict, WindowView};
use crate::ran_on::RanOn;
use crate::registry::KnownNode;
use crate::tally::Closing;

// --- asked of TestManagerActor -------------------------------------------------------------------

/// Checks that a plan can be run by an orchestrator at all, and stores it as a test in state `configured`.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct CreateTest(pub Plan);

/// Publishes the config, waits for every chosen driver's `ready`, publishes the trigger. Answers when the
/// barrier is decided; repeating it for a test that starts or runs changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct TriggerTest {
    /// Which test.
    pub test_id: TestId,
    /// How long it waits for the end of another test that is under way; zero: not at all.
    pub wait: Duration,
}

impl TriggerTest {
    /// Without a wait.
    pub fn now(test_id: TestId) -> Self {
        Self { test_id, wait: Duration::ZERO }
    }
}

/// Stops a test; repeating it changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct StopTest(pub TestId);

/// Removes a test that was never started, or is finished, with all that was stored of it. Answers with the test as it
/// was.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct DeleteTest(pub TestId);

/// The test, live or from the store.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct GetTest(pub TestId);

/// Why a command was not done. Knows no HTTP: `http/problem.rs` alone maps it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// There is no such test.
    #[error("there is no test {0}")]
    NoSuchTest(TestId),
    /// The state of this or another test forbids it.
    #[error("{0}")]
    Conflict(String),
    /// Another test is under way.
    #[error("test {test_id} is {}; one runs at a time", still(*waited))]
    UnderWay {
        /// Which one.
        test_id: TestId,
        /// How long its end was waited for.
        waited: Duration,
    },
    /// Drivers are missing or refused.
    #[error("{summary}")]
    Drivers {
        /// One sentence.
        summary: String,
        /// Node id, and why it cannot take part.
        blockers: Vec<(String, String)>,
    },
    /// The plan is valid by itself but cannot be run here.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Plan(Vec<common::plan::Fault>),
    /// The store did not take it; what SQLite says.
    #[error("the orchestrator cannot store it: {0}")]
    NotStored(String),
    /// The orchestrator has only just started; waiting helps.
    #[error("{0}")]
    NotReady(String),
    /// Kafka did not take a config or a trigger: the drivers were not told, or are told to stop.
    #[error("kafka did not take it: {0}")]
    NotPublished(String),
    /// Something of ours failed; the cause is for the log.
    #[error("{0}")]
    Internal(String),
}

fn still(waited: Duration) -> String {
    if waited.is_zero() {
        return "under way".to_owned();
    }
    format!("still under way after a wait of {}", common::plan::write_duration(waited))
}

// --- asked of DriverRegistryActor ----------------------------------------------------------------

/// Every node known, in the order of their ids.
#[derive(Debug, Message)]
#[rtype(result = "Vec<DriverView>")]
pub struct ListDrivers;

// --- asked of StoreActor (SQLite, on a SyncArbiter) ------------------------------------------------
// Whoever sends these keeps at most four outstanding: a SyncArbiter's queue has no bound.

/// Stores or replaces a test: its life so far and, once finished, its report.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveTest(pub Box<StoredTest>);

/// A test as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTest {
    /// Its id.
    pub test_id: TestId,
    /// The whole plan, unmasked, as TOML-shaped JSON (`Plan::to_json`).
    pub plan: serde_json::Value,
    /// Where in its life it is.
    pub state: TestState,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// Which Kafka it was triggered on last; `None`: it never was, or that is not known.
    pub kafka: Option<RanOn>,
    /// Last revision of its config that was published; 0 for none.
    pub revision: u32,
    /// Who takes part: node id, epoch (none for classic), share. In the order of their shares.
    pub participants: Vec<StoredParticipant>,
    /// The report as last built.
    pub report: Option<TestView>,
    /// How it ended, beyond its records; none before the end.
    pub closing: Option<Closing>,
}

/// A finished test was counted again: its report and verdict replace those that are stored. Does nothing where the
/// test was forgotten meanwhile.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveRevision(pub Box<TestView>);

/// A driver's part in a stored test.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StoredParticipant {
    /// Who.
    pub node_id: NodeId,
    /// Which life of it; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// Its share.
    pub share: common::plan::Share,
}

/// What one batch of records brought, and where reading goes on: one transaction.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<SavedBatch, StoreError>")]
pub struct SaveBatch {
    /// What the offsets belong to (`RanOn::offsets_key`); `None`: they are not kept (embedded broker).
    pub offsets_of: Option<String>,
    /// The next offset to read, per topic and partition.
    pub offsets: Offsets,
    /// Windows and classic reports; stored once by (test, node, epoch, seq), or by position for those without a seq.
    pub metrics: Vec<StoredMetrics>,
    /// Nodes that registered.
    pub registered: Vec<Register>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedBatch {
    /// Tests that are not counted any more, and of which something new was stored: their reports are to be revised.
    pub late: BTreeSet<TestId>,
    /// Records of tests that are not known, or of nodes that take no part in them: not kept.
    pub n_foreign: u64,
}

/// One metrics record, to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMetrics {
    /// Which test it belongs to.
    pub test_id: TestId,
    /// Whether the tally of the open test has it; else it is late, and kept where that test knows the node.
    pub counted: bool,
    /// Where it stood: topic is metrics.
    pub partition: i32,
    /// Where it stood.
    pub offset: i64,
    /// When it arrived.
    pub arrived_at: UnixMicros,
    /// The record, shared: a batch that waits for the store is copied for each try.
    pub metrics: Arc<Metrics>,
}

/// Removes a test, unless it is under way, with all that was stored of it; false where it is, or is not there.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct RemoveTest(pub TestId);

/// Where reading goes on; empty where nothing is stored.
#[derive(Debug, Message)]
#[rtype(result = "Result<Offsets, StoreError>")]
pub struct LoadOffsets {
    /// What the offsets belong to (`RanOn::offsets_key`).
    pub offsets_of: String,
}

/// The nodes that registered, as they did last.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<KnownNode>, StoreError>")]
pub struct LoadNodes;

/// A test as stored.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<StoredTest>, StoreError>")]
pub struct LoadTest(pub TestId);

/// Tests that were starting, running or draining when the orchestrator last ended.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<StoredTest>, StoreError>")]
pub struct LoadUnfinished;

/// One page of the history, newest first.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestPage, StoreError>")]
pub struct LoadPage {
    /// At most so many rows, 1 to 500.
    pub limit: u32,
    /// From a page before.
    pub cursor: Option<String>,
    /// Which tests.
    pub filter: TestFilter,
}

/// Which tests of the history are asked for: those for which all that is given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestFilter {
    /// In this state.
    pub state: Option<TestState>,
    /// With this verdict.
    pub verdict: Option<Verdict>,
    /// With this text in the name or in the id, whatever the case of ASCII letters.
    pub text: Option<String>,
}

/// The metrics records of a test in the order of arrival, a page at a time (an hour of a fleet does not fit in
/// memory), to build its figures again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<MetricsPage, StoreError>")]
pub struct LoadMetrics {
    /// Which test.
    pub test_id: TestId,
    /// `next` of the page before; 0 for the first.
    pub after: i64,
    /// At most so many records, 1 to 1,000.
    pub limit: u32,
}

/// Some of a test's metrics records.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsPage {
    /// In the order of arrival.
    pub records: Vec<StoredMetrics>,
    /// Pass it as `after` for the next page; `None` on the last.
    pub next: Option<i64>,
}

/// The series of a test.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<WindowView>, StoreError>")]
pub struct LoadWindows {
    /// Which test.
    pub test_id: TestId,
    /// One driver's, or (`None`) the fleet's.
    pub driver: Option<NodeId>,
    /// First second.
    pub from: u64,
    /// Last second.
    pub to: u64,
}

/// The epoch of this life of the orchestrator: one more than stored, no lower than the clock; stored at once.
#[derive(Debug, Message)]
#[rtype(result = "Result<Epoch, StoreError>")]
pub struct TakeEpoch {
    /// Unix ms.
    pub now_unix_ms: u64,
}

/// Adds a line to the log of events of a node or a test.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveEvent {
    /// When.
    pub at: UnixMicros,
    /// Of which test, where it is of one.
    pub test_id: Option<TestId>,
    /// What, in a word with underscores.
    pub what: String,
    /// More of it.
    pub detail: String,
}

/// Why the store could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed.
    #[error("{path}: {cause}")]
    Sqlite {
        /// The database file.
        path: String,
        /// What SQLite says.
        cause: String,
    },
    /// A row that this version cannot read.
    #[error("{path}: row {row}: {cause}")]
    Row {
        /// The database file.
        path: String,
        /// Table and key.
        row: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl StoreError {
    /// What is wrong, without where the file is.
    pub fn cause(&self) -> &str {
        match self {
            Self::Sqlite { cause, .. } | Self::Row { cause, .. } => cause,
        }
    }
}

// --- told to EventsActor (the listeners of GET /api/v1/events) -------------------------------------

/// Something changed that listeners want to know; sent on at once, kept for those that come back.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum Changed {
    /// A node.
    Driver(Box<DriverView>),
    /// A test.
    Test(Box<TestView>),
    /// A second of a test, per driver or of the fleet.
    Window(Box<WindowView>),
}
