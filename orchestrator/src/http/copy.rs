//! The body of a request that creates a test from the plan of another one: `{"from": "TEST"}`. The orchestrator copies the
//! plan that it stored, because answers mask what is secret in it.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use common::ids::TestId;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::{KeyProblem, Problem};
use super::series::MAX_NAMED;
use crate::model::PlanSchema;

/// A plan, or the test whose plan is to be taken.
pub struct PlanOrTest;

impl PartialSchema for PlanOrTest {
    fn schema() -> RefOr<Schema> {
        let one_of = AnyOfBuilder::new()
            .item(Ref::from_schema_name(PlanSchema::name()))
            .item(Ref::from_schema_name(FromTest::name()))
            .description(Some("A plan, or the test whose plan is to be taken."));
        Schema::AnyOf(one_of.build()).into()
    }
}

impl ToSchema for PlanOrTest {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PlanOrTest")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((FromTest::name().into_owned(), FromTest::schema()));
    }
}

/// Creates a test with the plan of another one.
#[derive(Serialize, ToSchema)]
pub struct FromTest {
    /// The test whose plan is taken, by its id.
    pub from: String,
    /// The new test's name; that of the other one where it is left out.
    pub name: Option<String>,
}

/// The same, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOrder {
    pub from: TestId,
    pub name: Option<String>,
}

/// What a body in JSON asks for; `None` where it is a plan, which has no key `from`.
///
/// # Errors
/// Where it names a test and has other keys, or values of another type.
pub fn read(text: &str) -> Result<Option<CopyOrder>, Problem> {
    let Ok(Value::Object(keys)) = serde_json::from_str::<Value>(text) else { return Ok(None) };
    let Some(from) = keys.get("from") else { return Ok(None) };
    let given = |value: &Value| value.to_string();
    let unknown = keys.iter().filter(|(key, _)| !["from", "name"].contains(&key.as_str())).map(|(key, _)| {
        let reason = "is not taken beside from, which takes the whole plan of that test; name is";
        KeyProblem::of_body(key, "", reason)
    });
    let mut errors: Vec<KeyProblem> = unknown.take(MAX_NAMED).collect();
    let id = from.as_str().map(TestId::new);
    if !matches!(id, Some(Ok(_))) {
        let reason = "expected the id of a test, as in GET /api/v1/tests";
        errors.push(KeyProblem::of_body("from", &given(from), reason));
    }
    let name = keys.get("name").filter(|name| !name.is_null());
    if let Some(name) = name.filter(|name| !name.is_string()) {
        errors.push(KeyProblem::of_body("name", &given(name), "expected a text"));
    }
    match id {
        Some(Ok(from)) if errors.is_empty() => {
            Ok(Some(CopyOrder { from, name: name.and_then(Value::as_str).map(str::to_owned) }))
        }
        _ => Err(Problem::parameters(StatusCode::BAD_REQUEST, errors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_no_key_from() {
        for plan in ["{}", "[]", "", "{", r#"{"target": {"url": "http://127.0.0.1/"}}"#] {
            assert_eq!(read(plan).ok(), Some(None), "{plan}");
        }
    }

    #[test]
    fn a_test_is_named_with_a_name_for_the_new_one_or_without() {
        let from = TestId::new("0199-known").unwrap();
        for (body, name) in [
            (r#"{"from": "0199-known"}"#, None),
            (r#"{"from": "0199-known", "name": null}"#, None),
            (r#"{"from": "0199-known", "name": "again"}"#, Some("again".to_owned())),
        ] {
            assert_eq!(read(body).ok(), Some(Some(CopyOrder { from: from.clone(), name })), "{body}");
        }
    }

    #[test]
    fn each_other_key_is_a_fault() {
        for (body, paths) in [
            (r#"{"from": 7}"#, &["from"][..]),
            (r#"{"from": ""}"#, &["from"]),
            (r#"{"from": "0199-known", "load": {}, "name": 1}"#, &["load", "name"]),
        ] {
            let problem = read(body).unwrap_err();
            let found: Vec<&str> = problem.errors.iter().map(|error| error.path.as_str()).collect();
            assert_eq!((problem.status, found.as_slice()), (400, paths), "{body}");
        }
    }
}
