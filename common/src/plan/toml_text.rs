//! A plan's tree as TOML: what a person would write, in the order in which the tree has its keys.

use serde_json::{Map, Value};

use super::PlanTree;

impl PlanTree {
    /// The tree as TOML. Reading it makes the same tree, but for values of null, which TOML lacks and which are left out.
    /// Secrets are in it as they were given.
    ///
    /// # Errors
    /// Where a number does not fit into TOML.
    pub fn to_toml(&self) -> Result<String, String> {
        let Value::Object(table) = self.value() else { return Err("is not a table".to_owned()) };
        toml::to_string_pretty(&table_of(table)?).map_err(|error| error.to_string())
    }
}

fn table_of(table: &Map<String, Value>) -> Result<toml::Table, String> {
    let mut written = toml::Table::new();
    for (key, value) in table {
        if let Some(value) = value_of(value)? {
            written.insert(key.clone(), value);
        }
    }
    Ok(written)
}

fn value_of(value: &Value) -> Result<Option<toml::Value>, String> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(on) => toml::Value::Boolean(*on),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => toml::Value::Integer(integer),
            (None, Some(float)) if !number.is_u64() => toml::Value::Float(float),
            _ => return Err(format!("the number {number} is too large for TOML")),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(list) => {
            let items: Result<Vec<Option<toml::Value>>, String> = list.iter().map(value_of).collect();
            toml::Value::Array(items?.into_iter().flatten().collect())
        }
        Value::Object(table) => toml::Value::Table(table_of(table)?),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::plan::PlanFormat;

    fn again(value: &Value) -> Value {
        let text = PlanTree::from_value(value.clone()).to_toml().unwrap();
        PlanTree::parse(&text, PlanFormat::Toml)
            .unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
            .value()
            .clone()
    }

    #[test]
    fn a_plan_stays_the_same_plan() {
        let plan = json!({
            "name": "a \"name\"\nin two lines",
            "drivers": ["vm-1", "vm-2"],
            "target": { "url": "http://127.0.0.1:8081/ping" },
            "request": { "headers": { "X-A": ["1", "2"], "b.c": "d" }, "body": "{\"ü\": '''1'''}\\" },
            "load": { "rate": 0.5, "duration": "5s", "requests": 1_000_000 },
            "scenarios": { "buys": { "steps": ["home", { "pause": "1s" }, { "one_of": [{ "share": 1 }, "x"] }] } },
            "thresholds": { "response.p99": "< 250ms" },
        });
        assert_eq!(again(&plan), plan);
        assert_eq!(again(&json!({ "a": null, "b": 1 })), json!({ "b": 1 }));
        assert!(PlanTree::from_value(json!({ "seed": u64::MAX })).to_toml().is_err());
        assert!(PlanTree::from_value(json!([1])).to_toml().is_err());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9_f64..1e9).prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z. \"é]{1,6}", inner, 0..4)
                    .prop_map(|table| Value::Object(table.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_tree_stays_the_same(table in prop::collection::btree_map("[a-z]{1,6}", value(), 0..5)) {
            let tree = Value::Object(table.into_iter().collect());
            prop_assert_eq!(again(&tree), tree);
        }
    }
}
