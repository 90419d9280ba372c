//! `[shared]`: what drivers send by themselves, and what sessions read of it.

use std::time::Duration;

use super::fixture::{broken, program};
use crate::plan::program::{Part, SlotValue, UrlPlan};

/// A request that gives a token, and one that uses it.
const TOKEN: &str = "[requests]\ntoken = { path = \"/token\", extract = { jwt = { json = \"$.token\" }, kind = { header = \"x-kind\" } } }\n\
    home = { path = \"/{{shared.login.jwt}}\" }\n";

#[test]
fn sessions_read_by_name_what_a_shared_request_extracts() {
    let program = program(&format!("{TOKEN}[shared.login]\nrequest = \"token\"\nevery = \"4m\"\n"));
    let shared = &program.shared[0];
    assert_eq!((shared.name.as_str(), shared.request, shared.every), ("login", 0, Duration::from_secs(240)));
    let names = program.shared_names();
    let names: Vec<_> = names.iter().map(|(shared, variable)| (shared.as_str(), variable.as_str())).collect();
    assert_eq!(names, [("login", "jwt"), ("login", "kind")]);
    let UrlPlan::Path { path, .. } = &program.requests[1].url else { panic!("{:?}", program.requests[1]) };
    let Part::Slot(slot) = &path.parts[1] else { panic!("{path:?}") };
    assert_eq!(slot.value, SlotValue::Shared("login".to_owned(), "jwt".to_owned()));
    let scenarios: Vec<_> = program.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!((scenarios, program.sent_by_sessions()), (vec!["home"], vec![false, true]), "not in the mix");
}

#[test]
fn a_request_may_be_shared_and_a_step_too() {
    let text = format!(
        "{TOKEN}[shared.login]\nrequest = \"token\"\nevery = \"4m\"\n[scenarios.s]\nsteps = [\"token\", \"home\"]\n"
    );
    assert_eq!(program(&text).sent_by_sessions(), [true, true]);
}

#[test]
fn what_belongs_to_a_session_is_a_fault_in_a_shared_request() {
    let plan = |request: &str| {
        format!(
            "data.row = {{ columns = [\"k\"], rows = [[\"1\"]] }}\n[requests]\nhome = {{ path = \"/\" }}\n\
             more = {{ path = \"/o\", extract.id = {{ header = \"id\" }} }}\n\
             token = {{ extract.jwt = {{ json = \"$.t\" }}, {request} }}\n\
             [shared.login]\nrequest = \"token\"\nevery = \"4m\"\n"
        )
    };
    for (request, path, reason) in [
        ("path = \"/{{row.k}}\"", "requests.token.path", "holds a column of data"),
        ("path = \"/{{session}}\"", "requests.token.path", "the number of a session"),
        ("path = \"/\", let = { n = \"{{counter}}\" }", "requests.token.let", "counts sessions"),
        ("path = \"/{{shared.login.jwt}}\"", "requests.token.path", "which sessions read"),
        ("path = \"/\", split_by = \"row.k\"", "shared.login.request", "has split_by"),
        ("path = \"/\", share = 2", "requests.token.share", "is not part of the mix"),
        ("path = \"/{{id}}\"", "requests.token.path = id", "is not set on every way where shared.login"),
    ] {
        broken(&plan(request), &[(path, reason)]);
    }
}

#[test]
fn names_of_shared_values_are_checked() {
    let plan = |path: &str| {
        format!(
            "{TOKEN}more = {{ path = \"{path}\" }}\n[shared.login]\nrequest = \"token\"\nevery = \"4m\"\n"
        )
    };
    for (path, reason) in [
        ("/{{shared.logn.jwt}}", "did you mean login?"),
        ("/{{shared.login.jw}}", "there are jwt"),
        ("/{{shared.login}}", "names no value"),
        ("/{{jwt}}", "jwt"),
    ] {
        broken(&plan(path), &[("requests.more.path", reason)]);
    }
    let alone = "[requests]\ntoken = { path = \"/\", extract.jwt = { json = \"$.t\" } }\n\
                 [shared.login]\nrequest = \"token\"\nevery = \"4m\"\n";
    broken(alone, &[("requests", "so sessions would send nothing")]);
    let form =
        alone.replace("json = \"$.t\"", "form = 0").replace("token = ", "home = { path = \"/\" }\ntoken = ");
    broken(&form, &[("shared.login.request", "extracts a form")]);
}
