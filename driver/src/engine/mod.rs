//! Engines: what sends requests and reads answers for one worker. An engine knows HTTP, connections and their
//! errors; it knows no schedule, no test and no histogram.

mod addresses;
mod awc;
mod futures;
mod h1;
mod socket_errors;
mod spec;
mod tls;
mod wait;

use common::counters::ErrorKind;
use common::plan::{EngineChoice, Request};
use common::tls_cause::TlsCause;

pub use self::awc::AwcClient;
pub use self::futures::{AnswerSink, Client, FutureEngine, Rendered};
pub use self::h1::{
    AnswerReader, AnswerTo, MAX_CONNECTING, MAX_HEAD_BYTES, Parts, ReadStep, Wants, Whole, WireEngine,
};
pub use addresses::{ATTEMPT_DELAY, interleaved};
pub use spec::{MAX_WANTED_BODY_BYTES, Outgoing, RequestSpec, outline};
pub use tls::{TlsError, orchestrator_tls, tls_config, tls_config_of};
pub use wait::{Dozed, Wait};

use crate::scenario::answer::Field;
use crate::start_at::Nanos;

/// What names us to the target, unless the plan does.
pub const USER_AGENT: &str = concat!("groundswell/", env!("CARGO_PKG_VERSION"));

/// A longer `location` is not kept: no person types such an address.
pub const MAX_LOCATION: usize = 2_048;

/// Where a worker has one attempt in flight at a time, from 0: there are as many places as it may have attempts in
/// flight.
pub type Place = u32;

/// Which request of the plan, by its position in the list of names; 0 where the plan has one request without a name.
pub type RequestIndex = u16;

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer with this status, expected or not.
    Status(u16),
    Failed(ErrorKind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    pub outcome: Outcome,
    /// Where it failed as `tls`: why.
    pub tls_cause: Option<TlsCause>,
    /// Bytes of the answer that were read, headers included.
    pub bytes_received: u64,
    /// Whether its connection had served before.
    pub reused: bool,
    /// Whether it failed before there was a connection.
    pub unconnected: bool,
    /// How late its last byte was read: from the poll's return to the reading; `None` where nothing was read.
    pub turn: Option<Nanos>,
    /// How long it took to open the connection, TCP and TLS; `None` where this attempt opened none.
    pub connect: Option<Nanos>,
    /// From the beginning of the attempt to the first byte of the answer; `None` where none came.
    pub first_byte: Option<Nanos>,
}

impl Exchange {
    /// An attempt that ended so, and of which nothing else is known: no byte was read, and no time was measured.
    pub const fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            tls_cause: None,
            bytes_received: 0,
            reused: false,
            unconnected: false,
            turn: None,
            connect: None,
            first_byte: None,
        }
    }
}

/// How long the parts of an attempt took, as far as it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans {
    /// To open a connection of its own, TCP and TLS, over all addresses that were tried.
    pub connect: Option<Nanos>,
    /// From its beginning to the first byte of the answer.
    pub first_byte: Option<Nanos>,
}

/// What a place does after the end of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next<'a> {
    /// Nothing, until the worker begins another attempt there.
    Rest,
    /// It begins another attempt, at the very instant the last one ended, with this request.
    Begin(RequestIndex),
    /// The same, with a request that was rendered for it: what [`Engine::begin_rendered`] takes.
    Send(Outgoing<'a>),
}

/// Receives the ends of attempts from an engine's turn, and heads and bodies where they are wanted.
pub trait Ends {
    /// The attempt at a place ended at that instant.
    fn ended(&mut self, place: Place, at: Nanos, exchange: &Exchange) -> Next<'_>;

    /// The head of the answer to the attempt at a place, before its body, where its request's heads are wanted
    /// ([`RequestSpec::wants_head`]): its status, and all its fields in the order in which they came. An interim answer
    /// (1xx but 101) is not passed on. That of an attempt that fails later has been passed on, too.
    fn head(&mut self, _place: Place, _status: u16, _fields: &[Field<'_>]) {}

    /// The next bytes of the body of the answer to the attempt at a place, without their framing, where its request's
    /// bodies are wanted ([`RequestSpec::wants_body`]). They come in their order, in pieces of any size, and all before
    /// the end of the attempt. Those of an attempt that fails later have been passed on, too.
    fn body(&mut self, _place: Place, _bytes: &[u8]) {}
}

/// What an engine opened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    pub connections: u64,
    /// TLS handshakes that succeeded.
    pub handshakes: u64,
}

/// Sends the requests of one test, over connections of its own; for one worker, in one thread.
///
/// A turn never waits. The worker calls [`Engine::turn`] again and again, and waits in between: briefly with
/// [`Wait::doze`], longer with [`Wait::ready`] and [`Wait::deadline`]. A request is never sent twice.
pub trait Engine: Wait + 'static {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Connects ahead of the first attempts, to keep so many connections, or fewer where the engine limits them. A
    /// failed connect is not reported: the attempts that follow will meet the same fault.
    fn connect_ahead(&mut self, _connections: u32) {}

    /// Begins an attempt, connecting included, at a place that has none. A later turn reports its end, at the latest
    /// after the request's timeout. What is known of kept connections is as old as the last turn: after a wait, call
    /// [`Engine::turn`] before this.
    ///
    /// `request`, here and in [`Next::Begin`], is one of those that the engine was made with: loops and engine take
    /// their requests from one plan, and no peer has an influence on it. Another index is a bug, and panics.
    fn begin(&mut self, place: Place, request: RequestIndex, now: Nanos);

    /// As [`Engine::begin`], with a request that was rendered for this attempt. Where it cannot be written at once, the
    /// engine keeps a copy of its bytes, in a buffer that the place keeps.
    ///
    /// An index of a request or of a host that the engine was not made with is a bug, and panics.
    fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>, now: Nanos);

    /// The session or the user of a slot is over: closes its own connections. An attempt that still uses one of them
    /// goes on, and its connection is closed with it.
    fn close_own(&mut self, slot: u32);

    /// Whether an attempt that begins now finds an idle kept connection; true where the engine does not know.
    fn has_spare(&self) -> bool {
        true
    }

    /// Makes all progress that is possible without waiting, and reports the attempts that ended; false where there
    /// was nothing to do. `now` is the present instant.
    fn turn(&mut self, now: Nanos, ends: &mut impl Ends) -> bool;

    /// The `location` of the first redirect (3xx) that it met, where that has at most [`MAX_LOCATION`] bytes.
    fn redirected_to(&self) -> Option<&str> {
        None
    }

    /// How long the parts of the attempt at a place have taken so far. Where none is under way there, the spans are
    /// those of an earlier one or none.
    fn so_far(&self, place: Place) -> Spans;

    /// Cancels all attempts without reporting their ends, and closes their connections.
    fn abandon(&mut self);

    /// What it opened so far.
    fn opened(&self) -> Opened;
}

/// The engine that a plan's request is sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// [`WireEngine`].
    Wire,
    /// [`AwcClient`].
    Awc,
}

/// Chooses the engine for a request: `auto` takes `wire`, unless a field asks for more of HTTP than that supports.
pub fn choose(request: &Request) -> Chosen {
    // An upgrade, or a body that waits for an interim answer or comes in chunks.
    const BEYOND_WIRE: [&str; 4] = ["upgrade", "expect", "transfer-encoding", "te"];
    let beyond = || BEYOND_WIRE.iter().any(|field| request.has_header(field));
    match request.engine {
        EngineChoice::Wire => Chosen::Wire,
        EngineChoice::Awc => Chosen::Awc,
        EngineChoice::Auto if beyond() => Chosen::Awc,
        EngineChoice::Auto => Chosen::Wire,
    }
}
