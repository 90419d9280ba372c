//! Connections that the wire engine makes ahead of any attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::counters::ErrorKind::Refused;
use driver::engine::{Engine, Opened};

use crate::support::drive::{Drive, Which};
use crate::support::server::{Gate, PONG, Peer, answer_all, closed_port, server};
use crate::support::tls::{Identity, https};
use crate::support::{failed, status, test_of};

#[actix_rt::test]
async fn they_serve_the_first_attempts_and_are_none_themselves() {
    let (address, seen) = server(answer_all);
    let mut drive = Drive::new(Which::Wire, &test_of(address, ""));
    drive.engine.connect_ahead(3);
    drive.until(seen.accepted(3)).await;
    drive.turned_until(|drive| drive.opened().connections == 3).await;
    assert!(drive.engine.has_spare());
    assert_eq!(seen.requests(), 0);
    drive.begin_all(0..3);
    assert!(!drive.engine.has_spare(), "each serves an attempt");
    let ends = drive.ends(3).await;
    assert!(ends.iter().all(|(_, exchange)| exchange.outcome == status(200) && !exchange.reused), "{ends:?}");
    assert!(ends.iter().all(|(_, exchange)| exchange.connect.is_none()), "they opened none: {ends:?}");
    assert!(drive.exchange().await.reused);
    assert_eq!((seen.requests(), seen.connections(), drive.opened().connections), (4, 3, 3));
}

#[actix_rt::test]
async fn under_tls_they_have_shaken_hands() {
    let identity = Identity::new();
    let (address, seen) = identity.serve(answer_all);
    let mut drive = Drive::new(Which::Wire, &https(address, "", identity.trusted()));
    drive.engine.connect_ahead(2);
    drive.turned_until(|drive| drive.opened() == Opened { connections: 2, handshakes: 2 }).await;
    assert_eq!(drive.exchange().await.outcome, status(200));
    assert_eq!((seen.requests(), seen.connections()), (1, 2));
}

#[actix_rt::test]
async fn one_that_the_peer_closed_or_wrote_to_is_not_used() {
    let unasked: [fn(Peer); 3] = [Peer::close, Peer::reset, |mut peer| {
        peer.send_until_delivered(PONG);
        peer.linger();
    }];
    for spoils in unasked {
        let first = AtomicBool::new(true);
        // A reset before the client has seen that it is connected would be a failed connect.
        let gate = Arc::new(Gate::default());
        let held = Arc::clone(&gate);
        let (address, seen) = server(move |peer| {
            if first.swap(false, Ordering::Relaxed) {
                held.pass();
                spoils(peer);
            } else {
                answer_all(peer);
            }
        });
        let mut drive = Drive::new(Which::Wire, &test_of(address, ""));
        drive.engine.connect_ahead(1);
        drive.turned_until(|drive| drive.opened().connections == 1).await;
        gate.open(1);
        seen.delivered(1).await;
        let exchange = drive.exchange().await;
        assert_eq!(exchange.outcome, status(200), "{exchange:?}");
        assert_eq!((seen.requests(), seen.connections()), (1, 2));
    }
}

#[actix_rt::test]
async fn a_refused_connect_is_reported_by_the_attempts_alone() {
    let mut drive = Drive::new(Which::Wire, &test_of(closed_port(), ""));
    drive.engine.connect_ahead(400);
    let exchange = drive.exchange().await;
    assert_eq!(
        (exchange.outcome, exchange.unconnected),
        (failed(Refused), true),
        "and nothing else was reported"
    );
    assert_eq!(drive.opened().connections, 0);
}
