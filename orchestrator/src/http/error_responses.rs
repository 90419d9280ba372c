//! The error responses that operations have in common, as `/openapi.json` describes them. Handlers name them in their
//! `utoipa::path`; `openapi` lists them once. Each has a problem (`problem`) as its body.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Type};
use utoipa::{IntoResponses, ToResponse};

use super::problem::PROBLEM_JSON;

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
    NotFound: "not found";
    /// 406
    NotAcceptable: "the answer exists in no form that the request accepts";
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
    /// 507
    InsufficientStorage: "the data files have no room for this one";
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
    /// Of what takes a plan.
    TakesAPlan: "400" BadRequest, "401" Unauthorized, "403" Forbidden, "408" RequestTimeout, "413" PayloadTooLarge,
        "415" UnsupportedMediaType, "422" Unprocessable, "500" Internal, "503" Unavailable;
    /// Of what asks for one test.
    OfATest: "400" BadRequest, "401" Unauthorized, "404" NotFound, "500" Internal, "503" Unavailable;
}
