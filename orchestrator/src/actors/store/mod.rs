//! [`StoreActor`]: SQLite behind messages.

mod handle;
mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Handler, Message, SyncArbiter, SyncContext};
use common::clock::UnixMicros;
use common::ids::Epoch;
use common::kafka::Offsets;
use common::plan::files::FileHash;

pub use self::handle::{HistoryReader, RecordsReader, StoreHandle};
pub use self::messages::{
    CountWindows, LoadCompared, LoadLastSecond, LoadMetrics, LoadNamedFiles, LoadNodes, LoadOffsets,
    LoadPage, LoadReportPage, LoadSpan, LoadTest, LoadUnfinished, LoadWindows, RemoveTest, SaveBatch,
    SaveRevision, SaveSpans, SaveTest, TakeEpoch,
};
use crate::compare::ComparedSecond;
use crate::model::{SpanView, TestPage, WindowView};
use crate::registry::KnownNode;
use crate::store::{MetricsPage, ReportPage, SavedBatch, Store, StoreError, StoredTest};
use crate::telemetry::Telemetry;

/// Interval within which the same failure is logged only once.
const LOG_AGAIN: Duration = Duration::from_secs(30);

/// Most failures logged within that time.
const MAX_LOGGED: usize = 32;

/// How many tests there are by (state, verdict), as the words of REST.
#[derive(Debug, Message)]
#[rtype(result = "Result<BTreeMap<(String, Option<String>), u64>, StoreError>")]
pub struct CountTests;

/// Removes all finished tests but the newest, and old ones that were never started; answers how many.
#[derive(Debug, Message)]
#[rtype(result = "Result<usize, StoreError>")]
pub struct PruneTests {
    /// So many finished ones are kept.
    pub keep: u32,
    /// Created before this, and never started: removed.
    pub configured_before: UnixMicros,
}

/// Owns the database. Receives every `Save…`, `Load…`, [`TakeEpoch`], [`CountTests`] and [`PruneTests`]; sends
/// nothing. On failure it answers with a [`StoreError`] that names the file, counts it, and serves on.
/// Its queue has no bound (a SyncArbiter's): each sender keeps at most four messages outstanding.
#[derive(Debug)]
pub struct StoreActor {
    path: PathBuf,
    store: Option<Store>,
    telemetry: Arc<Telemetry>,
    /// Recently logged errors, and when: a disk that stays full is not logged every second.
    logged: BTreeMap<String, Instant>,
}

impl StoreActor {
    /// Opens the file, brings it up to date, and starts the actor on a thread of its own. A second one on the
    /// same file may serve long reads ([`LoadWindows`], [`LoadSpan`], [`LoadPage`]) beside the writer.
    ///
    /// # Errors
    /// Where the file cannot be opened, or a newer version wrote it.
    pub fn start_at(path: &Path, telemetry: Arc<Telemetry>) -> Result<Addr<Self>, StoreError> {
        Store::open(path)?;
        let path = path.to_owned();
        Ok(SyncArbiter::start(1, move || Self {
            path: path.clone(),
            store: None,
            telemetry: Arc::clone(&telemetry),
            logged: BTreeMap::new(),
        }))
    }

    fn with<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // Opened here rather than at the start: a connection stays on the thread that uses it.
        let store = match &mut self.store {
            Some(store) => Ok(store),
            none => Store::open(&self.path).map(|store| none.insert(store)),
        };
        let done = store.and_then(work);
        if let Err(error) = &done {
            self.telemetry.store_errors.one();
            let news = format!("{what}: {error}");
            self.logged.retain(|_, at| at.elapsed() < LOG_AGAIN);
            if !self.logged.contains_key(&news) && self.logged.len() < MAX_LOGGED {
                log::error!(what, error:%; "store failed");
                self.logged.insert(news, Instant::now());
            }
        }
        done
    }
}

impl Actor for StoreActor {
    type Context = SyncContext<Self>;
}

impl Handler<SaveTest> for StoreActor {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, save: SaveTest, _: &mut Self::Context) -> Self::Result {
        self.with("save_test", |store| store.save_test(&save.0))
    }
}

impl Handler<RemoveTest> for StoreActor {
    type Result = Result<bool, StoreError>;

    fn handle(&mut self, remove: RemoveTest, _: &mut Self::Context) -> Self::Result {
        self.with("remove_test", |store| store.remove_test(&remove.0))
    }
}

impl Handler<SaveRevision> for StoreActor {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, save: SaveRevision, _: &mut Self::Context) -> Self::Result {
        self.with("save_revision", |store| store.save_revision(&save.0))
    }
}

impl Handler<SaveSpans> for StoreActor {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, save: SaveSpans, _: &mut Self::Context) -> Self::Result {
        let SaveSpans { test_id, changes, anew } = save;
        self.with("save_spans", |store| store.save_spans(&test_id, &changes, anew))
    }
}

impl Handler<SaveBatch> for StoreActor {
    type Result = Result<SavedBatch, StoreError>;

    fn handle(&mut self, batch: SaveBatch, _: &mut Self::Context) -> Self::Result {
        let outcome = self.with("save_batch", |store| store.save_batch(&batch.0))?;
        self.telemetry.windows_stored.add(outcome.n_stored);
        self.telemetry.windows_duplicate.add(outcome.n_duplicate);
        self.telemetry.windows_orphaned.add(outcome.n_orphaned);
        Ok(outcome.saved)
    }
}

impl Handler<LoadOffsets> for StoreActor {
    type Result = Result<Offsets, StoreError>;

    fn handle(&mut self, load: LoadOffsets, _: &mut Self::Context) -> Self::Result {
        self.with("load_offsets", |store| store.offsets(&load.offsets_of))
    }
}

impl Handler<LoadNodes> for StoreActor {
    type Result = Result<Vec<KnownNode>, StoreError>;

    fn handle(&mut self, _: LoadNodes, _: &mut Self::Context) -> Self::Result {
        self.with("load_nodes", |store| store.nodes())
    }
}

impl Handler<LoadTest> for StoreActor {
    type Result = Result<Option<StoredTest>, StoreError>;

    fn handle(&mut self, load: LoadTest, _: &mut Self::Context) -> Self::Result {
        self.with("load_test", |store| store.test(&load.0))
    }
}

impl Handler<LoadUnfinished> for StoreActor {
    type Result = Result<Vec<StoredTest>, StoreError>;

    fn handle(&mut self, _: LoadUnfinished, _: &mut Self::Context) -> Self::Result {
        self.with("load_unfinished", |store| store.unfinished())
    }
}

impl Handler<LoadPage> for StoreActor {
    type Result = Result<TestPage, StoreError>;

    fn handle(&mut self, load: LoadPage, _: &mut Self::Context) -> Self::Result {
        self.with("load_page", |store| store.page(load.limit, load.cursor.as_ref(), &load.filter))
    }
}

impl Handler<LoadMetrics> for StoreActor {
    type Result = Result<MetricsPage, StoreError>;

    fn handle(&mut self, load: LoadMetrics, _: &mut Self::Context) -> Self::Result {
        self.with("load_metrics", |store| store.metrics(&load.test_id, load.after, load.limit))
    }
}

impl Handler<LoadWindows> for StoreActor {
    type Result = Result<Vec<WindowView>, StoreError>;

    fn handle(&mut self, load: LoadWindows, _: &mut Self::Context) -> Self::Result {
        self.with("load_windows", |store| store.windows(&load.0))
    }
}

impl Handler<LoadLastSecond> for StoreActor {
    type Result = Result<Option<u64>, StoreError>;

    fn handle(&mut self, load: LoadLastSecond, _: &mut Self::Context) -> Self::Result {
        self.with("load_last_second", |store| store.last_second(&load.0))
    }
}

impl Handler<LoadSpan> for StoreActor {
    type Result = Result<Option<SpanView>, StoreError>;

    fn handle(&mut self, load: LoadSpan, _: &mut Self::Context) -> Self::Result {
        self.with("load_span", |store| store.span(&load.test_id, load.from, load.to))
    }
}

impl Handler<LoadCompared> for StoreActor {
    type Result = Result<(Vec<ComparedSecond>, Option<u64>), StoreError>;

    fn handle(&mut self, load: LoadCompared, _: &mut Self::Context) -> Self::Result {
        self.with("load_compared", |store| store.compared_seconds(&load.test_id, load.from))
    }
}

impl Handler<LoadReportPage> for StoreActor {
    type Result = Result<ReportPage, StoreError>;

    fn handle(&mut self, load: LoadReportPage, _: &mut Self::Context) -> Self::Result {
        self.with("load_report_page", |store| store.report_page(&load.test_id, load.of, load.from))
    }
}

impl Handler<CountWindows> for StoreActor {
    type Result = Result<u64, StoreError>;

    fn handle(&mut self, count: CountWindows, _: &mut Self::Context) -> Self::Result {
        self.with("count_windows", |store| store.count_windows(&count.0))
    }
}

impl Handler<TakeEpoch> for StoreActor {
    type Result = Result<Epoch, StoreError>;

    fn handle(&mut self, take: TakeEpoch, _: &mut Self::Context) -> Self::Result {
        self.with("take_epoch", |store| store.take_epoch(take.now_unix_ms))
    }
}

impl Handler<CountTests> for StoreActor {
    type Result = Result<BTreeMap<(String, Option<String>), u64>, StoreError>;

    fn handle(&mut self, _: CountTests, _: &mut Self::Context) -> Self::Result {
        self.with("count_tests", |store| store.count_tests())
    }
}

impl Handler<LoadNamedFiles> for StoreActor {
    type Result = Result<BTreeSet<FileHash>, StoreError>;

    fn handle(&mut self, _: LoadNamedFiles, _: &mut Self::Context) -> Self::Result {
        self.with("load_named_files", |store| store.named_files())
    }
}

impl Handler<PruneTests> for StoreActor {
    type Result = Result<usize, StoreError>;

    fn handle(&mut self, prune: PruneTests, _: &mut Self::Context) -> Self::Result {
        self.with("prune_tests", |store| store.prune(prune.keep, prune.configured_before))
    }
}
