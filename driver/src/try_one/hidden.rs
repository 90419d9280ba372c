//! What an answer holds that must not be shown, whatever became of the answer: the values that extracts with `secret` find in
//! it, and log-ins. Where such an extract finds nothing, the secret may stand anywhere in the answer, and what it might
//! stand in is left out. Pure.

use common::plan::program::{Extract, NamedRequest, Pick, Program, Source};

use super::findings::{count, hides, look};
use super::masks::{MASK, Masks};
use super::seen::{Answer as ShownAnswer, Checked};
use crate::scenario::answer::Answer;

/// So many values are masked that one extract may pick from.
const MOST: u32 = 16;
/// What stands in the place of what is left out.
const LEFT_OUT: &str = "(not shown: a secret may stand in it that was looked for and not found)";

/// The values of an answer that must not be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hidden {
    pub values: Vec<Vec<u8>>,
    /// Whether the answer may hold a secret besides these values.
    pub may_be_more: bool,
}

impl Hidden {
    /// What the extracts of a request are to hide, however long it is, and also where the answer is not the expected one.
    pub fn of(program: &Program, request: &NamedRequest, answer: &Answer<'_>) -> Self {
        let mut hidden = Self::default();
        for extract in &request.extracts {
            let is_secret = is_secret(program, extract);
            if !is_secret && !hides(extract) {
                continue;
            }
            // All that it may pick from: another one of them is as secret as the one that it picks.
            let most = if picks(&extract.source) { MOST } else { 0 };
            let found = |n| look(request, &Extract { pick: Pick::Nth(n), ..extract.clone() }, answer);
            let found: Vec<_> = (0..=most).map(found).collect();
            let all = found[0].is_some() && (most == 0 || count(request, extract, answer) <= most + 1);
            for value in found.into_iter().flatten() {
                let is_masked = !of_body(&extract.source) || stands_in(&value, answer.body);
                hidden.may_be_more |= is_secret && !is_masked;
                hidden.values.push(value);
            }
            hidden.may_be_more |= is_secret && !all;
        }
        hidden
    }
}

fn is_secret(program: &Program, extract: &Extract) -> bool {
    program.variables.get(extract.variable).is_some_and(|variable| variable.secret)
}

/// Whether several values may be found there.
fn picks(source: &Source) -> bool {
    match source {
        Source::Form(_) | Source::Status => false,
        Source::Location(key) => !key.is_empty(),
        _ => true,
    }
}

fn of_body(source: &Source) -> bool {
    matches!(source, Source::Json(_) | Source::Regex | Source::Input(_) | Source::Form(_))
}

/// Whether a value stands in a body as it would be masked there. A form does not: it is put together from its fields.
fn stands_in(value: &[u8], body: &[u8]) -> bool {
    let mut masks = Masks::default();
    masks.add(value);
    masks.is_in(body)
}

/// Leaves out of an answer what a secret of these extracts may stand in: the body, and the fields that they look at.
pub fn leave_out(program: &Program, request: &NamedRequest, answer: &mut ShownAnswer) {
    if answer.body.bytes > 0 {
        (answer.body.text, answer.body.cut) = (Some(LEFT_OUT.to_owned()), false);
    }
    for extract in request.extracts.iter().filter(|extract| is_secret(program, extract)) {
        let field = match &extract.source {
            Source::Header(name) => name.as_str(),
            Source::Location(_) => "location",
            _ => continue,
        };
        let named = answer.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(field));
        named.for_each(|(_, value)| MASK.clone_into(value));
    }
}

/// The same of what failed checks found.
pub fn leave_out_found(checks: &mut [Checked]) {
    checks.iter_mut().filter_map(|check| check.found.as_mut()).for_each(|found| LEFT_OUT.clone_into(found));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::answer::Field;
    use crate::scenario::fixtures;
    use crate::try_one::Body;

    fn extract(source: Source, regex: Option<&str>) -> Extract {
        let regex = regex.map(str::to_owned);
        Extract { variable: 0, source, regex, pick: Pick::First, default: Some("d".to_owned()), max: 3 }
    }

    fn json(path: &str) -> Source {
        Source::Json(path.to_owned())
    }

    /// A program with one request that extracts that, as a secret or not.
    fn program(extract: Extract, secret: bool) -> Program {
        let request = NamedRequest { extracts: vec![extract], ..fixtures::request("r") };
        let mut program = fixtures::program(vec![request], Vec::new());
        program.variables[0].secret = secret;
        program
    }

    #[test]
    fn secrets_are_found_however_long_and_many_they_are_and_it_is_known_where_more_may_be() {
        let fields = [
            Field { name: b"X-Key", value: b"k-31" },
            Field { name: b"Location", value: b"/cb?code=c%2F5" },
            Field { name: b"Set-Cookie", value: b"sid=s-77; Path=/" },
        ];
        let body = br#"{"t":"hunter2","o":{"a":"b"},"e":"a\u0041","l":["one","two"],"n":null}"#;
        let answer = Answer { status: 503, fields: &fields, body };
        let header = |name: &str| Source::Header(name.to_owned());
        let location = |key: &str| Source::Location(key.to_owned());
        let regex = Some("^(o..)");
        for (caption, extract, values, may_be_more) in [
            ("longer than max", extract(json("$.t"), None), &["hunter2"][..], false),
            ("an object", extract(json("$.o"), None), &["{\"a\":\"b\"}"], false),
            ("a slip in the path", extract(json("$.token"), None), &[], true),
            ("nothing is there", extract(json("$.n"), None), &[], true),
            ("any of two", extract(json("$.l[*]"), None), &["one", "two"], false),
            ("one that its regex narrows, and one not", extract(json("$.l[*]"), regex), &["one"], false),
            ("written in a way of its own", extract(json("$.e"), None), &["aA"], true),
            ("by a regex", extract(Source::Regex, Some("(t.o)")), &["two"], false),
            ("a header", extract(header("x-key"), None), &["k-31"], false),
            ("no such header", extract(header("x-token"), None), &[], true),
            ("a key of the address", extract(location("code"), None), &["c/5"], false),
            ("no such key", extract(location("state"), None), &[], true),
            ("a cookie", extract(Source::Cookie("sid".to_owned()), None), &["s-77"], false),
        ] {
            let of = program(extract.clone(), true);
            let found = Hidden::of(&of, &of.requests[0], &answer);
            let expected = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            assert_eq!(found, Hidden { values: expected, may_be_more }, "{caption}");
            let of = program(extract.clone(), false);
            let found = Hidden::of(&of, &of.requests[0], &answer);
            let expected = if hides(&extract) { found.values.clone() } else { Vec::new() };
            assert_eq!(found, Hidden { values: expected, may_be_more: false }, "{caption}, without `secret`");
        }
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let body = format!("[{}]", many.join(","));
        let of = program(extract(json("$[*]"), None), true);
        let found =
            Hidden::of(&of, &of.requests[0], &Answer { status: 200, fields: &[], body: body.as_bytes() });
        assert_eq!((found.values.len(), found.may_be_more), (17, true), "too many to mask");
        let gap =
            (0..20).map(|n| if n == 16 { "null".to_owned() } else { n.to_string() }).collect::<Vec<_>>();
        let body = format!("[{}]", gap.join(","));
        let found =
            Hidden::of(&of, &of.requests[0], &Answer { status: 200, fields: &[], body: body.as_bytes() });
        assert_eq!((found.values.len(), found.may_be_more), (16, true), "a null is not the end of them");
        let form = br"<form action=/a><input name=t value=hunter2></form>";
        let of = program(extract(Source::Form("0".to_owned()), None), true);
        let found = Hidden::of(&of, &of.requests[0], &Answer { status: 200, fields: &[], body: form });
        assert_eq!((found.values.len(), found.may_be_more), (1, true), "a form is in pieces");
    }

    #[test]
    fn what_a_secret_may_stand_in_is_left_out_and_the_rest_is_shown() {
        let field = |name: &str| (name.to_owned(), "v-9".to_owned());
        let shown = |bytes| ShownAnswer {
            status: 200,
            headers: vec![field("ETag"), field("X-Key"), field("Location")],
            body: Body { bytes, text: Some("hunter2".to_owned()), cut: true },
        };
        for (source, masked) in [
            (json("$.t"), &[][..]),
            (Source::Header("x-key".to_owned()), &["X-Key"]),
            (Source::Location("code".to_owned()), &["Location"]),
        ] {
            let of = program(extract(source, None), true);
            let mut answer = shown(900);
            leave_out(&of, &of.requests[0], &mut answer);
            let is_masked = |(_, value): &&(String, String)| value == "***";
            let names: Vec<_> =
                answer.headers.iter().filter(is_masked).map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, masked);
            assert_eq!((answer.body.bytes, answer.body.text.as_deref()), (900, Some(LEFT_OUT)));
        }
    }
}
