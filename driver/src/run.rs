//! A driver from its settings to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;

use common::ids::{Epoch, NodeId};
use common::kafka::KafkaError;
use common::service::Needs;
use common::settings::data_dir::{self, DataDirError};
use common::settings::{Secret, SecretError, read_secret};
use tokio::sync::mpsc;
use url::Url;

use crate::bootstrap::{CLEAR_TEXT_REMEDY, OrchestratorClient, is_clear_text};
use crate::engine::{TlsError, orchestrator_tls};
use crate::settings::DriverSettings;
use crate::store::{StoreError, WindowStore};
use crate::system::{Foundation, Parts};
use crate::{calibrate, http};

/// A driver that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub node_id: NodeId,
    /// Its own server, where it has one.
    pub http: Option<SocketAddr>,
    /// Its data folder: a driver that is started there again is the same node.
    pub folder: PathBuf,
}

/// Why a driver cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Its store cannot be used.
    #[error("the store of windows: {0}")]
    Store(#[from] StoreError),
    /// The token for the orchestrator cannot be read.
    #[error("orchestrator.token_file: {0}")]
    Token(#[from] SecretError),
    /// The certificates that the orchestrator is checked against cannot be read.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Its address cannot be bound.
    #[error("http.listen (--listen) = {address}: {cause}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        cause: std::io::Error,
    },
    /// A worker has no descriptor for its runtime.
    #[error("driver.workers (--workers): a worker cannot be started: {0}")]
    Worker(std::io::Error),
    /// Its own server ended by itself.
    #[error("the HTTP server ended: {0}")]
    Server(std::io::Error),
    /// Kafka cannot be used, and waiting does not help.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Another process with this node's id and a higher epoch has started.
    #[error(
        "another driver with the id {node_id} has started (epoch {other}, this one has {own}): this one ends"
    )]
    Fenced { node_id: NodeId, own: Epoch, other: Epoch },
}

/// A client of the orchestrator that the settings name.
fn client(
    settings: &DriverSettings,
    url: Url,
    token: Option<Secret>,
) -> Result<OrchestratorClient, RunError> {
    if token.is_some() && is_clear_text(&url) {
        let host = url.host_str().unwrap_or_default();
        log::warn!(host, remedy = CLEAR_TEXT_REMEDY; "the token travels in clear text");
    }
    let tls = url.scheme() == "https";
    let tls = tls.then(|| orchestrator_tls(settings.orchestrator.ca_file.as_deref())).transpose()?;
    Ok(OrchestratorClient::new(url, token, tls))
}

/// Runs a driver until `stop` completes; calls `ready` with what was bound. Kafka and the orchestrator need not be
/// reachable by then: the driver waits for them and joins. Runs inside an actix system.
///
/// # Errors
/// Where it cannot begin (folder, token, address), or may not go on (another driver has its id).
pub async fn run(
    settings: DriverSettings,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(Bound),
) -> Result<(), RunError> {
    let descriptors = common::limits::raise_descriptors();
    // Held to the end: it locks the folder.
    let data_dir = data_dir::open("driver", &settings.node)?;
    let (node_id, folder) = (data_dir.node_id.clone(), data_dir.path.clone());
    let epoch = data_dir.take_epoch()?;
    // Opened once here, so that a store that cannot be used is reported before anything begins.
    drop(WindowStore::open(&folder)?);
    let token = settings.orchestrator.token_file.as_deref().map(read_secret).transpose()?;
    let orchestrator = settings.orchestrator_url().map(|url| client(&settings, url, token)).transpose()?;
    let calibration = calibrate::load(&folder, settings.driver.n_workers(), settings.driver.precision);
    let (fatal, mut fatal_errors) = mpsc::channel(1);
    let home = folder.clone();

    let needs = Needs::default();
    let listen = settings.http.listen;
    let foundation = Foundation::lay(Parts {
        settings,
        node_id: node_id.clone(),
        epoch,
        folder,
        descriptors,
        calibration,
        orchestrator,
        fatal: fatal.clone(),
        needs: needs.clone(),
    });
    let server = listen.map(|listen| http::serve(listen, foundation.sources())).transpose()?;
    let address = server.as_ref().map(http::Serving::address);
    let stopper = server.as_ref().map(http::Serving::stopper);
    if let Some(server) = server {
        actix_rt::spawn(async move {
            // It ends in order only after the loop below: whichever way it ends before, the node ends too.
            let _ = fatal.try_send(RunError::Server(server.ended().await));
        });
    }
    let system = foundation.build(address.map_or(0, |address| address.port())).map_err(RunError::Worker)?;
    ready(Bound { node_id: node_id.clone(), http: address, folder: home });
    actix_rt::spawn(needs.report());
    log::info!(node_id:%, epoch:%; "driver started");

    let ended = tokio::select! {
        () = stop => Ok(()),
        Some(error) = fatal_errors.recv() => Err(error),
    };
    common::service::ending();
    if ended.is_ok() {
        system.leave().await;
    }
    if let Some(stopper) = stopper {
        stopper.stop().await;
    }
    ended
}
