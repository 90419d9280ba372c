//! What a worker calls of the wire engine: it begins attempts, takes turns, and waits in between.

use std::time::Instant;

use super::WireEngine;
use crate::engine::{Dozed, Ends, Engine, Opened, Outgoing, Place, RequestIndex, Spans, Wait};
use crate::reactor;
use crate::start_at::Nanos;

impl Engine for WireEngine {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn connect_ahead(&mut self, connections: u32) {
        // Where each attempt is to open its own connection, one made ahead would hide the time that takes.
        if self.requests.iter().any(|request| request.reuses && request.host == 0) {
            self.ahead = connections;
            self.go_on_ahead();
        }
    }

    #[inline]
    fn begin(&mut self, place: Place, request: RequestIndex, now: Nanos) {
        self.begins(place, request, now);
        self.serve(place);
    }

    fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>, now: Nanos) {
        self.notes_rendered(place, &outgoing, now);
        self.serve_now(place, outgoing.bytes);
    }

    fn close_own(&mut self, slot: u32) {
        self.end_own(slot);
    }

    fn has_spare(&self) -> bool {
        self.hosts.iter().any(|host| !host.resting.is_empty())
    }

    fn turn(&mut self, now: Nanos, ends: &mut impl Ends) -> bool {
        let mut moved = !self.failed.is_empty();
        // Only those present now: if an attempt that begins here fails at once, the next turn reports it.
        for _ in 0..self.failed.len() {
            let Some((place, exchange)) = self.failed.pop_front() else { break };
            self.failed(place, &exchange, now, ends);
        }
        self.looked = now;
        if self.read_on(now, ends) {
            moved = true;
            self.looked = self.now();
        }
        if !std::mem::take(&mut self.found) {
            self.poll.look();
        }
        let found = self.poll.found();
        if found > 0 {
            moved = true;
            // If the runtime slept since the last turn, the events have been there since it woke.
            let woke = reactor::returned().map_or(now, |at| self.start.nanos(at));
            let since = if woke > self.turned { woke.min(now) } else { now };
            for index in 0..found {
                let ready = self.poll.ready(index);
                self.event(ready, since, ends);
            }
        }
        self.turned = now;
        moved |= self.start_rivals(now);
        self.expire(now, ends) || moved
    }

    fn so_far(&self, place: Place) -> Spans {
        self.attempts.so_far(place)
    }

    fn abandon(&mut self) {
        self.lines.clear();
        self.hosts.iter_mut().for_each(|host| host.resting.clear());
        self.own.clear();
        self.attempts.clear();
        self.waiting.clear();
        self.races.clear();
        self.rivals.clear();
        self.failed.clear();
        self.unread.clear();
        self.connecting = 0;
        self.ahead = 0;
    }

    fn opened(&self) -> Opened {
        self.opened
    }

    fn redirected_to(&self) -> Option<&str> {
        self.redirected_to.as_deref()
    }
}

impl Wait for WireEngine {
    fn doze(&mut self, now: Nanos, until: Nanos) -> Dozed {
        if self.found || !self.failed.is_empty() || !self.unread.is_empty() {
            return Dozed::Woken;
        }
        self.poll.look_until(until, now);
        self.found = self.poll.found() > 0;
        let woke = Instant::now();
        let at = self.start.nanos(woke);
        reactor::dozed(at.saturating_sub(now), woke);
        if self.found { Dozed::Woken } else { Dozed::Over(at) }
    }

    fn needs_runtime(&self) -> bool {
        false
    }

    async fn ready(&self) {
        if self.failed.is_empty() && self.unread.is_empty() {
            self.poll.wait().await;
        }
    }

    fn deadline(&self) -> Option<Nanos> {
        let expires = self.attempts.next_to_expire().map(|(_, at)| at);
        expires.into_iter().chain(self.rivals_due()).min()
    }
}
