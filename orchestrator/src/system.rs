//! The orchestrator's actors, spawned and wired to one another: here and nowhere else.

use std::path::Path;
use std::sync::Arc;

use actix::{Actor, Addr};
use common::clock::unix_ms;
use common::ids::{Epoch, NodeId};
use common::kafka::{
    ConsumerOptions, KafkaConsumerActor, KafkaError, KafkaProducerActor, Offsets, Producer, StartFrom,
    StopConsumer, WarmUp, cluster_id, create_topics,
};
use common::settings::KafkaSettings;
use common::wire::Topic;
use tokio::sync::watch;

use crate::actors::driver_registry::{DriverList, DriverRegistryActor, RegistryHandle};
use crate::actors::events::{EventsActor, EventsFeed, EventsHandle};
use crate::actors::heartbeat::HeartbeatActor;
use crate::actors::intake::{IntakeActor, IntakeOutputs, Source, recipients};
use crate::actors::revision::{RevisionActor, RevisionHandle, RevisionLinks};
use crate::actors::stats_aggregator::{ExposedReader, StatsAggregatorActor, TallyHandle};
use crate::actors::store::{HistoryReader, RecordsReader, StoreActor, StoreHandle, TakeEpoch};
use crate::actors::test_manager::{AwaitTakenUp, ManagerHandle, TakenUp, TestManagerActor, TestsHandle};
use crate::actors::{ManagerLinks, ManagerSettings};
use crate::lifecycle::{ClassicRules, Rules};
use crate::now::Clock;
use crate::ran_on::RanOn;
use crate::registry::{Patience, Registry};
use crate::settings::OrchestratorSettings;
use crate::store::StoreError;
use crate::telemetry::{Readiness, Telemetry};

/// How long the reading thread may take to end.
const DISCONNECT_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// How often it is looked at meanwhile.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(10);

/// The store, before anything else is known.
pub struct Stored {
    /// Writes, and short reads.
    pub store: Addr<StoreActor>,
    /// Long reads, on a thread of their own.
    pub reader: Addr<StoreActor>,
    /// The epoch of this process.
    pub epoch: Epoch,
}

/// Everything that runs, for the HTTP side.
#[derive(Clone)]
pub struct System {
    /// Tests, as clients command them.
    pub tests: TestsHandle,
    pub manager: Addr<TestManagerActor>,
    pub drivers: DriverList,
    pub events: EventsFeed,
    /// The newest test, for `/metrics`.
    pub exposed: ExposedReader,
    /// Long reads for REST.
    pub history: HistoryReader,
    /// The way in of records.
    pub intake: Addr<IntakeActor>,
    pub producer: Addr<KafkaProducerActor>,
    /// Where reading goes on.
    pub store: StoreHandle,
    /// The store's actor, which deletes old tests.
    pub pruner: Addr<StoreActor>,
}

/// Opens the store and takes a new epoch.
///
/// # Errors
/// Where the database cannot be opened or written.
pub async fn open_store(
    folder: &Path,
    node_epoch: Epoch,
    telemetry: &Arc<Telemetry>,
    readiness: &Arc<Readiness>,
) -> Result<Stored, StoreError> {
    let path = folder.join(crate::store::FILE);
    let store = StoreActor::start_at(&path, Arc::clone(telemetry))?;
    let reader = StoreActor::start_at(&path, Arc::clone(telemetry))?;
    let gone = |error: actix::MailboxError| StoreError::Sqlite {
        path: path.display().to_string(),
        cause: error.to_string(),
    };
    let epoch = store.send(TakeEpoch { now_unix_ms: unix_ms() }).await.map_err(gone)??;
    readiness.set_store(true);
    Ok(Stored { store, reader, epoch: epoch.max(node_epoch) })
}

/// Spawns everything but the consumer, which needs a Kafka that answers.
///
/// # Errors
/// Where the Kafka settings cannot be used.
pub fn spawn(
    settings: &OrchestratorSettings,
    kafka: &KafkaSettings,
    stored: Stored,
    (telemetry, readiness): (&Arc<Telemetry>, &Arc<Readiness>),
    superseded: watch::Sender<Option<u64>>,
    (node_id, embedded): (NodeId, bool),
    clock: Clock,
) -> Result<System, KafkaError> {
    let Stored { store, reader, epoch } = stored;
    let producer = KafkaProducerActor::new(kafka)?.start();
    let events = EventsActor::new(epoch, Arc::clone(telemetry)).start();
    let store_handle = StoreHandle::of(&store);
    let outside = Outside {
        producer: Producer::of(&producer),
        events: EventsHandle::of(&events),
        store: store_handle.clone(),
        // A test that is counted again is a long read, and delays no write.
        records: RecordsReader::of(&reader),
    };
    let source = Source { embedded, kafka: kafka.clone() };
    let watch = (Arc::clone(telemetry), Arc::clone(readiness));
    let who = (node_id, epoch);
    let Wired { tests, nodes, intake, exposed } =
        wire(outside, who, (patience(settings), rules(settings)), watch, superseded, source, clock);
    // Reading a long series delays no write.
    let history = HistoryReader::of(&reader);
    let events = EventsFeed::of(&events);
    let drivers = DriverList::of(&nodes);
    let (manager, tests) = (tests.clone(), TestsHandle::of(&tests));
    Ok(System {
        tests,
        manager,
        drivers,
        events,
        exposed,
        history,
        intake,
        producer,
        store: store_handle,
        pruner: store,
    })
}

fn patience(settings: &OrchestratorSettings) -> Patience {
    Patience { suspect_after: settings.test.suspect_after, lost_after: settings.test.lost_after }
}

fn rules(settings: &OrchestratorSettings) -> Rules {
    Rules {
        ready_timeout: settings.test.ready_timeout,
        start_delay: settings.test.start_delay,
        classic: ClassicRules {
            delay_unit: settings.classic.delay_unit,
            known_for: settings.classic.known_for,
            trigger_gap: settings.classic.trigger_gap,
            deaf_after: settings.classic.deaf_after,
            silent_for: settings.classic.silent_for,
        },
    }
}

/// The outside of the actors that run tests: Kafka, the listeners, the store.
pub(crate) struct Outside {
    /// Sends records to the drivers.
    pub producer: Producer,
    /// Sends changes to listeners.
    pub events: EventsHandle,
    /// Has the tests, the nodes and the offsets.
    pub store: StoreHandle,
    /// Has the records of tests.
    pub records: RecordsReader,
}

pub(crate) struct Wired {
    pub tests: Addr<TestManagerActor>,
    pub nodes: Addr<DriverRegistryActor>,
    /// The newest test, for `/metrics`.
    pub exposed: ExposedReader,
    /// The way in of records.
    pub intake: Addr<IntakeActor>,
}

/// Spawns and wires the actors that know tests, whatever is outside of them.
pub(crate) fn wire(
    outside: Outside,
    (node_id, epoch): (NodeId, Epoch),
    (patience, rules): (Patience, Rules),
    (telemetry, readiness): (Arc<Telemetry>, Arc<Readiness>),
    superseded: watch::Sender<Option<u64>>,
    source: Source,
    clock: Clock,
) -> Wired {
    let registry = Registry::new(epoch, patience).under(common::host::kernel_id());
    let nodes = DriverRegistryActor::new(
        registry,
        clock.clone(),
        outside.events.clone(),
        superseded,
        outside.store.clone(),
        Arc::clone(&telemetry),
    )
    .start();
    let aggregator =
        StatsAggregatorActor::new(clock.clone(), outside.events.clone(), Arc::clone(&telemetry)).start();
    let exposed = ExposedReader::of(&aggregator);
    let (registry, tally) = (RegistryHandle::of(&nodes), TallyHandle::of(&aggregator));
    let links = ManagerLinks {
        registry: registry.clone(),
        tally: tally.clone(),
        producer: outside.producer,
        store: outside.store.clone(),
        records: outside.records.clone(),
        events: outside.events.clone(),
    };
    let (embedded, of_manager) = (source.embedded, Arc::clone(&telemetry));
    let settings = ManagerSettings { node_id, epoch, embedded, rules, clock, telemetry: of_manager };
    let tests = TestManagerActor::new(links, settings).start();
    let links =
        RevisionLinks { store: outside.store.clone(), records: outside.records, events: outside.events };
    let revision = RevisionActor::new(links, Arc::clone(&telemetry)).start();
    let outputs = IntakeOutputs {
        registry,
        tally,
        store: outside.store,
        revision: RevisionHandle::of(&revision),
        manager: ManagerHandle::of(&tests),
    };
    let intake = IntakeActor::new(outputs, telemetry, readiness, source).start();
    Wired { tests, nodes, intake, exposed }
}

/// Waits for Kafka, makes the topics first of all, and begins to read and to beat. Reading goes on where the
/// store's data end; on a Kafka that it has not seen, behind the last record: drivers that are there already
/// register again when they receive our heartbeat.
///
/// # Errors
/// Where Kafka refuses the topics, or the settings cannot be used.
pub async fn connect(
    settings: &OrchestratorSettings,
    kafka: &KafkaSettings,
    system: &System,
    node_id: &NodeId,
    epoch: Epoch,
    embedded: bool,
) -> Result<Addr<KafkaConsumerActor>, KafkaError> {
    if !embedded {
        create_topics(kafka).await?;
    }
    // Records read before a test of the previous process is resumed would not count for it.
    system.manager.send(AwaitTakenUp(TakenUp::Resumed)).await.map_err(|_| KafkaError::Stopped)?;
    let source = Source { embedded, kafka: kafka.clone() };
    let cluster = if embedded { None } else { cluster_id(kafka).await? };
    let present = source.kafka(cluster.as_deref());
    // Stored offsets are kept by cluster id. Without an id there are none.
    let offsets: Offsets = match present.as_ref().and_then(RanOn::offsets_key) {
        Some(key) => match system.store.load_offsets(key).await {
            Ok(offsets) => offsets,
            Err(StoreError::Stopped) => return Err(KafkaError::Stopped),
            Err(error) => {
                log::error!(error:%; "stored offsets not readable; reading starts after the last record");
                Offsets::new()
            }
        },
        None => Offsets::new(),
    };
    let start = if offsets.is_empty() {
        StartFrom::End
    } else {
        // All partitions that were there at the first start are stored (`Intake::begin`): another one is new,
        // and all of it was written since.
        StartFrom::Stored { offsets, others_from_beginning: true }
    };
    let topics = vec![Topic::Register, Topic::Heartbeat, Topic::Metrics];
    let read_as = settings.classic.read_as();
    let options = ConsumerOptions::new(kafka.clone(), node_id.clone(), topics, start, read_as);
    let (records, changes) = recipients(&system.intake);
    let consumer = KafkaConsumerActor::new(options, records, changes)?.start();
    if let Ok(Err(error)) = system.producer.send(WarmUp).await {
        log::warn!(error:%; "producer not warmed up");
    }
    HeartbeatActor::new(node_id.clone(), epoch, Producer::of(&system.producer)).start();
    Ok(consumer)
}

/// Stops reading, in order: returns when the reading thread has ended, while its Kafka still answers it.
pub async fn disconnect(consumer: &Addr<KafkaConsumerActor>) {
    if consumer.send(StopConsumer).await.is_err() {
        return;
    }
    let ended = async {
        while consumer.connected() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    if tokio::time::timeout(DISCONNECT_WITHIN, ended).await.is_err() {
        log::warn!("kafka consumer did not end in time");
    }
}
