//! The listening socket, and its limits.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use super::guard::guard;
use super::routes::routes;
use super::state::AppState;

/// Threads that serve HTTP: it is not where the work is.
const WORKERS: usize = 2;

/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept that asks for nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long answers may take to go out when the orchestrator ends, in seconds.
const SHUTDOWN_S: u64 = 3;

/// Where to listen, and how much to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpOptions {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Most connections at once.
    pub max_connections: u32,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct BindError {
    pub address: SocketAddr,
    pub reason: std::io::Error,
}

/// A server that runs until it is stopped.
pub struct HttpServing {
    /// The address that was bound, with its real port.
    pub address: SocketAddr,
    handle: ServerHandle,
    state: Data<AppState>,
}

impl HttpServing {
    /// Ends the streams, lets answers go out for a few seconds, and closes.
    pub async fn stop(self) {
        self.state.stopping.send_replace(true);
        self.handle.stop(true).await;
    }
}

/// Binds the address and serves in the background of the current actix system.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn serve(options: &HttpOptions, state: AppState) -> Result<HttpServing, BindError> {
    let failed = |reason| BindError { address: options.listen, reason };
    let listener = TcpListener::bind(options.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let state = Data::from(Arc::new(state));
    let shared = state.clone();
    let per_worker = usize::try_from(options.max_connections).unwrap_or(usize::MAX).div_ceil(WORKERS);
    let server =
        HttpServer::new(move || App::new().app_data(shared.clone()).wrap(from_fn(guard)).configure(routes))
            .workers(WORKERS)
            .max_connections(per_worker)
            .client_request_timeout(HEAD_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(SHUTDOWN_S)
            .disable_signals()
            .listen(listener)
            .map_err(failed)?
            .run();
    let handle = server.handle();
    actix_rt::spawn(async move {
        if let Err(error) = server.await {
            log::error!(error:%; "the HTTP server ended");
        }
    });
    log::info!(address:%; "listening");
    Ok(HttpServing { address, handle, state })
}
