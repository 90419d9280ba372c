//! Waiting for the next thing to do: asleep on a timer until shortly before it is due, then spinning where that was
//! asked for and a core is free.
//!
//! A worker must begin each request when it is due, but a sleeping thread wakes some 50 to 150 µs late, and that
//! would be part of every latency. So the sleep ends early, by a margin that follows the lateness of earlier sleeps
//! (see `spin`), and the rest is spun. Only a due request is worth that: towards a timeout or the end of a window the
//! worker sleeps to the instant itself.
//!
//! One call makes one step, never the whole wait: after each step the worker looks at its sockets and its stop signal
//! again. Spinning shares the thread with the runtime, so it yields every 500 µs, and every 20 µs for an engine whose
//! answers only the runtime can see.

use std::future::Future;
use std::time::{Duration, Instant};

use super::spin::Spin;
use super::timer::Timer;
use super::{StopSignal, stop_reason};
use crate::engine::{Dozed, Wait};
use crate::precision::{KeptBy, Precision};
use crate::reactor;
use crate::start_at::{Nanos, StartAt};

/// Between two yields of a worker that is busy or spins: what else is to be done on its thread waits no longer.
const YIELD_EVERY: Nanos = 500_000;
/// The same while it spins for an engine whose answers only the runtime sees.
const SPIN_YIELDS_EVERY: Nanos = 20_000;

/// What a wait is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// When the next request is due: worth spinning for.
    pub due: Nanos,
    /// When something else is to be done.
    pub other: Nanos,
}

/// The next step of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is nothing to wait for.
    Now,
    Spin,
    /// It is slept until that instant.
    Sleep(Nanos),
}

/// Waits for one worker.
pub struct Waiter {
    timer: Timer,
    spin: Option<Spin>,
    /// The last step was one of spinning, at that instant.
    spinning_since: Option<Nanos>,
    yielded: Nanos,
}

impl Waiter {
    /// A waiter of one of so many `workers` on so many `cores`; within a runtime.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor.
    pub fn new(precision: Precision, workers: u32, cores: u32) -> std::io::Result<Self> {
        let spins = match precision {
            Precision::Spin => true,
            Precision::Timer => false,
            // A core stays free for other programs.
            Precision::Auto => workers < cores,
        };
        Ok(Self {
            timer: Timer::new()?,
            spin: spins.then(Spin::default),
            spinning_since: None,
            yielded: Nanos::MIN,
        })
    }

    /// How the schedule was kept.
    pub fn kept(&self) -> KeptBy {
        match &self.spin {
            None => KeptBy::Timer,
            Some(spin) if spin.is_given_up() => KeptBy::GaveUpSpinning,
            Some(_) => KeptBy::Spin,
        }
    }

    /// The worker did something: a step of spinning does not begin before now.
    #[inline]
    pub fn worked(&mut self) {
        self.spinning_since = None;
    }

    /// The worker does not wait on its runtime, but now and then it yields to it; whether it did.
    pub async fn busy(&mut self, now: Nanos) -> bool {
        self.spinning_since = None;
        self.yield_after(YIELD_EVERY, now).await
    }

    /// Waits a while towards an instant, until something happens on the engine's sockets, an attempt times out, or a
    /// stop comes. True where the engine is to be turned before anything is sent: a kept connection may have been
    /// closed. `now` is the present instant, counted from `start`.
    pub async fn wait<W: Wait>(
        &mut self,
        engine: &mut W,
        until: Until,
        now: Nanos,
        start: StartAt,
        stop: &mut StopSignal,
    ) -> bool {
        let timeout = engine.deadline().unwrap_or(Nanos::MAX);
        let until = Until { due: until.due, other: until.other.min(timeout) };
        let at = match self.step(until, now) {
            Step::Now => {
                self.busy(now).await;
                return true;
            }
            Step::Spin => {
                self.spin(now, engine.needs_runtime()).await;
                return true;
            }
            Step::Sleep(at) => at,
        };
        // What else ran on this thread may have taken a while.
        let now = if self.busy(now).await { start.nanos(Instant::now()) } else { now };
        let woke = match engine.doze(now, at) {
            Dozed::Woken => return true,
            Dozed::Over(woke) if woke >= at => woke,
            Dozed::Over(_) | Dozed::Cannot => {
                let event = async {
                    tokio::select! {
                        () = engine.ready() => {}
                        _ = stop.wait_for(Option::is_some) => {}
                    }
                };
                let now = start.nanos(Instant::now());
                if self.sleep(at, now, event).await {
                    return stop_reason(stop).is_none();
                }
                start.nanos(Instant::now())
            }
        };
        self.slept(at, woke);
        until.other < until.due
    }

    /// What to do towards the earlier of two instants. After each step the caller looks again, at all that may have
    /// happened.
    fn step(&self, until: Until, now: Nanos) -> Step {
        let at = until.due.min(until.other);
        let early = match &self.spin {
            Some(spin) if !spin.is_given_up() && until.due <= until.other => spin.early(),
            _ => 0,
        };
        // `at` may be `Nanos::MAX` and `now` is negative before the start: the difference must not overflow.
        match at.saturating_sub(now) {
            ..=0 => Step::Now,
            left if left <= early => Step::Spin,
            _ => Step::Sleep(at - early),
        }
    }

    /// Sleeps until an instant; returns early where `event` comes, and whether it did.
    async fn sleep(&mut self, until: Nanos, now: Nanos, event: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = event => true,
            () = self.timer.wait_until(until, now) => false,
        }
    }

    /// A sleep until an instant ended at that of `woke`.
    fn slept(&mut self, until: Nanos, woke: Nanos) {
        if let Some(spin) = &mut self.spin {
            spin.slept((woke - until).max(0));
        }
    }

    /// Takes a step of spinning; `for_runtime`: the event that is waited for may come through the runtime alone.
    async fn spin(&mut self, now: Nanos, for_runtime: bool) {
        if let (Some(spin), Some(since)) = (&mut self.spin, self.spinning_since.replace(now)) {
            let idle = spin.spun(now - since);
            reactor::spun(Duration::from_nanos(u64::try_from(idle).unwrap_or(0)));
        }
        self.yield_after(if for_runtime { SPIN_YIELDS_EVERY } else { YIELD_EVERY }, now).await;
    }

    async fn yield_after(&mut self, span: Nanos, now: Nanos) -> bool {
        let yields = now.saturating_sub(self.yielded) >= span;
        if yields {
            self.yielded = now;
            tokio::task::yield_now().await;
        }
        yields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn spins_towards_what_is_due_alone_and_sleeps_until_shortly_before() {
        let spinning = Waiter::new(Precision::Spin, 1, 1).unwrap();
        let sleeping = Waiter::new(Precision::Auto, 2, 2).unwrap();
        let early = Spin::default().early();
        let far = 1_000_000_000;
        let table = [
            ("it is past", 10, far, 10, Step::Now, Step::Now),
            ("something else is", far, 10, 11, Step::Now, Step::Now),
            ("due far off", far, Nanos::MAX, 0, Step::Sleep(far - early), Step::Sleep(far)),
            ("due soon", early, far, 0, Step::Spin, Step::Sleep(early)),
            ("nothing but a timeout soon", far, early, 0, Step::Sleep(early), Step::Sleep(early)),
            ("nothing at all", Nanos::MAX, far, 0, Step::Sleep(far), Step::Sleep(far)),
        ];
        for (caption, due, other, now, spins, sleeps) in table {
            assert_eq!(spinning.step(Until { due, other }, now), spins, "{caption}");
            assert_eq!(sleeping.step(Until { due, other }, now), sleeps, "{caption}");
        }
        assert_eq!((spinning.kept(), sleeping.kept()), (KeptBy::Spin, KeptBy::Timer));
    }

    /// Something that never has anything to move, and a timeout at an instant.
    struct Idle(Option<Nanos>);

    impl Wait for Idle {
        async fn ready(&self) {
            std::future::pending().await
        }

        fn deadline(&self) -> Option<Nanos> {
            self.0
        }
    }

    #[tokio::test]
    async fn a_wait_ends_at_a_timeout_too_and_only_then_is_the_engine_turned_first() {
        let start = StartAt { monotonic: Instant::now(), unix_us: 0 };
        let (_stop, mut stopped) = tokio::sync::watch::channel(None);
        for times_out in [true, false] {
            let mut waiter = Waiter::new(Precision::Timer, 1, 1).unwrap();
            let now = start.nanos(Instant::now());
            let at = now + 3_000_000;
            let until = Until { due: if times_out { Nanos::MAX } else { at }, other: Nanos::MAX };
            let mut engine = Idle(times_out.then_some(at));
            let turns = waiter.wait(&mut engine, until, now, start, &mut stopped).await;
            assert_eq!(turns, times_out);
            assert!(start.nanos(Instant::now()) >= at, "it ended early");
        }
    }
}
