//! The two clocks that rules take as an argument: one that never goes back, for how long something took,
//! and the wall clock, for when it happened.
//!
//! The wall clock can be set while a test is under way: by an hour, by a person or by NTP after a long sleep. A test
//! has instants of both kinds, and they must agree: its start is a time of day that drivers share, its end is that
//! start plus its duration, and the age of a window is a difference of two arrivals. So while a test is under way the
//! clock is *held*: the time of day is the instant at which the hold began plus the time that has passed since. REST
//! returns this time to drivers as well. Between tests it is the wall clock again. A restart of the orchestrator in the
//! middle of a test ends the hold: the new process cannot know how the wall clock was set before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use common::clock::{self, UnixMicros};

/// An instant, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the orchestrator started; never goes back.
    pub elapsed: Duration,
    pub unix_us: UnixMicros,
}

impl Now {
    /// Converts an instant of the wall clock to the monotonic clock; zero where it is before the orchestrator's start.
    pub fn elapsed_at(&self, unix_us: UnixMicros) -> Duration {
        let ahead_us = unix_us.saturating_sub(self.unix_us);
        let by = Duration::from_micros(ahead_us.unsigned_abs());
        if ahead_us >= 0 { self.elapsed.saturating_add(by) } else { self.elapsed.saturating_sub(by) }
    }
}

/// Value of [`Clock`]'s `held` while the clock is not held.
const FREE: i64 = i64::MIN;

/// Reads both clocks. The monotonic one is tokio's, so tests can pause it. Clones share whether it is held.
#[derive(Debug, Clone)]
pub struct Clock {
    started: tokio::time::Instant,
    wall: fn() -> UnixMicros,
    /// The time of day at the start, by the wall clock as it was when the clock was held; or [`FREE`].
    held: Arc<AtomicI64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    pub fn new() -> Self {
        Self::with_wall(clock::unix_us)
    }

    /// The same, with another wall clock.
    pub fn with_wall(wall: fn() -> UnixMicros) -> Self {
        Self { started: tokio::time::Instant::now(), wall, held: Arc::new(AtomicI64::new(FREE)) }
    }

    pub fn now(&self) -> Now {
        let elapsed = self.started.elapsed();
        let unix_us = match self.held.load(Ordering::Relaxed) {
            FREE => (self.wall)(),
            at_start => at_start.saturating_add(micros(elapsed)),
        };
        Now { elapsed, unix_us }
    }

    /// This instant by the wall clock.
    pub fn unix_us(&self) -> UnixMicros {
        self.now().unix_us
    }

    /// From now on the time of day advances with the monotonic clock, whatever happens to the wall clock.
    pub fn hold(&self) {
        let at_start = (self.wall)().saturating_sub(micros(self.started.elapsed()));
        // A clock that is already held keeps its reference.
        let _ = self.held.compare_exchange(FREE, at_start, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The time of day is the wall clock's again.
    pub fn release(&self) {
        self.held.store(FREE, Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_held_does_not_follow_the_wall_clock() {
        static WALL: AtomicI64 = AtomicI64::new(6_000_000);
        let clock = Clock::with_wall(|| WALL.load(Ordering::Relaxed));
        clock.clone().hold();
        let held = clock.now();
        assert!((6_000_000..16_000_000).contains(&held.unix_us), "{held:?}");
        for step in [-3_600_000_000, 7_200_000_000] {
            WALL.fetch_add(step, Ordering::Relaxed);
            clock.hold();
            let now = clock.now();
            assert_eq!(now.unix_us - held.unix_us, micros(now.elapsed) - micros(held.elapsed), "{step}");
        }
        clock.release();
        assert_eq!(clock.unix_us(), 3_606_000_000);
    }
}
