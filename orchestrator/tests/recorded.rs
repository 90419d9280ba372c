//! What other people's drivers really sent, led through by our own rules: the registry, a test's life and the
//! tally see each record when it came, and say what common/tests/recorded/README.md says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking; clippy knows unit tests alone

use std::time::Duration;

use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Position;
use common::plan::{Plan, PlanFormat, Share};
use common::wire::{Heartbeat, HeartbeatOurs, Inbound, ReadAs, Role, TestConfig, TestType, Topic, Unit};
use orchestrator::lifecycle::{ClassicRules, Effect, Lifecycle, Rules};
use orchestrator::model::DriverTotals;
use orchestrator::now::Now;
use orchestrator::participant::Participant;
use orchestrator::registry::{Patience, Registry};
use orchestrator::tally::Tally;

const RULES: Rules = Rules {
    ready_timeout: Duration::from_secs(10),
    start_delay: Duration::from_secs(1),
    classic: ClassicRules {
        delay_unit: Unit::Seconds,
        known_for: Duration::from_secs(5),
        trigger_gap: Duration::from_secs(2),
        deaf_after: Duration::from_secs(15),
        silent_for: Duration::from_secs(60),
    },
};

/// How long the world goes on behind the last record.
const AFTERWARDS_MS: i64 = 60_000;

struct Record {
    topic: Topic,
    offset: i64,
    timestamp_ms: i64,
    content: Inbound,
}

fn records(file: &str) -> Vec<Record> {
    let path = format!("{}/../common/tests/recorded/{file}", env!("CARGO_MANIFEST_DIR"));
    let record = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let topic = Topic::ALL.into_iter().find(|topic| topic.as_str() == record["topic"]).unwrap();
        let read_as = ReadAs::of(Unit::Milliseconds);
        let content =
            common::wire::read(topic, record["value"].as_str().map(str::as_bytes), &read_as).unwrap();
        let number = |key: &str| record[key].as_i64().unwrap();
        Record { topic, offset: number("offset"), timestamp_ms: number("timestamp_ms"), content }
    };
    std::fs::read_to_string(path).unwrap().lines().map(record).collect()
}

/// The plan that the recorded config came of, but for how many requests it asks for where `requests` says so.
fn plan_of(config: &TestConfig, requests: Option<u64>) -> Plan {
    let requests = requests.unwrap_or(config.classic.message_count);
    let load = match config.classic.test_type {
        TestType::Avalanche => "mode = 'avalanche'\nconnections = 1".to_owned(),
        TestType::Tsunami => format!("mode = 'tsunami'\ndelay = '{}s'", config.classic.delay),
    };
    let text = format!("[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\nrequests = {requests}\n");
    common::plan::read(&text, PlanFormat::Toml).unwrap()
}

fn own_beat() -> Heartbeat {
    let ours = HeartbeatOurs::new(Epoch(1), Role::Orchestrator);
    Heartbeat { node_id: NodeId::new("leader").unwrap(), alive: true, sent_at_us: None, ours: Some(ours) }
}

struct Test {
    life: Lifecycle,
    tally: Tally,
    over_at_ms: Option<i64>,
}

/// Everything, driven by the recorded time in steps of 100 ms.
struct World {
    registry: Registry,
    began_ms: i64,
    config: Option<TestConfig>,
    tests: Vec<Test>,
    requests: Option<u64>,
}

impl World {
    fn replay(file: &str, requests: Option<u64>) -> Self {
        let records = records(file);
        let began_ms = records[0].timestamp_ms;
        let registry = Registry::new(Epoch(1), Patience::default());
        let mut world = Self { registry, began_ms, config: None, tests: Vec::new(), requests };
        let mut left = records.iter().peekable();
        let end_ms = records.iter().map(|record| record.timestamp_ms).max().unwrap() + AFTERWARDS_MS;
        for now_ms in (began_ms..end_ms).step_by(100) {
            let now = world.at(now_ms);
            if (now_ms - began_ms) % 1_000 == 0 {
                world.registry.heartbeat(&own_beat(), now.elapsed);
            }
            while let Some(record) = left.next_if(|record| record.timestamp_ms <= now_ms) {
                world.take(record, world.at(record.timestamp_ms));
            }
            world.registry.tick(now.elapsed);
            world.step(now, now_ms);
        }
        world
    }

    fn at(&self, ms: i64) -> Now {
        let elapsed = Duration::from_millis(u64::try_from(ms - self.began_ms).unwrap());
        Now { elapsed, unix_us: ms * 1_000 }
    }

    fn take(&mut self, record: &Record, now: Now) {
        match &record.content {
            Inbound::Register(register) => drop(self.registry.register(register, now.elapsed)),
            Inbound::Heartbeat(beat) => drop(self.registry.heartbeat(beat, now.elapsed)),
            Inbound::TestConfig(config) => self.config = Some(config.as_ref().clone()),
            Inbound::Trigger(trigger) if trigger.start => self.begin(trigger.test_id.clone(), now),
            Inbound::ChangeRate(order) => panic!("no orchestrator here changes a rate: {order:?}"),
            Inbound::Trigger(_) => {} // an earlier orchestrator's "NO", which changed nothing
            Inbound::Metrics(metrics) => {
                self.registry.metrics(metrics, now.elapsed);
                let at = Position { topic: record.topic, partition: 0, offset: record.offset };
                for test in &mut self.tests {
                    test.tally.arrived(metrics, at, now.unix_us);
                    // Kafka delivers at least once.
                    test.tally.arrived(metrics, at, now.unix_us);
                }
            }
            Inbound::EndWord(word) => panic!("no driver here ends by a word: {word}"),
        }
    }

    fn begin(&mut self, test_id: TestId, now: Now) {
        let config = self.config.take().expect("a config stands before its trigger");
        assert_eq!(config.test_id, test_id);
        let plan = plan_of(&config, self.requests);
        let nodes = self.registry.all_facts(now.elapsed);
        // The process of a test before may be gone and not yet silent for long enough: the newest takes part.
        let node =
            nodes.into_iter().filter(|node| node.is_alive()).max_by_key(|node| node.known_since).unwrap();
        assert!(node.is_classic());
        let share = common::plan::share_out(&plan, std::slice::from_ref(&node.node_id)).unwrap();
        let share: Share = share[0].1.clone();
        let participants = vec![Participant { node_id: node.node_id, epoch: None, share }];
        let mut tally = Tally::new(test_id.clone(), plan.clone(), &participants);
        tally.started(now.unix_us);
        let life = Lifecycle::resumed(test_id, plan, RULES, 1, participants, now.unix_us, now);
        self.tests.push(Test { life, tally, over_at_ms: None });
    }

    fn step(&mut self, now: Now, now_ms: i64) {
        let nodes = self.registry.all_facts(now.elapsed);
        for test in &mut self.tests {
            for effect in test.life.step(now, &nodes, &test.tally.parts_seen()) {
                match effect {
                    Effect::PartEnded(node, epoch, by) => test.tally.ended(&node, epoch, by),
                    Effect::Finish => {
                        test.tally.finish();
                        test.over_at_ms = Some(now_ms);
                    }
                    Effect::Note { .. } => {}
                    other => panic!("nothing is to be published: {other:?}"),
                }
            }
        }
    }

    fn test(&self, name: &str) -> (DriverTotals, i64) {
        let test = self.tests.iter().find(|test| test.life.test_id().as_str() == name).unwrap();
        let over_at_ms = test.over_at_ms.unwrap_or_else(|| panic!("{name} never ended"));
        let mut drivers = test.tally.drivers(over_at_ms * 1_000);
        assert_eq!(drivers.len(), 1, "{name}");
        (drivers.remove(0), over_at_ms)
    }
}

#[track_caller]
fn check(driver: &DriverTotals, ended_by: &str, sent: Option<u64>, [mean, median, min, max]: [f64; 4]) {
    assert_eq!(driver.ended_by.as_deref(), Some(ended_by));
    assert_eq!(driver.totals.sent, sent, "requests sent");
    assert!(driver.approximate && driver.epoch.is_none());
    let response = &driver.totals.latency_ms.response;
    let figures = [response.mean, response.median, response.min, response.max];
    for (shown, expected) in figures.into_iter().zip([mean, median, min, max]) {
        let shown = shown.expect("the figure is shown");
        assert!(expected.is_nan() || (shown - expected).abs() < 0.001, "{shown} is not {expected}");
    }
}

#[test]
fn driver_a_is_two_nodes_and_ends_both_tests_by_its_status() {
    let world = World::replay("driver-a.jsonl", None);
    assert_eq!(world.registry.len(), 2);
    let (avalanche, _) = world.test("a1-avalanche");
    check(&avalanche, "status", Some(300), [6.836, 6.646, 4.080, 19.449]);
    let mode = avalanche.totals.latency_ms.response.mode.unwrap();
    assert!((mode - 9.770).abs() < 0.001, "{mode}");
    let (tsunami, _) = world.test("a2-tsunami-delay1");
    assert_eq!((tsunami.ended_by.as_deref(), tsunami.totals.sent), (Some("status"), Some(6)));
    assert_ne!(avalanche.node_id, tsunami.node_id);
}

#[test]
fn driver_b_ends_by_its_count_and_what_it_sent_is_unknown() {
    let world = World::replay("driver-b.jsonl", None);
    assert_eq!(world.registry.len(), 1);
    let any = f64::NAN;
    check(&world.test("B-tsu").0, "count", None, [19.946, 19.5, 10.21, any]);
    check(&world.test("B-ava").0, "count", None, [17.715, any, any, 34.640]);
    // Twelve reports, though "NO" came after the fourth.
    let (long, over_at_ms) = world.test("B-long");
    assert_eq!((long.ended_by.as_deref(), long.totals.sent), (Some("count"), None));
    // It reports each second; without counts three of its intervals must pass without another report.
    let last_ms = records("driver-b.jsonl")
        .iter()
        .rev()
        .find(|record| record.topic == Topic::Metrics)
        .unwrap()
        .timestamp_ms;
    assert!(
        (2_000..=3_300).contains(&(over_at_ms - last_ms)),
        "over {} ms after its last report",
        over_at_ms - last_ms
    );
}

#[test]
fn driver_b_ends_by_silence_where_it_sends_fewer_than_asked_for() {
    let world = World::replay("driver-b.jsonl", Some(1_000));
    let last_of = |name: &str| {
        let of = |record: &&Record| match &record.content {
            Inbound::Metrics(metrics) => metrics.test_id.as_ref().is_some_and(|id| id.as_str() == name),
            _ => false,
        };
        records("driver-b.jsonl").iter().filter(of).map(|record| record.timestamp_ms).max().unwrap()
    };
    for name in ["B-tsu", "B-ava", "B-long"] {
        let (driver, over_at_ms) = world.test(name);
        assert_eq!(driver.ended_by.as_deref(), Some("silence"), "{name}");
        let silent_ms = over_at_ms - last_of(name);
        assert!((15_000..15_300).contains(&silent_ms), "{name}: over after {silent_ms} ms of silence");
    }
}
