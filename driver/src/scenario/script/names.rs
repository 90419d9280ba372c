//! The names that the figures of a program stand under, and their indexes: all are known before the start, so that a
//! worker counts in arrays.

use std::collections::HashMap;

use common::ids::RequestName;
use common::plan::program::{NamedRequest, Program, Step};

use crate::engine::RequestIndex;
use crate::scenario::rows::Rows;

/// All names of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Those that attempts count under: the requests in their order, then redirects, then the values of `split_by`.
    pub requests: Box<[RequestName]>,
    /// For each, the name whose figures include its own: that of the request, for a value of `split_by`.
    pub part_of: Box<[Option<RequestIndex>]>,
    /// Which of them no session sends: the driver sends them by itself, and counts them apart. Empty: there are none.
    pub apart: Box<[bool]>,
    /// By scenario.
    pub scenarios: Box<[ScenarioNames]>,
    /// The program's groups.
    pub groups: Box<[RequestName]>,
    /// The requests that are polled.
    pub polls: Box<[RequestName]>,
}

/// A scenario's name, and those of its steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScenarioNames {
    /// Its own.
    pub name: String,
    /// The steps that send: the request's name after those of the flows and groups around it, as in
    /// `checkout/buy/pay`. A name that occurs twice stands here once.
    pub steps: Box<[String]>,
}

/// Indexes fit: a program has 256 names at most.
pub(super) fn index(at: usize) -> RequestIndex {
    RequestIndex::try_from(at).unwrap_or(RequestIndex::MAX)
}

impl Names {
    /// Those of a program.
    pub fn new(program: &Program) -> Self {
        let mut requests: Vec<RequestName> = program.request_names().cloned().collect();
        let mut part_of = vec![None; requests.len()];
        let sent = program.sent_by_sessions();
        let mut apart: Vec<bool> = sent.iter().map(|sent| !sent).collect();
        let mut add = |name: String, of: Option<RequestIndex>, is_apart: bool| {
            if let Ok(name) = RequestName::new(&name) {
                requests.push(name);
                part_of.push(of);
                apart.push(is_apart);
            }
        };
        for (request, sent) in program.requests.iter().zip(&sent).filter(|(request, _)| request.follow > 0) {
            add(format!("{}.redirect", request.name), None, !sent);
        }
        for (at, request) in program.requests.iter().enumerate() {
            for value in split_values(request) {
                add(format!("{}/{value}", request.name), Some(index(at)), !sent[at]);
            }
        }
        let mut polls = Vec::new();
        let scenarios = program.scenarios.iter().map(|scenario| {
            let mut steps = Vec::new();
            walk(program, &scenario.steps, "", &mut steps, &mut polls);
            ScenarioNames { name: scenario.name.clone(), steps: steps.into() }
        });
        Self {
            scenarios: scenarios.collect(),
            requests: requests.into(),
            part_of: part_of.into(),
            apart: apart.into(),
            groups: program.groups.clone().into(),
            polls: polls.into(),
        }
    }

    /// The index of a name that attempts count under.
    pub(super) fn request(&self, name: &str) -> Option<RequestIndex> {
        self.requests.iter().position(|known| known.as_str() == name).map(index)
    }

    /// The index of a request's redirects.
    pub fn redirect(&self, request: &RequestName) -> Option<RequestIndex> {
        self.request(&format!("{request}.redirect"))
    }

    /// The index under which each row of its data set counts, where a request is split.
    pub(super) fn split(&self, program: &Program, at: usize, rows: &[Rows]) -> Option<super::SplitBy> {
        let request = program.requests.get(at)?;
        let split = request.split.as_ref()?;
        let by_value: HashMap<&str, RequestIndex> = split
            .values
            .iter()
            .filter_map(|value| Some((value.as_str(), self.request(&format!("{}/{value}", request.name))?)))
            .collect();
        let other = self.request(&format!("{}/other", request.name)).unwrap_or_else(|| index(at));
        let rows = rows.get(split.data)?;
        let of_row = |row: usize| by_value.get(rows.cell(row, split.column)).copied().unwrap_or(other);
        let n_rows = usize::try_from(rows.len()).unwrap_or(0);
        Some(super::SplitBy { data: split.data, by_row: (0..n_rows).map(of_row).collect() })
    }
}

impl ScenarioNames {
    /// The index of a step's name.
    pub(super) fn step(&self, name: &str) -> u32 {
        let at = self.steps.iter().position(|known| known == name).unwrap_or(0);
        u32::try_from(at).unwrap_or(0)
    }
}

fn split_values(request: &NamedRequest) -> impl Iterator<Item = &str> {
    request
        .split
        .iter()
        .flat_map(|split| split.values.iter().map(String::as_str).chain(split.other.then_some("other")))
}

/// `name` after the names of the flows and groups around it.
pub(super) fn inside(around: &str, name: &str) -> String {
    if around.is_empty() { name.to_owned() } else { format!("{around}/{name}") }
}

fn walk(
    program: &Program,
    steps: &[Step],
    around: &str,
    names: &mut Vec<String>,
    polls: &mut Vec<RequestName>,
) {
    let mut sends = |request: usize| {
        if let Some(request) = program.requests.get(request) {
            let name = inside(around, request.name.as_str());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    };
    for step in steps {
        match step {
            Step::Request { request, .. } => sends(*request),
            Step::Poll { request, .. } => {
                sends(*request);
                if let Some(name) = program.requests.get(*request).map(|request| &request.name)
                    && !polls.contains(name)
                {
                    polls.push(name.clone());
                }
            }
            _ => {}
        }
    }
    for step in steps {
        match step {
            Step::Group { group, steps } => {
                let name = program.groups.get(*group).map_or("", RequestName::as_str);
                walk(program, steps, &inside(around, name), names, polls);
            }
            Step::Flow { name, steps } => walk(program, steps, &inside(around, name), names, polls),
            Step::Choose(choices) => {
                choices.iter().for_each(|choice| walk(program, &choice.steps, around, names, polls));
            }
            Step::When { steps, otherwise, .. } => {
                walk(program, steps, around, names, polls);
                walk(program, otherwise, around, names, polls);
            }
            Step::Repeat { steps, .. } => walk(program, steps, around, names, polls),
            Step::Request { .. } | Step::Think(_) | Step::Poll { .. } | Step::Draw { .. } => {}
        }
    }
}
