//! What the heartbeat receives, and its handle.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::ids::Epoch;
use common::kafka::KafkaError;

use super::{NodeEnding, send};
use crate::life::{Over, Reply};
use crate::overflow::notify;

/// The driver's state changed: publish it at once. Later heartbeats repeat it only if it `lasts`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct StateChanged {
    pub answer: Reply,
    /// Whether later heartbeats repeat it. False, for example, for the refusal of a test while another one runs.
    pub lasts: bool,
}

/// A heartbeat of one of our orchestrators was received; its epoch.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct OrchestratorSeen(pub Epoch);

/// The clock's offset was measured, in µs.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct OffsetMeasured(pub i64);

/// Publishes the registration again: a classic orchestrator waits for one after its trigger.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct RegisterAgain;

/// Announces the end of a classic test; its last report is in Kafka.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct AnnounceEnd(pub Over);

/// Publishes the heartbeat `"NO"`: the driver leaves. Answers once Kafka has it.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), KafkaError>")]
pub struct PublishGoodbye;

/// Sends to the heartbeat. Only the goodbye waits for a result. Any other message that meets a full mailbox is dropped,
/// counted and logged.
#[derive(Clone)]
pub struct HeartbeatHandle {
    state: Recipient<StateChanged>,
    orchestrator: Recipient<OrchestratorSeen>,
    offset: Recipient<OffsetMeasured>,
    register: Recipient<RegisterAgain>,
    end: Recipient<AnnounceEnd>,
    goodbye: Recipient<PublishGoodbye>,
}

impl HeartbeatHandle {
    /// Of the heartbeat, or of a stub.
    pub fn of<A>(heartbeat: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<StateChanged>
            + Handler<OrchestratorSeen>
            + Handler<OffsetMeasured>
            + Handler<RegisterAgain>
            + Handler<AnnounceEnd>
            + Handler<PublishGoodbye>,
    {
        Self {
            state: heartbeat.clone().recipient(),
            orchestrator: heartbeat.clone().recipient(),
            offset: heartbeat.clone().recipient(),
            register: heartbeat.clone().recipient(),
            end: heartbeat.clone().recipient(),
            goodbye: heartbeat.clone().recipient(),
        }
    }

    /// Publishes a new state; later heartbeats repeat it if it `lasts`.
    pub fn state_changed(&self, answer: Reply, lasts: bool) {
        notify(&self.state, StateChanged { answer, lasts }, "state");
    }

    /// Reports that a heartbeat of one of our orchestrators was received.
    pub fn orchestrator_seen(&self, epoch: Epoch) {
        notify(&self.orchestrator, OrchestratorSeen(epoch), "beat of an orchestrator");
    }

    /// Reports the clock's offset, in µs.
    pub fn offset_measured(&self, offset_us: i64) {
        notify(&self.offset, OffsetMeasured(offset_us), "clock offset");
    }

    /// Publishes the registration again.
    pub fn register_again(&self) {
        notify(&self.register, RegisterAgain, "registration");
    }

    /// Announces the end of a classic test.
    pub fn announce_end(&self, over: Over) {
        notify(&self.end, AnnounceEnd(over), "end of a test");
    }

    /// Publishes that the driver leaves; the result comes once Kafka has it.
    pub fn goodbye(&self) -> impl Future<Output = Result<Result<(), KafkaError>, NodeEnding>> + use<> {
        send(&self.goodbye, PublishGoodbye)
    }
}
