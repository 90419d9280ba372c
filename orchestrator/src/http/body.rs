//! The body of a request: bounded in size and time, and of a type that is understood.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use actix_web::web::Payload;
use common::plan::PlanFormat;
use futures_util::StreamExt;

use super::problem::Problem;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The format that the request says its body has.
///
/// # Errors
/// 415 where it says none, or one that plans do not have.
pub fn plan_format(request: &HttpRequest) -> Result<PlanFormat, Problem> {
    let refused = |detail: String| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            .with_header("accept", "application/json, application/toml")
            .with_header("accept-encoding", "identity")
    };
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(refused("a plan is sent without content-encoding".to_owned()));
    }
    let given =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (essence, parameters) = given.split_once(';').unwrap_or((given, ""));
    let charset =
        parameters.split(';').filter_map(|one| one.trim().split_once('=')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"').to_ascii_lowercase())
        });
    match essence.trim().to_ascii_lowercase().as_str() {
        _ if charset.is_some_and(|charset| charset != "utf-8") => Err(refused("a plan is UTF-8".to_owned())),
        "application/json" => Ok(PlanFormat::Json),
        "application/toml" => Ok(PlanFormat::Toml),
        "" => {
            Err(refused("content-type is missing: a plan is application/json or application/toml".to_owned()))
        }
        other => {
            let other: String = other.chars().take(80).collect();
            Err(refused(format!("a plan is application/json or application/toml, not {other}")))
        }
    }
}

/// Checks that the request says its body is JSON.
///
/// # Errors
/// 415 where it says something else, or nothing.
pub fn json_alone(request: &HttpRequest) -> Result<(), Problem> {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    let plain = encoding.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let given =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if plain && essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the body is application/json, without content-encoding";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    Err(problem.with_header("accept", "application/json").with_header("accept-encoding", "identity"))
}

/// Reads a body whole, as text.
///
/// # Errors
/// 413 where it is longer than `max_bytes`, 408 where it takes too long, 400 where it breaks off or is not UTF-8.
pub async fn read_text(
    request: &HttpRequest,
    mut payload: Payload,
    max_bytes: usize,
) -> Result<String, Problem> {
    let too_long =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {max_bytes} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > max_bytes) {
        return Err(too_long());
    }
    let whole = async {
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > max_bytes {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    let late = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took longer than 30 s to arrive");
    let body = tokio::time::timeout(BODY_TIMEOUT, whole).await.map_err(late)??;
    String::from_utf8(body)
        .map_err(|error| Problem::bad_request(format!("the body is not valid UTF-8: {error}")))
}
