//! Writes the heartbeat's records and publishes them.

use std::net::{IpAddr, SocketAddr};

use common::clock::unix_us;
use common::kafka::{KafkaError, Producer};
use common::wire::{
    DriverState, Heartbeat, HeartbeatOurs, Outbound, PLAN_LANGUAGE, PROTOCOL, RATE_CHANGES, Register,
    RegisterOurs, Role, StepsReport,
};

use super::Identity;
use super::plan::{Next, Sign};
use crate::actors::messages::aggregator::ProgressHandle;
use crate::cpu::CpuClock;
use crate::life::Reply;
use crate::merge::DriverProgress;

/// Knows what the records hold beside what the plan wants.
pub(super) struct Writer {
    identity: Identity,
    kafka: Producer,
    progress: ProgressHandle,
    cpu: CpuClock,
}

impl Writer {
    pub(super) fn new(identity: Identity, kafka: Producer, progress: ProgressHandle) -> Self {
        let cpu = CpuClock::start(identity.workers);
        Self { identity, kafka, progress, cpu }
    }

    /// Publishes a record; returns when Kafka has it. `offset_us`: the offset of the orchestrator's clock.
    ///
    /// # Errors
    /// Where it cannot be written, or Kafka does not take it.
    pub(super) async fn publish(&mut self, next: &Next, offset_us: Option<i64>) -> Result<(), KafkaError> {
        let outbound = match next {
            Next::Register(address) => self.register(*address),
            Next::Beat(answer) => {
                let progress = self.progress(answer).await;
                self.heartbeat(answer, progress, true, offset_us)
            }
            Next::Refusal(answer) => self.heartbeat(answer, None, true, offset_us),
            Next::Sign(Sign::Word(word)) => {
                Outbound::EndWord { node_id: self.identity.node_id.clone(), word: word.clone() }
            }
            Next::Sign(Sign::No) | Next::Goodbye => self.heartbeat(&Reply::idle(), None, false, offset_us),
        };
        let record = outbound.write().map_err(|error| KafkaError::NotDelivered(error.to_string()))?;
        self.kafka.publish(record).await
    }

    /// How far the test of this state is, if one runs. The aggregator may still count for another test: its counters
    /// must not stand in this one's heartbeat.
    async fn progress(&self, answer: &Reply) -> Option<DriverProgress> {
        if answer.state != DriverState::Running {
            return None;
        }
        let progress = self.progress.get().await.unwrap_or_default();
        progress.filter(|progress| Some(&progress.test_id) == answer.test_id.as_ref())
    }

    fn register(&self, address: IpAddr) -> Outbound {
        let identity = &self.identity;
        Outbound::Register(Register {
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
                plan_language: Some(PLAN_LANGUAGE),
                rate_changes: Some(RATE_CHANGES),
                calibrated: identity.calibrated.clone(),
            }),
        })
    }

    fn heartbeat(
        &mut self,
        answer: &Reply,
        progress: Option<DriverProgress>,
        alive: bool,
        offset_us: Option<i64>,
    ) -> Outbound {
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
                reason: answer.reason.clone(),
                warning: answer.warning.clone(),
                test_id: answer.test_id.clone(),
                revision: answer.revision,
                fetched_bytes: answer.fetched_bytes,
                clock_offset_us: offset_us,
                cpu: self.cpu.share(),
                ask: None,
                steps: answer.steps.as_ref().map(|steps| Box::new(StepsReport::clone(steps))),
                rate_change: answer.rate_change,
                counters: progress.map(|progress| progress.counters),
            }),
        }))
    }
}
