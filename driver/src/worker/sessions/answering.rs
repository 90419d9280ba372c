//! What an answer means for the session that waits for it, within the turn of the engine that brings it.

use common::counters::ErrorKind;

use super::super::flight::Flight;
use super::{Crew, GoesOn, Users};
use crate::engine::{Ends, Exchange, Next, Outcome, Outgoing, Place};
use crate::scenario::answer::Field;
use crate::start_at::Nanos;

/// Gives ends and answers to the sessions that wait for them.
pub(super) struct Answering<'a, U> {
    pub flight: &'a mut Flight,
    pub crew: &'a mut Crew<U>,
}

impl<U: Users> Ends for Answering<'_, U> {
    fn ended(&mut self, place: Place, at: Nanos, exchange: &Exchange) -> Next<'_> {
        let Self { flight, crew } = self;
        let Some(attempt) = crew.seats[place as usize].attempt.take() else {
            return flight.ended(place, at, exchange);
        };
        crew.releases(place, Some(at));
        crew.look_at_clock(at);
        let Crew { seats, script, desk, bench, ready, .. } = &mut **crew;
        let seat = &mut seats[place as usize];
        if seat.follows(exchange, &attempt, at) {
            let redirect = script.requests[usize::from(attempt.request)].redirect;
            flight.redirected(place, at, exchange, redirect);
            ready.push_back((at, place));
            return Next::Rest;
        }
        let fault = bench.examine(script, seat, &attempt, exchange, desk.unix_us);
        // An answer that found no free buffer, or does not fit into one, was not examined: the attempt does not count as
        // answered.
        let (exchange, fault) = match fault {
            Some(kind) if !matches!(kind, ErrorKind::Check | ErrorKind::Extract) => {
                (Exchange { outcome: Outcome::Failed(kind), ..*exchange }, None)
            }
            fault => (*exchange, fault),
        };
        flight.judged(place, at, &exchange, fault);
        let (status, expected) = match exchange.outcome {
            Outcome::Status(status) => (true, script.requests[usize::from(attempt.request)].expects(status)),
            Outcome::Failed(_) => (false, false),
        };
        let failed = !expected || fault.is_some();
        seat.session.answered(script, at, (status, failed), desk, &mut flight.recorder);
        match crew.goes_on(flight, place, at) {
            GoesOn::Begin(request) => Next::Begin(request),
            GoesOn::Rest => Next::Rest,
            GoesOn::Render(attempt) if !crew.is_closing(place) => {
                match crew.render(flight, place, attempt, at) {
                    Some(outgoing) => Next::Send(Outgoing { bytes: &crew.paper.out, ..outgoing }),
                    None => {
                        crew.ready.push_back((at, place));
                        Next::Rest
                    }
                }
            }
            GoesOn::Render(_) => {
                crew.ready.push_back((at, place));
                Next::Rest
            }
        }
    }

    fn head(&mut self, place: Place, status: u16, fields: &[Field<'_>]) {
        let Crew { seats, script, bench, desk, .. } = &mut *self.crew;
        // The time of the last attempt or answer is near enough: cookies expire by the second.
        seats[place as usize].head(script, &mut bench.buffers, desk.unix_us, status, fields);
    }

    fn body(&mut self, place: Place, bytes: &[u8]) {
        self.crew.seats[place as usize].body(bytes);
    }
}
