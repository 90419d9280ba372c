use common::plan::{Plan, PlanFormat, PlanTree};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The plan of a command as a tree, and its remarks. It validates.
#[track_caller]
fn curl(command: &str) -> (Value, Vec<String>) {
    let taken = from_command(&[command.to_owned()]).unwrap_or_else(|error| panic!("{command}: {error}"));
    (tree(&taken.plan), taken.remarks)
}

#[track_caller]
fn tree(plan: &str) -> Value {
    validated(plan);
    PlanTree::parse(plan, PlanFormat::Toml).unwrap().value().clone()
}

#[track_caller]
fn validated(plan: &str) -> Plan {
    let mut tree =
        PlanTree::parse(plan, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}\n{plan}"));
    without_files(tree.value_mut());
    // As `run` has it, which refuses a request without a session.
    tree.set(&["drivers"], 1);
    tree.validate().unwrap_or_else(|faults| panic!("{faults:?}\n{plan}"))
}

/// The only request.
fn request(plan: &Value) -> (&str, &Value) {
    let requests = plan["requests"].as_object().unwrap();
    assert_eq!(requests.len(), 1, "{plan:#}");
    let (name, request) = requests.iter().next().unwrap();
    (name, request)
}

#[track_caller]
fn check(command: &str, name: &str, expected: Value) {
    let (plan, _) = curl(command);
    assert_eq!(request(&plan), (name, &expected), "{command}");
}

#[test]
fn options_become_keys_of_one_request() {
    for (command, name, expected) in [
        ("curl http://h/", "home", json!({"path": "/"})),
        ("curl h:8081/a/b?x=1#f", "a-b", json!({"path": "/a/b?x=1"})),
        ("curl -XDELETE http://h/carts/77", "carts", json!({"method": "DELETE", "path": "/carts/77"})),
        ("curl -I http://h/a", "a", json!({"method": "HEAD", "path": "/a"})),
        (
            "curl -sSLd a=1 -d 'b=x+y%26' http://h/f",
            "f",
            json!({"path": "/f", "form": {"a": "1", "b": "x y&"}}),
        ),
        ("curl -d a=1 -d a=2 http://h/f", "f", json!({"path": "/f", "form": {"a": ["1", "2"]}})),
        (
            "curl -d a=1 -d b=2 -d a=2 http://h/f",
            "f",
            json!({"path": "/f", "body": "a=1&b=2&a=2", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
        ),
        ("curl -G -d a=1 --data-urlencode 'q=a b&c' http://h/s", "s", json!({"path": "/s?a=1&q=a%20b%26c"})),
        (
            "curl --json '{\"a\": [1, 2.5, true]}' http://h/j",
            "j",
            json!({"path": "/j", "json": {"a": [1, 2.5, true]}, "headers": {"accept": "application/json"}}),
        ),
        (
            "curl -H 'Content-Type: application/json' -d '{\"a\": null}' http://h/j",
            "j",
            json!({"path": "/j", "body": "{\"a\": null}", "headers": {"Content-Type": "application/json"}}),
        ),
        (
            "curl -H 'Content-Type: text/plain' -d 'x{{y}} ${Z}' http://h/j",
            "j",
            json!({"path": "/j", "body": "x{{'{{'}}y}} $${Z}", "headers": {"Content-Type": "text/plain"}}),
        ),
        (
            "curl -A me -e http://r/ -m 2.5 http://h/a",
            "a",
            json!({"path": "/a", "timeout": "2500ms", "headers": {"user-agent": "me", "referer": "http://r/"}}),
        ),
        (
            "curl -F a=b -F 'f=@/tmp/x.png;type=image/png' http://h/up",
            "up",
            json!({"path": "/up", "multipart": [{"name": "a", "value": "b"}, {"name": "f", "file": "/tmp/x.png", "filename": "x.png", "type": "image/png"}]}),
        ),
        (
            "curl --data-binary @body.bin http://h/up",
            "up",
            json!({"path": "/up", "body_file": "body.bin", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
        ),
        ("curl -T x.bin http://h/up", "up", json!({"method": "PUT", "path": "/up", "body_file": "x.bin"})),
        ("curl http://h/session", "get-session", json!({"path": "/session"})),
        ("curl 'http://h/{{a}}'", "a", json!({"path": "/{{'{{' | raw}}a}}"})),
    ] {
        check(command, name, expected);
    }
}

#[test]
fn what_browsers_and_postman_copy_is_read() {
    let chrome = r#"curl 'https://shop.example/api/cart/items?ref=a' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'authorization: Bearer eyJhbGciOi.J9' \
  -H 'content-type: application/json' \
  -b 'sid=s3cr3t; theme=dark' \
  -H 'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"' \
  --data-raw $'{"name":"it\'s","n":3}' \
  --compressed ;
"#;
    let (plan, remarks) = curl(chrome);
    let (name, request) = request(&plan);
    assert_eq!(name, "api-cart-items");
    assert_eq!(plan["target"]["url"], "https://shop.example");
    assert_eq!(request["json"], json!({"name": "it's", "n": 3}));
    assert_eq!(request["headers"]["authorization"], "Bearer {{secret.authorization}}");
    assert_eq!(request["headers"]["cookie"], "{{secret.cookie}}");
    assert_eq!(plan["secrets"]["authorization"]["env"], "AUTHORIZATION");
    assert!(remarks.iter().any(|line| line.starts_with("--compressed: ")), "{remarks:?}");
    assert!(remarks.iter().any(|line| line.starts_with("-b: ")), "{remarks:?}");

    let firefox = "curl 'http://127.0.0.1:8081/shop/login' --compressed -X POST -H 'User-Agent: Mozilla/5.0' \
                   -H 'Accept-Encoding: gzip, deflate' -H 'Content-Type: application/x-www-form-urlencoded' \
                   -H 'Connection: keep-alive' -H 'TE: trailers' --data-raw 'user=guest&password=x'";
    let (plan, remarks) = curl(firefox);
    let (_, request) = self::request(&plan);
    assert_eq!(request["form"], json!({"user": "guest", "password": "x"}));
    assert_eq!(request["headers"], json!({"User-Agent": "Mozilla/5.0", "Accept-Encoding": "gzip, deflate"}));
    for begin in ["Connection: ", "TE: ", "password: "] {
        assert!(remarks.iter().any(|line| line.starts_with(begin)), "{begin}: {remarks:?}");
    }

    let postman = "curl --location 'https://api.example/v1/files' \\\n--header 'X-Api-Key: k3y' \\\n\
                   --form 'file=@\"/C:/a b/note.txt\"' \\\n--form 'title=\"A title\"'";
    let (plan, remarks) = curl(postman);
    let (_, request) = self::request(&plan);
    assert_eq!(request["headers"]["X-Api-Key"], "{{secret.x_api_key}}");
    assert_eq!(request["multipart"][0]["filename"], "note.txt");
    assert_eq!(request["multipart"][1]["value"], "A title");
    assert!(
        remarks.iter().any(|line| line == "--location: redirects are not followed; a redirect is the answer")
    );
}

#[test]
fn no_secret_is_written() {
    for command in [
        "curl -u bob:s3cr3t http://h/a",
        "curl http://bob:s3cr3t@h/a",
        "curl -H 'Authorization: Bearer s3cr3t' http://h/a",
        "curl -H 'authorization: s3cr3t' -u x:s3cr3t http://h/a",
        "curl --oauth2-bearer s3cr3t http://h/a",
        "curl -b a=s3cr3t http://h/a",
        "curl -H 'X-Auth-Token: s3cr3t' http://h/a",
        "curl 'http://h/a?x=1&api_key=s3cr3t'",
        "curl -G -d token=s3cr3t http://h/a",
        "curl http://h/a 'http://h/b?token=s3cr3t'",
        "curl -x http://u:s3cr3t@p http://h/a",
    ] {
        let taken = from_command(&[command.to_owned()]).unwrap();
        validated(&taken.plan);
        assert!(!format!("{taken:?}").contains("s3cr3t"), "{command}: {taken:?}");
        assert!(!taken.remarks.is_empty(), "{command}");
    }
    check(
        "curl -u bob:x http://h/a",
        "a",
        json!({"path": "/a", "basic": {"user": "bob", "password": "{{secret.password}}"}}),
    );
}

#[test]
fn words_behind_dashes_are_a_command_too() {
    let words: Vec<String> = ["curl", "-H", "a: b c", "http://h/x"].map(str::to_owned).into();
    let plan = tree(&from_command(&words).unwrap().plan);
    assert_eq!(request(&plan).1["headers"]["a"], "b c");
}

#[test]
fn what_cannot_be_a_plan_says_why() {
    for (command, reason) in [
        ("curl -s", "names no URL"),
        ("curl 'http://h", "not closed"),
        ("curl ftp://h/a", "http and https"),
        ("curl -d @- http://h/", "standard input"),
        ("curl http://h/ -H", "-H lacks its value"),
        ("curl ^\"http://h/^\" ^", "Copy as cURL (bash)"),
    ] {
        let error = from_command(&[command.to_owned()]).unwrap_err();
        assert!(error.contains(reason), "{command}: {error}");
    }
}

#[track_caller]
fn lines(text: &str, base: Option<&str>) -> (Value, Vec<String>) {
    let taken =
        from_lines(text.lines().map(str::to_owned), base).unwrap_or_else(|error| panic!("{text}: {error}"));
    (tree(&taken.plan), taken.remarks)
}

#[test]
fn urls_with_counts_become_a_mix() {
    let (plan, remarks) = lines(
        "# comment\nhttp://h/\n  4 http://h/shop/products\nhttp://h/shop/products 2\nhttp://h/cart 2\nnonsense\n\
         http://h/a x\nhttp://h/a?token=1\nhttp://u:p@h/\n",
        None,
    );
    assert_eq!(plan["target"]["url"], "http://h");
    let expected = json!({
        "shop-products": {"share": 6, "path": "/shop/products"},
        "cart": {"share": 2, "path": "/cart"},
        "home": {"share": 1, "path": "/"},
    });
    assert_eq!(plan["requests"], expected);
    assert_eq!(remarks.len(), 4, "{remarks:?}");
    assert_eq!(remarks[0], "1 line is not taken over: no URL (line 6)");
}

#[test]
fn hosts_of_urls_are_hosts_of_the_plan() {
    let (plan, _) = lines("http://a/x 3\nhttps://b.example:8443/x\n", None);
    assert_eq!(
        plan["target"],
        json!({"url": "http://a", "hosts": {"b-example-8443": "https://b.example:8443"}})
    );
    assert_eq!(plan["requests"]["x-2"]["host"], "b-example-8443");
    let (plan, _) = lines("http://a/x 3\nhttps://b.example:8443/x\n", Some("http://staging/base/"));
    assert_eq!(plan["target"], json!({"url": "http://staging/base"}));
    assert_eq!(plan["requests"], json!({"x": {"path": "/x"}}));
}

#[test]
fn many_paths_of_one_shape_become_rows() {
    let mut text = String::from("http://h/cart 500\n");
    for n in 1..=60 {
        text.push_str(&format!("http://h/products/{n}?ref={n} {n}\n"));
    }
    let (plan, _) = lines(&text, None);
    assert_eq!(plan["requests"]["products"], json!({"share": 183, "path": "{{url.path | raw}}"}));
    assert_eq!(plan["requests"]["cart"]["share"], 50);
    let data = &plan["data"]["url"];
    assert_eq!((&data["order"], &data["weight"]), (&json!("random"), &json!("weight")));
    assert_eq!(data["rows"][0], json!(["/products/60?ref=60", 60]));
    assert_eq!(data["rows"].as_array().unwrap().len(), 60);
}

#[test]
fn targets_of_vegeta_keep_headers_and_bodies() {
    let (plan, remarks) = lines(
        "GET http://h/a\nX-One: 1\nAuthorization: Bearer s3cr3t\n\nPOST http://h/b\nContent-Type: application/json\n@b.json\nGET http://h/a\n\
         X-One: 1\nAuthorization: Bearer s3cr3t\n",
        None,
    );
    let expected = json!({
        "a": {"share": 2, "path": "/a", "headers": {"X-One": "1", "Authorization": "Bearer {{secret.authorization}}"}},
        "b": {"share": 1, "path": "/b", "body_file": "b.json", "headers": {"Content-Type": "application/json"}},
    });
    assert_eq!(plan["requests"], expected);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
}

#[test]
fn access_logs_are_counted_by_method_and_path() {
    let log = r#"127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "GET /shop/ HTTP/1.1" 200 2326
127.0.0.1 - bob [10/Oct/2025:13:55:36 +0000] "GET /shop/ HTTP/1.1" 304 0 "http://r/" "Mozilla/5.0 (X11)"
h:443 127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "POST /shop/cart HTTP/2.0" 201 12 "-" "curl/8"
127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "GET /wp-admin HTTP/1.1" 404 2326
127.0.0.1 - - [10/Oct/2025:13:55:36 +0000] "\x16\x03\x01" 400 226
"#;
    let (plan, remarks) = lines(log, Some("http://127.0.0.1:8081"));
    let expected = json!({
        "shop": {"share": 2, "path": "/shop/"},
        "shop-cart": {"share": 1, "method": "POST", "path": "/shop/cart"},
    });
    assert_eq!(plan["requests"], expected);
    assert_eq!(
        remarks[1..],
        [
            "1 line is not taken over: was answered with 4xx (line 4)".to_owned(),
            "1 line is not taken over: no request in it (line 5)".to_owned(),
        ]
    );
    let error = from_lines(log.lines().map(str::to_owned), None).unwrap_err();
    assert!(error.contains("--url"), "{error}");
}

#[test]
fn a_request_that_is_rarer_than_a_plan_can_say_has_the_rarest_share() {
    let (plan, remarks) = lines("http://h/ 50000\nhttp://h/about 2\nhttp://h/cart 6\n", None);
    // 50,008 / 9,600, rounded up, is 6.
    let share = |name: &str| plan["requests"][name]["share"].as_u64();
    assert_eq!([share("home"), share("about"), share("cart")], [Some(25_000), Some(3), Some(3)]);
    assert_eq!(remarks, ["1 request came less often than once in 9600, and has that share"]);
    assert_eq!(plan["load"]["duration"], "14m");
    let counts: String = (1..=30).map(|n| format!("http://h/{} {n}\n", "x".repeat(n))).collect();
    let (_, remarks) = lines(&format!("{counts}http://h/most 987654321987\n"), None);
    assert_eq!(remarks, ["30 requests came less often than once in 9600, and have that share"]);
}

#[test]
fn the_load_is_long_enough_for_the_rarest_request() {
    for (rarest, duration) in [(10, "10s"), (1, "46s"), (3, "16s")] {
        let (plan, _) = lines(&format!("http://h/a 455\nhttp://h/b {rarest}\n"), None);
        assert_eq!(plan["load"]["duration"], duration, "{rarest}");
    }
}

#[test]
fn what_has_no_room_is_counted() {
    let targets = (0..300).map(|n| format!("GET http://h/{}\nX-N: {n}\n", "a".repeat(n % 7)));
    let (plan, remarks) = lines(&targets.collect::<String>(), None);
    assert_eq!(plan["requests"].as_object().unwrap().len(), 240);
    assert!(remarks.iter().any(|line| line.starts_with("60 requests are not taken over")), "{remarks:?}");
}

proptest! {
    #[test]
    fn any_text_is_a_valid_plan_or_an_error(text in r"(curl |-[A-Za-z] |--data |-F |'|\$'|\\|http://h/|\{\{|[a-z]=|[^\x00]){0,30}") {
        if let Ok(taken) = from_command(std::slice::from_ref(&text)) {
            validated(&taken.plan);
        }
        if let Ok(taken) = from_lines(text.lines().map(str::to_owned), None) {
            validated(&taken.plan);
        }
    }

    /// What can be sent is taken over, whatever it holds.
    #[test]
    fn any_body_and_header_is_taken_over(
        body in r"([{}'$&=]|\{\{|\$\{A\}|[^\x00]){0,20}",
        value in r"([!-~ ]|\{\{|\$\{A\}){0,20}",
        path in r"([!-~&&[^#\\]]|\{\{|\$\{A\}){0,20}",
        kind in prop::sample::select(vec!["text/plain", "application/json", "application/x-www-form-urlencoded"]),
    ) {
        let words = ["-H".to_owned(), format!("content-type: {kind}"), "-H".to_owned(), format!("x-a: {value}"),
            "--data-raw".to_owned(), body, format!("http://h/{path}")];
        let taken = from_command(&words).map_err(TestCaseError::fail)?;
        validated(&taken.plan);
    }

    #[test]
    fn json_and_forms_are_taken_over(text in "([{}'$\"\\\\]|\\{\\{|\\$\\{A\\}|[^\\x00]){0,20}", n in any::<i64>()) {
        let body = json!({"a": text, "b": [n, text], "c": {"d": n}}).to_string();
        let words = ["--json".to_owned(), body, "http://h/".to_owned()];
        let plan = validated(&from_command(&words).map_err(TestCaseError::fail)?.plan);
        prop_assert_eq!(plan.program.unwrap().requests.len(), 1);
        let words = ["--data-urlencode".to_owned(), format!("a={text}"), "http://h/".to_owned()];
        validated(&from_command(&words).map_err(TestCaseError::fail)?.plan);
    }

    #[test]
    fn any_lines_of_requests_are_a_valid_plan(
        requests in prop::collection::vec(("(GET|POST)", r"/([a-z]{0,3}/|[0-9]{1,4}/|[!-~&&[^#]]){0,4}", 1..3_000_000_000_u64), 1..80),
    ) {
        let urls = requests.iter().map(|(_, path, n)| format!("http://h{path} {n}"));
        if let Ok(taken) = from_lines(urls, None) {
            validated(&taken.plan);
        }
        let log = requests.iter().map(|(method, path, _)| format!("h - - [t] \"{method} {path} HTTP/1.1\" 200 1"));
        let taken = from_lines(log, Some("http://h"));
        if requests.iter().any(|(_, path, _)| !path.contains(['"', '?'])) {
            validated(&taken.map_err(TestCaseError::fail)?.plan);
        }
    }
}
