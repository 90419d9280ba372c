//! Data files: put, fetched, named by plans.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use common::plan::files::FileHash;

use super::*;
use crate::data_files::DataFiles;
use crate::settings::DataSettings;

const USERS: &[u8] = b"id,name\n1,Ann\n2,Bob\n";

fn at(hash: impl std::fmt::Display) -> String {
    format!("/api/v1/data/{hash}")
}

fn put(path: &str, body: impl Into<actix_web::web::Bytes>) -> TestRequest {
    TestRequest::put().uri(path).set_payload(body)
}

/// Sends requests one after the other to a server with its own files.
async fn all(token: Option<&str>, requests: Vec<TestRequest>) -> Vec<Answer> {
    let (state, _parts) = state(token);
    let app = App::new().app_data(Data::new(state)).wrap(from_fn(guard)).configure(routes);
    let service = test::init_service(app).await;
    let mut answers = Vec::new();
    for request in requests {
        answers.push(read(test::call_service(&service, request.to_request()).await).await);
    }
    answers
}

async fn read(response: ServiceResponse<impl actix_web::body::MessageBody>) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    Answer { status, headers, text }
}

#[actix::test]
async fn a_file_is_put_under_its_hash_and_fetched_again() {
    let hash = FileHash::of(USERS);
    let path = at(hash);
    let requests = vec![
        TestRequest::get().uri(&path),
        put(&path, USERS),
        put(&path, USERS),
        TestRequest::get().uri(&path),
        TestRequest::default().method(actix_web::http::Method::HEAD).uri(&path),
    ];
    let answers = all(None, requests).await;
    assert_problem(&answers[0], 404);
    assert_eq!((answers[1].status, answers[2].status), (201, 200), "{}", answers[1].text);
    assert_eq!(answers[1].json(), json!({ "sha256": hash.to_string(), "bytes": USERS.len() }));
    assert_eq!((answers[3].status, answers[3].text.as_bytes()), (200, USERS));
    assert_eq!(answers[3].header("content-type"), "application/octet-stream");
    assert_eq!((answers[4].status, answers[4].text.as_str()), (200, ""));
}

#[actix::test]
async fn what_is_not_the_file_is_not_taken() {
    let hash = FileHash::of(USERS);
    let other = put(&at(hash), "other");
    let upper = hash.to_string().to_uppercase();
    let zipped = put(&at(hash), USERS).insert_header(("content-encoding", "gzip"));
    let foreign = put(&at(hash), USERS)
        .insert_header(("host", "127.0.0.1:8080"))
        .insert_header(("origin", "http://elsewhere.test"));
    let mut requests = vec![other, zipped, foreign];
    let names = ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "x", &upper];
    requests.extend(names.map(|name| put(&at(name), USERS)));
    requests.extend(names.map(|name| TestRequest::get().uri(&at(name))));
    requests.push(TestRequest::get().uri(&at(hash)));
    let answers = all(None, requests).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [400, 415, 403, 400, 400, 400, 400, 404, 404, 404, 404, 404]);
    answers.iter().for_each(|answer| assert_problem(answer, answer.status));
    assert!(answers[0].text.contains(&FileHash::of(b"other").to_string()), "{}", answers[0].text);
}

#[actix::test]
async fn files_stay_within_the_quota() {
    let mib = |byte: u8, n: usize| vec![byte; n << 20];
    let of = |bytes: Vec<u8>| put(&at(FileHash::of(&bytes)), bytes);
    let answers = all(None, vec![of(mib(1, 5)), of(mib(2, 4)), of(mib(3, 3)), of(mib(4, 2))]).await;
    assert_problem(&answers[0], 413);
    assert_eq!(answers[1].status, 201, "{}", answers[1].text);
    assert_problem(&answers[2], 507);
    assert_eq!(answers[3].status, 201, "{}", answers[3].text);
}

#[actix::test]
async fn files_need_the_token_where_there_is_one() {
    let path = at(FileHash::of(USERS));
    let right = ("authorization", format!("Bearer {TOKEN}"));
    let requests = vec![
        put(&path, USERS),
        put(&path, USERS).insert_header(right.clone()),
        TestRequest::get().uri(&path),
        TestRequest::get().uri(&path).insert_header(right),
    ];
    let statuses: Vec<u16> = all(Some(TOKEN), requests).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [401, 201, 401, 200]);
}

#[actix::test]
async fn two_clients_that_put_one_file_at_once_both_have_it() {
    let (state, _parts) = state(None);
    let files = Arc::clone(&state.data);
    let app = App::new().app_data(Data::new(state)).wrap(from_fn(guard)).configure(routes);
    let service = test::init_service(app).await;
    let bytes = vec![7_u8; 1 << 20];
    let path = at(FileHash::of(&bytes));
    let one = test::call_service(&service, put(&path, bytes.clone()).to_request());
    let other = test::call_service(&service, put(&path, bytes.clone()).to_request());
    let (one, other) = tokio::join!(one, other);
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(files.find(&FileHash::of(&bytes)).unwrap().unwrap().1, 1 << 20);
}

fn plan(order: &str, sessions: u64) -> Value {
    let facts = json!({ "rows": 1_000_000, "bytes": 8, "columns": [{ "name": "id" }] });
    json!({
        "target": { "url": "http://127.0.0.1:8081/" },
        "data": { "user": { "file": FileHash::of(USERS).in_plan(), "order": order, "facts": facts } },
        "requests": { "get": { "path": "/{{user.name}}" } },
        "load": { "rate": 10, "sessions": sessions },
    })
}

#[actix::test]
async fn what_a_plan_needs_to_know_of_a_file_is_read_from_the_file() {
    let post = |plan: Value| post_plan("application/json", plan.to_string());
    let missing = post(plan("circular", 1));
    let requests = vec![
        missing,
        put(&at(FileHash::of(USERS)), USERS),
        post(plan("circular", 100)),
        post(plan("once", 3)),
        post(plan("once", 2)),
    ];
    let answers = all(None, requests).await;
    assert_problem(&answers[0], 400);
    let fault = &answers[0].json()["errors"][0];
    assert_eq!(
        (&fault["path"], &fault["value"]),
        (&json!("data.user.file"), &json!(FileHash::of(USERS).in_plan()))
    );
    assert_eq!(answers[2].status, 201, "{}", answers[2].text);
    let set = &answers[2].json()["plan"]["data"]["user"];
    assert_eq!(
        (&set["facts"]["rows"], set.get("rows")),
        (&json!(2), None),
        "not what the client says: {set:#}"
    );
    assert_problem(&answers[3], 422);
    assert!(answers[3].text.contains("has 2 rows, each for one session"), "{}", answers[3].text);
    assert_eq!(answers[4].status, 201, "{}", answers[4].text);
}

#[actix::test]
async fn a_test_takes_its_files_with_it() {
    let (state, parts) = state(None);
    let hash = FileHash::of(USERS);
    let limits =
        DataSettings { max_file_bytes: 1 << 20, max_bytes: 1 << 20, keep_unnamed: Duration::from_secs(60) };
    let files = Arc::new(DataFiles::open(parts.data_dir.path(), limits).unwrap());
    let mut upload = files.put(None).unwrap();
    upload.write(USERS).unwrap();
    upload.finish(&hash).unwrap();
    files.named(&[hash].into());
    super::super::data::forget(&state, [hash].into()).await;
    assert!(files.find(&hash).unwrap().is_none());
}
