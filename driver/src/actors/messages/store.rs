//! What the store receives.

use actix::Message;

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
