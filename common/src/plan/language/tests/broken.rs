//! Plans with faults: each at its path, with what is wrong and what there is.

use super::*;

#[track_caller]
pub(super) fn check(value: &Value, path: &str, reason: &str) {
    let Err(faults) = read_value(value) else { panic!("{value}: no fault at {path}: {reason}") };
    let found = faults.iter().any(|fault| fault.path == path && fault.reason.contains(reason));
    assert!(found, "{path}: {reason}\n{faults:#?}");
    assert!(faults.len() <= 2, "one mistake, one fault (or two): {faults:#?}");
}

#[test]
fn a_fault_names_its_path_and_what_there_is() {
    for (more, path, reason) in [
        (json!({ "path": "home" }), "path", "must begin with /; \"/home\"?"),
        (json!({ "path": "" }), "path", "is empty"),
        (json!({ "path": "/a b" }), "path", "a blank is written as %20"),
        (json!({ "path": "/#x" }), "path", "a fragment"),
        (json!({ "path": "/{{x}}" }), "path", "unknown variable \"x\"; there is none"),
        (json!({ "path": "/{{'x}}" }), "path", "not closed"),
        (json!({ "url": "{{uuid}}" }), "url", "path and url are both given"),
        (json!({ "path": "/${A}" }), "path", "{{env.A}}"),
        (json!({ "pth": "/" }), "pth", "unknown key; did you mean path?"),
        (json!({ "method": "CONNECT" }), "method", "tunnel"),
        (json!({ "host": "pay" }), "host", "unknown host \"pay\"; there is none"),
        (json!({ "timeout": 5 }), "timeout", "\"5s\""),
        (json!({ "expect_status": "99" }), "expect_status", "from 100 to 999"),
        (json!({ "headers": { "Connection": "close" } }), "headers.Connection", "is the engine's"),
        (json!({ "headers": { "a b": "1" } }), "headers.\"a b\"", "not a valid HTTP header name"),
        (json!({ "headers": { "A": "1", "a": "2" } }), "headers.a", "is there twice"),
        (json!({ "headers": { "x": "{{now '%K'}}" } }), "headers.x", "not a format of a time"),
        (json!({ "headers": { "x": ["1", "a\nb"] } }), "headers.x[1]", "line break"),
        (json!({ "query": { "q": { "a": 1 } } }), "query.q", "expected a text, found a table"),
        (json!({ "body": "a", "json": {} }), "json", "body and json both give a body"),
        (json!({ "body_file": "a.json" }), "body_file", "only the command line reads files"),
        (json!({ "body_file": "sha256:../x" }), "body_file", "64 digits of 0-9 and a-f"),
        (json!({ "body_base64": "%" }), "body_base64", "cannot be decoded"),
        (json!({ "body": { "a": 1 } }), "body", "json = { … } sends JSON"),
        (json!({ "json": { "a": ["{{b}}"] } }), "json", "a: unknown variable \"b\""),
        (json!({ "form": { "a": ["1", "{{b}}"] } }), "form.a[1]", "unknown variable"),
        (json!({ "multipart": [{ "name": "a" }] }), "multipart[0].value", "a value or a file"),
        (json!({ "multipart": [{ "value": "a" }] }), "multipart[0].name", "is missing"),
        (
            json!({ "multipart": [{ "name": "a", "file": "x" }] }),
            "multipart[0].file",
            "as base64, beside filename",
        ),
        (
            json!({ "multipart": [{ "name": "a", "value": "1" }, { "name": "b", "file": "" }] }),
            "multipart[1].file",
            "is empty; name a file",
        ),
        (json!({ "multipart": [] }), "multipart", "has 0 parts"),
        (
            json!({ "multipart": [{ "name": "a", "value": "b", "type": "png" }] }),
            "multipart[0].type",
            "media type",
        ),
        (json!({ "submit": "page" }), "submit", "unknown form \"page\""),
        (json!({ "basic": { "user": "a:b", "password": "c" } }), "basic.user", "a colon"),
        (json!({ "basic": { "user": "a" } }), "basic.password", "is missing"),
        (
            json!({ "basic": { "user": "a", "password": "b" }, "headers": { "Authorization": "c" } }),
            "basic",
            "both given",
        ),
        (json!({ "follow": 21 }), "follow", "must be from 0 to 20"),
        (json!({ "follow": true }), "follow", "expected a whole number"),
        (json!({ "split_by": "a" }), "split_by", "a column of a data set, as in \"product.id\""),
        (json!({ "split_by": "a.b" }), "split_by", "unknown data \"a\"; there is none"),
        (json!({ "split_top": 3 }), "split_top", "given without split_by"),
        (json!({ "split_top": 0 }), "split_top", "must be from 1 to 254"),
        (json!({ "share": 0 }), "share", "must be from 1"),
        (json!({ "let": { "a": "{{b}}", "b": "{{a}}" } }), "let.a", "a, b use each other in a ring"),
        (json!({ "let": { "a-b": "1" } }), "let.a-b", "letters, digits and _ are"),
        (json!({ "let": { "uuid": "1" } }), "let.uuid", "is the name of a function"),
        (json!({ "let": { "session": "1" } }), "let.session", "is a reserved word"),
        (json!({ "extract": { "a": "$.b" } }), "extract.a", "a = { json = \"$.id\" }"),
        (json!({ "extract": { "a": {} } }), "extract.a", "does not say where the value is"),
        (json!({ "extract": { "a": { "json": "$..b" } } }), "extract.a.json", "name each step of the path"),
        (
            json!({ "extract": { "a": { "json": "$.b", "header": "c" } } }),
            "extract.a.header",
            "leave one out",
        ),
        (json!({ "extract": { "a": { "regex": "abc" } } }), "extract.a.regex", "has no group"),
        (
            json!({ "extract": { "a": { "regex": "(a" } } }),
            "extract.a.regex",
            "is not a valid regex: unclosed group",
        ),
        (json!({ "extract": { "a": { "json": "$.b", "max": "5KiB" } } }), "extract.a.max", "from 1B to 4KiB"),
        (json!({ "extract": { "a": { "json": "$.b", "max": 256 } } }), "extract.a.max", "\"256B\""),
        (
            json!({ "extract": { "a": { "json": "$.b", "pick": "frist" } } }),
            "extract.a.pick",
            "did you mean \"first\"?",
        ),
        (
            json!({ "extract": { "a": { "json": "$.b", "default": "abc", "max": "2B" } } }),
            "extract.a.default",
            "max is 2B",
        ),
        (json!({ "extract": { "a": { "status": false } } }), "extract.a.status", "expected true"),
        (json!({ "extract": { "a": { "form": 0, "regex": "(a)" } } }), "extract.a.regex", "kept as a whole"),
        (
            json!({ "extract": { "a": { "json": "$.b" } }, "let": { "a": "1" } }),
            "let.a",
            "give it another name",
        ),
        (json!({ "method": "HEAD", "check": { "body": "a" } }), "method", "an answer without a body"),
        (
            json!({ "check": { "body": "a" }, "headers": { "Accept-Encoding": "gzip" } }),
            "headers.accept-encoding",
            "compressed",
        ),
        (json!({ "check": { "json": { "status": "ok" } } }), "check.json.status", "begins with $"),
        (json!({ "check": { "json": { "$": { "status": "ok" } } } }), "check.json.$", "quote the whole"),
        (json!({ "check": { "json": { "$.a": { "is": [] } } } }), "check.json.$.a", "names no value"),
        (json!({ "check": { "json": { "$.a": [1] } } }), "check.json.$.a", "{ is = […] }"),
        (
            json!({ "check": { "header": { "x": { "absent": false } } } }),
            "check.header.x",
            "expected absent = true",
        ),
        (json!({ "check": { "body": "" } }), "check.body", "every body contains"),
        (
            json!({ "check": { "body": { "regexp": "a" } } }),
            "check.body",
            "one key of absent or regex, found regexp",
        ),
        (json!({ "check": { "size": "100" } }), "check.size", "as in \">= 100\""),
        (json!({ "path": "/{{setup.key}}" }), "path", "the plan has no setup"),
        (json!({ "path": "/{{secret.key}}" }), "path", "unknown secret \"key\"; there is none"),
        (json!({ "path": "/{{vars.key}}" }), "path", "unknown var \"key\"; there is none"),
        (json!({ "path": "/{{env.KEY}}" }), "path", "put in by the command line"),
    ] {
        check(&home(more), &format!("requests.home.{path}"), reason);
    }
}

#[test]
fn a_fault_of_another_table_has_its_path_too() {
    let long = "x".repeat(600_000);
    let hash = format!("sha256:{}", "0".repeat(64));
    let set = |more: Value| {
        let mut set = json!({ "columns": ["id", "n"], "rows": [["a", "1"], ["", "x"]] });
        lay(&mut set, more);
        json!({ "data": { "d": set } })
    };
    let used = |more: Value, path: &str| {
        let mut plan = set(more);
        lay(&mut plan, json!({ "requests": { "home": { "path": path } } }));
        plan
    };
    let tokens = |shared: Value| {
        let token = json!({ "path": "/token", "extract": { "jwt": { "json": "$.t" } } });
        json!({ "requests": { "token": token }, "shared": shared })
    };
    for (more, path, reason) in [
        (json!({ "requests": { "a b": { "path": "/" } } }), "requests.a b", "is not allowed in this name"),
        (json!({ "requests": { "session": { "path": "/" } } }), "requests.session", "is a reserved word"),
        (json!({ "requests": { "x": {} } }), "requests.x.path", "requests.x.path = \"/\""),
        (json!({ "requests": { "x": "/" } }), "requests.x", "expected a table of keys, found a text"),
        (json!({ "request": { "headers": { "te": "1" } } }), "request.headers.te", "is the engine's"),
        (json!({ "request": { "engin": "wire" } }), "request.engin", "did you mean engine?"),
        (json!({ "request": { "headers": { "x": "{{env.A}}" } } }), "request.headers.x", "template = true"),
        (json!({ "seed": -1 }), "seed", "must be from 0"),
        (json!({ "setup": { "steps": [] } }), "setup.steps", "names no step"),
        (json!({ "setup": { "steps": ["hom"] } }), "setup.steps[0]", "did you mean home?"),
        (json!({ "setup": { "steps": ["home"], "once": "user" } }), "setup.once", "\"fleet\" or \"driver\""),
        (json!({ "setup": { "steps": ["home"], "timeout": "1ms" } }), "setup.timeout", "must be from"),
        (json!({ "setup": { "steps": ["home"], "cookies": "0B" } }), "setup.cookies", "leaves no room"),
        (
            json!({ "teardown": { "steps": ["home"], "cookies": 1 } }),
            "teardown.cookies",
            "expected true, false or a size",
        ),
        (json!({ "teardown": {} }), "teardown.steps", "is missing"),
        (json!({ "teardown": { "steps": ["home"], "once": "driver" } }), "teardown.once", "unknown key"),
        (json!({ "shared": { "t": {} } }), "shared.t.request", "is missing"),
        (
            json!({ "shared": { "t": { "request": "hom", "every": "1m" } } }),
            "shared.t.request",
            "did you mean home?",
        ),
        (
            json!({ "shared": { "t": { "request": "home", "every": "1m" } } }),
            "shared.t.request",
            "extracts nothing",
        ),
        (tokens(json!({ "t": { "request": "token" } })), "shared.t.every", "is missing"),
        (
            tokens(json!({ "t": { "request": "token", "every": "1ms" } })),
            "shared.t.every",
            "must be from 100ms",
        ),
        (
            tokens(json!({ "test": { "request": "token", "every": "1m" } })),
            "shared.test",
            "is a reserved word",
        ),
        (json!({ "abort": { "errors.ratio": "> 20%" } }), "abort.errors.ratio", "a breach and a window"),
        (json!({ "target": { "url": "http://a/?b=c" } }), "target.url", "has a query"),
        (json!({ "target": { "hosts": { "b": "b.test" } } }), "target.hosts.b", "no scheme"),
        (
            json!({ "target": { "hosts": { "b": { "uri": "http://b" } } } }),
            "target.hosts.b.url",
            "is missing",
        ),
        (json!({ "target": { "tls": { "verify": false } } }), "target.tls", "without TLS"),
        (
            json!({ "target": { "tls": { "ca_file": "ca.pem" }, "url": "https://a" } }),
            "target.tls.ca_file",
            "ca_pem",
        ),
        (
            json!({ "target": { "tls": { "cert_file": "c.pem" }, "url": "https://a" } }),
            "target.tls.key_file",
            "belong together",
        ),
        (json!({ "secrets": { "a": "hunter2" } }), "secrets.a", "never holds a secret"),
        (json!({ "secrets": { "a": {} } }), "secrets.a", "does not say where"),
        (json!({ "secrets": { "a": { "env": "GROUNDSWELL_KAFKA" } } }), "secrets.a.env", "no plan may read"),
        (json!({ "secrets": { "a": { "file": "../b" } } }), "secrets.a.file", "not a plain name"),
        (json!({ "secrets": { "a": { "env": "A", "file": "b" } } }), "secrets.a.file", "leave one out"),
        (
            json!({ "data": { "d": { "file": "d.csv" } } }),
            "data.d.file",
            "send its content as columns and rows",
        ),
        (json!({ "data": { "d": { "file": "sha256:12" } } }), "data.d.file", "64 digits of 0-9 and a-f"),
        (
            json!({ "data": { "d": { "file": hash.as_str() } } }),
            "data.d.file",
            "names a file that is not here",
        ),
        (
            json!({ "data": { "d": { "file": hash.as_str(), "facts": { "rows": 0, "bytes": 1, "columns": [] } } } }),
            "data.d.facts",
            "say 0 rows",
        ),
        (json!({ "data": { "d": { "file": hash.as_str(), "facts": 7 } } }), "data.d.facts", "cannot be read"),
        (json!({ "data": { "d": { "file": hash.as_str(), "format": "xml" } } }), "data.d.format", "csv"),
        (json!({ "data": { "d": { "file": hash.as_str(), "rows": [] } } }), "data.d.rows", "leave one out"),
        (set(json!({ "facts": {} })), "data.d.facts", "belongs to a file"),
        (json!({ "data": { "d": { "rows": [["a"]] } } }), "data.d.columns", "is missing"),
        (set(json!({ "rows": [["a"]] })), "data.d.rows[0]", "has 1 cells, and there are 2 columns"),
        (set(json!({ "rows": [] })), "data.d.rows", "has no row"),
        (
            set(json!({ "rows": [["a", long.as_str()]] })),
            "data",
            "holds 600001 bytes in its rows, and at most 524288",
        ),
        (set(json!({ "columns": ["id", "id"] })), "data.d.columns[1]", "is there twice"),
        (set(json!({ "order": "rand" })), "data.d.order", "must be"),
        (set(json!({ "weight": "n" })), "data.d.weight", "order = \"random\""),
        (set(json!({ "weight": "n", "order": "random" })), "data.d.weight", "row 2 has the weight \"x\""),
        (set(json!({ "weight": "m", "order": "random" })), "data.d.weight", "there are id, n"),
        (
            set(json!({ "weight": "n", "order": "random", "rows": [["a", 0], ["b", 0]] })),
            "data.d.weight",
            "weighs every row with 0",
        ),
        (used(json!({}), "/{{d.id}}"), "requests.home.path", "row 2 of data d has an empty cell there"),
        (
            used(json!({}), "/{{d.id | lower}}"),
            "requests.home.path",
            "row 2 of data d has an empty cell there",
        ),
        (
            used(json!({}), "/{{d.id | url | raw}}?x"),
            "requests.home.path",
            "row 2 of data d has an empty cell",
        ),
        (
            used(json!({ "rows": [["a", 1], ["b", "c d"]] }), "/?q={{d.n | upper | raw}}"),
            "requests.home.path",
            "row 2 of data d has a blank",
        ),
        (used(json!({}), "/{{'a b' | raw}}"), "requests.home.path", "puts in a text with a blank"),
        (used(json!({}), "/{{'a b' | json | raw}}"), "requests.home.path", "puts in a text with a blank"),
        (used(json!({}), "/?{{choice c 'a b' | raw}}"), "requests.home.path", "puts in a text with a blank"),
        (
            json!({ "vars": { "p": "/a b" }, "requests": { "home": { "path": "{{vars.p | raw}}" } } }),
            "requests.home.path",
            "puts in a text with a blank",
        ),
        (
            used(json!({ "rows": [["a b", 1]] }), "/{{d.id | raw}}"),
            "requests.home.path",
            "row 1 of data d has a blank",
        ),
        (
            used(json!({}), "/{{d.name}}"),
            "requests.home.path",
            "unknown column \"name\"; there are id, n of data d",
        ),
        (json!({ "vars": [1] }), "vars", "expected a table"),
    ] {
        check(&small(more), path, reason);
    }
    assert!(read_value(&small(used(json!({ "rows": [["a b", 1]] }), "/{{d.id}}"))).is_ok(), "it is escaped");
    for path in [
        "/?q={{d.id}}&r={{d.id | lower}}",
        "/{{d.n}}?{{d.id | raw}}",
        "/{{d.id | sha256}}",
        "/{{'a b'}}/{{choice 'a b' | base64 | raw}}",
    ] {
        let found = read_value(&small(used(json!({}), path)));
        assert!(found.is_ok(), "{path}: {found:?}");
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let value = small(json!({
        "seed": "x",
        "target": { "hosts": { "pay": "ftp://pay" } },
        "secrets": { "a": { "env": "" } },
        "data": { "d": { "columns": [], "rows": [[]] } },
        "request": { "timeout": "5" },
        "requests": {
            "home": { "path": "x", "host": "pya", "json": { "a": "{{nope}}" } },
            "two": { "path": "/{{secret.a}}{{d.x}}", "extract": { "v": { "json": "x" } }, "check": { "size": "x" } },
        },
        "load": { "rate": "x" },
        "thresholds": { "response.p99": "x" },
        "honesty": { "max_late": "x" },
        "colour": 1,
    }));
    let faults = read_value(&value).unwrap_err();
    let at: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    for path in [
        "seed",
        "target.hosts.pay",
        "secrets.a.env",
        "data.d.columns",
        "request.timeout",
        "requests.home.path",
        "requests.home.host",
        "requests.home.json",
        "requests.two.extract.v.json",
        "requests.two.check.size",
        "load.rate",
        "thresholds.response.p99",
        "honesty.max_late",
        "colour",
    ] {
        assert!(at.contains(&path), "{path} is missing: {faults:#?}");
    }
    assert_eq!(faults.len(), 14, "{faults:#?}");
}

#[test]
fn the_tables_of_the_language_need_requests() {
    let value = json!({
        "target": { "url": "http://a" }, "load": { "rate": 1, "duration": "1s" },
        "scenarios": {}, "vars": { "a": 1 },
    });
    let faults = read_value(&value).unwrap_err();
    let at: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(at, ["scenarios", "vars"], "{faults:#?}");
}
