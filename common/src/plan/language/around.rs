//! `[setup]` and `[teardown]`: steps that are done once, before and after the load. They are written as those of a
//! scenario. What they may not use is checked here: rows of data, which belong to sessions, and secret values that would
//! travel from one driver to the others.

use std::collections::BTreeSet;
use std::time::Duration;

use super::flows::{self, Flow};
use super::names::Names;
use super::scenarios;
use super::steps::Steps;
use super::uses;
use crate::ids::RequestName;
use crate::plan::Fault;
use crate::plan::program::{Around, Condition, Once, Program, SlotValue, Step, Template, requests_of};
use crate::tree::{Table, parse};

/// How long setup may take where nothing is said, and how long teardown may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bounds of `setup.timeout`.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3_600);

/// Reads one of the two tables; `None` where there is none. The faults are in the table.
pub(super) fn read(
    root: &mut Table,
    key: &'static str,
    names: &Names,
    flows: &[Flow],
    groups: &[RequestName],
) -> Option<Around> {
    if !root.has(key) {
        root.take(key);
        return None;
    }
    let mut around = root.table(key, |table| {
        let steps = Steps { names }.take(table, "steps", 1);
        let cookie_bytes = table.get("cookies", scenarios::cookies).flatten();
        let (mut once, mut timeout) = (Once::Fleet, TIMEOUT);
        if key == "setup" {
            let kinds = [("fleet", Once::Fleet), ("driver", Once::Driver)];
            once = table.get("once", parse::one_of(&kinds)).unwrap_or_default();
            timeout = table.get("timeout", parse::duration(TIMEOUTS)).unwrap_or(TIMEOUT);
        }
        Around { steps, once, timeout, cookie_bytes }
    });
    flows::put_in(root, key, &mut around.steps, flows, groups);
    Some(around)
}

/// The mix leaves out requests that setup or teardown sends, so that their share would have no effect.
pub(super) fn check_shares(root: &Table, names: &Names, apart: &BTreeSet<usize>) {
    for index in apart {
        let share = names.shares.get(*index).copied().flatten();
        if let (Some(share), Some(name)) = (share, names.requests.get(*index)) {
            let reason = "has no effect: setup or teardown sends this request, so that the load does not; leave it out, \
                          or name what the load sends in [scenarios]";
            root.fault(Fault::contradiction(format!("requests.{name}.share"), share, reason), None);
        }
    }
}

/// Checks what setup and teardown may not use.
pub(super) fn check(program: &Program, root: &Table) {
    for (key, around) in [("setup", &program.setup), ("teardown", &program.teardown)] {
        let Some(around) = around else { continue };
        check_data(program, root, key, around);
    }
    if let Some(setup) = program.setup.as_ref().filter(|setup| setup.once == Once::Fleet) {
        check_secrets(program, root, setup);
    }
}

/// What is extracted of setup travels to the other drivers on Kafka, where no secret may be.
fn check_secrets(program: &Program, root: &Table, setup: &Around) {
    let sent = requests_of(&setup.steps);
    let mut reported = BTreeSet::new();
    for request in sent.iter().filter_map(|index| program.requests.get(*index)) {
        for extract in &request.extracts {
            let Some(variable) = program.variables.get(extract.variable) else { continue };
            if variable.secret && reported.insert(extract.variable) {
                let path = format!("requests.{}.extract.{}.secret", request.name, variable.name);
                let reason = "may not travel to the other drivers, as what setup extracts does; with setup.once = \
                              \"driver\" each driver runs setup for itself, and nothing travels";
                root.fault(Fault::contradiction(path, true, reason), None);
            }
        }
    }
}

/// A row belongs to a session of the load.
fn check_data(program: &Program, root: &Table, key: &str, around: &Around) {
    let fault = |path: String, data: usize| {
        let name = program.data.get(data).map(|data| data.name.as_str()).unwrap_or_default();
        let reason = format!(
            "cannot be used in {key}: a row belongs to a session, and {key} is none; write a var instead"
        );
        root.fault(Fault::contradiction(path, format!("{name:?}"), reason), None);
    };
    let mut reported = BTreeSet::new();
    for index in requests_of(&around.steps) {
        let Some(request) = program.requests.get(index) else { continue };
        let lets = request.lets.iter().map(|(_, text)| ("let".to_owned(), text));
        for (at, text) in lets.chain(uses::of_request(request)) {
            if text.slots().any(|slot| matches!(slot.value, SlotValue::Shared(..))) {
                let reason =
                    format!("uses a value of [shared], which {key} does not have; send its request in {key}");
                root.fault(Fault::value(format!("requests.{}.{at}", request.name), "", reason), None);
            }
            for data in uses::data(text) {
                let path = format!("requests.{}.{at}", request.name);
                if reported.insert((path.clone(), data)) {
                    fault(path, data);
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    of_steps(&around.steps, &mut found);
    found.into_iter().for_each(|data| fault(format!("{key}.steps"), data));
}

/// The data sets that steps draw from or compare with.
fn of_steps(steps: &[Step], found: &mut BTreeSet<usize>) {
    let of_conditions = |conditions: &[Condition], found: &mut BTreeSet<usize>| {
        for condition in conditions {
            if let SlotValue::Column(data, _) = condition.value {
                found.insert(data);
            }
            found.extend(condition.any_of.iter().flat_map(|text: &Template| uses::data(text)));
        }
    };
    for step in steps {
        match step {
            Step::Draw { data } => {
                found.insert(*data);
            }
            Step::Poll { until, .. } => of_conditions(until, found),
            Step::When { conditions, .. } => of_conditions(conditions, found),
            _ => {}
        }
        step.inner().into_iter().for_each(|steps| of_steps(steps, found));
    }
}
