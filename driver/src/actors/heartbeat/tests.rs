use std::sync::{Arc, Mutex};

use actix::{Addr, MessageResult};
use common::counters::Counters;
use common::ids::TestId;
use common::kafka::Publish;
use common::wire::{DriverState, Topic};

use super::*;
use crate::actors::messages::aggregator::GetProgress;
use crate::life::Reply;
use crate::merge::DriverProgress;

/// A Kafka that takes what it is given, or refuses it.
struct Kafka {
    taken: Arc<Mutex<Vec<(Topic, serde_json::Value)>>>,
    refuse: Arc<Mutex<u32>>,
}

impl Actor for Kafka {
    type Context = Context<Self>;
}

impl Handler<Publish> for Kafka {
    type Result = Result<(), KafkaError>;

    fn handle(&mut self, Publish(record): Publish, _: &mut Self::Context) -> Self::Result {
        let mut refuse = self.refuse.lock().unwrap();
        if *refuse > 0 {
            *refuse -= 1;
            return Err(KafkaError::QueueFull);
        }
        // An end word is plain text.
        let value = serde_json::from_str(&record.payload).unwrap_or_else(|_| record.payload.clone().into());
        self.taken.lock().unwrap().push((record.topic, value));
        Ok(())
    }
}

struct Load;

impl Actor for Load {
    type Context = Context<Self>;
}

impl Handler<GetProgress> for Load {
    type Result = MessageResult<GetProgress>;

    fn handle(&mut self, _: GetProgress, _: &mut Self::Context) -> Self::Result {
        let counters = Counters { scheduled: 9, sent: 7, ..Counters::default() };
        MessageResult(Some(DriverProgress { test_id: TestId::new("t").unwrap(), counters, draining: false }))
    }
}

struct Scene {
    heartbeat: Addr<HeartbeatActor>,
    taken: Arc<Mutex<Vec<(Topic, serde_json::Value)>>>,
    refuse: Arc<Mutex<u32>>,
}

impl Scene {
    fn set() -> Self {
        Self::beating(Duration::from_secs(1))
    }

    fn beating(every: Duration) -> Self {
        let (taken, refuse): (Arc<Mutex<Vec<_>>>, Arc<Mutex<u32>>) = Default::default();
        let kafka = Kafka { taken: Arc::clone(&taken), refuse: Arc::clone(&refuse) }.start();
        let identity = Identity {
            node_id: NodeId::new("d1").unwrap(),
            epoch: Epoch(7),
            version: "0".into(),
            cores: 2,
            workers: 1,
            labels: BTreeMap::new(),
            max_rate: None,
            kernel: None,
            calibrated: None,
            port: 0,
        };
        let heartbeat =
            HeartbeatActor::new(identity, every, Producer::of(&kafka), ProgressHandle::of(&Load.start()))
                .start();
        Self { heartbeat, taken, refuse }
    }

    async fn up(&self) {
        self.heartbeat.send(LinkUp { address: [127, 0, 0, 1].into(), moved: false }).await.unwrap();
    }

    /// Waits until so many records of a topic are published; returns all that were.
    async fn until(&self, topic: Topic, n: usize) -> Vec<(Topic, serde_json::Value)> {
        self.until_all(|records| count(records, topic) >= n).await
    }

    /// Waits until what was published is enough; returns all of it.
    async fn until_all(
        &self,
        is_enough: impl Fn(&[(Topic, serde_json::Value)]) -> bool,
    ) -> Vec<(Topic, serde_json::Value)> {
        let published = async {
            while !is_enough(&self.taken.lock().unwrap()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), published).await.expect("they are published in time");
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// Waits for 12 beats that are to come so often; returns all that was published. `plan` has the exact times. Here the
    /// machine may be busy, so the bounds only tell a quarter of a second or less from a whole one: 12 beats are at least
    /// ten whole distances, and a second each would be 11 s.
    async fn beats_every_ms(&self, ms: u64) -> Vec<(Topic, serde_json::Value)> {
        let began = std::time::Instant::now();
        let records = self.until(Topic::Heartbeat, 12).await;
        let took = began.elapsed();
        assert!((Duration::from_millis(10 * ms)..Duration::from_secs(10)).contains(&took), "{took:?}");
        records
    }

    /// Waits for so many ms; returns what was published meanwhile. Only where it is the subject that something is not
    /// published.
    async fn after_ms(&self, ms: u64) -> Vec<(Topic, serde_json::Value)> {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    async fn set_state(&self, state: DriverState, test_id: Option<&str>, lasts: bool) {
        let test_id = test_id.map(|id| TestId::new(id).unwrap());
        let answer = Reply { test_id, revision: Some(1), state, ..Reply::idle() };
        self.heartbeat.send(StateChanged { answer, lasts }).await.unwrap();
    }
}

fn count(records: &[(Topic, serde_json::Value)], topic: Topic) -> usize {
    records.iter().filter(|(of, _)| *of == topic).count()
}

#[actix_rt::test]
async fn it_is_silent_until_it_may_register_and_then_beats_each_second() {
    let scene = Scene::set();
    assert_eq!(scene.after_ms(1_500).await, [], "before the link is up");
    scene.up().await;
    let began = std::time::Instant::now();
    let records = scene.until(Topic::Heartbeat, 4).await;
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2), "one at once and one a second: four within {took:?}");
    assert_eq!(records[0].0, Topic::Register, "before any beat");
    assert_eq!(records[0].1["node_IP"], "127.0.0.1:0");
    assert_eq!(count(&records, Topic::Register), 1);
    assert_eq!(records[1].1["state"], "idle");
    assert!(records[1].1.get("scheduled").is_none(), "no counters without a test");
}

#[actix_rt::test]
async fn while_a_test_runs_it_beats_four_times_a_second_with_counters() {
    let scene = Scene::set();
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    scene.set_state(DriverState::Running, Some("t"), true).await;
    let records = scene.beats_every_ms(250).await;
    let last = &records.last().unwrap().1;
    assert_eq!((&last["state"], &last["sent"]), (&"running".into(), &7.into()), "{last}");
}

#[actix_rt::test]
async fn it_registers_again_with_each_new_orchestrator() {
    let scene = Scene::set();
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    for (epoch, registers, caption) in [
        (5, true, "a first one"),
        (5, false, "again"),
        (4, false, "an older one"),
        (6, true, "its next life"),
    ] {
        scene.heartbeat.send(OrchestratorSeen(Epoch(epoch))).await.unwrap();
        if registers {
            assert_eq!(count(&scene.until(Topic::Register, 1).await, Topic::Register), 1, "{caption}");
        }
        assert_eq!(count(&scene.after_ms(400).await, Topic::Register), 0, "{caption}");
    }
    scene.heartbeat.send(LinkUp { address: [127, 0, 0, 1].into(), moved: true }).await.unwrap();
    scene.until(Topic::Register, 1).await;
    assert_eq!(count(&scene.after_ms(400).await, Topic::Register), 0, "once with another kafka");
}

#[actix_rt::test]
async fn what_kafka_does_not_take_is_published_again() {
    let scene = Scene::set();
    *scene.refuse.lock().unwrap() = 3;
    scene.up().await;
    let records = scene.until(Topic::Heartbeat, 1).await;
    assert_eq!(count(&records, Topic::Register), 1, "the registration");
    *scene.refuse.lock().unwrap() = 2;
    scene.set_state(DriverState::Ready, Some("t"), true).await;
    let records = scene.until(Topic::Heartbeat, 1).await;
    assert_eq!(records[0].1["state"], "ready");
}

#[actix_rt::test]
async fn a_refusal_beside_a_running_test_is_published_once() {
    let scene = Scene::set();
    scene.up().await;
    scene.set_state(DriverState::Running, Some("t"), true).await;
    scene.until(Topic::Heartbeat, 1).await;
    scene.set_state(DriverState::Refused, Some("u"), false).await;
    let is = |record: Option<&(Topic, serde_json::Value)>, state| {
        record.is_some_and(|(_, value)| value["state"] == state)
    };
    let has_both = |records: &[_]| {
        is(records.last(), "running") && records.iter().any(|record| is(Some(record), "refused"))
    };
    let mut records = scene.until_all(has_both).await;
    records.extend(scene.after_ms(500).await);
    let refused: Vec<_> = records.iter().filter(|(_, value)| value["state"] == "refused").collect();
    assert_eq!((refused.len(), &refused[0].1["test_id"]), (1, &"u".into()));
    assert_eq!(records.last().unwrap().1["state"], "running");
}

fn over(word: Option<&str>, no: bool) -> AnnounceEnd {
    AnnounceEnd(Over { test_id: TestId::new("c").unwrap(), word: word.map(str::to_owned), no })
}

/// Each record in short: `YES`, `NO`, `register` or the word.
fn signs(records: &[(Topic, serde_json::Value)]) -> Vec<String> {
    let sign = |(topic, value): &(Topic, serde_json::Value)| match topic {
        Topic::Register => "register".to_owned(),
        Topic::Heartbeat => value["heartbeat"].as_str().unwrap().to_owned(),
        _ => value.as_str().unwrap().to_owned(),
    };
    records.iter().map(sign).collect()
}

#[actix_rt::test]
async fn the_end_of_a_classic_test_is_published_until_kafka_has_it_and_the_beats_go_on() {
    let scene = Scene::set();
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    *scene.refuse.lock().unwrap() = 1;
    scene.heartbeat.send(over(Some("EOFBREAK"), true)).await.unwrap();
    let goes_on = |signs: &[String]| signs.iter().any(|sign| sign == "NO") && signs.last().unwrap() == "YES";
    let mut records = scene.until_all(|records| goes_on(&signs(records))).await;
    records.extend(scene.after_ms(500).await);
    let published = signs(&records);
    let words: Vec<_> = published.iter().filter(|sign| *sign != "YES").collect();
    assert_eq!(words, ["EOFBREAK", "NO"], "once each, the word first: {published:?}");
    assert_eq!(published.last(), Some(&"YES".to_owned()), "it does not leave: {published:?}");
}

#[actix_rt::test]
async fn the_end_of_a_classic_test_waits_while_our_own_orchestrator_leads() {
    let scene = Scene::set();
    scene.up().await;
    scene.set_state(DriverState::Ready, Some("t"), true).await;
    scene.heartbeat.send(over(None, true)).await.unwrap();
    assert!(!signs(&scene.after_ms(1_500).await).contains(&"NO".to_owned()));
    scene.heartbeat.send(StateChanged { answer: Reply::idle(), lasts: true }).await.unwrap();
    scene.until_all(|records| signs(records).contains(&"NO".to_owned())).await;
}

#[actix_rt::test]
async fn it_registers_again_when_it_is_asked_to() {
    let scene = Scene::set();
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    scene.heartbeat.send(RegisterAgain).await.unwrap();
    assert_eq!(count(&scene.until(Topic::Register, 1).await, Topic::Register), 1, "though it is registered");
    *scene.refuse.lock().unwrap() = 1;
    drop(scene.heartbeat.try_send(RegisterAgain));
    drop(scene.heartbeat.try_send(RegisterAgain));
    scene.until(Topic::Register, 1).await;
    assert_eq!(
        count(&scene.after_ms(1_000).await, Topic::Register),
        0,
        "the one that kafka did not take, once"
    );
}

#[actix_rt::test]
async fn it_beats_as_often_as_it_is_set_to() {
    let scene = Scene::beating(Duration::from_millis(100));
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    scene.beats_every_ms(100).await;
}

#[actix_rt::test]
async fn after_the_goodbye_it_is_silent() {
    let scene = Scene::set();
    scene.up().await;
    scene.until(Topic::Heartbeat, 1).await;
    scene.heartbeat.send(PublishGoodbye).await.unwrap().unwrap();
    // A heartbeat may have been due just before the goodbye.
    let records = scene.after_ms(2_500).await;
    let goodbyes = records.iter().filter(|(_, record)| record["heartbeat"] == "NO").count();
    assert_eq!((goodbyes, &records.last().unwrap().1["heartbeat"]), (1, &"NO".into()));
}
