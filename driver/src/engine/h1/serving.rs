//! Which connection serves an attempt, and what follows from writing its request to one.

use common::counters::ErrorKind;

use super::connection::Unwritten;
use super::hosts::Owner;
use super::slots::Key;
use super::{Exchange, WireEngine, unanswered};
use crate::engine::Place;

impl WireEngine {
    /// Gives an attempt a connection: one that rests, where its request may use that, or a new one.
    pub(super) fn serve(&mut self, place: Place) {
        while let Some(key) = self.idle(place) {
            if self.write(key, place) {
                return;
            }
        }
        self.connect(place, None);
    }

    /// Takes a connection that rests and may serve an attempt.
    #[inline]
    pub(super) fn idle(&mut self, place: Place) -> Option<Key> {
        if !self.request(place).reuses {
            return None;
        }
        match self.way_of(place) {
            (host, None) => self.hosts[host].resting.pop(),
            (host, Some(owner)) => self.own.take(owner, host),
        }
    }

    /// Gives a connection that may serve again to an attempt that waits for such a one; where none does, it rests.
    #[inline]
    pub(super) fn hand_on(&mut self, key: Key, host: usize, owner: Option<Owner>) {
        if let Some(owner) = owner {
            // Its owner has one attempt at a time, which does not wait.
            if let Some(spare) = self.own.rests(owner, host, key) {
                self.close(spare);
            }
            return;
        }
        if self.waiting.is_empty() {
            return self.hosts[host].resting.push(key);
        }
        let may_serve = |place| self.request(place).reuses && self.way_of(place) == (host, None);
        let next = self.waiting.iter().position(|(place, _)| may_serve(*place));
        match next.and_then(|at| self.waiting.remove(at)) {
            Some((place, _)) => {
                if !self.write(key, place) {
                    self.serve(place);
                }
            }
            None => self.hosts[host].resting.push(key),
        }
    }

    /// Writes the request of an attempt; false where the connection is gone, or was closed while it rested: then
    /// nothing was sent.
    #[inline]
    pub(super) fn write(&mut self, key: Key, place: Place) -> bool {
        if self.attempts.is_rendered(place) {
            return self.write_kept(key, place);
        }
        let Some(line) = self.lines.get_mut(key) else { return false };
        line.place = Some(place);
        let request = &self.requests[usize::from(self.attempts.request(place))];
        let written = line.connection.write(&request.bytes, request.to);
        self.was_written(key, place, written)
    }

    /// What follows from writing a request to a connection, as far as there was room; false as [`WireEngine::write`].
    #[inline]
    pub(super) fn was_written(&mut self, key: Key, place: Place, written: Result<(), Unwritten>) -> bool {
        match written {
            // If part of it left, the peer may have answered before it closed: an event reports that.
            Err(unwritten) if unwritten.untouched || unwritten.kind == ErrorKind::LocalLimit => {
                let reused = self.lines.get_mut(key).is_some_and(|line| line.connection.is_kept());
                self.lines.remove(key);
                if reused && unwritten.untouched {
                    return false;
                }
                self.fails(place, Exchange { reused, ..unanswered(unwritten.kind, false) });
            }
            _ => self.attempts.served_by(place, key),
        }
        true
    }
}
