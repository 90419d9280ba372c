//! When the whole process did not run at all: SIGSTOP, Ctrl-Z, a frozen container, a host that was suspended.
//!
//! A stopped process cannot note that it is stopped, and its threads do not wait for a core meanwhile, so that no
//! count of the kernel shows it. What shows it is a gap between two looks at the clock, in which the process neither
//! used CPU nor waited for a core: had another program held the cores, the looking thread would have waited for one.
//! So a thread looks every 25 ms while a test runs. It costs one read and two clocks a look, 40 times a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cpu::used;
use crate::schedstat::Schedstat;

const EVERY: Duration = Duration::from_millis(25);

/// A shorter gap does not count as a pause: a busy machine causes such gaps, and they explain no figure.
const SHORTEST: Duration = Duration::from_millis(100);

/// Share of a gap that the process may have used CPU, or the looking thread may have waited for a core: it runs again
/// before it looks again.
const RAN: f64 = 0.2;

/// Most pauses that are kept until they are asked for; later ones are left out.
const MAX_KEPT: usize = 16;

/// A span in which the process did not run.
pub type Pause = (Instant, Instant);

/// What one look saw.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    /// CPU time of the process.
    used: Duration,
    /// How long the looking thread has waited for a core.
    waited: Duration,
}

/// The pause between two looks, if there was one.
fn between(before: Look, now: Look) -> Option<Pause> {
    let gap = now.at.saturating_duration_since(before.at);
    let most = gap.mul_f64(RAN);
    let ran = now.used.saturating_sub(before.used) > most;
    let waited = now.waited.saturating_sub(before.waited) > most;
    (gap >= SHORTEST + EVERY && !ran && !waited).then_some((before.at, now.at))
}

/// Looks for pauses until it is dropped.
#[derive(Debug)]
pub struct PauseWatch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    over: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The looking thread's own counts; `None` until it runs, or where the kernel counts nothing.
    stat: Option<Schedstat>,
    last: Option<Look>,
    pauses: Vec<Pause>,
}

impl Seen {
    /// Looks. Only the looking thread does: while it waits for a core, the kernel has not counted that wait yet, and
    /// another thread would take it for a pause.
    fn look(&mut self) {
        let Some(waited) = self.stat.as_ref().and_then(Schedstat::waited) else { return };
        let now = Look { at: Instant::now(), used: used(), waited };
        let pause = self.last.replace(now).and_then(|before| between(before, now));
        if self.pauses.len() < MAX_KEPT {
            self.pauses.extend(pause);
        }
    }
}

impl PauseWatch {
    /// Starts looking, on a thread of its own.
    ///
    /// # Errors
    /// Where the kernel gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let watched = Arc::new(Watched { over: AtomicBool::new(false), seen: Mutex::default() });
        let shared = Arc::clone(&watched);
        std::thread::Builder::new().name("pauses".to_owned()).spawn(move || {
            shared.seen.lock().unwrap_or_else(PoisonError::into_inner).stat = Schedstat::of_this_thread();
            while !shared.over.load(Ordering::Relaxed) {
                shared.seen.lock().unwrap_or_else(PoisonError::into_inner).look();
                std::thread::sleep(EVERY);
            }
        })?;
        Ok(Self(watched))
    }

    /// The pauses that were seen since it was asked last.
    pub fn take(&self) -> Vec<Pause> {
        std::mem::take(&mut self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).pauses)
    }
}

impl Drop for PauseWatch {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_gap_in_which_nothing_ran_and_nothing_waited() {
        let ms = Duration::from_millis;
        let start = Instant::now();
        let before = Look { at: start, used: ms(700), waited: ms(40) };
        let look = |at: u64, used: u64, waited: u64| {
            let now =
                Look { at: start + ms(at), used: before.used + ms(used), waited: before.waited + ms(waited) };
            between(before, now).is_some()
        };
        let table = [
            ("an ordinary look", look(25, 1, 0), false),
            ("too short to name", look(110, 0, 0), false),
            ("stopped", look(840, 2, 1), true),
            ("the process ran: the looking thread alone did not", look(840, 500, 0), false),
            ("something else held the cores", look(840, 3, 800), false),
            ("stopped, and then the cores were busy for a while", look(840, 10, 90), true),
        ];
        for (caption, is_pause, expected) in table {
            assert_eq!(is_pause, expected, "{caption}");
        }
        let now = Look { at: start + ms(840), ..before };
        assert_eq!(between(before, now), Some((start, start + ms(840))));
    }
}
