//! The instant at which a test starts, and time counted from it.

use std::time::{Duration, Instant};

use common::clock::UnixMicros;

/// Nanoseconds since a test's `start_at` on the monotonic clock; negative before it.
pub type Nanos = i64;

/// The instant `start_at`, on both clocks: the monotonic one leads from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartAt {
    /// On this machine's monotonic clock.
    pub monotonic: Instant,
    /// Unix µs by the orchestrator's clock.
    pub unix_us: UnixMicros,
}

impl StartAt {
    /// Nanoseconds from the start to an instant; negative before the start.
    pub fn nanos(&self, at: Instant) -> Nanos {
        let nanos = |duration: Duration| Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX);
        match at.checked_duration_since(self.monotonic) {
            Some(since) => nanos(since),
            None => -nanos(self.monotonic.duration_since(at)),
        }
    }

    /// The instant so many nanoseconds after the start.
    pub fn instant(&self, nanos: Nanos) -> Instant {
        let distance = Duration::from_nanos(nanos.unsigned_abs());
        let moved = if nanos < 0 {
            self.monotonic.checked_sub(distance)
        } else {
            self.monotonic.checked_add(distance)
        };
        moved.unwrap_or(self.monotonic)
    }

    /// Unix µs by the orchestrator's clock, so many nanoseconds after the start.
    pub fn unix_us_at(&self, nanos: Nanos) -> UnixMicros {
        self.unix_us.saturating_add(nanos.div_euclid(1_000))
    }
}
