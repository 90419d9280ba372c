//! Requests that were rendered for one attempt: their bytes arrive as they are, whenever they can be written, and go by the
//! settings of their request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::ErrorKind::{ConnectTimeout, Refused, Template, Timeout};
use driver::engine::{Engine, MAX_CONNECTING, Outgoing, RequestSpec};

use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{Gate, PONG, Peer, answer_all, closed_port, server};
use crate::support::tls::{Identity, https, plain_and_tls, slow_reader};
use crate::support::{failed, outgoing, rendered, request, status, test_of};

/// The first lines of requests, in lower case.
fn lines(heads: &[String]) -> Vec<&str> {
    heads.iter().filter_map(|head| head.lines().next()).collect()
}

/// Answers each request with its own path and body.
fn echo(mut peer: Peer) {
    while let Some(request) = peer.request() {
        let path = request.head.split(' ').nth(1).unwrap().to_owned();
        let body = [path.as_bytes(), b" ", &request.body].concat();
        peer.send(
            &[format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), &body]
                .concat(),
        );
    }
}

#[actix_rt::test]
async fn each_attempt_sends_its_own_bytes_over_the_same_connection() {
    let identity = Identity::new();
    for which in BOTH {
        for (test, seen) in plain_and_tls(&identity, "", echo) {
            let spec = RequestSpec { wants_body: true, ..RequestSpec::plain(&test.assignment.request) };
            let mut drive = Drive::of_each(which, &test, &[spec]);
            for n in 0..5_usize {
                let body = format!("body {n} {}", "x".repeat(n * 1_000));
                let bytes = rendered("POST", &format!("/n/{n}?a={n}"), body.as_bytes());
                let exchange = drive.exchange_rendered(outgoing(&bytes)).await;
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                assert_eq!(exchange.reused, n > 0, "{which:?}");
                let answer = String::from_utf8(drive.bodies().remove(0)).unwrap();
                assert_eq!(answer, format!("/n/{n}?a={n} {body}"), "{which:?}");
            }
            // A prepared one goes over it, too.
            assert!(drive.exchange().await.reused, "{which:?}");
            assert_eq!((seen.requests(), seen.connections()), (6, 1), "{which:?}");
            assert!(seen.heads()[0].contains("\r\nhost: shop.test\r\n"), "{which:?}: {:?}", seen.heads()[0]);
        }
    }
}

#[actix_rt::test]
async fn many_at_a_time_are_not_mixed() {
    let identity = Identity::new();
    for which in BOTH {
        for (test, seen) in plain_and_tls(&identity, "timeout = '20s'", echo) {
            let spec = RequestSpec { wants_body: true, ..RequestSpec::plain(&test.assignment.request) };
            let mut drive = Drive::of_each(which, &test, &[spec]);
            for round in 0..3 {
                // These wait for connections at first, and their bytes are gone by then.
                for place in 0..20 {
                    let bytes = rendered("PUT", &format!("/{round}/{place}"), &[b'a' + place as u8; 3_000]);
                    drive.begin_rendered(place, outgoing(&bytes));
                }
                let ends = drive.ends(20).await;
                for ((place, exchange), body) in ends.into_iter().zip(drive.bodies()) {
                    assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                    let letters = String::from_utf8(vec![b'a' + place as u8; 3_000]).unwrap();
                    assert_eq!(
                        String::from_utf8(body).unwrap(),
                        format!("/{round}/{place} {letters}"),
                        "{which:?}"
                    );
                }
            }
            assert_eq!(seen.requests(), 60, "{which:?}");
            assert!(seen.connections() <= 20, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn bodies_that_need_many_writes_arrive_whole_on_new_and_kept_connections() {
    let identity = Identity::new();
    let long: Vec<u8> = (0..16_u32 << 20).map(|at| (at % 251) as u8).collect();
    for which in BOTH {
        for tls in [false, true] {
            let (test, seen, received) = slow_reader(&identity, tls);
            let mut drive = Drive::new(which, &test);
            for n in 0..3 {
                let bytes = rendered("POST", "/", &long[n..]);
                drive.begin_rendered(0, outgoing(&bytes));
                // The engine keeps what it could not write yet.
                drop(bytes);
                let exchange = drive.ends(1).await[0].1;
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (status(200), n > 0),
                    "{which:?}: {exchange:?}"
                );
            }
            let received = received.lock().unwrap();
            let whole = received.iter().enumerate().all(|(n, body)| body[..] == long[n..]);
            assert!(whole && received.len() == 3, "{which:?}, tls: {tls}");
            assert_eq!(seen.connections(), 1, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn the_method_in_the_bytes_decides_whether_a_body_is_waited_for() {
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            while let Some(request) = peer.request() {
                let is_head = request.head.starts_with("head ");
                peer.send(if is_head { &PONG[..PONG.len() - 4] } else { PONG });
            }
        });
        let mut drive = Drive::new(which, &test_of(address, ""));
        for method in ["GET", "HEAD", "DELETE", "HEAD", "GET"] {
            let exchange = drive.exchange_rendered(outgoing(&rendered(method, "/", b""))).await;
            assert_eq!(exchange.outcome, status(200), "{which:?}, {method}: {exchange:?}");
        }
        let expected = ["get", "head", "delete", "head", "get"].map(|method| format!("{method} / http/1.1"));
        assert_eq!(lines(&seen.heads()), expected, "{which:?}");
        assert_eq!(seen.connections(), 1, "{which:?}");
    }
}

#[actix_rt::test]
async fn timeout_and_reuse_are_those_of_the_request() {
    let requests = ["timeout = '20s'", "timeout = '200ms'", "connection_reuse = false"].map(request);
    let specs: Vec<_> = requests.iter().map(RequestSpec::plain).collect();
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            while let Some(request) = peer.request() {
                if request.head.contains("/silent") {
                    return peer.linger();
                }
                peer.send(PONG);
            }
        });
        let mut drive = Drive::of_each(which, &test_of(address, ""), &specs);
        let (silent, other) = (rendered("GET", "/silent", b""), rendered("GET", "/", b""));
        let began = Instant::now();
        let exchange = drive.exchange_rendered(Outgoing { request: 1, ..outgoing(&silent) }).await;
        assert_eq!(exchange.outcome, failed(Timeout), "{which:?}: {exchange:?}");
        assert!((200..10_000).contains(&began.elapsed().as_millis()), "{which:?}");
        for (request, reused) in [(0, false), (2, false), (0, true), (2, false)] {
            let exchange = drive.exchange_rendered(Outgoing { request, ..outgoing(&other) }).await;
            assert_eq!((exchange.outcome, exchange.reused), (status(200), reused), "{which:?}, {request}");
        }
        assert_eq!((seen.requests(), seen.connections()), (5, 4), "{which:?}");
    }
}

/// By both engines: a connection that is closed between two requests serves no other, and nothing is sent twice.
#[actix_rt::test]
async fn a_kept_connection_that_was_closed_is_replaced_and_nothing_is_sent_twice() {
    for which in BOTH {
        for gives_up in [Peer::close as fn(Peer), Peer::reset] {
            let (address, seen) = server(move |mut peer| {
                if peer.request().is_some() {
                    peer.send(PONG);
                    gives_up(peer);
                }
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            for n in 1..=4 {
                let exchange =
                    drive.exchange_rendered(outgoing(&rendered("POST", &format!("/{n}"), b"x"))).await;
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (status(200), false),
                    "{which:?}: {exchange:?}"
                );
                seen.delivered(n).await;
            }
            let expected: Vec<_> = (1..=4).map(|n| format!("post /{n} http/1.1")).collect();
            assert_eq!(lines(&seen.heads()), expected, "{which:?}");
            assert_eq!(seen.connections(), 4, "{which:?}");
        }
    }
}

/// Nothing was read of them since: the engine finds out by writing.
#[actix_rt::test]
async fn several_closed_connections_in_a_row_cost_no_request() {
    let gates = [(); 2].map(|()| Arc::new(Gate::default()));
    let [answers, resets] = gates.clone();
    let (address, seen) = server(move |mut peer| {
        if peer.request().is_some() {
            answers.pass();
            peer.send(PONG);
            resets.pass();
            peer.reset();
        }
    });
    let test = test_of(address, "timeout = '20s'");
    let mut drive = Drive::new(Which::Wire, &test);
    for place in 0..4 {
        drive.begin_rendered(place, outgoing(&rendered("POST", &format!("/{place}"), b"x")));
    }
    gates[0].open(4);
    drive.ends(4).await;
    gates[1].open(4);
    seen.delivered(4).await;
    // Without a turn in between, as after a long wait.
    let bytes = rendered("POST", "/last", b"x");
    drive.engine.begin_rendered(0, outgoing(&bytes), test.start.nanos(Instant::now()));
    gates[0].open(1);
    let (_, exchange) = drive.ends(1).await[0];
    assert_eq!((exchange.outcome, exchange.reused), (status(200), false), "{exchange:?}");
    assert_eq!((seen.requests(), seen.connections()), (5, 5));
}

#[actix_rt::test]
async fn what_does_not_connect_fails_and_what_waits_to_connect_times_out() {
    for which in BOTH {
        let mut drive = Drive::new(which, &test_of(closed_port(), ""));
        let exchange = drive.exchange_rendered(outgoing(&rendered("GET", "/", b""))).await;
        assert_eq!((exchange.outcome, exchange.unconnected), (failed(Refused), true), "{which:?}");
    }
    // More than may be set up at a time, to a server that does not shake hands.
    let (address, _) = server(|mut peer| peer.linger());
    let identity = Identity::new();
    let many = u32::try_from(MAX_CONNECTING).unwrap() + 40;
    let mut drive = Drive::new(Which::Wire, &https(address, "timeout = '1s'", identity.trusted()));
    for place in 0..many {
        drive.begin_rendered(place, outgoing(&rendered("GET", "/", b"")));
    }
    let ends = drive.ends(many as usize).await;
    let all = |(_, exchange): &(_, driver::engine::Exchange)| exchange.outcome == failed(ConnectTimeout);
    assert!(ends.len() == many as usize && ends.iter().all(all), "{ends:?}");
    drive.engine.abandon();
    assert!(!drive.turn(), "nothing is left to report");
}

/// A place that timed out while it wrote serves the next request with that one's bytes. Each long one goes over a kept
/// connection, so that the machine cannot make it time out as it connects.
#[actix_rt::test]
async fn a_timeout_in_the_middle_of_a_request_leaves_nothing_for_the_next_one() {
    let identity = Identity::new();
    let requests = ["timeout = '20s'", "timeout = '300ms'"].map(request);
    let specs: Vec<_> = requests.iter().map(RequestSpec::plain).collect();
    for which in BOTH {
        for (test, seen) in plain_and_tls(&identity, "", |mut peer| {
            while let Some(head) = peer.head() {
                if head.starts_with("post") {
                    std::thread::sleep(Duration::from_secs(60));
                    return;
                }
                peer.send(PONG);
            }
        }) {
            let mut drive = Drive::of_each(which, &test, &specs);
            let (short, long) =
                (rendered("GET", "/short", b""), rendered("POST", "/long", &vec![b'x'; 16 << 20]));
            for n in 0..3 {
                let exchange = drive.exchange_rendered(outgoing(&short)).await;
                assert_eq!(exchange.outcome, status(200), "{which:?}, {n}: {exchange:?}");
                let exchange = drive.exchange_rendered(Outgoing { request: 1, ..outgoing(&long) }).await;
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (failed(Timeout), true),
                    "{which:?}, {n}: {exchange:?}"
                );
            }
            assert_eq!(seen.connections(), 3, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn a_constant_request_is_sent_by_its_index() {
    for which in BOTH {
        let (address, seen) = server(answer_all);
        let test = test_of(address, "");
        let bytes = rendered("PATCH", "/constant", b"hello");
        let plain = RequestSpec::plain(&test.assignment.request);
        let mut drive = Drive::of_each(which, &test, &[plain, RequestSpec { bytes: Some(&bytes), ..plain }]);
        for request in [1, 0, 1] {
            assert_eq!(drive.exchange_with(request).await.outcome, status(200), "{which:?}");
        }
        let expected = ["patch /constant http/1.1", "get / http/1.1", "patch /constant http/1.1"];
        assert_eq!(lines(&seen.heads()), expected, "{which:?}");
    }
}

#[actix_rt::test]
async fn a_path_that_awc_cannot_send_is_not_sent() {
    let (address, seen) = server(answer_all);
    let mut drive = Drive::new(Which::Awc, &test_of(address, ""));
    let exchange = drive.exchange_rendered(outgoing(&rendered("GET", "/<x>", b""))).await;
    assert_eq!((exchange.outcome, exchange.unconnected), (failed(Template), true));
    assert_eq!(drive.exchange_rendered(outgoing(&rendered("GET", "/x", b""))).await.outcome, status(200));
    let mut drive = Drive::new(Which::Wire, &test_of(address, ""));
    assert_eq!(drive.exchange_rendered(outgoing(&rendered("GET", "/<x>", b""))).await.outcome, status(200));
    assert_eq!(lines(&seen.heads()), ["get /x http/1.1", "get /<x> http/1.1"]);
}
