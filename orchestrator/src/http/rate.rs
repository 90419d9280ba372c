//! The rate of a running test over REST: read from the body, and changed.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::plan;

use super::load_tests::test_id;
use super::problem::{KeyProblem, Problem};
use super::query::Query;
use super::series::MAX_NAMED;
use super::state::AppState;
use super::{body, error_responses};
use crate::model::{RateOrder, RateView, TestView};

/// Longest body of a change of a running test.
const MAX_ORDER_BYTES: usize = 4_096;

/// Changes the rate of a running test: all drivers at one instant, which the answer names. From then on its schedule
/// goes on with the new rate. Repeating it for the same rate changes nothing. It is refused for a closed loop, with
/// stages, with rows that are used once, and above what `max_sessions`, `target_throughput` or a driver's
/// `safety.max_rate` allows.
#[utoipa::path(
    patch,
    path = "/api/v1/tests/{id}",
    operation_id = "change_rate",
    tag = "tests",
    params(("id" = String, Path, description = "the test's id")),
    request_body(description = "the new rate", content((RateOrder = "application/json"))),
    responses(
        (status = 202, description = "the rate, and from when on it holds", body = RateView, content_type = "application/json"),
        error_responses::OfATest,
        (status = 403, response = error_responses::Forbidden),
        (status = 408, response = error_responses::RequestTimeout),
        (status = 409, response = error_responses::Conflict),
        (status = 413, response = error_responses::PayloadTooLarge),
        (status = 415, response = error_responses::UnsupportedMediaType),
    )
)]
pub async fn change_rate(
    request: HttpRequest,
    payload: Payload,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let test_id = test_id(&request)?;
    body::json_alone(&request)?;
    let text = body::read_text(&request, payload, MAX_ORDER_BYTES).await?;
    let rate = rate_order(&text)?;
    let test = state.commands.tests.change_rate(test_id, rate).await?;
    Ok(HttpResponse::Accepted().json(rate_by_now(test, rate)))
}

/// The rate that a body asks for: `{"rate": 500}`.
fn rate_order(text: &str) -> Result<f64, Problem> {
    let body: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
    let keys = body.as_object().ok_or_else(|| {
        Problem::bad_request("the body is not a table; expected {\"rate\": 500}".to_owned())
    })?;
    let unknown = keys.iter().filter(|(key, _)| *key != "rate").map(|(key, value)| {
        let reason = "is not a key that a running test takes; rate is the only one";
        KeyProblem::of_body(key, &value.to_string(), reason)
    });
    let mut errors: Vec<KeyProblem> = unknown.take(MAX_NAMED).collect();
    let given = match keys.get("rate") {
        None => Err("is missing".to_owned()),
        Some(serde_json::Value::Number(number)) => Ok(number.as_f64().unwrap_or(f64::NAN)),
        Some(serde_json::Value::String(text)) => plan::parse_rate(text),
        Some(_) => Err("expected requests per second, as in 200 or \"200/s\"".to_owned()),
    };
    let rate = given.and_then(|rate| {
        let range = "must be from 0.00001 to 10000000 requests/s";
        if plan::is_rate(rate) { Ok(rate) } else { Err(range.to_owned()) }
    });
    match rate {
        Ok(rate) if errors.is_empty() => return Ok(rate),
        Ok(_) => {}
        Err(reason) => {
            let value = keys.get("rate").map_or(String::new(), ToString::to_string);
            errors.push(KeyProblem::of_body("rate", &value, reason));
        }
    }
    Err(Problem::parameters(StatusCode::BAD_REQUEST, errors))
}

/// The last change; where there was none, the rate is the plan's.
fn rate_by_now(test: TestView, rate: f64) -> RateView {
    let test_id = test.test_id;
    match test.rate_changes.into_iter().next_back() {
        Some(last) => {
            RateView { test_id, rate: last.rate, at: last.at, at_s: last.at_s, change: Some(last.change) }
        }
        None => RateView {
            test_id,
            rate,
            at: test.started_at.unwrap_or(test.created_at),
            at_s: 0.0,
            change: None,
        },
    }
}
