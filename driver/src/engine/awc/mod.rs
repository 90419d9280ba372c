//! The awc engine: a whole HTTP client, for requests that the wire engine cannot send. Its pool checks a kept
//! connection before it reuses it. Neither awc nor this engine ever repeats a request.
//!
//! awc 3.11 differs from HTTP/1.1 in five points. It accepts a close as the end of any body. It takes an HTTP/1.1
//! answer without a length for an empty one. It keeps connections that HTTP/1.0 or a change of protocol ends. It
//! waits for the body of a 304 that names its length. It takes an interim answer (1xx) for the answer. The first four
//! are corrected here. An interim answer fails as `protocol`, and its connection is not reused: the real answer,
//! still to come, would be read as the next request's. `wanted` passes heads and bodies on. Other differences from the wire
//! engine stand in a column of the conformance tests' table.
//!
//! A rendered request is read again and sent as awc writes one: the names of its fields in lower case and in no order.
//! One whose path awc cannot send is not sent, and fails as `template`.

mod connection;
mod hosts;
mod setting_up;
mod stream;
mod text;
mod trace;
mod wanted;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ::awc::ClientResponse;
use ::awc::body;
use ::awc::error::{ConnectError, PayloadError, SendRequestError};
use ::awc::http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION, TRANSFER_ENCODING};
use ::awc::http::{StatusCode, Version};
use common::counters::ErrorKind;
use futures_util::StreamExt;

use self::connection::Connection as NotedConnection;
use self::hosts::Hosts;
use self::stream::{AT_ONCE_BYTES, poll_to_the_end};
use self::text::Text;
use self::trace::{Trace, Traced};
use self::wanted::{Wanted, Wants};
use super::tls::of_client;
use super::{
    AnswerSink, Client as ExchangeClient, Exchange, MAX_LOCATION, Opened, Outcome, Rendered, RequestIndex,
    RequestSpec, Spans,
};
use crate::driver_test::DriverTest;

/// One request, as all attempts with it need it.
struct Prepared {
    text: Text,
    /// Where it goes, by the host's index.
    host: usize,
    /// Whether it is sent on kept connections, and leaves its own for others.
    reuses: bool,
    timeout: Duration,
    wants: Wants,
}

pub struct AwcClient {
    requests: Box<[Prepared]>,
    hosts: Hosts,
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

    /// Prepares several requests to the hosts of a test, whose indexes are those of this list.
    ///
    /// # Errors
    /// As [`AwcClient::new`], and where the test has no host of that index.
    pub fn of_each(test: &DriverTest, requests: &[RequestSpec<'_>]) -> Result<Self, String> {
        let opened = Rc::new(Cell::new(Opened::default()));
        let hosts = Hosts::new(test, &opened)?;
        let prepare = |spec: &RequestSpec<'_>| Prepared::new(&hosts, test, spec);
        Ok(Self {
            requests: requests.iter().map(prepare).collect::<Result<_, _>>()?,
            hosts,
            opened,
            attempts: Cell::new(0),
            redirected_to: OnceCell::new(),
        })
    }
}

impl Prepared {
    fn new(hosts: &Hosts, test: &DriverTest, spec: &RequestSpec<'_>) -> Result<Self, String> {
        let &RequestSpec { request: plan, bytes, host, wants_head, wants_body, max_body } = spec;
        let host = usize::from(host);
        let url = &test.hosts.get(host).ok_or_else(|| format!("the test has no host {host}"))?.url;
        let client = hosts.client(host, plan.connection_reuse, None);
        let text = match bytes {
            Some(bytes) => Text::parsed(&client, url, &bytes.to_vec().into())?,
            None => Text::new(&client, test, url, plan)?,
        };
        Ok(Self {
            text,
            host,
            reuses: plan.connection_reuse,
            timeout: plan.timeout,
            wants: Wants { head: wants_head, body: wants_body, max_body },
        })
    }
}

impl ExchangeClient for AwcClient {
    fn name(&self) -> &'static str {
        "awc"
    }

    async fn exchange(&self, request: RequestIndex, so_far: Rc<Cell<Spans>>, answer: AnswerSink) -> Exchange {
        let prepared = &self.requests[usize::from(request)];
        self.send(prepared, &prepared.text, prepared.host, so_far, answer).await
    }

    async fn exchange_rendered(
        &self,
        rendered: Rendered,
        so_far: Rc<Cell<Spans>>,
        answer: AnswerSink,
    ) -> Exchange {
        let Rendered { request, host, own_connection, bytes } = rendered;
        let (prepared, host) = (&self.requests[usize::from(request)], usize::from(host));
        let client = self.hosts.client(host, prepared.reuses, own_connection);
        match Text::parsed(&client, self.hosts.url(host), &bytes) {
            Ok(text) => self.send(prepared, &text, host, so_far, answer).await,
            Err(_) => unsent(),
        }
    }

    fn close_own(&self, slot: u32) {
        self.hosts.close_own(slot);
    }

    fn opened(&self) -> Opened {
        self.opened.get()
    }

    fn redirected_to(&self) -> Option<&str> {
        self.redirected_to.get().map(String::as_str)
    }
}

/// An attempt whose request awc cannot send.
fn unsent() -> Exchange {
    Exchange { unconnected: true, ..Exchange::of(Outcome::Failed(ErrorKind::Template)) }
}

impl AwcClient {
    /// Makes one attempt with a request, to that host, within the time that `prepared` has.
    async fn send(
        &self,
        prepared: &Prepared,
        text: &Text,
        host: usize,
        so_far: Rc<Cell<Spans>>,
        answer: AnswerSink,
    ) -> Exchange {
        self.attempts.set(self.attempts.get() + 1);
        let began = Cell::new(Some(Instant::now()));
        let wanted = prepared.wants.anything().then(|| Wanted::new(prepared.wants, answer));
        let trace =
            Rc::new(Trace { id: self.attempts.get(), began, spans: so_far, wanted, ..Trace::default() });
        let attempt = Traced::new(Rc::clone(&trace), self.attempt(text, Rc::clone(&trace)));
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
        let tls_cause = trace.tls_cause.get().map(|cause| of_client(cause, self.hosts.has_certificate(host)));
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

    async fn attempt(&self, text: &Text, trace: Rc<Trace>) -> Result<u16, Failure> {
        let sending = match &text.body {
            Some(body) => text.request.send_body(body.clone()),
            // Not `send`, which sends `content-length: 0`.
            None => text.request.send_body(body::None::new()),
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
        let wanted = trace.wanted.as_ref();
        let body = body_of(&answer, text.head_only);
        if let (Some(wanted), false) = (wanted, matches!(body, Body::Interim)) {
            wanted.head(status);
        }
        match body {
            Body::None => return Ok(status),
            Body::Interim => return Err(Failure::Interim),
            Body::UntilClose => {
                if let Some(wanted) = wanted {
                    wanted.is_ignored();
                    if wanted.is_too_large(None) {
                        return Err(Failure::TooLarge);
                    }
                }
                return to_the_end(&trace, connection).await.map(|()| status);
            }
            Body::Framed => {
                if let Some(wanted) = wanted {
                    wanted.is_framed();
                    if wanted.is_too_large(length_of(&answer)) {
                        return Err(Failure::TooLarge);
                    }
                }
            }
        }
        let mut bound = AT_ONCE_BYTES;
        while let Some(chunk) = answer.next().await {
            let chunk = chunk.map_err(Failure::Body)?;
            if let Some(wanted) = wanted {
                wanted.pass(chunk);
                if wanted.is_too_large(None) {
                    return Err(Failure::TooLarge);
                }
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

/// The length of the body that its head gives.
fn length_of(answer: &ClientResponse) -> Option<u64> {
    answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
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
    /// A body that is wanted, and longer than it may be.
    TooLarge,
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
            Self::TooLarge => ErrorKind::TooLarge,
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
