//! One word for whoever sends: what it is asked for, and what it came to, be it the floor, us or a peer.

use std::path::PathBuf;
use std::time::Duration;

use crate::ours::{Stack, Variant};
use crate::peers::Peer;
use crate::processes::{Cpu, Memory, pinned, run_to_end, typed};
use crate::said::Said;

/// How long past its duration a tool may take to end. One that has fallen behind sends all it owes first.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where things run.
#[derive(Debug)]
pub struct Place {
    /// The core of the receiving end, and of our orchestrator with its Kafka.
    pub server_core: usize,
    /// The core of whoever sends, alone.
    pub generator_core: usize,
    /// Our binary.
    pub groundswell: PathBuf,
    /// The engine that our plans ask for; the default where none is given.
    pub engine: Option<String>,
    /// A folder for output that nobody keeps.
    pub scratch: PathBuf,
}

/// How requests are to follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loop {
    /// Each connection sends as soon as its last answer is in.
    Closed,
    /// So many a second, whatever the answers do.
    Open {
        /// Requests per second.
        rate_per_s: f64,
    },
}

/// What is asked of a tool.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where to send.
    pub url: String,
    /// How many connections; an open loop of ours, vegeta's too, opens what it needs.
    pub connections: u32,
    /// How requests follow each other.
    pub kind: Loop,
    /// For how long.
    pub duration: Duration,
    /// Whether its latencies are wanted, which vegeta writes to a file of 100 bytes a request.
    pub latencies: bool,
}

/// What it came to.
#[derive(Debug)]
pub struct Outcome {
    /// As one would type it.
    pub command: String,
    /// Of the process that sends.
    pub cpu: Cpu,
    /// Ours alone: of the orchestrator with its Kafka, and of the driver, from the trigger to the end.
    pub stack_cpu: Option<Cpu>,
    /// Of the process that sends, from its start, or from the trigger.
    pub memory: Memory,
    /// Its own word.
    pub said: Said,
}

/// Whoever sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// The physical floor.
    Floor,
    /// The binary `groundswell`.
    Ours(Variant),
    /// Somebody else's.
    Peer(Peer),
}

impl Tool {
    /// What tables call it.
    pub fn name(&self) -> String {
        match self {
            Self::Floor => "floor".to_owned(),
            Self::Ours(variant) => variant.row(),
            Self::Peer(peer) => peer.name().to_owned(),
        }
    }

    /// Whether it is one of ours.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours(_))
    }

    /// Whether it can keep a rate.
    pub fn keeps_a_rate(&self) -> bool {
        match self {
            Self::Floor => false,
            Self::Ours(_) => true,
            Self::Peer(peer) => peer.keeps_a_rate(),
        }
    }

    /// Does the job and ends.
    ///
    /// # Errors
    /// Where it fails, or does not end in time.
    pub fn run(&self, place: &Place, job: &Job) -> anyhow::Result<Outcome> {
        let at_most = job.duration + PATIENCE;
        match self {
            Self::Ours(variant) => {
                let mut variant = variant.clone();
                if job.url.starts_with("https") {
                    // As the peers do, which check no certificate.
                    variant.flags.push("--insecure".to_owned());
                }
                Stack::start(place, &variant)?.run(job, at_most)
            }
            Self::Floor => {
                let to = job.url.trim_start_matches("http://").trim_end_matches("/ping").to_owned();
                let duration = humantime::format_duration(job.duration).to_string();
                let connections = job.connections.to_string();
                let arguments =
                    ["floor", "--to", &to, "--connections", &connections, "--duration", &duration];
                let program = std::env::current_exe()?;
                let command = pinned(place.generator_core, &program, &arguments.map(str::to_owned));
                let line = typed(&command).replace(&program.display().to_string(), "bench");
                let ended = run_to_end(command, &place.scratch, at_most)?;
                Ok(Outcome {
                    command: line,
                    cpu: ended.cpu,
                    stack_cpu: None,
                    memory: ended.memory,
                    said: Said::default(),
                })
            }
            Self::Peer(peer) => peer.run(place, job, at_most),
        }
    }
}
