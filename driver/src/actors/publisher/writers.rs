//! What the publisher waits for: one writer at the store and one at Kafka, each with one thing at a time. Where that
//! failed, the writer waits for a second before it begins the next.

use common::kafka::Producer;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{LOG_EVERY, RETRY};
use crate::actors::messages::NodeEnding;
use crate::actors::messages::store::StoreHandle;
use crate::outbox::StoreWork;
use crate::store::{StoreError, StoredWindow};

/// What became of the work that a writer was given.
pub(super) enum Done {
    Saved,
    Loaded(Vec<StoredWindow>),
    StoreFailed,
    Published,
    NotPublished,
}

/// Gives the writers their work and has their results.
pub(super) struct Writers {
    store: mpsc::Sender<StoreWork>,
    kafka: mpsc::Sender<StoredWindow>,
    pub(super) done: mpsc::Receiver<Done>,
}

impl Writers {
    /// The writers, and the future in which they work.
    pub(super) fn new(store: StoreHandle, kafka: Producer) -> (Self, impl Future<Output = ()>) {
        let (to_store, store_work) = mpsc::channel(1);
        let (to_kafka, kafka_work) = mpsc::channel(1);
        let (results, done) = mpsc::channel(2);
        let at_store = at_store(store, store_work, results.clone());
        let at_kafka = at_kafka(kafka, kafka_work, results);
        let work = async move {
            tokio::join!(at_store, at_kafka);
        };
        (Self { store: to_store, kafka: to_kafka, done }, work)
    }

    /// Gives the store's writer its next work. It has reported the last: so its queue, of one, is empty.
    pub(super) fn to_store(&self, work: StoreWork) {
        let _ = self.store.try_send(work);
    }

    /// Gives Kafka's writer the next window. It has reported the last: so its queue, of one, is empty.
    pub(super) fn to_kafka(&self, window: StoredWindow) {
        let _ = self.kafka.try_send(window);
    }
}

async fn at_store(store: StoreHandle, mut work: mpsc::Receiver<StoreWork>, results: mpsc::Sender<Done>) {
    let mut failing = 0_u32;
    while let Some(work) = work.recv().await {
        let done = match work {
            StoreWork::Save(batch) => match answered(store.save(batch).await) {
                Ok(()) => {
                    failing = 0;
                    Done::Saved
                }
                Err(error) => {
                    failing += 1;
                    // A full disk fails every second: log the first failure, then one in `LOG_EVERY`.
                    if failing % LOG_EVERY == 1 {
                        log::error!(error:%; "windows not stored, trying again every second");
                    }
                    Done::StoreFailed
                }
            },
            StoreWork::Load { limit } => match answered(store.unpublished(limit).await) {
                Ok(windows) => Done::Loaded(windows),
                Err(error) => {
                    log::error!(error:%; "windows not read, trying again");
                    Done::StoreFailed
                }
            },
        };
        let has_failed = matches!(done, Done::StoreFailed);
        if results.send(done).await.is_err() {
            return;
        }
        if has_failed {
            sleep(RETRY).await;
        }
    }
}

/// The store's answer, in which an actor that has stopped is an error like any other.
fn answered<T>(answer: Result<Result<T, StoreError>, NodeEnding>) -> Result<T, String> {
    match answer {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(ending) => Err(ending.to_string()),
    }
}

async fn at_kafka(kafka: Producer, mut work: mpsc::Receiver<StoredWindow>, results: mpsc::Sender<Done>) {
    while let Some(StoredWindow { key, record, .. }) = work.recv().await {
        let published = kafka.publish(record).await;
        if let Err(error) = &published {
            log::warn!(test_id:% = key.test_id, seq = key.seq, error:%; "window not published, trying again");
        }
        let done = if published.is_ok() { Done::Published } else { Done::NotPublished };
        if results.send(done).await.is_err() {
            return;
        }
        if published.is_err() {
            sleep(RETRY).await;
        }
    }
}
