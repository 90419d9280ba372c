//! What each node takes, and what `run` and `up` hand on to the drivers they start.

use std::path::PathBuf;

use clap::Args;

/// What every node takes.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// TOML file of settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to serve /healthz and /metrics, HOST:PORT [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Started by `run` or `up`: says on stdout when it is ready, and ends when its stdin closes.
    #[arg(long, hide = true)]
    pub child: bool,
}

/// What the two Kafka nodes take.
#[derive(Debug, Args)]
pub struct KafkaNodeArgs {
    /// Name of this node on the wire [default: host name and a suffix, kept in the data folder]
    #[arg(long, value_name = "ID")]
    pub node_id: Option<String>,
    /// Folder for its data [default: below $XDG_STATE_HOME/groundswell, or below ~/.local/state/groundswell]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// File that holds the orchestrator's bearer token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// `groundswell orchestrator`
#[derive(Debug, Args)]
pub struct OrchestratorArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub node: NodeArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub kafka_node: KafkaNodeArgs,
    /// Kafka's addresses HOST:PORT,… or embedded [default: embedded]
    #[arg(long, value_name = "ADDRESSES")]
    pub kafka: Option<String>,
    /// URL that the button on a page without tests sends a short test to [default: none]
    #[arg(long, value_name = "URL")]
    pub try_target: Option<String>,
}

/// `groundswell driver`
#[derive(Debug, Args)]
pub struct DriverArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub node: NodeArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub kafka_node: KafkaNodeArgs,
    /// Kafka's addresses HOST:PORT,… [default: asks the orchestrator]
    #[arg(long, value_name = "ADDRESSES")]
    pub kafka: Option<String>,
    /// Address of the orchestrator, HOST:PORT or URL [default: http://127.0.0.1:8080 without --kafka]
    #[arg(long, value_name = "URL")]
    pub orchestrator: Option<String>,
    /// PEM file of the authorities that an https orchestrator is checked against [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub orchestrator_ca: Option<PathBuf>,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub sending: SendingArgs,
    /// Lets plans use this variable of the environment as a secret, or with a * at the end all that begin so; repeatable [default: none]
    #[arg(long = "allow-secret", value_name = "NAME")]
    pub allow_secrets: Vec<String>,
    /// Target of tests that come without one (from other people's orchestrators)
    #[arg(long, value_name = "URL")]
    pub target_url: Option<String>,
}

/// How a driver sends; for a driver, and for the commands that start drivers of their own.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Drivers")]
pub struct SendingArgs {
    /// How close to keep the schedule: auto, spin or timer [default: auto]
    #[arg(long, value_name = "HOW")]
    pub precision: Option<String>,
    /// PEM file of the authorities that https targets are checked against [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Does not check https targets' certificates
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// PEM file of the client certificate, for https targets that demand one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// PEM file of the key of --cert
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Connects to ADDR:PORT where the URL says HOST:PORT, as in curl; Host and certificate stay those of the URL.
    /// An empty HOST or PORT fits any; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDR:PORT")]
    pub connect_to: Vec<String>,
    /// Lets drivers send to this host or network as well [default: loopback and private networks]; repeatable
    #[arg(long = "allow-target", value_name = "HOST|NET")]
    pub allow_targets: Vec<String>,
}

impl SendingArgs {
    /// The flags again, for a driver that is started.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(precision) = &self.precision {
            words.extend(["--precision".to_owned(), precision.clone()]);
        }
        if let Some(ca) = &self.ca {
            words.extend(["--ca".to_owned(), ca.display().to_string()]);
        }
        if self.insecure {
            words.push("--insecure".to_owned());
        }
        for entry in &self.connect_to {
            words.extend(["--connect-to".to_owned(), entry.clone()]);
        }
        for (flag, file) in [("--cert", &self.cert), ("--key", &self.key)] {
            if let Some(file) = file {
                words.extend([flag.to_owned(), file.display().to_string()]);
            }
        }
        for target in &self.allow_targets {
            words.extend(["--allow-target".to_owned(), target.clone()]);
        }
        words
    }
}

/// The flags that let a driver's plans use these variables as secrets.
pub fn allow_secrets<'a>(names: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = String> {
    names.into_iter().flat_map(|name| ["--allow-secret".to_owned(), name.to_owned()])
}

/// `groundswell target`
#[derive(Debug, Args)]
pub struct TargetArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub node: NodeArgs,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,
    /// Added to every answer, as in 20ms [default: 0s]
    #[arg(long, value_name = "TIME")]
    pub delay: Option<String>,
    /// Up to so much more or less, at random [default: 0s]
    #[arg(long, value_name = "TIME")]
    pub jitter: Option<String>,
    /// Share of answers that are errors, as in 5% [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub error_ratio: Option<String>,
    /// Status of those [default: 503]
    #[arg(long, value_name = "STATUS")]
    pub error_status: Option<String>,
    /// Answers nothing from so long after the first request … [default: 0s]
    #[arg(long, value_name = "TIME", requires = "stall_for")]
    pub stall_at: Option<String>,
    /// … for so long [default: 0s, which is never]
    #[arg(long, value_name = "TIME", requires = "stall_at")]
    pub stall_for: Option<String>,
    /// Most requests worked on at once; others wait [default: none, which is any number]
    #[arg(long, value_name = "N")]
    pub max_concurrent: Option<String>,
    /// Share of connections closed instead of an answer, as in 1% [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub drop_ratio: Option<String>,
}
