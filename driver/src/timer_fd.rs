//! A timerfd: what wakes a thread to the microsecond. The timeouts of epoll and of tokio are 1 ms coarse, which would
//! be part of every latency.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::start_at::Nanos;

const SECOND: Nanos = 1_000_000_000;

/// Makes one, not set.
///
/// # Errors
/// Where the kernel gives no descriptor.
pub fn create() -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    Ok(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

/// Sets it to expire once, after a span. This replaces an earlier setting and discards an expiry that was not read.
///
/// # Errors
/// The kernel's.
pub fn set(timer: impl AsFd, span: Nanos) -> io::Result<()> {
    // A span of zero would mean never.
    let span = span.max(1);
    let value = Timespec { tv_sec: span / SECOND, tv_nsec: span % SECOND };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(())
}
