//! What the link to Kafka receives, what it sends to all actors that wait for Kafka, and the handles of both. Records
//! reach it as `common::kafka::Publish`.

use std::net::IpAddr;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::kafka::{FlushProducer, ProducerStats};

use super::{NodeEnding, send};
use crate::overflow::notify;

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

/// Sends to the link.
#[derive(Clone)]
pub struct LinkHandle {
    flush: Recipient<FlushProducer>,
    stats: Recipient<GetLinkStats>,
}

impl LinkHandle {
    /// Of the link, or of a stub.
    pub fn of<A>(link: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<FlushProducer> + Handler<GetLinkStats>,
    {
        Self { flush: link.clone().recipient(), stats: link.clone().recipient() }
    }

    /// Waits until Kafka has all records, at most so long; the result is how many still wait.
    pub fn flush(&self, within: Duration) -> impl Future<Output = Result<u64, NodeEnding>> + use<> {
        send(&self.flush, FlushProducer { within })
    }

    /// How the connection is.
    pub fn stats(&self) -> impl Future<Output = Result<LinkStats, NodeEnding>> + use<> {
        send(&self.stats, GetLinkStats)
    }
}

/// Sends to all actors that wait for Kafka.
#[derive(Clone, Default)]
pub struct LinkUpHandle {
    actors: Vec<Recipient<LinkUp>>,
}

impl LinkUpHandle {
    /// Sends to one more actor, after the others.
    #[must_use]
    pub fn and<A>(mut self, actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<LinkUp>,
    {
        self.actors.push(actor.clone().recipient());
        self
    }

    /// Reports that Kafka can be used; a report that meets a full mailbox is dropped, counted and logged.
    pub fn link_up(&self, address: IpAddr, moved: bool) {
        for actor in &self.actors {
            notify(actor, LinkUp { address, moved }, "link up");
        }
    }
}
