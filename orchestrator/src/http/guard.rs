//! What holds for every request and every answer, whichever its route: the token, the host, the origin, the headers
//! that keep browsers careful, and that every error is a problem.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use super::host::is_loopback_host;
use super::problem::{PROBLEM_JSON, Problem};
use super::state::AppState;
use super::{dashboard, docs, session};

/// Paths that watchers ask without a token.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// Paths outside of `/api/` that are not pages: who opens them by a browser has to log in first.
const FOR_PROGRAMS: [&str; 2] = ["/metrics", "/openapi.json"];

/// Answers that hold no page load nothing and stand in no frame.
const BARE_CSP: &str = "default-src 'none'; frame-ancestors 'none'";

/// Lets a request in or answers it, and completes the answer.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = match refusal(&request) {
        Some(refused) => request.into_response(refused),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    Ok(completed(response))
}

/// Whether this path is answered without a token: it watches, logs in or out, or is a page
/// or documentation, which hold no data.
fn is_open(method: &Method, path: &str) -> bool {
    let logs_in_or_out = path == session::PATH && matches!(*method, Method::POST | Method::DELETE);
    OPEN_PATHS.contains(&path) || docs::is_of_docs(path) || logs_in_or_out || dashboard::is_part(method, path)
}

fn refusal(request: &ServiceRequest) -> Option<HttpResponse> {
    let state = request.app_data::<Data<AppState>>()?;
    let access = &state.access;
    if access.token.is_none() && !access.any_host && !is_loopback_host(request.uri(), request.headers()) {
        let detail = "without a token this orchestrator answers to a name or an address of loopback alone, as \
                      localhost or 127.0.0.1; set http.token_file, or http.allow_unauthenticated = true";
        return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).response());
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(token) = access.token.as_ref().filter(|_| !is_open(request.method(), request.path()))
        && !token.is_in(request.headers())
    {
        if session::expiry(token, request.headers(), state.clock.unix_us()).is_none() {
            // The document holds no data: it says that the address is wrong, and logs in.
            if dashboard::is_by_a_person(request.request()) && !FOR_PROGRAMS.contains(&request.path()) {
                return Some(dashboard::missing());
            }
            let detail = "this orchestrator asks for a bearer token, or a log-in (POST /api/v1/session)";
            let problem = Problem::new(StatusCode::UNAUTHORIZED, detail)
                .with_header("www-authenticate", "Bearer realm=\"groundswell\"");
            return Some(problem.response());
        }
        // A browser adds the cookie by itself, so the request must show that one of our pages made it.
        if changes && !request.headers().contains_key(header::ORIGIN) {
            let detail = "a log-in changes tests from the dashboard alone, whose requests have an Origin: send the \
                          bearer token";
            return Some(Problem::new(StatusCode::FORBIDDEN, detail).response());
        }
    }
    if changes && is_foreign(request) {
        let detail = "a page of another site sent this: what changes tests is taken from this site alone";
        return Some(Problem::new(StatusCode::FORBIDDEN, detail).response());
    }
    None
}

/// Whether a browser sent this for a page that is not ours. Other programs send no `Origin`.
fn is_foreign(request: &ServiceRequest) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let host = request.headers().get(header::HOST);
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else { return true };
    origin.split_once("://").is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(host))
}

fn completed(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(PROBLEM_JSON.as_bytes()));
    // An address that no page has: the dashboard says so to a browser.
    let is_page =
        status == StatusCode::NOT_FOUND && response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
    if (status.is_client_error() || status.is_server_error()) && !is_problem && !is_page {
        // actix-web's own: a payload, a path or a head that it refused.
        let why = response.response().error().map(ToString::to_string);
        let problem = if status.is_server_error() {
            Problem::internal(&why.unwrap_or_default())
        } else {
            Problem::new(status, why.unwrap_or_else(|| "the request was refused".to_owned()))
        };
        let status = StatusCode::from_u16(problem.status).unwrap_or(status);
        let (request, _) = response.into_parts();
        let mut answer = problem.response();
        *answer.status_mut() = status;
        response = ServiceResponse::new(request, answer);
    }
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    // A page says what it may load, and a file how long it is kept.
    for (name, value) in [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_SECURITY_POLICY, BARE_CSP)] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
