//! Connections that belong to one session or user: no other is given them, they are kept from one attempt to the next, and
//! closed when their owner is over.

use driver::engine::{Engine, Outgoing, Place};

use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{PONG, Peer, answer_all, server};
use crate::support::tls::{Identity, plain_and_tls};
use crate::support::{outgoing, rendered, status, test_of};

/// Answers each request, and closes when the client does.
fn answer_until_closed(mut peer: Peer) {
    while peer.request().is_some() {
        peer.send(PONG);
    }
    peer.close();
}

fn own(slot: u32, bytes: &[u8]) -> Outgoing<'_> {
    Outgoing { own_connection: Some(slot), ..outgoing(bytes) }
}

#[actix_rt::test]
async fn each_slot_has_one_connection_and_the_shared_ones_are_apart() {
    let identity = Identity::new();
    for which in BOTH {
        for (test, seen) in plain_and_tls(&identity, "", answer_all) {
            let mut drive = Drive::new(which, &test);
            let bytes = rendered("GET", "/", b"");
            let order = [Some(0), Some(7), None, Some(0), None, Some(7), Some(3), Some(0)];
            let mut served = std::collections::BTreeSet::new();
            for slot in order {
                let exchange =
                    drive.exchange_rendered(Outgoing { own_connection: slot, ..outgoing(&bytes) }).await;
                assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
                assert_eq!(exchange.reused, !served.insert(slot), "{which:?}, {slot:?}");
                assert_eq!(exchange.connect.is_none(), exchange.reused, "{which:?}, {slot:?}");
            }
            assert_eq!((seen.requests(), seen.connections()), (8, 4), "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn at_the_end_of_its_owner_a_connection_is_closed_and_no_other_is() {
    for which in BOTH {
        let (address, seen) = server(answer_until_closed);
        let mut drive = Drive::new(which, &test_of(address, ""));
        let bytes = rendered("GET", "/", b"");
        for slot in 0..3 {
            drive.exchange_rendered(own(slot, &bytes)).await;
        }
        for slot in 0..3 {
            drive.engine.close_own(slot);
            drive.until(seen.delivered(u64::from(slot) + 1)).await;
            let next = drive.exchange_rendered(own(slot, &bytes)).await;
            assert!(next.outcome == status(200) && !next.reused, "{which:?}: {next:?}");
            assert!(drive.exchange_rendered(own(slot, &bytes)).await.reused, "{which:?}");
        }
        // Slots without connections, and one that was never used.
        for slot in [0, 0, 99] {
            drive.engine.close_own(slot);
        }
        drive.until(seen.delivered(4)).await;
        assert!(drive.exchange_rendered(own(1, &bytes)).await.reused, "{which:?}");
        assert_eq!((seen.requests(), seen.connections()), (10, 6), "{which:?}");
    }
}

#[actix_rt::test]
async fn slots_at_the_same_time_keep_their_own() {
    for which in BOTH {
        let (address, seen) = server(answer_all);
        let mut drive = Drive::new(which, &test_of(address, ""));
        for round in 0..4 {
            for slot in 0..10 {
                drive.begin_rendered(slot, own(slot, &rendered("GET", "/", b"")));
            }
            for (_, exchange) in drive.ends(10).await {
                assert_eq!((exchange.outcome, exchange.reused), (status(200), round > 0), "{which:?}");
            }
        }
        assert_eq!((seen.requests(), seen.connections()), (40, 10), "{which:?}");
    }
}

#[actix_rt::test]
async fn one_that_the_server_closed_is_replaced() {
    for which in BOTH {
        let (address, seen) = server(|mut peer| {
            peer.request();
            peer.send(PONG);
            peer.close();
        });
        let mut drive = Drive::new(which, &test_of(address, ""));
        for n in 1..=3 {
            let exchange = drive.exchange_rendered(own(2, &rendered("POST", "/", b"x"))).await;
            assert_eq!((exchange.outcome, exchange.reused), (status(200), false), "{which:?}: {exchange:?}");
            seen.delivered(n).await;
        }
        assert_eq!((seen.requests(), seen.connections()), (3, 3), "{which:?}");
    }
}

/// A slot has another owner when the attempt of the last one ends: it must not be given that connection.
#[actix_rt::test]
async fn a_connection_that_is_used_when_its_owner_is_over_is_closed_after_that() {
    for which in BOTH {
        let (address, seen) = server(answer_until_closed);
        let mut drive = Drive::new(which, &test_of(address, "timeout = '20s'"));
        let bytes = rendered("GET", "/", b"");
        let place: Place = 0;
        drive.begin_rendered(place, own(4, &bytes));
        drive.engine.close_own(4);
        assert_eq!(drive.ends(1).await[0].1.outcome, status(200), "{which:?}");
        drive.until(seen.delivered(1)).await;
        assert!(!drive.exchange_rendered(own(4, &bytes)).await.reused, "{which:?}");
        assert_eq!(seen.connections(), 2, "{which:?}");
    }
}

#[actix_rt::test]
async fn what_is_abandoned_closes_idle_ones_too() {
    let (address, seen) = server(answer_until_closed);
    let mut drive = Drive::new(Which::Wire, &test_of(address, ""));
    let bytes = rendered("GET", "/", b"");
    drive.exchange_rendered(own(0, &bytes)).await;
    drive.exchange_rendered(outgoing(&bytes)).await;
    drive.engine.abandon();
    seen.delivered(2).await;
    assert!(!drive.exchange_rendered(own(0, &bytes)).await.reused);
}
