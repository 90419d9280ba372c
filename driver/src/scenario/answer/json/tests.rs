//! The scanner beside a tree, and the examples of RFC 9535.

use common::plan::JsonPath;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn path(text: &str) -> Vec<Segment> {
    JsonPath::parse(text).unwrap().segments
}

fn all<'a>(body: &'a [u8], segments: &[Segment]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    if let Some(json) = Json::read(body) {
        let _ = json.select(segments, &mut |value| {
            found.push(value.text);
            ControlFlow::Continue(())
        });
    }
    found
}

#[track_caller]
fn check(body: &str, text: &str, expected: &[&str]) {
    let found: Vec<_> = all(body.as_bytes(), &path(text))
        .into_iter()
        .map(|text| std::str::from_utf8(text).unwrap())
        .collect();
    assert_eq!(found, expected, "{text} in {body}");
}

/// Figure 1 of RFC 9535.
const STORE: &str = r#"{ "store": {
    "book": [
      { "category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95 },
      { "category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99 },
      { "category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99 },
      { "category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99 }
    ],
    "bicycle": { "color": "red", "price": 399 }
  } }"#;

#[test]
fn the_examples_of_rfc_9535_hold() {
    let authors = [r#""Nigel Rees""#, r#""Evelyn Waugh""#, r#""Herman Melville""#, r#""J. R. R. Tolkien""#];
    check(STORE, "$.store.book[*].author", &authors);
    check(STORE, "$.store.bicycle.color", &[r#""red""#]);
    check(STORE, "$.store.*.price", &["399"]);
    check(STORE, "$.store.book[2].author", &[r#""Herman Melville""#]);
    check(STORE, "$.store.book[2].publisher", &[]);
    check(STORE, "$.store.book[-1].title", &[r#""The Lord of the Rings""#]);
    check(STORE, "$.store.book[?@.author=='Evelyn Waugh'].price", &["12.99"]);
    check(STORE, "$.store.book[?@.category=='fiction'].price", &["12.99", "8.99", "22.99"]);
    // 2.3.1.3
    let names = r#"{"o": {"j j": {"k.k": 3}}, "'": {"@": 2}}"#;
    check(names, "$.o['j j']", &[r#"{"k.k": 3}"#]);
    check(names, "$.o['j j']['k.k']", &["3"]);
    check(names, "$.o[\"j j\"][\"k.k\"]", &["3"]);
    check(names, "$[\"'\"][\"@\"]", &["2"]);
    // 2.3.2.3
    let wild = r#"{"o": {"j": 1, "k": 2}, "a": [5, 3]}"#;
    check(wild, "$[*]", &[r#"{"j": 1, "k": 2}"#, "[5, 3]"]);
    check(wild, "$.o[*]", &["1", "2"]);
    check(wild, "$.a[*]", &["5", "3"]);
    // 2.3.3.3
    check(r#"["a","b"]"#, "$[1]", &[r#""b""#]);
    check(r#"["a","b"]"#, "$[-2]", &[r#""a""#]);
    // 2.6.1: null is a value here; those who extract take it for none.
    let nulls = r#"{"a": null, "b": [null], "c": [{}], "null": 1}"#;
    check(nulls, "$.a", &["null"]);
    check(nulls, "$.a[0]", &[]);
    check(nulls, "$.a.d", &[]);
    check(nulls, "$.b[0]", &["null"]);
    check(nulls, "$.b[*]", &["null"]);
    check(nulls, "$.null", &["1"]);
}

#[test]
fn what_a_path_does_not_name_is_not_selected() {
    check("[1, 2]", "$[2]", &[]);
    check("[1, 2]", "$[-3]", &[]);
    check("[1, 2]", "$.a", &[]);
    check(r#"{"0": 1}"#, "$[0]", &[]);
    check(r#"{"a": 1}"#, "$[-1]", &[]);
    check(r#""a""#, "$[0]", &[]);
    check("[[], {}, 3, [1]]", "$[*][*]", &["1"]);
    check(r#"[{"k": 1}, {"k": "1"}, {"k": ["1"]}, 7]"#, "$[?@.k=='1']", &[r#"{"k": "1"}"#]);
}

#[test]
fn names_are_compared_without_escapes_and_the_first_counts() {
    check(r#"{"\u0061": 1}"#, "$.a", &["1"]);
    check(r#"{"a\"b": 1, "é": 2, "\ud83d\ude00": 3}"#, "$['a\"b']", &["1"]);
    check(r#"{"\u00e9": 2}"#, "$.é", &["2"]);
    check(r#"{"\ud83d\ude00": 3}"#, "$['😀']", &["3"]);
    check(r#"{"a": 1, "a": 2, "\u0061": 3}"#, "$.a", &["1"]);
    check(r#"{"ab": 1, "\u0061": 2}"#, "$.a", &["2"]);
    check(r#"[{"k": "x\/y"}]"#, "$[?@.k=='x/y']", &[r#"{"k": "x\/y"}"#]);
}

#[test]
fn strings_lose_their_escapes_and_everything_else_stays_as_written() {
    let mut scratch = Vec::new();
    for (body, expected) in [
        (r#""plain""#, "plain"),
        (r#""""#, ""),
        (r#""a\n\t\r\b\f\/\\\"z""#, "a\n\t\r\u{8}\u{c}/\\\"z"),
        (r#""\u00e9\ud83d\ude00é""#, "é😀é"),
        (r#""\ud800x""#, "\u{fffd}x"),
        (r#""\udc00\ud800\u0041""#, "\u{fffd}\u{fffd}A"),
        ("1.50e+2", "1.50e+2"),
        (" true ", "true"),
        (r#"{ "a" : [ 1 ] }"#, r#"{ "a" : [ 1 ] }"#),
    ] {
        let json = Json::read(body.as_bytes()).unwrap();
        assert_eq!(std::str::from_utf8(json.unescaped(&mut scratch)).unwrap(), expected, "{body}");
    }
}

#[test]
fn a_body_that_is_not_json_has_no_value() {
    for body in [
        "",
        " ",
        "{",
        "[1,",
        "[1,]",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1]",
        "[1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "truex",
        "nul",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a",
        "\"a\nb\"",
        "[1] x",
        "[1][2]",
        "<html>",
        "\u{feff}{}",
    ] {
        assert_eq!(Json::read(body.as_bytes()), None, "{body:?}");
    }
    assert_eq!(Json::read(b"\"\xff\""), None, "bytes that are not UTF-8");
}

#[test]
fn a_body_may_be_128_deep() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::read(deep(128).as_bytes()).is_some());
    assert!(Json::read(deep(129).as_bytes()).is_none());
    let tables = format!("{}1{}", "{\"a\":".repeat(128), "}".repeat(128));
    assert!(Json::read(tables.as_bytes()).is_some());
    assert!(Json::read(format!("[{tables}]").as_bytes()).is_none());
}

#[test]
fn values_are_compared_by_their_kind() {
    let of = |text: &'static str| Json::read(text.as_bytes()).unwrap();
    assert_eq!((of("1.0").as_number(), of("1e0").as_number()), (Some(1.0), Some(1.0)));
    assert_eq!((of("\"1\"").as_number(), of("[1]").as_number()), (None, None));
    assert_eq!(
        (of("true").as_bool(), of("false").as_bool(), of("0").as_bool()),
        (Some(true), Some(false), None)
    );
    assert!(of("\"a\"").is_text(b"a") && !of("1").is_text(b"1") && !of("\"a\"").is_text(b"ab"));
    assert!(of("null").is_null() && !of("\"null\"").is_null());
}

/// A walk through the tree that the scanner does not make.
fn walk<'v>(value: &'v Value, segments: &[Segment], found: &mut Vec<&'v Value>) {
    let Some((segment, rest)) = segments.split_first() else { return found.push(value) };
    let children = || -> Vec<&'v Value> {
        match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(table) => table.values().collect(),
            _ => Vec::new(),
        }
    };
    match segment {
        Segment::Name(name) => {
            if let Some(child) = value.as_object().and_then(|table| table.get(name)) {
                walk(child, rest, found);
            }
        }
        Segment::Index(index) => {
            if let Some(list) = value.as_array() {
                let length = list.len() as i64;
                let index = if *index < 0 { length + index } else { *index };
                if let Some(child) = usize::try_from(index).ok().and_then(|index| list.get(index)) {
                    walk(child, rest, found);
                }
            }
        }
        Segment::Wildcard => children().into_iter().for_each(|child| walk(child, rest, found)),
        Segment::Filter { key, value: text } => children()
            .into_iter()
            .filter(|child| child.as_object().and_then(|table| table.get(key)) == Some(&json!(text)))
            .for_each(|child| walk(child, rest, found)),
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abk]", 1 => any::<String>()]
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        name().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let segment = prop_oneof![
        3 => name().prop_map(Segment::Name),
        2 => (-4_i64..5).prop_map(Segment::Index),
        2 => Just(Segment::Wildcard),
        1 => (name(), name()).prop_map(|(key, value)| Segment::Filter { key, value }),
    ];
    prop::collection::vec(segment, 0..5)
}

proptest! {
    #[test]
    fn the_scanner_finds_what_a_walk_through_the_tree_finds(
        document in document(),
        segments in segments(),
        pretty in any::<bool>(),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let text = text.unwrap();
        let mut expected = Vec::new();
        walk(&document, &segments, &mut expected);
        let found: Vec<Value> = all(text.as_bytes(), &segments)
            .into_iter()
            .map(|text| serde_json::from_slice(text).unwrap())
            .collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn strings_are_what_serde_makes_of_them(text in any::<String>(), ascii in any::<bool>()) {
        let mut body = serde_json::to_string(&text).unwrap();
        if ascii {
            body = body.chars().map(|c| {
                if c.is_ascii() { c.to_string() } else {
                    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }
            }).collect();
        }
        let json = Json::read(body.as_bytes()).unwrap();
        prop_assert!(json.is_text(text.as_bytes()));
        let mut scratch = Vec::new();
        prop_assert_eq!(json.unescaped(&mut scratch), text.as_bytes());
    }

    #[test]
    fn a_broken_document_is_one_for_serde_too(document in document(), cut in 0.0..1.0_f64, byte in any::<u8>()) {
        let mut text = serde_json::to_vec(&document).unwrap();
        let at = (text.len() as f64 * cut) as usize;
        text[at] = byte;
        let tree = serde_json::from_slice::<Value>(&text);
        // A lone surrogate, or a number beyond what a float holds, is refused by serde_json, and the scanner does not look at it.
        if tree.is_ok() {
            prop_assert!(Json::read(&text).is_some());
        } else if Json::read(&text).is_some() {
            let reason = tree.unwrap_err().to_string();
            prop_assert!(["surrogate", "hex escape", "out of range"].iter().any(|part| reason.contains(part)), "{}", reason);
        }
        text.truncate(at);
        if matches!(document, Value::Object(_) | Value::Array(_)) {
            prop_assert!(Json::read(&text).is_none());
        }
    }

    #[test]
    fn no_bytes_make_the_scanner_panic(
        bytes in prop::collection::vec(prop_oneof![3 => prop::sample::select(&b"{}[]\":,\\u0 1a"[..]), 1 => any::<u8>()], 0..200),
        segments in segments(),
    ) {
        let _ = all(&bytes, &segments);
        // Not even where the text was never checked.
        let _ = Json { text: &bytes }.select(&segments, &mut |value| {
            value.unescaped(&mut Vec::new());
            ControlFlow::Continue(())
        });
    }
}
