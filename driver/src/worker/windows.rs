//! One worker's windows: what fell due, was sent and came back in each second since `start_at`. Due times
//! and ends belong to different windows, so a window stays open until both are past. Pure: time is an
//! argument.

use std::collections::VecDeque;

use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::RequestName;
use common::session_figures::AllSessions;

use super::session_windows::OpenSessions;
use super::tally::Tally;
use crate::engine::RequestIndex;
use crate::scenario::script::Names;
use crate::start_at::Nanos;

/// Length of a window.
pub const WINDOW: Nanos = 1_000_000_000;

/// A window that nothing can be added to any more.
#[derive(Debug)]
pub struct Closed {
    /// Seconds since `start_at`, from 0.
    pub seq: u64,
    /// What it adds to the counters, and its samples.
    pub figures: Box<ByRequest<Figures>>,
    /// What it adds to the counts of sessions, groups and polls: of this window alone, counts as well as samples. `None`:
    /// the plan has no sessions.
    pub sessions: Option<Box<AllSessions>>,
    /// The most users that were noted in it; `None`: the load has no users.
    pub users: Option<u32>,
}

/// An open window: figures per request, so that recording an attempt touches one set. The sum over all requests is made
/// once, when the window closes.
#[derive(Debug)]
struct Open {
    requests: Box<[Tally]>,
    sessions: OpenSessions,
}

/// The windows that are still open, and the sum of those that are not.
#[derive(Debug)]
pub struct Windows {
    names: Names,
    first: u64,
    open: VecDeque<Open>,
    closed: Counters,
    /// The most users in the oldest open window so far.
    users: Option<u32>,
}

impl Windows {
    /// No window was closed. `names`: those of the plan's requests; empty where it has one request without a name.
    pub fn new(names: Box<[RequestName]>) -> Self {
        let part_of = vec![None; names.len()].into();
        Self::of_program(Names { requests: names, part_of, ..Names::default() })
    }

    /// No window was closed. Sessions are counted, too.
    pub fn of_program(names: Names) -> Self {
        Self { names, first: 0, open: VecDeque::new(), closed: Counters::default(), users: None }
    }

    /// What is counted of a request in the window of an instant; in the oldest one that is open where its own is closed.
    #[inline]
    pub fn at(&mut self, at: Nanos, request: RequestIndex) -> &mut Tally {
        &mut self.window(at).requests[usize::from(request)]
    }

    /// What is counted of sessions in the window of an instant, as [`Windows::at`] chooses it.
    #[inline]
    pub fn sessions(&mut self, at: Nanos) -> &mut OpenSessions {
        &mut self.window(at).sessions
    }

    /// Notes how many users there are, in the oldest open window: that of the present, where it is called before a window
    /// that is past is closed.
    pub fn note_users(&mut self, users: u32) {
        self.users = self.users.max(Some(users));
    }

    #[inline]
    fn window(&mut self, at: Nanos) -> &mut Open {
        let seq = u64::try_from(at.div_euclid(WINDOW)).unwrap_or(0).max(self.first);
        let index = usize::try_from(seq - self.first).unwrap_or(0);
        while self.open.len() <= index {
            self.open.push_back(self.empty());
        }
        &mut self.open[index]
    }

    fn empty(&self) -> Open {
        let requests = (0..self.names.requests.len().max(1)).map(|_| Tally::default()).collect();
        Open { requests, sessions: OpenSessions::new(&self.names) }
    }

    /// Closes the oldest window where it is past, and all ticks due in it have been handled (`next_due` is
    /// the first that has not; `None`: there are no more). `busy` says whether it was without idle time:
    /// then a tick that found no free place is late, because a worker without idle time cannot blame the target.
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
        let mut open = self.open.pop_front().unwrap_or_else(|| self.empty());
        if busy {
            for Tally { counters, .. } in &mut open.requests {
                counters.dropped_late += std::mem::take(&mut counters.dropped_in_flight);
                counters.warmup.dropped_late += std::mem::take(&mut counters.warmup.dropped_in_flight);
            }
        }
        let figures = Box::new(self.summed(open.requests.into_iter().map(Tally::figures).collect()));
        self.closed += &figures.all.counters;
        let seq = self.first;
        self.first += 1;
        let has_sessions = !self.names.scenarios.is_empty();
        let sessions = has_sessions.then(|| Box::new(open.sessions.named(&self.names)));
        Closed { seq, figures, sessions, users: self.users.take() }
    }

    /// Each attempt was counted under one name. What counts under a value of `split_by` is part of its request, too.
    fn summed(&self, mut of_each: Box<[Figures]>) -> ByRequest<Figures> {
        if self.names.requests.is_empty() {
            return ByRequest::unnamed(of_each.into_iter().next().unwrap_or_default());
        }
        let mut all = Figures::default();
        of_each.iter().for_each(|figures| all += figures);
        for (at, whole) in self.names.part_of.iter().enumerate() {
            if let Some(whole) = whole.map(usize::from)
                && let Ok([part, whole]) = of_each.get_disjoint_mut([at, whole])
            {
                *whole += part;
            }
        }
        let is_apart = |at: usize| self.names.apart.get(at).copied().unwrap_or(false);
        let named = self.names.requests.iter().cloned().zip(of_each).enumerate();
        ByRequest { all, named: named.filter(|(at, _)| !is_apart(*at)).map(|(_, named)| named).collect() }
    }

    /// The number of the last window of a load that ends now: that of the last nanosecond before, of the newest that
    /// holds something, and no lower than the oldest that is open.
    pub fn last_seq(&self, now: Nanos) -> u64 {
        let of_now = u64::try_from((now - 1).div_euclid(WINDOW)).unwrap_or(0);
        let newest = self.first + (self.open.len() as u64).saturating_sub(1);
        of_now.max(newest)
    }

    /// All counters since the start.
    pub fn total(&self) -> Counters {
        let mut total = self.closed.clone();
        let open = self.open.iter().flat_map(|open| &open.requests);
        open.for_each(|tally| total += &tally.counters);
        total
    }
}

#[cfg(test)]
mod tests {
    use common::latency::LatencyKind;

    use super::*;

    const S: Nanos = WINDOW;

    #[test]
    fn a_window_closes_when_it_is_past_and_its_ticks_are_handled() {
        let mut windows = Windows::new(Box::default());
        windows.at(S / 2, 0).counters.scheduled += 1;
        windows.at(S + 1, 0).counters.completed += 1;
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
        let mut windows = Windows::new(Box::default());
        windows.at(3 * S, 0).counters.sent += 1;
        let closed: Vec<_> = std::iter::from_fn(|| windows.close_next(4 * S, None, false)).collect();
        let numbered: Vec<_> =
            closed.iter().map(|closed| (closed.seq, closed.figures.all.counters.sent)).collect();
        assert_eq!(numbered, [(0, 0), (1, 0), (2, 0), (3, 1)]);
    }

    #[test]
    fn a_late_sample_counts_in_the_oldest_open_window() {
        let mut windows = Windows::new(Box::default());
        windows.close(false);
        windows.at(10, 0).record_us(LatencyKind::Lag, 5);
        assert_eq!(windows.close(false).figures.all.latencies.of(LatencyKind::Lag).count(), 1);
    }

    #[test]
    fn a_window_has_the_most_users_that_were_noted_in_it() {
        let mut windows = Windows::new(Box::default());
        [3, 7, 5].into_iter().for_each(|users| windows.note_users(users));
        assert_eq!(windows.close(false).users, Some(7));
        windows.note_users(0);
        assert_eq!((windows.close(false).users, windows.close(false).users), (Some(0), None));
    }

    #[test]
    fn a_worker_that_was_always_busy_blames_itself() {
        let mut windows = Windows::new(Box::default());
        windows.at(0, 0).counters.dropped_in_flight += 3;
        let counters = windows.close(true).figures.all.counters;
        assert_eq!((counters.dropped_in_flight, counters.dropped_late), (0, 3));
    }

    #[test]
    fn a_window_has_the_figures_of_each_name_and_their_sum() {
        let names = ["login", "buy"].map(|name| RequestName::new(name).unwrap());
        let mut windows = Windows::new(names.clone().into());
        windows.at(5, 0).counters.sent += 2;
        windows.at(6, 1).counters.sent += 3;
        windows.at(6, 1).ended(40, 70, true);
        assert_eq!(windows.total().sent, 5, "of open windows, too");
        let Closed { figures, .. } = windows.close(false);
        assert_eq!(names.each_ref().map(|name| figures.named[name].counters.sent), [2, 3]);
        assert_eq!((figures.all.counters.sent, windows.total().sent), (5, 5));
        assert_eq!(figures.all.latencies, figures.named[&names[1]].latencies);
        assert_eq!(windows.close(false).figures.named.len(), 2, "also of a window without any request");
    }
}
