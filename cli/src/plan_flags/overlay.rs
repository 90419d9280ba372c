//! Which flag is which key of a plan: what `run`'s flags say is set in the plan's tree.

use common::plan::{Fault, PlanTree};
use serde_json::{Value, json};

use super::habits;
use crate::args::{ModeArg, PerArg, RunArgs};
use crate::exit::Stop;

/// Keys whose flags take a bare number as seconds.
const IN_SECONDS: [&str; 4] = ["request.timeout", "load.duration", "load.warmup", "load.drain_timeout"];

/// Keys whose flags take numbers.
const NUMBERS: [&str; 5] =
    ["load.rate", "load.max_in_flight", "load.connections", "load.target_throughput", "load.requests"];

/// Sets what the flags say, and notes the keys that they set.
///
/// # Errors
/// Where a flag cannot be read, or two say the same.
pub fn overlay(
    arguments: &RunArgs,
    url: Option<&str>,
    tree: &mut PlanTree,
    given: &mut Vec<&'static str>,
) -> Result<(), Stop> {
    choices(arguments, tree, given);
    let text = |flag: &Option<String>| flag.clone();
    let flags = [
        ("name", text(&arguments.name)),
        ("target.url", url.map(str::to_owned)),
        ("request.method", text(&arguments.request.method)),
        ("request.timeout", text(&arguments.request.timeout)),
        ("request.engine", text(&arguments.request.engine)),
        ("load.rate", text(&arguments.rate)),
        ("load.delay", text(&arguments.delay)),
        ("load.max_in_flight", text(&arguments.max_in_flight)),
        ("load.connections", text(&arguments.connections)),
        ("load.target_throughput", text(&arguments.target_throughput)),
        ("load.requests", text(&arguments.requests)),
        ("load.duration", text(&arguments.duration)),
        ("load.warmup", text(&arguments.warmup)),
        ("load.drain_timeout", text(&arguments.drain_timeout)),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            let path: Vec<&str> = key.split('.').collect();
            tree.set(&path, typed(key, &value));
            given.push(key);
        }
    }
    if !arguments.request.expect_status.is_empty() {
        tree.set(&["request", "expect_status"], json!(arguments.request.expect_status));
        given.push("request.expect_status");
    }
    body(arguments, tree, given)?;
    headers(arguments, tree, given)?;
    let lines = |faults: Vec<Fault>| {
        let line = |fault: &Fault| format!("--threshold {}: {}", fault.value, fault.reason);
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    tree.set_thresholds(&arguments.thresholds).map_err(|faults| Stop::usage(lines(faults)))
}

/// The flags that are words or switches.
fn choices(arguments: &RunArgs, tree: &mut PlanTree, given: &mut Vec<&'static str>) {
    // The mode first: another one takes the keys of the old one with it.
    if let Some(mode) = arguments.mode {
        let mode = match mode {
            ModeArg::Tsunami => "tsunami",
            ModeArg::Avalanche => "avalanche",
        };
        tree.set(&["load", "mode"], mode);
        given.push("load.mode");
    }
    if let Some(per) = arguments.per {
        tree.set(&["per"], if per == PerArg::Fleet { "fleet" } else { "driver" });
        given.push("per");
    }
    if let Some(drivers) = arguments.place.drivers {
        tree.set(&["drivers"], drivers);
        given.push("drivers");
    }
    if arguments.request.identify {
        tree.set(&["request", "identify"], true);
    }
    if arguments.request.no_keepalive {
        tree.set(&["request", "connection_reuse"], false);
    }
}

/// The body: `--body TEXT`, `--body @FILE` or `--body-file FILE`.
fn body(arguments: &RunArgs, tree: &mut PlanTree, given: &mut Vec<&'static str>) -> Result<(), Stop> {
    let file = match &arguments.request.body {
        Some(text) => match habits::body_file(text)? {
            Some(file) => Some(file.to_owned()),
            None => {
                tree.set(&["request", "body"], text.clone());
                given.push("request.body");
                None
            }
        },
        None => arguments.request.body_file.as_ref().map(|path| path.display().to_string()),
    };
    if let Some(file) = file {
        tree.set(&["request", "body_file"], file);
        given.push("request.body_file");
    }
    Ok(())
}

/// The header fields, the one of `-u` included.
fn headers(arguments: &RunArgs, tree: &mut PlanTree, given: &mut Vec<&'static str>) -> Result<(), Stop> {
    let mut headers = Vec::with_capacity(arguments.request.headers.len());
    for header in &arguments.request.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Stop::usage(format!("--header {header:?}: expected 'NAME: VALUE', as in 'accept: text/html'"))
        })?;
        headers.push((name.trim(), value.trim()));
    }
    let authorization = arguments.request.user.as_deref().map(habits::authorization).transpose()?;
    if let Some(value) = &authorization {
        if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            let reason = "both set the header authorization; leave one out";
            return Err(Stop::usage(format!("--user and --header authorization {reason}")));
        }
        headers.push(("authorization", value));
    }
    if !headers.is_empty() {
        given.push("request.headers");
    }
    // All at once: a name that is given twice is sent twice.
    tree.set_headers(&headers);
    Ok(())
}

/// A flag's text as the plan has it: a number where the key takes numbers, and a unit where seconds are meant.
fn typed(key: &str, text: &str) -> Value {
    let number = || serde_json::from_str::<serde_json::Number>(&text.replace('_', "")).ok();
    match NUMBERS.contains(&key).then(number).flatten() {
        Some(number) => Value::Number(number),
        None if IN_SECONDS.contains(&key) => Value::String(habits::seconds(text)),
        None => Value::String(text.to_owned()),
    }
}
