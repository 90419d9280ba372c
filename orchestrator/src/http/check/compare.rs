//! Tests beside one another.

use super::*;

async fn compared(query: &str) -> Answer {
    answer_of(None, TestRequest::get().uri(&format!("/api/v1/compare?{query}"))).await
}

#[actix::test]
async fn a_comparison_has_each_figure_with_its_interval_and_sentence() {
    let answer = compared(&format!("a={FINISHED}&b={SLOWER}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let comparison = answer.json();
    assert_eq!((&comparison["asked"], &comparison["refused"]), (&json!("tests"), &json!([])));
    assert_eq!(comparison["a"][0]["test_id"], FINISHED);
    assert_eq!(comparison["b"][0]["windows"], 120, "both parts were read");
    let figures = comparison["figures"].as_array().unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure["figure"].as_str().unwrap()).collect();
    assert_eq!(names, ["throughput", "errors", "mean", "p50", "p90", "p99", "p99.9"]);
    let p50 = &figures[3];
    assert_eq!((&p50["outcome"], &p50["unit"]), (&json!("worse"), &json!("ms")), "{p50:#}");
    assert!(p50["sentence"].as_str().unwrap().ends_with("higher: worse"), "{p50:#}");
    assert!(p50["low"].as_f64().unwrap() > 1.15 && p50["high"].as_f64().unwrap() < 1.25, "{p50:#}");
    assert_eq!(figures[0]["outcome"], "same");
    assert_eq!((&figures[1]["a"], &figures[1]["ratio"]), (&json!(0.0), &json!(null)));
    assert_eq!(
        figures[6]["sentence"], "p99.9: cannot tell: run at least 17 min",
        "12 of 100 samples above it"
    );
}

#[actix::test]
async fn what_cannot_be_compared_is_refused_with_the_reasons() {
    for (query, status, reason) in [
        (String::new(), 400, "a: is missing"),
        (format!("a={FINISHED}"), 400, "b: is missing"),
        (format!("a={FINISHED}&b="), 400, "b"),
        (format!("a={FINISHED}&b={SLOWER}&c=1"), 400, "c: is unknown"),
        (format!("a={FINISHED}&b={}", vec!["x"; 17].join(",")), 400, "16 at most"),
        (format!("a={FINISHED}&b=missing"), 404, "missing"),
        (format!("a={FINISHED}&b={FINISHED}"), 422, "is named twice"),
        (format!("a={FINISHED}&b={KNOWN}"), 422, "has not ended"),
    ] {
        let answer = compared(&query).await;
        assert_problem(&answer, status);
        assert!(answer.text.contains(reason), "{query}: {}", answer.text);
    }
    let request = TestRequest::get().uri(&format!("/api/v1/compare?a={FINISHED}&b={SLOWER}"));
    assert_problem(&answer_of(Some(TOKEN), request).await, 401);
}
