//! `follow`, `split_by` and `split_top`: which names of statistics they make, and what they refuse.

use super::*;
use crate::plan::threshold::StatisticsNames;

/// A plan whose request `page` is split by `log.url`, over these rows of an address and a weight.
fn site(rows: &[(&str, u32)], more: Value) -> Value {
    let rows: Vec<Value> = rows.iter().map(|(url, n)| json!([url, n])).collect();
    let mut plan = json!({
        "target": { "url": "http://shop.test" },
        "data": { "log": { "columns": ["url", "n"], "rows": rows } },
        "requests": { "page": { "path": "{{log.url | raw}}", "split_by": "log.url" } },
        "load": { "rate": 5, "duration": "1m" },
    });
    lay(&mut plan, more);
    plan
}

fn top(n: u32) -> Value {
    json!({ "requests": { "page": { "split_top": n } } })
}

#[track_caller]
fn names(value: &Value) -> Vec<String> {
    let read = plan(value);
    assert_eq!(read_value(&read.to_json()).unwrap(), read, "it travels");
    let names = StatisticsNames::of(&read.program.unwrap());
    names.requests.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn refused(value: &Value, path: &str, reason: &str) {
    let Err(faults) = read_value(value) else { panic!("no fault at {path}: {reason}") };
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].path, path, "{faults:#?}");
    assert!(faults[0].reason.contains(reason), "{reason}: {faults:#?}");
}

const ROWS: [(&str, u32); 6] = [("/a", 1), ("/b", 5), ("/c", 1), ("/b", 1), ("/c", 9), ("/b", 1)];

#[test]
fn redirects_have_a_name_where_they_are_followed() {
    assert_eq!(names(&home(json!({ "follow": 20 }))), ["home", "home.redirect"]);
    assert_eq!(names(&home(json!({ "follow": 0 }))), ["home"]);
    assert_eq!(request(json!({})).follow, 0, "by default they are not");
    let shared = json!({
        "request": { "follow": 3 },
        "requests": { "home": { "follow": 0 }, "old": { "path": "/old" } },
    });
    assert_eq!(
        names(&small(shared)),
        ["home", "old", "old.redirect"],
        "what all share, and one that differs"
    );
}

#[test]
fn each_value_has_a_name_in_the_order_of_its_first_row() {
    assert_eq!(names(&site(&ROWS, json!({}))), ["page", "page//a", "page//b", "page//c"]);
}

#[test]
fn the_values_of_the_most_rows_are_named_and_the_rest_are_others() {
    for (n, expected) in [
        (1, &["page", "page//b", "page/other"][..]),
        (2, &["page", "page//b", "page//c", "page/other"]),
        (3, &["page", "page//b", "page//c", "page//a"]),
        (4, &["page", "page//b", "page//c", "page//a"]),
    ] {
        assert_eq!(names(&site(&ROWS, top(n))), expected, "split_top = {n}");
    }
    let equal = [("/b", 1), ("/a", 1)];
    assert_eq!(names(&site(&equal, top(1))), ["page", "page//b", "page/other"], "of equal ones the first");
}

#[test]
fn weights_decide_where_rows_are_weighted() {
    let mut plan = site(&ROWS, top(1));
    lay(&mut plan, json!({ "data": { "log": { "order": "random", "weight": "n" } } }));
    assert_eq!(names(&plan), ["page", "page//c", "page/other"], "9 + 1 are more than 5 + 1 + 1");
}

#[test]
fn what_all_requests_share_splits_each_of_them() {
    let mut plan = site(&ROWS, json!({ "request": { "split_by": "log.url" } }));
    plan["requests"]["page"] = json!({ "path": "{{log.url | raw}}", "split_top": 1 });
    assert_eq!(names(&plan), ["page", "page//b", "page/other"]);
}

#[test]
fn thresholds_look_at_values_others_and_redirects() {
    let mut plan = site(&ROWS, top(1));
    lay(&mut plan, json!({ "requests": { "page": { "follow": 2 } } }));
    for key in ["page/other.errors.ratio", "page//b.response.p99", "page.redirect.throughput"] {
        let mut plan = plan.clone();
        let condition = match key {
            "page/other.errors.ratio" => "< 2%",
            "page//b.response.p99" => "< 1s",
            _ => "> 1/s",
        };
        plan["thresholds"] = json!({ key: condition });
        names(&plan);
    }
    plan["thresholds"] = json!({ "page//c.errors.ratio": "< 2%" });
    let Err(faults) = read_value(&plan) else { panic!("/c is one of the others") };
    assert!(faults[0].reason.contains("has no statistics"), "{faults:#?}");
}

#[test]
fn more_values_than_names_are_refused_with_both_numbers() {
    let addresses: Vec<String> = (0..300).map(|i| format!("/{i}")).collect();
    let rows: Vec<(&str, u32)> = addresses.iter().map(|address| (address.as_str(), 1)).collect();
    let plan = site(&rows, json!({}));
    refused(&plan, "requests.page.split_by", "has 300 different values, and 254 can be counted apart");
    assert_eq!(names(&site(&rows, top(254))).len(), 256);
    let mut two = site(&rows, top(200));
    two["requests"]["again"] = json!({ "path": "{{log.url | raw}}", "split_by": "log.url", "split_top": 60 });
    refused(&two, "requests", "make 264 names of statistics");
}

#[test]
fn values_that_no_report_should_show_are_refused() {
    let path = "requests.page.split_by";
    let mut plan = site(&ROWS, json!({}));
    plan["data"]["log"] = json!({ "columns": ["url", "password"], "rows": [["/a", "b"]] });
    plan["requests"]["page"]["split_by"] = json!("log.password");
    refused(&plan, path, "a column of secrets");
    refused(&site(&[("/a?token=abc", 1)], json!({})), path, "a secret in its query");
    refused(&site(&[("http://me:abc@h/", 1)], json!({})), path, "a password or a secret");
    refused(
        &site(&[("/a", 1), ("other", 1), ("/a", 1), ("other", 1), ("/b", 1)], top(2)),
        path,
        "the name of the rest",
    );
    refused(&site(&[(&format!("/{}", "x".repeat(300)), 1)], json!({})), path, "cannot be a name");
    let mut plan = site(&ROWS, json!({}));
    plan["requests"]["page"]["split_by"] = json!("log.path");
    refused(&plan, path, "unknown column \"path\"");
}
