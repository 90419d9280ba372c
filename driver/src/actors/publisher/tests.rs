use std::path::Path;
use std::sync::Mutex;

use actix::{Addr, SyncArbiter};
use common::figures::ByRequest;
use common::ids::{Epoch, TestId};
use common::kafka::{KafkaError, Publish};
use common::wire::{ClassicMetrics, MachineLoad, Window};

use super::*;
use crate::actors::messages::manager::{FinalPublished, Leave, LoadEnded};
use crate::actors::store::StoreActor;
use crate::outbox::IN_MEMORY;
use crate::store::WindowStore;

/// A Kafka that may be away.
#[derive(Default)]
struct Kafka {
    away: Arc<Mutex<bool>>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Actor for Kafka {
    type Context = Context<Self>;
}

impl Handler<Publish> for Kafka {
    type Result = Result<(), KafkaError>;

    fn handle(&mut self, Publish(record): Publish, _: &mut Self::Context) -> Self::Result {
        if *self.away.lock().unwrap() {
            return Err(KafkaError::NotDelivered("away".into()));
        }
        let value: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
        self.taken.lock().unwrap().push(value["report_id"].as_str().unwrap().to_owned());
        Ok(())
    }
}

/// Stands for the test manager: the final windows that were reported to it.
struct Finals(Arc<Mutex<Vec<FinalPublished>>>);

impl Actor for Finals {
    type Context = Context<Self>;
}

impl Handler<FinalPublished> for Finals {
    type Result = ();

    fn handle(&mut self, published: FinalPublished, _: &mut Self::Context) {
        self.0.lock().unwrap().push(published);
    }
}

impl Handler<LoadEnded> for Finals {
    type Result = ();

    fn handle(&mut self, _: LoadEnded, _: &mut Self::Context) {}
}

impl Handler<Leave> for Finals {
    type Result = ();

    fn handle(&mut self, _: Leave, _: &mut Self::Context) {}
}

struct Scene {
    publisher: Addr<PublisherActor>,
    away: Arc<Mutex<bool>>,
    taken: Arc<Mutex<Vec<String>>>,
    finals: Arc<Mutex<Vec<FinalPublished>>>,
}

impl Scene {
    async fn set(folder: &Path, away: bool) -> Self {
        let kafka = Kafka { away: Arc::new(Mutex::new(away)), taken: Arc::default() };
        let (away, taken) = (Arc::clone(&kafka.away), Arc::clone(&kafka.taken));
        let folder = folder.to_owned();
        let store = SyncArbiter::start(1, move || StoreActor::new(folder.clone()));
        let node_id = NodeId::new("d1").unwrap();
        let store = StoreHandle::of(&store);
        let finals: Arc<Mutex<Vec<_>>> = Arc::default();
        let manager = ManagerHandle::of(&Finals(Arc::clone(&finals)).start());
        let publisher = PublisherActor::new(node_id, Producer::of(&kafka.start()), store, manager).start();
        publisher.send(LinkUp { address: [127, 0, 0, 1].into(), moved: false }).await.unwrap();
        Self { publisher, away, taken, finals }
    }

    async fn close(&self, epoch: u64, seqs: std::ops::Range<u64>) {
        for seq in seqs {
            self.publisher.send(closed(epoch, seq)).await.unwrap();
        }
    }

    async fn flush(&self) {
        let flushed = tokio::time::timeout(Duration::from_secs(20), self.publisher.send(FlushWindows));
        flushed.await.expect("kafka takes them").unwrap();
    }

    async fn stats(&self) -> PublisherStats {
        self.publisher.send(GetPublisherStats).await.unwrap()
    }
}

fn closed(epoch: u64, seq: u64) -> WindowClosed {
    let window = Window {
        epoch: Epoch(epoch),
        seq,
        from_us: second(seq),
        to_us: second(seq + 1),
        figures: ByRequest::default(),
        sessions: common::session_figures::AllSessions::default(),
        users: None,
        busy: 0.0,
        machine: MachineLoad::default(),
        is_final: false,
        ending: None,
    };
    let zero = Some(0.0);
    let classic = ClassicMetrics {
        mean_ms: zero,
        median_ms: zero,
        min_ms: zero,
        max_ms: zero,
        ..ClassicMetrics::default()
    };
    WindowClosed { test_id: TestId::new("t").unwrap(), window: Box::new(window), classic }
}

fn second(seq: u64) -> i64 {
    i64::try_from(seq).unwrap() * 1_000_000
}

fn ids(epoch: u64, seqs: std::ops::Range<u64>) -> Vec<String> {
    seqs.map(|seq| format!("t:d1:{epoch}:{seq}:{}", second(seq))).collect()
}

/// Asks again and again until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("it is so in time");
}

fn counts(folder: &Path) -> (u64, u64) {
    WindowStore::open(folder).unwrap().counts().unwrap()
}

#[actix_rt::test]
async fn windows_reach_kafka_in_order_and_stay_in_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::set(folder.path(), false).await;
    scene.close(7, 0..50).await;
    scene.flush().await;
    assert_eq!(*scene.taken.lock().unwrap(), ids(7, 0..50));
    assert_eq!(counts(folder.path()), (50, 0));
    assert_eq!(
        scene.stats().await,
        PublisherStats { closed: 50, published: 50, ..PublisherStats::default() }
    );
}

#[actix_rt::test]
async fn an_outage_longer_than_memory_loses_nothing_and_keeps_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::set(folder.path(), true).await;
    scene.close(7, 0..400).await;
    assert!(scene.stats().await.waiting <= IN_MEMORY as u64);
    *scene.away.lock().unwrap() = false;
    scene.close(7, 400..420).await;
    scene.flush().await;
    assert_eq!(*scene.taken.lock().unwrap(), ids(7, 0..420));
    let stats = scene.stats().await;
    assert_eq!((stats.published, stats.lost), (420, 0));
    assert_eq!(counts(folder.path()), (420, 0));
}

#[actix_rt::test]
async fn what_an_earlier_process_did_not_publish_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let earlier = Scene::set(folder.path(), true).await;
    earlier.close(6, 0..3).await;
    // Both open the file at once, where SQLite may find it locked.
    let stored = || WindowStore::open(folder.path()).ok()?.counts().ok();
    until(async || stored().is_some_and(|(closed, _)| closed >= 3)).await;
    drop(earlier);
    let scene = Scene::set(folder.path(), false).await;
    scene.close(7, 0..2).await;
    scene.flush().await;
    assert_eq!(*scene.taken.lock().unwrap(), [ids(6, 0..3), ids(7, 0..2)].concat());
}

#[actix_rt::test]
async fn the_final_window_is_reported_once_kafka_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::set(folder.path(), true).await;
    scene.close(7, 0..2).await;
    let mut last = closed(7, 2);
    last.window.is_final = true;
    scene.publisher.send(last).await.unwrap();
    until(async || scene.stats().await.publish_failures > 0).await;
    assert!(scene.finals.lock().unwrap().is_empty(), "kafka is away");
    *scene.away.lock().unwrap() = false;
    scene.flush().await;
    let reported: Vec<_> =
        scene.finals.lock().unwrap().iter().map(|it| (it.test_id.to_string(), it.epoch)).collect();
    assert_eq!(reported, [("t".to_owned(), Epoch(7))]);
}
