//! `[setup]` and `[teardown]` from end to end: what a log-in before the load gave travels to all drivers, a setup that
//! fails starts no load, and teardown runs after every end. What they send is counted apart from the load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::process::{PATIENCE, command};
use e2e::shop::Shop;
use e2e::system::{System, Target, assert_sound, patient};
use e2e::wait_for;
use serde_json::{Value, json};

/// Longest wait for the end of a test of a second.
const SHORT: Duration = Duration::from_secs(60);

/// A log-in that gives `bearer`, a page for those who have it, and a request for teardown, named to the shop; 20 sessions
/// from each of two drivers.
fn plan(shop: &Shop, more: Value) -> Value {
    let named = |name: &str, mut request: Value| {
        request["headers"]["x-name"] = json!(name);
        request
    };
    let bearer = json!({ "authorization": "Bearer {{setup.bearer}}" });
    let mut plan = json!({
        "target": { "url": shop.url() },
        "honesty": patient(),
        "requests": {
            "login": named("login", json!({
                "path": "/shop/token", "json": { "user": "u{{driver}}", "password": "p" },
                "extract": { "bearer": { "json": "$.access_token" } },
            })),
            "me": named("me", json!({ "path": "/shop/me", "headers": bearer })),
            "leave": named("leave", json!({ "path": "/shop/me", "headers": bearer })),
        },
        "setup": { "steps": ["login"] },
        "teardown": { "steps": ["leave"] },
        "load": { "rate": 40, "sessions": 20 },
    });
    for (table, keys) in more.as_object().unwrap() {
        for (key, value) in keys.as_object().unwrap() {
            plan[table][key] = value.clone();
        }
    }
    plan
}

/// What the shop counted by name and status.
fn counted(shop: &Shop) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts = shop.by_name();
    counts.remove("");
    counts
}

fn once(status: &str, n: u64) -> BTreeMap<String, u64> {
    [(status.to_owned(), n)].into()
}

fn with_shop() -> (System, Shop) {
    let mut system = System::start("embedded", 2);
    let shop = Shop::of(&system.add_target(&[]));
    (system, shop)
}

#[test]
fn what_setup_extracts_travels_to_all_drivers_or_stays_with_each() {
    let (system, shop) = with_shop();
    let report = system.run(&plan(&shop, json!({})));
    assert_sound(&report);
    assert_eq!(report["verdict"], "passed", "{report:#}");
    for (steps, name) in [("setup", "login"), ("teardown", "leave")] {
        let steps = &report[steps];
        assert_eq!(steps["outcome"], "completed", "{report:#}");
        assert_eq!(steps["drivers"].as_array().unwrap().len(), 1, "{report:#}");
        let sent =
            json!({ "sent": 1, "completed": 1, "failed": 0, "status_codes": { "200": 1 }, "errors": {} });
        assert_eq!(steps["requests"], json!({ name: sent }), "{report:#}");
    }
    assert_eq!(report["totals"]["sent"], 40, "of the load alone: {report:#}");
    let names: Vec<&String> = report["totals"]["requests"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["me"], "{report:#}");
    let counts = counted(&shop);
    assert_eq!(counts["login"], once("200", 1), "{counts:?}");
    assert_eq!(counts["me"], once("200", 40), "both drivers have the token: {counts:?}");
    assert_eq!(counts["leave"], once("200", 1), "{counts:?}");
    // Each driver for itself, and what it extracts may be secret then.
    shop.reset();
    let report = system.run(&plan(
        &shop,
        json!({
            "setup": { "once": "driver" },
            "requests": { "login": {
                "path": "/shop/token", "headers": { "x-name": "login" }, "json": { "user": "u", "password": "p" },
                "extract": { "bearer": { "json": "$.access_token", "secret": true } },
            } },
        }),
    ));
    assert_eq!(report["verdict"], "passed", "{report:#}");
    assert_eq!(report["setup"]["requests"]["login"]["sent"], 2, "{report:#}");
    assert_eq!(report["teardown"]["requests"]["leave"]["completed"], 1, "{report:#}");
    let counts = counted(&shop);
    assert_eq!((&counts["login"], &counts["me"]), (&once("200", 2), &once("200", 40)), "{counts:?}");
}

#[test]
fn setup_logs_in_by_a_form_and_its_cookie_is_sent_by_the_load_and_teardown() {
    let (system, shop) = with_shop();
    let cookie = json!({ "cookie": "shop_user={{setup.user}}", "x-name": "account" });
    let report = system.run(&json!({
        "target": { "url": shop.url() },
        "honesty": patient(),
        "requests": {
            "form": { "path": "/shop/login", "headers": { "x-name": "form" }, "extract": { "f": { "form": 0 } } },
            "login": {
                "submit": "f", "form": { "user": "guest", "password": "p" }, "headers": { "x-name": "login" },
                "expect_status": 303, "extract": { "user": { "cookie": "shop_user" } },
            },
            "inside": { "path": "/shop/account", "headers": { "x-name": "inside" } },
            "account": { "path": "/shop/account", "headers": cookie },
            "outside": { "path": "/shop/account", "headers": { "x-name": "outside" }, "expect_status": 401 },
            "leave": { "path": "/shop/account", "headers": cookie },
        },
        "setup": { "cookies": true, "steps": ["form", "login", "inside"] },
        "teardown": { "steps": ["leave"] },
        "scenarios": { "visitor": { "cookies": true, "steps": ["account", "outside"] } },
        "load": { "rate": 40, "sessions": 11 },
    }));
    assert_eq!(report["verdict"], "passed", "{report:#}");
    assert_eq!(report["setup"]["outcome"], "completed", "{report:#}");
    let counts = counted(&shop);
    assert_eq!((&counts["form"], &counts["login"]), (&once("200", 1), &once("303", 1)), "{counts:?}");
    assert_eq!(counts["inside"], once("200", 1), "setup has its cookies: {counts:?}");
    assert_eq!(counts["outside"], once("401", 22), "a session of the load has none of them: {counts:?}");
    assert_eq!(
        counts["account"],
        once("200", 23),
        "both drivers and teardown send what was extracted: {counts:?}"
    );
}

#[test]
fn a_setup_that_fails_or_is_stopped_starts_no_load_and_teardown_runs_after_every_end() {
    let (system, shop) = with_shop();
    // Teardown of the first sends a page that needs no value of setup, which has none.
    let leave = json!({ "path": "/shop/", "headers": { "x-name": "leave" } });
    let login = |path: &str| {
        json!({
            "path": path, "json": { "user": "u", "password": "p" }, "headers": { "x-name": "login" },
            "extract": { "bearer": { "json": "$.access_token" } },
        })
    };
    let failing =
        plan(&shop, json!({ "requests": { "login": login("/shop/token?fail=503"), "leave": leave } }));
    let report = system.run(&failing);
    assert_eq!(
        (&report["verdict"], &report["setup"]["outcome"]),
        (&json!("failed"), &json!("failed")),
        "{report:#}"
    );
    let first = &report["findings"][0];
    assert_eq!((&first["kind"], &first["level"]), (&json!("setup_failed"), &json!("reason")), "{report:#}");
    let text = first["text"].as_str().unwrap();
    assert!(text.contains("at step login") && text.contains("status 503"), "{text}");
    assert_eq!(report["started_at"], Value::Null, "{report:#}");
    assert_eq!(report["teardown"]["outcome"], "completed", "{report:#}");
    let counts = counted(&shop);
    assert_eq!(counts.get("me"), None, "no load: {counts:?}");
    assert_eq!((&counts["login"], &counts["leave"]), (&once("503", 1), &once("200", 1)), "{counts:?}");

    // Stopped while setup waits; the answer to the trigger does not wait for it.
    shop.reset();
    let waiting = plan(
        &shop,
        json!({
            "setup": { "steps": ["login", { "think": "50s" }] },
            "requests": { "login": login("/shop/token") },
        }),
    );
    let id = system.trigger(&waiting);
    wait_for("the log-in of setup", PATIENCE, || counted(&shop).contains_key("login").then_some(()));
    assert_eq!(system.test(&id)["state"], "starting");
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{id}/stop"));
    assert!(answer.status < 300, "{}", answer.text);
    let report = system.finished(&id, SHORT);
    let outcomes = (&report["verdict"], &report["setup"]["outcome"], &report["teardown"]["outcome"]);
    assert_eq!(outcomes, (&json!("aborted"), &json!("stopped"), &json!("completed")), "{report:#}");
    let counts = counted(&shop);
    assert_eq!(counts.get("me"), None, "no load: {counts:?}");
    assert_eq!(counts["leave"], once("200", 1), "teardown has what setup extracted before: {counts:?}");

    // Stopped in the midst of the load; a teardown that fails is a warning.
    shop.reset();
    let gone = json!({ "path": "/shop/?fail=500", "headers": { "x-name": "leave" } });
    let long = plan(&shop, json!({ "requests": { "leave": gone }, "load": { "sessions": 4_000 } }));
    let id = system.trigger(&long);
    wait_for("the load", PATIENCE, || counted(&shop).contains_key("me").then_some(()));
    system.rest.post_empty(&format!("/api/v1/tests/{id}/stop"));
    let report = system.finished(&id, SHORT);
    assert_eq!(
        (&report["verdict"], &report["teardown"]["outcome"]),
        (&json!("aborted"), &json!("failed")),
        "{report:#}"
    );
    let warned = report["findings"].as_array().unwrap().iter().any(|finding| {
        finding["kind"] == "teardown_failed" && finding["text"].as_str().unwrap().contains("status 500")
    });
    assert!(warned, "{report:#}");
    assert_eq!(counted(&shop)["leave"], once("500", 1));
}

#[test]
fn a_tried_plan_shows_setup_the_session_and_teardown() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let path = home.path().join("plan.json");
    std::fs::write(&path, plan(&shop, json!({})).to_string()).unwrap();
    let said = |arguments: &[&str]| {
        let output = command(home.path(), arguments).arg(&path).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let text = said(&["plan", "try"]);
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in:\n{text}"));
    assert!(
        at("setup completed") < at("session completed") && at("session completed") < at("teardown completed")
    );
    assert_eq!(counted(&shop)["me"], once("200", 1));
    let text = said(&["plan", "show", "--session", "0"]);
    assert!(text.contains("/shop/me") && text.contains("Bearer ***"), "{text}");
    let text = said(&["plan", "show"]);
    assert!(text.contains("Setup") && text.contains("Teardown"), "{text}");
}
