//! Paths that are read, texts that are refused, and that every path reads as it is written.

use proptest::prelude::*;

use super::*;

fn name(name: &str) -> Segment {
    Segment::Name(name.to_owned())
}

#[test]
fn a_path_is_a_row_of_segments() {
    let filter = |key: &str, value: &str| Segment::Filter { key: key.to_owned(), value: value.to_owned() };
    for (text, expected) in [
        ("$", vec![]),
        ("$.a", vec![name("a")]),
        ("$.a[0].b", vec![name("a"), Segment::Index(0), name("b")]),
        ("$['a b'][\"c\"]", vec![name("a b"), name("c")]),
        ("$[-1]", vec![Segment::Index(-1)]),
        ("$[ 2 ].x_1", vec![Segment::Index(2), name("x_1")]),
        ("$.a[*].b", vec![name("a"), Segment::Wildcard, name("b")]),
        ("$.*", vec![Segment::Wildcard]),
        ("$.größe", vec![name("größe")]),
        ("$['it\\'s']", vec![name("it's")]),
        ("$[\"\\u00e9\\ud83d\\ude00\\n\"]", vec![name("é😀\n")]),
        ("$.l[?@.rel=='next'].href", vec![name("l"), filter("rel", "next"), name("href")]),
        ("$.l[?(@.rel == \"next\")]", vec![name("l"), filter("rel", "next")]),
        ("$.l[?@['a-b']=='']", vec![name("l"), filter("a-b", "")]),
        ("$['']", vec![name("")]),
    ] {
        assert_eq!(JsonPath::parse(text), Ok(JsonPath { segments: expected }), "{text}");
    }
}

#[test]
fn what_is_outside_the_subset_has_a_reason() {
    for (text, reason) in [
        ("", "begins with $"),
        ("a.b", "begins with $"),
        ("$a", "expected \".name\""),
        ("$..a", "\"..\" is not supported"),
        ("$.", "expected a name"),
        ("$.0", "positions too"),
        ("$.a-b", "stands in brackets"),
        ("$.a ", "unexpected"),
        ("$[0,1]", "not several"),
        ("$[0:2]", "slices"),
        ("$[01]", "leading zeros"),
        ("$[-0]", "leading zeros"),
        ("$[-]", "leading zeros"),
        ("$[9007199254740992]", "position"),
        ("$['a'", "expected ]"),
        ("$['a", "at the end"),
        ("$[a]", "in the brackets"),
        ("$[?@.a]", "expected =="),
        ("$[?@.a==1]", "in quotes"),
        ("$[?@.a!='b']", "expected =="),
        ("$[?$.a=='b']", "expected @"),
        ("$[?@.a=='b'&&@.c=='d']", "expected ]"),
        ("$[?@.a=='b'][?@.c=='d']", "one filter"),
        ("$['\\x']", "unknown escape"),
        ("$['\\ud800']", "four hex digits"),
    ] {
        let error = JsonPath::parse(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
    assert!(JsonPath::parse(&format!("${}", ".a".repeat(MAX_SEGMENTS))).is_ok());
    assert!(JsonPath::parse(&format!("${}", ".a".repeat(MAX_SEGMENTS + 1))).is_err());
}

#[test]
fn a_path_may_select_one_value_or_several() {
    assert!(!JsonPath::parse("$.a[0]").unwrap().is_many());
    assert!(JsonPath::parse("$.a[*]").unwrap().is_many());
    assert!(JsonPath::parse("$[?@.a=='b']").unwrap().is_many());
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        any::<String>().prop_map(Segment::Name),
        (-1_000_i64..1_000).prop_map(Segment::Index),
        Just(Segment::Wildcard),
    ]
}

proptest! {
    #[test]
    fn a_written_path_reads_the_same(
        mut segments in prop::collection::vec(segment(), 0..8),
        filter in prop::option::of((any::<String>(), any::<String>())),
    ) {
        segments.extend(filter.map(|(key, value)| Segment::Filter { key, value }));
        let path = JsonPath { segments };
        prop_assert_eq!(JsonPath::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\$[.a\\[\\]'\"0-9*?@=\\\\u -]{0,20}|.{0,40}") {
        let _ = JsonPath::parse(&text);
    }
}
