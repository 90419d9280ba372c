//! The two clocks that rules take as an argument: one that never goes back, for how long something took,
//! and the wall clock, for when it happened.

use std::time::Duration;

use common::clock::{self, UnixMicros};

/// An instant, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since the orchestrator started; never goes back.
    pub elapsed: Duration,
    /// The wall clock.
    pub unix_us: UnixMicros,
}

impl Now {
    /// When something was due or happened on the never-going-back clock, given by the wall clock: now at the
    /// earliest of this orchestrator's life.
    pub fn elapsed_at(&self, unix_us: UnixMicros) -> Duration {
        let ahead_us = unix_us.saturating_sub(self.unix_us);
        let by = Duration::from_micros(ahead_us.unsigned_abs());
        if ahead_us >= 0 { self.elapsed.saturating_add(by) } else { self.elapsed.saturating_sub(by) }
    }
}

/// Reads both clocks. In tests the first stands still with tokio's.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: tokio::time::Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// Starts at zero.
    pub fn new() -> Self {
        Self { started: tokio::time::Instant::now() }
    }

    /// This instant.
    pub fn now(&self) -> Now {
        Now { elapsed: self.started.elapsed(), unix_us: clock::unix_us() }
    }
}
