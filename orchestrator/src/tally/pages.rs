//! What a report that holds every second has of them: the figures, or the samples of one latency, of the fleet and of each
//! driver. Seconds of drivers come in the order of time, and no histogram of one is kept beside those of the next.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::ids::{NodeId, TestId};
use common::latency::{LatencyError, LatencyKind, LatencySums};
use common::session_figures::SessionCounters;

use super::gather::{Gather, OwnSecond};
use super::step::Step;
use super::unstarted::Unstarted;
use crate::model::WindowView;

/// The figures of seconds: those of the fleet, and behind them those of its drivers in the order of their ids.
#[derive(Debug)]
pub struct FigureLines<'t> {
    test_id: &'t TestId,
    /// Whether every driver of the test sends histograms.
    covers_all: bool,
    done: Vec<WindowView>,
    /// Those of the second that is not complete.
    drivers: Vec<WindowView>,
    fleet: Option<(u64, Gather)>,
}

impl<'t> FigureLines<'t> {
    pub fn new(test_id: &'t TestId, covers_all: bool) -> Self {
        Self { test_id, covers_all, done: Vec::new(), drivers: Vec::new(), fleet: None }
    }

    /// Adds a second of a driver.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn add(&mut self, second: &OwnSecond) -> Result<(), LatencyError> {
        if self.fleet.as_ref().is_some_and(|(seq, _)| *seq != second.seq()) {
            self.end();
        }
        let mut own = Gather::new(true);
        own.second(second)?;
        let own = own.finish(second.seq(), Step::Second);
        self.drivers.extend(own.map(|sum| sum.view(self.test_id, Some(second.node()), true)));
        self.fleet.get_or_insert_with(|| (second.seq(), Gather::new(true))).1.second(second)
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<WindowView> {
        self.end();
        self.done
    }

    fn end(&mut self) {
        let Some((seq, fleet)) = self.fleet.take() else { return };
        let fleet = fleet.finish(seq, Step::Second);
        self.done.extend(fleet.map(|sum| sum.view(self.test_id, None, self.covers_all)));
        self.drivers.sort_by(|a, b| a.node_id.cmp(&b.node_id));
        self.done.append(&mut self.drivers);
    }
}

/// The samples of one latency in a second.
#[derive(Debug, Clone)]
pub struct Samples {
    /// Its driver; `None`: of the fleet.
    pub node: Option<NodeId>,
    pub from_us: UnixMicros,
    pub to_us: UnixMicros,
    pub sums: LatencySums,
    /// How many requests beside these count as slower than any completed one.
    pub slower: u64,
}

/// The samples of seconds, in the order of [`FigureLines`].
#[derive(Debug)]
pub struct SampleLines {
    /// Which histograms they are read from.
    kinds: &'static [LatencyKind],
    done: Vec<Samples>,
    drivers: Vec<Samples>,
    fleet: Option<(u64, Growing)>,
}

impl SampleLines {
    pub fn new(kinds: &'static [LatencyKind]) -> Self {
        Self { kinds, done: Vec::new(), drivers: Vec::new(), fleet: None }
    }

    /// Adds a second of a driver.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn add(&mut self, second: &OwnSecond) -> Result<(), LatencyError> {
        if self.fleet.as_ref().is_some_and(|(seq, _)| *seq != second.seq()) {
            self.end();
        }
        let mut own = Growing::new();
        own.add(second, self.kinds)?;
        self.drivers.push(own.finish(Some(second.node().clone())));
        self.fleet.get_or_insert_with(|| (second.seq(), Growing::new())).1.add(second, self.kinds)
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<Samples> {
        self.end();
        self.done
    }

    fn end(&mut self) {
        let Some((_, fleet)) = self.fleet.take() else { return };
        self.done.push(fleet.finish(None));
        self.drivers.sort_by(|a, b| a.node.cmp(&b.node));
        self.done.append(&mut self.drivers);
    }
}

/// Samples that are being added up, and what was counted beside them.
#[derive(Debug)]
struct Growing {
    from_us: UnixMicros,
    to_us: UnixMicros,
    sums: LatencySums,
    counters: Counters,
    sessions: SessionCounters,
}

impl Growing {
    fn new() -> Self {
        Self {
            from_us: UnixMicros::MAX,
            to_us: UnixMicros::MIN,
            sums: LatencySums::default(),
            counters: Counters::default(),
            sessions: SessionCounters::default(),
        }
    }

    fn add(&mut self, second: &OwnSecond, kinds: &[LatencyKind]) -> Result<(), LatencyError> {
        let (from_us, to_us) = second.span();
        (self.from_us, self.to_us) = (self.from_us.min(from_us), self.to_us.max(to_us));
        self.counters += second.counters();
        self.sessions += &second.sessions().counters();
        second.add_samples(&mut self.sums, kinds)
    }

    fn finish(self, node: Option<NodeId>) -> Samples {
        let slower = Unstarted::of(&self.sessions).slower(&self.counters);
        Samples { node, from_us: self.from_us, to_us: self.to_us, sums: self.sums, slower }
    }
}
