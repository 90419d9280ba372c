//! What sessions that never began would have done. A dropped session is one dropped request in the counts; in percentiles
//! it counts as slower than any good answer as often as a started session sent that request on average, because none
//! of its answers arrived. Without sessions it adds nothing.

use common::counters::Counters;
use common::session_figures::SessionCounters;

/// Most that is made of it: counts of a driver are below 2^53, but a quotient of them is not, and to this one they can be added.
const MOST: u64 = 1 << 62;

/// Sessions after the warm-up that began, and that never did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unstarted {
    started: u64,
    dropped: u64,
}

impl Unstarted {
    /// Of sessions after the warm-up.
    pub fn of(sessions: &SessionCounters) -> Self {
        Self { started: sessions.started, dropped: sessions.dropped }
    }

    /// How often the dropped sessions would have done what the started ones did `n` times, rounded up, 2^62 at most; 0 where
    /// none began.
    pub fn would_have(self, n: u64) -> u64 {
        if self.started == 0 {
            return 0;
        }
        let times = (u128::from(self.dropped) * u128::from(n)).div_ceil(u128::from(self.started));
        u64::try_from(times).unwrap_or(u64::MAX).min(MOST)
    }

    /// All requests that count as slower than any completed one.
    pub fn slower(self, counters: &Counters) -> u64 {
        counters.slower() + self.beyond(counters)
    }

    /// Requests that count as slower than any completed one, beyond those that the counters have: of all requests, or of
    /// those of one name.
    pub fn beyond(self, counters: &Counters) -> u64 {
        let warmup = &counters.warmup;
        let sent = counters.sent.saturating_sub(warmup.sent);
        let counted = counters.dropped().saturating_sub(warmup.dropped_in_flight + warmup.dropped_late);
        self.would_have(sent).saturating_sub(counted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(caption: &str, started: u64, dropped: u64, sent: u64, counted: u64, expected: u64) {
        let unstarted = Unstarted { started, dropped };
        let counters =
            Counters { scheduled: sent + counted, sent, dropped_late: counted, ..Counters::default() };
        assert_eq!(unstarted.beyond(&counters), expected, "{caption}");
    }

    #[test]
    fn a_dropped_session_counts_as_often_as_a_started_one_sends() {
        check("no sessions", 0, 0, 100, 7, 0);
        check("no session began", 0, 5, 0, 5, 0);
        check("none dropped", 10, 0, 40, 0, 0);
        check("four requests a session, one of them counted as dropped", 10, 5, 40, 5, 15);
        check("a name that every second session sends", 10, 5, 5, 0, 3);
        check("a name that the counters have as dropped more often", 10, 5, 5, 5, 0);
        check("one request a session: the counters have all of it", 100, 30, 100, 30, 0);
        check("large counts", 1 << 52, 1 << 52, 1 << 52, 0, 1 << 52);
        check("one that began, of so many that no number holds the rest", 1, 1 << 52, 1 << 52, 0, MOST);
    }
}
