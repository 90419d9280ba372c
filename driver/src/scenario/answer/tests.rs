//! Checks and extracts as a plan has them.

use std::time::Duration;

use common::ids::RequestName;
use common::plan::Comparison;
use common::plan::program::{
    BodyCheck, BodyPlan, Check, Extract, Filter, HeaderCheck, JsonCheck, JsonExpected, JsonText, Part, Pick,
    SizeCheck, Slot, SlotValue, Source, UrlPlan, Variable,
};
use proptest::prelude::*;

use super::*;
use crate::scenario::variables::Layout;

fn request(checks: Vec<Check>, extracts: Vec<Extract>) -> NamedRequest {
    NamedRequest {
        name: RequestName::new("r").unwrap(),
        method: Some("GET".to_owned()),
        url: UrlPlan::Path { host: 0, path: Template::literal("/"), query: Vec::new() },
        headers: Vec::new(),
        basic: None,
        body: BodyPlan::None,
        timeout: Duration::from_secs(1),
        expect_status: vec![(200, 299)],
        follow: 0,
        connection_reuse: true,
        lets: Vec::new(),
        extracts,
        checks,
        split: None,
    }
}

fn extract(variable: usize, source: Source) -> Extract {
    Extract { variable, source, regex: None, pick: Pick::First, default: None, max: 256 }
}

fn variables(n: usize) -> Variables {
    let variable = |i: usize| Variable { name: format!("v{i}"), max: 256, secret: false };
    Variables::new(&Layout::new(&(0..n).map(variable).collect::<Vec<_>>()))
}

const FIELDS: [Field<'static>; 7] = [
    Field { name: b"Content-Type", value: b"application/json" },
    Field { name: b"ETag", value: b"W/\"33a64\"" },
    Field { name: b"set-cookie", value: b"sid=a1; Path=/" },
    Field { name: b"Set-Cookie", value: b"lang=en" },
    Field { name: b"Location", value: b"https://app.test/cb?code=a%2Fb&state=1" },
    Field { name: b"link", value: b"</1>" },
    Field { name: b"link", value: b"</2>" },
];

fn answer(body: &[u8]) -> Answer<'_> {
    Answer { status: 201, fields: &FIELDS, body }
}

/// Examines an answer; `{{x}}` and every other slot of an expected text is `7`, and the last of several is drawn.
fn examine(request: &NamedRequest, body: &[u8], variables: &mut Variables) -> Result<(), ErrorKind> {
    let mut examiner = Examiner::new(request);
    let templates: Vec<Template> = examiner.templates().into_iter().cloned().collect();
    let mut expected = |index: usize, _: &Variables, out: &mut Vec<u8>| {
        for part in &templates[index].parts {
            out.extend_from_slice(match part {
                Part::Text(text) => text.as_bytes(),
                Part::Slot(_) => b"7",
            });
        }
        Ok(())
    };
    examiner.examine(&answer(body), variables, &mut expected, &mut |n| n - 1)
}

#[track_caller]
fn found(body: &str, extract: Extract, expected: Result<&str, ErrorKind>) {
    let mut variables = variables(1);
    let result = examine(&request(Vec::new(), vec![extract.clone()]), body.as_bytes(), &mut variables);
    let value = variables.get(0).map(|value| std::str::from_utf8(value).unwrap().to_owned());
    assert_eq!(result.map(|()| value.unwrap()), expected.map(str::to_owned), "{extract:?} in {body}");
}

const MISSING: Result<&str, ErrorKind> = Err(ErrorKind::Extract);

#[test]
fn a_value_is_found_where_the_plan_says() {
    let json = |path: &str| Source::Json(path.to_owned());
    let body =
        r#"{"id": 7, "name": "a\"b\u00e9", "none": null, "items": [{"id": "x"}, {"id": "y"}, {"id": "z"}]}"#;
    found(body, extract(0, json("$.id")), Ok("7"));
    found(body, extract(0, json("$.name")), Ok("a\"bé"));
    found(body, extract(0, json("$.items[0]")), Ok(r#"{"id": "x"}"#));
    found(body, extract(0, json("$.none")), MISSING);
    found(body, extract(0, json("$.other")), MISSING);
    found("<html>", extract(0, json("$.id")), MISSING);
    found(body, extract(0, Source::Status), Ok("201"));
    found(body, extract(0, Source::Header("etag".to_owned())), Ok("W/\"33a64\""));
    found(body, extract(0, Source::Header("x-other".to_owned())), MISSING);
    found(body, extract(0, Source::Cookie("lang".to_owned())), Ok("en"));
    found(body, extract(0, Source::Cookie("Lang".to_owned())), MISSING);
    found(body, extract(0, Source::Location("code".to_owned())), Ok("a/b"));
    found(body, extract(0, Source::Location("error".to_owned())), MISSING);
    found(body, extract(0, Source::Location(String::new())), Ok("https://app.test/cb?code=a%2Fb&state=1"));
    let html = "<input name=csrf><input name=csrf value='a&amp;b'><form id=f><input name=x value=1></form>";
    found(html, extract(0, Source::Input("csrf".to_owned())), Ok("a&b"));
    found(html, extract(0, Source::Input("other".to_owned())), MISSING);
    found(html, extract(0, Source::Form("f".to_owned())), Ok("GET \nx=1"));
    found(html, extract(0, Source::Form("1".to_owned())), MISSING);
}

#[test]
fn one_of_several_is_picked() {
    let body = "a=1 a=2 a=3 b=4";
    let regex =
        |pick, text: &str| Extract { regex: Some(text.to_owned()), pick, ..extract(0, Source::Regex) };
    for (pick, expected) in [
        (Pick::First, Ok("1")),
        (Pick::Last, Ok("3")),
        (Pick::Random, Ok("3")),
        (Pick::Nth(1), Ok("2")),
        (Pick::Nth(3), MISSING),
    ] {
        found(body, regex(pick, "a=(\\d)"), expected);
        found("[\"1\",2,\"3\"]", Extract { pick, ..extract(0, Source::Json("$[*]".to_owned())) }, expected);
    }
    found(body, regex(Pick::Random, "c=(\\d)"), MISSING);
    found(body, regex(Pick::Last, "b=(\\d)"), Ok("4"));
    found(body, regex(Pick::First, "(x*)"), Ok(""));
    found(body, regex(Pick::Last, "a=1|(b)"), Ok("b"));
    found(body, Extract { pick: Pick::Last, ..extract(0, Source::Header("link".to_owned())) }, Ok("</2>"));
}

#[test]
fn a_regex_narrows_another_source() {
    let regex = |source, text: &str| Extract { regex: Some(text.to_owned()), ..extract(0, source) };
    found("", regex(Source::Header("etag".to_owned()), "\"(.+?)\""), Ok("33a64"));
    found("", regex(Source::Header("etag".to_owned()), "<(.+?)>"), MISSING);
    found(r#"{"u": "\/users\/12"}"#, regex(Source::Json("$.u".to_owned()), "/users/(\\d+)"), Ok("12"));
    found("", regex(Source::Status, "^(.)"), Ok("2"));
}

#[test]
fn a_value_that_is_missing_or_too_long_becomes_the_default() {
    let of = |max, default: &str| Extract {
        max,
        default: Some(default.to_owned()),
        ..extract(0, Source::Json("$.a".to_owned()))
    };
    found(r#"{"a": "12345"}"#, of(5, "-"), Ok("12345"));
    found(r#"{"a": "123456"}"#, of(5, "-"), Ok("-"));
    found(r#"{"a": "\u0031\u0032\u0033\u0034\u0035"}"#, of(5, "-"), Ok("12345"));
    found(r#"{"a": null}"#, of(5, ""), Ok(""));
    found("{", of(5, "-"), Ok("-"));
    found(r#"{"a": "123456"}"#, Extract { max: 5, ..extract(0, Source::Json("$.a".to_owned())) }, MISSING);
}

#[test]
fn regexes_and_html_look_at_the_first_64_kib() {
    let blanks = |n: usize| " ".repeat(n);
    let regex = Extract { regex: Some("(x)".to_owned()), ..extract(0, Source::Regex) };
    found(&format!("{}x", blanks(LOOKED_AT - 1)), regex.clone(), Ok("x"));
    found(&format!("{}x", blanks(LOOKED_AT)), regex, MISSING);
    let form = extract(0, Source::Form("0".to_owned()));
    found(&format!("<form>{}", blanks(LOOKED_AT - 6)), form.clone(), Ok("GET \n"));
    found(&format!("<form>{}", blanks(LOOKED_AT - 5)), form, MISSING);
    let far = format!("{}{{\"a\": 1}}", blanks(LOOKED_AT));
    found(&far, extract(0, Source::Json("$.a".to_owned())), Ok("1"));
}

#[track_caller]
fn checked(check: Check, body: &str, expected: bool) {
    let result = examine(&request(vec![check.clone()], Vec::new()), body.as_bytes(), &mut variables(0));
    assert_eq!(result, if expected { Ok(()) } else { Err(ErrorKind::Check) }, "{check:?} of {body}");
}

#[test]
fn bodies_headers_and_sizes_are_checked() {
    let contains = |text: &str| Check::Body(BodyCheck::Contains(Template::literal(text)));
    checked(contains("ok"), "it is ok", true);
    checked(contains("ok"), "it is not", false);
    checked(contains(""), "", true);
    let absent = || Check::Body(BodyCheck::Absent(Template::literal("error")));
    checked(absent(), "fine", true);
    checked(absent(), "an error", false);
    let regex = |text: &str| Check::Body(BodyCheck::Regex(text.to_owned()));
    checked(regex("^a+$"), "aaa", true);
    checked(regex("^a+$"), "aab", false);
    let header = |name: &str, check| Check::Header(name.to_owned(), check);
    checked(header("link", HeaderCheck::Is(Template::literal("</2>"))), "", true);
    checked(header("link", HeaderCheck::Is(Template::literal("</3>"))), "", false);
    checked(header("etag", HeaderCheck::Absent), "", false);
    checked(header("x-cache", HeaderCheck::Absent), "", true);
    let size = |compare, bytes| Check::Size(SizeCheck { compare, bytes });
    checked(size(Comparison::GreaterOrEqual, 3), "abc", true);
    checked(size(Comparison::Greater, 3), "abc", false);
}

#[test]
fn values_in_json_are_checked_by_kind_and_value() {
    let json = |path: &str, expected| Check::Json(JsonCheck { path: path.to_owned(), expected });
    let is = |values: Vec<JsonText>| JsonExpected::OneOf(values);
    let text = |text: &str| JsonText::Text(Template::literal(text));
    let slot = |filters| {
        let slot = Slot { value: SlotValue::Session, filters };
        JsonText::Text(Template { parts: vec![Part::Slot(slot)] })
    };
    let body = r#"{"a": "x", "n": 7.0, "s": "7", "t": true, "none": null, "l": ["p", "q"]}"#;
    checked(json("$.a", is(vec![text("y"), text("x")])), body, true);
    checked(json("$.a", is(vec![text("y")])), body, false);
    checked(json("$.n", is(vec![JsonText::Number(7.0)])), body, true);
    checked(json("$.s", is(vec![JsonText::Number(7.0)])), body, false);
    checked(json("$.n", is(vec![text("7")])), body, false);
    checked(json("$.t", is(vec![JsonText::Bool(true)])), body, true);
    checked(json("$.t", is(vec![JsonText::Bool(false)])), body, false);
    checked(json("$.s", is(vec![slot(vec![])])), body, true);
    checked(json("$.n", is(vec![slot(vec![])])), body, false);
    checked(json("$.n", is(vec![slot(vec![Filter::Number])])), body, true);
    checked(json("$.l[*]", is(vec![text("p")])), body, true);
    checked(json("$.l[*]", is(vec![text("q")])), body, false);
    checked(json("$.none", JsonExpected::Absent), body, true);
    checked(json("$.errors", JsonExpected::Absent), body, true);
    checked(json("$.a", JsonExpected::Absent), body, false);
    checked(json("$[*]", JsonExpected::Absent), "[null, 1]", false);
    checked(json("$.errors", JsonExpected::Absent), "<h1>Bad gateway</h1>", false);
    checked(json("$.a", is(vec![text("x")])), &body[..body.len() - 1], false);
}

#[test]
fn checks_come_first_and_extracts_in_their_order() {
    let bad = || Check::Body(BodyCheck::Contains(Template::literal("never")));
    let json = |variable, path: &str| extract(variable, Source::Json(path.to_owned()));
    let mut kept = variables(3);
    let both = request(vec![bad()], vec![json(0, "$.a")]);
    assert_eq!(examine(&both, br#"{"a": 1}"#, &mut kept), Err(ErrorKind::Check));
    assert_eq!(kept.get(0), None, "nothing is extracted from an answer that failed a check");
    let some = request(Vec::new(), vec![json(0, "$.a"), json(1, "$.b"), json(2, "$.a")]);
    assert_eq!(examine(&some, br#"{"a": 1}"#, &mut kept), Err(ErrorKind::Extract));
    assert_eq!([0, 1, 2].map(|i| kept.get(i)), [Some(&b"1"[..]), None, None]);
}

#[test]
fn an_expected_text_that_cannot_be_rendered_is_its_own_failure() {
    let check = Check::Body(BodyCheck::Contains(Template::literal("x")));
    let mut examiner = Examiner::new(&request(vec![check], Vec::new()));
    let mut expected = |_: usize, _: &Variables, _: &mut Vec<u8>| Err(ErrorKind::Template);
    let result = examiner.examine(&answer(b"x"), &mut variables(0), &mut expected, &mut |_| 0);
    assert_eq!(result, Err(ErrorKind::Template));
}

#[test]
fn an_examiner_says_what_it_needs() {
    let needs = |checks, extracts| {
        let examiner = Examiner::new(&request(checks, extracts));
        (examiner.needs_fields(), examiner.needs_body(), examiner.is_empty())
    };
    assert_eq!(needs(vec![], vec![]), (false, false, true));
    assert_eq!(needs(vec![], vec![extract(0, Source::Status)]), (false, false, false));
    assert_eq!(needs(vec![], vec![extract(0, Source::Cookie("a".to_owned()))]), (true, false, false));
    assert_eq!(needs(vec![], vec![extract(0, Source::Regex)]), (false, true, false));
    let header = Check::Header("a".to_owned(), HeaderCheck::Absent);
    assert_eq!(needs(vec![header], vec![extract(0, Source::Form("0".to_owned()))]), (true, true, false));
}

#[test]
fn what_the_plans_reader_refuses_is_never_found() {
    let bad = || Extract { regex: Some("(".to_owned()), ..extract(0, Source::Status) };
    found("", bad(), MISSING);
    found("", Extract { default: Some("d".to_owned()), ..bad() }, Ok("d"));
    found("{}", extract(0, Source::Json("a".to_owned())), MISSING);
    checked(Check::Body(BodyCheck::Regex("(".to_owned())), "(", false);
}

proptest! {
    #[test]
    fn no_answer_makes_an_examiner_panic(
        body in prop::collection::vec(prop_oneof![2 => prop::sample::select(&b"{}[]\":,<>form input=&; a1"[..]), 1 => any::<u8>()], 0..300),
        value in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let sources = [
            Source::Json("$[*].a".to_owned()), Source::Regex, Source::Header("h".to_owned()), Source::Cookie("a".to_owned()),
            Source::Location("a".to_owned()), Source::Status, Source::Input("a".to_owned()), Source::Form("0".to_owned()),
        ];
        let extracts = sources.into_iter().enumerate().map(|(i, source)| Extract {
            regex: matches!(source, Source::Regex).then(|| "(a*)".to_owned()),
            default: Some(String::new()),
            pick: Pick::Last,
            ..extract(i, source)
        });
        let fields = ["h", "set-cookie", "location"].map(|name| Field { name: name.as_bytes(), value: &value });
        let answer = Answer { status: 999, fields: &fields, body: &body };
        let mut examiner = Examiner::new(&request(Vec::new(), extracts.collect()));
        let mut kept = variables(8);
        prop_assert_eq!(examiner.examine(&answer, &mut kept, &mut |_, _, _| Ok(()), &mut |n| n - 1), Ok(()));
    }
}
