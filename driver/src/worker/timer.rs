//! A timerfd to wait on: tokio's own timers are 1 ms coarse, which would be part of every latency.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::load_job::Nanos;

/// A timer of one worker.
pub struct Timer {
    timer: AsyncFd<OwnedFd>,
}

impl Timer {
    /// Makes the timer; within a runtime.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[allow(unsafe_code)]
        // SAFETY: AsyncFd owns the descriptor, alone, for as long as it is registered; `OwnedFd` gives no other access.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer })
    }

    /// Waits so long; an hour at most, after which the caller looks again. Returns by how much it was longer. Where
    /// the timer cannot be set, it waits on tokio's, coarser but no shorter.
    pub async fn wait(&self, span: Duration) -> Nanos {
        let span = span.min(Duration::from_secs(3_600));
        let began = Instant::now();
        if !span.is_zero() {
            self.expiry(span).await;
        }
        Nanos::try_from(began.elapsed().saturating_sub(span).as_nanos()).unwrap_or(Nanos::MAX)
    }

    async fn expiry(&self, span: Duration) {
        let value = Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(3_600),
            tv_nsec: i64::from(span.subsec_nanos()),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        if timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).is_err() {
            return tokio::time::sleep(span).await;
        }
        // Dropping this future leaves the timer set; the next wait sets it anew, which also forgets an expiry.
        loop {
            let Ok(mut guard) = self.timer.readable().await else {
                return tokio::time::sleep(span).await;
            };
            let read = guard.try_io(|timer| {
                let mut expiries = [0_u8; 8];
                Ok(rustix::io::read(timer.get_ref(), &mut expiries)?)
            });
            // Otherwise the readiness was that of a wait before: this one goes on.
            if let Ok(Ok(_)) = read {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_no_shorter_than_asked_and_can_be_given_up() {
        let timer = Timer::new().unwrap();
        let began = Instant::now();
        timer.wait(Duration::from_micros(700)).await;
        assert!(began.elapsed() >= Duration::from_micros(700));
        tokio::select! {
            _ = timer.wait(Duration::from_millis(1)) => {}
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        let again = Instant::now();
        timer.wait(Duration::from_millis(3)).await;
        assert!(again.elapsed() >= Duration::from_millis(3), "an earlier expiry does not count");
    }
}
