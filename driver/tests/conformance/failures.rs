//! Attempts that fail before there is an answer to read, and servers that speak or leave before they are asked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use common::counters::ErrorKind::{Closed, ConnectTimeout, Refused, Resolve, Unreachable};

use crate::support::drive::{BOTH, Drive, exchange};
use crate::support::server::{Peer, answer_all, closed_port, server};
use crate::support::{at, failed, status, test_of};

/// An address that the kernel refuses to connect to, at once: a broadcast one.
pub const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255)), 9);

#[actix_rt::test]
async fn addresses_are_tried_in_their_order_and_the_last_error_counts() {
    let (live, seen) = server(answer_all);
    let dead = closed_port();
    let table = [
        ("one, dead", vec![dead], failed(Refused)),
        ("one, nowhere", vec![NOWHERE], failed(Unreachable)),
        ("dead, live", vec![dead, live], status(200)),
        ("nowhere, dead, live", vec![NOWHERE, dead, live], status(200)),
        ("live, dead", vec![live, dead], status(200)),
        ("dead, nowhere", vec![dead, NOWHERE], failed(Unreachable)),
        ("nowhere, dead", vec![NOWHERE, dead], failed(Refused)),
        ("none", vec![], failed(Resolve)),
    ];
    for which in BOTH {
        let before = seen.connections();
        for (caption, addresses, outcome) in &table {
            let mut drive = Drive::new(which, &at(test_of(live, ""), addresses.clone()));
            // Once more: the failure of one attempt must not affect the next.
            for _ in 0..2 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, *outcome, "{which:?}, {caption}: {exchange:?}");
                assert_eq!(exchange.unconnected, *outcome != status(200), "{which:?}, {caption}");
            }
            let connections = u64::from(*outcome == status(200));
            assert_eq!(drive.opened().connections, connections, "{which:?}, {caption}");
        }
        assert_eq!(seen.connections() - before, 3, "{which:?}");
    }
}

#[actix_rt::test]
async fn new_connections_go_where_the_target_moved() {
    for which in BOTH {
        let closes = |mut peer: Peer| {
            while peer.request().is_some() {
                peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            }
        };
        let ((first, at_first), (second, at_second)) = (server(closes), server(closes));
        let (addresses, moves) = driver::driver_test::Addresses::new(vec![first]);
        let mut drive = Drive::new(which, &at(test_of(first, ""), addresses));
        assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
        moves.send_replace(vec![closed_port(), second].into());
        for _ in 0..2 {
            assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
        }
        assert_eq!((at_first.requests(), at_second.requests()), (1, 2), "{which:?}");
    }
}

#[actix_rt::test]
async fn a_backlog_that_is_full_is_a_connect_timeout() {
    let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
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
    for which in BOTH {
        let began = Instant::now();
        let exchange = exchange(which, &test_of(address.as_socket().unwrap(), "timeout = '200ms'")).await;
        assert_eq!(exchange.outcome, failed(ConnectTimeout), "{which:?}");
        assert!(exchange.unconnected && !exchange.reused, "{which:?}: {exchange:?}");
        assert!(began.elapsed() >= Duration::from_millis(200), "{which:?}");
    }
}

/// What a server does with a connection before it reads a byte of it.
type Unasked = (&'static str, fn(Peer), driver::engine::Outcome);

#[actix_rt::test]
async fn servers_that_speak_or_leave_before_they_are_asked() {
    const FULL: &[u8] = b"HTTP/1.1 503 Full\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let table: [Unasked; 4] = [
        (
            "an answer, and it stays",
            |mut peer| {
                peer.send_until_delivered(FULL);
                peer.linger();
            },
            status(503),
        ),
        (
            "an answer, and half a close",
            |mut peer| {
                peer.send(FULL);
                peer.half_close();
                peer.linger();
            },
            status(503),
        ),
        (
            "an answer, and a close",
            |mut peer| {
                peer.send(FULL);
                peer.close();
            },
            status(503),
        ),
        (
            "half a close",
            |mut peer| {
                peer.half_close();
                peer.linger();
            },
            failed(Closed),
        ),
    ];
    for which in BOTH {
        for (caption, does, outcome) in table {
            let (address, seen) = server(does);
            let mut drive = Drive::new(which, &test_of(address, "timeout = '5s'"));
            drive.begin(0);
            // All of that has come in before the engine sees that it is connected.
            seen.delivered(1).await;
            let (_, exchange) = drive.ends(1).await[0];
            assert_eq!(exchange.outcome, outcome, "{which:?}, {caption}: {exchange:?}");
            assert!(!exchange.unconnected, "{which:?}, {caption}");
        }
    }
}
