//! Other people's programs, as fixtures of ours in Python (e2e/fixtures): drivers and an orchestrator that speak the
//! classic fields alone. Each says on its stdout what it truly did, which is what a report can be held against.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::{PATIENCE, Process};
use crate::{repository, wait_for};

/// A running fixture, gone when this is.
pub struct Classic {
    process: Process,
    /// Its node id; of an orchestrator, what people call it.
    pub name: String,
}

/// Python with what the fixtures need: `make venv`.
fn python() -> PathBuf {
    let path = std::env::var_os("GROUNDSWELL_PYTHON")
        .map_or_else(|| repository().join("build/venv/bin/python"), PathBuf::from);
    assert!(path.exists(), "{} is not there: make venv", path.display());
    path
}

fn fixture(name: &str, kafka: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(python());
    command.arg(repository().join("e2e/fixtures").join(name)).args(["--kafka", kafka]).args(flags);
    command
}

impl Classic {
    /// Starts a driver with these habits.
    pub fn driver(kafka: &str, node_id: &str, habits: &[&str]) -> Self {
        let mut command = fixture("classic_driver.py", kafka, habits);
        command.args(["--node-id", node_id]);
        Self { process: Process::start(node_id, command), name: node_id.to_owned() }
    }

    /// Starts an orchestrator.
    pub fn orchestrator(kafka: &str, flags: &[&str]) -> Self {
        let command = fixture("classic_orchestrator.py", kafka, flags);
        Self {
            process: Process::start("classic orchestrator", command),
            name: "classic orchestrator".to_owned(),
        }
    }

    /// Gives it a line on its stdin: an order, or a cue.
    pub fn order(&mut self, line: &str) {
        self.process.write(&format!("{line}\n"));
    }

    /// All that it has said so far.
    pub fn said(&self) -> Vec<Value> {
        self.process.said().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it has said it did, of one kind.
    pub fn did(&self, what: &str) -> Vec<Value> {
        self.said().into_iter().filter(|said| said["did"] == what).collect()
    }

    /// Waits until it has said so much of one kind; returns the last of it.
    #[track_caller]
    pub fn wait_did(&self, what: &str, times: usize) -> Value {
        wait_for(&format!("{} to say {what:?} {times} times", self.name), PATIENCE, || {
            self.did(what).into_iter().nth(times - 1)
        })
    }

    /// How many requests it truly sent in a test, by its own word at its end.
    pub fn sent(&self, test_id: &str) -> u64 {
        let ends = self.did("ended").into_iter().chain(self.did("died"));
        ends.filter(|end| end["test"] == test_id).map(|end| end["sent"].as_u64().unwrap()).sum()
    }

    /// Whether its process is gone.
    pub fn is_gone(&mut self) -> bool {
        self.process.ended().is_some()
    }
}
