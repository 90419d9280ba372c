//! The store as its peers use it: a method for each message, and one error for all that can fail. Who writes, who counts
//! a test again and who shows the history need different messages, so there are three handles. Each is made of the
//! address of a [`StoreActor`](super::StoreActor), or of a stub in a test.

use std::collections::{BTreeMap, BTreeSet};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, MailboxError, Recipient};
use common::ids::TestId;
use common::kafka::Offsets;
use common::plan::files::FileHash;

use super::CountTests;
use super::messages::{
    CountWindows, LoadCompared, LoadLastSecond, LoadMetrics, LoadNamedFiles, LoadNodes, LoadOffsets,
    LoadPage, LoadReportPage, LoadSpan, LoadTest, LoadUnfinished, LoadWindows, RemoveTest, SaveBatch,
    SaveRevision, SaveSpans, SaveTest,
};
use crate::compare::ComparedSecond;
use crate::model::{SpanView, TestPage, TestView, WindowView};
use crate::registry::KnownNode;
use crate::store::{
    Batch, Cursor, MetricsPage, PageOf, ReportPage, SavedBatch, StoreError, StoredTest, TestFilter,
    WindowsAsked,
};
use crate::tally::spans::SpanChange;

/// The answer of the store; an actor that has stopped does not answer.
fn answered<T>(answer: Result<Result<T, StoreError>, MailboxError>) -> Result<T, StoreError> {
    answer.unwrap_or(Err(StoreError::Stopped))
}

/// Writes, and short reads.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    save_test: Recipient<SaveTest>,
    save_revision: Recipient<SaveRevision>,
    save_batch: Recipient<SaveBatch>,
    save_spans: Recipient<SaveSpans>,
    remove_test: Recipient<RemoveTest>,
    load_test: Recipient<LoadTest>,
    load_unfinished: Recipient<LoadUnfinished>,
    load_offsets: Recipient<LoadOffsets>,
    load_nodes: Recipient<LoadNodes>,
}

impl StoreHandle {
    /// Writes to and reads from this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor
            + Handler<SaveTest>
            + Handler<SaveRevision>
            + Handler<SaveBatch>
            + Handler<SaveSpans>
            + Handler<RemoveTest>
            + Handler<LoadTest>
            + Handler<LoadUnfinished>
            + Handler<LoadOffsets>
            + Handler<LoadNodes>,
        A::Context: ToEnvelope<A, SaveTest>
            + ToEnvelope<A, SaveRevision>
            + ToEnvelope<A, SaveBatch>
            + ToEnvelope<A, SaveSpans>
            + ToEnvelope<A, RemoveTest>
            + ToEnvelope<A, LoadTest>
            + ToEnvelope<A, LoadUnfinished>
            + ToEnvelope<A, LoadOffsets>
            + ToEnvelope<A, LoadNodes>,
    {
        Self {
            save_test: actor.clone().recipient::<SaveTest>(),
            save_revision: actor.clone().recipient::<SaveRevision>(),
            save_batch: actor.clone().recipient::<SaveBatch>(),
            save_spans: actor.clone().recipient::<SaveSpans>(),
            remove_test: actor.clone().recipient::<RemoveTest>(),
            load_test: actor.clone().recipient::<LoadTest>(),
            load_unfinished: actor.clone().recipient::<LoadUnfinished>(),
            load_offsets: actor.clone().recipient::<LoadOffsets>(),
            load_nodes: actor.clone().recipient::<LoadNodes>(),
        }
    }

    /// Stores or replaces a test ([`SaveTest`]).
    ///
    /// # Errors
    /// Where the store refuses it or has stopped.
    pub async fn save_test(&self, test: StoredTest) -> Result<(), StoreError> {
        answered(self.save_test.send(SaveTest(Box::new(test))).await)
    }

    /// Replaces the report of a finished test ([`SaveRevision`]).
    ///
    /// # Errors
    /// Where the store refuses it or has stopped.
    pub async fn save_revision(&self, report: TestView) -> Result<(), StoreError> {
        answered(self.save_revision.send(SaveRevision(Box::new(report))).await)
    }

    /// Stores a batch of records and where reading goes on ([`SaveBatch`]).
    ///
    /// # Errors
    /// Where the store refuses it or has stopped.
    pub async fn save_batch(&self, batch: Batch) -> Result<SavedBatch, StoreError> {
        answered(self.save_batch.send(SaveBatch(batch)).await)
    }

    /// Stores spans of a test that is counted again; `anew`: after those that are stored were removed ([`SaveSpans`]).
    ///
    /// # Errors
    /// Where the store refuses them or has stopped.
    pub async fn save_spans(
        &self,
        test_id: &TestId,
        changes: Vec<SpanChange>,
        anew: bool,
    ) -> Result<(), StoreError> {
        answered(self.save_spans.send(SaveSpans { test_id: test_id.clone(), changes, anew }).await)
    }

    /// Removes a test; false where it is under way, or is not there ([`RemoveTest`]).
    ///
    /// # Errors
    /// Where the store fails or has stopped.
    pub async fn remove_test(&self, id: &TestId) -> Result<bool, StoreError> {
        answered(self.remove_test.send(RemoveTest(id.clone())).await)
    }

    /// A test as stored; `None` if there is none with this id ([`LoadTest`]).
    ///
    /// # Errors
    /// Where the store cannot read it or has stopped.
    pub async fn load_test(&self, id: &TestId) -> Result<Option<StoredTest>, StoreError> {
        answered(self.load_test.send(LoadTest(id.clone())).await)
    }

    /// Tests that were active when the orchestrator last ended ([`LoadUnfinished`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn load_unfinished(&self) -> Result<Vec<StoredTest>, StoreError> {
        answered(self.load_unfinished.send(LoadUnfinished).await)
    }

    /// Where reading goes on, by `RanOn::offsets_key`; empty where nothing is stored ([`LoadOffsets`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn load_offsets(&self, offsets_of: &str) -> Result<Offsets, StoreError> {
        answered(self.load_offsets.send(LoadOffsets { offsets_of: offsets_of.to_owned() }).await)
    }

    /// The nodes that registered, as they did last ([`LoadNodes`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn load_nodes(&self) -> Result<Vec<KnownNode>, StoreError> {
        answered(self.load_nodes.send(LoadNodes).await)
    }
}

/// Reads the stored records of tests. These are long reads, so it is made of an actor that does not write.
#[derive(Debug, Clone)]
pub struct RecordsReader {
    load_metrics: Recipient<LoadMetrics>,
}

impl RecordsReader {
    /// Reads from this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor + Handler<LoadMetrics>,
        A::Context: ToEnvelope<A, LoadMetrics>,
    {
        Self { load_metrics: actor.clone().recipient::<LoadMetrics>() }
    }

    /// A page of the metrics records of a test: at most `limit`, after the page whose `next` was `after`
    /// ([`LoadMetrics`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn metrics(&self, test_id: &TestId, after: i64, limit: u32) -> Result<MetricsPage, StoreError> {
        answered(self.load_metrics.send(LoadMetrics { test_id: test_id.clone(), after, limit }).await)
    }
}

/// Reads what REST shows of stored tests. These are long reads, so it is made of an actor that does not write.
#[derive(Debug, Clone)]
pub struct HistoryReader {
    load_page: Recipient<LoadPage>,
    load_windows: Recipient<LoadWindows>,
    load_last_second: Recipient<LoadLastSecond>,
    load_span: Recipient<LoadSpan>,
    load_report_page: Recipient<LoadReportPage>,
    count_windows: Recipient<CountWindows>,
    count_tests: Recipient<CountTests>,
    load_named_files: Recipient<LoadNamedFiles>,
    load_compared: Recipient<LoadCompared>,
}

impl HistoryReader {
    /// Reads from this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor
            + Handler<LoadPage>
            + Handler<LoadWindows>
            + Handler<LoadLastSecond>
            + Handler<LoadSpan>
            + Handler<LoadReportPage>
            + Handler<CountWindows>
            + Handler<CountTests>
            + Handler<LoadNamedFiles>
            + Handler<LoadCompared>,
        A::Context: ToEnvelope<A, LoadPage>
            + ToEnvelope<A, LoadWindows>
            + ToEnvelope<A, LoadLastSecond>
            + ToEnvelope<A, LoadSpan>
            + ToEnvelope<A, LoadReportPage>
            + ToEnvelope<A, CountWindows>
            + ToEnvelope<A, CountTests>
            + ToEnvelope<A, LoadNamedFiles>
            + ToEnvelope<A, LoadCompared>,
    {
        Self {
            load_page: actor.clone().recipient::<LoadPage>(),
            load_windows: actor.clone().recipient::<LoadWindows>(),
            load_last_second: actor.clone().recipient::<LoadLastSecond>(),
            load_span: actor.clone().recipient::<LoadSpan>(),
            load_report_page: actor.clone().recipient::<LoadReportPage>(),
            count_windows: actor.clone().recipient::<CountWindows>(),
            count_tests: actor.clone().recipient::<CountTests>(),
            load_named_files: actor.clone().recipient::<LoadNamedFiles>(),
            load_compared: actor.clone().recipient::<LoadCompared>(),
        }
    }

    /// One page of the history, newest first: at most `limit` rows ([`LoadPage`]).
    ///
    /// # Errors
    /// Where the store cannot read it or has stopped.
    pub async fn page(
        &self,
        limit: u32,
        cursor: Option<Cursor>,
        filter: TestFilter,
    ) -> Result<TestPage, StoreError> {
        answered(self.load_page.send(LoadPage { limit, cursor, filter }).await)
    }

    /// A part of the series of a test: one driver's, or the fleet's ([`LoadWindows`]).
    ///
    /// # Errors
    /// Where the store cannot read it or has stopped.
    pub async fn windows(&self, asked: WindowsAsked) -> Result<Vec<WindowView>, StoreError> {
        answered(self.load_windows.send(LoadWindows(asked)).await)
    }

    /// The last second of a test that some driver has sent; `None` where there is none ([`LoadLastSecond`]).
    ///
    /// # Errors
    /// Where the store cannot read it or has stopped.
    pub async fn last_second(&self, test_id: TestId) -> Result<Option<u64>, StoreError> {
        answered(self.load_last_second.send(LoadLastSecond(test_id)).await)
    }

    /// The figures of some seconds of a test; `None` where it is not stored ([`LoadSpan`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn span(
        &self,
        test_id: TestId,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Option<SpanView>, StoreError> {
        answered(self.load_span.send(LoadSpan { test_id, from, to }).await)
    }

    /// A page of what a report of a test is written of, from a second on ([`LoadReportPage`]).
    ///
    /// # Errors
    /// Where the store cannot read it or has stopped.
    pub async fn report_page(
        &self,
        test_id: TestId,
        of: PageOf,
        from: u64,
    ) -> Result<ReportPage, StoreError> {
        answered(self.load_report_page.send(LoadReportPage { test_id, of, from }).await)
    }

    /// How many windows of a test are stored ([`CountWindows`]).
    ///
    /// # Errors
    /// Where the store cannot count them or has stopped.
    pub async fn count_windows(&self, test_id: TestId) -> Result<u64, StoreError> {
        answered(self.count_windows.send(CountWindows(test_id)).await)
    }

    /// How many tests there are by (state, verdict) ([`CountTests`]).
    ///
    /// # Errors
    /// Where the store cannot count them or has stopped.
    pub async fn count_tests(&self) -> Result<BTreeMap<(String, Option<String>), u64>, StoreError> {
        answered(self.count_tests.send(CountTests).await)
    }

    /// A part of a test's seconds from `from` on for a comparison, and where to go on ([`LoadCompared`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn compared(
        &self,
        test_id: TestId,
        from: u64,
    ) -> Result<(Vec<ComparedSecond>, Option<u64>), StoreError> {
        answered(self.load_compared.send(LoadCompared { test_id, from }).await)
    }

    /// The data files that the plans of stored tests name ([`LoadNamedFiles`]).
    ///
    /// # Errors
    /// Where the store cannot read them or has stopped.
    pub async fn named_files(&self) -> Result<BTreeSet<FileHash>, StoreError> {
        answered(self.load_named_files.send(LoadNamedFiles).await)
    }
}
