//! Tests beside one another.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use common::ids::TestId;

use super::error_responses;
use super::problem::{KeyProblem, Problem};
use super::query::Query;
use super::state::AppState;
use crate::compare::{Compared, MAX_TESTS, SeriesReading, compare as compared, refusals};
use crate::model::{ComparisonView, TestView};

/// How often, and after how long, the last windows of a test are looked for again.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How the tests `b` differ from the tests `a`: throughput, errors and latencies with intervals that hold together with
/// 95 %, and a sentence for each. With fewer than three tests a side the answer is about these tests alone; from three on
/// it is about the service. Tests that differ in request, load or drivers are refused (422, each reason); two addresses of a
/// target are named in `warnings`.
#[utoipa::path(
    get,
    path = "/api/v1/compare",
    operation_id = "compare_tests",
    tag = "tests",
    params(
        ("a" = String, Query, description = "the tests to compare with: an id, or up to 16 with commas between", min_length = 1),
        ("b" = String, Query, description = "the tests that are compared: an id, or up to 16 with commas between", min_length = 1),
    ),
    responses(
        (status = 200, description = "the comparison", body = ComparisonView, content_type = "application/json"),
        error_responses::OfATest,
        (status = 422, response = error_responses::Unprocessable),
    )
)]
pub async fn compare(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["a", "b"]);
    let (a, b) = (query.get("a", ids), query.get("b", ids));
    let given = [query.text("a"), query.text("b")];
    query.done()?;
    let (Some(a), Some(b)) = (a, b) else {
        let missing = ["a", "b"].into_iter().zip(given).filter(|(_, given)| given.is_none());
        let faults = missing.map(|(name, _)| KeyProblem::of_parameter(name, "", "is missing: ids of tests"));
        return Err(Problem::parameters(StatusCode::BAD_REQUEST, faults.collect()));
    };
    let (a, b) = (reports(&state, &a).await?, reports(&state, &b).await?);
    let reasons = refusals(&a, &b);
    if !reasons.is_empty() {
        let reason = |reason: String| KeyProblem::of_parameter("b", "", reason);
        let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the tests cannot be compared");
        problem.errors = reasons.into_iter().map(reason).collect();
        return Err(problem);
    }
    let (a, b) = (load(&state, a).await?, load(&state, b).await?);
    let comparison = web::block(move || compared(&a, &b)).await.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().json(comparison))
}

/// Reads again what came last, where fewer requests are stored than the report counts: a test is finished a moment before
/// its last windows are written. What does not come within a second is missing.
async fn wait_for_the_last(
    state: &AppState,
    report: &TestView,
    id: &TestId,
    reading: &mut SeriesReading,
) -> Result<(), Problem> {
    let expected = report.totals.completed.unwrap_or(0).saturating_sub(report.totals.warmup.completed);
    for _ in 0..LOOKS {
        if reading.completed() >= expected {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        let from = reading.take_back().unwrap_or(0);
        let (more, _) = state.read(state.history.compared(id.clone(), from)).await?;
        more.into_iter().for_each(|second| reading.add(second));
    }
    Ok(())
}

/// Ids with commas between.
fn ids(text: &str) -> Result<Vec<TestId>, String> {
    let ids: Vec<TestId> =
        text.split(',').map(TestId::new).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    if ids.len() > MAX_TESTS {
        return Err(format!("names {} tests: {MAX_TESTS} at most", ids.len()));
    }
    Ok(ids)
}

async fn reports(state: &AppState, ids: &[TestId]) -> Result<Vec<TestView>, Problem> {
    let mut reports = Vec::with_capacity(ids.len());
    for id in ids {
        reports.push(state.commands.tests.get(id.clone()).await?);
    }
    Ok(reports)
}

/// Reads the windows, a part of a test at a time, so that other readers of the store have their turns in between.
async fn load(state: &AppState, reports: Vec<TestView>) -> Result<Vec<Compared>, Problem> {
    let mut tests = Vec::with_capacity(reports.len());
    for report in reports {
        let id = TestId::new(&report.test_id).map_err(|error| Problem::internal(&error))?;
        let mut reading = SeriesReading::new(&report.plan);
        let mut from = Some(0);
        while let Some(first) = from {
            let (more, next) = state.read(state.history.compared(id.clone(), first)).await?;
            more.into_iter().for_each(|second| reading.add(second));
            from = next;
        }
        wait_for_the_last(state, &report, &id, &mut reading).await?;
        tests.push(Compared { report, series: reading.finish() });
    }
    Ok(tests)
}
