//! Redirects that are followed, and requests that are counted by the values of a column: what the report counts is what
//! the target's shop saw.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;

use e2e::shop::Shop;
use e2e::system::System;
use serde_json::{Value, json};

/// Runs a plan of these tables, and checks beside what [`Shop::run`] does that the sums by name are those of all.
fn run(system: &System, shop: &Shop, tables: Value) -> Value {
    shop.log(100_000);
    let report = shop.run(system, tables);
    let parts = report["drivers"].as_array().unwrap().iter().chain([&report["totals"]]);
    for part in parts {
        for key in ["sent", "completed", "failed"] {
            let whole = part["requests"].as_object().unwrap().iter().filter(|(name, _)| !name.contains('/'));
            let sum: u64 = whole.map(|(_, figures)| n(&figures[key])).sum();
            assert_eq!(sum, n(&part[key]), "{key} by name and of all: {report:#}");
        }
    }
    report
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

/// Sent, completed and failed of a name.
fn counts(report: &Value, name: &str) -> [u64; 3] {
    let figures = &report["totals"]["requests"][name];
    ["sent", "completed", "failed"].map(|key| n(&figures[key]))
}

/// How often the shop was asked for each path.
fn by_path(shop: &Shop) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    shop.paths().into_iter().for_each(|path| *counted.entry(path).or_default() += 1);
    counted
}

#[track_caller]
fn warns_of_redirects(report: &Value) -> bool {
    report["findings"].as_array().unwrap().iter().any(|finding| finding["kind"] == "redirects")
}

#[test]
fn redirects_are_followed_to_their_end_and_counted_apart() {
    for drivers in [1, 2] {
        let (system, shop) = Shop::with_system(drivers);
        let report = run(
            &system,
            &shop,
            json!({
                "per": "fleet",
                "requests": { "old": { "path": "/shop/old/3", "follow": 5, "expect_status": 200 } },
                "load": { "rate": 50, "sessions": 40 },
                "thresholds": { "old.redirect.errors.ratio": "< 1%", "old.response.p99": "< 2s" },
            }),
        );
        assert_eq!(counts(&report, "old"), [40, 40, 0], "{report:#}");
        assert_eq!(counts(&report, "old.redirect"), [160, 160, 0], "{report:#}");
        assert_eq!(report["totals"]["requests"]["old.redirect"]["status_codes"], json!({ "302": 160 }));
        assert_eq!(report["totals"]["requests"]["old"]["status_codes"], json!({ "200": 40 }));
        assert_eq!(n(&report["totals"]["sessions"]["completed"]), 40, "{report:#}");
        let asked = by_path(&shop);
        for path in ["/shop/old/3", "/shop/old/2", "/shop/old/1", "/shop/old/0", "/shop/"] {
            assert_eq!(asked.get(path), Some(&40), "{path}: {asked:?}");
        }
        assert_eq!(report["verdict"], "passed", "{report:#}");
        assert!(!warns_of_redirects(&report), "{report:#}");
    }
}

#[test]
fn a_redirect_beyond_those_that_are_followed_is_the_last_answer() {
    let (system, shop) = Shop::with_system(1);
    let plan = |expect_status: Value| {
        json!({
            "requests": { "old": { "path": "/shop/old/3", "follow": 1, "expect_status": expect_status } },
            "load": { "rate": 50, "sessions": 20 },
        })
    };
    let report = run(&system, &shop, plan(json!(302)));
    assert_eq!(
        (counts(&report, "old"), counts(&report, "old.redirect")),
        ([20, 20, 0], [20, 20, 0]),
        "{report:#}"
    );
    assert_eq!(report["totals"]["requests"]["old"]["status_codes"], json!({ "302": 20 }));
    assert_eq!(by_path(&shop), [("/shop/old/2".to_owned(), 20), ("/shop/old/3".to_owned(), 20)].into());
    assert_eq!(report["verdict"], "passed", "{report:#}");

    let report = run(&system, &shop, plan(json!(200)));
    assert_eq!(
        (counts(&report, "old"), counts(&report, "old.redirect")),
        ([20, 0, 20], [20, 20, 0]),
        "{report:#}"
    );
    assert_eq!(n(&report["totals"]["sessions"]["failed"]), 20, "{report:#}");
    assert_eq!(report["verdict"], "failed", "{report:#}");
    assert!(!warns_of_redirects(&report), "{report:#}");
}

#[test]
fn a_303_goes_on_as_get_and_a_307_repeats_the_body() {
    let (system, shop) = Shop::with_system(1);
    let post = |status: u16, to: &str| {
        json!({
            "method": "POST", "path": "/shop/redirect", "query": { "status": status.to_string(), "to": to },
            "form": { "product_id": "7", "quantity": "2" }, "follow": 3, "expect_status": "200-299",
        })
    };
    let report = run(
        &system,
        &shop,
        json!({
            "requests": { "home": { "path": "/shop/" }, "see": post(303, "/shop/cart?a=see"), "found": post(302, "/shop/cart?a=found"), "again": post(307, "/shop/cart?a=again") },
            "scenarios": { "all": { "on_fail": "continue", "steps": ["home", "see", "found", "again"] } },
            "load": { "rate": 20, "sessions": 10 },
        }),
    );
    let asked = shop.requests();
    let count = |start: &str| asked.iter().filter(|request| request.starts_with(start)).count();
    assert_eq!(count("GET /shop/cart?a=see "), 10, "{asked:?}");
    assert_eq!(count("GET /shop/cart?a=found "), 10, "{asked:?}");
    assert_eq!(count("POST /shop/cart?a=again product_id=7&quantity=2"), 10, "{asked:?}");
    for name in ["see", "found", "again"] {
        assert_eq!(counts(&report, &format!("{name}.redirect")), [10, 10, 0], "{name}: {report:#}");
        assert_eq!(counts(&report, name)[0], 10, "{name}: {report:#}");
    }
    assert!(
        asked.iter().all(|request| !request.starts_with("GET") || request.ends_with(' ')),
        "no body: {asked:?}"
    );
}

#[test]
fn a_redirect_to_another_origin_is_not_sent() {
    let (system, shop) = Shop::with_system(1);
    let report = run(
        &system,
        &shop,
        json!({
            "requests": { "away": {
                "method": "POST", "path": "/shop/redirect", "follow": 3,
                "query": { "to": "http://127.0.0.1:9/elsewhere" },
            } },
            "load": { "rate": 20, "sessions": 10 },
        }),
    );
    assert_eq!(counts(&report, "away.redirect")[1], 10, "{report:#}");
    assert_eq!(report["totals"]["requests"]["away"]["errors"], json!({ "target": 10 }), "{report:#}");
}

#[test]
fn values_are_counted_apart_and_the_rest_together() {
    let rows = json!([["1", 50], ["2", 30], ["3", 10], ["4", 6], ["5", 4], ["1", 0]]);
    for (drivers, top) in [(1, Value::Null), (2, json!(2))] {
        let (system, shop) = Shop::with_system(drivers);
        let mut plan = json!({
            "per": "fleet", "seed": 11,
            "data": { "product": { "columns": ["id", "n"], "rows": rows, "order": "random", "weight": "n" } },
            "requests": {
                "home": { "path": "/shop/" },
                "page": { "path": "/shop/products/{{product.id}}", "split_by": "product.id" },
            },
            "scenarios": { "visit": { "steps": ["home", "page", { "draw": "product" }, "page"] } },
            "load": { "rate": 100, "sessions": 200 },
            "thresholds": { "page.response.p99": "< 2s", "page.throughput": "< 260/s" },
        });
        let named: &[&str] = if top.is_null() { &["1", "2", "3", "4", "5"] } else { &["1", "2", "other"] };
        if !top.is_null() {
            plan["requests"]["page"]["split_top"] = top;
            plan["thresholds"]["page/other.errors.ratio"] = json!("< 2%");
            plan["thresholds"]["page/1.response.p50"] = json!("< 2s");
        }
        let report = run(&system, &shop, plan.clone());
        assert_eq!(report["verdict"], "passed", "{report:#}");
        let asked = by_path(&shop);
        let of = |id: &str| asked.get(&format!("/shop/products/{id}")).copied().unwrap_or(0);
        for name in named {
            let expected = if *name == "other" { ["3", "4", "5"].map(of).iter().sum() } else { of(name) };
            assert_eq!(
                counts(&report, &format!("page/{name}")),
                [expected, expected, 0],
                "{name}: {asked:?}"
            );
        }
        assert_eq!(counts(&report, "page"), [400, 400, 0], "{report:#}");
        let requests = report["totals"]["requests"].as_object().unwrap();
        assert_eq!(requests.len(), 2 + named.len(), "{requests:#?}");
        let judged = report["thresholds"].as_array().unwrap();
        for key in plan["thresholds"].as_object().unwrap().keys() {
            let view =
                judged.iter().find(|view| view["expression"].as_str().unwrap().starts_with(key.as_str()));
            assert_eq!(view.unwrap_or_else(|| panic!("{key}: {judged:#?}"))["ok"], true, "{judged:#?}");
        }
    }
}

#[test]
fn a_threshold_on_the_rest_fails_the_test() {
    let (system, shop) = Shop::with_system(1);
    let report = run(
        &system,
        &shop,
        json!({
            "data": { "page": { "columns": ["path"], "rows": [["/shop/"], ["/shop/"], ["/shop/cart"], ["/shop/none"]] } },
            "requests": { "page": { "path": "{{page.path | raw}}", "split_by": "page.path", "split_top": 1 } },
            "load": { "rate": 50, "sessions": 40 },
            "thresholds": { "page/other.errors.ratio": "< 2%", "errors.ratio": "< 50%" },
        }),
    );
    assert_eq!(counts(&report, "page/other"), [20, 10, 10], "{report:#}");
    assert_eq!(counts(&report, "page//shop/"), [20, 20, 0], "{report:#}");
    assert_eq!(report["verdict"], "failed", "{report:#}");
    let judged = report["thresholds"].as_array().unwrap();
    let view = judged.iter().find(|view| view["expression"] == "page/other.errors.ratio < 2%").unwrap();
    assert_eq!(view["value"], 0.5, "{judged:#?}");
}
