//! The job of a load generator, and its outcome.

use std::path::PathBuf;
use std::time::Duration;

use crate::processes::{Cpu, Memory};
use crate::said::Said;

#[derive(Debug)]
pub struct Place {
    /// The core of the receiving end, and of our orchestrator with its Kafka.
    pub server_core: usize,
    /// The core of the load generator, which runs there alone.
    pub generator_core: usize,
    pub groundswell: PathBuf,
    /// The engine that our plans ask for; the default where none is given.
    pub engine: Option<String>,
    /// A folder for temporary output.
    pub scratch: PathBuf,
}

/// Closed or open loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loop {
    /// Each connection sends its next request as soon as it has the last answer.
    Closed,
    /// So many a second, whatever the answers do.
    Open { rate_per_s: f64 },
}

/// The job of a tool.
#[derive(Debug, Clone)]
pub struct Job {
    pub url: String,
    /// How many connections; an open loop of ours, vegeta's too, opens what it needs.
    pub connections: u32,
    /// How requests follow each other.
    pub kind: Loop,
    pub duration: Duration,
    /// Whether its latencies are wanted, which vegeta writes to a file of 100 bytes a request.
    pub latencies: bool,
}

/// The outcome of a job.
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
    /// The tool's own figures.
    pub said: Said,
}
