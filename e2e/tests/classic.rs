//! Other people's drivers beside ours on Apache Kafka, each with its habits. What the report says of each is what that
//! program truly did, and ours are unharmed.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;

use e2e::classic::{Classic, liveness, row, wait_known};
use e2e::kafka::Kafka;
use e2e::process::PATIENCE;
use e2e::system::{System, Target, avalanche, tsunami};
use e2e::wait_for;
use serde_json::{Value, json};

fn names(report: &Value) -> BTreeSet<&str> {
    report["drivers"].as_array().unwrap().iter().map(|row| row["node_id"].as_str().unwrap()).collect()
}

/// Ours did all of their share, and the equations hold for each.
#[track_caller]
fn assert_ours_unharmed(report: &Value, system: &System, requests: u64) {
    for (_, node_id) in &system.drivers {
        let ours = row(report, node_id);
        let n = |key: &str| ours[key].as_u64().unwrap_or_else(|| panic!("{key} of {ours:#}"));
        assert_eq!(n("scheduled"), requests, "{ours:#}");
        assert_eq!(n("scheduled"), n("sent") + n("dropped"), "{ours:#}");
        assert_eq!(n("sent"), n("completed") + n("failed"), "{ours:#}");
        assert_eq!((n("dropped"), n("failed"), n("in_flight"), n("unresolved")), (0, 0, 0, 0), "{ours:#}");
        assert_eq!((&ours["approximate"], &ours["ended_by"]), (&json!(false), &json!("final_window")));
        assert_eq!(ours["latency_ms"]["coverage"], 1.0, "{ours:#}");
        assert_eq!(ours["latency_ms"]["response"]["count"], requests, "{ours:#}");
    }
    let completeness = &report["completeness"];
    assert_eq!(completeness["missing"], json!([]), "{report:#}");
    assert_eq!(completeness["windows_expected"], completeness["windows_received"], "{report:#}");
}

/// What a classic driver's row must say: how it ended, and how many requests it says it sent.
#[track_caller]
fn assert_classic(report: &Value, node_id: &str, ended_by: &str, sent: Option<u64>) {
    let driver = row(report, node_id);
    assert_eq!(driver["ended_by"], ended_by, "{driver:#}");
    assert_eq!(driver["sent"], json!(sent), "{driver:#}");
    assert_eq!((&driver["approximate"], &driver["epoch"]), (&json!(true), &Value::Null), "{driver:#}");
    assert_eq!(driver["latency_ms"]["coverage"], Value::Null, "{driver:#}");
    assert_eq!(driver["latency_ms"]["response"]["p99"], Value::Null, "no percentile is made up: {driver:#}");
}

/// The latencies in the report are those that the driver sent last.
#[track_caller]
fn assert_latencies(report: &Value, driver: &Classic) {
    let response = &row(report, &driver.name)["latency_ms"]["response"];
    let end = driver.did("ended").into_iter().rfind(|end| end["test"] == report["test_id"]).unwrap();
    for (figure, name) in [
        ("mean", "mean_latency"),
        ("median", "median_latency"),
        ("min", "min_latency"),
        ("max", "max_latency"),
    ] {
        let sent = &end["metrics"][name];
        let ms = sent.as_f64().or_else(|| sent.as_str()?.strip_suffix("ms")?.parse().ok()).unwrap();
        let shown = response[figure].as_f64().unwrap_or_else(|| panic!("{figure} of {response:#}"));
        assert!((shown - ms).abs() < 0.001, "{}: {figure} {shown}, sent as {ms}", driver.name);
    }
}

#[track_caller]
fn assert_received(report: &Value, target: &Target, before: u64, system: &System, classic: &[Classic]) {
    let test = report["test_id"].as_str().unwrap();
    let ours: u64 = system.drivers.iter().map(|(_, id)| row(report, id)["sent"].as_u64().unwrap()).sum();
    let theirs: u64 = classic.iter().map(|driver| driver.sent(test)).sum();
    assert_eq!(
        target.received() - before,
        ours + theirs,
        "the target received what all drivers sent, and no more: {report:#}"
    );
}

/// The classic drivers that the reasons of the verdict name. This machine's own lateness may stand beside them.
#[track_caller]
fn blamed<'a>(report: &Value, classic: &'a [Classic]) -> BTreeSet<&'a str> {
    let reasons = report["reasons"].as_array().unwrap();
    let names = |driver: &&Classic| {
        let says = format!("driver {} ", driver.name);
        reasons.iter().any(|reason| reason.as_str().unwrap().starts_with(&says))
    };
    classic.iter().filter(names).map(|driver| driver.name.as_str()).collect()
}

#[test]
fn classic_drivers_of_every_habit_take_part_beside_ours() {
    let kafka = Kafka::start();
    let config = tempfile::NamedTempFile::new().unwrap();
    // One of them is deaf to a closed loop and sends heartbeats.
    std::fs::write(config.path(), "[classic]\nsilent_for = \"8s\"\n").unwrap();
    let mut system = System::start_with(&kafka.address, 2, &["--config", config.path().to_str().unwrap()]);
    let target = system.add_target(&[]);
    let habits: [(&str, &[&str]); 13] = [
        // Registers before it listens, repeats every sample so far, counts, and says when it is done.
        (
            "counts",
            &[
                "--listens-after",
                "2",
                "--latencies",
                "samples",
                "--counts",
                "num_requests",
                "--ends",
                "status",
            ],
        ),
        ("each", &["--reports", "each", "--needs-num-drivers"]),
        ("often", &["--reports", "often"]),
        ("silent", &["--reports", "last", "--latencies", "go", "--url-field", "test_server"]),
        ("said-no", &["--reports", "last", "--ends", "no", "--url-field", "target_server_ip"]),
        ("early", &["--starts-on", "config", "--counts", "Requests"]),
        ("late", &["--registers", "at-start", "--beats-from", "test", "--counts", "requests_sent"]),
        ("unregistered", &["--registers", "never", "--counts", "num_requests"]),
        ("one-test", &["--listens", "once", "--counts", "num_requests"]),
        ("deaf", &["--listens", "never", "--counts", "num_requests"]),
        ("dies-untold", &["--misses-configs", "--untold", "die"]),
        ("deafened", &["--misses-configs", "--untold", "deafen", "--counts", "num_requests"]),
        ("breaks", &["--dies-after", "2", "--counts", "num_requests"]),
    ];
    let mut classic: Vec<Classic> =
        habits.iter().map(|(id, habits)| Classic::driver(&kafka.address, id, habits)).collect();
    // All that ever listen do so before the test starts: how long a program takes to join its consumer group depends on
    // how busy the machine is, and the orchestrator waits for `known_for` alone.
    for driver in classic.iter().filter(|driver| driver.name != "deaf") {
        driver.wait_did("listening", 1);
    }
    // The late one sends nothing before its first test.
    let known: Vec<&str> = habits.iter().map(|(id, _)| *id).filter(|id| *id != "late").collect();
    wait_known(&system, &known);

    let mut plan = tsunami(&target.url(), 1.0, "30s");
    plan["load"] = json!({ "mode": "tsunami", "delay": "1s", "requests": 4 });
    let report = system.run(&plan);
    let test = report["test_id"].as_str().unwrap().to_owned();
    assert_ours_unharmed(&report, &system, 4);
    let expected = [
        ("counts", "status", Some(4)),
        ("each", "count", None),
        ("often", "silence", None),
        ("silent", "silence", None),
        ("said-no", "word", None),
        ("early", "count", Some(4)),
        ("late", "count", Some(4)),
        ("unregistered", "count", Some(4)),
        ("one-test", "count", Some(4)),
        ("deaf", "silence", None),
        ("dies-untold", "lost", None),
        ("deafened", "silence", None),
        ("breaks", "lost", Some(1)),
    ];
    assert_eq!(report["drivers"].as_array().unwrap().len(), 2 + expected.len(), "{:?}", names(&report));
    for (node_id, ended_by, sent) in expected {
        assert_classic(&report, node_id, ended_by, sent);
    }
    for driver in classic.iter().filter(|driver| !driver.did("ended").is_empty()) {
        assert_eq!(driver.sent(&test), 4, "{}", driver.name);
        assert_latencies(&report, driver);
    }
    assert_received(&report, &target, 0, &system, &classic);
    let totals = &report["totals"];
    // Ours 8, five classic ones that say so 4 each, one the one it reported before it broke.
    assert_eq!(totals["sent"], 8 + 5 * 4 + 1, "{report:#}");
    let unknown: BTreeSet<&str> =
        totals["unknown_from"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(unknown, ["deaf", "deafened", "dies-untold", "each", "often", "said-no", "silent"].into());
    assert_eq!(totals["latency_ms"]["coverage"], Value::Null, "{report:#}");
    assert_eq!(totals["latency_ms"]["response"]["count"], 8, "ours alone: {report:#}");
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    assert_eq!(blamed(&report, &classic), ["breaks", "deaf", "deafened", "dies-untold"].into(), "{report:#}");
    // Each record went out once, and no "NO" after the natural end, which starts some of them.
    for driver in
        classic.iter().filter(|driver| ["counts", "each", "silent", "late"].contains(&&*driver.name))
    {
        let n = |what| driver.did(what).len();
        assert_eq!((n("configured"), n("triggered"), n("stopped")), (1, 1, 0), "{}", driver.name);
    }

    // The next test leaves out the drivers that were deaf. A driver that runs one test per process is deaf to this one.
    for node_id in ["deaf", "deafened"] {
        assert_eq!(liveness(&system, node_id), "deaf", "{node_id} beats on");
    }
    let before = target.received();
    let report = system.run(&avalanche(&target.url(), 2, 20));
    let test = report["test_id"].as_str().unwrap().to_owned();
    assert_ours_unharmed(&report, &system, 20);
    assert_classic(&report, "counts", "status", Some(20));
    assert_classic(&report, "each", "count", None);
    assert_classic(&report, "said-no", "word", None);
    assert_classic(&report, "early", "count", Some(20));
    assert_classic(&report, "one-test", "silence", None);
    for absent in ["deaf", "deafened", "dies-untold", "breaks"] {
        assert!(!names(&report).contains(absent), "{absent}: {:?}", names(&report));
    }
    assert_eq!(blamed(&report, &classic), ["one-test"].into(), "{report:#}");
    assert_received(&report, &target, before, &system, &classic);

    // Registered again, two of them take part again.
    for (node_id, times) in [("deaf", 1), ("deafened", 2)] {
        let driver = classic.iter_mut().find(|driver| driver.name == node_id).unwrap();
        driver.order("register");
        driver.wait_did("listening", times);
    }
    wait_known(&system, &["deaf", "deafened"]);
    let silent = classic.iter().position(|driver| driver.name == "silent").unwrap();
    assert_eq!(classic[silent].sent(&test), 20);
    drop(classic.remove(silent));
    wait_for("the silent one to be gone", PATIENCE, || {
        (liveness(&system, "silent") != "alive").then_some(())
    });
    let before = target.received();
    let report = system.run(&avalanche(&target.url(), 2, 20));
    assert_ours_unharmed(&report, &system, 20);
    assert_classic(&report, "deaf", "count", Some(20));
    assert_classic(&report, "deafened", "count", Some(20));
    assert!(!names(&report).contains("one-test"));
    assert_eq!(blamed(&report, &classic), BTreeSet::new(), "{report:#}");
    assert_received(&report, &target, before, &system, &classic);
}

#[test]
fn one_classic_driver_beside_ours_may_end_by_a_bare_word_and_is_asked_for_nothing_it_cannot_do() {
    let kafka = Kafka::start();
    let config = tempfile::NamedTempFile::new().unwrap();
    // Quicker than the defaults, and a delay of 50 is as whole a number of ms as 1 is of s.
    let classic = "delay_unit = \"ms\"\nknown_for = \"1s\"\ntrigger_gap = \"500ms\"\ndeaf_after = \"5s\"\n";
    std::fs::write(config.path(), format!("[classic]\n{classic}")).unwrap();
    let mut system = System::start_with(&kafka.address, 2, &["--config", config.path().to_str().unwrap()]);
    let target = system.add_target(&[]);
    let driver = Classic::driver(
        &kafka.address,
        "word",
        &["--delay-unit", "ms", "--reports", "last", "--ends", "word", "--counts", "num_requests"],
    );
    wait_known(&system, &["word"]);
    driver.wait_did("listening", 1);

    // What it cannot do is refused by its name, before anything goes out.
    let open = json!({ "mode": "tsunami", "delay": "50ms", "requests": 20 });
    let closed = json!({ "mode": "avalanche", "connections": 2, "requests": 20 });
    let with = |load: &Value, key: &str, value: Value| {
        let mut load = load.clone();
        load[key] = value;
        load
    };
    let mut no_requests = with(&closed, "duration", json!("1s"));
    no_requests.as_object_mut().unwrap().remove("requests");
    for (key, value, load, why) in [
        ("per", json!("fleet"), open.clone(), "knows no shares"),
        ("drivers", json!(2), open.clone(), "cannot be left out"),
        ("name", json!("x"), with(&open, "warmup", json!("1s")), "knows no warm-up"),
        ("name", json!("x"), with(&open, "delay", json!("1500us")), "whole units are needed"),
        ("name", json!("x"), with(&closed, "target_throughput", json!(10)), "knows no ceiling"),
        ("name", json!("x"), no_requests, "load.requests is needed"),
    ] {
        let mut plan = json!({ "target": { "url": target.url() }, "load": load });
        plan[key] = value;
        let test = system.create(&plan);
        let answer = system.rest.post_empty(&format!("/api/v1/tests/{test}/trigger"));
        assert_eq!(answer.status, 409, "{plan:#}: {}", answer.text);
        assert!(
            answer.text.contains("word: is a classic driver, which") && answer.text.contains(why),
            "{}",
            answer.text
        );
        assert_eq!(system.test(&test)["state"], "configured");
    }
    assert_eq!((driver.did("configured").len(), target.received()), (0, 0));

    let report = system.run(&json!({ "target": { "url": target.url() }, "load": open }));
    assert_ours_unharmed(&report, &system, 20);
    assert_classic(&report, "word", "word", Some(20));
    assert_latencies(&report, &driver);
    assert_eq!((&report["totals"]["sent"], target.received()), (&json!(60), 60), "{report:#}");
    assert_eq!(report["totals"]["unknown_from"], json!([]), "{report:#}");
    let coverage = report["totals"]["latency_ms"]["coverage"].as_f64().unwrap();
    assert!((coverage - 2.0 / 3.0).abs() < 1e-9, "ours are two of three: {report:#}");
    assert_eq!(blamed(&report, std::slice::from_ref(&driver)), BTreeSet::new(), "{report:#}");
    assert_eq!((driver.did("triggered").len(), driver.did("stopped").len()), (1, 0));
}
