//! Who may ask: other sites, other hosts, the token; and the pages, which anyone may load.

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
    for path in
        ["/", "/tests/a", "/assets/x.js", "/healthz", "/readyz", "/metrics", "/api/v1/tests", "/nothing"]
    {
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
async fn the_pages_load_only_their_own_files_and_need_no_token() {
    let get = |path: &str| TestRequest::get().uri(path);
    let document = answer_of(None, get("/")).await;
    assert_eq!((document.status, document.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = document.header("content-security-policy");
    assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for external in ["src=\"http", "href=\"http", "url(http", "@import", " style=", "<script>", "<style"] {
        assert!(!document.text.contains(external), "{external}: {}", document.text);
    }
    for path in ["/", "/new", "/drivers", "/compare", "/tests/0199-a", "/compare?a=1&b=2"] {
        let answer = answer_of(Some(TOKEN), get(path)).await;
        assert_eq!((answer.status, &answer.text), (200, &document.text), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "it names the files of this version");
    }
    let files: Vec<&str> =
        document.text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(files.len() >= 3, "a script, a style and an icon: {files:?}");
    for file in files {
        let path = format!("/assets/{file}");
        let plain = answer_of(Some(TOKEN), get(&path)).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{file}");
        assert!(plain.header("cache-control").contains("immutable"), "{file}");
        assert_eq!(
            (plain.header("x-content-type-options"), plain.header("vary")),
            ("nosniff", "accept-encoding")
        );
        assert!(!plain.text.contains("http://") || file.ends_with(".svg") || file.ends_with(".js"), "{file}");
    }
    let missing = answer_of(None, get("/assets/gone-123.js")).await;
    assert_problem(&missing, 404);
    assert_eq!(missing.header("cache-control"), "no-store");
    assert_problem(&answer_of(None, TestRequest::post().uri("/new")).await, 405);

    // A wrong address is a page for a person, and a problem for a program.
    let by_browser =
        |path: &str| get(path).insert_header(("accept", "text/html,application/xhtml+xml,*/*;q=0.8"));
    let wrong = answer_of(None, by_browser("/driver")).await;
    assert_eq!((wrong.status, &wrong.text), (404, &document.text));
    assert!(wrong.header("content-type").starts_with("text/html"));
    let logged_out = answer_of(Some(TOKEN), by_browser("/driver")).await;
    assert_eq!((logged_out.status, &logged_out.text), (404, &document.text));
    for path in ["/metrics", "/openapi.json", "/api/v1/tests", "/api/v1/test"] {
        assert_problem(&answer_of(Some(TOKEN), by_browser(path)).await, 401);
    }
    assert_problem(&answer_of(None, by_browser("/api/v1/test")).await, 404);
    assert_problem(&answer_of(None, get("/driver")).await, 404);
}
