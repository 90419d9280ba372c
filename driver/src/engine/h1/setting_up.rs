//! How the wire engine sets up connections, for an attempt or ahead of any, and what follows if that fails.
//!
//! A host with several addresses is raced for (RFC 8305): a connection is begun to the first address; where that
//! has not connected after 250 ms, or failed, the next one is begun beside it; the first to connect is used, and the
//! others are closed. The others do not count as attempts and appear in no figure. A host with one address has no
//! race, so that it pays nothing for this.

use std::time::Instant;

use common::counters::ErrorKind;

use super::connection::{Connection, Stage};
use super::hosts::Owner;
use super::poll::Ready;
use super::slots::Key;
use super::{Ends, Exchange, Line, MAX_CONNECTING, Place, WireEngine, unanswered};
use crate::engine::addresses::{ATTEMPT_DELAY, Order};
use crate::start_at::Nanos;

/// Connections ahead of the attempts lead to the first host, and serve any attempt.
const AHEAD: Way = (0, None);

/// [`ATTEMPT_DELAY`], as the engine counts.
const DELAY: Nanos = ATTEMPT_DELAY.as_nanos() as Nanos;

/// Connections to different addresses that are being set up for the same purpose.
#[derive(Debug)]
pub(super) struct Race {
    /// The attempt that waits for it; `None`: it is made ahead of any.
    place: Option<Place>,
    /// Where it leads, and whose it is.
    way: Way,
    order: Order,
    /// How many addresses were tried.
    tried: usize,
    /// Those that are being set up, in the order they were begun.
    lines: Vec<Key>,
    /// When the next address is due; an entry of `rivals` with another time is of an address that was tried since.
    due: Nanos,
    /// Why the last one failed.
    last: ErrorKind,
}

/// The host that a connection leads to, and whose attempts alone it may serve.
type Way = (usize, Option<Owner>);

impl Race {
    fn has_next(&self) -> bool {
        self.tried < self.order.len()
    }

    /// Keeps why a connection failed. That this machine had no room for one more is kept only if no other connection
    /// of the race is under way: one of those may still succeed.
    fn failed(&mut self, kind: ErrorKind) {
        if kind != ErrorKind::LocalLimit || self.lines.is_empty() {
            self.last = kind;
        }
    }
}

impl WireEngine {
    /// Sets up a connection for an attempt; `race`: it has begun, and tries the addresses that are left.
    pub(super) fn connect(&mut self, place: Place, race: Option<Race>) {
        let way = self.way_of(place);
        let resolved = race.is_some() || !self.hosts[way.0].addresses.now().is_empty();
        if resolved && self.connecting >= MAX_CONNECTING {
            self.attempts.waits(place);
            return self.waiting.push_back((place, race));
        }
        self.attempts.connects(place, self.now());
        if let Err(kind) = self.set_up(Some(place), way, race) {
            self.fails(place, unanswered(kind, true));
        }
    }

    /// Begins to connect, to the first address that does not fail at once.
    fn set_up(&mut self, place: Option<Place>, way: Way, race: Option<Race>) -> Result<(), ErrorKind> {
        let race = match race {
            Some(race) => race,
            None => {
                let host = &mut self.hosts[way.0];
                let addresses = host.addresses.now();
                if let [to] = addresses[..] {
                    let connection = Connection::open(&to, host.tls.as_ref())?;
                    return self.begun(line(connection, place, way, None)).map(|_| ());
                }
                if addresses.is_empty() {
                    return Err(ErrorKind::Resolve);
                }
                let order = host.favourite.order(&addresses, Instant::now);
                Race { place, way, order, tried: 0, lines: Vec::new(), due: 0, last: ErrorKind::Unreachable }
            }
        };
        let key = self.races.insert(race);
        if self.next_address(key) {
            return Ok(());
        }
        Err(self.races.remove(key).map_or(ErrorKind::Unreachable, |race| race.last))
    }

    /// Begins a connection to the next address of a race that does not fail at once; false where none is left.
    fn next_address(&mut self, race_key: Key) -> bool {
        while let Some(race) = self.races.get_mut(race_key)
            && let Some(to) = race.order.nth(race.tried)
        {
            race.tried += 1;
            let (place, way) = (race.place, race.way);
            let opened = Connection::open(&to, self.hosts[way.0].tls.as_ref());
            let begun =
                opened.and_then(|connection| self.begun(line(connection, place, way, Some(race_key))));
            let due = self.now().saturating_add(DELAY);
            let Some(race) = self.races.get_mut(race_key) else { return false };
            match begun {
                Ok(line) => {
                    race.lines.push(line);
                    race.due = due;
                    if race.has_next() {
                        self.rivals.push_back((due, race_key));
                    }
                    return true;
                }
                Err(kind) => race.failed(kind),
            }
        }
        false
    }

    /// Keeps a connection that is being set up.
    fn begun(&mut self, line: Line) -> Result<Key, ErrorKind> {
        let place = line.place;
        let key = self.lines.insert(line);
        let added = self.lines.get_mut(key).map(|line| self.poll.add(&line.connection, key.token()));
        if let Some(Ok(())) = added {
            self.connecting += 1;
            if let Some(place) = place {
                self.attempts.served_by(place, key);
            }
            return Ok(key);
        }
        self.lines.remove(key);
        Err(ErrorKind::LocalLimit)
    }

    /// Tries the next addresses of races whose last connection takes too long; false where there are none. These do not
    /// wait for room beside [`MAX_CONNECTING`] others: where the first address of all of them leads nowhere, that room
    /// would never come.
    pub(super) fn start_rivals(&mut self, now: Nanos) -> bool {
        let mut started = false;
        while let Some((due, key)) = self.rivals.front().copied()
            && due <= now
        {
            self.rivals.pop_front();
            // A race that is over, or went on by itself since, has nothing due now.
            if self.races.get_mut(key).is_some_and(|race| race.due == due) {
                started |= self.next_address(key);
            }
        }
        started
    }

    /// When the next of [`WireEngine::start_rivals`] is due.
    pub(super) fn rivals_due(&self) -> Option<Nanos> {
        self.rivals.front().map(|(due, _)| *due)
    }

    /// Closes a connection, and lets the next one be set up where it made room for it.
    pub(super) fn close(&mut self, key: Key) {
        let Some(line) = self.lines.remove(key) else { return };
        if line.connection.stage() != Stage::Open {
            self.has_connected();
        }
    }

    /// Closes the connections that are being set up for an attempt that is over.
    pub(super) fn give_up_on(&mut self, key: Key) {
        let race = self.lines.get_mut(key).and_then(|line| line.race);
        match race.and_then(|race| self.races.remove(race)) {
            Some(race) => race.lines.into_iter().for_each(|line| self.close(line)),
            None => self.close(key),
        }
    }

    fn has_connected(&mut self) {
        self.connecting -= 1;
        // One that fails at once leaves its room to the next.
        while self.connecting < MAX_CONNECTING
            && let Some((place, race)) = self.waiting.pop_front()
        {
            self.connect(place, race);
        }
        self.go_on_ahead();
    }

    /// Sets up connections ahead of any attempt, as many as are still wanted, and stops at half of [`MAX_CONNECTING`]
    /// to leave room for attempts. Best effort: the first failure ends this and is not reported; the first attempt
    /// that needs the connection fails with the same error.
    pub(super) fn go_on_ahead(&mut self) {
        while self.ahead > 0 && self.connecting < MAX_CONNECTING / 2 {
            self.ahead -= 1;
            if self.set_up(None, AHEAD, None).is_err() {
                self.ahead = 0;
            }
        }
    }

    pub(super) fn establish(&mut self, key: Key, ready: Ready, since: Nanos, ends: &mut impl Ends) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let (place, before) = (line.place, line.connection.stage());
        let established = line.connection.establish(&mut self.scratch);
        if before == Stage::Connecting && line.connection.stage() != Stage::Connecting {
            self.opened.connections += 1;
            self.won(key);
        }
        match established {
            Ok(Stage::Open) => {
                let Some(line) = self.lines.get_mut(key) else { return };
                // epoll is edge-triggered: if the peer sent or closed before we wrote, this event is the only notice.
                let early = ready.readable() || line.connection.spoke_first();
                let is_tls = self.hosts[line.host].tls.is_some();
                self.opened.handshakes += u64::from(is_tls);
                self.has_connected();
                let Some(place) = place else { return self.rest(key, early) };
                self.attempts.connected(place, self.now());
                if !self.write(key, place) {
                    self.serve(place);
                } else if early {
                    self.read(key, place, ready.closing(), since, ends);
                }
            }
            Ok(_) => {}
            Err(kind) => self.lost(key, kind),
        }
    }

    /// A connection is the first of its race to connect: it is used, and the others are closed.
    fn won(&mut self, key: Key) {
        let race = self.lines.get_mut(key).and_then(|line| line.race.take());
        let Some(race) = race.and_then(|race| self.races.remove(race)) else { return };
        if let Some(place) = race.place {
            self.attempts.served_by(place, key);
        }
        if race.lines.first() != Some(&key)
            && let Some(address) = self.lines.get_mut(key).and_then(|line| line.connection.peer())
        {
            self.hosts[race.way.0].favourite.connected_instead(&race.order, address, Instant::now());
        }
        race.lines.into_iter().filter(|line| *line != key).for_each(|line| self.close(line));
    }

    /// A connection could not be set up. After a failed TLS handshake the host's other addresses are not tried: the
    /// race was over when TCP connected.
    fn lost(&mut self, key: Key, kind: ErrorKind) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let (place, race_key) = (line.place, line.race);
        let tls_cause = self.tls_cause(key);
        // Before the room that it leaves is given to others, so that none of them can come between.
        if let Some(race) = race_key.and_then(|race| self.races.get_mut(race)) {
            race.lines.retain(|line| *line != key);
            race.failed(kind);
        }
        self.close(key);
        if let Some(race_key) = race_key {
            return self.race_goes_on(race_key);
        }
        match place {
            Some(place) => self.fails(place, Exchange { tls_cause, ..unanswered(kind, true) }),
            None => self.ahead = 0,
        }
    }

    /// A connection of a race failed: tries the next address at once; if there is none, waits for those under way.
    fn race_goes_on(&mut self, key: Key) {
        let Some(race) = self.races.get_mut(key) else { return };
        let (place, alone) = (race.place, race.lines.is_empty());
        if alone
            && race.has_next()
            && let Some(place) = place
        {
            // It waits for its turn again, behind younger ones, where too many are being set up.
            let race = self.races.remove(key);
            return self.connect(place, race);
        }
        if self.next_address(key) {
            return;
        }
        let Some(race) = self.races.get_mut(key) else { return };
        match (race.lines.last().copied(), place) {
            (Some(line), Some(place)) => self.attempts.served_by(place, line),
            (Some(_), None) => {}
            (None, place) => {
                let kind = race.last;
                self.races.remove(key);
                match place {
                    Some(place) => self.fails(place, unanswered(kind, true)),
                    None => self.ahead = 0,
                }
            }
        }
    }

    /// A connection made ahead is set up and waits for an attempt. If the peer already sent or closed (`spoke`), it
    /// is checked first.
    fn rest(&mut self, key: Key, spoke: bool) {
        let Some(line) = self.lines.get_mut(key) else { return };
        if spoke && !line.connection.rests_on(&mut self.scratch) {
            self.lines.remove(key);
        } else {
            let host = line.host;
            self.hosts[host].resting.push(key);
        }
    }
}

/// A connection that is being set up.
fn line(connection: Connection, place: Option<Place>, (host, owner): Way, race: Option<Key>) -> Line {
    Line { connection, host, owner, place, race, unread: false, closing: false }
}
