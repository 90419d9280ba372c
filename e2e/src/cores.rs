//! Cores: what runs where, who takes them, and what a process used of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The kernel counts a process's time in hundredths of a second, on every machine that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A burner that is not stopped stops by itself after this time.
const BURN_AT_MOST: Duration = Duration::from_secs(60);

/// The cores that we may use.
pub fn cores() -> Vec<usize> {
    let may = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|core| may.is_set(*core)).collect()
}

fn stay_on(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).unwrap();
}

/// Does something on one core; processes that are started there stay there.
pub fn on_core<T: Send>(core: usize, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            stay_on(core);
            work()
        });
        match pinned.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// A thread that wants all of a core, until it is dropped.
pub struct Burner {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Burner {
    pub fn on(core: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            stay_on(core);
            let started = Instant::now();
            while !stopped.load(Ordering::Relaxed) && started.elapsed() < BURN_AT_MOST {
                for _ in 0..10_000 {
                    std::hint::spin_loop();
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a process uses of a core, from now on.
pub struct Usage {
    pid: u32,
    used_before: f64,
    since: Instant,
}

impl Usage {
    pub fn of(pid: u32) -> Self {
        Self { pid, used_before: seconds_used(pid), since: Instant::now() }
    }

    /// Cores used since then, on average.
    pub fn cores(&self) -> f64 {
        (seconds_used(self.pid) - self.used_before) / self.since.elapsed().as_secs_f64()
    }
}

/// User and system time of a process with all its threads.
fn seconds_used(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name, in parentheses, may hold anything; after it utime and stime are the 12th and 13th field.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / TICKS_PER_SECOND
}
