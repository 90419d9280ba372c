//! A timerfd to wait on within a runtime.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::start_at::Nanos;
use crate::timer_fd;

/// The longest wait, after which the caller looks again.
const LONGEST: Nanos = 3_600_000_000_000;

/// A timer of one worker.
pub struct Timer {
    timer: AsyncFd<OwnedFd>,
    /// The instant that it is set to, where it has not expired.
    set_to: Option<Nanos>,
}

impl Timer {
    /// Makes the timer; within a runtime.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let timer = timer_fd::create()?;
        #[allow(unsafe_code)]
        // SAFETY: AsyncFd owns the descriptor, alone, for as long as it is registered; `OwnedFd` gives no other access.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer, set_to: None })
    }

    /// Waits until an instant, an hour at most. Where the timer cannot be set, it waits on tokio's, coarser but no
    /// shorter. Waits that were given up and lead to the same instant set the timer once.
    pub async fn wait_until(&mut self, at: Nanos, now: Nanos) {
        let span = at.saturating_sub(now).min(LONGEST);
        if span <= 0 {
            return;
        }
        let coarse = Duration::from_nanos(u64::try_from(span).unwrap_or(0));
        if self.set_to != Some(at) {
            // Setting it anew also forgets an expiry.
            if timer_fd::set(&self.timer, span).is_err() {
                self.set_to = None;
                return tokio::time::sleep(coarse).await;
            }
            self.set_to = Some(at);
        }
        loop {
            let Ok(mut guard) = self.timer.readable().await else {
                return tokio::time::sleep(coarse).await;
            };
            let read = guard.try_io(|timer| {
                let mut expiries = [0_u8; 8];
                Ok(rustix::io::read(timer.get_ref(), &mut expiries)?)
            });
            // Otherwise the readiness was that of a wait before: this one goes on.
            if let Ok(Ok(_)) = read {
                self.set_to = None;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn waits_no_shorter_than_asked_and_can_be_given_up() {
        let mut timer = Timer::new().unwrap();
        let origin = Instant::now();
        let now = || Nanos::try_from(origin.elapsed().as_nanos()).unwrap();
        timer.wait_until(now() + 700_000, now()).await;
        assert!(now() >= 700_000);
        tokio::select! {
            () = timer.wait_until(now() + 1_000_000, now()) => {}
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        let until = now() + 3_000_000;
        timer.wait_until(until, now()).await;
        assert!(now() >= until, "an earlier expiry does not count");
    }

    #[tokio::test]
    async fn a_wait_that_is_taken_up_again_ends_when_it_was_to() {
        let mut timer = Timer::new().unwrap();
        let origin = Instant::now();
        let now = || Nanos::try_from(origin.elapsed().as_nanos()).unwrap();
        let until = now() + 20_000_000;
        for _ in 0..3 {
            tokio::select! {
                () = timer.wait_until(until, now()) => {}
                () = tokio::task::yield_now() => {}
            }
        }
        timer.wait_until(until, now()).await;
        assert!(now() >= until);
        assert!(timer.set_to.is_none(), "it expired");
    }
}
