//! One process of the binary: its output, its signals, and its end with the test at the latest.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{binary, wait_for};

/// How long a process may take to be ready or to end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running process of the binary, and its output so far.
pub struct Process {
    /// What people call it.
    pub label: String,
    child: Child,
    // Open for as long as the process is to live: a node started with --child ends when it closes.
    stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<Vec<String>>>,
    stderr: Arc<Mutex<Vec<String>>>,
}

/// A command of the binary whose nodes keep their data below `home`.
pub fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env("XDG_STATE_HOME", home).env_remove("RUST_LOG");
    command
}

/// Runs a command of the binary to its end.
pub fn output(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn collect(from: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
    lines
}

impl Process {
    pub fn start(label: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Self { label: label.to_owned(), stdin: child.stdin.take(), child, stdout, stderr }
    }

    /// Starts a node and returns its ready line.
    pub fn node(label: &str, home: &Path, arguments: &[&str]) -> (Self, Value) {
        let mut process = Self::unready_node(label, home, arguments);
        let ready = process.wait_ready();
        (process, ready)
    }

    /// Starts a node that may have to wait for others before it is ready.
    pub fn unready_node(label: &str, home: &Path, arguments: &[&str]) -> Self {
        let mut command = command(home, arguments);
        command.arg("--child");
        Self::start(label, command)
    }

    /// Waits until a node is ready, and returns what it says.
    pub fn wait_ready(&mut self) -> Value {
        let what = format!("{} to be ready", self.label);
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let line = self.said().into_iter().find_map(|line| {
                line.strip_prefix("groundswell-ready ").map(|json| serde_json::from_str(json).unwrap())
            });
            if let Some(ready) = line {
                return ready;
            }
            if let Some(status) = self.ended() {
                panic!("{} ended ({status}) before it was ready:\n{}", self.label, self.logged().join("\n"));
            }
            assert!(
                std::time::Instant::now() < deadline,
                "waited in vain for {what}:\n{}",
                self.logged().join("\n")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lines on stdout so far.
    pub fn said(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    /// Lines on stderr so far.
    pub fn logged(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Writes to its stdin.
    pub fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait_end(&mut self, at_most: Duration) -> ExitStatus {
        let what = format!("{} to end", self.label);
        wait_for(&what, at_most, || self.child.try_wait().unwrap())
    }

    /// SIGTERM, and waits for its end.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        if self.ended().is_none() {
            self.signal(Signal::TERM);
        }
        self.wait_end(PATIENCE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let log = self.logged();
            let tail = log.len().saturating_sub(40);
            eprintln!("--- {} logged last:\n{}", self.label, log[tail..].join("\n"));
        }
    }
}
