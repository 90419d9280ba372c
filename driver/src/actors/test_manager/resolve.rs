//! The addresses of a test's hosts: looked up before a test, and again while it runs where that is set. getaddrinfo blocks its
//! thread for as long as name servers take, so it runs on the pool of tokio's blocking threads, never on a worker's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ManagerOptions;
use crate::assignment::Assignment;
use crate::connect_to::Destination;
use crate::engine::interleaved;

/// Longest wait for a host name's addresses. glibc alone waits 5 s for a name server that is silent before it asks the
/// next one, and asks each of them twice.
const RESOLVE: Duration = Duration::from_secs(15);

/// The addresses of a place, families taking turns; none where its name does not resolve: then every attempt fails as
/// `resolve`, and the report says so.
pub(super) async fn resolve(to: &Destination) -> Vec<SocketAddr> {
    match tokio::time::timeout(RESOLVE, tokio::net::lookup_host((to.host.as_str(), to.port))).await {
        Ok(Ok(addresses)) => interleaved(addresses.collect()),
        Ok(Err(error)) => {
            log::warn!(host:% = to, error:%; "target does not resolve");
            Vec::new()
        }
        Err(_) => {
            log::warn!(host:% = to, within_s = RESOLVE.as_secs(); "target does not resolve in time");
            Vec::new()
        }
    }
}

/// Looks a host's name up again and again until its test is over: new connections go where it points then. The load
/// goes on with the old addresses meanwhile. Answers that are empty, or not allowed, change nothing.
pub(super) async fn keep_resolving(
    options: Arc<ManagerOptions>,
    assignment: Assignment,
    to: Destination,
    every: Duration,
    addresses: watch::Sender<Arc<[SocketAddr]>>,
) {
    loop {
        tokio::select! {
            () = addresses.closed() => return,
            () = tokio::time::sleep(every) => {}
        }
        let found = tokio::select! {
            () = addresses.closed() => return,
            found = resolve(&to) => found,
        };
        if found.is_empty() || addresses.borrow()[..] == found[..] {
            continue;
        }
        if let Err(reason) = options.limits.check(&assignment, &to.host, &found) {
            log::warn!(host:% = to, reason:%; "target moved to addresses that are not allowed, keeping the old ones");
            continue;
        }
        log::info!(host:% = to, addresses:? = found; "target moved");
        addresses.send_replace(found.into());
    }
}
