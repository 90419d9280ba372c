//! `[request]`: what all requests say, and what each of them says instead.

use super::broken::check;
use super::*;

#[test]
fn what_is_shared_lies_under_what_a_request_says() {
    let value = small(json!({
        "request": {
            "headers": { "Accept": "text/html", "X-Shop": "a{{b}}", "x-c": "1" },
            "query": { "lang": "en", "v": "1" },
            "timeout": "2s", "expect_status": 200, "basic": { "user": "u", "password": "p" },
            "connection_reuse": false, "identify": true,
        },
        "requests": {
            "home": { "headers": { "accept": "*/*" }, "query": { "v": "2", "w": ["3", 4] } },
            "post": { "path": "/x", "json": { "a": 1 }, "timeout": "1s", "expect_status": ["201", "404"] },
        },
    }));
    let plan = plan(&value);
    assert!(plan.request.identify && !plan.request.connection_reuse);
    let program = plan.program.unwrap();
    let [home, post] = program.requests.as_slice() else { panic!() };
    assert_eq!(literals(&home.headers), [("X-Shop", "a{{b}}"), ("x-c", "1"), ("accept", "*/*")]);
    let UrlPlan::Path { query, host: 0, .. } = &home.url else { panic!() };
    assert_eq!(literals(query), [("lang", "en"), ("v", "2"), ("w", "3"), ("w", "4")]);
    assert_eq!((home.timeout.as_secs(), post.timeout.as_secs()), (2, 1));
    assert_eq!(post.expect_status, [(201, 201), (404, 404)]);
    assert_eq!((home.method.as_deref(), post.method.as_deref()), (Some("GET"), Some("POST")));
    assert_eq!(post.headers.last().unwrap().1.as_literal(), Some("application/json"));
    assert!(home.basic.is_some() && !home.connection_reuse);
}

#[test]
fn what_a_request_says_in_another_way_takes_the_place_of_what_all_say() {
    let basic = json!({ "user": "u", "password": "p" });
    let parts = json!([{ "name": "a", "value": "1" }]);
    let one = |shared: Value, own: Value| {
        program(&small(json!({ "request": shared, "requests": { "home": own } }))).requests.remove(0)
    };
    let own = json!({ "headers": { "Authorization": "Bearer x" } });
    let by_header = one(json!({ "basic": basic }), own);
    assert_eq!(
        (by_header.basic.is_some(), literals(&by_header.headers)),
        (false, vec![("Authorization", "Bearer x")])
    );
    let by_basic =
        one(json!({ "headers": { "AUTHORIZATION": "Bearer x", "x-a": "1" } }), json!({ "basic": basic }));
    assert_eq!((by_basic.basic.is_some(), literals(&by_basic.headers)), (true, vec![("x-a", "1")]));
    let upload =
        one(json!({ "headers": { "Content-Type": "application/json" } }), json!({ "multipart": parts }));
    assert_eq!(literals(&upload.headers), []);
    let typed = one(json!({ "headers": { "content-type": "text/csv" } }), json!({ "body": "a,b" }));
    assert_eq!(literals(&typed.headers), [("content-type", "text/csv")]);
}

#[test]
fn braces_in_request_are_templates_where_it_says_so() {
    let value = small(json!({ "request": { "template": true, "headers": { "x": "{{uuid}}" } } }));
    assert_eq!(program(&value).requests[0].headers[0].1.slots().count(), 1);
}

#[test]
fn a_fault_of_what_all_requests_say_is_reported_once_and_there() {
    let basic = json!({ "user": "u", "password": "p" });
    let looks = json!({ "path": "/", "check": { "body": "a" } });
    let sends = json!({ "path": "/", "multipart": [{ "name": "a", "value": "1" }] });
    let headers = |name: &str, value: &str| json!({ "headers": { name: value } });
    let both = json!({ "basic": basic, "headers": { "authorization": "x" } });
    let typed = json!({ "multipart": sends["multipart"], "headers": { "content-type": "x" } });
    let plain = json!({ "path": "/" });
    for (shared, own, path) in [
        (headers("Accept-Encoding", "gzip"), looks.clone(), "request.headers.accept-encoding"),
        (json!({ "method": "HEAD" }), looks, "request.method"),
        (both, plain.clone(), "request.basic"),
        (typed, plain, "request.headers.content-type"),
    ] {
        let requests = json!({ "home": own, "two": own, "three": own });
        let value = small(json!({ "request": shared, "requests": requests }));
        let faults = read_value(&value).unwrap_err();
        let at: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(at, [path], "{faults:#?}");
    }
    // Where the request has it too, the fault is there.
    let own = json!({ "headers": { "accept-encoding": "br" }, "check": { "body": "a" } });
    let value = small(json!({ "request": headers("accept-encoding", "gzip"), "requests": { "home": own } }));
    assert_eq!(read_value(&value).unwrap_err()[0].path, "requests.home.headers.accept-encoding");
}

#[test]
fn a_path_that_cannot_be_read_makes_one_fault_beside_a_query() {
    for more in [
        json!({ "path": "/x/{{nope}}", "query": { "q": "1" } }),
        json!({ "path": "x", "query": { "q": "1", "r": ["2"] } }),
    ] {
        assert_eq!(read_value(&home(more.clone())).unwrap_err().len(), 1, "{more}");
    }
    let value = small(
        json!({ "request": { "path": "/{{", "template": true }, "requests": { "home": { "path": null, "query": { "q": "1" } } } }),
    );
    assert_eq!(read_value(&value).unwrap_err().len(), 1);
    check(
        &home(json!({ "path": null, "url": "http://{{driver}}", "query": { "q": "1" } })),
        "requests.home.query",
        "belongs to a path",
    );
}
