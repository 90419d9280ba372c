//! A body as what its content-type says it is, where a plan can say that and sends the same.

use common::plan::is_secret_parameter;
use serde_json::Value;
use url::form_urlencoded;

use crate::plan_from::draft::{BodyDraft, literal};
use crate::plan_from::fields::Fields;

/// Most levels of JSON that are written as a table; a deeper one is a text.
const MAX_JSON_DEPTH: usize = 16;

pub fn file_body(file: &str, remarks: &mut Vec<String>) -> Result<BodyDraft, String> {
    if file.is_empty() || file == "-" {
        return Err("sends what curl reads from standard input; put it into a file, and name that".to_owned());
    }
    let shown: String = file.chars().filter(|c| !c.is_control()).take(100).collect();
    remarks.push(format!("{shown}: is read when the plan is, relative to the plan"));
    Ok(BodyDraft::File(file.to_owned()))
}

/// A body as what its content-type says it is, where that sends the same.
pub fn text_body(text: String, fields: &mut Fields, remarks: &mut Vec<String>) -> BodyDraft {
    if text.is_empty() {
        return BodyDraft::None;
    }
    let given = fields.get("content-type").unwrap_or_default().trim().to_ascii_lowercase();
    let essence = given.split(';').next().unwrap_or_default().trim_end().to_owned();
    if essence == "application/json"
        && let Some(value) = json(&text)
    {
        if given == essence {
            fields.remove("content-type");
        }
        warn_of_secrets(json_names(&value), remarks);
        return BodyDraft::Json(value);
    }
    if essence == "application/x-www-form-urlencoded" {
        if let Some(form) = form(&text) {
            if given == essence {
                fields.remove("content-type");
            }
            warn_of_secrets(form.iter().map(|(name, _)| name.clone()).collect(), remarks);
            let fields = form
                .into_iter()
                .map(|(name, values)| (name, values.iter().map(|value| literal(value)).collect()))
                .collect();
            return BodyDraft::Form(fields);
        }
        if text.trim_start().starts_with(['{', '[']) {
            remarks.push(
                "content-type: curl sends this JSON as application/x-www-form-urlencoded, and so does the plan; with \
                 -H 'content-type: application/json' it is JSON"
                    .to_owned(),
            );
        }
    }
    BodyDraft::Text(literal(&text))
}

fn warn_of_secrets(names: Vec<String>, remarks: &mut Vec<String>) {
    if let Some(name) = names.iter().find(|name| is_secret_parameter(name)) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        remarks.push(format!(
            "{name}: looks like a secret in the body, and stands in the plan; {{{{secret.NAME}}}} with an entry in [secrets] keeps it out"
        ));
    }
}

fn json_names(value: &Value) -> Vec<String> {
    value.as_object().map(|entries| entries.keys().cloned().collect()).unwrap_or_default()
}

/// JSON that a plan can hold as a table, so that what is sent is the same but for blanks.
fn json(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let written = value.to_string();
    let is_same = written == without_blanks(text);
    (is_same && fits(&value, 0)).then_some(value)
}

/// Whether TOML has it: no null, no deep nesting, and keys without braces and dollars, which a plan reads.
fn fits(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_f64(),
        Value::Array(items) => depth < MAX_JSON_DEPTH && items.iter().all(|item| fits(item, depth + 1)),
        Value::Object(entries) => {
            depth < MAX_JSON_DEPTH
                && entries.iter().all(|(name, value)| !name.contains(['{', '$']) && fits(value, depth + 1))
        }
    }
}

/// JSON without the blanks between its parts.
fn without_blanks(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        if quoted {
            match (escaped, *c) {
                (true, _) => escaped = false,
                (false, '\\') => escaped = true,
                (false, '"') => quoted = false,
                _ => {}
            }
            return true;
        }
        quoted = *c == '"';
        !c.is_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// The fields of a form whose table sends the same: each has a name and a `=`, and those of one name stand together.
fn form(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let has_all = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    if !text.split('&').all(has_all) || text.contains(|c: char| c.is_control()) {
        return None;
    }
    let mut form: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let is_odd = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        if is_odd(&name) || is_odd(&value) || name.contains(['{', '$']) || value == common::plan::MASK {
            return None;
        }
        match form.iter().position(|(known, _)| *known == name) {
            Some(at) if at + 1 == form.len() => {
                form.last_mut().into_iter().for_each(|(_, values)| values.push(value.to_string()));
            }
            Some(_) => return None,
            None => form.push((name.into_owned(), vec![value.into_owned()])),
        }
    }
    (form.len() <= 500).then_some(form)
}
