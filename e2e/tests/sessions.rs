//! Plans with `[requests]` from end to end: what a report counts by name is what the target's shop counted by that name,
//! and each kind of step does what docs/plans.md promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use e2e::shop::Shop;
use serde_json::{Value, json};

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

#[test]
fn a_mix_keeps_its_shares_over_the_fleet() {
    let (system, shop) = Shop::with_system(2);
    let report = shop.run(
        &system,
        json!({
            "per": "fleet", "seed": 3,
            "requests": {
                "home": { "share": 6, "path": "/shop/" },
                "product": { "share": 3, "path": "/shop/products/{{int 1 1000}}" },
                "search": { "share": 1, "path": "/shop/search", "query": { "q": "{{choice red blue 'dark green'}}", "from": "{{int 0 9 | pad 3}}" } },
            },
            "load": { "rate": 300, "duration": "2s" },
        }),
    );
    let requests = &report["totals"]["requests"];
    let sent = |name: &str| n(&requests[name]["sent"]);
    assert_eq!(sent("home") + sent("product") + sent("search"), 600, "{requests:#}");
    // Draws without replacement from 10,007 entries: within 5 standard deviations.
    for (name, share) in [("home", 0.6), ("product", 0.3), ("search", 0.1_f64)] {
        let sigma = (600.0 * share * (1.0 - share)).sqrt();
        assert!((sent(name) as f64 - 600.0 * share).abs() < 5.0 * sigma, "{name}: {requests:#}");
    }
    assert_eq!(report["verdict"], "passed", "{report:#}");
}

#[test]
fn a_log_in_keeps_cookies_and_sends_the_token_of_its_form() {
    let (system, shop) = Shop::with_system(1);
    let report = shop.run(
        &system,
        json!({
            "requests": {
                "form": { "path": "/shop/login", "extract": { "csrf": { "input": "csrf" } } },
                "login": {
                    "method": "POST", "path": "/shop/login", "expect_status": 303,
                    "form": { "user": "guest {{session}}", "password": "pass&word", "csrf": "{{csrf}}" },
                },
                "account": { "path": "/shop/account" },
            },
            "scenarios": { "customer": { "cookies": true, "steps": ["form", "login", "account"] } },
            "load": { "rate": 50, "sessions": 60 },
        }),
    );
    let sessions = &report["totals"]["sessions"];
    assert_eq!(
        (n(&sessions["started"]), n(&sessions["completed"]), n(&sessions["failed"])),
        (60, 60, 0),
        "{report:#}"
    );
    for name in ["form", "login", "account"] {
        assert_eq!(n(&report["totals"]["requests"][name]["completed"]), 60, "{name}: {report:#}");
    }
    assert_eq!(report["verdict"], "passed", "{report:#}");
}

#[test]
fn values_of_an_answer_go_into_the_next_request() {
    let (system, shop) = Shop::with_system(2);
    let report = shop.run(
        &system,
        json!({
            "requests": {
                "token": {
                    "method": "POST", "path": "/shop/token", "json": { "user": "u{{int 1 9}}", "password": "p" },
                    "extract": { "bearer": { "json": "$.access_token" } },
                },
                "order": {
                    "path": "/shop/orders", "headers": { "authorization": "Bearer {{bearer}}" }, "expect_status": 201,
                    "json": { "product": "{{int 1 1000 | number}}", "note": "a \"quoted\" {{alnum 8}}" },
                    "extract": { "order": { "json": "$.id" } },
                    "check": { "json": { "$.status": "created" } },
                },
                "confirm": {
                    "method": "POST", "path": "/shop/orders/{{order}}/confirm",
                    "headers": { "authorization": "Bearer {{bearer}}" },
                    "check": { "json": { "$.status": { "is": ["succeeded", "processing"] } } },
                },
            },
            "scenarios": { "buy": { "steps": ["token", { "think": "500ms..600ms" }, "order", "confirm"] } },
            "load": { "rate": 40, "duration": "1500ms" },
        }),
    );
    let sessions = &report["totals"]["sessions"];
    assert_eq!((n(&sessions["started"]), n(&sessions["failed"])), (120, 0), "{report:#}");
    assert_eq!(n(&report["totals"]["requests"]["confirm"]["completed"]), 120);
    // The session's response leaves the thinking out. A busy machine may add as much to some, and not to all.
    let min = sessions["latency_ms"]["response"]["min"].as_f64().unwrap();
    assert!(min < 500.0, "{sessions:#}");
}

#[test]
fn failed_checks_and_missing_values_count_under_their_status_and_their_kind() {
    let (system, shop) = Shop::with_system(1);
    let report = shop.run(
        &system,
        json!({
            "requests": {
                "wrong": { "path": "/shop/products/7", "check": { "json": { "$.id": "eight" } } },
                "lacks": { "path": "/shop/products/7", "extract": { "x": { "json": "$.nothing" } } },
                "never": { "path": "/shop/products/{{x}}" },
            },
            "scenarios": {
                "a": { "steps": ["wrong"] },
                "b": { "steps": ["lacks", "never"] },
            },
            "load": { "rate": 100, "sessions": 100 },
        }),
    );
    let requests = &report["totals"]["requests"];
    let wrong = &requests["wrong"];
    assert_eq!((&wrong["completed"], &wrong["failed"]), (&json!(0), &wrong["sent"]), "{report:#}");
    assert_eq!((&wrong["status_codes"]["200"], &wrong["errors"]["check"]), (&wrong["sent"], &wrong["sent"]));
    let lacks = &requests["lacks"];
    assert_eq!(
        (&lacks["status_codes"]["200"], &lacks["errors"]["extract"]),
        (&lacks["sent"], &lacks["sent"])
    );
    assert!(requests["never"].is_null() || n(&requests["never"]["sent"]) == 0, "{report:#}");
    let totals = &report["totals"];
    assert_eq!(n(&totals["sessions"]["failed"]), 100, "{report:#}");
    assert_eq!(totals["scenarios"]["b"]["ended_at"]["lacks"], lacks["sent"], "{report:#}");
    assert_eq!(report["verdict"], "failed", "{report:#}");
}

#[test]
fn a_poll_waits_for_its_condition_and_is_counted_apart() {
    let (system, shop) = Shop::with_system(1);
    let report = shop.run(
        &system,
        json!({
            "requests": {
                "job": { "method": "POST", "path": "/shop/jobs?ms=200", "expect_status": "200-299", "extract": { "id": { "json": "$.id" } } },
                "state": { "path": "/shop/jobs/{{id}}", "extract": { "state": { "json": "$.state" } } },
            },
            "scenarios": { "s": { "steps": ["job", { "poll": "state", "until": { "state": "done" }, "every": "50ms", "at_most": 40 }] } },
            "load": { "rate": 20, "sessions": 30 },
        }),
    );
    let totals = &report["totals"];
    let poll = &totals["polls"]["state"];
    assert_eq!((n(&poll["completed"]), n(&poll["failed"])), (30, 0), "{report:#}");
    // Four or five looks each, at 50 ms, for 200 ms. On a busy machine some jobs are done by the first look, not all.
    let looks = n(&totals["requests"]["state"]["sent"]);
    assert!((31..=300).contains(&looks), "{looks} looks");
    let max = poll["latency_ms"]["response"]["max"].as_f64().unwrap();
    assert!(max >= 100.0, "{poll:#}");
    assert_eq!(n(&totals["sessions"]["completed"]), 30, "{report:#}");
}

#[test]
fn steps_repeat_choose_and_depend_on_values() {
    let (system, shop) = Shop::with_system(1);
    let report = shop.run(
        &system,
        json!({
            "seed": 11,
            "requests": {
                "home": { "path": "/shop/" },
                "product": { "path": "/shop/products/{{int 1 1000}}", "extract": { "code": { "status": true } } },
                "cart": { "path": "/shop/cart" },
            },
            "flows": { "look": { "group": "looking", "steps": ["product", { "think": "5ms" }, "product"] } },
            "scenarios": { "visitor": { "steps": [
                { "repeat": 4, "steps": [{ "choose": { "home": 3, "look": 1, "nothing": 1 } }] },
                "product",
                { "when": { "code": "200" }, "steps": ["cart"], "otherwise": ["home"] },
            ] } },
            "load": { "rate": 100, "sessions": 200 },
        }),
    );
    let totals = &report["totals"];
    let passes = n(&totals["groups"]["looking"]["completed"]);
    let homes = n(&totals["requests"]["home"]["sent"]);
    // 800 draws: 3 in 5 and 1 in 5, within 5 standard deviations.
    assert!((homes as f64 - 480.0).abs() < 70.0, "{homes} of 800");
    assert!((passes as f64 - 160.0).abs() < 57.0, "{passes} of 800");
    assert_eq!(n(&totals["requests"]["product"]["sent"]), 200 + 2 * passes);
    assert_eq!(n(&totals["requests"]["cart"]["sent"]), 200, "every code was 200");
}

#[test]
fn users_think_and_begin_anew() {
    let (system, shop) = Shop::with_system(2);
    let report = shop.run(
        &system,
        json!({
            "per": "fleet",
            "requests": { "home": { "path": "/shop/" }, "cart": { "path": "/shop/cart" } },
            "scenarios": { "user": { "steps": ["home", { "think": "100ms" }, "cart", { "think": "100ms" }] } },
            "load": { "mode": "avalanche", "users": 10, "duration": "2s" },
        }),
    );
    let sessions = &report["totals"]["sessions"];
    // Ten users, a session of a little more than 200 ms each, for 2 s: at most ten each, and some begin anew.
    let started = n(&sessions["started"]);
    assert!((11..=100).contains(&started), "{sessions:#}");
    let ended = n(&sessions["completed"])
        + n(&sessions["failed"])
        + n(&sessions["abandoned"])
        + n(&sessions["unresolved"]);
    assert_eq!(started, ended, "{sessions:#}");
}

#[test]
fn stages_start_as_many_sessions_as_their_area() {
    let (system, shop) = Shop::with_system(2);
    for arrival in ["even", "poisson"] {
        let report = shop.run(
            &system,
            json!({
                "per": "fleet", "seed": 5,
                "requests": { "home": { "path": "/shop/" } },
                "load": { "stages": [{ "rate": 100, "ramp": "1s", "hold": "1s" }, { "rate": 0, "ramp": "1s" }], "arrival": arrival },
            }),
        );
        let sent = n(&report["totals"]["sent"]) as f64;
        // An area of 200; of Poisson arrivals within 5 standard deviations.
        let within = if arrival == "even" { 1.0 } else { 71.0 };
        assert!((sent - 200.0).abs() <= within, "{arrival}: {sent}");
    }
}

#[test]
fn rows_that_may_be_used_once_are_used_once_over_the_fleet() {
    let (system, shop) = Shop::with_system(2);
    let rows: Vec<Value> = (1..=80).map(|id| json!([id.to_string()])).collect();
    shop.log(1_000);
    let report = shop.run(
        &system,
        json!({
            "per": "fleet",
            "data": { "stock": { "columns": ["id"], "rows": rows, "order": "once" } },
            "requests": { "product": { "path": "/shop/products/{{stock.id}}" } },
            "load": { "rate": 80, "sessions": 80 },
        }),
    );
    assert_eq!(n(&report["totals"]["completed"]), 80, "{report:#}");
    let mut paths = shop.paths();
    paths.sort();
    let mut expected: Vec<String> = (1..=80).map(|id| format!("/shop/products/{id}")).collect();
    expected.sort();
    assert_eq!(paths, expected);
}

#[test]
fn a_multipart_upload_arrives_whole() {
    let (system, shop) = Shop::with_system(1);
    let report = shop.run(
        &system,
        json!({
            "requests": { "upload": {
                "path": "/shop/upload", "expect_status": "200-299",
                "multipart": [
                    { "name": "title", "value": "Grüße {{session}}" },
                    { "name": "photo", "filename": "p{{int 1 9}}.bin", "type": "application/octet-stream", "base64": "AAECAwQFBgcICQ==" },
                ],
            } },
            "load": { "rate": 30, "sessions": 30 },
        }),
    );
    assert_eq!(n(&report["totals"]["completed"]), 30, "{report:#}");
}

#[test]
fn an_engine_of_either_kind_sends_the_same() {
    let (system, shop) = Shop::with_system(1);
    let mut seen = Vec::new();
    for engine in ["wire", "awc"] {
        shop.log(1_000);
        shop.run(
            &system,
            json!({
                "seed": 99,
                "request": { "engine": engine },
                "requests": {
                    "product": { "path": "/shop/products/{{int 1 1000}}", "query": { "a": "x y&z", "b": "{{hex 6}}" } },
                    "order": {
                        "path": "/shop/orders?anonymous=1", "expect_status": 201,
                        "json": { "z": "{{alnum 5}}", "a": ["{{int 1 9 | number}}", true] },
                    },
                },
                "scenarios": { "s": { "steps": ["product", "order"] } },
                "load": { "rate": 50, "sessions": 40 },
            }),
        );
        let mut requests = shop.requests();
        requests.sort();
        seen.push(requests);
    }
    assert_eq!(seen[0].len(), 80);
    assert_eq!(seen[0], seen[1]);
}
