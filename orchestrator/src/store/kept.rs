//! What the store takes and gives: tests, records, pages of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use common::clock::UnixMicros;
use common::ids::TestId;
use common::kafka::Offsets;
use common::plan::{Fault, Plan};
use common::wire::{Metrics, RawMetrics, Register};

use crate::model::{TestState, TestView, Verdict};
use crate::participant::Participant;
use crate::ran_on::RanOn;
use crate::tally::Closing;
use crate::tally::spans::SpanChange;

/// A test as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTest {
    pub test_id: TestId,
    /// The whole plan, unmasked.
    pub plan: StoredPlan,
    /// Where in its life it is.
    pub state: TestState,
    pub verdict: Option<Verdict>,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// Which Kafka it was triggered on last; `None`: it was never triggered, or that is not known.
    pub kafka: Option<RanOn>,
    /// Last revision of its config that was published; 0 for none.
    pub revision: u32,
    /// The participants, in the order of their shares.
    pub participants: Vec<Participant>,
    /// The report as last built.
    pub report: Option<TestView>,
    /// What was known at its end beyond its records; `None` before the end.
    pub closing: Option<Closing>,
}

impl StoredTest {
    /// A test that was created at an instant and never started.
    pub fn configured(test_id: TestId, plan: impl Into<StoredPlan>, created_at: UnixMicros) -> Self {
        Self {
            test_id,
            plan: plan.into(),
            state: TestState::Configured,
            verdict: None,
            created_at,
            started_at: None,
            ended_at: None,
            kafka: None,
            revision: 0,
            participants: Vec::new(),
            report: None,
            closing: None,
        }
    }
}

/// The plan of a stored test. A plan that an earlier version stored may break a rule of this one: its test cannot run,
/// but its report can still be shown, and the row is not changed.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredPlan {
    /// A plan that this version can run.
    Valid(Box<Plan>),
    /// A plan that this version cannot run.
    Invalid {
        /// What the store has of it.
        json: serde_json::Value,
        /// What is wrong with it, by key.
        faults: Vec<Fault>,
    },
}

impl StoredPlan {
    /// The plan.
    ///
    /// # Errors
    /// What is wrong with it, where this version cannot run it.
    pub fn into_plan(self) -> Result<Plan, Vec<Fault>> {
        match self {
            Self::Valid(plan) => Ok(*plan),
            Self::Invalid { faults, .. } => Err(faults),
        }
    }
}

impl From<Plan> for StoredPlan {
    fn from(plan: Plan) -> Self {
        Self::Valid(Box::new(plan))
    }
}

/// Selects tests of the history: those that match every field that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestFilter {
    pub state: Option<TestState>,
    pub verdict: Option<Verdict>,
    /// With this text in the name or in the id, whatever the case of ASCII letters.
    pub text: Option<String>,
}

/// One batch of records and the offsets behind it, stored in one transaction.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The Kafka of the offsets (`RanOn::offsets_key`); `None`: they are not stored (embedded broker).
    pub offsets_of: Option<String>,
    /// The next offset to read, per topic and partition.
    pub offsets: Offsets,
    /// Windows and classic reports; stored once by (test, node, epoch, seq), or by position for those without a seq.
    pub metrics: Vec<StoredMetrics>,
    /// What is to be done to the spans of tests, after their records are stored.
    pub spans: Vec<SpanChange>,
    pub registered: Vec<Register>,
}

/// What follows from storing a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedBatch {
    /// Tests without an open tally of which new records were stored: their reports must be revised.
    pub late: BTreeSet<TestId>,
    /// Records of unknown tests, or of nodes that take no part in theirs: not stored.
    pub n_foreign: u64,
}

/// One metrics record, to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMetrics {
    /// Which test it belongs to.
    pub test_id: TestId,
    /// Whether the tally of the open test has counted it. If not, it is late, and stored only if its test knows the
    /// node.
    pub counted: bool,
    /// Its partition in the topic `metrics`.
    pub partition: i32,
    /// Its offset in that partition.
    pub offset: i64,
    pub arrived_at: UnixMicros,
    /// The record as it came, which is what is stored.
    pub raw: RawMetrics,
    /// What was read of it. It is shared because a batch that waits for the store is cloned for each attempt.
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
