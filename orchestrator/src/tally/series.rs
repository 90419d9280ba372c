//! The series a second: from cumulative counters to what happened within each window, per driver and,
//! once all have told a second, for the fleet. A view of what is recent; the totals never depend on it.

use std::collections::BTreeMap;

use common::clock::{UnixMicros, rfc3339};
use common::counters::Counters;
use common::ids::{NodeId, TestId};
use common::latency::Latencies;
use common::wire::Window;

use super::rows;
use crate::model::{LatencyView, WindowView};

/// Most windows of one driver that wait for an earlier one. Kafka keeps a driver's records in order, so
/// that a window that is waited for longer than this was lost.
const MAX_WAITING: usize = 8;

/// Most seconds of the fleet that wait for a driver; the oldest is then told without it.
const MAX_SECONDS: usize = 60;

/// One second: of a driver (cumulative while it waits, its own once told) or of the fleet.
#[derive(Debug, Clone)]
pub struct Second {
    pub seq: u64,
    pub from_us: UnixMicros,
    pub to_us: UnixMicros,
    pub counts: Counters,
    pub latencies: Latencies,
    pub busy: f64,
}

impl Second {
    fn cumulative(window: &Window) -> Self {
        Self {
            seq: window.seq,
            from_us: window.from_us,
            to_us: window.to_us,
            counts: window.counters.clone(),
            latencies: window.latencies.clone(),
            busy: window.busy,
        }
    }

    /// As REST and events show it. `node`: whose, or the fleet's; `covers_all`: whether every driver of it sends
    /// histograms.
    pub fn view(&self, test_id: &TestId, node: Option<&NodeId>, covers_all: bool) -> WindowView {
        WindowView {
            test_id: test_id.to_string(),
            node_id: node.map(ToString::to_string),
            seq: self.seq,
            from: rfc3339(self.from_us),
            to: rfc3339(self.to_us),
            scheduled: self.counts.scheduled,
            sent: self.counts.sent,
            completed: self.counts.completed,
            failed: self.counts.failed,
            dropped: self.counts.dropped(),
            dropped_by: rows::dropped_by(&self.counts),
            closed_on_reuse: self.counts.closed_on_reuse,
            bytes_received: self.counts.bytes_received,
            status_codes: rows::by_status(&self.counts.status_codes),
            errors: rows::by_kind(&self.counts.errors),
            tls_causes: rows::by_cause(&self.counts.tls_causes),
            warmup: rows::warmup(&self.counts.warmup),
            busy: self.busy,
            latency_ms: LatencyView {
                coverage: covers_all.then_some(1.0),
                ..rows::latency_view(&self.latencies, self.counts.slower())
            },
        }
    }
}

/// One driver's windows on their way to seconds.
#[derive(Debug, Default)]
pub struct Series {
    told: Option<(u64, Counters, UnixMicros)>,
    waiting: BTreeMap<u64, Second>,
}

impl Series {
    /// The first second that was not told yet.
    pub fn next(&self) -> u64 {
        self.told.as_ref().map_or(0, |(seq, ..)| seq + 1)
    }

    /// Takes a window that was not taken before, and tells the seconds it makes known.
    pub fn take(&mut self, window: &Window) -> Vec<Second> {
        if window.seq < self.next() {
            // Later seconds were told without it: their counts hold it already.
            return Vec::new();
        }
        self.waiting.insert(window.seq, Second::cumulative(window));
        let mut told = Vec::new();
        while self.waiting.len() > MAX_WAITING || self.waiting.contains_key(&self.next()) {
            told.extend(self.tell_first());
        }
        told
    }

    /// Takes a window that is known to be the next there is, and tells its second: the store gives them in order.
    pub fn take_in_order(&mut self, window: &Window) -> Option<Second> {
        self.waiting.insert(window.seq, Second::cumulative(window));
        self.tell_first()
    }

    /// Tells what still waits: no more will come.
    pub fn flush(&mut self) -> Vec<Second> {
        std::iter::from_fn(|| self.tell_first()).collect()
    }

    /// After a gap a second begins where the last one told ended: its counts span the gap.
    fn tell_first(&mut self) -> Option<Second> {
        let (_, mut second) = self.waiting.pop_first()?;
        let (next, told_to_us) = (self.next(), self.told.as_ref().map(|(.., to_us)| *to_us));
        let before = self.told.take().map(|(_, counts, _)| counts).unwrap_or_default();
        if second.seq != next {
            let begun = second.from_us - i64::try_from(second.seq).unwrap_or(0).saturating_mul(1_000_000);
            second.from_us = told_to_us.unwrap_or(begun).min(second.from_us);
        }
        let since = second.counts.since(&before);
        let cumulative = std::mem::replace(&mut second.counts, since);
        self.told = Some((second.seq, cumulative, second.to_us));
        Some(second)
    }
}

/// The fleet's seconds on their way to being complete.
#[derive(Debug, Default)]
pub struct FleetSeries {
    waiting: BTreeMap<u64, Second>,
    /// Seconds below were told.
    next: u64,
}

impl FleetSeries {
    /// Adds a driver's second. One that comes after its second was told is left out of the series.
    pub fn add(&mut self, second: &Second) {
        if second.seq < self.next {
            return;
        }
        match self.waiting.get_mut(&second.seq) {
            Some(fleet) => {
                fleet.from_us = fleet.from_us.min(second.from_us);
                fleet.to_us = fleet.to_us.max(second.to_us);
                fleet.counts.add(&second.counts);
                fleet.latencies.merge(&second.latencies);
                fleet.busy = fleet.busy.max(second.busy);
            }
            None => {
                self.waiting.insert(second.seq, second.clone());
            }
        }
    }

    /// Tells the seconds below `horizon`, the first that some driver has not told yet.
    pub fn take_below(&mut self, horizon: u64) -> Vec<Second> {
        let mut told = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() >= horizon && self.waiting.len() <= MAX_SECONDS {
                break;
            }
            if let Some((seq, second)) = self.waiting.pop_first() {
                self.next = seq + 1;
                told.push(second);
            }
        }
        told
    }
}
