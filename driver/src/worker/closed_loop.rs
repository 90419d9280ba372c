//! The closed loop: each connection sends as soon as its last answer is in, under a ceiling where there is
//! one. Connections that wait for a permit or to try again stand in queues: a thousand of them cost no more than
//! one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use common::counters::ErrorKind;

use super::flight::Flight;
use super::recorder::Due;
use super::waiter::Until;
use super::{Load, Outlet, StopSignal, THE_REQUEST, stop_reason};
use crate::assignment::Assignment;
use crate::driver_test::WorkerSlice;
use crate::engine::{Ends, Engine, Exchange, Next, Place, RequestIndex};
use crate::pacer::{Attempts, Backoff, Grant, Permits};
use crate::start_at::Nanos;

/// The worker's connections, each at a place of its own: what decides whether one sends.
struct Connections {
    attempts: Attempts,
    permits: Option<Permits>,
    /// Connections that wait for a permit, first come first served.
    waiting: VecDeque<Place>,
    /// Connections that failed to connect, and when they try again.
    resting: BinaryHeap<Reverse<(Nanos, Place)>>,
    backoffs: Vec<Backoff>,
    /// When the last attempt that ended did.
    last_end: Nanos,
}

impl Connections {
    fn new(assignment: &Assignment, slice: WorkerSlice) -> Self {
        let attempts = Attempts::new(assignment.load.warmup, slice.attempts, assignment.load.duration);
        let permits =
            assignment.share.target_throughput.map(|rate| Permits::new(rate, slice.worker, slice.workers));
        Self {
            last_end: attempts.from(),
            attempts,
            permits,
            waiting: VecDeque::new(),
            resting: BinaryHeap::new(),
            backoffs: vec![Backoff::default(); slice.places as usize],
        }
    }

    /// A connection is free to send: whether it does now.
    #[inline]
    fn next(&mut self, flight: &mut Flight, place: Place, now: Nanos) -> Next<'static> {
        if self.attempts.over(now) {
            return Next::Rest;
        }
        if let Some(permits) = &mut self.permits {
            // Connections that wait already come first.
            if !self.waiting.is_empty() || permits.take(now) != Grant::Now {
                self.waiting.push_back(place);
                return Next::Rest;
            }
        }
        self.begin(flight, place, now)
    }

    #[inline]
    fn begin(&mut self, flight: &mut Flight, place: Place, now: Nanos) -> Next<'static> {
        let Some(warmup) = self.attempts.begin(now) else { return Next::Rest };
        let due = Due { request: THE_REQUEST, at: now, held: 0, warmup };
        flight.begins(place, due, now, false);
        Next::Begin(due.request)
    }

    /// The next connection that begins now, for a permit is due, and with which request; or when the next permit is.
    fn with_permit(&mut self, flight: &mut Flight, now: Nanos) -> Result<(Place, RequestIndex), Nanos> {
        let Some(permits) = &mut self.permits else { return Err(Nanos::MAX) };
        let Some(place) = self.waiting.front().copied() else { return Err(Nanos::MAX) };
        if self.attempts.over(now) {
            return Err(Nanos::MAX);
        }
        if let Grant::WaitUntil(at) = permits.take(now) {
            return Err(at);
        }
        self.waiting.pop_front();
        match self.begin(flight, place, now) {
            Next::Begin(request) => Ok((place, request)),
            Next::Rest | Next::Send(_) => Err(Nanos::MAX),
        }
    }

    /// The next connection that tries again now, and with which request; or when the next one does.
    fn rested(&mut self, flight: &mut Flight, now: Nanos) -> Result<(Place, RequestIndex), Nanos> {
        while let Some(Reverse((at, place))) = self.resting.peek().copied() {
            if at > now {
                return Err(at);
            }
            self.resting.pop();
            if let Next::Begin(request) = self.next(flight, place, now) {
                return Ok((place, request));
            }
        }
        Err(Nanos::MAX)
    }
}

/// Ends attempts, and lets their connections go on.
struct GoingOn<'a> {
    flight: &'a mut Flight,
    connections: &'a mut Connections,
}

impl Ends for GoingOn<'_> {
    #[inline]
    fn ended(&mut self, place: Place, at: Nanos, exchange: &Exchange) -> Next<'_> {
        self.flight.ended(place, at, exchange);
        self.connections.last_end = at;
        let backoff = &mut self.connections.backoffs[place as usize];
        if exchange.unconnected {
            let wait = Nanos::try_from(backoff.failed().as_nanos()).unwrap_or(Nanos::MAX);
            self.connections.resting.push(Reverse((at.saturating_add(wait), place)));
            return Next::Rest;
        }
        backoff.connected();
        self.connections.next(self.flight, place, at)
    }
}

/// Runs the worker's connections to the end of the schedule; returns when it began, after the warm-up.
pub async fn run<E: Engine, O: Outlet>(load: &mut Load<E, O>, stop: &mut StopSignal) -> Nanos {
    let mut connections = Connections::new(&load.test.assignment, load.slice);
    let (from, until) = (connections.attempts.from(), connections.attempts.until());
    if let Some(until) = until {
        load.flight.recorder.cut(until);
    }
    for place in 0..load.slice.places {
        let now = load.now();
        if let Next::Begin(request) = connections.next(&mut load.flight, place, now) {
            load.engine.begin(place, request, now);
        }
    }
    let mut house_at = 0;
    loop {
        let now = load.now();
        if now >= house_at {
            house_at = load.keep_house(now, None, false);
        }
        if stop_reason(stop).is_some() {
            load.give_up(now, ErrorKind::Cancelled);
            load.flight.recorder.cut(now);
            break;
        }
        if connections.attempts.used_up() && load.flight.is_empty() {
            // Ended by its number of attempts: its schedule ends with the last one, even if connections wait to try
            // again.
            load.flight.recorder.cut(connections.last_end);
            break;
        }
        // Ended by its duration: what is in flight is drained.
        if until.is_some_and(|until| now >= until) {
            break;
        }
        let next_permit = loop {
            match connections.with_permit(&mut load.flight, now) {
                Ok((place, request)) => load.engine.begin(place, request, now),
                Err(at) => break at,
            }
        };
        let next_rested = loop {
            match connections.rested(&mut load.flight, now) {
                Ok((place, request)) => load.engine.begin(place, request, now),
                Err(at) => break at,
            }
        };
        let other = house_at.min(next_rested).min(until.unwrap_or(Nanos::MAX));
        if load.wait(Until { due: next_permit, other }, now, stop).await {
            let now = load.now();
            if load.engine.turn(now, &mut GoingOn { flight: &mut load.flight, connections: &mut connections })
            {
                load.waiter.worked();
            }
        }
    }
    from
}
