//! Plans of the language as people write them, right and wrong.

use serde_json::{Value, json};

use crate::plan::program::*;
use crate::plan::{Plan, PlanFormat, PlanTree, read, read_value};

mod broken;
mod examples;
mod of_all_requests;
mod redirects_and_splits;
mod round_trip;
mod secrets;

/// A plan of one request, with further keys: tables are merged into its tables.
fn small(more: Value) -> Value {
    let mut plan = json!({
        "target": { "url": "http://shop.test" },
        "requests": { "home": { "path": "/" } },
        "load": { "rate": 5, "duration": "1m" },
    });
    lay(&mut plan, more);
    plan
}

fn lay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(below) => lay(below, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// A plan whose request `home` has further keys.
fn home(more: Value) -> Value {
    small(json!({ "requests": { "home": more } }))
}

#[track_caller]
fn plan(value: &Value) -> Plan {
    match read_value(value) {
        Ok(plan) => plan,
        Err(faults) => panic!("{value}: {faults:#?}"),
    }
}

#[track_caller]
fn program(value: &Value) -> Program {
    (*plan(value).program.unwrap()).clone()
}

#[track_caller]
fn request(more: Value) -> NamedRequest {
    program(&home(more)).requests.remove(0)
}

fn literals(fields: &[(String, Template)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_literal().unwrap_or("{{…}}"))).collect()
}

#[test]
fn json_is_compiled_to_one_text_with_slots_in_its_strings() {
    let request = request(json!({
        "let": { "n": "{{int 1 5}}" },
        "json": { "z": "a\"{{n}}\n", "a": "{{n | number}}", "list": [1, 2.5, null, true, "{{n | upper}}"], "{{k}}": {} },
    }));
    let BodyPlan::Json(body) = &request.body else { panic!() };
    let texts: Vec<&str> = body
        .parts
        .iter()
        .map(|part| if let Part::Text(text) = part { text.as_str() } else { "<>" })
        .collect();
    assert_eq!(texts.concat(), r#"{"z":"a\"<>\n","a":<>,"list":[1,2.5,null,true,"<>"],"{{k}}":{}}"#);
}

#[test]
fn keys_of_bodies_keep_their_order_from_toml_to_json_and_back() {
    let text = r#"
        target.url = "http://shop.test"
        load = { rate = 1, duration = "1m" }
        [requests.order]
        path = "/orders"
        query = { z = "1", a = "2", m = "3" }
        headers = { x-z = "1", x-a = "2" }
        json = { zebra = 1, ant = { y = 1, b = 2 }, mole = 3 }
        [requests.form]
        path = "/form"
        form = { z = "1", a = ["2", "3"], b = "4" }
    "#;
    let check = |plan: &Plan| {
        let program = plan.program.as_ref().unwrap();
        let BodyPlan::Json(body) = &program.requests[0].body else { panic!() };
        assert_eq!(body.as_literal(), Some(r#"{"zebra":1,"ant":{"y":1,"b":2},"mole":3}"#));
        assert_eq!(literals(&program.requests[0].headers)[..2], [("x-z", "1"), ("x-a", "2")]);
        let UrlPlan::Path { query, .. } = &program.requests[0].url else { panic!() };
        assert_eq!(literals(query), [("z", "1"), ("a", "2"), ("m", "3")]);
        let BodyPlan::Form(form) = &program.requests[1].body else { panic!() };
        assert_eq!(literals(form), [("z", "1"), ("a", "2"), ("a", "3"), ("b", "4")]);
    };
    let plan = read(text, PlanFormat::Toml).unwrap();
    check(&plan);
    let again = read(&plan.to_json().to_string(), PlanFormat::Json).unwrap();
    check(&again);
    assert_eq!(again, plan);
}

#[test]
fn the_names_of_a_let_may_be_used_before_they_are_written() {
    let request = request(json!({
        "let": { "c": "{{b}}{{int a 9}}", "a": "{{int 1 5}}", "b": "{{a}}" },
        "path": "/{{c}}",
    }));
    assert_eq!(request.lets.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2, 0]);
}

#[test]
fn extracts_and_checks_are_read() {
    let value = small(json!({
        "requests": { "home": {
            "extract": {
                "id": { "json": "$.a[0].b", "pick": "last", "default": 0, "max": "1KiB" },
                "tag": { "header": "ETag", "regex": "\"(.+?)\"", "pick": 2 },
                "csrf": { "input": "csrf", "secret": true },
                "page": { "form": 0 },
                "code": { "location": "code" },
                "ok": { "status": true },
                "part": { "regex": "id=(\\d+)" },
            },
            "check": {
                "body": { "absent": "error" },
                "header": { "X-A": "{{uuid}}", "x-b": { "absent": true } },
                "json": { "$.status": { "is": ["a", 1, true] }, "$.errors": { "absent": true }, "$.n": 5 },
                "size": ">= 100",
            },
        } },
    }));
    let program = program(&value);
    let extracts = &program.requests[0].extracts;
    assert_eq!(extracts[0].source, Source::Json("$.a[0].b".to_owned()));
    assert_eq!(
        (extracts[0].pick, extracts[0].default.as_deref(), extracts[0].max),
        (Pick::Last, Some("0"), 1_024)
    );
    assert_eq!((&extracts[1].source, extracts[1].pick), (&Source::Header("etag".to_owned()), Pick::Nth(2)));
    assert_eq!((&extracts[3].source, extracts[3].max), (&Source::Form("0".to_owned()), 4_096));
    assert_eq!(extracts[6].source, Source::Regex);
    assert_eq!(program.variables[0], Variable { name: "id".to_owned(), max: 1_024, secret: false });
    assert!(program.variables[2].secret);
    let checks = &program.requests[0].checks;
    assert_eq!(checks.len(), 7);
    assert!(matches!(&checks[0], Check::Body(BodyCheck::Absent(_))));
    assert_eq!(checks[2], Check::Header("x-b".to_owned(), HeaderCheck::Absent));
    assert!(matches!(checks[6], Check::Size(SizeCheck { compare: Compare::GreaterOrEqual, bytes: 100 })));
}

#[test]
fn a_form_is_submitted_with_fields_in_place() {
    let value = small(json!({ "requests": {
        "home": { "extract": { "page": { "form": "login" } } },
        "login": { "submit": "page", "form": { "user": "u" } },
    }, "scenarios": { "s": { "steps": ["home", "login"] } } }));
    let login = &program(&value).requests[1];
    assert_eq!((login.method.as_deref(), &login.url), (None, &UrlPlan::Form));
    assert!(matches!(&login.body, BodyPlan::Submit(Submit { variable: 0, fields }) if fields.len() == 1));
}

#[test]
fn files_that_the_command_line_put_in_are_bytes() {
    let part = json!([
        { "name": "a", "value": "{{uuid}}" },
        { "name": "f", "base64": "AAEC", "filename": "x.bin", "type": "image/png" },
    ]);
    let BodyPlan::Multipart(parts) = request(json!({ "multipart": part })).body else { panic!() };
    assert_eq!(parts[1].content, PartContent::Bytes(vec![0, 1, 2]));
    assert_eq!(request(json!({ "body_base64": "e3t4fX0=" })).body, BodyPlan::Bytes(b"{{x}}".to_vec()));
}

#[test]
fn hosts_have_their_own_certificates_or_those_of_the_target() {
    let value = small(json!({
        "target": {
            "url": "https://a.test/base", "tls": { "verify": false },
            "hosts": { "pay": "https://pay.test:8443", "auth": { "url": "https://auth.test", "tls": { "server_name": "x" } } },
        },
        "requests": { "home": { "host": "auth" } },
    }));
    let program = program(&value);
    let seen: Vec<_> = program.hosts.iter().map(|host| (host.name.as_str(), host.tls.verify)).collect();
    assert_eq!(seen, [("", false), ("pay", false), ("auth", true)]);
    assert!(matches!(program.requests[0].url, UrlPlan::Path { host: 2, .. }));
}

#[test]
fn a_seed_that_was_drawn_travels() {
    let mut plan = plan(&small(json!({})));
    let mut program = (*plan.program.take().unwrap()).clone();
    assert_eq!(program.seed, None);
    program.set_seed(u64::MAX);
    plan.program = Some(std::sync::Arc::new(program));
    assert_eq!(read_value(&plan.to_json()).unwrap(), plan);
}
