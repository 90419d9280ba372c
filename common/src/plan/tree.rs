//! A plan before validation: the parsed text, which flags may override key by key, and which
//! [`PlanTree::validate`] turns into a [`Plan`].

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::threshold::{Naming, Threshold};
use super::write::write_body;
use super::{Fault, MAX_BODY_BYTES, Plan, read_value};

/// Longest text of a plan, in bytes: a body of the largest size, escaped, and room to spare.
pub const MAX_PLAN_BYTES: usize = 4 * 1024 * 1024;

/// What a plan is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFormat {
    /// TOML, as people write it.
    Toml,
    /// JSON, as programs send it.
    Json,
}

impl PlanFormat {
    /// By the name of a file: JSON where it ends so, else TOML.
    pub fn of_path(path: &Path) -> Self {
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if json { Self::Json } else { Self::Toml }
    }

    /// By the content: JSON where the first character opens an object, with which no TOML begins.
    pub fn of_text(text: &str) -> Self {
        let begins = text.trim_start_matches('\u{feff}').trim_start();
        if begins.starts_with('{') { Self::Json } else { Self::Toml }
    }

    /// By the name of a file where it ends in `.json` or `.toml`, else by the content.
    pub fn of_file(path: &Path, text: &str) -> Self {
        let named = path.extension().is_some_and(|extension| {
            ["json", "toml"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        if named { Self::of_path(path) } else { Self::of_text(text) }
    }
}

/// Reads a plan: text, tree, type, with every fault at once.
///
/// # Errors
/// Every fault; of a text that cannot be parsed the first alone, with its line and column.
pub fn read(text: &str, format: PlanFormat) -> Result<Plan, Vec<Fault>> {
    PlanTree::parse(text, format)?.validate()
}

/// The parsed text of a plan, or none yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanTree(Value);

impl Default for PlanTree {
    fn default() -> Self {
        Self(json!({}))
    }
}

/// Keys with the same meaning: setting the first removes the others.
const INSTEAD_OF: [(&[&str], &[&[&str]]); 5] = [
    (&["load", "rate"], &[&["load", "delay"], &["load", "stages"]]),
    (&["load", "delay"], &[&["load", "rate"], &["load", "stages"]]),
    (&["request", "body"], &[&["request", "body_file"], &["request", "body_base64"]]),
    (&["request", "body_base64"], &[&["request", "body_file"], &["request", "body"]]),
    (&["request", "body_file"], &[&["request", "body"], &["request", "body_base64"]]),
];

/// Keys of `[load]` that belong to one mode.
const KEYS_OF_A_MODE: [&str; 9] =
    ["delay", "rate", "max_in_flight", "connections", "stages", "arrival", "max_sessions", "users", "pacing"];

impl PlanTree {
    /// Parses a text without validating it.
    ///
    /// # Errors
    /// One fault, with line and column, where the text is not valid TOML or JSON, or is too long.
    pub fn parse(text: &str, format: PlanFormat) -> Result<Self, Vec<Fault>> {
        if text.len() > MAX_PLAN_BYTES {
            let reason = format!("is {} bytes long, and a plan is at most {MAX_PLAN_BYTES}", text.len());
            return Err(vec![Fault::value("", "", reason)]);
        }
        match format {
            PlanFormat::Toml => crate::tree::parse_toml(text).map(|table| Self(toml_value(table.into()))),
            PlanFormat::Json => serde_json::from_str::<super::strict::StrictValue>(text)
                .map(|value| Self(value.0))
                .map_err(|error| Fault::value("", "", crate::tree::json_reason(&error))),
        }
        .map_err(|fault| vec![fault])
    }

    /// A tree that was parsed elsewhere.
    pub fn from_value(value: Value) -> Self {
        Self(value)
    }

    /// The tree as it is now.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The tree as it is now, to be changed as a whole.
    pub fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// Whether it is a plan with `[requests]`.
    pub fn has_requests(&self) -> bool {
        super::language::is_program(&self.0)
    }

    /// The value at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.0, |value, key| value.get(key))
    }

    /// Sets the value at a path of keys, as a flag does. Keys that mean the same in another way are removed, and a
    /// changed mode removes the keys of the old one (so set the mode first).
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        let value = value.into();
        if path == ["load", "mode"] && self.get(path).unwrap_or(&json!("tsunami")) != &value {
            for key in KEYS_OF_A_MODE {
                self.remove(&["load", key]);
            }
        }
        for (_, others) in INSTEAD_OF.iter().filter(|(key, _)| *key == path) {
            others.iter().for_each(|other| self.remove(other));
        }
        *self.slot(path) = value;
    }

    /// Removes the value at a path of keys, if it is there.
    pub fn remove(&mut self, path: &[&str]) {
        let Some((last, parents)) = path.split_last() else { return };
        let parent = parents.iter().try_fold(&mut self.0, |value, key| value.get_mut(key));
        if let Some(Value::Object(table)) = parent {
            table.remove(*last);
        }
    }

    /// Sets a header field, in place of those whose names differ in case alone.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.set_headers(&[(name, value)]);
    }

    /// Sets the header fields of flags, in place of the plan's own of these names. A name that is given several times
    /// is sent as often, in that order.
    pub fn set_headers(&mut self, fields: &[(&str, &str)]) {
        let mut given: Vec<(&str, Vec<&str>)> = Vec::new();
        for (name, value) in fields {
            match given.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, values)) => values.push(value),
                None => given.push((name, vec![value])),
            }
        }
        for (name, values) in given {
            if let Value::Object(headers) = self.slot(&["request", "headers"]) {
                headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
            }
            *self.slot(&["request", "headers", name]) = match values[..] {
                [value] => json!(value),
                _ => json!(values),
            };
        }
    }

    /// Sets thresholds from flags, as in `response.p99 < 250ms`: those of the plan on the same
    /// figure are replaced; several flags on one figure all apply.
    ///
    /// # Errors
    /// One fault for each flag that is not a valid threshold.
    pub fn set_thresholds<S: AsRef<str>>(&mut self, expressions: &[S]) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        // Which names there are is checked with the plan.
        let naming = if self.has_requests() { Naming::Any } else { Naming::Unnamed };
        let mut given: Map<String, Value> = Map::new();
        for expression in expressions {
            let expression = expression.as_ref();
            let parsed = Threshold::split_expression(expression)
                .and_then(|(key, text)| Threshold::parse_in(key, text, naming));
            match parsed {
                Ok(threshold) => {
                    let conditions = given.entry(threshold.key()).or_insert_with(|| json!([]));
                    if let Value::Array(conditions) = conditions {
                        conditions.push(json!(threshold.condition()));
                    }
                }
                Err(error) => {
                    faults.push(Fault::value("thresholds", format!("{expression:?}"), error.to_string()));
                }
            }
        }
        for (key, conditions) in given {
            *self.slot(&["thresholds", &key]) = conditions;
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Reads the file that `request.body_file` names, relative to a folder, and puts its content in `body`, or in
    /// `body_base64` where it is not UTF-8: drivers receive the plan alone, not the file.
    ///
    /// # Errors
    /// Where the file cannot be read or is too large, or a body is there too.
    pub fn inline_body_file(&mut self, base_dir: &Path) -> Result<(), Fault> {
        let key = ["request", "body_file"];
        // A value that is not a text is reported by the validation.
        let Some(Value::String(name)) = self.get(&key) else { return Ok(()) };
        let name = name.clone();
        if name.is_empty() {
            self.remove(&key);
            return Ok(());
        }
        for other in ["body", "body_base64"] {
            if self.get(&["request", other]).is_some_and(|body| body.as_str() != Some("")) {
                let reason = format!("{other} and body_file are both given; leave one out");
                return Err(Fault::contradiction("request.body_file", format!("{name:?}"), reason));
            }
        }
        // Faults show the path as it was opened, instead of the value.
        let path: PathBuf = base_dir.join(&name);
        let fault = |reason: String| Fault::value("request.body_file", path.display(), reason);
        let bytes =
            read_at_most(&path, MAX_BODY_BYTES).map_err(|error| fault(format!("cannot be read: {error}")))?;
        let Some(bytes) = bytes else {
            return Err(fault(format!("is larger than {MAX_BODY_BYTES} bytes")));
        };
        let (body_key, body) = write_body(&bytes);
        self.set(&["request", body_key], body);
        Ok(())
    }

    /// Turns the tree into a plan.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn validate(&self) -> Result<Plan, Vec<Fault>> {
        read_value(&self.0)
    }

    /// The same for a tree in which faults were found before. Those stand first, and what the reader says of a path that
    /// has one of them already is left out.
    ///
    /// # Errors
    /// Every fault at once; without one found before, as [`PlanTree::validate`].
    pub fn validate_with(&self, mut faults: Vec<Fault>) -> Result<Plan, Vec<Fault>> {
        match self.validate() {
            Ok(plan) if faults.is_empty() => Ok(plan),
            Ok(_) => Err(faults),
            Err(more) => {
                let known: Vec<String> = faults.iter().map(|fault| fault.path.clone()).collect();
                faults.extend(more.into_iter().filter(|fault| !known.contains(&fault.path)));
                Err(faults)
            }
        }
    }

    /// The value at a path. Missing tables on the way are created; a value on the way that is not a table is replaced.
    fn slot(&mut self, path: &[&str]) -> &mut Value {
        let mut value = &mut self.0;
        for key in path {
            if !value.is_object() {
                *value = json!({});
            }
            value = &mut value[*key];
        }
        if value.is_null() {
            *value = json!({});
        }
        value
    }
}

/// The content of a file; `None` where it is longer than that.
fn read_at_most(path: &Path, max_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= max_bytes).then_some(bytes))
}

/// TOML as JSON: dates become texts, and so do the numbers that JSON lacks.
fn toml_value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(integer) => json!(integer),
        toml::Value::Float(number) if number.is_finite() => json!(number),
        toml::Value::Float(number) => json!(number.to_string()),
        toml::Value::Boolean(on) => json!(on),
        toml::Value::Datetime(date) => json!(date.to_string()),
        toml::Value::Array(list) => Value::Array(list.into_iter().map(toml_value).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, toml_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Mode, Pace};

    fn tree(text: &str) -> PlanTree {
        PlanTree::parse(text, PlanFormat::Toml).unwrap()
    }

    const PING: &str = "[target]\nurl = \"http://127.0.0.1/\"\n[load]\ndelay = \"1ms\"\nmax_in_flight = 7\nduration = \"1s\"\n";

    #[test]
    fn a_plan_is_built_from_flags_alone() {
        let mut tree = PlanTree::default();
        tree.set(&["target", "url"], "http://127.0.0.1/");
        tree.set(&["load", "mode"], "avalanche");
        tree.set(&["load", "connections"], 64);
        tree.set(&["load", "requests"], 100_000);
        assert_eq!(tree.validate().unwrap().load.mode, Mode::Avalanche { connections: 64 });
    }

    #[test]
    fn a_flag_takes_the_place_of_what_says_the_same() {
        let mut plan = tree(PING);
        plan.set(&["load", "rate"], 50);
        let mode = plan.validate().unwrap().load.mode;
        assert_eq!(mode, Mode::Tsunami { pace: Some(Pace::Rate(50.0)), max_in_flight: 7 });
        plan.set(&["load", "mode"], "tsunami");
        assert!(plan.get(&["load", "rate"]).is_some(), "the same mode changes nothing");
        plan.set(&["load", "mode"], "avalanche");
        plan.set(&["load", "connections"], 3);
        assert_eq!(plan.validate().unwrap().load.mode, Mode::Avalanche { connections: 3 });
    }

    #[test]
    fn headers_and_thresholds_of_flags_replace_those_of_the_plan() {
        let mut plan = tree(&format!(
            "{PING}[request.headers]\nX-A = \"1\"\nX-B = [\"5\", \"6\"]\n[thresholds]\nthroughput = \"> 1\"\n\"lag.max\" = \"< 1s\"\n"
        ));
        plan.set_headers(&[("x-a", "2"), ("x-c", "7"), ("X-A", "3")]);
        plan.set_thresholds(&["throughput >= 10/s", "throughput <= 20/s"]).unwrap();
        let plan = plan.validate().unwrap();
        let headers: Vec<_> = plan.request.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, [("X-B", "5"), ("X-B", "6"), ("x-a", "2"), ("x-a", "3"), ("x-c", "7")]);
        let thresholds: Vec<String> = plan.thresholds.into_iter().map(|it| it.expression).collect();
        assert_eq!(thresholds, ["lag.max < 1s", "throughput >= 10/s", "throughput <= 20/s"]);
        let faults = tree(PING).set_thresholds(&["p99 < 1s", "lag.max", "lag.max < 1s"]).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_body_file_is_read_relative_to_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let with_file = |name: &str| tree(&format!("{PING}[request]\nbody_file = {name:?}\n"));
        std::fs::write(folder.path().join("order.json"), "{\"ü\":1}\n").unwrap();
        let mut plan = with_file("order.json");
        plan.inline_body_file(folder.path()).unwrap();
        assert_eq!(plan.validate().unwrap().request.body, "{\"ü\":1}\n".as_bytes());
        assert_eq!(plan.get(&["request", "body_file"]), None);

        let reason = |mut plan: PlanTree| plan.inline_body_file(folder.path()).unwrap_err().to_string();
        assert!(reason(with_file("none.json")).contains("none.json"));
        let raw: Vec<u8> = (0..=255).rev().collect();
        std::fs::write(folder.path().join("raw"), &raw).unwrap();
        let mut binary = with_file("raw");
        binary.inline_body_file(folder.path()).unwrap();
        let binary = binary.validate().unwrap();
        assert_eq!(binary.request.body, raw, "bytes that are not UTF-8 stay as they are");
        assert_eq!(read_value(&binary.to_json()).unwrap(), binary, "also on the way to the drivers");
        std::fs::write(folder.path().join("large"), vec![b'x'; MAX_BODY_BYTES + 1]).unwrap();
        assert!(reason(with_file("large")).contains("larger than 524288 bytes"));
        let mut both = with_file("order.json");
        *both.slot(&["request", "body"]) = json!("x");
        assert!(reason(both).contains("both given"));
        let mut empty = with_file("");
        empty.inline_body_file(folder.path()).unwrap();
        assert!(empty.validate().is_ok());
    }

    #[test]
    fn what_toml_has_and_json_lacks_is_a_fault_not_a_panic() {
        let faults = tree(&format!("{PING}rate = nan\nwarmup = 2026-11-23\n")).validate().unwrap_err();
        assert!(faults.iter().any(|fault| fault.path == "load.warmup"), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.path == "load.rate"), "{faults:?}");
    }
}
