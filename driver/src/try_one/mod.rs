//! One session of a plan, alone and in the open: what it sends, what comes back, and what the plan finds in it. It drives
//! the same state machine, rendering and engine as a worker does, for people who want to see a plan work before they
//! put a load on a target. Nothing is counted, and secrets are masked in all that it reports.

mod came;
mod drive;
mod findings;
mod hidden;
mod masks;
mod prepare;
mod seen;
mod shared;
mod steps;
mod unsent;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use common::clock::unix_us;
use common::counters::ErrorKind;
use common::ids::{NodeId, RequestName, TestId};
use common::plan::mask_url;
use common::plan::program::{Program, Shared};
use common::wire::StepsCounts;

pub use self::masks::MASK;
use self::masks::Masks;
use self::prepare::hide_setup;
pub use self::seen::{Answer, Body, Checked, Event, Extracted, Pause, Request, Step, Why};
pub use self::steps::{KeptValues, Ran, StepsJob, run_steps};
use crate::assignment::Assignment;
use crate::driver_test::{DriverTest, HostOf};
use crate::engine::MAX_WANTED_BODY_BYTES;
use crate::engine::{
    AwcClient, Chosen, FutureEngine, RequestIndex, RequestSpec, WireEngine, choose, outline, tls_config_of,
};
use crate::scenario::render::SharedValues;
use crate::scenario::script::Script;
use crate::scenario::session::{End, Over, Session};
use crate::settings::TlsSettings;
use crate::start_at::StartAt;

/// Why a session cannot be tried.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say it
pub enum TrialError {
    #[error("the plan has no [requests], and so no sessions")]
    NoRequests,
    #[error("the plan has no scenario {0:?}, but {1}")]
    NoScenario(String, String),
    #[error("none of the sessions {0} to {1} has the scenario {2}")]
    NotDrawn(u64, u64, String),
    #[error("session {0} has no row of a data set with order = \"once\"")]
    NoRow(u64),
    #[error("the plan cannot be prepared: {0}")]
    Prepare(String),
    #[error("cannot resolve {0}: {1}")]
    Resolve(String, String),
    #[error("{0}")]
    Tls(#[from] crate::engine::TlsError),
    #[error("cannot send: {0}")]
    Engine(String),
}

/// How the session ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Whether no step failed.
    pub completed: bool,
    /// The first step that failed.
    pub failed_at: Option<String>,
    /// Without what it thought.
    pub response_ms: Option<f64>,
    /// Whether more steps follow than are shown.
    pub cut: bool,
}

/// The values that setup extracted, by variable.
pub type SetupValues = BTreeMap<String, String>;

/// A session that is about to be tried.
pub struct Trial {
    test: DriverTest,
    script: Arc<Script>,
    program: Arc<Program>,
    g: u64,
    masks: Masks,
    /// Whether thinking is cut short, for people who wait.
    cuts: bool,
    /// What was sent so far, by name.
    counts: BTreeMap<RequestName, StepsCounts>,
    /// The extracted values that are set.
    values: SetupValues,
    /// Where these are kept too, for those who go on when it is ended in the midst.
    values_go_to: Option<KeptValues>,
    /// Whether what it reports is shown: then the secrets that it comes to know are masked.
    shows: bool,
    /// The values of `[shared]`, as far as they are known.
    shared: SharedValues,
    /// What sends the requests of `[shared]` before it; none where they are sent by someone else.
    before: Vec<(Shared, Trial)>,
    attempts: Vec<Attempted>,
    /// The variables of the session that ended last.
    kept: Vec<Option<Vec<u8>>>,
}

/// How one attempt ended, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempted {
    /// The answer's.
    pub status: Option<u16>,
    /// Why it failed, other than by its status.
    pub error: Option<ErrorKind>,
    pub failed: bool,
}

impl Trial {
    /// The extracted values that are set by now, by variable.
    pub fn values(&self) -> &SetupValues {
        &self.values
    }

    fn with(test: DriverTest, script: Arc<Script>, program: Arc<Program>) -> Self {
        Self {
            test,
            script,
            program,
            g: 0,
            masks: Masks::default(),
            cuts: true,
            counts: BTreeMap::new(),
            values: SetupValues::new(),
            values_go_to: None,
            shows: false,
            shared: SharedValues::default(),
            before: Vec::new(),
            attempts: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// The same, sent to these hosts.
    pub(crate) fn to(mut self, hosts: Vec<HostOf>) -> Self {
        self.test.hosts = hosts;
        self
    }

    /// How the attempts of the last session ended.
    pub(crate) fn attempts(&self) -> &[Attempted] {
        &self.attempts
    }

    /// What a variable held at the end of the last session.
    pub(crate) fn kept(&self, variable: usize) -> Option<Vec<u8>> {
        self.kept.get(variable).cloned().flatten()
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.g
    }

    /// The name of its scenario.
    pub fn scenario(&self) -> &str {
        &self.script.names.scenarios[self.script.mix.scenario(self.g)].name
    }

    /// Sends the requests of `[shared]` and then the session's, one after the other, and reports each. `secrets_dir`: the
    /// folder of client certificates that the plan names. Within a runtime of actix.
    ///
    /// # Errors
    /// Where nothing can be sent at all. A request that fails is a result, not an error.
    pub async fn run(
        &mut self,
        tls: &TlsSettings,
        secrets_dir: Option<&Path>,
        report: &mut dyn FnMut(Event),
    ) -> Result<Outcome, TrialError> {
        self.test.hosts = hosts(&self.program, tls, secrets_dir).await?;
        if let Some(failed) = self.send_shared(report).await? {
            return Ok(failed);
        }
        self.send(self.g, report).await
    }

    /// Sends the requests of session number `g` to the hosts that are known, one after the other, and reports each. Within a
    /// runtime of actix.
    ///
    /// # Errors
    /// As [`Trial::run`].
    pub(crate) async fn send(
        &mut self,
        g: u64,
        report: &mut dyn FnMut(Event),
    ) -> Result<Outcome, TrialError> {
        self.g = g;
        self.attempts.clear();
        self.kept.clear();
        self.test.start = StartAt { monotonic: Instant::now(), unix_us: unix_us() };
        match choose(&self.test.assignment.request) {
            Chosen::Wire => {
                let mut engine = self.specs(WireEngine::of_each).map_err(TrialError::Engine)?;
                Ok(drive::drive(self, &mut engine, report).await)
            }
            Chosen::Awc => {
                let client = self.specs(AwcClient::of_each).map_err(TrialError::Engine)?;
                let mut engine = FutureEngine::new(client, self.test.start);
                Ok(drive::drive(self, &mut engine, report).await)
            }
        }
    }

    /// Reports the session's requests as they would be sent, and sends none. A value that only an answer has is
    /// `<NAME>`.
    pub fn unsent(&mut self, report: &mut dyn FnMut(Event)) -> Outcome {
        unsent::unsent(self, report)
    }

    /// As a worker's, but that the heads and bodies of all answers are wanted, to be shown.
    fn specs<T>(
        &self,
        make: impl FnOnce(&DriverTest, &[RequestSpec<'_>]) -> Result<T, String>,
    ) -> Result<T, String> {
        let outlines: Vec<_> = self.program.requests.iter().map(outline).collect();
        let spec = |(sendable, request)| {
            let sendable: &crate::scenario::script::Sendable = sendable;
            RequestSpec {
                request,
                bytes: sendable.text.as_constant(),
                host: sendable.host,
                wants_head: true,
                wants_body: true,
                max_body: sendable.examiner.needs_body().then_some(MAX_WANTED_BODY_BYTES),
            }
        };
        make(&self.test, &self.script.requests.iter().zip(&outlines).map(spec).collect::<Vec<_>>())
    }

    /// Hides the values of secret variables, and of those that hold a secret.
    fn hide(&mut self, session: &mut Session) {
        if !self.shows {
            return;
        }
        let of_log_ins = self.program.requests.iter().flat_map(|request| &request.extracts);
        let hidden: Vec<usize> =
            of_log_ins.filter(|extract| findings::hides(extract)).map(|extract| extract.variable).collect();
        for (index, variable) in self.program.variables.iter().enumerate() {
            let Some(value) = session.variables().get(index) else { continue };
            if variable.secret || hidden.contains(&index) || self.masks.is_in(value) {
                self.masks.add(value);
            }
        }
    }

    /// Keeps the extracted values that are set. A value that is not a text cannot stand in a record, and counts as not set.
    fn keep(&mut self, session: &mut Session) {
        let extracts = self.program.requests.iter().flat_map(|request| &request.extracts);
        for variable in extracts.map(|extract| extract.variable) {
            let value = session.variables().get(variable).map(<[u8]>::to_vec).map(String::from_utf8);
            if let (Some(Ok(value)), Some(variable)) = (value, self.program.variables.get(variable)) {
                self.values.insert(variable.name.clone(), value);
            }
        }
        if let Some(kept) = &self.values_go_to {
            kept.get().clone_from(&self.values);
        }
    }

    /// Counts an attempt that ended, or was never sent. One that failed in what was found in its answer counts under its
    /// status and its kind, as in a load.
    fn count(&mut self, name: RequestIndex, status: Option<u16>, kind: Option<ErrorKind>, failed: bool) {
        let Some(name) = self.script.names.requests.get(usize::from(name)) else { return };
        let counts = self.counts.entry(name.clone()).or_default();
        counts.sent += 1;
        counts.completed += u64::from(!failed);
        counts.failed += u64::from(failed);
        if let Some(status) = status {
            *counts.status_codes.entry(status).or_default() += 1;
        }
        if let Some(kind) = kind {
            *counts.errors.entry(kind).or_default() += 1;
        }
    }

    /// The name of the step that a session stands before.
    fn step_name(&self, session: &Session) -> String {
        let names = &self.script.names.scenarios[session.scenario()].steps;
        let name = session.step(&self.script).and_then(|step| names.get(step.name as usize));
        name.cloned().unwrap_or_default()
    }

    fn outcome(&self, over: &Over, cut: bool) -> Outcome {
        let names = &self.script.names.scenarios[self.script.mix.scenario(self.g)].steps;
        let (response, failed) = match over.end {
            End::Completed(response) => (Some(response as f64 / 1e6), None),
            End::Failed(step) | End::Abandoned(step) => (None, names.get(step as usize).cloned()),
        };
        let completed = matches!(over.end, End::Completed(_));
        Outcome { completed, failed_at: failed, response_ms: response, cut }
    }
}

/// A test of one session, whose hosts are not known yet.
fn test_of(
    assignment: &Assignment,
    (test_id, node_id): (&TestId, &NodeId),
    script: &Arc<Script>,
) -> DriverTest {
    DriverTest {
        test_id: test_id.clone(),
        node_id: node_id.clone(),
        assignment: assignment.clone(),
        hosts: Vec::new(),
        script: Some(Arc::clone(script)),
        shared: None,
        start: StartAt { monotonic: Instant::now(), unix_us: unix_us() },
        rates: Default::default(),
    }
}

/// The hosts of a program, resolved, with their TLS settings.
async fn hosts(
    program: &Program,
    tls: &TlsSettings,
    secrets_dir: Option<&Path>,
) -> Result<Vec<HostOf>, TrialError> {
    let mut hosts = Vec::with_capacity(program.hosts.len());
    for host in &program.hosts {
        let name = host.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = host.url.port_or_known_default().unwrap_or(80);
        let shown = || mask_url(host.url.as_str());
        let found = tokio::net::lookup_host((name, port)).await;
        let addresses: Vec<_> =
            found.map_err(|error| TrialError::Resolve(shown(), error.to_string()))?.collect();
        let mut of = HostOf::new(host.url.clone(), addresses);
        if host.url.scheme() == "https" {
            of.tls = Some(tls_config_of(tls, &host.tls, secrets_dir)?);
            of.server_name.clone_from(&host.tls.server_name);
        }
        hosts.push(of);
    }
    Ok(hosts)
}
