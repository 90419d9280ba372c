//! Logging in: a page cannot keep the token safely, so it gives it once and gets a cookie that no script reads. The cookie
//! holds when it expires and a signature of that by the token (`Token::sign`): nothing is stored, it outlives a restart,
//! and another token ends all of them.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::clock::{UnixMicros, rfc3339};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::auth::Token;
use super::problem::{KeyProblem, Problem};
use super::query::Query;
use super::state::AppState;
use super::{body, error_responses};

/// Where one logs in and out.
pub const PATH: &str = "/api/v1/session";

/// How long a log-in lasts, in seconds: 12 hours.
const LASTS_S: u64 = 12 * 3_600;

/// Longest body of a log-in.
const MAX_BYTES: usize = 16 * 1024;

/// What the signature of a cookie is for.
const PURPOSE: &str = "groundswell session cookie, version 1";

/// Seconds since 1970.
fn seconds(now: UnixMicros) -> u64 {
    u64::try_from(now / 1_000_000).unwrap_or(0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The cookie's name: that of the token, since a browser sends the cookies of a host to each of its ports, and
/// orchestrators with different tokens must not take each other's away.
pub(super) fn name_of(token: &Token) -> String {
    let signature = hex(&token.sign("groundswell session cookie name", ""));
    format!("groundswell_{}", signature.get(..8).unwrap_or_default())
}

/// A cookie's value that is valid until then.
pub(super) fn value_of(token: &Token, expires_s: u64) -> String {
    format!("{expires_s}.{}", hex(&token.sign(PURPOSE, &expires_s.to_string())))
}

/// When the log-in of a request expires, in seconds since 1970; `None` where it has no valid one.
pub fn expiry(token: &Token, headers: &HeaderMap, now: UnixMicros) -> Option<u64> {
    let name = name_of(token);
    let fields = headers.get_all(header::COOKIE).filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    values.find_map(|value| {
        let (expires, _) = value.split_once('.')?;
        let expires_s: u64 = expires.parse().ok()?;
        let is_ours = bool::from(value_of(token, expires_s).as_bytes().ct_eq(value.as_bytes()));
        (is_ours && seconds(now) < expires_s && expires_s <= seconds(now) + LASTS_S).then_some(expires_s)
    })
}

/// How much longer the log-in is valid that alone lets this request in; `None` where the token does, or none is asked for.
pub fn valid_for(request: &HttpRequest, state: &AppState) -> Option<Duration> {
    let token = state.access.token.as_ref().filter(|token| !token.is_in(request.headers()))?;
    let now = state.clock.unix_us();
    expiry(token, request.headers(), now)
        .map(|until_s| Duration::from_secs(until_s.saturating_sub(seconds(now))))
}

/// How a request was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LetInBy {
    /// The orchestrator has no token.
    Anyone,
    /// The bearer token.
    Token,
    /// The cookie of a log-in.
    Cookie,
}

/// The log-in of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// What let the request in.
    pub by: LetInBy,
    /// When the log-in expires, RFC 3339; null where there is none.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// The token, to log in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The orchestrator's token.
    pub token: String,
}

/// The field that sets the cookie, for so many seconds; of 0 s the browser removes it.
fn set_cookie(request: &HttpRequest, token: &Token, value: &str, lasts_s: u64) -> String {
    // Behind a proxy that ends TLS the browser's own word says whether the page came over TLS.
    let origin = request.headers().get(header::ORIGIN);
    let is_secure = request.app_config().secure()
        || origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    let name = name_of(token);
    format!("{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}")
}

/// Logs in: with the right token the answer sets a cookie (HttpOnly, SameSite=Strict) that is as good as the token for
/// 12 hours. What changes something is then taken from pages of this orchestrator alone: its `Origin` must be ours.
/// Where the orchestrator has no token there is nothing to log in to, and no cookie is set.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "log_in",
    tag = "process",
    request_body(description = "the token", content((LogIn = "application/json"))),
    responses(
        (status = 204, description = "logged in", headers(("Set-Cookie" = String, description = "the log-in"))),
        error_responses::Always,
        (status = 403, response = error_responses::Forbidden),
        (status = 408, response = error_responses::RequestTimeout),
        (status = 413, response = error_responses::PayloadTooLarge),
        (status = 415, response = error_responses::UnsupportedMediaType),
    )
)]
pub async fn log_in(
    request: HttpRequest,
    payload: Payload,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    body::json_alone(&request)?;
    let text = body::read_text(&request, payload, MAX_BYTES).await?;
    let given: LogIn = serde_json::from_str(&text).map_err(|_| {
        // What serde says could quote the token.
        let reason = "the body is {\"token\": \"…\"}: a table with this one key";
        Problem::parameters(StatusCode::BAD_REQUEST, vec![KeyProblem::of_body("token", "", reason)])
    })?;
    let mut answer = HttpResponse::NoContent();
    if let Some(token) = &state.access.token {
        if !token.is(given.token.trim().as_bytes()) {
            log::warn!(address:? = request.peer_addr(); "log-in refused");
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "this is not the orchestrator's token")
                .with_header("www-authenticate", "Bearer realm=\"groundswell\""));
        }
        let expires_s = seconds(state.clock.unix_us()) + LASTS_S;
        let value = value_of(token, expires_s);
        answer.insert_header((header::SET_COOKIE, set_cookie(&request, token, &value, LASTS_S)));
    }
    Ok(answer.finish())
}

/// Logs out: the browser forgets the cookie.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "log_out",
    tag = "process",
    responses(
        (status = 204, description = "logged out"),
        error_responses::Always,
        (status = 403, response = error_responses::Forbidden),
    )
)]
pub async fn log_out(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let mut answer = HttpResponse::NoContent();
    if let Some(token) = &state.access.token {
        answer.insert_header((header::SET_COOKIE, set_cookie(&request, token, "", 0)));
    }
    Ok(answer.finish())
}

/// What let this request in: the token, the cookie of a log-in, or that the orchestrator has no token.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "get_session",
    tag = "process",
    responses(
        (status = 200, description = "the log-in", body = SessionView, content_type = "application/json"),
        error_responses::Always,
    )
)]
pub async fn get(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let (by, expires_s) = match &state.access.token {
        None => (LetInBy::Anyone, None),
        Some(token) if token.is_in(request.headers()) => (LetInBy::Token, None),
        Some(token) => (LetInBy::Cookie, expiry(token, request.headers(), state.clock.unix_us())),
    };
    let expires_at = expires_s
        .and_then(|expires_s| i64::try_from(expires_s).ok())
        .map(|expires_s| rfc3339(expires_s * 1_000_000));
    Ok(HttpResponse::Ok().json(SessionView { by, expires_at }))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use common::settings::Secret;

    use super::*;

    const NOW: UnixMicros = 1_800_000_000_000_000;

    fn with_cookies(fields: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::COOKIE, HeaderValue::from_str(field).unwrap());
        }
        headers
    }

    #[test]
    fn a_log_in_is_valid_until_it_expires_and_for_its_token_alone() {
        let (token, other) = (Token::new(Secret::new("s3cret")), Token::new(Secret::new("another")));
        let (name, until) = (name_of(&token), seconds(NOW) + LASTS_S);
        let value = value_of(&token, until);
        let later = |s: u64| NOW + i64::try_from(s).unwrap() * 1_000_000;
        let given = with_cookies(&["a=b".to_owned(), format!("x=y; {name}=wrong; {name}={value}; z")]);
        assert_eq!(expiry(&token, &given, NOW), Some(until));
        assert_eq!(expiry(&token, &given, later(LASTS_S - 1)), Some(until));
        assert_eq!(expiry(&token, &given, later(LASTS_S)), None, "it has expired");
        assert_eq!(expiry(&other, &given, NOW), None);
        let others = format!("{name}={}", value_of(&other, until));
        let (_, signature) = value.split_once('.').unwrap();
        for wrong in [
            others,
            format!("{name}={}.{signature}", until + 1),
            format!("{name}=+{value}"),
            format!("{name}={}", value_of(&token, until + 1)),
            format!("{name}="),
            format!("{name}={until}"),
            format!("{name}={until}."),
            format!("{name}={}", value.to_uppercase().replace("E", "F")),
            format!("{}={value}", name_of(&other)),
        ] {
            assert_eq!(expiry(&token, &with_cookies(std::slice::from_ref(&wrong)), NOW), None, "{wrong}");
        }
        assert_eq!(expiry(&token, &HeaderMap::new(), NOW), None);
    }
}
