//! Requests of each shape, byte for byte.

use common::plan::program::{
    Basic, Bound, MultipartPart, NowFormat, OnFail, PartContent, Place, Scenario, Step, Submit,
};

use super::*;

fn with_query(path: Template, query: &[(&str, Template)]) -> NamedRequest {
    let query = query.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    NamedRequest { url: UrlPlan::Path { host: 0, path, query }, ..request("GET", literal("")) }
}

#[track_caller]
fn check_line(bench: &mut Bench, request: &NamedRequest, expected: &str) {
    let (sent, _) = bench.render(request).unwrap();
    assert_eq!(sent.lines().next().unwrap(), format!("{expected} HTTP/1.1"));
}

#[test]
fn a_request_without_slots_is_that_of_a_plan_with_one_request() {
    let mut bench = Bench::new();
    bench.identify = true;
    let mut post = request("POST", literal("/cart"));
    post.headers = vec![("Accept".to_owned(), literal("text/html")), ("x-key".to_owned(), literal("ü"))];
    post.body = BodyPlan::Text(literal("hello"));
    post.connection_reuse = false;
    let expected = "POST /api/cart HTTP/1.1\r\nhost: shop.test:8080\r\nuser-agent: groundswell/0\r\n\
        content-length: 5\r\nAccept: text/html\r\nx-key: ü\r\nconnection: close\r\nx-groundswell-node: d1\r\n\r\nhello";
    assert_eq!(bench.compile(&post).as_constant(), Some(expected.as_bytes()));
    assert_eq!(bench.render(&post), Ok((expected.to_owned(), 0)));
    let mut get = request("GET", literal("/"));
    get.headers = vec![("Host".to_owned(), literal("h")), ("User-Agent".to_owned(), literal("me"))];
    bench.identify = false;
    let sent = bench.render(&get).unwrap().0;
    assert_eq!(sent, "GET /api/ HTTP/1.1\r\nHost: h\r\nUser-Agent: me\r\n\r\n");
    let empty = bench.render(&request("PUT", literal("/"))).unwrap().0;
    assert!(empty.contains("\r\ncontent-length: 0\r\n"), "{empty}");
}

#[test]
fn paths_are_appended_and_queries_follow() {
    let mut bench = Bench::new();
    bench.set(0, "a b/ü".as_bytes());
    let value = template([variable(0)]);
    for (path, query, expected) in [
        (literal(""), &[][..], "GET /api"),
        (literal("x"), &[], "GET /api/x"),
        (literal("?a=b"), &[], "GET /api?a=b"),
        (literal("/gr\u{fc}n b\n"), &[], "GET /api/gr%C3%BCn%20b%0A"),
        (template([text("/p/"), variable(0), text("/x")]), &[], "GET /api/p/a%20b%2F%C3%BC/x"),
        (template([variable(0)]), &[], "GET /api/a%20b%2F%C3%BC"),
        (
            literal("/s"),
            &[("q x", value.clone()), ("n", literal("1+1"))],
            "GET /api/s?q%20x=a%20b%2F%C3%BC&n=1%2B1",
        ),
        (literal("/s?a=b"), &[("q", literal("1")), ("q", literal("2"))], "GET /api/s?a=b&q=1&q=2"),
        (literal("/s?"), &[("q", literal("1"))], "GET /api/s?q=1"),
    ] {
        check_line(&mut bench, &with_query(path, query), expected);
    }
    let raw = |column| template([slot(SlotValue::Column(0, column), &[Filter::Raw])]);
    check_line(&mut bench, &request("GET", raw(0)), "GET /api/cams/?");
    check_line(&mut bench, &with_query(raw(0), &[("q", literal("1"))]), "GET /api/cams/?q=1");
    assert_eq!(bench.render(&request("GET", raw(1))), Err(RenderError::Template), "a raw blank");
    bench.row_of = vec![None];
    assert_eq!(bench.render(&request("GET", raw(0))), Err(RenderError::Template), "no row");
    let lacks = template([slot(SlotValue::Text("x".to_owned()), &[Filter::Raw])]);
    check_line(&mut bench, &request("GET", lacks), "GET /api/x");
    let on_host = |host, path| NamedRequest {
        url: UrlPlan::Path { host, path, query: vec![("q".to_owned(), literal("1"))] },
        ..request("GET", literal(""))
    };
    check_line(&mut bench, &on_host(1, literal("")), "GET /?q=1");
    check_line(&mut bench, &on_host(1, literal("?a=b")), "GET /?a=b&q=1");
    check_line(&mut bench, &on_host(2, literal("/x")), "GET /v1/x?key=1&q=1");
}

#[test]
fn bodies_with_slots_have_their_length_in_front() {
    let mut bench = Bench::new();
    bench.set(0, "a\"\nü".as_bytes());
    let sent =
        |bench: &mut Bench, body| bench.render(&NamedRequest { body, ..request("POST", literal("/")) });
    let json = template([
        text("{\"x\":\""),
        variable(0),
        text("\",\"n\":"),
        slot(SlotValue::Session, &[]),
        text("}"),
    ]);
    let (json, _) = sent(&mut bench, BodyPlan::Json(json)).unwrap();
    let (head, body) = json.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"x\":\"a\\\"\\nü\",\"n\":5}");
    assert!(head.contains(&format!("\r\ncontent-length:     {}\r\n", body.len())), "{head}");
    assert!(head.ends_with("\r\ncontent-type: application/json"), "{head}");
    let form = vec![("a b".to_owned(), template([variable(0)])), ("c".to_owned(), literal("&"))];
    let (form, _) = sent(&mut bench, BodyPlan::Form(form)).unwrap();
    assert!(
        form.ends_with(
            "\r\ncontent-type: application/x-www-form-urlencoded\r\n\r\na%20b=a%22%0A%C3%BC&c=%26"
        ),
        "{form}"
    );
    let part = |name: &str, filename: Option<&str>, content: PartContent| MultipartPart {
        name: name.to_owned(),
        filename: filename.map(literal),
        content_type: None,
        content,
    };
    let parts = vec![
        part("a\"b", None, PartContent::Text(template([variable(0)]))),
        part("f", Some("x\r\n.bin"), PartContent::Bytes(b"\x00\x01".to_vec())),
    ];
    let (multipart, _) = sent(&mut bench, BodyPlan::Multipart(parts)).unwrap();
    let (head, body) = multipart.split_once("\r\n\r\n").unwrap();
    let boundary = head.rsplit_once("boundary=").unwrap().1;
    assert!(boundary.starts_with("groundswell-") && boundary.len() == 28, "{boundary}");
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\na\"\nü\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"x%0D%0A.bin\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\x00\x01\r\n--{boundary}--\r\n"
        )
    );
    assert!(head.contains(&format!(" {}\r\n", body.len())), "{head}");
}

#[test]
fn constants_are_put_in_before_the_start() {
    let mut bench = Bench::new();
    let mut get = request("GET", template([text("/"), slot(SlotValue::Setup("key".to_owned()), &[])]));
    let bearer = template([text("Bearer "), slot(SlotValue::Secret(0), &[])]);
    get.headers = vec![
        ("x-secret".to_owned(), bearer),
        ("x-test".to_owned(), template([slot(SlotValue::TestId, &[])])),
    ];
    get.basic = Some(Basic { user: literal("me"), password: template([slot(SlotValue::Secret(0), &[])]) });
    let compiled = bench.compile(&get);
    let constant = String::from_utf8(compiled.as_constant().unwrap().to_vec()).unwrap();
    assert!(constant.starts_with("GET /api/k%201 HTTP/1.1\r\n"), "{constant}");
    assert!(constant.contains("x-secret: Bearer hunter2\r\nx-test: t1\r\n"), "{constant}");
    assert!(constant.ends_with("authorization: Basic bWU6aHVudGVyMg==\r\n\r\n"), "{constant}");
    assert!(!format!("{compiled:?}").contains("hunter2"), "{compiled:?}");
    // What no header can hold, and what setup has not given.
    get.headers[0].1 = template([slot(SlotValue::Secret(1), &[])]);
    assert_eq!((bench.compile(&get).as_constant(), bench.render(&get)), (None, Err(RenderError::Template)));
    let missing = request("GET", template([slot(SlotValue::Setup("other".to_owned()), &[])]));
    assert_eq!(bench.render(&missing), Err(RenderError::Template));
    bench.set(0, b"me");
    get.headers.clear();
    get.basic = Some(Basic { user: template([variable(0)]), password: literal("x") });
    assert!(bench.render(&get).unwrap().0.contains("authorization: Basic bWU6eA==\r\n"));
    let shared = template([text("/"), slot(SlotValue::Shared("token".to_owned(), "jwt".to_owned()), &[])]);
    check_line(&mut bench, &request("GET", shared.clone()), "GET /api/fresh");
    bench.shared = vec![None];
    assert_eq!(bench.render(&request("GET", shared)), Err(RenderError::Template), "not there yet");
}

#[test]
fn cookies_follow_those_of_the_plan_and_end_the_constant() {
    let mut bench = Bench::new();
    let mut get = request("GET", literal("/"));
    bench.cookie = b"s=1; t=2".to_vec();
    assert!(bench.render(&get).unwrap().0.contains("\r\ncookie: s=1; t=2\r\n\r\n"));
    get.headers = vec![("Cookie".to_owned(), literal("a=b")), ("x".to_owned(), literal("y"))];
    assert!(bench.render(&get).unwrap().0.contains("\r\nCookie: a=b; s=1; t=2\r\nx: y\r\n"));
    bench.cookie.clear();
    assert!(bench.render(&get).unwrap().0.contains("\r\nCookie: a=b\r\nx: y\r\n\r\n"));
    bench.cookie = b"a\r\nx: y".to_vec();
    assert_eq!(bench.render(&get), Err(RenderError::Template));
    bench.cookie.clear();
    assert!(bench.compile(&get).as_constant().is_some());
    let step = Step::Request { request: 0, at: None };
    bench.program.requests.push(get.clone());
    bench.program.scenarios.push(Scenario {
        name: "s".to_owned(),
        share: 1,
        steps: vec![Step::Repeat { times: 2, steps: vec![step] }],
        lets: Vec::new(),
        cookie_bytes: Some(4_096),
        connections: common::plan::program::Connections::Shared,
        on_fail: OnFail::End,
    });
    assert!(bench.compile(&get).as_constant().is_none(), "a session may have cookies");
}

#[test]
fn lets_are_set_first_and_in_their_order() {
    let mut bench = Bench::new();
    let int = |low, high| template([function(Function::Int(low, high))]);
    let mut get = with_query(
        literal("/"),
        &[
            ("in", template([slot(SlotValue::Variable(0), &[Filter::Pad(2)])])),
            ("out", template([variable(1)])),
        ],
    );
    get.lets = vec![
        (0, int(Bound::Number(9), Bound::Number(9))),
        (1, int(Bound::Variable(0, 1), Bound::Number(10))),
    ];
    check_line(&mut bench, &get, "GET /api/?in=09&out=10");
    get.lets[1].1 = int(Bound::Variable(0, 2), Bound::Number(10));
    assert_eq!(bench.render(&get), Err(RenderError::Template), "11 to 10");
    get.lets[1].1 = literal(&"x".repeat(4_097));
    assert_eq!(bench.render(&get), Err(RenderError::Template), "longer than its place");
    bench.variables.clear();
    assert_eq!(bench.render(&request("GET", template([variable(0)]))), Err(RenderError::Template), "not set");
}

#[test]
fn forms_are_submitted_with_fields_in_place_or_added() {
    let mut bench = Bench::new();
    let field = |name: &str, value: &str| (name.to_owned(), literal(value));
    let fields = vec![field("user[name]", "a b"), field("q", "1"), field("q", "2"), field("new", "&")];
    let mut submit = request("GET", literal(""));
    submit.method = None;
    submit.url = UrlPlan::Form;
    submit.body = BodyPlan::Submit(Submit { variable: 2, fields });
    assert_eq!(bench.render(&submit), Err(RenderError::Template), "no form");
    bench.set(2, b"post ../pay?x=1\ncsrf=t&user%5Bname%5D=old&q=0&last=1&q=9");
    bench.answered_from = Some((0, "/api/cart/view".to_owned()));
    let (sent, host) = bench.render(&submit).unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "csrf=t&user%5Bname%5D=a%20b&q=1&q=2&last=1&new=%26");
    assert!(head.starts_with("POST /api/pay?x=1 HTTP/1.1\r\nhost: shop.test:8080\r\n"), "{head}");
    assert!(
        head.contains(&format!(" {}\r\n", body.len())) && head.contains("x-www-form-urlencoded"),
        "{head}"
    );
    assert_eq!(host, 0);
    bench.set(2, b"get https://pay.test/find?old=1#top\na=1");
    let (sent, host) = bench.render(&submit).unwrap();
    let expected = "GET /find?a=1&user%5Bname%5D=a%20b&q=1&q=2&new=%26 HTTP/1.1\r\nhost: pay.test\r\n";
    assert!(sent.starts_with(expected) && sent.ends_with("\r\n\r\n") && !sent.contains("content-"), "{sent}");
    assert_eq!(host, 1);
    submit.method = Some("PUT".to_owned());
    assert!(
        bench.render(&submit).unwrap().0.starts_with("PUT /find?old=1 HTTP/1.1\r\n"),
        "the plan's own method"
    );
    submit.method = None;
    submit.url = UrlPlan::Path { host: 0, path: literal("/own?z=1"), query: Vec::new() };
    assert!(bench.render(&submit).unwrap().0.starts_with("GET /api/own?z=1&a=1&user"), "the plan's own path");
    submit.url = UrlPlan::Form;
    bench.set(2, b"POST http://evil.test/\na=1");
    assert_eq!(bench.render(&submit), Err(RenderError::Target));
    for broken in [&b"POST"[..], b"POST /x", b"\n", b"P\rOST /\n"] {
        bench.set(2, broken);
        assert_eq!(bench.render(&submit), Err(RenderError::Template));
    }
}

#[test]
fn addresses_and_redirects_go_to_declared_hosts_alone() {
    let mut bench = Bench::new();
    let mut next = request("POST", literal(""));
    next.url = UrlPlan::Address { url: template([variable(0)]), host: 0 };
    next.headers = vec![
        ("Authorization".to_owned(), literal("Bearer x")),
        ("cookie".to_owned(), literal("own=1")),
        ("x-a".to_owned(), literal("b")),
    ];
    next.body = BodyPlan::Json(template([text("{\"n\":\""), function(Function::Alnum(8)), text("\"}")]));
    bench.set(0, b"list?page=2");
    let (first, _) = bench.render(&next).unwrap();
    assert!(first.starts_with("POST /api/list?page=2 HTTP/1.1\r\nhost: shop.test:8080\r\n"), "{first}");
    bench.answered_from = Some((1, "/a/b".to_owned()));
    let (sent, host) = bench.render(&next).unwrap();
    assert!(sent.starts_with("POST /a/list?page=2 HTTP/1.1\r\nhost: pay.test\r\n") && host == 1, "{sent}");
    bench.set(0, b"http://evil.test/");
    assert_eq!(bench.render(&next), Err(RenderError::Target));
    bench.cookie = b"s=1".to_vec();
    let text = bench.compile(&next);
    let mut hop = |location: &[u8], as_get: bool, first_host: usize| {
        let mut out = Vec::new();
        let hop = Hop { location, as_get, first_host };
        let mut target = Vec::new();
        text.render_target(&mut bench.context(), Some(&hop), &mut target)?;
        let to = text.render_hop(&mut bench.context(), &hop, &mut out)?;
        assert_eq!(request_target(&out).as_bytes(), target);
        Ok((String::from_utf8(out).unwrap(), to.host))
    };
    let (kept, _) = hop(b"/c", false, 1).unwrap();
    let body = |sent: &str| sent.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(kept.starts_with("POST /c HTTP/1.1\r\nhost: pay.test\r\n"), "{kept}");
    assert!(kept.contains("Authorization: Bearer x\r\ncookie: own=1; s=1\r\n"), "{kept}");
    assert_eq!(body(&kept), body(&first), "the same body, drawn values and all");
    let (elsewhere, host) = hop(b"http://shop.test:8080/c", true, 1).unwrap();
    let expected = "GET /c HTTP/1.1\r\nhost: shop.test:8080\r\nuser-agent: groundswell/0\r\ncookie: s=1\r\nx-a: b\r\n\r\n";
    assert_eq!((elsewhere.as_str(), host), (expected, 0));
    assert_eq!(hop(b"http://evil.test/", false, 1), Err(RenderError::Target));
    assert_eq!(hop(b"", true, 1).unwrap().0.split(' ').nth(1), Some("/a/b"));
}

#[test]
fn functions_and_filters_write_what_they_say() {
    let mut bench = Bench::new();
    for (part, expected) in [
        (slot(SlotValue::Session, &[]), "5"),
        (function(Function::Counter), "3"),
        (slot(SlotValue::Driver, &[Filter::Upper]), "D1"),
        (slot(SlotValue::Text("{{".to_owned()), &[]), "{{"),
        (slot(SlotValue::Column(0, 1), &[Filter::Url, Filter::Times(2)]), "a%20ba%20b"),
        (function(Function::Now(NowFormat::Rfc3339, 900_000)), "2026-11-29T23:56:38Z"),
        (function(Function::Now(NowFormat::Strftime("%Y".to_owned()), 0)), "2026"),
        (function(Function::Choice(vec!["x".to_owned()])), "x"),
        (function(Function::Float(2.5, 2.5, 3)), "2.500"),
    ] {
        assert_eq!(bench.text(&template([part]), Place::Plain).as_deref(), Ok(expected));
    }
    for (function_, length, of) in [
        (Function::Alnum(16), 16, "alnum"),
        (Function::Hex(32), 32, "hex"),
        (Function::Unique, 13, "unique"),
        (Function::Uuid, 36, "uuid"),
    ] {
        let two =
            bench.text(&template([function(function_.clone()), function(function_)]), Place::Plain).unwrap();
        let (first, second) = two.split_at(length);
        assert!(second.len() == length && first != second, "{of}: {two}: every occurrence has its own value");
    }
    let choice = function(Function::Choice(Vec::new()));
    assert_eq!(bench.text(&template([choice]), Place::Plain), Err(RenderError::Template));
    let many = template((0..129).map(|_| function(Function::Unique)));
    assert_eq!(bench.text(&many, Place::Plain), Err(RenderError::Template), "more than 128 in one text");
}

#[test]
fn values_depend_on_session_place_and_path_and_on_nothing_else() {
    let mut bench = Bench::new();
    let alnum = template([function(Function::Alnum(20))]);
    let query = [("a", alnum.clone()), ("b", alnum.clone())];
    let value = |bench: &mut Bench, request: &NamedRequest, key: &str| {
        let sent = bench.render(request).unwrap().0;
        let target = request_target(sent.as_bytes()).to_owned();
        let pair = target.split(['?', '&']).find(|pair| pair.starts_with(key)).unwrap().to_owned();
        pair.split_once('=').unwrap().1.to_owned()
    };
    let both = with_query(literal("/"), &query);
    let (a, b) = (value(&mut bench, &both, "a"), value(&mut bench, &both, "b"));
    assert_ne!(a, b);
    assert_eq!(value(&mut bench, &both, "a"), a, "whatever was rendered before");
    let added = with_query(literal("/"), &[("new", alnum), query[0].clone(), query[1].clone()]);
    assert_eq!(value(&mut bench, &added, "b"), b, "a new key changes no other's value");
    bench.place = 1;
    assert_ne!(value(&mut bench, &both, "a"), a, "another step or round");
    (bench.place, bench.g) = (0, 6);
    assert_ne!(value(&mut bench, &both, "a"), a, "another session");
}
