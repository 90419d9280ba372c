//! Laws for templates and values of any kind.

use common::plan::program::{Basic, Bound, MultipartPart, NowFormat, PartContent, Place, Submit};
use proptest::prelude::*;

use super::*;

fn any_function() -> impl Strategy<Value = Function> {
    let bound = || {
        prop_oneof![
            any::<i64>().prop_map(Bound::Number),
            (0_usize..5, any::<i64>()).prop_map(|(index, plus)| Bound::Variable(index, plus)),
        ]
    };
    prop_oneof![
        (bound(), bound()).prop_map(|(low, high)| Function::Int(low, high)),
        (any::<f64>(), any::<f64>(), any::<u8>()).prop_map(|(a, b, digits)| Function::Float(a, b, digits)),
        prop::collection::vec(".{0,5}", 0..3).prop_map(Function::Choice),
        (0_u16..100).prop_map(Function::Alnum),
        (0_u16..100).prop_map(Function::Hex),
        Just(Function::Uuid),
        Just(Function::Unique),
        Just(Function::Counter),
        any::<i64>().prop_map(|ms| Function::Now(NowFormat::Rfc3339, ms)),
        any::<i64>().prop_map(|ms| Function::Now(NowFormat::Ms, ms)),
        ("[%a-zA-Z0-9.: -]{0,6}", any::<i32>())
            .prop_map(|(format, ms)| Function::Now(NowFormat::Strftime(format), i64::from(ms))),
    ]
}

fn any_value() -> impl Strategy<Value = SlotValue> {
    prop_oneof![
        ".{0,10}".prop_map(SlotValue::Text),
        (0_usize..5).prop_map(SlotValue::Variable),
        (0_usize..3, 0_usize..3).prop_map(|(data, column)| SlotValue::Column(data, column)),
        (0_usize..3).prop_map(SlotValue::Secret),
        "(key|other)".prop_map(SlotValue::Setup),
        "(token|other)".prop_map(|name| SlotValue::Shared(name, "jwt".to_owned())),
        Just(SlotValue::TestId),
        Just(SlotValue::Session),
        Just(SlotValue::Driver),
        any_function().prop_map(SlotValue::Function),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        Just(Filter::Json),
        Just(Filter::Url),
        Just(Filter::Html),
        Just(Filter::Raw),
        Just(Filter::Number),
        (0_u16..100).prop_map(Filter::Pad),
        (0_u16..100).prop_map(Filter::Times),
        Just(Filter::Base64),
        Just(Filter::Sha256),
        Just(Filter::Lower),
        Just(Filter::Upper),
    ]
}

fn any_template() -> impl Strategy<Value = Template> {
    let part = prop_oneof![
        ".{1,10}".prop_map(Part::Text),
        (any_value(), prop::collection::vec(any_filter(), 0..3))
            .prop_map(|(value, filters)| Part::Slot(Slot { value, filters })),
    ];
    prop::collection::vec(part, 0..4).prop_map(template)
}

fn any_fields() -> impl Strategy<Value = Vec<(String, Template)>> {
    prop::collection::vec((".{0,5}", any_template()), 0..3)
}

fn any_body() -> impl Strategy<Value = BodyPlan> {
    let part = (any_template(), prop::option::of(any_template()), prop::collection::vec(any::<u8>(), 0..5));
    let part = (part, any::<bool>()).prop_map(|((value, filename, bytes), is_file)| MultipartPart {
        name: "n".to_owned(),
        filename,
        content_type: None,
        content: if is_file { PartContent::Bytes(bytes) } else { PartContent::Text(value) },
    });
    prop_oneof![
        Just(BodyPlan::None),
        any_template().prop_map(BodyPlan::Text),
        prop::collection::vec(any::<u8>(), 0..10).prop_map(BodyPlan::Bytes),
        any_template().prop_map(BodyPlan::Json),
        any_fields().prop_map(BodyPlan::Form),
        prop::collection::vec(part, 0..3).prop_map(BodyPlan::Multipart),
        any_fields().prop_map(|fields| BodyPlan::Submit(Submit { variable: 2, fields })),
    ]
}

fn any_url() -> impl Strategy<Value = UrlPlan> {
    prop_oneof![
        (0_usize..3, any_template(), any_fields()).prop_map(|(host, path, query)| UrlPlan::Path {
            host,
            path,
            query
        }),
        ("/[a-z?&]{0,3}", any_template(), any_fields()).prop_map(|(begin, mut path, query)| {
            path.parts.insert(0, Part::Text(begin));
            UrlPlan::Path { host: 1, path, query }
        }),
        (0_usize..3, any_template()).prop_map(|(host, url)| UrlPlan::Address { url, host }),
        Just(UrlPlan::Form),
    ]
}

fn any_request() -> impl Strategy<Value = NamedRequest> {
    let method = prop::option::of(prop_oneof![Just("GET"), Just("POST"), Just("HEAD"), Just("DELETE")]);
    let names =
        prop_oneof![Just("x-a"), Just("Cookie"), Just("host"), Just("Content-Type"), Just("authorization")];
    let headers = prop::collection::vec((names.prop_map(str::to_owned), any_slots()), 0..3);
    let basic = prop::option::of((any_template(), any_template()));
    let lets = prop::collection::vec((0_usize..4, any_template().prop_map(without_variables)), 0..2);
    (method, any_url(), headers, basic, any_body(), lets).prop_map(
        |(method, url, headers, basic, body, lets)| NamedRequest {
            method: method.map(str::to_owned),
            url,
            headers,
            basic: basic.map(|(user, password)| Basic { user, password }),
            body,
            lets,
            ..request("GET", literal(""))
        },
    )
}

/// A `let` never depends on itself: the checker refuses a ring.
fn without_variables(mut template: Template) -> Template {
    for part in &mut template.parts {
        let Part::Slot(slot) = part else { continue };
        if let SlotValue::Variable(_) | SlotValue::Function(Function::Int(..)) = slot.value {
            slot.value = SlotValue::Session;
        }
    }
    template
}

/// Templates without texts of their own: what the plan says is checked before.
fn any_slots() -> impl Strategy<Value = Template> {
    let part = (any_value(), prop::collection::vec(any_filter(), 0..3))
        .prop_map(|(value, filters)| Part::Slot(Slot { value, filters }));
    prop::collection::vec(part, 0..3).prop_map(template)
}

fn any_bench() -> impl Strategy<Value = Bench> {
    let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
    let form =
        prop::option::of("(GET|post|x1|)( |)(|/p|\\?q|http://shop.test:8080/x|//y)(\n|)[a-z=&%+]{0,10}");
    let from = prop::option::of((0_usize..4, "/?[a-z/?]{0,5}"));
    (bytes(), prop_oneof![bytes(), Just(Some(b"17".to_vec()))], form, from, any::<u64>()).prop_map(
        |(a, b, form, from, g)| {
            let mut bench = Bench::new();
            for (at, value) in [(0, a), (1, b), (2, form.map(String::into_bytes))] {
                value.iter().for_each(|value| bench.set(at, value));
            }
            (bench.answered_from, bench.g) = (from, g >> 20);
            bench.cookie = if g % 2 == 0 { b"s=1".to_vec() } else { Vec::new() };
            bench
        },
    )
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = |at| self.variables.get(at).map(String::from_utf8_lossy);
        write!(f, "{:?} {} {:?}", [value(0), value(1), value(2)], self.g, self.answered_from)
    }
}

/// Parses a request as a strict server does: its line, its fields, and its body, whose length is that of `content-length`.
fn check_http(sent: &[u8]) -> Result<(), TestCaseError> {
    // `raw` sends a value as it is, and it may be no UTF-8, which httparse refuses in a request line alone.
    let end = sent.iter().position(|byte| *byte == b'\r').unwrap_or(sent.len());
    let ascii = |byte: &u8| if byte.is_ascii() { *byte } else { b'x' };
    let readable: Vec<u8> = sent[..end].iter().map(ascii).chain(sent[end..].iter().copied()).collect();
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut fields);
    let head = parsed.parse(&readable);
    prop_assert!(
        matches!(head, Ok(httparse::Status::Complete(_))),
        "{head:?} {}",
        String::from_utf8_lossy(sent)
    );
    let Ok(httparse::Status::Complete(head)) = head else { return Ok(()) };
    prop_assert!(parsed.path.is_some_and(|path| path.starts_with('/')));
    let of = |name: &str| parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    prop_assert_eq!(of("x-injected"), 0);
    let length = parsed.headers.iter().find(|field| field.name == "content-length");
    let length = length.map_or(0, |field| std::str::from_utf8(field.value).unwrap().trim().parse().unwrap());
    prop_assert_eq!(sent.len() - head, length);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_renders_whole_requests_or_none(request in any_request(), mut bench in any_bench()) {
        let text = bench.compile(&request);
        let mut out = Vec::new();
        let rendered = text.render(&mut bench.context(), &mut out);
        let mut in_parts = Vec::new();
        prop_assert_eq!(text.in_parts().render(&mut bench.context(), &mut in_parts), rendered);
        prop_assert_eq!(&in_parts, &out, "as its parts come one by one");
        if rendered.is_err() {
            prop_assert!(out.is_empty());
            return Ok(());
        }
        check_http(&out)?;
        let mut again = Vec::new();
        prop_assert_eq!(text.render(&mut bench.context(), &mut again), rendered);
        prop_assert_eq!(&again, &out, "the same context gives the same bytes");
        let mut target = Vec::new();
        prop_assert_eq!(text.render_target(&mut bench.context(), None, &mut target), rendered);
        prop_assert_eq!(target, request_target(&out).as_bytes());
        if let Some(constant) = text.as_constant()
            && bench.cookie.is_empty()
        {
            prop_assert_eq!(constant, &out);
        }
        for (location, as_get) in [(&b"/next"[..], true), (b"next", false), (b"\xFF", true), (b"https://pay.test", true)] {
            let mut hop = Vec::new();
            if text.render_hop(&mut bench.context(), &Hop { location, as_get, first_host: 0 }, &mut hop).is_ok() {
                check_http(&hop)?;
            }
        }
    }

    #[test]
    fn any_value_makes_json_that_is_read_back(value in ".{0,30}", key in ".{0,10}") {
        let mut bench = Bench::new();
        bench.set(0, value.as_bytes());
        let quoted = serde_json::to_string(&key).unwrap();
        let json = template([text("{"), text(&quoted), text(":\""), variable(0), text("\"}")]);
        let body = bench.text(&json, Place::JsonString).unwrap();
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(&read[&key], &value);
    }

    #[test]
    fn any_query_is_read_back(pairs in prop::collection::vec((".{0,8}", prop::collection::vec(any::<u8>(), 0..20)), 1..4)) {
        let mut bench = Bench::new();
        let mut query = Vec::new();
        for (at, (key, value)) in pairs.iter().take(2).enumerate() {
            bench.set(at, value);
            query.push((key.clone(), template([variable(at)])));
        }
        let get = NamedRequest { url: UrlPlan::Path { host: 1, path: literal("/"), query }, ..request("GET", literal("")) };
        let (sent, _) = bench.render(&get).unwrap();
        let (_, query) = request_target(sent.as_bytes()).split_once('?').unwrap();
        let decode = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
        let read: Vec<(Vec<u8>, Vec<u8>)> =
            query.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(k, v)| (decode(k), decode(v))).collect();
        let expected: Vec<(Vec<u8>, Vec<u8>)> =
            pairs.into_iter().take(2).map(|(key, value)| (key.into_bytes(), value)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_header_value_adds_a_field(value: Vec<u8>) {
        let mut bench = Bench::new();
        bench.set(0, &value);
        bench.set(1, b"x\r\nx-injected: 1");
        for variable_ in [0, 1] {
            let mut get = request("GET", literal("/"));
            get.headers = vec![("x-a".to_owned(), template([variable(variable_)]))];
            let text = bench.compile(&get);
            let mut out = Vec::new();
            if text.render(&mut bench.context(), &mut out).is_ok() {
                check_http(&out)?;
            } else {
                prop_assert!(variable_ == 1 || value.iter().any(u8::is_ascii_control));
            }
        }
    }
}
