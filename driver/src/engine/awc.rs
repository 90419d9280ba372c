//! The awc engine: a whole HTTP client, for what the lean one does not speak. Its pool looks at a kept
//! connection before it uses it again; it never repeats a request, and neither do we.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use ::awc::error::{ConnectError, PayloadError, SendRequestError};
use ::awc::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT};
use ::awc::http::{Method, Uri};
use ::awc::{Client, Connector, FrozenClientRequest};
use actix_service::fn_service;
use actix_tls::connect::{ConnectError as TcpConnectError, ConnectInfo, Connection};
use bytes::Bytes;
use common::counters::ErrorKind;
use futures_util::StreamExt;

use super::io::connect;
use super::trace::{Trace, Traced};
use super::{Engine, Exchange, Outcome};
use crate::load_job::LoadJob;

/// Largest body of an answer; a larger one counts as `too_large`.
pub const MAX_BODY_BYTES: u64 = 64 << 20;

/// What names us to the target, unless the plan does.
const USER_AGENT_VALUE: &str = concat!("groundswell/", env!("CARGO_PKG_VERSION"));

/// Longer than any test: attempts are timed here, and connections live as long as the target keeps them.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3_600);

/// See the module.
pub struct AwcEngine {
    request: FrozenClientRequest,
    body: Bytes,
    timeout: Duration,
    opened: Rc<Cell<u64>>,
    attempts: Cell<u64>,
}

impl AwcEngine {
    /// Prepares the one request of a test.
    ///
    /// # Errors
    /// Where awc cannot send such a request: says which part of it.
    pub fn new(job: &LoadJob) -> Result<Self, String> {
        let opened = Rc::new(Cell::new(0));
        let request = prepared(&client(job, &opened), job)?;
        Ok(Self {
            request,
            body: Bytes::from(job.request.body.clone()),
            timeout: job.request.timeout,
            opened,
            attempts: Cell::new(0),
        })
    }
}

fn client(job: &LoadJob, opened: &Rc<Cell<u64>>) -> Client {
    let addresses: Rc<[std::net::SocketAddr]> = job.resolved.clone().into();
    let opened = Rc::clone(opened);
    let connects = fn_service(move |info: ConnectInfo<Uri>| {
        let (addresses, opened) = (Rc::clone(&addresses), Rc::clone(&opened));
        async move {
            if addresses.is_empty() {
                return Err(TcpConnectError::NoRecords);
            }
            let stream = connect(&addresses, &opened).await.map_err(TcpConnectError::Io)?;
            Ok(Connection::new(info.request().clone(), stream))
        }
    });
    let mut connector = Connector::new()
        .connector(connects)
        .timeout(NEVER)
        .handshake_timeout(NEVER)
        .conn_keep_alive(NEVER)
        .conn_lifetime(NEVER)
        // The worker bounds what is in flight; awc's own bound would queue attempts where none can see them.
        .limit(usize::MAX >> 4);
    if let Some(tls) = &job.tls {
        connector = connector.rustls_0_23(std::sync::Arc::clone(&tls.0));
    }
    Client::builder().connector(connector).disable_redirects().disable_timeout().no_default_headers().finish()
}

fn prepared(client: &Client, job: &LoadJob) -> Result<FrozenClientRequest, String> {
    let plan = &job.request;
    let method = Method::from_bytes(plan.method.as_bytes())
        .map_err(|error| format!("request.method = {}: {error}", plan.method))?;
    let mut request = client.request(method, job.target.as_str()).no_decompress();
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    let identity = plan.identify.then(|| ("x-groundswell-node".to_owned(), job.node_id.to_string()));
    for (name, value) in plan.headers.clone().into_iter().chain(identity) {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| format!("request.headers.{name}: {error}"))?;
        let value =
            HeaderValue::from_str(&value).map_err(|error| format!("request.headers.{name}: {error}"))?;
        request.headers_mut().insert(key, value);
    }
    request.freeze().map_err(|error| format!("target.url = {}: {error}", job.target))
}

impl Engine for AwcEngine {
    fn name(&self) -> &'static str {
        "awc"
    }

    async fn exchange(&self) -> Exchange {
        self.attempts.set(self.attempts.get() + 1);
        let trace = Rc::new(Trace { id: self.attempts.get(), ..Trace::default() });
        let attempt = Traced::new(Rc::clone(&trace), self.attempt(Rc::clone(&trace)));
        let outcome = match tokio::time::timeout(self.timeout, attempt).await {
            Ok(Ok(status)) => Outcome::Status(status),
            Ok(Err(failure)) => Outcome::Failed(trace.error.get().unwrap_or_else(|| failure.kind(&trace))),
            Err(_) if trace.connected.get() => Outcome::Failed(ErrorKind::Timeout),
            Err(_) => Outcome::Failed(ErrorKind::ConnectTimeout),
        };
        Exchange {
            outcome,
            bytes_received: trace.bytes_received.get(),
            reused: trace.reused.get(),
            unconnected: !trace.connected.get(),
            turn: trace.turn.get(),
        }
    }

    fn connections_opened(&self) -> u64 {
        self.opened.get()
    }
}

impl AwcEngine {
    async fn attempt(&self, trace: Rc<Trace>) -> Result<u16, Failure> {
        let sending = if self.body.is_empty() {
            self.request.send()
        } else {
            self.request.send_body(self.body.clone())
        };
        let mut answer = sending.await.map_err(Failure::Send)?;
        let mut n_bytes = 0;
        while let Some(chunk) = answer.next().await {
            n_bytes += chunk.map_err(Failure::Body)?.len() as u64;
            if n_bytes > MAX_BODY_BYTES {
                return Err(Failure::Body(PayloadError::Overflow));
            }
        }
        // awc takes a close for the end of any body, though this one said how long it is.
        let delimited =
            answer.headers().contains_key(CONTENT_LENGTH) || answer.headers().contains_key(TRANSFER_ENCODING);
        if trace.peer_closed.get() && delimited {
            return Err(Failure::Body(PayloadError::Incomplete(None)));
        }
        Ok(answer.status().as_u16())
    }
}

/// What awc says went wrong, before the trace is asked.
enum Failure {
    Send(SendRequestError),
    Body(PayloadError),
}

impl Failure {
    fn kind(&self, trace: &Trace) -> ErrorKind {
        use ::awc::error::SendRequestError as E;
        match self {
            Self::Send(E::Connect(
                ConnectError::Resolver(_) | ConnectError::NoRecords | ConnectError::Unresolved,
            )) => ErrorKind::Resolve,
            // awc's word for a peer that closed without an answer.
            Self::Send(E::Connect(ConnectError::Disconnected)) => ErrorKind::Closed,
            Self::Send(E::Connect(ConnectError::Timeout)) => ErrorKind::ConnectTimeout,
            // The socket itself did not fail, or the trace would say so: what is left of connecting is TLS.
            Self::Send(E::Connect(_)) if trace.connected.get() => ErrorKind::Tls,
            Self::Send(E::Connect(_)) => ErrorKind::Unreachable,
            Self::Send(E::Timeout) => ErrorKind::Timeout,
            Self::Send(E::Response(error)) => parse_error(error),
            Self::Send(E::Send(_)) => ErrorKind::Closed,
            Self::Body(PayloadError::Incomplete(_) | PayloadError::Io(_)) => ErrorKind::Closed,
            Self::Body(PayloadError::Overflow) => ErrorKind::TooLarge,
            Self::Send(_) | Self::Body(_) => ErrorKind::Protocol,
        }
    }
}

fn parse_error(error: &actix_http::error::ParseError) -> ErrorKind {
    use actix_http::error::ParseError as P;
    match error {
        P::TooLarge => ErrorKind::TooLarge,
        P::Incomplete | P::Io(_) => ErrorKind::Closed,
        _ => ErrorKind::Protocol,
    }
}
