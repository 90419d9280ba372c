//! One test on this driver, as its workers need it: pure data, made by the test's manager once the plan is checked,
//! the hosts resolved and the start known.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use common::ids::{NodeId, TestId};
use common::plan::{Mode, TargetUrl, mask_url, split};
use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::assignment::Assignment;
use crate::engine::USER_AGENT;
use crate::scenario::files::Files;
use crate::scenario::render::Constants;
use crate::scenario::script::Script;
use crate::shared::TestShared;
use crate::start_at::{Nanos, StartAt};

/// One test on this driver.
#[derive(Debug, Clone)]
pub struct DriverTest {
    pub test_id: TestId,
    /// This driver, for `identify`.
    pub node_id: NodeId,
    /// What this driver is to do.
    pub assignment: Assignment,
    /// Where requests go, by their index in `Program::hosts`; the first is `target.url`, and a plan without a program has
    /// no other. At least one.
    pub hosts: Vec<HostOf>,
    /// The plan's program, compiled for this driver; `None`: the plan has one request.
    pub script: Option<Arc<Script>>,
    /// What sessions read of `[shared]`; `None`: the plan has none.
    pub shared: Option<TestShared>,
    /// When the test begins, for all its drivers.
    pub start: StartAt,
    /// How its rate changes while it runs.
    pub rates: Rates,
}

/// A change of the rate of a test that runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStep {
    /// From when on, no earlier than the step before.
    pub at: Nanos,
    /// Of the schedule that this driver keeps, which may be that of the whole fleet; above zero.
    pub per_s: f64,
}

/// The changes of a test's rate, as its workers receive them while it runs: all that there were so far, in their order.
#[derive(Debug, Clone)]
pub struct Rates {
    steps: watch::Receiver<Vec<RateStep>>,
    taken: usize,
}

impl Rates {
    /// No change so far, and a sender that adds them. Without the sender, the rate stays as it is.
    pub fn new() -> (Self, watch::Sender<Vec<RateStep>>) {
        let (sender, steps) = watch::channel(Vec::new());
        (Self { steps, taken: 0 }, sender)
    }

    /// Whether [`Rates::take`] has something: a look at a number, without a lock.
    #[inline]
    pub fn has_changed(&self) -> bool {
        self.steps.has_changed().unwrap_or(false)
    }

    /// Whether more changes may come.
    pub fn may_change(&self) -> bool {
        self.steps.has_changed().is_ok()
    }

    /// The changes since the last call.
    pub fn take(&mut self) -> Vec<RateStep> {
        let steps = self.steps.borrow_and_update();
        let fresh = steps.get(self.taken..).unwrap_or_default().to_vec();
        self.taken = steps.len();
        fresh
    }
}

impl Default for Rates {
    /// A rate that stays as it is.
    fn default() -> Self {
        Self::new().0
    }
}

/// A host that requests are sent to, as workers connect to it.
#[derive(Debug, Clone)]
pub struct HostOf {
    /// Scheme, host and port.
    pub url: TargetUrl,
    pub addresses: Addresses,
    /// The TLS settings (see [`crate::engine::tls_config_of`]); needed where the host is https.
    pub tls: Option<TlsConfig>,
    /// The name in SNI and in the certificate, where it is not the URL's.
    pub server_name: Option<String>,
}

impl HostOf {
    /// A host without TLS settings.
    pub fn new(url: TargetUrl, addresses: impl Into<Addresses>) -> Self {
        Self { url, addresses: addresses.into(), tls: None, server_name: None }
    }

    /// The TLS settings and the server's name, for a host that is https; `None` for one that is not.
    ///
    /// # Errors
    /// The host is https, and there are no settings, or it cannot be the name of a server.
    pub fn tls_to(&self) -> Result<Option<(Arc<ClientConfig>, ServerName<'static>)>, String> {
        if self.url.scheme() != "https" {
            return Ok(None);
        }
        let masked = || mask_url(self.url.as_str());
        let tls = self.tls.as_ref().ok_or_else(|| format!("{} is https, and tls is not set up", masked()))?;
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let host = self.server_name.as_deref().unwrap_or(host).to_owned();
        let name =
            ServerName::try_from(host).map_err(|error| format!("the host of {}: {error}", masked()))?;
        Ok(Some((Arc::clone(&tls.0), name)))
    }

    /// Whether a server that demands a client certificate gets one.
    pub fn has_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(TlsConfig::has_certificate)
    }
}

/// A host's addresses, resolved and allowed by `[safety]`: workers connect to these alone, in this order. None
/// where the host did not resolve: then every attempt fails as `resolve`.
#[derive(Debug, Clone)]
pub struct Addresses(watch::Receiver<Arc<[SocketAddr]>>);

impl Addresses {
    /// These addresses, and a sender that replaces them.
    pub fn new(addresses: Vec<SocketAddr>) -> (Self, watch::Sender<Arc<[SocketAddr]>>) {
        let (sender, receiver) = watch::channel(addresses.into());
        (Self(receiver), sender)
    }

    /// As they are now.
    pub fn now(&self) -> Arc<[SocketAddr]> {
        Arc::clone(&self.0.borrow())
    }
}

impl From<Vec<SocketAddr>> for Addresses {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self::new(addresses).0
    }
}

/// A client's TLS settings, loaded once per test and shared by its workers.
#[derive(Debug, Clone)]
pub struct TlsConfig(pub Arc<ClientConfig>);

impl TlsConfig {
    /// Whether servers that demand a client certificate get one.
    pub fn has_certificate(&self) -> bool {
        self.0.client_auth_cert_resolver.has_certs()
    }
}

/// What one worker does of a [`DriverTest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerSlice {
    /// Which worker, from 0: of the driver's ticks, each `workers`th from this one on is its own.
    pub worker: u32,
    /// How many workers take part.
    pub workers: u32,
    /// Its places: its part of `max_in_flight` of an open loop, or of the connections of a closed one.
    pub places: u32,
    /// Open loop: its part of the connections that attempts wait for; `None`: they wait for none.
    pub connections: Option<u32>,
    /// Closed loop: its attempts after the warm-up. An open loop's ticks are counted by the driver's schedule.
    pub attempts: Option<u64>,
}

impl DriverTest {
    /// Compiles the program of an assignment; `None`: it has none. `secrets`: their values, by their index in the program.
    /// `files`: all those of the program.
    pub fn script_of(
        assignment: &Assignment,
        (test_id, node_id): (&TestId, &NodeId),
        secrets: &[String],
        setup: &BTreeMap<String, String>,
        files: Files,
    ) -> Option<Arc<Script>> {
        let program = assignment.program.as_ref()?;
        let constants = Constants {
            program,
            secrets,
            setup,
            shared: &program.shared_names(),
            test_id: test_id.as_str(),
            driver: node_id.as_str(),
            seed: program.seed.unwrap_or(0),
            user_agent: USER_AGENT,
            identify: assignment.request.identify,
            bodies: &files.bodies,
        };
        Some(Arc::new(Script::new(program, &constants, files.rows)))
    }

    /// The slices of the workers that take part, of `available` (at least 1): no worker is left without a
    /// request or a place; remainders go to the first.
    pub fn slices(&self, available: u32) -> Vec<WorkerSlice> {
        let Assignment { load, share, .. } = &self.assignment;
        let places = u64::from(self.assignment.places());
        let requests = share.requests.unwrap_or(u64::MAX);
        let connections = match load.mode {
            Mode::Tsunami { .. } => share.connections.map(u64::from),
            Mode::Avalanche { .. } => None,
        };
        let lanes = places.min(connections.unwrap_or(u64::MAX));
        let workers = u64::from(available).min(lanes).min(requests).max(1);
        let part = |total: u64, worker: u64| split(total, workers, worker);
        (0..workers)
            .map(|worker| WorkerSlice {
                // All of these are at most `available` or the plan's own u32.
                worker: u32::try_from(worker).unwrap_or(0),
                workers: u32::try_from(workers).unwrap_or(1),
                places: u32::try_from(part(places, worker)).unwrap_or(1).max(1),
                connections: connections.map(|all| u32::try_from(part(all, worker)).unwrap_or(1).max(1)),
                attempts: match load.mode {
                    Mode::Tsunami { .. } => None,
                    Mode::Avalanche { .. } => share.requests.map(|total| part(total, worker)),
                },
            })
            .collect()
    }
}
