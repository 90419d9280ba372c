//! The driver's store, on a thread of its own: SQLite blocks.

use std::path::PathBuf;

use actix::{Actor, Handler, Message, SyncContext};

use crate::store::{Batch, StoreError, StoredWindow, WindowStore};

/// Writes windows, and notes which ones Kafka has.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SaveBatch(pub Batch);

/// Asks for the oldest windows that Kafka does not have.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Vec<StoredWindow>, StoreError>")]
pub struct GetUnpublished {
    /// How many at most.
    pub limit: u32,
}

/// Keeps the windows of whole tests.
///
/// - owns: the SQLite database.
/// - receives: [`SaveBatch`], [`GetUnpublished`].
/// - sends: nothing.
/// - on failure: answers with the error, and goes on: a disk that was full may have room later.
/// - mailbox bound: none, being on a `SyncArbiter`; its one user, the publisher, keeps one message outstanding.
pub struct StoreActor {
    folder: PathBuf,
    store: Option<WindowStore>,
}

impl StoreActor {
    /// An actor that opens the store of a data folder when it is first needed.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, store: None }
    }

    fn store(&mut self) -> Result<&mut WindowStore, StoreError> {
        match &mut self.store {
            Some(store) => Ok(store),
            none => Ok(none.insert(WindowStore::open(&self.folder)?)),
        }
    }
}

impl Actor for StoreActor {
    type Context = SyncContext<Self>;
}

impl Handler<SaveBatch> for StoreActor {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, SaveBatch(batch): SaveBatch, _: &mut Self::Context) -> Self::Result {
        self.store()?.write(&batch)
    }
}

impl Handler<GetUnpublished> for StoreActor {
    type Result = Result<Vec<StoredWindow>, StoreError>;

    fn handle(&mut self, GetUnpublished { limit }: GetUnpublished, _: &mut Self::Context) -> Self::Result {
        self.store()?.unpublished(limit)
    }
}
