//! The series of a test over REST, and the figures of some seconds of it.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::ids::NodeId;
use serde::Serialize;
use utoipa::ToSchema;

use super::error_responses;
use super::load_tests::test_id;
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use crate::model::{SpanView, TestView, WindowView};
use crate::store::{MAX_WINDOWS, WindowsAsked};
use crate::tally::Step;

/// Last second that can be asked for: a century.
const MAX_SECOND: u64 = 3_155_760_000;

/// Most drivers that one problem names.
pub(super) const MAX_NAMED: usize = 16;

/// A part of the series of a test.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WindowPage {
    /// Each window that is known, in order.
    pub windows: Vec<WindowView>,
    /// Pass it as `from` for what follows; null where no later second is known yet.
    pub next_from: Option<u64>,
    /// How many seconds a window is of: 1, 10 or 60.
    pub step: u64,
}

/// The series of one driver, or of the fleet: a window a second, or one for 10 or 60 s. At most 3,600 windows an answer.
#[utoipa::path(
    get,
    path = "/api/v1/tests/{id}/windows",
    operation_id = "list_windows",
    tag = "tests",
    params(
        ("id" = String, Path, description = "the test's id"),
        ("driver" = Option<String>, Query, description = "a driver of this test, by its node id (404 for another one); left out: the fleet", min_length = 1, max_length = 249),
        ("from" = Option<u64>, Query, description = "the first second, counted from the start; 0 by default. A window of several seconds is whole, and begins at a multiple of its length", minimum = 0, maximum = 3_155_760_000_u64),
        ("to" = Option<u64>, Query, description = "the last second, less than 3,600 windows after the first; by default as far as that, and with `step=auto` no further than the last one that is known", minimum = 0, maximum = 3_155_760_000_u64),
        ("step" = Option<String>, Query, description = "seconds a window: 1 (the default), 10, 60, or auto: 1 for up to 300 s, 10 for up to 3,600 s, else 60", pattern = "^(1|10|60|auto)$"),
    ),
    responses(
        (status = 200, description = "what is known of these seconds", body = WindowPage, content_type = "application/json"),
        error_responses::OfATest,
        (status = 422, response = error_responses::Unprocessable),
    )
)]
pub async fn windows(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["driver", "from", "to", "step"]);
    let driver = query.get("driver", NodeId::new);
    let from = query.number("from", 0..=MAX_SECOND).unwrap_or(0);
    let to = query.number("to", 0..=MAX_SECOND);
    let step = query.get("step", StepAsked::read).unwrap_or(StepAsked::Is(Step::Second));
    query.done()?;
    let test_id = test_id(&request)?;
    let (step, to) = match (step, to) {
        (StepAsked::Is(step), to) => (step, to.unwrap_or(from + MAX_WINDOWS * step.seconds() - 1)),
        (StepAsked::Auto, to) => {
            let last = match to {
                None => state.read(state.history.last_second(test_id.clone())).await?,
                to => to,
            };
            let asked = to.unwrap_or(last.unwrap_or(0).max(from));
            let step = Step::of_series(asked.saturating_sub(from) + 1);
            // A test of weeks has more than one answer holds: the rest follows.
            let longest = from + MAX_WINDOWS * step.seconds() - 1;
            (step, if to.is_none() { asked.min(longest) } else { asked })
        }
    };
    in_order(from, to)?;
    if to - from >= MAX_WINDOWS * step.seconds() {
        let longest = MAX_WINDOWS * step.seconds();
        return Err(no_end(
            to,
            format!("is more than {longest} s from from = {from}: ask in parts, or for a longer step"),
        ));
    }
    let asked = WindowsAsked { test_id: test_id.clone(), driver: driver.clone(), from, to, step };
    let windows = state.read(state.history.windows(asked)).await?;
    if windows.is_empty() {
        // A driver without windows yet, one that takes no part, or no test at all.
        let test = state.commands.tests.get(test_id.clone()).await?;
        if let Some(driver) = driver {
            takes_part(&test, driver.as_str())?;
        }
    }
    let whole = windows.last().filter(|last| last.seq == step.first_of(to));
    let next_from = match whole.map(|last| last.seq + step.seconds()) {
        Some(next) => {
            state.read(state.history.last_second(test_id)).await?.filter(|last| *last >= next).and(Some(next))
        }
        None => None,
    };
    Ok(HttpResponse::Ok().json(WindowPage { windows, next_from, step: step.seconds() }))
}

/// The exact figures of some seconds of a test, computed from their histograms: of the fleet, each driver and each name, and
/// the curve of `response` over its quantiles. Both ends are rounded outwards: to the second for up to 60 s, to 10 s for up to
/// 600 s, else to 60 s; the answer says what it covers. Without them: all but the warm-up, up to the last second that is known.
#[utoipa::path(
    get,
    path = "/api/v1/tests/{id}/span",
    operation_id = "get_span",
    tag = "tests",
    params(
        ("id" = String, Path, description = "the test's id"),
        ("from" = Option<u64>, Query, description = "the first second, counted from the start; by default the first one after the warm-up", minimum = 0, maximum = 3_155_760_000_u64),
        ("to" = Option<u64>, Query, description = "the last second; by default the last one that is known, which none is beyond", minimum = 0, maximum = 3_155_760_000_u64),
    ),
    responses(
        (status = 200, description = "the figures of these seconds", body = SpanView, content_type = "application/json"),
        error_responses::OfATest,
        (status = 422, response = error_responses::Unprocessable),
    )
)]
pub async fn span(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["from", "to"]);
    let from = query.number("from", 0..=MAX_SECOND);
    let to = query.number("to", 0..=MAX_SECOND);
    query.done()?;
    if let Some(to) = to {
        in_order(from.unwrap_or(0), to)?;
    }
    let test_id = test_id(&request)?;
    let span = state.read(state.history.span(test_id.clone(), from, to)).await?;
    let span = match span {
        Some(span) => span,
        None => {
            // Of a test that waits in memory for the store there are no figures yet.
            let test = state.commands.tests.get(test_id).await?;
            SpanView { test_id: test.test_id, step: Step::Second.seconds(), ..SpanView::default() }
        }
    };
    Ok(HttpResponse::Ok().json(span))
}

/// What the parameter `step` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepAsked {
    Is(Step),
    /// By the length of the range.
    Auto,
}

impl StepAsked {
    fn read(text: &str) -> Result<Self, String> {
        let step = match text {
            "auto" => Some(Self::Auto),
            "1" | "10" | "60" => text.parse().ok().and_then(Step::of).map(Self::Is),
            _ => None,
        };
        step.ok_or_else(|| "expected 1, 10, 60 or auto".to_owned())
    }
}

fn no_end(to: u64, reason: String) -> Problem {
    Problem::parameter(StatusCode::UNPROCESSABLE_ENTITY, "to", &to.to_string(), reason)
}

fn in_order(from: u64, to: u64) -> Result<(), Problem> {
    if to < from { Err(no_end(to, format!("is before from = {from}"))) } else { Ok(()) }
}

/// Whether a driver takes part in a test.
pub(super) fn takes_part(test: &TestView, driver: &str) -> Result<(), Problem> {
    let names: Vec<&str> = test.drivers.iter().map(|driver| driver.node_id.as_str()).collect();
    if names.contains(&driver) {
        return Ok(());
    }
    let reason = match names.len() {
        0 => "takes no part in this test, which has no drivers yet".to_owned(),
        n if n <= MAX_NAMED => format!("takes no part in this test; its drivers are {}", names.join(", ")),
        n => format!("takes no part in this test; it has {n} drivers, which GET /api/v1/tests/ID names"),
    };
    Err(Problem::parameter(StatusCode::NOT_FOUND, "driver", driver, reason))
}
