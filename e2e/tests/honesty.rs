//! What the numbers say of a target that stalls, of one that cannot keep up, and of the schedule itself.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::time::Duration;

use e2e::process::PATIENCE;
use e2e::system::{System, assert_sound, avalanche, tsunami};
use e2e::wait_for;
use serde_json::Value;

fn ms(report: &Value, kind: &str, figure: &str) -> f64 {
    report["totals"]["latency_ms"][kind][figure].as_f64().unwrap()
}

#[test]
fn a_stall_is_in_the_response_times_as_computed_and_not_in_the_service_after_it() {
    let mut system = System::start("embedded", 2);
    // All of 20 s at 2 × 200/s, the target stopped for 1 s: 5 % of the requests wait, evenly spread from 1 s to
    // nothing, so 1 % of all wait longer than 800 ms.
    let target = system.add_target(&["--stall-at", "9s", "--stall-for", "1s"]);
    let mut plan = tsunami(&target.url(), 200.0, "20s");
    plan["load"]["max_in_flight"] = 4_096.into();
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(report["totals"]["dropped"], 0, "{report:#}");
    let p99 = ms(&report, "response", "p99");
    assert!((p99 - 800.0).abs() <= 16.0, "response p99 is {p99} ms, computed 800 ms");
    // What was sent after the stall was answered at once.
    assert!(ms(&report, "response", "p90") < 100.0, "{report:#}");
    let after = system
        .rest
        .get(&format!("/api/v1/tests/{}/windows?from=12&to=18", report["test_id"].as_str().unwrap()));
    for window in after.json()["windows"].as_array().unwrap() {
        let max = window["latency_ms"]["service"]["max"].as_f64().unwrap();
        assert!(max < 500.0, "service of requests after the stall: {window:#}");
    }
    assert_ne!(report["verdict"], "invalid", "{report:#}");
}

#[test]
fn a_target_that_does_not_keep_up_fails_and_is_never_invalid() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&["--delay", "100ms", "--max-concurrent", "4"]);
    // 40/s is what it holds; 2 × 100/s is asked for.
    let mut plan = tsunami(&target.url(), 100.0, "5s");
    plan["load"]["max_in_flight"] = 16.into();
    plan["load"]["drain_timeout"] = "2s".into();
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    assert!(report["totals"]["dropped_by"]["in_flight"].as_u64().unwrap() > 0, "{report:#}");
    assert!(report["reasons"].to_string().contains("did not keep up"), "{:#}", report["reasons"]);
}

#[test]
fn a_ceiling_is_kept_within_one_percent_in_both_modes() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let mut open = tsunami(&target.url(), 5_000.0, "5s");
    open["load"]["target_throughput"] = 500.into();
    let mut closed = avalanche(&target.url(), 8, 1_000_000);
    closed["load"]["duration"] = "5s".into();
    closed["load"]["target_throughput"] = 500.into();
    for plan in [open, closed] {
        let report = system.run(&plan);
        assert_sound(&report);
        let throughput = report["totals"]["throughput_per_s"].as_f64().unwrap();
        assert!((throughput / 1_000.0 - 1.0).abs() <= 0.01, "{throughput}/s, not 1,000/s: {report:#}");
    }
}

#[test]
fn what_is_known_of_each_driver_is_at_most_a_second_old() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 50.0, "6s"));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    let mut looks = 0;
    while looks < 20 {
        let test = system.test(&id);
        if test["state"] != "running" {
            break;
        }
        for driver in test["drivers"].as_array().unwrap() {
            let age = driver["age_ms"].as_u64().unwrap();
            assert!(age <= 1_000, "{} is {age} ms old", driver["node_id"]);
        }
        looks += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(looks >= 10, "the test ran long enough to look at");
    system.finished(&id, PATIENCE);
}

#[test]
fn drivers_start_together() {
    let mut system = System::start("embedded", 3);
    let target = system.add_target(&[]);
    let mut plan = avalanche(&target.url(), 1, 200);
    plan["request"] = serde_json::json!({ "identify": true });
    system.run(&plan);
    let by_driver = target.metrics()["by_driver"].clone();
    let firsts: Vec<i64> = by_driver
        .as_object()
        .unwrap()
        .values()
        .map(|counts| counts["first_request_unix_us"].as_i64().unwrap())
        .collect();
    assert_eq!(firsts.len(), 3);
    let skew_ms = (firsts.iter().max().unwrap() - firsts.iter().min().unwrap()) as f64 / 1e3;
    // The claim is 5 ms on a quiet machine; here three processes share two cores with everything else.
    assert!(skew_ms < 50.0, "first requests are {skew_ms} ms apart");
}
