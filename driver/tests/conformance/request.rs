//! What is sent: byte for byte what the plan asks for, once, however slowly it is read.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::counters::ErrorKind::Reset;
use common::plan::TargetUrl;
use driver::driver_test::DriverTest;
use driver::engine::AwcClient;

use crate::support::drive::{BOTH, Drive, Which, exchange};
use crate::support::server::{PONG, answer_all, listener, serve, server};
use crate::support::{ONE, failed, status, test_of, test_to};

/// Heads are compared in lower case.
const US: &str = "user-agent: groundswell/";

/// The head of the one request that a test sends.
async fn head_of(which: Which, test: impl FnOnce(SocketAddr) -> DriverTest) -> String {
    let (address, seen) = server(answer_all);
    assert_eq!(exchange(which, &test(address)).await.outcome, status(200), "{which:?}");
    let heads = seen.heads();
    assert_eq!(heads.len(), 1, "{which:?}: {heads:?}");
    heads[0].clone()
}

#[track_caller]
fn assert_once(head: &str, parts: &[&str]) {
    for part in parts {
        assert_eq!(head.matches(part).count(), 1, "{part:?} in {head:?}");
    }
}

#[actix_rt::test]
async fn the_request_is_the_plans_and_says_who_sends() {
    for which in BOTH {
        let mut host = String::new();
        let request = "method = 'POST'\nidentify = true\nheaders = { x-a = 'b' }";
        let head = head_of(which, |address| {
            host = format!("host: {address}\r\n");
            test_of(address, request)
        });
        let head = head.await;
        assert!(head.starts_with("post / http/1.1\r\n"), "{which:?}: {head:?}");
        let parts = [&host, "content-length: 0\r\n", "x-groundswell-node: d\r\n", "x-a: b\r\n", US];
        assert_once(&head, &parts);
        assert!(!head.contains("accept-encoding"), "{which:?}: {head:?}");
    }
}

#[actix_rt::test]
async fn what_the_plan_says_wins() {
    for which in BOTH {
        let request = "headers = { Host = 'a.example', User-Agent = 'me', Accept = '*/*' }";
        let head = head_of(which, |address| test_of(address, request)).await;
        assert_once(
            &head,
            &["host: a.example\r\n", "user-agent: me\r\n", "accept: */*\r\n", "host:", "user-agent:"],
        );
        assert!(!head.contains("x-groundswell-node"), "{which:?}: {head:?}");
    }
}

#[actix_rt::test]
async fn fields_of_one_name_are_all_sent_in_their_order() {
    for which in BOTH {
        let request = "headers = { X-Forwarded-For = ['203.0.113.9', '198.51.100.7', '203.0.113.9'], \
                       User-Agent = ['a', 'b'] }";
        let head = head_of(which, |address| test_of(address, request)).await;
        let values = |name: &str| {
            let of = |line: &str| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned);
            head.lines().filter_map(of).collect::<Vec<_>>()
        };
        let expected = ["203.0.113.9", "198.51.100.7", "203.0.113.9"];
        assert_eq!(values("x-forwarded-for"), expected, "{which:?}: {head:?}");
        assert_eq!(values("user-agent"), ["a", "b"], "{which:?}: {head:?}");
    }
}

/// What was typed is what the server sees.
#[actix_rt::test]
async fn the_path_and_the_query_are_sent_as_they_are() {
    let table = [
        ("/a%20b/c?d=e&f=%2f", "/a%20b/c?d=e&f=%2f"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/%2e%2e/%2e/x", "/%2e%2e/%2e/x"),
        (r"/..\windows\x", r"/..\windows\x"),
        ("//a//b", "//a//b"),
        ("/%zz%", "/%zz%"),
        ("?q=a/../b", "/?q=a/../b"),
        (r#"/{"a"}|'$^?{b}`^"#, r#"/{"a"}|'$^?{b}`^"#),
        ("/\u{e9}?\u{e9}", "/%c3%a9?%c3%a9"),
        ("", "/"),
    ];
    for which in BOTH {
        for (given, sent) in table {
            let head = head_of(which, |address| {
                let target = format!("http://{address}{given}").parse().unwrap();
                with_target(test_of(address, ""), target)
            });
            let head = head.await;
            assert!(head.starts_with(&format!("get {sent} http/1.1\r\n")), "{which:?}: {head:?}");
        }
    }
}

/// awc's own type for a URI does not take these; the wire engine sends them.
#[actix_rt::test]
async fn what_awc_cannot_send_it_refuses_by_name() {
    let url = |address: SocketAddr| format!("http://{address}/<a>");
    let head = head_of(Which::Wire, |address| test_to(&url(address), vec![address], "", ONE)).await;
    assert!(head.starts_with("get /<a> http/1.1\r\n"), "{head:?}");
    let (address, _) = server(answer_all);
    for c in ('!'..='~').filter(|c| *c != '#') {
        for path in [format!("/a{c}b"), format!("/?a{c}b")] {
            let target: TargetUrl = format!("http://{address}{path}").parse().unwrap();
            let beyond = target.beyond_awc();
            let refused = AwcClient::new(&with_target(test_of(address, ""), target)).is_err();
            assert_eq!(refused, beyond.is_some(), "{path}: {beyond:?}");
        }
    }
    let refused = AwcClient::new(&test_to(&url(address), vec![address], "", ONE)).err().unwrap();
    assert!(refused.contains("/<a>") && refused.contains("wire engine"), "{refused}");
}

#[actix_rt::test]
async fn a_target_by_its_ipv6_address_is_named_in_brackets() {
    // A machine without IPv6 has nothing to show here.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let (address, seen) = serve(listener, answer_all);
    for which in BOTH {
        let test = test_to(&format!("http://{address}/"), vec![address], "", ONE);
        assert_eq!(exchange(which, &test).await.outcome, status(200), "{which:?}");
    }
    let host = format!("host: {address}\r\n");
    assert!(seen.heads().iter().all(|head| head.contains(&host)), "{host:?} in {:?}", seen.heads());
    assert_eq!(seen.requests(), 2);
}

#[actix_rt::test]
async fn a_length_is_said_where_there_is_a_body_or_may_be_one() {
    let table = [
        ("GET", "", None),
        ("HEAD", "", None),
        ("OPTIONS", "", None),
        ("DELETE", "", None),
        ("POST", "", Some(0)),
        ("PUT", "", Some(0)),
        ("PATCH", "", Some(0)),
        ("GET", "hello", Some(5)),
        ("POST", "hello", Some(5)),
        ("DELETE", "hello", Some(5)),
    ];
    for which in BOTH {
        for (method, body, length) in table {
            let (address, seen) = server(|mut peer| {
                while let Some(request) = peer.request() {
                    assert!(request.body.is_empty() || request.body == b"hello");
                    let head = request.head.starts_with("head ");
                    peer.send(if head { &PONG[..PONG.len() - 4] } else { PONG });
                }
            });
            let mut drive =
                Drive::new(which, &test_of(address, &format!("method = '{method}'\nbody = '{body}'")));
            for _ in 0..2 {
                assert_eq!(drive.exchange().await.outcome, status(200), "{which:?} {method} {body}");
            }
            assert_eq!((seen.requests(), seen.connections()), (2, 1), "{which:?} {method} {body}");
            for head in seen.heads() {
                assert!(head.starts_with(&format!("{} / ", method.to_lowercase())), "{which:?}: {head:?}");
                match length {
                    None => assert!(!head.contains("content-length"), "{which:?}: {head:?}"),
                    Some(length) => {
                        assert_once(&head, &[&format!("content-length: {length}\r\n"), "content-length"])
                    }
                }
                assert!(!head.contains("transfer-encoding"), "{which:?}: {head:?}");
            }
        }
    }
}

/// A body of so many bytes, each kilobyte of it different from the others.
pub fn body(bytes: usize) -> String {
    (0..bytes / 1_024).map(|i| format!("{i:08}{}", "x".repeat(1_016))).collect()
}

/// The test with such a body, which may be longer than a plan's.
pub fn with_body(mut test: DriverTest, body: String) -> DriverTest {
    let request = &mut test.assignment.request;
    request.method = "POST".to_owned();
    request.body = body.into_bytes();
    test
}

/// The test with that target, which may be one that no plan names.
fn with_target(mut test: DriverTest, target: TargetUrl) -> DriverTest {
    test.hosts[0].url = target.clone();
    test.assignment.target = target;
    test
}

#[actix_rt::test]
async fn large_bodies_arrive_whole_at_a_slow_reader() {
    // The longest body of a plan, and one that no buffer of a socket takes at once.
    for bytes in [512 << 10, 8 << 20] {
        let sent = Arc::new(body(bytes));
        for which in BOTH {
            let listener = listener();
            socket2::SockRef::from(&listener).set_recv_buffer_size(16 << 10).unwrap();
            let received = Arc::new(Mutex::new(Vec::new()));
            let into = Arc::clone(&received);
            let (address, seen) = serve(listener, move |mut peer| {
                while let Some(request) = peer.request_slowly(128 << 10, Duration::from_millis(1)) {
                    into.lock().unwrap().push(request.body);
                    peer.send(PONG);
                }
            });
            let mut drive =
                Drive::new(which, &with_body(test_of(address, "timeout = '30s'"), sent.to_string()));
            for attempt in 0..2 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                assert_eq!(exchange.reused, attempt > 0, "{which:?}");
            }
            let received = received.lock().unwrap();
            assert!(received.iter().all(|body| *body == sent.as_bytes()), "{which:?}");
            assert_eq!((received.len(), seen.connections()), (2, 1), "{which:?}");
        }
    }
}

const ENOUGH: &[u8] = b"HTTP/1.1 413 Enough\r\ncontent-length: 0\r\n\r\n";

/// An answer may come while the request is on its way: where the server reads on, either engine has it.
#[actix_rt::test]
async fn an_answer_that_comes_before_the_request_was_read_whole_is_an_answer() {
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            if peer.head().is_some() {
                peer.send(ENOUGH);
                peer.linger();
            }
        });
        let mut drive = Drive::new(which, &with_body(test_of(address, "timeout = '20s'"), body(8 << 20)));
        let exchange = drive.exchange().await;
        assert_eq!(exchange.outcome, status(413), "{which:?}: {exchange:?}");
        assert_eq!(exchange.bytes_received, ENOUGH.len() as u64, "{which:?}");
        assert_eq!(seen.connections(), 1, "{which:?}");
    }
}

/// Where the server reads no more, awc, which writes all before it reads, finds the reset and not the answer.
#[actix_rt::test]
async fn an_answer_that_comes_with_a_close_before_the_request_was_read_whole_is_an_answer() {
    for which in BOTH {
        let expected = match which {
            Which::Wire => status(413),
            Which::Awc => failed(Reset),
        };
        let (address, _) = server(|mut peer| {
            if peer.head().is_some() {
                // Unread bytes make this close a reset, right behind the answer.
                peer.send(ENOUGH);
            }
        });
        let mut drive = Drive::new(which, &with_body(test_of(address, "timeout = '20s'"), body(8 << 20)));
        for _ in 0..3 {
            let exchange = drive.exchange().await;
            assert_eq!(exchange.outcome, expected, "{which:?}: {exchange:?}");
            assert!(!exchange.reused && !exchange.unconnected, "{which:?}");
        }
    }
}
