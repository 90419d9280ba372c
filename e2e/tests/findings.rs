//! The most frequent reason of each verdict, in a real run: what people read, and what programs do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::io::{Read, Write};
use std::time::Duration;

use e2e::cores::{Burner, cores, on_core};
use e2e::process::PATIENCE;
use e2e::system::{System, avalanche, tsunami};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::{Value, json};

/// The finding of that kind; the sentences stand in `reasons` and `warnings` as well.
#[track_caller]
fn finding<'r>(report: &'r Value, kind: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["kind"] == kind);
    let finding = finding.unwrap_or_else(|| panic!("no {kind} in {:#}", report["findings"]));
    let list = match finding["level"].as_str().unwrap() {
        "reason" => "reasons",
        "warning" => "warnings",
        level => panic!("{level}"),
    };
    assert!(report[list].as_array().unwrap().contains(&finding["text"]), "{report:#}");
    finding
}

#[track_caller]
fn text<'r>(report: &'r Value, kind: &str) -> &'r str {
    finding(report, kind)["text"].as_str().unwrap()
}

#[test]
fn failed_by_a_status_names_it_and_what_to_do() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let nowhere = target.url().replace("/ping", "/nowhere");
    let report = system.run(&avalanche(&nowhere, 2, 23));
    assert_eq!(report["verdict"], "failed", "{report:#}");
    let expected = json!({
        "kind": "all_failed_status", "level": "reason", "driver": null,
        "text": "no request succeeded: all 23 answers were 404. The server answers, but not at this path; if 404 is right, \
                 --expect-status 404",
    });
    assert_eq!(*finding(&report, "all_failed_status"), expected);
    assert_eq!(report["reasons"][0], expected["text"], "it comes first: {report:#}");
    let errors = "errors.ratio < 1% is not met: 23 of 23 requests failed (100 %; 404: 23)";
    assert_eq!(text(&report, "errors_threshold"), errors);
}

#[test]
fn failed_by_a_closed_port_names_it_and_what_to_do() {
    let system = System::start("embedded", 1);
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = system.run(&avalanche(&format!("http://{address}/"), 1, 3));
    assert_eq!(report["verdict"], "failed", "{report:#}");
    let expected = format!(
        "no request succeeded: all 3 connections to {address} were refused. Start the server, or check the port in the URL"
    );
    assert_eq!(text(&report, "all_failed_refused"), expected);
}

#[test]
fn invalid_on_a_core_that_others_hold_says_so() {
    let cores = cores();
    let (free, taken) = (cores[0], cores[cores.len() - 1]);
    assert_ne!(free, taken, "this takes two cores");
    let mut system = on_core(free, || System::start("embedded", 0));
    let target = on_core(free, || system.add_target(&[]));
    let driver = on_core(taken, || system.add_driver(&[]));
    system.wait_alive(1);
    let _burners = [(); 4].map(|()| Burner::on(taken));
    // Far more than a fifth of a core can send: on a fast machine that is some 40,000 a second.
    let mut plan = tsunami(&target.url(), 80_000.0, "4s");
    plan["honesty"] = json!({});
    let report = system.run(&plan);
    assert_eq!(report["verdict"], "invalid", "{report:#}");
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains(&format!("driver {driver}")), "{reasons}");
    assert!(
        reasons
            .contains("something else on its machine held the cores (its threads waited for one in up to "),
        "{reasons}"
    );
    assert!(!reasons.contains("its whole core"), "{reasons}");
}

#[test]
fn a_driver_that_was_stopped_for_a_while_is_named_with_the_time() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let mut plan = tsunami(&target.url(), 50.0, "5s");
    plan["honesty"] = json!({});
    let id = system.trigger(&plan);
    wait_for("the load", PATIENCE, || (target.received() > 40).then_some(()));
    let (process, name) = &system.drivers[0];
    process.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(1_300));
    process.signal(Signal::CONT);
    let name = name.clone();
    let report = system.finished(&id, PATIENCE);
    assert_eq!(report["verdict"], "invalid", "{report:#}");
    let pauses = report["drivers"][0]["stopped"].as_array().unwrap();
    let longest =
        pauses.iter().map(|pause| pause["to_ms"].as_i64().unwrap() - pause["from_ms"].as_i64().unwrap());
    let longest = longest.max().expect("a pause");
    assert!((1_290..2_300).contains(&longest), "{pauses:#?}");
    let said = report["reasons"].to_string();
    assert!(said.contains(&format!("driver {name}")) && said.contains("it did not run from "), "{said}");
    assert!(said.contains("(it was stopped, or its host was). Run the test again"), "{said}");
}

#[test]
fn incomplete_without_a_driver_names_it_while_the_test_runs_and_after() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 20.0, "25s"));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    wait_for("a standing", PATIENCE, || (system.test(&id)["standing"] == "ok").then_some(()));
    let (process, name) = system.drivers.remove(1);
    process.signal(Signal::KILL);
    let live = wait_for("the loss to be said", PATIENCE, || {
        let test = system.test(&id);
        (test["standing"] == "incomplete").then_some(test)
    });
    assert_eq!((&live["state"], &live["verdict"]), (&json!("running"), &Value::Null), "{live:#}");
    let said = format!("driver {name} was lost ");
    assert!(text(&live, "driver_lost").starts_with(&said), "{live:#}");
    let report = system.finished(&id, PATIENCE);
    assert_eq!((&report["verdict"], &report["standing"]), (&json!("incomplete"), &Value::Null), "{report:#}");
    let lost = finding(&report, "driver_lost");
    assert_eq!((&lost["level"], &lost["driver"]), (&json!("reason"), &json!(name)), "{lost:#}");
    assert!(lost["text"].as_str().unwrap().starts_with(&said), "{lost:#}");
}

#[test]
fn aborted_names_the_stop_and_what_became_of_the_requests() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&["--delay", "20s"]);
    let id = system.trigger(&avalanche(&target.url(), 7, 1_000));
    wait_for("the load", PATIENCE, || (target.received() >= 7).then_some(()));
    system.rest.post_empty(&format!("/api/v1/tests/{id}/stop"));
    let report = system.finished(&id, PATIENCE);
    assert_eq!(report["verdict"], "aborted", "{report:#}");
    assert_eq!(text(&report, "stopped"), "the test was stopped before its end by the user");
    let cancelled = "the 7 requests in flight were cancelled by the stop; none had been answered yet";
    assert_eq!(text(&report, "all_cancelled"), cancelled);
}

/// A server that sends everyone elsewhere, until the test ends.
fn redirecting() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 4_096];
                // One small request at a time: it comes whole.
                while stream.read(&mut request).is_ok_and(|n| n > 0) {
                    let answer = b"HTTP/1.1 302 Found\r\nlocation: /there?x=1\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    address
}

#[test]
fn redirects_are_named_with_their_address_by_both_engines() {
    let system = System::start("embedded", 1);
    let address = redirecting();
    for engine in ["wire", "awc"] {
        let mut plan = avalanche(&format!("http://{address}/here"), 2, 40);
        plan["request"]["engine"] = engine.into();
        let report = system.run(&plan);
        assert_eq!(report["drivers"][0]["engine"], engine, "{report:#}");
        let expected = format!(
            "40 of 40 answers (100 %) were redirects to http://{address}/there?x=1 (302: 40): redirects are not followed; \
             test that address, or let them count as failed with --expect-status 200-299"
        );
        assert_eq!(text(&report, "redirects"), expected, "{engine}");
    }
}

#[test]
fn a_test_that_fails_says_so_while_it_runs() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let nowhere = target.url().replace("/ping", "/nowhere");
    let id = system.trigger(&tsunami(&nowhere, 50.0, "6s"));
    let live = wait_for("the failures to be said", PATIENCE, || {
        let test = system.test(&id);
        (test["state"] == "running" && test["standing"] == "failing").then_some(test)
    });
    assert!(text(&live, "all_failed_status").contains("answers were 404"), "{live:#}");
    let errors =
        live["thresholds"].as_array().unwrap().iter().find(|one| one["expression"] == "errors.ratio < 1%");
    // Of those that were sent: some may be under way.
    assert!(errors.unwrap()["value"].as_f64().unwrap() > 0.5, "{live:#}");
    let report = system.finished(&id, PATIENCE);
    assert_eq!(report["verdict"], "failed", "{report:#}");
}
