//! Requests that are rendered where an attempt ends, and go out in the same turn of the engine: over the connection that the
//! answer came on where they may, else over another one, and once in any case.

use common::counters::ErrorKind::{Refused, Timeout};
use driver::driver_test::{DriverTest, HostOf};
use driver::engine::{Exchange, Outgoing, RequestSpec};

use crate::support::drive::{BOTH, Drive, Follow};
use crate::support::server::{PONG, Peer, answer_all, closed_port, server};
use crate::support::tls::{Identity, plain_and_tls, slow_reader};
use crate::support::{failed, outgoing, rendered, request, status, test_of};

/// The request line of the n-th of a row, as servers see it.
fn line(n: usize) -> String {
    format!("post /{n} http/1.1")
}

/// The n-th request of a row.
fn bytes(n: usize) -> Vec<u8> {
    rendered("POST", &format!("/{n}"), format!("body {n}").as_bytes())
}

fn follow(n: usize) -> Follow {
    Follow::Rendered(bytes(n), outgoing(b""))
}

/// Sends the first request, and each of the others where the one before it ends.
async fn row(drive: &mut Drive, first: Outgoing<'_>, others: Vec<Follow>) -> Vec<Exchange> {
    let n = others.len() + 1;
    drive.follow(others);
    drive.begin_rendered(0, first);
    let ends = drive.ends(n).await;
    assert!(ends.iter().all(|(place, _)| *place == 0), "{ends:?}");
    ends.into_iter().map(|(_, exchange)| exchange).collect()
}

/// The request lines that came, in their order.
fn lines(heads: &[String]) -> Vec<String> {
    heads.iter().filter_map(|head| head.lines().next()).map(str::to_owned).collect()
}

#[actix_rt::test]
async fn a_row_goes_over_one_connection_each_with_its_own_bytes() {
    let identity = Identity::new();
    for which in BOTH {
        for (test, seen) in plain_and_tls(&identity, "", answer_all) {
            let mut drive = Drive::new(which, &test);
            // Prepared ones in between.
            let others = (1..30).map(|n| if n % 7 == 3 { Follow::Prepared(0) } else { follow(n) }).collect();
            let ends = row(&mut drive, outgoing(&bytes(0)), others).await;
            for (n, exchange) in ends.iter().enumerate() {
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (status(200), n > 0),
                    "{which:?}: {exchange:?}"
                );
            }
            let prepared = "get / http/1.1".to_owned();
            let expected: Vec<String> =
                (0..30).map(|n| if n % 7 == 3 { prepared.clone() } else { line(n) }).collect();
            assert_eq!((lines(&seen.heads()), seen.connections()), (expected, 1), "{which:?}");
        }
    }
}

/// The bytes are gone when the turn is over: what could not be written yet has to be kept.
#[actix_rt::test]
async fn a_body_that_needs_many_writes_arrives_whole() {
    let identity = Identity::new();
    let long: Vec<u8> = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
    for which in BOTH {
        for tls in [false, true] {
            let (test, seen, received) = slow_reader(&identity, tls);
            let mut drive = Drive::new(which, &test);
            let others =
                (1..3).map(|n| Follow::Rendered(rendered("POST", "/", &long[n..]), outgoing(b""))).collect();
            let ends = row(&mut drive, outgoing(&rendered("POST", "/", &long)), others).await;
            for (n, exchange) in ends.iter().enumerate() {
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (status(200), n > 0),
                    "{which:?}: {exchange:?}"
                );
            }
            let received = received.lock().unwrap();
            let whole = received.iter().enumerate().all(|(n, body)| body[..] == long[n..]);
            assert!(whole && received.len() == 3, "{which:?}, tls: {tls}");
            assert_eq!(seen.connections(), 1, "{which:?}, tls: {tls}");
        }
    }
}

#[actix_rt::test]
async fn after_an_answer_that_ends_its_connection_the_next_goes_over_another() {
    for which in BOTH {
        for kept_until in [1, 3] {
            let (address, seen) = server(move |mut peer: Peer| {
                for n in 1..=kept_until {
                    let Some(_) = peer.request() else { return };
                    let close = if n == kept_until { "connection: close\r\n" } else { "" };
                    peer.send(format!("HTTP/1.1 200 OK\r\n{close}content-length: 2\r\n\r\nok").as_bytes());
                }
                peer.close();
            });
            let mut drive = Drive::new(which, &test_of(address, ""));
            let ends = row(&mut drive, outgoing(&bytes(0)), (1..6).map(follow).collect()).await;
            for (n, exchange) in ends.iter().enumerate() {
                let reused = n % kept_until != 0;
                assert_eq!(
                    (exchange.outcome, exchange.reused),
                    (status(200), reused),
                    "{which:?}: {exchange:?}"
                );
            }
            let expected: Vec<String> = (0..6).map(line).collect();
            assert_eq!(lines(&seen.heads()), expected, "{which:?}");
        }
    }
}

#[actix_rt::test]
async fn after_an_attempt_that_failed_the_next_is_sent() {
    for which in BOTH {
        // One that times out, between two that do not.
        let (address, seen) = server(|mut peer| {
            while let Some(request) = peer.request() {
                if request.head.contains("/silent") {
                    return peer.linger();
                }
                peer.send(PONG);
            }
        });
        let [short, long] = ["timeout = '200ms'", "timeout = '20s'"].map(request);
        let specs = [RequestSpec::plain(&long), RequestSpec::plain(&short)];
        let mut drive = Drive::of_each(which, &test_of(address, ""), &specs);
        let silent =
            Follow::Rendered(rendered("GET", "/silent", b""), Outgoing { request: 1, ..outgoing(b"") });
        let ends = row(&mut drive, outgoing(&bytes(0)), vec![silent, follow(1)]).await;
        let outcomes: Vec<_> = ends.iter().map(|exchange| (exchange.outcome, exchange.reused)).collect();
        let expected = [(status(200), false), (failed(Timeout), true), (status(200), false)];
        assert_eq!(outcomes, expected, "{which:?}");
        assert_eq!(lines(&seen.heads()), [line(0), "get /silent http/1.1".to_owned(), line(1)], "{which:?}");

        // One to a host that is down.
        let hosts = [address, closed_port()]
            .map(|address| HostOf::new(format!("http://{address}/").parse().unwrap(), vec![address]));
        let mut test = test_of(address, "timeout = '20s'");
        test.hosts = hosts.to_vec();
        let mut drive = Drive::new(which, &test);
        let down = Follow::Rendered(bytes(3), Outgoing { host: 1, ..outgoing(b"") });
        let ends = row(&mut drive, outgoing(&bytes(2)), vec![down, follow(4)]).await;
        let outcomes: Vec<_> = ends.iter().map(|exchange| (exchange.outcome, exchange.reused)).collect();
        // The connection of the first is free while the second fails, and serves the third.
        let expected = [(status(200), false), (failed(Refused), false), (status(200), true)];
        assert_eq!(outcomes, expected, "{which:?}");
    }
}

/// A connection that the next request may not take is free for others, and is taken again by one that may.
#[actix_rt::test]
async fn hosts_own_connections_and_new_connections_are_kept_apart() {
    for which in BOTH {
        let ((a, at_a), (b, at_b)) = (server(answer_all), server(answer_all));
        let host = |address| HostOf::new(format!("http://{address}/").parse().unwrap(), vec![address]);
        let test = DriverTest { hosts: vec![host(a), host(b)], ..test_of(a, "timeout = '20s'") };
        let requests = ["timeout = '20s'", "connection_reuse = false"].map(request);
        let specs: Vec<_> = requests.iter().map(RequestSpec::plain).collect();
        let mut drive = Drive::of_each(which, &test, &specs);
        let plain = outgoing(b"");
        let order = [
            (plain, false),
            (Outgoing { host: 1, ..plain }, false),
            (plain, true),
            (Outgoing { own_connection: Some(5), ..plain }, false),
            (Outgoing { own_connection: Some(5), ..plain }, true),
            (plain, true),
            (Outgoing { request: 1, ..plain }, false),
            (plain, true),
            (Outgoing { host: 1, own_connection: Some(5), ..plain }, false),
            (Outgoing { own_connection: Some(5), ..plain }, true),
            (Outgoing { host: 1, ..plain }, true),
        ];
        let others = order.iter().enumerate().skip(1);
        let others = others.map(|(n, (outgoing, _))| Follow::Rendered(bytes(n), *outgoing)).collect();
        let ends = row(&mut drive, outgoing(&bytes(0)), others).await;
        let reused: Vec<bool> = ends.iter().map(|exchange| exchange.reused).collect();
        assert!(ends.iter().all(|exchange| exchange.outcome == status(200)), "{which:?}: {ends:?}");
        assert_eq!(reused, order.map(|(_, reused)| reused), "{which:?}");
        let of_b = |n: &usize| [1, 8, 10].contains(n);
        let (to_b, to_a): (Vec<usize>, Vec<usize>) = (0..order.len()).partition(of_b);
        let expected = |numbers: Vec<usize>| numbers.into_iter().map(line).collect::<Vec<_>>();
        assert_eq!(lines(&at_a.heads()), expected(to_a), "{which:?}");
        assert_eq!(lines(&at_b.heads()), expected(to_b), "{which:?}");
    }
}
