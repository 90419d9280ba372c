//! The receiving end that serves every tool alike: one thread, epoll, a fixed answer to each head it reads. Flags set
//! the size of the answer and TLS, or make it a shop that checks sessions (`shop`). It counts, notes each arrival on the
//! monotonic clock, and can stall. It does not depend on the tool that sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use socket2::{Domain, Socket, Type};
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use crate::arrivals::{late, off_schedule, variance_over_mean};
use crate::connection::{Connection, tls_config};
use crate::processes::Cpu;
use crate::seen::{Listening, SoFar, Summary};
use crate::shop::{Came, STEPS, Shop};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\npong";
/// The size of the small answer, for clients that do not parse.
pub const ANSWER_BYTES: usize = ANSWER.len();
const LISTENER: u64 = u64::MAX;
const STDIN: u64 = u64::MAX - 1;
const EVENTS: usize = 1_024;
/// Most connections accepted in a row, so that earlier requests do not wait for all of them.
const ACCEPTS: usize = 16;
/// The kernel takes the lower of this and net.core.somaxconn.
const BACKLOG: i32 = 65_535;

/// `bench sink`
#[derive(Debug, Args)]
pub struct SinkArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The rate that arrivals are held against, requests per second
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// How many arrivals to note at most; 0 counts alone
    #[arg(long, value_name = "N", default_value_t = 0)]
    note: usize,
    /// Answers with a body of so many bytes [default: a small one]
    #[arg(long, value_name = "BYTES")]
    body: Option<usize>,
    /// Answers with JSON of 2 kB that holds values to extract, and with a cookie
    #[arg(long, conflicts_with = "body")]
    session: bool,
    /// Is a shop that checks the five steps of each session; notes first steps alone
    #[arg(long, conflicts_with_all = ["body", "session", "tls"])]
    shop: bool,
    /// Serves TLS, with a self-signed certificate
    #[arg(long)]
    tls: bool,
    /// Answers nothing from so long after the first request …
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "stall_for")]
    stall_at: Option<Duration>,
    /// … for so long
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "stall_at")]
    stall_for: Option<Duration>,
}

/// Serves until stdin closes.
///
/// # Errors
/// Where it cannot listen or poll.
pub fn serve(arguments: &SinkArgs) -> anyhow::Result<()> {
    // A peer that falls behind may open thousands of connections.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raising the limit of descriptors")?;
    let listener = listen(arguments.listen).with_context(|| format!("--listen {}", arguments.listen))?;
    listener.set_nonblocking(true)?;
    say(&Listening { listening: listener.local_addr()? })?;
    let mut sink = Sink::new(listener, arguments)?;
    sink.until_stdin_closes()?;
    say(&sink.summary(arguments.rate)?)
}

/// Sends a line of JSON to the harness, which may be gone.
fn say(what: &impl Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(what)?;
    writeln!(std::io::stdout(), "{line}").context("writing to the harness")
}

/// Listens with room for [`BACKLOG`] connections that wait to be accepted: one that finds no room tries again a
/// second later, and a stall of ours would look like one of two seconds.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The answer whose body has so many bytes; the small one for `None`.
fn answer(body_bytes: Option<usize>) -> Vec<u8> {
    let Some(bytes) = body_bytes else { return ANSWER.to_vec() };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {bytes}\r\n\r\n");
    [head.as_bytes(), &vec![b'x'; bytes]].concat()
}

/// JSON of some 2 kB, as a list of things to buy, with a cookie.
fn session_answer() -> Vec<u8> {
    let item = |i: u32| {
        format!(r#"{{"id":"{:05}","name":"thing number {i}","price":{i}.50,"tags":["a","b"]}}"#, i * 31)
    };
    let items: Vec<String> = (0..28).map(item).collect();
    let body = format!(r#"{{"items":[{}],"page":1,"token":"0123456789abcdef"}}"#, items.join(","));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: shop=0123456789; Path=/\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

struct Sink {
    epoll: OwnedFd,
    listener: TcpListener,
    answer: Vec<u8>,
    tls: Option<Arc<ServerConfig>>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    accepted: u64,
    began: Instant,
    first: Option<Instant>,
    last: Instant,
    received: u64,
    arrivals: Vec<u64>,
    shop: Option<Shop>,
    stall: Option<(Duration, Duration)>,
}

impl Sink {
    fn new(listener: TcpListener, arguments: &SinkArgs) -> anyhow::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, std::io::stdin(), EventData::new_u64(STDIN), EventFlags::IN)
            .context("stdin must be a pipe or a terminal: its end is ours")?;
        // Written once, so that no arrival meets a page that the kernel has yet to bring.
        let mut arrivals = vec![1; arguments.note];
        arrivals.clear();
        let now = Instant::now();
        Ok(Self {
            epoll,
            listener,
            answer: if arguments.session { session_answer() } else { answer(arguments.body) },
            tls: if arguments.tls { Some(tls_config()?) } else { None },
            connections: Vec::new(),
            free: Vec::new(),
            accepted: 0,
            began: now,
            first: None,
            last: now,
            received: 0,
            arrivals,
            shop: arguments.shop.then(|| Shop::new(arguments.note.saturating_mul(usize::from(STEPS)))),
            stall: arguments.stall_at.zip(arguments.stall_for),
        })
    }

    fn until_stdin_closes(&mut self) -> anyhow::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error).context("waiting for events"),
            }
            self.stall_if_due();
            for event in events.drain(..) {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    STDIN => {
                        let n = std::io::stdin().read(&mut buffer)?;
                        if n == 0 {
                            return Ok(());
                        }
                        for _ in buffer[..n].iter().filter(|byte| **byte == b'\n') {
                            say(&SoFar { received: self.received })?;
                        }
                    }
                    index => self.answer(index as usize, &mut buffer),
                }
            }
        }
    }

    fn stall_if_due(&mut self) {
        let (Some((at, length)), Some(first)) = (self.stall, self.first) else { return };
        if first.elapsed() >= at {
            self.stall = None;
            std::thread::sleep((at + length).saturating_sub(first.elapsed()));
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        for _ in 0..ACCEPTS {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error).context("accepting a connection"),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            epoll::add(&self.epoll, &stream, EventData::new_u64(index as u64), EventFlags::IN)?;
            let tls =
                self.tls.as_ref().map(|config| ServerConnection::new(Arc::clone(config))).transpose()?;
            let tls = tls.map(|mut tls| {
                tls.set_buffer_limit(None);
                tls
            });
            self.connections[index] = Some(Connection::new(stream, tls));
            self.accepted += 1;
        }
        // The listener stays ready while others wait.
        Ok(())
    }

    fn answer(&mut self, index: usize, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
        let (heads, firsts, written) = if let Some(shop) = &mut self.shop {
            let came = match connection.stream.read(buffer) {
                Ok(0) => return self.close(index),
                Ok(n) => connection.talk.take(&buffer[..n], shop, since(self.began)),
                Err(error) if is_passing(&error) => Ok(Came::default()),
                Err(error) => Err(error),
            };
            let Ok(came) = came else { return self.close(index) };
            let written = connection.talk.write(&mut connection.stream, shop, || since(self.began));
            (came.requests, came.firsts, written)
        } else {
            let heads = match connection.read(buffer) {
                Ok(heads) => heads,
                Err(error) if is_passing(&error) => 0,
                Err(_) => return self.close(index),
            };
            connection.unanswered += heads;
            (heads, heads, connection.write(&self.answer))
        };
        let gone = match written {
            Ok(whole) if whole == connection.full => {
                connection.full = !whole;
                let more = if whole { EventFlags::empty() } else { EventFlags::OUT };
                let data = EventData::new_u64(index as u64);
                epoll::modify(&self.epoll, &connection.stream, data, EventFlags::IN | more).is_err()
            }
            written => written.is_err(),
        };
        if gone {
            self.close(index);
        }
        self.note(heads, firsts);
    }

    fn close(&mut self, index: usize) {
        self.connections[index] = None;
        self.free.push(index);
    }

    /// Counts requests, and notes when so many of them arrived.
    fn note(&mut self, heads: usize, noted: usize) {
        if heads == 0 {
            return;
        }
        self.received += heads as u64;
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = now;
        let at = nanoseconds(now - self.began);
        for _ in 0..noted {
            if self.arrivals.len() < self.arrivals.capacity() {
                self.arrivals.push(at);
            }
        }
    }

    fn summary(&self, rate: Option<f64>) -> anyhow::Result<Summary> {
        let off = rate.and_then(|rate| off_schedule(&self.arrivals, rate));
        Ok(Summary {
            received: self.received,
            connections: self.accepted,
            span_s: self.first.map_or(0.0, |first| (self.last - first).as_secs_f64()),
            cpu_s: Cpu::of(std::process::id())?.total_s(),
            off_schedule: off.map(|(against_first, _)| against_first),
            off_schedule_fitted: off.map(|(_, fitted)| fitted),
            late: rate.and_then(|rate| late(&self.arrivals, rate)),
            variance_over_mean_1ms: variance_over_mean(&self.arrivals),
            sessions: self.shop.as_ref().map(Shop::seen),
        })
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn since(began: Instant) -> u64 {
    nanoseconds(began.elapsed())
}

/// Whether a read that failed is to be tried again when there is more.
fn is_passing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
