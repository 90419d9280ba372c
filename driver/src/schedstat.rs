//! What the scheduler counts for a thread: how long it waited for a core although it could have run.
//!
//! A worker that is late looks the same from inside, whether it had too much to do or another program held its core.
//! The second figure of `/proc/thread-self/schedstat` shows which it was. `/proc/self/schedstat` shows the main
//! thread alone, so each thread opens its own file; the open file goes on showing that thread, whichever thread reads
//! it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The file of the thread that opens it.
const OWN: &str = "/proc/thread-self/schedstat";

/// Shorter spans give no meaningful share.
const MIN_ELAPSED: Duration = Duration::from_millis(50);

/// Three numbers of at most 20 digits.
const LINE: usize = 64;

/// The scheduler's counts of one thread.
#[derive(Debug)]
pub struct Schedstat(File);

impl Schedstat {
    /// Of the thread that calls it; `None` where the kernel has no such file, or counts nothing.
    pub fn of_this_thread() -> Option<Self> {
        let opened = Self(File::open(OWN).ok()?);
        opened.waited().is_some().then_some(opened)
    }

    /// How long the thread has waited for a core so far; `None` where the kernel does not count it.
    pub fn waited(&self) -> Option<Duration> {
        let mut line = [0; LINE];
        let n = self.0.read_at(&mut line, 0).ok()?;
        waited_in(std::str::from_utf8(&line[..n]).ok()?)
    }
}

/// Reads "ran waited slices", the first two in ns. A kernel that does not count writes "0 0 0".
fn waited_in(line: &str) -> Option<Duration> {
    let mut figures = line.split_whitespace().map(str::parse::<u64>);
    let (ran, waited, slices) = (figures.next()?.ok()?, figures.next()?.ok()?, figures.next()?.ok()?);
    ((ran, waited, slices) != (0, 0, 0)).then(|| Duration::from_nanos(waited))
}

/// The workers' threads of one driver, each with what it had waited when it was asked last.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<Mutex<Vec<(Schedstat, Duration)>>>);

impl Workers {
    /// Counts the thread that calls it from now on.
    pub fn join(&self) {
        if let Some(stat) = Schedstat::of_this_thread() {
            let waited = stat.waited().unwrap_or_default();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((stat, waited));
        }
    }

    /// How much longer each of them has waited than when it was asked last.
    fn lap(&self) -> Vec<Duration> {
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(stat, before): &mut (Schedstat, Duration)| {
            let waited = stat.waited()?;
            Some(waited.saturating_sub(std::mem::replace(before, waited)))
        };
        threads.iter_mut().filter_map(of).collect()
    }
}

/// Measures the share of a span that the workers waited for a core.
#[derive(Debug)]
pub struct WaitMeter {
    workers: Workers,
    at: Instant,
}

impl WaitMeter {
    pub fn start(workers: Workers) -> Self {
        workers.lap();
        Self { workers, at: Instant::now() }
    }

    /// The share since the last call, 0 to 1, of the worker that waited longest; `None` where the kernel does not
    /// count it, or too little time has passed.
    pub fn share(&mut self) -> Option<f64> {
        let now = Instant::now();
        let elapsed = now.duration_since(self.at);
        if elapsed < MIN_ELAPSED {
            return None;
        }
        self.at = now;
        let longest = self.workers.lap().into_iter().max()?;
        Some((longest.as_secs_f64() / elapsed.as_secs_f64()).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_figure_is_the_wait_and_zeros_mean_no_figure() {
        let table = [
            ("3141592 2718281 42\n", Some(2_718_281)),
            ("3141592 0 42\n", Some(0)),
            ("0 0 0\n", None),
            ("", None),
            ("1 2", None),
            ("1 x 3", None),
        ];
        for (line, expected) in table {
            assert_eq!(waited_in(line), expected.map(Duration::from_nanos), "{line:?}");
        }
    }

    #[test]
    fn a_worker_that_shares_its_core_is_seen_to_wait() {
        let pinned = || {
            let mut one = rustix::thread::CpuSet::new();
            let all = rustix::thread::sched_getaffinity(None).unwrap();
            one.set((0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap());
            rustix::thread::sched_setaffinity(None, &one).unwrap();
        };
        let spin = |span: Duration| {
            let until = Instant::now() + span;
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        };
        let workers = Workers::default();
        let joins = workers.clone();
        let span = Duration::from_millis(400);
        let worker = std::thread::spawn(move || {
            pinned();
            joins.join();
            let mut meter = WaitMeter::start(joins.clone());
            let other = std::thread::spawn(move || {
                pinned();
                spin(span);
            });
            spin(span);
            let share = meter.share();
            other.join().unwrap();
            (share, Schedstat::of_this_thread().is_some())
        });
        let (share, counted) = worker.join().unwrap();
        if counted {
            // Two threads on one core: each waits for about half of the time.
            assert!(share.is_some_and(|share| share > 0.2 && share <= 1.0), "{share:?}");
        } else {
            assert_eq!(share, None, "a kernel that counts nothing gives no share");
        }
    }
}
