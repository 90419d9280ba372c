//! A stall of the target in the midst of sessions stands in the responses of later steps and of sessions, as it can be
//! computed. Like `honesty.rs`, this file asserts times, because the right ones are known: the stall's length, and a rate.
//! What a busy machine adds is not the same at each try, so the best of several counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::time::Duration;

use e2e::shop::Shop;
use e2e::system::{System, assert_sound, patient};
use e2e::wait_for;
use serde_json::{Value, json};

const RATE: f64 = 200.0;
const SECONDS: f64 = 6.0;

fn of(report: &Value, path: &[&str]) -> f64 {
    let found = path.iter().fold(report, |value, key| &value[*key]);
    found.as_f64().unwrap_or_else(|| panic!("no number at {path:?} in {report:#}"))
}

/// Runs the sessions once, with the stall. Checks what holds whatever the machine does: no time is shorter than the stall
/// makes it. Returns what is longer than it has to be.
fn too_long(system: &System, shop: &Shop) -> Vec<String> {
    let mut honesty = patient();
    honesty["max_catch_up"] = json!("60s");
    let id = system.trigger(&json!({
        "target": { "url": shop.url() },
        "honesty": honesty,
        "requests": { "home": { "path": "/shop/" }, "cart": { "path": "/shop/cart" } },
        "scenarios": { "s": { "steps": ["home", { "request": "cart", "at": "100ms" }] } },
        "load": { "rate": RATE, "duration": "6s", "max_sessions": 4000 },
    }));
    wait_for("two seconds of load", Duration::from_secs(30), || {
        (system.test(&id)["totals"]["sent"].as_u64().unwrap_or(0) > 800).then_some(())
    });
    shop.stall(Duration::from_secs(1));
    let report = system.finished(&id, Duration::from_secs(60));
    assert_sound(&report);
    let sessions = RATE * SECONDS;
    assert_eq!(of(&report, &["totals", "sessions", "completed"]), sessions, "{report:#}");
    let mut found = Vec::new();
    let mut check = |what: String, ms: f64, from: f64, to: f64| {
        assert!(ms > from, "{what}: {ms} ms, not more than {from}");
        if ms >= to {
            found.push(format!("{what}: {ms} ms, not less than {to}"));
        }
    };
    // Sessions that were due x ms before the end of the stall waited x ms: evenly 0 to 1 s, for a second's worth of
    // them. A later step is due at a fixed instant too, so it waits as long as a first step does. So of all responses of
    // a name the fraction 1 - 1/6 · 1/2 is below 500 ms, and their mean is 1/6 · 500 ms and a little for the answers.
    for name in ["home", "cart"] {
        let response = |figure| of(&report, &["totals", "requests", name, "latency_ms", "response", figure]);
        let mean = 500.0 / SECONDS;
        check(format!("mean of {name}"), response("mean"), mean - 8.0, mean + 8.0);
        check(format!("max of {name}"), response("max"), 980.0, 1_100.0);
    }
    // A session that was due within 100 ms before the stall meets it with its second step alone. One that meets it with
    // the first step ends when the stall does, or 100 ms after its due time: what it waited for `at` is left out.
    let max = of(&report, &["totals", "sessions", "latency_ms", "response", "max"]);
    check("max of the sessions".to_owned(), max, 980.0, 1_100.0);
    found
}

#[test]
fn a_stall_of_a_second_is_in_the_responses_of_the_sessions_that_met_it() {
    const TRIES: usize = 4;
    let (system, shop) = Shop::with_system(1);
    let mut found = Vec::new();
    for _ in 0..TRIES {
        found = too_long(&system, &shop);
        if found.is_empty() {
            return;
        }
        eprintln!("{found:#?}");
    }
    panic!("too long at each try, at the last one: {found:#?}");
}
