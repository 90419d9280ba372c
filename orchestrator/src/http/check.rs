//! Tests of the routes, against stub actors and, where bytes on the wire matter, a real server.

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
use super::stub::{KNOWN, TOKEN, driver, state};
use super::{AppState, HttpOptions, serve};
use crate::messages::Changed;

/// What came back.
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
    let text = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
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

#[actix::test]
async fn a_plan_becomes_a_test_in_toml_and_json() {
    let json = json!({"name": "ping", "target": {"url": "http://127.0.0.1:8081/"}, "load": {"rate": 5, "duration": "5s"}});
    for (content_type, body) in
        [("application/toml", PLAN.to_owned()), ("application/json; charset=UTF-8", json.to_string())]
    {
        let answer = answer_of(None, post_plan(content_type, body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.header("location"), "/api/v1/tests/0199-new");
        assert_eq!((&answer.json()["state"], &answer.json()["name"]), (&json!("configured"), &json!("ping")));
        assert!(!answer.text.contains("s3cret") && !answer.text.contains("k3y"), "{}", answer.text);
    }
}

#[actix::test]
async fn each_fault_of_a_plan_is_told_with_key_value_and_reason() {
    let body =
        json!({"target": {"url": "ftp://x"}, "load": {"rate": -5, "duration": "5 parsecs"}, "colour": "red"});
    let answer = answer_of(None, post_plan("application/json", body.to_string())).await;
    assert_problem(&answer, 400);
    let problem = answer.json();
    let paths: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["path"].as_str().unwrap()).collect();
    for path in ["target.url", "load.rate", "load.duration", "colour"] {
        assert!(paths.contains(&path), "{path} is missing in {paths:?}");
    }
    let rate =
        problem["errors"].as_array().unwrap().iter().find(|error| error["path"] == "load.rate").unwrap();
    assert_eq!((&rate["pointer"], &rate["value"]), (&json!("/load/rate"), &json!("-5")));
    let refused = PLAN.replace("\"ping\"", "\"refused\"");
    assert_problem(&answer_of(None, post_plan("application/toml", refused)).await, 422);
    let both = PLAN.replace("rate = 100", "rate = 100\ndelay = \"1ms\"");
    assert_problem(&answer_of(None, post_plan("application/toml", both)).await, 422);
    let file = PLAN.replace("[load]", "body_file = \"/etc/passwd\"\n[load]");
    assert_problem(&answer_of(None, post_plan("application/toml", file)).await, 400);
}

#[actix::test]
async fn a_body_that_is_no_plan_is_a_problem() {
    for (content_type, body, status) in [
        ("application/json", "{".as_bytes().to_vec(), 400),
        ("application/json", b"".to_vec(), 400),
        ("application/json", b"[]".to_vec(), 400),
        ("application/json", b"null".to_vec(), 400),
        ("application/json", [b"[".repeat(60_000), vec![]].concat(), 400),
        ("application/toml", b"\xff\xfe".to_vec(), 400),
        ("application/toml", b"= = =".to_vec(), 400),
        ("text/plain", b"name = 1".to_vec(), 415),
        ("", b"{}".to_vec(), 415),
        ("application/json; charset=latin1", b"{}".to_vec(), 415),
        ("application/json", vec![b' '; 65 * 1024], 413),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
        let answer = answer_of(None, post_plan(content_type, body)).await;
        assert_eq!(answer.status, status, "{content_type} {shown:?}: {}", answer.text);
        assert_problem(&answer, status);
    }
    let zipped = post_plan("application/json", "{}").insert_header(("content-encoding", "gzip"));
    assert_problem(&answer_of(None, zipped).await, 415);
}

#[actix::test]
async fn commands_answer_as_the_state_allows() {
    for command in ["trigger", "stop"] {
        let of = |id: &str| TestRequest::post().uri(&format!("/api/v1/tests/{id}/{command}"));
        let done = answer_of(None, of(KNOWN)).await;
        assert_eq!((done.status, &done.json()["test_id"]), (202, &json!(KNOWN)));
        assert_problem(&answer_of(None, of("nobody")).await, 404);
        let busy = answer_of(None, of("busy")).await;
        assert_problem(&busy, 409);
        assert!(busy.text.contains("0199-known runs"));
        let lonely = answer_of(None, of("lonely")).await;
        assert_problem(&lonely, 409);
        assert_eq!(lonely.json()["drivers"]["vm-2"], "max_rate 5 is below 100");
        let broken = answer_of(None, of("broken")).await;
        assert_problem(&broken, 500);
        assert!(!broken.text.contains("/var"), "the cause is for the log: {}", broken.text);
    }
}

#[actix::test]
async fn a_page_of_another_site_changes_nothing() {
    let stop = |origin: &'static str| {
        let uri = format!("/api/v1/tests/{KNOWN}/stop");
        TestRequest::post()
            .uri(&uri)
            .insert_header(("host", "127.0.0.1:8080"))
            .insert_header(("origin", origin))
    };
    assert_problem(&answer_of(None, stop("http://evil.example")).await, 403);
    assert_problem(&answer_of(None, stop("null")).await, 403);
    assert_eq!(answer_of(None, stop("http://127.0.0.1:8080")).await.status, 202);
}

#[actix::test]
async fn without_a_token_another_sites_name_for_this_machine_gets_no_answer() {
    let get = |path: &str, host: &'static str| TestRequest::get().uri(path).insert_header(("host", host));
    for path in ["/", "/healthz", "/readyz", "/metrics", "/api/v1/tests", "/nothing"] {
        let refused = answer_of(None, get(path, "evil.example:8080")).await;
        assert_problem(&refused, 421);
        assert!(refused.text.contains("allow_unauthenticated"), "what to do: {}", refused.text);
    }
    assert_problem(
        &answer_of(None, post_plan("application/toml", PLAN).insert_header(("host", "evil.example"))).await,
        421,
    );
    for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
        assert_eq!(answer_of(None, get("/healthz", host)).await.status, 200, "{host}");
        assert_eq!(answer_of(None, get("/api/v1/drivers", host)).await.status, 200, "{host}");
    }
    // With a token nobody needs to guess who asks, and who allowed everyone meant everyone.
    assert_eq!(answer_of(Some(TOKEN), get("/healthz", "load.example")).await.status, 200);
    let (mut open, _parts) = state(None);
    open.access.any_host = true;
    assert_eq!(answer_from(open, get("/api/v1/drivers", "load.example")).await.status, 200);
}

#[actix::test]
async fn the_history_has_bounded_pages() {
    let list = |query: &str| TestRequest::get().uri(&format!("/api/v1/tests{query}"));
    assert_eq!(answer_of(None, list("")).await.json(), json!({"tests": [], "next_cursor": null}));
    let next = answer_of(None, list("?limit=200&cursor=17.abc")).await;
    assert_eq!(next.json()["next_cursor"], "200/17.abc", "both are passed on");
    for query in [
        "?limit=0",
        "?limit=201",
        "?limit=x",
        "?limit=",
        "?cursor=x",
        "?limit=1&limit=2",
        "?x=1",
        "?cursor=%ff",
        "?cursor=%",
    ] {
        let answer = answer_of(None, list(query)).await;
        assert_problem(&answer, 400);
        assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 1, "{query}");
    }
}

#[actix::test]
async fn a_report_comes_in_the_form_that_is_wanted() {
    let get = |path: &str, accept: &'static str| {
        TestRequest::get().uri(&format!("/api/v1/tests/{KNOWN}{path}")).insert_header(("accept", accept))
    };
    for (path, accept, expected) in [
        ("", "*/*", "application/json"),
        ("/report", "*/*", "application/json"),
        ("/report", "text/plain, application/json;q=0.5", "text/plain; charset=utf-8"),
        ("/report.json", "text/plain", "application/json"),
        ("/report.txt", "*/*", "text/plain; charset=utf-8"),
    ] {
        let answer = answer_of(None, get(path, accept)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{path} {accept}");
        assert!(answer.text.contains("known"));
    }
    assert_problem(&answer_of(None, get("/report", "text/html")).await, 406);
    for form in ["html", "csv", "junit.xml"] {
        assert_problem(&answer_of(None, get(&format!("/report.{form}"), "*/*")).await, 406);
    }
    for path in ["/api/v1/tests/nobody", "/api/v1/tests/nobody/report", "/api/v1/tests/nobody/report.html"] {
        assert_problem(&answer_of(None, TestRequest::get().uri(path)).await, 404);
    }
}

#[actix::test]
async fn the_series_is_bounded() {
    let get = |id: &str, query: &str| TestRequest::get().uri(&format!("/api/v1/tests/{id}/windows{query}"));
    let part = answer_of(None, get(KNOWN, "?from=2&to=4&driver=vm-1")).await.json();
    assert_eq!((part["windows"].as_array().unwrap().len(), &part["next_from"]), (3, &json!(5)));
    assert_eq!(part["windows"][0]["node_id"], "vm-1");
    let whole = answer_of(None, get(KNOWN, "")).await.json();
    assert_eq!((whole["windows"].as_array().unwrap().len(), &whole["next_from"]), (10, &Value::Null));
    assert_problem(&answer_of(None, get("nobody", "")).await, 404);
    assert_problem(&answer_of(None, get(KNOWN, "?from=5&to=4")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?from=0&to=3600")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?driver=")).await, 400);
    assert_problem(&answer_of(None, get(KNOWN, "?from=-1")).await, 400);
}

#[actix::test]
async fn unknown_paths_and_methods_are_problems() {
    for path in [
        "/nothing",
        "/api/v1",
        "/api/v1/tests/",
        "/api/v1/tests/a/b/c",
        "/%ff",
        "/api/v1/tests/%ff",
        "/api/v1/tests/%00",
        "/healthz/x",
    ] {
        assert_problem(&answer_of(None, TestRequest::get().uri(path)).await, 404);
    }
    for (path, allow) in [
        ("/api/v1/tests", "GET, HEAD, POST"),
        ("/api/v1/tests/x", "GET, HEAD"),
        ("/api/v1/tests/x/trigger", "POST"),
        ("/api/v1/events", "GET"),
        ("/", "GET, HEAD"),
    ] {
        for method in ["DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let method = actix_web::http::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = answer_of(None, TestRequest::default().method(method).uri(path)).await;
            assert_problem(&answer, 405);
            assert_eq!(answer.header("allow"), allow, "{path}");
        }
    }
}

#[actix::test]
async fn without_the_token_nothing_but_health_is_told() {
    for path in [
        "/api/v1/tests",
        "/api/v1/drivers",
        "/api/v1/time",
        "/metrics",
        "/openapi.json",
        "/nothing",
        "/api/v1/events",
    ] {
        let answer = answer_of(Some(TOKEN), TestRequest::get().uri(path)).await;
        assert_problem(&answer, 401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        assert!(!answer.text.contains(TOKEN));
        let wrong = TestRequest::get().uri(path).insert_header(("authorization", "Bearer wrong"));
        assert_problem(&answer_of(Some(TOKEN), wrong).await, 401);
    }
    let create = post_plan("application/toml", PLAN);
    assert_problem(&answer_of(Some(TOKEN), create).await, 401);
    assert_eq!(answer_of(Some(TOKEN), TestRequest::get().uri("/healthz")).await.status, 200);
    assert_problem(&answer_of(Some(TOKEN), TestRequest::get().uri("/readyz")).await, 503);
    let right = ("authorization", format!("Bearer {TOKEN}"));
    let drivers = TestRequest::get().uri("/api/v1/drivers").insert_header(right);
    assert_eq!(answer_of(Some(TOKEN), drivers).await.json().as_array().unwrap().len(), 2);
}

#[actix::test]
async fn the_page_runs_only_its_own_script() {
    let answer = answer_of(None, TestRequest::get().uri("/")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy");
    let (_, nonce) = answer.text.split_once("<script nonce=\"").unwrap();
    let nonce = nonce.split('"').next().unwrap();
    assert!(nonce.len() == 32 && policy.contains(&format!("script-src 'nonce-{nonce}'")), "{policy}");
    assert!(!answer.text.contains("{{") && !answer.text.contains("innerHTML"));
    for external in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!answer.text.contains(external), "{external}");
    }
    let browser = TestRequest::get().uri("/").insert_header(("accept", "text/html,*/*;q=0.8"));
    let login = answer_of(Some(TOKEN), browser).await;
    assert_eq!((login.status, login.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(login.header("content-security-policy").contains("nonce-"));
    assert_problem(&answer_of(Some(TOKEN), TestRequest::get().uri("/")).await, 401);
}

#[actix::test]
async fn readiness_names_what_is_missing() {
    let (state_of, parts) = state(None);
    parts.readiness.set_store(true);
    let answer = answer_from(state_of, TestRequest::get().uri("/readyz")).await;
    assert_problem(&answer, 503);
    assert!(answer.text.contains("Kafka"));
    let (state_of, parts) = state(None);
    parts.readiness.set_store(true);
    parts.readiness.set_kafka(true);
    assert_eq!(answer_from(state_of, TestRequest::get().uri("/readyz")).await.json()["status"], "ok");
}

#[actix::test]
async fn the_small_calls_answer() {
    assert_eq!(
        answer_of(None, TestRequest::get().uri("/api/v1/time")).await.json(),
        json!({"unix_us": 1_234_567})
    );
    let bootstrap = answer_of(None, TestRequest::get().uri("/api/v1/bootstrap")).await.json();
    assert_eq!(bootstrap, json!({"brokers": ["127.0.0.1:9092"], "topic_prefix": "t-", "protocol": 1}));
    let (state_of, parts) = state(None);
    parts.telemetry.record_read(common::wire::Topic::Metrics);
    parts.telemetry.record_rejected(common::wire::Topic::Metrics, common::wire::RejectReason::NotJson);
    let metrics = answer_from(state_of, TestRequest::get().uri("/metrics")).await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "groundswell_drivers{liveness=\"alive\"} 2",
        "groundswell_drivers{liveness=\"lost\"} 0",
        "groundswell_tests{state=\"finished\",verdict=\"passed\"} 3",
        "groundswell_records_read_total{topic=\"metrics\"} 1",
        "groundswell_records_rejected_total{topic=\"metrics\",reason=\"not_json\"} 1",
        "groundswell_event_subscribers 0",
    ] {
        assert!(metrics.text.lines().any(|shown| shown == line), "{line} is missing in\n{}", metrics.text);
    }
}

#[actix::test]
async fn the_description_names_every_route_and_all_it_refers_to() {
    let api = answer_of(None, TestRequest::get().uri("/openapi.json")).await.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(api["paths"].as_object().unwrap().len(), 17);
    assert!(api["components"].get("securitySchemes").is_none(), "no token, no scheme");
    let text = api.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(api.pointer(reference).is_some(), "{reference} is not there");
    }
    let right = ("authorization", format!("Bearer {TOKEN}"));
    let secured =
        answer_of(Some(TOKEN), TestRequest::get().uri("/openapi.json").insert_header(right)).await.json();
    assert!(secured["paths"]["/metrics"]["get"]["security"].is_array());
    assert!(secured["paths"]["/healthz"]["get"].get("security").is_none());
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

#[actix::test]
async fn a_listener_that_comes_back_resumes() {
    let (state_of, parts) = state(None);
    let options = HttpOptions { listen: "127.0.0.1:0".parse().unwrap(), max_connections: 16 };
    let serving = serve(&options, state_of).unwrap();
    let url = format!("http://{}/api/v1/events", serving.address);
    let changed = |id: &str| parts.events.send(Changed::Driver(Box::new(driver(id))));
    changed("before").await.unwrap();
    let mut stream = awc::Client::new().get(&url).send().await.unwrap();
    assert_eq!(stream.headers().get("content-type").unwrap(), "text/event-stream");
    let snapshot = read_until(&mut stream, "id: 7-1\n\n").await;
    assert!(snapshot.contains("event: driver\ndata: {\"node_id\":\"before\""), "{snapshot}");
    changed("live").await.unwrap();
    read_until(&mut stream, "id: 7-2\nevent: driver\ndata: ").await;
    drop(stream);
    changed("missed").await.unwrap();
    let resumed = awc::Client::new().get(&url).insert_header(("last-event-id", "7-2")).send();
    let mut resumed = resumed.await.unwrap();
    let text = read_until(&mut resumed, "id: 7-3").await;
    assert!(!text.contains("before") && !text.contains("\"live\""), "only what was missed: {text}");
    serving.stop().await;
    let end = async { while resumed.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("the stream ends with the server");
}

#[actix::test]
async fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let error = serve(&HttpOptions { listen, max_connections: 16 }, state(None).0).err().unwrap();
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}
