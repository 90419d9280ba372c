//! Other people's programs, as fixtures of ours in Python (e2e/fixtures): drivers and an orchestrator that speak the
//! classic fields alone. Each prints on its stdout what it really did, so that a report can be checked against it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::kafka::Kafka;
use crate::process::{PATIENCE, Process};
use crate::system::{System, Target, patient};
use crate::{python, repository, wait_for};

/// A running fixture, gone when this is.
pub struct Classic {
    process: Process,
    /// Its node id; of an orchestrator, what people call it.
    pub name: String,
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

    /// All lines that it has printed so far.
    pub fn said(&self) -> Vec<Value> {
        self.process.said().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of one kind (`did`).
    pub fn did(&self, what: &str) -> Vec<Value> {
        self.said().into_iter().filter(|said| said["did"] == what).collect()
    }

    /// Waits until it has printed that many lines of one kind; returns the last.
    #[track_caller]
    pub fn wait_did(&self, what: &str, times: usize) -> Value {
        wait_for(&format!("{} to say {what:?} {times} times", self.name), PATIENCE, || {
            self.did(what).into_iter().nth(times - 1)
        })
    }

    /// How many requests it really sent in a test, from the line that it prints at its end.
    pub fn sent(&self, test_id: &str) -> u64 {
        let ends = self.did("ended").into_iter().chain(self.did("died"));
        ends.filter(|end| end["test"] == test_id).map(|end| end["sent"].as_u64().unwrap()).sum()
    }

    /// The same, once it has ended a test that it began.
    #[track_caller]
    pub fn wait_sent(&self, test_id: &str) -> u64 {
        wait_for(&format!("{} to end {test_id}", self.name), PATIENCE, || {
            let of_test = |what| self.did(what).iter().filter(|did| did["test"] == test_id).count();
            (of_test("started") == of_test("ended") + of_test("died")).then_some(())
        });
        self.sent(test_id)
    }

    /// Whether its process is gone.
    pub fn is_gone(&mut self) -> bool {
        self.process.ended().is_some()
    }
}

impl Drop for Classic {
    /// Beside what the process logged, a test that fails shows what it received and did.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} did:\n{}", self.name, self.process.said().join("\n"));
        }
    }
}

/// Drivers of ours and of other people's on Apache Kafka, led with delays in whole milliseconds and less patience than
/// by default.
pub struct Fleet {
    pub classic: Vec<Classic>,
    /// Ours, and the orchestrator.
    pub system: System,
    pub target: Target,
    config: String,
    kafka: Kafka,
}

/// `[classic]` of a [`Fleet`] by default, so short that a test takes seconds.
const QUICK: &str = "delay_unit = \"ms\"\nknown_for = \"1s\"\ntrigger_gap = \"500ms\"\ndeaf_after = \"2s\"\n";

impl Fleet {
    /// Starts so many of ours, and classic ones by their ids and habits (flags); waits until all are known and listen.
    /// `settings` are lines of TOML, which begin in `[classic]`.
    #[track_caller]
    pub fn start(settings: &str, ours: usize, classic: &[(&str, &str)]) -> Self {
        let kafka = Kafka::start();
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("orchestrator.toml").to_str().unwrap().to_owned();
        std::fs::write(&config, format!("[classic]\n{QUICK}{settings}")).unwrap();
        let orchestrator = Self::orchestrator(home.path(), "127.0.0.1:0", &kafka.address, &config);
        let mut system = System::around(home, orchestrator);
        for n in 1..=ours {
            let folder = system.home.path().join(format!("ours-{n}")).to_str().unwrap().to_owned();
            system.add_driver(&["--node-id", &format!("ours-{n}"), "--data-dir", &folder]);
        }
        system.wait_alive(ours);
        let target = system.add_target(&[]);
        let mut fleet = Self { classic: Vec::new(), system, target, config, kafka };
        for (id, habits) in classic {
            let driver = fleet.driver(id, habits);
            fleet.classic.push(driver);
        }
        for (driver, (_, habits)) in fleet.classic.iter().zip(classic) {
            fleet.wait_ready(driver, habits);
        }
        fleet
    }

    fn orchestrator(home: &std::path::Path, listen: &str, kafka: &str, config: &str) -> Process {
        let arguments = ["orchestrator", "--listen", listen, "--kafka", kafka, "--config", config];
        Process::unready_node("orchestrator", home, &arguments)
    }

    fn driver(&self, id: &str, habits: &str) -> Classic {
        let habits = habits.split_whitespace().chain(["--delay-unit", "ms"]);
        Classic::driver(&self.kafka.address, id, &habits.collect::<Vec<_>>())
    }

    #[track_caller]
    fn wait_ready(&self, driver: &Classic, habits: &str) {
        if !habits.contains("--listens never") {
            driver.wait_did("listening", 1);
        }
        wait_known(&self.system, &[&driver.name]);
    }

    /// Adds a classic driver, or starts the one of this id again; waits until it is known and listens.
    #[track_caller]
    pub fn start_classic(&mut self, id: &str, habits: &str) {
        self.classic.retain(|driver| driver.name != id);
        let driver = self.driver(id, habits);
        self.wait_ready(&driver, habits);
        self.classic.push(driver);
    }

    /// Starts the nth driver of ours again, from 0, in the same data folder.
    #[track_caller]
    pub fn restart_ours(&mut self, n: usize) {
        let (mut process, id) = self.system.drivers.remove(n);
        process.stop();
        let folder = self.system.home.path().join(&id).to_str().unwrap().to_owned();
        self.system.add_driver(&["--node-id", &id, "--data-dir", &folder]);
        wait_known(&self.system, &[&id]);
    }

    /// Kills the orchestrator and starts it again at its address.
    #[track_caller]
    pub fn restart_orchestrator(&mut self) {
        self.system.orchestrator.signal(rustix::process::Signal::KILL);
        self.system.orchestrator.wait_end(PATIENCE);
        let home = self.system.home.path();
        self.system.orchestrator =
            Self::orchestrator(home, &self.system.address, &self.kafka.address, &self.config);
        self.system.orchestrator.wait_ready();
    }

    /// The classic driver of this id.
    #[track_caller]
    pub fn classic(&self, id: &str) -> &Classic {
        self.classic.iter().find(|driver| driver.name == id).unwrap()
    }

    /// Runs a load to its end; returns the report. `query` sets how the target answers.
    #[track_caller]
    pub fn run(&self, query: &str, load: &Value) -> Value {
        self.system.run(&self.plan(query, load))
    }

    /// A plan for the target, lenient about our own machine: these tests are about what others report.
    pub fn plan(&self, query: &str, load: &Value) -> Value {
        json!({
            "target": { "url": format!("{}{query}", self.target.url()) }, "load": load,
            "honesty": patient(),
        })
    }

    /// Every classic driver's count in the report is the one that it truly sent, or null; and the target received what
    /// all have sent, of which it had `before` from earlier tests.
    #[track_caller]
    pub fn assert_true(&self, report: &Value, before: u64) {
        let test = report["test_id"].as_str().unwrap();
        let mut sent: u64 =
            self.system.drivers.iter().map(|(_, id)| row(report, id)["sent"].as_u64().unwrap()).sum();
        for driver in &self.classic {
            let truly = driver.wait_sent(test);
            sent += truly;
            if let Some(row) = find_row(report, &driver.name) {
                let shown = row["sent"].as_u64();
                assert!(
                    shown.is_none_or(|shown| shown == truly),
                    "{} sent {truly}: {row:#}\n{:#}",
                    driver.name,
                    report["findings"]
                );
                assert!(row["completed"].as_u64().is_none_or(|n| n <= truly), "{row:#}");
            } else {
                assert_eq!(truly, 0, "{} took part, and has no row: {report:#}", driver.name);
            }
        }
        assert_eq!(
            self.target.received() - before,
            sent,
            "the target received what all drivers sent, and no more: {report:#}"
        );
    }
}

/// So many requests of each driver, `delay_ms` apart.
pub fn open(delay_ms: u64, requests: u64) -> Value {
    json!({ "mode": "tsunami", "delay": format!("{delay_ms}ms"), "requests": requests })
}

/// One driver's row of a report, if it has one.
pub fn find_row<'a>(report: &'a Value, node_id: &str) -> Option<&'a Value> {
    report["drivers"].as_array().unwrap().iter().find(|row| row["node_id"] == node_id)
}

/// One driver's row of a report.
#[track_caller]
pub fn row<'a>(report: &'a Value, node_id: &str) -> &'a Value {
    find_row(report, node_id).unwrap_or_else(|| panic!("no {node_id}: {report:#}"))
}

/// The kinds of the findings about a driver.
pub fn kinds<'a>(report: &'a Value, node_id: &str) -> BTreeSet<&'a str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|found| found["driver"] == node_id).map(|found| found["kind"].as_str().unwrap()).collect()
}

/// The sentences of the findings of one kind.
pub fn texts<'a>(report: &'a Value, kind: &str) -> Vec<&'a str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|found| found["kind"] == kind).map(|found| found["text"].as_str().unwrap()).collect()
}

/// Waits until the orchestrator knows each of them, alive.
#[track_caller]
pub fn wait_known(system: &System, drivers: &[&str]) {
    wait_for(&format!("{drivers:?} to be known"), PATIENCE, || {
        let known = system.rest.get("/api/v1/drivers").json();
        let alive = |id: &&str| {
            known.as_array().unwrap().iter().any(|node| node["node_id"] == **id && node["alive"] == true)
        };
        drivers.iter().all(alive).then_some(())
    });
}

/// The liveness of a node, as REST has it.
#[track_caller]
pub fn liveness(system: &System, node_id: &str) -> String {
    let known = system.rest.get("/api/v1/drivers").json();
    let node = known.as_array().unwrap().iter().find(|node| node["node_id"] == node_id).unwrap();
    node["liveness"].as_str().unwrap().to_owned()
}
