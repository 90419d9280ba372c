//! `/openapi.json`: OpenAPI 3.1, made from the handlers and the shapes themselves.

mod examples;
#[cfg(test)]
mod reference;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{OpenApi, ToResponse};

use super::error_responses::{
    Always, BadRequest, Conflict, Forbidden, InsufficientStorage, Internal, Misdirected, NotAcceptable,
    NotFound, PayloadTooLarge, RequestTimeout, Unauthorized, Unavailable, Unprocessable,
    UnsupportedMediaType,
};
use super::problem::{KeyProblem, Problem};
use super::query::Query;
use super::state::AppState;
use crate::model;
use crate::report::files::LatencyOf;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Groundswell orchestrator",
        description = "Plans, leads and judges distributed load tests.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        super::load_tests::create,
        super::plans::check,
        super::load_tests::list,
        super::load_tests::get,
        super::load_tests::delete,
        super::rate::change_rate,
        super::load_tests::trigger,
        super::load_tests::stop,
        super::reports::report,
        super::reports::report_json,
        super::reports::forms::report_text,
        super::reports::forms::report_html,
        super::reports::forms::report_csv,
        super::reports::forms::report_junit,
        super::reports::forms::report_markdown,
        super::reports::forms::report_hgrm,
        super::reports::forms::report_hlog,
        super::series::windows,
        super::series::span,
        super::compare::compare,
        super::data::put,
        super::data::get,
        super::events::events,
        super::system::drivers,
        super::system::bootstrap,
        super::system::time,
        super::words::words,
        super::docs::index,
        super::docs::page,
        super::system::try_target,
        super::system::healthz,
        super::system::readyz,
        super::metrics::metrics,
        super::session::log_in,
        super::session::log_out,
        super::session::get,
        super::dashboard::document,
        super::dashboard::asset,
        openapi,
    ),
    components(
        schemas(
            Problem, KeyProblem, LatencyOf, model::TestView, model::WindowView, model::DriverView, model::PlanSchema
        ),
        responses(
            BadRequest, Unauthorized, Forbidden, NotFound, NotAcceptable, RequestTimeout, Conflict,
            PayloadTooLarge, UnsupportedMediaType, Misdirected, Unprocessable, Internal, InsufficientStorage,
            Unavailable,
        ),
    ),
    tags(
        (name = "tests", description = "Tests, from plan to report."),
        (name = "drivers", description = "Who is here, and what a driver needs to join."),
        (name = "documentation", description = "What words, plans and figures mean, for people."),
        (name = "process", description = "The orchestrator as a process."),
    ),
)]
struct Api;

/// Operations that need no token, by their id.
const OPEN: [&str; 8] = [
    "get_health",
    "get_readiness",
    "get_dashboard",
    "get_asset",
    "log_in",
    "log_out",
    "get_docs",
    "get_docs_page",
];

/// The whole description. With a token all but [`OPEN`] need it; without one it may be left out, and requests for other
/// hosts are refused.
pub fn document(has_token: bool) -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    let components = api.components.get_or_insert_default();
    examples::add(components);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("the orchestrator's token ([http] token_file); without one nothing asks for it"));
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    let (misdirected, _) = Misdirected::response();
    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .flatten()
        {
            if !has_token {
                let refused = RefOr::Ref(Ref::from_response_name(misdirected));
                operation.responses.responses.insert("421".to_owned(), refused);
            }
            let is_open = operation.operation_id.as_deref().is_some_and(|id| OPEN.contains(&id));
            if !is_open {
                let needed = SecurityRequirement::new("token", Vec::<String>::new());
                let left_out = (!has_token).then(SecurityRequirement::default);
                operation.security = Some(left_out.into_iter().chain([needed]).collect());
            }
            let toml =
                operation.request_body.as_mut().and_then(|body| body.content.get_mut("application/toml"));
            if let Some(content) = toml {
                content.example = Some(examples::plan_toml());
            }
        }
    }
    api
}

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_openapi",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn api(has_token: bool) -> Value {
        serde_json::to_value(document(has_token)).unwrap()
    }

    /// Method and path of each operation, and the operation.
    fn operations(api: &Value) -> Vec<(String, Value)> {
        let paths = api["paths"].as_object().unwrap().iter();
        let of = paths.flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
        });
        of.collect()
    }

    #[test]
    fn each_operation_has_an_id_of_its_own_a_tag_and_an_answer_with_a_schema() {
        let operations = operations(&api(false));
        assert_eq!(operations.len(), 39);
        let mut ids = BTreeSet::new();
        for (name, operation) in &operations {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(id.contains('_') && ids.insert(id.to_owned()), "{name}: {id}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
            let answers = operation["responses"].as_object().unwrap();
            let (status, good) = answers.iter().find(|(status, _)| status.starts_with('2')).unwrap();
            let schemas = good["content"].as_object().into_iter().flatten();
            let n = schemas.inspect(|(_, content)| assert!(content["schema"].is_object(), "{name}")).count();
            assert!(n > 0 || status == "204", "{name}: {status}");
        }
    }

    #[test]
    fn every_instant_is_a_date_time_and_nothing_else_is() {
        let mut found = 0;
        let api = api(false);
        for (schema, of) in api["components"]["schemas"].as_object().unwrap() {
            for (key, property) in of["properties"].as_object().into_iter().flatten() {
                let about = property["description"].as_str().unwrap_or_default();
                let is_instant = about.contains("RFC 3339");
                assert_eq!(property["format"] == "date-time", is_instant, "{schema}.{key}: {property:#}");
                found += usize::from(is_instant);
            }
        }
        assert_eq!(
            found, 17,
            "of a test, the history, windows, drivers, a calibration, gaps, the timeline, changes of the rate and a log-in"
        );
    }

    #[test]
    fn every_schema_is_named_once_and_every_reference_leads_to_one() {
        let api = api(false);
        let schemas = api["components"]["schemas"].as_object().unwrap();
        let lower: BTreeSet<String> = schemas.keys().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower.len(), schemas.len(), "names that differ in case alone: {:?}", schemas.keys());
        assert!(
            schemas.keys().all(|name| !name.ends_with("View") && !name.contains('.')),
            "{:?}",
            schemas.keys()
        );
        let text = api.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(api.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
    }

    #[test]
    fn the_token_is_needed_where_there_is_one_and_described_in_any_case() {
        for has_token in [false, true] {
            let api = api(has_token);
            assert_eq!(api["components"]["securitySchemes"]["token"]["scheme"], "bearer");
            for (name, operation) in operations(&api) {
                let open = OPEN.contains(&operation["operationId"].as_str().unwrap());
                let expected = match (open, has_token) {
                    (true, _) => Value::Null,
                    (false, true) => serde_json::json!([{ "token": [] }]),
                    (false, false) => serde_json::json!([{}, { "token": [] }]),
                };
                assert_eq!(operation["security"], expected, "{name}, token: {has_token}");
            }
        }
    }

    /// The pages' types are generated from this file: after `make reference`, `npm run types` in dashboard/.
    #[test]
    fn the_dashboard_has_this_description_for_its_reference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboard/openapi.json");
        let now = serde_json::to_string_pretty(&api(false)).unwrap() + "\n";
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(
            committed == now,
            "dashboard/openapi.json is of another API: `make reference` writes it anew"
        );
    }
}
