//! The attempts of one worker that are in flight, by place, and what is recorded of them.

use common::counters::ErrorKind;
use common::plan::Request;

use super::recorder::{Due, Recorder};
use crate::engine::{Ends, Exchange, Next, Place, RequestIndex, Spans};
use crate::scenario::script::Script;
use crate::start_at::Nanos;

/// One attempt in flight.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    due: Due,
    began: Nanos,
}

/// What is in flight, and the figures of all that was.
#[derive(Debug)]
pub struct Flight {
    pub recorder: Recorder,
    places: Vec<Option<Attempt>>,
    in_flight: u32,
}

impl Flight {
    /// Nothing is in flight yet, at so many places.
    pub fn new(request: &Request, places: u32) -> Self {
        Self::with(Recorder::new(request, Nanos::MAX), places)
    }

    /// As [`Flight::new`], of a plan with sessions.
    pub fn of_script(script: &Script, places: u32) -> Self {
        Self::with(Recorder::of_script(script, Nanos::MAX), places)
    }

    fn with(recorder: Recorder, places: u32) -> Self {
        Self { recorder, places: vec![None; places as usize], in_flight: 0 }
    }

    /// How many attempts are in flight.
    #[inline]
    pub fn len(&self) -> u32 {
        self.in_flight
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.in_flight == 0
    }

    /// An attempt begins at a free place; `short_gap`: too soon after the one before.
    #[inline]
    pub fn begins(&mut self, place: Place, due: Due, began: Nanos, short_gap: bool) {
        self.recorder.sent(due, began, short_gap);
        self.in_flight += 1;
        self.places[place as usize] = Some(Attempt { due, began });
    }

    /// An attempt begins that follows a redirect. It is sent under the name of redirects, in place of the one that was
    /// answered by one; and it ends under the name of its request, unless it is answered by another redirect.
    pub fn follows(&mut self, place: Place, due: Due, redirect: RequestIndex, began: Nanos) {
        self.recorder.sent(Due { request: redirect, ..due }, began, false);
        self.in_flight += 1;
        self.places[place as usize] = Some(Attempt { due, began });
    }

    /// Notes that an attempt was answered by a redirect that is followed.
    pub fn redirected(&mut self, place: Place, at: Nanos, exchange: &Exchange, redirect: RequestIndex) {
        if let Some(Attempt { due, began }) = self.places[place as usize].take() {
            self.in_flight -= 1;
            self.recorder.ended(Due { request: redirect, ..due }, began, at, exchange);
        }
    }

    /// Notes the end of an attempt whose answer was looked at; `fault`: as [`Recorder::judged`].
    #[inline]
    pub fn judged(&mut self, place: Place, at: Nanos, exchange: &Exchange, fault: Option<ErrorKind>) {
        if let Some(attempt) = self.places[place as usize].take() {
            self.in_flight -= 1;
            self.recorder.judged(attempt.due, attempt.began, at, exchange, fault);
        }
    }

    /// Gives up all attempts: they count as failed, with the time they took so far, and so do their parts.
    pub fn give_up(&mut self, now: Nanos, kind: ErrorKind, so_far: impl Fn(Place) -> Spans) {
        for (place, attempt) in (0..).zip(&mut self.places) {
            if let Some(Attempt { due, began }) = attempt.take() {
                self.recorder.given_up(due, began, now, kind, so_far(place));
            }
        }
        self.in_flight = 0;
    }
}

/// Notes the end of an attempt; nothing begins for it.
impl Ends for Flight {
    #[inline]
    fn ended(&mut self, place: Place, at: Nanos, exchange: &Exchange) -> Next<'_> {
        if let Some(attempt) = self.places[place as usize].take() {
            self.in_flight -= 1;
            self.recorder.ended(attempt.due, attempt.began, at, exchange);
        }
        Next::Rest
    }
}
