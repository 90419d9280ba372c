//! Publishes the driver's registration, its heartbeats, its changes of state and its goodbye.

mod pace;
mod plan;
mod writer;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use common::ids::{Epoch, NodeId};
use common::kafka::{KafkaError, Producer};
use common::ordered::Ordered;
use common::wire::Calibrated;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::messages::aggregator::ProgressHandle;
use super::messages::heartbeat::{
    AnnounceEnd, OffsetMeasured, OrchestratorSeen, PublishGoodbye, RegisterAgain, StateChanged,
};
use super::messages::kafka_link::LinkUp;
use crate::life::Over;
use crate::overflow;

use pace::Pace;
use plan::{MAX_SIGNS, Next, Plan};
use writer::Writer;

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
    /// What it could send when it was calibrated.
    pub calibrated: Option<Calibrated>,
    /// The port of its own server, or 0.
    pub port: u16,
}

/// Publishes that this driver is alive, and what it is doing.
///
/// - owns: the state that heartbeats carry; which orchestrator it has registered with.
/// - receives: [`LinkUp`], [`StateChanged`], [`OrchestratorSeen`], [`OffsetMeasured`], [`RegisterAgain`],
///   [`AnnounceEnd`], [`PublishGoodbye`].
/// - sends: register and heartbeat records and end words to the producer, one at a time; while a test runs it asks the
///   aggregator how far it is ([`ProgressHandle`]).
/// - on failure: a regular heartbeat that is due while another record is on its way is dropped; a change of state, a
///   registration and the end of a classic test are published again.
/// - mailbox bound: 64; a message that meets a full queue is dropped, counted and logged.
pub struct HeartbeatActor {
    asked: Ordered<Asked>,
}

/// What the task is asked for.
enum Asked {
    LinkUp(LinkUp),
    State(StateChanged),
    Orchestrator(Epoch),
    Offset(i64),
    Register,
    AnnounceEnd(Over),
    Goodbye(oneshot::Sender<Result<(), KafkaError>>),
}

impl HeartbeatActor {
    /// Publishes nothing until the link to Kafka is up. `every`: the longest time between two heartbeats.
    pub fn new(identity: Identity, every: Duration, kafka: Producer, progress: ProgressHandle) -> Self {
        let wishes = Wishes { plan: Plan::new(Pace::new(every)), offset_us: None, goodbyes: Vec::new() };
        let writer = Writer::new(identity, kafka, progress);
        Self { asked: Ordered::new(MAILBOX, |asked| publish(wishes, writer, asked)) }
    }

    /// The senders of these messages do not wait, so that what meets a full queue is dropped. The task takes from it
    /// even while a record is on its way.
    fn ask(&self, asked: Asked, what: &'static str) {
        if !self.asked.offer(asked) {
            overflow::dropped(what);
        }
    }
}

/// What the task is asked for, so far.
struct Wishes {
    plan: Plan,
    offset_us: Option<i64>,
    /// Who waits until Kafka has the goodbye.
    goodbyes: Vec<oneshot::Sender<Result<(), KafkaError>>>,
}

/// Publishes what is wanted, one record after the other.
async fn publish(mut wishes: Wishes, mut writer: Writer, mut asked: mpsc::Receiver<Asked>) {
    let look_every = wishes.plan.look_every();
    let mut look = interval_at(Instant::now() + look_every, look_every);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        while let Some(next) = wishes.plan.next(Instant::now().into_std()) {
            let published = {
                let mut publishing = pin!(writer.publish(&next, wishes.offset_us));
                loop {
                    tokio::select! {
                        published = &mut publishing => break published,
                        // Noted at once: Kafka may keep a record for minutes.
                        Some(asked) = asked.recv() => wishes.take(asked),
                    }
                }
            };
            wishes.published(&next, published);
        }
        tokio::select! {
            asked = asked.recv() => match asked {
                Some(asked) => wishes.take(asked),
                None => return,
            },
            _ = look.tick() => wishes.plan.look(Instant::now().into_std()),
        }
    }
}

impl Wishes {
    fn take(&mut self, asked: Asked) {
        match asked {
            Asked::LinkUp(LinkUp { address, moved }) => self.plan.link_up(address, moved),
            Asked::State(StateChanged { answer, lasts: true }) => self.plan.set_state(answer),
            Asked::State(StateChanged { answer, lasts: false }) => {
                if !self.plan.refuse(answer) {
                    overflow::dropped("refusal");
                }
            }
            Asked::Orchestrator(epoch) => self.plan.orchestrator_seen(epoch),
            Asked::Offset(offset_us) => self.offset_us = Some(offset_us),
            Asked::Register => self.plan.register_again(),
            Asked::AnnounceEnd(over) => self.announce_end(over),
            Asked::Goodbye(answer) => {
                if self.plan.leave() {
                    self.goodbyes.push(answer);
                } else {
                    let _ = answer.send(Ok(()));
                }
            }
        }
    }

    fn announce_end(&mut self, over: Over) {
        log::info!(
            test_id:% = over.test_id, word:? = over.word, no = over.no;
            "announcing the end of a classic test"
        );
        let test_id = over.test_id.clone();
        if !self.plan.announce_end(over) {
            log::warn!(test_id:%, n_waiting = MAX_SIGNS; "end of a test not announced");
        }
    }

    fn published(&mut self, record: &Next, published: Result<(), KafkaError>) {
        self.plan.published(record, published.is_ok());
        match (record, &published) {
            (Next::Register(_), Ok(())) => log::info!("registered"),
            (Next::Register(_), Err(error)) => log::warn!(error:%; "not registered"),
            (Next::Beat(_), Err(error)) => log::debug!(error:%; "heartbeat not published"),
            (Next::Refusal(_), Err(error)) => log::warn!(error:%; "refusal not published"),
            (Next::Sign(_), Err(error)) => {
                log::warn!(error:%; "end of a test not published, trying again");
            }
            (Next::Goodbye, _) => {
                for waiting in self.goodbyes.drain(..) {
                    // The receiver may have timed out.
                    let _ = waiting.send(published.clone());
                }
            }
            (Next::Beat(_) | Next::Refusal(_) | Next::Sign(_), Ok(())) => {}
        }
    }
}

impl Actor for HeartbeatActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.asked.start(ctx);
    }
}

impl Handler<LinkUp> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, up: LinkUp, _: &mut Self::Context) {
        self.ask(Asked::LinkUp(up), "link up");
    }
}

impl Handler<StateChanged> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, changed: StateChanged, _: &mut Self::Context) {
        self.ask(Asked::State(changed), "state");
    }
}

impl Handler<OrchestratorSeen> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, OrchestratorSeen(epoch): OrchestratorSeen, _: &mut Self::Context) {
        self.ask(Asked::Orchestrator(epoch), "beat of an orchestrator");
    }
}

impl Handler<OffsetMeasured> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, OffsetMeasured(offset_us): OffsetMeasured, _: &mut Self::Context) {
        self.ask(Asked::Offset(offset_us), "clock offset");
    }
}

impl Handler<RegisterAgain> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, _: RegisterAgain, _: &mut Self::Context) {
        self.ask(Asked::Register, "registration");
    }
}

impl Handler<AnnounceEnd> for HeartbeatActor {
    type Result = ();

    fn handle(&mut self, AnnounceEnd(over): AnnounceEnd, _: &mut Self::Context) {
        self.ask(Asked::AnnounceEnd(over), "end of a test");
    }
}

impl Handler<PublishGoodbye> for HeartbeatActor {
    type Result = ResponseFuture<Result<(), KafkaError>>;

    fn handle(&mut self, _: PublishGoodbye, _: &mut Self::Context) -> Self::Result {
        self.asked.ask(Asked::Goodbye, Err(KafkaError::Stopped))
    }
}

#[cfg(test)]
mod tests;
