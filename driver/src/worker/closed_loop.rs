//! The closed loop: each connection sends as soon as its last answer is in, under a ceiling where there is
//! one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::counters::ErrorKind;
use tokio::sync::Notify;

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
    lanes_left: Cell<u32>,
    all_done: Notify,
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
        lanes_left: Cell::new(slice.lanes),
        all_done: Notify::new(),
        start: job.start,
    });
    if let Some(until) = until {
        load.recorder.borrow_mut().cut(until);
    }
    let lanes: Vec<_> = (0..slice.lanes)
        .map(|_| actix_rt::spawn(lane(Rc::clone(&shared), load.flight.share(), Rc::clone(&load.engine))))
        .collect();
    loop {
        let now = load.now();
        let next = load.keep_house(now, None, false);
        let over = until.is_some_and(|until| now >= until) || shared.lanes_left.get() == 0;
        if over || told_to_stop(stop).is_some() {
            break;
        }
        let next = next.min(until.unwrap_or(Nanos::MAX));
        tokio::select! {
            () = load.wait_until(next, stop) => {}
            () = shared.all_done.notified() => {}
        }
    }
    let now = load.now();
    if told_to_stop(stop).is_some() {
        let kind = ErrorKind::Cancelled;
        lanes.iter().for_each(actix_rt::task::JoinHandle::abort);
        load.flight.give_up(now, kind);
        load.recorder.borrow_mut().cut(now);
    } else if shared.lanes_left.get() == 0 {
        // By its number of attempts: the schedule ends with the last one.
        load.recorder.borrow_mut().cut(now);
    } else if slice.attempts.is_none() || until.is_some_and(|until| now >= until) {
        // By its duration: lanes that wait for a permit or a back-off end by themselves; the rest is drained.
        load.recorder.borrow_mut().cut(now.min(until.unwrap_or(now)));
    }
    from
}

/// One connection.
async fn lane<E: Engine>(shared: Rc<Shared>, flight: Flight, engine: Rc<E>) {
    let now = || shared.start.nanos(Instant::now());
    let mut backoff = Backoff::default();
    while !shared.attempts.borrow().over(now()) {
        if let Some(wait) = permit(&shared, now()) {
            tokio::time::sleep(wait).await;
            continue;
        }
        let at = now();
        let Some(warmup) = shared.attempts.borrow_mut().begin(at) else { break };
        let exchange = flight.attempt(&*engine, Due { at, warmup }).await;
        if exchange.unconnected {
            tokio::time::sleep(backoff.failed()).await;
        } else {
            backoff.connected();
        }
    }
    shared.lanes_left.set(shared.lanes_left.get() - 1);
    if shared.lanes_left.get() == 0 {
        shared.all_done.notify_one();
    }
}

/// How long to wait before asking for a permit again; `None`: there is one, or none is needed.
fn permit(shared: &Shared, now: Nanos) -> Option<Duration> {
    match shared.permits.as_ref()?.borrow_mut().take(now) {
        Grant::Now => None,
        Grant::WaitUntil(at) => Some(Duration::from_nanos(u64::try_from(at - now).unwrap_or(0))),
    }
}
