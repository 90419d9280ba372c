//! The consumer as an actor: the messages it receives and the records it passes on. The reading itself runs on a
//! thread of its own (`reader`), because librdkafka blocks; this half does not use rdkafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, WrapFuture,
};
use tokio::sync::{mpsc, watch};

use super::client::{KafkaError, consumer_config};
use super::reader::Reader;
use super::reading::{ConsumerOptions, ConsumerStats, Said};
use super::{ConsumerChanged, RecordsArrived};

/// Commands and queries that may wait; records never come through the mailbox.
const MAILBOX: usize = 16;

/// Asks for the consumer's counters.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ConsumerStats")]
pub struct GetConsumerStats;

/// Stops reading: the batch that is being handled is the last. The actor stops when its thread has ended.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopConsumer;

/// Reads topics and passes their records on, batch by batch.
///
/// - owns: the reading thread, and with it the rdkafka consumer and the offsets.
/// - receives: [`GetConsumerStats`], [`StopConsumer`].
/// - sends: [`RecordsArrived`] to one recipient, [`ConsumerChanged`] to another, each awaited before the next.
/// - on failure: when Kafka is unreachable or has lost records, it retries without a limit and reports the change as
///   [`ConsumerChanged`]. A record that cannot be read is counted, and passed on marked as such. It stops when a
///   recipient has stopped.
/// - mailbox bound: 16.
///
/// It runs until [`StopConsumer`] or the end of its arbiter, not until its address is dropped.
pub struct KafkaConsumerActor {
    reader: Option<Reader>,
    records: Recipient<RecordsArrived>,
    changes: Recipient<ConsumerChanged>,
    /// As of the last batch.
    stats: watch::Sender<ConsumerStats>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KafkaConsumerActor {
    /// Prepares a consumer; nothing is asked of Kafka before it is started.
    ///
    /// # Errors
    /// Where the settings name no broker or a file that cannot be read.
    pub fn new(
        options: ConsumerOptions,
        records: Recipient<RecordsArrived>,
        changes: Recipient<ConsumerChanged>,
    ) -> Result<Self, KafkaError> {
        let config = consumer_config(&options.kafka, &options.node_id)?;
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader::new(config, options, Arc::clone(&stop));
        Ok(Self {
            reader: Some(reader),
            records,
            changes,
            stats: watch::Sender::default(),
            stop,
            thread: None,
        })
    }
}

impl Actor for KafkaConsumerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let Some(reader) = self.reader.take() else { return };
        let (to_actor, from_thread) = mpsc::channel(1);
        let spawned =
            std::thread::Builder::new().name("kafka-reader".to_owned()).spawn(move || reader.run(&to_actor));
        match spawned {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                log::error!(error:%; "kafka consumer thread could not be started");
                ctx.stop();
                return;
            }
        }
        let forwarding = forward(from_thread, self.records.clone(), self.changes.clone(), self.stats.clone());
        ctx.spawn(forwarding.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

impl Drop for KafkaConsumerActor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Nothing to wait for after `StopConsumer`; else at most one question to Kafka (2 s), at the end of the system.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("kafka reader thread panicked");
        }
    }
}

/// Forwards the thread's messages to the recipients until the thread ends or a recipient has stopped.
async fn forward(
    mut from_thread: mpsc::Receiver<Said>,
    records: Recipient<RecordsArrived>,
    changes: Recipient<ConsumerChanged>,
    stats: watch::Sender<ConsumerStats>,
) {
    while let Some(message) = from_thread.recv().await {
        let (handled, done) = match message {
            Said::Records(batch, counted, done) => {
                stats.send_replace(counted);
                (records.send(batch).await, done)
            }
            Said::Changed(change, done) => (changes.send(change).await, done),
        };
        if let Err(error) = handled {
            log::error!(error:%; "kafka consumer stops: its recipient has stopped");
            return;
        }
        // The channel has room for the one answer. A thread that was stopped no longer waits for it.
        let _ = done.try_send(());
    }
}

impl Handler<GetConsumerStats> for KafkaConsumerActor {
    type Result = actix::MessageResult<GetConsumerStats>;

    fn handle(&mut self, _: GetConsumerStats, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(self.stats.borrow().clone())
    }
}

impl Handler<StopConsumer> for KafkaConsumerActor {
    type Result = ();

    fn handle(&mut self, _: StopConsumer, _: &mut Self::Context) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
