//! HTTPS to servers with certificates made here: whom to trust, what a handshake counts as, and TLS's own ways to end.

use std::io::{Read, Write};
use std::sync::Arc;

use common::counters::ErrorKind::{Closed, ConnectTimeout, Protocol, Tls};
use driver::engine::{Engine, Opened, tls_config};
use driver::settings::TlsSettings;
use tokio_rustls::rustls::ALL_VERSIONS;
use tokio_rustls::rustls::version::TLS12;

use crate::request::{body, with_body};
use crate::support::drive::{BOTH, Drive, exchange};
use crate::support::server::{PONG, Peer, answer_all, server};
use crate::support::tls::{ByHand, Identity, https, insecure};
use crate::support::{ONE, failed, status, test_to, with_tls};

#[actix_rt::test]
async fn whom_the_ca_file_trusts_is_spoken_to_and_handshakes_are_counted_apart_from_requests() {
    let identity = Identity::new();
    for which in BOTH {
        let (address, seen) = identity.serve(answer_all);
        let mut drive = Drive::new(which, &https(address, "", identity.trusted()));
        for attempt in 0..5 {
            let exchange = drive.exchange().await;
            assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
            assert_eq!(exchange.reused, attempt > 0, "{which:?}: tickets are no reason to reconnect");
            assert_eq!(exchange.connect.is_some(), attempt == 0, "{which:?}: {exchange:?}");
            let bytes = PONG.len() as u64;
            assert_eq!(exchange.bytes_received, bytes, "{which:?}: the answer's bytes, not those of TLS");
        }
        assert_eq!((seen.requests(), seen.connections()), (5, 1), "{which:?}");
        assert_eq!(drive.opened(), Opened { connections: 1, handshakes: 1 }, "{which:?}");
    }
}

#[actix_rt::test]
async fn each_connection_is_a_handshake() {
    let identity = Identity::new();
    for which in BOTH {
        let (address, _) = identity.serve(|mut peer| {
            peer.request();
            peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        });
        let mut drive = Drive::new(which, &https(address, "", identity.trusted()));
        for n in 1..=3 {
            let exchange = drive.exchange().await;
            assert_eq!((exchange.outcome, exchange.reused), (status(200), false), "{which:?}: {exchange:?}");
            assert_eq!(drive.opened(), Opened { connections: n, handshakes: n }, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn whom_nobody_vouches_for_is_a_tls_error_unless_that_is_wanted() {
    let (identity, other) = (Identity::new(), Identity::new());
    let (address, seen) = identity.serve(answer_all);
    for which in BOTH {
        let before = seen.requests();
        let mut drive = Drive::new(which, &https(address, "", other.trusted()));
        for n in 1..=2 {
            let exchange = drive.exchange().await;
            assert_eq!(exchange.outcome, failed(Tls), "{which:?}: {exchange:?}");
            assert!(exchange.unconnected && !exchange.reused, "{which:?}: {exchange:?}");
            assert_eq!(drive.opened(), Opened { connections: n, handshakes: 0 }, "{which:?}");
        }
        assert_eq!(seen.requests(), before, "{which:?}: nothing was sent");
        let mut drive = Drive::new(which, &https(address, "", insecure()));
        assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
        assert_eq!(drive.opened(), Opened { connections: 1, handshakes: 1 }, "{which:?}");
    }
}

#[actix_rt::test]
async fn the_name_is_checked_be_it_an_address() {
    let identity = Identity::new();
    let (address, _) = identity.serve(answer_all);
    for which in BOTH {
        for (host, outcome) in [("127.0.0.1", status(200)), ("elsewhere.example", failed(Tls))] {
            let url = format!("https://{host}:{}/", address.port());
            let test = with_tls(test_to(&url, vec![address], "", ONE), identity.trusted());
            assert_eq!(exchange(which, &test).await.outcome, outcome, "{which:?}, {host}");
        }
    }
}

#[test]
fn a_ca_file_without_certificates_is_reported_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let settings = TlsSettings { ca_file: Some(path.clone()), ..TlsSettings::default() };
    let fault = || tls_config(&settings).unwrap_err().to_string();
    assert!(fault().contains("ca.pem"), "{}", fault());
    std::fs::write(&path, "no certificate").unwrap();
    assert!(fault().contains("ca.pem") && fault().contains("no certificate"), "{}", fault());
}

#[actix_rt::test]
async fn tls_1_2_is_spoken_too() {
    let identity = Identity::with(&[&TLS12], |_| {});
    let (address, seen) = identity.serve(answer_all);
    for which in BOTH {
        let before = seen.connections();
        let mut drive = Drive::new(which, &https(address, "", identity.trusted()));
        for _ in 0..3 {
            assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}");
        }
        assert_eq!((seen.connections() - before, drive.opened().handshakes), (1, 1), "{which:?}");
    }
}

#[actix_rt::test]
async fn servers_that_speak_no_tls_are_tls_errors() {
    type Does = (&'static str, fn(Peer));
    let table: [Does; 4] = [
        ("plain http", |mut peer| {
            peer.send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            peer.linger();
        }),
        ("a close", Peer::close),
        ("a reset", Peer::reset),
        ("an alert", |mut peer| {
            peer.send(b"\x15\x03\x01\x00\x02\x02\x28");
            peer.linger();
        }),
    ];
    for which in BOTH {
        for (caption, does) in table {
            let (address, _) = server(move |peer| {
                // Not before it was greeted: a reset at once could meet the connecting.
                let mut greeting = [0; 5];
                if peer.tcp().read_exact(&mut greeting).is_ok() {
                    does(peer);
                }
            });
            let mut drive = Drive::new(which, &https(address, "timeout = '10s'", insecure()));
            for n in 1..=2 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, failed(Tls), "{which:?}, {caption}: {exchange:?}");
                assert!(exchange.unconnected, "{which:?}, {caption}");
                assert_eq!(drive.opened(), Opened { connections: n, handshakes: 0 }, "{which:?}, {caption}");
            }
        }
    }
}

#[actix_rt::test]
async fn a_handshake_that_hangs_is_a_connect_timeout() {
    for which in BOTH {
        let (address, _) = server(|mut peer| peer.linger());
        let exchange = exchange(which, &https(address, "timeout = '200ms'", insecure())).await;
        assert_eq!(exchange.outcome, failed(ConnectTimeout), "{which:?}: {exchange:?}");
        assert!(exchange.unconnected, "{which:?}");
    }
}

#[actix_rt::test]
async fn large_bodies_pass_both_ways() {
    let identity = Identity::new();
    let sent = Arc::new(body(2 << 20));
    for which in BOTH {
        let expected = Arc::clone(&sent);
        let (address, seen) = identity.serve(move |mut peer| {
            while let Some(request) = peer.request() {
                assert!(request.body == expected.as_bytes());
                peer.send(
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.body.len()).as_bytes(),
                );
                peer.send(&request.body);
            }
        });
        let test = https(address, "timeout = '30s'", identity.trusted());
        let mut drive = Drive::new(which, &with_body(test, sent.to_string()));
        for attempt in 0..2 {
            let exchange = drive.exchange().await;
            assert_eq!(exchange.outcome, status(200), "{which:?}: {exchange:?}");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", sent.len()).len();
            assert_eq!(exchange.bytes_received, (head + sent.len()) as u64, "{which:?}");
            assert_eq!(exchange.reused, attempt > 0, "{which:?}");
        }
        assert_eq!((seen.requests(), seen.connections()), (2, 1), "{which:?}");
    }
}

/// How a server ends, once it has answered with these bytes: (close_notify, raw bytes behind it).
struct End {
    caption: &'static str,
    answer: &'static [u8],
    goodbye: bool,
    behind: &'static [u8],
    outcome: driver::engine::Outcome,
}

#[actix_rt::test]
async fn the_end_of_tls_is_an_end_and_that_of_tcp_alone_is_none() {
    const UNSIZED: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nall of it";
    const CUT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nall";
    // More than TLS takes in at once.
    const MORE: &[u8] = &[b'?'; 40_000];
    let end = |caption, answer, goodbye, behind, outcome| End { caption, answer, goodbye, behind, outcome };
    let table = [
        end("a whole answer, no goodbye", PONG, false, b"", status(200)),
        end("a whole answer, a goodbye", PONG, true, b"", status(200)),
        end("a whole answer, a goodbye, and much more", PONG, true, MORE, status(200)),
        end("until the end, no goodbye", UNSIZED, false, b"", failed(Closed)),
        end("until the end, a goodbye", UNSIZED, true, b"", status(200)),
        end("until the end, a goodbye, and much more", UNSIZED, true, MORE, status(200)),
        end("cut short, no goodbye", CUT, false, b"", failed(Closed)),
        end("cut short, a goodbye", CUT, true, b"", failed(Closed)),
        end("nothing, a goodbye", b"", true, b"", failed(Closed)),
        end("no HTTP, a goodbye", b"220 mail", true, b"", failed(Protocol)),
    ];
    let identity = Identity::new();
    for which in BOTH {
        for End { caption, answer, goodbye, behind, outcome } in &table {
            let (config, answer, behind) = (Arc::clone(&identity.server), *answer, *behind);
            let goodbye = *goodbye;
            let (address, seen) = server(move |peer| {
                let mut by_hand = ByHand::new(&peer, &config);
                if by_hand.read_head() {
                    by_hand.session.writer().write_all(answer).unwrap();
                    if goodbye {
                        by_hand.session.send_close_notify();
                    }
                    // In one write, so that it is nearly always one read.
                    let bytes = [&by_hand.outgoing()[..], behind].concat();
                    by_hand.tcp.write_all(&bytes).unwrap();
                    peer.close();
                }
            });
            let mut drive = Drive::new(which, &https(address, "timeout = '10s'", identity.trusted()));
            for n in 1..=2 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, *outcome, "{which:?}, {caption}: {exchange:?}");
                assert_eq!((exchange.reused, exchange.unconnected), (false, false), "{which:?}, {caption}");
                assert_eq!(exchange.bytes_received, answer.len() as u64, "{which:?}, {caption}");
                seen.delivered(n).await;
            }
        }
    }
}

/// A `close_notify` alone, while TCP stays open: no answer can follow.
#[actix_rt::test]
async fn a_goodbye_while_idle_spends_the_connection() {
    let identity = Identity::new();
    for which in BOTH {
        let config = Arc::clone(&identity.server);
        let (address, seen) = server(move |mut peer| {
            let mut by_hand = ByHand::new(&peer, &config);
            if by_hand.read_head() {
                by_hand.session.writer().write_all(PONG).unwrap();
                by_hand.session.send_close_notify();
                let bytes = by_hand.outgoing();
                peer.send_until_delivered(&bytes);
                peer.linger();
            }
        });
        let mut drive = Drive::new(which, &https(address, "timeout = '5s'", identity.trusted()));
        for n in 1..=3 {
            let exchange = drive.exchange().await;
            assert_eq!((exchange.outcome, exchange.reused), (status(200), false), "{which:?}: {exchange:?}");
            seen.delivered(n).await;
        }
        assert_eq!(drive.opened(), Opened { connections: 3, handshakes: 3 }, "{which:?}");
    }
}

/// TLS 1.3 lets a server speak before the client's side of the handshake is done.
#[actix_rt::test]
async fn an_answer_that_comes_with_the_handshake_is_read() {
    let identity = Identity::with(ALL_VERSIONS, |config| config.send_half_rtt_data = true);
    for which in BOTH {
        let config = Arc::clone(&identity.server);
        let (address, seen) = server(move |mut peer| {
            let mut by_hand = ByHand::new(&peer, &config);
            // The greeting, and nothing else: the server's flight and its answer leave together.
            by_hand.session.read_tls(&mut by_hand.tcp).unwrap();
            by_hand.session.process_new_packets().unwrap();
            by_hand.session.writer().write_all(b"HTTP/1.1 503 Full\r\ncontent-length: 0\r\n\r\n").unwrap();
            let bytes = by_hand.outgoing();
            peer.send_until_delivered(&bytes);
            peer.linger();
        });
        let mut drive = Drive::new(which, &https(address, "timeout = '5s'", identity.trusted()));
        let exchange = drive.exchange().await;
        assert_eq!(exchange.outcome, status(503), "{which:?}: {exchange:?}");
        assert_eq!(seen.connections(), 1, "{which:?}");
        drive.engine.abandon();
    }
}
