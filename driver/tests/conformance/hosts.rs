//! Several hosts over one engine: each request reaches its own, by that one's addresses and TLS settings, and one that is
//! down harms no other.

use std::net::SocketAddr;
use std::sync::Arc;

use common::counters::ErrorKind::{ConnectTimeout, Refused, Resolve, Tls, Unreachable};
use common::plan::program::TlsOptions;
use common::tls_cause::TlsCause;
use driver::driver_test::{DriverTest, HostOf};
use driver::engine::{Engine, MAX_CONNECTING, Opened, Outgoing, RequestSpec, WireEngine, tls_config_of};
use driver::settings::TlsSettings;

use crate::failures::NOWHERE;
use crate::many::more_descriptors;
use crate::support::drive::{BOTH, Drive, Which};
use crate::support::server::{Gate, PONG, Peer, answer_all, closed_port, server};
use crate::support::tls::Identity;
use crate::support::{failed, outgoing, rendered, status, test_of};

/// A test with these hosts.
fn test_with(hosts: Vec<HostOf>) -> DriverTest {
    DriverTest { hosts, ..test_of(([127, 0, 0, 1], 1).into(), "timeout = '5s'") }
}

fn plain(address: SocketAddr) -> HostOf {
    HostOf::new(format!("http://{address}/").parse().unwrap(), vec![address])
}

fn secure(address: SocketAddr, options: &TlsOptions) -> HostOf {
    let tls = tls_config_of(&TlsSettings::default(), options, None).unwrap();
    let url = format!("https://{address}/").parse().unwrap();
    let server_name = options.server_name.clone();
    HostOf { tls: Some(tls), server_name, ..HostOf::new(url, vec![address]) }
}

/// Answers each request with a text of its own.
fn says(text: &'static str) -> impl Fn(Peer) + Send + Sync + 'static {
    move |mut peer| {
        while peer.request().is_some() {
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).as_bytes());
        }
    }
}

#[actix_rt::test]
async fn answers_come_from_the_host_that_was_asked() {
    let identity = Identity::new();
    let ca_pem = Some(std::fs::read_to_string(identity.ca_file()).unwrap());
    for which in BOTH {
        let ((a, at_a), (b, at_b)) = (server(says("from a")), server(says("from b")));
        let (c, at_c) = identity.serve(says("from c"));
        let trusts = TlsOptions { ca_pem: ca_pem.clone(), ..TlsOptions::default() };
        let test = test_with(vec![plain(a), plain(b), secure(c, &trusts)]);
        let request = &test.assignment.request;
        let of = |host| RequestSpec { host, wants_body: true, ..RequestSpec::plain(request) };
        let mut drive = Drive::of_each(which, &test, &[of(0), of(1), of(2)]);
        let bytes = rendered("GET", "/", b"");
        for (n, host) in [0, 1, 2, 2, 0, 1, 1].into_iter().enumerate() {
            // Rendered, by the host that the attempt names; prepared, by that of its request.
            let exchange = match n % 2 {
                0 => drive.exchange_rendered(Outgoing { host, ..outgoing(&bytes) }).await,
                _ => drive.exchange_with(host).await,
            };
            assert_eq!((exchange.outcome, exchange.reused), (status(200), n > 2), "{which:?}: {exchange:?}");
            let expected = ["from a", "from b", "from c"][usize::from(host)];
            assert_eq!(String::from_utf8(drive.bodies().remove(0)).unwrap(), expected, "{which:?}");
        }
        // At once, and one after the other at the same place.
        for place in 0..12 {
            let host = u16::try_from(place % 3).unwrap();
            drive.begin_rendered(place, Outgoing { host, ..outgoing(&bytes) });
        }
        let ends = drive.ends(12).await;
        for ((place, exchange), body) in ends.into_iter().zip(drive.bodies()) {
            assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
            let expected = ["from a", "from b", "from c"][place as usize % 3];
            assert_eq!(String::from_utf8(body).unwrap(), expected, "{which:?}");
        }
        drive.begin_with(0, 0, &[1, 2, 0, 1, 2]);
        drive.ends(6).await;
        let bodies = drive.bodies();
        let expected =
            [b"from a", b"from b", b"from c", b"from a", b"from b", b"from c"].map(|text| text.to_vec());
        assert_eq!(bodies, expected, "{which:?}");
        let requests = [&at_a, &at_b, &at_c].map(|seen| seen.requests());
        assert_eq!(requests, [8, 9, 8], "{which:?}");
        let connections = [&at_a, &at_b, &at_c].map(|seen| seen.connections());
        assert!(connections.iter().all(|n| (1..=5).contains(n)), "{which:?}: {connections:?}");
        let opened = Opened { connections: connections.iter().sum(), handshakes: at_c.connections() };
        assert_eq!(drive.opened(), opened, "{which:?}");
    }
}

#[actix_rt::test]
async fn one_host_that_is_down_does_not_harm_the_others() {
    for which in BOTH {
        let (live, seen) = server(answer_all);
        let nowhere = HostOf::new("http://gone.test/".parse().unwrap(), vec![]);
        let test = test_with(vec![plain(closed_port()), plain(live), plain(NOWHERE), nowhere]);
        let mut drive = Drive::new(which, &test);
        let bytes = rendered("GET", "/", b"");
        let outcomes = [failed(Refused), status(200), failed(Unreachable), failed(Resolve)];
        for round in 0..3 {
            for host in 0..4_u16 {
                drive.begin_rendered(host.into(), Outgoing { host, ..outgoing(&bytes) });
            }
            for (place, exchange) in drive.ends(4).await {
                let case = format!("{which:?}, host {place}: {exchange:?}");
                assert_eq!(exchange.outcome, outcomes[place as usize], "{case}");
                assert_eq!(exchange.reused, place == 1 && round > 0, "{case}");
            }
        }
        assert_eq!((seen.requests(), seen.connections()), (3, 1), "{which:?}");
    }
}

#[actix_rt::test]
async fn each_host_has_its_own_tls_settings() {
    let (one, other) = (Identity::new(), Identity::new());
    let pem = |identity: &Identity| Some(std::fs::read_to_string(identity.ca_file()).unwrap());
    for which in BOTH {
        let ((a, _), (b, _)) = (one.serve(answer_all), other.serve(answer_all));
        let trusts = |identity| TlsOptions { ca_pem: pem(identity), ..TlsOptions::default() };
        let test = test_with(vec![
            secure(a, &trusts(&one)),
            secure(b, &trusts(&one)),
            secure(b, &TlsOptions { verify: false, ..TlsOptions::default() }),
            secure(b, &TlsOptions { server_name: Some("localhost".to_owned()), ..trusts(&other) }),
            secure(b, &TlsOptions { server_name: Some("else.test".to_owned()), ..trusts(&other) }),
        ]);
        let mut drive = Drive::new(which, &test);
        let bytes = rendered("GET", "/", b"");
        let causes = [None, Some(TlsCause::SelfSigned), None, None, Some(TlsCause::WrongName)];
        for (host, cause) in (0..).zip(causes) {
            let exchange = drive.exchange_rendered(Outgoing { host, ..outgoing(&bytes) }).await;
            let outcome = if cause.is_some() { failed(Tls) } else { status(200) };
            let case = format!("{which:?}, host {host}: {exchange:?}");
            assert_eq!(
                (exchange.outcome, exchange.tls_cause, exchange.reused),
                (outcome, cause, false),
                "{case}"
            );
        }
    }
}

#[actix_rt::test]
async fn a_slot_has_a_connection_of_its_own_for_each_host() {
    for which in BOTH {
        let ((a, at_a), (b, at_b)) = (server(answer_all), server(answer_all));
        let mut drive = Drive::new(which, &test_with(vec![plain(a), plain(b)]));
        let bytes = rendered("GET", "/", b"");
        for round in 0..2 {
            for (host, slot) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let outgoing = Outgoing { host, own_connection: Some(slot), ..outgoing(&bytes) };
                let exchange = drive.exchange_rendered(outgoing).await;
                assert_eq!((exchange.outcome, exchange.reused), (status(200), round > 0), "{which:?}");
            }
        }
        assert_eq!([&at_a, &at_b].map(|seen| seen.connections()), [2, 2], "{which:?}");
        assert_eq!([&at_a, &at_b].map(|seen| seen.requests()), [4, 4], "{which:?}");
    }
}

/// The bound of connections that are set up holds for all hosts together; one that is kept serves its host alone.
#[actix_rt::test]
async fn a_connection_that_becomes_free_serves_an_attempt_that_waits_for_its_host() {
    more_descriptors();
    let identity = Identity::new();
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let (a, at_a) = server(move |mut peer| {
        while peer.request().is_some() {
            held.pass();
            peer.send(PONG);
        }
    });
    // It never shakes hands.
    let (b, _) = server(|mut peer| peer.linger());
    let tls = Some(identity.trusted());
    let b =
        HostOf { tls, ..HostOf::new(format!("https://localhost:{}/", b.port()).parse().unwrap(), vec![b]) };
    let mut drive = Drive::new(Which::Wire, &test_with(vec![plain(a), b]));
    let bytes = rendered("GET", "/", b"");
    drive.begin_rendered(0, outgoing(&bytes));
    drive.turned_until(|_| at_a.requests() == 1).await;
    let many = u32::try_from(MAX_CONNECTING).unwrap() + 20;
    for place in 1..=many {
        drive.begin_rendered(place, Outgoing { host: 1, ..outgoing(&bytes) });
    }
    // These wait behind all of those.
    for place in many + 1..=many + 2 {
        drive.begin_rendered(place, outgoing(&bytes));
    }
    gate.open(3);
    let ends = drive.ends(3).await;
    let places: Vec<_> = ends.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, many + 1, many + 2]);
    assert!(ends.iter().all(|(_, exchange)| exchange.outcome == status(200)), "{ends:?}");
    assert!(ends[1].1.reused && ends[2].1.reused, "{ends:?}");
    assert_eq!((at_a.requests(), at_a.connections()), (3, 1));
    let ends = drive.ends(many as usize).await;
    assert!(ends.iter().all(|(_, exchange)| exchange.outcome == failed(ConnectTimeout)), "{ends:?}");
    assert!(ends.len() == many as usize && ends.iter().all(|(place, _)| (1..=many).contains(place)));
}

#[actix_rt::test]
async fn connections_ahead_lead_to_the_first_host_and_serve_no_other() {
    let ((a, at_a), (b, at_b)) = (server(answer_all), server(answer_all));
    let mut drive = Drive::new(Which::Wire, &test_with(vec![plain(a), plain(b)]));
    drive.engine.connect_ahead(2);
    drive.turned_until(|drive| drive.opened().connections == 2).await;
    let bytes = rendered("GET", "/", b"");
    for host in [1, 0] {
        let exchange = drive.exchange_rendered(Outgoing { host, ..outgoing(&bytes) }).await;
        assert_eq!((exchange.outcome, exchange.connect.is_none()), (status(200), host == 0), "{exchange:?}");
    }
    assert_eq!([at_a.connections(), at_b.connections()], [2, 1]);
}

#[actix_rt::test]
async fn a_request_to_a_host_that_the_test_lacks_is_refused_before_the_start() {
    let test = test_with(vec![plain(closed_port())]);
    let spec = RequestSpec { host: 1, ..RequestSpec::plain(&test.assignment.request) };
    assert!(WireEngine::of_each(&test, &[spec]).err().unwrap().contains("no host 1"));
    assert!(driver::engine::AwcClient::of_each(&test, &[spec]).err().unwrap().contains("no host 1"));
}
