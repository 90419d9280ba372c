//! What the drivers measured: the tally behind messages.

use std::sync::Arc;

use actix::{Actor, Context, Handler, Message, Recipient};
use common::clock::{UnixMicros, unix_us};
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::{Arrived, Position};
use common::plan::Plan;
use common::wire::{Inbound, Metrics};

use super::offer;
use crate::lifecycle::PartSeen;
use crate::messages::{Changed, StoredMetrics, StoredParticipant};
use crate::model::{TestState, TestView, TimelineEntry};
use crate::registry::state_name;
use crate::report::{TestMeta, view};
use crate::tally::{self, EndedBy, Tally};
use crate::telemetry::Telemetry;
use crate::verdict::{Judgement, judge};

/// Batches, queries and orders that may wait.
const MAILBOX: usize = 64;

/// A batch of records was read; the answer is what of it is to be stored.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<StoredMetrics>")]
pub struct MetricsHeard(pub Arc<Vec<Arrived>>);

/// A test is triggered: what arrives is counted to it from now on, and no more to the one before.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenTally {
    /// Which test.
    pub test_id: TestId,
    /// What it does.
    pub plan: Plan,
    /// Who takes part.
    pub participants: Vec<StoredParticipant>,
}

/// Counts what the store kept of a test, after a restart.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Recount(pub Vec<StoredMetrics>);

/// The drivers are told to start at this instant.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TallyStarted(pub UnixMicros);

/// Something about one part that the records do not say.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum PartChanged {
    /// It is over.
    Ended(NodeId, Option<Epoch>, EndedBy),
    /// It is back.
    Back(NodeId, Option<Epoch>),
}

/// Asks for what a test's life depends on; empty where no test is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<PartSeen>")]
pub struct GetParts;

/// What the manager knows of a test, beyond its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Which test.
    pub test_id: TestId,
    /// The plan's name.
    pub name: String,
    /// Where in its life it is.
    pub state: TestState,
    /// The plan as JSON, secrets masked.
    pub plan: serde_json::Value,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// What happened to it.
    pub timeline: Vec<TimelineEntry>,
}

impl Meta {
    /// As the report takes it.
    pub fn borrowed(&self) -> TestMeta<'_> {
        TestMeta {
            test_id: &self.test_id,
            name: &self.name,
            state: self.state,
            plan: self.plan.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            timeline: &self.timeline,
        }
    }
}

/// Asks for the open test as REST shows it; `None` where another or none is open.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<TestView>")]
pub struct GetView(pub Meta);

/// The test is over: judges it. What comes later revises it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<TestView>")]
pub struct CloseTally {
    /// The test, finished.
    pub meta: Meta,
    /// Who or what stopped it.
    pub stopped_by: Option<String>,
}

/// A finished test was revised by a window that came late.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TestRevised(pub Box<TestView>);

struct Closed {
    meta: Meta,
    stopped_by: Option<String>,
}

/// Adds up what the drivers measured.
///
/// - owns: the tally of the open test, until the next is opened.
/// - receives: [`MetricsHeard`], [`OpenTally`], [`Recount`], [`TallyStarted`], [`PartChanged`], [`GetParts`],
///   [`GetView`], [`CloseTally`].
/// - sends: [`Changed::Window`] for each second of a driver and of the fleet; [`TestRevised`].
/// - on failure: a listener that is full misses windows, which REST still has; records of no open test are not
///   counted.
/// - mailbox bound: 64.
pub struct StatsAggregatorActor {
    tally: Option<Tally>,
    closed: Option<Closed>,
    events: Recipient<Changed>,
    revised: Recipient<TestRevised>,
    telemetry: Arc<Telemetry>,
}

impl StatsAggregatorActor {
    /// Nothing is counted yet.
    pub fn new(
        events: Recipient<Changed>,
        revised: Recipient<TestRevised>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { tally: None, closed: None, events, revised, telemetry }
    }

    fn metrics(&mut self, metrics: &Metrics, at: Position, now_us: UnixMicros) -> Option<StoredMetrics> {
        let arrived = match &mut self.tally {
            Some(tally) => tally.arrived(metrics, at, now_us),
            None => tally::Arrived::Foreign,
        };
        if arrived == tally::Arrived::Foreign {
            self.telemetry.metrics_foreign.one();
        }
        if arrived == tally::Arrived::Late {
            self.revise(now_us);
        }
        let counted = matches!(arrived, tally::Arrived::New | tally::Arrived::Late);
        let test_id = self.tally.as_ref()?.test_id().clone();
        counted.then(|| StoredMetrics {
            test_id,
            partition: at.partition,
            offset: at.offset,
            arrived_at: now_us,
            metrics: Box::new(metrics.clone()),
        })
    }

    fn revise(&mut self, now_us: UnixMicros) {
        let (Some(tally), Some(closed)) = (&self.tally, &mut self.closed) else { return };
        if closed.meta.timeline.last().is_none_or(|last| last.what != "revised") {
            closed.meta.timeline.push(TimelineEntry {
                at: common::clock::rfc3339(now_us),
                what: "revised".to_owned(),
                detail: "windows came after the end".to_owned(),
            });
        }
        let judgement = judged(tally, closed.stopped_by.as_deref());
        let revised = view(&closed.meta.borrowed(), tally, Some(&judgement), now_us);
        let revised = self.revised.send(TestRevised(Box::new(revised)));
        // Whoever is gone is gone because the node ends; the store has the windows.
        actix::spawn(async move { revised.await.ok() });
    }

    fn tell_windows(&mut self) {
        for window in self.tally.as_mut().map(Tally::take_windows).unwrap_or_default() {
            offer(&self.events, Changed::Window(Box::new(window)), &self.telemetry);
        }
    }
}

fn judged(tally: &Tally, stopped_by: Option<&str>) -> Judgement {
    judge(&tally.facts(stopped_by))
}

impl Actor for StatsAggregatorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<MetricsHeard> for StatsAggregatorActor {
    type Result = Vec<StoredMetrics>;

    fn handle(&mut self, MetricsHeard(batch): MetricsHeard, _: &mut Self::Context) -> Self::Result {
        let now_us = unix_us();
        let mut stored = Vec::new();
        for arrived in batch.iter() {
            match &arrived.content {
                Ok(Inbound::Metrics(metrics)) => {
                    stored.extend(self.metrics(metrics, arrived.position, now_us))
                }
                Ok(Inbound::Heartbeat(beat)) => {
                    if let (Some(tally), Some(ours)) = (&mut self.tally, &beat.ours)
                        && ours.test_id.as_ref() == Some(tally.test_id())
                    {
                        if let Some(state) = ours.state {
                            tally.set_state(&beat.node_id, Some(ours.epoch), state_name(state));
                        }
                        if let Some(counters) = &ours.counters {
                            tally.beat(&beat.node_id, ours.epoch, counters, ours.cpu, now_us);
                        }
                    }
                }
                Ok(Inbound::EndWord(_)) => {
                    if let Some(tally) = &mut self.tally {
                        tally.end_word();
                    }
                }
                _ => {}
            }
        }
        self.tell_windows();
        stored
    }
}

impl Handler<OpenTally> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, open: OpenTally, _: &mut Self::Context) {
        self.tally = Some(Tally::new(open.test_id, open.plan, &open.participants));
        self.closed = None;
    }
}

impl Handler<Recount> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, Recount(records): Recount, _: &mut Self::Context) {
        let Some(tally) = &mut self.tally else { return };
        for record in records {
            let topic = common::wire::Topic::Metrics;
            let at = Position { topic, partition: record.partition, offset: record.offset };
            tally.arrived(&record.metrics, at, record.arrived_at);
        }
        // Listeners were told these seconds by the life before.
        tally.take_windows();
    }
}

impl Handler<TallyStarted> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, TallyStarted(at): TallyStarted, _: &mut Self::Context) {
        if let Some(tally) = &mut self.tally {
            tally.started(at);
        }
    }
}

impl Handler<PartChanged> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, changed: PartChanged, _: &mut Self::Context) {
        if let Some(tally) = &mut self.tally {
            match changed {
                PartChanged::Ended(node, epoch, by) => tally.ended(&node, epoch, by),
                PartChanged::Back(node, epoch) => tally.back(&node, epoch),
            }
        }
        self.tell_windows();
    }
}

impl Handler<GetParts> for StatsAggregatorActor {
    type Result = Vec<PartSeen>;

    fn handle(&mut self, _: GetParts, _: &mut Self::Context) -> Self::Result {
        self.tally.as_ref().map(Tally::parts_seen).unwrap_or_default()
    }
}

impl Handler<GetView> for StatsAggregatorActor {
    type Result = Option<TestView>;

    fn handle(&mut self, GetView(meta): GetView, _: &mut Self::Context) -> Self::Result {
        let tally = self.tally.as_ref().filter(|tally| *tally.test_id() == meta.test_id)?;
        Some(view(&meta.borrowed(), tally, None, unix_us()))
    }
}

impl Handler<CloseTally> for StatsAggregatorActor {
    type Result = Option<TestView>;

    fn handle(&mut self, close: CloseTally, _: &mut Self::Context) -> Self::Result {
        let tally = self.tally.as_mut().filter(|tally| *tally.test_id() == close.meta.test_id)?;
        tally.finish();
        let judgement = judged(tally, close.stopped_by.as_deref());
        let judged = view(&close.meta.borrowed(), tally, Some(&judgement), unix_us());
        self.closed = Some(Closed { meta: close.meta, stopped_by: close.stopped_by });
        self.tell_windows();
        Some(judged)
    }
}
