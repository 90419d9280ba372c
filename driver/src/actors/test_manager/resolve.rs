//! The target's addresses: looked up before a test, and again while it runs where that is set.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use url::Url;

use super::ManagerOptions;
use crate::assignment::Assignment;

/// Longest wait for a host name's addresses.
const RESOLVE: Duration = Duration::from_secs(5);

/// The target's addresses; none where its name does not resolve: then every attempt fails as `resolve`, and
/// the report says so.
pub(super) async fn resolve(target: &Url) -> Vec<SocketAddr> {
    let Some(host) = target.host_str() else { return Vec::new() };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = target.port_or_known_default().unwrap_or(80);
    match tokio::time::timeout(RESOLVE, tokio::net::lookup_host((host.as_str(), port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            log::warn!("target does not resolve host={host} reason={error}");
            Vec::new()
        }
        Err(_) => {
            log::warn!("target does not resolve host={host} reason=no answer within 5 s");
            Vec::new()
        }
    }
}

/// Looks the target's name up again and again until its test is over: new connections go where it points then.
/// Answers that are empty, or not allowed, change nothing.
pub(super) async fn keep_resolving(
    options: Arc<ManagerOptions>,
    assignment: Assignment,
    every: Duration,
    addresses: watch::Sender<Arc<[SocketAddr]>>,
) {
    loop {
        tokio::select! {
            () = addresses.closed() => return,
            () = tokio::time::sleep(every) => {}
        }
        let found = resolve(&assignment.target).await;
        if found.is_empty() || addresses.borrow()[..] == found[..] {
            continue;
        }
        if let Err(reason) = options.limits.check(&assignment, &found) {
            log::warn!(
                "target moved to where this driver may not send, the old addresses stay reason={reason}"
            );
            continue;
        }
        log::info!("target moved addresses={found:?}");
        addresses.send_replace(found.into());
    }
}
