//! Both actors together, on the embedded broker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient, ResponseFuture};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::*;
use crate::clock::unix_us;
use crate::ids::NodeId;
use crate::settings::{Brokers, KafkaSettings, TopicNames};
use crate::wire::{ReadAs, RejectReason, Unit};

/// Nothing here takes long; what never comes is a failure, not a hang.
const SOON: Duration = Duration::from_secs(60);

fn settings() -> KafkaSettings {
    // One of the topics has a name of its own, so that everything here works by names that are mapped, too.
    let topics = TopicNames::of([(Topic::Heartbeat, "beats".to_owned())]);
    KafkaSettings { topic_prefix: "t-".to_owned(), topics, ..KafkaSettings::default() }
}

fn options(kafka: &KafkaSettings, topics: &[Topic], start: StartFrom) -> ConsumerOptions {
    let node_id = NodeId::new("reader").unwrap();
    ConsumerOptions::new(kafka.clone(), node_id, topics.to_vec(), start, ReadAs::of(Unit::Milliseconds))
}

/// Stands in for the consumer's recipient: keeps what it receives, and answers when the test lets it.
struct Listener {
    seen: mpsc::UnboundedSender<Seen>,
    answers: bool,
}

enum Seen {
    Batch(Vec<Arrived>, Option<oneshot::Sender<()>>),
    Changed(ConsumerChanged),
}

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<RecordsArrived> for Listener {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, RecordsArrived(batch): RecordsArrived, _: &mut Self::Context) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        let answer = (!self.answers).then_some(answer);
        let waits = answer.is_some();
        let _ = self.seen.send(Seen::Batch(batch, answer));
        Box::pin(async move {
            if waits {
                let _ = answered.await;
            }
        })
    }
}

impl Handler<ConsumerChanged> for Listener {
    type Result = ();

    fn handle(&mut self, change: ConsumerChanged, _: &mut Self::Context) {
        let _ = self.seen.send(Seen::Changed(change));
    }
}

/// A consumer under test and all it says.
struct Reading {
    consumer: Addr<KafkaConsumerActor>,
    seen: mpsc::UnboundedReceiver<Seen>,
    arrived: VecDeque<Arrived>,
}

impl Reading {
    fn start(options: ConsumerOptions, answers: bool) -> Self {
        let (to_test, seen) = mpsc::unbounded_channel();
        let listener = Listener { seen: to_test, answers }.start();
        let records: Recipient<RecordsArrived> = listener.clone().recipient();
        let consumer = KafkaConsumerActor::new(options, records, listener.recipient()).unwrap().start();
        Self { consumer, seen, arrived: VecDeque::new() }
    }

    async fn next(&mut self) -> Seen {
        timeout(SOON, self.seen.recv()).await.expect("something is seen in time").expect("the consumer runs")
    }

    async fn change(&mut self) -> ConsumerChanged {
        loop {
            match self.next().await {
                Seen::Changed(change) => return change,
                Seen::Batch(batch, _) => self.arrived.extend(batch),
            }
        }
    }

    async fn assigned(&mut self) -> Offsets {
        match self.change().await {
            ConsumerChanged::Assigned { from, cluster_id } => {
                assert!(cluster_id.is_some(), "the cluster has a name");
                from
            }
            other => panic!("not assigned but {other:?}"),
        }
    }

    async fn record(&mut self) -> Arrived {
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return arrived;
            }
            if let Seen::Batch(batch, _) = self.next().await {
                self.arrived.extend(batch);
            }
        }
    }

    async fn words(&mut self, n: usize) -> Vec<String> {
        let mut words = Vec::new();
        for _ in 0..n {
            words.push(word(&self.record().await));
        }
        words
    }

    async fn stop(mut self) {
        self.consumer.send(StopConsumer).await.unwrap();
        // The listener's channel closes when the consumer has let go of it, after its thread has ended.
        let all = async { while self.seen.recv().await.is_some() {} };
        timeout(SOON, all).await.expect("the consumer stops");
        assert!(!self.consumer.connected());
    }
}

fn word(arrived: &Arrived) -> String {
    match &arrived.content {
        Ok(Inbound::EndWord(word)) => word.clone(),
        other => panic!("no word but {other:?}"),
    }
}

fn record(topic: Topic, payload: &str) -> Publish {
    Publish(Arc::new(WrittenRecord { topic, key: "k".to_owned(), payload: payload.to_owned() }))
}

fn trigger(test_id: &str) -> String {
    format!(r#"{{"test_id":"{test_id}","trigger":"YES"}}"#)
}

fn test_id(arrived: &Arrived) -> String {
    match &arrived.content {
        Ok(Inbound::Trigger(trigger)) => trigger.test_id.to_string(),
        other => panic!("no trigger but {other:?}"),
    }
}

async fn publish(producer: &Addr<KafkaProducerActor>, topic: Topic, payload: &str) {
    timeout(SOON, producer.send(record(topic, payload))).await.expect("in time").unwrap().unwrap();
}

async fn broker() -> (EmbeddedBroker, KafkaSettings, Addr<KafkaProducerActor>) {
    let broker = EmbeddedBroker::start(&settings()).await.unwrap();
    let kafka = broker.settings(&settings());
    let producer = KafkaProducerActor::new(&kafka).unwrap().start();
    timeout(SOON, producer.send(WarmUp)).await.unwrap().unwrap().unwrap();
    (broker, kafka, producer)
}

#[actix::test]
async fn records_make_the_round_trip_in_order() {
    let (_broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(options(&kafka, &[Topic::Trigger], StartFrom::End), true);
    let from = reading.assigned().await;
    assert_eq!(from, Offsets::from([((Topic::Trigger, 0), 0)]));

    let before_ms = unix_us() / 1_000;
    let sent: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let deliveries: Vec<_> =
        sent.iter().map(|id| producer.send(record(Topic::Trigger, &trigger(id)))).collect();
    for delivery in deliveries {
        timeout(SOON, delivery).await.unwrap().unwrap().unwrap();
    }
    for (n, id) in sent.iter().enumerate() {
        let arrived = reading.record().await;
        assert_eq!(test_id(&arrived), *id);
        let offset = i64::try_from(n).unwrap();
        assert_eq!(arrived.position, Position { topic: Topic::Trigger, partition: 0, offset });
        assert!(arrived.timestamp_ms.is_some_and(|at| at >= before_ms), "{:?}", arrived.timestamp_ms);
    }
    let stats = reading.consumer.send(GetConsumerStats).await.unwrap();
    assert_eq!(stats.read, [(Topic::Trigger, 200)].into());
    let stats = producer.send(GetProducerStats).await.unwrap();
    assert_eq!(stats, ProducerStats { published: 200, ..ProducerStats::default() });
    reading.stop().await;
}

#[actix::test]
async fn what_was_there_before_is_not_read_from_the_end_and_what_comes_after_is() {
    let (_broker, kafka, producer) = broker().await;
    for id in ["old", "older"] {
        publish(&producer, Topic::Trigger, &trigger(id)).await;
    }
    let mut reading =
        Reading::start(options(&kafka, &[Topic::Trigger, Topic::TestConfig], StartFrom::End), true);
    let from = reading.assigned().await;
    assert_eq!(from, Offsets::from([((Topic::Trigger, 0), 2), ((Topic::TestConfig, 0), 0)]));
    publish(&producer, Topic::Trigger, &trigger("new")).await;
    assert_eq!(test_id(&reading.record().await), "new");

    let mut all = Reading::start(options(&kafka, &[Topic::Trigger], StartFrom::Beginning), true);
    assert_eq!(all.assigned().await, Offsets::from([((Topic::Trigger, 0), 0)]));
    for id in ["old", "older", "new"] {
        assert_eq!(test_id(&all.record().await), id);
    }
}

#[actix::test]
async fn a_metrics_record_comes_with_its_bytes_and_any_other_without() {
    let (_broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(options(&kafka, &[Topic::Metrics], StartFrom::End), true);
    reading.assigned().await;
    let payload = r#"{"node_id": "c", "mean_latency": 0.25, "extra": 1}"#;
    for payload in [payload, "STOP", "{ broken"] {
        publish(&producer, Topic::Metrics, payload).await;
    }
    let metrics = reading.record().await;
    let raw = metrics.raw.unwrap();
    assert_eq!((&*raw.payload, raw.latency_unit), (payload.as_bytes(), Unit::Milliseconds));
    assert_eq!(raw.read().map(|read| Inbound::Metrics(Box::new(read))), metrics.content);
    for _ in 0..2 {
        assert_eq!(reading.record().await.raw, None);
    }
}

#[actix::test]
async fn rejected_records_are_counted_and_stop_nothing() {
    let (_broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(options(&kafka, &[Topic::Trigger], StartFrom::End), true);
    reading.assigned().await;
    for payload in ["{ broken", "{ broken", &trigger("good")] {
        publish(&producer, Topic::Trigger, payload).await;
    }
    for _ in 0..2 {
        let arrived = reading.record().await;
        assert_eq!(arrived.content.unwrap_err().reason, RejectReason::NotJson);
    }
    assert_eq!(test_id(&reading.record().await), "good");
    let stats = reading.consumer.send(GetConsumerStats).await.unwrap();
    assert_eq!(stats.read, [(Topic::Trigger, 3)].into());
    assert_eq!(stats.rejected, [((Topic::Trigger, RejectReason::NotJson), 2)].into());
}

#[actix::test]
async fn one_batch_is_outstanding_and_it_is_bounded() {
    let (_broker, kafka, producer) = broker().await;
    let options =
        ConsumerOptions { max_batch_records: 3, ..options(&kafka, &[Topic::Trigger], StartFrom::Beginning) };
    for n in 0..10 {
        publish(&producer, Topic::Trigger, &trigger(&n.to_string())).await;
    }
    let mut reading = Reading::start(options, false);
    reading.assigned().await;
    let mut ids = Vec::new();
    while ids.len() < 10 {
        let Seen::Batch(batch, Some(answer)) = reading.next().await else { panic!("no batch to answer") };
        assert!((1..=3).contains(&batch.len()), "{} records", batch.len());
        ids.extend(batch.iter().map(test_id));
        // As long as it is not answered nothing more comes, though there is more. Time has to pass to see it.
        let more = timeout(Duration::from_millis(300), reading.seen.recv()).await;
        assert!(more.is_err(), "a second batch came before the answer to the first");
        answer.send(()).unwrap();
    }
    assert_eq!(ids, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[actix::test]
async fn a_consumer_goes_on_from_stored_offsets() {
    let (_broker, kafka, producer) = broker().await;
    let topics = [Topic::Metrics, Topic::Trigger];
    let mut first = Reading::start(options(&kafka, &topics, StartFrom::Beginning), true);
    first.assigned().await;
    publish(&producer, Topic::Metrics, "EOT").await;
    let read = first.record().await.position;
    first.stop().await;

    publish(&producer, Topic::Metrics, "EOFBREAK").await;
    publish(&producer, Topic::Trigger, &trigger("unread")).await;
    let offsets = Offsets::from([((read.topic, read.partition), read.offset + 1)]);
    let start = StartFrom::Stored { offsets, others_from_beginning: true };
    let mut second = Reading::start(options(&kafka, &topics, start), true);
    assert_eq!(second.assigned().await, Offsets::from([((Topic::Metrics, 0), 1), ((Topic::Trigger, 0), 0)]));
    let mut seen = [second.record().await, second.record().await];
    seen.sort_by_key(|arrived| std::cmp::Reverse(arrived.position.topic));
    assert_eq!(word(&seen[0]), "EOFBREAK");
    assert_eq!(test_id(&seen[1]), "unread");
}

#[actix::test]
async fn a_stored_offset_that_is_gone_is_reported_and_reading_resumes_at_the_oldest() {
    let (_broker, kafka, producer) = broker().await;
    publish(&producer, Topic::Metrics, "EOT").await;
    let offsets = Offsets::from([((Topic::Metrics, 0), 40)]);
    let start = StartFrom::Stored { offsets, others_from_beginning: true };
    let mut reading = Reading::start(options(&kafka, &[Topic::Metrics], start), true);
    assert_eq!(reading.assigned().await, Offsets::from([((Topic::Metrics, 0), 0)]));
    let ConsumerChanged::OffsetOutOfRange { lost, resumed_at } = reading.change().await else {
        panic!("the lost offset was not reported")
    };
    assert_eq!((lost, resumed_at), (Position { topic: Topic::Metrics, partition: 0, offset: 40 }, 0));
    assert_eq!(reading.words(1).await, ["EOT"]);
}

/// The broker trims a partition at 5 MB: a reader that is held up loses its place, says so, and goes on.
#[actix::test]
async fn a_reader_that_was_overtaken_by_the_trimming_goes_on_at_the_oldest() {
    let (_broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(
        ConsumerOptions { max_batch_records: 1, ..options(&kafka, &[Topic::Metrics], StartFrom::Beginning) },
        false,
    );
    reading.assigned().await;
    publish(&producer, Topic::Metrics, "EOT").await;
    let Seen::Batch(_, Some(held_up)) = reading.next().await else { panic!("no batch") };
    // More than the client's own queue (16 MiB) and the broker together hold.
    let big = format!("{{\"pad\":\"{}\"}}", "x".repeat(1_000_000));
    for _ in 0..40 {
        publish(&producer, Topic::Metrics, &big).await;
    }
    held_up.send(()).unwrap();
    let mut last = 0;
    let (lost, resumed_at) = loop {
        match reading.next().await {
            Seen::Batch(batch, answer) => {
                last = batch[0].position.offset;
                answer.unwrap().send(()).unwrap();
            }
            Seen::Changed(ConsumerChanged::OffsetOutOfRange { lost, resumed_at }) => {
                break (lost, resumed_at);
            }
            Seen::Changed(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(lost.offset, last + 1, "what comes next was lost");
    assert!(resumed_at > lost.offset, "{resumed_at}");
    let Seen::Batch(batch, _) = reading.next().await else { panic!("no batch") };
    assert_eq!(batch[0].position.offset, resumed_at);
}

#[actix::test]
async fn a_broker_that_went_and_came_back_is_reported_and_read_on() {
    let (broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(options(&kafka, &[Topic::Metrics], StartFrom::End), true);
    reading.assigned().await;
    publish(&producer, Topic::Metrics, "EOT").await;
    assert_eq!(reading.words(1).await, ["EOT"]);

    broker.set_reachable(false);
    assert!(matches!(reading.change().await, ConsumerChanged::Connected(false)));
    let waiting = producer.send(record(Topic::Metrics, "EOFBREAK"));
    broker.set_reachable(true);
    timeout(SOON, waiting).await.expect("delivered after the break").unwrap().unwrap();
    assert!(matches!(reading.change().await, ConsumerChanged::Connected(true)));
    assert_eq!(reading.words(1).await, ["EOFBREAK"]);
}

#[actix::test]
async fn heartbeats_do_not_pile_up_while_kafka_is_away() {
    let (broker, kafka, producer) = broker().await;
    let mut reading = Reading::start(options(&kafka, &[Topic::Heartbeat], StartFrom::End), true);
    reading.assigned().await;
    broker.set_reachable(false);
    let mut waiting: Vec<_> = (0..20).map(|_| producer.send(record(Topic::Heartbeat, "EOT"))).collect();
    let config = producer.send(record(Topic::TestConfig, "EOT"));
    // Those past the fourth are answered at once.
    for refused in waiting.split_off(4) {
        let answer = timeout(SOON, refused).await.unwrap().unwrap();
        assert_eq!(answer, Err(KafkaError::HeartbeatHeldBack { undelivered: 4 }));
    }
    let stats = producer.send(GetProducerStats).await.unwrap();
    assert_eq!((stats.heartbeats_held_back, stats.queued, stats.failed), (16, 5, 0));
    broker.set_reachable(true);
    for delivered in waiting {
        timeout(SOON, delivered).await.unwrap().unwrap().unwrap();
    }
    timeout(SOON, config).await.unwrap().unwrap().unwrap();
    // Delivered ones make room again.
    publish(&producer, Topic::Heartbeat, "EOT").await;
    assert_eq!(reading.words(5).await.len(), 5);
}

#[actix::test]
async fn a_flush_waits_no_longer_than_it_may_and_says_what_is_left() {
    let (broker, _, producer) = broker().await;
    publish(&producer, Topic::Metrics, "EOT").await;
    assert_eq!(producer.send(FlushProducer { within: SOON }).await.unwrap(), 0);
    broker.set_reachable(false);
    let waiting = producer.send(record(Topic::Metrics, "EOT"));
    let flushing = producer.send(FlushProducer { within: Duration::from_millis(200) });
    assert_eq!(timeout(SOON, flushing).await.unwrap().unwrap(), 1);
    broker.set_reachable(true);
    assert_eq!(timeout(SOON, producer.send(FlushProducer { within: SOON })).await.unwrap().unwrap(), 0);
    timeout(SOON, waiting).await.unwrap().unwrap().unwrap();
}

#[actix::test]
async fn both_wait_for_a_kafka_that_is_not_there_yet() {
    // A free port with no listener: bound, then closed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kafka = KafkaSettings { brokers: Brokers::At(vec![format!("127.0.0.1:{port}")]), ..settings() };
    let mut reading = Reading::start(options(&kafka, &[Topic::Trigger], StartFrom::End), true);
    let waited = timeout(Duration::from_secs(1), wait_for_topics(&kafka)).await;
    assert!(waited.is_err(), "it waits: {waited:?}");
    let error = cluster_id(&kafka).await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(reading.seen.try_recv().is_err(), "nothing is assigned");
    reading.stop().await;
}

#[actix::test]
async fn the_topics_of_the_embedded_broker_are_there_from_the_start() {
    let three = KafkaSettings { metrics_partitions: 3, ..settings() };
    let broker = EmbeddedBroker::start(&three).await.unwrap();
    let kafka = broker.settings(&three);
    timeout(SOON, wait_for_topics(&kafka)).await.unwrap().unwrap();
    timeout(SOON, create_topics(&kafka)).await.unwrap().unwrap();
    assert!(cluster_id(&kafka).await.unwrap().is_some());
    let mut reading = Reading::start(options(&kafka, &Topic::ALL, StartFrom::Beginning), true);
    let from = reading.assigned().await;
    assert_eq!(from.len(), 7, "four topics of one partition, and three of metrics: {from:?}");
    assert!(from.contains_key(&(Topic::Metrics, 2)));
}

#[test]
fn settings_without_a_broker_make_no_client() {
    let kafka = KafkaSettings { brokers: Brokers::Embedded, ..settings() };
    assert_eq!(KafkaProducerActor::new(&kafka).err(), Some(KafkaError::NoBrokers));
}
