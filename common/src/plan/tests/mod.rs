//! Plans as people and programs write them, right and wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

mod amounts;
mod fixtures;
mod schema;

pub(super) use self::fixtures::{of_many, reads_again, small};

fn faults(value: &Value) -> Vec<String> {
    read_value(value).expect_err("the plan is wrong").iter().map(ToString::to_string).collect()
}

/// The only fault of a small plan with further keys.
#[track_caller]
fn wrong(more: Value, path: &str, reason: &str) -> Fault {
    let faults = read_value(&small(more.clone())).expect_err("the plan is wrong");
    assert_eq!(faults.len(), 1, "{more}: {faults:#?}");
    assert_eq!(faults[0].path, path, "{more}: {faults:#?}");
    assert!(faults[0].reason.contains(reason), "{more}: {faults:#?}");
    faults[0].clone()
}

#[track_caller]
fn contradicts(more: Value, path: &str, reason: &str) {
    assert_eq!(wrong(more, path, reason).kind, FaultKind::Contradiction);
}

const PROMISED: &str = r#"
name = "ping at a thousand a second"
drivers = 2
per = "driver"

[target]
url = "http://127.0.0.1:8081/ping"

[request]
method = "GET"
timeout = "5s"
expect_status = ["200-399"]
engine = "auto"
identify = false

[load]
mode = "tsunami"
delay = "1ms"
max_in_flight = 1024
duration = "30s"
warmup = "0s"
drain_timeout = "6s"

[thresholds]
"response.p99" = "< 250ms"
"errors.ratio" = "< 0.1%"
"throughput" = ">= 1980/s"
"dropped.ratio" = "< 0.1%"

[honesty]
max_lag_p99 = "5ms"
max_late = "0.1%"
max_catch_up = "1s"
"#;

#[test]
fn the_promised_plan_is_read_as_promised() {
    let plan = read(PROMISED, PlanFormat::Toml).unwrap();
    assert_eq!(plan.name, "ping at a thousand a second");
    assert_eq!((plan.drivers, plan.per), (DriverChoice::Count(2), Per::Driver));
    let pace = Some(Pace::Delay(Duration::from_millis(1)));
    assert_eq!(plan.load.mode, Mode::Tsunami { pace, max_in_flight: 1024 });
    assert_eq!(plan.load.open_loop_rate_per_s(), Some(1000.0));
    let thresholds: Vec<&str> = plan.thresholds.iter().map(|it| it.expression.as_str()).collect();
    assert_eq!(
        thresholds,
        ["dropped.ratio < 0.1%", "errors.ratio < 0.1%", "response.p99 < 250ms", "throughput >= 1980/s"]
    );
}

#[test]
fn what_is_left_out_takes_the_promised_default() {
    let promised = read(&PROMISED.replace("drivers = 2\n", ""), PlanFormat::Toml).unwrap();
    let text =
        "[target]\nurl = \"http://127.0.0.1:8081/ping\"\n[load]\ndelay = \"1ms\"\nduration = \"30s\"\n";
    let plan = read(text, PlanFormat::Toml).unwrap();
    assert_eq!(plan.name, "tsunami on 127.0.0.1/ping");
    assert_eq!(
        Plan { name: promised.name.clone(), thresholds: promised.thresholds.clone(), ..plan },
        promised
    );
}

#[test]
fn the_drain_waits_a_second_longer_than_a_request_may_take() {
    let plan = read_value(&small(json!({ "request": { "timeout": "2500ms" } }))).unwrap();
    assert_eq!(plan.load.drain_timeout, Duration::from_millis(3_500));
}

#[test]
fn every_fault_is_reported_at_once() {
    let text = r#"
        drivers = 0
        colour = "red"
        [target]
        url = "127.0.0.1:8081/ping"
        [request]
        timeout = 5
        expect_status = [200, "abc"]
        [load]
        rate = 10
        delay = "1ms"
        duratoin = "30s"
        requests = 5
        [thresholds]
        "response.q98" = "< 1s"
    "#;
    let faults = read(text, PlanFormat::Toml).unwrap_err();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for (line, start) in lines.iter().zip([
        "drivers = 0: must be from 1 to 1000",
        "target.url = \"127.0.0.1:8081/ping\": has no scheme; \"http://127.0.0.1:8081/ping\"?",
        "request.timeout = 5: expected a text with a unit, as in \"5s\" or \"5ms\"",
        "request.expect_status[1] = \"abc\": expected a status",
        "load.rate = 10: delay and rate are both given",
        "thresholds.response.q98 = \"< 1s\": unknown figure of response",
        "load.duratoin = \"30s\": unknown key; did you mean duration?",
        "colour = \"red\": unknown key",
    ]) {
        assert!(line.starts_with(start), "{line}\nis not\n{start}\nin {lines:#?}");
    }
    assert_eq!(lines.len(), 8, "{lines:#?}");
}

#[test]
fn a_text_that_is_no_toml_or_json_has_one_fault_with_its_place() {
    let toml = read("name = \"x\"\n[load]\nrate = = 5\n", PlanFormat::Toml).unwrap_err();
    assert_eq!(toml.len(), 1);
    assert!(toml[0].reason.starts_with("line 3, column 8: "), "{toml:?}");
    let json = read("{\n  \"name\": }", PlanFormat::Json).unwrap_err();
    assert!(json[0].reason.starts_with("line 2, column 11: "), "{json:?}");
    let twice = read(r#"{"load":{"rate":1,"rate":2}}"#, PlanFormat::Json).unwrap_err();
    assert!(twice[0].reason.contains("\"rate\" is there twice"), "{twice:?}");
    for text in ["[]", "5", "null", "\"plan\""] {
        assert!(!read(text, PlanFormat::Json).unwrap_err().is_empty(), "{text}");
    }
    assert!(
        read(&" ".repeat(MAX_PLAN_BYTES + 1), PlanFormat::Toml).unwrap_err()[0].reason.contains("at most")
    );
    assert!(read(&"[".repeat(100_000), PlanFormat::Json).is_err());
    assert!(read(&format!("a = {}", "[".repeat(100_000)), PlanFormat::Toml).is_err());
}

#[test]
fn an_empty_plan_gets_a_fault_for_each_missing_key() {
    let found = faults(&json!({}));
    let needs = ["target.url: is missing", "load.rate: is missing", "load.duration: is missing"];
    assert_eq!(found.len(), needs.len(), "{found:#?}");
    assert!(found.iter().zip(needs).all(|(line, need)| line.starts_with(need)), "{found:#?}");
    let found = faults(&small(json!({ "load": { "mode": "avalanche", "rate": null } })));
    assert!(found.len() == 1 && found[0].starts_with("load.connections: is missing"), "{found:#?}");
}

#[test]
fn keys_that_contradict_each_other_are_faults() {
    contradicts(json!({ "load": { "delay": "1ms" } }), "load.rate", "both given");
    contradicts(
        json!({ "load": { "connections": 5, "max_in_flight": 4 } }),
        "load.connections",
        "is more than max_in_flight, 4",
    );
    let avalanche = |more: Value| {
        let mut load = json!({ "mode": "avalanche", "connections": 5, "rate": null });
        load.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "load": load })
    };
    contradicts(avalanche(json!({ "rate": 5 })), "load.rate", "belongs to mode \"tsunami\"");
    contradicts(avalanche(json!({ "delay": "1s" })), "load.delay", "belongs to mode \"tsunami\"");
    contradicts(
        avalanche(json!({ "max_in_flight": 5 })),
        "load.max_in_flight",
        "belongs to mode \"tsunami\"",
    );
    contradicts(
        json!({ "drivers": 3, "per": "fleet", "load": { "requests": 2 } }),
        "load.requests",
        "3 drivers share it",
    );
    let mut fleet = avalanche(json!({ "connections": 1 }));
    fleet["per"] = json!("fleet");
    fleet["drivers"] = json!(["a", "b"]);
    contradicts(fleet, "load.connections", "2 drivers share it");
}

#[test]
fn a_target_is_a_url_that_can_be_sent_to() {
    for (url, reason) in [
        ("ftp://x/", "scheme ftp"),
        ("http://", "empty host"),
        ("http://x:0/", "port 0"),
        ("http://x/#top", "fragment"),
        ("http://x/a b", "%20"),
        ("http://x/a\nb", "%20"),
        ("http://x:99999/", "port"),
        ("", "no scheme"),
        ("http://[::1", "IPv6"),
    ] {
        wrong(json!({ "target": { "url": url } }), "target.url", reason);
    }
    wrong(json!({ "target": { "url": 5 } }), "target.url", "expected a text");
    wrong(json!({ "target": "http://x" }), "target", "expected a table");
    let fault = wrong(json!({ "target": { "url": "http://me:hunter2@x/" } }), "target.url", "authorization");
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
    for url in ["https://[::1]:8443/x?y=z", "http://example.com"] {
        read_value(&small(json!({ "target": { "url": url } }))).unwrap();
    }
}

#[test]
fn the_awc_engine_and_a_path_that_it_cannot_send_contradict_each_other() {
    let with = |engine: &str| {
        let url = json!({ "url": "http://127.0.0.1/a<b" });
        read_value(&small(json!({ "target": url, "request": { "engine": engine } })))
    };
    let faults = with("awc").unwrap_err();
    assert_eq!((faults.len(), faults[0].path.as_str()), (1, "request.engine"), "{faults:?}");
    assert_eq!(faults[0].kind, FaultKind::Contradiction);
    assert!(faults[0].reason.contains("%3C"), "{faults:?}");
    assert!(with("wire").is_ok() && with("auto").is_ok());
}

#[test]
fn a_head_is_what_http_carries() {
    let header = |name: &str, value: Value| json!({ "request": { "headers": { name: value } } });
    for name in
        ["Content-Length", "transfer-encoding", "connection", "expect", "upgrade", "X-Groundswell-Node"]
    {
        wrong(header(name, json!("1")), &format!("request.headers.{name}"), "cannot be given");
    }
    wrong(header("a b", json!("1")), "request.headers.\"a b\"", "not a valid HTTP header name");
    wrong(header("x\r\ny", json!("1")), "request.headers.\"x\\r\\ny\"", "not a valid HTTP header name");
    wrong(header("x", json!("1\r\nhost: evil")), "request.headers.x", "line break");
    wrong(header("x", json!("ü")), "request.headers.x", "ASCII");
    wrong(header("x", json!(5)), "request.headers.x", "expected a text");
    let fault =
        wrong(header("Authorization", json!("hunter2\n.")), "request.headers.Authorization", "line break");
    assert_eq!(fault.value, "***");
    wrong(json!({ "request": { "headers": { "x-a": "1", "X-A": "2" } } }), "request.headers.x-a", "twice");
    wrong(header("x", json!([])), "request.headers.x", "empty list");
    wrong(header("x", json!(["1", "2\n"])), "request.headers.x[1]", "line break");
    wrong(header("x", json!(["1", ["2"]])), "request.headers.x[1]", "expected a text");
    wrong(header("Host", json!(["a", "b"])), "request.headers.Host", "one host");
    let fault =
        wrong(header("Cookie", json!(["a=hunter2", "b\u{0}"])), "request.headers.Cookie[1]", "character");
    assert_eq!(fault.value, "***");
    let many = |n: usize| header("x", Value::Array(vec![json!("1"); n]));
    wrong(many(101), "request.headers", "101 header fields are more than 100");
    assert_eq!(read_value(&small(many(100))).unwrap().request.headers.len(), 100);
    for method in ["", "G ET", "GET\r\n X", "CONNECT"] {
        let faults = read_value(&small(json!({ "request": { "method": method } }))).unwrap_err();
        assert_eq!((faults.len(), faults[0].path.as_str()), (1, "request.method"), "{method:?}");
    }
    let plan = read_value(&small(
        json!({ "request": { "method": "patch", "headers": { "Host": [" a.b "], "x": ["2", "", "1"] } } }),
    ))
    .unwrap();
    assert_eq!(plan.request.method, "PATCH");
    let expected = [("Host", "a.b"), ("x", "2"), ("x", ""), ("x", "1")];
    assert_eq!(plan.request.headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(plan.to_json()["request"]["headers"], json!({ "Host": "a.b", "x": ["2", "", "1"] }));
}

#[test]
fn statuses_are_numbers_texts_and_ranges() {
    let expects = |value: Value| {
        read_value(&small(json!({ "request": { "expect_status": value } })))
            .map(|plan| plan.request.expect_status)
    };
    assert_eq!(expects(json!([200, "204", "300 - 399"])).unwrap(), [(200, 200), (204, 204), (300, 399)]);
    assert_eq!(expects(json!("200-299")).unwrap(), [(200, 299)]);
    assert_eq!(expects(json!(404)).unwrap(), [(404, 404)]);
    for value in [
        json!([]),
        json!([99]),
        json!([1000]),
        json!(["399-200"]),
        json!(["2xx"]),
        json!([200.5]),
        json!("+200"),
    ] {
        assert_eq!(expects(value.clone()).unwrap_err().len(), 1, "{value}");
    }
}

#[test]
fn a_body_without_a_method_is_sent_with_post() {
    let method = |request: Value| {
        let plan = read_value(&small(json!({ "request": request }))).unwrap();
        assert_eq!(read_value(&plan.to_json()).as_ref(), Ok(&plan));
        plan.request.method
    };
    assert_eq!(method(json!({ "body": "x" })), "POST");
    assert_eq!(method(json!({ "body_base64": "AAEC" })), "POST");
    assert_eq!(method(json!({ "body": "x", "method": "put" })), "PUT");
    assert_eq!(method(json!({ "body": "x", "method": "GET" })), "GET", "as asked");
    assert_eq!(method(json!({ "body": "" })), "GET");
    assert_eq!(method(json!({})), "GET");
}

#[test]
fn thresholds_are_quoted_and_may_have_two_bounds() {
    let toml = |thresholds: &str| {
        let head = "target.url = \"http://x/\"\nload = { rate = 1, duration = \"1s\" }\n[thresholds]\n";
        read(&format!("{head}{thresholds}"), PlanFormat::Toml)
    };
    let plan = toml("throughput = [\">= 10/s\", \"<= 20/s\"]").unwrap();
    assert_eq!(plan.thresholds.len(), 2);
    assert_eq!(read_value(&plan.to_json()), Ok(plan));
    let unquoted = toml("response.p99 = \"< 250ms\"").unwrap_err();
    assert!(unquoted[0].reason.contains("quote the key"), "{unquoted:?}");
    assert_eq!(toml("throughput = []").unwrap_err().len(), 1);
    assert_eq!(toml("throughput = [\"> 1\", \"> 1\"]").unwrap_err().len(), 1);
    assert_eq!(toml("throughput = 5").unwrap_err().len(), 1);
}

#[test]
fn a_key_in_the_wrong_table_is_sent_to_the_right_one() {
    wrong(json!({ "rate": 5 }), "rate", "belongs in [load]");
    wrong(json!({ "load": { "timeout": "1s" } }), "load.timeout", "belongs in [request]");
    wrong(json!({ "target": { "Url": "x" } }), "target.Url", "did you mean url?");
    let fault = wrong(json!({ "request": { "api_token": "hunter2" } }), "request.api_token", "unknown key");
    assert!(!fault.to_string().contains("hunter2"));
    wrong(
        json!({ "request": { "body_file": "x.json" } }),
        "request.body_file",
        "only the command line reads files",
    );
}

#[test]
fn every_shipped_plan_is_valid_and_says_how_it_is_run() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/plans");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Beside them are the files that plans read.
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut tree = PlanTree::parse(&text, PlanFormat::of_path(&path)).unwrap();
        if tree.has_requests() {
            let faults = files::put_in(tree.value_mut(), &folder, &mut files::LocalFiles::new());
            assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
        } else {
            tree.inline_body_file(&folder).unwrap();
        }
        let plan = tree.validate().unwrap_or_else(|faults| panic!("{}: {faults:#?}", path.display()));
        assert_eq!(read_value(&plan.to_json()), Ok(plan), "{}", path.display());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains(&format!("#     groundswell run config/plans/{name}")), "{name}");
        names.push(name);
    }
    names.sort();
    let of_one = ["capacity.toml", "objective.toml", "ping.toml", "post.toml", "soak.toml"];
    let (shop, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with("shop-"));
    assert_eq!(others, of_one);
    assert!(shop.len() >= 8, "{shop:?}");
}

#[test]
fn a_placeholder_of_the_shell_is_refused_with_what_works() {
    let plan = |url: &str, header: &str, body: &str| {
        json!({ "target": { "url": url }, "request": { "method": "POST", "headers": { "x-a": header }, "body": body },
                "load": { "rate": 1, "duration": "1s" } })
    };
    let faults =
        read_value(&plan("http://127.0.0.1/${SHOP}", "Bearer ${TOKEN}", "{\"a\": \"${ID}\"}")).unwrap_err();
    let found: Vec<(&str, bool)> = faults
        .iter()
        .map(|fault| (fault.path.as_str(), fault.reason.contains("--") && fault.reason.contains("$${")))
        .collect();
    assert_eq!(
        found,
        [("target.url", true), ("request.headers.x-a", true), ("request.body", true)],
        "{faults:#?}"
    );
    let meant =
        read_value(&plan("http://127.0.0.1/$${A}?q=$${SHOP}", "$${TOKEN}", "$${ID} $ID ${}")).unwrap();
    assert_eq!(meant.target.path_and_query(), "/${A}?q=${SHOP}");
    assert_eq!(
        (meant.request.headers[0].1.as_str(), String::from_utf8_lossy(&meant.request.body).as_ref()),
        ("${TOKEN}", "${ID} $ID ${}")
    );
    assert_eq!(read_value(&meant.to_json()).unwrap(), meant, "drivers and the store read what is meant");
}

#[test]
fn a_refused_url_shows_no_secret_and_all_of_its_quotes() {
    let plan = json!({
        "target": { "url": "ftp://me:hunter2@shop.test/a?page=2&api_key=hunter3" },
        "load": { "rate": 3, "duration": "1s" },
    });
    let faults = read_value(&plan).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let said = faults[0].to_string();
    assert!(said.contains("= \"ftp://me:***@shop.test/a?page=2&api_key=***\": "), "{said}");
}
