//! Ten thousand broken records on each topic, beside a running test, on Apache Kafka: nothing ends, each is
//! counted by its reason, and the test's numbers are what they would have been.
#![allow(clippy::unwrap_used)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::wire::Topic;
use e2e::flood::{Broken, flood};
use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, Process};
use e2e::rest::Rest;
use e2e::system::{System, assert_sound, tsunami};
use e2e::wait_for;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

const PER_TOPIC: usize = 10_000;

/// Printed, so that a failure can be repeated.
const SEED: u64 = 20_261_124;

/// What a node must have counted: labels as its `/metrics` writes them, and how many.
type Counts = BTreeMap<String, u64>;

/// Counts what Kafka took and what it did not.
#[derive(Clone, Default)]
struct Deliveries(Arc<[AtomicU64; 2]>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0[usize::from(result.is_err())].fetch_add(1, Ordering::Relaxed);
    }
}

/// Publishes the flood on every topic in turn; returns what is to be counted for each of them.
fn publish(kafka: &str, nodes: &[String]) -> BTreeMap<Topic, Counts> {
    let deliveries = Deliveries::default();
    // Idempotent: what is sent again on the way is not there twice, so the count is exact.
    let producer: ThreadedProducer<Deliveries> = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("enable.idempotence", "true")
        .set("message.max.bytes", "4000000")
        .set("queue.buffering.max.ms", "20")
        .create_with_context(deliveries.clone())
        .unwrap();
    let mut expected: BTreeMap<Topic, Counts> = BTreeMap::new();
    for topic in Topic::ALL {
        for Broken { payload, key, reason } in flood(topic, SEED, PER_TOPIC, nodes) {
            let labels = format!("topic=\"{}\",reason=\"{}\"", topic.as_str(), reason.as_str());
            *expected.entry(topic).or_default().entry(labels).or_default() += 1;
            let mut record = BaseRecord::to(topic.as_str());
            record.payload = payload.as_deref();
            record.key = key.as_deref();
            while let Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) =
                producer.send(record)
            {
                record = refused;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    producer.flush(PATIENCE).unwrap();
    let [taken, lost] = [0, 1].map(|n| deliveries.0[n].load(Ordering::Relaxed));
    assert_eq!((taken, lost), ((PER_TOPIC * Topic::ALL.len()) as u64, 0));
    expected
}

/// What a node has rejected so far, zeros left out.
fn rejected(rest: &Rest, prefix: &str) -> Counts {
    let mut counts = rest.samples(&format!("{prefix}records_rejected_total"));
    counts.retain(|_, n| *n > 0);
    counts
}

/// Waits until a node has counted as many as it was sent, and checks that they are those.
#[track_caller]
fn assert_counted(who: &str, rest: &Rest, prefix: &str, topics: &[Topic], sent: &BTreeMap<Topic, Counts>) {
    let expected: Counts = topics.iter().flat_map(|topic| sent[topic].clone()).collect();
    let all: u64 = expected.values().sum();
    wait_for(&format!("{who} to read the flood"), PATIENCE, || {
        (rejected(rest, prefix).values().sum::<u64>() >= all).then_some(())
    });
    assert_eq!(rejected(rest, prefix), expected, "{who}, seed {SEED}");
}

#[track_caller]
fn assert_lives_and_says_little(process: &mut Process) {
    assert_eq!(process.ended(), None, "{}", process.label);
    let lines: Vec<String> =
        process.logged().into_iter().filter(|line| line.contains("record rejected")).collect();
    assert!(!lines.is_empty(), "{} names what it rejects", process.label);
    // One line a topic, reason and source, of 30,000 records; and a megabyte is not repeated in one.
    assert!(lines.len() < 150, "{} lines of {}:\n{}", lines.len(), process.label, lines.join("\n"));
    let longest = lines.iter().map(String::len).max();
    assert!(longest < Some(1_000), "{} of {}", longest.unwrap(), process.label);
}

#[test]
fn ten_thousand_broken_records_on_each_topic_harm_nothing_and_are_counted() {
    let kafka = Kafka::start();
    let mut system = System::start(&kafka.address, 1);
    system.add_driver(&["--listen", "127.0.0.1:0"]);
    system.wait_alive(2);
    let watched = Rest::new(system.drivers[1].0.wait_ready()["http"].as_str().unwrap());
    let target = system.add_target(&[]);
    let nodes: Vec<String> = system.drivers.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(
        (rejected(&system.rest, "groundswell_"), rejected(&watched, "groundswell_driver_")),
        Default::default()
    );

    let id = system.trigger(&tsunami(&target.url(), 100.0, "15s"));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    let began = Instant::now();
    let sent = publish(&kafka.address, &nodes);
    eprintln!("published within {:?}", began.elapsed());
    assert_eq!(system.test(&id)["state"], "running", "the flood came beside the load");
    let reads = [Topic::Register, Topic::Metrics, Topic::Heartbeat];
    assert_counted("the orchestrator", &system.rest, "groundswell_", &reads, &sent);
    let reads = [Topic::TestConfig, Topic::Trigger, Topic::Heartbeat];
    assert_counted("a driver", &watched, "groundswell_driver_", &reads, &sent);

    eprintln!("all counted within {:?}", began.elapsed());

    let report = system.finished(&id, PATIENCE);
    assert_sound(&report);
    assert_eq!(report["totals"]["scheduled"], 3_000, "{report:#}");
    assert_eq!(report["totals"]["sent"], target.received(), "{report:#}");
    assert_ne!(report["verdict"], "incomplete", "{report:#}");
    assert_eq!(report["drivers"].as_array().unwrap().len(), 2, "{report:#}");
    let known: Vec<String> = system
        .rest
        .get("/api/v1/drivers")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|driver| driver["node_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(known.len(), 2, "a broken record registered a driver: {known:?}");

    let System { orchestrator, drivers, .. } = &mut system;
    assert_lives_and_says_little(orchestrator);
    drivers.iter_mut().for_each(|(driver, _)| assert_lives_and_says_little(driver));
    // And it goes on: the next test finds both drivers.
    let report = system.run(&tsunami(&target.url(), 50.0, "1s"));
    assert_sound(&report);
    assert_eq!(report["totals"]["scheduled"], 100, "{report:#}");
}
