//! What this thread did last: when it came back from waiting for the kernel, and how long it has waited in all,
//! in its runtime or in place. A worker's thread is built with these hooks; elsewhere the figures stay at zero.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::start_at::Nanos;

thread_local! {
    static RETURNED: Cell<Option<Instant>> = const { Cell::new(None) };
    static WENT: Cell<Option<Instant>> = const { Cell::new(None) };
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A runtime for one worker's thread, with the hooks.
///
/// # Errors
/// Where the kernel gives no epoll.
pub fn worker_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| WENT.set(Some(Instant::now())))
        .on_thread_unpark(|| {
            let now = Instant::now();
            RETURNED.set(Some(now));
            if let Some(went) = WENT.take() {
                WAITED.set(WAITED.get() + now.duration_since(went));
            }
        })
        .build()
}

/// When the runtime last came back from waiting; `None` where it never did, or has no hooks.
pub fn returned() -> Option<Instant> {
    RETURNED.get()
}

/// Nanoseconds since then. An upper bound for how late an event is handled: a busy runtime also polls for events
/// without waiting, and no hook is called for that.
pub fn since_wait() -> Option<Nanos> {
    returned().and_then(|returned| Nanos::try_from(returned.elapsed().as_nanos()).ok())
}

/// Counts a span of spinning, in which there was nothing to do, as waited.
pub fn spun(span: Duration) {
    WAITED.set(WAITED.get() + span);
}

/// What a look at the sockets costs by itself, about: that much of a wait in place is work.
const LOOK: Nanos = 700;

/// Counts a wait in place, with the whole thread, that ended at `woke` after so many nanoseconds.
pub fn dozed(span: Nanos, woke: Instant) {
    // Without the hooks the longer waits are not counted, and a thread that only dozed would seem busy for the rest.
    if RETURNED.get().is_none() {
        return;
    }
    RETURNED.set(Some(woke));
    spun(Duration::from_nanos(u64::try_from(span - LOOK).unwrap_or(0)));
}

/// How long the runtime has waited since the thread began.
pub fn waited() -> Duration {
    WAITED.get()
}

/// Shorter spans give no meaningful share: the last window of a test may be a few ms, spent on its last reports.
const SHORTEST_SPAN: Duration = Duration::from_millis(50);

/// What share of its time a thread was busy, from two readings of the clock and of [`waited`].
#[derive(Debug, Clone, Copy)]
pub struct BusyMeter {
    at: Instant,
    waited: Duration,
    last: f64,
}

impl BusyMeter {
    pub fn start() -> Self {
        Self::from(Instant::now(), waited())
    }

    fn from(at: Instant, waited: Duration) -> Self {
        Self { at, waited, last: 0.0 }
    }

    /// The share since the start or the last call, 0 to 1; 0 on a thread without the hooks. Less than 50 ms after the
    /// last call it returns that call's share again.
    pub fn lap(&mut self) -> f64 {
        if RETURNED.get().is_some() { self.lap_at(Instant::now(), waited()) } else { 0.0 }
    }

    fn lap_at(&mut self, now: Instant, waited: Duration) -> f64 {
        let span = now.saturating_duration_since(self.at);
        if span >= SHORTEST_SPAN {
            let waited_in_it = waited.saturating_sub(self.waited).as_secs_f64();
            let share = (1.0 - waited_in_it / span.as_secs_f64()).clamp(0.0, 1.0);
            *self = Self { at: now, waited, last: share };
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_what_was_not_waited_and_a_sliver_is_left_out() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut busy = BusyMeter::from(start, ms(500));
        let table = [
            ("a second, 750 ms of it waited", 1_000, 1_250, 0.25),
            ("a sliver without waiting", 1_003, 1_250, 0.25),
            ("it counts in the next span", 2_000, 1_250, 1.0),
        ];
        for (caption, now, waited, expected) in table {
            let share = busy.lap_at(start + ms(now), ms(waited));
            assert!((share - expected).abs() < 1e-9, "{caption}: {share}");
        }
    }

    #[test]
    fn the_hooks_separate_waiting_from_work() {
        let share = worker_runtime().unwrap().block_on(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let mut busy = BusyMeter::start();
            // Time has to pass: it is what is measured.
            tokio::time::sleep(Duration::from_millis(80)).await;
            busy.lap()
        });
        assert!(share < 0.5, "{share}");
    }
}
