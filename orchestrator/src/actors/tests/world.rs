//! The actors as `system` wires them, with a Kafka and a store that only remember.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, MessageResult};
use common::clock::{UnixMicros, unix_us};
use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::{
    Arrived, ConsumerChanged, KafkaError, Offsets, Position, Producer, Publish, RecordsArrived,
};
use common::plan::{Plan, PlanFormat};
use common::settings::KafkaSettings;
use common::wire::{
    ClassicMetrics, DriverState, Ending, Heartbeat, HeartbeatOurs, Inbound, MachineLoad, Metrics, RawMetrics,
    Role, Topic, Unit, Window,
};
use serde_json::Value;
use tokio::sync::watch;

use super::super::driver_registry::DriverRegistryActor;
use super::super::intake::{IntakeActor, Source};
use super::super::test_manager::TestManagerActor;
use crate::actors::events::{Changed, EventsHandle};
use crate::actors::store::{
    LoadMetrics, LoadNodes, LoadOffsets, LoadTest, LoadUnfinished, RecordsReader, RemoveTest, SaveBatch,
    SaveRevision, SaveTest, StoreHandle,
};
use crate::actors::test_manager::{CreateTest, GetTest, TriggerTest};
use crate::lifecycle::{ClassicRules, Rules};
use crate::model::{TestState, TestView};
use crate::now::Clock;
use crate::registry::{KnownNode, Patience};
use crate::store::{MetricsPage, SavedBatch, StoreError, StoredMetrics, StoredTest};
use crate::system::{Outside, Wired, wire};
use crate::telemetry::{Readiness, Telemetry};

pub const LEADER: Epoch = Epoch(1_000);

/// Nothing here takes long; a test that waits for more has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the stub keeps, for the test to look at.
#[derive(Default)]
pub struct Kept {
    pub published: Vec<(Topic, Value)>,
    /// Kafka does not take records of this topic.
    pub refused: Option<Topic>,
    pub tests: Vec<StoredTest>,
    pub metrics: Vec<StoredMetrics>,
    /// Each time that offsets were stored, and of which Kafka.
    pub offsets: Vec<(String, Offsets)>,
    /// What was stored of them when the first config was published.
    pub offsets_at_config: Option<Offsets>,
    /// The disk is full.
    pub full: bool,
    pub windows_sent: usize,
    pub revisions: usize,
    /// Which orchestrator uses the stub at present, counted from 1.
    life: u64,
}

impl Kept {
    /// The offsets as the store has them.
    pub fn stored_offsets(&self, of: &str) -> Offsets {
        let of_it = self.offsets.iter().filter(|(key, _)| key == of);
        of_it.flat_map(|(_, offsets)| offsets.clone()).collect()
    }
}

/// Kafka, the store and the listeners at once. It outlives the orchestrators that use it one after another.
#[derive(Clone, Default)]
pub struct Stub(pub Arc<Mutex<Kept>>);

impl Stub {
    pub fn published(&self, topic: Topic) -> Vec<Value> {
        let kept = self.0.lock().unwrap();
        kept.published.iter().filter(|(of, _)| *of == topic).map(|(_, value)| value.clone()).collect()
    }
}

/// The stub as one life of the orchestrator reaches it.
///
/// A real orchestrator that is killed is gone before the next one opens its store: the folder is locked. Its actors
/// here cannot be killed, and they look again every few milliseconds. So the next life takes the stub away from them:
/// whatever they still send fails. Without this, an earlier life could store a state over that of a later one.
pub struct Reached {
    stub: Stub,
    life: u64,
}

impl Reached {
    /// Begins a life, which ends all earlier ones.
    pub fn by_a_new_life(stub: Stub) -> Self {
        let mut kept = stub.0.lock().unwrap();
        kept.life += 1;
        let life = kept.life;
        drop(kept);
        Self { stub, life }
    }

    fn kept(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = self.stub.0.lock().unwrap();
        if kept.life == self.life { Ok(kept) } else { Err(fault("a later orchestrator has the store")) }
    }

    /// The same, on a disk that takes more.
    fn to_write(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = self.kept()?;
        if kept.full { Err(fault("disk full")) } else { Ok(kept) }
    }
}

impl Actor for Reached {
    type Context = Context<Self>;
}

fn fault(cause: &str) -> StoreError {
    StoreError::Sqlite { path: "db".to_owned(), cause: cause.to_owned() }
}

impl Handler<Publish> for Reached {
    type Result = Result<(), KafkaError>;

    fn handle(&mut self, Publish(record): Publish, _: &mut Self::Context) -> Self::Result {
        let value = serde_json::from_str(&record.payload).unwrap();
        let mut kept = self.kept().map_err(|error| KafkaError::NotDelivered(error.to_string()))?;
        if kept.refused == Some(record.topic) {
            return Err(KafkaError::NotDelivered("Local: Message timed out".to_owned()));
        }
        if record.topic == Topic::TestConfig && kept.offsets_at_config.is_none() {
            kept.offsets_at_config = Some(kept.stored_offsets("c"));
        }
        kept.published.push((record.topic, value));
        Ok(())
    }
}

impl Handler<SaveTest> for Reached {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, SaveTest(test): SaveTest, _: &mut Self::Context) -> Self::Result {
        let mut kept = self.to_write()?;
        kept.tests.retain(|stored| stored.test_id != test.test_id);
        kept.tests.push(*test);
        Ok(())
    }
}

impl Handler<RemoveTest> for Reached {
    type Result = Result<bool, StoreError>;

    fn handle(&mut self, RemoveTest(id): RemoveTest, _: &mut Self::Context) -> Self::Result {
        let mut kept = self.kept()?;
        let before = kept.tests.len();
        let over = |test: &StoredTest| matches!(test.state, TestState::Configured | TestState::Finished);
        kept.tests.retain(|test| test.test_id != id || !over(test));
        Ok(kept.tests.len() < before)
    }
}

impl Handler<LoadTest> for Reached {
    type Result = Result<Option<StoredTest>, StoreError>;

    fn handle(&mut self, LoadTest(id): LoadTest, _: &mut Self::Context) -> Self::Result {
        Ok(self.kept()?.tests.iter().find(|test| test.test_id == id).cloned())
    }
}

impl Handler<LoadUnfinished> for Reached {
    type Result = Result<Vec<StoredTest>, StoreError>;

    fn handle(&mut self, _: LoadUnfinished, _: &mut Self::Context) -> Self::Result {
        let open = |test: &&StoredTest| !matches!(test.state, TestState::Configured | TestState::Finished);
        Ok(self.kept()?.tests.iter().filter(open).cloned().collect())
    }
}

impl Handler<LoadMetrics> for Reached {
    type Result = Result<MetricsPage, StoreError>;

    fn handle(&mut self, asked: LoadMetrics, _: &mut Self::Context) -> Self::Result {
        let kept = self.kept()?;
        let of = |stored: &&StoredMetrics| stored.test_id == asked.test_id;
        Ok(MetricsPage { records: kept.metrics.iter().filter(of).cloned().collect(), next: None })
    }
}

impl Handler<SaveRevision> for Reached {
    type Result = Result<(), StoreError>;

    fn handle(&mut self, SaveRevision(report): SaveRevision, _: &mut Self::Context) -> Self::Result {
        let mut kept = self.kept()?;
        let test = kept.tests.iter_mut().find(|test| test.test_id.as_str() == report.test_id).unwrap();
        assert_eq!(test.state, TestState::Finished);
        (test.verdict, test.report) = (report.verdict, Some(*report));
        kept.revisions += 1;
        Ok(())
    }
}

impl Handler<SaveBatch> for Reached {
    type Result = Result<SavedBatch, StoreError>;

    fn handle(&mut self, SaveBatch(batch): SaveBatch, _: &mut Self::Context) -> Self::Result {
        let mut kept = self.to_write()?;
        let mut saved = SavedBatch::default();
        for record in batch.metrics {
            let known = kept.tests.iter().any(|test| test.test_id == record.test_id);
            let window = |record: &StoredMetrics| {
                record.metrics.ours.as_ref().map(|window| (window.epoch, window.seq))
            };
            let whose = |record: &StoredMetrics| {
                (record.test_id.clone(), record.metrics.node_id.clone(), window(record))
            };
            if !known {
                saved.n_foreign += 1;
            } else if kept.metrics.iter().all(|other| whose(other) != whose(&record)) {
                if !record.counted {
                    saved.late.insert(record.test_id.clone());
                }
                kept.metrics.push(record);
            }
        }
        if let Some(key) = batch.offsets_of {
            kept.offsets.push((key, batch.offsets));
        }
        Ok(saved)
    }
}

impl Handler<LoadOffsets> for Reached {
    type Result = Result<Offsets, StoreError>;

    fn handle(&mut self, asked: LoadOffsets, _: &mut Self::Context) -> Self::Result {
        Ok(self.kept()?.stored_offsets(&asked.offsets_of))
    }
}

impl Handler<LoadNodes> for Reached {
    type Result = Result<Vec<KnownNode>, StoreError>;

    fn handle(&mut self, _: LoadNodes, _: &mut Self::Context) -> Self::Result {
        Ok(Vec::new())
    }
}

impl Handler<Changed> for Reached {
    type Result = MessageResult<Changed>;

    fn handle(&mut self, changed: Changed, _: &mut Self::Context) -> Self::Result {
        if matches!(changed, Changed::Window(_)) {
            self.stub.0.lock().unwrap().windows_sent += 1;
        }
        MessageResult(())
    }
}

pub struct World {
    pub stub: Stub,
    pub intake: Addr<IntakeActor>,
    pub tests: Addr<TestManagerActor>,
    pub nodes: Addr<DriverRegistryActor>,
    pub readiness: Arc<Readiness>,
    pub telemetry: Arc<Telemetry>,
    pub superseded: watch::Receiver<Option<u64>>,
    pub offset: i64,
}

impl World {
    /// An orchestrator on Apache Kafka, which has answered.
    pub async fn new(stub: Stub) -> Self {
        let world = Self::unreached(stub, false);
        world.reach("c").await;
        world
    }

    /// Kafka answers: this cluster, and each topic is read from its end.
    pub async fn reach(&self, cluster_id: &str) {
        let assigned = ConsumerChanged::Assigned { cluster_id: Some(cluster_id.to_owned()), from: start() };
        self.intake.send(assigned).await.unwrap();
    }

    /// One whose Kafka has not answered yet.
    pub fn unreached(stub: Stub, embedded: bool) -> Self {
        Self::with_wall(stub, embedded, unix_us)
    }

    /// The same, with another wall clock.
    pub fn with_wall(stub: Stub, embedded: bool, wall: fn() -> UnixMicros) -> Self {
        let kept = Reached::by_a_new_life(stub.clone()).start();
        let (telemetry, readiness) = (Arc::new(Telemetry::default()), Arc::<Readiness>::default());
        let (superseding, superseded) = watch::channel(None);
        let classic = ClassicRules {
            delay_unit: Unit::Seconds,
            known_for: Duration::from_millis(50),
            trigger_gap: Duration::from_millis(50),
            deaf_after: Duration::from_secs(15),
            silent_for: Duration::from_secs(60),
        };
        let start_delay = Duration::from_millis(100);
        let rules = Rules { ready_timeout: Duration::from_millis(500), start_delay, classic };
        let outside = Outside {
            producer: Producer::of(&kept),
            events: EventsHandle::of(&kept),
            store: StoreHandle::of(&kept),
            records: RecordsReader::of(&kept),
        };
        let source = Source { embedded, kafka: KafkaSettings::default() };
        let watch = (Arc::clone(&telemetry), Arc::clone(&readiness));
        let Wired { tests, nodes, intake } = wire(
            outside,
            LEADER,
            (Patience::default(), rules),
            watch,
            superseding,
            source,
            Clock::with_wall(wall),
        );
        Self { stub, intake, tests, nodes, readiness, telemetry, superseded, offset: 0 }
    }

    /// A batch of one record arrives, and is handled to its end.
    pub async fn arrives(&mut self, topic: Topic, content: Inbound) {
        self.offset += 1;
        let position = Position { topic, partition: 0, offset: self.offset };
        // The stub of the store keeps what was read, so the payload may be empty.
        let raw = matches!(content, Inbound::Metrics(_))
            .then(|| RawMetrics { payload: [].into(), latency_unit: Unit::Milliseconds });
        let arrived = Arrived { position, timestamp_ms: None, content: Ok(content), raw };
        self.intake.send(RecordsArrived(vec![arrived])).await.unwrap();
    }

    pub async fn beats(
        &mut self,
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
        let beat = Heartbeat { node_id: id(node), alive: true, sent_at_us: None, ours: Some(ours) };
        self.arrives(Topic::Heartbeat, Inbound::Heartbeat(Box::new(beat))).await;
    }

    /// A heartbeat of a later life of a node.
    pub async fn is_reborn(&mut self, node: &str) {
        let ours =
            HeartbeatOurs { state: Some(DriverState::Idle), ..HeartbeatOurs::new(Epoch(2), Role::Driver) };
        let beat = Heartbeat { node_id: id(node), alive: true, sent_at_us: None, ours: Some(ours) };
        self.arrives(Topic::Heartbeat, Inbound::Heartbeat(Box::new(beat))).await;
    }

    pub async fn window(&mut self, node: &str, test: &TestId, seq: u64, sent: u64, is_final: bool) {
        let counters = Counters {
            scheduled: sent,
            sent,
            completed: sent,
            completed_in_schedule: sent,
            status_codes: [(200, sent)].into(),
            ..Counters::default()
        };
        let from_us = unix_us() - 1_000_000;
        let ending = is_final.then(|| Ending {
            schedule_from_us: from_us,
            schedule_to_us: from_us + 1_000_000,
            engine: "awc".to_owned(),
            workers: 1,
            precision: None,
            redirected_to: None,
            connections_opened: 1,
            handshakes: 0,
            cut_short: None,
        });
        let window = Window {
            epoch: Epoch(1),
            seq,
            from_us,
            to_us: from_us + 1_000_000,
            figures: ByRequest::unnamed(Figures { counters, ..Figures::default() }),
            busy: 0.1,
            machine: MachineLoad::default(),
            is_final,
            ending,
        };
        let metrics = Metrics {
            node_id: id(node),
            test_id: Some(test.clone()),
            report_id: None,
            classic: ClassicMetrics::default(),
            ours: Some(Box::new(window)),
        };
        self.arrives(Topic::Metrics, Inbound::Metrics(Box::new(metrics))).await;
    }

    pub async fn create(&self) -> TestId {
        let view = self.tests.send(CreateTest(plan())).await.unwrap().unwrap();
        assert_eq!(view.state, TestState::Configured);
        TestId::new(&view.test_id).unwrap()
    }

    pub async fn get(&self, test: &TestId) -> TestView {
        self.tests.send(GetTest(test.clone())).await.unwrap().unwrap()
    }

    pub async fn until(&self, test: &TestId, state: TestState) -> TestView {
        until(|| self.get(test), |view| view.state == state).await
    }

    pub fn published(&self, topic: Topic) -> Vec<Value> {
        self.stub.published(topic)
    }

    /// Triggers, and plays the drivers at the barrier.
    pub async fn trigger(&mut self, test: &TestId, drivers: &[&str]) {
        let triggered = self.tests.send(TriggerTest::now(test.clone()));
        let triggered = actix_rt::spawn(triggered);
        until(|| std::future::ready(self.published(Topic::TestConfig).len()), |n| *n > 0).await;
        for driver in drivers {
            self.beats(driver, DriverState::Ready, Some((test, 1)), None).await;
        }
        let view = triggered.await.unwrap().unwrap().unwrap();
        assert_eq!(view.state, TestState::Starting);
    }

    /// Triggers, plays the drivers at the barrier, and waits until the test runs.
    pub async fn run(&mut self, test: &TestId, drivers: &[&str]) {
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

/// Where reading begins.
pub fn start() -> Offsets {
    [Topic::Register, Topic::Heartbeat, Topic::Metrics].into_iter().map(|topic| ((topic, 0), 0)).collect()
}

pub fn id(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub fn plan() -> Plan {
    let text = "name = 'p'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '2s'\n";
    common::plan::read(text, PlanFormat::Toml).unwrap()
}
