//! Searches for the capacity from end to end: the real command, a target that holds eight requests at a time for 10 ms, a
//! short horizon; what it found, what it sent and what the report says agree. Before it, one of a plan with sessions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use e2e::process::output;
use e2e::system::{System, assert_sound, patient};
use serde_json::{Value, json};

/// Rates of the levels that decided this.
fn rates(found: &Value, decided: &[&str]) -> Vec<f64> {
    let levels = found["levels"].as_array().unwrap().iter();
    let those = levels.filter(|level| decided.contains(&level["decided"].as_str().unwrap()));
    those.map(|level| level["rate"].as_f64().unwrap()).collect()
}

#[test]
fn searches_find_what_holds_what_does_not_and_what_never_does() {
    let mut system = System::start("embedded", 2);
    holds_nowhere(&mut system);
    holds_up_to_the_targets_limit(&mut system);
}

/// A rate that holds is found below one that does not, and the load ends.
fn holds_up_to_the_targets_limit(system: &mut System) {
    let target = system.add_target(&["--max-concurrent", "8", "--delay", "10ms"]);
    let url = target.url();
    let flags = [
        "capacity",
        &url,
        "--slo",
        "response.p99 < 250ms",
        "--within",
        "50%",
        "--horizon",
        "5s",
        "--level-for",
        "10s",
        "--start",
        "400",
        "--warmup",
        "1s",
        "--for",
        "4m",
        "--json",
        "-",
        "--orchestrator",
        &system.rest.base,
    ];
    let ran = output(system.home.path(), &flags);
    let (said, aside) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let found: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{aside}"));
    // On a machine that other work holds up, the drivers may be the limit: then it says so.
    if found["limit"] == "generator" {
        assert_eq!((ran.status.code(), &found["verdict"]), (Some(5), &json!("invalid")), "{found:#}");
        return;
    }
    assert_eq!(ran.status.code(), Some(0), "{found:#}\n{aside}");
    assert_eq!(
        (&found["verdict"], &found["limit"], &found["state"]),
        (&json!("passed"), &json!("target"), &json!("found"))
    );
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{key}: {found:#}"));
    let (low, capacity, high) = (number("low_per_s"), number("capacity_per_s"), number("high_per_s"));
    assert!(low < capacity && capacity < high, "{found:#}");
    // Eight at a time for no less than 10 ms each are 800/s at most; a horizon of 5 s lets some more pass.
    assert!(low < 850.0, "{found:#}");
    assert!(
        rates(&found, &["holds"]).contains(&low) && rates(&found, &["fails", "stopped"]).contains(&high),
        "{found:#}"
    );
    let answer = found["notes"][0].as_str().unwrap();
    assert!(answer.starts_with("holds ") && answer.ends_with("the limit was the target"), "{answer}");

    let id = found["test_id"].as_str().unwrap();
    let report = system.test(id);
    assert_sound(&report);
    assert_eq!(
        (&report["capacity"]["low_per_s"], &report["thresholds"]),
        (&found["low_per_s"], &json!([])),
        "{report:#}"
    );
    assert_eq!(report["totals"]["sent"].as_u64().unwrap(), target.received(), "{:#}", report["totals"]);
    let ended =
        report["timeline"].as_array().unwrap().iter().find(|entry| entry["what"] == "stopped").unwrap();
    assert_eq!(ended["detail"], "ended by [capacity]: the search is through", "{report:#}");
    // Each level ran at a rate that was ordered.
    let ordered: Vec<f64> = report["rate_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["rate"].as_f64().unwrap())
        .collect();
    for level in found["levels"].as_array().unwrap() {
        let rate = level["rate"].as_f64().unwrap();
        assert!(rate == 400.0 || ordered.contains(&rate), "{rate}: {ordered:?}");
    }
    let text = system.rest.get(&format!("/api/v1/tests/{id}/report.txt")).text;
    assert!(text.contains("◀ knee") && text.contains("objective  response.p99 < 250ms"), "{text}");
}

/// An objective on a group that holds at no rate fails, and another rate is refused meanwhile.
fn holds_nowhere(system: &mut System) {
    let target = system.add_target(&["--delay", "30ms"]);
    let plan = json!({
        "target": { "url": target.rest.base }, "honesty": patient(),
        "load": { "rate": 5, "duration": "2m" },
        "requests": { "home": { "path": "/ping" }, "pay": { "path": "/ping" } },
        "flows": { "buy": { "group": "checkout", "steps": ["pay"] } },
        "scenarios": { "visit": { "steps": ["home", "buy"] } },
        "capacity": { "slo": "checkout.response.p90 < 5ms", "horizon": "5s" },
    });
    let id = system.trigger(&plan);
    let refused = system.rest.patch(&format!("/api/v1/tests/{id}"), &json!({ "rate": 10 }));
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("[capacity]"), "{}", refused.text);
    let report = system.finished(&id, std::time::Duration::from_secs(120));
    assert_eq!(
        (&report["verdict"], &report["capacity"]["state"]),
        (&json!("failed"), &json!("holds_nowhere")),
        "{report:#}"
    );
    assert_eq!(report["findings"][0]["kind"], "capacity_nowhere", "{report:#}");
    let reason = report["reasons"][0].as_str().unwrap();
    assert!(
        reason.starts_with("checkout.response.p90 < 5ms does not hold at any rate: at 5/s 100 %"),
        "{reason}"
    );
    assert_eq!(report["capacity"]["low_per_s"], Value::Null);
}
