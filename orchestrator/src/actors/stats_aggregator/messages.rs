//! What the [`StatsAggregatorActor`] is sent and asked.
//!
//! [`StatsAggregatorActor`]: super::StatsAggregatorActor

use std::sync::Arc;

use actix::{Message, MessageResponse};
use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka;
use common::plan::RateChange;
use common::wire::StepsOf;

use crate::assemble::TestMeta;
use crate::capacity::Want;
use crate::exposed::Exposed;
use crate::model::{StepsView, TestState, TestView, TimelineEntry};
use crate::participant::{EndedBy, PartSeen};
use crate::ran_on::RanOn;
use crate::stopped_by::StoppedBy;
use crate::store::StoredMetrics;
use crate::tally::spans::SpanChange;
use crate::tally::{Closing, Tally};

/// A batch of records was read; the answer is what to store.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Counted")]
pub struct MetricsArrived(pub Arc<Vec<kafka::Arrived>>);

/// What to store, together with the offsets of the batch.
#[derive(Debug, Default, MessageResponse)]
pub struct Counted {
    /// Records of this batch.
    pub metrics: Vec<StoredMetrics>,
    /// Windows that are complete with this batch, or since the one before. Their records are in these batches.
    pub spans: Vec<SpanChange>,
}

/// A test is triggered, or resumed after a restart with its counts so far. Records that arrive from now on count for
/// this test, and no longer for the previous one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenTally(pub Box<Tally>);

/// A test that was opened does not start after all: discard what was counted for it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ForgetTally(pub TestId);

/// The trigger was sent; the drivers start at this instant.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TallyStarted(pub UnixMicros);

/// The rate of the open test was changed: all its changes so far, in their order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RateChanged(pub Vec<RateChange>);

/// A change of one driver's part in the test that its records do not show.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum PartChanged {
    Ended(NodeId, Option<Epoch>, EndedBy),
    Back(NodeId, Option<Epoch>),
    /// A classic driver sends heartbeats but no report.
    Silent(NodeId),
    /// What setup or teardown came to so far.
    Steps(StepsOf, Box<StepsView>),
}

/// Asks for the state of each driver's part, which the lifecycle depends on; empty if no test is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<PartSeen>")]
pub struct GetParts;

/// Asks for the breach of a condition of the plan's `[abort]`; `None` where there is none, or no test is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<String>")]
pub struct GetBreach;

/// Asks what the search of the plan's `[capacity]` wants now.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Want")]
pub struct GetSearch;

/// The drivers cannot take the rate that the search wants, and why.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SearchRefused(pub String);

/// The manager's metadata of a test, beside its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    pub test_id: TestId,
    pub name: String,
    /// Where in its life it is.
    pub state: TestState,
    /// The plan as JSON, secrets masked.
    pub plan: serde_json::Value,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// Which Kafka it was triggered on last.
    pub kafka: Option<RanOn>,
    /// How its rate was changed while it ran.
    pub rate_changes: Vec<RateChange>,
    /// What happened to it.
    pub timeline: Vec<TimelineEntry>,
}

impl Meta {
    /// As the report takes it.
    pub fn borrowed(&self) -> TestMeta<'_> {
        TestMeta {
            test_id: &self.test_id,
            name: &self.name,
            state: self.state,
            plan: self.plan.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            timeline: &self.timeline,
        }
    }
}

/// Asks for the open test as REST shows it; `None` where another or none is open.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<TestView>")]
pub struct GetView(pub Meta);

/// Asks for what `/metrics` shows: of the open test, else of the one that was open last; `None` where there was none.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Arc<Exposed>>")]
pub struct GetExposed;

/// The test is over: judges it. What comes later is stored, and revises it (`revision`).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<ClosedTest>")]
pub struct CloseTally {
    pub meta: Meta,
    /// Who or what stopped it.
    pub stopped_by: Option<StoppedBy>,
}

/// The outcome of a test.
#[derive(Debug)]
pub struct ClosedTest {
    pub view: TestView,
    /// What cannot be derived from the records, to be stored beside them.
    pub closing: Closing,
}
