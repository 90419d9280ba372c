//! `[shared]` from end to end: a token that expires is renewed while sessions use it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use e2e::shop::Shop;
use e2e::system::{System, assert_sound};
use serde_json::{Value, json};

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

fn plan(shop: &Shop, token: Value) -> Value {
    json!({
        "target": { "url": shop.url() },
        "honesty": { "max_lag_p99": "200ms", "max_late": "10%" },
        "requests": {
            "token": token,
            "me": { "path": "/shop/me", "headers": { "x-name": "me", "authorization": "Bearer {{shared.login.token}}" } },
        },
        "shared": { "login": { "request": "token", "every": "700ms" } },
        "load": { "rate": 40, "duration": "4s" },
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
    // Twice as long as it is used: a machine that is busy renews it late, and no session meets an expired one.
    let report = system.run(&plan(&shop, token("ttl=3000")));
    assert_sound(&report);
    shop.assert_agrees(&report);
    assert_eq!(report["verdict"], "passed", "{report:#}");
    assert_eq!(report["totals"]["requests"]["me"]["completed"], 320, "{report:#}");
    assert!(report["totals"]["requests"].get("token").is_none(), "counted apart: {report:#}");
    let all = &report["shared"]["login"];
    let sent: Vec<u64> = report["drivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|driver| n(&driver["shared"]["login"]["sent"]))
        .collect();
    assert!(
        sent.len() == 2 && sent.iter().all(|sent| *sent >= 3),
        "at the start and again by age: {report:#}"
    );
    assert_eq!(
        (n(&all["sent"]), n(&all["completed"]), n(&all["failed"])),
        (sent.iter().sum(), sent.iter().sum(), 0)
    );
    assert_eq!(n(&all["status_codes"]["200"]), n(&all["sent"]));
    assert!(!report.to_string().contains("Bearer ey"), "no value is in a report");
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
