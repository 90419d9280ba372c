//! [`StatsAggregatorActor`]: the tally of what the drivers measured, behind messages.

mod answers;
mod handle;
mod messages;

use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, Context, Handler};
use common::clock::UnixMicros;
use common::ids::TestId;
use common::kafka::Position;
use common::wire::{Inbound, Metrics, RawMetrics};

pub use self::handle::{ExposedReader, TallyHandle};
pub use self::messages::{
    CloseTally, ClosedTest, Counted, ForgetTally, GetBreach, GetExposed, GetParts, GetSearch, GetView, Meta,
    MetricsArrived, OpenTally, PartChanged, RateChanged, SearchRefused, TallyStarted,
};
use super::offer;
use crate::actors::events::{Changed, EventsHandle};
use crate::assemble::view;
use crate::exposed::{Exposed, Phase};
use crate::model::TestState;
use crate::now::Clock;
use crate::store::StoredMetrics;
use crate::tally::spans::SpanChange;
use crate::tally::{Arrived, Tally};
use crate::telemetry::Telemetry;
use crate::verdict::{Judgement, judge};

/// Batches, queries and orders that may wait.
const MAILBOX: usize = 64;

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

impl Handler<SearchRefused> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, SearchRefused(why): SearchRefused, _: &mut Self::Context) {
        if let Some(tally) = &mut self.tally {
            tally.search_refused(&why);
        }
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
