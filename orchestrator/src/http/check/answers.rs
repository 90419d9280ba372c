//! What each path answers.

use super::*;

#[actix::test]
async fn commands_answer_as_the_state_allows() {
    for command in ["trigger", "stop"] {
        let of = |id: &str| TestRequest::post().uri(&format!("/api/v1/tests/{id}/{command}"));
        let done = answer_of(None, of(KNOWN)).await;
        assert_eq!((done.status, &done.json()["test_id"]), (202, &json!(KNOWN)));
        assert_problem(&answer_of(None, of("missing")).await, 404);
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
async fn a_rate_is_changed_where_the_state_allows_and_the_body_is_right() {
    let patch = |id: &str, body: &'static str| {
        let request = TestRequest::patch().uri(&format!("/api/v1/tests/{id}"));
        request.insert_header(("content-type", "application/json")).set_payload(body)
    };
    for (body, rate) in
        [(r#"{"rate": 500}"#, 500.0), (r#"{"rate": "6/m"}"#, 0.1), (r#"{"rate": "1.5k/s"}"#, 1_500.0)]
    {
        let done = answer_of(None, patch(KNOWN, body)).await;
        let expected = json!({ "test_id": KNOWN, "rate": rate, "at": "2026-11-24T00:00:12.000000Z", "at_s": 12.0,
            "change": 1 });
        assert_eq!((done.status, done.json()), (202, expected), "{body}");
    }
    let same = answer_of(None, patch(KNOWN, r#"{"rate": 100}"#)).await;
    assert_eq!(
        (same.status, &same.json()["change"], &same.json()["rate"]),
        (202, &json!(null), &json!(100.0))
    );
    for (body, reason) in [
        ("", "not JSON"),
        ("[1]", "not a table"),
        ("{}", "is missing"),
        (r#"{"rate": 0}"#, "must be from"),
        (r#"{"rate": -1}"#, "must be from"),
        (r#"{"rate": 1e300}"#, "must be from"),
        (r#"{"rate": "soon"}"#, "expected requests per second"),
        (r#"{"rate": true}"#, "expected requests per second"),
        (r#"{"rate": 5, "users": 3}"#, "rate is the only one"),
    ] {
        let wrong = answer_of(None, patch(KNOWN, body)).await;
        assert_problem(&wrong, 400);
        assert!(wrong.text.contains(reason), "{body}: {}", wrong.text);
    }
    assert_problem(&answer_of(None, patch("missing", r#"{"rate": 5}"#)).await, 404);
    assert_problem(&answer_of(None, patch("busy", r#"{"rate": 5}"#)).await, 409);
    assert_problem(&answer_of(Some(TOKEN), patch(KNOWN, r#"{"rate": 5}"#)).await, 401);
    let toml = patch(KNOWN, "rate = 5").insert_header(("content-type", "application/toml"));
    assert_problem(&answer_of(None, toml).await, 415);
    let foreign = patch(KNOWN, r#"{"rate": 5}"#).insert_header(("origin", "http://elsewhere.test"));
    assert_problem(&answer_of(None, foreign).await, 403);
}

#[actix::test]
async fn a_trigger_that_waited_in_vain_names_the_test_under_way() {
    let trigger = |query: &str| TestRequest::post().uri(&format!("/api/v1/tests/second/trigger{query}"));
    for (query, said) in [("", "is under way"), ("?wait=1m", "is still under way after a wait of 1m")] {
        let answer = answer_of(None, trigger(query)).await;
        assert_problem(&answer, 409);
        assert_eq!(answer.json()["under_way"], "second");
        assert!(answer.text.contains(said), "{}", answer.text);
    }
}

#[actix::test]
async fn a_test_is_deleted_where_its_state_allows() {
    let of = |id: &str| TestRequest::delete().uri(&format!("/api/v1/tests/{id}"));
    let done = answer_of(None, of(KNOWN)).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    assert_problem(&answer_of(None, of("missing")).await, 404);
    assert_problem(&answer_of(None, of("busy")).await, 409);
    assert_problem(&answer_of(Some(TOKEN), of(KNOWN)).await, 401);
    let foreign = of(KNOWN).insert_header(("origin", "http://elsewhere.test"));
    assert_problem(&answer_of(None, foreign).await, 403);
}

#[actix::test]
async fn the_history_has_bounded_pages() {
    let list = |query: &str| TestRequest::get().uri(&format!("/api/v1/tests{query}"));
    assert_eq!(answer_of(None, list("")).await.json(), json!({"tests": [], "next_cursor": null}));
    let next = answer_of(None, list("?limit=200&cursor=17.abc")).await;
    assert_eq!(next.json()["next_cursor"], "200/17.abc", "both are passed on");
    let filtered = answer_of(None, list("?cursor=17.abc&state=finished&verdict=failed&q=Ping%20it")).await;
    assert_eq!(filtered.json()["next_cursor"], "50/17.abc/Finished/Failed/Ping it");
    let unknown = answer_of(None, list("?state=done")).await;
    assert!(unknown.text.contains("`configured`"), "the words are named: {}", unknown.text);
    for query in [
        "?state=done",
        "?verdict=Passed",
        "?q=",
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
async fn a_parameter_that_a_path_does_not_have_is_a_problem() {
    for path in [
        "/api/v1/tests/0199-known",
        "/api/v1/tests/0199-known/report",
        "/api/v1/tests/0199-known/report.txt",
        "/api/v1/tests/0199-known/report.md",
        "/api/v1/tests/0199-known/report.hlog",
        "/api/v1/drivers",
        "/api/v1/bootstrap",
        "/api/v1/time",
        "/api/v1/events",
        "/metrics",
        "/openapi.json",
    ] {
        let answer = answer_of(None, TestRequest::get().uri(&format!("{path}?pretty&x=1"))).await;
        assert_problem(&answer, 400);
        assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2, "{path}");
    }
    for command in ["trigger?now=1", "trigger?wait=61s", "trigger?wait=5", "stop?now=1"] {
        let uri = format!("/api/v1/tests/{KNOWN}/{command}");
        assert_problem(&answer_of(None, TestRequest::post().uri(&uri)).await, 400);
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
        ("/report", "text/markdown", "text/markdown; charset=utf-8"),
        ("/report", "application/xml, image/png", "application/xml; charset=utf-8"),
        ("/report.junit.xml", "*/*", "application/xml; charset=utf-8"),
        ("/report.md", "*/*", "text/markdown; charset=utf-8"),
        ("/report.hgrm", "*/*", "text/plain; charset=utf-8"),
        ("/report.hlog", "*/*", "text/plain; charset=utf-8"),
    ] {
        let answer = answer_of(None, get(path, accept)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{path} {accept}");
        assert!(answer.text.contains("known"));
    }
    assert_problem(&answer_of(None, get("/report", "image/png")).await, 406);
    for path in ["", "/report", "/report.html", "/report.csv", "/report.hlog", "/report.md", "/report.pdf"] {
        let of_none = TestRequest::get().uri(&format!("/api/v1/tests/missing{path}"));
        assert_problem(&answer_of(None, of_none).await, 404);
    }
}

#[actix::test]
async fn the_series_is_in_the_json_report_where_it_is_asked_for() {
    let get = |query: &str| TestRequest::get().uri(&format!("/api/v1/tests/{KNOWN}/report.json{query}"));
    for (query, windows) in [("", None), ("?series=false", None), ("?series=true", Some(10))] {
        let report = answer_of(None, get(query)).await.json();
        assert_eq!(report["test_id"], KNOWN);
        assert_eq!(report["series"].as_array().map(Vec::len), windows, "{query}");
    }
    for query in ["?series=yes", "?series=", "?series=true&series=true", "?step=1"] {
        assert_problem(&answer_of(None, get(query)).await, 400);
    }
}

#[actix::test]
async fn the_html_report_has_its_data_inside_and_an_origin_of_its_own() {
    for (path, accept) in [(".html", "*/*"), ("", "text/html")] {
        let request = TestRequest::get().uri(&format!("/api/v1/tests/{KNOWN}/report{path}"));
        let page = answer_of(None, request.insert_header(("accept", accept))).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("sandbox allow-scripts") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        let (_, data) = page.text.split_once(r#"<script type="application/json" id="data">"#).unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert!(data["words"]["words"].as_array().unwrap().iter().any(|word| word["name"] == "response"));
        assert_eq!(
            (&data["report"]["test_id"], data["series"].as_array().unwrap().len()),
            (&json!(KNOWN), 10)
        );
    }
    let bare = answer_of(None, TestRequest::get().uri(&format!("/api/v1/tests/{KNOWN}/report.md"))).await;
    assert_eq!(bare.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}

#[actix::test]
async fn every_page_of_a_series_is_in_the_answer() {
    let get = |path: &str, accept: &'static str| {
        let request = TestRequest::get().uri(&format!("/api/v1/tests/{KNOWN}/report{path}"));
        request.insert_header(("accept", accept))
    };
    for (path, accept) in [(".csv", "*/*"), ("", "text/csv")] {
        let csv = answer_of(None, get(path, accept)).await;
        assert_eq!(
            (csv.status, csv.header("content-type")),
            (200, "text/csv; charset=utf-8; header=present")
        );
        let name = format!("inline; filename=\"groundswell-{KNOWN}.csv\"");
        assert_eq!(csv.header("content-disposition"), name);
        let seconds: Vec<&str> = csv.text.split_terminator("\r\n").filter_map(|row| row.get(..2)).collect();
        assert_eq!(seconds, ["se", "0,", "0,", "1,", "1,"], "{}", csv.text);
    }
    let log = answer_of(None, get(".hlog", "*/*")).await;
    let lines = |log: &str| log.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(lines(&log.text), 4, "{}", log.text);
    assert!(log.text.contains("\nTag=vm-1,"), "{}", log.text);
    let percentiles = answer_of(None, get(".hgrm?of=service", "*/*")).await.text;
    assert!(
        percentiles.contains("#[Max     =        1.000, Total count    =           20]"),
        "{percentiles}"
    );
    assert!(percentiles.contains("#[service in ms of test 0199-known (known)]"), "{percentiles}");
    for query in ["?of=", "?of=p99", "?of=lag&of=lag", "?from=1"] {
        assert_problem(&answer_of(None, get(&format!(".hgrm{query}"), "*/*")).await, 400);
    }
    assert_problem(&answer_of(None, get(".csv?of=lag", "*/*")).await, 400);
}

#[actix::test]
async fn the_series_is_bounded() {
    let get = |id: &str, query: &str| TestRequest::get().uri(&format!("/api/v1/tests/{id}/windows{query}"));
    let part = answer_of(None, get(KNOWN, "?from=2&to=4&driver=vm-1")).await.json();
    assert_eq!((part["windows"].as_array().unwrap().len(), &part["next_from"]), (3, &json!(5)));
    assert_eq!(part["windows"][0]["node_id"], "vm-1");
    let whole = answer_of(None, get(KNOWN, "")).await.json();
    assert_eq!((whole["windows"].as_array().unwrap().len(), &whole["next_from"]), (10, &Value::Null));
    assert_problem(&answer_of(None, get("missing", "")).await, 404);
    assert_problem(&answer_of(None, get(KNOWN, "?from=5&to=4")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?from=0&to=3600")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?driver=")).await, 400);
    assert_problem(&answer_of(None, get(KNOWN, "?from=-1")).await, 400);
    let other = answer_of(None, get(KNOWN, "?driver=vm-9")).await;
    assert_problem(&other, 404);
    assert_eq!(other.json()["errors"][0]["value"], "vm-9", "{}", other.text);
    assert_problem(&answer_of(None, get("missing", "?driver=vm-9")).await, 404);
    for (query, step, n, next_from) in [
        ("?step=1&from=3", 1, 7, Value::Null),
        ("?step=10&to=9", 10, 1, Value::Null),
        ("?from=0&to=8", 1, 9, json!(9)),
        ("?step=auto", 1, 10, Value::Null),
        ("?step=auto&from=0&to=3600", 60, 1, Value::Null),
        ("?step=60&from=0&to=215999", 60, 1, Value::Null),
    ] {
        let page = answer_of(None, get(KNOWN, query)).await.json();
        let windows = page["windows"].as_array().unwrap();
        assert_eq!(
            (&page["step"], windows.len(), &page["next_from"]),
            (&json!(step), n, &next_from),
            "{query}"
        );
        assert_eq!(windows[0]["seconds"], step, "{query}");
    }
    assert_problem(&answer_of(None, get(KNOWN, "?step=60&from=0&to=216000")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?step=2")).await, 400);
    let all = answer_of(None, get(KNOWN, "?from=x&to=-1&driver=&colour=red")).await;
    assert_problem(&all, 400);
    assert_eq!(all.json()["errors"].as_array().unwrap().len(), 4, "{}", all.text);
}

#[actix::test]
async fn a_span_says_what_it_covers() {
    let get = |id: &str, query: &str| TestRequest::get().uri(&format!("/api/v1/tests/{id}/span{query}"));
    let span = answer_of(None, get(KNOWN, "?from=2&to=4")).await.json();
    assert_eq!((&span["from"], &span["to"], &span["step"]), (&json!(2), &json!(4), &json!(1)));
    assert_eq!(answer_of(None, get(KNOWN, "")).await.json()["to"], 9);
    assert_problem(&answer_of(None, get("missing", "")).await, 404);
    assert_problem(&answer_of(None, get(KNOWN, "?from=5&to=4")).await, 422);
    assert_problem(&answer_of(None, get(KNOWN, "?from=x&colour=red")).await, 400);
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
        ("/api/v1/tests/x", "GET, HEAD, PATCH, DELETE"),
        ("/api/v1/tests/x/trigger", "POST"),
        ("/api/v1/events", "GET"),
        ("/", "GET, HEAD"),
    ] {
        for method in ["DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            if allow.contains(method) {
                continue;
            }
            let method = actix_web::http::Method::from_bytes(method.as_bytes()).unwrap();
            let answer = answer_of(None, TestRequest::default().method(method).uri(path)).await;
            assert_problem(&answer, 405);
            assert_eq!(answer.header("allow"), allow, "{path}");
        }
    }
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
    let topics = json!({"heartbeat": "beats"});
    let expected =
        json!({"brokers": ["127.0.0.1:9092"], "topic_prefix": "t-", "topics": topics, "protocol": 1});
    assert_eq!(bootstrap, expected);
    let (state_of, parts) = state(None);
    parts.telemetry.record_read(common::wire::Topic::Metrics);
    parts.telemetry.record_rejected(common::wire::Topic::Metrics, common::wire::RejectReason::NotJson);
    let metrics = answer_from(state_of, TestRequest::get().uri("/metrics")).await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "groundswell_drivers{liveness=\"alive\"} 2",
        "groundswell_drivers{liveness=\"lost\"} 0",
        "groundswell_tests{state=\"finished\",verdict=\"passed\"} 3",
        "groundswell_records_read_total{topic=\"beats\"} 0",
        "groundswell_records_read_total{topic=\"t-metrics\"} 1",
        "groundswell_records_rejected_total{topic=\"t-metrics\",reason=\"not_json\"} 1",
        "groundswell_event_subscribers 0",
        "groundswell_test_requests_total{request=\"page\",outcome=\"completed\"} 9",
        "groundswell_test_requests_by_value_total{request=\"page\",value=\"a \\\"b\\\"\",outcome=\"failed\"} 1",
        "groundswell_test_sessions_total{scenario=\"pay\",outcome=\"dropped\"} 3",
        "groundswell_test_info{test_id=\"0199-known\",name=\"known\"} 1",
        "groundswell_test_state{state=\"running\"} 1",
        "groundswell_test_standing{standing=\"failing\"} 0",
    ] {
        assert!(metrics.text.lines().any(|shown| shown == line), "{line} is missing in\n{}", metrics.text);
    }
}

#[actix::test]
async fn the_description_names_every_route_and_all_it_refers_to() {
    let api = answer_of(None, TestRequest::get().uri("/openapi.json")).await.json();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(api["paths"].as_object().unwrap().len(), 33);
    assert_eq!(api["paths"]["/metrics"]["get"]["security"], json!([{}, {"token": []}]), "it may be left out");
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
