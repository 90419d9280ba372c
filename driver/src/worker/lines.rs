//! `[load] connections` of an open loop: attempts wait in order for one of so many connections, as the callers of a service
//! with a pool of connections do. Pure: time is an argument.
//!
//! **What is held.** A connection is free since the end of the attempt before. An attempt that is ready at `r` and takes a
//! connection that is free since `f` could not begin before max(r, f): it is held for max(0, f - r), which is the target's
//! doing, and what it begins later than that is lag, ours. That is Lindley's rule for a queue with several servers, as long
//! as the connection that has been free longest is taken first; so it holds also where the worker finds out late that a
//! connection is free.

use std::collections::VecDeque;

use crate::start_at::Nanos;

/// How long an attempt that was ready at an instant is held by a connection that is free since another.
#[inline]
pub fn held(ready: Nanos, free_since: Nanos) -> Nanos {
    free_since.max(ready) - ready
}

/// Connections, and who waits for one. Either none is free or none waits.
#[derive(Debug)]
pub struct Lines<C, W> {
    free: VecDeque<(Nanos, C)>,
    waiting: VecDeque<W>,
}

impl<C, W> Lines<C, W> {
    /// These connections, all free, and room for so many that wait.
    pub fn new(connections: impl IntoIterator<Item = C>, room: usize) -> Self {
        let free = connections.into_iter().map(|connection| (Nanos::MIN, connection)).collect();
        Self { free, waiting: VecDeque::with_capacity(room) }
    }

    /// The connection that has been free longest, and since when.
    #[inline]
    pub fn take(&mut self) -> Option<(Nanos, C)> {
        self.free.pop_front()
    }

    /// Waits behind all that wait already; no connection is free.
    #[inline]
    pub fn wait(&mut self, who: W) {
        self.waiting.push_back(who);
    }

    /// A connection is free since an instant: it goes to the first that waits, which is returned with it.
    #[inline]
    pub fn frees(&mut self, since: Nanos, connection: C) -> Option<(W, C)> {
        match self.waiting.pop_front() {
            Some(first) => Some((first, connection)),
            None => {
                self.free.push_back((since, connection));
                None
            }
        }
    }

    /// How many wait.
    #[inline]
    pub fn n_waiting(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// The first that waits stops waiting.
    pub fn give_up(&mut self) -> Option<W> {
        self.waiting.pop_front()
    }
}

/// The lines of a worker's sessions: a place has one or waits for one. Where there is no limit, each place has one at once.
#[derive(Debug)]
pub struct PlaceLines {
    lines: Lines<(), u32>,
    /// For each place that has a connection, since when that was free.
    has: Box<[Option<Nanos>]>,
    /// Which places wait.
    waits: Box<[bool]>,
}

impl PlaceLines {
    /// So many connections for so many places.
    pub fn new(connections: u32, places: u32) -> Self {
        let n = places as usize;
        Self {
            lines: Lines::new((0..connections).map(|_| ()), n),
            has: vec![None; n].into(),
            waits: vec![false; n].into(),
        }
    }

    /// An attempt at a place, ready at an instant, has a connection: how long it was held. `None`: it waits, and
    /// [`PlaceLines::release`] names the place when it has one.
    pub fn admit(&mut self, place: u32, ready: Nanos) -> Option<Nanos> {
        let at = place as usize;
        if self.has[at].is_none() && !self.waits[at] {
            match self.lines.take() {
                Some((since, ())) => self.has[at] = Some(since),
                None => {
                    self.waits[at] = true;
                    self.lines.wait(place);
                }
            }
        }
        self.has[at].map(|since| held(ready, since))
    }

    /// How long an attempt was held up to an instant that was ready at another and is not sent any more.
    pub fn held_until(&self, place: u32, ready: Nanos, now: Nanos) -> Nanos {
        match self.has[place as usize] {
            Some(since) => held(ready, since),
            None if self.waits[place as usize] => held(ready, now),
            None => 0,
        }
    }

    /// The attempt at a place ended at an instant; `None`: it was never sent, and its connection is free as long as it was
    /// before. Returns the place that has a connection now and waited for it, and since when that is free.
    pub fn release(&mut self, place: u32, ended: Option<Nanos>) -> Option<(Nanos, u32)> {
        let since = self.has[place as usize].take()?;
        let since = ended.unwrap_or(since);
        let (next, ()) = self.lines.frees(since, ())?;
        self.waits[next as usize] = false;
        self.has[next as usize] = Some(since);
        Some((since, next))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn connections_are_taken_in_the_order_in_which_they_became_free() {
        let mut lines: Lines<char, u32> = Lines::new(['a', 'b'], 8);
        let (first, second) = (lines.take(), lines.take());
        assert_eq!((first, second, lines.take()), (Some((Nanos::MIN, 'a')), Some((Nanos::MIN, 'b')), None));
        lines.wait(1);
        lines.wait(2);
        assert_eq!((lines.frees(10, 'b'), lines.n_waiting()), (Some((1, 'b')), 1));
        assert_eq!(
            (lines.frees(12, 'a'), lines.frees(15, 'a'), lines.frees(16, 'b')),
            (Some((2, 'a')), None, None)
        );
        assert_eq!((lines.take(), lines.take(), lines.take()), (Some((15, 'a')), Some((16, 'b')), None));
        assert_eq!((held(3, Nanos::MIN), held(3, 3), held(3, 10)), (0, 0, 7));
    }

    #[test]
    fn a_place_keeps_its_connection_until_its_attempt_is_over() {
        let mut lines = PlaceLines::new(1, 3);
        assert_eq!((lines.admit(0, 5), lines.admit(0, 5)), (Some(0), Some(0)));
        assert_eq!(
            (lines.admit(2, 6), lines.admit(1, 7), lines.admit(2, 6)),
            (None, None, None),
            "both wait"
        );
        assert_eq!((lines.held_until(0, 5, 9), lines.held_until(2, 6, 9)), (0, 3));
        assert_eq!(lines.release(0, Some(20)), Some((20, 2)), "in order");
        let held_until = |place, ready| lines.held_until(place, ready, 29);
        assert_eq!((held_until(2, 6), held_until(1, 7), held_until(0, 8)), (14, 22, 0));
        assert_eq!(lines.admit(2, 6), Some(14));
        assert_eq!((lines.release(2, None), lines.admit(1, 7)), (Some((20, 1)), Some(13)), "it was not sent");
        assert_eq!(
            (lines.release(1, Some(30)), lines.release(1, Some(31)), lines.admit(0, 25)),
            (None, None, Some(5))
        );
    }

    proptest! {
        /// A worker that sees ends late, in any order of looks, holds each attempt as Lindley's rule says and in its order.
        #[test]
        fn each_attempt_is_held_until_the_first_connection_is_free(
            n in 1..5_usize,
            arrivals in prop::collection::vec((0..30_i64, 1..60_i64), 1..60),
        ) {
            let mut lines: Lines<usize, usize> = Lines::new(0..n, 64);
            let (mut due, mut flying, mut held_of, mut order) = (0, BTreeMap::new(), BTreeMap::new(), Vec::new());
            let mut begin = |who: usize, since: Nanos, connection: usize, dues: &[Nanos], flying: &mut BTreeMap<_, _>| {
                let its = held(dues[who], since);
                held_of.insert(who, its);
                order.push(who);
                flying.insert((dues[who] + its + arrivals[who].1, who), connection);
            };
            let mut dues = Vec::new();
            for (who, (pause, _)) in arrivals.iter().enumerate() {
                due += pause;
                dues.push(due);
                while let Some((&(end, done), &connection)) = flying.first_key_value().filter(|((end, _), _)| *end <= due) {
                    flying.remove(&(end, done));
                    if let Some((next, connection)) = lines.frees(end, connection) {
                        begin(next, end, connection, &dues, &mut flying);
                    }
                }
                match lines.take() {
                    Some((since, connection)) => begin(who, since, connection, &dues, &mut flying),
                    None => lines.wait(who),
                }
            }
            while let Some((&(end, done), &connection)) = flying.first_key_value() {
                flying.remove(&(end, done));
                if let Some((next, connection)) = lines.frees(end, connection) {
                    begin(next, end, connection, &dues, &mut flying);
                }
            }
            prop_assert_eq!(&order, &(0..arrivals.len()).collect::<Vec<_>>(), "first come, first served");
            // The same by the rule alone.
            let mut free = vec![Nanos::MIN; n];
            for (who, (_, service)) in arrivals.iter().enumerate() {
                free.sort_unstable();
                let begins = dues[who].max(free[0]);
                prop_assert_eq!(held_of[&who], begins - dues[who]);
                free[0] = begins + service;
            }
        }
    }
}
