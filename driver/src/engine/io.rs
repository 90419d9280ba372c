//! The connection under an HTTP client. It connects only to the addresses that it was given. It does TLS itself, so
//! that a failed handshake can be distinguished from a failed request. It records in the attempt's trace what
//! happens.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_rt::net::{ActixStream, Ready, TcpStream};
use common::counters::ErrorKind;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Opened;
use super::addresses::{ATTEMPT_DELAY, Favourite};
use super::socket_errors::{connect_error, handshake_error, read_error, write_error};
use super::tls::During;
use super::trace::{Trace, nanos, with_current};
use crate::load_job::Addresses;

/// How much of one answer is read before other attempts have their turn.
pub const AT_ONCE_BYTES: u64 = 1 << 20;

/// Where connections go.
pub struct Target {
    /// The only addresses that are connected to.
    pub addresses: Addresses,
    /// Which of them comes first.
    pub favourite: RefCell<Favourite>,
    /// The TLS settings and the server's name; `None`: plain TCP.
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Connects to one of the addresses, and shakes hands where TLS is wanted.
///
/// # Errors
/// The last address's error, noted in the trace too.
pub async fn connect(target: &Target, opened: &Cell<Opened>) -> io::Result<NotedStream> {
    let began = Instant::now();
    let tcp = race(target).await.map_err(|error| failed(error, connect_error))?;
    opened.update(|opened| Opened { connections: opened.connections + 1, ..opened });
    // A request is written at once and whole: waiting to fill a segment would only delay it.
    tcp.set_nodelay(true)?;
    let stream = match &target.tls {
        None => Stream::Plain(tcp),
        Some((connector, name)) => match connector.connect(name.clone(), tcp).await {
            Ok(tls) => {
                opened.update(|opened| Opened { handshakes: opened.handshakes + 1, ..opened });
                Stream::Tls(Box::new(tls))
            }
            Err(error) => return Err(failed(error, handshake_error)),
        },
    };
    with_current(|trace| {
        trace.connected.set(true);
        trace.opened(nanos(began.elapsed()));
    });
    Ok(NotedStream(Rc::new(Connection::new(stream))))
}

/// Connects to the addresses in their order, to the next one where the last fails or takes [`ATTEMPT_DELAY`]; the first
/// that connects is used, and the others are dropped and so closed (RFC 8305).
async fn race(target: &Target) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the target has no address");
    let order = target.favourite.borrow_mut().order(&target.addresses.now(), Instant::now);
    let mut addresses = (0..order.len()).map_while(|n| order.nth(n)).peekable();
    let mut under_way = FuturesUnordered::new();
    while let Some(address) = addresses.next() {
        under_way.push(async move { (address, TcpStream::connect(address).await) });
        let delay = tokio::time::sleep(ATTEMPT_DELAY);
        let mut delay = std::pin::pin!(delay);
        loop {
            tokio::select! {
                biased;
                Some((address, connected)) = under_way.next() => match connected {
                    Ok(tcp) => {
                        if !under_way.is_empty() {
                            target.favourite.borrow_mut().connected_instead(&order, address, Instant::now());
                        }
                        return Ok(tcp);
                    }
                    Err(error) => last = error,
                },
                () = &mut delay, if addresses.peek().is_some() => {}
            }
            if addresses.peek().is_some() || under_way.is_empty() {
                break;
            }
        }
    }
    Err(last)
}

fn failed(error: io::Error, kind: fn(&io::Error) -> ErrorKind) -> io::Error {
    with_current(|trace| trace.failed_in(During::Handshake, &error, kind(&error)));
    error
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

/// A connection and what is known of it.
pub struct Connection {
    stream: RefCell<Stream>,
    /// The attempt that wrote last; 0 before the first.
    used_by: Cell<u64>,
    /// The attempt that wrote last read its whole answer.
    idle: Cell<bool>,
    spent: Cell<bool>,
}

impl Connection {
    fn new(stream: Stream) -> Self {
        Self {
            stream: RefCell::new(stream),
            used_by: Cell::new(0),
            idle: Cell::new(true),
            spent: Cell::new(false),
        }
    }

    /// Notes that the answer was read whole: until the next write, nothing is expected.
    pub fn rests(&self) {
        self.idle.set(true);
    }

    /// Notes that it must not be reused, even if its client would.
    pub fn is_spent(&self) {
        self.rests();
        self.serves_last();
    }

    /// Notes that it must not serve again after the present answer, which is still being read.
    pub fn serves_last(&self) {
        self.spent.set(true);
    }

    /// Reads what comes until the peer closes. After a MiB it lets others have their turn.
    pub fn poll_to_the_end(&self, context: &mut Context<'_>, trace: &Trace) -> Poll<()> {
        let mut bytes = [MaybeUninit::<u8>::uninit(); 4_096];
        let bound = trace.bytes_received.get() + AT_ONCE_BYTES;
        while !trace.peer_closed.get() && trace.error.get().is_none() {
            if trace.bytes_received.get() >= bound {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::uninit(&mut bytes);
            let read = ready!(self.stream.borrow_mut().poll_read(context, &mut buffer));
            note_read(trace, &read, buffer.filled().len());
        }
        Poll::Ready(())
    }

    /// Checks an idle connection: pending if it can be reused, otherwise ready, with a close or with bytes that
    /// belong to no request. It peeks at the socket itself, because the reactor may not have seen a close yet.
    fn poll_idle(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.spent.get() {
            return Poll::Ready(Ok(()));
        }
        let mut stream = self.stream.borrow_mut();
        if let Stream::Tls(tls) = &mut *stream {
            // TLS may have read more than the answer: a close_notify, or data that belongs to no request.
            let state = tls.get_mut().1.process_new_packets();
            if state.is_ok_and(|state| state.peer_has_closed() || state.plaintext_bytes_to_read() > 0) {
                return Poll::Ready(Ok(()));
            }
        }
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(stream.tcp()).peek(&mut byte) {
            Ok(0) => Poll::Ready(Ok(())),
            // Under TLS it may be a session ticket or a close_notify: rustls decides.
            Ok(_) if matches!(*stream, Stream::Tls(_)) => stream.poll_read(context, buffer),
            Ok(_) => {
                buffer.put_slice(b"?");
                Poll::Ready(Ok(()))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

fn note_read(trace: &Trace, read: &io::Result<()>, n_bytes: usize) {
    match read {
        Ok(()) => trace.read(n_bytes),
        Err(error) => trace.failed_in(During::Session, error, read_error(error)),
    }
}

/// A connection that takes notes: its client's handle.
pub struct NotedStream(Rc<Connection>);

impl fmt::Debug for NotedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.stream.borrow().tcp().fmt(f)
    }
}

impl NotedStream {
    fn note_use(&self) {
        self.0.idle.set(false);
        with_current(|trace| {
            let before = self.0.used_by.replace(trace.id);
            if before != trace.id {
                trace.uses(&self.0, before != 0);
            }
        });
    }
}

fn note_write(error: Option<&io::Error>) {
    if let Some(error) = error {
        with_current(|trace| trace.failed(write_error(error)));
    }
}

impl AsyncRead for NotedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.idle.get() {
            // Nothing was written since the last answer: this is the pool's look before it is used again.
            return self.0.poll_idle(context, buffer);
        }
        let before = buffer.filled().len();
        let read = ready!(self.0.stream.borrow_mut().poll_read(context, buffer));
        with_current(|trace| note_read(trace, &read, buffer.filled().len() - before));
        Poll::Ready(read)
    }
}

impl AsyncWrite for NotedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.note_use();
        let written = ready!(match &mut *self.0.stream.borrow_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        });
        note_write(written.as_ref().err());
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(match &mut *self.0.stream.borrow_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(context),
        });
        note_write(flushed.as_ref().err());
        Poll::Ready(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0.stream.borrow_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}

impl ActixStream for NotedStream {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.0.stream.borrow().tcp(), context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.0.stream.borrow().tcp(), context)
    }
}
