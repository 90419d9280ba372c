//! What a consumer is asked to read, what it has read, and what its thread passes to its actor.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;

use super::{ConsumerChanged, Offsets, RecordsArrived};
use crate::ids::NodeId;
use crate::settings::KafkaSettings;
use crate::wire::{ReadAs, RejectReason, Topic};

/// Where reading starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartFrom {
    /// Behind the last record there is now: only what is published after `Assigned` is read.
    End,
    /// At the oldest record there is.
    Beginning,
    /// At stored offsets.
    Stored {
        /// The next offset to read, where one is known.
        offsets: Offsets,
        /// For partitions that have none: `true` reads them from the oldest record on, `false` from the end.
        others_from_beginning: bool,
    },
}

/// What a consumer reads, and how.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Which Kafka; its brokers must be known.
    pub kafka: KafkaSettings,
    /// Names the group id that librdkafka wants.
    pub node_id: NodeId,
    /// Which topics.
    pub topics: Vec<Topic>,
    /// From where on.
    pub start: StartFrom,
    /// Units of numbers that carry none on the wire.
    pub read_as: ReadAs,
    /// Most records in one batch.
    pub max_batch_records: usize,
    /// A batch is handed on when it reaches so many bytes of payload.
    pub max_batch_bytes: usize,
}

impl ConsumerOptions {
    /// Options with batches of at most 500 records and about 4 MiB.
    pub fn new(
        kafka: KafkaSettings,
        node_id: NodeId,
        topics: Vec<Topic>,
        start: StartFrom,
        read_as: ReadAs,
    ) -> Self {
        Self {
            kafka,
            node_id,
            topics,
            start,
            read_as,
            max_batch_records: 500,
            max_batch_bytes: 4 * 1024 * 1024,
        }
    }
}

/// What a consumer has read since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsumerStats {
    /// `records_read_total{topic}`: records that arrived, understood or not.
    pub read: BTreeMap<Topic, u64>,
    /// `records_rejected_total{topic,reason}`: those of them that could not be used.
    pub rejected: BTreeMap<(Topic, RejectReason), u64>,
}

/// What the reading thread passes on; it waits for each answer before it goes on.
pub(super) enum Said {
    /// Records, and the counters with them.
    Records(RecordsArrived, ConsumerStats, SyncSender<()>),
    /// Something else happened.
    Changed(ConsumerChanged, SyncSender<()>),
}
