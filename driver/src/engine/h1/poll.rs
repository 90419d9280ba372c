//! The sockets of one worker in an epoll set of their own, which its runtime watches as one descriptor: one call
//! returns all sockets that are ready, without a task and a waker for each. A timer stands in the same set, so that
//! one call waits for either.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::start_at::Nanos;
use crate::timer_fd;

/// Most events that one look brings.
const MOST: usize = 256;

/// The longest wait of [`Poll::look_until`].
const LONGEST: Nanos = 1_000_000;

/// The token of the timer; no socket has it.
const ALARM: u64 = u64::MAX;

pub struct Poll {
    set: AsyncFd<OwnedFd>,
    alarm: OwnedFd,
    /// The instant that the alarm is set to.
    alarm_at: Nanos,
    events: Vec<Event>,
}

/// What a socket is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// What the socket was added as.
    pub token: u64,
    flags: EventFlags,
}

impl Ready {
    /// There is something to read, or to learn by reading.
    pub fn readable(self) -> bool {
        self.flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
    }

    /// There is room to write.
    pub fn writable(self) -> bool {
        self.flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR)
    }

    /// The peer closed its side, or the connection is broken.
    pub fn closing(self) -> bool {
        self.flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
    }
}

impl Poll {
    /// An empty set; within a runtime.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let set = epoll::create(CreateFlags::CLOEXEC)?;
        let alarm = timer_fd::create()?;
        epoll::add(&set, &alarm, EventData::new_u64(ALARM), EventFlags::IN | EventFlags::ET)?;
        #[allow(unsafe_code)]
        // SAFETY: AsyncFd owns the descriptor, alone, for as long as it is registered; `OwnedFd` gives no other access.
        let set = unsafe { AsyncFd::register_with_interest(set, Interest::READABLE) }?;
        Ok(Self { set, alarm, alarm_at: Nanos::MIN, events: Vec::with_capacity(MOST) })
    }

    /// Adds a socket, edge-triggered: that it became ready is reported once, so it must be read until it is empty. It
    /// leaves the set when it is closed.
    ///
    /// # Errors
    /// Where the kernel has no room for it.
    pub fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(self.set.get_ref(), socket, EventData::new_u64(token), flags)?)
    }

    /// Looks which sockets are ready now, and keeps what it finds for [`Poll::found`].
    pub fn look(&mut self) {
        self.ask(0);
    }

    /// As [`Poll::look`], but waits until a socket is ready or `until` has come, 1 ms at most. Where the alarm cannot
    /// be set, it returns a millisecond or two late.
    pub fn look_until(&mut self, until: Nanos, now: Nanos) {
        let span = until.saturating_sub(now).clamp(0, LONGEST);
        let alarmed = 0 < span && span < LONGEST;
        if alarmed && self.alarm_at != until && timer_fd::set(&self.alarm, span).is_ok() {
            self.alarm_at = until;
        }
        self.ask(span);
    }

    fn ask(&mut self, most: Nanos) {
        self.events.clear();
        // The kernel counts in milliseconds here: the next whole one.
        let most = Timespec { tv_sec: 0, tv_nsec: most };
        // The set is our own and open: only a signal makes this fail, and the next call returns the same events.
        let _ = epoll::wait(self.set.get_ref(), spare_capacity(&mut self.events), Some(&most));
        if self.alarm_at != Nanos::MIN
            && let Some(index) = self.events.iter().position(|event| event.data.u64() == ALARM)
        {
            self.events.swap_remove(index);
            self.alarm_at = Nanos::MIN;
        }
    }

    /// How many sockets the last look found ready.
    pub fn found(&self) -> usize {
        self.events.len()
    }

    /// The `index`th of them.
    pub fn ready(&self, index: usize) -> Ready {
        let event = self.events[index];
        let (data, flags) = (event.data, event.flags);
        Ready { token: data.u64(), flags }
    }

    /// Waits until a look may find something.
    pub async fn wait(&self) {
        // An error means that the runtime shuts down, and the caller's task with it.
        if let Ok(mut guard) = poll_fn(|context| self.set.poll_read_ready(context)).await {
            guard.clear_ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_its_instant_and_not_before_and_the_alarm_is_no_socket() {
        let mut poll = Poll::new().unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        poll.add(&theirs, 7).unwrap();
        poll.look();
        assert_eq!((poll.found(), poll.ready(0).readable()), (1, false), "it is writable, once");
        let origin = Instant::now();
        let now = || Nanos::try_from(origin.elapsed().as_nanos()).unwrap();
        for wait in [100_000, 400_000, 999_999, 5_000_000] {
            let began = now();
            poll.look_until(began + wait, began);
            assert_eq!(poll.found(), 0, "{wait}");
            assert!(now() - began >= wait.min(LONGEST), "{wait}: woke after {}", now() - began);
        }
        ours.write_all(b"x").unwrap();
        poll.look_until(now() + 900_000, now());
        assert_eq!((poll.found(), poll.ready(0).token, poll.ready(0).readable()), (1, 7, true));
        // Time has to pass until the alarm of that wait has expired, which the wait did not wait for.
        std::thread::sleep(std::time::Duration::from_millis(2));
        poll.look();
        assert_eq!(poll.found(), 0);
        poll.look_until(now() - 1, now());
        assert_eq!(poll.found(), 0, "an instant that is past is not waited for");
    }
}
