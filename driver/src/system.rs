//! The only place of the driver where actors are spawned and wired to one another.

use std::path::PathBuf;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Recipient, SyncArbiter};
use actix_rt::Arbiter;
use common::ids::{Epoch, NodeId};
use common::kafka::{
    ConsumerChanged, ConsumerOptions, KafkaConsumerActor, KafkaError, KafkaProducerActor, Producer,
    RecordsArrived, StartFrom, create_topics,
};
use common::service::Needs;
use common::settings::KafkaSettings;
use common::wire::{ReadAs, Topic};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::RunError;
use crate::actors::clock::{AskTime, ClockActor};
use crate::actors::heartbeat::{HeartbeatActor, Identity};
use crate::actors::kafka_link::{Ask, Connect, KafkaClients, KafkaLinkActor};
use crate::actors::messages::aggregator::{AggregatorHandle, NamedHandle, ProgressHandle};
use crate::actors::messages::clock::ClockHandle;
use crate::actors::messages::heartbeat::HeartbeatHandle;
use crate::actors::messages::kafka_link::{LinkHandle, LinkUpHandle};
use crate::actors::messages::manager::ManagerHandle;
use crate::actors::messages::publisher::PublisherHandle;
use crate::actors::messages::store::StoreHandle;
use crate::actors::messages::worker::WorkerHandle;
use crate::actors::publisher::PublisherActor;
use crate::actors::request_worker::RequestWorkerActor;
use crate::actors::stats_aggregator::StatsAggregatorActor;
use crate::actors::store::StoreActor;
use crate::actors::test_manager::{ManagerOptions, ManagerPeers, TestManagerActor};
use crate::bootstrap::OrchestratorClient;
use crate::calibrate::Calibration;
use crate::http::Sources;
use crate::safety::Limits;
use crate::schedstat::Workers;
use crate::settings::DriverSettings;

/// Longest wait for the load to end and its final window to be merged, when the driver leaves.
const LEAVE: Duration = Duration::from_secs(5);
/// Longest wait for Kafka to take the last windows.
const LAST_WINDOWS: Duration = Duration::from_secs(5);
/// Longest wait for Kafka to take the goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What the actors are made of.
pub struct Parts {
    pub settings: DriverSettings,
    pub node_id: NodeId,
    /// Epoch of this process.
    pub epoch: Epoch,
    pub folder: PathBuf,
    /// Descriptors that may be open.
    pub descriptors: u64,
    /// What it could do when it was calibrated.
    pub calibration: Option<Calibration>,
    /// The client that asks for Kafka's addresses and the time.
    pub orchestrator: Option<OrchestratorClient>,
    /// Where errors go that end the node.
    pub fatal: mpsc::Sender<RunError>,
    /// What it waits for, for the service manager.
    pub needs: Needs,
}

/// The actors that start first, because the rest needs the server's address, which is part of the registration.
pub struct Foundation {
    parts: Parts,
    manager: Context<TestManagerActor>,
    heartbeat: Context<HeartbeatActor>,
    link: Context<KafkaLinkActor>,
    handles: Handles,
    /// The workers' threads, once they run.
    threads: Workers,
}

/// The handles of the actors that others send to.
struct Handles {
    manager: ManagerHandle,
    aggregator: AggregatorHandle,
    progress: ProgressHandle,
    named: NamedHandle,
    publisher: PublisherHandle,
    heartbeat: HeartbeatHandle,
    link: LinkHandle,
    ups: LinkUpHandle,
}

pub struct System {
    manager: ManagerHandle,
    heartbeat: HeartbeatHandle,
    publisher: PublisherHandle,
    link: LinkHandle,
    workers: Vec<Arbiter>,
}

impl Foundation {
    /// Starts the actors that measure and store; nothing is received or sent yet.
    pub fn lay(parts: Parts) -> Self {
        // Manager, heartbeat and link send to one another: their addresses exist before they run.
        let manager = Context::<TestManagerActor>::new();
        let heartbeat = Context::<HeartbeatActor>::new();
        let link = Context::<KafkaLinkActor>::new();
        let to_manager = ManagerHandle::of(&manager.address());

        let folder = parts.folder.clone();
        let store = SyncArbiter::start(1, move || StoreActor::new(folder.clone()));
        let publisher = PublisherActor::new(
            parts.node_id.clone(),
            Producer::of(&link.address()),
            StoreHandle::of(&store),
            to_manager.clone(),
        )
        .start();
        let to_publisher = PublisherHandle::of(&publisher);
        let (cores, threads) = (parts.settings.driver.n_workers(), Workers::default());
        let aggregator = StatsAggregatorActor::new(
            parts.epoch,
            cores,
            threads.clone(),
            to_publisher.clone(),
            to_manager.clone(),
        )
        .start();

        let handles = Handles {
            manager: to_manager,
            aggregator: AggregatorHandle::of(&aggregator),
            progress: ProgressHandle::of(&aggregator),
            named: NamedHandle::of(&aggregator),
            publisher: to_publisher,
            heartbeat: HeartbeatHandle::of(&heartbeat.address()),
            link: LinkHandle::of(&link.address()),
            ups: LinkUpHandle::default().and(&heartbeat.address()).and(&publisher).and(&manager.address()),
        };
        Self { parts, manager, heartbeat, link, handles, threads }
    }

    /// The actors that the driver's own server queries.
    pub fn sources(&self) -> Sources {
        Sources {
            progress: self.handles.progress.clone(),
            named: self.handles.named.clone(),
            publisher: self.handles.publisher.clone(),
            link: self.handles.link.clone(),
        }
    }

    /// Starts the rest. `port`: that of the driver's own server, or 0.
    ///
    /// # Errors
    /// Where a worker cannot be started.
    pub fn build(self, port: u16) -> std::io::Result<System> {
        let Self { parts, manager, heartbeat, link, handles, threads } = self;
        let Parts { settings, node_id, epoch, descriptors, calibration, orchestrator, fatal, needs, .. } =
            parts;
        let manager_address = manager.address();
        let n_workers = settings.driver.n_workers();

        let pool = (0..n_workers)
            .map(|_| {
                let (threads, aggregator) = (threads.clone(), handles.aggregator.clone());
                RequestWorkerActor::start_on_own_thread(settings.driver.precision, threads, aggregator)
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        let workers = pool.iter().map(|(worker, _)| WorkerHandle::of(worker)).collect();

        let ask_time = orchestrator.clone().map(|client| -> AskTime {
            Box::new(move || {
                let client = client.clone();
                Box::pin(async move { client.time().await })
            })
        });
        let clock = ClockActor::new(ask_time, handles.heartbeat.clone(), needs.clone()).start();

        let limits = Limits {
            node_id: node_id.clone(),
            allow_targets: settings.safety.allow_targets,
            max_rate: settings.safety.max_rate,
            descriptors,
        };
        let calibrated = calibration.as_ref().map(Calibration::ceilings);
        let options = ManagerOptions {
            epoch,
            limits,
            calibration,
            classic: settings.classic.clone(),
            habits: settings.habits.clone(),
            grace: settings.orchestrator.grace,
            tls: settings.tls,
            secrets: settings.secrets,
            connect_to: settings.driver.connect_to,
            resolve_every: settings.driver.resolve_every,
        };
        let peers = ManagerPeers {
            workers,
            aggregator: handles.aggregator,
            publisher: handles.publisher.clone(),
            heartbeat: handles.heartbeat.clone(),
            clock: ClockHandle::of(&clock),
            orchestrator: orchestrator.clone(),
            fatal: fatal.clone(),
        };
        manager.run(TestManagerActor::new(options, peers));

        let identity = Identity {
            node_id: node_id.clone(),
            epoch,
            version: settings.version,
            cores: crate::cpu::cores(),
            workers: n_workers,
            labels: settings.driver.labels,
            max_rate: settings.safety.max_rate,
            kernel: common::host::kernel_id(),
            calibrated,
            port,
        };
        heartbeat.run(HeartbeatActor::new(
            identity,
            settings.habits.heartbeat_every,
            Producer::of(&link.address()),
            handles.progress,
        ));

        let read_as = settings.classic.read_as();
        // Our orchestrator creates the topics itself; a classic one waits for drivers to register, so the driver
        // creates them.
        let makes_topics = orchestrator.is_none();
        let connect = connect(node_id, read_as, manager_address.recipient(), makes_topics);
        let ask = orchestrator.map(|client| -> Ask {
            Box::new(move || {
                let client = client.clone();
                Box::pin(async move { client.bootstrap().await })
            })
        });
        link.run(KafkaLinkActor::new(settings.kafka, connect, ask, handles.ups, fatal, needs));
        let workers = pool.into_iter().map(|(_, arbiter)| arbiter).collect();
        let Handles { manager, publisher, heartbeat, link, .. } = handles;
        Ok(System { manager, heartbeat, publisher, link, workers })
    }
}

/// Starts the clients of a Kafka; creates its topics where `makes_topics`.
fn connect(
    node_id: NodeId,
    read_as: ReadAs,
    records: Recipient<RecordsArrived>,
    makes_topics: bool,
) -> Connect {
    Box::new(move |kafka: &KafkaSettings, changes: Recipient<ConsumerChanged>| -> Result<_, KafkaError> {
        let topics = vec![Topic::TestConfig, Topic::Trigger, Topic::Heartbeat];
        let options =
            ConsumerOptions::new(kafka.clone(), node_id.clone(), topics, StartFrom::End, read_as.clone());
        let producer = KafkaProducerActor::new(kafka)?.start();
        let consumer = KafkaConsumerActor::new(options, records.clone(), changes)?.start();
        if makes_topics {
            let kafka = kafka.clone();
            actix_rt::spawn(async move {
                if let Err(error) = create_topics(&kafka).await {
                    log::warn!(error:%; "kafka topics not created, waiting until they exist");
                }
            });
        }
        Ok(KafkaClients {
            publish: producer.clone().recipient(),
            warm_up: producer.clone().recipient(),
            flush: producer.clone().recipient(),
            produced: producer.recipient(),
            consumed: consumer.clone().recipient(),
            stop: consumer.recipient(),
        })
    })
}

impl System {
    /// Leaves in order: ends the load, publishes its final window, then the goodbye.
    pub async fn leave(self) {
        if timeout(LEAVE, self.manager.leave()).await.is_err() {
            log::warn!("load did not end in time");
        }
        if timeout(LAST_WINDOWS, self.publisher.flush()).await.is_err() {
            log::warn!(
                "kafka did not take the last windows in time: the store keeps them for the next start"
            );
        }
        match timeout(GOODBYE, self.heartbeat.goodbye()).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => log::warn!(error:%; "goodbye not published"),
            Ok(Err(error)) => log::warn!(error:%; "goodbye not published"),
            Err(_) => log::warn!("goodbye not published in time"),
        }
        if let Err(error) = self.link.flush(Duration::from_millis(500)).await {
            log::warn!(error:%; "kafka producer not flushed");
        }
        for worker in self.workers {
            worker.stop();
        }
    }
}
