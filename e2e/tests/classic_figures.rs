//! What the report says of the figures of other people's drivers beside ours on Apache Kafka: of those that leave out
//! counts, count since their last report, or send their latencies in seconds.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use e2e::classic::Classic;
use e2e::kafka::Kafka;
use e2e::process::PATIENCE;
use e2e::system::System;
use e2e::wait_for;
use serde_json::{Value, json};

/// One driver of ours, quick to lead others; nodes that begin with `sec-` send seconds.
fn system(kafka: &Kafka) -> System {
    let config = tempfile::NamedTempFile::new().unwrap();
    let classic = "[classic]\ndelay_unit = \"ms\"\nknown_for = \"1s\"\ntrigger_gap = \"500ms\"\n\
                   [classic.nodes.\"sec-*\"]\nlatency_unit = \"s\"\n";
    std::fs::write(config.path(), classic).unwrap();
    System::start_with(&kafka.address, 1, &["--config", config.path().to_str().unwrap()])
}

/// Starts a driver that reads the delay in ms, and waits until it would receive a test.
fn driver(kafka: &Kafka, id: &str, habits: &[&str]) -> Classic {
    let habits: Vec<&str> = ["--delay-unit", "ms"].iter().chain(habits).copied().collect();
    let driver = Classic::driver(&kafka.address, id, &habits);
    driver.wait_did("listening", 1);
    driver
}

#[track_caller]
fn wait_known(system: &System, drivers: &[Classic]) {
    wait_for("the classic drivers to be known", PATIENCE, || {
        let known = system.rest.get("/api/v1/drivers").json();
        let is_known = |driver: &Classic| {
            known
                .as_array()
                .unwrap()
                .iter()
                .any(|node| node["node_id"] == *driver.name && node["alive"] == true)
        };
        drivers.iter().all(is_known).then_some(())
    });
}

#[track_caller]
fn row<'a>(report: &'a Value, node_id: &str) -> &'a Value {
    let rows = report["drivers"].as_array().unwrap();
    rows.iter().find(|row| row["node_id"] == node_id).unwrap_or_else(|| panic!("no {node_id}: {report:#}"))
}

/// Whether a reason (or a warning) holds the text.
fn says(report: &Value, list: &str, text: &str) -> bool {
    report[list].as_array().unwrap().iter().any(|one| one.as_str().unwrap().contains(text))
}

#[test]
fn a_driver_without_counts_hides_no_failure_of_the_others() {
    let kafka = Kafka::start();
    let mut system = system(&kafka);
    let target = system.add_target(&["--error-ratio", "100%"]);
    let mute = [driver(&kafka, "mute", &["--counts", "none"])];
    wait_known(&system, &mute);
    let load = json!({ "mode": "tsunami", "delay": "60ms", "requests": 14 });
    let report = system.run(&json!({ "target": { "url": target.url() }, "load": load }));
    assert_eq!(report["verdict"], "failed", "{report:#}");
    for reason in [
        "no request succeeded (how requests of mute ended is not known): all 14 answers were",
        "errors.ratio < 1% is not met: 14 of 14 requests failed (100 %",
        "what mute sent is not known, and not counted here",
    ] {
        assert!(says(&report, "reasons", reason), "{reason}: {report:#}");
    }
    let errors = &report["thresholds"].as_array().unwrap()[0];
    assert_eq!((&errors["value"], &errors["ok"]), (&json!(1.0), &json!(false)), "{report:#}");
    assert_eq!(errors["without"], json!(["mute"]), "{report:#}");
    assert_eq!((&report["totals"]["sent"], &report["totals"]["failed"]), (&json!(14), &json!(14)));
}

#[test]
fn figures_of_others_are_true_or_marked() {
    let kafka = Kafka::start();
    let mut system = system(&kafka);
    let target = system.add_target(&["--delay", "6ms"]);
    let often = ["--reports", "often", "--report-every", "0.3"];
    let pieces = [&["--counts", "num_requests", "--counts-of", "interval"][..], &often].concat();
    let drivers = [
        driver(&kafka, "asks", &["--counts", "requests_sent"]),
        driver(&kafka, "pieces", &pieces),
        driver(&kafka, "sec-1", &["--counts", "num_errors", "--latencies", "s"]),
        driver(&kafka, "bare", &["--counts", "num_errors", "--latencies", "s"]),
    ];
    wait_known(&system, &drivers);
    let load = json!({ "mode": "tsunami", "delay": "60ms", "requests": 32 });
    let report = system.run(&json!({ "target": { "url": target.url() }, "load": load }));
    let test = report["test_id"].as_str().unwrap();
    for driver in &drivers {
        assert_eq!(row(&report, &driver.name)["sent"], driver.sent(test), "{}: {report:#}", driver.name);
    }
    assert!(!says(&report, "reasons", "no request succeeded"), "{report:#}");

    let asks = row(&report, "asks");
    for key in ["completed", "failed", "in_flight", "unresolved"] {
        assert_eq!(asks[key], Value::Null, "{key}: {asks:#}");
    }
    assert_eq!(asks["end_unknown"], 32, "{asks:#}");
    let totals = &report["totals"];
    assert_eq!((&totals["sent"], &totals["end_unknown"]), (&json!(5 * 32), &json!(32)), "{totals:#}");
    assert_eq!(totals["completed"], 4 * 32, "{totals:#}");
    assert_eq!(totals["unknown_from"], json!([]), "{totals:#}");
    let unknown = totals["ends_unknown_from"].as_array().unwrap();
    assert!(unknown.contains(&json!("asks")) && unknown.contains(&json!("pieces")), "{totals:#}");
    assert!(
        says(&report, "warnings", "driver asks reports how many requests it sent, and not"),
        "{report:#}"
    );

    let added_up = "driver pieces reports what it sent since its last report, and not the total: its counts were added up";
    assert!(says(&report, "warnings", added_up), "{report:#}");

    let mean = |id: &str| row(&report, id)["latency_ms"]["response"]["mean"].as_f64().unwrap();
    assert!(mean("sec-1") > 6.0, "in ms: {}", mean("sec-1"));
    assert!(mean("bare") < 1.0, "shown as it was sent: {}", mean("bare"));
    let unit = "set latency_unit = \"s\" under [classic.nodes.\"bare\"]";
    assert!(says(&report, "warnings", unit), "{report:#}");
    let of_unit = |kind: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|one| one["kind"] == kind)
            .map(|one| one["driver"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(of_unit("driver_latency_unit"), ["bare"], "{report:#}");
}
