//! The plan language: reads `[requests]` and the tables beside it into a [`Program`], all faults at once. It knows the
//! tree of a plan and nothing of how requests are sent.
//!
//! The order of reading: profiles, vars and env are put in (`substitute`), then the names are noted (`names`), then what
//! templates may name (`secrets`, `hosts`, `data`), then the requests, then what sends them (`scenarios`), the load and
//! the thresholds, and at last what holds for the whole (`paths`).

mod around;
mod body;
mod check;
mod data;
mod extract;
mod flows;
mod functions;
mod hosts;
mod lets;
mod load;
pub(in crate::plan) mod mask;
mod names;
mod parts;
mod paths;
mod request;
mod rows;
mod scenarios;
mod secrets;
mod shared;
mod spelling;
mod split;
pub(in crate::plan) mod stages;
mod steps;
pub mod substitute;
mod template;
mod thresholds;
mod url;
mod uses;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::names::Names;
pub use self::parts::less_than_one;
pub use self::rows::{TooFewRows, too_few};
pub use self::spelling::is_reserved;
use super::program::Program;
use super::threshold::{Naming, StatisticsNames, Threshold};
use super::{Abort, Capacity, DriverChoice, Fault, Load, Per, Request, TargetUrl, abort, capacity};
use crate::tree::{Table, parse};

/// Whether a tree is a plan with many requests.
pub(super) fn is_program(tree: &Value) -> bool {
    tree.get("requests").is_some_and(|requests| !requests.is_null())
}

/// What a plan with `[requests]` says beside the keys that every plan has.
#[derive(Debug)]
pub(super) struct Read {
    /// `target.url`.
    pub target: TargetUrl,
    /// What `[request]` says to all requests.
    pub request: Request,
    /// The requests and what sends them.
    pub program: Arc<Program>,
    /// `[load]`.
    pub load: Load,
    /// `[thresholds]`.
    pub thresholds: Vec<Threshold>,
    /// `[abort]`.
    pub abort: Vec<Abort>,
    /// `[capacity]`.
    pub capacity: Option<Capacity>,
}

/// Keys of the language that every plan may have, and that are not a program's own.
const WRITTEN_APART: [&str; 9] =
    ["name", "drivers", "per", "thresholds", "abort", "capacity", "honesty", "vars", "profiles"];
/// Tables that a plan without `[requests]` does not have.
const PROGRAM_TABLES: [&str; 10] =
    ["seed", "flows", "scenarios", "data", "vars", "secrets", "setup", "teardown", "shared", "profiles"];

/// Reports the tables of the language in a plan that has one request.
pub(super) fn refuse_without_requests(root: &mut Table) {
    for key in PROGRAM_TABLES {
        if let Some(node) = root.has(key).then(|| root.take(key)).flatten() {
            let reason = "belongs to a plan with [requests], and there are none";
            root.fault(Fault::value(key, "", reason), node.origin);
        }
    }
}

/// The tables of a program as they are kept and travel.
fn source_of(tree: &Value) -> Map<String, Value> {
    let entries = tree.as_object().into_iter().flatten();
    entries
        .filter(|(key, value)| !value.is_null() && !WRITTEN_APART.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Reads the tables of a plan with `[requests]`; `None` where one cannot be read. `tree` is what `root` was made of.
/// The faults are in the table.
pub(super) fn read_program(root: &mut Table, tree: &Value, drivers: &DriverChoice, per: Per) -> Option<Read> {
    // Those that are not chosen.
    if root.has("profiles") {
        root.take("profiles");
    }
    let seed = root.get("seed", parse::integer(0..=u64::MAX));
    let mut names = Names::register(root);
    let secrets = secrets::read(root);
    names.secrets = secrets.iter().map(|secret| secret.name.clone()).collect();
    names.hosts = hosts::names(root);
    let hosts = hosts::read(root);
    let n_faults = root.n_faults();
    names.set_data(data::read(root, tree));
    let (request, shared) = request::read_shared(root, &names);
    let requests = request::read_all(root, &mut names, &shared, request.connection_reuse);
    let shared_requests = shared::read(root, &names, &requests);
    let are_requests_known = root.n_faults() == n_faults;
    let flow = scenarios::read(root, &mut names, &requests);
    let is_whole = hosts.is_some() && are_requests_known && flow.is_some();
    let scenarios::Flow { scenarios, groups, setup, teardown } = flow.unwrap_or_default();
    let program = Program {
        source: source_of(tree),
        seed,
        hosts: hosts.unwrap_or_default(),
        secrets,
        data: std::mem::take(&mut names.data),
        requests,
        variables: std::mem::take(&mut names.variables),
        scenarios,
        groups,
        setup,
        teardown,
        shared: shared_requests,
    };
    // What depends on all of it is not checked where a part is not known.
    let whole = is_whole.then_some(&program);
    let load = load::read(root, whole, drivers, per);
    let names = whole.map(StatisticsNames::of);
    let naming = names.as_ref().map_or(Naming::Any, Naming::Known);
    let thresholds = thresholds::read(root, whole);
    let abort = abort::read(root, naming);
    let capacity = capacity::read(root, naming);
    if is_whole {
        paths::check(&program, root);
    }
    let target = program.hosts.first().map(|host| host.url.clone())?;
    Some(Read { target, request, program: Arc::new(program), load: load?, thresholds, abort, capacity })
}

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
