//! The strict writer: what our nodes put on the wire, classic fields first.

use super::{Heartbeat, Metrics, Register, TestConfig, Topic, Trigger};

/// A message of ours, to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Outbound {
    /// See [`Register`].
    Register(Register),
    /// See [`TestConfig`].
    TestConfig(Box<TestConfig>),
    /// See [`Trigger`].
    Trigger(Trigger),
    /// See [`Metrics`].
    Metrics(Box<Metrics>),
    /// See [`Heartbeat`].
    Heartbeat(Box<Heartbeat>),
}

/// A record as Kafka takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRecord {
    /// Where to.
    pub topic: Topic,
    /// The node's or the test's id.
    pub key: String,
    /// One JSON object.
    pub payload: String,
}
