//! Servers of the tests: each connection is handled by a function on a thread of its own, which sends byte for byte
//! what it wants and closes as it likes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::drive::PATIENCE;

/// What a server went through.
#[derive(Default)]
pub struct Seen {
    connections: AtomicU64,
    /// Requests that were read whole.
    requests: AtomicU64,
    /// Closes, halves of closes and bytes that have come in at the client's side, or that the client has read.
    delivered: AtomicU64,
    heads: Mutex<Vec<String>>,
}

impl Seen {
    /// Connections that were accepted.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Requests that were read whole.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Heads of these, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Waits until so many closes, or writes, have come in at the client's side.
    pub async fn delivered(&self, n: u64) {
        let began = Instant::now();
        while self.delivered.load(Ordering::SeqCst) < n {
            assert!(began.elapsed() < PATIENCE, "the server does not close");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until so many connections were accepted.
    pub async fn accepted(&self, n: u64) {
        let began = Instant::now();
        while self.connections() < n {
            assert!(began.elapsed() < PATIENCE, "{} connections of {n}", self.connections());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// What a connection is read from and written to.
pub trait Io: Read + Write + Send {}
impl<T: Read + Write + Send> Io for T {}

/// A request that was read whole.
pub struct Request {
    /// In lower case, with its empty line.
    pub head: String,
    pub body: Vec<u8>,
}

/// The server's side of one connection.
pub struct Peer {
    io: Box<dyn Io>,
    tcp: TcpStream,
    seen: Arc<Seen>,
}

impl Peer {
    pub fn new(tcp: TcpStream, seen: Arc<Seen>) -> Self {
        tcp.set_nodelay(true).unwrap();
        Self { io: Box::new(tcp.try_clone().unwrap()), tcp, seen }
    }

    /// The same connection, with TLS or the like over it.
    pub fn over(self, wrap: impl FnOnce(TcpStream) -> Box<dyn Io>) -> Self {
        Self { io: wrap(self.tcp.try_clone().unwrap()), ..self }
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Reads a head; `None` where the client is gone.
    pub fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if self.io.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        Some(String::from_utf8(head).unwrap().to_lowercase())
    }

    /// Reads a request to its end, its body in pieces of at most so many bytes with a pause after each.
    pub fn request_slowly(&mut self, piece: usize, pause: Duration) -> Option<Request> {
        let head = self.head()?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        for piece in body.chunks_mut(piece) {
            self.io.read_exact(piece).ok()?;
            std::thread::sleep(pause);
        }
        self.seen.heads.lock().unwrap().push(head.clone());
        self.seen.requests.fetch_add(1, Ordering::SeqCst);
        Some(Request { head, body })
    }

    /// Reads a request to its end; `None` where the client is gone.
    pub fn request(&mut self) -> Option<Request> {
        self.request_slowly(usize::MAX, Duration::ZERO)
    }

    /// Sends bytes; ignores a failed write, because the client may be gone.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes);
    }

    /// Sends bytes; false where the client is gone.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.io.write_all(bytes).and_then(|()| self.io.flush()).is_ok()
    }

    /// Reads until the client is gone.
    pub fn linger(&mut self) {
        let mut nothing = [0; 4_096];
        while self.io.read(&mut nothing).is_ok_and(|n| n > 0) {}
    }

    /// Sends bytes, and waits until they have come in at the client's side.
    pub fn send_until_delivered(&mut self, bytes: &[u8]) {
        self.send(bytes);
        self.seen.comes_in(self.ports(), |row| row.unacknowledged == 0);
    }

    /// Sends bytes, and waits until the client has read them.
    pub fn send_until_read(&mut self, bytes: &[u8]) {
        self.send(bytes);
        wait_until(self.ports(), |row| row.unacknowledged == 0);
        self.seen.comes_in(self.ports_of_client(), |row| row.unread == 0);
    }

    /// Shuts the writing side down; reading goes on.
    pub fn half_close(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
        self.seen.comes_in(self.ports_of_client(), |row| !row.is_established);
    }

    /// Closes without a reset.
    pub fn close(mut self) {
        self.half_close();
    }

    /// Closes by a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)).unwrap();
        let (seen, ports) = (Arc::clone(&self.seen), self.ports_of_client());
        drop(self);
        seen.comes_in(ports, |row| !row.is_established);
    }

    /// Our port, and the client's.
    fn ports(&self) -> Option<Ports> {
        Some((self.tcp.local_addr().ok()?.port(), self.tcp.peer_addr().ok()?.port()))
    }

    fn ports_of_client(&self) -> Option<Ports> {
        self.ports().map(|(ours, theirs)| (theirs, ours))
    }
}

/// Of the socket itself, and of its peer.
type Ports = (u16, u16);

/// A socket in the kernel's own table.
struct SocketRow {
    /// Neither side has closed, as far as this one knows.
    is_established: bool,
    /// Bytes that were written, and that the other side's kernel has not taken.
    unacknowledged: u64,
    /// Bytes that have come in and were not read.
    unread: u64,
}

impl SocketRow {
    fn find((local, remote): Ports) -> Option<Self> {
        const ESTABLISHED: &str = "01";
        let is_at = |address: &str, port: u16| address.ends_with(&format!(":{port:04X}"));
        std::fs::read_to_string("/proc/net/tcp").unwrap().lines().skip(1).find_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let ours = is_at(columns[1], local) && is_at(columns[2], remote);
            let (unacknowledged, unread) = columns[4].split_once(':').unwrap();
            ours.then(|| Self {
                is_established: columns[3] == ESTABLISHED,
                unacknowledged: u64::from_str_radix(unacknowledged, 16).unwrap(),
                unread: u64::from_str_radix(unread, 16).unwrap(),
            })
        })
    }
}

/// Waits until the kernel shows something of a socket, or that the socket is gone.
fn wait_until(ports: Option<Ports>, has: impl Fn(&SocketRow) -> bool) {
    let began = Instant::now();
    while ports.and_then(SocketRow::find).is_some_and(|row| !has(&row)) {
        assert!(began.elapsed() < PATIENCE, "it does not come in");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Seen {
    /// Counts what was done once the kernel shows that it has come in, or that the socket is gone.
    fn comes_in(&self, ports: Option<Ports>, has: impl Fn(&SocketRow) -> bool) {
        wait_until(ports, has);
        self.delivered.fetch_add(1, Ordering::SeqCst);
    }
}

/// Holds servers back until a test lets them go on.
#[derive(Default)]
pub struct Gate(Mutex<u64>, Condvar);

impl Gate {
    /// Lets so many pass.
    pub fn open(&self, n: u64) {
        *self.0.lock().unwrap() += n;
        self.1.notify_all();
    }

    /// Waits to be let pass.
    pub fn pass(&self) {
        let mut left = self.1.wait_while(self.0.lock().unwrap(), |left| *left == 0).unwrap();
        *left -= 1;
    }
}

/// A listener with room for a thousand connections that are not accepted yet.
pub fn listener() -> TcpListener {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(1_024).unwrap();
    socket.into()
}

/// A server on a listener; it lives as long as the test's process.
pub fn serve(
    listener: TcpListener,
    handle: impl Fn(Peer) + Send + Sync + 'static,
) -> (SocketAddr, Arc<Seen>) {
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let (handle, counted) = (Arc::new(handle), Arc::clone(&seen));
    std::thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let (handle, peer) = (Arc::clone(&handle), Peer::new(tcp, Arc::clone(&counted)));
            counted.connections.fetch_add(1, Ordering::SeqCst);
            std::thread::Builder::new().stack_size(256 << 10).spawn(move || handle(peer)).unwrap();
        }
    });
    (address, seen)
}

/// A server at a port of its own.
pub fn server(handle: impl Fn(Peer) + Send + Sync + 'static) -> (SocketAddr, Arc<Seen>) {
    serve(listener(), handle)
}

pub const PONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong";

/// Answers each request well, for as long as the client likes.
pub fn answer_all(mut peer: Peer) {
    while peer.request().is_some() {
        peer.send(PONG);
    }
}

/// A port that refuses connections: it is taken, without a listener, for as long as the process lives.
pub fn closed_port() -> SocketAddr {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    std::mem::forget(socket);
    address
}
