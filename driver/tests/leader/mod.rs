//! A stand-in for the orchestrator that leads a driver, over the embedded broker.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use common::clock::{unix_ms, unix_us};
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::{
    ConsumerChanged, ConsumerOptions, EmbeddedBroker, KafkaConsumerActor, KafkaProducerActor, Publish,
    RecordsArrived, StartFrom, WarmUp,
};
use common::plan::{PlanFormat, read, share_out};
use common::settings::{Brokers, KafkaSettings, NodeSettings};
use common::wire::{
    ClassicConfig, ConfigOurs, DriverState, Heartbeat, HeartbeatOurs, Inbound, Metrics, Outbound, ReadAs,
    Role, StepsAsk, StepsOf, TestConfig, TestType, Topic, Trigger, Unit, Window, WrittenRecord,
};
use driver::DriverSettings;
use tokio::sync::{mpsc, oneshot};

/// Hands every record to the test.
struct Ear(mpsc::UnboundedSender<Inbound>, Option<oneshot::Sender<()>>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<RecordsArrived> for Ear {
    type Result = ();

    fn handle(&mut self, RecordsArrived(records): RecordsArrived, _: &mut Self::Context) {
        for record in records {
            self.0.send(record.content.expect("a driver of ours sends what can be read")).unwrap();
        }
    }
}

impl Handler<ConsumerChanged> for Ear {
    type Result = ();

    fn handle(&mut self, changed: ConsumerChanged, _: &mut Self::Context) {
        if let (ConsumerChanged::Assigned { .. }, Some(assigned)) = (changed, self.1.take()) {
            assigned.send(()).unwrap();
        }
    }
}

/// Settings of driver d1, which keeps its data in that folder.
pub fn settings_of_d1(broker: &EmbeddedBroker, folder: &Path, workers: u32) -> DriverSettings {
    let kafka = broker.settings(&KafkaSettings::default());
    let mut settings = DriverSettings {
        node: NodeSettings { id: Some(NodeId::new("d1").unwrap()), data_dir: Some(folder.join("driver")) },
        kafka: KafkaSettings { brokers: Brokers::At(broker.brokers().to_vec()), ..kafka },
        ..DriverSettings::default()
    };
    settings.driver.workers = Some(workers);
    settings.http.listen = Some("127.0.0.1:0".parse().unwrap());
    settings
}

/// A stand-in for the orchestrator that leads.
pub struct Leader {
    producer: Addr<KafkaProducerActor>,
    records: mpsc::UnboundedReceiver<Inbound>,
}

impl Leader {
    pub async fn new(kafka: &KafkaSettings) -> Self {
        let (sender, records) = mpsc::unbounded_channel();
        let (assigned, reading) = oneshot::channel();
        let ear = Ear(sender, Some(assigned)).start();
        let topics = vec![Topic::Register, Topic::Heartbeat, Topic::Metrics];
        let read_as = ReadAs::of(Unit::Milliseconds);
        let node_id = NodeId::new("leader").unwrap();
        let options = ConsumerOptions::new(kafka.clone(), node_id, topics, StartFrom::Beginning, read_as);
        KafkaConsumerActor::new(options, ear.clone().recipient(), ear.recipient()).unwrap().start();
        reading.await.unwrap();
        let producer = KafkaProducerActor::new(kafka).unwrap().start();
        producer.send(WarmUp).await.unwrap().unwrap();
        Self { producer, records }
    }

    pub async fn publish(&self, record: WrittenRecord) {
        self.producer.send(Publish(record.into())).await.unwrap().unwrap();
    }

    /// The next record that the test waits for.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Inbound) -> Option<T>) -> T {
        let found = async {
            loop {
                let record = self.records.recv().await.expect("the consumer runs");
                if let Some(found) = wanted(record) {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), found).await.unwrap_or_else(|_| panic!("no {what}"))
    }

    pub async fn state(&mut self, wanted: DriverState) -> HeartbeatOurs {
        let driver_in = |record| match record {
            Inbound::Heartbeat(beat) => {
                beat.ours.filter(|ours| ours.role == Role::Driver && ours.state == Some(wanted))
            }
            _ => None,
        };
        self.until(&format!("state {wanted:?}"), driver_in).await
    }

    /// All windows of a test, up to the final one.
    pub async fn windows(&mut self, test_id: &str) -> (Vec<Window>, Metrics) {
        let mut windows = Vec::new();
        let last = self
            .until(&format!("final window of {test_id}"), |record| match record {
                Inbound::Metrics(metrics)
                    if metrics.test_id.as_ref().is_some_and(|id| id.as_str() == test_id) =>
                {
                    let window = metrics.ours.as_deref().cloned().expect("ours");
                    let last = window.is_final;
                    windows.push(window);
                    last.then_some(*metrics)
                }
                _ => None,
            })
            .await;
        for (at, window) in windows.iter().enumerate() {
            assert_eq!(window.seq, at as u64, "0..n without a gap");
            let counters = &window.figures.all.counters;
            assert_eq!(counters.scheduled, counters.sent + counters.dropped());
        }
        (windows, last)
    }

    pub async fn beat(&self, epoch: u64) {
        self.beat_with(HeartbeatOurs::new(Epoch(epoch), Role::Orchestrator)).await;
    }

    /// Asks the driver for the steps of a test.
    pub async fn ask(&self, epoch: u64, test_id: &str, run: StepsOf) {
        let drivers = [NodeId::new("d1").unwrap()].into();
        let ask = StepsAsk { test_id: TestId::new(test_id).unwrap(), revision: 1, run, drivers };
        let ours = HeartbeatOurs::new(Epoch(epoch), Role::Orchestrator);
        self.beat_with(HeartbeatOurs { ask: Some(Box::new(ask)), ..ours }).await;
    }

    async fn beat_with(&self, ours: HeartbeatOurs) {
        let node_id = NodeId::new("leader").unwrap();
        let beat = Heartbeat { node_id, alive: true, sent_at_us: Some(unix_us()), ours: Some(ours) };
        self.publish(Outbound::Heartbeat(Box::new(beat)).write().unwrap()).await;
    }

    pub async fn configure(&self, test_id: &str, target: &str, plan: &str) {
        let plan = read(&format!("[target]\nurl = \"{target}\"\n{plan}"), PlanFormat::Toml).unwrap();
        let assignments: BTreeMap<_, _> =
            share_out(&plan, &[NodeId::new("d1").unwrap()]).unwrap().into_iter().collect();
        let config = TestConfig {
            test_id: TestId::new(test_id).unwrap(),
            classic: ClassicConfig {
                test_type: TestType::Tsunami,
                delay: 1.0,
                message_count: 1,
                target_url: None,
                num_drivers: None,
            },
            ours: Some(ConfigOurs { revision: 1, epoch: Epoch(5), plan, assignments }),
            other_protocol: None,
        };
        self.publish(Outbound::TestConfig(Box::new(config)).write().unwrap()).await;
    }

    pub async fn trigger(&self, test_id: &str, start: bool) {
        let start_at_ms = start.then(|| unix_ms() + 300);
        let test_id = TestId::new(test_id).unwrap();
        let trigger = Trigger { test_id, start, start_at_ms, revision: Some(1), setup: Default::default() };
        self.publish(Outbound::Trigger(trigger).write().unwrap()).await;
    }

    /// As classic orchestrators write it.
    pub async fn classic(&self, topic: Topic, payload: String) {
        self.publish(WrittenRecord { topic, key: "k".into(), payload }).await;
    }
}
