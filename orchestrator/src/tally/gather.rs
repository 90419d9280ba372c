//! Adds up what the store has of some seconds of a driver or of the fleet: spans as they were kept, and records of single
//! seconds whose histograms stay texts. The sum is the same as that of the seconds of `series`, and takes a hundredth of the
//! time: no histogram is built.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, MAX_REQUEST_NAMES};
use common::ids::{Epoch, NodeId, RequestName};
use common::latency::compact::SHOWN;
use common::latency::{Latencies, LatencyError, LatencyKind, LatencySums};
use common::session_figures::AllSessions;
use common::wire::ApartWindow;

use super::series::added;
use super::spans::Span;
use super::step::Step;
use super::sum::Sum;
use super::unstarted::Unstarted;
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

/// Turns the cumulative counters of records into those of each second. Of one life of a node the windows come in their order.
#[derive(Debug, Default)]
pub struct Lives(BTreeMap<(NodeId, Epoch), Counted>);

/// A second of a driver, with the counters of it alone; where windows before it are missing, with those of them, too.
#[derive(Debug)]
pub struct OwnSecond {
    apart: ApartWindow,
    /// Attempts that had not ended at its end.
    in_flight: u64,
}

impl Lives {
    /// Takes the last window of a life before those that are asked for: what it counted is not theirs.
    pub fn base(&mut self, base: ApartWindow) {
        let ApartWindow { node_id, window, counters, .. } = base;
        let counted = Counted { seq: window.seq, to_us: window.to_us, counters };
        self.0.insert((node_id, window.epoch), counted);
    }

    /// The next second of a life.
    pub fn next(&mut self, mut second: ApartWindow) -> OwnSecond {
        let window = &mut second.window;
        let life = (second.node_id.clone(), window.epoch);
        let before = self.0.get(&life);
        if window.seq != before.map_or(0, |before| before.seq + 1) {
            // Its counts span the gap before it.
            let begun = window.from_us - i64::try_from(window.seq).unwrap_or(0).saturating_mul(1_000_000);
            window.from_us = before.map_or(begun, |before| before.to_us).min(window.from_us);
        }
        let own = before.map(|before| second.counters.since(&before.counters));
        let in_flight = second.counters.all.in_flight();
        let counters = match own {
            Some(own) => std::mem::replace(&mut second.counters, own),
            None => second.counters.clone(),
        };
        self.0.insert(life, Counted { seq: window.seq, to_us: window.to_us, counters });
        OwnSecond { apart: second, in_flight }
    }
}

impl OwnSecond {
    /// Whose it is.
    pub fn node(&self) -> &NodeId {
        &self.apart.node_id
    }

    /// From when to when it is.
    pub fn span(&self) -> (UnixMicros, UnixMicros) {
        (self.apart.window.from_us, self.apart.window.to_us)
    }

    /// Which second it is.
    pub fn seq(&self) -> u64 {
        self.apart.window.seq
    }

    /// What it counted of all requests.
    pub fn counters(&self) -> &Counters {
        &self.apart.counters.all
    }

    /// What its sessions came to.
    pub fn sessions(&self) -> &AllSessions {
        &self.apart.window.sessions
    }

    /// Adds its samples of all requests, of these kinds.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn add_samples(&self, sums: &mut LatencySums, kinds: &[LatencyKind]) -> Result<(), LatencyError> {
        self.apart.samples.all.add_to(sums, kinds)
    }
}

/// What stands at the end of a second, of all drivers together.
#[derive(Debug, Default)]
struct AtEnd {
    in_flight: u64,
    users: Option<u64>,
}

/// A sum that grows, of spans and of seconds in any order.
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
    busy: f64,
    machine: MachineShares,
    /// By the last second of a span, and by each second that was added by itself.
    ends: BTreeMap<u64, AtEnd>,
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
            busy: 0.0,
            machine: MachineShares::default(),
            ends: BTreeMap::new(),
        }
    }

    /// Adds a second of a driver.
    ///
    /// # Errors
    /// Where its histograms cannot be read.
    pub fn second(&mut self, second: &OwnSecond) -> Result<(), LatencyError> {
        let OwnSecond { apart: ApartWindow { window, counters, samples, .. }, in_flight } = second;
        self.count(counters);
        samples.all.add_to(&mut self.all, &SHOWN)?;
        if self.with_names {
            for (name, texts) in &samples.named {
                if let Some(sums) = sums_of(&mut self.named, name) {
                    texts.add_to(sums, &OF_A_NAME)?;
                }
            }
        }
        let at_end = self.ends.entry(window.seq).or_default();
        at_end.in_flight += in_flight;
        at_end.users = added(at_end.users, window.users);
        let machine =
            MachineShares { cpu: window.machine.cpu, steal: window.machine.steal, wait: window.machine.wait };
        self.add((window.from_us, window.to_us), &window.sessions, window.busy, machine);
        Ok(())
    }

    /// Adds a span.
    ///
    /// # Errors
    /// Where its histograms are damaged.
    pub fn span(&mut self, span: &Span) -> Result<(), LatencyError> {
        self.count(&span.counters);
        self.all.add(&span.samples.all)?;
        if self.with_names {
            for (name, samples) in &span.samples.named {
                if let Some(sums) = sums_of(&mut self.named, name) {
                    sums.add(samples)?;
                }
            }
        }
        let at_end = AtEnd { in_flight: span.in_flight, users: span.users };
        self.ends.insert(span.step.last_of(span.first), at_end);
        self.add((span.from_us, span.to_us), &span.sessions, span.busy, span.machine);
        Ok(())
    }

    fn count(&mut self, counters: &ByRequest<Counters>) {
        if self.with_names {
            self.counters += counters;
        } else {
            self.counters.all += &counters.all;
        }
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

    /// The sum, of seconds that begin with `first`; `None` where nothing was added.
    pub fn finish(self, first: u64, step: Step) -> Option<Sum<'static>> {
        if !self.any {
            return None;
        }
        let named = self.named.iter().map(|(name, sums)| (name.clone(), sums.ranked()));
        Some(Sum {
            seq: first,
            step,
            from_us: self.from_us,
            to_us: self.to_us,
            samples: ByRequest { all: self.all.ranked(), named: named.collect() },
            counters: self.counters,
            sessions: Cow::Owned(self.sessions),
            users: self.ends.values().fold(None, |most, at_end| most.max(at_end.users)),
            busy: self.busy,
            in_flight: self.ends.last_key_value().map_or(0, |(_, at_end)| at_end.in_flight),
            machine: self.machine,
        })
    }

    /// The samples of all requests as histograms, and how many further requests count as slower.
    pub fn histograms(&self) -> (Latencies, u64) {
        let counters = &self.counters.all;
        let unstarted = Unstarted::of(&self.sessions.counters());
        (self.all.latencies(), unstarted.slower(counters))
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
