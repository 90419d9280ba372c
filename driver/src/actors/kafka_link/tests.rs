use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Addr, MessageResult};
use common::kafka::{ConsumerStats, Offsets, ProducerStats};
use common::settings::{Brokers, TopicNames};
use common::wire::{Topic, WrittenRecord};

use super::link::{AWAY_BEFORE_ASKING, RETRY};
use super::*;
use crate::actors::messages::kafka_link::LinkUp;

/// The clients of a Kafka that takes nothing: every record waits.
struct Clients;

impl Actor for Clients {
    type Context = Context<Self>;
}

impl Handler<Publish> for Clients {
    type Result = ResponseFuture<Result<(), KafkaError>>;
    fn handle(&mut self, _: Publish, _: &mut Self::Context) -> Self::Result {
        Box::pin(std::future::pending())
    }
}

impl Handler<WarmUp> for Clients {
    type Result = Result<(), KafkaError>;
    fn handle(&mut self, _: WarmUp, _: &mut Self::Context) -> Self::Result {
        Ok(())
    }
}

impl Handler<FlushProducer> for Clients {
    type Result = u64;
    fn handle(&mut self, _: FlushProducer, _: &mut Self::Context) -> Self::Result {
        0
    }
}

impl Handler<GetProducerStats> for Clients {
    type Result = MessageResult<GetProducerStats>;
    fn handle(&mut self, _: GetProducerStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(ProducerStats::default())
    }
}

impl Handler<GetConsumerStats> for Clients {
    type Result = MessageResult<GetConsumerStats>;
    fn handle(&mut self, _: GetConsumerStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(ConsumerStats::default())
    }
}

impl Handler<StopConsumer> for Clients {
    type Result = ();
    fn handle(&mut self, _: StopConsumer, _: &mut Self::Context) {}
}

struct Ups(mpsc::UnboundedSender<LinkUp>);

impl Actor for Ups {
    type Context = Context<Self>;
}

impl Handler<LinkUp> for Ups {
    type Result = ();
    fn handle(&mut self, up: LinkUp, _: &mut Self::Context) {
        self.0.send(up).unwrap();
    }
}

/// A link whose orchestrator answers with these brokers, one after the other; the last one for ever.
struct Scene {
    link: Addr<KafkaLinkActor>,
    /// The Kafka that clients were started for.
    connected: mpsc::UnboundedReceiver<KafkaSettings>,
    ups: mpsc::UnboundedReceiver<LinkUp>,
    fatal: mpsc::Receiver<RunError>,
}

impl Scene {
    fn set(brokers: Brokers, answers: Vec<Result<&'static str, u16>>, usable: bool) -> Self {
        let (connected_sender, connected) = mpsc::unbounded_channel();
        let (up_sender, ups) = mpsc::unbounded_channel();
        let (fatal_sender, fatal) = mpsc::channel(1);
        let connect: Connect = Box::new(move |kafka, _| {
            if !usable {
                return Err(KafkaError::Settings("no".into()));
            }
            connected_sender.send(kafka.clone()).unwrap();
            let clients = Clients.start();
            Ok(KafkaClients {
                publish: clients.clone().recipient(),
                warm_up: clients.clone().recipient(),
                flush: clients.clone().recipient(),
                produced: clients.clone().recipient(),
                consumed: clients.clone().recipient(),
                stop: clients.recipient(),
            })
        });
        let answers = Arc::new(Mutex::new(answers));
        let ask: Ask = Box::new(move || {
            let mut answers = answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            Box::pin(async move {
                let brokers = vec![answer.map_err(AskError::Status)?.to_owned()];
                let topics = TopicNames::of([(Topic::Metrics, "reports".to_owned())]);
                let topic_prefix = "t-".to_owned();
                Ok(Bootstrap { brokers, topic_prefix, topics, protocol: common::wire::PROTOCOL })
            })
        });
        let settings = KafkaSettings { brokers, ..KafkaSettings::default() };
        let ups_to = LinkUpHandle::default().and(&Ups(up_sender).start());
        let link =
            KafkaLinkActor::new(settings, connect, Some(ask), ups_to, fatal_sender, Needs::default()).start();
        Self { link, connected, ups, fatal }
    }

    async fn connects_to(&mut self, expected: &str) -> KafkaSettings {
        let kafka = within(self.connected.recv()).await.unwrap();
        assert_eq!(kafka.brokers, Brokers::At(vec![expected.to_owned()]));
        kafka
    }

    async fn assigned(&mut self) -> LinkUp {
        let assigned = ConsumerChanged::Assigned { cluster_id: None, from: Offsets::new() };
        self.link.send(assigned).await.unwrap();
        within(self.ups.recv()).await.unwrap()
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(15), future).await.expect("it happens in time")
}

fn record() -> Publish {
    Publish(Arc::new(WrittenRecord { topic: Topic::Metrics, key: "k".into(), payload: "{}".into() }))
}

#[actix_rt::test]
async fn it_asks_until_the_orchestrator_answers_and_is_up_once_reading_has_begun() {
    let mut scene = Scene::set(Brokers::Ask, vec![Err(503), Err(503), Ok("127.0.0.1:1")], true);
    assert_eq!(scene.link.send(record()).await.unwrap(), Err(KafkaError::NoBrokers), "answered at once");
    let kafka = scene.connects_to("127.0.0.1:1").await;
    let names = [Topic::Metrics, Topic::Trigger].map(|topic| kafka.topic_name(topic));
    assert_eq!(names, ["reports", "t-trigger"], "as the orchestrator calls them");
    assert!(scene.ups.try_recv().is_err(), "not before reading has begun");
    let up = scene.assigned().await;
    assert_eq!((up.address.to_string().as_str(), up.moved), ("127.0.0.1", false));
    assert!(scene.link.send(GetLinkStats).await.unwrap().connected);
}

#[actix_rt::test]
async fn a_kafka_that_came_back_elsewhere_is_followed() {
    let answers = vec![Ok("127.0.0.1:1"), Ok("127.0.0.1:1"), Ok("127.0.0.1:2")];
    let mut scene = Scene::set(Brokers::Ask, answers, true);
    scene.connects_to("127.0.0.1:1").await;
    scene.assigned().await;
    let waiting = actix_rt::spawn(scene.link.send(record()));
    scene.link.send(ConsumerChanged::Connected(false)).await.unwrap();
    scene.connects_to("127.0.0.1:2").await;
    let answered = within(waiting).await.unwrap().unwrap();
    assert_eq!(answered, Err(KafkaError::Stopped), "what the old producer held is handed back");
    assert!(scene.assigned().await.moved);
}

#[actix_rt::test]
async fn brokers_that_were_given_are_used_and_never_asked_for() {
    let given = Brokers::At(vec!["10.0.0.1:9092".into()]);
    let mut scene = Scene::set(given, vec![Ok("127.0.0.1:2")], true);
    scene.connects_to("10.0.0.1:9092").await;
    scene.link.send(ConsumerChanged::Connected(false)).await.unwrap();
    let moved = tokio::time::timeout(AWAY_BEFORE_ASKING + 3 * RETRY, scene.connected.recv()).await;
    assert!(moved.is_err(), "it waits for the ones it was given");
}

#[actix_rt::test]
async fn unusable_settings_end_the_node() {
    let mut scene = Scene::set(Brokers::Ask, vec![Ok("127.0.0.1:1")], false);
    let error = within(scene.fatal.recv()).await.unwrap();
    assert_eq!(error.to_string(), "kafka settings are not usable: no");
}
