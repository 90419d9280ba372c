//! The strict writer: what our nodes put on the wire, one JSON object a record, the classic fields first,
//! all of them and spelled exactly, then ours. The exception is an end word, which is plain text.

mod metrics;
mod records;

use serde::Serialize;

pub(super) use self::metrics::counters;
use self::metrics::{Detail, MetricsRecord};
use self::records::{ChangeRateRecord, HeartbeatRecord, RegisterRecord, TestConfigRecord, TriggerRecord};
use crate::ids::NodeId;

use super::{ChangeRate, Heartbeat, Metrics, Register, TestConfig, Topic, Trigger};

/// Most bytes of a payload that Kafka takes with the default settings of its brokers and clients.
pub const MAX_WRITTEN_BYTES: usize = 1_000_000 - 512;

/// A message of ours, to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Outbound {
    /// See [`Register`].
    Register(Register),
    /// See [`TestConfig`].
    TestConfig(Box<TestConfig>),
    /// See [`Trigger`].
    Trigger(Trigger),
    /// See [`ChangeRate`].
    ChangeRate(ChangeRate),
    /// See [`Metrics`].
    Metrics(Box<Metrics>),
    /// See [`Heartbeat`].
    Heartbeat(Box<Heartbeat>),
    /// A bare word on the metrics topic: the end of a test, for classic orchestrators that wait for it.
    EndWord {
        /// Whose test it was.
        node_id: NodeId,
        /// The word as it is: no JSON, no quotes.
        word: String,
    },
}

/// A record as Kafka takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRecord {
    /// Where to.
    pub topic: Topic,
    /// The node's or the test's id.
    pub key: String,
    /// One JSON object, or an end word.
    pub payload: String,
}

/// Why a message cannot be put on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A classic field has no value.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A number that JSON cannot express.
    #[error("{0} is not a finite number")]
    NotFinite(&'static str),
    /// More than Kafka takes.
    #[error("{topic} record of {bytes} bytes is larger than {MAX_WRITTEN_BYTES}", topic = topic.as_str())]
    TooLarge {
        /// Of which topic.
        topic: Topic,
        /// How many bytes.
        bytes: usize,
    },
    /// The serializer failed, which no message of ours makes it do.
    #[error("cannot be written as JSON: {0}")]
    Json(String),
}

impl Outbound {
    /// Which topic it goes to.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Register(_) => Topic::Register,
            Self::TestConfig(_) => Topic::TestConfig,
            Self::Trigger(_) | Self::ChangeRate(_) => Topic::Trigger,
            Self::Metrics(_) | Self::EndWord { .. } => Topic::Metrics,
            Self::Heartbeat(_) => Topic::Heartbeat,
        }
    }

    /// Writes the record.
    ///
    /// # Errors
    /// Where a classic field has no value, a number is not finite, or Kafka would not take the record.
    pub fn write(&self) -> Result<WrittenRecord, WriteError> {
        let topic = self.topic();
        let (key, payload) = match self {
            Self::Register(register) => (register.node_id.as_str(), json(&RegisterRecord::of(register)?)?),
            Self::TestConfig(config) => (config.test_id.as_str(), json(&TestConfigRecord::of(config)?)?),
            Self::Trigger(trigger) => (trigger.test_id.as_str(), json(&TriggerRecord::of(trigger))?),
            Self::ChangeRate(change) => (change.test_id.as_str(), json(&ChangeRateRecord::of(change)?)?),
            Self::Metrics(metrics) => (metrics.node_id.as_str(), window(metrics)?),
            Self::Heartbeat(beat) => (beat.node_id.as_str(), json(&HeartbeatRecord::of(beat)?)?),
            Self::EndWord { node_id, word } => (node_id.as_str(), word.clone()),
        };
        if payload.len() > MAX_WRITTEN_BYTES {
            return Err(WriteError::TooLarge { topic, bytes: payload.len() });
        }
        Ok(WrittenRecord { topic, key: key.to_owned(), payload })
    }
}

/// A window that is larger than Kafka takes goes without the histograms by name: its counts arrive, and what the
/// figures of a name do not cover is seen from them.
fn window(metrics: &Metrics) -> Result<String, WriteError> {
    let whole = json(&MetricsRecord::of(metrics, Detail::Whole)?)?;
    if whole.len() <= MAX_WRITTEN_BYTES {
        return Ok(whole);
    }
    json(&MetricsRecord::of(metrics, Detail::Counts)?)
}

fn json(record: &impl Serialize) -> Result<String, WriteError> {
    serde_json::to_string(record).map_err(|error| WriteError::Json(error.to_string()))
}
