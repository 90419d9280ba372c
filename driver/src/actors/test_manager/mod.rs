//! One test's life on this driver: a thin shell around `life`, which decides, and the workers, which send.

mod empty;
mod fetch;
mod prepare;
mod rate;
mod resolve;
mod start;
mod steps;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle, WrapFuture};
use common::ids::{Epoch, TestId};
use common::kafka::{Arrived, RecordsArrived};
use common::ordered::Ordered;
use common::plan::RateChange;
use common::settings::ClassicSettings;
use common::wire::{Inbound, Role};
use tokio::sync::{mpsc, oneshot};

use fetch::Fetched;
use prepare::{Prepared, PreparedHost, hosts_of, prepare};
use rate::RunningRate;
use steps::Kit;
use workers::{Order, Workers};

use super::messages::aggregator::AggregatorHandle;
use super::messages::clock::ClockHandle;
use super::messages::heartbeat::HeartbeatHandle;
use super::messages::kafka_link::LinkUp;
use super::messages::manager::{FinalPublished, Leave, LoadEnded};
use super::messages::publisher::PublisherHandle;
use super::messages::worker::WorkerHandle;
use crate::RunError;
use crate::bootstrap::OrchestratorClient;
use crate::calibrate::Calibration;
use crate::connect_to::{ConnectTo, Destination};
use crate::life::{Candidate, Input, Lead, Life, Output, Reply, Ticket};
use crate::overflow;
use crate::safety::Limits;
use crate::settings::{Habits, SecretSettings, TlsSettings};

/// Batches of records, ends and queries that may wait.
const MAILBOX: usize = 64;
/// Orders to the workers that may wait. A test has two, its start and its stop, and the next one begins after both.
const ORDERS: usize = 8;
/// How often `life` checks its timeouts.
const TICK: Duration = Duration::from_millis(250);

/// Where the manager sends.
pub struct ManagerPeers {
    /// The pool: each worker is sent its slice of a test, and its stop.
    pub workers: Vec<WorkerHandle>,
    /// The aggregator: it has to know which workers send windows.
    pub aggregator: AggregatorHandle,
    /// The publisher. For a test without requests the manager itself makes the only window.
    pub publisher: PublisherHandle,
    /// The heartbeat: it publishes the driver's state, and what classic orchestrators wait for.
    pub heartbeat: HeartbeatHandle,
    /// The clock: its offset is measured before each test that our orchestrator leads.
    pub clock: ClockHandle,
    /// Where the data files of plans are fetched; `None`: the settings name no orchestrator.
    pub orchestrator: Option<OrchestratorClient>,
    pub fatal: mpsc::Sender<RunError>,
}

/// What the manager needs to know.
pub struct ManagerOptions {
    /// Epoch of this process.
    pub epoch: Epoch,
    /// What it may and can do; names the node.
    pub limits: Limits,
    /// What it could do when it was calibrated.
    pub calibration: Option<Calibration>,
    /// How classic orchestrators are understood.
    pub classic: ClassicSettings,
    /// What is done for classic orchestrators beyond the classic fields.
    pub habits: Habits,
    /// How long our orchestrator may be silent while its test runs.
    pub grace: Duration,
    /// `[tls]`.
    pub tls: TlsSettings,
    /// `[secrets]`: what plans may use of its environment and files; client certificates are in its `dir`.
    pub secrets: SecretSettings,
    /// `[driver] connect_to`.
    pub connect_to: Vec<ConnectTo>,
    /// `[driver] resolve_every`.
    pub resolve_every: Option<Duration>,
}

/// Leads one test at a time through its life.
///
/// - owns: the state machine of `life`, and what its checks found out.
/// - receives: [`RecordsArrived`] (test_config, trigger, heartbeat), [`LoadEnded`], [`FinalPublished`], [`LinkUp`],
///   [`Leave`].
/// - sends: to the peers in [`ManagerPeers`].
/// - on failure: a worker that cannot start ends the test, cut short for that reason; a node of the same id with a
///   higher epoch ends this one.
/// - mailbox bound: 64.
pub struct TestManagerActor {
    options: Arc<ManagerOptions>,
    n_workers: u32,
    orders: Ordered<Order>,
    publisher: PublisherHandle,
    heartbeat: HeartbeatHandle,
    clock: ClockHandle,
    orchestrator: Option<OrchestratorClient>,
    fatal: mpsc::Sender<RunError>,
    life: Life,
    /// How far each check is that fetches data files.
    fetching: BTreeMap<Ticket, Fetched>,
    prepared: BTreeMap<Ticket, Prepared>,
    running: Option<TestId>,
    /// What setup and teardown need of the test that was checked last.
    kit: Option<Kit>,
    /// Setup or teardown, where it runs.
    steps: Option<SpawnHandle>,
    /// The rate of the test that runs, where our orchestrator may change it.
    rate: Option<RunningRate>,
    leaving: Vec<oneshot::Sender<()>>,
}

impl TestManagerActor {
    /// A manager without a test.
    pub fn new(options: ManagerOptions, peers: ManagerPeers) -> Self {
        let life = Life::new(options.limits.node_id.clone(), options.grace, options.habits.clone());
        let ManagerPeers { workers, aggregator, publisher, heartbeat, clock, orchestrator, fatal } = peers;
        let n_workers = u32::try_from(workers.len()).unwrap_or(u32::MAX);
        let workers = Workers { workers, aggregator };
        Self {
            options: Arc::new(options),
            n_workers,
            orders: Ordered::new(ORDERS, |orders| workers.run(orders)),
            publisher,
            heartbeat,
            clock,
            orchestrator,
            fatal,
            life,
            fetching: BTreeMap::new(),
            prepared: BTreeMap::new(),
            running: None,
            kit: None,
            steps: None,
            rate: None,
            leaving: Vec::new(),
        }
    }

    fn step(&mut self, input: Input, ctx: &mut Context<Self>) {
        for output in self.life.step(input, Instant::now()) {
            match output {
                Output::Check(candidate) => self.check(*candidate, ctx),
                Output::Reply(answer) => self.publish_state(answer),
                Output::Start { candidate, start_at_ms } => self.start(*candidate, start_at_ms, ctx),
                Output::Stop(why) => self.stop(why),
                Output::RunSteps { test_id, revision, run } => self.run_steps(test_id, revision, run, ctx),
                Output::StopSteps => self.stop_steps(ctx),
                Output::ChangeRate(change) => self.change_rate(change, ctx),
                Output::Register => self.heartbeat.register_again(),
                Output::AnnounceEnd(over) => self.heartbeat.announce_end(over),
                Output::Ignored { test_id, why } => log::info!(test_id:%, reason = why; "not acted on"),
                Output::Left => {
                    for left in self.leaving.drain(..) {
                        // The receiver may have timed out.
                        let _ = left.send(());
                    }
                }
            }
        }
    }

    fn publish_state(&self, answer: Reply) {
        let lasts = answer == self.life.reply();
        self.heartbeat.state_changed(answer, lasts);
    }

    fn record_arrived(&mut self, arrived: Arrived, ctx: &mut Context<Self>) {
        let timestamp_ms = arrived.timestamp_ms;
        match arrived.content {
            Ok(Inbound::TestConfig(config)) => self.step(Input::Config { config, timestamp_ms }, ctx),
            Ok(Inbound::Trigger(trigger)) => {
                self.take_setup_values(&trigger);
                self.step(Input::Trigger { trigger, timestamp_ms }, ctx);
            }
            Ok(Inbound::ChangeRate(order)) => self.step(Input::ChangeRate(order), ctx),
            Ok(Inbound::Heartbeat(beat)) => {
                let Some(ours) = &beat.ours else { return };
                if ours.role == Role::Orchestrator {
                    self.step(Input::OrchestratorSeen(ours.epoch), ctx);
                    self.heartbeat.orchestrator_seen(ours.epoch);
                    if let Some(ask) = &ours.ask {
                        self.step(Input::Asked(ours.epoch, ask.clone()), ctx);
                    }
                } else if beat.node_id == self.options.limits.node_id && ours.epoch > self.options.epoch {
                    let fenced = RunError::Fenced {
                        node_id: beat.node_id,
                        own: self.options.epoch,
                        other: ours.epoch,
                    };
                    // A full channel holds an error already: one is enough to end the node.
                    let _ = self.fatal.try_send(fenced);
                }
            }
            // The consumer counts and logs what cannot be read; the rest is not for drivers.
            Ok(_) | Err(_) => {}
        }
    }

    fn check(&mut self, candidate: Candidate, ctx: &mut Context<Self>) {
        let ticket = candidate.ticket;
        if let Lead::Ours { plan, .. } = &candidate.lead {
            let hosts = hosts_of(&candidate.lead, &plan.target);
            let to = hosts.iter().map(|(url, _)| Destination::of(url, &self.options.connect_to));
            // Heartbeats report one; the look-ups of all of them take place at once.
            if let Some(name) = to.filter_map(|to| to.name().map(str::to_owned)).next() {
                self.life.resolves(ticket, &name);
            }
        }
        let (options, clock) = (Arc::clone(&self.options), self.clock.clone());
        let (orchestrator, fetched) = (self.orchestrator.clone(), Fetched::default());
        self.fetching.insert(ticket, fetched.clone());
        let checked = async move {
            let prepared = prepare(&options, &clock, orchestrator.as_ref(), &candidate, &fetched).await;
            let kit = prepared.as_ref().ok().and_then(|prepared| Kit::of(&candidate, prepared));
            if let Err(reason) = &prepared {
                log::warn!(test_id:% = candidate.test_id, reason:%; "test refused");
            }
            (prepared, kit)
        };
        ctx.spawn(checked.into_actor(self).map(move |(prepared, kit), actor, ctx| {
            actor.fetching.remove(&ticket);
            // The check of a config that was stopped or replaced may end after that of the next one.
            if kit.is_some() && actor.life.holds(ticket) {
                actor.kit = kit;
            }
            let result = prepared.map(|prepared| {
                // Configs that never started leave an entry. Tickets increase, so the first is the oldest: evict it.
                while actor.prepared.len() >= 2 * crate::life::MAX_HELD {
                    actor.prepared.pop_first();
                }
                let warning = prepared.warning.clone();
                actor.prepared.insert(ticket, prepared);
                warning
            });
            actor.step(Input::Checked(ticket, result), ctx);
        }));
    }

    fn order(&self, order: Order) {
        if !self.orders.offer(order) {
            overflow::dropped("order to the workers");
        }
    }

    fn stop(&self, why: &'static str) {
        if let Some(test_id) = &self.running {
            log::info!(test_id:%, reason = why; "test stops");
            self.order(Order::Stop(test_id.clone(), why.to_owned()));
        }
    }

    fn change_rate(&mut self, change: RateChange, ctx: &mut Context<Self>) {
        let Some(rate) = &mut self.rate else {
            return log::warn!(change = change.number; "rate not changed: this test has none to change");
        };
        match rate.change(change, self.options.limits.max_rate, Instant::now()) {
            Ok(applied) => {
                log::info!(change = change.number, rate = change.rate_per_s; "rate changes");
                self.step(Input::RateChanged(applied), ctx);
            }
            Err(reason) => log::warn!(change = change.number, reason:%; "rate not changed"),
        }
    }

    fn ended(&mut self, test_id: &TestId, ctx: &mut Context<Self>) {
        if self.running.take_if(|running| *running == *test_id).is_some() {
            log::info!(test_id:%; "test ended");
            self.rate = None;
            self.step(Input::Ended, ctx);
        }
    }
}

impl Actor for TestManagerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.orders.start(ctx);
        ctx.run_interval(TICK, |actor, ctx| {
            for (ticket, fetched) in &actor.fetching {
                if !actor.life.holds(*ticket) {
                    fetched.give_up();
                } else if fetched.bytes() > 0 {
                    actor.life.fetched(*ticket, fetched.bytes());
                }
            }
            // The files of a test that was stopped or replaced may be large.
            actor.prepared.retain(|ticket, _| actor.life.holds(*ticket));
            actor.step(Input::Tick, ctx);
        });
    }
}

impl Handler<RecordsArrived> for TestManagerActor {
    type Result = ();

    fn handle(&mut self, RecordsArrived(records): RecordsArrived, ctx: &mut Self::Context) {
        for arrived in records {
            self.record_arrived(arrived, ctx);
        }
    }
}

impl Handler<LoadEnded> for TestManagerActor {
    type Result = ();

    fn handle(&mut self, ended: LoadEnded, ctx: &mut Self::Context) {
        self.ended(&ended.test_id, ctx);
    }
}

impl Handler<FinalPublished> for TestManagerActor {
    type Result = ();

    fn handle(&mut self, published: FinalPublished, ctx: &mut Self::Context) {
        // An earlier life of the driver may have run tests of the same ids.
        if published.epoch == self.options.epoch {
            self.step(Input::Reported(published.test_id), ctx);
        }
    }
}

impl Handler<LinkUp> for TestManagerActor {
    type Result = ();

    fn handle(&mut self, up: LinkUp, _: &mut Self::Context) {
        if up.moved {
            self.life.forget_leader();
        }
    }
}

impl Handler<Leave> for TestManagerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Leave, ctx: &mut Self::Context) -> Self::Result {
        let (left, done) = oneshot::channel();
        self.leaving.push(left);
        log::info!("leaving");
        self.step(Input::Leave, ctx);
        Box::pin(async move {
            // An error means that the actor is gone, and its test with it.
            let _ = done.await;
        })
    }
}
