//! Plans in, tests out, and bodies that are not plans.

use super::*;

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
async fn each_fault_of_a_plan_is_reported_with_key_value_and_reason() {
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

fn check(content_type: &'static str, body: impl Into<actix_web::web::Bytes>) -> TestRequest {
    TestRequest::post()
        .uri("/api/v1/plans/check")
        .insert_header(("content-type", content_type))
        .set_payload(body)
}

#[actix::test]
async fn a_plan_is_checked_and_shown_in_other_forms_without_a_test() {
    let of_toml = answer_of(None, check("application/toml", PLAN)).await;
    assert_eq!(of_toml.status, 200, "{}", of_toml.text);
    let of_toml = of_toml.json();
    assert_eq!(of_toml["toml"], PLAN, "as it was given");
    assert_eq!(of_toml["plan"]["request"]["timeout"], "5s", "with its defaults");
    assert_eq!(of_toml["plan"]["request"]["headers"]["Authorization"], "***");
    let summary = of_toml["summary"].as_array().unwrap();
    assert_eq!(summary[0], "100 requests/s (open loop, tsunami)");
    assert_eq!(summary[1], "ends after 5s: about 500 requests in all");

    let given = json!({"target": {"url": "http://127.0.0.1:8081/"}, "load": {"rate": 5, "duration": "5s"}});
    let of_json = answer_of(None, check("application/json", given.to_string())).await.json();
    let toml = of_json["toml"].as_str().unwrap().to_owned();
    let again = answer_of(None, check("application/toml", toml)).await.json();
    assert_eq!(again["plan"], of_json["plan"]);
}

#[actix::test]
async fn a_check_reports_what_the_creation_of_a_test_would() {
    let both = PLAN.replace("rate = 100", "rate = 100\ndelay = \"1ms\"");
    for (content_type, body) in [
        ("application/toml", both),
        ("application/toml", "= = =".to_owned()),
        ("application/json", "[]".to_owned()),
        ("application/json", r#"{"load": {"rate": -5}, "colour": "red"}"#.to_owned()),
        ("text/plain", String::new()),
    ] {
        let created = answer_of(None, post_plan(content_type, body.clone())).await;
        let checked = answer_of(None, check(content_type, body)).await;
        assert!(created.status >= 400);
        assert_eq!((checked.status, checked.json()), (created.status, created.json()));
    }
}

#[actix::test]
async fn a_test_is_created_from_another_ones_plan() {
    let from = |body: Value| post_plan("application/json", body.to_string());
    let again = answer_of(None, from(json!({ "from": KNOWN }))).await;
    assert_eq!((again.status, again.header("location")), (201, "/api/v1/tests/0199-new"), "{}", again.text);
    assert_eq!(again.json()["name"], "known");
    let named = answer_of(None, from(json!({ "from": KNOWN, "name": "again" }))).await;
    assert_eq!(named.json()["name"], "again");
    assert_problem(&answer_of(None, from(json!({ "from": "0199-gone" }))).await, 404);
    assert_problem(&answer_of(None, from(json!({ "from": KNOWN, "load": {} }))).await, 400);
    assert_problem(&answer_of(None, post_plan("application/toml", format!("from = \"{KNOWN}\""))).await, 400);
}
