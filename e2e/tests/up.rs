//! `up`: a driver or the target that dies is started again as the same node; without the orchestrator it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::time::Duration;

use e2e::proc::children;
use e2e::process::{PATIENCE, Process, command, output};
use e2e::rest::Rest;
use e2e::wait_for;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running `up`.
struct Up {
    home: TempDir,
    process: Process,
    address: String,
    rest: Rest,
}

impl Up {
    fn start(flags: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let process = Process::start("up", command(home.path(), &[&["up"][..], flags].concat()));
        wait_for("up to be ready", PATIENCE, || said(&process, "ready"));
        let dashboard = said(&process, "dashboard").unwrap();
        let address = dashboard.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { home, rest: Rest::new(&address), process, address }
    }

    /// Ids of the drivers that are alive, in order.
    fn alive(&self) -> Vec<String> {
        let drivers = self.rest.get("/api/v1/drivers").json();
        let alive = drivers.as_array().unwrap().iter().filter(|driver| driver["alive"] == true);
        let mut ids: Vec<String> =
            alive.map(|driver| driver["node_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    fn kill(&self, kind: &str) {
        let pid = *children(self.process.pid(), kind).last().unwrap();
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
    }

    #[track_caller]
    fn wait_logged(&self, what: &str) {
        wait_for(what, PATIENCE, || {
            self.process.logged().iter().any(|line| line.contains(what)).then_some(())
        });
    }
}

/// The value of a line that `up` said, as in `target     http://…`.
fn said(process: &Process, key: &str) -> Option<String> {
    let said = process.said();
    let line = said.iter().find(|line| line.starts_with(key))?;
    Some(line[key.len()..].trim().to_owned())
}

#[test]
fn a_driver_that_is_killed_comes_back_as_the_same_node_and_the_next_run_passes() {
    let mut up = Up::start(&["--drivers", "2", "--target"]);
    let before = up.alive();
    assert_eq!(before.len(), 2);
    let url = said(&up.process, "target").unwrap();
    assert_eq!(up.rest.get("/api/v1/try-target").json()["url"], url, "the page offers to test it");
    let run = ["run", "--quiet", "--orchestrator", &up.address, "--url", &url];
    let long = [&run[..], &["--rate", "30", "--duration", "7s"]].concat();
    let mut beside = Process::start("run", command(up.home.path(), &long));
    let received = Rest::new(url.trim_start_matches("http://").trim_end_matches("/ping"));
    wait_for("the load", PATIENCE, || {
        (received.get("/metrics").json()["requests_received"].as_u64().unwrap() > 30).then_some(())
    });
    up.kill("driver");
    assert_eq!(beside.wait_end(Duration::from_secs(90)).code(), Some(4), "{:?}", beside.said());
    up.wait_logged("driver 2 is back");
    wait_for("both drivers, as the same nodes", PATIENCE, || (up.alive() == before).then_some(()));
    let short = [&run[..], &["--mode", "avalanche", "--connections", "1", "--requests", "9"]].concat();
    let next = output(up.home.path(), &short);
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
    assert!(up.process.ended().is_none());
    assert_eq!(up.process.stop().code(), Some(0));
}

#[test]
fn a_target_comes_back_at_its_address_and_is_given_up_when_it_dies_too_often() {
    let mut up = Up::start(&["--drivers", "1", "--target"]);
    let url = said(&up.process, "target").unwrap();
    let target = Rest::new(url.trim_start_matches("http://").trim_end_matches("/ping"));
    for n in 1..=5 {
        up.kill("target");
        up.wait_logged(&format!("it is started again ({n} of 5 times a minute)"));
        wait_for("the target to serve again", PATIENCE, || target.is_up().then_some(()));
    }
    up.kill("target");
    up.wait_logged("it is not started again; the others go on");
    assert_eq!(up.alive().len(), 1);
    assert!(up.process.ended().is_none());
    assert_eq!(up.process.stop().code(), Some(0));
}

#[test]
fn without_its_orchestrator_up_ends_and_says_why() {
    let mut up = Up::start(&["--drivers", "1"]);
    up.kill("orchestrator");
    assert_eq!(up.process.wait_end(Duration::from_secs(30)).code(), Some(1));
    let last = up.process.logged().pop().unwrap();
    assert!(last.contains("the orchestrator ended") && last.contains("embedded Kafka"), "{last}");
}
