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
