//! A whole driver on the embedded broker, led by a stand-in for our orchestrator and by a classic one: what it
//! publishes, and what the target counted. One system a process, so one test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use actix_web::{App, HttpResponse, HttpServer, web};
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
    Role, TestConfig, TestType, Topic, Trigger, Unit, Window, WrittenRecord,
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

/// A stand-in for the orchestrator that leads.
struct Leader {
    producer: Addr<KafkaProducerActor>,
    records: mpsc::UnboundedReceiver<Inbound>,
}

impl Leader {
    async fn new(kafka: &KafkaSettings) -> Self {
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

    async fn publish(&self, record: WrittenRecord) {
        self.producer.send(Publish(record.into())).await.unwrap().unwrap();
    }

    /// The next record that the test waits for.
    async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Inbound) -> Option<T>) -> T {
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

    async fn state(&mut self, wanted: DriverState) -> HeartbeatOurs {
        let driver_in = |record| match record {
            Inbound::Heartbeat(beat) => {
                beat.ours.filter(|ours| ours.role == Role::Driver && ours.state == Some(wanted))
            }
            _ => None,
        };
        self.until(&format!("state {wanted:?}"), driver_in).await
    }

    /// All windows of a test, up to the final one.
    async fn windows(&mut self, test_id: &str) -> (Vec<Window>, Metrics) {
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

    async fn beat(&self, epoch: u64) {
        let ours = HeartbeatOurs::new(Epoch(epoch), Role::Orchestrator);
        let node_id = NodeId::new("leader").unwrap();
        let beat = Heartbeat { node_id, alive: true, sent_at_us: Some(unix_us()), ours: Some(ours) };
        self.publish(Outbound::Heartbeat(Box::new(beat)).write().unwrap()).await;
    }

    async fn configure(&self, test_id: &str, target: &str, plan: &str) {
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

    async fn trigger(&self, test_id: &str, start: bool) {
        let start_at_ms = start.then(|| unix_ms() + 300);
        let test_id = TestId::new(test_id).unwrap();
        let trigger = Trigger { test_id, start, start_at_ms, revision: Some(1), setup: Default::default() };
        self.publish(Outbound::Trigger(trigger).write().unwrap()).await;
    }

    /// As classic orchestrators write it.
    async fn classic(&self, topic: Topic, payload: String) {
        self.publish(WrittenRecord { topic, key: "k".into(), payload }).await;
    }
}

fn target() -> (SocketAddr, Arc<AtomicU64>) {
    let received = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&received);
    let server = HttpServer::new(move || {
        let counted = Arc::clone(&counted);
        let ping = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { HttpResponse::Ok().body("pong") }
        };
        App::new().route("/ping", web::get().to(ping))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    actix_rt::spawn(server.run());
    (address, received)
}

#[actix_rt::test]
async fn a_driver_is_led_from_its_registration_to_its_goodbye() {
    let broker = EmbeddedBroker::start(&KafkaSettings::default()).await.unwrap();
    let kafka = broker.settings(&KafkaSettings::default());
    let (address, received) = target();
    let url = format!("http://{address}/ping");
    let folder = tempfile::tempdir().unwrap();
    let mut leader = Leader::new(&kafka).await;

    let mut settings = DriverSettings {
        node: NodeSettings {
            id: Some(NodeId::new("d1").unwrap()),
            data_dir: Some(folder.path().join("driver")),
        },
        kafka: KafkaSettings { brokers: Brokers::At(broker.brokers().to_vec()), ..kafka },
        ..DriverSettings::default()
    };
    settings.driver.workers = Some(2);
    settings.http.listen = Some("127.0.0.1:0".parse().unwrap());
    settings.classic.target_url = Some(url.parse().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, bound) = oneshot::channel();
    let running =
        actix_rt::spawn(driver::run(settings, async move { stopped.await.unwrap() }, move |bound| {
            ready.send(bound).unwrap()
        }));
    let http = bound.await.unwrap().http.unwrap();

    let register = leader.until("register", |record| match record {
        Inbound::Register(register) => Some(register),
        _ => None,
    });
    let register = register.await;
    assert_eq!((register.node_id.as_str(), register.ours.unwrap().cores), ("d1", 2));
    assert_eq!(register.address, Some(format!("127.0.0.1:{}", http.port())));
    leader.state(DriverState::Idle).await;

    // Our orchestrator: what it cannot do is refused by name, a fair one runs to the request.
    leader.beat(5).await;
    leader
        .configure("far", "http://192.0.2.1/", "[load]\nmode = \"tsunami\"\nrate = 10\nrequests = 10\n")
        .await;
    leader
        .until("refusal of the target", |record| match record {
            Inbound::Heartbeat(beat) => beat
                .ours
                .and_then(|ours| ours.reason)
                .filter(|reason| reason.contains("--allow-target 192.0.2.1")),
            _ => None,
        })
        .await;
    assert_eq!(received.load(Ordering::SeqCst), 0, "nothing was sent");
    leader.configure("fair", &url, "[load]\nmode = \"tsunami\"\nrate = 200\nrequests = 300\n").await;
    let answer = leader.state(DriverState::Ready).await;
    assert_eq!((answer.test_id.unwrap().as_str(), answer.revision), ("fair", Some(1)));
    leader.trigger("fair", true).await;
    let progress = leader.state(DriverState::Running).await;
    assert_eq!(progress.test_id.unwrap().as_str(), "fair");
    let (windows, last) = leader.windows("fair").await;
    let counters = &windows.last().unwrap().figures.all.counters;
    assert_eq!((counters.scheduled, counters.sent, counters.completed), (300, 300, 300), "{counters:?}");
    assert_eq!(received.swap(0, Ordering::SeqCst), 300, "what the target counted");
    assert!(last.classic.complete && last.classic.num_requests == Some(300), "{:?}", last.classic);
    assert_eq!(windows.last().unwrap().ending.as_ref().unwrap().cut_short, None);

    // A classic orchestrator: the trigger first, a test with nothing to do, the same id again.
    leader.state(DriverState::Idle).await;
    let yes = |id: &str| format!("{{\"test_id\": \"{id}\", \"trigger\": \"YES\"}}");
    let config = |id: &str, kind: &str, delay: &str, count: u32| {
        format!(
            "{{\"test_id\":\"{id}\",\"test_type\":\"{kind}\",\"test_message_delay\":\"{delay}\",\"message_count_per_driver\":\"{count}\"}}"
        )
    };
    leader.classic(Topic::Trigger, yes("A_1")).await;
    leader.classic(Topic::TestConfig, config("A_1", "AVALANCHE", "0", 40)).await;
    let (windows, _) = leader.windows("A_1").await;
    assert_eq!(
        (windows.last().unwrap().figures.all.counters.completed, received.swap(0, Ordering::SeqCst)),
        (40, 40)
    );
    leader.classic(Topic::TestConfig, config("A_2", "AVALANCHE", "0", 0)).await;
    leader.classic(Topic::Trigger, yes("A_2")).await;
    let (windows, last) = leader.windows("A_2").await;
    assert_eq!((windows.len(), last.classic.num_requests, last.classic.complete), (1, Some(0), true));
    leader.classic(Topic::TestConfig, config("T_1", "TSUNAMI", "0.02", 10)).await;
    leader.classic(Topic::Trigger, yes("T_1")).await;
    let (windows, _) = leader.windows("T_1").await;
    assert_eq!(
        (windows.last().unwrap().figures.all.counters.completed, received.swap(0, Ordering::SeqCst)),
        (10, 10)
    );

    // Stopped by the orchestrator, and left by the driver.
    leader.configure("stopped", &url, "[load]\nmode = \"tsunami\"\nrate = 50\nduration = \"60s\"\n").await;
    leader.state(DriverState::Ready).await;
    leader.trigger("stopped", true).await;
    leader.state(DriverState::Running).await;
    leader.trigger("stopped", false).await;
    let (windows, _) = leader.windows("stopped").await;
    assert_eq!(windows.last().unwrap().ending.as_ref().unwrap().cut_short.as_deref(), Some("stopped"));
    leader
        .configure(
            "left",
            &url,
            "[load]\nmode = \"avalanche\"\nconnections = 2\ntarget_throughput = 100\nduration = \"60s\"\n",
        )
        .await;
    leader.state(DriverState::Ready).await;
    received.store(0, Ordering::SeqCst);
    leader.trigger("left", true).await;
    leader.state(DriverState::Running).await;
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while received.load(Ordering::SeqCst) < 20 {
        assert!(std::time::Instant::now() < until, "the load runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(()).unwrap();
    let (windows, _) = leader.windows("left").await;
    let last = windows.last().unwrap();
    assert_eq!(last.ending.as_ref().unwrap().cut_short.as_deref(), Some("leaving"));
    assert_eq!(last.figures.all.counters.in_flight(), 0, "what was in flight is cancelled");
    assert_eq!(
        last.figures.all.counters.sent,
        received.load(Ordering::SeqCst),
        "{:?}",
        last.figures.all.counters
    );
    leader
        .until("goodbye", |record| match record {
            Inbound::Heartbeat(beat) if !beat.alive => Some(()),
            _ => None,
        })
        .await;
    running.await.unwrap().unwrap();
}
