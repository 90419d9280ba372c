//! What holds for every request and every answer, whichever its route: the token, the host, the origin, the headers
//! that keep browsers careful, and that every error is a problem.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use super::docs;
use super::host::is_loopback_host;
use super::page::{self, PageNonce};
use super::problem::{PROBLEM_JSON, Problem};
use super::state::AppState;

/// Paths that watchers ask without a token.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];

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

fn refusal(request: &ServiceRequest) -> Option<actix_web::HttpResponse> {
    let state = request.app_data::<Data<AppState>>()?;
    let access = &state.access;
    if access.token.is_none() && !access.any_host && !is_loopback_host(request.uri(), request.headers()) {
        let detail = "without a token this orchestrator answers to a name or an address of loopback alone, as \
                      localhost or 127.0.0.1; set http.token_file, or http.allow_unauthenticated = true";
        return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).response());
    }
    let is_open = OPEN_PATHS.contains(&request.path()) || docs::is_of_docs(request.path());
    if !is_open && access.token.as_ref().is_some_and(|token| !token.is_in(request.headers())) {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "this orchestrator asks for a bearer token")
            .with_header("www-authenticate", "Bearer realm=\"groundswell\"");
        // A browser cannot send the token by itself: it gets the page, which holds no data, and asks for it.
        return Some(if page::is_wanted(request) {
            page::login(request.request())
        } else {
            problem.response()
        });
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) && is_foreign(request) {
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
    let nonce = response.request().extensions().get::<PageNonce>().map(PageNonce::policy);
    if (status.is_client_error() || status.is_server_error()) && !is_problem && nonce.is_none() {
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
    // A page says itself what it may load.
    let has_policy = headers.contains_key(header::CONTENT_SECURITY_POLICY);
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if let Some(policy) = nonce {
        set(header::CONTENT_SECURITY_POLICY, &policy);
    } else if !has_policy {
        set(header::CONTENT_SECURITY_POLICY, BARE_CSP);
    }
    response
}
