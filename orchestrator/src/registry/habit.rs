//! When a node sends heartbeats: while idle, in a test, since its last test. For a classic node this is the only sign
//! whether its process still runs. Some send heartbeats all the time: when these stop, the process has ended. Others
//! send them only during a test: their silence between two tests means nothing.

use std::time::Duration;

/// A heartbeat that arrives within this time after the end of a test may have been sent before that end.
const STRAGGLES: Duration = Duration::from_secs(1);

/// A node that still sends heartbeats this long after the end of a test sends them while idle. Within this time, a node
/// that sends them only in tests may not have noticed the end yet.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// The heartbeats of one node, as far as they show its habit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habit {
    in_test: bool,
    beat_in_test: bool,
    /// When its last test ended, on the monotonic clock; `None`: it took part in none.
    rests_since: Option<Duration>,
    beat_since: bool,
    beats_idle: bool,
}

impl Habit {
    /// A test begins in which it takes part.
    pub fn test_began(&mut self) {
        (self.in_test, self.beat_in_test) = (true, false);
    }

    /// The test has ended.
    pub fn test_ended(&mut self, now: Duration) {
        self.in_test = false;
        self.rests_since = Some(now);
        self.beat_since = false;
    }

    /// A heartbeat arrived (not a `NO`).
    pub fn beat(&mut self, now: Duration) {
        self.beat_in_test |= self.in_test;
        let rests = self.rests_since.map(|since| now.saturating_sub(since));
        self.beat_since |= rests.is_none_or(|rests| rests > STRAGGLES);
        self.beats_idle |= !self.in_test && rests.is_none_or(|rests| rests > IDLE_AFTER);
    }

    /// It registered: a process with this id runs, even if it is not the earlier one.
    pub fn registered(&mut self) {
        self.beat_since = true;
    }

    /// Whether it has sent heartbeats while it took part in no test.
    pub fn beats_idle(&self) -> bool {
        self.beats_idle
    }

    /// Whether it has sent a heartbeat in the test that it takes part in.
    pub fn beat_in_test(&self) -> bool {
        self.in_test && self.beat_in_test
    }

    /// Whether it sends heartbeats while idle, and has sent none since the end of its last test: its process may have
    /// ended with that test.
    pub fn is_quiet_since_test(&self) -> bool {
        self.beats_idle && self.rests_since.is_some() && !self.beat_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens, and at which second.
    enum What {
        Beat(f64),
        Began,
        Ended(f64),
        Registered,
    }
    use What::{Beat, Began, Ended, Registered};

    #[track_caller]
    fn check(story: &str, happens: &[What], beats_idle: bool, beat_in_test: bool, quiet: bool) {
        let mut habit = Habit::default();
        let at = Duration::from_secs_f64;
        for what in happens {
            match what {
                Beat(seconds) => habit.beat(at(*seconds)),
                Began => habit.test_began(),
                Ended(seconds) => habit.test_ended(at(*seconds)),
                Registered => habit.registered(),
            }
        }
        let is = (habit.beats_idle(), habit.beat_in_test(), habit.is_quiet_since_test());
        assert_eq!(is, (beats_idle, beat_in_test, quiet), "{story}");
    }

    #[test]
    fn heartbeats_show_whether_a_node_sends_them_while_idle() {
        check("registered alone", &[], false, false, false);
        check("idle", &[Beat(1.0)], true, false, false);
        check("in its first test alone", &[Began, Beat(1.0)], false, true, false);
        check("in a test, of before it nothing", &[Beat(1.0), Began], true, false, false);
        let tests_only = [Began, Beat(1.0), Ended(9.0), Beat(9.9)];
        check("its last heartbeat of a test comes late", &tests_only, false, false, false);
        let goes_on = [Began, Beat(1.0), Ended(9.0), Beat(12.0), Beat(14.5)];
        check("heartbeats go on after the test", &goes_on, true, false, false);
    }

    #[test]
    fn one_that_sends_none_after_its_test_may_be_gone() {
        let gone = [Beat(1.0), Began, Beat(3.0), Ended(9.0)];
        check("no heartbeat since", &gone, true, false, true);
        let straggler = [Beat(1.0), Began, Ended(9.0), Beat(9.7)];
        check("one that was under way at the end", &straggler, true, false, true);
        let here = [Beat(1.0), Began, Ended(9.0), Beat(10.2)];
        check("one since", &here, true, false, false);
        let anew = [Beat(1.0), Began, Ended(9.0), Registered];
        check("registered again", &anew, true, false, false);
        let next = [Beat(1.0), Began, Ended(9.0), Began, Beat(11.0)];
        check("a heartbeat while the next test starts", &next, true, true, false);
    }
}
