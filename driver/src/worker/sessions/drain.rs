//! How the sessions of a worker come to their end: after the last one began, or by a stop.

use common::counters::ErrorKind;

use super::super::flight::Flight;
use super::super::recorder::Due;
use super::super::seat::due;
use super::super::waiter::Until;
use super::super::{Load, Outlet, StopSignal, stop_reason};
use super::{Crew, Users};
use crate::engine::{Engine, Place};
use crate::start_at::Nanos;

impl<U: Users> Crew<U> {
    /// After the last session began: brings those under way to their end, and ends those that do not come to it in time,
    /// or before a stop. `end`: when the load ends; the last session may have begun long before.
    pub async fn drain<E: Engine, O: Outlet>(
        &mut self,
        load: &mut Load<E, O>,
        end: Nanos,
        stop: &mut StopSignal,
    ) {
        let drain = Nanos::try_from(load.test.assignment.load.drain_timeout.as_nanos()).unwrap_or(Nanos::MAX);
        self.gives_up_at = load.now().max(end).saturating_add(drain);
        let mut house_at = 0;
        let mut kind = ErrorKind::Timeout;
        loop {
            let now = load.now();
            if now >= house_at {
                if load.test.assignment.places_are_users() {
                    self.note_users(&mut load.flight, 0);
                }
                house_at = load.keep_house(now, self.due_since(), now >= end);
            }
            if stop_reason(stop).is_some() {
                kind = ErrorKind::Cancelled;
                break;
            }
            let next_at = self.next_at().unwrap_or(Nanos::MAX);
            // What thinks beyond the end of the drain is not waited for.
            if self.is_empty()
                || now >= self.gives_up_at
                || (load.flight.is_empty() && next_at > self.gives_up_at)
            {
                break;
            }
            self.wait(load, Until { due: next_at, other: house_at.min(self.gives_up_at) }, now, stop).await;
        }
        self.end_all(load, kind);
    }

    /// Ends all that is under way.
    pub fn end_all<E: Engine, O: Outlet>(&mut self, load: &mut Load<E, O>, kind: ErrorKind) {
        let now = load.now();
        load.give_up(now, kind);
        self.abandon_all(&mut load.flight, now, kind);
    }

    /// Ends all sessions now. Attempts in flight were given up before, which fails their sessions unless a stop cancelled
    /// them.
    pub(super) fn abandon_all(&mut self, flight: &mut Flight, now: Nanos, kind: ErrorKind) {
        // Taken away: no place that waits receives a connection any more. One that is given back here would look free since
        // before the attempt that is given up, and the wait for it would count as lag.
        let lines = self.lines.take();
        for place in 0..self.seats.len() {
            let Self { seats, script, desk, bench, .. } = self;
            let seat = &mut seats[place];
            if let Some(buffer) = seat.buffer.take() {
                bench.buffers.give_back(buffer);
            }
            if let (Some(_), Some(attempt)) = (seat.hop.take(), seat.attempt) {
                // The redirect was counted, and what follows it is not sent any more: it fails, as what cannot be sent does.
                let redirect = script.requests[usize::from(attempt.request)].redirect;
                // What it waited for a connection is the target's doing, and no lag of ours.
                let place = Place::try_from(place).unwrap_or(Place::MAX);
                let held = lines.as_ref().map_or(0, |lines| lines.held_until(place, attempt.due, now));
                let due = Due { held: attempt.held + held, ..due(&attempt) };
                flight.recorder.unsent(due, redirect, now, kind);
            }
            if seat.attempt.take().is_some() && kind != ErrorKind::Cancelled {
                seat.session.answered(script, now, (false, true), desk, &mut flight.recorder);
            }
            self.abandon(flight, Place::try_from(place).unwrap_or(Place::MAX), now);
        }
        self.ready.clear();
        self.thinking.clear();
    }
}
