//! What the StoreActor is asked. A SyncArbiter's queue has no bound, so a sender waits for its answers: it keeps at most
//! four requests outstanding.

use std::collections::BTreeSet;

use actix::Message;
use common::ids::{Epoch, TestId};
use common::kafka::Offsets;
use common::plan::files::FileHash;

use crate::compare::ComparedSecond;
use crate::model::{SpanView, TestPage, TestView, WindowView};
use crate::registry::KnownNode;
use crate::store::{
    Batch, Cursor, MetricsPage, PageOf, ReportPage, SavedBatch, StoreError, StoredTest, TestFilter,
    WindowsAsked,
};
use crate::tally::spans::SpanChange;

/// Stores or replaces a test: its life so far and, once finished, its report.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveTest(pub Box<StoredTest>);

/// A finished test was counted again: its report and verdict replace those that are stored. Does nothing where the
/// test was forgotten meanwhile.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveRevision(pub Box<TestView>);

/// Stores a batch of records and where reading goes on, in one transaction.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<SavedBatch, StoreError>")]
pub struct SaveBatch(pub Batch);

/// Stores spans of a test that is counted again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveSpans {
    pub test_id: TestId,
    pub changes: Vec<SpanChange>,
    /// Whether those that are stored are removed first.
    pub anew: bool,
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
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    pub filter: TestFilter,
}

/// The data files that the plans of stored tests name.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<BTreeSet<FileHash>, StoreError>")]
pub struct LoadNamedFiles;

/// The metrics records of a test in the order of arrival, a page at a time (an hour of a fleet does not fit in
/// memory), to build its figures again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<MetricsPage, StoreError>")]
pub struct LoadMetrics {
    pub test_id: TestId,
    /// `next` of the page before; 0 for the first.
    pub after: i64,
    /// At most so many records, 1 to 1,000.
    pub limit: u32,
}

/// A part of the series of a test.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<WindowView>, StoreError>")]
pub struct LoadWindows(pub WindowsAsked);

/// The last second of a test that some driver has sent.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<u64>, StoreError>")]
pub struct LoadLastSecond(pub TestId);

/// The figures of some seconds of a test; `None` where it is not stored.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<SpanView>, StoreError>")]
pub struct LoadSpan {
    pub test_id: TestId,
    /// The first second; `None`: the first one after the warm-up.
    pub from: Option<u64>,
    /// The last second; `None`: the last one that is known.
    pub to: Option<u64>,
}

/// A part of a test's seconds for a comparison, and where to go on ([`Store::compared_seconds`]).
///
/// [`Store::compared_seconds`]: crate::store::Store::compared_seconds
#[derive(Debug, Message)]
#[rtype(result = "Result<(Vec<ComparedSecond>, Option<u64>), StoreError>")]
pub struct LoadCompared {
    pub test_id: TestId,
    pub from: u64,
}

/// A page of what a report is written of.
#[derive(Debug, Message)]
#[rtype(result = "Result<ReportPage, StoreError>")]
pub struct LoadReportPage {
    pub test_id: TestId,
    pub of: PageOf,
    /// The first second of the page.
    pub from: u64,
}

/// How many windows of a test are stored.
#[derive(Debug, Message)]
#[rtype(result = "Result<u64, StoreError>")]
pub struct CountWindows(pub TestId);

/// The epoch of this life of the orchestrator: one more than stored, no lower than the clock; stored at once.
#[derive(Debug, Message)]
#[rtype(result = "Result<Epoch, StoreError>")]
pub struct TakeEpoch {
    /// Unix ms.
    pub now_unix_ms: u64,
}
