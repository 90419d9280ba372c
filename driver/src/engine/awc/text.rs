//! Requests as awc takes them: made from a plan's, or read again from the bytes of a rendered one.

use ::awc::http::Method;
use ::awc::http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use ::awc::{Client, ClientRequest, FrozenClientRequest};
use bytes::Bytes;
use common::plan::{Request, TargetUrl, mask_url};
use httparse::{EMPTY_HEADER, Status};
use url::Position;

use crate::driver_test::DriverTest;
use crate::engine::USER_AGENT as US;

/// A request, ready to be sent.
pub struct Text {
    pub request: FrozenClientRequest,
    pub body: Option<Bytes>,
    pub head_only: bool,
}

impl Text {
    /// A plan's request to that host.
    ///
    /// # Errors
    /// Where awc cannot send it; the text names the part.
    pub fn new(client: &Client, test: &DriverTest, url: &TargetUrl, plan: &Request) -> Result<Self, String> {
        let request = frozen(client, test, url, plan)?;
        let body = Bytes::from(plan.body.clone());
        // These send `content-length: 0` with an empty body: a server may wait for a body otherwise.
        let says_length = [Method::POST, Method::PUT, Method::PATCH].contains(request.get_method());
        Ok(Self {
            body: (says_length || !body.is_empty()).then_some(body),
            head_only: *request.get_method() == Method::HEAD,
            request,
        })
    }

    /// The request that these bytes are: a whole HTTP/1.1 request.
    ///
    /// # Errors
    /// Where the bytes are not a request, or not one that awc can send; the text names the part.
    pub fn parsed(client: &Client, url: &TargetUrl, bytes: &Bytes) -> Result<Self, String> {
        // Each field takes a line.
        let mut fields = vec![EMPTY_HEADER; memchr::memchr_iter(b'\n', head_of(bytes)).count()];
        let mut parsed = httparse::Request::new(&mut fields);
        let length = match parsed.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Err("the rendered request has no whole head".to_owned()),
            Err(error) => return Err(format!("the rendered request: {error}")),
        };
        let method = method(parsed.method.unwrap_or_default())?;
        let head_only = method == Method::HEAD;
        let mut request = to(client, url, method, parsed.path.unwrap_or_default());
        let mut says_length = false;
        for field in parsed.headers.iter() {
            let name = HeaderName::from_bytes(field.name.as_bytes())
                .map_err(|error| format!("header {}: {error}", field.name))?;
            if name == CONTENT_LENGTH {
                // awc writes it.
                says_length = true;
                continue;
            }
            if name == CONNECTION && field.value.eq_ignore_ascii_case(b"close") {
                request = request.force_close();
                continue;
            }
            let value = HeaderValue::from_bytes(field.value)
                .map_err(|error| format!("header {}: {error}", field.name))?;
            request.headers_mut().append(name, value);
        }
        let body = bytes.slice(length..);
        Ok(Self {
            request: freeze(request, url)?,
            body: (says_length || !body.is_empty()).then_some(body),
            head_only,
        })
    }
}

/// The bytes up to the first empty line.
fn head_of(bytes: &[u8]) -> &[u8] {
    memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes, |end| &bytes[..end + 4])
}

fn method(name: &str) -> Result<Method, String> {
    Method::from_bytes(name.as_bytes()).map_err(|error| format!("request.method = {name}: {error}"))
}

/// A request for that path and query of a host.
fn to(client: &Client, url: &TargetUrl, method: Method, path_and_query: &str) -> ClientRequest {
    // TLS runs below awc: to awc every target is plain http.
    let host = &url[Position::BeforeHost..Position::AfterPort];
    client.request(method, format!("http://{host}{path_and_query}")).no_decompress()
}

fn frozen(
    client: &Client,
    test: &DriverTest,
    url: &TargetUrl,
    plan: &Request,
) -> Result<FrozenClientRequest, String> {
    let mut request = to(client, url, method(&plan.method)?, url.path_and_query());
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
        .map_err(|error| format!("target.url = {}: {error}", mask_url(url.as_str())))?;
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
    freeze(request, url)
}

fn freeze(request: ClientRequest, url: &TargetUrl) -> Result<FrozenClientRequest, String> {
    request.freeze().map_err(|error| {
        // Its type for a URI takes path and query as they are, except those with <, >, and ` or ".
        let url = mask_url(url.as_str());
        format!("target.url = {url}: {error} for the awc engine; the wire engine sends it as it is")
    })
}
