//! What the orchestrators of a test meet outside of their actors: the real store on a folder of the test, and a Kafka
//! and listeners that only remember. It outlives the orchestrators that use it one after another.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use actix::{Actor, Addr, Context, Handler, Message, MessageResult, ResponseFuture};
use common::ids::Epoch;
use common::kafka::{KafkaError, Offsets, Producer, Publish};
use common::wire::Topic;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::actors::events::{Changed, EventsHandle};
use crate::actors::store::{LoadNodes, RecordsReader, StoreActor, StoreHandle};
use crate::model::TestState;
use crate::store::{FILE, Store, StoreError};
use crate::system::{Outside, Stored, open_store};
use crate::telemetry::{Readiness, Telemetry};

/// The id of the cluster, and so the key of its offsets.
pub const CLUSTER: &str = "c";

/// The tables that tests, records and offsets are written to.
const WRITTEN: [&str; 3] = ["tests", "records", "offsets"];

/// What Kafka and the listeners received, and how Kafka behaves.
#[derive(Default)]
pub struct Kept {
    pub published: Vec<(Topic, Value)>,
    /// Kafka refuses records of this topic.
    pub refused: Option<Topic>,
    /// Kafka never answers for records of this topic, and does not keep them.
    pub unanswered: Option<Topic>,
    /// What was stored of the cluster's offsets when the first config was published.
    pub offsets_at_config: Option<Offsets>,
    /// The states of tests, as listeners received them.
    pub shown: Vec<TestState>,
    pub windows_shown: usize,
    /// Reports that listeners received because a test was counted again.
    pub revisions: usize,
    last_offset: i64,
    /// The present orchestrator, counted from 1, and its store.
    life: u64,
    store: Option<Addr<StoreActor>>,
}

/// See the module. A clone is the same surroundings.
#[derive(Clone)]
pub struct Surroundings {
    folder: Arc<TempDir>,
    kept: Arc<Mutex<Kept>>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), kept: Arc::default() }
    }
}

impl Surroundings {
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub fn published(&self, topic: Topic) -> Vec<Value> {
        let kept = self.kept();
        kept.published.iter().filter(|(of, _)| *of == topic).map(|(_, value)| value.clone()).collect()
    }

    /// The offset of the next record that is read.
    pub fn next_offset(&self) -> i64 {
        let mut kept = self.kept();
        kept.last_offset += 1;
        kept.last_offset
    }

    /// From now on SQLite refuses what is written, with the words of a full disk, and rolls the transaction back.
    pub fn fill_disk(&self) {
        for table in WRITTEN {
            self.execute(&format!(
                "CREATE TRIGGER full_{table} BEFORE INSERT ON {table}
                 BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            ));
        }
    }

    /// SQLite takes again what is written.
    pub fn make_room(&self) {
        WRITTEN.iter().for_each(|table| self.execute(&format!("DROP TRIGGER full_{table}")));
    }

    fn execute(&self, statement: &str) {
        Connection::open(self.file()).unwrap().execute_batch(statement).unwrap();
    }

    /// How many rows a table of the store has.
    pub fn n_rows(&self, table: &str) -> i64 {
        let connection = Connection::open(self.file()).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Begins the life of an orchestrator, which ends all earlier ones, and opens its store as the product does.
    pub async fn begin_life(
        &self,
        telemetry: &Arc<Telemetry>,
        readiness: &Arc<Readiness>,
    ) -> (Outside, Epoch) {
        let (number, earlier) = {
            let mut kept = self.kept();
            kept.life += 1;
            (kept.life, kept.store.take())
        };
        if let Some(earlier) = earlier {
            // It handles one message after the other: with this answer it has done all that its life sent it.
            earlier.send(LoadNodes).await.unwrap().unwrap();
        }
        let opened = open_store(self.folder.path(), Epoch(0), telemetry, readiness).await;
        let Stored { store, reader, epoch } = opened.unwrap();
        self.kept().store = Some(store.clone());
        let life = Life { surroundings: self.clone(), number };
        let gate = |store| Gate { life: life.clone(), store }.start();
        let outside = Outside {
            producer: Producer::of(&Kafka(life.clone()).start()),
            events: EventsHandle::of(&Listeners(self.clone()).start()),
            store: StoreHandle::of(&gate(store)),
            records: RecordsReader::of(&gate(reader)),
        };
        (outside, epoch)
    }

    /// The store alone, in a life of its own.
    pub async fn store(&self) -> StoreHandle {
        let (outside, _) = self.begin_life(&Arc::default(), &Arc::default()).await;
        outside.store
    }
}

/// One orchestrator of those that use the surroundings one after another.
///
/// A real orchestrator that is killed is gone before the next one opens its store: the folder is locked. Its actors
/// here cannot be killed, and they look again every few milliseconds. So they reach the store and Kafka only while
/// theirs is the last life: whatever they send later fails. Without this, an earlier life could store a state over that
/// of a later one.
#[derive(Clone)]
struct Life {
    surroundings: Surroundings,
    number: u64,
}

impl Life {
    fn is_over(&self) -> bool {
        self.surroundings.kept().life != self.number
    }
}

/// The real store, as one life reaches it: every message is passed on, until a later life begins.
struct Gate {
    life: Life,
    store: Addr<StoreActor>,
}

impl Actor for Gate {
    type Context = Context<Self>;
}

impl<M, T> Handler<M> for Gate
where
    M: Message<Result = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
    StoreActor: Handler<M>,
{
    type Result = ResponseFuture<Result<T, StoreError>>;

    fn handle(&mut self, message: M, _: &mut Self::Context) -> Self::Result {
        if self.life.is_over() {
            return Box::pin(async { Err(StoreError::Stopped) });
        }
        // Sent here, not when the future is polled: what a life sends before its end arrives before its end.
        let answer = self.store.send(message);
        Box::pin(async move { answer.await.unwrap_or(Err(StoreError::Stopped)) })
    }
}

/// Kafka, as one life reaches it.
struct Kafka(Life);

impl Actor for Kafka {
    type Context = Context<Self>;
}

impl Handler<Publish> for Kafka {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, Publish(record): Publish, _: &mut Self::Context) -> Self::Result {
        let is_over = self.0.is_over();
        let surroundings = &self.0.surroundings;
        let mut kept = surroundings.kept();
        if kept.unanswered == Some(record.topic) {
            return Box::pin(std::future::pending::<Result<(), KafkaError>>());
        }
        if is_over || kept.refused == Some(record.topic) {
            let refused = KafkaError::NotDelivered("Local: Message timed out".to_owned());
            return Box::pin(async move { Err(refused) });
        }
        if record.topic == Topic::TestConfig && kept.offsets_at_config.is_none() {
            // What the next orchestrator would find if this one were killed now.
            let store = Store::open_to_read(&surroundings.file()).unwrap().unwrap();
            kept.offsets_at_config = Some(store.offsets(CLUSTER).unwrap());
        }
        let value = serde_json::from_str(&record.payload).unwrap();
        kept.published.push((record.topic, value));
        Box::pin(async { Ok(()) })
    }
}

struct Listeners(Surroundings);

impl Actor for Listeners {
    type Context = Context<Self>;
}

impl Handler<Changed> for Listeners {
    type Result = MessageResult<Changed>;

    fn handle(&mut self, changed: Changed, _: &mut Self::Context) -> Self::Result {
        let mut kept = self.0.kept();
        match changed {
            Changed::Window(_) => kept.windows_shown += 1,
            Changed::Test(view) => {
                kept.shown.push(view.state);
                kept.revisions +=
                    usize::from(view.timeline.last().is_some_and(|last| last.what == "revised"));
            }
            Changed::Driver(_) | Changed::Deleted(_) => {}
        }
        MessageResult(())
    }
}
