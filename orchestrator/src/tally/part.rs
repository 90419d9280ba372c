//! One life of one node in a test: what it reported, and how its part ended.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::{Epoch, NodeId};
use common::latency::{Latencies, LatencyKind};
use common::plan::Share;
use common::session_figures::AllSessions;
use common::wire::{Ending, Window};

use super::classic::Reports;
use super::runs::Runs;
use super::series::Series;
use super::unstarted::Unstarted;
use crate::exposed::Health;
use crate::model::PartState;
use crate::participant::EndedBy;

/// From this busy share on a worker counts as having had no idle time (interface.md).
pub const BUSY: f64 = 0.95;

/// Most pauses of a driver that are kept.
const MAX_PAUSES: usize = 32;

/// Windows shorter than this, in µs, are not used for busy shares: the last one can be a few ms long.
const MIN_BUSY_WINDOW_US: i64 = 100_000;

/// One life of one node in a test.
#[derive(Debug)]
pub struct Part {
    pub node: NodeId,
    /// `None`: a classic driver.
    pub epoch: Option<Epoch>,
    /// `None`: another life of a driver than the one that was chosen.
    pub share: Option<Share>,
    /// Its state, by its heartbeats.
    pub state: PartState,
    pub ended_by: Option<EndedBy>,
    /// Classic: it sends heartbeats and has sent no report for longer than most need for one.
    pub silent: bool,
    pub windows: Windows,
    pub reports: Reports,
    pub series: Series,
}

impl Part {
    pub fn new(node: NodeId, epoch: Option<Epoch>, share: Option<Share>) -> Self {
        Self {
            node,
            epoch,
            share,
            state: PartState::Idle,
            ended_by: None,
            silent: false,
            windows: Windows::default(),
            reports: Reports::default(),
            series: Series::default(),
        }
    }

    pub fn is_classic(&self) -> bool {
        self.epoch.is_none()
    }

    /// Removes an end that a new report of a classic driver contradicts. That is an end that was concluded from its
    /// silence, an end word although it has requests left to send, or a reached count that it has exceeded since.
    pub fn reopen(&mut self, count: u64) {
        let sent = self.reports.counts(false).sent;
        let contradicts = match self.ended_by {
            Some(EndedBy::Deaf | EndedBy::Lost | EndedBy::Silence) => true,
            Some(EndedBy::Word) => sent.map_or(self.reports.taken() < count, |sent| sent < count),
            Some(EndedBy::Count) => sent.is_some_and(|sent| sent > count),
            _ => false,
        };
        if contradicts {
            self.ended_by = None;
        }
    }

    /// When its last report or counters of this test arrived.
    pub fn last_report_at(&self) -> Option<UnixMicros> {
        if self.is_classic() { self.reports.last_report_at() } else { self.windows.newest_at }
    }

    /// Whether its end is known, rather than concluded from its silence.
    pub fn reported_its_end(&self) -> bool {
        self.ended_by.is_some_and(|by| !by.is_concluded())
    }
}

/// What a driver of ours reported by windows and heartbeats.
#[derive(Debug, Default)]
pub struct Windows {
    pub seqs: Runs,
    /// All samples of all windows that arrived.
    pub latencies: ByRequest<Latencies>,
    /// What the sessions of all windows that arrived came to.
    pub sessions: AllSessions,
    /// The most users in any window that arrived.
    pub users: Option<u64>,
    /// The counters of the window with the highest seq: the coverage of the histograms is computed from them.
    pub at_window: ByRequest<Counters>,
    /// The newest counters, of a window or a heartbeat.
    pub newest: Counters,
    /// When those arrived; `None`: none did.
    pub newest_at: Option<UnixMicros>,
    /// When a window last arrived.
    pub window_at: Option<UnixMicros>,
    /// When the highest window ended.
    pub to_us: Option<UnixMicros>,
    pub final_seq: Option<u64>,
    pub ending: Option<Ending>,
    /// Windows long enough to judge their busy share by.
    pub judged: u64,
    /// The busy ones among these.
    pub busy: u64,
    pub busy_max: Option<f64>,
    /// CPU of its process, by its windows.
    pub cpu_shares: Shares,
    /// Share of CPU time that its machine's host gave to other machines (steal).
    pub steal_shares: Shares,
    /// How long its workers waited for a core.
    pub wait_shares: Shares,
    /// Pauses of its process as (from, to), in order of time; of more than there is room for, the longest.
    pub stopped: Vec<(UnixMicros, UnixMicros)>,
    /// Process CPU in its last heartbeat.
    pub cpu: Option<f64>,
    /// What its newest window that can be judged says of the driver, and that window's seq.
    pub health: Option<(u64, Health)>,
}

/// A share between 0 and 1 that windows report: its mean over all of them, and the highest. It is summed in whole
/// millionths, because sums of floats would depend on the order in which the windows come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    covered_us: u128,
    weighted_millionths: u128,
    highest_millionths: u64,
}

/// A share of 1 in the millionths of [`Shares`].
const WHOLE: f64 = 1e6;

impl Shares {
    fn add(&mut self, share: Option<f64>, length_us: i64) {
        let Some(share) = share else { return };
        let millionths = (share.clamp(0.0, 1.0) * WHOLE).round() as u64;
        let length_us = u128::from(length_us.unsigned_abs());
        self.covered_us += length_us;
        self.weighted_millionths += length_us * u128::from(millionths);
        self.highest_millionths = self.highest_millionths.max(millionths);
    }

    /// The mean over all windows that report it, weighted by their length; `None` where none does.
    pub fn mean(&self) -> Option<f64> {
        (self.covered_us > 0).then(|| self.weighted_millionths as f64 / self.covered_us as f64 / WHOLE)
    }

    /// In the window in which it was highest.
    pub fn max(&self) -> Option<f64> {
        (self.covered_us > 0).then(|| self.highest_millionths as f64 / WHOLE)
    }
}

impl Windows {
    /// Takes a window; false where its seq was taken already.
    pub fn take(&mut self, window: &Window, now_us: UnixMicros) -> bool {
        let highest = self.seqs.highest();
        if !self.seqs.insert(window.seq) {
            return false;
        }
        self.window_at = self.window_at.max(Some(now_us));
        window.figures.add_samples_to(&mut self.latencies);
        self.sessions.add_within_bounds(&window.sessions);
        self.users = self.users.max(window.users);
        self.busy_max = Some(self.busy_max.unwrap_or(0.0).max(window.busy));
        let length_us = window.to_us.saturating_sub(window.from_us);
        if length_us >= MIN_BUSY_WINDOW_US {
            // Shorter ones are also too short for the kernel's ticks.
            self.cpu_shares.add(window.machine.cpu, length_us);
            self.steal_shares.add(window.machine.steal, length_us);
            self.wait_shares.add(window.machine.wait, length_us);
            self.judged += 1;
            self.busy += u64::from(window.busy >= BUSY);
            if self.health.is_none_or(|(seq, _)| window.seq > seq) {
                self.health = Some((window.seq, health(window)));
            }
        }
        self.stopped(&window.machine.stopped);
        if highest.is_none_or(|highest| window.seq > highest) {
            self.at_window = window.figures.counters();
            self.to_us = Some(window.to_us);
        }
        self.take_counters(&window.figures.all.counters, now_us);
        if window.is_final {
            self.final_seq = Some(window.seq);
            self.newest.clone_from(&window.figures.all.counters);
            self.ending = window.ending.clone();
        }
        true
    }

    /// Takes pauses. If there are more than MAX_PAUSES, the longest are kept, whatever the order in which windows come.
    fn stopped(&mut self, pauses: &[(UnixMicros, UnixMicros)]) {
        self.stopped.extend_from_slice(pauses);
        if self.stopped.len() > MAX_PAUSES {
            self.stopped.sort_by_key(|(from, to)| (std::cmp::Reverse(to.saturating_sub(*from)), *from));
            self.stopped.truncate(MAX_PAUSES);
        }
        self.stopped.sort_unstable();
    }

    /// Takes counters, unless they are older than those known. Windows and heartbeats come on two topics, so arrival
    /// does not give their order. Counters only grow: the larger ones are the newer ones. After the final window no
    /// others are taken.
    pub fn take_counters(&mut self, counters: &Counters, now_us: UnixMicros) {
        let progress = |counters: &Counters| counters.scheduled + counters.completed + counters.failed;
        if self.final_seq.is_none() && progress(counters) >= progress(&self.newest) {
            self.newest = counters.clone();
            self.newest_at = self.newest_at.max(Some(now_us));
        }
    }

    /// The counters from which the coverage of the histograms is computed. While the test runs they are those of the
    /// last window, because a heartbeat is ahead of the histograms; once the part is over, the newest ones.
    pub fn measured(&self, over: bool) -> &Counters {
        if over { &self.newest } else { &self.at_window.all }
    }

    /// Requests that count as slower than any completed one, those of sessions that never began included.
    pub fn slower(&self, over: bool) -> u64 {
        self.unstarted().slower(self.measured(over))
    }

    /// What its dropped sessions would have done.
    pub fn unstarted(&self) -> Unstarted {
        Unstarted::of(&self.sessions.counters())
    }

    /// Completed requests after the warm-up, and how many of them the histograms hold.
    pub fn completed(&self, over: bool) -> (u64, u64) {
        completed(self.measured(over), &self.latencies.all)
    }
}

fn health(window: &Window) -> Health {
    Health {
        busy: window.busy,
        cpu: window.machine.cpu,
        steal: window.machine.steal,
        wait: window.machine.wait,
        lag_p99_us: window.figures.all.latencies.of(LatencyKind::Lag).quantile_us(0.99, 0),
    }
}

/// Completed requests after the warm-up, and how many of them the histograms hold.
pub fn completed(counters: &Counters, latencies: &Latencies) -> (u64, u64) {
    let completed = counters.completed.saturating_sub(counters.warmup.completed);
    let held = latencies.of(LatencyKind::Response).count();
    let held = held.saturating_sub(latencies.of(LatencyKind::FailedResponse).count());
    (completed, held.min(completed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(scheduled: u64, completed: u64) -> Counters {
        Counters { scheduled, sent: scheduled, completed, ..Counters::default() }
    }

    #[test]
    fn the_newest_counters_count_whichever_topic_brings_them_first() {
        let mut windows = Windows::default();
        windows.take_counters(&counted(20, 18), 200);
        windows.take_counters(&counted(10, 9), 300);
        assert_eq!(
            (windows.newest.sent, windows.newest_at),
            (20, Some(200)),
            "older counters change nothing"
        );
        windows.take_counters(&counted(20, 18), 400);
        assert_eq!(windows.newest_at, Some(400), "the same counters again renew the time of arrival");
    }

    #[test]
    fn shares_are_weighed_by_the_length_of_their_windows() {
        let mut shares = Shares::default();
        assert_eq!((shares.mean(), shares.max()), (None, None));
        shares.add(None, 1_000_000);
        assert_eq!(shares.mean(), None, "not reported is not zero");
        for (share, length_us) in [(0.5, 1_000_000), (1.0, 1_000_000), (0.0, 500_000)] {
            shares.add(Some(share), length_us);
        }
        assert_eq!((shares.mean(), shares.max()), (Some(0.6), Some(1.0)));
    }
}
