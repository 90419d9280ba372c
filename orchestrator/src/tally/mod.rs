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
mod part;
mod requests;
mod rows;
mod runs;
pub(crate) mod seconds;
pub(crate) mod series;
mod sessions;
pub(crate) mod span;
pub(crate) mod spans;
mod step;
pub(crate) mod sum;
mod sums;
#[cfg(test)]
mod tests;
mod throughput;
mod unstarted;
mod views;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Position;
use common::latency::Latencies;
use common::plan::{Plan, RateChange};
use common::session_figures::AllSessions;
use common::wire::{DriverState, Metrics, StepsOf, Window};

use self::abort::Watch;
pub use self::closing::{Closing, ClosingPart};
use self::limits::{MAX_FOREIGN, MAX_JOINED, MAX_LIVES, MAX_UNTAKEN};
use self::part::Part;
use self::runs::Runs;
use self::series::FleetSeries;
pub(crate) use self::series::Second;
use self::spans::{SpanChange, Spans};
pub use self::step::Step;
pub(crate) use self::unstarted::Unstarted;
use crate::capacity::{Searching, Want};
use crate::lifecycle::count_of;
use crate::model::{CapacityView, Completeness, DriverTotals, SharedTotals, StepsView, Totals, WindowView};
use crate::participant::{EndedBy, PartSeen, Participant};
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

    /// Sets a participant's state, as its heartbeat has it.
    pub fn set_state(&mut self, node: &NodeId, epoch: Epoch, state: DriverState) {
        if let Some(index) = self.find(node, Some(epoch)) {
            self.parts[index].state = state.into();
        }
    }

    /// Ends a driver's part that has not reported its end, or reported it by a sign that the tally does not receive.
    /// Changes nothing where the driver has reported its end; a concluded end (lost, overdue, deaf) is replaced.
    pub fn ended(&mut self, node: &NodeId, epoch: Option<Epoch>, by: EndedBy) {
        let Some(index) = self.find(node, epoch) else { return };
        let part = &mut self.parts[index];
        if part.reported_its_end() {
            return;
        }
        part.ended_by = Some(by);
        part.silent = false;
        let seconds = part.series.flush();
        self.emit(index, &seconds);
        if by == EndedBy::Count {
            self.assign_end_words();
        }
    }

    /// A lost driver is back in the same life: the test waits for its end again.
    pub fn back(&mut self, node: &NodeId, epoch: Option<Epoch>) {
        if let Some(index) = self.find(node, epoch) {
            let ended_by = &mut self.parts[index].ended_by;
            *ended_by = ended_by.filter(|by| !by.is_concluded());
        }
    }

    /// What all drivers sent by themselves, by the key in `[shared]`.
    pub fn shared(&self) -> BTreeMap<String, SharedTotals> {
        views::shared(&self.plan, &self.sessions.shared)
    }

    /// Whether every part has ended, by a report or by a conclusion (lost, deaf, …).
    pub fn all_ended(&self) -> bool {
        self.parts.iter().all(|part| part.ended_by.is_some())
    }

    /// How a driver's part ended; `None`: it has not, or the driver takes no part.
    pub fn ended_by(&self, node: &NodeId, epoch: Option<Epoch>) -> Option<EndedBy> {
        self.find(node, epoch).and_then(|index| self.parts[index].ended_by)
    }

    /// What the lifecycle needs to know of each part.
    pub fn parts_seen(&self) -> Vec<PartSeen> {
        let seen = |part: &Part| {
            let classic = part.is_classic();
            PartSeen {
                node_id: part.node.clone(),
                epoch: part.epoch,
                ended_by: part.ended_by,
                last_report_at: part.last_report_at(),
                window_at: part.windows.window_at,
                reports: part.reports.taken(),
                report_interval: part.reports.interval(),
                rose_at: part.reports.rose_at(),
                mean_latency: part.reports.mean(),
                silent: part.silent,
                sent: if classic { part.reports.counts(false).sent } else { None },
            }
        };
        self.parts.iter().map(seen).collect()
    }

    /// An end word arrived, which has neither a driver's nor a test's id (`words`).
    pub fn end_word(&mut self) {
        self.words += 1;
        self.assign_end_words();
    }

    /// Marks a classic driver that sends heartbeats and has sent no report for longer than most need for one.
    pub fn silent(&mut self, node: &NodeId) {
        if let Some(index) = self.find(node, None) {
            self.parts[index].silent = self.parts[index].reports.taken() == 0;
        }
    }

    /// The orchestrator that led the test ended before the test did. Parts whose end was not reported end with it.
    pub fn interrupt(&mut self, why: &str) {
        self.interrupted = Some(why.to_owned());
        for part in &mut self.parts {
            part.ended_by.get_or_insert(EndedBy::Interrupted);
        }
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

    /// The seconds that were completed since the last call, for events and the live series: a driver's at once, the
    /// fleet's when every driver's is there. After a restart the seconds of the stored windows are returned again.
    pub fn take_windows(&mut self) -> Vec<WindowView> {
        self.untaken.drain(..).collect()
    }

    /// What is to be done to the stored windows of the test since the last call; after a restart all of them are returned
    /// again.
    pub fn take_spans(&mut self) -> Vec<SpanChange> {
        self.spans.take()
    }

    /// The first breach of a condition of the plan's `[abort]`, as a sentence; `None`: there was none. Counted again from
    /// the same records it is the same.
    pub fn breach(&self) -> Option<&str> {
        self.watch.breach()
    }

    /// What the search of the plan's `[capacity]` wants now. Counted again from the same records it is the same.
    pub fn search_wants(&self) -> Want {
        self.searching.as_ref().map_or(Want::Nothing, |searching| searching.wants())
    }

    /// The drivers cannot take the rate that the search wants.
    pub fn search_refused(&mut self, why: &str) {
        if let Some(searching) = &mut self.searching {
            searching.refused(why);
        }
    }

    /// What the search found, or knows so far. What it had found at the end of the test stays as it was: late windows are
    /// not of what it went by.
    pub fn capacity(&self) -> Option<Box<CapacityView>> {
        if self.found.is_some() {
            return self.found.clone();
        }
        self.searching.as_ref().map(|searching| Box::new(searching.view(false)))
    }

    /// The same as it is kept with a test that ends now.
    fn capacity_at_end(&self) -> Option<Box<CapacityView>> {
        self.searching.as_ref().map(|searching| Box::new(searching.view(true)))
    }

    /// How long after the start the last load is planned to end; `None` where the plan does not say.
    fn planned_end(&self) -> Option<Duration> {
        let start_at = self.start_at.unwrap_or(0);
        let shares = self.parts.iter().filter_map(|part| part.share.as_ref());
        let ends = shares.map(|share| share.planned_end(&self.plan, start_at, &self.rate_changes));
        ends.collect::<Option<Vec<Duration>>>()?.into_iter().max()
    }

    /// Whether a driver has ended its load by itself.
    fn any_load_done(&self) -> bool {
        self.parts.iter().any(|part| part.ended_by == Some(EndedBy::FinalWindow))
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

    fn find(&self, node: &NodeId, epoch: Option<Epoch>) -> Option<usize> {
        self.parts.iter().position(|part| part.node == *node && part.epoch == epoch)
    }

    /// The part of this life of a node; a new one where a participant shows another life than the one chosen.
    fn part_of(&mut self, node: &NodeId, epoch: Option<Epoch>) -> Option<usize> {
        if let Some(index) = self.find(node, epoch) {
            return Some(index);
        }
        let lives = self.parts.iter().filter(|part| part.node == *node).count();
        if lives == 0 || lives >= MAX_LIVES {
            return None;
        }
        self.parts.push(Part::new(node.clone(), epoch, None));
        Some(self.parts.len() - 1)
    }

    /// Adds a part for a classic driver that was not known at the trigger and received it all the same. `takes_part`:
    /// it is classic and its report names this test.
    fn join(&mut self, node: &NodeId, takes_part: bool) -> Option<usize> {
        let joined = self.parts.iter().filter(|part| part.is_classic()).count();
        if !takes_part || joined >= MAX_JOINED || self.parts.iter().any(|part| part.node == *node) {
            return None;
        }
        self.parts.push(Part::new(node.clone(), None, None));
        Some(self.parts.len() - 1)
    }

    /// Emits a driver's seconds, and the fleet's seconds that are complete with them.
    fn emit(&mut self, index: usize, seconds: &[Second]) {
        for second in seconds {
            if !self.seconds.add(second) {
                self.spans.left_out(None, second.seq);
            }
            self.spans.add(Some(&self.parts[index].node), second, true);
            self.offer(Some(index), second);
        }
        let awaited = self.parts.iter().filter(|part| !part.is_classic() && part.ended_by.is_none());
        let horizon = awaited.map(|part| part.series.next()).min().filter(|_| !self.finished);
        for second in self.seconds.take_below(horizon.unwrap_or(u64::MAX)) {
            if !self.plan.abort.is_empty() {
                let (planned, any_done) = (self.planned_end(), self.any_load_done());
                self.watch.take(&self.plan, &second, planned, any_done);
            }
            let planned = self.searching.as_ref().and_then(|_| self.planned_end());
            if let (Some(searching), Some(start_at)) = (&mut self.searching, self.start_at) {
                searching.take(&second, planned, start_at, &self.rate_changes);
            }
            self.offer(None, &second);
        }
    }

    /// Whether every driver sends histograms.
    fn covers_all(&self) -> bool {
        !self.parts.iter().any(Part::is_classic)
    }

    fn offer(&mut self, part: Option<usize>, second: &Second) {
        let covers_all = part.is_some() || self.covers_all();
        if self.untaken.len() >= MAX_UNTAKEN {
            self.untaken.pop_front();
        }
        // A page shows the spread of the fleet as it goes, and asks for that of one driver where it is looked at.
        let view = match part.map(|index| &self.parts[index].node) {
            Some(node) => second.view(&self.test_id, Some(node), covers_all),
            None => {
                let view = second.view_with_heat(&self.test_id, None, covers_all);
                self.spans.add(None, second, covers_all);
                self.spans.add_shown(&view);
                view
            }
        };
        self.untaken.push_back(view);
    }
}
