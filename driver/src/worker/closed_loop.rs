//! The closed loop: each connection sends as soon as its last answer is in, under a ceiling where there is
//! one. The worker alone waits for permits and hands them out in order: a thousand connections that wait
//! cost no more than one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use common::counters::ErrorKind;
use tokio::sync::{Notify, Semaphore};

use super::flight::Flight;
use super::recorder::Due;
use super::{Load, Outlet, StopSignal, told_to_stop};
use crate::engine::Engine;
use crate::load_job::{Nanos, StartAt};
use crate::pacer::{Attempts, Backoff, Grant, Permits};

/// What the connections of one worker share.
struct Shared {
    attempts: RefCell<Attempts>,
    permits: Option<RefCell<Permits>>,
    /// Connections that wait for a permit, and where they wait, first come first served.
    waiting: Cell<u32>,
    gate: Semaphore,
    /// When the last attempt that ended did.
    last_end: Cell<Nanos>,
    /// Something for the worker to look at: a connection waits, or the last attempt is over.
    look: Notify,
    start: StartAt,
}

/// Runs the worker's connections to the end of the schedule; returns when it began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(load: &mut Load<E, O>, stop: &mut StopSignal) -> Nanos {
    let (job, slice) = (&load.job, load.slice);
    let attempts = Attempts::new(job.load.warmup, slice.attempts, job.load.duration);
    let (from, until) = (attempts.from(), attempts.until());
    let permits =
        job.share.target_throughput.map(|rate| RefCell::new(Permits::new(rate, slice.worker, slice.workers)));
    let shared = Rc::new(Shared {
        attempts: RefCell::new(attempts),
        permits,
        waiting: Cell::new(0),
        gate: Semaphore::new(0),
        last_end: Cell::new(from),
        look: Notify::new(),
        start: job.start,
    });
    if let Some(until) = until {
        load.recorder.borrow_mut().cut(until);
    }
    load.lanes = (0..slice.lanes)
        .map(|_| actix_rt::spawn(lane(Rc::clone(&shared), load.flight.share(), Rc::clone(&load.engine))))
        .collect();
    loop {
        let now = load.now();
        let next = load.keep_house(now, None, false).min(shared.hand_out_permits(now));
        if told_to_stop(stop).is_some() {
            load.flight.give_up(now, ErrorKind::Cancelled);
            load.recorder.borrow_mut().cut(now);
            break;
        }
        if shared.attempts.borrow().used_up() && load.flight.is_empty() {
            // By its number of attempts: the schedule ends with the last one, whoever waits to try again.
            load.recorder.borrow_mut().cut(shared.last_end.get());
            break;
        }
        // By its duration: what is in flight is drained.
        if until.is_some_and(|until| now >= until) {
            break;
        }
        tokio::select! {
            () = load.wait_until(next.min(until.unwrap_or(Nanos::MAX)), stop) => {}
            () = shared.look.notified() => {}
        }
    }
    shared.gate.close();
    from
}

/// One connection.
async fn lane<E: Engine>(shared: Rc<Shared>, flight: Flight, engine: Rc<E>) {
    let now = || shared.start.nanos(Instant::now());
    let mut backoff = Backoff::default();
    while !shared.attempts.borrow().over(now()) && shared.permit(now()).await {
        let at = now();
        let Some(warmup) = shared.attempts.borrow_mut().begin(at) else { break };
        let exchange = flight.attempt(&*engine, Due { at, warmup }).await;
        shared.last_end.set(now());
        if shared.attempts.borrow().used_up() && flight.is_empty() {
            shared.look.notify_one();
        }
        if exchange.unconnected {
            tokio::time::sleep(backoff.failed()).await;
        } else {
            backoff.connected();
        }
    }
}

impl Shared {
    /// Waits for a permit, where one is needed; false where the loop is over.
    async fn permit(&self, now: Nanos) -> bool {
        let Some(permits) = &self.permits else { return true };
        // Whoever waits already comes first.
        if self.waiting.get() == 0 && permits.borrow_mut().take(now) == Grant::Now {
            return true;
        }
        self.waiting.set(self.waiting.get() + 1);
        if self.waiting.get() == 1 {
            self.look.notify_one();
        }
        self.gate.acquire().await.map(tokio::sync::SemaphorePermit::forget).is_ok()
    }

    /// Gives the permits that are due to those that wait; returns when the next one is to be given.
    fn hand_out_permits(&self, now: Nanos) -> Nanos {
        let Some(permits) = &self.permits else { return Nanos::MAX };
        while self.waiting.get() > 0 {
            match permits.borrow_mut().take(now) {
                Grant::Now => {
                    self.waiting.set(self.waiting.get() - 1);
                    self.gate.add_permits(1);
                }
                Grant::WaitUntil(at) => return at,
            }
        }
        Nanos::MAX
    }
}
