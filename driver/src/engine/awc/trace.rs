//! What an attempt's connection went through, noted by the socket itself: the HTTP client above it hides
//! which connection was used, whether a byte was written, and the kernel's error.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use common::counters::ErrorKind;
use common::tls_cause::TlsCause;

use super::connection::Connection;
use super::wanted::Wanted;
use crate::engine::Spans;
use crate::engine::tls::{During, cause_of_io};
use crate::reactor;
use crate::start_at::Nanos;

/// Notes about one attempt.
#[derive(Default)]
pub struct Trace {
    /// Identifies the attempt; never 0.
    pub id: u64,
    /// A connection was made for it, TLS included, or a kept one taken.
    pub connected: Cell<bool>,
    /// The one it wrote to.
    pub connection: RefCell<Option<Rc<Connection>>>,
    /// The connection had served before.
    pub reused: Cell<bool>,
    pub bytes_received: Cell<u64>,
    /// The peer closed while the attempt was reading.
    pub peer_closed: Cell<bool>,
    /// How late the last read was.
    pub turn: Cell<Option<Nanos>>,
    pub began: Cell<Option<Instant>>,
    /// How long its parts took so far, also for the drain, which gives it up.
    pub spans: Rc<Cell<Spans>>,
    /// Takes what of the answer is wanted.
    pub wanted: Option<Wanted>,
    /// The first error of a socket.
    pub error: Cell<Option<ErrorKind>>,
    /// Where that is `tls`: why.
    pub tls_cause: Cell<Option<TlsCause>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Trace>>> = const { RefCell::new(None) };
}

impl Trace {
    /// Notes a socket's error, the first one only.
    pub fn failed(&self, kind: ErrorKind) {
        if self.error.get().is_none() {
            self.error.set(Some(kind));
        }
    }

    /// Notes an error of a socket under TLS, the first one only.
    pub fn failed_in(&self, during: During, error: &io::Error, kind: ErrorKind) {
        if kind == ErrorKind::Tls && self.error.get().is_none() {
            self.tls_cause.set(Some(cause_of_io(error, during)));
        }
        self.failed(kind);
    }

    /// Notes which connection it writes to, and whether that one had served before.
    pub fn uses(&self, connection: &Rc<Connection>, reused: bool) {
        self.connected.set(true);
        self.reused.set(reused);
        self.connection.replace(Some(Rc::clone(connection)));
    }

    /// Notes so many bytes read; none is the peer's close.
    pub fn read(&self, n_bytes: usize) {
        self.bytes_received.set(self.bytes_received.get() + n_bytes as u64);
        if n_bytes == 0 {
            self.peer_closed.set(true);
        } else {
            self.turn.set(reactor::since_wait());
            let spans = self.spans.get();
            if spans.first_byte.is_none() {
                let first_byte = self.began.get().map(|began| nanos(began.elapsed()));
                self.spans.set(Spans { first_byte, ..spans });
            }
        }
    }

    /// Notes how long it took to open a connection for it.
    pub fn opened(&self, took: Nanos) {
        self.spans.set(Spans { connect: Some(took), ..self.spans.get() });
    }
}

/// A span in nanoseconds.
pub fn nanos(span: Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX)
}

/// The attempt whose future is being polled on this thread.
pub fn with_current(note: impl FnOnce(&Trace)) {
    CURRENT.with_borrow(|current| {
        if let Some(trace) = current {
            note(trace);
        }
    });
}

/// A future whose polls are noted in a trace.
pub struct Traced<F> {
    trace: Rc<Trace>,
    future: Pin<Box<F>>,
}

impl<F: Future> Traced<F> {
    /// Notes the polls of a future.
    pub fn new(trace: Rc<Trace>, future: F) -> Self {
        Self { trace, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = CURRENT.replace(Some(Rc::clone(&self.trace)));
        let polled = self.future.as_mut().poll(context);
        CURRENT.set(before);
        polled
    }
}
