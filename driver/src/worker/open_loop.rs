//! The open loop: each tick is sent when it is due, whether or not earlier ones were answered.

use std::cell::RefCell;
use std::rc::Rc;

use super::recorder::{Dropped, Due};
use super::{Load, Outlet, StopSignal, told_to_stop};
use crate::engine::Engine;
use crate::load_job::Nanos;
use crate::pacer::{Decision, OpenLoop, Rules, Schedule, Tick};

/// So many attempts are begun in a row before the sockets are looked at: a catch-up must not keep answers
/// waiting.
const BURST: u32 = 16;

/// Sends the worker's ticks; returns when its schedule began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(load: &mut Load<E, O>, stop: &mut StopSignal) -> Nanos {
    let (job, slice) = (&load.job, load.slice);
    let rate = job.share.rate_per_s.unwrap_or(1.0);
    let place = (job.share.index, job.share.of);
    let schedule = Schedule::new(rate, place, job.load.warmup, job.share.requests, job.load.duration);
    let rules = Rules::new(slice.lanes, job.honesty.max_lag_p99, job.honesty.max_catch_up);
    load.recorder.borrow_mut().cut(schedule.to());
    let pacer = Rc::new(RefCell::new(OpenLoop::new(schedule, rules, slice.worker, slice.workers)));
    let mut house_at = 0;
    let mut all_read = false;
    let mut in_a_row = 0;
    loop {
        let now = load.now();
        if told_to_stop(stop).is_some() {
            stopped(load, &pacer, now);
            break;
        }
        if now >= house_at {
            let next_due = pacer.borrow().next_due();
            house_at = load.keep_house(now, next_due, false);
        }
        let decision = pacer.borrow_mut().decide(now, load.flight.len(), all_read);
        all_read = false;
        match decision {
            Decision::Send(tick) => {
                let short_gap = {
                    let pacer = Rc::clone(&pacer);
                    move |at| pacer.borrow_mut().began(at)
                };
                load.flight.send(&load.engine, due(tick), short_gap);
                in_a_row += 1;
                if in_a_row >= BURST {
                    in_a_row = 0;
                    tokio::task::yield_now().await;
                }
            }
            // Yielding lets the runtime look at all sockets, and what it finds is handled before this task.
            Decision::ReadFirst => {
                tokio::task::yield_now().await;
                all_read = true;
            }
            Decision::DropInFlight(tick) => load.recorder.borrow_mut().dropped(due(tick), Dropped::InFlight),
            Decision::DropLate(tick) => load.recorder.borrow_mut().dropped(due(tick), Dropped::Late),
            Decision::WaitUntil(at) => {
                in_a_row = 0;
                load.wait_until(at.min(house_at), stop).await;
            }
            Decision::Done => break,
        }
    }
    schedule.from()
}

fn due(tick: Tick) -> Due {
    Due { at: tick.due, warmup: tick.warmup }
}

/// What was due and not sent when the stop came is nobody's fault but the stop's; it still fell due.
fn stopped<E: Engine, O: Outlet>(load: &Load<E, O>, pacer: &Rc<RefCell<OpenLoop>>, now: Nanos) {
    let mut recorder = load.recorder.borrow_mut();
    while let Some(tick) = pacer.borrow_mut().overdue(now) {
        recorder.dropped(due(tick), Dropped::Late);
    }
    recorder.cut(now);
}
