//! [`StatsAggregatorActor`]: the tally of what the drivers measured, behind messages.

mod handle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler, Message, MessageResponse, MessageResult};
use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::{self, Position};
use common::plan::RateChange;
use common::wire::{Inbound, Metrics, RawMetrics, StepsOf};

pub use self::handle::{ExposedReader, TallyHandle};
use super::offer;
use crate::actors::events::{Changed, EventsHandle};
use crate::assemble::{TestMeta, view};
use crate::capacity::Want;
use crate::exposed::{Exposed, Phase};
use crate::model::{StepsView, TestState, TestView, TimelineEntry};
use crate::now::Clock;
use crate::participant::{EndedBy, PartSeen};
use crate::ran_on::RanOn;
use crate::stopped_by::StoppedBy;
use crate::store::StoredMetrics;
use crate::tally::spans::SpanChange;
use crate::tally::{Arrived, Closing, Tally};
use crate::telemetry::Telemetry;
use crate::verdict::{Judgement, judge};

/// Batches, queries and orders that may wait.
const MAILBOX: usize = 64;

/// How long a judgement of the running test is reused, and what `/metrics` shows of it: each one reads all histograms, and
/// clients may ask at any rate.
const JUDGED_FOR: Duration = Duration::from_millis(250);

/// A batch of records was read; the answer is what to store.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Counted")]
pub struct MetricsArrived(pub Arc<Vec<kafka::Arrived>>);

/// What to store, together with the offsets of the batch.
#[derive(Debug, Default, MessageResponse)]
pub struct Counted {
    /// Records of this batch.
    pub metrics: Vec<StoredMetrics>,
    /// Windows that are complete with this batch, or since the one before. Their records are in these batches.
    pub spans: Vec<SpanChange>,
}

/// A test is triggered, or resumed after a restart with its counts so far. Records that arrive from now on count for
/// this test, and no longer for the previous one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenTally(pub Box<Tally>);

/// A test that was opened does not start after all: discard what was counted for it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ForgetTally(pub TestId);

/// The trigger was sent; the drivers start at this instant.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TallyStarted(pub UnixMicros);

/// The rate of the open test was changed: all its changes so far, in their order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RateChanged(pub Vec<RateChange>);

/// A change of one driver's part in the test that its records do not show.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum PartChanged {
    Ended(NodeId, Option<Epoch>, EndedBy),
    Back(NodeId, Option<Epoch>),
    /// A classic driver sends heartbeats but no report.
    Silent(NodeId),
    /// What setup or teardown came to so far.
    Steps(StepsOf, Box<StepsView>),
}

/// Asks for the state of each driver's part, which the lifecycle depends on; empty if no test is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<PartSeen>")]
pub struct GetParts;

/// Asks for the breach of a condition of the plan's `[abort]`; `None` where there is none, or no test is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<String>")]
pub struct GetBreach;

/// Asks what the search of the plan's `[capacity]` wants now.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Want")]
pub struct GetSearch;

/// The drivers cannot take the rate that the search wants, and why.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SearchRefused(pub String);

/// The manager's metadata of a test, beside its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    pub test_id: TestId,
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
    /// Which Kafka it was triggered on last.
    pub kafka: Option<RanOn>,
    /// How its rate was changed while it ran.
    pub rate_changes: Vec<RateChange>,
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

/// Asks for what `/metrics` shows: of the open test, else of the one that was open last; `None` where there was none.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Arc<Exposed>>")]
pub struct GetExposed;

/// The test is over: judges it. What comes later is stored, and revises it (`revision`).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<ClosedTest>")]
pub struct CloseTally {
    pub meta: Meta,
    /// Who or what stopped it.
    pub stopped_by: Option<StoppedBy>,
}

/// The outcome of a test.
#[derive(Debug)]
pub struct ClosedTest {
    pub view: TestView,
    /// What cannot be derived from the records, to be stored beside them.
    pub closing: Closing,
}

/// Adds up what the drivers measured.
///
/// - owns: the tally of the open test, from its trigger to its end.
/// - receives: [`MetricsArrived`], [`OpenTally`], [`ForgetTally`], [`TallyStarted`], [`RateChanged`], [`PartChanged`],
///   [`GetParts`], [`GetBreach`], [`GetSearch`], [`SearchRefused`], [`GetView`], [`GetExposed`], [`CloseTally`].
/// - sends: [`Changed::Window`] for each second of a driver and of the fleet.
/// - on failure: a listener that is full misses windows, which REST still has; records of other tests go to the
///   store uncounted, which has the list of all tests.
/// - mailbox bound: 64.
pub struct StatsAggregatorActor {
    tally: Option<Box<Tally>>,
    /// The last judgement of the open test, and when it was made.
    judged: Option<(Instant, Judgement)>,
    /// Windows of tests that are complete since the last batch: they are stored with the next one.
    spans: Vec<SpanChange>,
    /// What `/metrics` showed of the open test, and when it was counted.
    shown: Option<(Instant, Arc<Exposed>)>,
    /// Where the open test is in its life, as the manager had it when it last asked for the view.
    state: TestState,
    /// The test that was open last: a late record that names no test counts as its own.
    last: Option<TestId>,
    clock: Clock,
    events: EventsHandle,
    telemetry: Arc<Telemetry>,
}

impl StatsAggregatorActor {
    /// Nothing is counted yet.
    pub fn new(clock: Clock, events: EventsHandle, telemetry: Arc<Telemetry>) -> Self {
        let state = TestState::Starting;
        let spans = Vec::new();
        Self { tally: None, judged: None, spans, shown: None, state, last: None, clock, events, telemetry }
    }

    /// Counts a record for the open test; returns what to store of it.
    fn metrics(
        &mut self,
        metrics: &Metrics,
        raw: &RawMetrics,
        at: Position,
        now_us: UnixMicros,
    ) -> Option<StoredMetrics> {
        let stored = |test_id: TestId, counted| StoredMetrics {
            test_id,
            counted,
            partition: at.partition,
            offset: at.offset,
            arrived_at: now_us,
            raw: raw.clone(),
            metrics: Arc::new(metrics.clone()),
        };
        let open = self
            .tally
            .as_deref_mut()
            .filter(|tally| metrics.test_id.as_ref().is_none_or(|named| named == tally.test_id()));
        match open {
            Some(tally) => match tally.arrived(metrics, at, now_us) {
                Arrived::New => Some(stored(tally.test_id().clone(), true)),
                Arrived::Duplicate => None,
                Arrived::Foreign => {
                    self.telemetry.metrics_foreign.one();
                    None
                }
            },
            // Late, or of an unknown test: the store has a list of all tests.
            None => match metrics.test_id.as_ref().or(self.last.as_ref()) {
                Some(test_id) => Some(stored(test_id.clone(), false)),
                None => {
                    self.telemetry.metrics_foreign.one();
                    None
                }
            },
        }
    }

    /// How the open test stands by what is known so far; at most [`JUDGED_FOR`] old.
    fn judge(&mut self) {
        let recent = self.judged.as_ref().is_some_and(|(at, _)| at.elapsed() < JUDGED_FOR);
        if let Some(tally) = self.tally.as_deref().filter(|_| !recent) {
            self.judged = Some((Instant::now(), judge(&tally.facts_so_far())));
        }
    }

    fn send_windows(&mut self) {
        for window in self.tally.as_deref_mut().map(Tally::take_windows).unwrap_or_default() {
            offer(&self.events, Changed::Window(Box::new(window)), &self.telemetry);
        }
        self.spans.extend(self.tally.as_deref_mut().map(Tally::take_spans).unwrap_or_default());
    }
}

impl Actor for StatsAggregatorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<MetricsArrived> for StatsAggregatorActor {
    type Result = Counted;

    fn handle(&mut self, MetricsArrived(batch): MetricsArrived, _: &mut Self::Context) -> Self::Result {
        let now_us = self.clock.unix_us();
        let mut stored = Vec::new();
        for arrived in batch.iter() {
            match &arrived.content {
                Ok(Inbound::Metrics(metrics)) => {
                    // The consumer gives both together.
                    let Some(raw) = &arrived.raw else { continue };
                    stored.extend(self.metrics(metrics, raw, arrived.position, now_us))
                }
                Ok(Inbound::Heartbeat(beat)) => {
                    if let (Some(tally), Some(ours)) = (&mut self.tally, &beat.ours)
                        && ours.test_id.as_ref() == Some(tally.test_id())
                    {
                        if let Some(state) = ours.state {
                            tally.set_state(&beat.node_id, ours.epoch, state);
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
        self.send_windows();
        Counted { metrics: stored, spans: std::mem::take(&mut self.spans) }
    }
}

impl Handler<OpenTally> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, OpenTally(mut tally): OpenTally, _: &mut Self::Context) {
        self.last = Some(tally.test_id().clone());
        self.spans.extend(tally.take_spans());
        self.tally = Some(tally);
        (self.judged, self.shown, self.state) = (None, None, TestState::Starting);
    }
}

impl Handler<ForgetTally> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, ForgetTally(test_id): ForgetTally, _: &mut Self::Context) {
        if let Some(tally) = self.tally.take_if(|tally| *tally.test_id() == test_id) {
            // Counters that went back to those of the test before would look like requests of this one.
            let phase = Phase { state: Some(TestState::Configured), ..Phase::default() };
            self.telemetry.keep_test(tally.exposed(phase, self.clock.unix_us()));
        }
        self.spans.retain(|change| change.test_id() != test_id.as_str());
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

impl Handler<RateChanged> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, RateChanged(changes): RateChanged, _: &mut Self::Context) {
        if let Some(tally) = &mut self.tally {
            tally.rate_changed(changes);
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
                PartChanged::Silent(node) => tally.silent(&node),
                PartChanged::Steps(run, view) => tally.set_steps(run, *view),
            }
        }
        self.send_windows();
    }
}

impl Handler<GetParts> for StatsAggregatorActor {
    type Result = Vec<PartSeen>;

    fn handle(&mut self, _: GetParts, _: &mut Self::Context) -> Self::Result {
        self.tally.as_deref().map(Tally::parts_seen).unwrap_or_default()
    }
}

impl Handler<GetBreach> for StatsAggregatorActor {
    type Result = Option<String>;

    fn handle(&mut self, _: GetBreach, _: &mut Self::Context) -> Self::Result {
        self.tally.as_deref().and_then(Tally::breach).map(str::to_owned)
    }
}

impl Handler<GetSearch> for StatsAggregatorActor {
    type Result = MessageResult<GetSearch>;

    fn handle(&mut self, _: GetSearch, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.tally.as_deref().map_or(Want::Nothing, Tally::search_wants))
    }
}

impl Handler<SearchRefused> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, SearchRefused(why): SearchRefused, _: &mut Self::Context) {
        if let Some(tally) = &mut self.tally {
            tally.search_refused(&why);
        }
    }
}

impl Handler<GetView> for StatsAggregatorActor {
    type Result = Option<TestView>;

    fn handle(&mut self, GetView(meta): GetView, _: &mut Self::Context) -> Self::Result {
        self.tally.as_ref().filter(|tally| *tally.test_id() == meta.test_id)?;
        let now_us = self.clock.unix_us();
        let started = meta.started_at.is_some_and(|at| at <= now_us);
        self.state = meta.state;
        if started {
            self.judge();
        }
        let tally = self.tally.as_ref()?;
        let judgement = self.judged.as_ref().filter(|_| started).map(|(_, judgement)| judgement);
        Some(view(&meta.borrowed(), tally, judgement, now_us))
    }
}

impl Handler<GetExposed> for StatsAggregatorActor {
    type Result = Option<Arc<Exposed>>;

    fn handle(&mut self, _: GetExposed, _: &mut Self::Context) -> Self::Result {
        let now_us = self.clock.unix_us();
        let Some(tally) = &self.tally else { return self.telemetry.last_test() };
        if let Some((_, shown)) = self.shown.as_ref().filter(|(at, _)| at.elapsed() < JUDGED_FOR) {
            return Some(Arc::clone(shown));
        }
        let begun = tally.has_begun(now_us);
        if begun {
            self.judge();
        }
        let standing = self.judged.as_ref().filter(|_| begun).map(|(_, judgement)| judgement.standing());
        let phase = Phase { state: Some(self.state), standing, verdict: None };
        let shown = Arc::new(self.tally.as_deref()?.exposed(phase, now_us));
        self.shown = Some((Instant::now(), Arc::clone(&shown)));
        Some(shown)
    }
}

impl Handler<CloseTally> for StatsAggregatorActor {
    type Result = Option<ClosedTest>;

    fn handle(&mut self, close: CloseTally, _: &mut Self::Context) -> Self::Result {
        let tally = self.tally.as_mut().filter(|tally| *tally.test_id() == close.meta.test_id)?;
        let closing = tally.closing(close.stopped_by.as_ref());
        tally.finish();
        let judgement = judge(&tally.facts(close.stopped_by.as_ref()));
        let view = view(&close.meta.borrowed(), tally, Some(&judgement), self.clock.unix_us());
        let phase =
            Phase { state: Some(TestState::Finished), verdict: Some(judgement.verdict), ..Phase::default() };
        self.telemetry.keep_test(tally.exposed(phase, self.clock.unix_us()));
        self.send_windows();
        self.tally = None;
        Some(ClosedTest { view, closing })
    }
}
