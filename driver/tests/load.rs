//! One worker against a real server: both loops, the counts on both sides, and every kind of failure that a
//! socket can show.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::ids::{NodeId, TestId};
use common::plan::{PlanFormat, read, share_out};
use driver::actors::messages::WorkerEnding;
use driver::engine::{AwcClient, Client, Exchange, Outcome, WireEngine};
use driver::load_job::{LoadJob, StartAt};
use driver::precision::Precision;
use driver::worker::windows::Closed;
use driver::worker::{Outlet, run};

fn job(address: SocketAddr, request: &str, load: &str) -> Arc<LoadJob> {
    let text = format!("[target]\nurl = 'http://{address}/'\n[request]\n{request}\n[load]\n{load}\n");
    let plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}"));
    let node_id = NodeId::new("d").unwrap();
    let share = share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1;
    Arc::new(LoadJob {
        test_id: TestId::new("t").unwrap(),
        node_id,
        share,
        load: plan.load,
        honesty: plan.honesty,
        request: plan.request.into(),
        target: plan.target,
        addresses: vec![address].into(),
        tls: None,
        start: StartAt { monotonic: Instant::now() + Duration::from_millis(20), unix_us: 0 },
    })
}

/// Keeps what a worker tells.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Told>>);

/// The windows' indexes, the sum of their counters, and the ending.
type Told = (Vec<u64>, Counters, Option<WorkerEnding>);

impl Outlet for Kept {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, _: f64, last: Option<WorkerEnding>) {
        let mut kept = self.0.borrow_mut();
        kept.0.push(closed.index);
        kept.1.add(&closed.counters);
        assert!(kept.2.is_none(), "nothing comes after the last window");
        kept.2 = last;
    }
}

async fn load(job: Arc<LoadJob>) -> (Vec<u64>, Counters, WorkerEnding) {
    let kept = Kept::default();
    let (_stop, stopped) = tokio::sync::watch::channel(None);
    let slice = job.slices(1)[0];
    let engine = WireEngine::new(&job).unwrap();
    run(job, slice, engine, kept.clone(), Precision::Timer, stopped).await.unwrap();
    let (indexes, counters, ending) = kept.0.take();
    (indexes, counters, ending.unwrap())
}

/// Reads one request's head; false where the peer is gone.
fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// A server whose connections are each handled by a function on a thread of its own.
fn server(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(stream));
        }
    });
    address
}

const PONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong";

/// Answers every request; counts them.
fn good_server() -> (SocketAddr, Arc<AtomicU64>) {
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let address = server(move |mut stream| {
        while read_head(&mut stream) {
            counter.fetch_add(1, Ordering::Relaxed);
            stream.write_all(PONG).unwrap();
        }
    });
    (address, received)
}

#[track_caller]
fn assert_sound(counters: &Counters) {
    assert_eq!(counters.scheduled, counters.sent + counters.dropped(), "{counters:?}");
    assert_eq!(counters.sent, counters.completed + counters.failed, "{counters:?}");
}

#[actix_rt::test]
async fn an_open_loop_sends_every_tick_and_counts_as_the_server_does() {
    let (address, received) = good_server();
    let (indexes, counters, ending) =
        load(job(address, "", "mode = 'tsunami'\nrate = 200\nduration = '1500ms'\nwarmup = '500ms'")).await;
    assert_sound(&counters);
    assert_eq!(indexes, (0..indexes.len() as u64).collect::<Vec<_>>());
    assert_eq!((counters.scheduled, counters.warmup.scheduled), (400, 100));
    assert_eq!(counters.sent, received.load(Ordering::Relaxed));
    assert_eq!((ending.schedule_from, ending.schedule_to), (500_000_000, 2_000_000_000));
}

#[actix_rt::test]
async fn a_closed_loop_makes_exactly_its_attempts() {
    let (address, received) = good_server();
    let (_, counters, ending) =
        load(job(address, "", "mode = 'avalanche'\nconnections = 4\nrequests = 500")).await;
    assert_sound(&counters);
    assert_eq!((counters.sent, counters.completed, counters.completed_in_schedule), (500, 500, 500));
    assert_eq!(received.load(Ordering::Relaxed), 500);
    assert_eq!(ending.opened.connections, 4);
    assert_eq!(counters.bytes_received, 500 * PONG.len() as u64);
}

#[actix_rt::test]
async fn a_closed_loop_keeps_its_ceiling() {
    let (address, received) = good_server();
    let plan = "mode = 'avalanche'\nconnections = 2\ntarget_throughput = 100\nduration = '1s'";
    let (_, counters, _) = load(job(address, "", plan)).await;
    assert_sound(&counters);
    assert!((90..=101).contains(&counters.sent), "{counters:?}");
    assert_eq!(received.load(Ordering::Relaxed), counters.sent);
}

#[actix_rt::test]
async fn a_server_that_stalls_drops_ticks_at_the_bound_and_times_out() {
    let address = server(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(30));
    });
    let plan = "mode = 'tsunami'\nrate = 100\nduration = '1s'\nmax_in_flight = 10\ndrain_timeout = '100ms'";
    let (_, counters, _) = load(job(address, "timeout = '20s'", plan)).await;
    assert_sound(&counters);
    assert_eq!((counters.sent, counters.dropped_in_flight, counters.dropped_late), (10, 90, 0));
    assert_eq!(counters.errors[&ErrorKind::Timeout], 10);
}

async fn exchange(address: SocketAddr, request: &str) -> Exchange {
    let job = job(address, request, "mode = 'avalanche'\nconnections = 1\nrequests = 1");
    AwcClient::new(&job).unwrap().exchange().await
}

#[track_caller]
fn assert_failed(exchange: Exchange, kind: ErrorKind) {
    assert_eq!(exchange.outcome, Outcome::Failed(kind), "{exchange:?}");
}

/// A server that reads a request, says this, and closes.
fn says(bytes: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(bytes);
    })
}

#[actix_rt::test]
async fn failures_are_told_apart() {
    let closed_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_failed(exchange(closed_port, "").await, ErrorKind::Refused);
    assert_failed(exchange(says(b""), "").await, ErrorKind::Closed);
    assert_failed(
        exchange(says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npo"), "").await,
        ErrorKind::Closed,
    );
    assert_failed(exchange(says(b"220 mail ready\r\n\r\n"), "").await, ErrorKind::Protocol);
    let silent = server(|mut stream| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(30));
    });
    assert_failed(exchange(silent, "timeout = '50ms'").await, ErrorKind::Timeout);
    let resets = server(|mut stream| {
        read_head(&mut stream);
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    assert_failed(exchange(resets, "").await, ErrorKind::Reset);
}

#[actix_rt::test]
async fn a_target_without_an_address_does_not_resolve() {
    let (address, _) = good_server();
    let mut without = job(address, "", "mode = 'avalanche'\nconnections = 1\nrequests = 1");
    Arc::get_mut(&mut without).unwrap().addresses = Vec::new().into();
    let exchange = AwcClient::new(&without).unwrap().exchange().await;
    assert_failed(exchange, ErrorKind::Resolve);
    assert!(exchange.unconnected);
}

#[actix_rt::test]
async fn statuses_and_bodies_are_read_whole() {
    let status = |exchange: Exchange| exchange.outcome;
    let chunked = says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n");
    assert_eq!(status(exchange(chunked, "").await), Outcome::Status(200));
    let until_close = says(b"HTTP/1.1 201 Created\r\nconnection: close\r\n\r\nall of it");
    assert_eq!(status(exchange(until_close, "").await), Outcome::Status(201));
    let empty = says(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(status(exchange(empty, "").await), Outcome::Status(204));
}

#[actix_rt::test]
async fn a_kept_connection_that_was_closed_is_replaced_and_nothing_is_sent_twice() {
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let address = server(move |mut stream| {
        if read_head(&mut stream) {
            counter.fetch_add(1, Ordering::Relaxed);
            stream.write_all(PONG).unwrap();
        }
    });
    let job = job(address, "", "mode = 'avalanche'\nconnections = 1\nrequests = 1");
    let engine = AwcClient::new(&job).unwrap();
    for _ in 0..3 {
        let exchange = engine.exchange().await;
        assert!(matches!(exchange.outcome, Outcome::Status(200)), "{exchange:?}");
        assert!(!exchange.reused);
        // The server's close must have come in, and its readiness been seen, before the next attempt looks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(received.load(Ordering::Relaxed), 3);
    assert_eq!(engine.opened().connections, 3);
}
