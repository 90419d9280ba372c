//! `/docs`: the documentation, for anybody who reaches the orchestrator, since it holds no data. Its pages work without a
//! script: the search is a form.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::error_responses;
use super::problem::Problem;
use super::query::{Query, decode_segment};
use crate::docs::{self, Docs};

/// What a page may load: our style and pictures. Its form leads here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// Whether a path is one of the documentation's, which needs no token.
pub fn is_of_docs(path: &str) -> bool {
    path == "/docs" || path.starts_with("/docs/")
}

/// The documentation's first page, or the sections in which all words of `q` stand.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "get_docs",
    tag = "documentation",
    params(("q" = Option<String>, Query, description = "words to look for")),
    responses(
        (status = 200, description = "a page", body = String, content_type = "text/html"),
        (status = 400, response = error_responses::BadRequest),
    )
)]
pub async fn index(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), &["q"]);
    let text = query.text("q").unwrap_or_default();
    query.done()?;
    let docs = rendered().await?;
    Ok(html(if text.trim().is_empty() { docs.index() } else { docs.found(&text) }))
}

/// A page of the documentation, by its name or the name of its file.
#[utoipa::path(
    get,
    path = "/docs/{page}",
    operation_id = "get_docs_page",
    tag = "documentation",
    params(("page" = String, Path, description = "its name, as in `plans`")),
    responses(
        (status = 200, description = "the page", body = String, content_type = "text/html"),
        (status = 400, response = error_responses::BadRequest),
        (status = 404, response = error_responses::NotFound),
    )
)]
pub async fn page(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let name = request.match_info().get("page").and_then(decode_segment).unwrap_or_default();
    let name = name.strip_suffix(".md").unwrap_or(&name);
    let page = if name.is_empty() { None } else { rendered().await?.page(name) };
    page.map(html)
        .ok_or_else(|| Problem::not_found("the documentation has no such page; /docs lists its pages"))
}

/// How the pages look.
pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(docs::STYLE)
}

/// The JSON schema of plans.
pub async fn schema() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(docs::SCHEMA)
}

/// A picture of a page.
pub async fn picture(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let picture = request.match_info().get("name").and_then(docs::picture);
    let (media_type, bytes) =
        picture.ok_or_else(|| Problem::not_found("the documentation has no such picture"))?;
    Ok(HttpResponse::Ok().content_type(media_type).body(bytes))
}

/// The first call takes some milliseconds, which no other request shall wait for.
async fn rendered() -> Result<&'static Docs, Problem> {
    web::block(docs::docs).await.map_err(|error| Problem::internal(&error.to_string()))
}

fn html(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .content_type("text/html; charset=utf-8")
        .body(text)
}
