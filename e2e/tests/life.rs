//! The life of the system: exit codes, Ctrl-C, kill -9, drivers that come early, leave, or change in
//! number, and Kafka restarted under a running test.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use e2e::kafka::Kafka;
use e2e::proc::of_home;
use e2e::process::{PATIENCE, Process, command, output};
use e2e::system::{System, assert_sound, avalanche, tsunami};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::Value;

/// Runs `run` with its own stack against a target; returns what it said.
fn run(home: &Path, url: &str, flags: &[&str]) -> Output {
    let mut arguments = vec!["run", "--url", url, "--drivers", "1", "--quiet"];
    arguments.extend(flags);
    output(home, &arguments)
}

#[track_caller]
fn assert_exit(output: &Output, code: i32, says: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    assert!(
        (stdout.clone() + &stderr).to_lowercase().contains(&says.to_lowercase()),
        "no {says:?} in:\n{stdout}\n{stderr}"
    );
}

fn target(home: &Path, flags: &[&str]) -> (Process, String) {
    let mut arguments = vec!["target", "--listen", "127.0.0.1:0"];
    arguments.extend(flags);
    let (process, ready) = Process::node("target", home, &arguments);
    let url = format!("http://{}/ping", ready["http"].as_str().unwrap());
    (process, url)
}

#[test]
fn a_test_that_holds_exits_0_and_one_that_breaks_a_threshold_3() {
    let home = tempfile::tempdir().unwrap();
    let (_target, url) = target(home.path(), &[]);
    let avalanche = ["--mode", "avalanche", "--connections", "2", "--requests", "200"];
    assert_exit(&run(home.path(), &url, &avalanche), 0, "passed");
    let strict = [&avalanche[..], &["--threshold", "service.p99 < 1us"]].concat();
    assert_exit(&run(home.path(), &url, &strict), 3, "failed");
}

#[test]
fn what_cannot_be_done_exits_1_and_wrong_usage_2() {
    let home = tempfile::tempdir().unwrap();
    assert_exit(&output(home.path(), &["tests", "--orchestrator", "127.0.0.1:1"]), 1, "127.0.0.1:1");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_exit(&output(home.path(), &["up", "--listen", &address]), 1, "--listen");
    assert_exit(
        &output(home.path(), &["orchestrator", "--kafka", "embedded", "--listen", &address]),
        1,
        &address,
    );
    assert_exit(
        &output(home.path(), &["run", "--url", "http://127.0.0.1:1/", "--rate=-1"]),
        2,
        "--rate -1: ",
    );
    assert_exit(&output(home.path(), &["run", "--no-such-flag"]), 2, "--no-such-flag");
    let full = output(
        home.path(),
        &["run", "--url", "http://127.0.0.1:1/", "--rate", "1", "--duration", "1s", "--json", "/proc/no"],
    );
    assert_exit(&full, 1, "/proc/no");
}

#[test]
fn where_nobody_reads_the_exit_code_still_tells() {
    let home = tempfile::tempdir().unwrap();
    let (_target, url) = target(home.path(), &[]);
    let breaks = ["--connections", "2", "--requests", "200", "--threshold", "service.p99 < 1us"];
    let breaks = [&["run", "--url", &url, "--drivers", "1", "--mode", "avalanche"][..], &breaks].concat();
    for (arguments, code) in [(&["validate", "../config/plans/ping.toml"][..], 0), (&breaks, 3)] {
        // As with a `| head` that has seen enough.
        let (reader, stdout) = std::io::pipe().unwrap();
        let stderr = stdout.try_clone().unwrap();
        drop(reader);
        let status = command(home.path(), arguments).stdout(stdout).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_generator_that_cannot_keep_its_rate_exits_5() {
    let home = tempfile::tempdir().unwrap();
    let (_target, url) = target(home.path(), &[]);
    // Far above what one core can send: what is not sent in time is ours, not the target's.
    let flags = ["--rate", "2000000", "--duration", "3s", "--max-in-flight", "64"];
    assert_exit(&run(home.path(), &url, &flags), 5, "invalid");
}

#[test]
fn a_driver_that_is_lost_exits_4() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let url = target.url();
    let arguments = [
        "run",
        "--orchestrator",
        &system.address,
        "--url",
        &url,
        "--rate",
        "50",
        "--duration",
        "6s",
        "--quiet",
    ];
    let mut run = Process::start("run", command(system.home.path(), &arguments));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    let (lost, id) = system.drivers.remove(1);
    lost.signal(Signal::KILL);
    assert_eq!(run.wait_end(Duration::from_secs(60)).code(), Some(4), "{:?}", run.said());
    assert!(run.said().iter().any(|line| line.contains(&id)), "the lost driver is named: {:?}", run.said());
}

#[test]
fn ctrl_c_once_stops_and_reports_twice_leaves_at_once() {
    let home = tempfile::tempdir().unwrap();
    let (_target, url) = target(home.path(), &["--delay", "3s"]);
    let arguments = ["run", "--url", &url, "--drivers", "1", "--rate", "20", "--duration", "60s"];

    let mut once = Process::start("run", command(home.path(), &arguments));
    wait_for("the test to run", PATIENCE, || {
        once.logged().iter().any(|line| line.contains("running")).then_some(())
    });
    once.signal(Signal::INT);
    assert_eq!(once.wait_end(Duration::from_secs(30)).code(), Some(6));
    assert!(once.said().iter().any(|line| line.starts_with("ABORTED")), "{:?}", once.said());

    let mut twice = Process::start("run", command(home.path(), &arguments));
    wait_for("the test to run", PATIENCE, || {
        twice.logged().iter().any(|line| line.contains("running")).then_some(())
    });
    twice.signal(Signal::INT);
    wait_for("the word of the stop", PATIENCE, || {
        twice.logged().iter().any(|line| line.contains("stopping")).then_some(())
    });
    twice.signal(Signal::INT);
    assert_eq!(twice.wait_end(Duration::from_secs(5)).code(), Some(6));
}

#[test]
fn kill_9_of_run_leaves_no_process_behind() {
    let targets = tempfile::tempdir().unwrap();
    let (_target, url) = target(targets.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let arguments = ["run", "--url", &url, "--drivers", "2", "--rate", "50", "--duration", "60s"];
    let mut run = Process::start("run", command(home.path(), &arguments));
    wait_for("the test to run", PATIENCE, || {
        run.logged().iter().any(|line| line.contains("running")).then_some(())
    });
    assert!(of_home(home.path()).len() >= 4, "run, an orchestrator and two drivers");
    run.signal(Signal::KILL);
    run.wait_end(Duration::from_secs(5));
    wait_for("all of its processes to be gone", Duration::from_secs(3), || {
        of_home(home.path()).is_empty().then_some(())
    });
}

#[test]
fn a_driver_that_is_stopped_reports_its_end_and_is_named() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 50.0, "6s"));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    let (mut leaving, node) = system.drivers.remove(0);
    assert!(leaving.stop().success());
    let report = system.finished(&id, Duration::from_secs(60));
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains(&node), "{reasons}");
    assert_eq!(
        report["totals"]["sent"],
        target.received(),
        "its last window had the final count: {report:#}"
    );
}

#[test]
fn the_number_of_drivers_changes_between_tests() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let sent = |report: &Value| report["totals"]["sent"].as_u64().unwrap();
    assert_eq!(sent(&system.run(&avalanche(&target.url(), 2, 100))), 100);
    system.add_driver(&[]);
    system.add_driver(&[]);
    system.wait_alive(3);
    assert_eq!(sent(&system.run(&avalanche(&target.url(), 2, 100))), 300);
    let (mut leaving, _) = system.drivers.remove(0);
    leaving.stop();
    system.wait_alive(2);
    let report = system.run(&avalanche(&target.url(), 2, 100));
    assert_sound(&report);
    assert_eq!(sent(&report), 200);
    assert_eq!(target.received(), 600);
}

#[test]
fn nodes_that_start_before_kafka_and_before_the_orchestrator_wait_and_join() {
    let kafka = Kafka::later();
    let home = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let _driver = Process::unready_node(
        "driver",
        home.path(),
        &["driver", "--orchestrator", &address, "--workers", "1"],
    );
    let _early = Process::unready_node(
        "early driver",
        home.path(),
        &["driver", "--kafka", &kafka.address, "--orchestrator", &address, "--workers", "1"],
    );
    let _orchestrator = Process::unready_node(
        "orchestrator",
        home.path(),
        &["orchestrator", "--kafka", &kafka.address, "--listen", &address],
    );
    let rest = e2e::rest::Rest::new(&address);
    wait_for("the orchestrator's REST", PATIENCE, || rest.is_up().then_some(()));
    assert_eq!(rest.get("/readyz").status, 503, "no Kafka yet");
    kafka.serve();
    wait_for("both drivers", PATIENCE, || {
        let drivers = rest.get("/api/v1/drivers");
        (drivers.status == 200
            && drivers.json().as_array().unwrap().iter().filter(|driver| driver["alive"] == true).count()
                == 2)
            .then_some(())
    });
    wait_for("readiness", PATIENCE, || (rest.get("/readyz").status == 200).then_some(()));
}

#[test]
fn kafka_restarted_under_a_test_loses_nothing() {
    let kafka = Kafka::start();
    let mut system = System::start(&kafka.address, 2);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 100.0, "12s"));
    wait_for("the load", PATIENCE, || (target.received() > 100).then_some(()));
    kafka.stop("KILL");
    let before = target.received();
    wait_for("load without Kafka", PATIENCE, || (target.received() > before + 200).then_some(()));
    kafka.serve();
    let report = system.finished(&id, Duration::from_secs(90));
    assert_sound(&report);
    assert_eq!(report["totals"]["sent"], target.received());
    assert_eq!(report["totals"]["scheduled"], 2_400, "{report:#}");
    assert_ne!(report["verdict"], "incomplete", "{report:#}");
}
