//! A server of the test's own: it answers as a function decides, and keeps what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Method and target, as in `GET /a?b=c`.
    pub line: String,
    pub cookie: String,
    pub body: String,
    /// Which connection it came over.
    pub connection: u64,
}

/// An answer: status, more fields, body; and how long it takes.
#[derive(Default)]
pub struct Reply {
    pub status: u16,
    pub fields: String,
    pub body: String,
    pub after: Duration,
}

pub fn ok(body: &str) -> Reply {
    Reply { status: 200, body: body.to_owned(), ..Reply::default() }
}

type Answers = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// A server of the test's own, whose threads end with its process.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub fn start(answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (answers, log): (Answers, _) = (Arc::new(answers), Arc::clone(&seen));
        thread::spawn(move || {
            for (connection, stream) in (0..).zip(listener.incoming()) {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                thread::spawn(move || serve(stream.unwrap(), connection, &answers, &log));
            }
        });
        Self { address, seen }
    }

    /// A port that refuses connections: it is taken, without a listener, for as long as the process lives.
    pub fn refusing() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        std::mem::forget(socket);
        Self { address, seen: Arc::default() }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests began with this.
    pub fn count(&self, line: &str) -> u64 {
        self.seen().iter().filter(|seen| seen.line.starts_with(line)).count() as u64
    }
}

fn serve(stream: TcpStream, connection: u64, answers: &Answers, log: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match reader.read_line(&mut head) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let field = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
        };
        let mut body = vec![0; field("content-length").parse().unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        let body = String::from_utf8(body).unwrap();
        let seen = Seen { line, cookie: field("cookie"), body, connection };
        log.lock().unwrap().push(seen.clone());
        let Reply { status, fields, body, after } = answers(&seen);
        thread::sleep(after);
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len());
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
