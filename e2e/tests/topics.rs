//! Topics that are called otherwise: ours and other people's programs on the names that these have built in.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use e2e::classic::Classic;
use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, command};
use e2e::system::{System, avalanche};
use e2e::wait_for;
use serde_json::{Value, json};

/// The names that a classic driver has built in; one of them is the wire's own name.
const NAMES: [(&str, &str); 4] = [
    ("register", "register-topic"),
    ("test_config", "config.of.tests"),
    ("metrics", "Metrics"),
    ("heartbeat", "beats_1"),
];

fn row<'a>(report: &'a Value, node_id: &str) -> &'a Value {
    let rows = report["drivers"].as_array().unwrap();
    rows.iter().find(|row| row["node_id"] == node_id).unwrap_or_else(|| panic!("no {node_id}: {report:#}"))
}

#[test]
fn a_fleet_on_mapped_topics_runs_a_test_to_its_end() {
    let kafka = Kafka::start();
    let config = tempfile::NamedTempFile::new().unwrap();
    let names: Vec<String> = NAMES.iter().map(|(topic, name)| format!("{topic} = \"{name}\"")).collect();
    let classic = "known_for = \"1s\"\ntrigger_gap = \"500ms\"\n";
    std::fs::write(config.path(), format!("[kafka.topics]\n{}\n[classic]\n{classic}", names.join("\n")))
        .unwrap();
    // The driver asks the orchestrator, which answers with the names.
    let mut system = System::start_with(&kafka.address, 1, &["--config", config.path().to_str().unwrap()]);
    let target = system.add_target(&[]);
    let names = NAMES.map(|(topic, name)| format!("{topic}={name}")).join(",");
    let habits = ["--topics", &names, "--counts", "num_requests", "--ends", "status"];
    let driver = Classic::driver(&kafka.address, "theirs", &habits);
    driver.wait_did("listening", 1);
    // Its address is in its registration alone, so that was read.
    wait_for("its registration to be read", PATIENCE, || {
        let known = system.rest.get("/api/v1/drivers").json();
        let theirs = |node: &Value| node["node_id"] == "theirs" && node["address"].is_string();
        known.as_array().unwrap().iter().any(theirs).then_some(())
    });

    let report = system.run(&avalanche(&target.url(), 2, 12));
    for node_id in ["theirs", &system.drivers[0].1] {
        assert_eq!(row(&report, node_id)["sent"], 12, "{report:#}");
    }
    assert_eq!(row(&report, "theirs")["ended_by"], "status", "{report:#}");
    assert_eq!((report["verdict"].as_str(), target.received()), (Some("passed"), 24), "{report:#}");

    let bootstrap = system.rest.get("/api/v1/bootstrap").json();
    assert_eq!(bootstrap["topics"]["test_config"], "config.of.tests", "{bootstrap}");
    let metrics = system.rest.get("/metrics").text;
    let counted = |topic: &str| {
        let line = format!("groundswell_records_read_total{{topic=\"{topic}\"}} ");
        let n = metrics
            .lines()
            .find_map(|found| found.strip_prefix(&line))
            .unwrap_or_else(|| panic!("{metrics}"));
        n.parse::<u64>().unwrap()
    };
    // Our driver may register before the orchestrator reads; then its heartbeats make it known.
    assert!(counted("beats_1") > 0 && counted("Metrics") >= 3 && counted("register-topic") >= 1, "{metrics}");
}

#[test]
fn a_run_hands_the_names_of_topics_to_its_nodes() {
    let home = tempfile::tempdir().unwrap();
    let target = tempfile::tempdir().unwrap();
    let (_target, target) = e2e::system::Target::start(target.path(), &[]);
    let plan = [
        "run",
        &target.url(),
        "--mode",
        "avalanche",
        "--connections",
        "2",
        "--requests",
        "30",
        "--drivers",
        "1",
        "--json",
        "-",
    ];
    let mut run = command(home.path(), &plan);
    let output = run.env("GROUNDSWELL__KAFKA__TOPICS__METRICS", "reports").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(
        (&report["totals"]["completed"], &report["verdict"]),
        (&json!(30), &json!("passed")),
        "{report:#}"
    );

    // A name that Kafka does not take is a fault of the setting, exit 2.
    let output =
        command(home.path(), &plan).env("GROUNDSWELL__KAFKA__TOPICS__METRICS", "a/b").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let fault =
        "environment GROUNDSWELL__KAFKA__TOPICS__METRICS: kafka.topics.metrics = a/b: holds a character";
    assert!(said.contains(fault), "{said}");
}
