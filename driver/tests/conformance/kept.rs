//! Kept connections: which serve again, what becomes of those that the server gives up, and that nothing is ever
//! sent twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::ErrorKind::{Closed, Reset, Timeout};
use driver::engine::{Engine, Wait};

use crate::support::drive::{BOTH, Drive};
use crate::support::server::{Gate, PONG, Peer, answer_all, server};
use crate::support::{failed, status, test_of};

/// How a server gives a connection up.
const GIVES_UP: [fn(Peer); 3] = [Peer::close, Peer::reset, |mut peer| {
    peer.half_close();
    peer.linger();
}];

#[actix_rt::test]
async fn a_connection_that_was_closed_while_idle_is_replaced_and_nothing_is_sent_twice() {
    for which in BOTH {
        for gives_up in GIVES_UP {
            let (address, seen) = server(move |mut peer| {
                if peer.request().is_some() {
                    peer.send(PONG);
                    gives_up(peer);
                }
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            for attempt in 1..=3 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                assert!(!exchange.reused, "{which:?}");
                seen.delivered(attempt).await;
            }
            assert_eq!((seen.requests(), seen.connections()), (3, 3), "{which:?}");
            assert_eq!(drive.opened().connections, 3, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn without_reuse_each_attempt_has_a_connection_of_its_own_and_sends_close() {
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            // A server that would keep the connection all the same.
            while peer.request().is_some() {
                peer.send(PONG);
            }
        });
        let mut drive = Drive::new(which, &test_of(address, "connection_reuse = false"));
        for _ in 0..5 {
            let exchange = drive.exchange().await;
            assert_eq!((exchange.outcome, exchange.reused), (status(200), false), "{which:?}: {exchange:?}");
            assert!(exchange.connect.is_some(), "{which:?}: the time to connect is the attempt's own");
        }
        assert_eq!((seen.requests(), seen.connections()), (5, 5), "{which:?}");
        assert!(
            seen.heads().iter().all(|head| head.contains("connection: close")),
            "{which:?}: {:?}",
            seen.heads()
        );
    }
}

#[actix_rt::test]
async fn a_keep_alive_limit_costs_connections_and_no_request() {
    for which in BOTH {
        for says_so in [false, true] {
            let (address, seen) = server(move |mut peer| {
                for last in [false, false, true] {
                    if peer.request().is_none() {
                        return;
                    }
                    if last && says_so {
                        peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\npong");
                    } else {
                        peer.send(PONG);
                    }
                }
                peer.close();
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            for attempt in 0..9 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                assert_eq!(exchange.reused, attempt % 3 > 0, "{which:?}, attempt {attempt}");
                if attempt % 3 == 2 {
                    seen.delivered(attempt / 3 + 1).await;
                }
            }
            assert_eq!((seen.requests(), seen.connections()), (9, 3), "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn a_close_that_meets_a_request_on_a_kept_connection_is_reported_and_not_retried() {
    type Ends = (fn(Peer), common::counters::ErrorKind);
    let ends: [Ends; 2] = [(Peer::close, Closed), (Peer::reset, Reset)];
    for which in BOTH {
        for (ends, kind) in ends {
            let (address, seen) = server(move |mut peer| {
                peer.request();
                peer.send(PONG);
                peer.request();
                ends(peer);
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
            let second = drive.exchange().await;
            assert_eq!(second.outcome, failed(kind), "{which:?}: {second:?}");
            assert!(second.reused && !second.unconnected, "{which:?}: {second:?}");
            assert_eq!((seen.requests(), seen.connections()), (2, 1), "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn what_comes_unasked_after_an_answer_spends_the_connection() {
    for which in BOTH {
        let gate = Arc::new(Gate::default());
        let idle = Arc::clone(&gate);
        let (address, seen) = server(move |mut peer| {
            while peer.request().is_some() {
                peer.send(PONG);
                idle.pass();
                // A server that gives up on an idle client, and sends a 408 first.
                peer.send_until_delivered(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
            }
        });
        let mut drive = Drive::new(which, &test_of(address, ""));
        for attempt in 1..=3 {
            let exchange = drive.exchange().await;
            assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
            assert!(!exchange.reused, "{which:?}");
            gate.open(1);
            seen.delivered(attempt).await;
        }
        assert_eq!((seen.requests(), seen.connections()), (3, 3), "{which:?}");
    }
}

#[actix_rt::test]
async fn a_timeout_reports_what_was_read_and_ends_its_connection() {
    for which in BOTH {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npo";
        let (address, seen) = server(move |mut peer| {
            peer.request();
            peer.send(PONG);
            if peer.request().is_some() {
                peer.send(half);
                peer.linger();
                peer.close();
            }
        });
        let mut drive = Drive::new(which, &test_of(address, "timeout = '1s'"));
        assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
        let began = Instant::now();
        let second = drive.exchange().await;
        assert!(began.elapsed() >= Duration::from_secs(1), "{which:?}");
        assert_eq!(second.outcome, failed(Timeout), "{which:?}");
        assert_eq!((second.reused, second.unconnected), (true, false), "{which:?}");
        assert_eq!(second.bytes_received, half.len() as u64, "{which:?}");
        // Its server sees the end of it, and the next attempt has another.
        drive.until(seen.delivered(1)).await;
        assert!(!drive.exchange().await.reused, "{which:?}");
    }
}

#[actix_rt::test]
async fn connections_serve_one_attempt_at_a_time_and_as_many_as_there_are() {
    for which in BOTH {
        let (address, seen) = server(answer_all);
        let mut drive = Drive::new(which, &test_of(address, ""));
        for _ in 0..5 {
            drive.begin_all(0..8);
            let ends = drive.ends(8).await;
            let mut places: Vec<_> = ends.iter().map(|(place, _)| *place).collect();
            places.sort_unstable();
            assert_eq!(places, (0..8).collect::<Vec<_>>(), "{which:?}");
            for (_, exchange) in ends {
                assert_eq!(exchange.outcome, status(200), "{which:?}");
            }
        }
        let connections = drive.opened().connections;
        assert!((1..=8).contains(&connections), "{which:?}: {connections}");
        assert_eq!((seen.requests(), seen.connections()), (40, connections), "{which:?}");
    }
}

/// One attempt reads a body that ends with its connection, while another begins: it must not be given that one.
#[actix_rt::test]
async fn a_connection_that_is_read_to_its_end_serves_nobody_else() {
    for which in BOTH {
        let gate = Arc::new(Gate::default());
        let half = Arc::clone(&gate);
        let (address, seen) = server(move |mut peer| {
            peer.request();
            peer.send_until_read(b"HTTP/1.1 200 OK\r\n\r\nfirst");
            half.pass();
            peer.send(b"last");
        });
        let mut drive = Drive::new(which, &test_of(address, ""));
        drive.begin(0);
        // The engine has read that, and waits for more.
        drive.until(seen.delivered(1)).await;
        drive.begin(1);
        drive.until(seen.delivered(2)).await;
        gate.open(2);
        for (_, exchange) in drive.ends(2).await {
            assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
            let bytes = b"HTTP/1.1 200 OK\r\n\r\nfirstlast".len() as u64;
            assert_eq!((exchange.bytes_received, exchange.reused), (bytes, false), "{which:?}");
        }
        assert_eq!((seen.requests(), seen.connections()), (2, 2), "{which:?}");
    }
}

#[actix_rt::test]
async fn what_is_abandoned_is_closed_and_never_reported() {
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            peer.request();
            peer.linger();
            peer.close();
        });
        let mut drive = Drive::new(which, &test_of(address, "timeout = '20s'"));
        drive.begin_all(0..3);
        drive.until(seen.accepted(3)).await;
        drive.engine.abandon();
        seen.delivered(3).await;
        assert!(!drive.turn(), "{which:?}: nothing is left to report");
        assert_eq!(drive.engine.deadline(), None, "{which:?}");
    }
}
