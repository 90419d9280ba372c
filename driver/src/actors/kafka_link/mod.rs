//! The driver's connection to Kafka. The brokers come from the settings or from the orchestrator. In the second case
//! the orchestrator is asked again when Kafka is gone: an embedded broker may come back at another address.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, ResponseFuture, WrapFuture};
use common::kafka::{
    ConsumerChanged, FlushProducer, GetConsumerStats, GetProducerStats, KafkaError, Publish, StopConsumer,
    WarmUp,
};
use common::service::Needs;
use common::settings::{Brokers, KafkaSettings};
use tokio::sync::{mpsc, watch};

use super::messages::kafka_link::{GetLinkStats, LinkStats, LinkUpHandle};
use crate::RunError;
use crate::bootstrap::{AskError, Bootstrap, source_address};
use crate::overflow::notify;

/// Records and queries that may wait.
const MAILBOX: usize = 256;
/// Between two requests to an orchestrator that does not answer.
const RETRY: Duration = Duration::from_millis(500);
/// How long Kafka may be unreachable before the orchestrator is asked for its present address.
const AWAY_BEFORE_ASKING: Duration = Duration::from_secs(3);
/// What a driver needs before it is ready.
const KAFKA: &str = "Kafka";

/// The addresses of one Kafka's clients.
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
    settings: KafkaSettings,
    connect: Connect,
    ask: Option<Ask>,
    ups: LinkUpHandle,
    fatal: mpsc::Sender<RunError>,
    clients: Option<KafkaClients>,
    /// Counts the Kafkas used so far. A change cancels the records that wait for the producer of an earlier one.
    generation: watch::Sender<u64>,
    asking: bool,
    waits_for: Option<String>,
    away_since: Option<Instant>,
    /// Whether this Kafka has been joined since it was found.
    joined: bool,
    needs: Needs,
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
        needs.wait_for(KAFKA, KAFKA);
        let generation = watch::Sender::new(0);
        Self {
            settings,
            connect,
            ask,
            ups,
            fatal,
            clients: None,
            generation,
            asking: false,
            waits_for: None,
            away_since: Some(Instant::now()),
            joined: false,
            needs,
        }
    }

    fn waits_for_kafka(&self) {
        let at = match &self.settings.brokers {
            Brokers::At(brokers) => format!("Kafka at {}", brokers.join(", ")),
            _ => KAFKA.to_owned(),
        };
        self.needs.wait_for(KAFKA, at);
    }

    fn use_kafka(&mut self, settings: KafkaSettings, ctx: &mut Context<Self>) {
        match (self.connect)(&settings, ctx.address().recipient()) {
            Ok(clients) => {
                if let Some(old) = self.clients.replace(clients) {
                    notify(&old.stop, StopConsumer, "stop of the old consumer");
                }
                self.settings = settings;
                self.generation.send_modify(|generation| *generation += 1);
                self.away_since = Some(Instant::now());
                self.joined = false;
                self.waits_for_kafka();
            }
            Err(error) => {
                log::error!(error:%; "kafka cannot be used");
                // A full channel holds an error already: one is enough to end the node.
                let _ = self.fatal.try_send(RunError::Kafka(error));
            }
        }
    }

    /// Asks the orchestrator for Kafka's addresses, and connects to them if they are new.
    fn ask(&mut self, ctx: &mut Context<Self>) {
        let Some(ask) = &self.ask else { return };
        if self.asking {
            return;
        }
        self.asking = true;
        ctx.spawn(ask().into_actor(self).map(|answer, actor, ctx| {
            actor.asking = false;
            match answer {
                Ok(bootstrap) => actor.found(bootstrap, ctx),
                Err(error) => actor.waits(error.to_string()),
            }
        }));
    }

    /// Logs and reports what the driver waits for, once for each reason.
    fn waits(&mut self, reason: String) {
        if self.waits_for.as_ref() != Some(&reason) {
            log::warn!(error:% = reason; "kafka's addresses not received, trying again");
            self.needs.wait_for(KAFKA, format!("Kafka's addresses: {reason}"));
            self.waits_for = Some(reason);
        }
    }

    fn found(&mut self, bootstrap: Bootstrap, ctx: &mut Context<Self>) {
        self.waits_for = None;
        let addresses = bootstrap.brokers.join(",");
        let Bootstrap { brokers, topic_prefix, topics, .. } = bootstrap;
        let brokers = Brokers::At(brokers);
        let found = KafkaSettings { brokers, topic_prefix, topics, ..self.settings.clone() };
        if found == self.settings && self.clients.is_some() {
            return;
        }
        log::info!(brokers:% = addresses; "kafka found");
        self.use_kafka(found, ctx);
    }

    /// The consumer reads: warms the producer up, however long that takes, and then reports that the link is up.
    fn assigned(&mut self, ctx: &mut Context<Self>) {
        let Some(clients) = &self.clients else { return };
        let warm_up = clients.warm_up.clone();
        let brokers = match &self.settings.brokers {
            Brokers::At(brokers) => brokers.clone(),
            _ => Vec::new(),
        };
        let mut changed = self.generation.subscribe();
        let generation = *changed.borrow_and_update();
        let up = async move {
            loop {
                tokio::select! {
                    warm = warm_up.send(WarmUp) => match warm {
                        Ok(Ok(())) => break,
                        Ok(Err(error)) => log::debug!(error:%; "kafka producer is not warm yet"),
                        Err(_) => return None,
                    },
                    _ = changed.changed() => return None,
                }
                tokio::time::sleep(RETRY / 5).await;
            }
            Some(source_address(&brokers).await)
        };
        ctx.spawn(up.into_actor(self).map(move |address, actor, _| {
            let Some(address) = address else { return };
            log::info!(address:%; "kafka joined");
            actor.joined = true;
            actor.needs.met(KAFKA);
            actor.ups.link_up(address, generation > 1);
        }));
    }
}

impl Actor for KafkaLinkActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if matches!(self.settings.brokers, Brokers::At(_)) {
            // The settings name the brokers: the orchestrator is not asked for them.
            self.ask = None;
            self.use_kafka(self.settings.clone(), ctx);
            return;
        }
        self.ask(ctx);
        ctx.run_interval(RETRY, |actor, ctx| {
            let away = actor.away_since.is_some_and(|since| since.elapsed() >= AWAY_BEFORE_ASKING);
            if actor.clients.is_none() || away {
                actor.ask(ctx);
            }
        });
    }
}

impl Handler<ConsumerChanged> for KafkaLinkActor {
    type Result = ();

    fn handle(&mut self, changed: ConsumerChanged, ctx: &mut Self::Context) {
        match changed {
            ConsumerChanged::Assigned { .. } => {
                self.away_since = None;
                self.assigned(ctx);
            }
            ConsumerChanged::Connected(true) => {
                if self.away_since.take().is_some() {
                    log::info!("kafka reachable again");
                    if self.joined {
                        self.needs.met(KAFKA);
                    }
                }
            }
            ConsumerChanged::Connected(false) => {
                if self.away_since.is_none() {
                    log::warn!("kafka unreachable");
                    self.waits_for_kafka();
                    self.away_since = Some(Instant::now());
                }
            }
            ConsumerChanged::OffsetOutOfRange { lost, resumed_at } => {
                log::warn!(
                    topic:% = self.settings.topic_name(lost.topic), partition = lost.partition, offset = lost.offset,
                    resumed_at;
                    "kafka lost records"
                );
            }
        }
    }
}

impl Handler<Publish> for KafkaLinkActor {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, publish: Publish, _: &mut Self::Context) -> Self::Result {
        let Some(clients) = &self.clients else {
            return Box::pin(async { Err(KafkaError::NoBrokers) });
        };
        // Called now, not when the future is first polled: records keep the order in which they came.
        let sent = clients.publish.send(publish);
        let mut changed = self.generation.subscribe();
        changed.mark_unchanged();
        Box::pin(async move {
            tokio::select! {
                biased;
                delivered = sent => delivered.unwrap_or(Err(KafkaError::Stopped)),
                _ = changed.changed() => Err(KafkaError::Stopped),
            }
        })
    }
}

impl Handler<FlushProducer> for KafkaLinkActor {
    type Result = ResponseFuture<u64>;

    fn handle(&mut self, flush: FlushProducer, _: &mut Self::Context) -> Self::Result {
        let flush = self.clients.as_ref().map(|clients| clients.flush.send(flush));
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
        let connected = self.away_since.is_none();
        let settings = self.settings.clone();
        let asked = self.clients.as_ref().map(|clients| {
            (clients.produced.send(GetProducerStats), clients.consumed.send(GetConsumerStats))
        });
        Box::pin(async move {
            let Some((produced, consumed)) = asked else {
                return LinkStats { connected, ..LinkStats::default() };
            };
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
