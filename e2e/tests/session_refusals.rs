//! Plans with `[requests]` that are refused: by REST and by `validate` with every fault at once and its path, above the
//! limits with both numbers, and because of drivers that send one request over and over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;

use e2e::classic::{Fleet, open};
use e2e::process::output;
use e2e::rest::Answer;
use e2e::system::System;
use serde_json::{Map, Value, json};

/// Nothing is sent in these tests.
const URL: &str = "http://127.0.0.1:1";

/// A plan of these tables; target and load are added where it has none.
fn plan(mut tables: Value) -> Value {
    for (key, value) in [("target", json!({ "url": URL })), ("load", json!({ "rate": 10, "duration": "1s" }))]
    {
        let tables = tables.as_object_mut().unwrap();
        tables.entry(key).or_insert(value);
    }
    tables
}

/// The faults of an answer: path and reason.
#[track_caller]
fn faults(answer: &Answer, status: u16) -> Vec<(String, String)> {
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (status, "application/problem+json"),
        "{}",
        answer.text
    );
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {problem:#}"));
    let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(error, "path"), text(error, "reason"))).collect()
}

#[test]
fn a_classic_driver_in_the_fleet_is_the_reason_that_a_plan_with_requests_is_refused() {
    let fleet = Fleet::start("", 1, &[("theirs", "--counts num_requests --ends status")]);
    let mut tables = fleet.plan("", &json!({ "rate": 10, "sessions": 5 }));
    tables["target"]["url"] = json!(fleet.target.rest.base);
    tables["requests"] = json!({ "a": { "path": "/ping" }, "b": { "path": "/ping", "share": 2 } });
    let id = fleet.system.create(&tables);
    let answer = fleet.system.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
    assert_eq!(answer.status, 409, "{}", answer.text);
    let reason =
        "theirs: is a classic driver, which sends one request over and over: leave [requests] out, or end it";
    assert!(answer.json()["detail"].as_str().unwrap().contains(reason), "{}", answer.text);
    assert!(!answer.text.contains("ours-1"), "our driver is not to blame: {}", answer.text);
    // Neither can it be left out, because it starts on any trigger.
    tables["drivers"] = json!(["ours-1"]);
    let alone = fleet.system.create(&tables);
    let answer = fleet.system.rest.post_empty(&format!("/api/v1/tests/{alone}/trigger"));
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(answer.text.contains("theirs: is a classic driver, which cannot be left out"), "{}", answer.text);
    for id in [&id, &alone] {
        assert_eq!(fleet.system.test(id)["state"], "configured");
    }
    assert_eq!(fleet.target.received(), 0, "nothing was sent");
    // Both run a plan with one request.
    let report = fleet.run("", &open(50, 6));
    assert_eq!(report["verdict"], "passed", "{report:#}");
    assert_eq!(fleet.target.received(), 12);
}

#[test]
fn what_only_the_command_line_puts_in_is_a_fault_over_rest() {
    let system = System::start("embedded", 0);
    let tables = plan(json!({
        "requests": { "a": { "path": "/{{env.PAGE}}", "headers": { "x": "{{users.name}}" }, "body_file": "b.json" } },
        "data": { "users": { "file": "users.csv" } },
    }));
    let found = faults(&system.rest.post("/api/v1/tests", &tables), 400);
    for (path, reason) in [
        ("requests.a.path", "put in by the command line"),
        ("requests.a.body_file", "only the command line reads files"),
        ("data.users.file", "only the command line reads files; send its content as columns and rows"),
    ] {
        assert!(
            found.iter().any(|(at, why)| at == path && why.contains(reason)),
            "{path}: {reason}: {found:#?}"
        );
    }
    // In the environment of the orchestrator PATH is set, and no plan reads it.
    let of_path = plan(json!({ "requests": { "a": { "path": "/", "headers": { "x": "{{env.PATH}}" } } } }));
    let found = faults(&system.rest.post("/api/v1/tests", &of_path), 400);
    assert_eq!(found[0].0, "requests.a.headers.x", "{found:#?}");
}

/// Plans, each with several faults, and the paths of all of these.
fn broken() -> Vec<(Value, Vec<&'static str>)> {
    let requests = |requests: Value| json!({ "requests": requests });
    let of_scenario = |scenario: Value| json!({ "requests": { "a": { "path": "/a" }, "b": { "path": "/b" } }, "scenarios": { "s": scenario } });
    let of_load = |load: Value| json!({ "requests": { "a": { "path": "/a" } }, "load": load });
    vec![
        (
            requests(json!({
                "a": { "path": "home", "host": "pay", "timeout": 5 },
                "b": { "pth": "/", "path": "/{{x}}", "method": "CONNECT" },
            })),
            vec![
                "requests.a.path",
                "requests.a.host",
                "requests.a.timeout",
                "requests.b.pth",
                "requests.b.path",
                "requests.b.method",
            ],
        ),
        (
            requests(json!({
                "a": { "path": "/", "headers": { "Connection": "close", "x": ["1", "a\nb"], "authorization": "s3cret\n" } },
                "b": { "path": "/", "headers": { "A": "1", "a": "2" } },
            })),
            vec![
                "requests.a.headers.Connection",
                "requests.a.headers.x[1]",
                "requests.a.headers.authorization",
                "requests.b.headers.a",
            ],
        ),
        (
            requests(json!({
                "a": { "path": "/", "body": "a", "json": {} },
                "b": { "path": "/", "json": { "a": ["{{nope}}"] } },
                "c": { "path": "/", "multipart": [{ "name": "a" }, { "value": "a" }] },
            })),
            vec![
                "requests.a.json",
                "requests.b.json",
                "requests.c.multipart[0].value",
                "requests.c.multipart[1].name",
            ],
        ),
        (
            requests(json!({
                "a": { "path": "/", "extract": { "v": { "json": "$..b" }, "w": { "regex": "(a" }, "u": {} } },
                "b": { "path": "/", "extract": { "m": { "json": "$.b", "max": "5KiB" } } },
            })),
            vec![
                "requests.a.extract.v.json",
                "requests.a.extract.w.regex",
                "requests.a.extract.u",
                "requests.b.extract.m.max",
            ],
        ),
        (
            requests(json!({
                "a": { "path": "/", "check": { "json": { "status": "ok" }, "size": "100", "body": "" } },
                "b": { "path": "/", "check": { "header": { "x": { "absent": false } } } },
            })),
            vec![
                "requests.a.check.json.status",
                "requests.a.check.size",
                "requests.a.check.body",
                "requests.b.check.header.x",
            ],
        ),
        (
            json!({
                "requests": { "a": { "path": "/" } },
                "secrets": { "a": "hunter2", "b": {}, "c": { "env": "GROUNDSWELL_KAFKA" }, "d": { "file": "../b" } },
            }),
            vec!["secrets.a", "secrets.b", "secrets.c.env", "secrets.d.file"],
        ),
        (
            json!({
                "requests": { "a": { "path": "/" } },
                "data": {
                    "d": { "columns": ["id", "n"], "rows": [["a"]] },
                    "e": { "columns": ["id"], "rows": [] },
                    "f": { "columns": ["id", "id"], "rows": [["a", "b"]], "order": "rand" },
                },
            }),
            vec!["data.d.rows[0]", "data.e.rows", "data.f.columns[1]", "data.f.order"],
        ),
        (
            json!({
                "target": { "url": "http://127.0.0.1:1/?b=c", "hosts": { "b": "b.test", "c": { "uri": "http://c" } } },
                "requests": { "a": { "path": "/" } },
            }),
            vec!["target.url", "target.hosts.b", "target.hosts.c.url", "target.hosts.c.uri"],
        ),
        (
            of_scenario(
                json!({ "steps": ["a", "c", { "think": "1" }, { "repeat": 0, "steps": ["b"] }], "share": 0 }),
            ),
            vec![
                "scenarios.s.steps[1]",
                "scenarios.s.steps[2].think",
                "scenarios.s.steps[3].repeat",
                "scenarios.s.share",
            ],
        ),
        (
            of_scenario(json!({
                "steps": ["a", "b", { "choose": { "a": 1, "x": 2 } }, { "poll": "a", "every": "1ms", "at_most": 3 }],
                "on_fail": "stop",
            })),
            vec![
                "scenarios.s.steps[2].choose.x",
                "scenarios.s.steps[3].until",
                "scenarios.s.steps[3].every",
                "scenarios.s.on_fail",
            ],
        ),
        (
            of_load(
                json!({ "rate": 5, "stages": [{ "hold": "5s" }, { "rate": 5, "hodl": "5s" }], "arrival": "odd" }),
            ),
            vec!["load.rate", "load.stages[0].rate", "load.stages[1].hodl", "load.stages[1]", "load.arrival"],
        ),
        (
            json!({
                "requests": { "a": { "path": "/" } },
                "seed": -1,
                "thresholds": { "response.p99": "x", "b.response.p99": "< 1s" },
                "honesty": { "max_late": "x" },
                "colour": 1,
            }),
            vec![
                "seed",
                "thresholds.response.p99",
                "thresholds.b.response.p99",
                "honesty.max_late",
                "colour",
            ],
        ),
    ]
}

#[test]
fn a_broken_plan_is_refused_with_every_fault_at_once_by_rest_and_by_validate() {
    let system = System::start("embedded", 0);
    let plans = broken();
    assert_eq!(plans.len(), 12);
    for (i, (tables, expected)) in plans.into_iter().enumerate() {
        let tables = plan(tables);
        let answer = system.rest.post("/api/v1/tests", &tables);
        let found = faults(&answer, 400);
        let paths: BTreeSet<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, expected.into_iter().collect(), "plan {i}: {found:#?}");
        for secret in ["s3cret", "hunter2"] {
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }

        let file = system.home.path().join(format!("broken-{i}.json"));
        std::fs::write(&file, tables.to_string()).unwrap();
        let validated = output(system.home.path(), &["validate", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&validated.stderr);
        assert_eq!(validated.status.code(), Some(2), "plan {i}: {said}");
        for (path, reason) in &found {
            let shows = |line: &str| line.contains(path.as_str()) && line.contains(reason.as_str());
            assert!(said.lines().any(shows), "plan {i}: {path}: {reason} is not in:\n{said}");
        }
        assert!(!said.contains("s3cret") && !said.contains("hunter2"), "{said}");
    }
    let stored = system.rest.get("/api/v1/tests").json();
    assert_eq!(stored["tests"].as_array().map(Vec::len), Some(0), "nothing is stored: {stored:#}");
}

#[test]
fn a_plan_above_a_limit_is_refused_with_both_numbers() {
    let system = System::start("embedded", 0);
    let many = |n: usize| -> Map<String, Value> {
        (0..n).map(|i| (format!("r{i}"), json!({ "path": format!("/{i}") }))).collect()
    };
    let lets = |n: usize| -> Map<String, Value> {
        (0..n).map(|i| (format!("v{i}"), json!("{{alnum 8}}"))).collect()
    };
    let names = |n: usize| plan(json!({ "requests": many(n) }));
    let variables = |n: usize| plan(json!({ "requests": { "a": { "path": "/", "let": lets(n) } } }));
    // 300 of 1 MiB and some: cookies take most of it.
    let memory = |users: u32| {
        plan(json!({
            "requests": { "a": { "path": "/" } },
            "scenarios": { "s": { "steps": ["a"], "cookies": "1MiB" } },
            "load": { "mode": "avalanche", "users": users, "duration": "1s" },
        }))
    };
    for (tables, status, path, numbers) in [
        (names(300), 400, "requests", ["300", "256"]),
        (variables(65), 400, "requests", ["65", "64"]),
        (memory(300), 422, "load.users", ["301 MiB", "256 MiB"]),
    ] {
        let found = faults(&system.rest.post("/api/v1/tests", &tables), status);
        let [(at, reason)] = &found[..] else { panic!("one fault: {found:#?}") };
        assert_eq!(at, path, "{reason}");
        assert!(numbers.iter().all(|number| reason.contains(number)), "{numbers:?}: {reason}");
    }
    for tables in [names(256), variables(64), memory(255)] {
        system.create(&tables);
    }
}
