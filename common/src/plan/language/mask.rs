//! The secrets of a plan with `[requests]`, masked: values of secret headers, of secret keys of queries and forms, of
//! passwords, and of secret columns of data. A template is shown, because what it puts in is not in it; a quoted text in
//! it may be a value of the environment, so it is masked.

use serde_json::{Value, json};

use super::template::{Piece, pieces};
use crate::plan::secrets::{MASK, is_secret_header, is_secret_parameter, mask_query, mask_url};

/// Words before a token that say what it is.
const SCHEMES: [&str; 4] = ["", "bearer", "basic", "token"];

/// Masks what the tables of a program hold, valid or not. Headers of `[request]` and `target.url` are masked before.
pub(in crate::plan) fn mask_program(plan: &mut Value) {
    if let Some(Value::Object(hosts)) = plan.pointer_mut("/target/hosts") {
        for host in hosts.values_mut() {
            let url = if host.is_object() { host.get_mut("url") } else { Some(host) };
            if let Some(Value::String(url)) = url {
                *url = mask_url(url);
            }
        }
    }
    if let Some(request) = plan.get_mut("request") {
        mask_request(request);
    }
    if let Some(Value::Object(requests)) = plan.get_mut("requests") {
        requests.values_mut().for_each(mask_request);
    }
    if let Some(Value::Object(sets)) = plan.get_mut("data") {
        sets.values_mut().for_each(mask_rows);
    }
    if let Some(Value::Object(profiles)) = plan.get_mut("profiles") {
        for profile in profiles.values_mut() {
            // A profile within a profile is not laid over anything, and may nest without end.
            if let Value::Object(entries) = profile {
                entries.remove("profiles");
            }
            crate::plan::secrets::mask_json(profile);
            mask_program(profile);
        }
    }
}

fn mask_request(request: &mut Value) {
    mask_keys(request.get_mut("headers"), is_secret_header);
    mask_keys(request.get_mut("query"), is_secret_parameter);
    mask_keys(request.get_mut("form"), is_secret_parameter);
    mask_keys(request.get_mut("basic"), |key| key == "password");
    for key in ["path", "url"] {
        if let Some(Value::String(text)) = request.get_mut(key) {
            *text = if key == "url" { mask_url(text) } else { mask_query(text) };
        }
    }
}

fn mask_keys(table: Option<&mut Value>, is_secret: impl Fn(&str) -> bool) {
    let Some(Value::Object(entries)) = table else { return };
    for (_, value) in entries.iter_mut().filter(|(key, _)| is_secret(key)) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(mask_value),
            _ => mask_value(value),
        }
    }
}

/// Masks a value, unless all that is in it are slots and the word before a token.
fn mask_value(value: &mut Value) {
    let shown = match &*value {
        Value::String(text) => is_template_alone(text),
        Value::Null => true,
        _ => false,
    };
    if !shown {
        *value = json!(MASK);
    }
}

fn is_template_alone(text: &str) -> bool {
    let Ok(pieces) = pieces(text) else { return false };
    let has_slot = pieces.iter().any(|piece| matches!(piece, Piece::Slot(_)));
    let harmless = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => SCHEMES.contains(&text.trim().to_ascii_lowercase().as_str()),
        // `choice` holds texts, too.
        Piece::Slot(inside) => !inside.contains('\'') && !inside.trim_start().starts_with("choice"),
    };
    has_slot && pieces.iter().all(harmless)
}

fn mask_rows(set: &mut Value) {
    let Some(Value::Array(columns)) = set.get("columns") else { return };
    let secret: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, name)| name.as_str().is_some_and(is_secret_parameter))
        .map(|(index, _)| index)
        .collect();
    let Some(Value::Array(rows)) = set.get_mut("rows") else { return };
    for row in rows {
        for index in &secret {
            if let Some(cell) = row.get_mut(*index) {
                *cell = json!(MASK);
            }
        }
    }
}
