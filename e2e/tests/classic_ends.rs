//! How other people's drivers end a test, or do not: what the report says of it, and when the test is over.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use e2e::classic::{Fleet, kinds, liveness, open, row};
use e2e::process::PATIENCE;
use e2e::wait_for;
use serde_json::{Value, json};

/// Nothing in a test, nor of the node, says that this driver is deaf.
#[track_caller]
fn assert_not_deaf(fleet: &Fleet, report: &Value, node_id: &str) {
    let test = report["test_id"].as_str().unwrap();
    let text = fleet.system.rest.get(&format!("/api/v1/tests/{test}/report.txt")).text;
    let row = row(report, node_id);
    for said in [&text, &row.to_string(), &report["findings"].to_string(), &report["reasons"].to_string()] {
        assert!(!said.to_lowercase().contains("deaf"), "{said}");
    }
    assert_ne!(liveness(&fleet.system, node_id), "deaf");
}

#[test]
fn a_driver_that_ignores_its_count_is_stopped_where_no_other_one_could_start() {
    let habits = "--ignores-count --on-no stop --counts num_requests";
    let mut fleet = Fleet::start("", 1, &[("runs-on", habits)]);

    let report = fleet.run("", &open(150, 9));
    let driver = fleet.classic("runs-on");
    driver.wait_did("stopped", 1);
    let sent = driver.wait_sent(report["test_id"].as_str().unwrap());
    assert!(sent >= 9, "{sent}");
    // Its last report may be younger than the end of the test.
    let report = wait_for("its last count", PATIENCE, || {
        let report = fleet.system.test(report["test_id"].as_str().unwrap());
        (row(&report, "runs-on")["sent"] == sent).then_some(report)
    });
    assert_eq!(row(&report, "ours-1")["sent"], 9, "{report:#}");
    assert_ne!(report["verdict"], "incomplete", "{report:#}");
    fleet.assert_true(&report, 0);

    // With another one alive, which might take it for a start, no "NO" goes out: the report says that it runs on.
    fleet.start_classic("starts-on-no", "--on-no start");
    let (stopped, before) = (fleet.classic("runs-on").did("stopped").len(), fleet.target.received());
    let report = fleet.run("", &open(150, 10));
    let runaway = row(&report, "runs-on");
    let shown = runaway["sent"].as_u64().unwrap();
    let received = fleet.target.received() - before;
    assert!((10..=received - 20).contains(&shown), "{received} in all: {runaway:#}");
    assert!(!kinds(&report, "runs-on").is_empty(), "{:#}", report["findings"]);
    let warned = report["findings"].as_array().unwrap().iter().any(|found| {
        found["driver"] == "runs-on" && found["text"].as_str().unwrap().contains(&shown.to_string())
    });
    assert!(warned, "the report says that it runs on, with its count {shown}: {:#}", report["findings"]);
    assert_eq!(fleet.classic("runs-on").did("stopped").len(), stopped);
    assert_eq!(fleet.classic("starts-on-no").did("started").len(), 1);
}

#[test]
fn a_driver_that_reports_at_its_end_alone_is_waited_for_and_not_called_deaf() {
    let fleet = Fleet::start("silent_for = \"3s\"\n", 1, &[("last", "--reports last --counts num_requests")]);

    // It sends for longer than `deaf_after`.
    let id = fleet.system.trigger(&fleet.plan("", &open(180, 21)));
    wait_for("it to be shown as silent", PATIENCE, || {
        let test = fleet.system.test(&id);
        assert_ne!(test["state"], "finished", "{test:#}");
        (row(&test, "last")["state"] == "silent").then_some(())
    });
    let report = fleet.system.finished(&id, PATIENCE);
    fleet.assert_true(&report, 0);
    assert_eq!(row(&report, "last")["sent"], 21, "{report:#}");
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");
    assert_not_deaf(&fleet, &report, "last");

    // A closed loop has no due time: it is waited for until ours are done and `silent_for` over. This one sends for
    // longer, one request after the other, so the test ends without it.
    let before = fleet.target.received();
    let load = json!({ "mode": "avalanche", "connections": 8, "requests": 24 });
    let report = fleet.run("?delay=250ms", &load);
    let id = report["test_id"].as_str().unwrap();
    assert_eq!(
        (&report["verdict"], kinds(&report, "last").contains("driver_deaf")),
        (&json!("incomplete"), true)
    );
    // Its late report clears the word wherever it stood.
    let report = wait_for("its late report", PATIENCE, || {
        let report = fleet.system.test(id);
        (row(&report, "last")["sent"] == 24).then_some(report)
    });
    fleet.assert_true(&report, before);
    assert_not_deaf(&fleet, &report, "last");
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");

    // The next test takes it.
    let before = fleet.target.received();
    let report = fleet.run("", &open(60, 7));
    fleet.assert_true(&report, before);
    assert_eq!(row(&report, "last")["sent"], 7, "{report:#}");
}

#[test]
fn a_driver_that_dies_in_mid_test_is_lost_where_its_heartbeats_said_that_it_was_there() {
    let fleet = Fleet::start(
        "[test]\nlost_after = \"3s\"\nsuspect_after = \"1s\"\n",
        1,
        &[("dies", "--dies-after 3"), ("dies-unheard", "--beats-from never --dies-after 4")],
    );
    let report = fleet.run("", &open(150, 8));
    fleet.assert_true(&report, 0);
    assert_eq!(row(&report, "dies")["ended_by"], "lost", "{report:#}");
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    assert!(kinds(&report, "dies").contains("driver_lost"), "{:#}", report["findings"]);
    // One that never sent a heartbeat is judged by its reports alone, which may have been all.
    assert_eq!(row(&report, "dies-unheard")["ended_by"], "silence", "{report:#}");
    assert!(!kinds(&report, "dies-unheard").contains("driver_lost"), "{:#}", report["findings"]);
}

#[test]
fn reports_at_an_interval_do_not_end_a_test_by_their_number() {
    let fleet =
        Fleet::start("", 1, &[("often", "--reports often --report-every 0.4"), ("each", "--reports each")]);
    // Each request takes a second with them: the sixth report of one is out when it has sent two or three.
    let id = fleet.system.trigger(&fleet.plan("?delay=700ms", &open(300, 6)));
    fleet.system.finished(&id, PATIENCE);
    let received = fleet.target.received();
    let report = fleet.system.test(&id);
    fleet.assert_true(&report, 0);
    assert_eq!(received, 18, "the test is over when all have sent all: {report:#}");
    assert_eq!(row(&report, "each")["ended_by"], "count", "{report:#}");
    assert_eq!(row(&report, "often")["ended_by"], "silence", "{report:#}");
    assert_eq!(report["verdict"], "passed", "{report:#}");
}

#[test]
fn a_bare_end_word_is_of_the_one_whose_end_is_not_known() {
    let fleet = Fleet::start(
        "",
        1,
        &[("counts", "--starts-on config --counts num_requests"), ("word", "--reports never --ends word")],
    );
    let report = fleet.run("", &open(110, 13));
    fleet.assert_true(&report, 0);
    assert_eq!(row(&report, "counts")["ended_by"], "count", "{report:#}");
    assert_eq!(row(&report, "word")["ended_by"], "word", "{report:#}");
    assert_not_deaf(&fleet, &report, "word");
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");
}
