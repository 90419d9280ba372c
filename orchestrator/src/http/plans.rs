//! A plan from the body of a request. What it names by hash is looked at here, in the files that this orchestrator has, so
//! that nothing of a verdict depends on what a client says of its files.

use std::sync::Arc;

use actix_web::web::{self, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::plan::files::put_facts;
use common::plan::language::substitute;
use common::plan::{Fault, Plan, PlanFormat, PlanTree, in_words};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use super::{body, error_responses};
use crate::data_files::DataFiles;
use crate::model::PlanSchema;

/// A plan that is right, in other forms.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CheckedPlan)]
pub struct CheckedPlanView {
    /// The plan as validated, every key with its value, secrets masked.
    #[schema(value_type = PlanSchema)]
    pub plan: serde_json::Value,
    /// The plan as it was given, as TOML. Secrets in it are not masked: it is what the request had.
    pub toml: String,
    /// What it sends, in sentences: how fast, until when, how much in all.
    pub summary: Vec<String>,
}

/// Checks a plan as `POST /api/v1/tests` does, and says what it would send. Nothing is stored.
#[utoipa::path(
    post,
    path = "/api/v1/plans/check",
    operation_id = "check_plan",
    tag = "tests",
    request_body(
        description = "a plan, in JSON or TOML",
        content((PlanSchema = "application/json"), (String = "application/toml"))
    ),
    responses(
        (status = 200, description = "it can be run", body = CheckedPlanView, content_type = "application/json"),
        error_responses::TakesAPlan,
    )
)]
pub async fn check(
    request: HttpRequest,
    payload: Payload,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let (text, format) = text(&request, payload, &state).await?;
    let plan = read(text.clone(), format, &state).await?;
    let toml = match format {
        PlanFormat::Toml => text,
        PlanFormat::Json => {
            let tree = PlanTree::parse(&text, format).map_err(|faults| Problem::faults(&faults))?;
            tree.to_toml().map_err(|reason| Problem::faults(&[Fault::value("", "", reason)]))?
        }
    };
    let summary = in_words::load(&plan);
    Ok(HttpResponse::Ok().json(CheckedPlanView { plan: plan.masked_json(), toml, summary }))
}

/// The body of a request that takes a plan and has no parameters, and which language it is in.
///
/// # Errors
/// Where there are parameters, or the body is too long, too slow or of another type.
pub async fn text(
    request: &HttpRequest,
    payload: Payload,
    state: &AppState,
) -> Result<(String, PlanFormat), Problem> {
    Query::none(request.query_string())?;
    let format = body::plan_format(request)?;
    Ok((body::read_text(request, payload, state.access.max_body_bytes).await?, format))
}

/// Reads a plan.
///
/// # Errors
/// All its faults; 503 where the orchestrator ends.
pub async fn read(text: String, format: PlanFormat, state: &AppState) -> Result<Plan, Problem> {
    let tree = PlanTree::parse(&text, format).map_err(|faults| Problem::faults(&faults))?;
    let checked = if tree.has_requests() {
        // Reading a file of a gigabyte takes a core for seconds.
        let _turn = state.looks.acquire().await.map_err(|error| Problem::stopped(&error))?;
        let files = Arc::clone(&state.data);
        web::block(move || with_facts(tree, &files)).await.map_err(|error| Problem::stopped(&error))?
    } else {
        tree.validate()
    };
    checked.map_err(|faults| Problem::faults(&faults))
}

/// A plan with what is known of its data files.
fn with_facts(mut tree: PlanTree, files: &DataFiles) -> Result<Plan, Vec<Fault>> {
    // First: a var may name a file.
    let mut faults = substitute::put_in(tree.value_mut(), None);
    faults.extend(put_facts(tree.value_mut(), &|hash| files.find(hash)));
    tree.validate_with(faults)
}
