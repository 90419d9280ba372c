//! What a generator of load is asked for, and what came of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::processes::{Cpu, Memory};
use crate::said::Said;

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
