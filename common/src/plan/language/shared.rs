//! `[shared]`: requests that each driver sends by itself, at its start and again by age, and whose extracted values all
//! its sessions read. They belong to no session, so they have no row, no number and no values of other requests.

use std::time::Duration;

use super::names::Names;
use super::spelling::check_name;
use super::uses;
use crate::ids::RequestName;
use crate::plan::Fault;
use crate::plan::load::DAY;
use crate::plan::program::{Function, NamedRequest, Shared, SlotValue, Source, Template};
use crate::tree::{Table, parse};

/// Most entries.
pub(super) const MAX_SHARED: usize = 16;
/// The shortest time from one sending to the next.
const LEAST_EVERY: Duration = Duration::from_millis(100);

/// Reads the table `shared`. The faults are in the table.
pub(super) fn read(root: &mut Table, names: &Names, requests: &[NamedRequest]) -> Vec<Shared> {
    root.table("shared", |table| {
        let keys = table.names();
        if keys.len() > MAX_SHARED {
            let reason = format!("holds {} entries, and a plan has at most {MAX_SHARED}", keys.len());
            table.take_all();
            table.fault(Fault::value("shared", "", reason), None);
            return Vec::new();
        }
        keys.iter().filter_map(|name| table.table(name, |one| read_one(one, name, names, requests))).collect()
    })
}

fn read_one(table: &mut Table, name: &str, names: &Names, requests: &[NamedRequest]) -> Option<Shared> {
    let own_name = check_name(name)
        .and_then(|()| RequestName::new(name).map_err(|error| error.to_string()))
        .map_err(|reason| {
            let reason = format!("{reason}; choose another name");
            table.fault(Fault::value(table.path(), format!("{name:?}"), reason), None);
        });
    if !table.has("request") {
        table.missing("request", "is missing; which of [requests] is sent, as in request = \"token\"");
    }
    if !table.has("every") {
        table.missing("every", "is missing; how old its values may become, as in every = \"4m\"");
    }
    let request = table.get("request", |node| names.request(&parse::word(node)?));
    let every = table.get("every", parse::duration(LEAST_EVERY..=DAY));
    // A request that could not be read is reported, and stands at no index.
    let named = |index: &usize| names.requests.get(*index).map(String::as_str);
    if let Some(index) = &request
        && let Some(request) = requests.iter().find(|request| Some(request.name.as_str()) == named(index))
    {
        check(table, request);
    }
    Some(Shared { name: own_name.ok()?, request: request?, every: every? })
}

/// Whether a request can be sent without a session.
fn check(table: &Table, request: &NamedRequest) {
    let shown = format!("{:?}", request.name.as_str());
    if request.extracts.is_empty() {
        let reason = "extracts nothing, so sessions would have nothing to read; give the request an extract";
        table.contradiction("request", &shown, reason);
    }
    if request.extracts.iter().any(|extract| matches!(extract.source, Source::Form(_))) {
        table.contradiction(
            "request",
            &shown,
            "extracts a form, which only the session that extracted it can send",
        );
    }
    if request.split.is_some() {
        table.contradiction(
            "request",
            &shown,
            "has split_by, and what a driver sends by itself has no row of data",
        );
    }
    let texts = uses::of_request(request).into_iter();
    let lets = request.lets.iter().map(|(_, text)| ("let".to_owned(), text));
    for (key, text) in texts.chain(lets) {
        if let Some(reason) = needs_a_session(text) {
            let at = format!("requests.{}.{key}", request.name);
            let reason = format!("{reason}, and {} sends this request without one", table.path());
            table.fault(Fault::value(at, "", reason), None);
        }
    }
}

fn needs_a_session(text: &Template) -> Option<&'static str> {
    text.slots().find_map(|slot| match &slot.value {
        SlotValue::Column(..) => Some("holds a column of data, which a session has a row of"),
        SlotValue::Session => Some("holds session, the number of a session"),
        SlotValue::Function(Function::Counter) => Some("holds counter, which counts sessions"),
        SlotValue::Setup(_) => Some("holds a value of setup, which is known once the drivers are ready"),
        SlotValue::Shared(..) => Some("holds a value of shared, which sessions read"),
        _ => None,
    })
}
