//! The attempts that are under way, by place, in the order they began: as all of them have the same timeout,
//! the one that began first is the first that may time out.

use super::slots::Key;
use crate::engine::Place;
use crate::load_job::Nanos;

/// No place.
const NONE: Place = Place::MAX;

#[derive(Debug, Clone, Copy)]
struct Attempt {
    began: Nanos,
    /// The connection that serves it, or is being set up for it.
    connection: Option<Key>,
    before: Place,
    after: Place,
}

const IDLE: Attempt = Attempt { began: 0, connection: None, before: NONE, after: NONE };

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
        self.places[place as usize] = Attempt { began, connection: None, before: self.last, after: NONE };
        match self.last {
            NONE => self.first = place,
            last => self.places[last as usize].after = place,
        }
        self.last = place;
    }

    /// An attempt that is under way is over.
    #[inline]
    pub fn end(&mut self, place: Place) {
        let Attempt { before, after, .. } = self.places[place as usize];
        match before {
            NONE => self.first = after,
            before => self.places[before as usize].after = after,
        }
        match after {
            NONE => self.last = before,
            after => self.places[after as usize].before = before,
        }
        self.places[place as usize] = IDLE;
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
