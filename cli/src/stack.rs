//! Nodes as child processes of this one: started from this same binary, listened to until they are ready,
//! ended in order, and gone when we are gone (see `lifeline`).

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::exit::Stop;

/// What a child's line on stdout begins with when it is ready.
pub const READY: &str = "groundswell-ready ";

/// How long a node may take to be ready. Opening a store and Kafka takes well under a second; a loaded
/// machine takes longer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a node may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Most lines of children's logs that wait to be shown; later ones are dropped and counted.
const LOG_LINES: usize = 1_024;

/// What the names of variables that set a node begin with.
const SETTING: &str = "GROUNDSWELL__";

/// Whether a variable sets the kind of node that these arguments start.
fn sets(arguments: &[String], variable: &str) -> bool {
    use common::settings::belongs;
    match arguments.first().map(String::as_str) {
        Some("orchestrator") => belongs::<orchestrator::settings::OrchestratorSettings>(variable),
        Some("driver") => belongs::<driver::settings::DriverSettings>(variable),
        Some("target") => belongs::<target::settings::TargetSettings>(variable),
        _ => true,
    }
}

/// What a node says when it is ready.
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
pub struct Ready {
    /// `orchestrator`, `driver` or `target`.
    pub kind: String,
    /// Its HTTP address, where it has one.
    #[serde(default)]
    pub http: Option<String>,
    /// Kafka's addresses, from an orchestrator.
    #[serde(default)]
    pub kafka: Vec<String>,
    /// Its name on the wire.
    #[serde(default)]
    pub node_id: Option<String>,
}

/// A node that is ready.
struct Node {
    /// What people call it, as in `driver 2`.
    label: String,
    child: Child,
    /// Open for as long as the node is to live. Not left in `child`, whose `wait` would close it.
    _lifeline: Option<ChildStdin>,
}

/// The nodes of this process, in the order they were started.
pub struct Stack {
    binary: PathBuf,
    nodes: Vec<Node>,
    log: mpsc::Sender<String>,
}

impl Stack {
    /// An empty one, and the lines that its nodes will log.
    ///
    /// # Errors
    /// Where the path of this binary cannot be told.
    pub fn new() -> Result<(Self, mpsc::Receiver<String>), Stop> {
        let binary = std::env::current_exe()
            .map_err(|error| Stop::could_not(format!("cannot find this program's own file: {error}")))?;
        let (log, lines) = mpsc::channel(LOG_LINES);
        Ok((Self { binary, nodes: Vec::new(), log }, lines))
    }

    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// Where it cannot be started, ends, or is not ready in time; its last line says why.
    pub async fn start(&mut self, label: &str, arguments: &[String]) -> Result<Ready, Stop> {
        let mut command = Command::new(&self.binary);
        // A variable that sets another kind of node is a fault to this one.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with(SETTING) && !sets(arguments, name)) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .arg("--child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for us alone: a node of its own group goes on until it is told.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Stop::could_not(format!("cannot start {}: {error}", self.binary.display())))?;
        let lifeline = child.stdin.take();
        let (ready_sender, mut ready) = mpsc::channel(1);
        let (last_sender, mut last_line) = mpsc::channel(1);
        if let Some(stdout) = child.stdout.take() {
            actix_rt::spawn(find_ready_line(stdout, ready_sender));
        }
        if let Some(stderr) = child.stderr.take() {
            actix_rt::spawn(pass_on(stderr, label.to_owned(), self.log.clone(), last_sender));
        }
        let said = tokio::select! {
            said = ready.recv() => said,
            () = tokio::time::sleep(READY_TIMEOUT) => {
                return Err(Stop::could_not(format!("{label} was not ready within {READY_TIMEOUT:?}")));
            }
        };
        let Some(said) = said else {
            // Stdout closed: it is ending. Its last line on stderr says why.
            let _ = child.wait().await;
            let why = last_line.recv().await.unwrap_or_else(|| "it said nothing".to_owned());
            return Err(Stop::could_not(format!("{label}: {why}")));
        };
        self.nodes.push(Node { label: label.to_owned(), child, _lifeline: lifeline });
        Ok(said)
    }

    /// Waits until one of the nodes ends, and says which and how.
    pub async fn one_ended(&mut self) -> String {
        let waits = self.nodes.iter_mut().map(|node| {
            Box::pin(async {
                let status = node.child.wait().await;
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                format!("{} ended: {status}", node.label)
            })
        });
        let waits: Vec<_> = waits.collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(waits).await.0
    }

    /// Ends all nodes, the last started first: a driver says goodbye while its orchestrator still listens.
    pub async fn stop(&mut self) {
        for node in self.nodes.iter_mut().rev() {
            let pid = node.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // It may have ended already: then there is nothing to tell it.
                let _ = kill_process(pid, Signal::TERM);
            }
            if tokio::time::timeout(STOP_TIMEOUT, node.child.wait()).await.is_err() {
                let _ = node.child.kill().await;
            }
        }
        self.nodes.clear();
    }
}

async fn find_ready_line(stdout: impl AsyncRead + Unpin, ready: mpsc::Sender<Ready>) {
    let mut lines = BufReader::new(stdout).lines();
    // Reads on after the ready line, so that a node never blocks on a full pipe.
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(said) = line.strip_prefix(READY).and_then(|json| serde_json::from_str(json).ok()) {
            let _ = ready.try_send(said);
        }
    }
}

async fn pass_on(
    stderr: impl AsyncRead + Unpin,
    label: String,
    log: mpsc::Sender<String>,
    last: mpsc::Sender<String>,
) {
    let mut lines = BufReader::new(stderr).lines();
    let mut latest = None;
    while let Ok(Some(line)) = lines.next_line().await {
        // A full queue means nobody can read that fast: the newest lines are lost, the node goes on.
        let _ = log.try_send(format!("{label}: {line}"));
        latest = Some(line);
    }
    if let Some(line) = latest {
        let _ = last.try_send(line.trim_start_matches("groundswell: ").to_owned());
    }
}

/// `127.0.0.1:<preferred>` where nobody listens there, else a port that the kernel picks.
pub fn address_with_port(preferred: u16) -> String {
    let free = TcpListener::bind(("127.0.0.1", preferred)).is_ok();
    format!("127.0.0.1:{}", if free { preferred } else { 0 })
}
