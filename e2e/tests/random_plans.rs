//! Twenty random plans: for each, the report agrees with the shop by name, for requests, statuses and sessions.
//! `FAULTS_SEED` repeats a run, which prints it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;

use e2e::faults::{Chance, runs};
use e2e::shop::Shop;
use e2e::system::{System, assert_sound, patient};
use serde_json::{Map, Value, json};

/// The flow of a plan, a group with a name of its own.
const FLOW: &str = "look";

/// A random request of the shop. One kind in eight fails.
fn request(chance: &mut Chance, name: &str) -> Value {
    let mut request = match chance.below(8) {
        0 => json!({ "path": "/shop/" }),
        1 => json!({ "path": "/shop/products/{{int 1 1200}}", "expect_status": ["200", "404"] }),
        2 => json!({ "path": "/shop/products/{{rows.id}}", "query": { "from": "{{rows.name}}" } }),
        3 => json!({ "path": "/shop/search", "query": { "q": "{{choice a b c}}", "n": ["1", "{{hex 4}}"] } }),
        4 => {
            json!({ "path": "/shop/orders?anonymous=1", "expect_status": "201", "json": { "a": "{{alnum 5}}", "n": "{{int 1 9 | number}}" } })
        }
        5 => {
            json!({ "path": "/shop/cart", "form": { "product_id": "{{int 1 99}}", "quantity": "2" }, "expect_status": "200-399" })
        }
        6 => {
            json!({ "path": format!("/shop/old/{}", 1 + chance.below(3)), "follow": 5, "expect_status": 200 })
        }
        _ => json!({ "path": "/shop/", "query": { "fail": chance.one_of(&["404", "500", "503"]) } }),
    };
    if chance.below(4) == 0 {
        request["check"] = json!({ "size": "> 1" });
    }
    if chance.below(4) == 0 {
        request["extract"] = json!({ format!("v_{name}"): { "status": true, "default": "0" } });
    }
    request["headers"] = json!({ "x-name": name, "x-session": "{{session}}" });
    request
}

/// Random steps over these requests.
fn steps(chance: &mut Chance, names: &[String], depth: u32) -> Vec<Value> {
    let n = 1 + chance.below(3);
    (0..n)
        .map(|_| match chance.below(if depth == 0 { 3 } else { 6 }) {
            0 | 1 => json!(chance.one_of(names)),
            2 => json!({ "think": chance.one_of(&["5ms", "1ms..9ms", "~4ms"]) }),
            3 => json!({ "repeat": 1 + chance.below(3), "steps": steps(chance, names, depth - 1) }),
            4 => json!({ "draw": "rows" }),
            _ => {
                let mut choices = Map::new();
                choices.insert(chance.one_of(names), json!(1 + chance.below(5)));
                choices.insert("nothing".to_owned(), json!(1 + chance.below(5)));
                json!({ "choose": choices })
            }
        })
        .collect()
}

fn plan(chance: &mut Chance, shop: &Shop, drivers: u64) -> Value {
    let names: Vec<String> = (0..1 + chance.below(5)).map(|i| format!("r{i}")).collect();
    let requests: Map<String, Value> =
        names.iter().map(|name| (name.clone(), request(chance, name))).collect();
    let rows: Vec<Value> =
        (0..1 + chance.below(30)).map(|i| json!([(i + 1).to_string(), format!("näme & {i}")])).collect();
    // Steps of scenarios may put it in; it sends a request at least.
    let mut flow = steps(chance, &names, 1);
    flow.push(json!(names[0]));
    let known: Vec<String> = names.iter().cloned().chain([FLOW.to_owned()]).collect();
    let mut scenarios = Map::new();
    for i in 0..1 + chance.below(3) {
        let mut all = steps(chance, &known, 2);
        // Every request is sent somewhere, and a session sends at least one.
        all.extend(names.iter().filter(|_| i == 0).map(|name| json!(name)));
        all.push(json!(names[0]));
        scenarios.insert(
            format!("s{i}"),
            json!({
                "share": 1 + chance.below(4), "steps": all, "cookies": chance.below(2) == 0,
                "on_fail": chance.one_of(&["end", "continue"]),
                "connections": chance.one_of(&["shared", "session"]),
            }),
        );
    }
    let load = match chance.below(5) {
        0 => json!({ "rate": 60, "duration": "1s", "warmup": "300ms" }),
        1 => json!({ "rate": 80, "sessions": 50 + chance.below(50) }),
        2 => json!({ "stages": [{ "rate": 80, "ramp": "500ms", "hold": "500ms" }], "arrival": "poisson" }),
        3 => json!({ "mode": "avalanche", "users": drivers + chance.below(8), "duration": "1s" }),
        _ => {
            json!({ "mode": "avalanche", "users": drivers + chance.below(8), "duration": "1s", "pacing": "50ms" })
        }
    };
    json!({
        "per": chance.one_of(&["driver", "fleet"]), "seed": chance.below(1 << 40),
        "target": { "url": shop.url() }, "honesty": patient(),
        "request": { "engine": chance.one_of(&["wire", "wire", "awc"]) },
        "data": { "rows": { "columns": ["id", "name"], "rows": rows, "order": chance.one_of(&["circular", "shuffle", "random"]) } },
        "flows": { FLOW: { "group": "looking", "steps": flow } },
        "requests": requests, "scenarios": scenarios, "load": load,
    })
}

#[test]
fn the_report_of_a_random_plan_agrees_with_the_shop() {
    let mut chance = Chance::from_environment();
    let drivers = 2;
    let mut system = System::start("embedded", drivers);
    let shop = Shop::of(&system.add_target(&[]));
    for run in 0..runs(20) {
        let plan = plan(&mut chance, &shop, drivers as u64);
        eprintln!("plan {run}: {plan}");
        shop.reset();
        let report = system.run(&plan);
        assert_sound(&report);
        shop.assert_agrees(&report);
        // Each is answered, and counted as sent under its own name. The shop sees redirects under that of their request.
        let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, figures) in report["totals"]["requests"].as_object().unwrap() {
            let name = name.strip_suffix(".redirect").unwrap_or(name);
            *sent.entry(name).or_default() += figures["sent"].as_u64().unwrap();
        }
        sent.retain(|_, sent| *sent > 0);
        let seen = shop.by_name();
        let seen: BTreeMap<&str, u64> =
            seen.iter().map(|(name, statuses)| (name.as_str(), statuses.values().sum())).collect();
        assert_eq!(sent, seen, "{report:#}");
        let sessions = &report["totals"]["sessions"];
        let n = |key: &str| sessions[key].as_u64().unwrap_or_else(|| panic!("no {key}: {report:#}"));
        assert_eq!(
            n("started"),
            n("completed") + n("failed") + n("abandoned") + n("unresolved"),
            "{report:#}"
        );
        assert_eq!(n("started"), shop.sessions(), "sessions that the shop saw: {report:#}");
        let of_scenarios: u64 = report["totals"]["scenarios"]
            .as_object()
            .unwrap()
            .values()
            .map(|scenario| scenario["started"].as_u64().unwrap())
            .sum();
        assert_eq!(of_scenarios, n("started"), "{report:#}");
    }
}
