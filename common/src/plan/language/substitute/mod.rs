//! What is put into the tree of a plan before it is read: profiles are laid over it, then `{{vars.X}}` and `{{env.X}}`
//! get their values. The command line does both; over REST the environment is not read, and the reader puts `vars` in.
//!
//! In a template a value becomes a quoted text (`{{vars.x | upper}}` is `{{'a' | upper}}` then), so that braces in it are
//! never read again. Everywhere else it becomes a part of the text.

use serde_json::{Map, Number, Value, json};

use super::spelling::{check_plain_name, unknown};
use super::template::{Piece, pieces, quote};
use crate::plan::Fault;

mod profiles;
#[cfg(test)]
mod tests;

pub use profiles::{lay_profiles, profile_names};

/// Looks a variable of the environment up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Keys whose value is a number or a boolean: a text that is `{{vars.X}}` alone becomes one there.
const TYPED: [&str; 24] = [
    "rate",
    "users",
    "sessions",
    "max_sessions",
    "connections",
    "requests",
    "max_in_flight",
    "target_throughput",
    "share",
    "repeat",
    "at_most",
    "seed",
    "drivers",
    "follow",
    "split_top",
    "pick",
    "cookies",
    "verify",
    "identify",
    "connection_reuse",
    "template",
    "secret",
    "status",
    "max_late",
];

/// Sets a var, as `--var NAME=VALUE` does.
pub fn set_var(tree: &mut Value, name: &str, value: &str) {
    if let Value::Object(entries) = tree {
        let vars = entries.entry("vars").or_insert_with(|| json!({}));
        if !vars.is_object() {
            *vars = json!({});
        }
        if let Value::Object(vars) = vars {
            vars.insert(name.to_owned(), json!(value));
        }
    }
}

/// Puts vars and the environment's values in where a plan has `[requests]`, and removes `vars`. `env`: `None` where the
/// environment must not be read, as over REST. A value that cannot be put in is reported and left out, so that the rest
/// can be checked.
pub fn put_in(tree: &mut Value, env: Option<Environment<'_>>) -> Vec<Fault> {
    let mut put = Put { vars: Map::new(), env, faults: Vec::new() };
    if !super::is_program(tree) {
        return put.faults;
    }
    let Value::Object(entries) = tree else { return put.faults };
    match entries.shift_remove("vars") {
        None | Some(Value::Null) => {}
        Some(Value::Object(vars)) => put.take_vars(vars),
        Some(other) => {
            put.faults.push(Fault::value("vars", other, "expected a table of keys, as in vars.rate = 25"));
        }
    }
    put.value(tree, Scope::Root, "", "");
    put.faults
}

/// Where a value stands, as far as it decides what braces in it mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Root,
    Requests,
    Request,
    /// `[request]` without `template = true`.
    Literal,
    Multipart,
    Check,
    CheckBody,
    Flows,
    Flow,
    Scenarios,
    Scenario,
    Steps,
    Data,
    DataSet,
    /// A template, and everything in it.
    Template,
    /// A text that is not a template, and everything in it.
    Plain,
    /// Never looked into.
    Skip,
}

impl Scope {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "requests") => Self::Requests,
            (Self::Root, "flows") => Self::Flows,
            (Self::Root, "scenarios") => Self::Scenarios,
            (Self::Root, "data") => Self::Data,
            // Profiles that are not chosen.
            (Self::Root, "profiles") => Self::Skip,
            (Self::Requests, _) => Self::Request,
            (
                Self::Request,
                "path" | "url" | "query" | "headers" | "body" | "json" | "form" | "basic" | "let",
            ) => Self::Template,
            (Self::Request, "multipart") => Self::Multipart,
            (Self::Request, "check") => Self::Check,
            (Self::Multipart, "value" | "filename") => Self::Template,
            // Files, as text.
            (Self::Request, "body_base64") | (Self::Multipart, "base64") => Self::Skip,
            (Self::Check, "body") => Self::CheckBody,
            (Self::Check, "header" | "json") | (Self::CheckBody, "absent") => Self::Template,
            (Self::Flows, _) => Self::Flow,
            (Self::Flow, "steps") => Self::Steps,
            (Self::Scenarios, _) => Self::Scenario,
            (Self::Scenario, "let") => Self::Template,
            (Self::Scenario, "steps") => Self::Steps,
            (Self::Steps, "when" | "until") => Self::Template,
            (Self::Steps, _) => Self::Steps,
            (Self::Data, _) => Self::DataSet,
            // What a file holds is never changed.
            (Self::DataSet, "rows" | "facts") => Self::Skip,
            (Self::Template | Self::Literal | Self::Skip, _) => self,
            _ => Self::Plain,
        }
    }

    fn is_template(self) -> bool {
        matches!(self, Self::Template | Self::CheckBody)
    }
}

struct Put<'a> {
    vars: Map<String, Value>,
    env: Option<Environment<'a>>,
    faults: Vec<Fault>,
}

impl Put<'_> {
    fn take_vars(&mut self, vars: Map<String, Value>) {
        // Apart until all of them are read: no var is known to another one, in whichever order they stand.
        let mut taken = Map::new();
        for (name, value) in vars {
            let path = format!("vars.{name}");
            if let Err(reason) = check_plain_name(&name) {
                self.faults.push(Fault::value(&path, format!("{name:?}"), reason));
            }
            let value = match value {
                Value::Null => continue,
                // It may have the environment's value.
                Value::String(text) if text.contains("{{") => self.plain(&text, &path, ""),
                Value::String(_) | Value::Number(_) | Value::Bool(_) => value,
                _ => {
                    self.faults.push(Fault::value(&path, "…", "expected a text, a number, true or false"));
                    json!("")
                }
            };
            taken.insert(name, value);
        }
        self.vars = taken;
    }

    fn value(&mut self, value: &mut Value, scope: Scope, path: &str, key: &str) {
        match value {
            _ if scope == Scope::Skip => {}
            Value::Object(entries) => {
                for (key, value) in entries.iter_mut() {
                    let below = match (scope, key.as_str()) {
                        (Scope::Root, "request") if is_template(value) => Scope::Request,
                        (Scope::Root, "request") => Scope::Literal,
                        _ => scope.below(key),
                    };
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.value(value, below, &path, key);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, scope, &format!("{path}[{index}]"), key);
                }
            }
            Value::String(text) if text.contains("{{") => match scope {
                Scope::Literal => self.literal(text, path),
                _ if scope.is_template() => *text = self.template(text, path),
                _ => *value = self.plain(&text.clone(), path, key),
            },
            _ => {}
        }
    }

    /// Braces in `[request]` are sent as they are; where they look like the language's, that is hardly meant.
    fn literal(&mut self, text: &str, path: &str) {
        let is_ours = |inside: &str| {
            let inside = inside.trim_start();
            ["vars.", "env.", "secret."].iter().any(|source| inside.starts_with(source))
        };
        for piece in pieces(text).unwrap_or_default() {
            if let Piece::Slot(inside) = piece
                && is_ours(inside)
            {
                let reason = "stands in [request], whose braces are sent as they are; write template = true in \
                              [request] to have values put in";
                // The text around it may be a secret.
                self.faults.push(Fault::value(path, format!("\"{{{{{inside}}}}}\""), reason));
            }
        }
    }

    /// A template with the values as quoted texts.
    fn template(&mut self, text: &str, path: &str) -> String {
        // What cannot be read is reported by the reader.
        let Ok(pieces) = pieces(text) else { return text.to_owned() };
        let mut put = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => put.push_str(text),
                Piece::Slot(inside) => {
                    put.push_str("{{");
                    put.push_str(&self.slot(inside, path));
                    put.push_str("}}");
                }
            }
        }
        put
    }

    /// The inside of a slot, with its words `vars.X` and `env.X` replaced.
    fn slot(&mut self, inside: &str, path: &str) -> String {
        let mut put = String::with_capacity(inside.len());
        let mut rest = inside;
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix('\'') {
                // Up to the closing quote; two quotes within are two texts, which makes no difference here.
                let end = behind.find('\'').map_or(rest.len(), |at| at + 2);
                put.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let is_end = |c: char| c.is_whitespace() || matches!(c, '|' | '\'');
            let end = rest.find(is_end).unwrap_or(rest.len());
            if end == 0 {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                put.push_str(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            let (word, behind) = rest.split_at(end);
            match self.look_up(word, path) {
                Some(value) => put.push_str(&quote(&text_of(&value))),
                None => put.push_str(word),
            }
            rest = behind;
        }
        put
    }

    /// A text that is not a template, with the values put in.
    fn plain(&mut self, text: &str, path: &str, key: &str) -> Value {
        let Ok(pieces) = pieces(text) else { return json!(text) };
        if let [Piece::Slot(inside)] = pieces.as_slice()
            && let Some(value) = self.alone(inside, path)
        {
            return if TYPED.contains(&key) || is_weight(path) {
                typed(value)
            } else {
                json!(text_of(&value))
            };
        }
        let mut put = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => put.push_str(text),
                Piece::Slot(inside) => match self.alone(inside, path) {
                    Some(value) => put.push_str(&text_of(&value)),
                    None => {
                        put.push_str("{{");
                        put.push_str(inside);
                        put.push_str("}}");
                    }
                },
            }
        }
        json!(put)
    }

    /// The value of a slot that is `vars.X` or `env.X` alone.
    fn alone(&mut self, inside: &str, path: &str) -> Option<Value> {
        let word = inside.trim();
        if let Some((source, _)) = word.split_once(|c: char| c.is_whitespace() || c == '|') {
            if source.starts_with("vars.") || source.starts_with("env.") {
                let reason = "has a filter, and filters work in requests alone; here a value stands as it is";
                self.faults.push(Fault::value(path, format!("{:?}", format!("{{{{{inside}}}}}")), reason));
                return Some(json!(""));
            }
            return None;
        }
        self.look_up(word, path)
    }

    /// The value of `vars.X` or `env.X`; `None` for any other word.
    fn look_up(&mut self, word: &str, path: &str) -> Option<Value> {
        let shown = format!("\"{{{{{word}}}}}\"");
        if let Some(name) = word.strip_prefix("vars.") {
            if let Some(value) = self.vars.get(name) {
                return Some(value.clone());
            }
            let there: Vec<String> = self.vars.keys().cloned().collect();
            let reason = if path.starts_with("vars.") {
                "a var may have a value of the environment, and not another var's".to_owned()
            } else {
                unknown("var", name, &there)
            };
            self.faults.push(Fault::value(path, shown, reason));
            return Some(json!(""));
        }
        let name = word.strip_prefix("env.")?;
        let reason = match self.env {
            None => {
                "is put in by the command line, which has an environment; send the value itself".to_owned()
            }
            Some(env) => match env(name) {
                Some(value) => return Some(json!(value)),
                None => format!("the environment has no variable {name}"),
            },
        };
        self.faults.push(Fault::value(path, shown, reason));
        Some(json!(""))
    }
}

/// Whether `[request]` says that braces in it are the language's.
fn is_template(request: &Value) -> bool {
    request.get("template") == Some(&json!(true))
}

/// The weights of `choose` have names that people chose.
fn is_weight(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(table, _)| table.ends_with("choose"))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text as the number or the boolean that it is written as, as `--var` gives one.
fn typed(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    match text.trim() {
        "true" => json!(true),
        "false" => json!(false),
        text => match text.parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => value,
        },
    }
}
