//! What the attempts of an open loop are begun on: any free place, or one of so many connections, which ticks wait for in
//! their order.

use super::flight::Flight;
use super::lines::{Lines, held};
use super::recorder::Due;
use super::{THE_REQUEST, open_loop};
use crate::engine::{Ends, Exchange, Next, Place};
use crate::pacer::Tick;
use crate::start_at::Nanos;

/// The places of a worker.
pub(super) trait Places {
    /// A free one, and since when it is free: what is due then or later is not held by it.
    fn take(&mut self) -> Option<(Place, Nanos)>;

    /// A tick finds none free: whether it waits for one.
    fn waits(&mut self, tick: Tick) -> bool;

    /// The attempt at a place ended at an instant, and was noted: what begins there now.
    fn ended(&mut self, flight: &mut Flight, place: Place, at: Nanos) -> Next<'static>;

    /// How many ticks wait.
    fn n_waiting(&self) -> u32;

    /// The first that waits waits no longer.
    fn give_up(&mut self) -> Option<Tick>;
}

/// As many connections as there are attempts in flight: a tick that finds no place free is dropped.
impl Places for Vec<Place> {
    #[inline]
    fn take(&mut self) -> Option<(Place, Nanos)> {
        self.pop().map(|place| (place, Nanos::MIN))
    }

    #[inline]
    fn waits(&mut self, _: Tick) -> bool {
        false
    }

    #[inline]
    fn ended(&mut self, _: &mut Flight, place: Place, _: Nanos) -> Next<'static> {
        self.push(place);
        Next::Rest
    }

    #[inline]
    fn n_waiting(&self) -> u32 {
        0
    }

    fn give_up(&mut self) -> Option<Tick> {
        None
    }
}

/// `[load] connections`: each place is a connection. A tick that waits begins where an attempt ends, in the same turn.
impl Places for Lines<Place, Tick> {
    fn take(&mut self) -> Option<(Place, Nanos)> {
        Self::take(self).map(|(since, place)| (place, since))
    }

    fn waits(&mut self, tick: Tick) -> bool {
        self.wait(tick);
        true
    }

    fn ended(&mut self, flight: &mut Flight, place: Place, at: Nanos) -> Next<'static> {
        let Some((tick, place)) = self.frees(at, place) else { return Next::Rest };
        flight.begins(place, due_on(tick, at), at, false);
        Next::Begin(THE_REQUEST)
    }

    fn n_waiting(&self) -> u32 {
        Self::n_waiting(self)
    }

    fn give_up(&mut self) -> Option<Tick> {
        Self::give_up(self)
    }
}

/// A tick that begins on a connection which is free since an instant.
#[inline]
pub(super) fn due_on(tick: Tick, free_since: Nanos) -> Due {
    Due { held: held(tick.due, free_since), ..open_loop::due(tick) }
}

/// Notes the ends of attempts, and frees their places.
pub(super) struct Freeing<'a, P> {
    pub flight: &'a mut Flight,
    pub places: &'a mut P,
}

impl<P: Places> Ends for Freeing<'_, P> {
    #[inline]
    fn ended(&mut self, place: Place, at: Nanos, exchange: &Exchange) -> Next<'_> {
        self.flight.ended(place, at, exchange);
        self.places.ended(self.flight, place, at)
    }
}
