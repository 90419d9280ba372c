//! What the words of reports and pages mean, for whoever shows them: the same texts as `groundswell explain`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::error_responses;
use super::problem::Problem;
use super::query::Query;
use crate::docs;

/// What each word of reports, pages and thresholds means.
#[utoipa::path(
    get,
    path = "/api/v1/words",
    operation_id = "list_words",
    tag = "documentation",
    responses(
        (status = 200, description = "all words", body = docs::Words, content_type = "application/json"),
        error_responses::Always,
    )
)]
pub async fn words(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let words = web::block(docs::words).await.map_err(|error| Problem::internal(&error.to_string()))?;
    Ok(HttpResponse::Ok().json(words))
}
