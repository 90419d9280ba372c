//! The amounts of a plan: their units and their bounds.

use super::*;

#[test]
fn a_rate_may_have_a_unit() {
    for (text, rate) in [("200/s", 200.0), ("6/m", 0.1), ("1k/s", 1_000.0), ("2k", 2_000.0), ("50", 50.0)] {
        for key in ["rate", "target_throughput"] {
            let plan = read_value(&small(json!({ "load": { "rate": null, key: text } }))).unwrap();
            assert_eq!(plan.load.open_loop_rate_per_s(), Some(rate), "{key} {text}");
            assert_eq!(read_value(&plan.to_json()), Ok(plan), "{key} {text}");
        }
    }
    wrong(json!({ "load": { "rate": "fast" } }), "load.rate", "as in 200 or \"200/s\"");
    wrong(json!({ "load": { "rate": true } }), "load.rate", "as in 200 or \"6/m\"");
}

#[test]
fn every_amount_has_bounds() {
    for (load, path) in [
        (json!({ "rate": 0 }), "load.rate"),
        (json!({ "rate": -1 }), "load.rate"),
        (json!({ "rate": 10_000_001 }), "load.rate"),
        (json!({ "rate": "1000/fortnight" }), "load.rate"),
        (json!({ "rate": "11M/s" }), "load.rate"),
        (json!({ "target_throughput": "0/s" }), "load.target_throughput"),
        (json!({ "rate": null, "delay": "0s" }), "load.delay"),
        (json!({ "rate": null, "delay": "99ns" }), "load.delay"),
        (json!({ "max_in_flight": 0 }), "load.max_in_flight"),
        (json!({ "max_in_flight": 1_000_001 }), "load.max_in_flight"),
        (json!({ "requests": 0 }), "load.requests"),
        (json!({ "requests": 1.5 }), "load.requests"),
        (json!({ "requests": u64::MAX }), "load.requests"),
        (json!({ "duration": "0s" }), "load.duration"),
        (json!({ "duration": "31d" }), "load.duration"),
        (json!({ "warmup": "-1s" }), "load.warmup"),
        (json!({ "drain_timeout": "3h" }), "load.drain_timeout"),
        (json!({ "target_throughput": 0 }), "load.target_throughput"),
        (json!({ "mode": "Tsunami" }), "load.mode"),
    ] {
        let faults = read_value(&small(json!({ "load": load }))).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), [path], "{load}");
    }
    wrong(json!({ "request": { "timeout": "0s" } }), "request.timeout", "from 1ms to 1h");
    wrong(json!({ "honesty": { "max_late": "101%" } }), "honesty.max_late", "from 0% to 100%");
    wrong(json!({ "request": { "body": "x".repeat(MAX_BODY_BYTES + 1) } }), "request.body", "at most");
    wrong(json!({ "request": { "body_base64": "AAEC_w" } }), "request.body_base64", "base64");
    wrong(
        json!({ "request": { "body_base64": "A".repeat(700_000) } }),
        "request.body_base64",
        "at most 524288 bytes",
    );
    wrong(json!({ "request": { "body": "x", "body_base64": "AAEC" } }), "request.body_base64", "both given");
    wrong(
        json!({ "request": { "connection_reuse": 0 } }),
        "request.connection_reuse",
        "expected true or false",
    );
    wrong(json!({ "request": { "identify": "yes" } }), "request.identify", "expected true or false");
    wrong(json!({ "drivers": "some" }), "drivers", "\"all\"");
    wrong(json!({ "drivers": [] }), "drivers", "names no driver");
    wrong(json!({ "drivers": ["a", "a"] }), "drivers[1]", "twice");
    wrong(json!({ "drivers": ["a", 5] }), "drivers[1]", "expected a text");
    wrong(json!({ "name": "a\u{7}b" }), "name", "control character");
    wrong(json!({ "per": "team" }), "per", "\"fleet\"");
}
