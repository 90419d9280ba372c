//! Many connections at once, and the bound on how many are set up at a time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use common::counters::ErrorKind::{ConnectTimeout, Tls, Unreachable};
use driver::driver_test::Addresses;
use driver::engine::{Exchange, MAX_CONNECTING, Outcome, Place};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failures::NOWHERE;
use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{Gate, PONG, Peer, Seen, closed_port, listener, serve, server};
use crate::support::tls::{Identity, https, over_tls};
use crate::support::{at, failed, status, test_of};

const MANY: u32 = 600;
const BOUND: u64 = MAX_CONNECTING as u64;

/// Room for both sides of these connections, whatever the limit that a shell left.
pub fn more_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
}

/// The outcomes of all places; each must have been reported once.
#[track_caller]
fn outcomes(ends: &[(Place, Exchange)]) -> Vec<Outcome> {
    let places: BTreeSet<Place> = ends.iter().map(|(place, _)| *place).collect();
    assert_eq!((places.len(), ends.len()), (MANY as usize, MANY as usize));
    ends.iter().map(|(_, exchange)| exchange.outcome).collect()
}

#[actix_rt::test]
async fn six_hundred_connections_are_open_at_once_and_serve_again() {
    more_descriptors();
    for which in BOTH {
        let gate = Arc::new(Gate::default());
        let all_here = Arc::clone(&gate);
        let (address, seen) = server(move |mut peer| {
            while peer.request().is_some() {
                all_here.pass();
                peer.send(PONG);
            }
        });
        let mut drive = Drive::new(which, &test_of(address, "timeout = '30s'"));
        for round in 0..2 {
            drive.begin_all(0..MANY);
            // No request is answered before all of them have a connection, each its own.
            drive.until(seen.accepted(u64::from(MANY))).await;
            gate.open(u64::from(MANY));
            let ends = drive.ends(MANY as usize).await;
            assert!(outcomes(&ends).iter().all(|outcome| *outcome == status(200)), "{which:?}");
            let reused = ends.iter().filter(|(_, exchange)| exchange.reused).count();
            assert_eq!(reused, if round == 0 { 0 } else { MANY as usize }, "{which:?}");
        }
        assert_eq!(
            (seen.connections(), seen.requests()),
            (u64::from(MANY), 2 * u64::from(MANY)),
            "{which:?}"
        );
        assert_eq!(drive.opened().connections, u64::from(MANY), "{which:?}");
    }
}

/// A TLS server that begins no handshake before its gate is opened.
fn slow_to_shake_hands(identity: &Identity) -> (SocketAddr, Arc<Seen>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let (may, config) = (Arc::clone(&gate), Arc::clone(&identity.server));
    let (address, seen) = serve(listener(), move |peer: Peer| {
        may.pass();
        let mut peer = over_tls(peer, &config);
        while peer.request().is_some() {
            peer.send(PONG);
        }
    });
    (address, seen, gate)
}

#[actix_rt::test]
async fn no_more_are_set_up_at_a_time_than_the_bound_and_all_have_their_turn() {
    more_descriptors();
    let identity = Identity::new();
    let (address, seen, gate) = slow_to_shake_hands(&identity);
    let mut drive = Drive::new(Which::Wire, &https(address, "timeout = '30s'", identity.trusted()));
    drive.begin_all(0..MANY);
    drive.until(seen.accepted(BOUND)).await;
    // Each that is done makes room for one more, and serves those that wait.
    gate.open(10);
    let mut ends = drive.ends((u64::from(MANY) - BOUND) as usize).await;
    assert!((BOUND + 1..=BOUND + 10).contains(&seen.connections()), "{} connections", seen.connections());
    gate.open(u64::from(MANY));
    ends.extend(drive.ends(MANY as usize - ends.len()).await);
    assert!(outcomes(&ends).iter().all(|outcome| *outcome == status(200)));
    assert_eq!(seen.requests(), u64::from(MANY));
    let opened = drive.opened();
    assert_eq!((opened.connections, opened.handshakes), (seen.connections(), seen.connections()));
}

#[actix_rt::test]
async fn attempts_that_wait_fail_when_there_is_nowhere_to_go_any_more() {
    more_descriptors();
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let (address, seen) = server(move |peer| {
        held.pass();
        drop(peer);
    });
    let identity = Identity::new();
    let (addresses, moves) = Addresses::new(vec![address]);
    let test = at(https(address, "timeout = '30s'", identity.trusted()), addresses);
    let mut drive = Drive::new(Which::Wire, &test);
    drive.begin_all(0..MANY);
    drive.until(seen.accepted(BOUND)).await;
    moves.send_replace(vec![NOWHERE].into());
    gate.open(u64::from(MANY));
    let ends = drive.ends(MANY as usize).await;
    let outcomes = outcomes(&ends);
    let count = |outcome| outcomes.iter().filter(|ended| **ended == outcome).count() as u64;
    assert_eq!((count(failed(Tls)), count(failed(Unreachable))), (BOUND, u64::from(MANY) - BOUND));
    assert_eq!(seen.connections(), BOUND);
}

/// An attempt that gave up waiting must not be given a connection later: its place may serve another by then.
#[actix_rt::test]
async fn an_attempt_that_waited_in_vain_is_forgotten() {
    more_descriptors();
    let identity = Identity::new();
    let (address, seen, gate) = slow_to_shake_hands(&identity);
    let (addresses, moves) = Addresses::new(vec![closed_port(), address]);
    let test = at(https(address, "timeout = '2s'", identity.trusted()), addresses);
    let mut drive = Drive::new(Which::Wire, &test);
    drive.begin_all(0..MANY);
    // The first are refused, and wait again, behind younger ones: these go where the target is by now.
    moves.send_replace(vec![address, address].into());
    let ends = drive.ends(MANY as usize).await;
    assert!(outcomes(&ends).iter().all(|outcome| *outcome == failed(ConnectTimeout)));
    gate.open(u64::MAX);
    drive.begin_all(0..10);
    let ends = drive.ends(10).await;
    assert!(ends.len() == 10 && ends.iter().all(|(_, exchange)| exchange.outcome == status(200)), "{ends:?}");
    assert_eq!(seen.requests(), 10, "each is sent once");
    // The younger ones had one each, and the ten.
    let most = u64::from(MANY) - BOUND + 10;
    assert!(seen.connections() <= most, "{} connections, not {most}", seen.connections());
}
