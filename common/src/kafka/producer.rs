//! The producer as an actor: records in, deliveries out, bounded throughout.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, SpawnHandle};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::sync::oneshot;

use super::Publish;
use super::client::{ASK, KafkaError, LogGate, QuietContext, not_made, producer_config};
use super::deliveries::{ASK_BUSY, Delivered, Deliveries, ask};
use crate::settings::KafkaSettings;
use crate::wire::{Topic, WrittenRecord};

/// Records and queries that may wait to be taken; the queue behind it is librdkafka's.
const MAILBOX: usize = 1_024;
/// Most heartbeats that wait for Kafka at a time. A heartbeat is useful only while it is fresh: after
/// minutes without Kafka, a burst of old ones would be useless.
const MAX_UNDELIVERED_HEARTBEATS: u32 = 4;
/// Least time between two replacements of a producer that librdkafka declared dead.
const REMAKE: Duration = Duration::from_secs(1);
/// How often a flush looks whether all is delivered.
const FLUSH_STEP: Duration = Duration::from_millis(2);

/// What became of the records so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProducerStats {
    /// Records that Kafka has.
    pub published: u64,
    /// Records that failed: refused by Kafka, timed out, or refused because the queue was full.
    pub failed: u64,
    /// Those of `failed` that met a full queue.
    pub queue_full: u64,
    /// Heartbeats that were dropped because others await delivery already; not in `failed`.
    pub heartbeats_held_back: u64,
    /// Records that wait for Kafka now.
    pub queued: u64,
}

/// Asks for the producer's counters.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ProducerStats")]
pub struct GetProducerStats;

/// Fetches the metadata of all topics, so that the first record does not wait for it (0.9 s on Apache Kafka).
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), KafkaError>")]
pub struct WarmUp;

/// Waits until all records taken so far are delivered or given up, at most so long; answers how many still wait.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "u64")]
pub struct FlushProducer {
    /// The longest wait.
    pub within: Duration,
}

type Client = BaseProducer<Deliveries>;

/// Publishes records, in the order in which it is asked to.
///
/// - owns: the rdkafka producer and its queue (10,000 records or 64 MiB).
/// - receives: [`Publish`], [`WarmUp`], [`FlushProducer`], [`GetProducerStats`].
/// - sends: nothing of its own; each answer comes when Kafka has the record or gave it up (5 minutes).
/// - on failure: librdkafka retries while Kafka is unreachable. A record that meets a full queue, and a heartbeat past
///   its bound, fail at once and are counted. A producer that librdkafka declares dead is replaced.
/// - mailbox bound: 1,024.
///
/// What was not flushed before it stops is lost.
pub struct KafkaProducerActor {
    settings: KafkaSettings,
    config: ClientConfig,
    context: QuietContext,
    producer: Option<Arc<Client>>,
    /// The timer of the next poll of librdkafka, and its interval.
    asking: Option<(SpawnHandle, Duration)>,
    made_at: Instant,
    counts: Rc<DeliveryCounts>,
    gate: LogGate,
}

/// Counters that deliveries share with the actor; all on one arbiter.
#[derive(Debug, Default)]
struct DeliveryCounts {
    published: Cell<u64>,
    failed: Cell<u64>,
    queue_full: Cell<u64>,
    held_back: Cell<u64>,
    queued: Cell<u64>,
    heartbeats: Cell<u32>,
}

fn add(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

impl KafkaProducerActor {
    /// Makes a producer. It connects by itself, and waits for Kafka where it must.
    ///
    /// # Errors
    /// Where the settings name no broker, a file that cannot be read, or something librdkafka does not take.
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let config = producer_config(settings)?;
        let context = QuietContext::default();
        let producer = make(&config, &context)?;
        Ok(Self {
            settings: settings.clone(),
            config,
            context,
            producer: Some(Arc::new(producer)),
            asking: None,
            made_at: Instant::now(),
            counts: Rc::default(),
            gate: LogGate::default(),
        })
    }

    /// Gives a record to librdkafka, in order: this is not async.
    fn enqueue(&mut self, record: &WrittenRecord) -> Result<oneshot::Receiver<Delivered>, KafkaError> {
        let heartbeats = self.counts.heartbeats.get();
        if record.topic == Topic::Heartbeat && heartbeats >= MAX_UNDELIVERED_HEARTBEATS {
            add(&self.counts.held_back);
            return Err(KafkaError::HeartbeatHeldBack { undelivered: heartbeats });
        }
        let topic = self.settings.topic_name(record.topic);
        let taken = self.producer.as_ref().ok_or(KafkaError::Stopped).and_then(|producer| {
            let (publisher, delivered) = oneshot::channel();
            let to = BaseRecord::with_opaque_to(&topic, Box::new(publisher));
            producer
                .send(to.key(&record.key).payload(&record.payload))
                .map_err(|(error, _)| not_taken(&error))?;
            Ok(delivered)
        });
        match &taken {
            Ok(_) => {
                add(&self.counts.queued);
                if record.topic == Topic::Heartbeat {
                    self.counts.heartbeats.set(heartbeats + 1);
                }
            }
            Err(error) => {
                add(&self.counts.failed);
                if *error == KafkaError::QueueFull {
                    add(&self.counts.queue_full);
                }
                if self.gate.opens() {
                    log::warn!(topic:%, key:% = record.key, error:%; "record not published");
                }
                self.remake_if_dead();
            }
        }
        taken
    }

    /// librdkafka gives up an idempotent producer whose sequence is broken beyond repair; a new one starts a new
    /// sequence. Records still in the old one fail, and their publishers receive the error.
    fn remake_if_dead(&mut self) {
        let dead = self.producer.as_ref().is_none_or(|producer| producer.client().fatal_error().is_some());
        if !dead || self.made_at.elapsed() < REMAKE {
            return;
        }
        self.made_at = Instant::now();
        match make(&self.config, &self.context) {
            Ok(producer) => {
                log::error!("kafka producer died and was replaced");
                if let Some(old) = self.producer.replace(Arc::new(producer)) {
                    retire(old);
                }
            }
            Err(error) => log::error!(error:%; "kafka producer died and could not be replaced"),
        }
    }

    /// Polls librdkafka for delivery reports, and schedules the next poll.
    fn ask(&mut self, ctx: &mut Context<Self>) {
        self.asking = None;
        if let Some(producer) = &self.producer {
            let again = ask(producer);
            self.ask_within(again, ctx);
        }
    }

    /// Polls no later than after this time.
    fn ask_within(&mut self, within: Duration, ctx: &mut Context<Self>) {
        if let Some((handle, at_latest)) = self.asking {
            if at_latest <= within {
                return;
            }
            ctx.cancel_future(handle);
        }
        self.asking = Some((ctx.run_later(within, Self::ask), within));
    }
}

fn make(config: &ClientConfig, context: &QuietContext) -> Result<Client, KafkaError> {
    config.create_with_context(Deliveries(context.clone())).map_err(|error| not_made(&error))
}

/// Drops a producer off the async threads: it waits up to half a second for its own end.
fn retire(producer: Arc<Client>) {
    let spawned = std::thread::Builder::new().name("kafka-retire".to_owned()).spawn(move || drop(producer));
    if let Err(error) = spawned {
        log::warn!(error:%; "kafka producer was closed on its actor's thread");
    }
}

fn not_taken(error: &ClientError) -> KafkaError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => KafkaError::QueueFull,
        Some(code) => KafkaError::NotDelivered(code.to_string()),
        None => KafkaError::NotDelivered(error.to_string()),
    }
}

impl Actor for KafkaProducerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.ask(ctx);
    }
}

impl Drop for KafkaProducerActor {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            retire(producer);
        }
    }
}

impl Handler<Publish> for KafkaProducerActor {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, Publish(record): Publish, ctx: &mut Self::Context) -> Self::Result {
        let (topic, name) = (record.topic, self.settings.topic_name(record.topic));
        let taken = self.enqueue(&record);
        self.ask_within(ASK_BUSY, ctx);
        let counts = Rc::clone(&self.counts);
        Box::pin(async move {
            let delivered = match taken?.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(not_taken(&error)),
                Err(_) => Err(KafkaError::Stopped),
            };
            counts.queued.set(counts.queued.get().saturating_sub(1));
            if topic == Topic::Heartbeat {
                counts.heartbeats.set(counts.heartbeats.get().saturating_sub(1));
            }
            match &delivered {
                Ok(()) => add(&counts.published),
                Err(error) => {
                    add(&counts.failed);
                    log::warn!(topic:% = name, key:% = record.key, error:%; "record not delivered");
                }
            }
            delivered
        })
    }
}

impl Handler<WarmUp> for KafkaProducerActor {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, _: WarmUp, _: &mut Self::Context) -> Self::Result {
        let producer = self.producer.clone();
        let context = self.context.clone();
        let names = Topic::ALL.map(|topic| self.settings.topic_name(topic));
        let brokers = self.config.get("bootstrap.servers").unwrap_or_default().to_owned();
        Box::pin(async move {
            let producer = producer.ok_or(KafkaError::Stopped)?;
            let warm = tokio::task::spawn_blocking(move || {
                names.iter().try_for_each(|name| match producer.client().fetch_metadata(Some(name), ASK) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(KafkaError::Unreachable {
                        brokers: brokers.clone(),
                        reason: context.explain(&error),
                    }),
                })
            });
            warm.await.map_err(|_| KafkaError::Stopped)?
        })
    }
}

impl Handler<FlushProducer> for KafkaProducerActor {
    type Result = ResponseFuture<u64>;

    fn handle(&mut self, FlushProducer { within }: FlushProducer, _: &mut Self::Context) -> Self::Result {
        let producer = self.producer.clone();
        Box::pin(async move {
            let Some(producer) = producer else { return 0 };
            let deadline = Instant::now() + within;
            loop {
                ask(&producer);
                let waiting = producer.in_flight_count();
                if waiting <= 0 || Instant::now() >= deadline {
                    return u64::try_from(waiting).unwrap_or(0);
                }
                tokio::time::sleep(FLUSH_STEP).await;
            }
        })
    }
}

impl Handler<GetProducerStats> for KafkaProducerActor {
    type Result = MessageResult<GetProducerStats>;

    fn handle(&mut self, _: GetProducerStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(ProducerStats {
            published: self.counts.published.get(),
            failed: self.counts.failed.get(),
            queue_full: self.counts.queue_full.get(),
            heartbeats_held_back: self.counts.held_back.get(),
            queued: self.counts.queued.get(),
        })
    }
}
