//! What the heartbeat receives.

use actix::Message;
use common::ids::Epoch;
use common::kafka::KafkaError;

use crate::life::{Answer, Over};

/// The driver's state changed: publish it at once. Later heartbeats repeat it only if it `lasts`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct StateChanged {
    /// The new state.
    pub answer: Answer,
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
