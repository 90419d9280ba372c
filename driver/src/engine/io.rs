//! The TCP connection under an HTTP client: connects only to the addresses it was given, and notes in the
//! attempt's trace what happens to it.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::trace::{connect_error, read_error, with_current, write_error};
use crate::reactor;

/// A connection that takes notes.
#[derive(Debug)]
pub struct NotedStream {
    stream: TcpStream,
    /// The attempt that wrote last; 0 before the first.
    used_by: Cell<u64>,
}

/// Connects to the first of the addresses that answers, in their order.
///
/// # Errors
/// The last address's error, noted in the trace too.
pub async fn connect(addresses: &[SocketAddr], opened: &Rc<Cell<u64>>) -> io::Result<NotedStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the target has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is written at once and whole: waiting to fill a segment would only delay it.
                stream.set_nodelay(true)?;
                opened.set(opened.get() + 1);
                with_current(|trace| trace.connected.set(true));
                return Ok(NotedStream { stream, used_by: Cell::new(0) });
            }
            Err(error) => last = error,
        }
    }
    with_current(|trace| trace.failed(connect_error(&last)));
    Err(last)
}

impl NotedStream {
    fn note_use(&self) {
        with_current(|trace| {
            if self.used_by.get() != trace.id {
                if self.used_by.replace(trace.id) != 0 {
                    trace.reused.set(true);
                }
                trace.connected.set(true);
            }
        });
    }
}

impl AsyncRead for NotedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        with_current(|trace| match &read {
            Ok(()) => {
                let n = (buffer.filled().len() - before) as u64;
                trace.bytes_received.set(trace.bytes_received.get() + n);
                if n > 0 {
                    trace.turn.set(reactor::since_wait());
                } else if self.used_by.get() == trace.id {
                    trace.peer_closed.set(true);
                }
            }
            // Only of a connection that the attempt uses: a kept one is looked at before, and replaced.
            Err(error) if self.used_by.get() == trace.id => trace.failed(read_error(error)),
            Err(_) => {}
        });
        Poll::Ready(read)
    }
}

impl AsyncWrite for NotedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.note_use();
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        if let Err(error) = &written {
            with_current(|trace| trace.failed(write_error(error)));
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note_use();
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        if let Err(error) = &written {
            with_current(|trace| trace.failed(write_error(error)));
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl ActixStream for NotedStream {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, context)
    }
}
