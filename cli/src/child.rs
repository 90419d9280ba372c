//! One node as a child process: starts it from this same binary, waits until it is ready, and makes sure that it ends
//! when this process ends (see `lifeline`).

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::exit::{ExitCode, Stop};
use crate::family::{Family, Member};
use crate::patience::within;

/// Prefix of the line on stdout that reports that a child is ready.
pub const READY: &str = "groundswell-ready ";

/// Prefix of the lines on stderr that report why a command ended.
pub const WHY: &str = "groundswell: ";

/// How long a node may take to be ready. Opening a store and Kafka takes well under a second; a loaded
/// machine takes longer.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a node may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait for the rest of a node's output once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Most lines of children's logs that wait to be shown; later ones are dropped.
const LOG_LINES: usize = 1_024;

/// Most lines kept of a node's final error: one for each fault of its settings.
const MAX_WHY_LINES: usize = 64;

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

/// Variables with our prefix that no node knows. Without this check a misspelt name would be ignored, because each node
/// receives only its own variables.
pub fn strays() -> Option<Stop> {
    let kinds = ["orchestrator", "driver", "target"].map(|kind| vec![kind.to_owned()]);
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let stray = |name: &String| name.starts_with(SETTING) && !kinds.iter().any(|kind| sets(kind, name));
    let mut strays: Vec<String> = names.filter(stray).collect();
    strays.sort();
    let line = |name: &String| format!("environment {name}: no node has this setting");
    (!strays.is_empty()).then(|| Stop::usage(strays.iter().map(line).collect::<Vec<_>>().join("\n")))
}

/// What a node reports when it is ready.
#[derive(Debug, Clone, Default, Deserialize, serde::Serialize)]
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
    /// Its data folder, from a driver.
    #[serde(default)]
    pub data_dir: Option<PathBuf>,
}

/// A line that a node logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What people call the node.
    pub label: String,
    pub line: String,
}

/// How a node ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The status from the kernel; `None` if it is unknown.
    pub status: Option<ExitStatus>,
    /// The reasons from the node's stderr, one per line; empty if it wrote none.
    pub why: String,
}

impl Ended {
    /// As in `killed by SIGKILL` or `exit 1: data folder /x is in use by another node`.
    pub fn describe(&self) -> String {
        use std::os::unix::process::ExitStatusExt;
        let how = match self.status {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit {code}"),
                (None, Some(signal)) => format!("killed by {}", signal_name(signal)),
                (None, None) => status.to_string(),
            },
            None => "how is not known".to_owned(),
        };
        if self.why.is_empty() { how } else { format!("{how}: {}", self.why) }
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        4 => "SIGILL".to_owned(),
        6 => "SIGABRT".to_owned(),
        7 => "SIGBUS".to_owned(),
        9 => "SIGKILL, by a person or by the kernel for want of memory".to_owned(),
        11 => "SIGSEGV".to_owned(),
        15 => "SIGTERM".to_owned(),
        signal => format!("signal {signal}"),
    }
}

#[derive(Clone)]
pub struct Launcher {
    binary: PathBuf,
    /// Where the nodes keep their data, instead of the user's default place.
    state: Option<PathBuf>,
    family: Family,
    log: mpsc::Sender<Logged>,
}

/// A node that is ready. Dropping it kills the process, if it has not ended before.
pub struct Node {
    child: Child,
    /// Closing it ends the node. Taken out of `child`, because `Child::wait` would close it.
    _lifeline: Option<ChildStdin>,
    member: Option<Member>,
    /// Why it ended, once its stderr is closed.
    why: mpsc::Receiver<String>,
}

impl Launcher {
    /// Starts nodes of this binary into this family; with the lines that they will log. `state`: the folder in which
    /// each keeps its data, an absolute path; `None`: each takes its default.
    ///
    /// # Errors
    /// Where the path of this binary is not known.
    pub fn new(family: Family, state: Option<PathBuf>) -> Result<(Self, mpsc::Receiver<Logged>), Stop> {
        let binary = std::env::current_exe()
            .map_err(|error| Stop::could_not(format!("cannot find this program's own file: {error}")))?;
        let (log, lines) = mpsc::channel(LOG_LINES);
        Ok((Self { binary, state, family, log }, lines))
    }

    /// Starts a node and waits until it is ready. Where this future is dropped before, the node is killed.
    ///
    /// # Errors
    /// Where it cannot be started, ends, or is not ready in time. Its own words say why; settings that are wrong
    /// are exit 2 for us as they are for the node.
    pub async fn launch(&self, label: &str, arguments: &[String]) -> Result<(Node, Ready), Stop> {
        if let Some(strays) = strays() {
            return Err(strays);
        }
        let mut command = Command::new(&self.binary);
        // A node rejects variables of other kinds of node.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with(SETTING) && !sets(arguments, name)) {
                command.env_remove(name);
            }
        }
        if let Some(state) = &self.state {
            // As a place to look for folders rather than as --data-dir, so that a second `run` beside this one finds
            // the first one's folders locked and takes the next (`orchestrator-2`, …).
            command.env_remove("STATE_DIRECTORY").env("XDG_STATE_HOME", state);
        }
        let mut child = command
            .args(arguments)
            .arg("--child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own process group, so that Ctrl-C reaches only us: the node runs on until we stop it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Stop::could_not(format!("cannot start {}: {error}", self.binary.display())))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let lifeline = child.stdin.take();
        let (ready_sender, mut ready) = mpsc::channel(1);
        let (why_sender, why) = mpsc::channel(1);
        if let Some(stdout) = child.stdout.take() {
            actix_rt::spawn(find_ready_line(stdout, ready_sender));
        }
        if let Some(stderr) = child.stderr.take() {
            actix_rt::spawn(pass_on(stderr, label.to_owned(), self.log.clone(), why_sender));
        }
        let mut node = Node { child, _lifeline: lifeline, member: pid.map(|pid| self.family.join(pid)), why };
        match within(READY_TIMEOUT, ready.recv()).await {
            Some(Some(said)) => Ok((node, said)),
            // Stdout is closed: the node is ending.
            Some(None) => {
                let ended = node.ended().await;
                Err(match ended.status.and_then(|status| status.code()) {
                    Some(code) if code == ExitCode::Usage as i32 => Stop::usage(ended.why),
                    Some(code) if code == ExitCode::CouldNot as i32 && !ended.why.is_empty() => {
                        Stop::could_not(format!("{label}: {}", ended.why))
                    }
                    _ => Stop::could_not(format!("{label} ended before it was ready: {}", ended.describe())),
                })
            }
            None => Err(Stop::could_not(format!("{label} was not ready within {READY_TIMEOUT:?}"))),
        }
    }
}

impl Node {
    /// Waits for its end. May be dropped and called again.
    pub async fn ended(&mut self) -> Ended {
        let status = self.child.wait().await.ok();
        // From here on its pid may be another process's.
        self.member = None;
        let why = within(LAST_WORDS, self.why.recv()).await.flatten().unwrap_or_default();
        Ended { status, why }
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        if let Some(member) = &self.member {
            member.signal(Signal::TERM);
        }
    }

    /// Waits for its end after [`Node::terminate`]; kills it where that takes too long.
    pub async fn finish(mut self) {
        if within(STOP_TIMEOUT, self.child.wait()).await.is_none() {
            let _ = self.child.kill().await;
        }
        self.member = None;
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

/// Forwards a node's log lines. The final error, from the line that begins with the program's name on, is kept apart:
/// the caller that waits for the node shows it, once.
async fn pass_on(
    stderr: impl AsyncRead + Unpin,
    label: String,
    log: mpsc::Sender<Logged>,
    why: mpsc::Sender<String>,
) {
    let mut lines = BufReader::new(stderr).lines();
    let mut words: Vec<String> = Vec::new();
    let mut latest = None;
    while let Ok(Some(line)) = lines.next_line().await {
        match line.strip_prefix(WHY) {
            Some(first) => words = vec![first.to_owned()],
            None if !words.is_empty() && words.len() < MAX_WHY_LINES => words.push(line),
            None => {
                // If the queue is full, the line is dropped: the node must not block on its log.
                let _ = log.try_send(Logged { label: label.clone(), line: line.clone() });
                latest = Some(line);
            }
        }
    }
    let said = if words.is_empty() { latest.unwrap_or_default() } else { words.join("\n") };
    let _ = why.try_send(said);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn the_last_words_are_kept_apart_from_the_log() {
        let check = async |written: &'static str, logged: &[&str], expected: &str| {
            let (log, mut lines) = mpsc::channel(16);
            let (why, mut words) = mpsc::channel(1);
            pass_on(written.as_bytes(), "driver 2".to_owned(), log, why).await;
            let mut seen = Vec::new();
            while let Some(Logged { label, line }) = lines.recv().await {
                assert_eq!(label, "driver 2");
                seen.push(line);
            }
            assert_eq!(seen, logged);
            assert_eq!(words.recv().await.unwrap(), expected);
        };
        check("[WARN] a\n[WARN] b\n", &["[WARN] a", "[WARN] b"], "[WARN] b").await;
        check("[WARN] a\ngroundswell: x: 1\ny: 2\n", &["[WARN] a"], "x: 1\ny: 2").await;
        check("", &[], "").await;
    }

    #[test]
    fn an_end_says_how_and_why() {
        use std::os::unix::process::ExitStatusExt;
        let text = |raw: i32, why: &str| {
            Ended { status: Some(ExitStatus::from_raw(raw)), why: why.to_owned() }.describe()
        };
        assert_eq!(text(1 << 8, "no room"), "exit 1: no room");
        assert_eq!(text(15, ""), "killed by SIGTERM");
        assert!(text(9, "").starts_with("killed by SIGKILL"));
    }
}
