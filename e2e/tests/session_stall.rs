//! A stall of the target in the midst of sessions stands in the responses of later steps and of sessions, as it can be
//! computed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::time::Duration;

use e2e::shop::Shop;
use e2e::system::{System, assert_sound};
use e2e::wait_for;
use serde_json::{Value, json};

const RATE: f64 = 200.0;
const SECONDS: f64 = 6.0;

fn of(report: &Value, path: &[&str]) -> f64 {
    let found = path.iter().fold(report, |value, key| &value[*key]);
    found.as_f64().unwrap_or_else(|| panic!("no number at {path:?} in {report:#}"))
}

#[test]
fn a_stall_of_a_second_is_in_the_responses_of_the_sessions_that_met_it() {
    let mut system = System::start("embedded", 1);
    let shop = Shop::of(&system.add_target(&[]));
    let id = system.trigger(&json!({
        "target": { "url": shop.url() },
        "honesty": { "max_lag_p99": "100ms", "max_late": "5%" },
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
    // Sessions that were due x ms before the end of the stall waited x ms: evenly 0 to 1 s, for a second's worth of
    // them. A later step is due at a fixed instant too, so it waits as long as a first step does. So of all responses of
    // a name the fraction 1 - 1/6 · 1/2 is below 500 ms, and their mean is 1/6 · 500 ms and a little for the answers.
    for name in ["home", "cart"] {
        let response = |figure| of(&report, &["totals", "requests", name, "latency_ms", "response", figure]);
        let (mean, max) = (response("mean"), response("max"));
        assert!((mean - 500.0 / SECONDS).abs() < 8.0, "{name}: mean {mean}");
        assert!((980.0..1_100.0).contains(&max), "{name}: max {max}");
    }
    // A session that was due within 100 ms before the stall meets it with its second step alone. One that meets it with
    // the first step ends when the stall does, or 100 ms after its due time: what it waited for `at` is left out.
    let max = of(&report, &["totals", "sessions", "latency_ms", "response", "max"]);
    assert!((980.0..1_100.0).contains(&max), "sessions: max {max}");
}
