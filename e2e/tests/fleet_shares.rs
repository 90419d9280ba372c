//! A mix keeps its shares over a fleet of any size, exactly, and its rows are dealt over all drivers: what the target's shop
//! received decides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::{BTreeMap, BTreeSet};

use e2e::shop::Shop;
use e2e::system::{System, assert_sound};
use serde_json::{Value, json};

/// Sessions after which the shares are exact: as many as the table of scenarios has entries.
const ROUND: u64 = 10_007;
/// Their shares of these.
const SHARES: [(&str, u64); 4] = [("home", 6_000), ("product", 3_000), ("search", 1_000), ("cart", 7)];
/// Rows that `product` takes in a shuffled order: six rounds of them.
const SHUFFLED: u64 = 500;

fn plan(shop: &Shop) -> Value {
    let rows = |n: u64| (1..=n).map(|row| json!([row.to_string()])).collect::<Vec<_>>();
    let mut requests = json!({
        "home": { "path": "/shop/", "query": { "guest": "{{guest.id}}" } },
        "product": { "path": "/shop/products/{{mixed.id}}", "query": { "n": "{{counter}}" } },
        "search": { "path": "/shop/search", "query": { "q": "x" } },
        "cart": { "path": "/shop/cart" },
    });
    for (name, share) in SHARES {
        requests[name]["share"] = json!(share);
        requests[name]["headers"] = json!({ "x-name": name });
    }
    json!({
        "per": "fleet", "seed": 8,
        "target": { "url": shop.url() },
        // Nothing is dropped, however busy the machine is.
        "honesty": { "max_lag_p99": "60s", "max_late": "50%", "max_catch_up": "60s" },
        "data": {
            "guest": { "columns": ["id"], "rows": rows(SHARES[0].1), "order": "once" },
            "mixed": { "columns": ["id"], "rows": rows(SHUFFLED), "order": "shuffle" },
        },
        "requests": requests,
        "load": { "rate": 3_000, "sessions": ROUND, "max_sessions": 8_000 },
    })
}

/// The values of a key in the queries of these paths.
fn value<'p>(path: &'p str, key: &str) -> &'p str {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut values = query.split('&').filter_map(|pair| pair.split_once('='));
    values.find(|(found, _)| *found == key).map_or("", |(_, value)| value)
}

#[test]
fn shares_are_exact_and_rows_are_dealt_over_fleets_of_one_three_and_eight_drivers() {
    let mut system = System::start("embedded", 0);
    let shop = Shop::of(&system.add_target(&[]));
    let shares: BTreeMap<String, BTreeMap<String, u64>> =
        SHARES.iter().map(|(name, n)| ((*name).to_owned(), [("200".to_owned(), *n)].into())).collect();
    for drivers in [1, 3, 8] {
        while system.drivers.len() < drivers {
            system.add_driver(&[]);
        }
        system.wait_alive(drivers);
        shop.reset();
        shop.log(2 * ROUND as usize);
        let report = system.run(&plan(&shop));
        assert_sound(&report);
        shop.assert_agrees(&report);
        assert_eq!(shop.by_name(), shares, "{drivers} drivers");
        let parts = report["drivers"].as_array().unwrap();
        assert_eq!(parts.len(), drivers, "{report:#}");
        let least = ROUND / drivers as u64;
        assert!(
            parts.iter().all(|part| part["sent"].as_u64().is_some_and(|n| n == least || n == least + 1)),
            "{drivers} drivers share the sessions evenly: {report:#}"
        );

        let paths = shop.paths();
        let guests: BTreeSet<&str> =
            paths.iter().map(|path| value(path, "guest")).filter(|id| !id.is_empty()).collect();
        assert_eq!(guests.len() as u64, SHARES[0].1, "{drivers} drivers: each guest once, and all of them");
        let mut rounds: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for path in paths.iter().filter(|path| path.starts_with("/shop/products/")) {
            let n: u64 = value(path, "n").parse().unwrap();
            let id = path["/shop/products/".len()..].split('?').next().unwrap();
            assert!(
                rounds.entry(n / SHUFFLED).or_default().insert(id),
                "{id} twice in a round, {drivers} drivers"
            );
        }
        let sizes: Vec<u64> = rounds.values().map(|round| round.len() as u64).collect();
        assert_eq!(sizes, [SHUFFLED; 6], "{drivers} drivers: each row once a round");
    }
}

#[test]
fn rows_that_are_taken_once_are_counted_for_the_fleet_and_the_report_says_where_they_ran_out() {
    let mut system = System::start("embedded", 2);
    let shop = Shop::of(&system.add_target(&[]));
    let plan = |load: Value| {
        let rows: Vec<_> = (0..40).map(|row| json!([row.to_string()])).collect();
        json!({
            "target": { "url": shop.url() }, "honesty": { "max_lag_p99": "60s", "max_late": "50%" },
            "data": { "guest": { "columns": ["id"], "rows": rows, "order": "once" } },
            "requests": { "home": { "path": "/shop/", "query": { "guest": "{{guest.id}}" } } },
            "load": load,
        })
    };
    // Enough for one driver, and not for the two that take part.
    let id = system.create(&plan(json!({ "rate": 100, "sessions": 30 })));
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
    assert_eq!(answer.status, 409, "{}", answer.text);
    let why = "data.guest has 40 rows, each for one session, and up to 60 sessions of home start";
    assert!(answer.json()["detail"].as_str().unwrap().contains(why), "{}", answer.text);

    shop.log(1_000);
    let report = system.run(&plan(json!({ "mode": "avalanche", "users": 3, "duration": "5m" })));
    assert_sound(&report);
    let paths = shop.paths();
    let guests: BTreeSet<&str> = paths.iter().map(|path| value(path, "guest")).collect();
    assert_eq!((paths.len(), guests.len()), (40, 40), "each row once: {report:#}");
    let warnings: Vec<&str> =
        report["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for (_, driver) in &system.drivers {
        let says = format!("the rows of data.guest were used up: driver {driver} began 20 sessions");
        assert!(warnings.iter().any(|warning| warning.starts_with(&says)), "{says}: {warnings:#?}");
    }
    assert_eq!(report["totals"]["users"], 6, "{report:#}");
    let windows = system.rest.get(&format!("/api/v1/tests/{}/windows", report["test_id"].as_str().unwrap()));
    assert!(
        windows.json()["windows"].as_array().unwrap().iter().any(|window| window["users"] == 6),
        "{}",
        windows.text
    );
}
