//! The names of a plan, and what they stand for. All of them are known before the first template is read, so that a
//! template may use what stands further down.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::spelling::{check_name, check_variable, unknown};
use crate::plan::Fault;
use crate::plan::files::facts::{ColumnFacts, unfit_in};
use crate::plan::program::{DataSet, Variable};
use crate::plan::units::parse_size;
use crate::tree::{Kind, Table};

/// Most names that are counted by: requests, groups, polls and splits.
pub(super) const MAX_NAMES: usize = 256;
/// Most variables of a session.
pub(super) const MAX_VARIABLES: usize = 64;
/// Longest value of a variable without `max`, in bytes.
pub(super) const DEFAULT_MAX: usize = 256;
/// Longest value of any variable, in bytes.
pub(super) const HIGHEST_MAX: usize = 4 * 1024;

/// What sets a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetBy {
    /// An `extract`.
    Extract,
    /// An `extract` of a form, which `submit` sends.
    Form,
    /// The `let` of a request: set for its attempt alone.
    RequestLet,
    /// The `let` of a scenario.
    ScenarioLet,
}

/// Every name that a template, a step or a key may use.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// `[requests]`, in the order in which they are written; the position is the index.
    pub requests: Vec<String>,
    /// `share` of each request, where it is given.
    pub shares: Vec<Option<u32>>,
    /// `[flows]`, in the order in which they are written.
    pub flows: Vec<String>,
    /// Groups, as their flows are read.
    pub groups: Vec<String>,
    /// Keys of hosts; the first is the empty name, `target.url`.
    pub hosts: Vec<String>,
    /// `[secrets]`.
    pub secrets: Vec<String>,
    /// `[data]`.
    pub data: Vec<DataSet>,
    /// Variables, in the order in which they are first set.
    pub variables: Vec<Variable>,
    /// What sets each variable first.
    pub set_by: Vec<SetBy>,
    /// What the cells of each data set's columns hold.
    pub cells: Vec<Vec<Cells>>,
    /// Whether there is a `[setup]`, whose values `setup.NAME` is.
    pub has_setup: bool,
    /// `[shared]`.
    pub shared: Vec<SharedNames>,
    /// Regexes that were read, each with the number of its groups, or why it cannot be compiled.
    pub regexes: RefCell<BTreeMap<String, Result<usize, String>>>,
    index: BTreeMap<String, usize>,
}

/// What templates may name of an entry of `[shared]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedNames {
    /// Its key.
    pub name: String,
    /// Index of its request, where there is that one.
    pub request: Option<usize>,
    /// What the request extracts.
    pub variables: Vec<String>,
}

/// The first rows of a column, from 1, whose cell does not fit everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cells {
    /// Nothing in it.
    pub empty: Option<usize>,
    /// A control character other than a tab.
    pub control: Option<usize>,
    /// A blank, or any control character.
    pub blank: Option<usize>,
}

impl Names {
    /// Notes the names of requests and flows and of all variables, before anything else is read. Faults of their
    /// names are reported here.
    pub fn register(root: &Table) -> Self {
        let mut requests = keys_of(root.kind_of("requests"));
        let n_requests = requests.len();
        requests.truncate(MAX_NAMES);
        let shares = vec![None; requests.len()];
        let flows = keys_of(root.kind_of("flows"));
        let has_setup = root.has("setup");
        let mut names = Self { requests, shares, flows, has_setup, ..Self::default() };
        for (key, kind) in [("requests", "request"), ("flows", "flow"), ("scenarios", "scenario")] {
            for name in keys_of(root.kind_of(key)).into_iter().take(MAX_NAMES) {
                if let Err(reason) = check_name(&name) {
                    name_fault(
                        root,
                        &path(key, &name),
                        &name,
                        format!("{reason}; choose another name for the {kind}"),
                    );
                }
            }
        }
        for name in names.flows.iter().take(MAX_NAMES).filter(|name| names.requests.contains(name)) {
            name_fault(
                root,
                &path("flows", name),
                name,
                "is the name of a request too; a step could mean either",
            );
        }
        if n_requests > MAX_NAMES {
            let reason =
                format!("holds {n_requests} requests, and a plan counts by at most {MAX_NAMES} names");
            root.missing("requests", reason);
        }
        names.register_variables(root);
        names.register_shared(root);
        names
    }

    /// Notes what templates may name of `[shared]`. An `extract` of the request replaces that of `[request]`.
    fn register_shared(&mut self, root: &Table) {
        let of_all = root.kind_of("request").and_then(|request| entry(request, "extract"));
        for (name, shared) in tables_of(root.kind_of("shared")).take(super::shared::MAX_SHARED) {
            let (mut request, mut variables) = (None, Vec::new());
            if let Some(Kind::Text(called)) = entry(shared, "request") {
                let own = root.kind_of("requests").and_then(|requests| entry(requests, called));
                let own = own.and_then(|request| entry(request, "extract"));
                (request, variables) = (position(&self.requests, called), keys_of(own.or(of_all)));
            }
            self.shared.push(SharedNames { name: name.to_owned(), request, variables });
        }
    }

    fn register_variables(&mut self, root: &Table) {
        if let Some(request) = root.kind_of("request") {
            self.of_request(root, "request", request);
        }
        for (name, request) in tables_of(root.kind_of("requests")) {
            self.of_request(root, &path("requests", name), request);
        }
        for (name, scenario) in tables_of(root.kind_of("scenarios")) {
            for variable in keys_of(entry(scenario, "let")) {
                let at = format!("{}.let.{variable}", path("scenarios", name));
                self.set(root, &at, &variable, DEFAULT_MAX, false, SetBy::ScenarioLet);
            }
        }
        if self.variables.len() > MAX_VARIABLES {
            let last = self.variables.last().map(|variable| variable.name.clone()).unwrap_or_default();
            let reason = format!(
                "{} variables are set by extract and let (the last is {last}), and a session keeps at most {MAX_VARIABLES}",
                self.variables.len()
            );
            root.missing("requests", reason);
        }
    }

    fn of_request(&mut self, root: &Table, at: &str, request: &Kind) {
        for (variable, extract) in tables_of(entry(request, "extract")) {
            let is_form = entry(extract, "form").is_some();
            let default = if is_form { HIGHEST_MAX } else { DEFAULT_MAX };
            // A size that cannot be read is reported where the extract is read.
            let max = match entry(extract, "max") {
                Some(Kind::Text(text)) => parse_size(text).unwrap_or(default).min(HIGHEST_MAX),
                _ => default,
            };
            let secret = matches!(entry(extract, "secret"), Some(Kind::Bool(true)));
            let by = if is_form { SetBy::Form } else { SetBy::Extract };
            self.set(root, &format!("{at}.extract.{variable}"), variable, max, secret, by);
        }
        for variable in keys_of(entry(request, "let")) {
            self.set(root, &format!("{at}.let.{variable}"), &variable, DEFAULT_MAX, false, SetBy::RequestLet);
        }
    }

    /// Notes that something sets a variable. What is for one attempt alone and what lasts for a session may not share
    /// a name, because the attempt would overwrite it.
    fn set(&mut self, root: &Table, at: &str, name: &str, max: usize, secret: bool, by: SetBy) {
        if let Err(reason) = check_variable(name) {
            name_fault(root, at, name, reason);
            return;
        }
        let known = self.find_variable(name).is_some();
        let index = self.variable(name, max, secret);
        match self.set_by.get_mut(index) {
            Some(first) if !known => *first = by,
            Some(first) if (*first == SetBy::RequestLet) != (by == SetBy::RequestLet) => {
                let reason = "is set by a request's let and by an extract or a scenario's let too; a let holds for its \
                              attempt alone, so give it another name";
                name_fault(root, at, name, reason);
            }
            // `submit` finds the form, whichever request sets the variable first.
            Some(first) if by == SetBy::Form => *first = by,
            Some(_) | None => {}
        }
    }

    /// The index of a variable, which is new or grows to what is asked for.
    pub fn variable(&mut self, name: &str, max: usize, secret: bool) -> usize {
        if let Some(index) = self.index.get(name).copied() {
            if let Some(variable) = self.variables.get_mut(index) {
                variable.max = variable.max.max(max);
                variable.secret |= secret;
            }
            return index;
        }
        let index = self.variables.len();
        self.variables.push(Variable { name: name.to_owned(), max, secret });
        self.set_by.push(SetBy::Extract);
        self.index.insert(name.to_owned(), index);
        index
    }

    /// The index of a variable, if there is one of this name.
    pub fn find_variable(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Takes the data sets, and notes what their cells hold.
    pub fn set_data(&mut self, data: Vec<DataSet>) {
        let facts = |set: &DataSet| {
            if let Some(file) = &set.file {
                let row = |row: Option<u64>| row.and_then(|row| usize::try_from(row).ok());
                let of = |column: &ColumnFacts| Cells {
                    empty: row(column.empty),
                    control: row(column.control),
                    blank: row(column.blank),
                };
                return file.facts.columns.iter().map(of).collect();
            }
            let mut columns = vec![Cells::default(); set.columns.len()];
            for (number, row) in (1..).zip(&set.rows) {
                for (cells, cell) in columns.iter_mut().zip(row) {
                    let [empty, control, blank] = unfit_in(cell);
                    for (first, is_so) in
                        [(&mut cells.empty, empty), (&mut cells.control, control), (&mut cells.blank, blank)]
                    {
                        *first = first.or(is_so.then_some(number));
                    }
                }
            }
            columns
        };
        self.cells = data.iter().map(facts).collect();
        self.data = data;
    }

    /// The index of a request, or a reason that lists those there are.
    pub fn request(&self, name: &str) -> Result<usize, String> {
        position(&self.requests, name).ok_or_else(|| unknown("request", name, &self.requests))
    }

    /// The index of a host in `Program::hosts`, or a reason that lists those there are.
    pub fn host(&self, name: &str) -> Result<usize, String> {
        let named: Vec<String> = self.hosts.iter().filter(|host| !host.is_empty()).cloned().collect();
        position(&self.hosts, name).ok_or_else(|| unknown("host", name, &named))
    }

    /// The index of a data set, or a reason that lists those there are.
    pub fn data(&self, name: &str) -> Result<usize, String> {
        let there: Vec<String> = self.data.iter().map(|data| data.name.clone()).collect();
        position(&there, name).ok_or_else(|| unknown("data", name, &there))
    }

    /// Whether `[shared]` has an entry of this name whose request extracts this variable, or a reason that lists what there
    /// is.
    pub fn shared_value(&self, name: &str, variable: &str) -> Result<(), String> {
        let there: Vec<String> = self.shared.iter().map(|shared| shared.name.clone()).collect();
        let Some(shared) = self.shared.iter().find(|shared| shared.name == name) else {
            return Err(unknown("shared", name, &there));
        };
        // One that extracts nothing is reported, and what uses it is not.
        if shared.variables.is_empty() || shared.variables.iter().any(|known| known == variable) {
            return Ok(());
        }
        Err(format!("{} of shared.{name}", unknown("extract", variable, &shared.variables)))
    }

    /// Whether `[shared]` sends the request of this index.
    pub fn is_shared(&self, request: usize) -> bool {
        self.shared.iter().any(|shared| shared.request == Some(request))
    }

    /// A column as the indices of its data set and itself, or a reason that lists those there are.
    pub fn column(&self, data: &str, column: &str) -> Result<(usize, usize), String> {
        let index = self.data(data)?;
        // A set that could not be read has none; that is reported, and what uses it is not.
        if self.data.get(index).is_some_and(|data| data.columns.is_empty()) {
            return Ok((index, 0));
        }
        let columns = self.data.get(index).map(|data| data.columns.as_slice()).unwrap_or_default();
        match position(columns, column) {
            Some(column) => Ok((index, column)),
            None => Err(format!("{} of data {data}", unknown("column", column, columns))),
        }
    }
}

/// Reports a fault of a name, which is its own value.
fn name_fault(root: &Table, at: &str, name: &str, reason: impl Into<String>) {
    root.fault(Fault::value(at, format!("{name:?}"), reason), None);
}

fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// The path of a key in a table; a key that is not a plain name is quoted.
pub(super) fn path(table: &str, key: &str) -> String {
    format!("{table}.{key}")
}

/// The keys of a table; none of what is not one.
pub(super) fn keys_of(kind: Option<&Kind>) -> Vec<String> {
    tables_of(kind).map(|(key, _)| key.to_owned()).collect()
}

/// The entries of a table but for those that are null; none of what is not one.
pub(super) fn tables_of(kind: Option<&Kind>) -> impl Iterator<Item = (&str, &Kind)> {
    let entries = match kind {
        Some(Kind::Table(entries)) => Some(entries),
        _ => None,
    };
    entries
        .into_iter()
        .flat_map(|entries| entries.iter())
        .map(|(key, node)| (key.as_str(), &node.kind))
        .filter(|(_, kind)| **kind != Kind::Null)
}

/// The value of a key of a table.
pub(super) fn entry<'a>(kind: &'a Kind, key: &str) -> Option<&'a Kind> {
    match kind {
        Kind::Table(entries) => entries.get(key).map(|node| &node.kind).filter(|kind| **kind != Kind::Null),
        _ => None,
    }
}
