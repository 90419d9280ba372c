//! The sink: the leanest server that an HTTP client can be measured against. One thread, one epoll set; each
//! request head is answered with the same few bytes, whatever it asks for. It knows no bodies and no paths, and
//! listens on 127.0.0.1 alone.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

/// What every request is answered with.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\npong";
/// What ends a request head.
const END: &[u8] = b"\r\n\r\n";
/// Longest head, and most of one read.
const HEAD_BYTES: usize = 16 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;
/// Most events that one look brings.
const MOST: usize = 256;
/// How long a look waits before the end is looked for: the sink ends no later.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// Token of the listener in the set; a connection's token is its slot.
const LISTENER: u64 = u64::MAX;

/// A running sink; it ends when this is dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    waited_ns: AtomicU64,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1, and serves on a thread of its own.
    ///
    /// # Errors
    /// Where the system gives no socket, epoll set or thread.
    pub fn start() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut serving = Serving::new(listener, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new().name("sink".to_owned()).spawn(move || serving.serve())?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it has had nothing to do since its start.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.shared.waited_ns.load(Ordering::Relaxed))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread does not matter any more.
            let _ = thread.join();
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// The beginning of a head whose end has not come.
    rest: Vec<u8>,
}

struct Serving {
    listener: TcpListener,
    set: OwnedFd,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    shared: Arc<Shared>,
}

impl Serving {
    fn new(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Self> {
        let set = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&set, listener.as_fd(), EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self { listener, set, connections: Vec::new(), free: Vec::new(), shared })
    }

    fn serve(&mut self) {
        let mut events: Vec<Event> = Vec::with_capacity(MOST);
        let mut scratch = vec![0; HEAD_BYTES];
        while !self.shared.ends.load(Ordering::Relaxed) {
            events.clear();
            let before = Instant::now();
            // Only a signal makes this fail; the next call returns the same events.
            let _ = epoll::wait(&self.set, spare_capacity(&mut events), Some(&LOOK));
            let waited = u64::try_from(before.elapsed().as_nanos()).unwrap_or(0);
            self.shared.waited_ns.fetch_add(waited, Ordering::Relaxed);
            for event in &events {
                let data = event.data;
                match data.u64() {
                    LISTENER => self.accept(),
                    token => self.answer(usize::try_from(token).unwrap_or(usize::MAX), &mut scratch),
                }
            }
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                // One that cannot be set up is closed: the client sees it.
                Ok((stream, _)) => drop(self.add(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // No descriptor is left. The set is level-triggered and would report the listener again at once:
                // pause first.
                Err(_) => return std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn add(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let slot = self.free.pop().unwrap_or(self.connections.len());
        if slot == self.connections.len() {
            self.connections.push(None);
        }
        let token = EventData::new_u64(slot as u64);
        if let Err(error) = epoll::add(&self.set, stream.as_fd(), token, EventFlags::IN) {
            self.free.push(slot);
            return Err(error.into());
        }
        self.connections[slot] = Some(Connection { stream, rest: Vec::new() });
        Ok(())
    }

    /// Answers each head that a connection has brought; one that is over, or does not read its answers, is closed.
    fn answer(&mut self, slot: usize, scratch: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(slot).and_then(Option::as_mut) else { return };
        if !connection.serve(scratch) {
            self.connections[slot] = None;
            self.free.push(slot);
        }
    }
}

impl Connection {
    /// Reads once, and answers; false where it is to be closed.
    fn serve(&mut self, scratch: &mut [u8]) -> bool {
        let n = match self.stream.read(scratch) {
            Ok(0) => return false,
            Ok(n) => n,
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        };
        for _ in 0..heads(&mut self.rest, &scratch[..n]) {
            // The answer is short: what the socket has no room for is a client that does not read.
            if self.stream.write(ANSWER).ok() != Some(ANSWER.len()) {
                return false;
            }
        }
        self.rest.len() <= HEAD_BYTES
    }
}

/// How many heads end in what was read, after what was left over; keeps what is left over now.
fn heads(rest: &mut Vec<u8>, read: &[u8]) -> usize {
    if rest.is_empty() && read.ends_with(END) {
        // The usual case: whole heads, and nothing to keep.
        return memmem::find_iter(read, END).count();
    }
    rest.extend_from_slice(read);
    let (mut n, mut over) = (0, 0);
    for at in memmem::find_iter(rest, END) {
        n += 1;
        over = at + END.len();
    }
    rest.drain(..over);
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_counted_however_they_are_cut() {
        let all = b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        for cut in 0..=all.len() {
            let mut rest = Vec::new();
            let n = heads(&mut rest, &all[..cut]) + heads(&mut rest, &all[cut..]);
            assert_eq!((n, rest.len()), (2, 0), "cut at {cut}");
        }
    }

    #[test]
    fn each_request_of_a_kept_connection_is_answered() {
        let sink = Sink::start().unwrap();
        assert!(sink.address().ip().is_loopback());
        let mut client = TcpStream::connect(sink.address()).unwrap();
        let mut answers = vec![0; 2 * ANSWER.len()];
        for _ in 0..3 {
            client.write_all(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r").unwrap();
            client.write_all(b"\n\r\n").unwrap();
            client.read_exact(&mut answers).unwrap();
            assert_eq!(answers, [ANSWER, ANSWER].concat());
        }
    }
}
