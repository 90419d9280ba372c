//! A closed loop's limits: how many attempts, until when, and the permits of its ceiling.

use std::time::Duration;

use super::schedule::{Schedule, nanos};
use crate::start_at::Nanos;

/// How long after it fell due a permit may still be used.
pub const PERMIT_LAPSES_AFTER: Nanos = 10_000_000;

/// What a connection that is free to send may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    Now,
    WaitUntil(Nanos),
}

/// The permits of one worker: one falls due every 1 / target_throughput of the driver, shared out among its
/// workers like ticks; one that is older than [`PERMIT_LAPSES_AFTER`] has lapsed, so that a slow phase is
/// not made up for by a burst.
#[derive(Debug, Clone)]
pub struct Permits {
    schedule: Schedule,
    workers: u64,
    next: u64,
}

impl Permits {
    /// The permits of worker `worker` of `workers` (at least 1) of a driver with that ceiling (above zero).
    pub fn new(target_throughput_per_s: f64, worker: u32, workers: u32) -> Self {
        let schedule = Schedule::new(target_throughput_per_s, (0, 1), Duration::ZERO, None, None);
        Self { schedule, workers: u64::from(workers.max(1)), next: u64::from(worker) }
    }

    /// Takes a permit, if one is due and has not lapsed.
    pub fn take(&mut self, now: Nanos) -> Grant {
        self.skip_lapsed(now);
        let due = self.schedule.tick(self.next).map_or(Nanos::MAX, |permit| permit.due);
        if due > now {
            return Grant::WaitUntil(due);
        }
        self.next += self.workers;
        Grant::Now
    }

    fn skip_lapsed(&mut self, now: Nanos) {
        let oldest = now.saturating_sub(PERMIT_LAPSES_AFTER);
        if oldest <= 0 {
            return;
        }
        // Jump near, so that a long pause at a high rate takes no loop over its permits.
        let near = (oldest as f64 / self.schedule.interval_ns()) as u64;
        let behind = near.saturating_sub(2).saturating_sub(self.next);
        self.next += behind / self.workers * self.workers;
        while self.schedule.tick(self.next).is_some_and(|permit| permit.due < oldest) {
            self.next += self.workers;
        }
    }
}

/// How many attempts a worker's closed loop may still begin, and until when.
#[derive(Debug, Clone)]
pub struct Attempts {
    from: Nanos,
    until: Option<Nanos>,
    left: Option<u64>,
}

impl Attempts {
    /// A loop that begins at `start_at`, with a warm-up before `attempts` and `duration` begin.
    pub fn new(warmup: Duration, attempts: Option<u64>, duration: Option<Duration>) -> Self {
        let from = nanos(warmup);
        Self { from, until: duration.map(|duration| from.saturating_add(nanos(duration))), left: attempts }
    }

    /// Begins an attempt now, if one may begin: `Some(whether it belongs to the warm-up)`.
    pub fn begin(&mut self, now: Nanos) -> Option<bool> {
        if self.over(now) {
            return None;
        }
        let warmup = now < self.from;
        if let (false, Some(left)) = (warmup, self.left.as_mut()) {
            *left -= 1;
        }
        Some(warmup)
    }

    /// Whether no attempt may begin any more.
    pub fn over(&self, now: Nanos) -> bool {
        self.left == Some(0) || self.until.is_some_and(|until| now >= until)
    }

    /// Whether it ran out of attempts before its time.
    pub fn used_up(&self) -> bool {
        self.left == Some(0)
    }

    /// When the schedule proper begins: after the warm-up.
    pub fn from(&self) -> Nanos {
        self.from
    }

    /// When its time is over, if it has one.
    pub fn until(&self) -> Option<Nanos> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Nanos = 1_000_000;

    #[test]
    fn a_permit_may_be_used_up_to_10_ms_late_and_then_lapses() {
        let mut permits = Permits::new(500.0, 0, 1);
        let table = [
            ("the first at the start", 0, Grant::Now),
            ("the second 2 ms later", 0, Grant::WaitUntil(2 * MS)),
            ("it is used late", 9 * MS, Grant::Now),
            ("and the one at 4 ms", 9 * MS, Grant::Now),
            ("after a pause those before 20 ms have lapsed", 30 * MS, Grant::Now),
        ];
        for (caption, now, expected) in table {
            assert_eq!(permits.take(now), expected, "{caption}");
        }
        let left = std::iter::from_fn(|| (permits.take(30 * MS) == Grant::Now).then_some(())).count();
        assert_eq!(left, 5, "22, 24, 26, 28 and 30 ms");
        assert_eq!(permits.take(30 * MS), Grant::WaitUntil(32 * MS));
    }

    #[test]
    fn attempts_end_by_their_number_or_their_time() {
        let s = Duration::from_secs;
        let mut by_number = Attempts::new(s(1), Some(2), None);
        let begun = [999 * MS, 1_000 * MS, 1_001 * MS, 1_002 * MS].map(|now| by_number.begin(now));
        assert_eq!(begun, [Some(true), Some(false), Some(false), None]);
        assert!(by_number.used_up());
        let mut by_time = Attempts::new(s(1), Some(9), Some(s(1)));
        assert_eq!([1_999 * MS, 2_000 * MS].map(|now| by_time.begin(now)), [Some(false), None]);
        assert!(!by_time.used_up());
    }

    proptest! {
        /// In any span no more permits are used than fall due in it and in the 10 ms before; the workers' shares
        /// are a partition, so that this holds for the driver.
        #[test]
        fn the_ceiling_is_kept_whatever_the_pauses(
            rate in 0.5..20_000.0_f64,
            workers in 1..5_u32,
            pauses in prop::collection::vec(0..200_000_000_i64, 1..100),
        ) {
            let mut permits: Vec<_> = (0..workers).map(|worker| Permits::new(rate, worker, workers)).collect();
            let mut used = Vec::new();
            let mut now = 0;
            for pause in pauses {
                now += pause;
                for permits in &mut permits {
                    for _ in 0..400 {
                        match permits.take(now) {
                            Grant::Now => used.push(now),
                            Grant::WaitUntil(due) => {
                                prop_assert!(due > now);
                                break;
                            }
                        }
                    }
                }
            }
            let per_ns = rate / 1e9;
            for (first, from) in used.iter().enumerate() {
                for (last, to) in used.iter().enumerate().skip(first) {
                    let most = ((to - from + PERMIT_LAPSES_AFTER) as f64 * per_ns).floor() as usize + 1;
                    prop_assert!(last - first < most.max(1), "{} permits in {} ns", last - first + 1, to - from);
                }
                if first > 20 { break; }
            }
        }
    }
}
