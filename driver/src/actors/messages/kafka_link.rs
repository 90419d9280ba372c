//! What the link to Kafka receives, and what it sends to all who wait for Kafka.

use std::net::IpAddr;

use actix::Message;
use common::kafka::ProducerStats;

/// Records can be published, and whatever is published from now on is read: time to register.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct LinkUp {
    /// This machine's address towards the broker.
    pub address: IpAddr,
    /// Whether it is another Kafka than before.
    pub moved: bool,
}

/// Asks how the connection is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "LinkStats")]
pub struct GetLinkStats;

/// How the connection is.
#[derive(Debug, Clone, Default)]
pub struct LinkStats {
    /// Whether a broker answers.
    pub connected: bool,
    /// The producer's counters, since this Kafka was found.
    pub produced: ProducerStats,
    /// Records read, by the topic's name on this Kafka.
    pub read: Vec<(String, u64)>,
    /// Records rejected, by the topic's name on this Kafka and the reason.
    pub rejected: Vec<(String, String, u64)>,
}
