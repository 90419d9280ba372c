//! A second of the fleet as a comparison needs it: what ended and what was due in it after the warm-up.

use common::latency::{LatencyKind, Outcome};

use super::series::Second;
use super::unstarted::Unstarted;
use crate::statistics::Window;

/// A second of a test for a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedSecond {
    /// The second, counted from the start.
    pub seq: u64,
    /// Ticks after the warm-up that fell due in it (closed loop: attempts begun).
    pub scheduled: u64,
    /// What ended in it; the caller sets how much of the schedule it is.
    pub window: Window,
}

impl ComparedSecond {
    /// Of a second whose counts are its own.
    pub fn of(second: &Second) -> Self {
        let counters = &second.figures.all.counters;
        let after = counters.after_warmup();
        let cancelled = after.errors_of(common::counters::ErrorKind::Cancelled);
        let failed = after.failed.saturating_sub(cancelled);
        let slower = counters.slower() + Unstarted::of(&second.sessions.counters()).beyond(counters);
        let spread = second.figures.all.latencies.spread(Outcome::Success, LatencyKind::Response, 0);
        let window = Window {
            slower,
            failed,
            ended: after.completed + failed,
            in_schedule: after.completed_in_schedule,
            ..Window::new(spread.samples().buckets())
        };
        Self { seq: second.seq, scheduled: after.scheduled, window }
    }
}
