//! How often a driver publishes heartbeats. Pure.

use std::time::Duration;

/// The longest time between two heartbeats while a test runs: with them the orchestrator updates its counters between
/// two windows.
const RUNNING: Duration = Duration::from_millis(250);

/// How often a heartbeat is published, and how often it is checked whether one is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// The longest time between two heartbeats.
    every: Duration,
    /// Between two checks; `every` is a whole number of them.
    pub(super) look: Duration,
}

impl Pace {
    /// At least one heartbeat each `every`.
    pub(super) fn new(every: Duration) -> Self {
        let looks = every.as_nanos().div_ceil(RUNNING.as_nanos()).max(1);
        Self { every, look: every / u32::try_from(looks).unwrap_or(u32::MAX) }
    }

    /// Whether a heartbeat is due so long after the last one. A check comes some milliseconds late or early, so a
    /// heartbeat already counts as due a quarter of the time between two checks before its time.
    pub(super) fn is_due(self, since_last: Duration, running: bool) -> bool {
        let every = if running { self.every.min(RUNNING) } else { self.every };
        since_last + self.look * 3 / 4 >= every
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time between two heartbeats in ms, where each check comes so many ms late.
    #[track_caller]
    fn check(every_ms: u64, running: bool, late_ms: u64, expected_ms: u64) {
        let pace = Pace::new(Duration::from_millis(every_ms));
        let look = |n: u32| pace.look * n + Duration::from_millis(late_ms);
        let due = (1..).map(look).find(|since_last| pace.is_due(*since_last, running)).unwrap();
        assert_eq!(due, Duration::from_millis(expected_ms), "every {every_ms} ms, running: {running}");
    }

    #[test]
    fn no_two_beats_are_further_apart_than_is_set() {
        for (every_ms, idle_ms, running_ms) in [
            (1_000, 1_000, 250),
            (50, 50, 50),
            (250, 250, 250),
            (260, 260, 260), // one check more would double the heartbeats for 10 ms
            (400, 400, 200),
            (600, 600, 200),
            (10_000, 10_000, 250),
        ] {
            check(every_ms, false, 0, idle_ms);
            check(every_ms, true, 0, running_ms);
            check(every_ms, false, 4, idle_ms + 4);
        }
    }
}
