//! Attempts whose requests were rendered for them. The bytes are the caller's: where an idle connection takes all of them
//! at once, as is usual, they are not copied. Else a buffer of the attempt's place keeps them.

use super::WireEngine;
use super::hosts::Owner;
use super::slots::Key;
use crate::engine::{Outgoing, Place};
use crate::start_at::Nanos;

/// Room that a place keeps for later requests. Longer ones are seldom, and cost more than the allocation.
const KEPT_BYTES: usize = 64 << 10;

/// What is known of the rendered request of a place.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    /// Index of the host that it goes to.
    pub host: usize,
    /// Whose connection it goes over; `None`: a shared one.
    pub owner: Option<Owner>,
    /// The request, while it is needed: until it was written whole.
    pub bytes: Vec<u8>,
}

impl Rendered {
    /// The bytes are not needed any more.
    fn is_written(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

impl WireEngine {
    /// Notes that an attempt with a rendered request begins; returns its host, and whose connection it goes over.
    pub(super) fn notes_rendered(
        &mut self,
        place: Place,
        outgoing: &Outgoing<'_>,
        now: Nanos,
    ) -> (usize, Option<Owner>) {
        let Outgoing { request, host, own_connection, .. } = *outgoing;
        let host = usize::from(host);
        assert!(host < self.hosts.len(), "a request goes to one of the hosts that the engine was made with");
        let index = place as usize;
        if self.rendered.len() <= index {
            self.rendered.resize_with(index + 1, Rendered::default);
        }
        let owner = own_connection.map(|slot| self.own.owner(slot));
        let rendered = &mut self.rendered[index];
        rendered.is_written();
        (rendered.host, rendered.owner) = (host, owner);
        self.begins(place, request, now);
        self.attempts.is_to_send_rendered(place);
        (host, owner)
    }

    /// As [`WireEngine::serve`], with bytes that are not kept yet.
    pub(super) fn serve_now(&mut self, place: Place, bytes: &[u8]) {
        while let Some(key) = self.idle(place) {
            if self.write_now(key, place, bytes) {
                return;
            }
        }
        self.rendered[place as usize].bytes.extend_from_slice(bytes);
        self.connect(place, None);
    }

    /// As [`WireEngine::write`], with bytes that are not kept yet, and are now as far as they do not leave at once.
    pub(super) fn write_now(&mut self, key: Key, place: Place, bytes: &[u8]) -> bool {
        let Some(line) = self.lines.get_mut(key) else { return false };
        line.place = Some(place);
        let request = &self.requests[usize::from(self.attempts.request(place))];
        let written = line.connection.write(bytes, request.to_rendered(bytes));
        if line.connection.needs_request() {
            self.rendered[place as usize].bytes.extend_from_slice(bytes);
        }
        let is_served = self.was_written(key, place, written);
        if !is_served {
            // The next connection is given the caller's bytes.
            self.rendered[place as usize].bytes.clear();
        }
        is_served
    }

    /// Begins to write the kept bytes of an attempt; false as [`WireEngine::write`] has it.
    pub(super) fn write_kept(&mut self, key: Key, place: Place) -> bool {
        let Some(line) = self.lines.get_mut(key) else { return false };
        line.place = Some(place);
        let rendered = &self.rendered[place as usize];
        let request = &self.requests[usize::from(self.attempts.request(place))];
        let written = line.connection.write(&rendered.bytes, request.to_rendered(&rendered.bytes));
        let is_needed = line.connection.needs_request();
        let is_served = self.was_written(key, place, written);
        if is_served && !is_needed {
            self.rendered[place as usize].is_written();
        }
        is_served
    }

    /// Goes on writing the request of the attempt that a connection serves; false where that fails.
    pub(super) fn write_on(&mut self, key: Key, place: Place) -> bool {
        let Some(line) = self.lines.get_mut(key) else { return false };
        if !self.attempts.is_rendered(place) {
            let request = &self.requests[usize::from(self.attempts.request(place))];
            return line.connection.write_on(&request.bytes).is_ok();
        }
        let rendered = &mut self.rendered[place as usize];
        let written = line.connection.write_on(&rendered.bytes);
        if !line.connection.needs_request() {
            rendered.is_written();
        }
        written.is_ok()
    }

    /// An attempt is about to end: what is kept of its request is not needed any more.
    pub(super) fn forget_rendered(&mut self, place: Place) {
        if self.attempts.is_rendered(place) {
            self.rendered[place as usize].is_written();
        }
    }

    /// The host that an attempt's request goes to, and whose connection it goes over.
    #[inline]
    pub(super) fn way_of(&self, place: Place) -> (usize, Option<Owner>) {
        if self.attempts.is_rendered(place) {
            let Rendered { host, owner, .. } = self.rendered[place as usize];
            return (host, owner);
        }
        (self.request(place).host, None)
    }

    /// Closes the idle connections of a slot's owner, which is over.
    pub(super) fn end_own(&mut self, slot: u32) {
        for key in self.own.end(slot) {
            self.lines.remove(key);
        }
    }
}
