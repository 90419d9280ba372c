//! `orchestrator`, `driver`, `target`: one node in the foreground. Flags become settings; the rest is the
//! node's own `run`.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

use common::settings::{Sources, load};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{DriverArgs, KafkaNodeArgs, NodeArgs, OrchestratorArgs, TargetArgs};
use crate::exit::Stop;
use crate::lifeline;
use crate::say;
use crate::stack::{READY, Ready};
use crate::version;

/// Flags as settings: key path and text, only those that were given.
#[derive(Default)]
struct Flags(BTreeMap<String, String>);

impl Flags {
    fn set(&mut self, key: &str, value: Option<&String>) -> &mut Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.clone());
        }
        self
    }

    fn set_path(&mut self, key: &str, value: Option<&PathBuf>) -> &mut Self {
        self.set(key, value.map(|path| path.display().to_string()).as_ref())
    }

    fn kafka_node(&mut self, arguments: &KafkaNodeArgs, kafka: Option<&String>) -> &mut Self {
        self.set("node.id", arguments.node_id.as_ref())
            .set_path("node.data_dir", arguments.data_dir.as_ref())
            .set("kafka.brokers", kafka)
    }

    fn sources(self, node: &NodeArgs) -> Sources {
        Sources::new(node.config.clone(), self.0)
    }
}

/// Values of a flag that may be given several times, as a setting's list.
fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

/// Runs the orchestrator until a signal, or until its parent is gone.
///
/// # Errors
/// Where the settings are wrong, or the node cannot go on.
pub async fn orchestrator(arguments: &OrchestratorArgs) -> Result<(), Stop> {
    let mut flags = Flags::default();
    flags
        .kafka_node(&arguments.kafka_node, arguments.kafka.as_ref())
        .set("http.listen", arguments.node.listen.as_ref())
        .set_path("http.token_file", arguments.kafka_node.token_file.as_ref());
    let mut settings = load::<orchestrator::settings::OrchestratorSettings>(&flags.sources(&arguments.node))
        .map_err(|error| Stop::usage(error.to_string()))?;
    settings.version = version::LONG.to_owned();
    let child = arguments.node.child;
    orchestrator::run(settings, end(child)?, |bound| {
        announce(
            child,
            &Ready {
                kind: "orchestrator".to_owned(),
                http: Some(bound.http.to_string()),
                kafka: bound.kafka,
                node_id: Some(bound.node_id.to_string()),
            },
        );
    })
    .await
    .map_err(|error| Stop::could_not(error.to_string()))
}

/// Runs a driver until a signal, or until its parent is gone.
///
/// # Errors
/// Where the settings are wrong, or the node cannot go on.
pub async fn driver(arguments: &DriverArgs) -> Result<(), Stop> {
    let mut flags = Flags::default();
    flags
        .kafka_node(&arguments.kafka_node, arguments.kafka.as_ref())
        .set("http.listen", arguments.node.listen.as_ref())
        .set("orchestrator.url", arguments.orchestrator.as_ref())
        .set_path("orchestrator.ca_file", arguments.orchestrator_ca.as_ref())
        .set_path("orchestrator.token_file", arguments.kafka_node.token_file.as_ref())
        .set("driver.workers", arguments.workers.as_ref())
        .set("driver.precision", arguments.sending.precision.as_ref())
        .set_path("tls.ca_file", arguments.sending.ca.as_ref())
        .set("driver.connect_to", joined(&arguments.sending.connect_to).as_ref())
        .set_path("tls.cert_file", arguments.sending.cert.as_ref())
        .set_path("tls.key_file", arguments.sending.key.as_ref())
        .set("tls.insecure", arguments.sending.insecure.then(|| "true".to_owned()).as_ref())
        .set("classic.target_url", arguments.target_url.as_ref());
    let mut settings = load::<driver::settings::DriverSettings>(&flags.sources(&arguments.node))
        .map_err(|error| Stop::usage(error.to_string()))?;
    settings.version = version::LONG.to_owned();
    let child = arguments.node.child;
    driver::run(settings, end(child)?, |bound| {
        announce(
            child,
            &Ready {
                kind: "driver".to_owned(),
                http: bound.http.map(|address| address.to_string()),
                kafka: Vec::new(),
                node_id: Some(bound.node_id.to_string()),
            },
        );
    })
    .await
    .map_err(|error| Stop::could_not(error.to_string()))
}

/// Runs the target until a signal, or until its parent is gone.
///
/// # Errors
/// Where the settings are wrong, or it cannot listen.
pub async fn target(arguments: &TargetArgs) -> Result<(), Stop> {
    let mut flags = Flags::default();
    flags
        .set("http.listen", arguments.node.listen.as_ref())
        .set("http.workers", arguments.workers.as_ref())
        .set("behaviour.delay", arguments.delay.as_ref())
        .set("behaviour.jitter", arguments.jitter.as_ref())
        .set("behaviour.error_ratio", arguments.error_ratio.as_ref())
        .set("behaviour.error_status", arguments.error_status.as_ref())
        .set("behaviour.stall_at", arguments.stall_at.as_ref())
        .set("behaviour.stall_for", arguments.stall_for.as_ref())
        .set("behaviour.max_concurrent", arguments.max_concurrent.as_ref())
        .set("behaviour.drop_ratio", arguments.drop_ratio.as_ref());
    let settings = load::<target::settings::TargetSettings>(&flags.sources(&arguments.node))
        .map_err(|error| Stop::usage(error.to_string()))?;
    let child = arguments.node.child;
    target::run(settings, end(child)?, |bound| {
        announce(
            child,
            &Ready {
                kind: "target".to_owned(),
                http: Some(bound.http.to_string()),
                kafka: Vec::new(),
                node_id: None,
            },
        );
    })
    .await
    .map_err(|error| Stop::could_not(error.to_string()))
}

/// Completes on SIGTERM or SIGINT, or, for a child, when its parent is gone.
fn end(child: bool) -> Result<impl Future<Output = ()>, Stop> {
    let listen = |kind: SignalKind| {
        signal(kind).map_err(|error| Stop::could_not(format!("cannot listen for signals: {error}")))
    };
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut parent = child.then(lifeline::watch_parent);
    Ok(async move {
        let orphaned = async {
            match parent.as_mut() {
                // An error means that the watcher is gone, which ends the process by itself.
                Some(parent) => drop(parent.wait_for(|gone| *gone).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => log::info!(signal = "SIGTERM"; "ending"),
            _ = interrupt.recv() => log::info!(signal = "SIGINT"; "ending"),
            () = orphaned => log::info!("parent is gone, ending"),
        }
    })
}

/// Tells a parent that waits; people read the log.
fn announce(child: bool, ready: &Ready) {
    if child && let Ok(json) = serde_json::to_string(ready) {
        say::line(format_args!("{READY}{json}"));
    }
}
