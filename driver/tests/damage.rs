//! Damage to texts that others write, in the plan and in answers: no plan, template, JSON document, page or cookie makes
//! the driver panic, and whatever is rendered is one whole HTTP request. The cases begin with a corpus of real texts and
//! are cut, spliced and overwritten; beside these each parser has properties over bytes of any kind where it is.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;

use common::plan::program::Program;
use common::plan::{Plan, PlanFormat, read};
use driver::scenario::answer::{Answer, Examiner, Field};
use driver::scenario::cookies::CookieJar;
use driver::scenario::render::{Constants, Context, RequestText};
use driver::scenario::rows::Rows;
use driver::scenario::variables::{Layout, Variables};
use proptest::prelude::*;
use proptest::sample::Index;

/// Plans, each of which uses another part of the language.
const PLANS: [&str; 4] = [
    include_str!("../../config/plans/shop-login.toml"),
    include_str!("../../config/plans/shop-orders.toml"),
    include_str!("../../config/plans/shop-jobs.toml"),
    r#"
seed = 3
target.url = "http://127.0.0.1:8081/base"
target.hosts.pay = "https://pay.test"
secrets.key = { env = "KEY" }
data.users = { columns = ["name", "mail"], rows = [["ann", "a@b"], ["bob", "ü&x"]] }
[request.headers]
x-all = "1"
[requests.first]
path = "/a/{{users.name}}/{{int 1 9 | pad 3}}"
query = { q = "{{choice red 'dark green'}}", n = "{{session}}", m = "{{users.mail}}" }
headers = { x-key = "{{secret.key}}", x-time = "{{now '%Y-%m-%d' +400d}}" }
extract.id = { json = "$.items[0].id", default = "7", max = "64B" }
extract.name = { regex = "name=([a-z]+)", default = "" }
extract.token = { input = "csrf", default = "none" }
extract.page = { form = 0, default = "" }
extract.sid = { cookie = "sid", default = "" }
check.json."$.ok" = true
check.size = "< 100000"
[requests.second]
host = "pay"
let = { o = "{{uuid}}-{{alnum 8 | upper}}" }
path = "/b/{{id}}"
json = { id = "{{id | number}}", note = "a \"quoted\" {{name}} {{o}}", token = ["{{token}}"] }
[requests.third]
path = "/c"
form = { t = "{{token}}", h = "{{id | sha256}}", b = "{{name | base64}}", x = "{{'{{'}}" }
[requests.fourth]
path = "/d"
multipart = [{ name = "f", value = "{{sid}}" }, { name = "g", value = "{{unique}} {{hex 4}}", type = "text/plain" }]
[scenarios.all]
cookies = true
steps = ["first", "second", "third", "fourth"]
[load]
rate = 10
duration = "1s"
"#,
];

/// Templates, of which a damaged one stands in each place of a request.
const TEMPLATES: [&str; 9] = [
    "{{int 1 10}}",
    "{{int from+1 24 | pad 3}}",
    "a{{'b {{'}}c",
    "{{users.name | url | upper}}",
    "{{float 0.5 9.5 2}} {{counter}}",
    "{{choice a b 'c d' | json}}",
    "{{now '%Y-%m-%dT%H:%M:%S' -3h}}",
    "{{v | times 3 | base64 | sha256 | lower}}",
    "{{v | raw}}{{v | number}}{{uuid}}{{unique}}",
];

/// What servers answer: documents, pages and forms.
const BODIES: [&str; 5] = [
    r#"{"ok":true,"items":[{"id":7,"name":"a\u00fc\ud83d\ude00"},{"id":-1.5e3}],"n":null}"#,
    r#"[[[]],{"a":{"b":[1,2,{"c":"\\\"/\b\f\n\r\t"}]}}]"#,
    "<!doctype html><html><body><form action=\"/x?a=1&amp;b=2\" method='post'><input name=csrf value='&quot;t&#x41;'>\
     <select name=s><option>1<option selected value=2>2</select><textarea name=t>\na</textarea></form><script>if (a<b) \
     {}</script><!-- <input name=csrf value=no> --></body></html>",
    "name=abc id=1\nname=def id=2",
    "",
];

/// Fields of `set-cookie`.
const COOKIES: [&str; 5] = [
    "sid=abc; Path=/; HttpOnly; SameSite=Lax",
    "sid=\"q\"; Domain=.shop.test; Secure; Max-Age=3600",
    "a=; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Path=/x/y",
    "b=1; Max-Age=0",
    "__Host-c=2; Secure; Path=/",
];

/// One change to a text.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Put(Index, Vec<u8>),
    Over(Index, u8),
    Without(Index, Index),
    Twice(Index, Index),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<Index>;
    let bytes = prop_oneof![
        prop::sample::select(&b"{}[]()<>\"'\\/&;=|$%.,+- \r\n\0"[..]).prop_map(|byte| vec![byte]),
        prop::sample::select(
            &[
                "{{",
                "}}",
                "''",
                "| ",
                "99999999999999999999",
                "-1",
                "\\u",
                "\\ud800",
                "&#",
                "<!--",
                "ü",
                "1e999",
                "%zz",
                "{{v}}",
                "[[[[[[[[",
                "\r\n\r\n"
            ][..]
        )
        .prop_map(|text: &str| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    let one = prop_oneof![
        1 => at().prop_map(Damage::Cut),
        4 => (at(), bytes).prop_map(|(at, bytes)| Damage::Put(at, bytes)),
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Over(at, byte)),
        2 => (at(), at()).prop_map(|(from, to)| Damage::Without(from, to)),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Twice(from, to)),
    ];
    prop::collection::vec(one, 0..5)
}

/// A range of at most 40 bytes.
fn range(bytes: &[u8], from: Index, length: Index) -> std::ops::Range<usize> {
    let from = from.index(bytes.len() + 1);
    from..(from + length.index(40)).min(bytes.len())
}

fn damaged(text: &str, damage: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for one in damage {
        match one {
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Damage::Put(at, more) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Over(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Over(..) => {}
            Damage::Without(from, to) => drop(bytes.drain(range(&bytes.clone(), *from, *to))),
            Damage::Twice(from, to) => {
                let part = bytes[range(&bytes, *from, *to)].to_vec();
                bytes.extend_from_slice(&part);
            }
        }
    }
    bytes
}

/// Checks that these bytes are one HTTP request whose body has the length that it says.
fn check_http(sent: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    let shown = String::from_utf8_lossy(sent);
    let Ok(httparse::Status::Complete(head)) = parsed.parse(sent) else { panic!("{shown}") };
    let length = parsed.headers.iter().find(|field| field.name == "content-length");
    let length: usize =
        length.map_or(0, |field| std::str::from_utf8(field.value).unwrap().trim().parse().unwrap());
    assert_eq!(sent.len() - head, length, "{shown}");
}

/// Sends every request of a plan as a session does, and lets it read this answer each time.
fn run_session(plan: &Plan, secret: &str, g: u64, body: &[u8], cookies: &[Vec<u8>]) {
    let Some(program) = &plan.program else { return };
    let program: &Program = program;
    let secrets = vec![secret.to_owned(); program.secrets.len()];
    let setup = BTreeMap::new();
    let constants = Constants {
        program,
        secrets: &secrets,
        setup: &setup,
        shared: &[],
        test_id: "t",
        driver: "d",
        seed: 7,
        user_agent: "groundswell",
        identify: true,
        bodies: &Default::default(),
    };
    let rows: Vec<Rows> = program.data.iter().map(|data| Rows::new(data, 7)).collect();
    let row_of: Vec<Option<usize>> = rows.iter().map(|rows| Some(rows.row(g))).collect();
    let mut variables = Variables::new(&Layout::new(&program.variables));
    let mut jar = CookieJar::new(4_096);
    let fields: Vec<Field<'_>> = cookies.iter().map(|value| Field { name: b"Set-Cookie", value }).collect();
    for (n, request) in (0..).zip(&program.requests) {
        let text = RequestText::compile(request, &constants);
        let mut cookie = Vec::new();
        jar.header("127.0.0.1", "/x", true, 1_700_000_000, &mut cookie);
        let mut context = Context {
            variables: &mut variables,
            rows: &rows,
            row_of: &row_of,
            shared: &[],
            g,
            ordinal: g,
            n_in_session: n,
            place: 5,
            seed: 7,
            unix_us: 1_700_000_000_000_000,
            cookie: &cookie,
            answered_from: None,
        };
        let mut out = Vec::new();
        if text.render(&mut context, &mut out).is_ok() {
            check_http(&out);
        } else {
            assert!(out.is_empty(), "nothing is left of a request that cannot be rendered");
        }
        for field in &fields {
            let _ = jar.take(field.value, "127.0.0.1", "/x", 1_700_000_000);
        }
        let answer = Answer { status: 200, fields: &fields, body };
        let _ = Examiner::new(request).examine(
            &answer,
            &mut variables,
            &mut |_, _, out| {
                out.extend_from_slice(b"expected");
                Ok(())
            },
            &mut |below| below - 1,
        );
    }
}

/// A plan that has a template in every place.
fn plan_with(template: &str) -> String {
    let quoted = serde_json::to_string(template).unwrap();
    format!(
        r#"{{
            "target": {{ "url": "http://127.0.0.1:1" }}, "load": {{ "rate": 1, "duration": "1s" }},
            "data": {{ "users": {{ "columns": ["name"], "rows": [["ann"], ["b b"]] }} }},
            "requests": {{
                "zero": {{ "path": "/", "extract": {{ "v": {{ "regex": "(.+)", "default": "d" }}, "from": {{ "regex": "([0-9]+)", "default": "1" }} }} }},
                "one": {{ "path": "/a", "headers": {{ "x": {quoted} }}, "query": {{ "q": {quoted} }}, "json": {{ "k": {quoted} }} }},
                "two": {{ "path": "/b", "let": {{ "l": {quoted} }}, "form": {{ "f": {quoted} }}, "check": {{ "body": {quoted} }} }},
                "three": {{ "path": "/c", "body": {quoted} }}
            }},
            "scenarios": {{ "s": {{ "steps": ["zero", "one", "two", "three"] }} }}
        }}"#
    )
}

#[test]
fn the_corpus_itself_is_read_and_sent() {
    let with_template = TEMPLATES.iter().map(|template| (plan_with(template), PlanFormat::Json));
    let plans = PLANS.iter().map(|plan| ((*plan).to_owned(), PlanFormat::Toml)).chain(with_template);
    for (text, format) in plans {
        let plan = read(&text, format).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
        let cookies: Vec<Vec<u8>> = COOKIES.iter().map(|cookie| cookie.as_bytes().to_vec()).collect();
        for body in BODIES {
            run_session(&plan, "s", 3, body.as_bytes(), &cookies);
        }
    }
}

proptest! {
    // Bounded: some seconds in all, in an unoptimized build too.
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_damaged_plan_makes_the_reader_or_a_session_panic(
        which in 0..PLANS.len(), damage in damage(), secret in ".{0,10}", g in any::<u32>(),
    ) {
        let bytes = damaged(PLANS[which], &damage);
        if let Ok(plan) = read(&String::from_utf8_lossy(&bytes), PlanFormat::Toml) {
            run_session(&plan, &secret, u64::from(g), BODIES[0].as_bytes(), &[]);
        }
    }

    #[test]
    fn no_damaged_template_makes_the_reader_or_a_session_panic(
        which in 0..TEMPLATES.len(), damage in damage(), body in prop::collection::vec(any::<u8>(), 0..40), g in any::<u32>(),
    ) {
        let template = damaged(TEMPLATES[which], &damage);
        let text = plan_with(&String::from_utf8_lossy(&template));
        if let Ok(plan) = read(&text, PlanFormat::Json) {
            run_session(&plan, "s", u64::from(g), &body, &[]);
        }
    }

    #[test]
    fn no_damaged_answer_makes_a_session_panic(
        which in 0..BODIES.len(),
        damage_of_body in damage(),
        cookies in prop::collection::vec((0..COOKIES.len(), damage()), 0..4),
        plan in 0..PLANS.len(),
    ) {
        let body = damaged(BODIES[which], &damage_of_body);
        let cookies: Vec<Vec<u8>> = cookies.iter().map(|(which, damage)| damaged(COOKIES[*which], damage)).collect();
        let plan = read(PLANS[plan], PlanFormat::Toml).unwrap();
        run_session(&plan, "s", 3, &body, &cookies);
    }
}
