//! Kafka for both nodes: consumer and producer as actors, the topics, the embedded broker. Nothing
//! outside this module names rdkafka.

mod client;
mod consumer;
mod deliveries;
mod embedded;
mod handle;
mod positions;
mod producer;
mod reader;
mod reading;
mod rejections;
#[cfg(test)]
mod tests;
mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::Message;

pub use client::KafkaError;
pub use consumer::{GetConsumerStats, KafkaConsumerActor, StopConsumer};
pub use embedded::EmbeddedBroker;
pub use handle::Producer;
pub use producer::{FlushProducer, GetProducerStats, KafkaProducerActor, ProducerStats, WarmUp};
pub use reading::{ConsumerOptions, ConsumerStats, StartFrom};
pub use topics::{cluster_id, create_topics, wait_for_topics};

use crate::wire::{Inbound, RawMetrics, Rejected, Topic, WrittenRecord};

/// The position of a record in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which topic.
    pub topic: Topic,
    /// Which partition of it.
    pub partition: i32,
    /// Which record of that.
    pub offset: i64,
}

/// The next offset to read, per topic and partition.
pub type Offsets = BTreeMap<(Topic, i32), i64>;

/// A record that was read, understood or not.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its position.
    pub position: Position,
    /// Kafka's timestamp of it, Unix ms.
    pub timestamp_ms: Option<i64>,
    /// Its content, or why it cannot be used.
    pub content: Result<Inbound, Rejected>,
    /// With [`Inbound::Metrics`], and with nothing else: the record as it came, for the store.
    pub raw: Option<RawMetrics>,
}

/// Records that were read together, in order within each partition. The consumer reads on only when this was
/// handled: at most one batch is outstanding.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RecordsArrived(pub Vec<Arrived>);

/// What happens to a consumer, other than records.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum ConsumerChanged {
    /// Partitions are assigned at explicit offsets: whatever is published from now on will be read.
    Assigned {
        /// Kafka's cluster id, to which offsets belong.
        cluster_id: Option<String>,
        /// Where reading starts.
        from: Offsets,
    },
    /// A stored offset no longer exists; reading goes on at the oldest record there is.
    OffsetOutOfRange {
        /// Where it was lost.
        lost: Position,
        /// Where reading goes on.
        resumed_at: i64,
    },
    /// All brokers are gone, or one is back.
    Connected(bool),
}

/// Publishes a record; answers when Kafka has it (acks=all), or when delivery has failed. The record is shared: whoever
/// publishes it again after a failure makes no copy of it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), KafkaError>")]
pub struct Publish(pub Arc<WrittenRecord>);
