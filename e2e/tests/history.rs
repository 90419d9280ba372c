//! Tests one after another and the tests of the past: waiting for the test under way, deleting, ids that are shortened,
//! and the history without an orchestrator.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::net::TcpStream;
use std::path::Path;
use std::process::Output;

use e2e::process::{PATIENCE, Process, command, output};
use e2e::system::{System, Target, avalanche, tsunami};
use e2e::wait_for;
use serde_json::Value;

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command, which has to end with this exit code.
#[track_caller]
fn ends(code: i32, home: &Path, arguments: &[&str]) -> Output {
    let output = output(home, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
    output
}

/// The ids that `groundswell tests` lists, the newest first.
fn ids(listed: &Output) -> Vec<String> {
    let first_word = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    stdout(listed).lines().skip(1).map(first_word).collect()
}

/// Three requests, by flags.
const SHORT: [&str; 6] = ["--mode", "avalanche", "--connections", "1", "--requests", "3"];

#[test]
fn a_second_test_waits_for_the_first_where_it_is_asked_to() {
    let mut system = System::start("embedded", 1);
    let url = system.add_target(&[]).url();
    let home = system.home.path();
    let run = |more: &[&str]| {
        let at = ["run", &url, "--orchestrator", &system.address];
        output(home, &[&at[..], &SHORT, more].concat())
    };
    let first = system.trigger(&tsunami(&url, 20.0, "8s"));
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&first) && stderr(&refused).contains("--wait"), "{}", stderr(&refused));
    let impatient = run(&["--wait", "200ms"]);
    assert_eq!(impatient.status.code(), Some(1), "{}", stderr(&impatient));
    let said = format!("test {first} is still under way after 200ms");
    assert!(stderr(&impatient).contains(&said), "{}", stderr(&impatient));
    // Neither is left behind as a test that could be triggered.
    let listed = ends(0, home, &["tests", "--orchestrator", &system.address]);
    assert_eq!(ids(&listed), [first.as_str()]);

    let waited = run(&["--wait", "2m", "--json", "-"]);
    assert_eq!(waited.status.code(), Some(0), "{}", stderr(&waited));
    assert!(stderr(&waited).contains(&format!("test {first} is under way: waiting")), "{}", stderr(&waited));
    let second: Value = serde_json::from_slice(&waited.stdout).unwrap();
    let first = system.test(&first);
    assert_eq!(first["state"], "finished");
    let instant = |test: &Value, name: &str| test[name].as_str().unwrap().to_owned();
    assert!(instant(&second, "started_at") > instant(&first, "ended_at"), "{second:#}");
}

#[test]
fn a_test_is_named_by_a_part_of_its_id_and_deleted_when_it_is_over() {
    let mut system = System::start("embedded", 1);
    let url = system.add_target(&[]).url();
    let home = system.home.path();
    let at = ["--orchestrator", system.address.as_str()];
    let does = |code: i32, words: &[&str]| ends(code, home, &[words, &at].concat());
    let running = system.trigger(&tsunami(&url, 20.0, "60s"));
    let idle = system.create(&avalanche(&url, 1, 3));
    let (tail_of_running, tail_of_idle) = (&running[24..], &idle[24..]);

    // Two ids of one minute begin alike.
    let several = does(2, &["delete", &running[..4]]);
    assert!(stderr(&several).contains(&running) && stderr(&several).contains(&idle), "{}", stderr(&several));
    let refused = does(1, &["delete", tail_of_running]);
    assert!(stderr(&refused).contains("is under way"), "{}", stderr(&refused));
    assert_eq!(stdout(&does(0, &["delete", tail_of_idle])), format!("deleted test {idle}\n"));
    assert!(stderr(&does(1, &["delete", &idle])).contains("does not exist"));
    assert!(stderr(&does(1, &["report", tail_of_idle])).contains("begins or ends with"));

    // The beginning is enough now; the newest that started is the one that runs.
    does(0, &["stop", &running[..4]]);
    wait_for("the end", PATIENCE, || (system.test(&running)["state"] == "finished").then_some(()));
    for word in [&running[..4], tail_of_running, running.as_str(), "latest"] {
        let report: Value =
            serde_json::from_slice(&does(0, &["report", word, "--format", "json"]).stdout).unwrap();
        assert_eq!((&report["test_id"], &report["verdict"]), (&running.as_str().into(), &"aborted".into()));
    }
    does(0, &["delete", tail_of_running]);
    assert_eq!(stdout(&does(0, &["tests"])), "no tests yet\n");
    assert_eq!(stderr(&does(1, &["report"])), "groundswell: no test has started yet\n");
}

#[test]
fn commands_find_the_orchestrator_that_the_environment_names() {
    let mut system = System::start("embedded", 1);
    let url = system.add_target(&[]).url();
    let home = system.home.path();
    let id = system.run(&avalanche(&url, 1, 3))["test_id"].as_str().unwrap().to_owned();
    let with =
        |name: &str, value: &str, words: &[&str]| command(home, words).env(name, value).output().unwrap();
    let by_url = |words: &[&str]| with("GROUNDSWELL__ORCHESTRATOR__URL", &system.address, words);
    assert_eq!(ids(&by_url(&["tests"])), [id.as_str()]);
    assert!(stdout(&by_url(&["report", "latest"])).contains(&id));
    assert!(stdout(&by_url(&["drivers"])).contains("DRIVER"));
    assert!(stdout(&by_url(&["stop", &id])).contains("already finished"));
    assert_eq!(stdout(&by_url(&["delete", &id])), format!("deleted test {id}\n"));
    // One that is named and does not answer is an error; no data folder is read in its place.
    let gone = with("GROUNDSWELL__ORCHESTRATOR__URL", "127.0.0.1:1", &["tests"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(stderr(&gone).contains("no orchestrator at http://127.0.0.1:1"), "{}", stderr(&gone));
    let token = with("GROUNDSWELL__ORCHESTRATOR__TOKEN_FILE", "/nowhere/token", &["tests"]);
    assert!(stderr(&token).contains("/nowhere/token"), "{}", stderr(&token));
    let misspelt = with("GROUNDSWELL__ORCHESTRATER__URL", &system.address, &["tests"]);
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(stderr(&misspelt).contains("GROUNDSWELL__ORCHESTRATER__URL"), "{}", stderr(&misspelt));
}

#[test]
fn the_tests_of_run_are_read_without_an_orchestrator() {
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let url = target.url();
    let home = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = ["run", &url, "--drivers", "1"];
    ends(0, home.path(), &[&run[..], &SHORT, &["--name", "first"]].concat());
    let given = elsewhere.path().to_str().unwrap();
    ends(0, home.path(), &[&run[..], &SHORT, &["--name", "other", "--data-dir", given]].concat());

    // By the folder that is named, whichever of them is meant.
    let below = elsewhere.path().join("groundswell/orchestrator");
    for folder in [given, below.to_str().unwrap()] {
        let listed = ends(0, home.path(), &["tests", "--data-dir", folder]);
        assert!(stdout(&listed).contains("other") && !stdout(&listed).contains("first"), "{folder}");
    }
    let state = home.path().to_str().unwrap();
    let files = || {
        let names = std::fs::read_dir(home.path().join("groundswell/orchestrator")).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = files();
    let report = ends(0, home.path(), &["report", "--data-dir", state]);
    assert!(stdout(&report).contains("PASSED  first"), "{}", stdout(&report));
    assert_eq!(files(), before, "nothing is written");

    // While a run holds the folder, its test is there, too.
    let load = ["--rate", "20", "--duration", "60s", "--name", "second"];
    let mut second = Process::start("run", command(home.path(), &[&run[..], &load].concat()));
    wait_for("the second test to run", PATIENCE, || {
        let listed = stdout(&ends(0, home.path(), &["tests", "--data-dir", state]));
        listed.lines().any(|line| line.contains("running") && line.contains("second")).then_some(())
    });
    second.signal(rustix::process::Signal::INT);
    second.wait_end(PATIENCE);

    // Without an address or a folder: the default folders are read, and a line reports that.
    wait_for("the default port to be free", PATIENCE, || {
        TcpStream::connect("127.0.0.1:8080").is_err().then_some(())
    });
    let listed = ends(0, home.path(), &["tests"]);
    assert!(
        stderr(&listed).contains("no orchestrator at http://127.0.0.1:8080: read from"),
        "{}",
        stderr(&listed)
    );
    let listed_ids = ids(&listed);
    assert_eq!(listed_ids.len(), 2, "{}", stdout(&listed));
    let report = ends(0, home.path(), &["report", &listed_ids[1], "--format", "json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["name"], &report["verdict"]), (&"first".into(), &"passed".into()));
    let none = tempfile::tempdir().unwrap();
    let nothing = ends(1, none.path(), &["tests"]);
    assert!(stderr(&nothing).contains("no tests are stored here"), "{}", stderr(&nothing));
}

#[test]
fn the_history_is_filtered_over_rest() {
    let mut system = System::start("embedded", 1);
    let url = system.add_target(&[]).url();
    let named = |name: &str| {
        let mut plan = avalanche(&url, 1, 3);
        plan["name"] = name.into();
        plan
    };
    let passed = system.run(&named("Checkout"))["test_id"].clone();
    let waiting = system.create(&named("search"));
    for (query, expected) in [
        ("state=finished", vec![passed.clone()]),
        ("state=configured", vec![waiting.as_str().into()]),
        ("verdict=passed", vec![passed.clone()]),
        ("verdict=failed", vec![]),
        ("q=checkOUT", vec![passed.clone()]),
        ("q=search&state=finished", vec![]),
        ("q=0", vec![waiting.as_str().into(), passed.clone()]),
    ] {
        let page = system.rest.get(&format!("/api/v1/tests?{query}")).json();
        let found: Vec<Value> =
            page["tests"].as_array().unwrap().iter().map(|test| test["test_id"].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(system.rest.get("/api/v1/tests?state=over").status, 400);
}
