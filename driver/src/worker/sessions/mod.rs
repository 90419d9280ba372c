//! The sessions of one worker: one at each place, of which at most one attempt is in flight. Which session begins, and
//! when, is decided by the loops; this brings sessions from one attempt to the next, and counts them.
//!
//! A session that is to go on at once stands in `ready`, one that waits in `thinking`; one with an attempt in flight in
//! neither. A session whose answer has come goes on within that turn of the engine ([`crate::engine::Next`]): its next request is rendered
//! and written while the connection is at hand, without a queue, another look at the sockets and another reading of the
//! clock. Only what needs the engine for something else waits in `ready` for the end of the turn.

mod answering;
mod drain;
mod pool;
mod shared;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use common::plan::program::Connections;
use tokio::sync::watch;

use self::answering::Answering;
use self::pool::admitted;
use super::examine::Bench;
use super::flight::Flight;
use super::lines::PlaceLines;
use super::seat::{Paper, Seat, due};
use super::waiter::Until;
use super::{Load, Outlet, StopSignal};
use crate::driver_test::WorkerSlice;
use crate::engine::{Engine, Outgoing, Place, RequestIndex};
use crate::scenario::render::SharedValues;
use crate::scenario::script::Script;
use crate::scenario::session::{Attempt, Desk, Next as Step, Over, Start};
use crate::start_at::{Nanos, StartAt};

/// So many sessions go on in a row before the sockets are looked at, and so many steps of one in a row that were not
/// sent.
const BURST: usize = 16;

/// What a loop does where a session is over.
pub(super) trait Users {
    /// The session at a place is over. `Some`: another one begins there at this instant.
    fn over(&mut self, place: Place, start: Start, over: &Over, at: Nanos) -> Option<Start>;
}

/// How a session goes on.
enum GoesOn {
    /// With a request that the engine has prepared.
    Begin(RequestIndex),
    /// With one that is to be rendered.
    Render(Attempt),
    /// Later, or not at all.
    Rest,
}

/// All sessions of a worker.
pub(super) struct Crew<U> {
    pub users: U,
    script: Arc<Script>,
    start: StartAt,
    seats: Box<[Seat]>,
    /// Each with the instant before which nothing of it falls due.
    ready: VecDeque<(Nanos, Place)>,
    /// One entry at most for each place.
    thinking: BinaryHeap<Reverse<(Nanos, Place)>>,
    /// Places whose own connections are to be closed.
    closing: Vec<Place>,
    /// The connections that attempts wait for; `None`: they wait for none. A place that waits is neither ready nor thinks.
    lines: Option<PlaceLines>,
    under_way: u32,
    /// When what is in flight is given up: no step begins that could not have its whole timeout.
    gives_up_at: Nanos,
    desk: Desk,
    bench: Bench,
    paper: Paper,
    /// Brings the values of `[shared]` when the driver has new ones.
    shared: Option<watch::Receiver<SharedValues>>,
}

impl<U: Users> Crew<U> {
    /// No session has begun. `warmup_until`: what is scheduled before then belongs to the warm-up.
    pub fn new(
        start: StartAt,
        slice: WorkerSlice,
        script: Arc<Script>,
        users: U,
        warmup_until: Nanos,
    ) -> Self {
        let places = slice.places;
        let cookie_bytes = script.scenarios.iter().filter_map(|track| track.cookie_bytes).max();
        Self {
            users,
            start,
            seats: (0..places).map(|_| Seat::new(&script, cookie_bytes)).collect(),
            ready: VecDeque::with_capacity(places as usize),
            thinking: BinaryHeap::with_capacity(places as usize),
            closing: Vec::with_capacity(places as usize),
            lines: slice.connections.map(|n| PlaceLines::new(n, places)),
            under_way: 0,
            gives_up_at: Nanos::MAX,
            desk: Desk::new(warmup_until),
            bench: Bench::new(&script, places, slice.workers),
            paper: Paper::default(),
            shared: None,
            script,
        }
    }

    /// What is scheduled before then belongs to the warm-up.
    pub fn warmup_ends_at(&mut self, at: Nanos) {
        self.desk.warmup_until = at;
    }

    /// Its program.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Whether no session is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way == 0
    }

    /// Notes how many users there are: the first `active` ones, and those behind them whose last session is under way.
    pub fn note_users(&self, flight: &mut Flight, active: u32) {
        let ending = self.seats.iter().skip(active as usize).filter(|seat| seat.under_way).count();
        flight.recorder.windows.note_users(active.saturating_add(u32::try_from(ending).unwrap_or(u32::MAX)));
    }

    /// When the next session goes on that waits for no answer.
    pub fn next_at(&self) -> Option<Nanos> {
        match self.ready.is_empty() {
            false => Some(Nanos::MIN),
            true => self.thinking.peek().map(|Reverse((at, _))| *at),
        }
    }

    /// Before this instant nothing falls due any more of the sessions that are to go on: a window that ends later is not
    /// complete. Under full load there are always some that are to go on at once, and still each window becomes complete.
    pub fn due_since(&self) -> Option<Nanos> {
        let ready = self.ready.iter().map(|(at, _)| *at);
        let thinking = self.thinking.peek().map(|Reverse((at, _))| *at);
        ready.chain(thinking).min()
    }

    /// A session begins at a place that has none.
    pub fn begin<E: Engine>(
        &mut self,
        engine: &mut E,
        flight: &mut Flight,
        place: Place,
        start: Start,
        now: Nanos,
    ) {
        self.starts(flight, place, start, now);
        self.set_off(engine, flight, place, now);
    }

    fn starts(&mut self, flight: &mut Flight, place: Place, start: Start, now: Nanos) {
        self.look_at_clock(now);
        let seat = &mut self.seats[place as usize];
        seat.clear();
        seat.session.begin(&self.script, start, &mut self.desk);
        seat.under_way = true;
        self.under_way += 1;
        flight.recorder.session_started(seat.session.scenario(), start.due, start.warmup);
    }

    fn look_at_clock(&mut self, now: Nanos) {
        self.desk.unix_us = self.start.unix_us_at(now);
        self.paper.unix_us = self.desk.unix_us;
    }

    /// Sessions go on whose time has come, a few of them; whether there were any.
    pub fn go_on<E: Engine>(
        &mut self,
        engine: &mut E,
        flight: &mut Flight,
        clock: impl Fn() -> Nanos,
    ) -> bool {
        let mut n = 0;
        while n < BURST {
            let now = clock();
            let Some(place) = self.first(now) else { break };
            self.set_off(engine, flight, place, now);
            n += 1;
        }
        self.close_own(engine);
        n > 0
    }

    /// The next place that goes on by now. One that thought enough does not wait behind those that came to be ready later.
    fn first(&mut self, now: Nanos) -> Option<Place> {
        let ready = self.ready.front().map_or(Nanos::MAX, |(at, _)| *at);
        let thought = self.thinking.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
        if thought <= now && thought < ready {
            return self.thinking.pop().map(|Reverse((_, place))| place);
        }
        self.ready.pop_front().map(|(_, place)| place)
    }

    fn close_own<E: Engine>(&mut self, engine: &mut E) {
        while let Some(place) = self.closing.pop() {
            engine.close_own(place);
        }
    }

    /// Whether a place has connections that are to be closed before its next request is sent.
    fn is_closing(&self, place: Place) -> bool {
        // A session that just ended stands last; those before it are of other places.
        self.closing.last() == Some(&place)
    }

    fn set_off<E: Engine>(&mut self, engine: &mut E, flight: &mut Flight, place: Place, now: Nanos) {
        for _ in 0..BURST {
            match self.goes_on(flight, place, now) {
                GoesOn::Begin(request) => return engine.begin(place, request, now),
                GoesOn::Rest => return,
                GoesOn::Render(attempt) => {
                    // The own connections of the session before are closed first.
                    self.close_own(engine);
                    if let Some(outgoing) = self.render(flight, place, attempt, now) {
                        let outgoing = Outgoing { bytes: &self.paper.out, ..outgoing };
                        return engine.begin_rendered(place, outgoing, now);
                    }
                }
            }
        }
        self.ready.push_back((now, place));
    }

    /// A session goes on as far as it can without an engine.
    fn goes_on(&mut self, flight: &mut Flight, place: Place, now: Nanos) -> GoesOn {
        self.look_at_clock(now);
        loop {
            let Self { seats, script, desk, lines, .. } = self;
            let seat = &mut seats[place as usize];
            if let (Some(_), Some(attempt)) = (seat.hop, seat.attempt) {
                return admitted(lines, place, attempt).map_or(GoesOn::Rest, GoesOn::Render);
            }
            let attempt = match seat.session.next(script, now, desk, &mut flight.recorder) {
                Step::At(at) => {
                    self.thinking.push(Reverse((at, place)));
                    return GoesOn::Rest;
                }
                Step::Request(attempt) => attempt,
                Step::Over(over) => match self.ends(flight, place, over, now) {
                    Some(start) => {
                        self.starts(flight, place, start, now);
                        continue;
                    }
                    None => return GoesOn::Rest,
                },
            };
            let request = &script.requests[usize::from(attempt.request)];
            if now > self.gives_up_at.saturating_sub(request.timeout) {
                self.abandon(flight, place, now);
                return GoesOn::Rest;
            }
            let Some(attempt) = admitted(lines, place, attempt) else { return GoesOn::Rest };
            if !seat.is_prepared(script, request) {
                return GoesOn::Render(attempt);
            }
            Self::begins(seat, script, flight, place, attempt, now);
            return GoesOn::Begin(attempt.request);
        }
    }

    fn begins(
        seat: &mut Seat,
        script: &Script,
        flight: &mut Flight,
        place: Place,
        attempt: Attempt,
        now: Nanos,
    ) {
        seat.expects_answer();
        if seat.hop.take().is_some() {
            let redirect = script.requests[usize::from(attempt.request)].redirect;
            return flight.follows(place, due(&attempt), redirect, now);
        }
        seat.session.begun(script, &attempt, now);
        seat.attempt = Some(attempt);
        flight.begins(place, due(&attempt), now, false);
    }

    /// Renders an attempt, which begins now, into `paper.out`; what is returned lacks these bytes. `None` where it could
    /// not be rendered: then it has failed.
    fn render(
        &mut self,
        flight: &mut Flight,
        place: Place,
        attempt: Attempt,
        now: Nanos,
    ) -> Option<Outgoing<'static>> {
        let Self { seats, script, desk, paper, .. } = self;
        let seat = &mut seats[place as usize];
        match seat.render(script, &attempt, paper) {
            Ok(host) => {
                Self::begins(seat, script, flight, place, attempt, now);
                let own_connection = seat.has_own_connections(script).then_some(place);
                Some(Outgoing { request: attempt.request, host, own_connection, bytes: &[] })
            }
            Err(kind) => {
                let redirect = script.requests[usize::from(attempt.request)].redirect;
                let hop = seat.hop.take().is_some();
                let sent_as = if hop { redirect } else { attempt.counted };
                flight.recorder.unsent(due(&attempt), sent_as, now, kind);
                if !hop {
                    seat.session.begun(script, &attempt, now);
                }
                seat.attempt = None;
                seat.session.answered(script, now, (hop, true), desk, &mut flight.recorder);
                self.releases(place, None);
                None
            }
        }
    }

    /// A session is over: counts it; whether another one begins at its place.
    fn ends(&mut self, flight: &mut Flight, place: Place, over: Over, now: Nanos) -> Option<Start> {
        let seat = &mut self.seats[place as usize];
        let start = seat.session.start();
        if !std::mem::take(&mut seat.under_way) {
            return None;
        }
        self.under_way -= 1;
        flight.recorder.session_over(seat.session.scenario(), start.warmup, &over, now);
        if seat.session.track(&self.script).connections == Connections::Session {
            self.closing.push(place);
        }
        self.users.over(place, start, &over, now)
    }

    /// A session is ended by us; none follows at its place.
    fn abandon(&mut self, flight: &mut Flight, place: Place, now: Nanos) {
        let Self { seats, script, desk, .. } = self;
        let seat = &mut seats[place as usize];
        if std::mem::take(&mut seat.under_way) {
            let over = seat.session.abandon(script, desk, &mut flight.recorder);
            self.under_way -= 1;
            let warmup = seat.session.start().warmup;
            flight.recorder.session_over(seat.session.scenario(), warmup, &over, now);
            self.releases(place, None);
        }
    }

    /// Waits towards an instant and moves what can be moved.
    pub async fn wait<E: Engine, O: Outlet>(
        &mut self,
        load: &mut Load<E, O>,
        until: Until,
        now: Nanos,
        stop: &mut StopSignal,
    ) {
        self.look_at_shared();
        if until.due <= now {
            // Sessions are ready: no wait, but what else lives on this thread has its turn now and then.
            load.waiter.busy(now).await;
            self.turn(load);
        } else if load.wait(until, now, stop).await {
            self.turn(load);
        }
        let Load { engine, flight, test, waiter, .. } = load;
        let start = test.start;
        if self.go_on(engine, flight, || start.nanos(std::time::Instant::now())) {
            waiter.worked();
        }
    }

    /// One turn of the engine; whether it did anything.
    pub fn turn<E: Engine, O: Outlet>(&mut self, load: &mut Load<E, O>) -> bool {
        let now = load.now();
        let worked = load.engine.turn(now, &mut Answering { flight: &mut load.flight, crew: self });
        if worked {
            load.waiter.worked();
        }
        worked
    }
}
