//! The series and the figures of a span over REST, of a real test on two drivers: they agree with the report, with one another
//! at any step, and with the histograms of the records.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;

use e2e::system::{System, tsunami};
use serde_json::{Value, json};

/// Requests by bin in the heat of windows, of one outcome.
fn heat(windows: &[Value], outcome: &str) -> BTreeMap<u64, u64> {
    let mut bins = BTreeMap::new();
    for of in windows.iter().map(|window| &window["heat"][outcome]).filter(|of| !of.is_null()) {
        let counts = of["counts"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap());
        for (bin, n) in (of["first"].as_u64().unwrap()..).zip(counts).filter(|(_, n)| *n > 0) {
            *bins.entry(bin).or_insert(0) += n;
        }
    }
    bins
}

fn sum(windows: &[Value], count: impl Fn(&Value) -> &Value) -> u64 {
    windows.iter().map(|window| count(window).as_u64().unwrap()).sum()
}

/// The latencies but `turn`, which is of the generator: the report has that of the warm-up, too.
fn latencies(totals: &Value) -> Value {
    let mut latencies = totals["latency_ms"].clone();
    latencies.as_object_mut().unwrap().remove("turn");
    latencies
}

#[test]
fn a_series_and_a_span_agree_with_the_report() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&["--error-ratio", "0.1", "--delay", "2ms", "--jitter", "5ms"]);
    let mut plan = tsunami(&target.url(), 100.0, "21s");
    plan["load"]["warmup"] = "2s".into();
    plan["thresholds"] = json!({ "errors.ratio": "< 50%" });
    let id = system.trigger(&plan);
    // While it runs, what is known so far is there.
    let running = e2e::wait_for("a span of the running test", std::time::Duration::from_secs(60), || {
        let span = system.rest.get(&format!("/api/v1/tests/{id}/span")).json();
        span["totals"]["completed"].as_u64().filter(|n| *n > 0)
    });
    let report = system.finished(&id, std::time::Duration::from_secs(120));
    let get = |path: &str| {
        let answer = system.rest.get(&format!("/api/v1/tests/{id}/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    };
    let (totals, warmup) = (&report["totals"], &report["totals"]["warmup"]);
    let n = |value: &Value| value.as_u64().unwrap();

    let span = get("span");
    for key in ["scheduled", "sent", "completed", "failed", "dropped"] {
        assert_eq!(n(&span["totals"][key]), n(&totals[key]) - n(&warmup[key]), "{key}: {span:#}");
    }
    assert!(n(&span["totals"]["completed"]) >= running);
    assert_eq!(latencies(&span["totals"]), latencies(totals), "merged from the same histograms");
    let per_s = |value: &Value| value["throughput_per_s"].as_f64().unwrap();
    assert!((per_s(&span["totals"]) / per_s(totals) - 1.0).abs() < 0.005, "{span:#}");
    for driver in span["drivers"].as_array().unwrap() {
        let row =
            report["drivers"].as_array().unwrap().iter().find(|row| row["node_id"] == driver["node_id"]);
        assert_eq!(latencies(driver), latencies(row.unwrap()));
        assert!(span["curve"]["drivers"][driver["node_id"].as_str().unwrap()].as_array().unwrap().len() > 10);
    }
    assert_eq!(span["drivers"].as_array().unwrap().len(), 2);
    let median = span["curve"]["fleet"].as_array().unwrap().iter().find(|point| point[0] == 0.5).unwrap();
    assert_eq!(median[1], totals["latency_ms"]["response"]["median"]);

    let windows = |path: &str| get(path)["windows"].as_array().unwrap().clone();
    let seconds = windows("windows?step=1");
    assert_eq!(seconds, windows("windows"), "without a step it is a second");
    for window in &seconds {
        let ended = |outcome| heat(std::slice::from_ref(window), outcome).values().sum::<u64>();
        assert_eq!(
            ended("completed"),
            n(&window["completed"]) - n(&window["warmup"]["completed"]),
            "{window:#}"
        );
        assert_eq!(ended("failed"), n(&window["failed"]) - n(&window["warmup"]["failed"]), "{window:#}");
    }
    // The last one may be too short for it.
    for window in &seconds[..seconds.len() - 1] {
        assert!(window["machine"]["cpu"].is_number(), "{window:#}");
    }
    assert_eq!(seconds.last().unwrap()["in_flight"], 0);
    let first_driver = span["drivers"][0]["node_id"].as_str().unwrap();
    for query in [String::new(), format!("&driver={first_driver}")] {
        let seconds = windows(&format!("windows?step=1{query}"));
        for step in [10, 60] {
            let long = windows(&format!("windows?step={step}{query}"));
            assert!(
                long.iter().all(|window| window["seconds"] == step && n(&window["seq"]).is_multiple_of(step))
            );
            for key in ["scheduled", "sent", "completed", "failed", "dropped", "bytes_received"] {
                assert_eq!(
                    sum(&long, |window| &window[key]),
                    sum(&seconds, |window| &window[key]),
                    "{key} {step}{query}"
                );
            }
            let count = |window: &Value| window["latency_ms"]["response"]["count"].clone();
            let counts = |windows: &[Value]| windows.iter().map(|window| n(&count(window))).sum::<u64>();
            assert_eq!(counts(&long), counts(&seconds));
            for outcome in ["completed", "failed"] {
                assert_eq!(heat(&long, outcome), heat(&seconds, outcome), "{outcome} {step}{query}");
            }
        }
    }
    assert_eq!(get("windows?step=auto")["step"], 1);
    assert_eq!(get("windows?step=auto&from=0&to=3600")["step"], 60);

    // A span of some seconds has what its windows have.
    let part = get("span?from=5&to=16");
    assert_eq!((&part["from"], &part["to"], &part["step"]), (&json!(5), &json!(16), &json!(1)));
    let within: Vec<Value> =
        seconds.iter().filter(|window| (5..=16).contains(&n(&window["seq"]))).cloned().collect();
    assert_eq!(n(&part["totals"]["completed"]), sum(&within, |window| &window["completed"]));
    assert_eq!(
        n(&part["totals"]["latency_ms"]["response"]["count"]),
        heat(&within, "completed").values().sum::<u64>()
    );
}
