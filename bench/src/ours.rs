//! Our own side, from outside: the binary's orchestrator (with the embedded Kafka) and one driver, each a process,
//! each pinned; a plan by REST, and the report of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::job::{Job, Loop, Outcome, Place};
use crate::processes::{Cpu, Memory, Owned, pinned, typed};
use crate::said::Said;

/// How long a node may take to be ready, to join, or to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a running test is looked at: its state costs the orchestrator CPU time that is counted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Places in flight of an open loop: a stall of a second at 1,000/s is to be waited for, not dropped.
const MAX_IN_FLIGHT: u32 = 2_048;

/// One way to start the driver, as a row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// What its row is called beside `groundswell`; empty for the plain one.
    pub name: String,
    /// More flags of `groundswell driver`.
    pub flags: Vec<String>,
}

impl Variant {
    /// What tables call it.
    pub fn row(&self) -> String {
        if self.name.is_empty() { "groundswell".to_owned() } else { format!("groundswell {}", self.name) }
    }
}

impl std::str::FromStr for Variant {
    type Err = std::convert::Infallible;

    /// `NAME=FLAGS`, the flags with spaces between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, flags) = text.split_once('=').unwrap_or((text, ""));
        let flags = flags.split_whitespace().map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), flags })
    }
}

/// A node of ours. It ends when its stdin closes.
pub struct Node {
    child: Owned,
    command: String,
    ready: Value,
}

impl Node {
    /// Starts one, and waits until it is ready.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(mut command: Command, home: &Path, label: &str) -> anyhow::Result<Self> {
        let line = typed(&command);
        let log = home.join(format!("{label}.log"));
        command.arg("--child").env("XDG_STATE_HOME", home).env_remove("RUST_LOG");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = Owned(command.spawn().with_context(|| format!("starting {line}"))?);
        let stdout = child.0.stdout.take().context("its stdout")?;
        // When the node exits, its stdout ends, and so does this loop: it never waits for a node that is gone.
        for said in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(ready) = said.strip_prefix("groundswell-ready ") {
                return Ok(Self { child, command: line, ready: serde_json::from_str(ready)? });
            }
        }
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        bail!("{line} was not ready: {}", log.lines().last().unwrap_or("it said nothing"));
    }

    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// What it said when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where it does not.
    pub fn end(&mut self) -> anyhow::Result<()> {
        drop(self.child.0.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while self.child.0.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "{} did not end when its stdin closed", self.command);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// The processes of a [`Stack`].
#[derive(Debug, Clone, Copy)]
pub struct Pids {
    pub driver: u32,
    pub orchestrator: u32,
}

/// An orchestrator and a driver that has joined.
pub struct Stack<'a> {
    place: &'a Place,
    // The driver leaves first: the order of these is that of their end.
    driver: Node,
    orchestrator: Node,
    base: String,
    agent: ureq::Agent,
    _home: TempDir,
}

impl<'a> Stack<'a> {
    /// Starts both and waits until the driver has joined.
    ///
    /// # Errors
    /// Where one of them does not start, or the driver does not join.
    pub fn start(place: &'a Place, variant: &Variant) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let arguments = words(&["orchestrator", "--listen", "127.0.0.1:0", "--kafka", "embedded"]);
        let command = pinned(place.server_core, &place.groundswell, &arguments);
        let orchestrator = Node::start(command, home.path(), "orchestrator")?;
        let address =
            orchestrator.ready["http"].as_str().context("the orchestrator has no address")?.to_owned();
        let mut arguments = words(&["driver", "--orchestrator", &address, "--workers", "1"]);
        arguments.extend(variant.flags.iter().cloned());
        let command = pinned(place.generator_core, &place.groundswell, &arguments);
        let driver = Node::start(command, home.path(), "driver")?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let base = format!("http://{address}/api/v1");
        let stack = Self { place, driver, orchestrator, base, agent: config.into(), _home: home };
        stack.wait_joined()?;
        Ok(stack)
    }

    fn wait_joined(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let drivers = self.get("drivers")?;
            if drivers.as_array().is_some_and(|all| all.iter().any(|driver| driver["alive"] == true)) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the driver did not join: {drivers}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Runs one test and ends both.
    ///
    /// # Errors
    /// Where the test cannot be run, or does not end in time.
    pub fn run(self, job: &Job, at_most: Duration) -> anyhow::Result<Outcome> {
        let plan = Self::plan(job);
        let (outcome, report) = self.run_plan(&plan, job.duration, at_most)?;
        Ok(Outcome { said: Said::of_ours(&report), ..outcome })
    }

    /// Runs one test of a plan that lasts so long, and ends both; with the outcome, which lacks its own word, comes the
    /// report.
    ///
    /// # Errors
    /// Where the test cannot be run, or does not end in time.
    pub fn run_plan(
        self,
        plan: &Value,
        duration: Duration,
        at_most: Duration,
    ) -> anyhow::Result<(Outcome, Value)> {
        self.run_plan_watched(plan, duration, at_most, &mut |_| Ok(()))
    }

    /// The same, with `watch` called each time the running test is looked at.
    ///
    /// # Errors
    /// Those of [`Stack::run_plan`], and of `watch`.
    pub fn run_plan_watched(
        mut self,
        plan: &Value,
        duration: Duration,
        at_most: Duration,
        watch: &mut dyn FnMut(Pids) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Outcome, Value)> {
        let pids = Pids { driver: self.driver.pid(), orchestrator: self.orchestrator.pid() };
        let mut memory = Memory::default();
        // What the driver has resident before it knows of a test.
        memory.note(pids.driver, Duration::ZERO);
        let plan = &with_engine(plan, self.place.engine.as_deref());
        let created = self.post("tests", plan)?;
        let id = created["test_id"].as_str().context("the test has no id")?.to_owned();
        let used = || anyhow::Ok((Cpu::of(pids.driver)?, Cpu::of(pids.orchestrator)?));
        let (driver_before, orchestrator_before) = used()?;
        let triggered = Instant::now();
        self.post(&format!("tests/{id}/trigger"), &Value::Null)?;
        let report = loop {
            memory.note(pids.driver, triggered.elapsed());
            watch(pids)?;
            // Nothing is asked while the load runs.
            if triggered.elapsed() >= duration {
                let test = self.get(&format!("tests/{id}"))?;
                if test["state"] == "finished" {
                    break test;
                }
                ensure!(
                    triggered.elapsed() < at_most,
                    "the test was still {} after {at_most:?}",
                    test["state"]
                );
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let (driver_after, orchestrator_after) = used()?;
        let (driver, orchestrator) =
            (driver_after.since(driver_before), orchestrator_after.since(orchestrator_before));
        let command = self.typed(plan);
        self.driver.end()?;
        self.orchestrator.end()?;
        let outcome = Outcome {
            command,
            cpu: driver,
            stack_cpu: Some(Cpu {
                user_s: driver.user_s + orchestrator.user_s,
                system_s: driver.system_s + orchestrator.system_s,
            }),
            memory,
            said: Said::default(),
        };
        Ok((outcome, report))
    }

    fn plan(job: &Job) -> Value {
        let duration = format!("{}ms", job.duration.as_millis());
        let load = match job.kind {
            Loop::Closed => {
                json!({ "mode": "avalanche", "connections": job.connections, "duration": duration })
            }
            Loop::Open { rate_per_s } => json!({
                "mode": "tsunami", "rate": rate_per_s, "duration": duration, "max_in_flight": MAX_IN_FLIGHT,
            }),
        };
        json!({ "name": "bench", "target": { "url": job.url }, "load": load })
    }

    fn typed(&self, plan: &Value) -> String {
        let program = self.place.groundswell.display().to_string();
        let line = |node: &Node| node.command.replace(&program, "groundswell");
        format!(
            "{} & {} & POST /api/v1/tests {plan}, and trigger it",
            line(&self.orchestrator),
            line(&self.driver)
        )
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}/{path}", self.base);
        let response = self.agent.get(&url).call();
        read(&url, response)
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/{path}", self.base);
        let request = self.agent.post(&url);
        let response = if body.is_null() { request.send_empty() } else { request.send_json(body) };
        read(&url, response)
    }
}

/// A plan that asks for an engine, where one is given.
fn with_engine(plan: &Value, engine: Option<&str>) -> Value {
    let mut plan = plan.clone();
    if let Some(engine) = engine {
        plan["request"]["engine"] = json!(engine);
    }
    plan
}

fn read(url: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Value> {
    let mut response = response.with_context(|| url.to_owned())?;
    let status = response.status();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    ensure!(status.is_success(), "{url}: {status}: {text}");
    serde_json::from_str(&text).with_context(|| format!("{url}: no JSON: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_asks_for_the_engine_that_is_given() {
        let plan = json!({ "request": { "timeout": "9s" }, "requests": { "a": { "path": "/" } } });
        assert_eq!(with_engine(&plan, None), plan);
        let asks = with_engine(&plan, Some("awc"));
        assert_eq!(asks["request"], json!({ "timeout": "9s", "engine": "awc" }));
        assert_eq!(asks["requests"], plan["requests"]);
        assert_eq!(with_engine(&json!({}), Some("wire")), json!({ "request": { "engine": "wire" } }));
    }

    #[test]
    fn a_variant_is_a_name_and_the_drivers_flags() {
        let spin: Variant = "spin=--precision spin".parse().unwrap();
        assert_eq!(spin.row(), "groundswell spin");
        assert_eq!(spin.flags, ["--precision", "spin"]);
        assert_eq!("".parse::<Variant>().unwrap().row(), "groundswell");
    }
}
