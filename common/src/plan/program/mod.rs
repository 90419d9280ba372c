//! What a plan with `[requests]` sends: requests with templates, the scenarios that sessions follow, and the data that
//! they use. These are shapes alone: a `Program` that exists was checked, so every index in it is valid and every name
//! in a template is set on every path to its use. The readers stand in `language/`.

mod request;
mod steps;
mod template;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

pub use request::{
    Basic, BodyCheck, BodyPlan, Check, Compare, Extract, FormPatch, HeaderCheck, JsonCheck, JsonExpected,
    JsonText, MultipartPart, NamedRequest, PartContent, Pick, Place, SizeCheck, Source, Split, Submit,
    UrlPlan,
};
pub use steps::{Around, Choice, Condition, Connections, OnFail, Once, Scenario, Step, Think, requests_of};
pub use template::{Bound, Filter, Function, NowFormat, Part, Slot, Template, Value as SlotValue};

use super::TargetUrl;
use super::files::facts::Facts;
use super::files::{Columns as FileColumns, FileHash, Format};
use crate::ids::RequestName;

/// Most different timeouts of requests: each turn of the wire engine looks at the oldest attempt of each.
pub const MAX_TIMEOUTS: usize = 8;

/// Everything that `[requests]` and the tables beside it say.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// The tables of the language as they were read, after `profiles`, `vars`, `env` and files were put in: `seed`,
    /// `target`, `request`, `requests`, `flows`, `scenarios`, `data`, `secrets`, and so on. The plan travels and is
    /// stored as these, so that reading them again makes the same program.
    pub source: Map<String, Value>,
    /// `None`: the orchestrator draws one when the test is created.
    pub seed: Option<u64>,
    /// The hosts that are sent to; the first is `target.url`.
    pub hosts: Vec<Host>,
    /// `[secrets]`, which each driver resolves itself.
    pub secrets: Vec<Secret>,
    /// `[data]`.
    pub data: Vec<DataSet>,
    /// `[requests]`, in the order in which they are written. A request's position is its index in the engine.
    pub requests: Vec<NamedRequest>,
    /// What sessions keep, in the order of their first mention: extracted values and the `let` of scenarios and
    /// requests.
    pub variables: Vec<Variable>,
    /// `[scenarios]`; without that table one of a single step for each request.
    pub scenarios: Vec<Scenario>,
    /// The names of groups, as [`Step::Group`] counts them.
    pub groups: Vec<RequestName>,
    /// `[setup]`: what is done once before the load.
    pub setup: Option<Around>,
    /// `[teardown]`: what is done once after it.
    pub teardown: Option<Around>,
    /// `[shared]`.
    pub shared: Vec<Shared>,
}

/// A request that each driver sends at its start and again by age, and whose extracted values all its sessions read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Its key in `[shared]`, and the name of its counts.
    pub name: RequestName,
    /// Index of the request.
    pub request: usize,
    /// How old its values may become before the driver sends it again.
    pub every: Duration,
}

/// A host that requests are sent to.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its key in `[target.hosts]`; empty for `target.url`.
    pub name: String,
    /// Scheme, host and port, and the path before each request's own.
    pub url: TargetUrl,
    /// How its certificate is checked.
    pub tls: TlsOptions,
}

/// `tls` of `[target]` or of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whether the certificate is checked at all.
    pub verify: bool,
    /// Certificates that are trusted beside the system's, as PEM.
    pub ca_pem: Option<String>,
    /// Plain names of files in the driver's `[secrets] dir`: certificate and key.
    pub client: Option<(String, String)>,
    /// The name in SNI and in the certificate, where it is not the host's.
    pub server_name: Option<String>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { verify: true, ca_pem: None, client: None, server_name: None }
    }
}

/// A secret, by name: its value never is in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its key in `[secrets]`.
    pub name: String,
    /// Where each driver finds it.
    pub from: SecretFrom,
}

/// Where a driver finds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFrom {
    /// A variable of its environment, where its config allows the name.
    Env(String),
    /// A file in its `[secrets] dir`, by its plain name.
    File(String),
}

/// Rows that sessions take values from.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSet {
    /// Its key in `[data]`.
    pub name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows, where they travel in the plan; each has a cell for each column. At least one then.
    pub rows: Vec<Vec<String>>,
    /// The file that has its rows, where they do not travel in the plan.
    pub file: Option<RowsFile>,
    /// Which session takes which row.
    pub order: Order,
    /// The column of weights, where `order = "random"` is weighted.
    pub weight: Option<usize>,
}

/// A file of rows that each driver fetches from the orchestrator.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsFile {
    /// Its name.
    pub hash: FileHash,
    /// What it is.
    pub format: Format,
    /// How its columns are found.
    pub columns: FileColumns,
    /// What is known of its rows.
    pub facts: Facts,
}

impl DataSet {
    /// How many rows there are.
    pub fn n_rows(&self) -> u64 {
        self.file.as_ref().map_or(self.rows.len() as u64, |file| file.facts.rows)
    }

    /// How heavy a row is beside the others; 1 where rows are not weighted.
    pub fn weight_of(&self, row: &[String]) -> f64 {
        let weight = |column: usize| row.get(column).and_then(|cell| cell.trim().parse().ok());
        self.weight.map_or(1.0, |column| weight(column).unwrap_or(0.0))
    }
}

/// In which order rows are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One after the other, and from the first again.
    Circular,
    /// Each once a round, every round in another order.
    Shuffle,
    /// Each independently of the others.
    Random,
    /// Each at most once in a test.
    Once,
}

/// A place in a session's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// As templates name it.
    pub name: String,
    /// Longest value, in bytes.
    pub max: usize,
    /// Whether it must not be shown.
    pub secret: bool,
}

/// A part of a load with stages: `ramp` from the last value to `level`, then `hold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Sessions per second (open loop) or users (closed loop), at the end of the ramp and while it holds.
    pub level: f64,
    /// How long the level changes.
    pub ramp: Duration,
    /// How long it stays.
    pub hold: Duration,
}

/// How the sessions of an open loop arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrival {
    /// At even distances.
    #[default]
    Even,
    /// As independent visitors do: exponential distances.
    Poisson,
}

impl Program {
    /// Sets the seed that was drawn, in what travels too.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
        self.source.insert("seed".to_owned(), seed.into());
    }

    /// The requests that the load sends, by their index: those of `setup` and `teardown` alone are left out.
    pub fn of_load(&self) -> BTreeSet<usize> {
        self.scenarios.iter().flat_map(|scenario| requests_of(&scenario.steps)).collect()
    }

    /// The program of `setup` or `teardown` alone: its steps are the only scenario, of the name `name`. Requests,
    /// variables and hosts keep their indices. Neither may use rows, so that one row of each data set is enough: a large
    /// file is not held twice.
    pub fn alone(&self, name: &str, around: &Around) -> Self {
        let first = |set: &DataSet| DataSet {
            name: set.name.clone(),
            columns: set.columns.clone(),
            rows: match set.rows.first() {
                Some(row) => vec![row.clone()],
                None => vec![vec![String::new(); set.columns.len()]],
            },
            file: None,
            order: Order::Circular,
            weight: None,
        };
        let scenario = Scenario {
            name: name.to_owned(),
            share: 1,
            steps: around.steps.clone(),
            lets: Vec::new(),
            cookie_bytes: around.cookie_bytes,
            connections: Connections::Shared,
            on_fail: OnFail::End,
        };
        Self {
            source: Map::new(),
            seed: self.seed,
            hosts: self.hosts.clone(),
            secrets: self.secrets.clone(),
            data: self.data.iter().map(first).collect(),
            requests: self.requests.clone(),
            variables: self.variables.clone(),
            scenarios: vec![scenario],
            groups: self.groups.clone(),
            setup: None,
            teardown: None,
            shared: Vec::new(),
        }
    }

    /// The files that do not travel in the plan, by their hash.
    pub fn files(&self) -> BTreeSet<FileHash> {
        let rows = self.data.iter().filter_map(|set| set.file.as_ref()).map(|file| file.hash);
        rows.chain(self.body_files()).collect()
    }

    /// Those of them that are sent as a body or a part of one.
    pub fn body_files(&self) -> BTreeSet<FileHash> {
        let of_part = |part: &MultipartPart| match part.content {
            PartContent::File(hash) => Some(hash),
            PartContent::Text(_) | PartContent::Bytes(_) => None,
        };
        let of_body = |request: &NamedRequest| match &request.body {
            BodyPlan::File(hash) => vec![*hash],
            BodyPlan::Multipart(parts) => parts.iter().filter_map(of_part).collect(),
            _ => Vec::new(),
        };
        self.requests.iter().flat_map(of_body).collect()
    }

    /// The values that sessions read of `[shared]`, in the order in which a driver keeps them: the entry of `shared`, and
    /// the variable that its request extracts.
    pub fn shared_values(&self) -> impl Iterator<Item = (&Shared, usize)> {
        self.shared.iter().flat_map(|shared| {
            let extracts = self.requests.get(shared.request).map_or(&[][..], |request| &request.extracts);
            extracts.iter().map(move |extract| (shared, extract.variable))
        })
    }

    /// The same by name: the key in `[shared]` and the variable.
    pub fn shared_names(&self) -> Vec<(String, String)> {
        let name = |variable: usize| self.variables.get(variable).map(|variable| variable.name.clone());
        self.shared_values()
            .map(|(shared, variable)| (shared.name.to_string(), name(variable).unwrap_or_default()))
            .collect()
    }

    /// For each request, whether sessions send it. The others are sent by the driver itself, and counted apart.
    pub fn sent_by_sessions(&self) -> Vec<bool> {
        fn mark(steps: &[Step], sent: &mut [bool]) {
            for step in steps {
                if let Step::Request { request, .. } | Step::Poll { request, .. } = step
                    && let Some(sent) = sent.get_mut(*request)
                {
                    *sent = true;
                }
                step.inner().into_iter().for_each(|steps| mark(steps, sent));
            }
        }
        let mut sent = vec![false; self.requests.len()];
        self.scenarios.iter().for_each(|scenario| mark(&scenario.steps, &mut sent));
        sent
    }

    /// The statuses' and statistics' names of the requests, in their order.
    pub fn request_names(&self) -> impl Iterator<Item = &RequestName> {
        self.requests.iter().map(|request| &request.name)
    }
}
