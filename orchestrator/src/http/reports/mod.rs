//! The report of a test in each of its forms. Those that hold every second are sent a page at a time: the next page is
//! read when the reader has taken the one before. `forms` has a path for each.

pub mod forms;

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use common::ids::TestId;
use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::load_tests::{test_id, view_of};
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use super::{accept, error_responses};
use crate::model::{TestState, TestView, WindowView};
use crate::report;
use crate::report::files::{Form, HtmlData, JsonReport, LatencyOf, Paged, PagedForm, file_name, html};
use crate::store::WindowsAsked;

/// How often, and how many times, the store is asked whether it has the last windows of a test that has just ended: they are
/// counted before they are stored.
const STORED_YET: (Duration, u32) = (Duration::from_millis(25), 80);

/// The page brings its scripts and styles along and loads nothing. It holds texts that plans and servers wrote, so it has an
/// origin of its own: were one of them taken for a script, it could not use the reader's log-in here.
const PAGE_POLICY: &str = "sandbox allow-scripts allow-modals; default-src 'none'; script-src 'unsafe-inline'; style-src \
                           'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The forms that `Accept` can choose, the first where it chooses none.
const OFFERED: [(&str, &str, Form); 6] = [
    ("application", "json", Form::Json),
    ("text", "plain", Form::Text),
    ("text", "html", Form::Html),
    ("text", "csv", Form::Csv),
    ("text", "markdown", Form::Markdown),
    ("application", "xml", Form::Junit),
];

/// The report, in the form that `Accept` wants: JSON, text, HTML, CSV, Markdown or (as XML) JUnit.
#[utoipa::path(
    get,
    path = "/api/v1/tests/{id}/report",
    operation_id = "get_report",
    tag = "tests",
    params(("id" = String, Path, description = "the test's id")),
    responses(
        (status = 200, description = "the report", content(
            (TestView = "application/json"), (String = "text/plain"), (String = "text/html"), (String = "text/csv"), (String = "text/markdown"),
            (String = "application/xml")
        )),
        error_responses::OfATest,
        (status = 406, response = error_responses::NotAcceptable),
    )
)]
pub async fn report(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let form = accept::choose(request.headers(), &OFFERED.map(|(kind, subtype, _)| (kind, subtype)));
    let test = view_of(&request, &state).await?;
    match form.map(|place| OFFERED[place].2) {
        Some(form) => in_form(state, test, form).await,
        None => Err(no_such_form("what accept asks for")),
    }
}

/// The report of a test in a form.
async fn in_form(state: Data<AppState>, test: TestView, form: Form) -> Result<HttpResponse, Problem> {
    match form {
        Form::Json | Form::Text | Form::Junit | Form::Markdown => whole(&test, form),
        Form::Html => page(&state, test).await,
        Form::Csv => paged(state, test, PagedForm::Csv).await,
        Form::Hgrm => paged(state, test, PagedForm::Hgrm(LatencyOf::default())).await,
        Form::Hlog => paged(state, test, PagedForm::Hlog(LatencyOf::default())).await,
    }
}

fn no_such_form(wanted: &str) -> Problem {
    let detail = format!(
        "the report is there as application/json, text/plain, text/html, text/csv, text/markdown and application/xml (JUnit), not as \
         {wanted}; report.hgrm and report.hlog are files of their own"
    );
    Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
}

/// The page of a test's report.
async fn page(state: &AppState, test: TestView) -> Result<HttpResponse, Problem> {
    let series = series(state, &test).await?;
    let id = TestId::new(&test.test_id).map_err(|error| Problem::internal(&error))?;
    let span = state.read(state.history.span(id, None, None)).await?;
    let mut answer = answer(&test, Form::Html);
    // An hour of windows is some MB of JSON.
    let written = web::block(move || html(&HtmlData { report: &test, series: &series, span: span.as_ref() }));
    let text = written.await.map_err(|error| Problem::internal(&error))?;
    answer.insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    Ok(answer.body(text.map_err(|error| Problem::internal(&error))?))
}

/// The report as JSON, and with `series=true` the windows of the fleet beside it.
#[utoipa::path(
    get,
    path = "/api/v1/tests/{id}/report.json",
    operation_id = "get_report_json",
    tag = "tests",
    params(
        ("id" = String, Path, description = "the test's id"),
        ("series" = Option<bool>, Query, description = "whether the windows of the fleet are in it; false by default"),
    ),
    responses(
        (status = 200, description = "the report", body = JsonReport, content_type = "application/json"),
        error_responses::OfATest,
    )
)]
pub async fn report_json(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["series"]);
    let wanted = query.get("series", str::parse::<bool>).unwrap_or_default();
    query.done()?;
    let report = state.commands.tests.get(test_id(&request)?).await?;
    let series = if wanted { Some(series(&state, &report).await?) } else { None };
    Ok(HttpResponse::Ok().json(JsonReport { report, series }))
}

/// The windows of the fleet of a test, all of them where it is finished.
async fn series(state: &AppState, test: &TestView) -> Result<Vec<WindowView>, Problem> {
    let id = TestId::new(&test.test_id).map_err(|error| Problem::internal(&error))?;
    until_stored(state, test, &id).await?;
    let last = state.read(state.history.last_second(id.clone())).await?;
    let mut windows = Vec::new();
    for asked in last.into_iter().flat_map(|last| WindowsAsked::whole(id.clone(), last)) {
        windows.extend(state.read(state.history.windows(asked)).await?);
    }
    Ok(windows)
}

/// An answer of a form, with the name under which a browser keeps it.
fn answer(test: &TestView, form: Form) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    let name = format!("inline; filename=\"{}\"", file_name(&test.test_id, form));
    answer.content_type(form.media_type()).insert_header((header::CONTENT_DISPOSITION, name));
    answer
}

/// A form that is made of the view alone.
fn whole(test: &TestView, form: Form) -> Result<HttpResponse, Problem> {
    if form == Form::Json {
        return Ok(HttpResponse::Ok().json(test));
    }
    let text = report::files::whole(test, form).map_err(|error| Problem::internal(&error))?;
    Ok(answer(test, form).body(text.unwrap_or_default()))
}

/// A form that is written a page at a time.
async fn paged(state: Data<AppState>, test: TestView, form: PagedForm) -> Result<HttpResponse, Problem> {
    let internal = |error: &dyn std::fmt::Display| Problem::internal(error);
    let mut report = Paged::new(&test, form);
    let id = TestId::new(&test.test_id).map_err(|error| internal(&error))?;
    let head = report.head().map_err(|error| internal(&error))?;
    until_stored(&state, &test, &id).await?;
    let pages = stream::unfold(Some(Rest { report, from: 0, before: head }), move |rest| {
        let (state, id) = (state.clone(), id.clone());
        async move {
            match next_part(&state, id, rest?).await {
                Ok((bytes, rest)) => Some((Ok(Bytes::from(bytes)), rest)),
                // The connection is closed before the end of the body, so that no half of a report is taken for a whole.
                Err(problem) => Some((Err(std::io::Error::other(problem.detail)), None)),
            }
        }
    });
    // An empty part would end the body: a report whose last page adds nothing has one.
    let parts = pages.filter(|part| std::future::ready(!part.as_ref().is_ok_and(Bytes::is_empty)));
    Ok(answer(&test, form.form()).streaming(parts))
}

/// What is left of a report.
struct Rest {
    report: Paged,
    /// The first second of the next page.
    from: u64,
    /// What stands before it.
    before: Vec<u8>,
}

/// The text of the next page, and what is left then.
async fn next_part(state: &AppState, id: TestId, rest: Rest) -> Result<(Vec<u8>, Option<Rest>), Problem> {
    let Rest { mut report, from, before: mut bytes } = rest;
    let page = state.read(state.history.report_page(id, report.wants(), from)).await?;
    // Percentiles of a few thousand histograms: too long for a thread that serves others.
    let written = web::block(move || {
        bytes.extend(report.page(&page)?);
        let rest = page.next().map(|from| Rest { report, from, before: Vec::new() });
        Ok::<_, std::io::Error>((bytes, rest))
    });
    let internal = |error: &dyn std::fmt::Display| Problem::internal(error);
    written.await.map_err(|error| internal(&error))?.map_err(|error| internal(&error))
}

/// Waits until the store has every window that a finished test counted, but not for ever: a disk may be full.
async fn until_stored(state: &AppState, test: &TestView, id: &TestId) -> Result<(), Problem> {
    if test.state != TestState::Finished {
        return Ok(());
    }
    let (again_in, times) = STORED_YET;
    for _ in 0..times {
        if state.read(state.history.count_windows(id.clone())).await? >= test.completeness.windows_received {
            return Ok(());
        }
        sleep(again_in).await;
    }
    Ok(())
}
