//! `[shared]` and `connections` of an open loop from end to end: a token that expires is renewed while sessions use it, and
//! requests wait for one of so many connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;

use e2e::shop::Shop;
use e2e::system::{System, assert_sound, patient};
use serde_json::{Value, json};

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

fn plan(shop: &Shop, token: Value) -> Value {
    json!({
        "target": { "url": shop.url() },
        "honesty": patient(),
        "requests": {
            "token": token,
            "me": { "path": "/shop/me", "headers": { "x-name": "me", "authorization": "Bearer {{shared.login.token}}" } },
        },
        "shared": { "login": { "request": "token", "every": "700ms" } },
        "load": { "rate": 40, "duration": "8s" },
    })
}

fn token(query: &str) -> Value {
    json!({
        "path": format!("/shop/token?{query}"), "json": { "user": "u", "password": "p" },
        "extract": { "token": { "json": "$.access_token", "secret": true } },
    })
}

#[test]
fn a_token_that_expires_is_renewed_while_sessions_use_it() {
    let mut system = System::start("embedded", 2);
    let shop = Shop::of(&system.add_target(&[]));
    shop.reset();
    shop.log_with(1_000, "authorization");
    // Longer than it is used by far: a machine that is busy renews it late, and no session meets an expired one. Without a
    // renewal those of the last two seconds would.
    let report = system.run(&plan(&shop, token("ttl=6000")));
    assert_sound(&report);
    shop.assert_agrees(&report);
    assert_eq!(report["verdict"], "passed", "{report:#}");
    assert_eq!(report["totals"]["requests"]["me"]["completed"], 640, "{report:#}");
    assert!(report["totals"]["requests"].get("token").is_none(), "counted apart: {report:#}");
    let all = &report["shared"]["login"];
    let sent: Vec<u64> = report["drivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|driver| n(&driver["shared"]["login"]["sent"]))
        .collect();
    assert!(
        sent.len() == 2 && sent.iter().all(|sent| *sent >= 2),
        "at the start and again by age: {report:#}"
    );
    assert_eq!(
        (n(&all["sent"]), n(&all["completed"]), n(&all["failed"])),
        (sent.iter().sum(), sent.iter().sum(), 0)
    );
    assert_eq!(n(&all["status_codes"]["200"]), n(&all["sent"]));
    let tokens: BTreeSet<String> = shop
        .logged()
        .iter()
        .filter_map(|request| {
            request["headers"]["authorization"].as_str()?.strip_prefix("Bearer ").map(str::to_owned)
        })
        .collect();
    assert!(tokens.len() >= 4, "each driver uses two at least: {tokens:?}");
    let shown = report.to_string();
    assert!(tokens.iter().all(|token| !shown.contains(token.as_str())), "no value is in a report");
}

#[test]
fn no_session_starts_without_the_values() {
    let mut system = System::start("embedded", 1);
    let shop = Shop::of(&system.add_target(&[]));
    shop.reset();
    let id = system.create(&plan(&shop, token("fail=503")));
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
    let reason = "shared.login could not be had before the start: status 503, but 200-399 is expected";
    assert!(answer.status == 409 && answer.text.contains(reason), "{} {}", answer.status, answer.text);
    assert!(!shop.by_name().contains_key("me"), "no session was sent: {:?}", shop.by_name());
}

#[test]
fn requests_wait_for_one_of_so_many_connections() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    // 100/s, and 2 connections that take 40 ms each: 50/s. The nth request of 50 waits longer and longer.
    let report = system.run(&json!({
        "target": { "url": format!("{}?delay=40ms", target.url()) },
        "honesty": patient(),
        "load": { "rate": 100, "requests": 50, "connections": 2, "drain_timeout": "20s" },
    }));
    assert_sound(&report);
    let totals = &report["totals"];
    assert_eq!((n(&totals["completed"]), n(&totals["dropped"])), (50, 0), "{report:#}");
    assert!(n(&report["drivers"][0]["connections_opened"]) <= 2, "{report:#}");
    let mean = |kind: &str| totals["latency_ms"][kind]["mean"].as_f64().unwrap();
    // Each begins 20 ms after the one before it at the earliest, and is due 10 ms after it: 245 ms on average.
    assert!(mean("response") - mean("service") - mean("lag") > 200.0, "{report:#}");
    let held = report["findings"].as_array().unwrap().iter().find(|of| of["kind"] == "held_by_connections");
    let text = held.unwrap_or_else(|| panic!("no note: {report:#}"))["text"].as_str().unwrap();
    assert!(text.contains("waited for one of 2 connections (load.connections)"), "{text}");
}
