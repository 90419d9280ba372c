//! `GET /api/v1/events`: what changes, as server-sent events.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use common::ids::TestId;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::event_shapes::Event;
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use super::{error_responses, session};
use crate::actors::events::{Frame, Subscription};

/// Silence after which a comment is sent, so that both ends and whatever is between see that the other is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Longest id that an event has.
const MAX_ID_BYTES: usize = 64;

/// What changes: `driver`, `test` and `window` events, each a JSON object, at most 1 s old. First the present state
/// (or, with `Last-Event-ID`, what was missed since that event), then what changes. It ends when the log-in is over by which
/// it was asked for.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "stream_events",
    tag = "tests",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "the last event that was seen"),
        ("test" = Option<String>, Query, description = "a test: its events and those of drivers alone; left out: all", min_length = 1, max_length = 249),
    ),
    responses(
        (status = 200, description = "an endless stream of events; comments keep it alive", body = Event, content_type = "text/event-stream"),
        (status = 400, response = error_responses::BadRequest),
        (status = 401, response = error_responses::Unauthorized),
        (status = 404, response = error_responses::NotFound),
        (status = 503, response = error_responses::Unavailable),
    )
)]
pub async fn events(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string(), &["test"]);
    let test = query.get("test", TestId::new);
    query.done()?;
    if let Some(test) = &test {
        // A stream that stays empty for a mistyped id would look as if nothing happened.
        state.commands.tests.get(test.clone()).await?;
    }
    let last_event_id = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let last_event_id = last_event_id.filter(|id| id.len() <= MAX_ID_BYTES).map(ToOwned::to_owned);
    let Subscription { backlog, live } = state.commands.events.subscribe(last_event_id, test).await?;
    let first = std::iter::once(Bytes::from_static(b"retry: 1000\n\n")).chain(backlog.into_iter().map(bytes));
    // A page whose log-in is over has to log in again, as for any other request.
    let until = session::valid_for(&request, &state).map(|valid_for| Instant::now() + valid_for);
    let rest =
        stream::unfold((live, state.stopping.subscribe()), move |(mut live, mut stopping)| async move {
            let frame = tokio::select! {
                frame = tokio::time::timeout(KEEP_ALIVE, live.recv()) => frame,
                () = stopped(&mut stopping) => return None,
                () = reached(until) => return None,
            };
            match frame {
                Ok(Some(frame)) => Some((bytes(frame), (live, stopping))),
                Ok(None) => None,
                Err(_) => Some((Bytes::from_static(b": still here\n\n"), (live, stopping))),
            }
        });
    let body = stream::iter(first).chain(rest).map(Ok::<_, std::io::Error>);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

fn bytes(frame: Frame) -> Bytes {
    Bytes::copy_from_slice(frame.as_bytes())
}

/// Waits until this instant; without one it never ends.
async fn reached(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Until the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: the server is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
