//! The series in spans of 10 s, 60 s and ten minutes, per driver and for the fleet, put together while the test runs: the store
//! keeps them, so that an hour is not read a second at a time. A span is the sum of its seconds, nothing else; whatever has no
//! span is read from the records.
//!
//! A second that comes after its span was closed, or that the series left out, makes that span wrong. Then it is taken back
//! ([`SpanChange::Gone`]), and its seconds are read from the records, until the test is counted again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, MAX_REQUEST_NAMES};
use common::ids::{NodeId, TestId};
use common::latency::{CompactLatencies, LatencySums, RankedLatencies};
use common::session_figures::AllSessions;

use super::limits::MAX_UNTAKEN;
use super::series::Second;
use super::step::Step;
use super::sum::Sum;
use crate::model::{MachineShares, WindowView};

/// Several seconds of a driver or of the fleet, added up.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub step: Step,
    /// Its first second.
    pub first: u64,
    pub from_us: UnixMicros,
    pub to_us: UnixMicros,
    /// Of these seconds alone.
    pub counters: ByRequest<Counters>,
    pub samples: ByRequest<CompactLatencies>,
    pub sessions: AllSessions,
    pub users: Option<u64>,
    pub busy: f64,
    pub in_flight: u64,
    pub machine: MachineShares,
}

impl Span {
    /// The span that a second begins.
    fn of(second: &Second, samples: ByRequest<CompactLatencies>) -> Self {
        Self {
            step: Step::Second,
            first: second.seq,
            from_us: second.from_us,
            to_us: second.to_us,
            counters: second.figures.counters(),
            samples,
            sessions: second.sessions.clone(),
            users: second.users,
            busy: second.busy,
            in_flight: second.in_flight,
            machine: second.machine,
        }
    }

    /// Adds what comes later.
    fn go_on(&mut self, later: &Self) {
        self.from_us = self.from_us.min(later.from_us);
        self.to_us = self.to_us.max(later.to_us);
        self.counters += &later.counters;
        self.samples.all.merge(&later.samples.all);
        for (name, more) in &later.samples.named {
            let full = self.samples.named.len() >= MAX_REQUEST_NAMES;
            match self.samples.named.get_mut(name) {
                Some(sum) => sum.merge(more),
                None if full => {}
                None => drop(self.samples.named.insert(name.clone(), more.clone())),
            }
        }
        self.sessions.add_within_bounds(&later.sessions);
        self.users = self.users.max(later.users);
        self.busy = self.busy.max(later.busy);
        self.in_flight = later.in_flight;
        self.machine = self.machine.highest(later.machine);
    }

    /// As a part of a longer span, of which the names are not shown.
    fn without_names(self) -> Self {
        Self {
            counters: ByRequest::unnamed(self.counters.all),
            samples: ByRequest::unnamed(self.samples.all),
            ..self
        }
    }

    /// Its figures.
    pub fn sum(&self) -> Sum<'_> {
        let ranked = |samples: &CompactLatencies| {
            let mut sums = LatencySums::default();
            // Made of histograms: they have no buckets but ours.
            let added = sums.add(samples);
            added.map_or_else(|_| RankedLatencies::default(), |()| sums.ranked())
        };
        Sum {
            seq: self.first,
            step: self.step,
            from_us: self.from_us,
            to_us: self.to_us,
            counters: self.counters.clone(),
            samples: self.samples.map(ranked),
            sessions: Cow::Borrowed(&self.sessions),
            users: self.users,
            busy: self.busy,
            in_flight: self.in_flight,
            machine: self.machine,
        }
    }

    /// About how many bytes it takes in memory.
    pub fn n_bytes(&self) -> usize {
        self.samples.all.n_bytes() + self.samples.named.values().map(CompactLatencies::n_bytes).sum::<usize>()
    }
}

/// What is to be done to the stored spans of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum SpanChange {
    /// A span is complete. `covers_all`: whether every driver sends histograms.
    Closed { test_id: TestId, node: Option<NodeId>, covers_all: bool, span: Arc<Span> },
    /// A second of the fleet is complete, as it is shown.
    Second(Arc<WindowView>),
    /// A window is not what its seconds are any more.
    Gone { test_id: TestId, node: Option<NodeId>, step: Step, first: u64 },
    /// No window of the test is to be believed any more.
    AllGone { test_id: TestId },
}

impl SpanChange {
    /// Which test it is of.
    pub fn test_id(&self) -> &str {
        match self {
            Self::Closed { test_id, .. } | Self::Gone { test_id, .. } | Self::AllGone { test_id } => {
                test_id.as_str()
            }
            Self::Second(window) => &window.test_id,
        }
    }

    /// About how many bytes it takes in memory.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Closed { span, .. } => span.n_bytes(),
            // A view with its maps takes some hundred bytes a name.
            Self::Second(window) => 1_000 * (1 + window.requests.len()),
            Self::Gone { .. } | Self::AllGone { .. } => 0,
        }
    }
}

/// The spans of one driver, or of the fleet, that are not closed.
#[derive(Debug, Default)]
struct Open {
    /// One of each length of [`Step::SPANS`].
    spans: [Option<Span>; Step::SPANS.len()],
    /// Whether spans that no series shows have the figures of names.
    with_names: bool,
    /// No second below this one may come any more: its spans are closed.
    next: u64,
    /// Windows that are not to be closed as spans: a second of them was left out.
    broken: Vec<(Step, u64)>,
}

/// Puts the spans of a test together.
#[derive(Debug)]
pub struct Spans {
    test_id: TestId,
    open: BTreeMap<Option<NodeId>, Open>,
    changes: Vec<SpanChange>,
    /// A driver's series left a window out, and counts it in a later one: no more spans are made.
    given_up: bool,
}

impl Spans {
    pub fn new(test_id: TestId) -> Self {
        Self { test_id, open: BTreeMap::new(), changes: Vec::new(), given_up: false }
    }

    /// What has changed since the last call.
    pub fn take(&mut self) -> Vec<SpanChange> {
        std::mem::take(&mut self.changes)
    }

    /// Takes the next second of a driver, or of the fleet.
    pub fn add(&mut self, node: Option<&NodeId>, second: &Second, covers_all: bool) {
        if self.given_up {
            return;
        }
        let open = self.open.entry(node.cloned()).or_default();
        // No sum shows a driver's names.
        open.with_names = node.is_none();
        if second.seq < open.next {
            // Another life of the driver.
            self.left_out(node, second.seq);
            return;
        }
        let samples = ByRequest {
            all: CompactLatencies::of(&second.figures.all.latencies),
            named: second
                .figures
                .named
                .iter()
                .map(|(name, of)| (name.clone(), CompactLatencies::of(&of.latencies)))
                .collect(),
        };
        let mut closed = Vec::new();
        open.add(Span::of(second, samples), &mut closed);
        for span in closed {
            self.close(node, span, covers_all);
        }
    }

    /// Takes a second of the fleet as it is shown.
    pub fn add_shown(&mut self, window: &WindowView) {
        if self.given_up {
            return;
        }
        self.push(SpanChange::Second(Arc::new(window.clone())));
    }

    /// The series of a driver has left a window out, whose counts are in a later second: what is stored is taken back. This is
    /// rare, because Kafka keeps the records of a driver in order.
    pub fn give_up(&mut self) {
        self.given_up = true;
        self.open.clear();
        self.changes = vec![SpanChange::AllGone { test_id: self.test_id.clone() }];
    }

    /// A second is not in the series: the windows that it is in are not what the records have. `node`: its driver, `None`
    /// where the fleet's series alone lacks it.
    pub fn left_out(&mut self, node: Option<&NodeId>, second: u64) {
        let of_all = [None, node].into_iter().take(1 + usize::from(node.is_some()));
        for node in of_all {
            let open = self.open.entry(node.cloned()).or_default();
            open.broken.retain(|(step, first)| first.saturating_add(step.seconds()) >= open.next);
            for step in Step::LONGEST_FIRST {
                let first = step.first_of(second);
                if !open.broken.contains(&(step, first)) {
                    open.broken.push((step, first));
                }
                let (test_id, node) = (self.test_id.clone(), node.cloned());
                self.changes.push(SpanChange::Gone { test_id, node, step, first });
            }
        }
    }

    fn close(&mut self, node: Option<&NodeId>, span: Span, covers_all: bool) {
        let open = self.open.entry(node.cloned()).or_default();
        if open.broken.contains(&(span.step, span.first)) {
            return;
        }
        let (test_id, node) = (self.test_id.clone(), node.cloned());
        self.push(SpanChange::Closed { test_id, node, covers_all, span: Arc::new(span) });
    }

    /// One more may be left out: its seconds are read from the records then. A span that is gone must not be.
    fn push(&mut self, change: SpanChange) {
        if self.changes.len() < MAX_UNTAKEN {
            self.changes.push(change);
        }
    }
}

impl Open {
    /// Adds a second, and gives the spans that are complete with it.
    fn add(&mut self, second: Span, closed: &mut Vec<Span>) {
        let seq = second.first;
        self.next = seq + 1;
        // The shortest first: each is a part of the next longer one.
        for (level, step) in Step::SPANS.into_iter().enumerate() {
            if let Some(over) = self.spans[level].take_if(|open| open.first != step.first_of(seq)) {
                self.end(level, over, closed);
            }
        }
        self.grow(0, second, closed);
    }

    /// Adds a part to the span of a length, which it may complete.
    fn grow(&mut self, level: usize, part: Span, closed: &mut Vec<Span>) {
        let Some(step) = Step::SPANS.get(level).copied() else { return };
        let (first, ends) =
            (step.first_of(part.first), part.step.last_of(part.first) == step.last_of(part.first));
        match &mut self.spans[level] {
            Some(open) => open.go_on(&part),
            empty => *empty = Some(Span { step, first, ..part }),
        }
        if let Some(complete) = self.spans[level].take_if(|_| ends) {
            self.end(level, complete, closed);
        }
    }

    /// A span is complete: it is a part of the next longer one.
    fn end(&mut self, level: usize, span: Span, closed: &mut Vec<Span>) {
        if let Some(longer) = Step::SPANS.get(level + 1) {
            let part = span.clone();
            let part = if longer.is_shown() || self.with_names { part } else { part.without_names() };
            self.grow(level + 1, part, closed);
        }
        closed.push(span);
    }
}
