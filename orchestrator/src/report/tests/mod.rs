//! The text report as people see it, whole.

mod narrow;

use std::collections::BTreeMap;

use common::latency::{Latency, LatencyStats};
use serde_json::json;

use super::columns::{WIDTH, width};
use super::{json, text};
use crate::fixtures::test_view;
use crate::model::{
    Completeness, DEFINITIONS, DriverTotals, DroppedBy, LatencyView, OutcomeLatency, PartEnd, PartState,
    PassTotals, RequestTotals, ResponseLatency, SessionCounts, SessionTotals, TestState, TestView,
    ThresholdView, Totals, Verdict, WarmupTotals,
};

fn stats(us: &[(u64, u64)], slower: u64) -> LatencyStats {
    let mut latency = Latency::new();
    us.iter().for_each(|(us, n)| latency.record_n_us(*us, *n));
    latency.stats(slower)
}

/// Completed requests, as (µs, how many).
const RESPONSE: &[(u64, u64)] = &[(131, 20_000), (210, 9_000), (850, 700), (2_310, 299), (12_345, 1)];
const SERVICE: &[(u64, u64)] = &[(120, 20_000), (190, 9_000), (840, 700), (2_290, 299), (12_301, 1)];

/// What `n` drivers of 30,000 requests each counted, of which `failed` and `dropped` in all.
fn totals(n: u64, failed: u64, dropped: u64) -> Totals {
    let sent = n * 30_000 - dropped;
    let mut status_codes = BTreeMap::from([("200".to_owned(), sent - failed)]);
    if failed > 0 {
        status_codes.insert("503".to_owned(), failed);
    }
    Totals {
        scheduled: Some(n * 30_000),
        sent: Some(sent),
        completed: Some(sent - failed),
        failed: Some(failed),
        dropped: Some(dropped),
        dropped_by: DroppedBy { in_flight: dropped, late: 0 },
        in_flight: Some(0),
        bytes_received: sent * 135,
        throughput_per_s: Some((sent - failed) as f64 / 30.0),
        latency_ms: LatencyView {
            coverage: Some(1.0),
            response: stats(RESPONSE, failed + dropped),
            service: stats(SERVICE, failed + dropped),
            lag: stats(&[(8, 29_000), (41, 995), (380, 5)], 0),
            turn: stats(&[(4, 29_000), (23, 1_000)], 0),
            connect: stats(&[(61, 15), (240, 1)], 0),
            first_byte: stats(&[(110, 20_000), (180, 9_000), (830, 700), (2_280, 299), (12_250, 1)], 0),
            success: OutcomeLatency { response: stats(RESPONSE, 0), service: stats(SERVICE, 0) },
            failed: OutcomeLatency {
                response: stats(&[(450, failed)], 0),
                service: stats(&[(440, failed)], 0),
            },
        },
        status_codes,
        ..Totals::default()
    }
}

fn driver(name: &str, totals: Totals) -> DriverTotals {
    DriverTotals {
        node_id: name.to_owned(),
        epoch: Some(1),
        state: PartState::Done,
        age_ms: Some(0),
        approximate: false,
        ended_by: Some(PartEnd::FinalWindow),
        engine: Some("wire".to_owned()),
        precision: Some("spin".to_owned()),
        connections_opened: Some(16),
        handshakes: Some(0),
        busy_max: Some(0.31),
        cpu: Some(0.3),
        cpu_mean: Some(0.28),
        cpu_max: Some(0.34),
        steal_mean: Some(0.001),
        steal_max: Some(0.012),
        wait_max: Some(0.004),
        stopped: Vec::new(),
        implausible: false,
        shared: BTreeMap::new(),
        totals,
    }
}

fn threshold(expression: &str, value: f64, ok: bool, given: bool) -> ThresholdView {
    ThresholdView {
        expression: expression.to_owned(),
        value: Some(value),
        lower_bound: false,
        ok: Some(ok),
        given,
        driver: None,
        without: Vec::new(),
    }
}

fn passed() -> TestView {
    TestView {
        state: TestState::Finished,
        verdict: Some(Verdict::Passed),
        plan: json!({
            "per": "driver",
            "target": { "url": "http://127.0.0.1:8081/ping" },
            "request": { "method": "GET" },
            "load": { "mode": "tsunami", "rate": 1000, "duration": "30s", "max_in_flight": 1024, "warmup": "0s" },
        }),
        created_at: "2026-11-23T23:39:58.000000Z".to_owned(),
        started_at: Some("2026-11-23T23:40:00.000000Z".to_owned()),
        ended_at: Some("2026-11-23T23:40:31.000000Z".to_owned()),
        totals: totals(2, 0, 0),
        drivers: vec![driver("vm-9511-a3f2", totals(1, 0, 0)), driver("vm-9511-77c0", totals(1, 0, 0))],
        thresholds: vec![
            threshold("response.p99 < 250ms", 0.85, true, true),
            threshold("errors.ratio < 1%", 0.0, true, false),
            threshold("dropped.ratio < 0.1%", 0.0, true, false),
        ],
        capacity: None,
        completeness: Completeness { windows_expected: 62, windows_received: 62, missing: Vec::new() },
        ..test_view("019aaf3e-8c5e-7b3a-9d41-0242ac120002", "ping at a thousand a second")
    }
}

fn failed() -> TestView {
    let mut view = passed();
    view.verdict = Some(Verdict::Failed);
    view.totals = totals(2, 57, 7_200);
    view.totals.errors = BTreeMap::from([("closed".to_owned(), 3)]);
    view.totals.closed_on_reuse = 3;
    view.drivers =
        vec![driver("vm-9511-a3f2", totals(1, 57, 7_200)), driver("vm-9511-77c0", totals(1, 0, 0))];
    view.reasons = vec![
        "it did not keep up: 12 % of the schedule met 1,024 requests in flight (dropped.ratio must be < 0.1%); the \
         percentiles leave those out and are lower bounds"
            .to_owned(),
    ];
    view.warnings =
        vec!["lag was 1.20 ms at p99: response holds up to that much of the generator's own".to_owned()];
    view.thresholds = vec![
        ThresholdView { lower_bound: true, ..threshold("response.p99 < 250ms", 12.351, false, true) },
        threshold("errors.ratio < 1%", 0.000_95, true, false),
        threshold("dropped.ratio < 0.1%", 0.12, false, false),
    ];
    view
}

#[track_caller]
fn fits(text: &str, lines: usize) {
    let wide: Vec<&str> = text.lines().filter(|line| width(line) > WIDTH).collect();
    assert!(wide.is_empty(), "wider than {WIDTH}: {wide:#?}");
    assert!(text.lines().count() <= lines, "{} lines:\n{text}", text.lines().count());
}

#[test]
fn a_test_that_passed_is_short_and_ends_with_its_verdict() {
    let text = text(&passed());
    fits(&text, 32);
    let expected = include_str!("../expected/passed.txt");
    assert_eq!(text, expected, "{text}");
}

#[test]
fn failures_of_tls_say_why() {
    let mut view = failed();
    let answers = |view: &TestView| {
        let text = text(view);
        fits(&text, 45);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    view.totals.errors = BTreeMap::from([("tls".to_owned(), 1_020)]);
    assert!(answers(&view).contains("· tls: 1,020 ·"), "a driver that does not report causes");
    view.totals.tls_causes = BTreeMap::from([("expired".to_owned(), 1_020)]);
    assert!(answers(&view).contains("· tls: 1,020 (certificate expired) ·"), "{}", answers(&view));
    view.totals.tls_causes.insert("no_tls".to_owned(), 7);
    let both = "tls: 1,020 (certificate expired: 1,020, the server does not speak TLS on this port: 7)";
    assert!(answers(&view).contains(both), "{}", answers(&view));
}

/// Two scenarios, a group, a poll and three requests, one of them with a long name.
fn sessions() -> TestView {
    let mut view = passed();
    (view.seed, view.requests_per_session) = (Some(7), Some(2.5));
    view.plan["requests"] = json!({ "create": {}, "confirm": {}, "status": {} });
    view.plan["load"] = json!({ "mode": "tsunami", "rate": 20, "duration": "30s", "max_sessions": 1024 });
    let response = |slower| ResponseLatency { response: stats(RESPONSE, slower) };
    let of = |started: u64, failed: u64, abandoned: u64, dropped: u64| SessionTotals {
        counts: SessionCounts {
            started,
            completed: started - failed - abandoned,
            failed,
            abandoned,
            dropped,
        },
        under_way: Some(0),
        throughput_per_s: Some((started - failed - abandoned) as f64 / 30.0),
        latency_ms: response(100 * failed),
        ..SessionTotals::default()
    };
    let mut pay = of(900, 40, 5, 12);
    pay.ended_at =
        [("checkout.confirm", 30), ("status", 14), ("create", 1)].map(|(at, n)| (at.to_owned(), n)).into();
    let totals = &mut view.totals;
    totals.scenarios = [("pay".to_owned(), pay), ("browse".to_owned(), of(300, 0, 0, 0))].into();
    totals.sessions = Some(of(1_200, 40, 5, 12));
    let passes = |completed, failed| PassTotals { completed, failed, latency_ms: response(0) };
    totals.groups = [("checkout".to_owned(), passes(870, 30))].into();
    totals.polls = [("status".to_owned(), passes(856, 14))].into();
    let requests = |sent: u64, failed: u64| RequestTotals {
        sent,
        completed: sent - failed,
        failed,
        latency_ms: OutcomeLatency { response: stats(RESPONSE, failed), service: stats(SERVICE, failed) },
        ..RequestTotals::default()
    };
    totals.requests = [
        ("create".to_owned(), requests(900, 0)),
        ("confirm".to_owned(), requests(900, 30)),
        ("page//a/very/long/path/of/a/page/that/was/split".to_owned(), requests(12_345_678, 0)),
    ]
    .into();
    view
}

#[test]
fn sessions_and_requests_have_a_line_each_by_name() {
    let text = text(&sessions());
    fits(&text, 54);
    let expected = include_str!("../expected/sessions.txt");
    assert_eq!(text, expected, "{text}");
    for columns in [32, 40, 60, 120] {
        let text = super::text_in(&sessions(), columns);
        assert!(text.lines().all(|line| width(line) <= columns), "{columns}:\n{text}");
    }
    let mut many = sessions();
    let one = many.totals.requests["create"].clone();
    many.totals.requests = (0..256).map(|n| (format!("name-{n}"), one.clone())).collect();
    assert!(super::text(&many).contains("and 232 others with fewer failures: see the JSON report"));
}

#[test]
fn a_test_that_failed_says_first_what_to_do() {
    let text = text(&failed());
    fits(&text, 43);
    let expected = include_str!("../expected/failed.txt");
    assert_eq!(text, expected, "{text}");
}

/// One of ours and a classic one, which was lost; the test runs on.
fn mixed() -> TestView {
    let mut view = passed();
    view.verdict = Some(Verdict::Incomplete);
    view.reasons =
        vec!["driver c was lost 12 s into the test and did not come back: look at its log".to_owned()];
    let mut classic = Totals { sent: Some(1_200), completed: Some(1_190), ..Totals::default() };
    classic.latency_ms.response =
        LatencyStats { mean: Some(2.0), max: Some(31.5), ..LatencyStats::default() };
    let mut lost = driver("c-with-a-very-long-name", classic);
    (lost.approximate, lost.busy_max, lost.state) = (true, None, PartState::Lost);
    let mut odd = driver("d", Totals::default());
    (odd.approximate, odd.implausible, odd.busy_max) = (true, true, None);
    view.drivers = vec![view.drivers.remove(0), lost, odd];
    view.totals.unresolved = Some(10);
    view.totals.latency_ms.coverage = None;
    view.totals.unknown_from = vec!["d".to_owned()];
    view.totals.ends_unknown_from = vec!["c-with-a-very-long-name".to_owned(), "e".to_owned()];
    view.totals.end_unknown = 700;
    view.totals.warmup.scheduled = 5_000;
    view.totals.short_gaps = 12;
    view.totals.throughput_per_s = None;
    view.thresholds = vec![
        ThresholdView {
            driver: Some("vm-9511-a3f2".to_owned()),
            ..threshold("driver.response.p99 < 250ms", 0.85, true, true)
        },
        ThresholdView { value: None, ok: None, ..threshold("response.p99 < 250ms", 0.0, true, true) },
        ThresholdView {
            ok: None,
            without: vec!["c-with-a-very-long-name".to_owned()],
            ..threshold("errors.ratio < 1%", 0.002, true, false)
        },
    ];
    view
}

#[test]
fn what_is_not_known_is_said() {
    let text = text(&mixed());
    fits(&text, 43);
    let expected = include_str!("../expected/mixed.txt");
    assert_eq!(text, expected, "{text}");
}

#[test]
fn a_large_fleet_is_told_by_those_that_stand_out() {
    let mut view = passed();
    view.drivers = (0..12).map(|n| driver(&format!("node-{n}"), totals(1, 0, 0))).collect();
    view.drivers[7].state = PartState::Lost;
    view.drivers[3].totals.latency_ms.response.p99 = Some(99.0);
    view.thresholds = view
        .drivers
        .iter()
        .map(|driver| ThresholdView {
            driver: Some(driver.node_id.clone()),
            ..threshold("driver.response.p99 < 50ms", 0.85, driver.node_id != "node-3", true)
        })
        .collect();
    let text = text(&view);
    fits(&text, 35);
    let lines: Vec<&str> = text.lines().collect();
    let table = lines.iter().position(|line| line.starts_with("driver ")).unwrap();
    assert!(lines[table + 1].starts_with("node-7 ") && lines[table + 1].ends_with("lost"), "{text}");
    assert!(lines[table + 2].starts_with("node-3 "), "{text}");
    assert_eq!(lines[table + 6], "  and 7 more; each of 12 drivers sent 30,000 to 30,000");
    let broke = "  BROKE  driver.response.p99 < 50ms           850 µs  driver node-3";
    assert!(lines.contains(&broke), "{text}");
    view.thresholds.iter_mut().for_each(|threshold| threshold.ok = Some(true));
    let held = "  held   driver.response.p99 < 50ms                   each of 12 drivers";
    assert!(super::text(&view).lines().any(|line| line == held), "{}", super::text(&view));
}

#[test]
fn the_unit_of_a_threshold_is_that_of_its_figure_whatever_name_it_is_of() {
    let mut view = passed();
    view.thresholds = [
        ("session.errors.ratio < 1%", 0.004),
        ("v1.page/a.b.throughput > 5/s", 7.0),
        ("job.poll.response.p97.5 < 1s", 12.5),
        ("buyer.session.response.max < 1s", 250.0),
    ]
    .map(|(expression, value)| threshold(expression, value, true, true))
    .into();
    let text = text(&view);
    for expected in [
        "  held   session.errors.ratio < 1%             0.4 %",
        "  held   v1.page/a.b.throughput > 5/s            7/s",
        "  held   job.poll.response.p97.5 < 1s        12.5 ms",
        "  held   buyer.session.response.max < 1s      250 ms",
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected}: {text}");
    }
}

#[test]
fn the_widest_figures_keep_to_the_page() {
    let mut view = failed();
    let most = 9_999_999_999;
    let n = Some(most);
    let hour = stats(&[(3_600_000_000, 10)], 1);
    let widest = Totals {
        scheduled: n,
        sent: n,
        completed: n,
        failed: n,
        dropped: n,
        dropped_by: DroppedBy { in_flight: most, late: most },
        in_flight: n,
        unresolved: Some(most),
        latency_ms: LatencyView {
            coverage: Some(0.999_999),
            response: hour.clone(),
            service: hour.clone(),
            lag: hour.clone(),
            turn: hour.clone(),
            connect: hour.clone(),
            first_byte: hour.clone(),
            success: OutcomeLatency { response: hour.clone(), service: hour.clone() },
            failed: OutcomeLatency { response: hour.clone(), service: hour },
        },
        ..view.totals.clone()
    };
    view.totals = widest.clone();
    view.name = "a name\nof two lines ".repeat(20);
    view.reasons = vec!["x".repeat(200); 9];
    view.plan["target"]["url"] = json!(format!("http://127.0.0.1/{}", "path/".repeat(60)));
    view.drivers[0].node_id = "n".repeat(249);
    view.drivers[0].totals = Totals {
        sent: Some(99_999_999),
        completed: Some(99_999_999),
        failed: Some(1_000_000),
        dropped: Some(12_345_678),
        ..widest.clone()
    };
    view.drivers[1].totals = widest;
    let text = text(&view);
    fits(&text, 70);
    assert!(text.contains("and 4 more: see the JSON report"), "{text}");
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("nnnn").contains(" 99,999,999 99,999,999    1.00M    12.3M "), "columns stay apart: {text}");
    assert!(row("vm-9511-77c0").contains(" 10.0G "), "{text}");
}

/// A generator that was the limit, on a machine that its host shares.
fn invalid() -> TestView {
    let mut view = passed();
    view.verdict = Some(Verdict::Invalid);
    view.reasons = vec![
        "driver vm-9511-a3f2 was 12.3 ms late at p99 (allowed 5.00 ms; CPU up to 97 %, steal up to 12 %): give it a \
         machine that shares its cores with nobody, or lower the rate to 880/s each"
            .to_owned(),
    ];
    view.totals = totals(2, 0, 1_200);
    view.totals.dropped_by = DroppedBy { in_flight: 0, late: 1_200 };
    let driver = &mut view.drivers[0];
    (driver.cpu_mean, driver.cpu_max) = (Some(0.91), Some(0.97));
    (driver.steal_mean, driver.steal_max, driver.busy_max) = (Some(0.043), Some(0.12), Some(1.0));
    driver.totals.latency_ms.lag = stats(&[(8, 29_000), (12_300, 1_000)], 0);
    view.totals.latency_ms.lag = stats(&[(8, 59_000), (12_300, 1_000)], 0);
    view.totals.latency_ms.turn = stats(&[(4, 59_000), (2_300, 1_000)], 0);
    view.totals.short_gaps = 1_234;
    view
}

#[test]
fn a_generator_that_was_the_limit_shows_what_explains_it() {
    let text = text(&invalid());
    fits(&text, 43);
    let expected = include_str!("../expected/invalid.txt");
    assert_eq!(text, expected, "{text}");
}

#[test]
fn a_closed_loop_says_what_it_cannot_see() {
    let mut view = passed();
    view.notes = vec![
        "a closed loop waits for its answers: what it could not send meanwhile it did not see".to_owned(),
    ];
    let text = text(&view);
    fits(&text, 35);
    assert!(text.contains("\nnote       a closed loop waits for its answers"), "{text}");
}

#[test]
fn the_figures_of_a_driver_stand_apart_however_large_they_are() {
    let mut view = failed();
    for n in [999_999, 1_000_000, 12_345_678, 99_999_999, 100_000_000, 9_999_999_999, 1 << 53] {
        let totals = &mut view.drivers[0].totals;
        (totals.sent, totals.completed) = (Some(n), Some(n));
        (totals.failed, totals.dropped) = (Some(n), Some(n));
        let text = text(&view);
        fits(&text, 43);
        let row = text.lines().find(|line| line.starts_with("vm-9511-a3f2 ")).unwrap();
        assert_eq!(row.split_whitespace().count(), 9, "{row}");
    }
}

#[test]
fn before_the_end_the_state_stands_where_the_verdict_will() {
    let mut view = passed();
    (view.verdict, view.state) = (None, TestState::Running);
    view.totals.in_flight = Some(7);
    let text = text(&view);
    assert!(text.starts_with("RUNNING  ping") && text.contains("+ 7 in flight"), "{text}");
    view.drivers.clear();
    view.state = TestState::Configured;
    assert!(super::text(&view).contains("plan       tsunami: 1,000/s each"), "{}", super::text(&view));
}

#[test]
fn the_json_report_is_the_view() {
    let text = json(&failed());
    assert_eq!(serde_json::from_str::<TestView>(&text).unwrap(), failed());
    assert!(
        text.contains("\"p99.9\": ") && text.contains("\"verdict\": \"failed\"") && text.ends_with("}\n")
    );
}

#[test]
fn completed_and_failed_requests_have_lines_of_their_own_where_one_failed() {
    let lines = |view: &TestView| -> Vec<String> {
        let text = text(view);
        let of_latency = text.lines().skip_while(|line| !line.starts_with("latency ms")).skip(1);
        let names = of_latency.map(|line| line.get(..10).unwrap_or(line).trim_end().to_owned());
        names.take_while(|name| !name.starts_with("  ") && !name.starts_with("generator")).collect()
    };
    assert_eq!(lines(&passed()), ["response", "service", "first byte", "connect", "lag"]);
    let mut view = failed();
    assert_eq!(
        lines(&view),
        ["response", " completed", " failed", "service", "first byte", "connect", "lag"]
    );
    view.totals.latency_ms.connect = LatencyStats::default();
    assert!(!lines(&view).contains(&"connect".to_owned()), "no connection was opened");
}

#[test]
fn the_warm_up_says_which_counts_hold_it() {
    let mut view = passed();
    view.totals.warmup = WarmupTotals {
        scheduled: 2_000,
        sent: 1_990,
        completed: 1_900,
        failed: 90,
        dropped: 10,
        ..WarmupTotals::default()
    };
    let text = text(&view);
    let expected = "warm-up    2,000 scheduled, 1,990 sent, 90 failed, 10 dropped: in the counts\n           above, in no other figure";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_report_of_an_earlier_version_keeps_its_figures_and_says_so() {
    // As version 1 wrote it: no definitions, and of the latencies only these.
    let mut old = serde_json::to_value(failed()).unwrap();
    old.as_object_mut().unwrap().remove("definitions");
    old["totals"].as_object_mut().unwrap().remove("completed_in_schedule");
    for key in ["connect", "first_byte", "success", "failed"] {
        old["totals"]["latency_ms"].as_object_mut().unwrap().remove(key);
    }
    let old: TestView = serde_json::from_value(old).unwrap();
    assert_eq!((old.definitions, DEFINITIONS), (1, 2));
    assert_eq!(old.totals.latency_ms.response, failed().totals.latency_ms.response, "kept as they were");
    let text = text(&old);
    fits(&text, 42);
    assert!(text.contains("note       figures as an earlier version defined them"), "{text}");
    assert!(!super::text(&failed()).contains("earlier version"));
}
