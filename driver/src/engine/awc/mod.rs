//! The awc engine: a whole HTTP client, for requests that the wire engine cannot send. Its pool checks a kept
//! connection before it reuses it. Neither awc nor this engine ever repeats a request.
//!
//! awc 3.11 differs from HTTP/1.1 in five points. It accepts a close as the end of any body. It takes an HTTP/1.1
//! answer without a length for an empty one. It keeps connections that HTTP/1.0 or a change of protocol ends. It
//! waits for the body of a 304 that names its length. It takes an interim answer (1xx) for the answer. The first four
//! are corrected here. An interim answer fails as `protocol`, and its connection is not reused: the real answer,
//! still to come, would be read as the next request's. `wanted_body` passes bodies on. Other differences from the wire
//! engine stand in a column of the conformance tests' table.

mod connection;
mod setting_up;
mod stream;
mod trace;
mod wanted_body;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ::awc::error::{ConnectError, PayloadError, SendRequestError};
use ::awc::http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING,
    USER_AGENT,
};
use ::awc::http::{Method, StatusCode, Uri, Version};
use ::awc::{Client, ClientResponse, Connector, FrozenClientRequest, body};
use actix_service::fn_service;
use actix_tls::connect::{ConnectError as TcpConnectError, ConnectInfo, Connection};
use bytes::Bytes;
use common::counters::ErrorKind;
use common::plan::{Request, mask_url};
use futures_util::StreamExt;
use tokio_rustls::TlsConnector;
use url::Position;

use self::connection::Connection as NotedConnection;
use self::setting_up::{Target, connect};
use self::stream::{AT_ONCE_BYTES, poll_to_the_end};
use self::trace::{Trace, Traced};
use self::wanted_body::WantedBody;
use super::tls::of_client;
use super::{
    BodySink, Client as ExchangeClient, Exchange, MAX_LOCATION, Opened, Outcome, RequestIndex, RequestSpec,
    Spans, USER_AGENT as US,
};
use crate::driver_test::{DriverTest, TlsConfig};

/// Longer than any test: attempts are timed here, and connections live as long as the target keeps them.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3_600);

/// One request, as all attempts with it need it.
struct Prepared {
    request: FrozenClientRequest,
    body: Option<Bytes>,
    head_only: bool,
    /// Whether it is sent on kept connections, and leaves its own for others.
    reuses: bool,
    timeout: Duration,
    wants_body: bool,
}

pub struct AwcClient {
    requests: Box<[Prepared]>,
    /// Whether servers that demand a client certificate get one.
    has_certificate: bool,
    opened: Rc<Cell<Opened>>,
    attempts: Cell<u64>,
    redirected_to: OnceCell<String>,
}

impl AwcClient {
    /// Prepares the one request of a test.
    ///
    /// # Errors
    /// Where awc cannot send such a request; the text names the part of it.
    pub fn new(test: &DriverTest) -> Result<Self, String> {
        Self::of_each(test, &[RequestSpec::plain(&test.assignment.request)])
    }

    /// Prepares several requests to the target of a test, whose indexes are those of this list.
    ///
    /// # Errors
    /// As [`AwcClient::new`].
    pub fn of_each(test: &DriverTest, requests: &[RequestSpec<'_>]) -> Result<Self, String> {
        let opened = Rc::new(Cell::new(Opened::default()));
        let tls = test.tls_to_target()?.map(|(config, name)| (TlsConnector::from(config), name));
        let target =
            Rc::new(Target { addresses: test.addresses.clone(), favourite: RefCell::default(), tls });
        // awc gives any kept connection to any request. So those that open their own have a pool to themselves, in
        // which no connection is ever kept.
        let (sharing, apart) = (client(&target, &opened), client(&target, &opened));
        let prepare = |spec: &RequestSpec<'_>| {
            Prepared::new(if spec.request.connection_reuse { &sharing } else { &apart }, test, spec)
        };
        Ok(Self {
            requests: requests.iter().map(prepare).collect::<Result<_, _>>()?,
            has_certificate: test.tls.as_ref().is_some_and(TlsConfig::has_certificate),
            opened,
            attempts: Cell::new(0),
            redirected_to: OnceCell::new(),
        })
    }
}

impl Prepared {
    fn new(client: &Client, test: &DriverTest, spec: &RequestSpec<'_>) -> Result<Self, String> {
        let RequestSpec { request: plan, wants_body } = *spec;
        let request = frozen(client, test, plan)?;
        let body = Bytes::from(plan.body.clone());
        // These send `content-length: 0` with an empty body: a server may wait for a body otherwise.
        let says_length = [Method::POST, Method::PUT, Method::PATCH].contains(request.get_method());
        Ok(Self {
            body: (says_length || !body.is_empty()).then_some(body),
            head_only: *request.get_method() == Method::HEAD,
            reuses: plan.connection_reuse,
            request,
            timeout: plan.timeout,
            wants_body,
        })
    }
}

/// A client with a pool of connections of its own.
fn client(target: &Rc<Target>, opened: &Rc<Cell<Opened>>) -> Client {
    let (target, opened) = (Rc::clone(target), Rc::clone(opened));
    let connects = fn_service(move |info: ConnectInfo<Uri>| {
        let (target, opened) = (Rc::clone(&target), Rc::clone(&opened));
        async move {
            if target.addresses.now().is_empty() {
                return Err(TcpConnectError::NoRecords);
            }
            let stream = connect(&target, &opened).await.map_err(TcpConnectError::Io)?;
            Ok(Connection::new(info.request().clone(), stream))
        }
    });
    let connector = Connector::new()
        .connector(connects)
        .timeout(NEVER)
        .conn_keep_alive(NEVER)
        .conn_lifetime(NEVER)
        // The worker bounds the attempts in flight; a bound in awc would queue attempts where they cannot be counted.
        .limit(usize::MAX >> 4);
    let client = Client::builder().connector(connector);
    client.disable_redirects().disable_timeout().no_default_headers().finish()
}

fn frozen(client: &Client, test: &DriverTest, plan: &Request) -> Result<FrozenClientRequest, String> {
    let target = &test.assignment.target;
    let method = Method::from_bytes(plan.method.as_bytes())
        .map_err(|error| format!("request.method = {}: {error}", plan.method))?;
    // TLS runs below awc: to awc every target is plain http.
    let host = &target[Position::BeforeHost..Position::AfterPort];
    let uri = format!("http://{host}{}", target.path_and_query());
    let mut request = client.request(method, uri).no_decompress();
    let host = HeaderValue::from_str(host)
        .map_err(|error| format!("target.url = {}: {error}", mask_url(target.as_str())))?;
    if !plan.has_header("host") {
        request.headers_mut().insert(HOST, host);
    }
    if !plan.has_header("user-agent") {
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(US));
    }
    if !plan.connection_reuse {
        request = request.force_close();
    }
    let identity = plan.identify.then(|| ("x-groundswell-node".to_owned(), test.node_id.to_string()));
    for (name, value) in plan.headers.clone().into_iter().chain(identity) {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| format!("request.headers.{name}: {error}"))?;
        let value =
            HeaderValue::from_str(&value).map_err(|error| format!("request.headers.{name}: {error}"))?;
        request.headers_mut().append(key, value);
    }
    request.freeze().map_err(|error| {
        // Its type for a URI takes path and query as they are, except those with <, >, and ` or ".
        let url = mask_url(target.as_str());
        format!("target.url = {url}: {error} for the awc engine; the wire engine sends it as it is")
    })
}

impl ExchangeClient for AwcClient {
    fn name(&self) -> &'static str {
        "awc"
    }

    async fn exchange(&self, request: RequestIndex, so_far: Rc<Cell<Spans>>, body: BodySink) -> Exchange {
        let prepared = &self.requests[usize::from(request)];
        self.attempts.set(self.attempts.get() + 1);
        let began = Cell::new(Some(Instant::now()));
        let body = prepared.wants_body.then(|| WantedBody::new(body));
        let trace =
            Rc::new(Trace { id: self.attempts.get(), began, spans: so_far, body, ..Trace::default() });
        let attempt = Traced::new(Rc::clone(&trace), self.attempt(prepared, Rc::clone(&trace)));
        let outcome = match tokio::time::timeout(prepared.timeout, attempt).await {
            Ok(Ok(status)) => Outcome::Status(status),
            Ok(Err(failure)) => Outcome::Failed(trace.error.get().unwrap_or_else(|| failure.kind(&trace))),
            Err(_) if trace.connected.get() => Outcome::Failed(ErrorKind::Timeout),
            Err(_) => Outcome::Failed(ErrorKind::ConnectTimeout),
        };
        if let Some(connection) = trace.connection.take() {
            match outcome {
                Outcome::Status(_) if prepared.reuses => connection.rests(),
                Outcome::Status(_) | Outcome::Failed(_) => connection.is_spent(),
            }
        }
        let tls_cause = trace.tls_cause.get().map(|cause| of_client(cause, self.has_certificate));
        let Spans { connect, first_byte } = trace.spans.get();
        Exchange {
            outcome,
            tls_cause: tls_cause.filter(|_| outcome == Outcome::Failed(ErrorKind::Tls)),
            bytes_received: trace.bytes_received.get(),
            reused: trace.reused.get(),
            unconnected: !trace.connected.get(),
            turn: trace.turn.get(),
            connect,
            first_byte,
        }
    }

    fn opened(&self) -> Opened {
        self.opened.get()
    }

    fn redirected_to(&self) -> Option<&str> {
        self.redirected_to.get().map(String::as_str)
    }
}

impl AwcClient {
    /// Keeps where the first redirect points.
    fn note_redirect(&self, status: u16, headers: &HeaderMap) {
        if !(300..400).contains(&status) || self.redirected_to.get().is_some() {
            return;
        }
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        if let Some(location) = location.filter(|location| location.len() <= MAX_LOCATION) {
            self.redirected_to.get_or_init(|| location.to_owned());
        }
    }

    async fn attempt(&self, prepared: &Prepared, trace: Rc<Trace>) -> Result<u16, Failure> {
        let sending = match &prepared.body {
            Some(body) => prepared.request.send_body(body.clone()),
            // Not `send`, which sends `content-length: 0`.
            None => prepared.request.send_body(body::None::new()),
        };
        let mut answer = sending.await.map_err(Failure::Send)?;
        let status = answer.status().as_u16();
        self.note_redirect(status, answer.headers());
        let connection = trace.connection.borrow().clone();
        if let Some(connection) = &connection
            && ends_its_connection(&answer)
        {
            connection.serves_last();
        }
        let wanted = trace.body.as_ref();
        match body_of(&answer, prepared.head_only) {
            Body::None => return Ok(status),
            Body::Interim => return Err(Failure::Interim),
            Body::UntilClose => {
                if let Some(body) = wanted {
                    body.is_ignored();
                }
                return to_the_end(&trace, connection).await.map(|()| status);
            }
            Body::Framed => {
                if let Some(body) = wanted {
                    body.is_framed();
                }
            }
        }
        let mut bound = AT_ONCE_BYTES;
        while let Some(chunk) = answer.next().await {
            let chunk = chunk.map_err(Failure::Body)?;
            if let Some(body) = wanted {
                body.pass(chunk);
            }
            // A body that comes as fast as it is read would hold up all other attempts.
            if trace.bytes_received.get() >= bound {
                bound = trace.bytes_received.get() + AT_ONCE_BYTES;
                tokio::task::yield_now().await;
            }
        }
        // awc accepts a close as the end of any body, even of one whose head gave its length.
        let may_end_so =
            answer.version() == Version::HTTP_10 && !answer.headers().contains_key(CONTENT_LENGTH);
        if trace.peer_closed.get() && !may_end_so {
            return Err(Failure::Body(PayloadError::Incomplete(None)));
        }
        Ok(status)
    }
}

/// How an answer's body ends, by its head.
enum Body {
    /// It has a length, or chunks, or is of HTTP/1.0: awc reads it.
    Framed,
    /// There is none, whatever the fields are.
    None,
    /// It ends when the peer closes; awc takes it for empty.
    UntilClose,
    /// This is not the answer yet.
    Interim,
}

fn body_of(answer: &ClientResponse, head_only: bool) -> Body {
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Body::None,
        status if status.is_informational() => Body::Interim,
        _ if head_only => Body::None,
        _ if answer.version() != Version::HTTP_11 => Body::Framed,
        _ if answer.headers().contains_key(CONTENT_LENGTH) => Body::Framed,
        _ => match answer.headers().get(TRANSFER_ENCODING) {
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Body::Framed,
            _ => Body::UntilClose,
        },
    }
}

/// Whether no other answer can follow this one on its connection, though awc would keep it.
fn ends_its_connection(answer: &ClientResponse) -> bool {
    let headers = answer.headers();
    let keep_alive = |value: &HeaderValue| {
        let tokens = value.as_bytes().split(|byte| *byte == b',');
        tokens.map(<[u8]>::trim_ascii).any(|token| token.eq_ignore_ascii_case(b"keep-alive"))
    };
    answer.status() == StatusCode::SWITCHING_PROTOCOLS
        || (answer.version() != Version::HTTP_11 && !headers.get_all(CONNECTION).any(keep_alive))
        // Both framings at once (RFC 9112, 6.3): the end of the answer is ambiguous.
        || (headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING))
}

/// Reads a body that ends with the connection, which serves no more.
async fn to_the_end(trace: &Trace, connection: Option<Rc<NotedConnection>>) -> Result<(), Failure> {
    let Some(connection) = connection else { return Ok(()) };
    // awc has already returned the connection to its pool. Mark it as spent, or the pool's check for another attempt
    // could read bytes of this answer.
    connection.is_spent();
    std::future::poll_fn(|context| poll_to_the_end(&connection, context, trace)).await;
    if trace.error.get().is_some() { Err(Failure::Body(PayloadError::Incomplete(None))) } else { Ok(()) }
}

/// awc's own error, before the trace is consulted.
enum Failure {
    /// An interim answer, after which awc reads no other.
    Interim,
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
            Self::Interim => ErrorKind::Protocol,
            Self::Send(E::Connect(_)) => ErrorKind::Unreachable,
            Self::Send(E::Timeout) => ErrorKind::Timeout,
            Self::Send(E::Response(error)) => parse_error(error),
            Self::Send(E::Send(_)) => ErrorKind::Closed,
            Self::Body(_) if trace.peer_closed.get() => ErrorKind::Closed,
            // The socket did not fail, or the trace would hold its error: the chunks are malformed.
            Self::Body(PayloadError::Io(_) | PayloadError::Incomplete(Some(_))) => ErrorKind::Protocol,
            Self::Body(PayloadError::Incomplete(None)) => ErrorKind::Closed,
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
