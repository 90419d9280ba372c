//! How the wire engine's connections come to be: for an attempt, or ahead of any; and what follows where one does not.

use common::counters::ErrorKind;

use super::connection::{Connection, Stage};
use super::poll::Ready;
use super::slots::Key;
use super::{Ends, Exchange, Line, MAX_CONNECTING, Place, WireEngine, unanswered};
use crate::load_job::Nanos;

impl WireEngine {
    /// Sets up a connection to the addresses from `address` on, for an attempt.
    pub(super) fn connect(&mut self, place: Place, mut address: usize) {
        let addresses = self.addresses.now();
        if addresses.is_empty() {
            return self.fails(place, unanswered(ErrorKind::Resolve, true));
        }
        if self.connecting >= MAX_CONNECTING {
            self.attempts.waits(place);
            return self.waiting.push_back((place, address));
        }
        self.attempts.connects(place, self.now());
        let mut last = ErrorKind::Unreachable;
        while let Some(to) = addresses.get(address) {
            match Connection::open(to, self.tls.as_ref(), self.head_only) {
                Ok(connection) => {
                    match self.add(Line { connection, place: Some(place), address, unread: false }) {
                        Ok(key) => {
                            self.connecting += 1;
                            return self.attempts.served_by(place, key);
                        }
                        Err(kind) => last = kind,
                    }
                }
                Err(kind) => last = kind,
            }
            address += 1;
        }
        self.fails(place, unanswered(last, true));
    }

    fn add(&mut self, line: Line) -> Result<Key, ErrorKind> {
        let key = self.lines.insert(line);
        let added = self.lines.get_mut(key).map(|line| self.poll.add(&line.connection, key.token()));
        if let Some(Ok(())) = added {
            return Ok(key);
        }
        self.lines.remove(key);
        Err(ErrorKind::LocalLimit)
    }

    /// Closes a connection, and lets the next one be set up where it made room for it.
    pub(super) fn close(&mut self, key: Key) {
        let Some(line) = self.lines.remove(key) else { return };
        if line.connection.stage() != Stage::Open {
            self.has_connected();
        }
    }

    fn has_connected(&mut self) {
        self.connecting -= 1;
        // One that fails at once leaves its room to the next.
        while self.connecting < MAX_CONNECTING
            && let Some((place, address)) = self.waiting.pop_front()
        {
            self.connect(place, address);
        }
        self.go_on_ahead();
    }

    /// Sets up connections that serve nobody yet, as many as are still wanted and have room beside those that do. One
    /// that cannot be is the last that is tried: an attempt will meet the reason, and tell it.
    pub(super) fn go_on_ahead(&mut self) {
        while self.ahead > 0 && self.connecting < MAX_CONNECTING / 2 {
            self.ahead -= 1;
            let addresses = self.addresses.now();
            let added = addresses.first().ok_or(ErrorKind::Resolve).and_then(|to| {
                let connection = Connection::open(to, self.tls.as_ref(), self.head_only)?;
                self.add(Line { connection, place: None, address: 0, unread: false })
            });
            match added {
                Ok(_) => self.connecting += 1,
                Err(_) => self.ahead = 0,
            }
        }
    }

    pub(super) fn establish(&mut self, key: Key, ready: Ready, since: Nanos, ends: &mut impl Ends) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let (place, address, before) = (line.place, line.address, line.connection.stage());
        let established = line.connection.establish(&mut self.scratch);
        if before == Stage::Connecting && line.connection.stage() != Stage::Connecting {
            self.opened.connections += 1;
        }
        match established {
            Ok(Stage::Open) => {
                // An answer, or a close, that came before the request is told with this very event, or by nothing.
                let early = ready.readable() || line.connection.spoke_first();
                self.opened.handshakes += u64::from(self.tls.is_some());
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
            Err(kind) => {
                self.ahead = if place.is_some() { self.ahead } else { 0 };
                let tls_cause = self.tls_cause(key);
                self.close(key);
                let Some(place) = place else { return };
                // A peer that answers, but not to TLS, is the target: the others would be asked the same.
                if kind != ErrorKind::Tls && address + 1 < self.addresses.now().len() {
                    self.connect(place, address + 1);
                } else {
                    self.fails(place, Exchange { tls_cause, ..unanswered(kind, true) });
                }
            }
        }
    }

    /// A connection that was made ahead waits to be used, unless the peer `spoke` what belongs to no request.
    fn rest(&mut self, key: Key, spoke: bool) {
        let Some(line) = self.lines.get_mut(key) else { return };
        if spoke && !line.connection.rests_on(&mut self.scratch) {
            self.lines.remove(key);
        } else {
            self.resting.push(key);
        }
    }
}
