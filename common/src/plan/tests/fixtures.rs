//! Plans to change, and what is asked of every plan.

use serde_json::{Value, json};

use crate::plan::{Plan, read_value};

/// A plan that needs nothing more, with further keys.
pub fn small(mut more: Value) -> Value {
    let mut plan =
        json!({ "target": { "url": "http://127.0.0.1:8081/ping" }, "load": { "rate": 1, "duration": "1s" } });
    if let Some(more) = more.as_object_mut() {
        for (key, value) in std::mem::take(more) {
            match (plan.get_mut(&key), value) {
                (Some(Value::Object(table)), Value::Object(entries)) => table.extend(entries),
                (_, value) => plan[key] = value,
            }
        }
    }
    plan
}

/// A plan with two requests (`home`, `pay`), a group (`checkout`) and a scenario (`buy`); its table of this name is `value`.
pub fn of_many(table: &str, value: Value) -> Value {
    json!({
        "target": { "url": "http://127.0.0.1:8081" },
        "requests": { "home": { "path": "/" }, "pay": { "path": "/pay" } },
        "flows": { "g": { "group": "checkout", "steps": ["pay"] } },
        "scenarios": { "buy": { "steps": ["home", "g"] } },
        "load": { "rate": 10, "duration": "1m" },
        table: value,
    })
}

/// Reads a plan, and holds that it is the same after it was written and read again.
#[track_caller]
pub fn reads_again(plan: Value) -> Plan {
    let plan = read_value(&plan).unwrap();
    assert_eq!(read_value(&plan.to_json()).unwrap(), plan, "as written again");
    plan
}
