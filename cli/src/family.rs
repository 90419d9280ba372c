//! The processes that this one has started and that have not ended: what is stopped with it (Ctrl-Z) and continued
//! with it.
//!
//! Each child is in a process group of its own, so that Ctrl-C reaches us alone and we end the children in order. For
//! the same reason the terminal's Ctrl-Z does not reach them: without what stands here they would send load while
//! the command that shows it is stopped. SIGSTOP of this process alone cannot be caught; its children go on then.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Stop;

/// The children that have not ended, shared by all who start some.
#[derive(Clone, Default)]
pub struct Family(Rc<RefCell<Vec<Pid>>>);

/// A child's place in the family; it leaves with this. A pid is signalled only while its process has not been
/// waited for, so it never means another process.
pub struct Member {
    family: Family,
    pid: Pid,
}

impl Family {
    /// Takes a child in.
    pub fn join(&self, pid: Pid) -> Member {
        self.0.borrow_mut().push(pid);
        Member { family: self.clone(), pid }
    }

    fn signal(&self, signal: Signal) {
        for pid in self.0.borrow().iter() {
            // It may have ended just now: there is nothing to stop then.
            let _ = kill_process(*pid, signal);
        }
    }
}

impl Member {
    /// Sends the child a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.family.0.borrow_mut().retain(|pid| *pid != self.pid);
    }
}

/// From now on Ctrl-Z (SIGTSTP) stops the children first, then this process; SIGCONT continues the children.
/// `pausing` is called before the stop: what is drawn on a terminal is taken away, for the shell writes there next.
///
/// # Errors
/// Where the kernel refuses the handlers.
pub fn stop_together(family: Family, pausing: impl Fn() + 'static) -> Result<(), Stop> {
    let listen = |kind: SignalKind| {
        signal(kind).map_err(|error| Stop::could_not(format!("cannot listen for signals: {error}")))
    };
    let mut stop = listen(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
    let mut go_on = listen(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    actix_rt::spawn(async move {
        while stop.recv().await.is_some() {
            // SIGCONT arrived before this task was scheduled: its sender wants us to run, so do not stop.
            if go_on.recv().now_or_never().is_some() {
                continue;
            }
            pausing();
            family.signal(Signal::STOP);
            if kill_process(getpid(), Signal::STOP).is_ok() {
                // Not right behind the stop: it may take effect some instructions later, and the children would
                // be continued before it.
                go_on.recv().await;
            }
            family.signal(Signal::CONT);
        }
    });
    Ok(())
}
