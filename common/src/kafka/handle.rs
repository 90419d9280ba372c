//! [`Producer`]: how an actor publishes records without knowing the producer's actor.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Recipient};

use super::{KafkaError, Publish};
use crate::wire::WrittenRecord;

/// Publishes records through the actor that receives [`Publish`]: a `KafkaProducerActor`, or a stub in a test.
#[derive(Debug, Clone)]
pub struct Producer {
    publish: Recipient<Publish>,
}

impl Producer {
    /// Publishes through this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Publish>,
    {
        Self { publish: actor.clone().recipient() }
    }

    /// Publishes a record, and returns when Kafka has it. Who may publish it again keeps the `Arc` of it.
    ///
    /// # Errors
    /// Where Kafka does not accept the record, or the actor has stopped.
    pub async fn publish(&self, record: impl Into<Arc<WrittenRecord>>) -> Result<(), KafkaError> {
        self.publish.send(Publish(record.into())).await.unwrap_or(Err(KafkaError::Stopped))
    }

    /// Publishes a record without waiting; false if the actor's mailbox is full or closed, and the record is dropped.
    pub fn offer(&self, record: impl Into<Arc<WrittenRecord>>) -> bool {
        self.publish.try_send(Publish(record.into())).is_ok()
    }
}
