//! Which path leads where; everything else is a problem.

use actix_web::http::Method;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};

use super::problem::Problem;
use super::{
    compare, dashboard, data, docs, events, load_tests, metrics, openapi, plans, rate, reports, series,
    session, system, words,
};

/// A path that is read: GET, and HEAD with it.
pub(super) fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(|| not_allowed("GET, HEAD")))
}

/// A path that does something: POST.
fn act<F, Args>(path: &str, handler: F) -> Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path).route(web::post().to(handler)).default_service(web::to(|| not_allowed("POST")))
}

async fn not_allowed(allow: &'static str) -> HttpResponse {
    let detail = format!("this path accepts {allow} only");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with_header("allow", allow).response()
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    if dashboard::is_by_a_person(&request) {
        return dashboard::missing();
    }
    Problem::not_found("there is nothing at this path; /openapi.json says what there is").response()
}

pub fn routes(config: &mut ServiceConfig) {
    let tests = web::resource("/api/v1/tests")
        .route(web::get().to(load_tests::list))
        .route(web::head().to(load_tests::list))
        .route(web::method(Method::POST).to(load_tests::create))
        .default_service(web::to(|| not_allowed("GET, HEAD, POST")));
    let test = read("/api/v1/tests/{id}", load_tests::get)
        .route(web::delete().to(load_tests::delete))
        .route(web::patch().to(rate::change_rate))
        .default_service(web::to(|| not_allowed("GET, HEAD, PATCH, DELETE")));
    let data = read("/api/v1/data/{sha256}", data::get)
        .route(web::put().to(data::put))
        .default_service(web::to(|| not_allowed("GET, HEAD, PUT")));
    let log_in = read(session::PATH, session::get)
        .route(web::post().to(session::log_in))
        .route(web::delete().to(session::log_out))
        .default_service(web::to(|| not_allowed("GET, HEAD, POST, DELETE")));
    // The stream has no end, so that a HEAD of it would have none either.
    let events = web::resource("/api/v1/events")
        .route(web::get().to(events::events))
        .default_service(web::to(|| not_allowed("GET")));
    config
        .service(tests)
        .service(events)
        .service(test)
        .service(data)
        .service(act("/api/v1/tests/{id}/trigger", load_tests::trigger))
        .service(act("/api/v1/tests/{id}/stop", load_tests::stop))
        .service(read("/api/v1/tests/{id}/report", reports::report))
        .service(read("/api/v1/tests/{id}/report.json", reports::report_json))
        .configure(reports::forms::routes)
        .service(read("/api/v1/tests/{id}/windows", series::windows))
        .service(read("/api/v1/tests/{id}/span", series::span))
        .service(read("/api/v1/compare", compare::compare))
        .service(read("/api/v1/drivers", system::drivers))
        .service(read("/api/v1/bootstrap", system::bootstrap))
        .service(read("/api/v1/time", system::time))
        .service(read("/api/v1/words", words::words))
        .service(read("/api/v1/try-target", system::try_target))
        .service(read("/docs", docs::index))
        .service(read("/docs/", docs::index))
        .service(read("/docs/style.css", docs::style))
        .service(read("/docs/plan.schema.json", docs::schema))
        .service(read("/docs/pictures/{name}", docs::picture))
        .service(read("/docs/{page}", docs::page))
        .service(read("/healthz", system::healthz))
        .service(read("/readyz", system::readyz))
        .service(read("/metrics", metrics::metrics))
        .service(read("/openapi.json", openapi::openapi))
        .service(log_in)
        .service(act("/api/v1/plans/check", plans::check))
        .service(read("/", dashboard::document))
        .service(read("/new", dashboard::document))
        .service(read("/drivers", dashboard::document))
        .service(read("/compare", dashboard::document))
        .service(read("/tests/{id}", dashboard::document))
        .service(read("/assets/{file}", dashboard::asset))
        .default_service(web::to(not_found));
}
