//! A connection, plain or under TLS, and whether it may serve another attempt. It keeps the number of the attempt
//! that used it last, and knows nothing else of attempts.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_rt::net::TcpStream;
use socket2::SockRef;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A connected socket, with TLS or without.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Reads what the peer sent, decrypted where there is TLS.
    pub fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

/// A connection and what is known of it.
pub struct Connection {
    /// What is read from and written to.
    pub stream: RefCell<Stream>,
    /// The attempt that wrote last; 0 before the first.
    pub used_by: Cell<u64>,
    /// The attempt that wrote last read its whole answer.
    pub idle: Cell<bool>,
    spent: Cell<bool>,
}

impl Connection {
    /// A new connection, which no attempt has used yet.
    pub fn new(stream: Stream) -> Self {
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

    /// Checks an idle connection: pending if it can be reused, otherwise ready, with a close or with bytes that
    /// belong to no request. It peeks at the socket itself, because the reactor may not have seen a close yet.
    pub fn poll_idle(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
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
