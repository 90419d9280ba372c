//! One connection: TCP and, where it is wanted, TLS over it; what is on its way out and what came in. It never
//! waits, and knows neither which attempt it serves nor when.

use std::io::{self, Read, Write};
use std::mem::{self, MaybeUninit};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use common::counters::ErrorKind;
use common::tls_cause::TlsCause;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

use super::answer::{AnswerReader, AnswerTo, ReadStep};
use super::parts::Parts;
use super::socket::Socket;
use super::tls_io::{flush_tls, in_handshake, read_tls, write_tls};
use super::wants::Wants;
use crate::engine::socket_errors::{connect_error, read_error, write_error};
use crate::engine::tls::{During, cause_of};

/// Most bytes that one look at a connection reads before the others have their turn: some 70 µs of discarding, 250 µs
/// of copying or 1 ms of decrypting. So an answer that comes as fast as it is read cannot hold up all others.
const MOST_AT_ONCE_BYTES: usize = 1 << 20;

/// Room for what one read brings; the connections of an engine share it.
pub struct Scratch {
    bytes: Box<[u8]>,
    /// Never written: see [`Socket::discard`].
    nowhere: Box<[MaybeUninit<u8>]>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            bytes: vec![0; 64 << 10].into_boxed_slice(),
            nowhere: Box::new_uninit_slice(MOST_AT_ONCE_BYTES),
        }
    }
}

/// The TLS settings and the server's name.
pub type Tls = (Arc<ClientConfig>, ServerName<'static>);

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// TCP is being set up.
    Connecting,
    Handshaking,
    /// Requests may be written.
    Open,
}

/// What became of an answer so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is not whole; an event will report more bytes.
    NotYet,
    /// It is not whole, and reading stopped at its bound before the socket was empty. Events are edge-triggered, so
    /// none reports the rest: the caller must read on.
    Unread,
    Whole {
        status: u16,
        /// Whether the connection may serve again.
        keeps: bool,
    },
    Failed(ErrorKind),
}

/// Why a request was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwritten {
    /// What it counts as.
    pub kind: ErrorKind,
    /// Whether not a byte of it left: then it was never sent.
    pub untouched: bool,
}

#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    /// Why TLS failed, once it did.
    tls_cause: Option<TlsCause>,
    stage: Stage,
    answer: AnswerReader,
    /// Bytes that the present request has.
    length: usize,
    /// How many of them were handed on: to the socket, or to TLS.
    written: usize,
    /// A byte of the request has left.
    touched: bool,
    /// Why the rest of the request cannot leave: nothing is written any more, but an answer may be there.
    broken: Option<ErrorKind>,
    /// TLS holds data, or a `close_notify`, that came with the end of its handshake. It has left the socket already,
    /// so no event will report it.
    spoke_first: bool,
    /// Requests that were begun on it.
    begun: u64,
}

impl Connection {
    /// Begins to connect.
    ///
    /// # Errors
    /// What the attempt counts as.
    pub fn open(address: &SocketAddr, tls: Option<&Tls>) -> Result<Self, ErrorKind> {
        let socket = Socket::connect(address).map_err(|error| connect_error(&error))?;
        let tls = match tls {
            None => None,
            Some((config, name)) => {
                let mut session =
                    ClientConnection::new(Arc::clone(config), name.clone()).map_err(|_| ErrorKind::Tls)?;
                // A request is encrypted at once and whole, however long it is.
                session.set_buffer_limit(None);
                Some(Box::new(session))
            }
        };
        Ok(Self {
            socket,
            tls,
            tls_cause: None,
            stage: Stage::Connecting,
            answer: AnswerReader::new(AnswerTo::default()),
            length: 0,
            written: 0,
            touched: false,
            broken: None,
            spoke_first: false,
            begun: 0,
        })
    }

    /// How far it is.
    #[inline]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether it has served before the present request.
    #[inline]
    pub fn is_kept(&self) -> bool {
        self.begun > 1
    }

    /// Where the first redirect among its answers points.
    pub fn location(&self) -> Option<&str> {
        self.answer.location()
    }

    /// Bytes of the present answer.
    #[inline]
    pub fn received(&self) -> u64 {
        self.answer.received()
    }

    /// Why TLS failed, once it did.
    pub fn tls_cause(&self) -> Option<TlsCause> {
        self.tls_cause
    }

    /// Where it leads, once it is connected.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.socket.peer()
    }

    /// Whether something came with the last of the handshake.
    pub fn spoke_first(&self) -> bool {
        self.spoke_first
    }

    /// Goes on with connecting and the handshake.
    ///
    /// # Errors
    /// What the attempt counts as.
    pub fn establish(&mut self, scratch: &mut Scratch) -> Result<Stage, ErrorKind> {
        if self.stage == Stage::Connecting {
            self.socket.connected().map_err(|error| connect_error(&error))?;
            self.stage = if self.tls.is_some() { Stage::Handshaking } else { Stage::Open };
        }
        if self.stage == Stage::Handshaking && self.shake_hands(scratch)? {
            self.stage = Stage::Open;
        }
        Ok(self.stage)
    }

    fn shake_hands(&mut self, scratch: &mut Scratch) -> Result<bool, ErrorKind> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        loop {
            // A server that refuses us sends an alert and closes, perhaps while we still write. Read that alert
            // before the failed write is reported.
            let unwritten = flush_tls(tls, &self.socket).err();
            if unwritten.is_none() && !tls.is_handshaking() {
                return Ok(true);
            }
            let read = match ((&self.socket).read(&mut scratch.bytes), unwritten) {
                (Ok(n @ 1..), _) => Ok(n),
                (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => continue,
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                (_, Some(unwritten)) => Err(unwritten),
                (Ok(_), None) => Err(io::ErrorKind::UnexpectedEof.into()),
                (Err(error), None) => Err(error),
            };
            let n = read.map_err(|error| in_handshake(&mut self.tls_cause, &error))?;
            let mut rest = &scratch.bytes[..n];
            while !rest.is_empty() {
                let read = tls.read_tls(&mut rest);
                if read.map_err(|error| in_handshake(&mut self.tls_cause, &error))? == 0 {
                    // After a close_notify, `read_tls` takes no more bytes.
                    break;
                }
                let state = match tls.process_new_packets() {
                    Ok(state) => state,
                    Err(error) => {
                        self.tls_cause = Some(cause_of(&error, During::Handshake));
                        // Send the TLS alert; ignore a failed write, the connection is closed anyway.
                        let _ = flush_tls(tls, &self.socket);
                        return Err(ErrorKind::Tls);
                    }
                };
                self.spoke_first = state.plaintext_bytes_to_read() > 0 || state.peer_has_closed();
            }
        }
    }

    /// Begins to write a request, whose answer is read so; the rest of one that does not fit follows with [`Connection::write_on`].
    ///
    /// # Errors
    /// What the attempt counts as, and whether it was one.
    #[inline]
    pub fn write(&mut self, request: &[u8], to: AnswerTo) -> Result<(), Unwritten> {
        self.answer.reset(to);
        (self.length, self.written, self.touched) = (request.len(), 0, false);
        self.begun += 1;
        self.write_on(request)
    }

    /// Goes on writing the same request.
    ///
    /// # Errors
    /// What the attempt counts as, and whether it was one.
    #[inline]
    pub fn write_on(&mut self, request: &[u8]) -> Result<(), Unwritten> {
        let written = match &mut self.tls {
            None => write_plain(&self.socket, request, &mut self.written, &mut self.touched),
            Some(tls) => write_tls(tls, &self.socket, request, &mut self.written, &mut self.touched),
        };
        written.map_err(|error| {
            let kind = write_error(&error);
            self.broken = Some(kind);
            Unwritten { kind, untouched: !self.touched }
        })
    }

    /// Whether the caller's bytes of the request are needed again: TLS keeps those that it was given.
    #[inline]
    pub fn needs_request(&self) -> bool {
        self.written < self.length
    }

    /// Whether the request has not left whole.
    #[inline]
    pub fn is_writing(&self) -> bool {
        self.needs_request() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Reads what is there of the answer, up to a bound, and passes on what of it is wanted. `closing`: the peer closed
    /// its side, so that there is an end to read.
    pub fn read(&mut self, scratch: &mut Scratch, closing: bool, parts: &mut impl Parts) -> Answered {
        let closing = closing || self.broken.is_some();
        let mut left = MOST_AT_ONCE_BYTES;
        while left > 0 {
            let early = mem::take(&mut self.spoke_first);
            // Encrypted bytes have to be decrypted before they can be discarded.
            let wants = if self.tls.is_some() { Wants::Bytes(usize::MAX) } else { self.answer.wants() };
            let (read, asked) = match wants {
                _ if early => (Ok(0), usize::MAX),
                Wants::Bytes(most) => {
                    let asked = most.min(scratch.bytes.len());
                    ((&self.socket).read(&mut scratch.bytes[..asked]), asked)
                }
                Wants::Skip(most) => {
                    let asked = usize::try_from(most).unwrap_or(usize::MAX).min(left);
                    (self.socket.discard(&mut scratch.nowhere[..asked]), asked)
                }
            };
            let n = match read {
                Ok(0) if !early => return self.ended(),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.broken.map_or(Answered::NotYet, Answered::Failed);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Answered::Failed(self.broken.unwrap_or(read_error(&error))),
            };
            let bytes = &scratch.bytes[..n.min(scratch.bytes.len())];
            let taken = match (&mut self.tls, wants) {
                (Some(tls), _) => {
                    read_tls(tls, &self.socket, bytes, &mut self.answer, &mut self.tls_cause, parts)
                }
                (None, Wants::Bytes(_)) => self.answer.take_with(bytes, parts).map(|step| (step, n)),
                (None, Wants::Skip(_)) => Ok((self.answer.skip(n as u64), n)),
            };
            let filled = n == asked;
            left = left.saturating_sub(n);
            match taken {
                Err(kind) => return Answered::Failed(kind),
                Ok((ReadStep::Whole(whole), given)) => {
                    // Bytes after the answer belong to no request: such a connection is not reused. If the buffer was
                    // filled, only another read shows whether there are any.
                    let keeps = whole.keeps && whole.used == given && !closing;
                    let keeps = keeps && (!filled || self.rests_on(scratch));
                    return Answered::Whole { status: whole.status, keeps };
                }
                // The buffer was not filled, so the socket is empty, and an event will report the next bytes.
                Ok((ReadStep::More, _)) if !filled && !early && !closing => return Answered::NotYet,
                Ok((ReadStep::More, _)) => {}
            }
        }
        Answered::Unread
    }

    /// Reads what arrived without a request; returns whether the connection may be reused.
    pub fn rests_on(&mut self, scratch: &mut Scratch) -> bool {
        let bytes = &mut scratch.bytes;
        loop {
            match ((&self.socket).read(bytes), &mut self.tls) {
                // Under TLS it may be a session ticket, which is not part of an answer.
                (Ok(n @ 1..), Some(tls)) => {
                    let mut nothing = AnswerReader::new(AnswerTo::default());
                    let cause = &mut self.tls_cause;
                    let no_body = &mut |_: &[u8]| {};
                    let taken = read_tls(tls, &self.socket, &bytes[..n], &mut nothing, cause, no_body);
                    if taken.is_err() || nothing.received() > 0 {
                        return false;
                    }
                }
                (Ok(_), _) => return false,
                (Err(error), _) if error.kind() == io::ErrorKind::Interrupted => {}
                (Err(error), _) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }

    /// The peer closed its side.
    fn ended(&mut self) -> Answered {
        // The kernel reports a reset once, and the write may have received it already: then the write's error counts.
        if let Some(kind) = self.broken {
            return Answered::Failed(kind);
        }
        if self.tls.is_some() {
            // Without a close_notify the answer may have been cut off (RFC 8446, 6.1): it counts as closed.
            return Answered::Failed(ErrorKind::Closed);
        }
        match self.answer.end() {
            Ok(status) => Answered::Whole { status, keeps: false },
            Err(kind) => Answered::Failed(kind),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn write_plain(
    mut socket: &Socket,
    request: &[u8],
    written: &mut usize,
    touched: &mut bool,
) -> io::Result<()> {
    while *written < request.len() {
        match socket.write(&request[*written..]) {
            Ok(n) => {
                *written += n;
                *touched = true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
