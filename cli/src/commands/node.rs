//! `orchestrator`, `driver`, `target`: one node in the foreground. Flags become settings; the rest is the
//! node's own `run`.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

use common::settings::{AllowTarget, FLAG_ORIGIN, Section, SettingsError, SettingsFault, Sources, load};
use driver::settings::VariableNames;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{DriverArgs, KafkaNodeArgs, NodeArgs, OrchestratorArgs, TargetArgs};
use crate::child::{READY, Ready};
use crate::exit::Stop;
use crate::lifeline;
use crate::say;
use crate::version;

/// Flags as settings: what each is called, the key path that it sets, and its text; only those that were given.
#[derive(Default)]
struct Flags {
    values: BTreeMap<String, String>,
    names: BTreeMap<String, &'static str>,
}

impl Flags {
    fn set(&mut self, name: &'static str, key: &str, value: Option<&String>) -> &mut Self {
        if let Some(value) = value {
            self.values.insert(key.to_owned(), value.clone());
            self.names.insert(key.to_owned(), name);
        }
        self
    }

    fn set_path(&mut self, name: &'static str, key: &str, value: Option<&PathBuf>) -> &mut Self {
        self.set(name, key, value.map(|path| path.display().to_string()).as_ref())
    }

    fn kafka_node(&mut self, arguments: &KafkaNodeArgs, kafka: Option<&String>) -> &mut Self {
        self.set("--node-id", "node.id", arguments.node_id.as_ref())
            .set_path("--data-dir", "node.data_dir", arguments.data_dir.as_ref())
            .set("--kafka", "kafka.brokers", kafka)
    }

    /// The settings that flags, environment, file and defaults make.
    fn load<T: Section>(self, node: &NodeArgs) -> Result<T, Stop> {
        let Self { values, names } = self;
        load(&Sources::new(node.config.clone(), values))
            .map_err(|error| Stop::usage(fault_lines(&error, &names)))
    }
}

/// Values of a flag that may be given several times, as a setting's list.
fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

/// The faults of settings, a line each: a flag's own names the flag.
fn fault_lines(error: &SettingsError, names: &BTreeMap<String, &'static str>) -> String {
    let line = |fault: &SettingsFault| {
        let path = &fault.fault.path;
        // An entry of a list is a part of what the flag said.
        let key = path.split('[').next().unwrap_or(path);
        match names.get(key).filter(|_| fault.origin == FLAG_ORIGIN) {
            Some(flag) if fault.fault.value.is_empty() => format!("{flag}: {}", fault.fault.reason),
            Some(flag) => format!("{flag} {}: {}", fault.fault.value, fault.fault.reason),
            None => fault.to_string(),
        }
    };
    error.faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs the orchestrator until a signal, or until its parent is gone.
///
/// # Errors
/// Where the settings are wrong, or the node cannot go on.
pub async fn orchestrator(arguments: &OrchestratorArgs) -> Result<(), Stop> {
    let mut flags = Flags::default();
    flags
        .kafka_node(&arguments.kafka_node, arguments.kafka.as_ref())
        .set("--listen", "http.listen", arguments.node.listen.as_ref())
        .set_path("--token-file", "http.token_file", arguments.kafka_node.token_file.as_ref())
        .set("--try-target", "page.try_target", arguments.try_target.as_ref());
    let mut settings: orchestrator::settings::OrchestratorSettings = flags.load(&arguments.node)?;
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
                data_dir: None,
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
        .set("--listen", "http.listen", arguments.node.listen.as_ref())
        .set("--orchestrator", "orchestrator.url", arguments.orchestrator.as_ref())
        .set_path("--orchestrator-ca", "orchestrator.ca_file", arguments.orchestrator_ca.as_ref())
        .set_path("--token-file", "orchestrator.token_file", arguments.kafka_node.token_file.as_ref())
        .set("--workers", "driver.workers", arguments.workers.as_ref())
        .set("--precision", "driver.precision", arguments.sending.precision.as_ref())
        .set_path("--ca", "tls.ca_file", arguments.sending.ca.as_ref())
        .set("--connect-to", "driver.connect_to", joined(&arguments.sending.connect_to).as_ref())
        .set_path("--cert", "tls.cert_file", arguments.sending.cert.as_ref())
        .set_path("--key", "tls.key_file", arguments.sending.key.as_ref())
        .set("--insecure", "tls.insecure", arguments.sending.insecure.then(|| "true".to_owned()).as_ref())
        .set("--target-url", "classic.target_url", arguments.target_url.as_ref());
    let mut settings: driver::settings::DriverSettings = flags.load(&arguments.node)?;
    // Added to what the file or the default allows, not instead of it.
    for target in &arguments.sending.allow_targets {
        let allowed = target.parse::<AllowTarget>();
        let allowed = allowed.map_err(|reason| Stop::usage(format!("--allow-target {target}: {reason}")))?;
        settings.safety.allow_targets.push(allowed);
    }
    for name in &arguments.allow_secrets {
        let allowed = name.parse::<VariableNames>();
        let allowed = allowed.map_err(|reason| Stop::usage(format!("--allow-secret {name}: {reason}")))?;
        settings.secrets.env.push(allowed);
    }
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
                data_dir: Some(bound.folder),
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
        .set("--listen", "http.listen", arguments.node.listen.as_ref())
        .set("--workers", "http.workers", arguments.workers.as_ref())
        .set("--delay", "behaviour.delay", arguments.delay.as_ref())
        .set("--jitter", "behaviour.jitter", arguments.jitter.as_ref())
        .set("--error-ratio", "behaviour.error_ratio", arguments.error_ratio.as_ref())
        .set("--error-status", "behaviour.error_status", arguments.error_status.as_ref())
        .set("--stall-at", "behaviour.stall_at", arguments.stall_at.as_ref())
        .set("--stall-for", "behaviour.stall_for", arguments.stall_for.as_ref())
        .set("--max-concurrent", "behaviour.max_concurrent", arguments.max_concurrent.as_ref())
        .set("--drop-ratio", "behaviour.drop_ratio", arguments.drop_ratio.as_ref());
    let settings: target::settings::TargetSettings = flags.load(&arguments.node)?;
    let child = arguments.node.child;
    target::run(settings, end(child)?, |bound| {
        announce(
            child,
            &Ready {
                kind: "target".to_owned(),
                http: Some(bound.http.to_string()),
                kafka: Vec::new(),
                node_id: None,
                data_dir: None,
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

/// Reports readiness to a waiting parent process, as one line of JSON on stdout. People read the log instead.
fn announce(child: bool, ready: &Ready) {
    if child && let Ok(json) = serde_json::to_string(ready) {
        say::line(format_args!("{READY}{json}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_flag_is_named_as_it_was_typed() {
        let mut flags = Flags::default();
        let text = |text: &str| Some(text.to_owned());
        flags.set("--precision", "driver.precision", text("exact").as_ref()).set(
            "--workers",
            "driver.workers",
            text("none").as_ref(),
        );
        let node = NodeArgs { config: None, listen: None, child: false };
        let message = flags.load::<driver::settings::DriverSettings>(&node).unwrap_err().message;
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 2, "{message}");
        assert!(lines.iter().any(|line| line.starts_with("--precision exact: ")), "{message}");
        assert!(lines.iter().any(|line| line.starts_with("--workers none: ")), "{message}");
    }
}
