//! A TCP socket that never waits.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::{Domain, Protocol, Type};

#[derive(Debug)]
pub struct Socket(socket2::Socket);

impl Socket {
    /// Begins to connect: the socket is writable once that is decided.
    ///
    /// # Errors
    /// The kernel's: no descriptor, no port or no route.
    pub fn connect(address: &SocketAddr) -> io::Result<Self> {
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = socket2::Socket::new(Domain::for_address(*address), kind, Some(Protocol::TCP))?;
        // A request is written at once and whole: waiting to fill a segment would only delay it.
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&(*address).into()) {
            Ok(()) => Ok(Self(socket)),
            Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => Ok(Self(socket)),
            Err(error) => Err(error),
        }
    }

    /// Has the kernel discard what came, at most as many bytes as `nowhere` has; returns how many. On a TCP socket
    /// MSG_TRUNC frees the bytes without copying them (tcp(7)), so that `nowhere` lends its length and is never
    /// written: its pages need not even exist. That costs a third of a copy.
    ///
    /// # Errors
    /// Those of reading; 0 is the peer's close.
    pub fn discard(&self, nowhere: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        self.0.recv_with_flags(nowhere, RecvFlags::TRUNC.bits().cast_signed())
    }

    /// Where it leads, once it is connected.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()?.as_socket()
    }

    /// Why connecting failed, once the socket is ready.
    ///
    /// # Errors
    /// That reason.
    pub fn connected(&self) -> io::Result<()> {
        self.0.take_error()?.map_or(Ok(()), Err)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.as_fd(), buffer, RecvFlags::empty())?.0)
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.as_fd(), bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
