//! The exact merge of one test: windows and classic reports in, totals out. It owns the counts of each driver. It has
//! no access to Kafka, actors or a clock (time is an argument), and it judges nothing.
//!
//! A *part* is one life (epoch) of one node in this test. All parts count, because requests that an earlier or a later
//! life of a driver sent were sent all the same. Counters are cumulative: a driver's totals are the newest counters of
//! a window or a heartbeat, never a sum over windows. Histograms are per window: each window is merged exactly once,
//! identified by (node, epoch, seq), in whatever order the windows come.

mod abort;
mod classic;
mod closing;
mod exposed;
pub(crate) mod gather;
mod growth;
mod heat;
mod limits;
mod live;
mod lives;
pub(crate) mod pages;
mod part;
mod requests;
mod rows;
mod runs;
mod searched;
pub(crate) mod seconds;
mod series;
mod sessions;
pub(crate) mod span;
pub(crate) mod spans;
mod step;
pub(crate) mod sum;
mod sums;
#[cfg(test)]
mod tests;
pub(crate) mod throughput;
mod unstarted;
mod views;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Position;
use common::latency::Latencies;
use common::plan::{Plan, RateChange};
use common::session_figures::AllSessions;
use common::wire::{Metrics, StepsOf, Window};

use self::abort::Watch;
pub use self::closing::{Closing, ClosingPart};
use self::limits::MAX_FOREIGN;
pub(crate) use self::part::BUSY;
use self::part::Part;
use self::runs::Runs;
use self::series::FleetSeries;
pub(crate) use self::series::Second;
use self::spans::Spans;
pub use self::step::Step;
pub(crate) use self::unstarted::Unstarted;
use crate::capacity::Searching;
use crate::lifecycle::count_of;
use crate::model::{CapacityView, Completeness, DriverTotals, SharedTotals, StepsView, Totals, WindowView};
use crate::participant::{EndedBy, Participant};
use crate::stopped_by::StoppedBy;
use crate::verdict::Facts;

/// Length of a window, µs.
const WINDOW_US: i64 = 1_000_000;

/// How this test took a metrics record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    New,
    /// Already counted: a redelivery. Changes nothing.
    Duplicate,
    /// Of a node that takes no part, or of another test: not counted.
    Foreign,
}

/// The figures of one test, while it runs and after.
#[derive(Debug)]
pub struct Tally {
    test_id: TestId,
    plan: Plan,
    start_at: Option<UnixMicros>,
    finished: bool,
    /// The lives that were chosen, in the order of the shares; after them other lives, and nodes that joined late.
    parts: Vec<Part>,
    /// All samples of all drivers that send histograms.
    fleet: ByRequest<Latencies>,
    /// What the sessions of all drivers came to.
    sessions: AllSessions,
    seconds: FleetSeries,
    spans: Spans,
    untaken: VecDeque<WindowView>,
    /// Offsets of classic reports, per partition: they have no sequence number that would show a redelivery.
    read: BTreeMap<i32, Runs>,
    foreign: BTreeSet<String>,
    /// End words that are not yet assigned to a part (`words`).
    words: usize,
    /// Why the test was interrupted, where the orchestrator that led it ended first.
    interrupted: Option<String>,
    /// What setup and teardown came to.
    steps: BTreeMap<StepsOf, StepsView>,
    /// Whether the plan's `[abort]` ends it.
    watch: Watch,
    /// The search that the plan's `[capacity]` asks for.
    searching: Option<Box<Searching>>,
    /// What it had found when the test ended, where the test is counted again.
    found: Option<Box<CapacityView>>,
    /// How the rate was changed while it ran.
    rate_changes: Vec<RateChange>,
}

impl Tally {
    /// A tally without any counts; `participants`: in the order of their shares.
    pub fn new(test_id: TestId, plan: Plan, participants: &[Participant]) -> Self {
        let part = |one: &Participant| Part::new(one.node_id.clone(), one.epoch, Some(one.share.clone()));
        Self {
            spans: Spans::new(test_id.clone()),
            test_id,
            watch: Watch::new(&plan),
            searching: Searching::of(&plan, participants.len()).map(Box::new),
            found: None,
            plan,
            start_at: None,
            finished: false,
            parts: participants.iter().map(part).collect(),
            fleet: ByRequest::default(),
            sessions: AllSessions::default(),
            seconds: FleetSeries::default(),
            untaken: VecDeque::new(),
            read: BTreeMap::new(),
            foreign: BTreeSet::new(),
            words: 0,
            interrupted: None,
            steps: BTreeMap::new(),
            rate_changes: Vec::new(),
        }
    }

    /// Sets the changes of the rate so far, in their order: what is planned follows from them.
    pub fn rate_changed(&mut self, changes: Vec<RateChange>) {
        self.rate_changes = changes;
    }

    /// The changes of the rate so far.
    pub fn rate_changes(&self) -> &[RateChange] {
        &self.rate_changes
    }

    /// Sets the common start (`start_at` of the trigger); windows are counted from there.
    pub fn started(&mut self, start_at: UnixMicros) {
        self.start_at = Some(start_at);
    }

    /// Counts a metrics record, once. A record that names no test counts as one of this test.
    pub fn arrived(&mut self, metrics: &Metrics, at: Position, now_us: UnixMicros) -> Arrived {
        if metrics.test_id.as_ref().is_some_and(|id| *id != self.test_id) {
            return Arrived::Foreign;
        }
        let epoch = metrics.ours.as_ref().map(|window| window.epoch);
        let names_it = metrics.test_id.is_some();
        let index = self.part_of(&metrics.node_id, epoch);
        let Some(index) = index.or_else(|| self.join(&metrics.node_id, epoch.is_none() && names_it)) else {
            if self.foreign.len() < MAX_FOREIGN {
                self.foreign.insert(metrics.node_id.to_string());
            }
            return Arrived::Foreign;
        };
        match &metrics.ours {
            Some(window) => {
                if !self.take_window(index, window, now_us) {
                    return Arrived::Duplicate;
                }
            }
            None => {
                let offset = u64::try_from(at.offset).unwrap_or(0);
                if !self.read.entry(at.partition).or_default().insert(offset) {
                    return Arrived::Duplicate;
                }
                let count = count_of(&self.plan);
                let part = &mut self.parts[index];
                part.reports.take(&metrics.classic, count, at.offset, at.partition, now_us);
                part.silent = false;
                part.reopen(count);
                if metrics.classic.complete {
                    part.ended_by = Some(EndedBy::Status);
                }
            }
        }
        Arrived::New
    }

    fn take_window(&mut self, index: usize, window: &Window, now_us: UnixMicros) -> bool {
        let part = &mut self.parts[index];
        if !part.windows.take(window, now_us) {
            return false;
        }
        window.figures.add_samples_to(&mut self.fleet);
        self.sessions.add_within_bounds(&window.sessions);
        if window.seq < part.series.next() {
            self.spans.give_up();
        }
        let mut seconds = part.series.take(window);
        if part.windows.final_seq.is_some() {
            // This also replaces a concluded end such as lost: the driver's own report is better than our conclusion.
            part.ended_by = Some(EndedBy::FinalWindow);
        }
        if part.windows.final_seq.is_some_and(|last| part.windows.seqs.count() > last) {
            seconds.extend(part.series.flush());
        }
        self.emit(index, &seconds);
        true
    }

    /// Takes the cumulative counters and the CPU share of a heartbeat of this test.
    pub fn beat(
        &mut self,
        node: &NodeId,
        epoch: Epoch,
        counters: &Counters,
        cpu: Option<f64>,
        now_us: UnixMicros,
    ) {
        let Some(index) = self.part_of(node, Some(epoch)) else { return };
        let windows = &mut self.parts[index].windows;
        windows.take_counters(counters, now_us);
        windows.cpu = cpu.or(windows.cpu);
    }

    /// What all drivers sent by themselves, by the key in `[shared]`.
    pub fn shared(&self) -> BTreeMap<String, SharedTotals> {
        views::shared(&self.plan, &self.sessions.shared)
    }

    /// Takes what setup or teardown came to so far. Where setup came to no load, a start that was stored was not carried
    /// out.
    pub fn set_steps(&mut self, run: StepsOf, view: StepsView) {
        if run == StepsOf::Setup && view.ended_early() {
            self.start_at = None;
        }
        self.steps.insert(run, view);
    }

    /// What setup and teardown came to, where they began.
    pub fn steps(&self) -> &BTreeMap<StepsOf, StepsView> {
        &self.steps
    }

    /// The test is over: what is still in flight is unresolved.
    pub fn finish(&mut self) {
        // Before the last seconds, as it is kept with the test (`closing`).
        if self.found.is_none() {
            self.found = self.capacity_at_end();
        }
        self.finished = true;
        for index in 0..self.parts.len() {
            let part = &mut self.parts[index];
            // It joined by a late report, so the lifecycle never looked for its end.
            if part.is_classic() && part.share.is_none() {
                part.ended_by.get_or_insert(EndedBy::Silence);
            }
            let seconds = self.parts[index].series.flush();
            self.emit(index, &seconds);
        }
    }

    /// The fleet's totals at this instant.
    pub fn totals(&self) -> Totals {
        rows::fleet(self)
    }

    /// Each driver's totals, in the order of their shares.
    pub fn drivers(&self, now_us: UnixMicros) -> Vec<DriverTotals> {
        self.parts.iter().map(|part| rows::driver(self, part, now_us)).collect()
    }

    /// Whether all windows arrived.
    pub fn completeness(&self) -> Completeness {
        sums::completeness(self)
    }

    /// The facts for a verdict; `stopped_by`: who or what stopped the test, if it was stopped. Drivers that have not
    /// ended count as lost: call it when the test is over.
    pub fn facts(&self, stopped_by: Option<&StoppedBy>) -> Facts<'_> {
        sums::facts(self, stopped_by)
    }

    /// The same while the test runs, by what is known so far.
    pub fn facts_so_far(&self) -> Facts<'_> {
        Facts { over: false, ..sums::facts(self, None) }
    }

    /// Which test this is.
    pub fn test_id(&self) -> &TestId {
        &self.test_id
    }

    /// The plan of it.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}
