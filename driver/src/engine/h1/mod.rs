//! The wire engine: a lean HTTP/1.1 client for one worker. Requests are encoded once; one write and one read per
//! exchange; all sockets in one epoll set, looked at without a task, a waker or an allocation per request.
//!
//! Connections go to a host's addresses in the order in which they were resolved: the next one is tried when one
//! fails to connect, and beside it when that takes 250 ms. At most [`MAX_CONNECTING`] are being set up at a time, not
//! counting those beside others and over all hosts; further attempts wait for their turn, within their timeout.

mod answer;
mod attempts;
mod chunks;
mod connection;
mod fields;
mod head;
mod hosts;
mod location;
mod parts;
mod poll;
mod rendered;
mod request;
mod serving;
mod setting_up;
mod slots;
mod socket;
mod tls_io;
mod turns;
mod wants;

use std::collections::VecDeque;
use std::time::Instant;

use common::counters::ErrorKind;
use common::plan::program::MAX_TIMEOUTS;
use common::tls_cause::TlsCause;

use self::attempts::Attempts;
use self::connection::{Answered, Connection, Scratch, Stage};
use self::hosts::{Host, OwnConnections, Owner};
use self::parts::PartsOf;
use self::poll::{Poll, Ready};
use self::rendered::Rendered;
use self::request::Prepared;
use self::setting_up::Race;
use self::slots::{Key, Slots};
use super::{Ends, Engine, Exchange, Next, Opened, Outcome, Place, RequestIndex, RequestSpec, Spans};
use crate::driver_test::DriverTest;
use crate::engine::tls::of_client;
use crate::start_at::{Nanos, StartAt};

pub use answer::{AnswerReader, AnswerTo, ReadStep, Whole};
pub use fields::with_fields;
pub use head::MAX_HEAD_BYTES;
pub use parts::Parts;
pub use wants::Wants;

/// Most connections of one worker that are being set up at a time.
pub const MAX_CONNECTING: usize = 256;

/// A connection and the attempt that it serves.
#[derive(Debug)]
struct Line {
    connection: Connection,
    /// The host that it leads to, by its index.
    host: usize,
    /// Whose attempts alone it may serve; `None`: any.
    owner: Option<Owner>,
    /// The attempt that it serves, or is being set up for.
    place: Option<Place>,
    /// The race that it is in, while it is being set up to one of several addresses.
    race: Option<Key>,
    /// It is listed in [`WireEngine::unread`].
    unread: bool,
    /// An event has reported that the peer closed its side. No other event will, so it is kept: a read that stops at
    /// its bound, or before the end of what came, has to be followed by one that meets the end.
    closing: bool,
}

pub struct WireEngine {
    requests: Box<[Prepared]>,
    start: StartAt,
    hosts: Box<[Host]>,
    poll: Poll,
    lines: Slots<Line>,
    /// Idle connections that sessions and users have for themselves.
    own: OwnConnections,
    attempts: Attempts,
    /// Of the places whose requests are rendered.
    rendered: Vec<Rendered>,
    /// Attempts that wait until one more connection may be set up, with what they have tried.
    waiting: VecDeque<(Place, Option<Race>)>,
    /// Those that are being set up to one of several addresses.
    races: Slots<Race>,
    /// When races try their next address, in this order; some may be over by then.
    rivals: VecDeque<(Nanos, Key)>,
    connecting: usize,
    /// Connections that are still to be set up ahead of the attempts.
    ahead: u32,
    /// Attempts that ended outside of a turn; the next turn reports them.
    failed: VecDeque<(Place, Exchange)>,
    /// Connections whose last read stopped at its bound. epoll is edge-triggered and does not report what is left to
    /// read there, so the next turn reads on. Each connection is listed once at most.
    unread: VecDeque<Key>,
    scratch: Scratch,
    opened: Opened,
    /// Where the first redirect points.
    redirected_to: Option<String>,
    /// A wait found sockets ready; the next turn handles these before it polls again.
    found: bool,
    /// When the last turn was.
    turned: Nanos,
    /// The clock as it was read before the poll whose events are being handled.
    looked: Nanos,
}

impl WireEngine {
    /// Prepares the one request of a test; within a runtime.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor, or TLS knows no such host.
    pub fn new(test: &DriverTest) -> Result<Self, String> {
        Self::of_each(test, &[RequestSpec::plain(&test.assignment.request)])
    }

    /// Prepares several requests to the hosts of a test, whose indexes are those of this list; within a runtime.
    ///
    /// # Errors
    /// As [`WireEngine::new`], where the requests have more than eight different timeouts, and where the test has no host
    /// of that index.
    pub fn of_each(test: &DriverTest, requests: &[RequestSpec<'_>]) -> Result<Self, String> {
        let mut attempts = Attempts::default();
        let prepare = |spec: &RequestSpec<'_>| {
            let timeout = Nanos::try_from(spec.request.timeout.as_nanos()).unwrap_or(Nanos::MAX);
            let list = attempts.list_of(timeout);
            let many = || format!("the requests have more than {MAX_TIMEOUTS} different timeouts");
            Prepared::new(test, spec, list.ok_or_else(many)?)
        };
        let requests: Box<[Prepared]> = requests.iter().map(prepare).collect::<Result<_, String>>()?;
        Ok(Self {
            requests,
            start: test.start,
            hosts: test.hosts.iter().map(Host::new).collect::<Result<_, _>>()?,
            poll: Poll::new().map_err(|error| format!("no epoll descriptor: {error}"))?,
            lines: Slots::default(),
            own: OwnConnections::new(test.hosts.len()),
            attempts,
            rendered: Vec::new(),
            waiting: VecDeque::new(),
            races: Slots::default(),
            rivals: VecDeque::new(),
            connecting: 0,
            ahead: 0,
            failed: VecDeque::new(),
            unread: VecDeque::new(),
            scratch: Scratch::default(),
            opened: Opened::default(),
            redirected_to: None,
            found: false,
            turned: Nanos::MIN,
            looked: Nanos::MIN,
        })
    }

    fn now(&self) -> Nanos {
        self.start.nanos(Instant::now())
    }

    /// Notes that an attempt begins.
    #[inline]
    fn begins(&mut self, place: Place, request: RequestIndex, now: Nanos) {
        let list = self.requests[usize::from(request)].list;
        self.attempts.begin(place, request, list, now);
    }

    /// The request of an attempt that is under way.
    #[inline]
    fn request(&self, place: Place) -> &Prepared {
        &self.requests[usize::from(self.attempts.request(place))]
    }

    /// Notes that an attempt is over; the next turn reports it.
    fn fails(&mut self, place: Place, exchange: Exchange) {
        self.forget_rendered(place);
        let Spans { connect, first_byte } = self.attempts.end(place);
        self.failed.push_back((place, Exchange { connect, first_byte, ..exchange }));
    }

    /// An event of one socket. `since`: when it was there to be read.
    fn event(&mut self, ready: Ready, since: Nanos, ends: &mut impl Ends) {
        let key = Key::of(ready.token);
        let Some(line) = self.lines.get_mut(key) else { return };
        if line.connection.stage() != Stage::Open {
            self.establish(key, ready, since, ends);
        } else if let Some(place) = line.place {
            let writes = ready.writable() && line.connection.is_writing();
            // If the write fails, an answer may still have arrived before the peer closed: read it.
            let broke = writes && !self.write_on(key, place);
            if broke || ready.readable() {
                self.read(key, place, ready.closing(), since, ends);
            }
        } else if ready.readable() && !line.connection.rests_on(&mut self.scratch) {
            self.lines.remove(key);
        }
    }

    /// Reads what there is of an answer. `closing`: an event reports now that the peer closed its side.
    fn read(&mut self, key: Key, place: Place, closing: bool, since: Nanos, ends: &mut impl Ends) {
        let Some(line) = self.lines.get_mut(key) else { return };
        line.closing |= closing;
        let is_first = line.connection.received() == 0;
        let mut parts = PartsOf { place, ends };
        let answered = line.connection.read(&mut self.scratch, line.closing, &mut parts);
        if is_first && line.connection.received() > 0 {
            // Nearly always the turn's own look at the clock; an attempt that began since has to look again.
            let is_older = self.attempts.began(place) <= self.looked;
            let at = if is_older { self.looked } else { self.start.nanos(Instant::now()) };
            self.attempts.answers(place, at);
        }
        match answered {
            Answered::NotYet => {}
            Answered::Unread => {
                if !std::mem::replace(&mut line.unread, true) {
                    self.unread.push_back(key);
                }
            }
            Answered::Whole { status, keeps } => {
                // The answer came before the whole request was sent. The unsent rest would have to precede the next
                // request, so the connection is not reused.
                let request = &self.requests[usize::from(self.attempts.request(place))];
                let keeps = keeps && request.reuses && !line.connection.is_writing();
                self.ended(key, place, Outcome::Status(status), keeps, since, ends);
            }
            Answered::Failed(kind) => self.ended(key, place, Outcome::Failed(kind), false, since, ends),
        }
    }

    /// Reads on where the turn before stopped at its bound; false where it did nowhere.
    fn read_on(&mut self, now: Nanos, ends: &mut impl Ends) -> bool {
        let n = self.unread.len();
        for _ in 0..n {
            let Some(key) = self.unread.pop_front() else { break };
            let Some(line) = self.lines.get_mut(key) else { continue };
            line.unread = false;
            if let Some(place) = line.place {
                self.read(key, place, false, now, ends);
            }
        }
        n > 0
    }

    /// An attempt that a connection served is over.
    fn ended(
        &mut self,
        key: Key,
        place: Place,
        outcome: Outcome,
        keeps: bool,
        since: Nanos,
        ends: &mut impl Ends,
    ) {
        let tls_cause = if outcome == Outcome::Failed(ErrorKind::Tls) { self.tls_cause(key) } else { None };
        let Some(line) = self.lines.get_mut(key) else { return };
        let at = self.start.nanos(Instant::now());
        let Spans { connect, first_byte } = self.attempts.end(place);
        if let (Outcome::Status(300..=399), None) = (outcome, &self.redirected_to) {
            self.redirected_to = line.connection.location().map(str::to_owned);
        }
        let exchange = Exchange {
            outcome,
            tls_cause,
            bytes_received: line.connection.received(),
            reused: line.connection.is_kept(),
            unconnected: false,
            turn: Some(at - since),
            connect,
            first_byte,
        };
        let (host, owner) = (line.host, line.owner);
        line.place = None;
        if !keeps {
            self.close(key);
        }
        match ends.ended(place, at, &exchange) {
            Next::Begin(request) => {
                self.begins(place, request, at);
                let next = &self.requests[usize::from(request)];
                let takes_it = keeps && next.reuses && (next.host, None) == (host, owner);
                if takes_it && self.write(key, place) {
                    return;
                }
                if keeps && !takes_it {
                    self.hand_on(key, host, owner);
                }
                self.serve(place);
            }
            Next::Send(outgoing) => {
                let next = self.notes_rendered(place, &outgoing, at);
                let takes_it = keeps && self.request(place).reuses && next == (host, owner);
                if takes_it && self.write_now(key, place, outgoing.bytes) {
                    return;
                }
                if keeps && !takes_it {
                    self.hand_on(key, host, owner);
                }
                self.serve_now(place, outgoing.bytes);
            }
            Next::Rest if keeps => self.hand_on(key, host, owner),
            Next::Rest => {}
        }
    }

    /// Why TLS failed on a connection, where it did.
    fn tls_cause(&mut self, key: Key) -> Option<TlsCause> {
        let line = self.lines.get_mut(key)?;
        Some(of_client(line.connection.tls_cause()?, self.hosts[line.host].has_certificate))
    }

    /// An attempt without a connection, or whose connection is gone, is over.
    fn failed(&mut self, place: Place, exchange: &Exchange, at: Nanos, ends: &mut impl Ends) {
        match ends.ended(place, at, exchange) {
            Next::Begin(request) => self.begin(place, request, at),
            Next::Send(outgoing) => self.begin_rendered(place, outgoing, at),
            Next::Rest => {}
        }
    }

    /// Ends the attempts whose time is over; false where there is none.
    fn expire(&mut self, now: Nanos, ends: &mut impl Ends) -> bool {
        let mut expired = false;
        while let Some((place, at)) = self.attempts.next_to_expire()
            && now >= at
        {
            self.forget_rendered(place);
            let key = self.attempts.connection(place);
            let mut exchange = unanswered(ErrorKind::ConnectTimeout, true);
            if let Some(line) = key.and_then(|key| self.lines.get_mut(key))
                && line.connection.stage() == Stage::Open
            {
                let (bytes_received, reused) = (line.connection.received(), line.connection.is_kept());
                exchange = Exchange { bytes_received, reused, ..unanswered(ErrorKind::Timeout, false) };
            }
            let Spans { connect, first_byte } = self.attempts.end(place);
            let exchange = Exchange { connect, first_byte, ..exchange };
            match key {
                Some(key) => self.give_up_on(key),
                None => self.waiting.retain(|(waiting, _)| *waiting != place),
            }
            self.failed(place, &exchange, self.now(), ends);
            expired = true;
        }
        expired
    }
}

/// An attempt that met no answer.
fn unanswered(kind: ErrorKind, unconnected: bool) -> Exchange {
    Exchange { unconnected, ..Exchange::of(Outcome::Failed(kind)) }
}
