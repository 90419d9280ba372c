use proptest::prelude::*;

use super::*;
use crate::plan::program::{Bound, DataSet, Function, NowFormat, Order};

fn names() -> Names {
    let mut names = Names::default();
    names.variable("from", 256, false);
    names.variable("payment", 256, false);
    names.secrets.push("admin".to_owned());
    names.data.push(DataSet {
        name: "product".to_owned(),
        columns: vec!["id".to_owned(), "price".to_owned()],
        rows: vec![vec!["1".to_owned(), "2".to_owned()]],
        file: None,
        order: Order::Random,
        weight: None,
    });
    names
}

fn one(text: &str) -> Slot {
    let template = parse(text, &names()).unwrap();
    match template.parts.as_slice() {
        [Part::Slot(slot)] => slot.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn sources_functions_and_filters_are_read() {
    for (text, value) in [
        ("{{payment}}", Value::Variable(1)),
        ("{{ product.price }}", Value::Column(0, 1)),
        ("{{secret.admin}}", Value::Secret(0)),
        ("{{test.id}}", Value::TestId),
        ("{{session}}", Value::Session),
        ("{{driver}}", Value::Driver),
        ("{{int 1 10}}", Value::Function(Function::Int(Bound::Number(1), Bound::Number(10)))),
        ("{{int -5 from-1}}", Value::Function(Function::Int(Bound::Number(-5), Bound::Variable(0, -1)))),
        ("{{int from+1 24}}", Value::Function(Function::Int(Bound::Variable(0, 1), Bound::Number(24)))),
        ("{{float -122.25 1 4}}", Value::Function(Function::Float(-122.25, 1.0, 4))),
        (
            "{{choice 'New York' paris}}",
            Value::Function(Function::Choice(vec!["New York".to_owned(), "paris".to_owned()])),
        ),
        ("{{alnum 16}}", Value::Function(Function::Alnum(16))),
        ("{{uuid}}", Value::Function(Function::Uuid)),
        ("{{now}}", Value::Function(Function::Now(NowFormat::Rfc3339, 0))),
        ("{{now ms -15m}}", Value::Function(Function::Now(NowFormat::Ms, -900_000))),
        (
            "{{now '%Y-%m' +400d}}",
            Value::Function(Function::Now(NowFormat::Strftime("%Y-%m".to_owned()), 34_560_000_000)),
        ),
    ] {
        assert_eq!(one(text).value, value, "{text}");
    }
    let filtered = one("{{from | pad 2|upper | raw}}");
    assert_eq!(filtered.filters, [Filter::Pad(2), Filter::Upper, Filter::Raw]);
}

#[test]
fn quotes_hold_braces_bars_and_quotes() {
    for (text, value) in [
        ("{{'{{'}}", "{{"),
        ("{{'}}'}}", "}}"),
        ("{{'{{x}}'}}", "{{x}}"),
        ("{{'it''s'}}", "it's"),
        ("{{''}}", ""),
        ("{{''''}}", "'"),
        ("{{ 'a | b' }}", "a | b"),
    ] {
        assert_eq!(one(text).value, Value::Text(value.to_owned()), "{text}");
    }
}

#[test]
fn other_braces_are_sent_as_they_are() {
    for text in ["{\"a\":{\"b\":1}}", "}} {", "{ { x } }", "", "a'b"] {
        assert_eq!(parse(text, &names()).unwrap().as_literal(), Some(text), "{text}");
    }
    let parts = parse("{{{from}}}", &names()).unwrap().parts;
    assert_eq!(parts.first(), Some(&Part::Text("{".to_owned())));
    assert_eq!(parts.last(), Some(&Part::Text("}".to_owned())));
}

#[test]
fn what_is_wrong_names_what_there_is() {
    for (text, reason) in [
        ("{{paymnt}}", "did you mean payment? There are from, payment"),
        ("{{nothing_like_it}}", "unknown variable"),
        ("{{uid}}", "did you mean uuid?"),
        ("{{from | pda 2}}", "unknown filter \"pda\"; did you mean pad?"),
        ("{{from | shout}}", "there are json, url, html"),
        ("{{secret.amin}}", "unknown secret \"amin\"; did you mean admin?"),
        ("{{product.prize}}", "did you mean price? There are id, price of data product"),
        ("{{prodct.id}}", "unknown data \"prodct\"; did you mean product?"),
        ("{{test.name}}", "did you mean test.id?"),
        ("{{int 10 1}}", "int 1 10?"),
        ("{{int 1}}", "the lowest and the highest"),
        ("{{int x+1 5}}", "unknown variable"),
        ("{{float 1 2}}", "digits follow the point"),
        ("{{float 2 1 3}}", "is empty"),
        ("{{choice}}", "texts to choose from"),
        ("{{hex 0}}", "from 1 to 4096"),
        ("{{uuid 4}}", "takes no argument"),
        ("{{now '%K'}}", "not a format of a time"),
        ("{{now iso}}", "found \"iso\""),
        ("{{now ms +15}}", "has no unit"),
        ("{{from | raw | upper}}", "must be the last"),
        ("{{from pad}}", "a filter follows a |"),
        ("{{'a' b}}", "a filter follows a |"),
        ("{{from |}}", "without the name of a filter"),
        ("{{}}", "empty"),
        ("{{from", "without }}"),
        ("{{'from}}", "not closed"),
        ("{{setup.key}}", "the plan has no setup"),
        ("{{shared.token.value}}", "unknown shared \"token\"; there is none"),
        ("{{shared.token}}", "names no value"),
        ("Bearer ${TOKEN}", "{{env.TOKEN}}"),
    ] {
        let error = parse(text, &names()).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r"([{}'|$]{1,3}|int|now|from|product\.id|[+-]|[0-9]{1,20}| |%|\PC){0,20}") {
        let _ = parse(&text, &names());
    }

    #[test]
    fn a_quoted_text_is_read_as_it_was(text in r"([{}'|]|\PC){0,12}") {
        let template = parse(&format!("{{{{{}}}}}", quote(&text)), &names()).unwrap();
        prop_assert_eq!(template.parts, vec![Part::Slot(Slot { value: Value::Text(text), filters: vec![] })]);
    }
}
