//! The driver's connection to Kafka: what the other actors publish passes through here to the Kafka in use. One task
//! (`link`) decides which one that is and when it can be used.

mod link;

use std::future::Future;
use std::pin::Pin;

use actix::{Actor, AsyncContext, Context, Handler, Recipient, ResponseFuture};
use common::kafka::{
    ConsumerChanged, FlushProducer, GetConsumerStats, GetProducerStats, KafkaError, Publish, StopConsumer,
    WarmUp,
};
use common::ordered::Ordered;
use common::service::Needs;
use common::settings::KafkaSettings;
use tokio::sync::{mpsc, watch};

use super::messages::kafka_link::{GetLinkStats, LinkStats, LinkUpHandle};
use crate::RunError;
use crate::bootstrap::{AskError, Bootstrap};

use link::{Asked, InUse, Link};

/// Records and queries that may wait.
const MAILBOX: usize = 256;
/// Changes of the consumer that may wait. It waits for each to be taken.
const CHANGES: usize = 16;

/// The addresses of one Kafka's clients.
#[derive(Clone)]
pub struct KafkaClients {
    pub publish: Recipient<Publish>,
    pub warm_up: Recipient<WarmUp>,
    pub flush: Recipient<FlushProducer>,
    pub produced: Recipient<GetProducerStats>,
    pub consumed: Recipient<GetConsumerStats>,
    pub stop: Recipient<StopConsumer>,
}

/// Starts the clients of one Kafka: `system` does.
pub type Connect =
    Box<dyn Fn(&KafkaSettings, Recipient<ConsumerChanged>) -> Result<KafkaClients, KafkaError>>;
/// Asks the orchestrator which Kafka to use.
pub type Ask = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Bootstrap, AskError>>>>>;

/// Keeps the driver connected to its Kafka.
///
/// - owns: the addresses of the producer and consumer, and which Kafka they belong to.
/// - receives: [`Publish`], [`FlushProducer`] (passed on), [`ConsumerChanged`], [`GetLinkStats`].
/// - sends: [`LinkUpHandle::link_up`] when reading has begun and the producer is warm; to the producer what it is
///   given.
/// - on failure: without an orchestrator or Kafka it waits, for ever; records sent to it meanwhile are answered with
///   an error at once, or when their producer is replaced; unusable settings end the node.
/// - mailbox bound: 256.
pub struct KafkaLinkActor {
    asked: Ordered<Asked>,
    in_use: watch::Receiver<InUse>,
}

impl KafkaLinkActor {
    /// A link that is not up. `ask` is needed where the settings name no brokers.
    pub fn new(
        settings: KafkaSettings,
        connect: Connect,
        ask: Option<Ask>,
        ups: LinkUpHandle,
        fatal: mpsc::Sender<RunError>,
        needs: Needs,
    ) -> Self {
        let link = Link::new(settings, connect, ask, ups, fatal, needs);
        let in_use = link.in_use();
        Self { asked: Ordered::new(CHANGES, |asked| link.run(asked)), in_use }
    }
}

impl Actor for KafkaLinkActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        // There is room: it is the first.
        self.asked.offer(Asked::Begin(ctx.address().recipient()));
        self.asked.start(ctx);
    }
}

impl Handler<ConsumerChanged> for KafkaLinkActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, changed: ConsumerChanged, _: &mut Self::Context) -> Self::Result {
        self.asked.put(Asked::Changed(changed))
    }
}

impl Handler<Publish> for KafkaLinkActor {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, publish: Publish, _: &mut Self::Context) -> Self::Result {
        let (sent, generation) = {
            let in_use = self.in_use.borrow();
            let Some(clients) = &in_use.clients else {
                return Box::pin(async { Err(KafkaError::NoBrokers) });
            };
            // Called now, not when the future is first polled: records keep the order in which they came.
            (clients.publish.send(publish), in_use.generation)
        };
        let mut in_use = self.in_use.clone();
        // Another Kafka cancels the records that wait for the producer of this one.
        let replaced = async move { drop(in_use.wait_for(|in_use| in_use.generation != generation).await) };
        Box::pin(async move {
            tokio::select! {
                biased;
                delivered = sent => delivered.unwrap_or(Err(KafkaError::Stopped)),
                () = replaced => Err(KafkaError::Stopped),
            }
        })
    }
}

impl Handler<FlushProducer> for KafkaLinkActor {
    type Result = ResponseFuture<u64>;

    fn handle(&mut self, flush: FlushProducer, _: &mut Self::Context) -> Self::Result {
        let flush = self.in_use.borrow().clients.as_ref().map(|clients| clients.flush.send(flush));
        Box::pin(async move {
            match flush {
                Some(flushed) => flushed.await.unwrap_or(0),
                None => 0,
            }
        })
    }
}

impl Handler<GetLinkStats> for KafkaLinkActor {
    type Result = ResponseFuture<LinkStats>;

    fn handle(&mut self, _: GetLinkStats, _: &mut Self::Context) -> Self::Result {
        let InUse { clients, settings, connected, .. } = self.in_use.borrow().clone();
        Box::pin(async move {
            let Some(clients) = clients else { return LinkStats { connected, ..LinkStats::default() } };
            let (produced, consumed) =
                (clients.produced.send(GetProducerStats), clients.consumed.send(GetConsumerStats));
            let (produced, consumed) =
                (produced.await.unwrap_or_default(), consumed.await.unwrap_or_default());
            let rejected = consumed.rejected.into_iter();
            LinkStats {
                connected,
                produced,
                read: consumed.read.into_iter().map(|(topic, n)| (settings.topic_name(topic), n)).collect(),
                rejected: rejected
                    .map(|((topic, reason), n)| (settings.topic_name(topic), reason.as_str().to_owned(), n))
                    .collect(),
            }
        })
    }
}

#[cfg(test)]
mod tests;
