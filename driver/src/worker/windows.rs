//! One worker's windows: what fell due, was sent and came back in each second since `start_at`. Due times
//! and ends belong to different windows, so a window stays open until both are past. Pure: time is an
//! argument.

use std::collections::VecDeque;

use common::counters::Counters;
use common::latency::Latencies;

use crate::start_at::Nanos;

/// Length of a window.
pub const WINDOW: Nanos = 1_000_000_000;

/// A window that nothing can be added to any more.
#[derive(Debug)]
pub struct Closed {
    /// Seconds since `start_at`, from 0.
    pub index: u64,
    /// What it adds to the counters.
    pub counters: Counters,
    /// Its samples.
    pub latencies: Box<Latencies>,
}

#[derive(Debug)]
struct Open {
    counters: Counters,
    latencies: Box<Latencies>,
}

/// The windows that are still open, and the sum of those that are not.
#[derive(Debug)]
pub struct Windows {
    first: u64,
    open: VecDeque<Open>,
    closed: Counters,
}

impl Default for Windows {
    fn default() -> Self {
        Self::new()
    }
}

impl Windows {
    /// No window was closed.
    pub fn new() -> Self {
        Self { first: 0, open: VecDeque::new(), closed: Counters::default() }
    }

    /// The counters and samples of the window of an instant; of the oldest one that is open where its own is
    /// closed.
    pub fn at(&mut self, at: Nanos) -> (&mut Counters, &mut Latencies) {
        let index = u64::try_from(at.div_euclid(WINDOW)).unwrap_or(0).max(self.first);
        let place = usize::try_from(index - self.first).unwrap_or(0);
        while self.open.len() <= place {
            self.open.push_back(Open { counters: Counters::default(), latencies: Box::default() });
        }
        let open = &mut self.open[place];
        (&mut open.counters, &mut open.latencies)
    }

    /// Closes the oldest window where it is past, and all ticks due in it have been handled (`next_due` is
    /// the first that has not; `None`: there are no more). `busy` says whether it was without idle time:
    /// then a tick that met the in-flight bound is late, because a worker without idle time cannot blame the target.
    pub fn close_next(&mut self, now: Nanos, next_due: Option<Nanos>, busy: bool) -> Option<Closed> {
        let end = self.end_of_first();
        let all_due = next_due.is_none_or(|due| due >= end);
        (now >= end && all_due).then(|| self.close(busy))
    }

    /// When the oldest open window ends.
    pub fn end_of_first(&self) -> Nanos {
        Nanos::try_from(self.first)
            .unwrap_or(Nanos::MAX / WINDOW - 1)
            .saturating_add(1)
            .saturating_mul(WINDOW)
    }

    /// Closes the oldest window, past or not; at the end of the load.
    pub fn close(&mut self, busy: bool) -> Closed {
        let Open { mut counters, latencies } = self
            .open
            .pop_front()
            .unwrap_or_else(|| Open { counters: Counters::default(), latencies: Box::default() });
        if busy {
            counters.dropped_late += std::mem::take(&mut counters.dropped_in_flight);
            counters.warmup.dropped_late += std::mem::take(&mut counters.warmup.dropped_in_flight);
        }
        self.closed.add(&counters);
        let index = self.first;
        self.first += 1;
        Closed { index, counters, latencies }
    }

    /// The index of the last window of a load that ends now: that of the last nanosecond before, of the newest that
    /// holds something, and no lower than the oldest that is open.
    pub fn last_index(&self, now: Nanos) -> u64 {
        let of_now = u64::try_from((now - 1).div_euclid(WINDOW)).unwrap_or(0);
        let newest = self.first + (self.open.len() as u64).saturating_sub(1);
        of_now.max(newest)
    }

    /// All counters since the start.
    pub fn total(&self) -> Counters {
        let mut total = self.closed.clone();
        self.open.iter().for_each(|open| total.add(&open.counters));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = WINDOW;

    #[test]
    fn a_window_closes_when_it_is_past_and_its_ticks_are_handled() {
        let mut windows = Windows::new();
        windows.at(S / 2).0.scheduled += 1;
        windows.at(S + 1).0.completed += 1;
        let table = [
            ("it is not past", S - 1, Some(2 * S), false),
            ("a tick due in it waits", S, Some(S - 1), false),
            ("past and handled", S, Some(S), true),
            ("the next one is not past", S, None, false),
            ("it is", 2 * S, None, true),
        ];
        for (caption, now, next_due, closes) in table {
            assert_eq!(windows.close_next(now, next_due, false).is_some(), closes, "{caption}");
        }
        assert_eq!((windows.total().scheduled, windows.total().completed), (1, 1));
    }

    #[test]
    fn windows_are_numbered_without_a_gap_though_nothing_happened() {
        let mut windows = Windows::new();
        windows.at(3 * S).0.sent += 1;
        let closed: Vec<_> = std::iter::from_fn(|| windows.close_next(4 * S, None, false)).collect();
        let numbered: Vec<_> = closed.iter().map(|closed| (closed.index, closed.counters.sent)).collect();
        assert_eq!(numbered, [(0, 0), (1, 0), (2, 0), (3, 1)]);
    }

    #[test]
    fn a_late_sample_counts_in_the_oldest_open_window() {
        let mut windows = Windows::new();
        windows.close(false);
        windows.at(10).1.of_mut(common::latency::LatencyKind::Lag).record_us(5);
        assert_eq!(windows.close(false).latencies.of(common::latency::LatencyKind::Lag).count(), 1);
    }

    #[test]
    fn a_worker_that_was_always_busy_blames_itself() {
        let mut windows = Windows::new();
        windows.at(0).0.dropped_in_flight += 3;
        let closed = windows.close(true);
        assert_eq!((closed.counters.dropped_in_flight, closed.counters.dropped_late), (0, 3));
    }
}
