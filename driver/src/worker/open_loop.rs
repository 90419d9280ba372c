//! The open loop: each tick is sent when it is due, whether or not earlier ones were answered.

use super::lines::Lines;
use super::places::{Freeing, Places, due_on};
use super::recorder::{Dropped, Due};
use super::waiter::Until;
use super::{Load, Outlet, StopSignal, THE_REQUEST, stop_reason};
use crate::engine::{Engine, Place};
use crate::pacer::{Decision, OpenLoop, Rules, Schedule, Tick};
use crate::start_at::Nanos;

/// So many attempts are begun in a row before the sockets are looked at: a catch-up must not keep answers
/// waiting.
const BURST: u32 = 16;
/// After so many looks at the sockets, all that is readable counts as read: a target that answers faster than that is
/// not what keeps all places taken.
const LOOKS: u32 = 64;

/// Sends the worker's ticks; returns when its schedule began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(load: &mut Load<E, O>, stop: &mut StopSignal) -> Nanos {
    let places = load.slice.places;
    match load.slice.connections {
        None => run_on(load, (0..places).rev().collect::<Vec<Place>>(), stop).await,
        Some(n) => run_on(load, Lines::<Place, Tick>::new(0..n.min(places), places as usize), stop).await,
    }
}

async fn run_on<E: Engine, O: Outlet, P: Places>(
    load: &mut Load<E, O>,
    mut places: P,
    stop: &mut StopSignal,
) -> Nanos {
    let (assignment, slice) = (&load.test.assignment, load.slice);
    let (schedule, own) = Schedule::of_share(&assignment.share, &assignment.load);
    let rules = Rules::new(slice.places, assignment.honesty.max_lag_p99, assignment.honesty.max_catch_up);
    load.flight.recorder.cut(schedule.to());
    let mut pacer = OpenLoop::new(schedule, own, rules, slice.worker, slice.workers);
    let mut house_at = 0;
    let mut all_read = false;
    let mut in_a_row = 0;
    loop {
        let now = load.now();
        if stop_reason(stop).is_some() {
            stopped(load, &mut pacer, now);
            break;
        }
        if load.rates.has_changed() {
            for step in load.rates.take() {
                pacer.change(step.at, step.per_s);
            }
            load.flight.recorder.ends_at(pacer.schedule().to());
        }
        if now >= house_at {
            house_at = load.keep_house(now, pacer.next_due(), false);
        }
        let decision = pacer.decide(now, load.flight.len() + places.n_waiting(), all_read);
        all_read = false;
        match decision {
            // The pacer sends where fewer attempts are in flight, or wait, than there are places.
            Decision::Send(tick) if let Some((place, since)) = places.take() => {
                let mut now = now;
                // To connect costs as much as ten exchanges: read first, because an answer that has arrived frees a
                // connection.
                if !load.engine.has_spare() {
                    load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places });
                    now = load.now();
                }
                let due = due_on(tick, since);
                load.flight.begins(place, due, now, pacer.began(now));
                load.engine.begin(place, due.request, now);
                load.waiter.worked();
                in_a_row += 1;
                if in_a_row >= BURST {
                    in_a_row = 0;
                    load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places });
                    load.waiter.busy(now).await;
                }
            }
            Decision::Send(tick) if places.waits(tick) => {
                // What is due in a row and waits must not keep answers waiting either.
                in_a_row += 1;
                if in_a_row >= BURST {
                    in_a_row = 0;
                    load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places });
                    load.waiter.busy(now).await;
                }
            }
            Decision::Send(tick) | Decision::DropInFlight(tick) => {
                load.flight.recorder.dropped(due(tick), Dropped::InFlight);
            }
            Decision::DropLate(tick) => load.flight.recorder.dropped(due(tick), Dropped::Late),
            Decision::ReadFirst => {
                if load.engine.needs_runtime() {
                    tokio::task::yield_now().await;
                } else {
                    // If no tick finds a free place, only this yield lets a stop arrive.
                    load.waiter.busy(now).await;
                }
                let mut looks = 0;
                while looks < LOOKS
                    && load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places })
                {
                    looks += 1;
                }
                all_read = true;
            }
            Decision::WaitUntil(at) => {
                in_a_row = 0;
                if load.wait(Until { due: at, other: house_at }, now, stop).await {
                    let now = load.now();
                    if load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places }) {
                        load.waiter.worked();
                    }
                }
            }
            // A worker whose ticks come slowly may have none left long before the end, and a higher rate has some for it.
            Decision::Done if load.rates.may_change() && pacer.may_grow(now) => {
                in_a_row = 0;
                let until = house_at.min(pacer.schedule().to());
                if load.wait(Until { due: Nanos::MAX, other: until }, now, stop).await {
                    let now = load.now();
                    if load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut places }) {
                        load.waiter.worked();
                    }
                }
            }
            Decision::Done => break,
        }
    }
    drain(load, &mut places, stop).await;
    pacer.schedule().from()
}

/// After the last tick: those that wait for a connection begin as long as they can have their whole timeout. What waits then
/// counts as dropped, because of the target.
async fn drain<E: Engine, O: Outlet, P: Places>(
    load: &mut Load<E, O>,
    places: &mut P,
    stop: &mut StopSignal,
) {
    let assignment = &load.test.assignment;
    let room = assignment.load.drain_timeout.saturating_sub(assignment.request.timeout);
    let room = Nanos::try_from(room.as_nanos()).unwrap_or(Nanos::MAX);
    let until = load.flight.recorder.schedule_to().max(load.now()).saturating_add(room);
    let mut house_at = 0;
    while places.n_waiting() > 0 && stop_reason(stop).is_none() {
        let now = load.now();
        if now >= house_at {
            house_at = load.keep_house(now, None, true);
        }
        if now >= until {
            break;
        }
        if load.wait(Until { due: Nanos::MAX, other: house_at.min(until) }, now, stop).await {
            let now = load.now();
            if load.engine.turn(now, &mut Freeing { flight: &mut load.flight, places: &mut *places }) {
                load.waiter.worked();
            }
        }
    }
    while let Some(tick) = places.give_up() {
        load.flight.recorder.dropped(due(tick), Dropped::InFlight);
    }
}

pub(super) fn due(tick: Tick) -> Due {
    Due { request: THE_REQUEST, at: tick.due, held: 0, warmup: tick.warmup }
}

/// Ticks that were due and not sent when the stop came count as scheduled and as dropped late.
fn stopped<E: Engine, O: Outlet>(load: &mut Load<E, O>, pacer: &mut OpenLoop, now: Nanos) {
    let recorder = &mut load.flight.recorder;
    while let Some(tick) = pacer.overdue(now) {
        recorder.dropped(due(tick), Dropped::Late);
    }
    recorder.cut(now);
}
