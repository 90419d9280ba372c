//! What passes between a connection's TLS session and its socket. It never waits, and knows no attempt.

use std::io::{self, BufRead, Write};

use common::counters::ErrorKind;
use common::tls_cause::TlsCause;
use tokio_rustls::rustls::ClientConnection;

use super::answer::{AnswerReader, ReadStep, Whole};
use super::parts::Parts;
use super::socket::Socket;
use crate::engine::socket_errors::handshake_error;
use crate::engine::tls::{During, cause_of, cause_of_io};

/// What a failed handshake is counted as; notes the cause.
pub fn in_handshake(cause: &mut Option<TlsCause>, error: &io::Error) -> ErrorKind {
    let kind = handshake_error(error);
    if kind == ErrorKind::Tls {
        *cause = Some(cause_of_io(error, During::Handshake));
    }
    kind
}

/// Encrypts what is left of a request and writes it as far as there is room; notes whether a byte left.
pub fn write_tls(
    tls: &mut ClientConnection,
    socket: &Socket,
    request: &[u8],
    written: &mut usize,
    touched: &mut bool,
) -> io::Result<()> {
    if *written < request.len() {
        tls.writer().write_all(&request[*written..])?;
        *written = request.len();
    }
    *touched |= flush_tls(tls, socket)? > 0;
    Ok(())
}

/// Writes what TLS has queued, as far as there is room; returns how many bytes that were.
pub fn flush_tls(tls: &mut ClientConnection, mut socket: &Socket) -> io::Result<usize> {
    let mut flushed = 0;
    while tls.wants_write() {
        match tls.write_tls(&mut socket) {
            Ok(n) => flushed += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(flushed)
}

/// Decrypts bytes and gives the answer the plain ones, those included that TLS holds already; it passes on what of
/// it is wanted. Returns how far the answer is, and how many bytes it was given last: if that is more than it
/// used, something follows it.
pub fn read_tls(
    tls: &mut ClientConnection,
    socket: &Socket,
    mut bytes: &[u8],
    answer: &mut AnswerReader,
    cause: &mut Option<TlsCause>,
    parts: &mut impl Parts,
) -> Result<(ReadStep, usize), ErrorKind> {
    let mut taken = (ReadStep::More, 0);
    loop {
        if !bytes.is_empty() {
            tls.read_tls(&mut bytes).map_err(|error| {
                *cause = Some(cause_of_io(&error, During::Session));
                ErrorKind::Tls
            })?;
        }
        let state = tls.process_new_packets().map_err(|error| {
            *cause = Some(cause_of(&error, During::Session));
            ErrorKind::Tls
        })?;
        let closed = state.peer_has_closed();
        let mut reader = tls.reader();
        // Looked at where they were decrypted, not copied.
        while let Ok(plain) = reader.fill_buf()
            && !plain.is_empty()
        {
            let n = plain.len();
            match &mut taken {
                // Count the bytes after a whole answer as given: it did not use them, so its connection is not
                // reused.
                (ReadStep::Whole(_), given) => *given += n,
                _ => taken = (answer.take_with(plain, parts)?, n),
            }
            reader.consume(n);
        }
        if closed {
            // A close_notify ends the stream as a close of TCP does; what follows it is ignored.
            let (status, used) = match taken.0 {
                ReadStep::More => (answer.end()?, 0),
                ReadStep::Whole(whole) => (whole.status, whole.used),
            };
            return Ok((ReadStep::Whole(Whole { status, used, keeps: false }), taken.1));
        }
        if bytes.is_empty() {
            break;
        }
    }
    // Alerts and key updates may need a reply; if it cannot be written now, the next request's write fails too.
    let _ = flush_tls(tls, socket);
    Ok(taken)
}
