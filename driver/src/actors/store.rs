//! The driver's store, on a thread of its own: SQLite blocks.

use std::path::PathBuf;

use actix::{Actor, Handler, SyncContext};

use super::messages::store::{GetUnpublished, SaveBatch};
use crate::store::{StoreError, StoredWindow, WindowStore};

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
