//! What holds for every plan and every tree, made up by proptest.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::placeholders::escape;
use super::tests::small;
use super::*;

/// Every plan that can be written, as JSON: read, written and read again it must be the same.
fn any_plan() -> impl Strategy<Value = Value> {
    let ns = |low: u64, high: u64| (low..=high).prop_map(|ns| format!("{ns}ns"));
    let rate = prop_oneof![
        (1..10_000_000_u32).prop_map(|rate| json!(rate)),
        (0.000_01..1e7).prop_map(|rate| json!(rate)),
        (1..10_000_u32, 0..4_usize, 0..4_usize).prop_map(|(n, k, unit)| json!(format!(
            "{n}{}{}",
            ["", ".5", "k", ".25k"][k],
            ["", "/s", "/m", "/h"][unit]
        ))),
    ];
    let pace = prop_oneof![
        rate.clone().prop_map(|rate| json!({ "mode": "tsunami", "rate": rate })),
        ns(100, 10_000_000_000).prop_map(|delay| json!({ "delay": delay, "max_in_flight": 1_000_000 })),
        rate.clone().prop_map(|rate| json!({ "target_throughput": rate })),
        (1..1_000_000_u32, rate).prop_map(
            |(n, rate)| json!({ "mode": "avalanche", "connections": n, "target_throughput": rate })
        ),
    ];
    let end = prop_oneof![
        (2_000..1_000_000_000_000_u64).prop_map(|n| json!({ "requests": n })),
        ns(1_000_000, 2_592_000_000_000_000).prop_map(|duration| json!({ "duration": duration })),
    ];
    let drivers = prop_oneof![
        Just(json!("all")),
        (1..1_000_u32).prop_map(|n| json!(n)),
        prop::collection::btree_set("[a-zA-Z0-9_.ü-]{1,4}[ a-z]{0,4}x", 1..5).prop_map(|ids| json!(ids)),
    ];
    let status = prop_oneof![
        (100..999_u16).prop_map(|status| json!(status)),
        (100..500_u16, 500..999_u16).prop_map(|(low, high)| json!(format!("{low}-{high}"))),
    ];
    // A text that holds `${a}` by chance is written so that it is sent as it is.
    let value = || "[ -~]{0,20}".prop_map(|value| escape(&value));
    let field = prop_oneof![
        value().prop_map(|value| json!(value)),
        prop::collection::vec(value(), 1..4).prop_map(|values| json!(values)),
    ];
    let request = (
        "[A-Za-z]{1,8}x",
        prop::collection::btree_map("[a-z]{1,8}-x", field, 0..5),
        prop_oneof![
            ".{0,50}".prop_map(|text| json!({ "body": escape(&text) })),
            prop::collection::vec(any::<u8>(), 0..50)
                .prop_map(|bytes| json!({ "body_base64": STANDARD.encode(bytes) })),
        ],
        prop::collection::vec(status, 1..5),
        ns(1_000_000, 3_600_000_000_000),
        any::<bool>(),
    )
        .prop_map(|(method, headers, body, expect_status, timeout, identify)| {
            let mut request = json!({ "method": method, "headers": headers, "expect_status": expect_status,
                    "timeout": timeout, "identify": identify, "connection_reuse": !identify });
            request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            request
        });
    let honesty = (ns(1_000, 3_600_000_000_000), 0.0..=1.0_f64)
        .prop_map(|(lag, late)| json!({ "max_lag_p99": lag, "max_late": late }));
    let threshold = prop_oneof![
        (1..3_600_000_000_u64).prop_map(|us| json!({ "response.p99": format!("<{us}us") })),
        (0.0..=1.0_f64).prop_map(|ratio| json!({ "driver.errors.ratio": format!("<= {ratio}") })),
        (0.0..=1e9).prop_map(|rate| json!({ "throughput": [format!(">={rate}/s"), "< 1000000000/s"] })),
    ];
    // Path and query as people may give them, dots and backslashes included.
    let path = r"[/.a-z%\\?ü]{0,12}".prop_map(|path| format!("https://[::1]:8443/a%20b/{path}"));
    (pace, end, drivers, request, honesty, threshold, (any::<bool>(), path), "[ -~ü]{0,40}x").prop_map(
        |(mut load, end, drivers, request, honesty, thresholds, (fleet, url), name)| {
            load.as_object_mut().unwrap().extend(end.as_object().unwrap().clone());
            // A fleet must have something for everyone.
            let fleet = fleet && load.get("connections").is_none();
            json!({ "name": name, "target": { "url": url }, "load": load,
                    "drivers": drivers, "request": request, "honesty": honesty, "thresholds": thresholds,
                    "per": if fleet { "fleet" } else { "driver" } })
        },
    )
}

/// JSON of any shape, with the keys of a plan and others.
fn any_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|on| json!(on)),
        any::<i64>().prop_map(|integer| json!(integer)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,10}|1s|< 1%|all|tsunami|avalanche".prop_map(|text| json!(text)),
    ];
    let key = "load|target|url|request|headers|rate|delay|mode|drivers|thresholds|response.p99|expect_status|body|\\PC{0,4}";
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(key, inner, 0..6).prop_map(|table| json!(table)),
        ]
    })
}

proptest! {
    #[test]
    fn a_written_plan_is_read_as_the_same(value in any_plan()) {
        let plan = read_value(&value).map_err(|faults| TestCaseError::fail(format!("{value}: {faults:#?}")))?;
        let text = plan.to_json().to_string();
        prop_assert_eq!(&read(&text, PlanFormat::Json).unwrap(), &plan);
        prop_assert_eq!(&read_value(&plan.to_json()).unwrap(), &plan);
    }

    #[test]
    fn no_tree_makes_the_walk_panic_and_every_fault_is_one_line(value in any_tree(), more in any_tree()) {
        for value in [value.clone(), small(value), small(json!({ "load": more.clone(), "request": more }))] {
            if let Err(faults) = read_value(&value) {
                prop_assert!(!faults.is_empty(), "refused without a fault");
                for fault in faults {
                    prop_assert!(!fault.reason.is_empty() && !fault.to_string().contains('\n'), "{:?}", fault);
                }
            }
        }
    }
}
