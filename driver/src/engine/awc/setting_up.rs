//! Sets a connection up: TCP to one of the addresses that it was given and no other, then TLS here rather than in
//! the client, so that a failed handshake can be distinguished from a failed request.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::Instant;

use actix_rt::net::TcpStream;
use common::counters::ErrorKind;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connection::Stream;
use super::stream::NotedStream;
use super::trace::{nanos, with_current};
use crate::driver_test::Addresses;
use crate::engine::Opened;
use crate::engine::addresses::{ATTEMPT_DELAY, Favourite};
use crate::engine::socket_errors::{connect_error, handshake_error};
use crate::engine::tls::During;

pub struct Target {
    /// The only addresses that are connected to.
    pub addresses: Addresses,
    /// Which of them comes first.
    pub favourite: RefCell<Favourite>,
    /// The TLS settings and the server's name; `None`: plain TCP.
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Connects to one of the addresses, and shakes hands where TLS is wanted.
///
/// # Errors
/// The last address's error, noted in the trace too.
pub async fn connect(target: &Target, opened: &Cell<Opened>) -> io::Result<NotedStream> {
    let began = Instant::now();
    let tcp = race(target).await.map_err(|error| failed(error, connect_error))?;
    opened.update(|opened| Opened { connections: opened.connections + 1, ..opened });
    // A request is written at once and whole: waiting to fill a segment would only delay it.
    tcp.set_nodelay(true)?;
    let stream = match &target.tls {
        None => Stream::Plain(tcp),
        Some((connector, name)) => match connector.connect(name.clone(), tcp).await {
            Ok(tls) => {
                opened.update(|opened| Opened { handshakes: opened.handshakes + 1, ..opened });
                Stream::Tls(Box::new(tls))
            }
            Err(error) => return Err(failed(error, handshake_error)),
        },
    };
    with_current(|trace| {
        trace.connected.set(true);
        trace.opened(nanos(began.elapsed()));
    });
    Ok(NotedStream::new(stream))
}

/// Connects to the addresses in their order, to the next one where the last fails or takes [`ATTEMPT_DELAY`]; the first
/// that connects is used, and the others are dropped and so closed (RFC 8305).
async fn race(target: &Target) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the target has no address");
    let order = target.favourite.borrow_mut().order(&target.addresses.now(), Instant::now);
    let mut addresses = (0..order.len()).map_while(|n| order.nth(n)).peekable();
    let mut under_way = FuturesUnordered::new();
    while let Some(address) = addresses.next() {
        under_way.push(async move { (address, TcpStream::connect(address).await) });
        let delay = tokio::time::sleep(ATTEMPT_DELAY);
        let mut delay = std::pin::pin!(delay);
        loop {
            tokio::select! {
                biased;
                Some((address, connected)) = under_way.next() => match connected {
                    Ok(tcp) => {
                        if !under_way.is_empty() {
                            target.favourite.borrow_mut().connected_instead(&order, address, Instant::now());
                        }
                        return Ok(tcp);
                    }
                    Err(error) => last = error,
                },
                () = &mut delay, if addresses.peek().is_some() => {}
            }
            if addresses.peek().is_some() || under_way.is_empty() {
                break;
            }
        }
    }
    Err(last)
}

fn failed(error: io::Error, kind: fn(&io::Error) -> ErrorKind) -> io::Error {
    with_current(|trace| trace.failed_in(During::Handshake, &error, kind(&error)));
    error
}
