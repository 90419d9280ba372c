//! The awc engine against servers that answer oddly, or not at all: each answer is read to its end and each
//! failure has its kind, on a connection that never hands one request's answer to the next.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::ids::{NodeId, TestId};
use common::plan::{PlanFormat, read, share_out};
use driver::actors::messages::WorkerEnding;
use driver::engine::{AwcClient, Client, Exchange, FutureEngine, Outcome, tls_config};
use driver::load_job::{LoadJob, StartAt};
use driver::precision::Precision;
use driver::worker::windows::Closed;
use driver::worker::{Outlet, run};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

const ONE: &str = "mode = 'avalanche'\nconnections = 1\nrequests = 1";

fn job(address: SocketAddr, request: &str, load: &str) -> LoadJob {
    let text = format!("[target]\nurl = 'http://{address}/'\n[request]\n{request}\n[load]\n{load}\n");
    let plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}"));
    let node_id = NodeId::new("d").unwrap();
    LoadJob {
        test_id: TestId::new("t").unwrap(),
        share: share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1,
        node_id,
        load: plan.load,
        honesty: plan.honesty,
        request: plan.request.into(),
        target: plan.target,
        addresses: vec![address].into(),
        tls: None,
        start: StartAt { monotonic: Instant::now(), unix_us: 0 },
    }
}

/// The same job over TLS, to `localhost`.
fn https(address: SocketAddr, load: &str, ca_file: Option<&std::path::Path>) -> LoadJob {
    let target = format!("https://localhost:{}/", address.port()).parse().unwrap();
    let tls = Some(tls_config(ca_file, ca_file.is_none()).unwrap());
    LoadJob { target, tls, ..job(address, "", load) }
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

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

/// Says this to each request and keeps the connection.
fn says(answer: &'static [u8]) -> SocketAddr {
    server(move |mut stream| {
        while read_head(&mut stream).is_some() {
            let _ = stream.write_all(answer);
        }
    })
}

async fn exchange(address: SocketAddr, request: &str) -> Exchange {
    AwcClient::new(&job(address, request, ONE)).unwrap().exchange().await
}

#[track_caller]
fn check(exchange: Exchange, expected: Outcome) {
    assert_eq!(exchange.outcome, expected, "{exchange:?}");
}

#[actix_rt::test]
async fn a_body_that_ends_with_the_connection_is_read_to_its_end() {
    let address = server(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nfirst").unwrap();
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(b"last").unwrap();
    });
    let began = Instant::now();
    let exchange = exchange(address, "").await;
    check(exchange, Outcome::Status(200));
    assert_eq!(exchange.bytes_received, b"HTTP/1.1 200 OK\r\n\r\nfirstlast".len() as u64);
    assert!(began.elapsed() >= Duration::from_millis(100), "the last byte counts, not the first");
}

#[actix_rt::test]
async fn a_body_that_comes_byte_by_byte_is_timed_to_its_last() {
    let address = server(|mut stream| {
        read_head(&mut stream);
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong" {
            stream.write_all(&[*byte]).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let began = Instant::now();
    check(exchange(address, "").await, Outcome::Status(200));
    assert!(began.elapsed() >= Duration::from_millis(42));
}

/// Were the connection used again, the second request would be answered with the first one's 200.
#[actix_rt::test]
async fn no_request_gets_the_answer_of_another_after_an_interim_one() {
    let address = server(|mut stream| {
        while read_head(&mut stream).is_some() {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").unwrap();
            std::thread::sleep(Duration::from_millis(20));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let engine = AwcClient::new(&job(address, "", ONE)).unwrap();
    for attempt in 1..=3 {
        check(engine.exchange().await, Outcome::Failed(ErrorKind::Protocol));
        assert_eq!(engine.opened().connections, attempt);
    }
}

#[actix_rt::test]
async fn answers_that_have_no_body_are_over_with_their_head() {
    let not_modified = says(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n");
    check(exchange(not_modified, "timeout = '1s'").await, Outcome::Status(304));
    let no_content = says(b"HTTP/1.1 204 No Content\r\n\r\n");
    check(exchange(no_content, "timeout = '1s'").await, Outcome::Status(204));
    let head = says(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    check(exchange(head, "method = 'HEAD'\ntimeout = '1s'").await, Outcome::Status(200));
}

#[actix_rt::test]
async fn redirects_are_answers() {
    let address = says(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    check(exchange(address, "").await, Outcome::Status(302));
}

#[actix_rt::test]
async fn what_is_no_http_is_protocol_and_what_is_cut_short_is_closed() {
    let no_chunks = says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    check(exchange(no_chunks, "").await, Outcome::Failed(ErrorKind::Protocol));
    for cut in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npo",
        b"HTTP/1.1 200 OK\r\ncont",
    ] {
        let address = server(move |mut stream| {
            read_head(&mut stream);
            stream.write_all(cut).unwrap();
        });
        check(exchange(address, "").await, Outcome::Failed(ErrorKind::Closed));
    }
}

#[actix_rt::test]
async fn answers_past_the_limits_are_too_large() {
    let head = server(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(&[&b"HTTP/1.1 200 OK\r\nx: "[..], &[b'a'; 400_000]].concat());
        read_head(&mut stream);
    });
    check(exchange(head, "").await, Outcome::Failed(ErrorKind::TooLarge));
    let body = server(|mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
        while stream.write_all(&[b'a'; 65_536]).is_ok() {}
    });
    check(exchange(body, "timeout = '20s'").await, Outcome::Failed(ErrorKind::TooLarge));
}

#[actix_rt::test]
async fn a_backlog_that_is_full_is_a_connect_timeout() {
    let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _filling: Vec<_> = (0..4)
        .map(|_| {
            let client = socket();
            client.set_nonblocking(true).unwrap();
            let _ = client.connect(&address);
            client
        })
        .collect();
    let exchange = exchange(address.as_socket().unwrap(), "timeout = '200ms'").await;
    check(exchange, Outcome::Failed(ErrorKind::ConnectTimeout));
    assert!(exchange.unconnected);
}

#[actix_rt::test]
async fn a_close_that_meets_a_kept_connection_is_told() {
    let address = server(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        read_head(&mut stream);
    });
    let engine = AwcClient::new(&job(address, "", ONE)).unwrap();
    check(engine.exchange().await, Outcome::Status(200));
    let second = engine.exchange().await;
    check(second, Outcome::Failed(ErrorKind::Closed));
    assert!(second.reused);
}

#[actix_rt::test]
async fn the_request_is_the_plans_and_says_who_sends() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let address = server(move |mut stream| {
        while let Some(head) = read_head(&mut stream) {
            kept.lock().unwrap().push(head.to_lowercase());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    check(
        exchange(address, "method = 'POST'\nidentify = true\nheaders = { x-a = 'b' }").await,
        Outcome::Status(200),
    );
    let heads = heads.lock().unwrap();
    assert!(heads[0].starts_with("post / http/1.1\r\n"), "{heads:?}");
    let host = format!("host: {address}");
    for line in [&host, "content-length: 0", "x-groundswell-node: d", "x-a: b", "user-agent: groundswell/"] {
        assert_eq!(heads[0].matches(line).count(), 1, "{line} in {heads:?}");
    }
    assert!(!heads[0].contains("accept-encoding"), "{heads:?}");
}

/// Serves `localhost` over TLS; returns its certificate in PEM too.
fn tls_server() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let address = server(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        while read_head(&mut stream).is_some() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong").unwrap();
        }
    });
    (address, made.cert.pem())
}

#[actix_rt::test]
async fn tls_is_spoken_with_whom_the_ca_file_trusts() {
    let (address, pem) = tls_server();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let engine = AwcClient::new(&https(address, ONE, Some(&ca_file))).unwrap();
    for attempt in 0..3 {
        let exchange = engine.exchange().await;
        check(exchange, Outcome::Status(200));
        assert_eq!(exchange.reused, attempt > 0, "tickets after the handshake are no reason to reconnect");
        assert_eq!(exchange.bytes_received, 42, "the answer's bytes, not those of TLS around them");
    }
    assert_eq!(engine.opened().connections, 1);
    std::fs::write(&ca_file, tls_server().1).unwrap();
    let exchange = AwcClient::new(&https(address, ONE, Some(&ca_file))).unwrap().exchange().await;
    check(exchange, Outcome::Failed(ErrorKind::Tls));
    assert!(exchange.unconnected);
    let insecure = AwcClient::new(&https(address, ONE, None)).unwrap().exchange().await;
    check(insecure, Outcome::Status(200));
}

#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Counters>>);

impl Outlet for Kept {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, _: f64, _: Option<WorkerEnding>) {
        self.0.borrow_mut().add(&closed.counters);
    }
}

#[actix_rt::test]
async fn a_closed_loop_whose_handshake_fails_backs_off() {
    let opened = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&opened);
    let address = server(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        let _ = stream.write_all(b"this is no tls\r\n\r\n");
        read_head(&mut stream);
    });
    let job = Arc::new(https(address, "mode = 'avalanche'\nconnections = 1\nduration = '500ms'", None));
    let kept = Kept::default();
    let engine = FutureEngine::new(AwcClient::new(&job).unwrap(), job.start);
    let (_stop, stopped) = tokio::sync::watch::channel(None);
    let slice = job.slices(1)[0];
    run(job, slice, engine, kept.clone(), Precision::Timer, stopped).await.unwrap();
    let counters = kept.0.take();
    assert_eq!(counters.errors_of(ErrorKind::Tls), counters.sent, "{counters:?}");
    // 10, 20, 40, 80, 160 and 320 ms: six waits do not fit in half a second.
    assert!((2..=6).contains(&opened.load(Ordering::Relaxed)), "{opened:?} connections");
}
