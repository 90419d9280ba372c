//! The attempts that are under way, by place, in the order they began: as all of them have the same timeout,
//! the one that began first is the first that may time out.

use super::slots::Key;
use crate::engine::{Place, Spans};
use crate::start_at::Nanos;

/// No place.
const NONE: Place = Place::MAX;
/// No instant.
const NEVER: Nanos = Nanos::MIN;

#[derive(Debug, Clone, Copy)]
struct Attempt {
    began: Nanos,
    /// When it began to open a connection of its own, when that was open, and when the answer's first byte was read.
    connecting: Nanos,
    connected: Nanos,
    answered: Nanos,
    /// The connection that serves it, or is being set up for it.
    connection: Option<Key>,
    before: Place,
    after: Place,
}

const IDLE: Attempt = Attempt {
    began: 0,
    connecting: NEVER,
    connected: NEVER,
    answered: NEVER,
    connection: None,
    before: NONE,
    after: NONE,
};

impl Attempt {
    fn spans(&self) -> Spans {
        Spans { connect: span(self.connecting, self.connected), first_byte: span(self.began, self.answered) }
    }
}

/// From one instant to another, if both were.
fn span(from: Nanos, to: Nanos) -> Option<Nanos> {
    (from != NEVER && to != NEVER).then(|| to.saturating_sub(from).max(0))
}

/// A list through the places.
#[derive(Debug)]
pub struct Attempts {
    places: Vec<Attempt>,
    first: Place,
    last: Place,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { places: Vec::new(), first: NONE, last: NONE }
    }
}

impl Attempts {
    /// An attempt begins, no earlier than any that is under way.
    #[inline]
    pub fn begin(&mut self, place: Place, began: Nanos) {
        if self.places.len() <= place as usize {
            self.places.resize(place as usize + 1, IDLE);
        }
        self.places[place as usize] = Attempt { began, before: self.last, ..IDLE };
        match self.last {
            NONE => self.first = place,
            last => self.places[last as usize].after = place,
        }
        self.last = place;
    }

    /// An attempt that is under way is over; returns how long its parts took.
    #[inline]
    pub fn end(&mut self, place: Place) -> Spans {
        let attempt = std::mem::replace(&mut self.places[place as usize], IDLE);
        let Attempt { before, after, .. } = attempt;
        match before {
            NONE => self.first = after,
            before => self.places[before as usize].after = after,
        }
        match after {
            NONE => self.last = before,
            after => self.places[after as usize].before = before,
        }
        attempt.spans()
    }

    /// How long the parts of the attempt at a place have taken so far; none where none is under way.
    pub fn so_far(&self, place: Place) -> Spans {
        self.places.get(place as usize).map_or_else(Spans::default, Attempt::spans)
    }

    /// Notes that it opens a connection of its own; only the first address that is tried counts.
    pub fn connects(&mut self, place: Place, at: Nanos) {
        let attempt = &mut self.places[place as usize];
        if attempt.connecting == NEVER {
            attempt.connecting = at;
        }
    }

    /// Notes that this connection is open, TLS included.
    pub fn connected(&mut self, place: Place, at: Nanos) {
        self.places[place as usize].connected = at;
    }

    /// Notes that the first byte of its answer was read.
    #[inline]
    pub fn answers(&mut self, place: Place, at: Nanos) {
        self.places[place as usize].answered = at;
    }

    /// When it began.
    #[inline]
    pub fn began(&self, place: Place) -> Nanos {
        self.places[place as usize].began
    }

    /// Notes which connection serves an attempt.
    #[inline]
    pub fn served_by(&mut self, place: Place, connection: Key) {
        self.places[place as usize].connection = Some(connection);
    }

    /// Notes that none does, for now.
    pub fn waits(&mut self, place: Place) {
        self.places[place as usize].connection = None;
    }

    /// Which connection serves it.
    pub fn connection(&self, place: Place) -> Option<Key> {
        self.places[place as usize].connection
    }

    /// The one that began first, and when.
    #[inline]
    pub fn oldest(&self) -> Option<(Place, Nanos)> {
        (self.first != NONE).then(|| (self.first, self.places[self.first as usize].began))
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_those_of_the_parts_that_an_attempt_reached() {
        let mut attempts = Attempts::default();
        attempts.begin(5, 100);
        attempts.connects(5, 130);
        attempts.connects(5, 170);
        attempts.connected(5, 190);
        assert_eq!(attempts.so_far(5), Spans { connect: Some(60), first_byte: None }, "while it waits");
        attempts.answers(5, 250);
        assert_eq!(
            attempts.end(5),
            Spans { connect: Some(60), first_byte: Some(150) },
            "from the first address on"
        );
        assert_eq!(attempts.so_far(5), Spans::default(), "it is over");
        assert_eq!(attempts.so_far(99), Spans::default(), "a place that was never taken");
        attempts.begin(5, 300);
        attempts.answers(5, 340);
        assert_eq!(attempts.end(5), Spans { connect: None, first_byte: Some(40) }, "on a kept connection");
        attempts.begin(5, 400);
        attempts.connects(5, 410);
        assert_eq!(attempts.end(5), Spans { connect: None, first_byte: None }, "it never connected");
    }

    #[test]
    fn the_oldest_is_the_first_to_have_begun_whatever_ended_since() {
        let mut attempts = Attempts::default();
        for (place, began) in [(3, 10), (0, 20), (7, 30)] {
            attempts.begin(place, began);
        }
        assert_eq!(attempts.oldest(), Some((3, 10)));
        attempts.end(0);
        attempts.end(3);
        assert_eq!(attempts.oldest(), Some((7, 30)), "ended in the middle and at the front");
        attempts.begin(3, 40);
        attempts.end(7);
        assert_eq!(attempts.oldest(), Some((3, 40)), "a place is used again");
        attempts.end(3);
        assert_eq!(attempts.oldest(), None);
    }
}
