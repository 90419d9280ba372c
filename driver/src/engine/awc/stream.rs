//! A connection as its client sees it: a stream that records in the attempt's trace what happens on it.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready};
use bytes::Bytes;
use common::counters::ErrorKind;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::{Connection, Stream};
use super::trace::{Trace, with_current};
use crate::engine::socket_errors::{read_error, write_error};
use crate::engine::tls::During;

/// How much of one answer is read before other attempts have their turn.
pub const AT_ONCE_BYTES: u64 = 1 << 20;

/// Reads what comes until the peer closes, and passes it on where it is wanted. After a MiB it lets others have their
/// turn.
pub fn poll_to_the_end(connection: &Connection, context: &mut Context<'_>, trace: &Trace) -> Poll<()> {
    let mut bytes = [MaybeUninit::<u8>::uninit(); 4_096];
    let bound = trace.bytes_received.get() + AT_ONCE_BYTES;
    while !trace.peer_closed.get() && trace.error.get().is_none() {
        if trace.bytes_received.get() >= bound {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut buffer = ReadBuf::uninit(&mut bytes);
        let read = ready!(connection.stream.borrow_mut().poll_read(context, &mut buffer));
        note_read(trace, &read, buffer.filled().len());
        if let Some(wanted) = &trace.wanted {
            wanted.pass(Bytes::copy_from_slice(buffer.filled()));
            if wanted.is_too_large(None) {
                trace.failed(ErrorKind::TooLarge);
            }
        }
    }
    Poll::Ready(())
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
    /// The handle of a new connection.
    pub fn new(stream: Stream) -> Self {
        Self(Rc::new(Connection::new(stream)))
    }

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
        let came = &buffer.filled()[before..];
        with_current(|trace| {
            note_read(trace, &read, came.len());
            if let Some(wanted) = &trace.wanted {
                wanted.came(came);
            }
        });
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
