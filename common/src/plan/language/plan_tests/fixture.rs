//! Plans for tests of the language, read whole, with faults as one line each.

use crate::plan::program::Program;
use crate::plan::{Plan, PlanFormat};

/// What every plan of these tests begins with.
const HEAD: &str = "target.url = \"http://127.0.0.1:8081/\"\n";
/// The load of those that have none of their own.
const LOAD: &str = "[load]\nrate = 10\nduration = \"1m\"\n";

/// A plan; a load is added where it has none.
pub(super) fn text(rest: &str) -> String {
    let load = if rest.contains("[load]") || rest.contains("load = ") { "" } else { LOAD };
    format!("{HEAD}{rest}\n{load}")
}

/// The plan that a text makes.
#[track_caller]
pub(super) fn plan(rest: &str) -> Plan {
    let text = text(rest);
    crate::plan::read(&text, PlanFormat::Toml).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{text}\n{}", lines.join("\n"))
    })
}

/// The program of a plan.
#[track_caller]
pub(super) fn program(rest: &str) -> Program {
    plan(rest).program.map(|program| Program::clone(&program)).unwrap()
}

/// The faults of a text, one line each.
#[track_caller]
pub(super) fn faults(rest: &str) -> Vec<String> {
    match crate::plan::read(&text(rest), PlanFormat::Toml) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// Checks that a plan has these faults and no others; each is given by its path and a part of its reason.
#[track_caller]
pub(super) fn broken(rest: &str, expected: &[(&str, &str)]) {
    let found = faults(rest);
    for (path, reason) in expected {
        let is = |line: &&String| line.starts_with(path) && line.contains(reason);
        assert!(found.iter().any(|line| is(&line)), "{path} … {reason} is not in:\n{}", found.join("\n"));
    }
    assert_eq!(found.len(), expected.len(), "{rest}\n{}", found.join("\n"));
}
