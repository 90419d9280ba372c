//! One life of one node in a test: what it told, and how its end was told.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::ids::{Epoch, NodeId};
use common::latency::{Latencies, LatencyKind};
use common::plan::Share;
use common::wire::{Ending, Window};

use super::classic::Reports;
use super::runs::Runs;
use super::series::Series;
use crate::participant::EndedBy;

/// Highest count that is believed: the largest whole number JSON carries everywhere.
pub const MAX_COUNT: u64 = 1 << 53;

/// A busy share from which on a worker counts as having had no idle time (interface.md).
pub const BUSY: f64 = 0.95;

/// Most pauses of a driver that are kept.
const MAX_PAUSES: usize = 32;

/// Windows shorter than this, in µs, say nothing about busy shares: the last one can be a few ms long.
const MIN_BUSY_WINDOW_US: i64 = 100_000;

/// One life of one node in a test.
#[derive(Debug)]
pub struct Part {
    pub node: NodeId,
    /// `None`: a classic driver.
    pub epoch: Option<Epoch>,
    /// `None`: another life of a driver than the one that was chosen.
    pub share: Option<Share>,
    /// What the registry says it does.
    pub state: String,
    pub ended_by: Option<EndedBy>,
    /// Classic: it sends heartbeats and has sent no report, longer than most need for one.
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
            state: "idle".to_owned(),
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

    /// Takes back an end that a new report of a classic driver contradicts: what was concluded from its silence, and
    /// what was taken for its end though it has more to send, or sends more than it was to.
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

    /// When it last told anything of this test.
    pub fn heard_at(&self) -> Option<UnixMicros> {
        if self.is_classic() { self.reports.heard_at() } else { self.windows.newest_at }
    }

    /// Whether it told its end itself, so that nothing of it is open.
    pub fn told_its_end(&self) -> bool {
        self.ended_by.is_some_and(|by| !by.is_concluded())
    }
}

/// What our driver told by windows and heartbeats.
#[derive(Debug, Default)]
pub struct Windows {
    pub seqs: Runs,
    /// All samples of all windows that arrived.
    pub latencies: Latencies,
    /// The counters of the window with the highest seq: what the histograms are measured against.
    pub at_window: Counters,
    /// The newest counters, of a window or a heartbeat.
    pub newest: Counters,
    /// When those arrived; `None`: nothing was ever heard.
    pub newest_at: Option<UnixMicros>,
    /// When a window last arrived.
    pub window_at: Option<UnixMicros>,
    /// When the highest window ended.
    pub to_us: Option<UnixMicros>,
    pub final_seq: Option<u64>,
    pub ending: Option<Ending>,
    /// Windows long enough to judge their busy share by.
    pub judged: u64,
    /// Of these: the busy ones.
    pub busy: u64,
    pub busy_max: Option<f64>,
    /// CPU of its process, as its windows told it.
    pub cpu_told: Shares,
    /// What its machine's host gave to others meanwhile.
    pub steal_told: Shares,
    /// How long its workers waited for a core.
    pub wait_told: Shares,
    /// When its process did not run, the longest of those it noticed, in the order of time.
    pub stopped: Vec<(UnixMicros, UnixMicros)>,
    /// Process CPU as it beat last.
    pub cpu: Option<f64>,
}

/// A share that each window told of itself: over all of them, and the highest. Summed in whole millionths, so
/// that the order in which windows come makes no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    told_us: u128,
    weighted_millionths: u128,
    highest_millionths: u64,
}

/// What a share of one is in [`Shares`].
const WHOLE: f64 = 1e6;

impl Shares {
    fn add(&mut self, share: Option<f64>, length_us: i64) {
        let Some(share) = share else { return };
        let millionths = (share.clamp(0.0, 1.0) * WHOLE).round() as u64;
        let length_us = u128::from(length_us.unsigned_abs());
        self.told_us += length_us;
        self.weighted_millionths += length_us * u128::from(millionths);
        self.highest_millionths = self.highest_millionths.max(millionths);
    }

    /// Over all windows that told it, by their length; `None` where none did.
    pub fn mean(&self) -> Option<f64> {
        (self.told_us > 0).then(|| self.weighted_millionths as f64 / self.told_us as f64 / WHOLE)
    }

    /// In the window in which it was highest.
    pub fn max(&self) -> Option<f64> {
        (self.told_us > 0).then(|| self.highest_millionths as f64 / WHOLE)
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
        self.latencies.merge(&window.latencies);
        self.busy_max = Some(self.busy_max.unwrap_or(0.0).max(window.busy));
        let length_us = window.to_us.saturating_sub(window.from_us);
        if length_us >= MIN_BUSY_WINDOW_US {
            // Shorter ones are also too short for the kernel's ticks.
            self.cpu_told.add(window.machine.cpu, length_us);
            self.steal_told.add(window.machine.steal, length_us);
            self.wait_told.add(window.machine.wait, length_us);
            self.judged += 1;
            self.busy += u64::from(window.busy >= BUSY);
        }
        self.stopped(&window.machine.stopped);
        if highest.is_none_or(|highest| window.seq > highest) {
            self.at_window = window.counters.clone();
            self.to_us = Some(window.to_us);
        }
        self.hear(&window.counters, now_us);
        if window.is_final {
            self.final_seq = Some(window.seq);
            self.newest = window.counters.clone();
            self.ending = window.ending.clone();
        }
        true
    }

    /// Takes pauses. Of more than there is room for the longest stay, so that the order in which windows come makes no
    /// difference.
    fn stopped(&mut self, pauses: &[(UnixMicros, UnixMicros)]) {
        self.stopped.extend_from_slice(pauses);
        if self.stopped.len() > MAX_PAUSES {
            self.stopped.sort_by_key(|(from, to)| (std::cmp::Reverse(to.saturating_sub(*from)), *from));
            self.stopped.truncate(MAX_PAUSES);
        }
        self.stopped.sort_unstable();
    }

    /// Takes counters, where they are no older than those known. They only ever grow, so the further they
    /// got the newer they are, whichever topic brought them first. The final window has the last word.
    pub fn hear(&mut self, counters: &Counters, now_us: UnixMicros) {
        let progress = |counters: &Counters| counters.scheduled + counters.completed + counters.failed;
        if self.final_seq.is_none() && progress(counters) >= progress(&self.newest) {
            self.newest = counters.clone();
            self.newest_at = self.newest_at.max(Some(now_us));
        }
    }

    /// The counters that the histograms are measured against: live those of the last window, for a
    /// heartbeat is ahead of it; once no more comes, the driver's last word.
    pub fn measured(&self, over: bool) -> &Counters {
        if over { &self.newest } else { &self.at_window }
    }

    /// Completed requests after the warm-up, and how many of them the histograms hold.
    pub fn completed(&self, over: bool) -> (u64, u64) {
        let counters = self.measured(over);
        let completed = counters.completed.saturating_sub(counters.warmup.completed);
        let held = self.latencies.of(LatencyKind::Response).count();
        let held = held.saturating_sub(self.latencies.of(LatencyKind::FailedResponse).count());
        (completed, held.min(completed))
    }
}

/// Whether all counts are numbers that requests can reach, so that sums of them cannot overflow.
pub fn believable(counters: &Counters) -> bool {
    let warmup = &counters.warmup;
    let own = [
        counters.scheduled,
        counters.sent,
        counters.completed,
        counters.failed,
        counters.dropped_in_flight,
        counters.dropped_late,
        counters.closed_on_reuse,
        counters.bytes_received,
        counters.completed_in_schedule,
        counters.short_gaps,
        warmup.scheduled,
        warmup.sent,
        warmup.completed,
        warmup.failed,
        warmup.dropped_in_flight,
        warmup.dropped_late,
        warmup.cancelled,
        warmup.closed_on_reuse,
        warmup.short_gaps,
    ];
    let errors = counters.errors.values().chain(warmup.errors.values());
    let status_codes = counters.status_codes.values().chain(warmup.status_codes.values());
    own.iter().chain(errors).chain(status_codes).all(|n| *n <= MAX_COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(scheduled: u64, completed: u64) -> Counters {
        Counters { scheduled, sent: scheduled, completed, ..Counters::default() }
    }

    #[test]
    fn the_newest_word_counts_whichever_topic_brings_it_first() {
        let mut windows = Windows::default();
        windows.hear(&counted(20, 18), 200);
        windows.hear(&counted(10, 9), 300);
        assert_eq!(
            (windows.newest.sent, windows.newest_at),
            (20, Some(200)),
            "an older word changes nothing"
        );
        windows.hear(&counted(20, 18), 400);
        assert_eq!(windows.newest_at, Some(400), "the same word again is as new as it is");
    }

    #[test]
    fn shares_are_weighed_by_the_length_of_their_windows() {
        let mut shares = Shares::default();
        assert_eq!((shares.mean(), shares.max()), (None, None));
        shares.add(None, 1_000_000);
        assert_eq!(shares.mean(), None, "not told is not zero");
        for (share, length_us) in [(0.5, 1_000_000), (1.0, 1_000_000), (0.0, 500_000)] {
            shares.add(Some(share), length_us);
        }
        assert_eq!((shares.mean(), shares.max()), (Some(0.6), Some(1.0)));
    }

    #[test]
    fn absurd_counts_are_not_believed() {
        assert!(believable(&counted(MAX_COUNT, 0)));
        assert!(!believable(&counted(MAX_COUNT + 1, 0)));
        let status_codes = [(200, u64::MAX)].into();
        assert!(!believable(&Counters { status_codes, ..Counters::default() }));
    }
}
