//! Other people's drivers from one test to the next: which of them the next test takes, and many tests in a row with
//! restarts between them.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use e2e::classic::{Fleet, find_row, kinds, liveness, open, row, wait_known};
use e2e::process::{PATIENCE, output};
use e2e::wait_for;
use serde_json::json;

#[test]
fn who_is_silent_between_tests_is_led_and_a_process_that_is_gone_is_not() {
    let gone = "--counts num_requests --exits-after-test";
    let unheard = "--counts num_requests --exits-after-test --beats-from test";
    let mut fleet = Fleet::start(
        "[test]\nlost_after = \"3s\"\nsuspect_after = \"1s\"\n",
        1,
        &[
            ("in-tests", "--beats-from test --counts num_requests"),
            ("always", "--counts num_requests"),
            ("gone", gone),
            ("gone-unheard", unheard),
        ],
    );
    let all = ["in-tests", "always", "gone", "gone-unheard"];
    let report = fleet.run("", &open(90, 6));
    fleet.assert_true(&report, 0);
    for id in all {
        assert_eq!(row(&report, id)["sent"], 6, "{report:#}");
    }

    // At once, before any silence says anything. One that sent heartbeats before the test and sends none after it is
    // not chosen; one that never sent any outside a test may be there, is chosen, and shows nothing.
    let before = fleet.target.received();
    let report = fleet.run("", &open(90, 7));
    fleet.assert_true(&report, before);
    assert_eq!(find_row(&report, "gone"), None, "{report:#}");
    for id in ["in-tests", "always"] {
        assert_eq!(row(&report, id)["sent"], 7, "{report:#}");
    }
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    assert!(kinds(&report, "gone-unheard").contains("driver_deaf"), "{:#}", report["findings"]);

    // Silent for so long that it is stale, one that beats only in tests is chosen all the same; the command says which.
    wait_for("it to be stale", PATIENCE, || (liveness(&fleet.system, "in-tests") == "stale").then_some(()));
    let drivers = output(fleet.system.home.path(), &["drivers", "--orchestrator", &fleet.system.address]);
    let drivers = String::from_utf8(drivers.stdout).unwrap();
    let line = drivers.lines().find(|line| line.contains("in-tests")).unwrap();
    assert!(line.contains("stale"), "{drivers}");
    let before = fleet.target.received();
    let report = fleet.run("", &open(90, 8));
    fleet.assert_true(&report, before);
    assert_eq!(row(&report, "in-tests")["sent"], 8, "{report:#}");
    // The one that showed nothing is left out until it registers.
    assert_eq!(find_row(&report, "gone-unheard"), None, "{report:#}");
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");

    // Started again, both are chosen again.
    fleet.start_classic("gone", gone);
    fleet.start_classic("gone-unheard", unheard);
    let before = fleet.target.received();
    let report = fleet.run("", &open(90, 9));
    fleet.assert_true(&report, before);
    for id in all {
        assert_eq!(row(&report, id)["sent"], 9, "{report:#}");
    }
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");
}

#[test]
fn ten_tests_in_a_row_are_true_with_restarts_between_them() {
    let counts = "--counts num_errors --ends status --test-id 0";
    let last = "--reports last --counts requests_sent --beats-from test";
    let quiet = "--latencies go --starts-on config";
    let mut fleet =
        Fleet::start("silent_for = \"8s\"\n", 2, &[("counts", counts), ("last", last), ("quiet", quiet)]);
    for n in 1..=10_u64 {
        match n {
            3 => fleet.start_classic("counts", counts),
            5 => fleet.restart_ours(0),
            6 => {
                fleet.restart_orchestrator();
                wait_known(&fleet.system, &["ours-1", "ours-2", "counts", "quiet"]);
            }
            8 => {
                fleet.start_classic("last", last);
                fleet.start_classic("quiet", quiet);
            }
            _ => {}
        }
        let before = fleet.target.received();
        let requests = 4 + 2 * n;
        let load = if n % 2 == 0 {
            json!({ "mode": "avalanche", "connections": 2, "requests": requests })
        } else {
            open(30 + 5 * n, requests)
        };
        let query = if n == 4 { "?status=503" } else { "?delay=20ms" };
        let report = fleet.run(query, &load);
        fleet.assert_true(&report, before);
        let failed = if n == 4 { requests } else { 0 };
        for id in ["ours-1", "ours-2", "counts"] {
            let row = row(&report, id);
            let ends = (row["sent"].as_u64(), row["failed"].as_u64(), row["unresolved"].as_u64());
            assert_eq!(ends, (Some(requests), Some(failed), Some(0)), "test {n}: {row:#}");
        }
        let last = row(&report, "last");
        assert_eq!(
            (&last["sent"], &last["completed"]),
            (&json!(requests), &json!(null)),
            "test {n}: {last:#}"
        );
        let quiet = row(&report, "quiet");
        assert_eq!(
            (&quiet["sent"], &quiet["ended_by"]),
            (&json!(null), &json!("count")),
            "test {n}: {quiet:#}"
        );
        assert_eq!(report["totals"]["unknown_from"], json!(["quiet"]), "test {n}: {report:#}");
        let expected = if n == 4 { "failed" } else { "passed" };
        assert_eq!(report["verdict"], expected, "test {n}: {:#}", report["findings"]);
    }
}
