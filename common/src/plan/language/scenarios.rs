//! `[scenarios]` and `[flows]`: what sessions do. Without scenarios every request is one of a single step.

use std::collections::BTreeSet;

use super::around;
use super::flows::{self, Flow as WrittenFlow};
use super::lets;
use super::names::{MAX_NAMES, Names, entry};
use super::request::MAX_SHARE;
use super::spelling::check_name;
use super::steps::Steps;
use super::template::Reading;
use crate::ids::RequestName;
use crate::plan::Fault;
use crate::plan::program::{Around, Connections, NamedRequest, OnFail, Scenario, Step, requests_of};
use crate::plan::units::parse_size;
use crate::tree::{Kind, Node, Table, parse};

/// Bytes of a cookie jar with `cookies = true`.
const COOKIE_BYTES: usize = 4 * 1024;
/// Largest cookie jar.
const MAX_COOKIE_BYTES: usize = 1024 * 1024;
/// Entries of the table from which sessions take their scenarios: a scenario with a smaller share than one of them would
/// never be run.
pub(super) const MIX_ENTRIES: u64 = 10_007;

/// What sends the requests of a plan.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// `[scenarios]`.
    pub scenarios: Vec<Scenario>,
    /// The names of groups, as [`Step::Group`] counts them.
    pub groups: Vec<RequestName>,
    /// `[setup]`.
    pub setup: Option<Around>,
    /// `[teardown]`.
    pub teardown: Option<Around>,
}

/// Reads `[flows]`, `[setup]`, `[teardown]` and `[scenarios]`; `None` where one of them cannot be read. The faults are in
/// the table.
pub(super) fn read(root: &mut Table, names: &mut Names, requests: &[NamedRequest]) -> Option<Flow> {
    let is_closed = matches!(
        root.kind_of("load").and_then(|load| entry(load, "mode")),
        Some(Kind::Text(mode)) if mode == "avalanche"
    );
    let given = root.has("scenarios");
    let n_faults = root.n_faults();
    let flows = root.table("flows", |table| read_flows(table, names));
    let is_around = root.has("setup") || root.has("teardown");
    if !given
        && !is_around
        && let Some(flow) = names.flows.first()
    {
        let reason = "is used by nothing: without [scenarios] every request is a scenario of its own; name one, as in \
                      [scenarios.visitor] with steps";
        root.fault(Fault::value(format!("flows.{flow}"), "", reason), None);
    }
    let flows = flows::resolve(root, flows);
    let groups = group_names(root, names, &flows);
    let setup = around::read(root, "setup", names, &flows, &groups);
    let teardown = around::read(root, "teardown", names, &flows, &groups);
    let mut scenarios = if given {
        let names = &*names;
        let scenarios = root.table("scenarios", |table| {
            let keys = table.names();
            if keys.len() > MAX_NAMES {
                let reason = format!("holds {} scenarios, and a plan has at most {MAX_NAMES}", keys.len());
                table.take_all();
                table.fault(Fault::value("scenarios", "", reason), None);
                return None;
            }
            let scenario =
                |name: &String| table.table(name, |scenario| read_scenario(scenario, name, names, is_closed));
            Some(keys.iter().map(scenario).collect::<Vec<_>>())
        })?;
        if scenarios.is_empty() {
            root.fault(
                Fault::value(
                    "scenarios",
                    "",
                    "names no scenario; leave the table out for one scenario a request",
                ),
                None,
            );
        }
        scenarios
    } else {
        root.take("scenarios");
        let apart: BTreeSet<usize> =
            setup.iter().chain(&teardown).flat_map(|around| requests_of(&around.steps)).collect();
        around::check_shares(root, names, &apart);
        of_requests(root, names, requests, is_closed, &apart)
    };
    check_names(root, names, &scenarios, &groups, given);
    for scenario in &mut scenarios {
        let owner = format!("scenarios.{}", scenario.name);
        flows::put_in(root, &owner, &mut scenario.steps, &flows, &groups);
    }
    check_shares(root, &scenarios, given);
    // Where a step is not known, what is sent and what is set are not either.
    (root.n_faults() == n_faults).then_some(Flow { scenarios, groups, setup, teardown })
}

fn read_flows(table: &mut Table, names: &Names) -> Vec<WrittenFlow> {
    let keys = table.names();
    if keys.len() > MAX_NAMES {
        let reason = format!("holds {} flows, and a plan has at most {MAX_NAMES}", keys.len());
        table.take_all();
        table.fault(Fault::value("flows", "", reason), None);
        return Vec::new();
    }
    let steps = Steps { names };
    let flow = |name: &String| {
        table.table(name, |flow| {
            let group = flow.get("group", parse::word);
            WrittenFlow { steps: steps.take(flow, "steps", 1), group, name: name.clone() }
        })
    };
    keys.iter().map(flow).collect()
}

fn read_scenario(table: &mut Table, name: &str, names: &Names, is_closed: bool) -> Scenario {
    let steps = Steps { names }.take(table, "steps", 1);
    let share = table.get("share", parse::integer(1..=MAX_SHARE)).unwrap_or(1);
    let lets = lets::read(table, Reading { names, literal: false });
    let cookie_bytes = table.get("cookies", cookies).flatten();
    let kinds =
        [("shared", Connections::Shared), ("session", Connections::Session), ("user", Connections::User)];
    let node = table.take("connections");
    let connections = match node.as_ref().map(|node| (node, parse::one_of(&kinds)(node))) {
        None => default_connections(is_closed),
        Some((node, Ok(Connections::User))) if !is_closed => {
            let reason = "belongs to mode \"avalanche\", whose users keep connections; an open loop has no users: \
                          \"session\" or \"shared\"";
            table.contradiction("connections", node, reason);
            Connections::Shared
        }
        Some((_, Ok(connections))) => connections,
        Some((node, Err(reason))) => {
            table.fault_at("connections", node, reason);
            Connections::Shared
        }
    };
    let kinds = [("end", OnFail::End), ("continue", OnFail::Continue)];
    let on_fail = table.get("on_fail", parse::one_of(&kinds)).unwrap_or(OnFail::End);
    Scenario { name: name.to_owned(), share, steps, lets, cookie_bytes, connections, on_fail }
}

fn default_connections(is_closed: bool) -> Connections {
    if is_closed { Connections::User } else { Connections::Shared }
}

/// `true`, `false` or a size: the room of a cookie jar.
pub(super) fn cookies(node: &Node) -> Result<Option<usize>, String> {
    match &node.kind {
        Kind::Bool(on) => Ok(on.then_some(COOKIE_BYTES)),
        Kind::Text(text) => match parse_size(text)? {
            0 => Err("leaves no room for a cookie; false ignores cookies".to_owned()),
            bytes if bytes > MAX_COOKIE_BYTES => Err("is more than 1MiB, the largest cookie jar".to_owned()),
            bytes => Ok(Some(bytes)),
        },
        kind => Err(format!("expected true, false or a size, as in \"16KiB\", found {}", kind.name())),
    }
}

/// Without `[scenarios]` every request is a scenario of one step, but for those that `[shared]` sends, and for those that
/// are sent around the load (`apart`).
fn of_requests(
    root: &Table,
    names: &Names,
    requests: &[NamedRequest],
    is_closed: bool,
    apart: &BTreeSet<usize>,
) -> Vec<Scenario> {
    let is_in_mix = |index: usize| !names.is_shared(index) && !apart.contains(&index);
    for (index, request) in names.requests.iter().enumerate().filter(|(index, _)| names.is_shared(*index)) {
        if let Some(share) = names.shares.get(index).copied().flatten() {
            let reason = "is given, and [shared] sends this request; it is not part of the mix, so leave the share out";
            root.fault(Fault::contradiction(format!("requests.{request}.share"), share, reason), None);
        }
    }
    if !requests.is_empty() && !(0..requests.len()).any(is_in_mix) {
        let reason = if apart.is_empty() {
            "are all sent by [shared], so sessions would send nothing; add a request for them"
        } else {
            "are all sent by setup, teardown and [shared], and none is left for the load; name what it sends in [scenarios]"
        };
        root.fault(Fault::value("requests", "", reason), None);
    }
    let scenario = |(index, request): (usize, &NamedRequest)| Scenario {
        name: request.name.as_str().to_owned(),
        share: names.shares.get(index).copied().flatten().unwrap_or(1),
        steps: vec![Step::Request { request: index, at: None }],
        lets: Vec::new(),
        cookie_bytes: None,
        connections: default_connections(is_closed),
        on_fail: OnFail::End,
    };
    requests.iter().enumerate().filter(|(index, _)| is_in_mix(*index)).map(scenario).collect()
}

/// The names of groups, in the order of their flows.
fn group_names(root: &Table, names: &mut Names, flows: &[WrittenFlow]) -> Vec<RequestName> {
    let mut groups: Vec<RequestName> = Vec::new();
    for flow in flows {
        let Some(group) = &flow.group else { continue };
        let path = format!("flows.{}.group", flow.name);
        let fault = |reason: String| root.fault(Fault::value(&path, format!("{group:?}"), reason), None);
        let is_anothers_flow = names.flows.iter().any(|name| name == group && *name != flow.name);
        match (check_name(group), RequestName::new(group)) {
            (Err(reason), _) => fault(reason),
            (_, Err(error)) => fault(error.to_string()),
            _ if names.requests.contains(group) => {
                fault("is the name of a request too; its statistics need a name of their own".to_owned());
            }
            _ if is_anothers_flow => fault("is the name of another flow; choose another name".to_owned()),
            (_, Ok(name)) if groups.contains(&name) => {
                fault("is the group of another flow too; each needs a name of its own".to_owned());
            }
            (_, Ok(name)) => {
                names.groups.push(group.clone());
                groups.push(name);
            }
        }
    }
    groups
}

/// A scenario's name is in the report beside those of requests and groups.
fn check_names(root: &Table, names: &Names, scenarios: &[Scenario], groups: &[RequestName], given: bool) {
    if !given {
        return;
    }
    for scenario in scenarios {
        let name = &scenario.name;
        let other = match () {
            () if names.requests.contains(name) => "request",
            () if names.flows.contains(name) => "flow",
            () if groups.iter().any(|group| group.as_str() == name) => "group",
            () => continue,
        };
        let reason = format!("is the name of a {other} too; choose another name for the scenario");
        root.fault(Fault::value(format!("scenarios.{name}"), "", reason), None);
    }
}

/// Whether each share is at least one entry of the table that sessions take their scenarios from.
fn check_shares(root: &Table, scenarios: &[Scenario], given: bool) {
    let sum: u64 = scenarios.iter().map(|scenario| u64::from(scenario.share)).sum();
    for scenario in scenarios {
        if u64::from(scenario.share) * MIX_ENTRIES < sum {
            let table = if given { "scenarios" } else { "requests" };
            let reason = format!(
                "is less than one session in {MIX_ENTRIES} of the shares together, which are {sum}; it would never be \
                 drawn: raise it to {} or leave it out",
                sum.div_ceil(MIX_ENTRIES)
            );
            let path = format!("{table}.{}.share", scenario.name);
            root.fault(Fault::contradiction(path, scenario.share, reason), None);
        }
    }
}
