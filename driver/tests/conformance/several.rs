//! Several requests over one engine: each attempt sends the one it is given, and goes by that one's own settings.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::counters::ErrorKind::Timeout;
use common::plan::Request;
use driver::engine::{Engine, RequestSpec, Wait, WireEngine};

use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{PONG, Peer, server};
use crate::support::{failed, request, status, test_of};

/// Answers each request, without a body where it is a HEAD.
fn answer_each(mut peer: Peer) {
    while let Some(request) = peer.request() {
        let is_head = request.head.starts_with("head ");
        peer.send(if is_head { &PONG[..PONG.len() - 4] } else { PONG });
    }
}

/// An engine that sends these.
fn drive_of(which: Which, address: SocketAddr, requests: &[Request]) -> Drive {
    let requests: Vec<_> = requests.iter().map(RequestSpec::plain).collect();
    Drive::of_each(which, &test_of(address, ""), &requests)
}

/// The methods of what was sent, in that order.
fn methods(heads: &[String]) -> Vec<&str> {
    heads.iter().filter_map(|head| head.split(' ').next()).collect()
}

#[actix_rt::test]
async fn each_attempt_sends_the_request_it_is_given_over_the_same_connection() {
    let requests = ["", "method = 'HEAD'", "method = 'POST'\nbody = 'hello'"].map(request);
    for which in BOTH {
        let (address, seen) = server(answer_each);
        let mut drive = drive_of(which, address, &requests);
        for request in [0, 1, 2, 1, 0] {
            let exchange = drive.exchange_with(request).await;
            assert_eq!(exchange.outcome, status(200), "{which:?}, {request}: {exchange:?}");
            let without = if request == 1 { 4 } else { 0 };
            assert_eq!(exchange.bytes_received, (PONG.len() - without) as u64, "{which:?}, {request}");
        }
        assert_eq!(methods(&seen.heads()), ["get", "head", "post", "head", "get"], "{which:?}");
        assert_eq!((seen.requests(), seen.connections()), (5, 1), "{which:?}");
    }
}

#[actix_rt::test]
async fn where_an_attempt_ends_the_next_one_sends_the_request_that_the_loop_names() {
    let requests = ["", "method = 'HEAD'", "method = 'DELETE'"].map(request);
    for which in BOTH {
        let (address, seen) = server(answer_each);
        let mut drive = drive_of(which, address, &requests);
        drive.begin_with(0, 2, &[1, 0, 1]);
        let ends = drive.ends(4).await;
        assert!(ends.iter().all(|(_, exchange)| exchange.outcome == status(200)), "{which:?}: {ends:?}");
        assert_eq!(methods(&seen.heads()), ["delete", "head", "get", "head"], "{which:?}");
        assert_eq!(seen.connections(), 1, "{which:?}");
    }
}

#[actix_rt::test]
async fn each_request_has_its_own_timeout() {
    let requests = ["timeout = '20s'", "timeout = '200ms'"].map(request);
    for which in BOTH {
        let (address, _) = server(|mut peer| peer.linger());
        let mut drive = drive_of(which, address, &requests);
        // The one that begins first is not the first whose time is over.
        drive.begin_with(0, 0, &[]);
        for _ in 0..2 {
            let began = Instant::now();
            drive.begin_with(1, 1, &[]);
            let ends = drive.ends(1).await;
            assert_eq!((ends.len(), ends[0].0), (1, 1), "{which:?}: {ends:?}");
            assert_eq!(ends[0].1.outcome, failed(Timeout), "{which:?}");
            assert!(began.elapsed() >= Duration::from_millis(200), "{which:?}");
        }
        drive.engine.abandon();
        assert_eq!(drive.engine.deadline(), None, "{which:?}");
    }
}

#[actix_rt::test]
async fn a_request_without_reuse_opens_its_own_connection_and_leaves_kept_ones_to_the_others() {
    let requests = ["", "connection_reuse = false"].map(request);
    let expected = [(0, false), (1, false), (0, true), (1, false), (0, true)];
    for which in BOTH {
        for at_once in [false, true] {
            let (address, seen) = server(answer_each);
            let mut drive = drive_of(which, address, &requests);
            let ends: Vec<_> = if at_once {
                drive.begin_with(0, 0, &[1, 0, 1, 0]);
                drive.ends(5).await.into_iter().map(|(_, exchange)| exchange).collect()
            } else {
                let mut ends = Vec::new();
                for (request, _) in expected {
                    ends.push(drive.exchange_with(request).await);
                }
                ends
            };
            for ((request, reused), exchange) in expected.into_iter().zip(ends) {
                let case = format!("{which:?}, at once: {at_once}, request {request}: {exchange:?}");
                assert_eq!((exchange.outcome, exchange.reused), (status(200), reused), "{case}");
            }
            assert_eq!((seen.requests(), seen.connections()), (5, 3), "{which:?}, at once: {at_once}");
        }
    }
}

#[actix_rt::test]
async fn more_timeouts_than_the_wire_engine_has_lists_for_are_refused() {
    let requests: Vec<_> = (1..=9).map(|s| request(&format!("timeout = '{s}s'"))).collect();
    let specs: Vec<_> = requests.iter().map(RequestSpec::plain).collect();
    let test = test_of(([127, 0, 0, 1], 1).into(), "");
    let engine = |n: usize| WireEngine::of_each(&test, &specs[..n]);
    assert!(engine(8).is_ok());
    let refused = engine(9).err().unwrap();
    assert!(refused.contains("8 different timeouts"), "{refused}");
}

#[actix_rt::test]
async fn connections_are_made_ahead_if_any_request_may_use_them() {
    let without = "connection_reuse = false";
    for (lines, connections) in [([without, ""], 1), ([without, without], 0)] {
        let (address, seen) = server(answer_each);
        let mut drive = drive_of(Which::Wire, address, &lines.map(request));
        drive.engine.connect_ahead(1);
        drive.turned_until(|drive| drive.opened().connections == connections).await;
        let exchange = drive.exchange_with(1).await;
        assert_eq!((exchange.outcome, seen.connections()), (status(200), 1), "{lines:?}");
        assert_eq!(exchange.connect.is_none(), connections == 1, "{lines:?}: {exchange:?}");
    }
}
