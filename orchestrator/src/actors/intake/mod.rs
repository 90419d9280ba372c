//! The path of incoming records: a batch goes to the registry and the aggregator, then to the store, and only then is
//! the next one read. While the store fails, records wait in memory up to a bound, so that a full disk does not hold
//! up the running test.

mod backlog;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient, ResponseFuture};
use common::kafka::{Arrived, ConsumerChanged, Offsets, RecordsArrived};
use common::ordered::Ordered;
use common::settings::KafkaSettings;
use common::wire::Inbound;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use self::backlog::{Backlog, STORE_AGAIN};
use super::driver_registry::RegistryHandle;
use super::revision::RevisionHandle;
use super::stats_aggregator::{Counted, TallyHandle};
use super::test_manager::ManagerHandle;
use crate::actors::store::StoreHandle;
use crate::ran_on::RanOn;
use crate::store::{Batch, SavedBatch, StoreError};
use crate::telemetry::{Readiness, Telemetry};

/// Batches arrive one at a time; changes of the consumer arrive beside them.
const MAILBOX: usize = 16;

/// How often offsets alone are stored: heartbeats of the last such interval are read again after a restart.
const OFFSETS_EVERY: Duration = Duration::from_secs(1);

/// The Kafka that the records come from, as the settings describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The broker inside this process.
    pub embedded: bool,
    /// The names of its topics.
    pub kafka: KafkaSettings,
}

impl Source {
    /// The Kafka that answered; `None` for a cluster without an id.
    pub fn kafka(&self, cluster_id: Option<&str>) -> Option<RanOn> {
        if self.embedded {
            return Some(RanOn::Embedded);
        }
        cluster_id.map(|id| RanOn::cluster(id, &self.kafka.topics_key()))
    }
}

/// The actors that an intake sends to.
#[derive(Debug, Clone)]
pub struct IntakeOutputs {
    /// Receives every batch first.
    pub registry: RegistryHandle,
    /// Receives every batch then, and answers with what is to be stored of it.
    pub tally: TallyHandle,
    /// Stores records together with their offsets, and knows where reading began.
    pub store: StoreHandle,
    /// Revises the tests for which late windows were stored.
    pub revision: RevisionHandle,
    /// Learns that Kafka answered, and whether the store accepts batches.
    pub manager: ManagerHandle,
}

/// Takes records in.
///
/// - owns: which Kafka the offsets belong to, and the backlog that is not stored yet.
/// - receives: [`RecordsArrived`], [`ConsumerChanged`].
/// - sends: [`RegistryHandle::update`], [`TallyHandle::count`], then [`StoreHandle::save_batch`] and
///   [`RevisionHandle::late_stored`], each awaited; before the first of them the offsets where reading begins, by
///   [`StoreHandle::save_batch`], and then [`ManagerHandle::kafka_reached`]; [`ManagerHandle::offer_store_changed`].
/// - on failure: a refused batch is retried every second until it is stored, and the node is not ready meanwhile.
///   When the backlog reaches its bound, reading stops.
/// - mailbox bound: 16.
pub struct IntakeActor {
    came: Ordered<(Came, oneshot::Sender<()>)>,
}

/// What comes from the consumer, which waits until it is handled.
enum Came {
    Records(Vec<Arrived>),
    Changed(ConsumerChanged),
}

impl IntakeActor {
    /// Nothing was read yet.
    pub fn new(
        outputs: IntakeOutputs,
        telemetry: Arc<Telemetry>,
        readiness: Arc<Readiness>,
        source: Source,
    ) -> Self {
        let intake = Intake {
            outputs,
            telemetry,
            readiness,
            source,
            kafka: None,
            stored_at: None,
            backlog: Backlog::default(),
        };
        Self { came: Ordered::new(MAILBOX, |came| intake.run(came)) }
    }

    fn handled(&self, came: Came) -> ResponseFuture<()> {
        self.came.ask(|handled| (came, handled), ())
    }
}

impl Actor for IntakeActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        self.came.start(context);
    }
}

impl Handler<RecordsArrived> for IntakeActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, RecordsArrived(records): RecordsArrived, _: &mut Self::Context) -> Self::Result {
        self.handled(Came::Records(records))
    }
}

impl Handler<ConsumerChanged> for IntakeActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, changed: ConsumerChanged, _: &mut Self::Context) -> Self::Result {
        self.handled(Came::Changed(changed))
    }
}

/// What the task owns.
struct Intake {
    outputs: IntakeOutputs,
    telemetry: Arc<Telemetry>,
    readiness: Arc<Readiness>,
    source: Source,
    kafka: Option<RanOn>,
    stored_at: Option<Instant>,
    backlog: Backlog,
}

impl Intake {
    async fn run(mut self, mut came: mpsc::Receiver<(Came, oneshot::Sender<()>)>) {
        while let Some((came, handled)) = came.recv().await {
            match came {
                Came::Records(records) => self.records(records).await,
                Came::Changed(changed) => self.changed(changed).await,
            }
            // The consumer may have been stopped meanwhile.
            let _ = handled.send(());
        }
    }

    async fn records(&mut self, records: Vec<Arrived>) {
        for arrived in &records {
            self.telemetry.record_read(arrived.position.topic);
            if let Err(rejected) = &arrived.content {
                self.telemetry.record_rejected(arrived.position.topic, rejected.reason);
            }
        }
        let offsets_of = self.kafka.as_ref().and_then(RanOn::offsets_key).map(str::to_owned);
        let batch = Arc::new(records);
        // Where an actor has stopped, the node is ending. The offsets of a batch that was not counted are not stored
        // either, so that the next process reads it again.
        let Ok(()) = self.outputs.registry.update(Arc::clone(&batch)).await else { return };
        let Ok(counted) = self.outputs.tally.count(Arc::clone(&batch)).await else { return };
        let Counted { metrics, spans } = counted;
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
        let lately = self.stored_at.is_some_and(|at| at.elapsed() < OFFSETS_EVERY);
        let brought_nothing = metrics.is_empty() && spans.is_empty() && registered.is_empty();
        if brought_nothing && (lately || offsets_of.is_none()) && self.backlog.is_empty() {
            // A batch of heartbeats alone has nothing to store, and its offsets can wait.
            return;
        }
        self.backlog.add(Batch { offsets_of, offsets, metrics, spans, registered });
        let Some(saved) = self.store().await else { return };
        self.stored_at = Some(Instant::now());
        self.telemetry.metrics_foreign.add(saved.n_foreign);
        if !saved.late.is_empty() {
            let _ = self.outputs.revision.late_stored(saved.late).await;
        }
    }

    async fn changed(&mut self, changed: ConsumerChanged) {
        match changed {
            ConsumerChanged::Assigned { cluster_id, from } => {
                self.kafka = self.source.kafka(cluster_id.as_deref());
                self.begin(from).await;
            }
            ConsumerChanged::Connected(connected) => self.readiness.set_kafka(connected),
            ConsumerChanged::OffsetOutOfRange { lost, resumed_at } => {
                let detail = format!(
                    "{} {}: offset {} is gone, reading goes on at {resumed_at}",
                    self.source.kafka.topic_name(lost.topic),
                    lost.partition,
                    lost.offset
                );
                log::warn!(detail:%; "records expired in kafka before they were read");
            }
        }
    }

    /// Reading begins. The consumer hands the first records on when this is done, so the order holds by itself: first
    /// the store knows where every topic is read from, then the manager may lead, then drivers are known, and only
    /// then can a test be triggered. An orchestrator that is killed in its first test ever therefore finds the place
    /// of every record that the drivers of this test wrote: without it, it would begin behind the last record again.
    async fn begin(&mut self, from: Offsets) {
        if let Some(key) = self.kafka.as_ref().and_then(RanOn::offsets_key) {
            let stored = self.outputs.store.load_offsets(key).await;
            // After a reconnect the offsets are stored already, and a full disk would refuse them again.
            if !matches!(stored, Ok(stored) if stored == from) {
                let offsets_of = Some(key.to_owned());
                self.backlog.add(Batch {
                    offsets_of,
                    offsets: from,
                    metrics: Vec::new(),
                    spans: Vec::new(),
                    registered: Vec::new(),
                });
                while self.store().await.is_none() {
                    sleep(STORE_AGAIN).await;
                }
            }
        }
        // A send fails only while the node is shutting down.
        let _ = self.outputs.manager.kafka_reached(self.kafka.clone()).await;
        self.readiness.set_kafka(true);
    }

    /// Stores the backlog; `None` if it is still not stored. Returns only when the backlog has room again, however long
    /// that takes: reading on without room would lose records.
    async fn store(&mut self) -> Option<SavedBatch> {
        loop {
            if let Some(batch) = self.backlog.due(Instant::now()) {
                match self.outputs.store.save_batch(batch).await {
                    Ok(saved) => {
                        let failures = self.backlog.stored();
                        if failures > 0 {
                            log::info!(failures; "store accepts batches again");
                            self.readiness.set_store(true);
                            self.report(None);
                        }
                        return Some(saved);
                    }
                    Err(StoreError::Stopped) => return None,
                    Err(error) => {
                        if self.backlog.failed(Instant::now()) == 1 {
                            log::error!(error:%; "store refuses batches; retrying every second");
                            self.readiness.set_store(false);
                            self.report(Some(error.to_string()));
                        }
                    }
                }
            }
            if !self.backlog.is_full() {
                return None;
            }
            sleep(STORE_AGAIN).await;
        }
    }

    /// Reports a change of the store to the manager, once and without waiting: with a full mailbox the manager has more
    /// urgent work, and the report is dropped.
    fn report(&self, trouble: Option<String>) {
        if !self.outputs.manager.offer_store_changed(trouble) {
            log::warn!("manager mailbox full; change of the store not reported");
        }
    }
}

/// The recipients for the consumer: records and changes, both this actor.
pub fn recipients(intake: &Addr<IntakeActor>) -> (Recipient<RecordsArrived>, Recipient<ConsumerChanged>) {
    (intake.clone().recipient(), intake.clone().recipient())
}
