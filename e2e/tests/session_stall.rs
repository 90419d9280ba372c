//! A stall of the target in the midst of sessions stands in the responses of later steps and of sessions, as it can be
//! computed. Like `honesty.rs`, this file asserts times, because the right ones are known: the stall's length, and a rate.
//! What a busy machine adds is not the same at each try, so the best of several counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock::{rfc3339, unix_us};
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

/// What is longer than it has to be, by its name: how long it is, and what it has to be.
type TooLong = BTreeMap<String, String>;

/// Runs the sessions once, with the stall. Checks what holds whatever the machine does: no time is shorter than the stall
/// makes it. `None` where the stall came too late to be within the load, which shows nothing.
fn too_long(system: &System, shop: &Shop) -> Option<TooLong> {
    let id = system.trigger(&json!({
        "target": { "url": shop.url() },
        "honesty": patient(),
        "requests": { "home": { "path": "/shop/" }, "cart": { "path": "/shop/cart" } },
        "scenarios": { "s": { "steps": ["home", { "request": "cart", "at": "100ms" }] } },
        "load": { "rate": RATE, "duration": "6s", "max_sessions": 4000 },
    }));
    wait_for("two seconds of load", Duration::from_secs(30), || {
        (system.test(&id)["totals"]["sent"].as_u64().unwrap_or(0) > 800).then_some(())
    });
    shop.stall(Duration::from_secs(1));
    // It ends a second from now, or sooner.
    let ends_at = unix_us() + 1_000_000;
    let report = system.finished(&id, Duration::from_secs(60));
    assert_sound(&report);
    let sessions = RATE * SECONDS;
    assert_eq!(of(&report, &["totals", "sessions", "completed"]), sessions, "{report:#}");
    // Texts of the same length, in UTC. The last 200 ms are left to the clocks of the nodes.
    let began_before = rfc3339(ends_at + 200_000 - (SECONDS * 1e6) as i64);
    if report["started_at"].as_str().unwrap() < began_before.as_str() {
        return None;
    }
    let mut found = TooLong::new();
    let mut check = |what: String, ms: f64, from: f64, to: f64| {
        assert!(ms > from, "{what}: {ms} ms, not more than {from}");
        if ms >= to {
            found.insert(what, format!("{ms} ms, not less than {to}"));
        }
    };
    // Sessions that were due x ms before the end of the stall waited x ms: evenly 0 to 1 s, for a second's worth of
    // them. A later step is due at a fixed instant too, so it waits as long as a first step does. So of all responses of
    // a name the fraction 1 - 1/6 · 1/2 is below 500 ms, and their mean is 1/6 · 500 ms and a little for the answers: for
    // all of them, so that its bound is wider than that of p95. A twentieth is 60 of the 200, and these wait 700 ms or more.
    for name in ["home", "cart"] {
        let response = |figure| of(&report, &["totals", "requests", name, "latency_ms", "response", figure]);
        let mean = 500.0 / SECONDS;
        check(format!("mean of {name}"), response("mean"), mean - 8.0, mean + 8.0);
        check(format!("p95 of {name}"), response("p95"), 686.0, 714.0);
        check(format!("max of {name}"), response("max"), 980.0, 1_100.0);
    }
    // A session that was due within 100 ms before the stall meets it with its second step alone. One that meets it with
    // the first step ends when the stall does, or 100 ms after its due time: what it waited for `at` is left out.
    // So 20 wait 0.9 to 1 s beside the 200, of whom 40 wait 0.8 s or more: together a twentieth.
    let response = |figure| of(&report, &["totals", "sessions", "latency_ms", "response", figure]);
    check("p95 of the sessions".to_owned(), response("p95"), 784.0, 816.0);
    check("max of the sessions".to_owned(), response("max"), 980.0, 1_100.0);
    Some(found)
}

#[test]
fn a_stall_of_a_second_is_in_the_responses_of_the_sessions_that_met_it() {
    const TRIES: usize = 4;
    let (system, shop) = Shop::with_system(1);
    // What was too long at each try so far.
    let mut always: Option<TooLong> = None;
    for _ in 0..TRIES {
        let Some(mut found) = too_long(&system, &shop) else {
            eprintln!("the stall came too late");
            continue;
        };
        eprintln!("{found:#?}");
        if let Some(always) = always {
            found.retain(|what, _| always.contains_key(what));
        }
        if found.is_empty() {
            return;
        }
        always = Some(found);
    }
    panic!("too long at each try that the stall was in time for, at the last of them: {always:#?}");
}
