//! One type for all load generators (the floor, ours, a peer): the command it runs, and its outcome.

use std::time::Duration;

use crate::job::{Job, Outcome, Place};
use crate::ours::{Stack, Variant};
use crate::peers::Peer;
use crate::processes::{pinned, run_to_end, typed};
use crate::said::Said;

/// How long past its duration a tool may take to end. One that is behind schedule first sends
/// all overdue requests.
pub const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    Floor,
    /// The binary `groundswell`.
    Ours(Variant),
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
