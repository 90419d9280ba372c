//! Tests of the routes, against stub actors and, where bytes on the wire matter, a real server. Here: how they ask.

mod access;
mod answers;
mod compare;
mod data;
mod docs;
mod plans;
mod server;
mod session;

use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{self, TestRequest};
use actix_web::web::Data;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::guard::guard;
use super::routes::routes;
use super::stub::{FINISHED, KNOWN, SLOWER, TOKEN, state};
use super::{AppState, HttpOptions, serve};
use crate::actors::events::Changed;
use crate::fixtures::driver_view;

struct Answer {
    status: u16,
    headers: actix_web::http::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn answer_of(token: Option<&str>, request: TestRequest) -> Answer {
    let (state, _parts) = state(token);
    answer_from(state, request).await
}

async fn answer_from(state: AppState, request: TestRequest) -> Answer {
    let app = App::new().app_data(Data::new(state)).wrap(from_fn(guard)).configure(routes);
    let service = test::init_service(app).await;
    let response = test::call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8_lossy(&test::read_body(response).await).into_owned();
    Answer { status, headers, text }
}

/// The answer is a whole problem of this status, and no browser will guess at it.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["title"], StatusCode::from_u16(status).unwrap().canonical_reason().unwrap());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
}

const PLAN: &str = r#"
name = "ping"
[target]
url = "http://127.0.0.1:8081/ping"
[request]
headers = { Authorization = "Bearer s3cret", x-api-key = "k3y" }
[load]
rate = 100
duration = "5s"
"#;

fn post_plan(content_type: &str, body: impl Into<actix_web::web::Bytes>) -> TestRequest {
    TestRequest::post().uri("/api/v1/tests").insert_header(("content-type", content_type)).set_payload(body)
}

/// Reads a stream until it holds `until`.
async fn read_until(
    stream: &mut (
             impl futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>> + Unpin
         ),
    until: &str,
) -> String {
    let mut text = String::new();
    let whole = async {
        while !text.contains(until) {
            text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), whole)
        .await
        .unwrap_or_else(|_| panic!("{until} did not come"));
    text
}
