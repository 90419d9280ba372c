//! One process of the orchestrator, from its settings to its shutdown.
//!
//! An orderly shutdown does not stop a running test: its drivers go on for `orchestrator.grace`, and the next process
//! of this orchestrator resumes the test from the store. The embedded Kafka ends with the process, so its drivers can
//! no longer report: the next process closes such a test before it is ready.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::Addr;
use common::clock::unix_us;
use common::http_contract::Bootstrap;
use common::ids::{Epoch, NodeId};
use common::kafka::{EmbeddedBroker, FlushProducer, KafkaConsumerActor, KafkaError};
use common::settings::data_dir::{self, DataDirError};
use common::settings::{Brokers, KafkaSettings, SecretError, read_secret};
use common::wire::PROTOCOL;
use tokio::sync::{mpsc, watch};

use crate::actors::store::{HistoryReader, PruneTests, StoreActor};
use crate::actors::test_manager::{AwaitTakenUp, TakenUp};
use crate::data_files::DataFiles;
use crate::http::{self, Access, AppState, BindError, Commands, HttpOptions, Token, Watch};
use crate::now::Clock;
use crate::settings::{OrchestratorSettings, StoreSettings};
use crate::store::StoreError;
use crate::system::{self, System};
use crate::telemetry::{Readiness, Telemetry};

/// Interval between two attempts to start reading, when Kafka became unreachable meanwhile.
const CONNECT_AGAIN: Duration = Duration::from_secs(1);

/// How often tests beyond `store.keep_tests` and `store.keep_configured` are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// How long the last records may take on the way out.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// An orchestrator that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub node_id: NodeId,
    /// Where REST and the dashboard are.
    pub http: SocketAddr,
    /// Kafka's bootstrap servers, each `host:port`.
    pub kafka: Vec<String>,
}

/// Why an orchestrator cannot start or has to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Its store cannot be used.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The folder of data files cannot be used.
    #[error("the folder of data files: {0}")]
    Data(std::io::Error),
    /// The token cannot be read.
    #[error("http.token_file: {0}")]
    Token(#[from] SecretError),
    /// Its address cannot be bound.
    #[error("http.listen (--listen): {0}")]
    Bind(#[from] BindError),
    /// Kafka cannot be used, and waiting does not help.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Another orchestrator leads on the same Kafka.
    #[error(
        "another orchestrator leads on this kafka (epoch {other}, this one has {own}): this one steps down"
    )]
    Superseded {
        /// The epoch of this one.
        own: Epoch,
        other: Epoch,
    },
}

/// Runs an orchestrator until `stop` completes; `ready` is called with the bound addresses. It starts without Kafka:
/// it waits for Kafka in the background, and `/readyz` reports that. Runs inside an actix system.
///
/// # Errors
/// Where it cannot begin (folder, store, token, address), or may not go on (another orchestrator leads).
pub async fn run(
    settings: OrchestratorSettings,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(Bound),
) -> Result<(), RunError> {
    common::limits::raise_descriptors();
    // Held to the end: it locks the folder.
    let data_dir = data_dir::open("orchestrator", &settings.node)?;
    let node_id = data_dir.node_id.clone();
    let (telemetry, readiness) = (Arc::new(Telemetry::default()), Arc::new(Readiness::default()));
    let token = settings.http.token_file.as_deref().map(read_secret).transpose()?.map(Token::new);
    let node_epoch = data_dir.take_epoch()?;
    let data = Arc::new(DataFiles::open(&data_dir.path, settings.data.clone()).map_err(RunError::Data)?);
    let stored = system::open_store(&data_dir.path, node_epoch, &telemetry, &readiness).await?;
    let epoch = stored.epoch;

    // Held to the end: the embedded broker lives as long as this.
    let embedded = match settings.kafka.brokers {
        Brokers::Embedded => Some(EmbeddedBroker::start(&settings.kafka).await?),
        _ => None,
    };
    let kafka =
        embedded.as_ref().map_or_else(|| settings.kafka.clone(), |broker| broker.settings(&settings.kafka));
    let (superseded, mut higher) = watch::channel(None);
    let is_embedded = embedded.is_some();
    let clock = Clock::new();
    let watch = (&telemetry, &readiness);
    let who = (node_id.clone(), is_embedded);
    let system = system::spawn(&settings, &kafka, stored, watch, superseded, who, clock.clone())?;

    let brokers = match &kafka.brokers {
        Brokers::At(brokers) => brokers.clone(),
        Brokers::Embedded | Brokers::Ask => Vec::new(),
    };
    let bootstrap = Bootstrap {
        brokers: brokers.clone(),
        topic_prefix: kafka.topic_prefix.clone(),
        topics: kafka.topics.clone(),
        protocol: PROTOCOL,
    };
    let state = AppState::new(
        commands(&system),
        system.history.clone(),
        bootstrap,
        clock,
        Watch {
            readiness: Arc::clone(&readiness),
            telemetry,
            node_id: node_id.to_string(),
            version: settings.version.clone(),
            try_target: settings.page.try_target.as_ref().map(ToString::to_string),
        },
        Access {
            token,
            any_host: settings.http.allow_unauthenticated,
            max_body_bytes: settings.http.max_body_bytes,
        },
        Arc::clone(&data),
    );
    let options =
        HttpOptions { listen: settings.http.listen, max_connections: settings.http.max_connections };
    // An actor that was never polled starts when it is dropped, and panics without its runtime: where the address
    // is taken, all must have begun before the runtime ends.
    tokio::task::yield_now().await;
    let serving = http::serve(&options, state)?;
    let address = serving.address;

    let (joined, mut joins) = mpsc::channel(1);
    actix_rt::spawn(join(
        settings.clone(),
        kafka,
        system.clone(),
        node_id.clone(),
        epoch,
        is_embedded,
        joined,
    ));
    actix_rt::spawn(prune(system.pruner.clone(), settings.store.clone(), data, system.history.clone()));
    // A client may trigger a test as soon as this orchestrator is ready. So first close the tests of the previous
    // process that cannot go on. One that can is counted again in the background, because that may take minutes.
    let _ = system.manager.send(AwaitTakenUp(TakenUp::Closed)).await;
    let expected = brokers.clone();
    ready(Bound { node_id: node_id.clone(), http: address, kafka: brokers });
    readiness.expect_kafka(&expected);
    actix_rt::spawn(readiness.needs().report());
    log::info!(http:% = address, node_id:%, epoch:%; "orchestrator is ready");

    let mut consumer = None;
    let ended = tokio::select! {
        () = stop => Ok(()),
        other = higher.wait_for(Option::is_some) => Err(RunError::Superseded {
            own: epoch,
            other: Epoch(other.ok().and_then(|other| *other).unwrap_or_default()),
        }),
        error = failed(&mut joins, &mut consumer) => Err(RunError::Kafka(error)),
    };
    common::service::ending();
    serving.stop().await;
    if let Some(consumer) = &consumer {
        system::disconnect(consumer).await;
    }
    // Records that are not sent by then would be news of a node that has ended.
    let _ = system.producer.send(FlushProducer { within: FLUSH_WITHIN }).await;
    ended
}

type Joined = Result<Addr<KafkaConsumerActor>, KafkaError>;

/// Notes the consumer when there is one; completes where there never will be.
async fn failed(
    joins: &mut mpsc::Receiver<Joined>,
    consumer: &mut Option<Addr<KafkaConsumerActor>>,
) -> KafkaError {
    loop {
        match joins.recv().await {
            Some(Ok(joined)) => *consumer = Some(joined),
            Some(Err(error)) => return error,
            None => std::future::pending().await,
        }
    }
}

/// Starts reading and sending heartbeats as soon as Kafka is reachable.
async fn join(
    settings: OrchestratorSettings,
    kafka: KafkaSettings,
    system: System,
    node_id: NodeId,
    epoch: Epoch,
    embedded: bool,
    joined: mpsc::Sender<Joined>,
) {
    let result = loop {
        match system::connect(&settings, &kafka, &system, &node_id, epoch, embedded).await {
            Err(error) if error.may_heal() => {
                log::warn!(error:%; "kafka became unreachable; retrying");
                tokio::time::sleep(CONNECT_AGAIN).await;
            }
            result => break result,
        }
    };
    // The receiver may be gone when the node shuts down.
    let _ = joined.send(result).await;
}

/// Deletes old tests, and data files that no test names, at intervals. The store logs and counts its own failures.
async fn prune(store: Addr<StoreActor>, kept: StoreSettings, data: Arc<DataFiles>, history: HistoryReader) {
    let mut tick = tokio::time::interval(PRUNE_EVERY);
    loop {
        tick.tick().await;
        let kept_us = i64::try_from(kept.keep_configured.as_micros()).unwrap_or(i64::MAX);
        let prune =
            PruneTests { keep: kept.keep_tests, configured_before: unix_us().saturating_sub(kept_us) };
        if let Ok(Ok(forgotten)) = store.send(prune).await
            && forgotten > 0
        {
            log::info!(forgotten; "old tests deleted");
        }
        sweep(&data, &history).await;
    }
}

/// Deletes the data files that no test names.
async fn sweep(data: &Arc<DataFiles>, history: &HistoryReader) {
    let _alone = data.alone().await;
    let Ok(named) = history.named_files().await else { return };
    let files = Arc::clone(data);
    let swept = tokio::task::spawn_blocking(move || files.sweep(&named, SystemTime::now())).await;
    match swept {
        Ok(Ok(0)) => {}
        Ok(Ok(n_files)) => log::info!(n_files; "data files deleted that no test names"),
        Ok(Err(error)) => log::warn!(error:%; "data files not deleted"),
        Err(error) => log::warn!(error:%; "data files not deleted"),
    }
}

fn commands(system: &System) -> Commands {
    Commands {
        tests: system.tests.clone(),
        drivers: system.drivers.clone(),
        events: system.events.clone(),
        exposed: system.exposed.clone(),
    }
}
