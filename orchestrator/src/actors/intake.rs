//! The way in: a batch of records goes to those who understand it, then to the store, and only then is the
//! next one read.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Recipient, ResponseFuture, WrapFuture};
use common::clock::unix_us;
use common::kafka::{ConsumerChanged, Offsets, RecordsArrived};
use common::wire::Inbound;
use tokio::time::{Instant, sleep};

use super::driver_registry::NodesHeard;
use super::revision::LateStored;
use super::stats_aggregator::MetricsHeard;
use crate::messages::{SaveBatch, SaveEvent, SavedBatch};
use crate::telemetry::{Readiness, Telemetry};

/// Batches come one at a time; news of the consumer beside them.
const MAILBOX: usize = 16;

/// How often offsets alone are stored: heartbeats of up to so long are read again after a restart.
const OFFSETS_EVERY: Duration = Duration::from_secs(1);

/// Between two tries to store a batch.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// What an intake hands on to.
#[derive(Clone)]
pub struct IntakeOutputs {
    /// Registers, heartbeats and metrics, for who is here.
    pub nodes: Recipient<NodesHeard>,
    /// Metrics and heartbeats, for what was measured.
    pub metrics: Recipient<MetricsHeard>,
    /// What is kept, with the offsets it was read at.
    pub batches: Recipient<SaveBatch>,
    /// Tests of which something late was stored.
    pub late: Recipient<LateStored>,
    /// What happened to the consumer.
    pub events: Recipient<SaveEvent>,
}

/// Takes records in.
///
/// - owns: which cluster the offsets belong to.
/// - receives: [`RecordsArrived`], [`ConsumerChanged`].
/// - sends: [`NodesHeard`], [`MetricsHeard`], then [`SaveBatch`] and [`LateStored`], each awaited; [`SaveEvent`].
/// - on failure: what the store does not take is tried again until it does; meanwhile nothing more is read, and
///   the node is not ready.
/// - mailbox bound: 16.
pub struct IntakeActor {
    outputs: IntakeOutputs,
    telemetry: Arc<Telemetry>,
    readiness: Arc<Readiness>,
    keeps_offsets: bool,
    cluster_id: Option<String>,
    stored_at: Rc<Cell<Option<Instant>>>,
}

impl IntakeActor {
    /// `keeps_offsets`: false for the embedded broker, whose offsets mean nothing to its next life.
    pub fn new(
        outputs: IntakeOutputs,
        telemetry: Arc<Telemetry>,
        readiness: Arc<Readiness>,
        keeps_offsets: bool,
    ) -> Self {
        Self { outputs, telemetry, readiness, keeps_offsets, cluster_id: None, stored_at: Rc::default() }
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
        let (readiness, stored_at) = (Arc::clone(&self.readiness), Rc::clone(&self.stored_at));
        let telemetry = Arc::clone(&self.telemetry);
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
            let lately = stored_at.get().is_some_and(|at| at.elapsed() < OFFSETS_EVERY);
            if metrics.is_empty() && registered.is_empty() && (lately || cluster_id.is_none()) {
                // Heartbeats alone bring nothing to keep, and their offsets can wait.
                return;
            }
            let batch = SaveBatch { cluster_id, offsets, metrics, registered };
            let saved = store(&outputs.batches, batch, &readiness).await;
            stored_at.set(Some(Instant::now()));
            telemetry.metrics_foreign.add(saved.n_foreign);
            if !saved.late.is_empty() {
                let _ = outputs.late.send(LateStored(saved.late)).await;
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

/// Stores a batch, however long that takes: reading on without it would lose it.
async fn store(batches: &Recipient<SaveBatch>, batch: SaveBatch, readiness: &Readiness) -> SavedBatch {
    let mut tries = 0_u64;
    let saved = loop {
        match batches.send(batch.clone()).await {
            Ok(Ok(saved)) => break saved,
            Ok(Err(error)) => {
                if tries.is_multiple_of(10) {
                    log::error!(error:%, tries; "a batch is not stored, trying again");
                }
                tries += 1;
                readiness.set_store(false);
                sleep(STORE_AGAIN).await;
            }
            // Gone because the node ends.
            Err(_) => return SavedBatch::default(),
        }
    };
    if tries > 0 {
        log::info!(tries; "the store takes batches again");
        readiness.set_store(true);
    }
    saved
}

/// What the consumer is given: both kinds of news, from one address.
pub fn recipients(intake: &Addr<IntakeActor>) -> (Recipient<RecordsArrived>, Recipient<ConsumerChanged>) {
    (intake.clone().recipient(), intake.clone().recipient())
}
