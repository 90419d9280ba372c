//! What other people's drivers report of their requests: all, some, none, or those since the last report, and latencies
//! in another unit. What one does not report is unknown, and hides nothing of the others.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use e2e::classic::{Fleet, kinds, open, row, texts};
use e2e::process::output;
use serde_json::{Value, json};

/// Checks the sent, completed, failed and unresolved requests of a driver's row; `None` for an unknown count.
#[track_caller]
fn assert_counts(report: &Value, node_id: &str, expected: [Option<u64>; 4]) {
    let row = row(report, node_id);
    let shown = ["sent", "completed", "failed", "unresolved"].map(|key| row[key].clone());
    assert_eq!(shown, expected.map(|n| json!(n)), "{row:#}");
}

#[test]
fn a_driver_without_counts_hides_no_failure_of_the_others() {
    let fleet = Fleet::start("", 1, &[("uncounted", "")]);

    // Ours failed in all that it sent: the test is failed, and the reason says of whom that is known.
    let home = fleet.system.home.path();
    let plan = home.join("plan.json");
    std::fs::write(&plan, fleet.plan("?status=503", &open(40, 12)).to_string()).unwrap();
    let arguments = ["run", plan.to_str().unwrap(), "--orchestrator", &fleet.system.address, "--json", "-"];
    let run = output(home, &arguments);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((run.status.code(), &report["verdict"]), (Some(3), &json!("failed")), "{report:#}");
    let reasons = report["reasons"].to_string();
    for reason in [
        "no request succeeded (how requests of uncounted ended is not known): all 12 answers were",
        "errors.ratio < 1% is not met: 12 of 12 requests failed (100 %",
        "what uncounted sent is not known, and not counted here",
    ] {
        assert!(reasons.contains(reason), "{reason}: {reasons}");
    }
    let errors = &report["thresholds"].as_array().unwrap()[0];
    assert_eq!((&errors["value"], &errors["ok"]), (&json!(1.0), &json!(false)), "{report:#}");
    assert_eq!(errors["without"], json!(["uncounted"]), "{report:#}");
    assert_counts(&report, "ours-1", [Some(12), Some(0), Some(12), Some(0)]);
    assert_counts(&report, "uncounted", [None; 4]);
    assert_eq!(report["totals"]["unknown_from"], json!(["uncounted"]), "{report:#}");
    fleet.assert_true(&report, 0);

    // The same where nothing listens.
    let mut plan = fleet.plan("", &open(40, 11));
    plan["target"]["url"] = json!("http://127.0.0.1:1/");
    let report = fleet.system.run(&plan);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    assert!(report["reasons"].to_string().contains("uncounted"), "{report:#}");

    // Even if the known requests meet it, a threshold of the plan is not decided by them alone, ...
    let mut plan = fleet.plan("", &open(40, 13));
    plan["thresholds"] = json!({ "errors.ratio": "< 2%" });
    let report = fleet.system.run(&plan);
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    assert!(report["reasons"].to_string().contains("uncounted"), "{report:#}");
    assert_counts(&report, "ours-1", [Some(13), Some(13), Some(0), Some(0)]);

    // ... and a default threshold, which the plan does not name, causes only a warning.
    let before = fleet.target.received();
    let report = fleet.run("", &open(40, 14));
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");
    assert!(report["warnings"].to_string().contains("uncounted"), "{report:#}");
    fleet.assert_true(&report, before);
}

#[test]
fn what_became_of_requests_is_unknown_where_a_driver_does_not_report_it() {
    let fleet = Fleet::start(
        "",
        1,
        &[
            ("requests", "--counts requests_sent"),
            ("answers", "--counts num_requests"),
            ("failures", "--counts num_errors"),
        ],
    );

    let report = fleet.run("", &open(40, 17));
    assert_counts(&report, "requests", [Some(17), None, None, None]);
    assert_counts(&report, "failures", [Some(17), Some(17), Some(0), Some(0)]);
    assert_eq!(row(&report, "answers")["completed"], 17, "{report:#}");
    assert_eq!((&report["verdict"], &report["reasons"]), (&json!("passed"), &json!([])), "{report:#}");
    let totals = &report["totals"];
    // Of the 68 that are known to have been sent, how 17 ended is not known.
    assert_eq!((&totals["sent"], &totals["completed"]), (&json!(68), &json!(51)), "{totals:#}");
    assert_eq!((&totals["end_unknown"], &totals["unknown_from"]), (&json!(17), &json!([])), "{totals:#}");
    assert!(totals["ends_unknown_from"].to_string().contains("requests"), "{totals:#}");
    let requests = row(&report, "requests");
    assert_eq!(
        (&requests["end_unknown"], &requests["in_flight"]),
        (&json!(17), &json!(null)),
        "{requests:#}"
    );
    assert!(kinds(&report, "requests").contains("driver_reports_no_ends"), "{:#}", report["findings"]);
    fleet.assert_true(&report, 0);

    // A closed loop is judged alike.
    let before = fleet.target.received();
    let load = json!({ "mode": "avalanche", "connections": 2, "requests": 19 });
    let report = fleet.run("", &load);
    assert_counts(&report, "requests", [Some(19), None, None, None]);
    assert_ne!(report["verdict"], "failed", "{report:#}");
    assert_ne!(report["verdict"], "incomplete", "{report:#}");
    fleet.assert_true(&report, before);

    let before = fleet.target.received();
    let report = fleet.run("?status=500", &open(40, 18));
    assert_counts(&report, "ours-1", [Some(18), Some(0), Some(18), Some(0)]);
    assert_counts(&report, "failures", [Some(18), Some(0), Some(18), Some(0)]);
    assert_counts(&report, "requests", [Some(18), None, None, None]);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    fleet.assert_true(&report, before);
}

#[test]
fn counts_since_the_last_report_and_latencies_in_seconds_are_not_taken_for_what_they_are_not() {
    let fleet = Fleet::start(
        "[classic.nodes.\"set-*\"]\nlatency_unit = \"s\"\n",
        1,
        &[
            ("interval", "--reports often --report-every 0.5 --counts num_requests --counts-of interval"),
            ("one-each", "--reports often --report-every 0.16 --counts Requests --counts-of interval"),
            // Sums, which stand still while an answer is awaited.
            ("sums", "--reports often --report-every 0.05 --counts num_requests"),
            ("seconds", "--counts num_requests --latencies s"),
            ("set-seconds", "--counts num_requests --latencies s"),
        ],
    );

    let report = fleet.run("?delay=35ms", &open(125, 30));
    // Either what it truly sent, or unknown: no interval stands for the test.
    fleet.assert_true(&report, 0);
    for exact in ["sums", "seconds", "set-seconds"] {
        assert_eq!(row(&report, exact)["sent"], 30, "{report:#}");
    }
    // However its counts were read, the report says that they are of intervals.
    for interval in ["interval", "one-each"] {
        let found = kinds(&report, interval);
        let marked =
            ["driver_counts_added_up", "driver_counts_unclear"].iter().any(|kind| found.contains(kind));
        assert!(marked, "{interval}: {:#}", report["findings"]);
    }
    assert!(!kinds(&report, "sums").contains("driver_counts_added_up"), "{:#}", report["findings"]);

    // Whose unit is set is shown as it is; of the other one the report says what is wrong, and what to do.
    let mean = |node_id| row(&report, node_id)["latency_ms"]["response"]["mean"].as_f64().unwrap();
    assert!((35.0..2_000.0).contains(&mean("set-seconds")), "{report:#}");
    assert!((0.035..2.0).contains(&mean("seconds")), "as it was sent: {report:#}");
    let units = texts(&report, "driver_latency_unit");
    assert_eq!(units.len(), 1, "{:#}", report["findings"]);
    assert!(units[0].starts_with("driver seconds ") && units[0].contains("latency_unit"), "{units:?}");
}
