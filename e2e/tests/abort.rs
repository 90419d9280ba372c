//! `[abort]` from end to end: a test whose target goes wrong ends early, is failed, and says when and why; one whose
//! target does not runs to its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::time::{Duration, Instant};

use e2e::process::{PATIENCE, Process, command};
use e2e::shop::Shop;
use e2e::system::{System, Target, assert_sound, tsunami};
use serde_json::{Value, json};

/// The planned end of each of these tests; to be started and stopped takes some seconds more.
const PLANNED: Duration = Duration::from_secs(60);

/// The kind and the sentence of the first reason.
fn first_reason(report: &Value) -> (&str, &str) {
    let first = &report["findings"][0];
    assert_eq!(first["level"], "reason", "{report:#}");
    (first["kind"].as_str().unwrap(), first["text"].as_str().unwrap())
}

#[test]
fn a_breach_ends_a_test_of_two_drivers_early_and_the_verdict_is_failed() {
    let mut system = System::start("embedded", 2);
    let shop = Shop::of(&system.add_target(&[]));
    let mut plan = tsunami(shop.url(), 20.0, "60s");
    plan["target"] = json!({ "url": shop.url() });
    plan["requests"] = json!({
        "good": { "path": "/shop/", "headers": { "x-name": "good" } },
        "bad": { "share": 3, "path": "/shop/", "query": { "fail": "503" }, "headers": { "x-name": "bad" } },
    });
    plan["load"] = json!({ "rate": 20, "duration": "60s", "warmup": "1s" });
    plan["abort"] = json!({ "errors.ratio": "> 50% for 2s", "response.p99": "> 30s for 5s" });
    let began = Instant::now();
    let report = system.run(&plan);
    assert!(began.elapsed() < PLANNED, "{:?}", began.elapsed());
    assert_sound(&report);
    shop.assert_agrees(&report);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    let (kind, text) = first_reason(&report);
    assert_eq!(kind, "aborted_by_plan", "{report:#}");
    assert!(text.starts_with("errors.ratio was ") && text.contains(" over the 2 s up to 00:"), "{text}");
    assert!(text.ends_with("and [abort] ends the test above 50 %"), "{text}");
    let timeline = report["timeline"].as_array().unwrap();
    let stopped: Vec<&Value> = timeline.iter().filter(|entry| entry["what"] == "stopped").collect();
    assert_eq!(stopped.len(), 1, "{timeline:#?}");
    assert_eq!(stopped[0]["detail"], format!("stopped by [abort]: {text}"));
    assert!(
        report["drivers"].as_array().unwrap().iter().all(|driver| driver["state"] != "lost"),
        "{report:#}"
    );
}

#[test]
fn a_condition_that_is_not_reached_lets_a_test_run_to_its_end() {
    let mut system = System::start("embedded", 1);
    let shop = Shop::of(&system.add_target(&[]));
    let mut plan = tsunami(&format!("{}/shop/", shop.url()), 30.0, "4s");
    plan["abort"] = json!({ "errors.ratio": "> 50% for 2s", "dropped.ratio": "> 50% for 1s" });
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(
        (&report["verdict"], &report["totals"]["sent"]),
        (&json!("passed"), &json!(120)),
        "{report:#}"
    );
}

#[test]
fn a_run_that_its_plan_ends_has_the_exit_code_of_failed() {
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let plan = home.path().join("plan.toml");
    let text = format!(
        "target.url = \"{}/shop/?fail=500\"\nload = {{ rate = 30, duration = \"60s\" }}\n\
         abort = {{ \"errors.ratio\" = \"> 50% for 2s\" }}\n\
         honesty = {{ max_lag_p99 = \"5s\", max_late = \"50%\" }}\n",
        target.rest.base
    );
    std::fs::write(&plan, text).unwrap();
    let arguments = ["run", plan.to_str().unwrap(), "--drivers", "1"];
    let mut run = Process::start("run", command(home.path(), &arguments));
    assert_eq!(run.wait_end(PATIENCE).code(), Some(3), "{:?}", run.said());
    // Lines are wrapped.
    let said = run.said().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("FAILED") && said.contains("errors.ratio was 100 % over the 2 s up to 00:"),
        "{said}"
    );
}
