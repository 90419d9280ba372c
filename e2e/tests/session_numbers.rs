//! The same plan and seed send the same requests, however many drivers and workers send them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use e2e::shop::Shop;
use e2e::system::System;
use serde_json::json;

/// What the shop receives from so many drivers with so many workers each, in no order.
fn sent_by(drivers: usize, workers: &str) -> Vec<String> {
    let mut system = System::start("embedded", 0);
    for _ in 0..drivers {
        system.add_driver(&["--workers", workers]);
    }
    system.wait_alive(drivers);
    let shop = Shop::of(&system.add_target(&[]));
    shop.log(10_000);
    let rows: Vec<_> = (1..=37).map(|id| json!([id.to_string(), format!("name {id}")])).collect();
    let report = system.run(&json!({
        "per": "fleet", "seed": 20_261_129,
        "target": { "url": shop.url() },
        "honesty": { "max_lag_p99": "500ms", "max_late": "50%", "max_catch_up": "60s" },
        "data": {
            "circle": { "columns": ["id", "name"], "rows": rows, "order": "circular" },
            "mixed": { "columns": ["id", "name"], "rows": rows, "order": "shuffle" },
            "any": { "columns": ["id", "name"], "rows": rows, "order": "random" },
        },
        "requests": {
            "product": { "path": "/shop/products/{{circle.id}}", "query": { "name": "{{circle.name}}", "n": "{{int 1 1000000}}" } },
            "search": { "path": "/shop/search", "query": { "q": "{{mixed.name}}", "c": "{{choice a b c d}}", "f": "{{float 0 1 6}}" } },
            "order": {
                "path": "/shop/orders?anonymous=1", "expect_status": 201, "let": { "k": "{{alnum 12}}" },
                "json": { "any": "{{any.name}}", "k": "{{k}}", "again": "{{k}}", "session": "{{session}}", "counter": "{{counter}}" },
            },
        },
        "scenarios": {
            "look": { "share": 3, "steps": [{ "repeat": 3, "steps": [{ "choose": { "product": 2, "search": 1, "nothing": 1 } }] }] },
            "buy": { "share": 1, "steps": ["product", { "draw": "mixed" }, "search", "order"] },
        },
        "load": { "rate": 200, "sessions": 400, "max_sessions": 2000 },
    }));
    assert_eq!(report["totals"]["sessions"]["completed"], 400, "{report:#}");
    let mut requests = shop.requests();
    requests.sort();
    requests
}

#[test]
fn one_driver_with_four_workers_and_four_with_one_send_the_same_requests() {
    let (one, four) = (sent_by(1, "4"), sent_by(4, "1"));
    assert!(one.len() > 700, "{} requests", one.len());
    assert_eq!(one.len(), four.len());
    assert_eq!(one, four);
}
