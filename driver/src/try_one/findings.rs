//! Each check and each extract of a request by itself, with what was found: a test only needs the first that fails. It
//! applies the same examiner as a test, one line of the plan at a time. Pure.

use common::counters::ErrorKind;
use common::plan::JsonPath;
use common::plan::program::{
    BodyCheck, BodyPlan, Check, Extract, HeaderCheck, JsonCheck, JsonExpected, JsonText, NamedRequest, Pick,
    Program, Source, Variable,
};

use super::masks::{MASK, Masks, is_hidden};
use super::seen::{Checked, Extracted};
use crate::scenario::answer::json::Json;
use crate::scenario::answer::{Answer, Examiner, Field};
use crate::scenario::variables::{Layout, Variables};

/// Longest text of an answer in a line.
const SHOWN: usize = 120;
/// Values up to this long are looked for, to say how long one is that does not fit.
const LONGEST: usize = 256 * 1024;

/// The expected texts of a request's checks, as its examiner counts them.
pub type Expected = [Result<Vec<u8>, ErrorKind>];

/// All checks of a request on an answer with an expected status.
pub fn checks(
    request: &NamedRequest,
    answer: &Answer<'_>,
    expected: &Expected,
    masks: &Masks,
) -> Vec<Checked> {
    let mut from = 0;
    let mut all = Vec::with_capacity(request.checks.len());
    for check in &request.checks {
        let alone = NamedRequest { checks: vec![check.clone()], extracts: Vec::new(), ..bare(request) };
        let mut examiner = Examiner::new(&alone);
        let own = &expected[from.min(expected.len())..];
        from += examiner.templates().len();
        let mut wanted = |i: usize, _: &Variables, out: &mut Vec<u8>| match own.get(i) {
            Some(Ok(text)) => {
                out.extend_from_slice(text);
                Ok(())
            }
            Some(Err(kind)) => Err(*kind),
            None => Err(ErrorKind::Template),
        };
        let mut variables = Variables::new(&Layout::new(&[]));
        let held = examiner.examine(answer, &mut variables, &mut wanted, &mut |_| 0);
        let found = match held {
            Ok(()) => None,
            Err(ErrorKind::Check) => Some(instead(check, answer, masks)),
            Err(_) => Some("its expected text cannot be made".to_owned()),
        };
        all.push(Checked { check: described(check, own, masks), passed: held.is_ok(), found });
    }
    all
}

/// A request that sends nothing.
fn bare(request: &NamedRequest) -> NamedRequest {
    NamedRequest { body: BodyPlan::None, headers: Vec::new(), ..request.clone() }
}

fn quoted(text: &[u8], masks: &Masks) -> String {
    let text = masks.text(text);
    let cut = text.chars().count() > SHOWN;
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown:?}{}", if cut { " …" } else { "" })
}

/// What a check asks for.
fn described(check: &Check, expected: &Expected, masks: &Masks) -> String {
    let text = |i: usize| match expected.get(i) {
        Some(Ok(text)) => quoted(text, masks),
        _ => "a text that cannot be made".to_owned(),
    };
    match check {
        Check::Body(BodyCheck::Contains(_)) => format!("body contains {}", text(0)),
        Check::Body(BodyCheck::Absent(_)) => format!("body does not contain {}", text(0)),
        Check::Body(BodyCheck::Regex(regex)) => format!("body matches {}", masks.text(regex.as_bytes())),
        Check::Header(name, HeaderCheck::Is(_)) => format!("header {name} is {}", text(0)),
        Check::Header(name, HeaderCheck::Absent) => format!("header {name} is absent"),
        Check::Json(JsonCheck { path, expected: JsonExpected::Absent }) => format!("json {path} is absent"),
        Check::Json(JsonCheck { path, expected: JsonExpected::OneOf(values) }) => {
            let mut n_texts = 0;
            let mut value = |value: &JsonText| match value {
                JsonText::Text(_) => {
                    n_texts += 1;
                    text(n_texts - 1)
                }
                JsonText::Number(number) => number.to_string(),
                JsonText::Bool(bool) => bool.to_string(),
            };
            format!("json {path} is {}", values.iter().map(&mut value).collect::<Vec<_>>().join(" or "))
        }
        Check::Size(size) => format!("size {} {}", size.compare.as_str(), size.bytes),
    }
}

/// What an answer holds in place of what a check asks for.
fn instead(check: &Check, answer: &Answer<'_>, masks: &Masks) -> String {
    let bytes = answer.body.len();
    match check {
        Check::Body(BodyCheck::Contains(_)) => format!("it is not in the body of {bytes} bytes"),
        Check::Body(BodyCheck::Absent(_)) => "it is in the body".to_owned(),
        Check::Body(BodyCheck::Regex(_)) => format!("nothing matches in the body of {bytes} bytes"),
        Check::Header(name, _) => {
            let shown = |value: &[u8]| match is_hidden(name) {
                true => MASK.to_owned(),
                false => quoted(value, masks),
            };
            let values: Vec<_> = Field::values(answer.fields, name).map(shown).collect();
            if values.is_empty() { "there is no such header".to_owned() } else { values.join(", ") }
        }
        Check::Json(JsonCheck { path, .. }) => {
            let Some(json) = Json::read(answer.body) else { return "the body is not JSON".to_owned() };
            let path = JsonPath::parse(path);
            let found = path.ok().and_then(|path| json.first(&path.segments));
            found.map_or_else(|| "there is no such value".to_owned(), |found| value(found, masks))
        }
        Check::Size(_) => format!("{bytes} bytes"),
    }
}

fn value(json: Json<'_>, masks: &Masks) -> String {
    let mut scratch = Vec::new();
    let text = json.unescaped(&mut scratch);
    let bare = json.is_null() || json.as_number().is_some() || json.as_bool().is_some();
    if bare || text.starts_with(b"{") || text.starts_with(b"[") {
        let text = masks.text(text);
        let cut = text.chars().count() > SHOWN;
        return text.chars().take(SHOWN).chain(cut.then_some('…')).collect();
    }
    quoted(text, masks)
}

/// All extracts of a request, from an answer that passed. `kept`: the session's variables after it.
pub fn extracts(
    program: &Program,
    request: &NamedRequest,
    answer: &Answer<'_>,
    kept: &Variables,
    masks: &Masks,
) -> Vec<Extracted> {
    let one = |extract: &Extract| {
        let known = program.variables.get(extract.variable);
        let hidden = hides(extract) || known.is_some_and(|variable| variable.secret);
        let found = look(request, extract, answer);
        let fits = found.as_ref().is_some_and(|found| found.len() <= extract.max);
        let value = match fits || extract.default.is_some() {
            true => kept.get(extract.variable),
            false => None,
        };
        let why = match (&found, &extract.default) {
            (Some(_), _) if fits => None,
            (Some(found), default) => {
                let long = format!("the value has {} bytes, and max is {}", found.len(), extract.max);
                Some(if default.is_some() { format!("the default: {long}") } else { long })
            }
            (None, Some(_)) => Some("the default: the answer has no such value".to_owned()),
            (None, None) => Some("the answer has no such value".to_owned()),
        };
        let shown = |value: &[u8]| if hidden { MASK.to_owned() } else { masks.text(value) };
        Extracted {
            variable: known.map_or_else(String::new, |variable| variable.name.clone()),
            source: source(extract),
            value: value.map(shown),
            why,
        }
    };
    request.extracts.iter().map(one).collect()
}

/// Whether a value is a log-in wherever it comes from.
pub fn hides(extract: &Extract) -> bool {
    match &extract.source {
        Source::Cookie(_) => true,
        Source::Header(name) => is_hidden(name),
        _ => false,
    }
}

/// The value by itself, however long it is. Of several at random it is one of them.
pub fn look(request: &NamedRequest, extract: &Extract, answer: &Answer<'_>) -> Option<Vec<u8>> {
    let extract = Extract { variable: 0, default: None, max: LONGEST, ..extract.clone() };
    let alone = NamedRequest { checks: Vec::new(), extracts: vec![extract], ..bare(request) };
    let variable = Variable { name: String::new(), max: LONGEST, secret: false };
    let mut variables = Variables::new(&Layout::new(&[variable]));
    let mut nothing = |_: usize, _: &Variables, _: &mut Vec<u8>| Err(ErrorKind::Template);
    Examiner::new(&alone).examine(answer, &mut variables, &mut nothing, &mut |_| 0).ok()?;
    variables.get(0).map(<[u8]>::to_vec)
}

/// Of how many values in an answer an extract picks one. A null, and what its regex does not match, are among them.
pub fn count(request: &NamedRequest, extract: &Extract, answer: &Answer<'_>) -> u32 {
    let extract = Extract { variable: 0, pick: Pick::Random, default: None, max: LONGEST, ..extract.clone() };
    let alone = NamedRequest { checks: Vec::new(), extracts: vec![extract], ..bare(request) };
    let variable = Variable { name: String::new(), max: LONGEST, secret: false };
    let mut variables = Variables::new(&Layout::new(&[variable]));
    let mut nothing = |_: usize, _: &Variables, _: &mut Vec<u8>| Err(ErrorKind::Template);
    // It draws where there are two or more.
    let mut n = 1;
    let mut draw = |of: u32| {
        n = of;
        0
    };
    let _ = Examiner::new(&alone).examine(answer, &mut variables, &mut nothing, &mut draw);
    n
}

fn source(extract: &Extract) -> String {
    let regex = extract.regex.as_deref().unwrap_or_default();
    let place = match &extract.source {
        Source::Json(path) => format!("json {path}"),
        Source::Regex => format!("regex {regex}"),
        Source::Header(name) => format!("header {name}"),
        Source::Cookie(name) => format!("cookie {name}"),
        Source::Location(key) if key.is_empty() => "location".to_owned(),
        Source::Location(key) => format!("location, key {key}"),
        Source::Status => "status".to_owned(),
        Source::Input(name) => format!("input {name}"),
        Source::Form(which) => format!("form {which}"),
    };
    let narrowed = match &extract.source {
        Source::Regex => String::new(),
        _ if regex.is_empty() => String::new(),
        _ => format!(", regex {regex}"),
    };
    let pick = match extract.pick {
        Pick::First => String::new(),
        Pick::Last => ", the last".to_owned(),
        Pick::Random => ", any".to_owned(),
        Pick::Nth(n) => format!(", number {n}"),
    };
    format!("{place}{narrowed}{pick}")
}

#[cfg(test)]
mod tests {
    use common::plan::program::{SizeCheck, Template};

    use super::*;
    use crate::scenario::fixtures;

    fn text(text: &str) -> Template {
        Template::literal(text)
    }

    #[test]
    fn each_check_is_looked_at_by_itself_and_a_failed_one_says_what_was_found() {
        let json = |path: &str, expected| Check::Json(JsonCheck { path: path.to_owned(), expected });
        let mut request = fixtures::request("r");
        request.checks = vec![
            Check::Body(BodyCheck::Contains(text("teapot"))),
            Check::Body(BodyCheck::Absent(text("id"))),
            Check::Header("etag".to_owned(), HeaderCheck::Is(text("v2"))),
            Check::Header("x-none".to_owned(), HeaderCheck::Is(text("v"))),
            json("$.id", JsonExpected::OneOf(vec![JsonText::Text(text("eight")), JsonText::Number(8.0)])),
            json("$.id", JsonExpected::OneOf(vec![JsonText::Number(7.0)])),
            json("$.none", JsonExpected::OneOf(vec![JsonText::Bool(true)])),
            json("$.name", JsonExpected::Absent),
            Check::Size(SizeCheck { compare: common::plan::Comparison::Less, bytes: 10 }),
        ];
        let fields = [Field { name: b"ETag", value: b"v1" }];
        let body = br#"{"id":7,"name":"hunter2"}"#;
        let answer = Answer { status: 200, fields: &fields, body };
        let expected: Vec<_> =
            ["teapot", "id", "v2", "v", "eight"].map(|text| Ok(text.as_bytes().to_vec())).into();
        let mut masks = Masks::default();
        masks.add(b"hunter2");
        let found: Vec<_> = checks(&request, &answer, &expected, &masks)
            .into_iter()
            .map(|checked| format!("{}: {}", checked.check, checked.found.unwrap_or("passed".to_owned())))
            .collect();
        assert_eq!(
            found,
            [
                "body contains \"teapot\": it is not in the body of 25 bytes",
                "body does not contain \"id\": it is in the body",
                "header etag is \"v2\": \"v1\"",
                "header x-none is \"v\": there is no such header",
                "json $.id is \"eight\" or 8: 7",
                "json $.id is 7: passed",
                "json $.none is true: there is no such value",
                "json $.name is absent: \"***\"",
                "size < 10: 25 bytes",
            ]
        );
    }

    #[test]
    fn an_extract_has_its_value_or_says_why_it_has_none() {
        let extract = |variable, path: &str, max, default: Option<&str>| Extract {
            variable,
            source: Source::Json(path.to_owned()),
            regex: None,
            pick: Pick::First,
            default: default.map(str::to_owned),
            max,
        };
        let mut request = fixtures::request("r");
        request.extracts = vec![
            extract(0, "$.a", 64, None),
            extract(1, "$.none", 64, Some("d")),
            extract(1, "$.none", 64, None),
            extract(1, "$.a", 2, None),
        ];
        let mut program = fixtures::program(vec![request.clone()], Vec::new());
        let mut kept = Variables::new(&Layout::new(&program.variables));
        kept.set(0, b"abc").unwrap();
        kept.set(1, b"d").unwrap();
        let answer = Answer { status: 200, fields: &[], body: br#"{"a":"abc"}"# };
        let of = |program: &Program| {
            extracts(program, &request, &answer, &kept, &Masks::default())
                .into_iter()
                .map(|its| (its.variable, its.value, its.why))
                .collect::<Vec<_>>()
        };
        let row = |name: &str, value: Option<&str>, why: Option<&str>| {
            (name.to_owned(), value.map(str::to_owned), why.map(str::to_owned))
        };
        assert_eq!(
            of(&program),
            [
                row("v0", Some("abc"), None),
                row("v1", Some("d"), Some("the default: the answer has no such value")),
                row("v1", None, Some("the answer has no such value")),
                row("v1", None, Some("the value has 3 bytes, and max is 2")),
            ]
        );
        program.variables[0].secret = true;
        assert_eq!(of(&program)[0].1.as_deref(), Some("***"));
    }
}
