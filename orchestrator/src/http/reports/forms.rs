//! A path for each form of the report, whatever `Accept` says.

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::super::error_responses;
use super::super::load_tests::{test_id, view_of};
use super::super::problem::Problem;
use super::super::query::Query;
use super::super::routes::read;
use super::super::state::AppState;
use super::{in_form, paged};
use crate::report::files::{Form, LatencyOf, PagedForm};

/// Handlers, each with the path, the id and the media type that `/openapi.json` has of it, and what it answers.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident $path:tt $id:tt $media:tt $answer:tt $form:expr;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(
                get,
                path = $path,
                operation_id = $id,
                tag = "tests",
                params(("id" = String, Path, description = "the test's id")),
                responses(
                    (status = 200, description = $answer, body = String, content_type = $media),
                    error_responses::OfATest,
                )
            )]
            pub async fn $name(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
                let test = view_of(&request, &state).await?;
                in_form(state, test, $form).await
            }
        )*

        fn whole_tests(config: &mut ServiceConfig) {
            $(config.service(read($path, $name));)*
        }
    };
}

/// The same of forms that have one latency, which the parameter `of` chooses.
macro_rules! forms_of_a_latency {
    ($($(#[$doc:meta])* $name:ident $path:tt $id:tt $media:tt $answer:tt $form:expr;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(
                get,
                path = $path,
                operation_id = $id,
                tag = "tests",
                params(
                    ("id" = String, Path, description = "the test's id"),
                    ("of" = Option<LatencyOf>, Query, description = "which latency; response by default"),
                ),
                responses(
                    (status = 200, description = $answer, body = String, content_type = $media),
                    error_responses::OfATest,
                )
            )]
            pub async fn $name(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
                let mut query = Query::parse(request.query_string(), &["of"]);
                let of = query.get("of", LatencyOf::read).unwrap_or_default();
                query.done()?;
                let test = state.commands.tests.get(test_id(&request)?).await?;
                paged(state, test, $form(of)).await
            }
        )*

        fn latencies(config: &mut ServiceConfig) {
            $(config.service(read($path, $name));)*
        }
    };
}

forms! {
    /// The report as text: at most 80 columns, the verdict first.
    report_text "/api/v1/tests/{id}/report.txt" "get_report_text" "text/plain" "the report" Form::Text;

    /// The report as a page that needs no server: all that it shows is in it.
    report_html "/api/v1/tests/{id}/report.html" "get_report_html" "text/html" "the report" Form::Html;

    /// The report as JUnit XML: a case for the verdict, and one for each threshold.
    report_junit "/api/v1/tests/{id}/report.junit.xml" "get_report_junit" "application/xml" "the report" Form::Junit;

    /// The report as Markdown, short enough for a comment on a pull request.
    report_markdown "/api/v1/tests/{id}/report.md" "get_report_markdown" "text/markdown" "the report" Form::Markdown;

    /// Every second as CSV (RFC 4180): a row for the fleet, each driver, and each request of these.
    report_csv "/api/v1/tests/{id}/report.csv" "get_report_csv" "text/csv"
        "the windows, with a line that names the columns" Form::Csv;
}

forms_of_a_latency! {
    /// The percentiles of one latency over the whole test, as HdrHistogram prints them.
    report_hgrm "/api/v1/tests/{id}/report.hgrm" "get_report_hgrm" "text/plain"
        "HdrHistogram's percentile output, in ms" PagedForm::Hgrm;

    /// One latency as HdrHistogram's interval log: a histogram for each second of the fleet, and (tagged) of each driver.
    report_hlog "/api/v1/tests/{id}/report.hlog" "get_report_hlog" "text/plain" "HdrHistogram's log, in µs" PagedForm::Hlog;
}

/// Adds all of these paths.
pub fn routes(config: &mut ServiceConfig) {
    whole_tests(config);
    latencies(config);
}
