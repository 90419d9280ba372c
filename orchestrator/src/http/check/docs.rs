//! The documentation and the words.

use super::*;

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

#[actix::test]
async fn pages_are_open_and_load_nothing_but_our_style_and_pictures() {
    for path in ["/docs", "/docs/", "/docs?q=lag", "/docs?q=", "/docs/plans", "/docs/plans.md"] {
        let page = answer_of(Some(TOKEN), get(path)).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
    }
    for (path, kind) in [
        ("/docs/style.css", "text/css; charset=utf-8"),
        ("/docs/plan.schema.json", "application/json"),
        ("/docs/pictures/stall-sent.svg", "image/svg+xml"),
        ("/docs/pictures/report.png", "image/png"),
    ] {
        let file = answer_of(Some(TOKEN), get(path)).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind), "{path}");
    }
}

#[actix::test]
async fn what_the_documentation_does_not_have_is_a_problem() {
    for path in ["/docs/nothing", "/docs/%ff", "/docs/plans/x", "/docs/pictures/nothing.svg", "/docs/.md"] {
        assert_problem(&answer_of(None, get(path)).await, 404);
    }
    assert_problem(&answer_of(None, get("/docs?colour=red")).await, 400);
    assert_problem(&answer_of(None, get("/docs/plans?q=lag")).await, 400);
    assert_problem(&answer_of(None, TestRequest::post().uri("/docs")).await, 405);
    assert_problem(&answer_of(None, get("/docs").insert_header(("host", "evil.example"))).await, 421);
}

#[actix::test]
async fn a_search_finds_the_section() {
    let found = answer_of(None, get("/docs?q=coordinated+omission")).await;
    assert!(found.text.contains("href=\"/docs/loops#"), "{}", found.text);
    let hostile = answer_of(None, get("/docs?q=%3Cscript%3E")).await;
    assert!(!hostile.text.contains("<script"), "{}", hostile.text);
}

#[actix::test]
async fn every_word_has_its_explanation() {
    let words = answer_of(None, get("/api/v1/words")).await.json();
    let words = words["words"].as_array().unwrap();
    assert!(words.len() > 40, "{}", words.len());
    let lag = words.iter().find(|word| word["name"] == "lag").unwrap();
    assert_eq!((&lag["group"], &lag["also"]), (&json!("Latencies"), &json!([])));
    assert!(lag["html"].as_str().unwrap().starts_with("<p>The instant"), "{lag}");
    assert!(lag["text"].as_str().unwrap().starts_with("The instant"), "{lag}");
    assert_problem(&answer_of(Some(TOKEN), get("/api/v1/words")).await, 401);
    assert_problem(&answer_of(None, get("/api/v1/words?x=1")).await, 400);
}

#[actix::test]
async fn a_page_without_tests_asks_what_there_is_to_try() {
    let answer = answer_of(None, get("/api/v1/try-target")).await;
    assert_eq!(answer.json(), json!({ "url": "http://127.0.0.1:8081/ping" }));
    assert_problem(&answer_of(Some(TOKEN), get("/api/v1/try-target")).await, 401);
}

#[actix::test]
async fn every_metric_of_the_orchestrator_is_documented() {
    let metrics = answer_of(None, get("/metrics")).await;
    let names = metrics.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let page = include_str!("../../../../docs/metrics.md");
    let missing: Vec<&str> = names.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/metrics.md lacks {missing:?}");
}
