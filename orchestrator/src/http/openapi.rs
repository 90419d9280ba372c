//! `/openapi.json`: OpenAPI 3.1, made from the handlers and the shapes themselves.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Type};
use utoipa::{IntoResponses, OpenApi, ToResponse};

use super::problem::{KeyProblem, PROBLEM_JSON, Problem};
use super::query::Query;
use super::state::AppState;
use crate::model;

/// Errors as the operations name them: each a problem.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $description:literal $(, $header:literal)?;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl<'r> ToResponse<'r> for $name {
            fn response() -> (&'r str, RefOr<Response>) {
                let schema = Ref::from_schema_name("Problem");
                let content = ContentBuilder::new().schema(Some(schema)).build();
                let response = ResponseBuilder::new().description($description).content(PROBLEM_JSON, content);
                $(let response = response.header($header, text_header());)?
                (stringify!($name), response.build().into())
            }
        }
    )*};
}

fn text_header() -> utoipa::openapi::header::Header {
    HeaderBuilder::new().schema(ObjectBuilder::new().schema_type(Type::String).build()).build()
}

problems! {
    /// 400
    BadRequest: "a parameter, the body or one of its keys is wrong";
    /// 401
    Unauthorized: "the bearer token is missing or wrong", "WWW-Authenticate";
    /// 403
    Forbidden: "a browser sent this for a page of another site";
    /// 404
    NotFound: "there is no such thing";
    /// 406
    NotAcceptable: "there is no form of it that the client wants";
    /// 408
    RequestTimeout: "the body took too long to arrive";
    /// 409
    Conflict: "the state forbids it, or drivers are missing or refused";
    /// 413
    PayloadTooLarge: "the body is longer than the orchestrator takes";
    /// 415
    UnsupportedMediaType: "the body is of a type that is not understood", "Accept";
    /// 421
    Misdirected: "the request names another host than this machine, and the orchestrator has no token";
    /// 422
    Unprocessable: "keys contradict each other";
    /// 500
    Internal: "something of the orchestrator's failed; its log says what";
    /// 503
    Unavailable: "not now: the orchestrator starts, ends or is busy", "Retry-After";
}

/// Problems that several operations have in common.
macro_rules! shared {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $problem:ident),+;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let named = [$(($status, $problem::response().0)),+];
                named.map(|(status, name)| (status.to_owned(), Ref::from_response_name(name).into())).into()
            }
        }
    )*};
}

shared! {
    /// Of every operation that needs a token.
    Always: "400" BadRequest, "401" Unauthorized;
    /// Of what asks the store.
    Stored: "400" BadRequest, "401" Unauthorized, "500" Internal, "503" Unavailable;
    /// Of what asks for one test.
    OfATest: "400" BadRequest, "401" Unauthorized, "404" NotFound, "500" Internal, "503" Unavailable;
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Groundswell orchestrator",
        description = "Plans, leads and judges distributed load tests.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        super::tests_api::create,
        super::tests_api::list,
        super::tests_api::get,
        super::tests_api::delete,
        super::tests_api::trigger,
        super::tests_api::stop,
        super::tests_api::report,
        super::tests_api::report_json,
        super::tests_api::report_text,
        super::tests_api::windows,
        super::events::events,
        super::system::drivers,
        super::system::bootstrap,
        super::system::time,
        super::system::healthz,
        super::system::readyz,
        super::metrics::metrics,
        super::page::index,
        openapi,
    ),
    components(
        schemas(Problem, KeyProblem, model::TestView, model::WindowView, model::DriverView),
        responses(
            BadRequest, Unauthorized, Forbidden, NotFound, NotAcceptable, RequestTimeout, Conflict,
            PayloadTooLarge, UnsupportedMediaType, Misdirected, Unprocessable, Internal, Unavailable,
        ),
    ),
    tags(
        (name = "tests", description = "Tests, from plan to report."),
        (name = "drivers", description = "Who is here, and what a driver needs to join."),
        (name = "process", description = "The orchestrator as a process."),
    ),
)]
struct Api;

/// The whole description; with a token it says so, and without one that other hosts are refused.
pub fn document(has_token: bool) -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    if !has_token {
        let (name, _) = Misdirected::response();
        for item in api.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                let refused = RefOr::Ref(Ref::from_response_name(name));
                operation.responses.responses.insert("421".to_owned(), refused);
            }
        }
    }
    if has_token {
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        for (path, item) in &mut api.paths.paths {
            if matches!(path.as_str(), "/healthz" | "/readyz") {
                continue;
            }
            let token = || vec![SecurityRequirement::new("token", Vec::<String>::new())];
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                operation.security = Some(token());
            }
        }
    }
    api
}

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "process",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"),
        Always,
    )
)]
pub async fn openapi(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    Ok(HttpResponse::Ok().json(document(state.access.token.is_some())))
}
