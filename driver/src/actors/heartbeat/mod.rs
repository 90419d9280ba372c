//! Publishes the driver's registration, its heartbeats, its changes of state and its goodbye.

mod over;
mod pace;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, ResponseActFuture, WrapFuture,
};
use common::clock::unix_us;
use common::ids::{Epoch, NodeId};
use common::kafka::{KafkaError, Publish};
use common::wire::{DriverState, Heartbeat, HeartbeatOurs, Outbound, PROTOCOL, Register, RegisterOurs, Role};
use tokio::time::Instant;

use super::messages::aggregator::ProgressHandle;
#[cfg(doc)]
use super::messages::heartbeat::{AnnounceEnd, RegisterAgain};
use super::messages::heartbeat::{OffsetMeasured, OrchestratorSeen, PublishGoodbye, StateChanged};
use super::messages::kafka_link::LinkUp;
use crate::cpu::CpuClock;
use crate::life::Reply;
use crate::merge::DriverProgress;

use over::Sign;
use pace::Pace;

/// Messages that may wait.
const MAILBOX: usize = 64;

/// This driver, as its register and heartbeat records describe it.
#[derive(Debug, Clone)]
pub struct Identity {
    pub node_id: NodeId,
    /// Epoch of this process; each start of the node has a higher one.
    pub epoch: Epoch,
    pub version: String,
    /// Cores that its process may use.
    pub cores: u32,
    /// Threads that send: what its share of CPU is taken of.
    pub workers: u32,
    /// Labels from its config.
    pub labels: BTreeMap<String, String>,
    /// `[safety] max_rate`.
    pub max_rate: Option<f64>,
    /// The kernel that it runs under.
    pub kernel: Option<String>,
    /// The port of its own server, or 0.
    pub port: u16,
}

/// Publishes that this driver is alive, and what it is doing.
///
/// - owns: the state that heartbeats carry; which orchestrator it has registered with.
/// - receives: [`LinkUp`], [`StateChanged`], [`OrchestratorSeen`], [`OffsetMeasured`], [`RegisterAgain`],
///   [`AnnounceEnd`], [`PublishGoodbye`].
/// - sends: [`Publish`] of register and heartbeat records, and of end words; while a test runs it asks the aggregator
///   how far it is ([`ProgressHandle`]).
/// - on failure: a regular heartbeat that Kafka does not take is dropped; a change of state, a registration and the
///   end of a classic test are published again.
/// - mailbox bound: 64; at most one regular heartbeat is on its way at a time.
pub struct HeartbeatActor {
    identity: Identity,
    pace: Pace,
    publish: Recipient<Publish>,
    progress: ProgressHandle,
    address: Option<IpAddr>,
    /// Epoch of our newest orchestrator; `registered` is true once it has this driver's registration.
    orchestrator: Option<Epoch>,
    registered: bool,
    registering: bool,
    /// A registration was asked for while another one was on its way.
    again: bool,
    answer: Reply,
    /// A change of state that Kafka does not have yet.
    state_unpublished: bool,
    beating: bool,
    beaten_at: Option<Instant>,
    /// Ends of classic tests that are still to be announced, the oldest first.
    signs: VecDeque<Sign>,
    announcing: bool,
    offset_us: Option<i64>,
    cpu: CpuClock,
    leaving: bool,
}

impl HeartbeatActor {
    /// Publishes nothing until the link to Kafka is up. `every`: the longest time between two heartbeats.
    pub fn new(
        identity: Identity,
        every: Duration,
        publish: Recipient<Publish>,
        progress: ProgressHandle,
    ) -> Self {
        let cpu = CpuClock::start(identity.workers);
        Self {
            identity,
            pace: Pace::new(every),
            publish,
            progress,
            address: None,
            orchestrator: None,
            registered: false,
            registering: false,
            again: false,
            answer: Reply::idle(),
            state_unpublished: false,
            beating: false,
            beaten_at: None,
            signs: VecDeque::new(),
            announcing: false,
            offset_us: None,
            cpu,
            leaving: false,
        }
    }

    fn register(&mut self, ctx: &mut Context<Self>) {
        let Some(address) = self.address else { return };
        (self.registering, self.again) = (true, false);
        let identity = &self.identity;
        let register = Register {
            node_id: identity.node_id.clone(),
            address: Some(SocketAddr::new(address, identity.port).to_string()),
            ours: Some(RegisterOurs {
                protocol: Some(PROTOCOL),
                epoch: identity.epoch,
                version: identity.version.clone(),
                cores: identity.cores,
                labels: identity.labels.clone(),
                max_rate: identity.max_rate,
                kernel: identity.kernel.clone(),
            }),
        };
        let orchestrator = self.orchestrator;
        let published = self.put(Outbound::Register(register));
        ctx.spawn(published.map(move |published, actor, ctx| {
            actor.registering = false;
            match published {
                Ok(()) => {
                    log::info!("registered");
                    // If another orchestrator appeared while this was on its way, the next tick registers with that
                    // one.
                    actor.registered = actor.orchestrator == orchestrator && !actor.again;
                    actor.beat(ctx);
                }
                Err(error) => log::warn!(error:%; "not registered"),
            }
        }));
    }

    /// Publishes; records leave in the order of the calls.
    fn put(&mut self, outbound: Outbound) -> ResponseActFuture<Self, Result<(), KafkaError>> {
        let sent = outbound.write().map(|record| self.publish.send(Publish(record.into())));
        let published = async move {
            match sent {
                Ok(sent) => sent.await.unwrap_or(Err(KafkaError::Stopped)),
                Err(error) => Err(KafkaError::NotDelivered(error.to_string())),
            }
        };
        Box::pin(published.into_actor(self))
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        if self.address.is_none() || self.leaving {
            return;
        }
        self.publish_signs(ctx);
        if self.registering {
            return;
        }
        if !self.registered {
            return self.register(ctx);
        }
        let running = self.answer.state == DriverState::Running;
        let due = self.beaten_at.is_none_or(|at| self.pace.is_due(at.elapsed(), running));
        if self.state_unpublished || (due && !self.beating) {
            self.beat(ctx);
        }
    }

    /// Publishes a heartbeat, with the counters of the test if one runs.
    fn beat(&mut self, ctx: &mut Context<Self>) {
        if self.leaving {
            return;
        }
        self.beating = true;
        self.state_unpublished = false;
        self.beaten_at = Some(Instant::now());
        let running = self.answer.state == DriverState::Running;
        let progress = running.then(|| self.progress.get());
        let progress = async move {
            match progress {
                Some(progress) => progress.await.unwrap_or_default(),
                None => None,
            }
        };
        ctx.spawn(progress.into_actor(self).map(|progress, actor, ctx| {
            let record = actor.record(actor.answer.clone(), progress, true);
            let published = actor.put(record);
            ctx.spawn(published.map(|published, actor, _| {
                actor.beating = false;
                if let Err(error) = published {
                    // This may have been a change of state: the next tick publishes it again.
                    actor.state_unpublished = true;
                    log::debug!(error:%; "heartbeat not published");
                }
            }));
        }));
    }

    fn record(&mut self, answer: Reply, progress: Option<DriverProgress>, alive: bool) -> Outbound {
        // The aggregator may still count for another test: its counters must not stand in this one's heartbeat.
        let progress = progress.filter(|progress| Some(&progress.test_id) == answer.test_id.as_ref());
        let draining = progress.as_ref().is_some_and(|progress| progress.draining);
        let state = if draining { DriverState::Draining } else { answer.state };
        Outbound::Heartbeat(Box::new(Heartbeat {
            node_id: self.identity.node_id.clone(),
            alive,
            sent_at_us: Some(unix_us()),
            ours: Some(HeartbeatOurs {
                epoch: self.identity.epoch,
                role: Role::Driver,
                state: Some(state),
                reason: answer.reason,
                warning: answer.warning,
                test_id: answer.test_id,
                revision: answer.revision,
                clock_offset_us: self.offset_us,
                cpu: self.cpu.share(),
                counters: progress.map(|progress| progress.counters),
            }),
        }))
    }
}

impl Actor for HeartbeatActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(self.pace.look, Self::tick);
    }
}

impl Handler<LinkUp> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, up: LinkUp, ctx: &mut Self::Context) {
        self.address = Some(up.address);
        self.registered = false;
        if up.moved {
            self.orchestrator = None;
        }
        if !self.leaving {
            self.register(ctx);
        }
    }
}

impl Handler<StateChanged> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, StateChanged { answer, lasts }: StateChanged, ctx: &mut Self::Context) {
        if lasts {
            self.answer = answer;
            self.state_unpublished = true;
            if self.registered {
                self.beat(ctx);
            }
            return;
        }
        let record = self.record(answer, None, true);
        let published = self.put(record);
        ctx.spawn(published.map(|published, _, _| {
            if let Err(error) = published {
                log::warn!(error:%; "refusal not published");
            }
        }));
    }
}

impl Handler<OrchestratorSeen> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, OrchestratorSeen(epoch): OrchestratorSeen, ctx: &mut Self::Context) {
        if self.orchestrator.is_some_and(|orchestrator| orchestrator >= epoch) {
            return;
        }
        self.orchestrator = Some(epoch);
        self.registered = false;
        if !self.registering && !self.leaving {
            self.register(ctx);
        }
    }
}

impl Handler<OffsetMeasured> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, OffsetMeasured(offset_us): OffsetMeasured, _: &mut Self::Context) {
        self.offset_us = Some(offset_us);
    }
}

impl Handler<PublishGoodbye> for HeartbeatActor {
    type Result = ResponseActFuture<Self, Result<(), KafkaError>>;

    fn handle(&mut self, _: PublishGoodbye, _: &mut Self::Context) -> Self::Result {
        self.leaving = true;
        if self.address.is_none() {
            return Box::pin(std::future::ready(Ok(())).into_actor(self));
        }
        let goodbye = self.record(Reply::idle(), None, false);
        self.put(goodbye)
    }
}

#[cfg(test)]
mod tests;
