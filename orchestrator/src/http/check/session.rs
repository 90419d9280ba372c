//! Logging in and out, and what a log-in may do.

use super::super::session;
use super::*;

const HOST: (&str, &str) = ("host", "load.example:8080");
const OUR_ORIGIN: (&str, &str) = ("origin", "http://load.example:8080");

fn log_in(token: &str) -> TestRequest {
    let body = json!({ "token": token }).to_string();
    TestRequest::post()
        .uri("/api/v1/session")
        .insert_header(HOST)
        .insert_header(("content-type", "application/json"))
        .set_payload(body)
}

/// The cookie of a log-in as a browser sends it back.
async fn cookie() -> String {
    let answer = answer_of(Some(TOKEN), log_in(TOKEN).insert_header(OUR_ORIGIN)).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let field = answer.header("set-cookie");
    for attribute in ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"] {
        assert!(field.contains(attribute), "{field}");
    }
    assert!(!field.contains("Secure") && !field.contains(TOKEN), "{field}");
    field.split(';').next().unwrap().to_owned()
}

#[actix::test]
async fn the_token_gets_a_cookie_and_nothing_else_does() {
    let cookie = cookie().await;
    let drivers = TestRequest::get().uri("/api/v1/drivers").insert_header(("cookie", cookie.clone()));
    assert_eq!(answer_of(Some(TOKEN), drivers).await.status, 200);
    let session = |uri: &str| TestRequest::get().uri(uri).insert_header(("cookie", cookie.clone()));
    let view = answer_of(Some(TOKEN), session("/api/v1/session")).await.json();
    assert_eq!(view["by"], "cookie");
    assert!(view["expires_at"].as_str().unwrap().starts_with("1970-01-01T12:00:0"), "{view}");
    assert_problem(&answer_of(Some("another-token"), session("/api/v1/session")).await, 401);
    assert_problem(&answer_of(Some(TOKEN), TestRequest::get().uri("/api/v1/session")).await, 401);
    let bearer = ("authorization", format!("Bearer {TOKEN}"));
    let by_token = TestRequest::get().uri("/api/v1/session").insert_header(bearer);
    assert_eq!(answer_of(Some(TOKEN), by_token).await.json(), json!({ "by": "token", "expires_at": null }));

    let wrong = answer_of(Some(TOKEN), log_in("wrong")).await;
    assert_problem(&wrong, 401);
    assert_eq!(wrong.header("set-cookie"), "");
    for body in ["", "{", "{}", "[]", r#"{"token": 7}"#, r#"{"token": "s3cret-token", "more": 1}"#] {
        let answer = answer_of(Some(TOKEN), log_in(TOKEN).set_payload(body)).await;
        assert_problem(&answer, 400);
        assert!(!answer.text.contains(TOKEN) && answer.header("set-cookie").is_empty(), "{}", answer.text);
    }
    let form = log_in(TOKEN).insert_header(("content-type", "application/x-www-form-urlencoded"));
    assert_problem(&answer_of(Some(TOKEN), form).await, 415);
    let foreign = log_in(TOKEN).insert_header(("origin", "http://evil.example"));
    assert_problem(&answer_of(Some(TOKEN), foreign).await, 403);
    let over_tls = log_in(TOKEN).insert_header(("origin", "https://load.example:8080"));
    assert!(answer_of(Some(TOKEN), over_tls).await.header("set-cookie").ends_with("; Secure"));
}

#[actix::test]
async fn a_log_in_changes_something_for_our_own_pages_alone() {
    let cookie = cookie().await;
    let stop = || {
        let uri = format!("/api/v1/tests/{KNOWN}/stop");
        TestRequest::post().uri(&uri).insert_header(HOST).insert_header(("cookie", cookie.clone()))
    };
    assert_problem(&answer_of(Some(TOKEN), stop()).await, 403);
    for origin in ["http://evil.example", "null", "http://load.example:8081", "http://load.example"] {
        assert_problem(&answer_of(Some(TOKEN), stop().insert_header(("origin", origin))).await, 403);
    }
    assert_eq!(answer_of(Some(TOKEN), stop().insert_header(OUR_ORIGIN)).await.status, 202);
    // The token is given on purpose: whoever has it is a program.
    let bearer = ("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(answer_of(Some(TOKEN), stop().insert_header(bearer)).await.status, 202);
}

#[actix::test]
async fn who_logs_out_loses_the_cookie() {
    let request = TestRequest::delete().uri("/api/v1/session").insert_header(("cookie", cookie().await));
    let answer = answer_of(Some(TOKEN), request).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").contains("=; Path=/; Max-Age=0;"), "{}", answer.header("set-cookie"));
}

#[actix::test]
async fn without_a_token_there_is_nothing_to_log_in_to() {
    let local = ("host", "127.0.0.1:8080");
    let answer = answer_of(None, log_in("anything").insert_header(local)).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (204, ""));
    let view = answer_of(None, TestRequest::get().uri("/api/v1/session")).await.json();
    assert_eq!(view, json!({ "by": "anyone", "expires_at": null }));
    let delete = TestRequest::delete().uri("/api/v1/session");
    assert_eq!(answer_of(None, delete).await.status, 204);
}

/// Without an end of its own it would go on for as long as the page is open.
#[actix::test]
async fn the_events_of_a_page_end_with_its_log_in() {
    let (state, _parts) = state(Some(TOKEN));
    let token = state.access.token.clone().unwrap();
    let until_s = u64::try_from(state.clock.unix_us() / 1_000_000).unwrap() + 1;
    let cookie = format!("{}={}", session::name_of(&token), session::value_of(&token, until_s));
    let by = |name: &str, value: String| {
        TestRequest::get().uri("/api/v1/events").insert_header((name.to_owned(), value)).to_http_request()
    };
    let valid_for = |request| session::valid_for(&request, &state);
    assert!(valid_for(by("cookie", cookie.clone())).is_some_and(|valid_for| valid_for.as_secs() <= 1));
    assert_eq!(valid_for(by("authorization", format!("Bearer {TOKEN}"))), None, "a token has no end");
    let events = TestRequest::get().uri("/api/v1/events").insert_header(("cookie", cookie));
    let whole = answer_from(state, events).await;
    assert_eq!(whole.status, 200, "it ends: {}", whole.text);
}
