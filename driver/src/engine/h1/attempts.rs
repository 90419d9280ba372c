//! The attempts that are under way, by place. Those with the same timeout are in one list, in the order they began: the
//! first of a list is the first of it that may time out. So nothing is sorted, and an attempt joins and leaves its list
//! in a few steps, however many there are.

use common::plan::program::MAX_TIMEOUTS;

use super::slots::Key;
use crate::engine::{Place, RequestIndex, Spans};
use crate::start_at::Nanos;

const NONE: Place = Place::MAX;
const NEVER: Nanos = Nanos::MIN;

#[derive(Debug, Clone, Copy)]
struct Attempt {
    request: RequestIndex,
    /// The list that it is in.
    list: ListIndex,
    /// It sends bytes that were rendered for it.
    is_rendered: bool,
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
    request: 0,
    list: 0,
    is_rendered: false,
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

/// Which list of [`Attempts`].
pub type ListIndex = u8;

/// A list through the places, of the attempts that have the same timeout.
#[derive(Debug)]
struct List {
    timeout: Nanos,
    first: Place,
    last: Place,
}

#[derive(Debug, Default)]
pub struct Attempts {
    places: Vec<Attempt>,
    /// One for each timeout, [`MAX_TIMEOUTS`] at most.
    lists: Vec<List>,
}

impl Attempts {
    /// The list of a timeout, which is made where there is none; `None` where there are [`MAX_TIMEOUTS`] of others.
    pub fn list_of(&mut self, timeout: Nanos) -> Option<ListIndex> {
        let known = self.lists.iter().position(|list| list.timeout == timeout);
        let index = match known {
            Some(index) => index,
            None if self.lists.len() >= MAX_TIMEOUTS => return None,
            None => {
                self.lists.push(List { timeout, first: NONE, last: NONE });
                self.lists.len() - 1
            }
        };
        ListIndex::try_from(index).ok()
    }

    /// An attempt with a request begins, no earlier than any that is under way; `list`: that of the request's timeout.
    #[inline]
    pub fn begin(&mut self, place: Place, request: RequestIndex, list: ListIndex, began: Nanos) {
        if self.places.len() <= place as usize {
            self.places.resize(place as usize + 1, IDLE);
        }
        let List { first, last, .. } = &mut self.lists[usize::from(list)];
        self.places[place as usize] = Attempt { request, list, began, before: *last, ..IDLE };
        match *last {
            NONE => *first = place,
            last => self.places[last as usize].after = place,
        }
        *last = place;
    }

    /// Which request it sends.
    #[inline]
    pub fn request(&self, place: Place) -> RequestIndex {
        self.places[place as usize].request
    }

    /// Notes that an attempt sends bytes that were rendered for it.
    pub fn is_to_send_rendered(&mut self, place: Place) {
        self.places[place as usize].is_rendered = true;
    }

    /// Whether it does; otherwise it sends its request's own.
    #[inline]
    pub fn is_rendered(&self, place: Place) -> bool {
        self.places[place as usize].is_rendered
    }

    /// An attempt that is under way is over; returns how long its parts took.
    #[inline]
    pub fn end(&mut self, place: Place) -> Spans {
        let attempt = std::mem::replace(&mut self.places[place as usize], IDLE);
        let Attempt { list, before, after, .. } = attempt;
        let List { first, last, .. } = &mut self.lists[usize::from(list)];
        match before {
            NONE => *first = after,
            before => self.places[before as usize].after = after,
        }
        match after {
            NONE => *last = before,
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

    /// The one that is the next to time out, and when it does.
    #[inline]
    pub fn next_to_expire(&self) -> Option<(Place, Nanos)> {
        let firsts = self.lists.iter().filter(|list| list.first != NONE);
        let expiries = firsts.map(|list| {
            let began = self.places[list.first as usize].began;
            (list.first, began.saturating_add(list.timeout))
        });
        expiries.min_by_key(|(_, at)| *at)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.places.clear();
        for list in &mut self.lists {
            (list.first, list.last) = (NONE, NONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists of these timeouts, in this order.
    fn with(timeouts: &[Nanos]) -> Attempts {
        let mut attempts = Attempts::default();
        for (index, timeout) in (0..).zip(timeouts) {
            assert_eq!(attempts.list_of(*timeout), Some(index));
        }
        attempts
    }

    #[test]
    fn spans_are_those_of_the_parts_that_an_attempt_reached() {
        let mut attempts = with(&[1_000]);
        attempts.begin(5, 0, 0, 100);
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
        attempts.begin(5, 0, 0, 300);
        attempts.answers(5, 340);
        assert_eq!(attempts.end(5), Spans { connect: None, first_byte: Some(40) }, "on a kept connection");
        attempts.begin(5, 0, 0, 400);
        attempts.connects(5, 410);
        assert_eq!(attempts.end(5), Spans { connect: None, first_byte: None }, "it never connected");
    }

    #[test]
    fn the_next_to_expire_is_the_first_to_have_begun_whatever_ended_since() {
        let mut attempts = with(&[1_000]);
        for (place, began) in [(3, 10), (0, 20), (7, 30)] {
            attempts.begin(place, 0, 0, began);
        }
        assert_eq!(attempts.next_to_expire(), Some((3, 1_010)));
        attempts.end(0);
        attempts.end(3);
        assert_eq!(attempts.next_to_expire(), Some((7, 1_030)), "ended in the middle and at the front");
        attempts.begin(3, 0, 0, 40);
        attempts.end(7);
        assert_eq!(attempts.next_to_expire(), Some((3, 1_040)), "a place is used again");
        attempts.end(3);
        assert_eq!(attempts.next_to_expire(), None);
    }

    #[test]
    fn of_several_timeouts_the_one_that_is_over_first_comes_first() {
        let (slow, fast, never) = (0, 1, 2);
        let mut attempts = with(&[1_000, 100, Nanos::MAX]);
        for (place, list, began) in
            [(0, never, 5), (1, slow, 10), (2, slow, 20), (3, fast, 930), (4, fast, 940)]
        {
            attempts.begin(place, RequestIndex::from(list) + 7, list, began);
        }
        assert_eq!(attempts.request(3), 8);
        let mut order = Vec::new();
        while let Some((place, at)) = attempts.next_to_expire() {
            order.push((place, at));
            attempts.end(place);
        }
        assert_eq!(order, [(1, 1_010), (2, 1_020), (3, 1_030), (4, 1_040), (0, Nanos::MAX)]);
        attempts.begin(2, 0, fast, 2_000);
        attempts.clear();
        assert_eq!(attempts.next_to_expire(), None);
        attempts.begin(2, 0, fast, 3_000);
        assert_eq!(attempts.next_to_expire(), Some((2, 3_100)), "the timeouts are as they were");
    }

    #[test]
    fn an_attempt_sends_what_was_rendered_for_it_and_the_next_one_does_not() {
        let mut attempts = with(&[1_000]);
        attempts.begin(2, 7, 0, 100);
        assert!(!attempts.is_rendered(2));
        attempts.is_to_send_rendered(2);
        assert_eq!((attempts.is_rendered(2), attempts.request(2)), (true, 7));
        attempts.end(2);
        attempts.begin(2, 7, 0, 200);
        assert!(!attempts.is_rendered(2));
    }

    #[test]
    fn there_are_as_many_lists_as_timeouts_and_eight_at_most() {
        let mut attempts = with(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(attempts.list_of(3), Some(2), "it is there");
        assert_eq!(attempts.list_of(9), None);
    }
}
