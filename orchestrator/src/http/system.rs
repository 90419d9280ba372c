//! Who is here, what a driver needs to join, and whether the process is well.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::http_contract::Time;
use serde::Serialize;
use utoipa::ToSchema;

use super::error_responses;
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use crate::model::{BootstrapSchema, DriverView, TimeSchema};

/// All is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// The orchestrator's node id.
    pub node_id: String,
    /// The build.
    pub version: String,
}

fn well(state: &AppState) -> HttpResponse {
    let (node_id, version) = (state.watch.node_id.clone(), state.watch.version.clone());
    HttpResponse::Ok().json(Health { status: "ok".to_owned(), node_id, version })
}

/// Every node known, in the order of their ids.
#[utoipa::path(
    get,
    path = "/api/v1/drivers",
    operation_id = "list_drivers",
    tag = "drivers",
    responses(
        (status = 200, description = "every node known", body = Vec<DriverView>, content_type = "application/json"),
        error_responses::Always,
        (status = 503, response = error_responses::Unavailable),
    )
)]
pub async fn drivers(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(state.commands.drivers.all().await?))
}

/// What a driver needs to join: which Kafka, and how topics are called.
#[utoipa::path(
    get,
    path = "/api/v1/bootstrap",
    operation_id = "get_bootstrap",
    tag = "drivers",
    responses(
        (status = 200, description = "which Kafka, and how topics are called", body = BootstrapSchema, content_type = "application/json"),
        error_responses::Always,
    )
)]
pub async fn bootstrap(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(&state.bootstrap))
}

/// The orchestrator's clock, for the drivers' offsets.
#[utoipa::path(
    get,
    path = "/api/v1/time",
    operation_id = "get_time",
    tag = "drivers",
    responses(
        (status = 200, description = "the time now", body = TimeSchema, content_type = "application/json"),
        error_responses::Always,
    )
)]
pub async fn time(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(Time { unix_us: state.clock.unix_us() }))
}

/// What a page without tests offers to send a short test to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TryTarget {
    /// Its URL, from `[page] try_target`; null where there is none.
    pub url: Option<String>,
}

/// Which target this orchestrator offers for a first test: that of `groundswell up --target`, or of `[page] try_target`.
#[utoipa::path(
    get,
    path = "/api/v1/try-target",
    operation_id = "get_try_target",
    tag = "process",
    responses(
        (status = 200, description = "the target to try, or null", body = TryTarget, content_type = "application/json"),
        error_responses::Always,
    )
)]
pub async fn try_target(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(TryTarget { url: state.watch.try_target.clone() }))
}

/// Whether the process is alive. Needs no token.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "get_health",
    tag = "process",
    responses((status = 200, description = "it is", body = Health, content_type = "application/json"))
)]
pub async fn healthz(state: Data<AppState>) -> HttpResponse {
    well(&state)
}

/// Whether Kafka and the store can be used. Needs no token.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "process",
    responses(
        (status = 200, description = "both can", body = Health, content_type = "application/json"),
        (status = 503, response = error_responses::Unavailable),
    )
)]
pub async fn readyz(state: Data<AppState>) -> HttpResponse {
    let missing = match state.watch.readiness.get() {
        (true, true) => return well(&state),
        (false, true) => "Kafka does not answer",
        (true, false) => "the store cannot be used",
        (false, false) => "Kafka does not answer, and the store cannot be used",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, missing).with_header("retry-after", "1").response()
}
