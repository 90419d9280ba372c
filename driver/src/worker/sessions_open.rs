//! The open loop of sessions: each begins when it is due, whether or not earlier ones are over. One that finds no free
//! place is dropped, by the rules of the plain open loop.

use std::sync::Arc;

use common::counters::ErrorKind;

use super::recorder::{Dropped, Due};
use super::sessions::{Crew, Users};
use super::waiter::Until;
use super::{Load, Outlet, StopSignal, stop_reason};
use crate::engine::{Engine, Place};
use crate::pacer::{Judged, Rules};
use crate::scenario::schedule::{Due as DueSession, Sessions};
use crate::scenario::script::Script;
use crate::scenario::session::{Over, Start};
use crate::shared::TestShared;
use crate::start_at::Nanos;
use crate::worker::recorder::Recorder;

/// So many sessions begin in a row before the sockets are looked at.
const BURST: u32 = 16;
/// After so many looks at the sockets, all that is readable counts as read.
const LOOKS: u32 = 64;

/// The places that have no session.
struct Free(Vec<Place>);

impl Users for Free {
    fn over(&mut self, place: Place, _: Start, _: &Over, _: Nanos) -> Option<Start> {
        self.0.push(place);
        None
    }
}

/// Runs the worker's sessions, to the end of their drain; returns when the schedule began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(
    load: &mut Load<E, O>,
    script: Arc<Script>,
    stop: &mut StopSignal,
) -> Nanos {
    let (assignment, slice) = (&load.test.assignment, load.slice);
    let mut sessions =
        Sessions::new(&assignment.load, &assignment.share, slice.worker, slice.workers, script.seed);
    let rules = Rules::new(slice.places, assignment.honesty.max_lag_p99, assignment.honesty.max_catch_up);
    load.flight.recorder.cut(sessions.to());
    let free = Free((0..slice.places).rev().collect());
    let shared = load.test.shared.as_ref().map(TestShared::values);
    let mut crew = Crew::new(load.test.start, load.slice, script, free, sessions.from()).reading(shared);
    let (mut house_at, mut all_read, mut in_a_row) = (0, false, 0);
    loop {
        if load.rates.has_changed() {
            for step in load.rates.take() {
                sessions.change(step.at, step.per_s);
            }
            load.flight.recorder.ends_at(sessions.to());
            crew.warmup_ends_at(sessions.from());
        }
        let now = load.now();
        // A worker whose sessions come slowly may have none left long before the end, and a higher rate has some for it.
        let next = sessions.next_due();
        if next.is_none() && !(load.rates.may_change() && sessions.may_grow(now)) {
            break;
        }
        if stop_reason(stop).is_some() {
            stopped(load, &crew, &mut sessions, now);
            crew.end_all(load, ErrorKind::Cancelled);
            return sessions.from();
        }
        let due_at = next.map_or(Nanos::MAX, |due| due.at);
        if now >= house_at {
            let next = crew.due_since().map_or(due_at, |next| next.min(due_at));
            house_at = load.keep_house(now, Some(next), false);
        }
        let Some(due) = next else {
            in_a_row = 0;
            // The end of independent sessions is only expected, so it may be past.
            let other = if sessions.to() > now { house_at.min(sessions.to()) } else { house_at };
            crew.wait(load, Until { due: crew.next_at().unwrap_or(Nanos::MAX), other }, now, stop).await;
            continue;
        };
        if due.at > now {
            in_a_row = 0;
            let next = crew.next_at().map_or(due.at, |next| next.min(due.at));
            crew.wait(load, Until { due: next, other: house_at }, now, stop).await;
            continue;
        }
        // The plan has a row for each session, so far as chance can be bounded; beyond that, no row is given twice.
        if let Some(data) = crew.script().used_up(due.g) {
            load.shift.used_up.get_or_insert(data);
            drops(&mut load.flight.recorder, crew.script(), due, Dropped::Late);
            sessions.advance();
            continue;
        }
        let taken = slice.places - u32::try_from(crew.users.0.len()).unwrap_or(slice.places);
        let judged = rules.judge(now - due.at, taken, all_read);
        all_read = false;
        let why = match judged {
            Judged::Send if let Some(place) = crew.users.0.pop() => {
                let mut now = now;
                if !load.engine.has_spare() {
                    crew.turn(load);
                    now = load.now();
                }
                let start = Start { g: due.g, due: due.at, held: 0, warmup: due.warmup };
                crew.begin(&mut load.engine, &mut load.flight, place, start, now);
                load.shift.begun += 1;
                sessions.advance();
                load.waiter.worked();
                in_a_row += 1;
                if in_a_row >= BURST {
                    in_a_row = 0;
                    crew.wait(load, Until { due: Nanos::MIN, other: house_at }, now, stop).await;
                }
                continue;
            }
            Judged::ReadFirst => {
                if load.engine.needs_runtime() {
                    tokio::task::yield_now().await;
                }
                let mut looks = 0;
                while looks < LOOKS && crew.turn(load) {
                    looks += 1;
                }
                crew.wait(load, Until { due: Nanos::MIN, other: house_at }, now, stop).await;
                all_read = true;
                continue;
            }
            Judged::Send | Judged::DropInFlight => Dropped::InFlight,
            Judged::DropLate => Dropped::Late,
        };
        drops(&mut load.flight.recorder, crew.script(), due, why);
        sessions.advance();
    }
    crew.drain(load, sessions.to(), stop).await;
    sessions.from()
}

/// A session is dropped: one session, and one request, the first of its scenario.
fn drops(recorder: &mut Recorder, script: &Script, due: DueSession, why: Dropped) {
    let DueSession { g, at, warmup, .. } = due;
    let scenario = script.mix.scenario(g);
    let request = script.scenarios[scenario].first;
    recorder.dropped(Due { request, at, held: 0, warmup }, why);
    recorder.session_dropped(scenario, at, warmup);
}

/// Sessions that were due and had not begun when the stop came count as dropped late.
fn stopped<E: Engine, O: Outlet>(
    load: &mut Load<E, O>,
    crew: &Crew<Free>,
    sessions: &mut Sessions,
    now: Nanos,
) {
    let recorder = &mut load.flight.recorder;
    while let Some(due) = sessions.next_due().filter(|due| due.at <= now) {
        drops(recorder, crew.script(), due, Dropped::Late);
        sessions.advance();
    }
    recorder.cut(now);
}
