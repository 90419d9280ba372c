//! When requests fall due, and what becomes of each: pure rules. Time is an argument, in nanoseconds since
//! the test's `start_at`; nothing here knows a clock, a socket or a runtime.

mod backoff;
mod changing;
mod closed_loop;
mod open_loop;
mod schedule;

pub use backoff::Backoff;
pub use changing::Changing;
pub use closed_loop::{Attempts, Grant, PERMIT_LAPSES_AFTER, Permits};
pub use open_loop::{Decision, Judged, OpenLoop, Rules};
pub(crate) use schedule::nanos;
pub use schedule::{Own, Schedule, Tick};
