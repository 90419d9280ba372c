//! What the store takes and gives: tests, records, pages of them, events.

use std::collections::BTreeSet;
use std::sync::Arc;

use common::clock::UnixMicros;
use common::ids::TestId;
use common::kafka::Offsets;
use common::wire::{Metrics, Register};

use crate::model::{TestState, TestView, Verdict};
use crate::participant::Participant;
use crate::ran_on::RanOn;
use crate::tally::Closing;

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
    pub participants: Vec<Participant>,
    /// The report as last built.
    pub report: Option<TestView>,
    /// How it ended, beyond its records; none before the end.
    pub closing: Option<Closing>,
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

/// What one batch of records brought, and where reading goes on: one transaction.
#[derive(Debug, Clone)]
pub struct Batch {
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

/// Some of a test's metrics records.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsPage {
    /// In the order of arrival.
    pub records: Vec<StoredMetrics>,
    /// Pass it as `after` for the next page; `None` on the last.
    pub next: Option<i64>,
}

/// A line in the log of events of a node or a test.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: UnixMicros,
    /// Of which test, where it is of one.
    pub test_id: Option<TestId>,
    /// What, in a word with underscores.
    pub what: String,
    /// More of it.
    pub detail: String,
}
