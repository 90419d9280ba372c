//! The target: a server to test that counts what it received, and that can be made slow or broken on
//! purpose. It knows nothing of the other nodes.

pub mod behaviour;
pub mod counters;
mod http;
pub mod settings;
pub mod shop;

use std::future::Future;
use std::net::SocketAddr;

pub use settings::TargetSettings;

/// Where a target serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Its HTTP address.
    pub http: SocketAddr,
}

/// Why a target cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its address cannot be bound.
    #[error("http.listen = {address}: {cause}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the kernel says.
        cause: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the HTTP server ended: {0}")]
    Server(std::io::Error),
}

/// Serves until `stop` completes; `ready` is called with the address once it is bound. Runs inside an actix system.
///
/// # Errors
/// Where the address cannot be bound, or the server ends by itself.
pub async fn run(
    settings: TargetSettings,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(Bound),
) -> Result<(), RunError> {
    common::limits::raise_descriptors();
    let (server, address) = http::serve(settings)?;
    let handle = server.handle();
    let mut server = actix_rt::spawn(server);
    ready(Bound { http: address });
    actix_rt::spawn(common::service::Needs::default().report());
    log::info!(http:% = address; "target is ready");
    tokio::select! {
        ended = &mut server => {
            return ended.map_err(|error| RunError::Server(std::io::Error::other(error)))?.map_err(RunError::Server);
        }
        () = stop => {}
    }
    common::service::ending();
    handle.stop(true).await;
    Ok(())
}
