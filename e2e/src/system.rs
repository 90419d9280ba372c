//! The whole system for one test, node by node, so that a test can signal each: orchestrator, drivers,
//! target, on the embedded broker or on Apache Kafka.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{PATIENCE, Process};
use crate::rest::Rest;
use crate::wait_for;

/// An orchestrator, its drivers, and targets, that are gone when this is.
pub struct System {
    /// Where the nodes keep their data.
    pub home: TempDir,
    pub orchestrator: Process,
    /// The orchestrator's address, `host:port`.
    pub address: String,
    /// Kafka's addresses, as the orchestrator announces them.
    pub kafka: String,
    pub rest: Rest,
    /// The drivers' processes and ids.
    pub drivers: Vec<(Process, String)>,
    targets: Vec<Process>,
}

impl System {
    /// Starts an orchestrator (`kafka`: `embedded` or addresses) and so many drivers with one worker each.
    pub fn start(kafka: &str, drivers: usize) -> Self {
        Self::start_with(kafka, drivers, &[])
    }

    /// The same, with more flags for the orchestrator.
    pub fn start_with(kafka: &str, drivers: usize, flags: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut arguments = vec!["orchestrator", "--listen", "127.0.0.1:0", "--kafka", kafka];
        arguments.extend(flags);
        let orchestrator = Process::unready_node("orchestrator", home.path(), &arguments);
        let mut system = Self::around(home, orchestrator);
        for _ in 0..drivers {
            system.add_driver(&[]);
        }
        // Without drivers there is nothing to wait for, and with a token this query would be refused.
        if drivers > 0 {
            system.wait_alive(drivers);
        }
        system
    }

    /// Around an orchestrator that was started in a way of its own; waits until it is ready.
    pub fn around(home: TempDir, mut orchestrator: Process) -> Self {
        let ready = orchestrator.wait_ready();
        let address = ready["http"].as_str().unwrap().to_owned();
        let kafka = ready["kafka"][0].as_str().unwrap_or_default().to_owned();
        let rest = Rest::new(&address);
        Self { home, orchestrator, address, kafka, rest, drivers: Vec::new(), targets: Vec::new() }
    }

    /// Starts another driver with more flags, and returns its id once it is ready.
    pub fn add_driver(&mut self, flags: &[&str]) -> String {
        let label = format!("driver {}", self.drivers.len() + 1);
        let mut arguments = vec!["driver", "--orchestrator", &self.address];
        if !flags.contains(&"--workers") {
            arguments.extend(["--workers", "1"]);
        }
        arguments.extend(flags);
        let (process, ready) = Process::node(&label, self.home.path(), &arguments);
        let node_id = ready["node_id"].as_str().unwrap().to_owned();
        self.drivers.push((process, node_id.clone()));
        node_id
    }

    /// Starts a target with flags; returns its address.
    pub fn add_target(&mut self, flags: &[&str]) -> Target {
        let (process, target) = Target::start(self.home.path(), flags);
        self.targets.push(process);
        target
    }

    /// Waits until exactly so many drivers are alive.
    #[track_caller]
    pub fn wait_alive(&self, n: usize) {
        wait_for(&format!("{n} drivers alive"), PATIENCE, || {
            let drivers = self.rest.get("/api/v1/drivers").json();
            let alive = drivers.as_array().unwrap().iter().filter(|driver| driver["alive"] == true).count();
            (alive == n).then_some(())
        });
    }

    /// Stores a plan; returns the test's id.
    #[track_caller]
    pub fn create(&self, plan: &Value) -> String {
        let answer = self.rest.post("/api/v1/tests", plan);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["test_id"].as_str().unwrap().to_owned()
    }

    /// Stores and triggers a plan; returns the test's id.
    #[track_caller]
    pub fn trigger(&self, plan: &Value) -> String {
        let id = self.create(plan);
        let answer = self.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
        assert_eq!(answer.status, 202, "{}", answer.text);
        id
    }

    /// The test as it is now.
    #[track_caller]
    pub fn test(&self, id: &str) -> Value {
        let answer = self.rest.get(&format!("/api/v1/tests/{id}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Waits for the end of a test; returns its report.
    #[track_caller]
    pub fn finished(&self, id: &str, at_most: Duration) -> Value {
        wait_for(&format!("test {id} to finish"), at_most, || {
            Some(self.test(id)).filter(|test| test["state"] == "finished")
        })
    }

    /// Runs a plan to its end; returns its report.
    #[track_caller]
    pub fn run(&self, plan: &Value) -> Value {
        let id = self.trigger(plan);
        self.finished(&id, Duration::from_secs(120))
    }
}

pub struct Target {
    pub rest: Rest,
    pub pid: u32,
}

impl Target {
    /// Starts one with flags; it is gone when its process is dropped.
    pub fn start(home: &Path, flags: &[&str]) -> (Process, Self) {
        let mut arguments = vec!["target", "--listen", "127.0.0.1:0"];
        arguments.extend(flags);
        let (process, ready) = Process::node("target", home, &arguments);
        let (rest, pid) = (Rest::new(ready["http"].as_str().unwrap()), process.pid());
        (process, Self { rest, pid })
    }

    pub fn url(&self) -> String {
        format!("{}/ping", self.rest.base)
    }

    pub fn metrics(&self) -> Value {
        self.rest.get("/metrics").json()
    }

    pub fn received(&self) -> u64 {
        self.metrics()["requests_received"].as_u64().unwrap()
    }
}

/// A Tsunami plan: so many requests per second and driver for so long, lenient about our own machine.
pub fn tsunami(url: &str, rate: f64, duration: &str) -> Value {
    json!({
        "name": "tsunami", "target": { "url": url },
        "load": { "mode": "tsunami", "rate": rate, "duration": duration }, "honesty": patient(),
    })
}

/// Limits for tests that are not about the generator's own delays. The hosts of test machines take away a core for some
/// 10 ms now and then, and what else runs beside a test for longer, which the default limits rightly call `invalid`: in a
/// second of load one pause of 50 ms makes a twentieth of the requests late. What falls due in a pause is sent after it, so that
/// all of a schedule is.
pub fn patient() -> Value {
    json!({ "max_lag_p99": "5s", "max_late": "50%", "max_catch_up": "60s" })
}

/// An Avalanche plan: connections and requests per driver.
pub fn avalanche(url: &str, connections: u32, requests: u64) -> Value {
    json!({
        "name": "avalanche", "target": { "url": url },
        "load": { "mode": "avalanche", "connections": connections, "requests": requests }, "honesty": patient(),
    })
}

/// Checks what always holds of a finished test's totals, and of each driver's: the equations, completeness,
/// and that the drivers sum to the fleet.
#[track_caller]
pub fn assert_sound(report: &Value) {
    let n = |value: &Value, key: &str| {
        value[key].as_u64().unwrap_or_else(|| panic!("{key} is {} in {report:#}", value[key]))
    };
    let totals = &report["totals"];
    let drivers = report["drivers"].as_array().unwrap();
    for part in std::iter::once(totals).chain(drivers) {
        assert_eq!(n(part, "scheduled"), n(part, "sent") + n(part, "dropped"), "{report:#}");
        let ends = n(part, "completed") + n(part, "failed") + n(part, "in_flight") + n(part, "unresolved");
        assert_eq!(n(part, "sent"), ends, "{report:#}");
        assert_eq!(n(part, "in_flight"), 0, "{report:#}");
    }
    for key in ["scheduled", "sent", "completed", "failed", "dropped"] {
        let sum: u64 = drivers.iter().map(|driver| n(driver, key)).sum();
        assert_eq!(sum, n(totals, key), "drivers' {key} in {report:#}");
    }
    let completeness = &report["completeness"];
    assert_eq!(completeness["missing"], json!([]), "{report:#}");
    assert_eq!(completeness["windows_expected"], completeness["windows_received"], "{report:#}");
    assert!(n(completeness, "windows_received") > 0, "{report:#}");
}
