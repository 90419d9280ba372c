//! The closed loop of sessions: each user begins its next session when the last one is over, or one pacing after that
//! began. Where the plan has stages, users come and go with the line of their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use common::counters::ErrorKind;

use super::sessions::{Crew, Users};
use super::users::Active;
use super::waiter::Until;
use super::{Load, Outlet, StopSignal, stop_reason};
use crate::assignment::Assignment;
use crate::driver_test::WorkerSlice;
use crate::engine::{Engine, Place};
use crate::pacer::{Attempts, Backoff};
use crate::scenario::script::Script;
use crate::scenario::session::{Over, Start};
use crate::shared::TestShared;
use crate::start_at::Nanos;

/// The worker's users, each at a place of its own.
struct Shift {
    script: Arc<Script>,
    sessions: Attempts,
    active: Active,
    pacing: Option<Nanos>,
    /// Users that wait, when they go on, and since when their next session is due.
    resting: BinaryHeap<Reverse<(Nanos, Place, Nanos)>>,
    backoffs: Box<[Backoff]>,
    /// When the last session of each user ended.
    ended: Box<[Nanos]>,
    /// Data that gives each row once and has none left for the next session.
    used_up: Option<usize>,
    /// Sessions that began.
    begun: u64,
    last_end: Nanos,
}

impl Shift {
    fn new(assignment: &Assignment, slice: WorkerSlice, script: Arc<Script>) -> Self {
        let Assignment { load, share, .. } = assignment;
        let length = load.stages_length().map(|length| length.saturating_sub(load.warmup)).or(load.duration);
        let sessions = Attempts::new(load.warmup, slice.attempts, length);
        Self {
            last_end: sessions.from(),
            pacing: load.pacing.map(|pacing| Nanos::try_from(pacing.as_nanos()).unwrap_or(Nanos::MAX)),
            resting: BinaryHeap::with_capacity(slice.places as usize),
            backoffs: vec![Backoff::default(); slice.places as usize].into(),
            ended: vec![Nanos::MIN; slice.places as usize].into(),
            used_up: None,
            begun: 0,
            script,
            sessions,
            active: Active::new(load, share, slice),
        }
    }

    /// Whether no session begins any more.
    fn is_over(&self, now: Nanos) -> bool {
        self.used_up.is_some() || self.sessions.over(now)
    }

    /// The next session of a user, due at an instant that has come; `None`: none begins now.
    fn next(&mut self, place: Place, due: Nanos, now: Nanos) -> Option<Start> {
        if self.is_over(now) {
            return None;
        }
        if !self.active.is_active(place, now) {
            if let Some(at) = self.active.begins(place, now, self.pacing.unwrap_or(0)) {
                self.resting.push(Reverse((at, place, at)));
            }
            return None;
        }
        self.used_up = self.script.used_up(self.active.next_g());
        if self.used_up.is_some() {
            return None;
        }
        let warmup = self.sessions.begin(now)?;
        self.begun += 1;
        let held = match self.pacing {
            Some(_) => self.ended[place as usize].saturating_sub(due).max(0),
            None => 0,
        };
        Some(Start { g: self.active.take_g(), due, held, warmup })
    }

    /// The next user that goes on now, with its session; or when the next one does.
    fn rested(&mut self, now: Nanos) -> Result<(Place, Start), Nanos> {
        while let Some(Reverse((at, place, due))) = self.resting.peek().copied() {
            if at > now {
                return Err(at);
            }
            self.resting.pop();
            if let Some(start) = self.next(place, due, now) {
                return Ok((place, start));
            }
        }
        Err(Nanos::MAX)
    }
}

impl Users for Shift {
    fn over(&mut self, place: Place, start: Start, over: &Over, at: Nanos) -> Option<Start> {
        let user = place as usize;
        self.last_end = at;
        self.ended[user] = at;
        let due = self.pacing.map_or(at, |pacing| start.due.saturating_add(pacing));
        // A session without any answer is not followed at once: a target that is down would be met with thousands a second.
        let due = if over.answered {
            self.backoffs[user].connected();
            due
        } else {
            let wait = Nanos::try_from(self.backoffs[user].failed().as_nanos()).unwrap_or(Nanos::MAX);
            due.max(at.saturating_add(wait))
        };
        if due > at {
            self.resting.push(Reverse((due, place, due)));
            return None;
        }
        self.next(place, due, at)
    }
}

/// What the sessions of a worker came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ShiftOver {
    /// Sessions that began.
    pub begun: u64,
    /// The data that gives each row once and had none left for a session, by its index in the program.
    pub used_up: Option<usize>,
}

/// Runs the worker's users, to the end of their drain; returns when the schedule began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(
    load: &mut Load<E, O>,
    script: Arc<Script>,
    stop: &mut StopSignal,
) -> Nanos {
    let mut shift = Shift::new(&load.test.assignment, load.slice, Arc::clone(&script));
    let (from, until) = (shift.sessions.from(), shift.sessions.until());
    if let Some(until) = until {
        load.flight.recorder.cut(until);
    }
    for place in 0..load.slice.places {
        if let Some(at) = shift.active.begins(place, -1, shift.pacing.unwrap_or(0)) {
            shift.resting.push(Reverse((at, place, at)));
        }
    }
    let shared = load.test.shared.as_ref().map(TestShared::values);
    let mut crew = Crew::new(load.test.start, load.slice, script, shift, from).reading(shared);
    let mut house_at = 0;
    loop {
        let now = load.now();
        if now >= house_at {
            let at = now.min(load.flight.recorder.windows.end_of_first() - 1);
            crew.note_users(&mut load.flight, crew.users.active.count(at));
            let due_since = crew.due_since().into_iter().chain(crew.users.due_since()).min();
            house_at = load.keep_house(now, due_since, false);
        }
        if stop_reason(stop).is_some() {
            load.flight.recorder.cut(now);
            crew.end_all(load, ErrorKind::Cancelled);
            load.shift = crew.users.came_to();
            return from;
        }
        if crew.users.is_over(now) {
            break;
        }
        let mut next_rested = Nanos::MIN;
        for _ in 0..BURST {
            let now = load.now();
            match crew.users.rested(now) {
                Ok((place, start)) => {
                    let start = crew.users.undated(start, now);
                    crew.begin(&mut load.engine, &mut load.flight, place, start, now);
                }
                Err(at) => {
                    next_rested = at;
                    break;
                }
            }
        }
        if crew.is_empty() && next_rested == Nanos::MAX && until.is_none() {
            // No user is left: all of them wait for nothing.
            break;
        }
        let due = crew.next_at().unwrap_or(Nanos::MAX).min(next_rested);
        let other = house_at.min(until.unwrap_or(Nanos::MAX));
        crew.wait(load, Until { due, other }, now, stop).await;
    }
    let end = load.now();
    crew.drain(load, end, stop).await;
    load.shift = crew.users.came_to();
    if crew.users.sessions.used_up() || crew.users.used_up.is_some() {
        // Ended by the number of its sessions: its schedule ends with the last one.
        load.flight.recorder.cut(crew.users.last_end);
    }
    from
}

/// So many users begin in a row before the sockets are looked at.
const BURST: u32 = 16;

impl Shift {
    fn came_to(&self) -> ShiftOver {
        ShiftOver { begun: self.begun, used_up: self.used_up }
    }

    /// Since when the next session is due that has not begun, be that past or not yet; without a pacing it is due when it
    /// begins.
    fn due_since(&self) -> Option<Nanos> {
        self.pacing?;
        self.resting.peek().map(|Reverse((at, ..))| *at)
    }

    /// Without a pacing a session that begins has no due time but now.
    fn undated(&self, start: Start, now: Nanos) -> Start {
        if self.pacing.is_some() { start } else { Start { due: now, ..start } }
    }
}
