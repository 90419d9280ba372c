//! Adds up what the store has of some seconds of a driver or of the fleet: spans as they were kept, and records of single
//! seconds whose histograms stay texts. The sum is the same as that of the seconds of `series`, and takes a hundredth of the
//! time: no histogram is built but the last one.

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, Figures, MAX_REQUEST_NAMES};
use common::ids::{Epoch, NodeId, RequestName};
use common::latency::compact::SHOWN;
use common::latency::{LatencyError, LatencyKind, LatencySums};
use common::session_figures::AllSessions;
use common::wire::ApartWindow;

use super::series::{Second, added};
use super::spans::Span;
use super::step::Step;
use crate::model::MachineShares;

/// The kinds that requests of one name have.
const OF_A_NAME: [LatencyKind; 4] =
    [LatencyKind::Service, LatencyKind::Response, LatencyKind::FailedService, LatencyKind::FailedResponse];

/// What was counted up to the end of a window.
#[derive(Debug)]
struct Counted {
    seq: u64,
    to_us: UnixMicros,
    counters: ByRequest<Counters>,
}

/// What stands at the end of a second, of all drivers together.
#[derive(Debug, Default)]
struct AtEnd {
    in_flight: u64,
    users: Option<u64>,
}

/// A sum that grows. Spans and ranges of seconds are added in the order of time.
#[derive(Debug)]
pub struct Gather {
    with_names: bool,
    any: bool,
    from_us: UnixMicros,
    to_us: UnixMicros,
    counters: ByRequest<Counters>,
    all: LatencySums,
    named: BTreeMap<RequestName, LatencySums>,
    sessions: AllSessions,
    users: Option<u64>,
    busy: f64,
    machine: MachineShares,
    in_flight: u64,
    /// Of each life of a node, in the range of seconds that is being added.
    lives: BTreeMap<(NodeId, Epoch), Counted>,
    /// Of the same range.
    seconds: BTreeMap<u64, AtEnd>,
}

impl Gather {
    /// `with_names`: whether figures of each name are wanted, which are most of the work.
    pub fn new(with_names: bool) -> Self {
        Self {
            with_names,
            any: false,
            from_us: UnixMicros::MAX,
            to_us: UnixMicros::MIN,
            counters: ByRequest::default(),
            all: LatencySums::default(),
            named: BTreeMap::new(),
            sessions: AllSessions::default(),
            users: None,
            busy: 0.0,
            machine: MachineShares::default(),
            in_flight: 0,
            lives: BTreeMap::new(),
            seconds: BTreeMap::new(),
        }
    }

    /// A range of seconds begins.
    pub fn begin(&mut self) {
        self.lives.clear();
        self.end();
    }

    /// A range of seconds is over.
    fn end(&mut self) {
        for (_, at_end) in std::mem::take(&mut self.seconds) {
            self.in_flight = at_end.in_flight;
            self.users = self.users.max(at_end.users);
        }
    }

    /// Takes the last window of a life before the range: what it counted is not of the range.
    pub fn base(&mut self, base: ApartWindow) {
        let ApartWindow { node_id, window, counters, .. } = base;
        let counted = Counted { seq: window.seq, to_us: window.to_us, counters };
        self.lives.insert((node_id, window.epoch), counted);
    }

    /// Adds the next second of a driver.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn second(&mut self, second: ApartWindow) -> Result<(), LatencyError> {
        let ApartWindow { node_id, window, mut counters, samples } = second;
        if !self.with_names {
            counters.named.clear();
        }
        let life = (node_id, window.epoch);
        let before = self.lives.get(&life);
        let next = before.map_or(0, |before| before.seq + 1);
        let mut from_us = window.from_us;
        if window.seq != next {
            // Its counts span the gap before it.
            let begun = from_us - i64::try_from(window.seq).unwrap_or(0).saturating_mul(1_000_000);
            from_us = before.map_or(begun, |before| before.to_us).min(from_us);
        }
        self.counters += &match before {
            Some(before) => counters.since(&before.counters),
            None => counters.clone(),
        };
        samples.all.add_to(&mut self.all, &SHOWN)?;
        if self.with_names {
            for (name, texts) in &samples.named {
                if let Some(sums) = sums_of(&mut self.named, name) {
                    texts.add_to(sums, &OF_A_NAME)?;
                }
            }
        }
        let at_end = self.seconds.entry(window.seq).or_default();
        at_end.in_flight += counters.all.in_flight();
        at_end.users = added(at_end.users, window.users);
        let machine =
            MachineShares { cpu: window.machine.cpu, steal: window.machine.steal, wait: window.machine.wait };
        self.add((from_us, window.to_us), &window.sessions, window.busy, machine);
        self.lives.insert(life, Counted { seq: window.seq, to_us: window.to_us, counters });
        Ok(())
    }

    /// Adds the next span.
    ///
    /// # Errors
    /// Where its histograms are damaged.
    pub fn span(&mut self, span: &Span) -> Result<(), LatencyError> {
        self.end();
        self.all.add(&span.samples.all)?;
        if self.with_names {
            self.counters += &span.counters;
            for (name, samples) in &span.samples.named {
                if let Some(sums) = sums_of(&mut self.named, name) {
                    sums.add(samples)?;
                }
            }
        } else {
            self.counters.all += &span.counters.all;
        }
        self.add((span.from_us, span.to_us), &span.sessions, span.busy, span.machine);
        self.users = self.users.max(span.users);
        self.in_flight = span.in_flight;
        Ok(())
    }

    fn add(
        &mut self,
        (from_us, to_us): (UnixMicros, UnixMicros),
        sessions: &AllSessions,
        busy: f64,
        machine: MachineShares,
    ) {
        self.any = true;
        self.from_us = self.from_us.min(from_us);
        self.to_us = self.to_us.max(to_us);
        self.sessions.add_within_bounds(sessions);
        self.busy = self.busy.max(busy);
        self.machine = self.machine.highest(machine);
    }

    /// The sum, as a window that begins with `first`; `None` where nothing was added.
    pub fn finish(mut self, first: u64, step: Step) -> Option<Second> {
        if !self.any {
            return None;
        }
        self.end();
        let named = std::mem::take(&mut self.named);
        let none = LatencySums::default();
        let figures = |counters: &Counters, sums: &LatencySums| Figures {
            counters: counters.clone(),
            latencies: sums.latencies(),
        };
        let of_names = self.counters.named.iter();
        let of_names = of_names
            .map(|(name, counters)| (name.clone(), figures(counters, named.get(name).unwrap_or(&none))));
        Some(Second {
            seq: first,
            step,
            from_us: self.from_us,
            to_us: self.to_us,
            figures: ByRequest { all: figures(&self.counters.all, &self.all), named: of_names.collect() },
            sessions: self.sessions,
            users: self.users,
            busy: self.busy,
            in_flight: self.in_flight,
            machine: self.machine,
        })
    }
}

/// The sums of a name; `None` beyond the bound of names.
fn sums_of<'s>(
    named: &'s mut BTreeMap<RequestName, LatencySums>,
    name: &RequestName,
) -> Option<&'s mut LatencySums> {
    if named.len() >= MAX_REQUEST_NAMES && !named.contains_key(name) {
        return None;
    }
    Some(named.entry(name.clone()).or_default())
}
