//! An orchestrator that is killed while a test is under way, and started again in the same folder.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;

use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, Process};
use e2e::rest::Rest;
use e2e::system::{System, tsunami};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::Value;

fn orchestrator(home: &Path, kafka: &str) -> (Process, Rest) {
    let arguments = ["orchestrator", "--listen", "127.0.0.1:0", "--kafka", kafka];
    let (process, ready) = Process::node("orchestrator", home, &arguments);
    let rest = Rest::new(ready["http"].as_str().unwrap());
    (process, rest)
}

fn test(rest: &Rest, id: &str) -> Value {
    rest.get(&format!("/api/v1/tests/{id}")).json()
}

#[track_caller]
fn assert_closed(test: &Value, reason: &str) {
    assert_eq!((&test["state"], &test["verdict"]), (&"finished".into(), &"incomplete".into()), "{test:#}");
    let findings = test["findings"].as_array().unwrap();
    assert_eq!(findings[0]["kind"], "interrupted", "{test:#}");
    assert!(findings[0]["text"].as_str().unwrap().contains(reason), "{test:#}");
    for kind in ["driver_lost", "windows_missing"] {
        assert!(findings.iter().all(|finding| finding["kind"] != kind), "no driver is accused: {test:#}");
    }
    assert!(test["timeline"].to_string().contains("interrupted"), "{test:#}");
    assert!(test["totals"]["sent"].as_u64() > Some(0), "what the store had is counted: {test:#}");
}

#[test]
fn a_test_of_a_killed_embedded_kafka_is_closed_before_the_orchestrator_is_ready() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 40.0, "60s"));
    let waiting = system.create(&tsunami(&target.url(), 5.0, "1s"));
    wait_for("windows in the store", PATIENCE, || {
        let windows = system.rest.get(&format!("/api/v1/tests/{id}/windows")).json();
        (windows["windows"].as_array().unwrap().len() >= 2).then_some(())
    });
    // The history shows what the test itself shows.
    let listed = system.rest.get("/api/v1/tests").json();
    let states: Vec<&Value> = listed["tests"].as_array().unwrap().iter().map(|test| &test["state"]).collect();
    assert_eq!(states, ["configured", "running"]);
    // Another orchestrator on the same home takes the next folder, so its history does not have the first one's tests.
    let (_other, beside) = orchestrator(system.home.path(), "embedded");
    assert_eq!(beside.get("/api/v1/tests").json()["tests"].as_array().unwrap().len(), 0);

    system.orchestrator.signal(Signal::KILL);
    system.orchestrator.wait_end(PATIENCE);
    let (_again, rest) = orchestrator(system.home.path(), "embedded");
    // At once: its ready line has just been read.
    let closed = test(&rest, &id);
    assert_closed(&closed, "the orchestrator and its Kafka were killed");
    assert_eq!(test(&rest, &waiting)["state"], "configured", "it was not under way");
    let listed = rest.get("/api/v1/tests").json();
    assert!(listed["tests"].as_array().unwrap().iter().all(|test| test["state"] != "running"), "{listed:#}");
    let text = rest.get(&format!("/api/v1/tests/{id}/report.txt")).text;
    assert!(text.starts_with("INCOMPLETE"), "{text}");
}

#[test]
fn a_test_goes_on_with_its_own_kafka_alone() {
    let kafka = Kafka::start();
    let mut system = System::start(&kafka.address, 1);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 40.0, "60s"));
    wait_for("the load", PATIENCE, || (target.received() > 60).then_some(()));
    wait_for("windows in the store", PATIENCE, || {
        (!system.rest.get(&format!("/api/v1/tests/{id}/windows")).json()["windows"]
            .as_array()
            .unwrap()
            .is_empty())
        .then_some(())
    });
    system.orchestrator.signal(Signal::KILL);
    system.orchestrator.wait_end(PATIENCE);
    let (mut resumed, rest) = orchestrator(system.home.path(), &kafka.address);
    wait_for("the test to go on", PATIENCE, || (test(&rest, &id)["state"] == "running").then_some(()));
    resumed.signal(Signal::KILL);
    resumed.wait_end(PATIENCE);
    let (_elsewhere, rest) = orchestrator(system.home.path(), "embedded");
    assert_closed(&test(&rest, &id), "another Kafka");
}
