//! The way in: a batch of records goes to those who understand it, then to the store, and only then is the
//! next one read.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Recipient, ResponseFuture, WrapFuture};
use common::clock::unix_us;
use common::kafka::{ConsumerChanged, Offsets, RecordsArrived};
use common::wire::Inbound;

use super::driver_registry::NodesHeard;
use super::stats_aggregator::MetricsHeard;
use crate::messages::{SaveBatch, SaveEvent};
use crate::telemetry::{Readiness, Telemetry};

/// Batches come one at a time; news of the consumer beside them.
const MAILBOX: usize = 16;

/// What an intake hands on to.
#[derive(Clone)]
pub struct IntakeOutputs {
    /// Registers, heartbeats and metrics, for who is here.
    pub nodes: Recipient<NodesHeard>,
    /// Metrics and heartbeats, for what was measured.
    pub metrics: Recipient<MetricsHeard>,
    /// What is kept, with the offsets it was read at.
    pub batches: Recipient<SaveBatch>,
    /// What happened to the consumer.
    pub events: Recipient<SaveEvent>,
}

/// Takes records in.
///
/// - owns: which cluster the offsets belong to.
/// - receives: [`RecordsArrived`], [`ConsumerChanged`].
/// - sends: [`NodesHeard`], [`MetricsHeard`], then [`SaveBatch`], each awaited; [`SaveEvent`].
/// - on failure: what the store does not take is logged and counted by it, and read again after a restart, for its
///   offsets were not stored either.
/// - mailbox bound: 16.
pub struct IntakeActor {
    outputs: IntakeOutputs,
    telemetry: Arc<Telemetry>,
    readiness: Arc<Readiness>,
    keeps_offsets: bool,
    cluster_id: Option<String>,
}

impl IntakeActor {
    /// `keeps_offsets`: false for the embedded broker, whose offsets mean nothing to its next life.
    pub fn new(
        outputs: IntakeOutputs,
        telemetry: Arc<Telemetry>,
        readiness: Arc<Readiness>,
        keeps_offsets: bool,
    ) -> Self {
        Self { outputs, telemetry, readiness, keeps_offsets, cluster_id: None }
    }
}

impl Actor for IntakeActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<RecordsArrived> for IntakeActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, RecordsArrived(records): RecordsArrived, _: &mut Self::Context) -> Self::Result {
        for arrived in &records {
            self.telemetry.record_read(arrived.position.topic);
            if let Err(rejected) = &arrived.content {
                self.telemetry.record_rejected(arrived.position.topic, rejected.reason);
            }
        }
        let (outputs, cluster_id) = (self.outputs.clone(), self.cluster_id.clone());
        let batch = Arc::new(records);
        Box::pin(async move {
            // Whoever is gone is gone because the node ends.
            let _ = outputs.nodes.send(NodesHeard(Arc::clone(&batch))).await;
            let metrics = outputs.metrics.send(MetricsHeard(Arc::clone(&batch))).await.unwrap_or_default();
            let mut offsets: Offsets = BTreeMap::new();
            let mut registered = Vec::new();
            for arrived in batch.iter() {
                let at = arrived.position;
                let next = offsets.entry((at.topic, at.partition)).or_insert(0);
                *next = (*next).max(at.offset + 1);
                if let Ok(Inbound::Register(register)) = &arrived.content {
                    registered.push(register.clone());
                }
            }
            if metrics.is_empty() && registered.is_empty() {
                // Heartbeats alone bring nothing to keep: reading them again after a restart does no harm.
                return;
            }
            match outputs.batches.send(SaveBatch { cluster_id, offsets, metrics, registered }).await {
                Ok(Err(error)) => log::error!(error:%; "a batch was not stored"),
                Ok(Ok(())) | Err(_) => {}
            }
        })
    }
}

impl Handler<ConsumerChanged> for IntakeActor {
    type Result = ();

    fn handle(&mut self, changed: ConsumerChanged, context: &mut Self::Context) {
        match changed {
            ConsumerChanged::Assigned { cluster_id, .. } => {
                self.cluster_id = cluster_id.filter(|_| self.keeps_offsets);
                self.readiness.set_kafka(true);
            }
            ConsumerChanged::Connected(connected) => self.readiness.set_kafka(connected),
            ConsumerChanged::OffsetOutOfRange { lost, resumed_at } => {
                let detail = format!(
                    "{} {}: offset {} is gone, reading goes on at {resumed_at}",
                    lost.topic.as_str(),
                    lost.partition,
                    lost.offset
                );
                log::warn!(detail:%; "records were lost before they were read");
                let what = "offset_out_of_range".to_owned();
                let save = self.outputs.events.send(SaveEvent { at: unix_us(), test_id: None, what, detail });
                context.spawn(async move { drop(save.await) }.into_actor(self));
            }
        }
    }
}

/// What the consumer is given: both kinds of news, from one address.
pub fn recipients(intake: &Addr<IntakeActor>) -> (Recipient<RecordsArrived>, Recipient<ConsumerChanged>) {
    (intake.clone().recipient(), intake.clone().recipient())
}
