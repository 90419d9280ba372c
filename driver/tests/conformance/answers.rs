//! The table of server behaviours, played; and what takes more than a row: how long an answer takes, and the largest
//! bodies.

use std::time::{Duration, Instant};

use common::counters::ErrorKind;
use driver::engine::Outcome;

use crate::support::drive::{BOTH, Drive, Which, exchange};
use crate::support::server::{PONG, Peer, server};
use crate::support::{failed, status, test_of};
use crate::table::{Awc, Does, Next, Row, Then, rows};

/// Between two pieces: long enough for the first to be read alone, nearly always.
const PAUSE: Duration = Duration::from_millis(3);

/// Does the same with each request.
pub fn play(does: &Does, mut peer: Peer) {
    while peer.request().is_some() {
        for (i, piece) in does.pieces.iter().enumerate() {
            if i > 0 {
                std::thread::sleep(PAUSE);
            }
            peer.send(piece);
        }
        match does.then {
            Then::Waits => {}
            Then::Closes => return peer.close(),
            Then::Resets => return peer.reset(),
            Then::HalfCloses => {
                peer.half_close();
                return peer.linger();
            }
        }
    }
}

/// Plays a row several times over one engine; returns what is not as it should be.
async fn wrong(row: &Row, which: Which) -> Option<String> {
    let (outcome, next) = match row.awc {
        Awc::Counts(outcome) if which == Which::Awc => (outcome, Next::New),
        Awc::But(next) if which == Which::Awc => (row.outcome, next),
        _ => (row.outcome, row.next),
    };
    let does = row.does.clone();
    let (address, seen) = server(move |peer| play(&does, peer));
    let mut drive = Drive::new(which, &test_of(address, row.request));
    let attempts = if matches!(outcome, Outcome::Status(_)) { 3 } else { 2 };
    for attempt in 0..attempts {
        let exchange = drive.exchange().await;
        let reused = next == Next::Kept && attempt > 0;
        if (exchange.outcome, exchange.reused, exchange.unconnected) != (outcome, reused, false) {
            return Some(format!("attempt {attempt}: {exchange:?}, not {outcome:?}, reused: {reused}"));
        }
        let sent = row.does.pieces.iter().map(Vec::len).sum::<usize>() as u64;
        // Bytes after an answer are not counted as its own; awc counts them.
        let behind =
            if row.awc == Awc::But(Next::Kept) { exchange.bytes_received..=sent } else { sent..=sent };
        if matches!(outcome, Outcome::Status(_)) && !behind.contains(&exchange.bytes_received) {
            return Some(format!("attempt {attempt}: {} bytes of {sent}", exchange.bytes_received));
        }
        if row.does.then != Then::Waits {
            seen.delivered(attempt + 1).await;
        }
    }
    let connections = if next == Next::Kept { 1 } else { attempts };
    let counts = (seen.requests(), seen.connections(), drive.opened().connections, drive.opened().handshakes);
    (counts != (attempts, connections, connections, 0)).then(|| {
        format!("(requests, accepted, opened, handshakes) = {counts:?}, not {attempts}, {connections}")
    })
}

#[actix_rt::test]
async fn every_behaviour_counts_as_what_it_is() {
    let mut faults = Vec::new();
    for row in rows() {
        for which in BOTH {
            if let Some(fault) = wrong(&row, which).await {
                faults.push(format!("{}, {which:?}: {fault}", row.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn awc_differs_in_few_rows() {
    let rows = rows();
    let differs = rows.iter().filter(|row| row.awc != Awc::Same).count();
    assert!(rows.len() >= 75 && differs <= 14, "{differs} of {} rows", rows.len());
}

#[actix_rt::test]
async fn the_last_byte_ends_an_answer_and_not_the_first() {
    for which in BOTH {
        let (address, _) = server(|mut peer| {
            peer.request();
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nfirst");
            std::thread::sleep(Duration::from_millis(100));
            peer.send(b"last");
        });
        let began = Instant::now();
        let exchange = exchange(which, &test_of(address, "")).await;
        assert!(began.elapsed() >= Duration::from_millis(100), "{which:?}");
        assert_eq!(exchange.outcome, status(200), "{which:?}");
        assert_eq!(exchange.bytes_received, b"HTTP/1.1 200 OK\r\n\r\nfirstlast".len() as u64, "{which:?}");
    }
}

#[actix_rt::test]
async fn answers_that_come_byte_by_byte_are_read_to_their_last() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n";
    for which in BOTH {
        for answer in [PONG, chunked] {
            let (address, seen) = server(move |mut peer| {
                while peer.request().is_some() {
                    for byte in answer {
                        peer.send(&[*byte]);
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            for attempt in 0..2 {
                let began = Instant::now();
                let exchange = drive.exchange().await;
                assert!(began.elapsed() >= Duration::from_millis(answer.len() as u64), "{which:?}");
                assert_eq!(exchange.outcome, status(200), "{which:?}");
                assert_eq!(exchange.bytes_received, answer.len() as u64, "{which:?}");
                assert_eq!(exchange.reused, attempt > 0, "{which:?}");
            }
            assert_eq!((seen.requests(), seen.connections()), (2, 1), "{which:?}");
        }
    }
}

/// A body that ends just where a read of 64 KiB does must not hide what follows it.
#[actix_rt::test]
async fn large_bodies_are_read_whole_on_a_kept_connection() {
    for which in BOTH {
        for bytes in [(64 << 10) - 41, 64 << 10, 3 << 20] {
            let (address, seen) = server(move |mut peer| {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes:08}\r\n\r\n");
                let answer = [head.as_bytes(), &vec![b'a'; bytes]].concat();
                while peer.request().is_some() {
                    peer.send(&answer);
                }
            });
            let mut drive = Drive::new(which, &test_of(address, "timeout = '20s'"));
            for _ in 0..3 {
                let exchange = drive.exchange().await;
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 00000000\r\n\r\n".len();
                assert_eq!(exchange.outcome, status(200), "{which:?}");
                assert_eq!(exchange.bytes_received, (head + bytes) as u64, "{which:?}");
            }
            assert_eq!((seen.requests(), seen.connections()), (3, 1), "{which:?}");
        }
    }
}

/// connect is the time to open a connection, TLS included, of the attempt that opened it; first_byte is that of the
/// answer's first byte, not of its last.
#[actix_rt::test]
async fn connects_and_first_bytes_are_counted_where_there_were_any() {
    // The rest comes so much later than the first byte that a pause of the machine cannot be taken for it.
    const REST_AFTER: Duration = Duration::from_millis(500);
    let ms = |ms: u64| Duration::from_millis(ms);
    let nanos =
        |span: Option<driver::start_at::Nanos>| Duration::from_nanos(span.unwrap().try_into().unwrap());
    for which in BOTH {
        let (address, _) = server(move |mut peer| {
            for _ in 0..2 {
                peer.request();
                std::thread::sleep(ms(30));
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\np");
                std::thread::sleep(REST_AFTER);
                peer.send(b"ong");
            }
            // A first byte, and no answer.
            peer.request();
            peer.send(b"H");
            peer.linger();
        });
        let mut drive = Drive::new(which, &test_of(address, "timeout = '2s'"));
        for attempt in 0..2 {
            let began = Instant::now();
            let exchange = drive.exchange().await;
            let took = began.elapsed();
            assert_eq!(exchange.outcome, status(200), "{which:?}");
            assert_eq!(exchange.connect.is_some(), attempt == 0, "{which:?}: {exchange:?}");
            assert!(
                exchange.connect.is_none() || nanos(exchange.connect) < took - REST_AFTER / 2,
                "{which:?}: {exchange:?}"
            );
            let first_byte = nanos(exchange.first_byte);
            assert!(
                ms(30) <= first_byte && first_byte <= took - REST_AFTER / 2,
                "{which:?}: {exchange:?} in {took:?}"
            );
        }
        let timed_out = drive.exchange().await;
        assert_eq!(timed_out.outcome, failed(ErrorKind::Timeout), "{which:?}");
        assert!(
            timed_out.connect.is_none() && nanos(timed_out.first_byte) < ms(2000),
            "{which:?}: {timed_out:?}"
        );
        let refused = exchange(which, &test_of(crate::support::server::closed_port(), "")).await;
        assert_eq!((refused.connect, refused.first_byte), (None, None), "{which:?}: {refused:?}");
    }
}

/// Bodies are counted and not kept, so their length has no limit: more than 64 MiB of each framing.
#[actix_rt::test]
async fn bodies_of_any_length_are_read_to_their_last_byte() {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 67;
    type Framing = (&'static str, &'static [u8], &'static [u8], &'static [u8]);
    let table: [Framing; 3] = [
        ("content-length: 70254592\r\n", b"", b"", b""),
        ("transfer-encoding: chunked\r\n", b"100000\r\n", b"\r\n", b"0\r\n\r\n"),
        ("connection: close\r\n", b"", b"", b""),
    ];
    for which in BOTH {
        for (fields, before, after, last) in table {
            let (address, seen) = server(move |mut peer| {
                let piece = [before, &vec![b'a'; PIECE], after].concat();
                while peer.request().is_some() {
                    peer.send(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes());
                    (0..PIECES).for_each(|_| peer.send(&piece));
                    peer.send(last);
                    if fields.contains("close") {
                        return peer.close();
                    }
                }
            });
            let mut drive = Drive::new(which, &test_of(address, "timeout = '30s'"));
            let pieces = PIECES * (before.len() + PIECE + after.len());
            let bytes = "HTTP/1.1 200 OK\r\n\r\n".len() + fields.len() + pieces + last.len();
            for attempt in 0..2 {
                let exchange = drive.exchange().await;
                assert_eq!(exchange.outcome, status(200), "{which:?}, {fields}: {exchange:?}");
                assert_eq!(exchange.bytes_received, bytes as u64, "{which:?}, {fields}");
                assert_eq!(exchange.reused, attempt > 0 && !fields.contains("close"), "{which:?}, {fields}");
            }
            assert_eq!(seen.requests(), 2, "{which:?}, {fields}");
        }
    }
}

/// A body that never ends, as fast as it is read: its attempt times out, and another connection is served all the
/// while.
#[actix_rt::test]
async fn an_endless_body_times_out_and_holds_up_nobody() {
    for which in BOTH {
        for head in ["connection: close\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"] {
            let first = std::sync::atomic::AtomicBool::new(true);
            let (address, seen) = server(move |mut peer| {
                if !first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                    while peer.request().is_some() {
                        peer.send(PONG);
                    }
                    return;
                }
                peer.request();
                peer.send(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes());
                let chunk = [b"10000\r\n", &[b'a'; 1 << 16][..], b"\r\n"].concat();
                // It is the client that ends this.
                while peer.try_send(&chunk) {}
            });
            let mut drive = Drive::new(which, &test_of(address, "timeout = '2s'"));
            drive.begin(0);
            let asked = async {
                while seen.requests() == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            drive.until(asked).await;
            let mut served = 0;
            let endless = loop {
                drive.begin(1);
                let ends = drive.ends(1).await;
                match ends.iter().find(|(place, _)| *place == 0) {
                    Some((_, exchange)) => break *exchange,
                    None => served += 1,
                }
                assert!(
                    ends.iter().all(|(_, exchange)| exchange.outcome == status(200)),
                    "{which:?}: {ends:?}"
                );
            };
            assert_eq!(endless.outcome, failed(ErrorKind::Timeout), "{which:?}: {endless:?}");
            assert!(endless.bytes_received > 16 << 20, "{which:?}: {} bytes", endless.bytes_received);
            assert!(served > 20, "{which:?}: {served} requests beside it");
        }
    }
}

/// The close may be reported while the engine has much left to read, and is reported once.
#[actix_rt::test]
async fn a_long_body_that_ends_with_its_connection_is_read_to_its_end() {
    let long = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 64 << 20]].concat();
    let length = long.len() as u64;
    let (address, _) = server(move |mut peer| {
        if peer.request().is_some() {
            peer.send(&long);
        }
    });
    for which in BOTH {
        let mut drive = Drive::new(which, &test_of(address, "timeout = '20s'"));
        for _ in 0..10 {
            let exchange = drive.exchange().await;
            assert_eq!((exchange.outcome, exchange.bytes_received), (status(200), length), "{which:?}");
        }
    }
}
