//! Who may ask: other sites, other hosts, the token, the page.

use super::*;

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
    // With a token the caller is known, so any host name is accepted; the same with `any_host`.
    assert_eq!(answer_of(Some(TOKEN), get("/healthz", "load.example")).await.status, 200);
    let (mut open, _parts) = state(None);
    open.access.any_host = true;
    assert_eq!(answer_from(open, get("/api/v1/drivers", "load.example")).await.status, 200);
}

#[actix::test]
async fn without_the_token_nothing_but_health_is_answered() {
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
