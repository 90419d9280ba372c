//! The rate of a running test is changed: what all drivers send is the area under it, and report, events and command
//! agree about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::time::Duration;

use e2e::process::output;
use e2e::system::{System, assert_sound, patient};
use e2e::wait_for;
use serde_json::{Value, json};

/// A plan of so many requests or sessions a second of the fleet, lenient about our own machine.
fn plan(url: &str, more: Value) -> Value {
    let mut plan = json!({
        "per": "fleet", "target": { "url": url },
        "load": { "mode": "tsunami", "rate": 100, "duration": "20s" },
        "honesty": patient(),
    });
    for (key, value) in more.as_object().unwrap() {
        plan[key] = value.clone();
    }
    plan
}

/// Waits until the test runs.
fn wait_running(system: &System, id: &str) {
    let is_running = || (system.test(id)["state"] == "running").then_some(());
    wait_for("the test to run", Duration::from_secs(30), is_running);
}

/// Waits until the seconds before an instant of the test are over.
fn wait_until(system: &System, id: &str, at_s: f64) {
    let windows = || system.rest.get(&format!("/api/v1/tests/{id}/windows")).json();
    let is_past = || (windows()["windows"].as_array().unwrap().len() as f64 >= at_s).then_some(());
    wait_for("a second of the test", Duration::from_secs(30), is_past);
}

fn change(system: &System, id: &str, rate: f64) -> Value {
    let answer = system.rest.patch(&format!("/api/v1/tests/{id}"), &json!({ "rate": rate }));
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

/// The area under the rates of a report, in requests or sessions.
fn area(report: &Value, first: f64, duration: f64) -> f64 {
    let (mut sum, mut from, mut rate) = (0.0, 0.0, first);
    for change in report["rate_changes"].as_array().unwrap() {
        let at = change["at_s"].as_f64().unwrap();
        sum += (at - from) * rate;
        (from, rate) = (at, change["rate"].as_f64().unwrap());
    }
    sum + (duration - from) * rate
}

#[test]
fn a_fleet_sends_the_area_under_its_rate_and_a_plan_with_stages_refuses_another() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let id = system.trigger(&plan(&target.url(), json!({})));
    wait_running(&system, &id);
    let up = change(&system, &id, 300.0);
    assert_eq!((&up["rate"], &up["change"]), (&json!(300.0), &json!(1)));
    let again = change(&system, &id, 300.0);
    assert_eq!(again, up, "repeated, it changes nothing");
    wait_until(&system, &id, up["at_s"].as_f64().unwrap() + 1.0);
    // As people do it.
    let said = output(system.home.path(), &["rate", &id, "100/s", "--orchestrator", &system.rest.base]);
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with(&format!("test {id}: 100/s from ")), "{said}");
    let running = system.test(&id);
    assert_eq!(running["rate_changes"].as_array().unwrap().len(), 2, "{running:#}");
    let report = system.finished(&id, Duration::from_secs(60));
    assert_sound(&report);
    // Sums of fractions are off in their last digits, and that makes no request.
    let expected = (area(&report, 100.0, 20.0) - 1e-6).ceil();
    // A second at least was 300/s.
    assert!(expected > 2_100.0, "{:#}", report["rate_changes"]);
    assert_eq!(report["totals"]["scheduled"].as_f64().unwrap(), expected, "{:#}", report["rate_changes"]);
    assert_eq!(report["totals"]["sent"].as_u64().unwrap(), target.received());
    let noted: Vec<_> = report["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["what"] == "rate_changed")
        .collect();
    assert_eq!(noted.len(), 2, "{:#}", report["timeline"]);
    assert!(noted[0]["detail"].as_str().unwrap().starts_with("from 100/s to 300/s at "), "{noted:?}");
    let text = system.rest.get(&format!("/api/v1/tests/{id}/report.txt")).text;
    assert!(text.contains("rate       changed from 100/s to 300/s at "), "{text}");
    assert!(
        report["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|warning| !warning.as_str().unwrap().contains("its rate")),
        "{report:#}"
    );
    let over = system.rest.patch(&format!("/api/v1/tests/{id}"), &json!({ "rate": 5 }));
    assert_eq!(over.status, 409, "{}", over.text);

    // Sessions that come independently of one another, and end by their number: sooner, and as many.
    let steps = json!(["a", { "think": "10ms" }, "a"]);
    let sessions = |load: Value| {
        plan(
            &target.rest.base,
            json!({ "load": load, "requests": { "a": { "path": "/ping" } }, "scenarios": { "s": { "steps": steps } } }),
        )
    };
    let load = json!({ "rate": 40, "arrival": "poisson", "sessions": 1_200, "duration": "60s" });
    let id = system.trigger(&sessions(load));
    wait_running(&system, &id);
    change(&system, &id, 400.0);
    let report = system.finished(&id, Duration::from_secs(60));
    assert_sound(&report);
    let counts = &report["totals"]["sessions"];
    assert_eq!(n(&counts["started"]) + n(&counts["dropped"]), 1_200, "{counts:#}");
    let windows = n(&report["completeness"]["windows_expected"]);
    assert!(windows < 2 * 29, "at 40/s it takes 30 s on each driver: {windows} windows");

    let load = json!({ "stages": [{ "rate": 20, "hold": "60s" }] });
    let id = system.trigger(&sessions(load));
    wait_running(&system, &id);
    let refused = system.rest.patch(&format!("/api/v1/tests/{id}"), &json!({ "rate": 5 }));
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("stages"), "{}", refused.text);
    let stopped = system.rest.post_empty(&format!("/api/v1/tests/{id}/stop"));
    assert!(stopped.status < 300, "{}", stopped.text);
    assert_eq!(system.finished(&id, Duration::from_secs(60)).get("rate_changes"), None);
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}
