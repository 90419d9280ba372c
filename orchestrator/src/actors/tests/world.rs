//! The actors as `system` wires them, in the surroundings of a test.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use common::clock::{UnixMicros, unix_us};
use common::counters::Counters;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::{Arrived, ConsumerChanged, Offsets, Position, RecordsArrived};
use common::settings::KafkaSettings;
use common::wire::{
    DriverState, Heartbeat, HeartbeatOurs, Inbound, Metrics, Outbound, RawMetrics, ReadAs, Role, StepsReport,
    Topic, Unit, Window, WrittenRecord,
};
use serde_json::Value;
use tokio::sync::watch;

use super::super::driver_registry::DriverRegistryActor;
use super::super::intake::{IntakeActor, Source};
use super::super::stats_aggregator::ExposedReader;
use super::super::test_manager::TestManagerActor;
use super::surroundings::{CLUSTER, Surroundings};
use crate::actors::store::{RecordsReader, StoreHandle};
use crate::actors::test_manager::{CreateTest, GetTest, TriggerTest};
use crate::fixtures::{self, answered, ending, metrics, node_id};
use crate::lifecycle::{ClassicRules, Rules};
use crate::model::{TestState, TestView};
use crate::now::Clock;
use crate::registry::Patience;
use crate::store::{StoredMetrics, StoredTest};
use crate::system::{Wired, wire};
use crate::telemetry::{Readiness, Telemetry};

/// Nothing here takes long; a test that waits for more has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// 20 requests of each driver.
pub const PLAN: &str = "name = 'p'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '2s'\n";

impl TriggerTest {
    /// Without a wait for another test.
    pub fn now(test_id: TestId) -> Self {
        Self { test_id, wait: Duration::ZERO }
    }
}

/// One life of an orchestrator.
pub struct World {
    pub surroundings: Surroundings,
    pub intake: Addr<IntakeActor>,
    pub tests: Addr<TestManagerActor>,
    pub nodes: Addr<DriverRegistryActor>,
    pub exposed: ExposedReader,
    pub readiness: Arc<Readiness>,
    pub telemetry: Arc<Telemetry>,
    pub superseded: watch::Receiver<Option<u64>>,
    pub epoch: Epoch,
    pub store: StoreHandle,
    records: RecordsReader,
}

impl World {
    /// An orchestrator on Apache Kafka, which has answered.
    pub async fn new(surroundings: Surroundings) -> Self {
        let world = Self::unreached(surroundings, false).await;
        world.reach(CLUSTER).await;
        world
    }

    /// Kafka answers: this cluster, and each topic is read from its end.
    pub async fn reach(&self, cluster_id: &str) {
        let assigned = ConsumerChanged::Assigned { cluster_id: Some(cluster_id.to_owned()), from: start() };
        self.intake.send(assigned).await.unwrap();
    }

    /// One whose Kafka has not answered yet.
    pub async fn unreached(surroundings: Surroundings, embedded: bool) -> Self {
        Self::with_wall(surroundings, embedded, unix_us).await
    }

    /// The same, with another wall clock.
    pub async fn with_wall(surroundings: Surroundings, embedded: bool, wall: fn() -> UnixMicros) -> Self {
        let (telemetry, readiness) = (Arc::new(Telemetry::default()), Arc::<Readiness>::default());
        let (superseding, superseded) = watch::channel(None);
        let classic = ClassicRules {
            delay_unit: Unit::Seconds,
            known_for: Duration::from_millis(50),
            trigger_gap: Duration::from_millis(50),
            deaf_after: Duration::from_secs(15),
            silent_for: Duration::from_secs(60),
        };
        // The answer to a trigger must be there before the start, for the tests that see the test start.
        let start_delay = Duration::from_millis(200);
        // One test waits for it to pass. For all others it is how slow the machine may be at the barrier.
        let rules = Rules { ready_timeout: Duration::from_secs(5), start_delay, classic };
        let (outside, epoch) = surroundings.begin_life(&telemetry, &readiness).await;
        let (store, records) = (outside.store.clone(), outside.records.clone());
        let source = Source { embedded, kafka: KafkaSettings::default() };
        let watch = (Arc::clone(&telemetry), Arc::clone(&readiness));
        let Wired { tests, nodes, intake, exposed } = wire(
            outside,
            (NodeId::new("o").unwrap(), epoch),
            (Patience::default(), rules),
            watch,
            superseding,
            source,
            Clock::with_wall(wall),
        );
        Self {
            surroundings,
            intake,
            tests,
            nodes,
            exposed,
            readiness,
            telemetry,
            superseded,
            epoch,
            store,
            records,
        }
    }

    /// A batch of one record of our own writer arrives, and is handled to its end.
    pub async fn arrives(&self, record: Outbound) {
        let WrittenRecord { topic, payload, .. } = record.write().unwrap();
        self.reads(topic, payload.as_bytes()).await;
    }

    /// The same of a payload, read as the consumer reads it.
    pub async fn reads(&self, topic: Topic, payload: &[u8]) {
        let read_as = ReadAs::of(Unit::Milliseconds);
        let content = common::wire::read(topic, Some(payload), &read_as).unwrap();
        let raw = match &content {
            Inbound::Metrics(metrics) => Some(RawMetrics::of(payload, metrics, &read_as)),
            _ => None,
        };
        let position = Position { topic, partition: 0, offset: self.surroundings.next_offset() };
        let arrived = Arrived { position, timestamp_ms: None, content: Ok(content), raw };
        self.intake.send(RecordsArrived(vec![arrived])).await.unwrap();
    }

    pub async fn beats(
        &self,
        node: &str,
        state: DriverState,
        test: Option<(&TestId, u32)>,
        sent: Option<u64>,
    ) {
        let ours = HeartbeatOurs {
            state: Some(state),
            test_id: test.map(|(id, _)| id.clone()),
            revision: test.map(|(_, revision)| revision),
            counters: sent.map(|sent| Counters { scheduled: sent, sent, ..Counters::default() }),
            ..HeartbeatOurs::new(Epoch(1), Role::Driver)
        };
        self.heartbeat(node, ours).await;
    }

    /// A heartbeat of a driver that is ready for the test, or idle after it, with the report of its steps.
    pub async fn steps(&self, node: &str, state: DriverState, report: StepsReport) {
        let held = (state == DriverState::Ready).then(|| (report.test_id.clone(), report.revision));
        let (test_id, revision) = held.unzip();
        let ours = HeartbeatOurs {
            state: Some(state),
            test_id,
            revision,
            steps: Some(Box::new(report)),
            ..HeartbeatOurs::new(Epoch(1), Role::Driver)
        };
        self.heartbeat(node, ours).await;
    }

    /// A heartbeat of a later life of a node.
    pub async fn is_reborn(&self, node: &str) {
        let ours =
            HeartbeatOurs { state: Some(DriverState::Idle), ..HeartbeatOurs::new(Epoch(2), Role::Driver) };
        self.heartbeat(node, ours).await;
    }

    async fn heartbeat(&self, node: &str, ours: HeartbeatOurs) {
        let beat =
            Heartbeat { node_id: node_id(node), alive: true, sent_at_us: Some(unix_us()), ours: Some(ours) };
        self.arrives(Outbound::Heartbeat(Box::new(beat))).await;
    }

    pub async fn window(&self, node: &str, test: &TestId, seq: u64, sent: u64, is_final: bool) {
        self.arrives(Outbound::Metrics(Box::new(window(node, test, seq, sent, is_final)))).await;
    }

    pub async fn create(&self) -> TestId {
        let view = self.tests.send(CreateTest(fixtures::plan(PLAN))).await.unwrap().unwrap();
        assert_eq!(view.state, TestState::Configured);
        TestId::new(&view.test_id).unwrap()
    }

    pub async fn get(&self, test: &TestId) -> TestView {
        self.tests.send(GetTest(test.clone())).await.unwrap().unwrap()
    }

    pub async fn until(&self, test: &TestId, state: TestState) -> TestView {
        until(|| self.get(test), |view| view.state == state).await
    }

    /// The test as it is stored.
    pub async fn stored(&self, test: &TestId) -> StoredTest {
        self.store.load_test(test).await.unwrap().unwrap()
    }

    /// The stored records of a test.
    pub async fn records_of(&self, test: &TestId) -> Vec<StoredMetrics> {
        self.records.metrics(test, 0, 1_000).await.unwrap().records
    }

    pub fn published(&self, topic: Topic) -> Vec<Value> {
        self.surroundings.published(topic)
    }

    /// Waits until so many configs are published in all.
    pub async fn configs(&self, n: usize) {
        until(|| std::future::ready(self.published(Topic::TestConfig).len()), |so_far| *so_far >= n).await;
    }

    /// Waits until the manager has looked at the test under way several times: a test whose state does not change is
    /// shown again after 500 ms, and looked at five times or more meanwhile.
    pub async fn some_looks(&self) {
        let shown = || std::future::ready(self.surroundings.kept().shown.len());
        let before = shown().await;
        until(shown, |now| *now >= before + 2).await;
    }

    /// Waits until the manager has looked at the triggers that wait. It does so after each command, and before it takes
    /// the next one.
    pub async fn waiting_were_served(&self, test: &TestId) {
        for _ in 0..2 {
            self.get(test).await;
        }
    }

    /// Triggers, and plays the drivers at the barrier.
    pub async fn trigger(&self, test: &TestId, drivers: &[&str]) {
        let triggered = actix_rt::spawn(self.tests.send(TriggerTest::now(test.clone())));
        let configs = || std::future::ready(self.published(Topic::TestConfig));
        let of_it = |config: &Value| config["test_id"] == test.as_str();
        until(configs, |configs| configs.iter().any(of_it)).await;
        for driver in drivers {
            self.beats(driver, DriverState::Ready, Some((test, 1)), None).await;
        }
        let view = triggered.await.unwrap().unwrap().unwrap();
        // On a busy machine the answer may be made after the start.
        assert!(matches!(view.state, TestState::Starting | TestState::Running), "{:?}", view.state);
    }

    /// Triggers, plays the drivers at the barrier, and waits until the test runs.
    pub async fn run(&self, test: &TestId, drivers: &[&str]) {
        self.trigger(test, drivers).await;
        self.until(test, TestState::Running).await;
    }
}

/// Asks again and again until the answer will do.
pub async fn until<T, F: Future<Output = T>>(ask: impl Fn() -> F, does: impl Fn(&T) -> bool) -> T {
    let asking = async {
        loop {
            let answer = ask().await;
            if does(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it happens in time")
}

pub fn start() -> Offsets {
    [Topic::Register, Topic::Heartbeat, Topic::Metrics].into_iter().map(|topic| ((topic, 0), 0)).collect()
}

/// A window of a driver that has sent so many requests since the start, and all of them were answered.
pub fn window(node: &str, test: &TestId, seq: u64, sent: u64, is_final: bool) -> Metrics {
    let from_us = unix_us() - 1_000_000;
    let ending = is_final.then(|| ending(from_us, from_us + 1_000_000));
    metrics(
        node,
        test.as_str(),
        Window { is_final, ending, ..fixtures::window(seq, from_us, answered(sent)) },
    )
}
