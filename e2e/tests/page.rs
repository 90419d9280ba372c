//! The page of one test, as a person sees it beside the test: live figures, the verdict, who was lost; and nothing from
//! anywhere else. What has to hold of its figures is written in dashboard/e2e/one-test.mjs, by other code than the page's.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::time::Duration;

use e2e::browser::Browser;
use e2e::process::PATIENCE;
use e2e::shop::Shop;
use e2e::system::{System, avalanche, tsunami};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::json;

#[test]
fn the_page_shows_a_test_live_its_verdict_and_who_was_lost() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("orchestrator.toml");
    std::fs::write(&config, "[test]\nsuspect_after = \"1500ms\"\nlost_after = \"3s\"\n").unwrap();
    let mut system = System::start_with("embedded", 3, &["--config", config.to_str().unwrap()]);
    let target = system.add_target(&["--delay", "3ms", "--jitter", "2ms"]);
    let base = system.rest.base.clone();
    let passed = system.run(&avalanche(&target.url(), 2, 200));
    let passed_id = passed["test_id"].as_str().unwrap().to_owned();
    let mut browser = Browser::open(&format!("{base}/tests/{passed_id}"));
    browser.see("h1", "avalanche");
    browser.see(".test-head .badge", "passed");
    browser.assert_holds("numbersAreTheApis", &base, &passed_id);
    browser.assert_accessible("a test that passed");
    browser.shoot("test-passed");

    let id = system.trigger(&tsunami(&target.url(), 50.0, "16s"));
    browser.go(&format!("{base}/tests/{id}"));
    browser.see(".test-head .badge", "running");
    browser.assert_holds("liveIsTheApis", &base, &id);
    let sent = |browser: &mut Browser| -> Option<u64> {
        let figures = browser.texts(".big-figures > div");
        let sent = figures.iter().find(|figure| figure.to_lowercase().starts_with("sent"))?;
        sent.lines().next_back()?.replace(',', "").trim().parse().ok()
    };
    let before = wait_for("what was sent", PATIENCE, || sent(&mut browser).filter(|n| *n > 0));
    wait_for("more of it", PATIENCE, || sent(&mut browser).filter(|n| *n > before));
    browser.assert_accessible("a test that runs");
    browser.shoot("test-running");

    let (killed, lost) = system.drivers.pop().unwrap();
    killed.signal(Signal::KILL);
    browser.see(".findings", &lost);
    let report = system.finished(&id, Duration::from_secs(60));
    assert_eq!(report["verdict"], "incomplete", "{report:#}");
    browser.see(".test-head .badge", "incomplete");
    for reason in report["reasons"].as_array().unwrap() {
        browser.see(".findings", reason.as_str().unwrap());
    }
    browser.assert_holds("numbersAreTheApis", &base, &id);
    browser.assert_accessible("an incomplete test");
    browser.shoot("test-incomplete");
    // Zoomed to by mouse and by keys: the figures are exactly those of the span.
    browser.assert_holds("dragZooms", &base, &id);
    browser.assert_holds("keysZoom", &base, &id);
    browser.order(&json!({ "do": "hold", "what": "cursorIsTheApis", "args": [base, id, 3] }));
    browser.assert_quiet(&["Failed to load resource: the server responded with a status of 404"]);
}

#[test]
fn the_page_shows_sessions_groups_polls_and_requests_by_name() {
    let (system, shop) = Shop::with_system(2);
    let base = system.rest.base.clone();
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
    let id = report["test_id"].as_str().unwrap();
    let mut browser = Browser::open(&format!("{base}/tests/{id}"));
    browser.see(".test-head .badge", report["verdict"].as_str().unwrap());
    browser.assert_holds("numbersAreTheApis", &base, id);
    browser.assert_holds("namesAreTheApis", &base, id);
    browser.assert_accessible("a test of sessions");
    browser.shoot("test-sessions");
    browser.assert_quiet(&["Failed to load resource: the server responded with a status of 404"]);

    // Each second by name, too: together they are the totals.
    let windows = system.rest.get(&format!("/api/v1/tests/{id}/windows")).json()["windows"].clone();
    for (name, of) in report["totals"]["requests"].as_object().unwrap() {
        let sent = |window: &serde_json::Value| window["requests"][name]["sent"].as_u64().unwrap_or(0);
        let sum: u64 = windows.as_array().unwrap().iter().map(sent).sum();
        assert_eq!(of["sent"], sum, "{name}: {windows:#}");
    }
}
