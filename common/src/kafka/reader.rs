//! The reading thread: waits for Kafka, assigns explicit offsets, reads batches, and recovers from any failure of
//! the brokers. Everything here may block, and nothing here is async.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::client::{ASK, LogGate, QuietContext, SERVE, not_made};
use super::positions::{Held, Lost, Watermarks, in_range, starting};
use super::reading::{ConsumerOptions, Said};
use super::rejections::RecordCounts;
use super::{Arrived, ConsumerChanged, Offsets, Position, RecordsArrived};
use crate::wire::{self, Inbound, RawMetrics, Topic};

/// Longest wait for a record: how soon a stop is seen.
const POLL: Duration = Duration::from_millis(100);
/// Interval between two requests to a Kafka that did not answer, or lacks a topic.
const RETRY: Duration = Duration::from_millis(500);
/// Interval between two checks for new partitions, and for whether Kafka answers.
const REFRESH: Duration = Duration::from_secs(30);

/// Reading has ended: by a stop, or because the receiving actor is gone.
struct Ended;

/// What the thread owns.
pub(super) struct Reader {
    config: ClientConfig,
    options: ConsumerOptions,
    /// Topics with their full names.
    names: Vec<(Topic, String)>,
    stop: Arc<AtomicBool>,
    counts: RecordCounts,
    /// The next offset to read of each assigned partition.
    next: Offsets,
    connected: bool,
    refresh_at: Instant,
    /// Set when an offset may be out of range: check, and assign anew.
    offsets_suspect: bool,
    gate: LogGate,
}

type Client = BaseConsumer<QuietContext>;

impl Reader {
    /// Prepares the thread's state.
    pub fn new(config: ClientConfig, options: ConsumerOptions, stop: Arc<AtomicBool>) -> Self {
        let names = options.topics.iter().map(|&topic| (topic, options.kafka.topic_name(topic))).collect();
        Self {
            config,
            options,
            names,
            stop,
            counts: RecordCounts::default(),
            next: Offsets::new(),
            connected: true,
            refresh_at: Instant::now() + REFRESH,
            offsets_suspect: false,
            gate: LogGate::default(),
        }
    }

    /// Reads until it is stopped.
    pub fn run(mut self, said: &mpsc::Sender<Said>) {
        let stop = Arc::clone(&self.stop);
        let to_actor = &ToActor { said, stop: &stop };
        let consumer: Client = match self.config.create_with_context(QuietContext::default()) {
            Ok(consumer) => consumer,
            Err(error) => {
                log::error!(error:% = not_made(&error); "kafka consumer cannot be made");
                return;
            }
        };
        if self.begin(&consumer, to_actor).is_ok() {
            while self.round(&consumer, to_actor).is_ok() {}
        }
        // The channel closes after this, so the actor ends after the consumer has left Kafka.
        drop(consumer);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until Kafka answers and all topics exist, then assigns the offsets to start from.
    fn begin(&mut self, consumer: &Client, to_actor: &ToActor<'_>) -> Result<(), Ended> {
        let held = loop {
            match self.watermarks(consumer) {
                Ok(held) => break held,
                Err(reason) => {
                    if self.gate.opens() {
                        log::warn!(brokers:% = self.brokers(), error:% = reason; "kafka consumer waits");
                    }
                }
            }
            self.pause(RETRY)?;
            // Nothing is assigned yet, so polling returns errors only; the context keeps them to explain the failure.
            while consumer.poll(SERVE).is_some() {}
        };
        let (from, lost) = starting(&self.options.start, &held);
        self.next = from.clone();
        while let Err(reason) = self.assign(consumer) {
            if self.gate.opens() {
                log::error!(error:% = reason; "kafka consumer cannot assign partitions");
            }
            self.pause(RETRY)?;
        }
        let cluster_id = consumer.client().fetch_cluster_id(ASK);
        log::info!(
            n_partitions = from.len(), cluster_id = cluster_id.as_deref().unwrap_or("unknown");
            "kafka consumer reads"
        );
        say(to_actor, |done| Said::Changed(ConsumerChanged::Assigned { cluster_id, from }, done))?;
        self.report_lost(&lost, to_actor)
    }

    /// Reads one batch, or waits once without any, and does the periodic checks that are due.
    fn round(&mut self, consumer: &Client, to_actor: &ToActor<'_>) -> Result<(), Ended> {
        if self.stopped() {
            return Err(Ended);
        }
        let (batch, failure) = self.batch(consumer);
        if !batch.is_empty() {
            self.set_connected(true, to_actor)?;
            let stats = self.counts.stats().clone();
            say(to_actor, |done| Said::Records(RecordsArrived(batch), stats, done))?;
        }
        if let Some(error) = failure {
            self.failed(&error);
        }
        if self.offsets_suspect {
            self.recover_offsets(consumer, to_actor)?;
        }
        if Instant::now() >= self.refresh_at {
            self.refresh(consumer, to_actor)?;
        }
        Ok(())
    }

    /// Reads what is there, within the batch's bounds; an error ends the batch and comes with it.
    fn batch(&mut self, consumer: &Client) -> (Vec<Arrived>, Option<ClientError>) {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut wait = POLL;
        while batch.len() < self.options.max_batch_records && bytes < self.options.max_batch_bytes {
            match consumer.poll(wait) {
                Some(Ok(message)) => {
                    bytes += message.payload_len();
                    batch.extend(self.arrived(&message));
                }
                Some(Err(error)) => return (batch, Some(error)),
                None => break,
            }
            wait = Duration::ZERO;
        }
        (batch, None)
    }

    fn arrived(&mut self, message: &BorrowedMessage<'_>) -> Option<Arrived> {
        let (topic, _) = self.names.iter().find(|(_, name)| name == message.topic())?;
        let position = Position { topic: *topic, partition: message.partition(), offset: message.offset() };
        self.next.insert((position.topic, position.partition), position.offset + 1);
        self.counts.read(position.topic);
        let content = wire::read(position.topic, message.payload(), &self.options.read_as);
        if let Err(why) = &content
            && self.counts.rejected(position.topic, why)
        {
            log::warn!(
                topic = message.topic(),
                reason:? = why.reason,
                node_id = why.node_id.as_ref().map_or("unknown", |id| id.as_str()),
                partition = position.partition,
                offset = position.offset,
                detail:% = why.detail;
                "record rejected"
            );
        }
        let raw = match &content {
            Ok(Inbound::Metrics(metrics)) => {
                let payload = message.payload().unwrap_or_default();
                Some(RawMetrics::of(payload, metrics, &self.options.read_as))
            }
            _ => None,
        };
        Some(Arrived { position, timestamp_ms: message.timestamp().to_millis(), content, raw })
    }

    /// Records an error; it is acted on after the batch before it was passed on.
    fn failed(&mut self, error: &ClientError) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                self.offsets_suspect = true
            }
            _ => {
                // librdkafka recovers from other errors by itself; check here only whether Kafka answers.
                self.refresh_at = self.refresh_at.min(Instant::now());
                if self.gate.opens() {
                    log::warn!(error:%; "kafka consumer error; it goes on");
                }
            }
        }
    }

    /// After an offset out of range, librdkafka has stopped reading that partition and does not say which: looks at
    /// all of them, moves those that are out of range, and assigns anew.
    fn recover_offsets(&mut self, consumer: &Client, to_actor: &ToActor<'_>) -> Result<(), Ended> {
        let looked = self.watermarks(consumer);
        match looked {
            Ok(held) => {
                let (next, lost) = in_range(self.next.clone(), &held);
                self.next = next;
                if let Err(reason) = self.assign(consumer) {
                    log::error!(error:% = reason; "kafka consumer cannot assign partitions");
                    return self.pause(RETRY);
                }
                self.offsets_suspect = false;
                self.report_lost(&lost, to_actor)
            }
            Err(reason) => {
                if self.gate.opens() {
                    log::warn!(error:% = reason; "kafka consumer cannot check its offsets yet");
                }
                self.set_connected(false, to_actor)?;
                self.pause(RETRY)
            }
        }
    }

    /// Checks whether Kafka answers, and looks for new partitions. Their records were published after the start, so
    /// they are read from the beginning.
    fn refresh(&mut self, consumer: &Client, to_actor: &ToActor<'_>) -> Result<(), Ended> {
        match self.partitions(consumer) {
            Ok(partitions) => {
                self.refresh_at = Instant::now() + REFRESH;
                self.set_connected(true, to_actor)?;
                let new: Vec<_> = partitions.into_iter().filter(|at| !self.next.contains_key(at)).collect();
                for &(topic, partition) in &new {
                    let name = self.options.kafka.topic_name(topic);
                    log::info!(topic:% = name, partition; "kafka consumer found a new partition");
                    self.next.insert((topic, partition), 0);
                }
                // If offset 0 was trimmed already, reading reports it as out of range, and the reset repairs it.
                self.offsets_suspect |= !new.is_empty();
                Ok(())
            }
            Err(reason) => {
                self.refresh_at = Instant::now() + RETRY;
                if self.gate.opens() {
                    log::warn!(brokers:% = self.brokers(), error:% = reason; "kafka does not answer");
                }
                self.set_connected(false, to_actor)
            }
        }
    }

    fn set_connected(&mut self, connected: bool, to_actor: &ToActor<'_>) -> Result<(), Ended> {
        if self.connected == connected {
            return Ok(());
        }
        self.connected = connected;
        log::warn!(connected; "kafka connection changed");
        if !connected {
            self.refresh_at = Instant::now() + RETRY;
        }
        say(to_actor, |done| Said::Changed(ConsumerChanged::Connected(connected), done))
    }

    /// All partitions of our topics.
    fn partitions(&self, consumer: &Client) -> Result<Vec<(Topic, i32)>, String> {
        let mut partitions = Vec::new();
        for (topic, name) in &self.names {
            let metadata = consumer
                .fetch_metadata(Some(name), ASK)
                .map_err(|error| consumer.context().explain(&error))?;
            let found = metadata.topics().iter().find(|found| found.name() == name);
            let there = found.filter(|found| found.error().is_none() && !found.partitions().is_empty());
            let there = there.ok_or_else(|| format!("topic {name} is not there yet"))?;
            partitions.extend(there.partitions().iter().map(|partition| (*topic, partition.id())));
        }
        Ok(partitions)
    }

    fn watermarks(&self, consumer: &Client) -> Result<Watermarks, String> {
        let mut held = Watermarks::new();
        for (topic, partition) in self.partitions(consumer)? {
            if self.stopped() {
                return Err("stopped".to_owned());
            }
            let name = self.options.kafka.topic_name(topic);
            let (low, high) = consumer
                .fetch_watermarks(&name, partition, ASK)
                .map_err(|error| format!("{name}/{partition}: {}", consumer.context().explain(&error)))?;
            held.insert((topic, partition), Held { low, high });
        }
        Ok(held)
    }

    fn assign(&self, consumer: &Client) -> Result<(), ClientError> {
        let mut list = TopicPartitionList::with_capacity(self.next.len());
        for (&(topic, partition), &offset) in &self.next {
            list.add_partition_offset(
                &self.options.kafka.topic_name(topic),
                partition,
                Offset::Offset(offset),
            )?;
        }
        consumer.assign(&list)
    }

    /// Waits, unless it is stopped. It does not poll: a record polled here would be lost.
    fn pause(&self, wait: Duration) -> Result<(), Ended> {
        let until = Instant::now() + wait;
        while !self.stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL));
        }
        Err(Ended)
    }

    fn report_lost(&self, lost: &[Lost], to_actor: &ToActor<'_>) -> Result<(), Ended> {
        for &Lost { lost, resumed_at } in lost {
            log::warn!(
                topic:% = self.options.kafka.topic_name(lost.topic),
                partition = lost.partition,
                offset = lost.offset,
                resumed_at;
                "kafka no longer has an offset"
            );
            say(to_actor, |done| {
                Said::Changed(ConsumerChanged::OffsetOutOfRange { lost, resumed_at }, done)
            })?;
        }
        Ok(())
    }

    fn brokers(&self) -> &str {
        self.config.get("bootstrap.servers").unwrap_or("")
    }
}

/// The channel to the actor, and the flag that stops the thread.
struct ToActor<'a> {
    said: &'a mpsc::Sender<Said>,
    stop: &'a AtomicBool,
}

/// Sends a message to the actor and waits until it was handled, or until the thread has to stop. The stop matters: an
/// actor that is being dropped no longer answers, and waits for this thread.
fn say(to_actor: &ToActor<'_>, said: impl FnOnce(SyncSender<()>) -> Said) -> Result<(), Ended> {
    let (done, handled) = sync_channel(1);
    // One is outstanding at a time, so there is room.
    to_actor.said.try_send(said(done)).map_err(|_| Ended)?;
    while !to_actor.stop.load(Ordering::Relaxed) {
        match handled.recv_timeout(POLL) {
            Ok(()) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(Ended),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    Err(Ended)
}
