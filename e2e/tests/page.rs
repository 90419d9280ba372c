//! The page at `/`, as a person sees it beside a test: every driver, live figures, the verdict, who was lost; and
//! nothing from anywhere else.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::PathBuf;
use std::time::Duration;

use e2e::browser::Browser;
use e2e::process::PATIENCE;
use e2e::shop::Shop;
use e2e::system::{System, avalanche, tsunami};
use e2e::{repository, wait_for};
use rustix::process::Signal;
use serde_json::{Value, json};

/// For people who want to see it.
fn picture(name: &str) -> PathBuf {
    repository().join("build/page").join(name)
}

/// A count as the page writes it; `None` where it shows none.
fn count(cell: &Value) -> Option<u64> {
    cell.as_str().unwrap().replace(',', "").parse().ok()
}

/// A figure of the page is that of REST, rounded. (By tolerance: JavaScript rounds a half up, Rust to even.)
#[track_caller]
fn assert_rounded(shown: &Value, decimals: i32, value: f64) {
    let number: f64 = shown.as_str().unwrap().trim_start_matches("≥ ").parse().unwrap();
    assert!((number - value).abs() <= 0.5 * 10_f64.powi(-decimals) + 1e-9, "{shown} is not {value}");
}

/// Milliseconds, with as many decimals as the page gives them.
#[track_caller]
fn assert_ms(shown: &Value, value: &Value) {
    let ms = value.as_f64().unwrap();
    let decimals = match ms {
        ms if ms >= 1_000.0 => 0,
        ms if ms >= 100.0 => 1,
        ms if ms >= 10.0 => 2,
        _ => 3,
    };
    assert_rounded(shown, decimals, ms);
}

/// A row's cells are all figures of a latency, in the order of the report.
#[track_caller]
fn assert_figures(cells: &[Value], stats: &Value) {
    let figures = ["min", "mean", "median", "mode", "p90", "p95", "p99", "p99.9", "p99.99", "max"];
    assert_eq!(cells.len(), figures.len(), "{cells:?}");
    for (cell, figure) in cells.iter().zip(figures) {
        assert_ms(cell, &stats[figure]);
    }
}

/// The page's row of a driver.
fn row<'p>(page: &'p Value, driver: &str) -> &'p [Value] {
    let rows = page["drivers"].as_array().unwrap();
    let row = rows.iter().find(|row| row[0] == driver);
    row.unwrap_or_else(|| panic!("no row of {driver}: {page:#}")).as_array().unwrap()
}

/// Looks until the page shows something.
#[track_caller]
fn see<T>(browser: &mut Browser, what: &str, find: impl Fn(&Value) -> Option<T>) -> T {
    wait_for(&format!("{what} on the page"), PATIENCE, || find(&browser.look()))
}

/// Every figure that the page shows is the one of REST.
#[track_caller]
fn assert_shows(page: &Value, report: &Value) {
    let totals = &report["totals"];
    for (shown, key) in [
        ("sent", "sent"),
        ("completed", "completed"),
        ("failed", "failed"),
        ("dropped", "dropped"),
        ("in flight", "in_flight"),
    ] {
        assert_eq!(count(&page["figures"][shown]), totals[key].as_u64(), "{shown}: {page:#}");
    }
    assert_rounded(&page["figures"]["throughput/s"], 1, totals["throughput_per_s"].as_f64().unwrap());
    let latencies = [
        ("response", "response"),
        ("service", "service"),
        ("first byte", "first_byte"),
        ("connect", "connect"),
        ("lag", "lag"),
    ];
    // Where all connections were made ahead of the first requests, no request has a time to connect.
    let latencies: Vec<_> = latencies
        .into_iter()
        .filter(|(_, kind)| *kind != "connect" || totals["latency_ms"][kind]["count"].as_u64() > Some(0))
        .collect();
    let rows = page["latency"].as_array().unwrap();
    assert_eq!(rows.len(), latencies.len(), "no line of failed requests where none failed: {page:#}");
    for (row, (label, kind)) in rows.iter().zip(latencies) {
        let stats = &totals["latency_ms"][kind];
        assert_eq!((row[0].as_str(), count(&row[1])), (Some(label), stats["count"].as_u64()), "{page:#}");
        assert_figures(&row.as_array().unwrap()[2..], stats);
    }
    for driver in report["drivers"].as_array().unwrap() {
        let row = row(page, driver["node_id"].as_str().unwrap());
        assert_eq!(count(&row[2]), driver["sent"].as_u64(), "{row:?}");
        assert_eq!(count(&row[5]), driver["failed"].as_u64(), "{row:?}");
        assert_figures(&row[8..], &driver["latency_ms"]["response"]);
    }
    assert_eq!(page["verdict"], report["verdict"], "{page:#}");
    assert_eq!(page["reasons"], report["reasons"], "{page:#}");
}

#[test]
fn the_page_shows_a_test_live_its_verdict_and_who_was_lost() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("orchestrator.toml");
    std::fs::write(&config, "[test]\nsuspect_after = \"1500ms\"\nlost_after = \"3s\"\n").unwrap();
    let mut system = System::start_with("embedded", 3, &["--config", config.to_str().unwrap()]);
    let target = system.add_target(&["--delay", "3ms", "--jitter", "2ms"]);
    let ids: Vec<String> = system.drivers.iter().map(|(_, id)| id.clone()).collect();
    let mut browser = Browser::open(&format!("{}/", system.rest.base));
    see(&mut browser, "three drivers that are there", |page| {
        (page["link"] == "live" && page["drivers"].as_array().unwrap().len() == 3).then_some(())
    });
    assert_eq!(browser.shoot(&picture("1-idle.png"), 1280), 1280);

    let passed = system.run(&avalanche(&target.url(), 2, 200));
    see(&mut browser, "the verdict", |page| page["verdict"].as_str().map(drop));
    assert_shows(&browser.look(), &system.test(passed["test_id"].as_str().unwrap()));

    let id = system.trigger(&tsunami(&target.url(), 50.0, "16s"));
    let sent = |page: &Value| ids.iter().map(|id| count(&row(page, id)[2])).collect::<Option<Vec<u64>>>();
    let begun = see(&mut browser, "what each driver has sent", |page| {
        sent(page).filter(|sent| page["state"] == "running" && sent.iter().all(|n| *n > 0))
    });
    see(&mut browser, "figures that grow", |page| {
        let live = page["state"] == "running"
            && page["charts"][0] != ""
            && count(&page["figures"]["requests/s"]) > Some(0);
        sent(page).filter(|sent| live && sent.iter().zip(&begun).all(|(now, then)| now > then))
    });
    browser.shoot(&picture("2-running.png"), 1280);
    assert_eq!(browser.shoot(&picture("2-running-narrow.png"), 390), 390, "no wider than a telephone");

    let (killed, lost) = system.drivers.pop().unwrap();
    killed.signal(Signal::KILL);
    let gone = see(&mut browser, "that one is lost", |page| {
        let row = row(page, &lost);
        (row[1] == "lost").then(|| row.to_vec())
    });
    assert_eq!(gone[3], "–", "a lost driver has no rate: {gone:?}");
    let age = |cell: &Value| cell.as_str().unwrap().parse::<f64>().unwrap();
    assert!(age(&gone[7]) >= 2.5, "it is lost after 3 s of silence: {gone:?}");
    see(&mut browser, "that it goes on ageing", |page| {
        (age(&row(page, &lost)[7]) >= age(&gone[7]) + 2.0).then_some(())
    });
    browser.shoot(&picture("3-lost.png"), 1280);
    let report = system.finished(&id, Duration::from_secs(60));
    see(&mut browser, "the verdict", |page| (page["verdict"] == "incomplete").then_some(()));
    let page = browser.look();
    assert_shows(&page, &report);
    assert!(page["reasons"].to_string().contains(&lost), "{page:#}");
    browser.shoot(&picture("4-incomplete.png"), 1280);
    assert_eq!(browser.shoot(&picture("4-incomplete-narrow.png"), 390), 390, "no wider than a telephone");
    assert_eq!((&page["errors"], &page["foreign"]), (&Value::from(vec![""; 0]), &Value::from(vec![""; 0])));
}

#[test]
fn the_page_shows_sessions_groups_polls_and_requests_by_name() {
    let (system, shop) = Shop::with_system(2);
    let mut browser = Browser::open(&format!("{}/", system.rest.base));
    // Of 25 sessions on each driver, those that look end at an answer that says 404.
    let report = shop.run(
        &system,
        json!({
            "requests": {
                "home": { "path": "/shop/" },
                "product": { "path": "/shop/products/{{int 1 1000}}" },
                "gone": { "path": "/shop/", "query": { "fail": "404" } },
                "state": { "path": "/shop/", "extract": { "seen": { "status": true } } },
            },
            "flows": { "look": { "group": "looking", "steps": ["product", "product"] } },
            "scenarios": {
                "buys": { "share": 3, "steps": ["home", "look", { "poll": "state", "until": { "seen": "200" }, "every": "10ms", "at_most": 3 }] },
                "looks": { "share": 2, "steps": ["home", "gone"] },
            },
            "load": { "rate": 50, "sessions": 25 },
        }),
    );
    see(&mut browser, "the verdict", |page| (page["verdict"] == report["verdict"]).then_some(()));
    let page = browser.look();
    let totals = &report["totals"];
    let of = |table: &str| totals[table].as_object().unwrap().iter();
    let mut expected: Vec<(&str, &str, Option<u64>, &Value)> =
        vec![("all", "sessions", totals["sessions"]["started"].as_u64(), &totals["sessions"])];
    expected.extend(of("scenarios").map(|(name, of)| (&**name, "sessions", of["started"].as_u64(), of)));
    for (table, what) in [("groups", "group"), ("polls", "poll")] {
        let begun = |of: &Value| Some(of["completed"].as_u64()? + of["failed"].as_u64()?);
        expected.extend(of(table).map(|(name, of)| (&**name, what, begun(of), of)));
    }
    expected.extend(of("requests").map(|(name, of)| (&**name, "requests", of["sent"].as_u64(), of)));
    // All, two scenarios, a group, a poll and four requests.
    assert_eq!(expected.len(), 9, "{report:#}");
    let rows = page["named"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{page:#}");
    for (row, (name, what, begun, of)) in rows.iter().zip(expected) {
        assert_eq!((&row[0], &row[1], count(&row[2])), (&json!(name), &json!(what), begun), "{row}");
        for (at, key) in [(3, "completed"), (4, "failed"), (5, "abandoned"), (6, "dropped")] {
            assert_eq!(count(&row[at]), of[key].as_u64(), "{key}: {row}");
        }
        // Of those that failed a figure is a lower bound, or unknown.
        if of["failed"] == 0 {
            assert_figures(&row.as_array().unwrap()[7..], &of["latency_ms"]["response"]);
        }
    }
    let failed = &totals["scenarios"]["looks"]["failed"];
    assert_eq!(page["endedAt"], json!([format!("Sessions of looks ended early at gone: {failed}")]));
    assert_eq!((&page["errors"], &page["foreign"]), (&json!([]), &json!([])));

    // Each second by name, too: together they are the totals.
    let windows = system.rest.get(&format!("/api/v1/tests/{}/windows", report["test_id"].as_str().unwrap()));
    let windows = windows.json()["windows"].clone();
    for (name, of) in of("requests") {
        let sent = |window: &Value| window["requests"][name]["sent"].as_u64().unwrap_or(0);
        let sum: u64 = windows.as_array().unwrap().iter().map(sent).sum();
        assert_eq!(of["sent"], sum, "{name}: {windows:#}");
    }
}
