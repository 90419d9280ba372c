//! `[profiles.NAME]`: any part of a plan, laid over it. Tables merge; values and lists replace; and what says the same in
//! another way takes the other's place, as with flags.

use serde_json::{Map, Value, json};

use crate::plan::Fault;
use crate::plan::language::spelling::unknown;

/// The names of a plan's profiles, as written.
pub fn profile_names(tree: &Value) -> Vec<String> {
    let profiles = tree.get("profiles").and_then(Value::as_object);
    profiles.map(|profiles| profiles.keys().cloned().collect()).unwrap_or_default()
}

/// Lays profiles over a plan, in their order, and removes `profiles`.
pub fn lay_profiles(tree: &mut Value, names: &[impl AsRef<str>]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Value::Object(plan) = tree else { return faults };
    let profiles = match plan.shift_remove("profiles") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(profiles)) => profiles,
        Some(other) => {
            faults.push(Fault::value(
                "profiles",
                other,
                "expected a table of profiles, as in [profiles.soak]",
            ));
            Map::new()
        }
    };
    let there: Vec<String> = profiles.keys().cloned().collect();
    for name in names.iter().map(AsRef::as_ref) {
        match profiles.get(name) {
            Some(Value::Object(profile)) if profile.contains_key("profiles") => {
                let reason = "holds profiles of its own, and a profile lies over a plan alone";
                faults.push(Fault::value(format!("profiles.{name}.profiles"), "…", reason));
            }
            Some(Value::Object(profile)) => lay_table(plan, profile, &mut Vec::new()),
            Some(other) => {
                let reason = "expected a table of what the profile changes";
                faults.push(Fault::value(format!("profiles.{name}"), other, reason));
            }
            None => {
                faults.push(Fault::value("profiles", format!("{name:?}"), unknown("profile", name, &there)))
            }
        }
    }
    faults
}

fn lay_table(base: &mut Map<String, Value>, over: &Map<String, Value>, path: &mut Vec<String>) {
    remove_rivals(base, over, path);
    let is_headers = path.last().is_some_and(|key| key == "headers");
    let has_conditions = matches!(path.as_slice(), [table] if table == "thresholds" || table == "abort");
    for (key, value) in over {
        if has_conditions && *value == json!(false) {
            base.shift_remove(key);
            continue;
        }
        if is_headers {
            base.retain(|known, _| known == key || !known.eq_ignore_ascii_case(key));
        }
        match (base.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => {
                path.push(key.clone());
                lay_table(below, value, path);
                path.pop();
            }
            (Some(old), value) => *old = value.clone(),
            (None, value) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Removes the keys that say in another way what the profile says.
fn remove_rivals(base: &mut Map<String, Value>, over: &Map<String, Value>, path: &[String]) {
    const PACES: &[&str] = &["rate", "delay", "stages", "users"];
    const BODIES: &[&str] = &["body", "body_base64", "body_file", "json", "form", "multipart", "submit"];
    const ADDRESSES: &[&str] = &["path", "url"];
    const SOURCES: &[&str] = &["json", "header", "cookie", "location", "input", "form", "status"];
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let groups: &[&[&str]] = match keys.as_slice() {
        ["load"] => &[PACES],
        ["request"] | ["requests", _] => &[BODIES, ADDRESSES],
        ["request", "extract", _] | ["requests", _, "extract", _] => &[SOURCES],
        ["secrets", _] => &[&["env", "file"]],
        ["data", _] => &[&["file", "rows"]],
        _ => &[],
    };
    if keys == ["load"] {
        let old = base.get("mode").cloned().unwrap_or_else(|| json!("tsunami"));
        if over.get("mode").is_some_and(|mode| *mode != old) {
            for key in [
                "delay",
                "rate",
                "max_in_flight",
                "max_sessions",
                "arrival",
                "connections",
                "users",
                "stages",
                "pacing",
            ] {
                base.shift_remove(key);
            }
        }
    }
    for group in groups {
        if group.iter().any(|key| over.contains_key(*key)) {
            for key in group.iter().filter(|key| !over.contains_key(**key)) {
                // The fields of a form lie beside the form that they change.
                let is_patch = (*key == "form" && over.contains_key("submit"))
                    || (*key == "submit" && over.contains_key("form"));
                if !is_patch {
                    base.shift_remove(*key);
                }
            }
        }
    }
    // The stages end the load.
    if keys == ["load"] && over.contains_key("stages") {
        for key in ["duration", "sessions"].iter().filter(|key| !over.contains_key(**key)) {
            base.shift_remove(*key);
        }
    }
    // The names and the delimiter that belonged to what is gone.
    if matches!(keys.as_slice(), ["data", _]) && over.contains_key("file") {
        base.shift_remove("columns");
    }
    if matches!(keys.as_slice(), ["data", _]) && over.contains_key("rows") {
        base.shift_remove("delimiter");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_replaces_what_says_the_same_and_merges_the_rest() {
        let mut plan = json!({
            "target": { "url": "http://a" },
            "requests": { "a": { "path": "/", "form": { "x": "1" }, "headers": { "X-A": "1", "b": "2" },
                                 "extract": { "id": { "json": "$.id", "max": "16B" } } } },
            "load": { "rate": 5, "duration": "1s", "max_sessions": 7 },
            "thresholds": { "response.p99": "< 1s", "throughput": "> 1" },
            "data": { "d": { "columns": ["a"], "rows": [["1"]], "order": "random" } },
            "profiles": {
                "soak": {
                    "requests": { "a": { "json": { "x": 1 }, "headers": { "x-a": "3" }, "url": "u",
                                         "extract": { "id": { "header": "etag" } } } },
                    "load": { "stages": [{ "rate": 1, "hold": "1h" }] },
                    "thresholds": { "throughput": false },
                    "data": { "d": { "file": "d.csv" } },
                },
                "closed": { "load": { "mode": "avalanche", "users": 3 } },
                "other": {},
            },
        });
        assert_eq!(profile_names(&plan), ["soak", "closed", "other"]);
        let unlaid = plan.clone();
        assert_eq!(lay_profiles(&mut plan, &["soak"]), []);
        assert_eq!(
            plan,
            json!({
                "target": { "url": "http://a" },
                "requests": { "a": { "json": { "x": 1 }, "headers": { "b": "2", "x-a": "3" }, "url": "u",
                                     "extract": { "id": { "header": "etag", "max": "16B" } } } },
                "load": { "max_sessions": 7, "stages": [{ "rate": 1, "hold": "1h" }] },
                "thresholds": { "response.p99": "< 1s" },
                "data": { "d": { "order": "random", "file": "d.csv" } },
            })
        );
        let mut plan = unlaid.clone();
        assert_eq!(lay_profiles(&mut plan, &["soak", "closed"]), []);
        assert_eq!(
            plan["load"],
            json!({ "mode": "avalanche", "users": 3 }),
            "the end was that of the stages"
        );
        let mut plan = unlaid.clone();
        assert_eq!(lay_profiles(&mut plan, &["closed"]), []);
        assert_eq!(plan["load"], json!({ "duration": "1s", "mode": "avalanche", "users": 3 }));
        let mut plan = unlaid;
        let faults = lay_profiles(&mut plan, &["sok"]);
        assert!(faults[0].reason.contains("did you mean soak? There are soak, closed, other"), "{faults:?}");
        assert_eq!(plan.get("profiles"), None);
    }

    #[test]
    fn a_plan_with_a_profile_of_stages_or_of_another_source_is_one() {
        let plan = json!({
            "target": { "url": "http://a" },
            "request": { "extract": { "id": { "json": "$.id" } } },
            "requests": { "a": { "path": "/" } },
            "load": { "rate": 3, "sessions": 90, "warmup": "2s" },
            "profiles": {
                "ramp": { "load": { "stages": [{ "rate": 8, "ramp": "4s" }] },
                          "request": { "extract": { "id": { "header": "x-id" } } } },
                "steady": { "load": { "rate": 4, "duration": "9s" } },
            },
        });
        for names in [vec![], vec!["ramp"], vec!["steady"], vec!["ramp", "steady"]] {
            let mut plan = plan.clone();
            assert_eq!(lay_profiles(&mut plan, &names), []);
            let read =
                crate::plan::read_value(&plan).unwrap_or_else(|faults| panic!("{names:?}: {faults:?}"));
            assert_eq!(read.load.stages.len(), usize::from(names == ["ramp"]), "{names:?}");
        }
    }
}
