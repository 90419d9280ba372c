//! What the store receives, and its handle.

use actix::{Actor, Addr, Handler, Message, Recipient, SyncContext};

use super::{NodeEnding, send};
use crate::store::{Batch, StoreError, StoredWindow};

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

/// Sends to the store.
#[derive(Clone)]
pub struct StoreHandle {
    save: Recipient<SaveBatch>,
    unpublished: Recipient<GetUnpublished>,
}

impl StoreHandle {
    /// Of the store, or of a stub on a thread of its own.
    pub fn of<A>(store: &Addr<A>) -> Self
    where
        A: Actor<Context = SyncContext<A>> + Handler<SaveBatch> + Handler<GetUnpublished>,
    {
        Self { save: store.clone().recipient(), unpublished: store.clone().recipient() }
    }

    pub fn save(
        &self,
        batch: Batch,
    ) -> impl Future<Output = Result<Result<(), StoreError>, NodeEnding>> + use<> {
        send(&self.save, SaveBatch(batch))
    }

    /// The oldest windows that Kafka does not have, at most so many.
    pub fn unpublished(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Result<Vec<StoredWindow>, StoreError>, NodeEnding>> + use<> {
        send(&self.unpublished, GetUnpublished { limit })
    }
}
