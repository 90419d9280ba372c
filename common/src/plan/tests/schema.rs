//! docs/plan.schema.json is what editors know of a plan: it has the keys that the reader takes and no others, and the
//! plans that we show use only those.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::plan::language::substitute;
use crate::plan::{PlanFormat, PlanTree, files};

/// A schema, as a path of keys from its root.
type Place = String;

/// A document of JSON Schema, as far as ours uses it.
struct Schema(Value);

impl Schema {
    fn ours() -> Self {
        Self(serde_json::from_str(&text_of("docs/plan.schema.json")).unwrap())
    }

    fn at(&self, place: &str) -> &Value {
        self.0.pointer(place).unwrap_or_else(|| panic!("nothing at {place}"))
    }

    /// The schemas that a value may meet at a place: itself, or what it refers to or offers a choice of.
    fn choices(&self, place: &str) -> Vec<Place> {
        let schema = self.at(place);
        let mut places = Vec::new();
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            places.extend(self.choices(reference.strip_prefix('#').unwrap()));
        }
        for key in ["anyOf", "oneOf"] {
            let n = schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            places.extend((0..n).flat_map(|index| self.choices(&format!("{place}/{key}/{index}"))));
        }
        if places.is_empty() {
            places.push(place.to_owned());
        }
        places
    }

    /// The schemas of a key in tables of these schemas: keys that have a name there, else keys that people choose.
    fn of_key(&self, tables: &[Place], key: &str) -> Vec<Place> {
        let mut found = Vec::new();
        for table in tables {
            let schema = self.at(table);
            let property = schema.get("properties").and_then(|properties| properties.get(key));
            if property.is_some() {
                found.push(format!("{table}/properties/{key}"));
            } else if schema.get("additionalProperties").is_some_and(Value::is_object) {
                found.push(format!("{table}/additionalProperties"));
            }
        }
        found
    }

    fn of_item(&self, lists: &[Place]) -> Vec<Place> {
        lists
            .iter()
            .filter(|list| self.at(list).get("items").is_some())
            .map(|list| format!("{list}/items"))
            .collect()
    }

    fn all_choices(&self, places: &[Place]) -> Vec<Place> {
        places.iter().flat_map(|place| self.choices(place)).collect()
    }

    /// Whether anything may stand there, as in `json`.
    fn is_open(&self, places: &[Place]) -> bool {
        places.iter().any(|place| {
            let schema = self.at(place);
            let is_plain_table = schema["type"] == "object" && schema.get("additionalProperties").is_none();
            schema.get("type").is_none() && schema.get("enum").is_none() && schema.get("const").is_none()
                || is_plain_table
        })
    }

    /// The schemas of a path of the reader, as in `scenarios.s.steps[1].repeat`.
    fn of_path(&self, root: &str, path: &str) -> Vec<Place> {
        let mut places = vec![root.to_owned()];
        for segment in path.split('.') {
            let mut parts = segment.split('[');
            places = self.of_key(&self.all_choices(&places), parts.next().unwrap());
            for _ in parts {
                places = self.of_item(&self.all_choices(&places));
            }
        }
        places
    }

    /// The keys of a value that the schema lacks.
    fn unknown(&self, places: &[Place], value: &Value, path: &str, unknown: &mut Vec<String>) {
        let places = self.all_choices(places);
        if self.is_open(&places) {
            return;
        }
        match value {
            Value::Object(table) => {
                for (key, value) in table {
                    let path = format!("{path}.{key}");
                    match self.of_key(&places, key) {
                        inner if inner.is_empty() => unknown.push(path),
                        inner => self.unknown(&inner, value, &path, unknown),
                    }
                }
            }
            Value::Array(items) => {
                let inner = self.of_item(&places);
                for (index, item) in items.iter().enumerate() {
                    self.unknown(&inner, item, &format!("{path}[{index}]"), unknown);
                }
            }
            _ => {}
        }
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text_of(path: &str) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A plan with every table, and the other loop's keys. What else is wrong with it does not matter: the reader goes on.
fn plans_of_many() -> [Value; 2] {
    let open = json!({
        "target": { "url": "https://127.0.0.1/", "hosts": { "a": { "url": "https://127.0.0.1/", "tls": {} } }, "tls": {} },
        "profiles": {},
        "secrets": { "k": { "env": "K" } },
        "data": { "d": { "columns": ["c"], "rows": [["1"]] }, "f": { "file": "f.csv" },
                  "h": { "file": format!("sha256:{}", "0".repeat(64)), "facts": {} } },
        "request": { "basic": { "user": "u", "password": "p" }, "let": { "n": "1" }, "extract": { "w": { "json": "$.w" } },
                     "check": { "size": "> 1" }, "multipart": [{ "name": "p" }],
                     "form": {}, "expect_status": 200 },
        "requests": {
            "a": { "path": "/", "basic": { "user": "u", "password": "p" }, "let": { "m": "1" },
                   "extract": { "v": { "json": "$.v" } }, "check": { "size": "> 1" }, "multipart": [{ "name": "p" }],
                     "form": {}, "expect_status": 200 },
        },
        "setup": { "steps": ["a"], "once": "fleet", "timeout": "1s", "cookies": true },
        "teardown": { "steps": ["a"], "cookies": "1KiB" },
        "shared": { "t": { "request": "a", "every": "4m" } },
        "flows": { "f": { "steps": ["a"] } },
        "scenarios": { "s": { "let": { "l": "1" }, "steps": [
            "f", { "request": "a" }, { "think": "1s" }, { "choose": { "a": 1 } },
            { "when": { "v": { "not": "1" } }, "steps": ["a"], "otherwise": ["a"] },
            { "repeat": 2, "steps": ["a"] },
            { "poll": "a", "until": { "v": "1" }, "every": "1s", "at_most": 2 }, { "draw": "d" },
        ] } },
        "load": { "stages": [{ "rate": 1, "hold": "1s" }] },
    });
    let mut closed = open.clone();
    closed["load"] = json!({ "mode": "avalanche", "stages": [{ "users": 1, "hold": "1s" }] });
    [open, closed]
}

/// Checks a kind of plan: each key that is read is in the schema, and the tables that are read have no key beside.
#[track_caller]
fn agrees(schema: &Schema, root: &str, plans: &[Value], put_in_before: &[&str]) {
    let keys: BTreeSet<String> = plans.iter().flat_map(super::super::read::keys_read).collect();
    assert!(keys.len() >= 30, "{keys:?}");
    let mut read: BTreeSet<Place> = put_in_before.iter().flat_map(|key| schema.of_path(root, key)).collect();
    for key in &keys {
        let places = schema.of_path(root, key);
        assert!(!places.is_empty(), "{key} is read, and docs/plan.schema.json lacks it");
        read.extend(places);
    }
    let tables: BTreeSet<&str> =
        read.iter().filter_map(|place| place.rsplit_once("/properties/")).map(|(table, _)| table).collect();
    for table in tables {
        for key in schema.at(table)["properties"].as_object().unwrap().keys() {
            let place = format!("{table}/properties/{key}");
            assert!(read.contains(&place), "docs/plan.schema.json has {place}, and nothing reads it");
        }
    }
}

#[test]
fn the_schema_has_the_keys_that_the_reader_takes() {
    let schema = Schema::ours();
    agrees(&schema, "/$defs/plan_of_one", &[super::small(json!({}))], &[]);
    // `vars` are put in before a plan is read.
    agrees(&schema, "/$defs/plan_of_many", &plans_of_many(), &["vars"]);
}

#[test]
fn a_schema_that_lacks_a_key_or_has_another_is_noticed() {
    let mut schema = Schema::ours();
    let plans = [super::small(json!({}))];
    let fails = |schema: &Schema| {
        let run = std::panic::AssertUnwindSafe(|| agrees(schema, "/$defs/plan_of_one", &plans, &[]));
        std::panic::catch_unwind(run).is_err()
    };
    assert!(!fails(&schema));
    let load = schema.0.pointer_mut("/$defs/load_of_one/properties").unwrap().as_object_mut().unwrap();
    load.insert("speed".to_owned(), json!({}));
    assert!(fails(&schema));
    let load = schema.0.pointer_mut("/$defs/load_of_one/properties").unwrap().as_object_mut().unwrap();
    load.remove("speed");
    load.remove("rate");
    assert!(fails(&schema));
}

/// The plans of `config/plans` and of the documents, with their names.
fn shown() -> Vec<(String, String)> {
    let folder = repository().join("config/plans");
    let mut shown = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            shown.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    for document in ["README.md", "docs/plans.md", "docs/coming-from.md", "docs/words.md"] {
        let text = text_of(document);
        let fences = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
        let plans = fences.filter(|fence| fence.contains("http://127.0.0.1:8081"));
        shown.extend(plans.map(|plan| (format!("{document}: {plan}"), plan.to_owned())));
    }
    assert!(shown.len() >= 20, "{}", shown.len());
    shown
}

#[test]
fn the_plans_that_we_show_are_right_and_use_only_keys_of_the_schema() {
    let schema = Schema::ours();
    for (name, text) in shown() {
        let mut tree =
            PlanTree::parse(&text, PlanFormat::Toml).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        let root = if tree.has_requests() { "/$defs/plan_of_many" } else { "/$defs/plan_of_one" };
        let mut unknown = Vec::new();
        schema.unknown(&[root.to_owned()], tree.value(), "", &mut unknown);
        assert!(unknown.is_empty(), "{name}: docs/plan.schema.json lacks {unknown:?}");
        if tree.has_requests() {
            let mut faults = substitute::put_in(tree.value_mut(), None);
            faults.extend(files::put_in(
                tree.value_mut(),
                &repository().join("config/plans"),
                &mut files::LocalFiles::new(),
            ));
            assert!(faults.is_empty(), "{name}: {faults:#?}");
        }
        if let Err(faults) = tree.validate() {
            panic!("{name}: {faults:#?}");
        }
    }
}
