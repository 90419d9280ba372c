//! The series per second: turns cumulative counters into what happened within each window, per driver and, once every
//! driver has sent its window of a second, for the fleet. A view of the recent past; the totals never depend on it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{NodeId, TestId};
use common::session_figures::AllSessions;
use common::wire::Window;

use super::step::Step;
use super::sum::Sum;
use crate::model::{MachineShares, WindowView};

/// Most windows of one driver that wait for an earlier one. Kafka keeps a driver's records in order: an earlier window
/// that is still missing after so many later ones was lost.
const MAX_WAITING: usize = 8;

/// Most seconds of the fleet that wait for a driver; beyond it the oldest is emitted without that driver.
const MAX_SECONDS: usize = 60;

/// One second of a driver or of the fleet. A driver's counts are cumulative while it waits in [`Series`], and those of the
/// second alone once it is emitted.
#[derive(Debug, Clone)]
pub struct Second {
    /// Its number.
    pub seq: u64,
    pub step: Step,
    pub from_us: UnixMicros,
    pub to_us: UnixMicros,
    pub figures: ByRequest<Figures>,
    /// Of this second alone.
    pub sessions: AllSessions,
    /// The most users at a time; of a fleet the sum over its drivers.
    pub users: Option<u64>,
    pub busy: f64,
    /// Attempts that had not ended at its end.
    pub in_flight: u64,
    pub machine: MachineShares,
}

impl Second {
    fn cumulative(window: &Window) -> Self {
        Self {
            seq: window.seq,
            step: Step::Second,
            from_us: window.from_us,
            to_us: window.to_us,
            figures: window.figures.clone(),
            sessions: window.sessions.clone(),
            users: window.users,
            busy: window.busy,
            in_flight: window.figures.all.counters.in_flight(),
            machine: MachineShares {
                cpu: window.machine.cpu,
                steal: window.machine.steal,
                wait: window.machine.wait,
            },
        }
    }

    /// Adds another driver's part of the same time.
    fn add_beside(&mut self, other: &Self) {
        self.add(other);
        self.users = added(self.users, other.users);
        self.in_flight += other.in_flight;
    }

    fn add(&mut self, other: &Self) {
        self.from_us = self.from_us.min(other.from_us);
        self.to_us = self.to_us.max(other.to_us);
        self.figures += &other.figures;
        self.sessions.add_within_bounds(&other.sessions);
        self.busy = self.busy.max(other.busy);
        self.machine = self.machine.highest(other.machine);
    }

    /// Its figures.
    pub fn sum(&self) -> Sum<'_> {
        Sum {
            seq: self.seq,
            step: self.step,
            from_us: self.from_us,
            to_us: self.to_us,
            counters: self.figures.counters(),
            samples: self.figures.map(|figures| figures.latencies.ranked()),
            sessions: Cow::Borrowed(&self.sessions),
            users: self.users,
            busy: self.busy,
            in_flight: self.in_flight,
            machine: self.machine,
        }
    }

    /// As [`Sum::view_with_heat`].
    pub fn view_with_heat(&self, test_id: &TestId, node: Option<&NodeId>, covers_all: bool) -> WindowView {
        self.sum().view_with_heat(test_id, node, covers_all)
    }

    /// As [`Sum::view`].
    pub fn view(&self, test_id: &TestId, node: Option<&NodeId>, covers_all: bool) -> WindowView {
        self.sum().view(test_id, node, covers_all)
    }
}

/// A sum of what is known.
pub(super) fn added(sum: Option<u64>, more: Option<u64>) -> Option<u64> {
    sum.into_iter().chain(more).reduce(u64::saturating_add)
}

/// One driver's windows, in order, as seconds.
#[derive(Debug, Default)]
pub struct Series {
    /// The last second emitted: its seq, the cumulative counters at its end, and when it ended.
    last: Option<(u64, ByRequest<Counters>, UnixMicros)>,
    waiting: BTreeMap<u64, Second>,
}

impl Series {
    /// The first second that was not emitted yet.
    pub fn next(&self) -> u64 {
        self.last.as_ref().map_or(0, |(seq, ..)| seq + 1)
    }

    /// Takes a window that was not taken before, and returns the seconds that it completes.
    pub fn take(&mut self, window: &Window) -> Vec<Second> {
        if window.seq < self.next() {
            // A later second was emitted without it. Counters are cumulative, so that second includes its counts.
            return Vec::new();
        }
        self.waiting.insert(window.seq, Second::cumulative(window));
        let mut seconds = Vec::new();
        while self.waiting.len() > MAX_WAITING || self.waiting.contains_key(&self.next()) {
            seconds.extend(self.emit_first());
        }
        seconds
    }

    /// Returns the seconds that still wait: no more windows will come.
    pub fn flush(&mut self) -> Vec<Second> {
        std::iter::from_fn(|| self.emit_first()).collect()
    }

    /// Emits the first waiting second. After a gap it begins where the last emitted one ended, because its counts span
    /// the gap.
    fn emit_first(&mut self) -> Option<Second> {
        let (_, mut second) = self.waiting.pop_first()?;
        let (next, last_to_us) = (self.next(), self.last.as_ref().map(|(.., to_us)| *to_us));
        let before = self.last.take().map(|(_, counts, _)| counts).unwrap_or_default();
        if second.seq != next {
            let begun = second.from_us - i64::try_from(second.seq).unwrap_or(0).saturating_mul(1_000_000);
            second.from_us = last_to_us.unwrap_or(begun).min(second.from_us);
        }
        let cumulative = second.figures.counters();
        second.figures.set_counters(&cumulative.since(&before));
        self.last = Some((second.seq, cumulative, second.to_us));
        Some(second)
    }
}

/// The fleet's seconds that wait until every driver has contributed.
#[derive(Debug, Default)]
pub struct FleetSeries {
    waiting: BTreeMap<u64, Second>,
    /// Seconds below this one were emitted.
    next: u64,
}

impl FleetSeries {
    /// Adds a driver's second. It is left out, and the answer false, where the fleet's second was emitted already.
    pub fn add(&mut self, second: &Second) -> bool {
        if second.seq < self.next {
            return false;
        }
        match self.waiting.get_mut(&second.seq) {
            Some(fleet) => fleet.add_beside(second),
            None => {
                self.waiting.insert(second.seq, second.clone());
            }
        }
        true
    }

    /// Emits the seconds below `horizon`: the first second that some driver has not sent yet.
    pub fn take_below(&mut self, horizon: u64) -> Vec<Second> {
        let mut seconds = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if *first.key() >= horizon && self.waiting.len() <= MAX_SECONDS {
                break;
            }
            if let Some((seq, second)) = self.waiting.pop_first() {
                self.next = seq + 1;
                seconds.push(second);
            }
        }
        seconds
    }
}
