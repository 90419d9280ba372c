//! Load tests over REST: create, trigger, stop, look at, and their series.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::ids::TestId;
use common::plan::{PlanFormat, parse_duration, write_duration};
use serde::de::DeserializeOwned;

use super::copy::{self, CopyOrder, PlanOrTest};
use super::problem::Problem;
use super::query::{Query, decode_segment};
use super::state::AppState;
use super::{data, error_responses, plans};
use crate::data_files::hashes_in;
use crate::model::{TestPage, TestState, TestView, Verdict};
use crate::store::{Cursor, TestFilter};

/// Rows of a page of the history, where the request does not say.
const PAGE_ROWS: u64 = 50;

/// Most rows of a page of the history.
const MAX_PAGE_ROWS: u64 = 200;

/// Longest text that is looked for in the history.
const MAX_SEARCHED_BYTES: usize = 256;

/// Longest time that a trigger waits for the test that is under way.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The id in the path. A malformed id is answered with 404, as an unknown one is.
pub(super) fn test_id(request: &HttpRequest) -> Result<TestId, Problem> {
    let raw = request.match_info().get("id").unwrap_or_default();
    let id = decode_segment(raw).and_then(|id| TestId::new(&id).ok());
    id.ok_or_else(|| Problem::not_found("that test does not exist"))
}

pub(super) async fn view_of(request: &HttpRequest, state: &AppState) -> Result<TestView, Problem> {
    Query::none(request.query_string())?;
    Ok(state.commands.tests.get(test_id(request)?).await?)
}

/// Creates a test from a plan: the plan is checked and stored. Drivers receive it when the test is triggered. A body
/// `{"from": "TEST"}` takes the plan of that test, with the secrets that answers mask, and may have a `name` for the new
/// one.
#[utoipa::path(
    post,
    path = "/api/v1/tests",
    operation_id = "create_test",
    tag = "tests",
    request_body(
        description = "a plan, in JSON or TOML, or the test whose plan is to be taken",
        content((PlanOrTest = "application/json"), (String = "application/toml"))
    ),
    responses(
        (status = 201, description = "the test, `configured`", body = TestView, content_type = "application/json",
            headers(("Location" = String, description = "where the test is"))),
        error_responses::TakesAPlan,
        (status = 404, response = error_responses::NotFound),
        (status = 409, response = error_responses::Conflict),
    )
)]
pub async fn create(
    request: HttpRequest,
    payload: Payload,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let (text, format) = plans::text(&request, payload, &state).await?;
    // Until the test is stored that names its data files, none of them is deleted.
    let _kept = state.data.in_use().await;
    let copied = if format == PlanFormat::Json { copy::read(&text)? } else { None };
    let (test, files) = match copied {
        Some(CopyOrder { from, name }) => {
            let test = state.commands.tests.copy(from, name).await?;
            let files = hashes_in(&test.plan.to_string());
            (test, files)
        }
        None => {
            let plan = plans::read(text, format, &state).await?;
            let files = plan.program.as_ref().map(|program| program.files()).unwrap_or_default();
            (state.commands.tests.create(plan).await?, files)
        }
    };
    if !files.is_empty() {
        let data = Arc::clone(&state.data);
        // What fails is logged there.
        let _ = web::block(move || data.named(&files)).await;
    }
    let location = format!("/api/v1/tests/{}", test.test_id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(test))
}

/// The history, newest first: the tests for which all that is given holds.
#[utoipa::path(
    get,
    path = "/api/v1/tests",
    operation_id = "list_tests",
    tag = "tests",
    params(
        ("limit" = Option<u64>, Query, description = "rows of a page; 50 by default", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", min_length = 3, max_length = 270),
        ("state" = Option<TestState>, Query, description = "tests in this state"),
        ("verdict" = Option<Verdict>, Query, description = "tests with this verdict"),
        ("q" = Option<String>, Query, description = "tests with this text in their name or id; upper and lower case of a to z are alike", min_length = 1, max_length = 256),
    ),
    responses(
        (status = 200, description = "a page of the history", body = TestPage, content_type = "application/json"),
        error_responses::Stored,
    )
)]
pub async fn list(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["limit", "cursor", "state", "verdict", "q"]);
    let limit = query.number("limit", 1..=MAX_PAGE_ROWS).unwrap_or(PAGE_ROWS);
    let cursor = query.get("cursor", str::parse::<Cursor>);
    let filter = TestFilter {
        state: query.get("state", one_of),
        verdict: query.get("verdict", one_of),
        text: query.get("q", searched),
    };
    query.done()?;
    let limit = u32::try_from(limit).unwrap_or(1);
    let page = state.read(state.history.page(limit, cursor, filter)).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// A word of a closed list, such as a state; serde's message names all of them.
fn one_of<T: DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

/// A text to look for.
fn searched(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && text.len() <= MAX_SEARCHED_BYTES;
    fits.then(|| text.to_owned()).ok_or_else(|| format!("must have 1 to {MAX_SEARCHED_BYTES} bytes"))
}

/// A test, live or finished.
#[utoipa::path(
    get,
    path = "/api/v1/tests/{id}",
    operation_id = "get_test",
    tag = "tests",
    params(("id" = String, Path, description = "the test's id")),
    responses(
        (status = 200, description = "the test", body = TestView, content_type = "application/json"),
        error_responses::OfATest,
    )
)]
pub async fn get(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(view_of(&request, &state).await?))
}

/// Removes a test that was never started or is finished, with all that is stored of it.
#[utoipa::path(
    delete,
    path = "/api/v1/tests/{id}",
    operation_id = "delete_test",
    tag = "tests",
    params(("id" = String, Path, description = "the test's id")),
    responses(
        (status = 204, description = "it is removed"),
        error_responses::OfATest,
        (status = 403, response = error_responses::Forbidden),
        (status = 409, response = error_responses::Conflict),
    )
)]
pub async fn delete(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let id = test_id(&request)?;
    let test = state.commands.tests.get(id.clone()).await?;
    state.commands.tests.delete(id).await?;
    data::forget(&state, hashes_in(&test.plan.to_string())).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Publishes the test, waits for every chosen driver, and starts it. The answer comes when that is decided;
/// repeating it changes nothing. One test runs at a time: with `wait` the call waits for the one that is under way to
/// end, and of several tests that wait the oldest starts first. Where the wait is over before that, the answer is 409
/// and names that test in `under_way`; ask again to wait longer.
#[utoipa::path(
    post,
    path = "/api/v1/tests/{id}/trigger",
    operation_id = "trigger_test",
    tag = "tests",
    params(
        ("id" = String, Path, description = "the test's id"),
        ("wait" = Option<String>, Query, description = "how long to wait for the test under way to end, as in 30s; 60s at most, 0s by default"),
    ),
    responses(
        (status = 202, description = "it starts, or has started", body = TestView, content_type = "application/json"),
        error_responses::OfATest,
        (status = 403, response = error_responses::Forbidden),
        (status = 409, response = error_responses::Conflict),
        (status = 422, response = error_responses::Unprocessable),
    )
)]
pub async fn trigger(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["wait"]);
    let wait = query.get("wait", wait).unwrap_or_default();
    query.done()?;
    let test_id = test_id(&request)?;
    let mut stopping = state.stopping.subscribe();
    let triggered = state.commands.tests.trigger(test_id, wait);
    if wait.is_zero() {
        return Ok(HttpResponse::Accepted().json(triggered.await?));
    }
    // A call that waits does not hold up the end of the orchestrator.
    tokio::select! {
        triggered = triggered => Ok(HttpResponse::Accepted().json(triggered?)),
        _ = stopping.wait_for(|stopping| *stopping) => {
            Err(Problem::unavailable("the orchestrator is shutting down: try again in a few seconds"))
        }
    }
}

/// How long a trigger may wait for the test that is under way.
fn wait(text: &str) -> Result<Duration, String> {
    let wait = parse_duration(text)?;
    if wait > MAX_WAIT {
        return Err(format!("must be {} at most: ask again to wait longer", write_duration(MAX_WAIT)));
    }
    Ok(wait)
}

/// Stops the test; repeating it changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/tests/{id}/stop",
    operation_id = "stop_test",
    tag = "tests",
    params(("id" = String, Path, description = "the test's id")),
    responses(
        (status = 202, description = "it stops, or is over", body = TestView, content_type = "application/json"),
        error_responses::OfATest,
        (status = 403, response = error_responses::Forbidden),
        (status = 409, response = error_responses::Conflict),
    )
)]
pub async fn stop(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let test = state.commands.tests.stop(test_id(&request)?).await?;
    Ok(HttpResponse::Accepted().json(test))
}
