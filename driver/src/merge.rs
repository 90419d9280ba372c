//! Merges the workers' windows into the driver's: pure. A driver's window is complete once every worker has reported
//! that window, or has reported its last one before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, TestId};
use common::latency::{Latency, LatencyKind};
use common::named_counts::NamedCounts;
use common::plan::mask_url;
use common::session_figures::{AllSessions, SessionCounters};
use common::wire::{ClassicMetrics, Ending, MachineLoad, RowsUsedUp, Window};

use crate::driver_test::DriverTest;
use crate::start_at::{Nanos, StartAt};
use crate::worker::report::{WorkerEnding, WorkerWindow};
use crate::worker::windows::WINDOW;

/// How far a test is on this driver, at most 200 ms ago.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverProgress {
    pub test_id: TestId,
    /// Since the start of the test, of all workers.
    pub counters: Counters,
    /// Whether no worker sends any more, and one still waits for answers.
    pub draining: bool,
}

/// One complete window of the driver.
#[derive(Debug)]
pub struct Merged {
    pub window: Window,
    /// The classic figures, over the test so far.
    pub classic: ClassicMetrics,
}

#[derive(Debug, Default)]
struct Pending {
    figures: ByRequest<Figures>,
    sessions: AllSessions,
    users: Option<u64>,
    busy: f64,
}

#[derive(Debug, Default)]
struct Worker {
    /// The next window that it will report.
    next: u64,
    counters: Counters,
    draining: bool,
    ending: Option<WorkerEnding>,
    lost: bool,
}

impl Worker {
    fn is_over(&self) -> bool {
        self.ending.is_some() || self.lost
    }
}

/// The merge of one test.
#[derive(Debug)]
pub struct Merge {
    test_id: TestId,
    epoch: Epoch,
    start: StartAt,
    target: url::Url,
    workers: Vec<Worker>,
    pending: BTreeMap<u64, Pending>,
    next: u64,
    cumulative: ByRequest<Counters>,
    /// Of each scenario, the warm-up included.
    scenarios: BTreeMap<String, SessionCounters>,
    response: Latency,
}

impl Merge {
    /// A merge that has no windows yet.
    pub fn new(test: &DriverTest, workers: u32, epoch: Epoch) -> Self {
        Self {
            test_id: test.test_id.clone(),
            epoch,
            start: test.start,
            target: (*test.assignment.target).clone(),
            workers: (0..workers).map(|_| Worker::default()).collect(),
            pending: BTreeMap::new(),
            next: 0,
            cumulative: ByRequest::default(),
            scenarios: BTreeMap::new(),
            response: Latency::new(),
        }
    }

    pub fn test_id(&self) -> &TestId {
        &self.test_id
    }

    /// Takes a worker's progress.
    pub fn progress(&mut self, worker: u32, counters: Counters, draining: bool) {
        if let Some(worker) = self.workers.get_mut(worker as usize).filter(|worker| !worker.is_over()) {
            worker.counters = counters;
            worker.draining = draining;
        }
    }

    /// How far the driver is.
    pub fn how_far(&self) -> DriverProgress {
        let mut counters = Counters::default();
        self.workers.iter().for_each(|worker| counters.add(&worker.counters));
        let draining = self.workers.iter().all(|worker| worker.draining || worker.is_over());
        DriverProgress { test_id: self.test_id.clone(), counters, draining }
    }

    /// The counts of each name, of the complete windows.
    pub fn named(&self) -> NamedCounts {
        let requests = self.cumulative.named.iter();
        let sessions = |n: &SessionCounters| [n.completed, n.failed, n.abandoned, n.dropped];
        NamedCounts {
            requests: requests.map(|(name, n)| (name.to_string(), [n.completed, n.failed])).collect(),
            scenarios: self.scenarios.iter().map(|(name, n)| (name.clone(), sessions(n))).collect(),
        }
    }

    /// Takes a worker's window; returns the driver's windows that this completes, in order.
    pub fn window(&mut self, reported: WorkerWindow) -> Vec<Merged> {
        let Some(worker) = self.workers.get_mut(reported.worker as usize).filter(|worker| !worker.is_over())
        else {
            return Vec::new();
        };
        worker.next = reported.seq + 1;
        match self.pending.entry(reported.seq) {
            // The first report is taken as it is: to add it to nothing costs a pass over the histograms of every name.
            Entry::Vacant(place) => {
                place.insert(Pending {
                    figures: *reported.figures,
                    sessions: reported.sessions.map(|sessions| *sessions).unwrap_or_default(),
                    users: reported.users.map(u64::from),
                    busy: reported.busy,
                });
            }
            Entry::Occupied(place) => {
                let pending = place.into_mut();
                pending.figures += &reported.figures;
                if let Some(sessions) = &reported.sessions {
                    pending.sessions += sessions;
                }
                if let Some(users) = reported.users {
                    pending.users = Some(pending.users.unwrap_or(0) + u64::from(users));
                }
                pending.busy = pending.busy.max(reported.busy);
            }
        }
        if reported.last.is_some() {
            worker.ending = reported.last;
        }
        self.complete()
    }

    /// A worker is gone: the test ends without it.
    pub fn lost(&mut self, worker: u32) -> Vec<Merged> {
        if let Some(worker) = self.workers.get_mut(worker as usize) {
            worker.lost = true;
        }
        self.complete()
    }

    fn complete(&mut self) -> Vec<Merged> {
        let mut merged = Vec::new();
        loop {
            let all_over = self.workers.iter().all(Worker::is_over);
            let reported = |worker: &Worker| worker.next > self.next || worker.is_over();
            let last = self.workers.iter().map(|worker| worker.next.saturating_sub(1)).max().unwrap_or(0);
            if !self.workers.iter().all(reported) || self.next > last {
                break;
            }
            let is_final = all_over && self.next == last;
            let pending = self.pending.remove(&self.next).unwrap_or_default();
            merged.push(self.merged(pending, is_final));
            self.next += 1;
            if is_final {
                break;
            }
        }
        if !merged.is_empty() && merged.iter().any(|merged| merged.window.is_final) {
            // From here on, progress is what the final window counted.
            self.workers.iter_mut().for_each(|worker| worker.counters = Counters::default());
            if let Some(first) = self.workers.first_mut() {
                first.counters = self.cumulative.all.clone();
            }
        }
        merged
    }

    fn merged(&mut self, pending: Pending, is_final: bool) -> Merged {
        let mut figures = pending.figures;
        self.cumulative += &figures.counters();
        figures.set_counters(&self.cumulative);
        for (name, of) in &pending.sessions.scenarios {
            let sum = self.scenarios.entry(name.clone()).or_default();
            *sum += &of.counters;
            *sum += &of.warmup;
        }
        self.response.merge(figures.all.latencies.of(LatencyKind::Response));
        let from = Nanos::try_from(self.next).unwrap_or(0) * WINDOW;
        let to = if is_final { self.ended().clamp(from, from + WINDOW) } else { from + WINDOW };
        let window = Window {
            epoch: self.epoch,
            seq: self.next,
            from_us: self.start.unix_us_at(from),
            to_us: self.start.unix_us_at(to),
            figures,
            sessions: pending.sessions,
            users: pending.users,
            busy: pending.busy,
            machine: MachineLoad::default(),
            is_final,
            ending: is_final.then(|| self.ending()),
        };
        Merged { window, classic: self.classic(is_final) }
    }

    /// Unix µs of an instant, by the clock of the windows.
    pub fn unix_us_at(&self, instant: std::time::Instant) -> common::clock::UnixMicros {
        self.start.unix_us_at(self.start.nanos(instant))
    }

    fn endings(&self) -> impl Iterator<Item = &WorkerEnding> {
        self.workers.iter().filter_map(|worker| worker.ending.as_ref())
    }

    fn ended(&self) -> Nanos {
        self.endings().map(|ending| ending.ended).max().unwrap_or(0)
    }

    fn ending(&self) -> Ending {
        let from = self.endings().map(|ending| ending.schedule_from).min().unwrap_or(0);
        let to = self.endings().map(|ending| ending.schedule_to).max().unwrap_or(from);
        let lost = self.workers.iter().any(|worker| worker.lost).then(|| "a worker was lost".to_owned());
        Ending {
            schedule_from_us: self.start.unix_us_at(from),
            schedule_to_us: self.start.unix_us_at(to),
            engine: self.endings().next().map_or("none", |ending| ending.engine).to_owned(),
            workers: u32::try_from(self.workers.len()).unwrap_or(u32::MAX),
            precision: self
                .endings()
                .map(|ending| ending.precision)
                .max()
                .map(|kept| kept.as_str().to_owned()),
            redirected_to: self.endings().find_map(|ending| self.location(ending.redirected_to.as_deref()?)),
            connections_opened: self.endings().map(|ending| ending.opened.connections).sum(),
            handshakes: self.endings().map(|ending| ending.opened.handshakes).sum(),
            cut_short: self.endings().find_map(|ending| ending.cut_short.clone()).or(lost),
            rows_used_up: self
                .endings()
                .find_map(|ending| ending.used_up.clone())
                .map(|data| RowsUsedUp { data, sessions: self.endings().map(|ending| ending.begun).sum() }),
        }
    }

    /// The whole address that a `location` names, with secrets masked: it may be relative to the target.
    fn location(&self, location: &str) -> Option<String> {
        Some(mask_url(self.target.join(location).ok()?.as_str()))
    }

    fn classic(&self, is_final: bool) -> ClassicMetrics {
        let ms = |us: Option<f64>| Some(us.unwrap_or(0.0) / 1_000.0);
        let whole = |us: Option<u64>| us.map(|us| us as f64);
        ClassicMetrics {
            mean_ms: ms(self.response.mean_us()),
            median_ms: ms(whole(self.response.quantile_us(0.5, 0))),
            min_ms: ms(whole(self.response.min_us())),
            max_ms: ms(whole(self.response.max_us())),
            mode_ms: ms(self.response.mode_us()),
            num_requests: Some(self.cumulative.all.sent),
            num_responses: Some(self.cumulative.all.status_codes.values().sum()),
            num_errors: Some(self.cumulative.all.failed),
            implausible: false,
            complete: is_final,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::ids::RequestName;

    use super::*;
    use crate::assignment::Assignment;
    use crate::engine::Opened;
    use crate::precision::KeptBy;

    fn merge(workers: u32) -> Merge {
        let plan = common::plan::read(
            "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '3s'\n",
            common::plan::PlanFormat::Toml,
        )
        .unwrap();
        let node_id = common::ids::NodeId::new("d").unwrap();
        let share = common::plan::share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1;
        let test = DriverTest {
            test_id: TestId::new("t").unwrap(),
            node_id,
            assignment: Assignment::of_plan(&plan, share),
            hosts: Vec::new(),
            script: None,
            shared: None,
            start: StartAt { monotonic: std::time::Instant::now(), unix_us: 5_000_000 },
            rates: Default::default(),
        };
        Merge::new(&test, workers, Epoch(9))
    }

    fn reported(worker: u32, seq: u64, sent: u64, last: bool) -> WorkerWindow {
        let counters = Counters { scheduled: sent, sent, completed: sent, ..Counters::default() };
        let mut figures = Figures { counters, ..Figures::default() };
        figures.latencies.of_mut(LatencyKind::Response).record_n_us(1_000, sent);
        let figures = Box::new(ByRequest::unnamed(figures));
        let ended = Nanos::try_from(Duration::from_millis(2_400).as_nanos()).unwrap();
        WorkerWindow {
            test_id: TestId::new("t").unwrap(),
            worker,
            seq,
            figures,
            sessions: None,
            users: Some(4 + worker),
            busy: 0.25,
            last: last.then_some(WorkerEnding {
                schedule_from: 0,
                schedule_to: ended,
                ended,
                engine: "awc",
                precision: KeptBy::Timer,
                opened: Opened { connections: 2, handshakes: 1 },
                redirected_to: (worker == 1).then(|| "../moved?to=1".to_owned()),
                cut_short: None,
                begun: 10 + u64::from(worker),
                used_up: (worker == 1).then(|| RequestName::new("guest").unwrap()),
            }),
        }
    }

    #[test]
    fn a_window_is_complete_when_every_worker_reported_it_or_was_over_before() {
        let mut merge = merge(2);
        assert!(merge.window(reported(0, 0, 3, false)).is_empty());
        let first = merge.window(reported(1, 0, 4, true));
        assert_eq!(first.len(), 1);
        assert_eq!(
            (first[0].window.seq, first[0].window.figures.all.counters.sent, first[0].window.is_final),
            (0, 7, false)
        );
        let second = merge.window(reported(0, 1, 5, false));
        assert_eq!(second[0].window.figures.all.counters.sent, 12, "counters are cumulative");
        assert_eq!(
            second[0].window.figures.all.latencies.of(LatencyKind::Response).count(),
            5,
            "samples are not"
        );
        let last = merge.window(reported(0, 2, 1, true)).remove(0);
        assert!(last.window.is_final);
        assert_eq!((last.window.from_us, last.window.to_us), (7_000_000, 7_400_000));
        let ending = last.window.ending.unwrap();
        assert_eq!((ending.connections_opened, ending.handshakes), (4, 2));
        assert_eq!(
            ending.redirected_to.as_deref(),
            Some("http://127.0.0.1:1/moved?to=1"),
            "of the second worker"
        );
        assert_eq!(ending.precision.as_deref(), Some("timer"));
        let rows = RowsUsedUp { data: RequestName::new("guest").unwrap(), sessions: 21 };
        assert_eq!((first[0].window.users, ending.rows_used_up), (Some(9), Some(rows)));
        assert_eq!(last.classic.num_requests, Some(13));
        assert!(last.classic.complete);
        assert_eq!(merge.how_far().counters.sent, 13);
    }

    #[test]
    fn workers_that_end_together_make_one_final_window() {
        let mut merge = merge(2);
        assert!(merge.window(reported(0, 0, 1, true)).is_empty());
        let merged = merge.window(reported(1, 0, 1, true));
        assert_eq!(merged.len(), 1);
        assert!(merged[0].window.is_final);
    }

    #[test]
    fn a_lost_worker_does_not_hold_the_others_back() {
        let mut merge = merge(2);
        assert!(merge.window(reported(0, 0, 1, true)).is_empty());
        let merged = merge.lost(1);
        assert!(merged[0].window.is_final);
        assert_eq!(merged[0].window.ending.as_ref().unwrap().cut_short.as_deref(), Some("a worker was lost"));
    }
}
