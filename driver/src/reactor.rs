//! What this thread's runtime did last: when it came back from waiting for the kernel, and how long it has
//! waited in all. A worker's thread is built with these hooks; elsewhere the figures stay at zero.

use std::cell::Cell;
use std::time::{Duration, Instant};

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

/// How long ago the runtime last came back from waiting. An upper bound for how late an event is handled: a
/// busy runtime also looks for events without waiting, which no hook tells.
pub fn since_wait() -> Duration {
    RETURNED.get().map_or(Duration::ZERO, |returned| returned.elapsed())
}

/// How long the runtime has waited since the thread began.
pub fn waited() -> Duration {
    WAITED.get()
}

/// What share of its time a thread was busy, from two readings of the clock and of [`waited`].
#[derive(Debug, Clone, Copy)]
pub struct BusyMeter {
    at: Instant,
    waited: Duration,
}

impl BusyMeter {
    /// Begins now.
    pub fn start() -> Self {
        Self { at: Instant::now(), waited: waited() }
    }

    /// The share since the start or the last call, 0 to 1; 0 on a thread without the hooks.
    pub fn lap(&mut self) -> f64 {
        let now = Self::start();
        let wall = now.at.duration_since(self.at).as_secs_f64();
        let waited = now.waited.saturating_sub(self.waited).as_secs_f64();
        *self = now;
        if wall > 0.0 && RETURNED.get().is_some() { (1.0 - waited / wall).clamp(0.0, 1.0) } else { 0.0 }
    }
}
