//! Texts with `{{ source | filter }}`. A slot begins with the last two braces of a run, so that `{{{n}}}` is a slot in
//! braces; it ends with the first `}}` outside single quotes. Within quotes two quotes stand for one.

use super::NOT_YET;
use super::functions::{NAMES, filter, function};
use super::names::{Names, check_plain_name, unknown};
use crate::plan::placeholders;
use crate::plan::program::{Bound, Filter, Function, Part, Slot, SlotValue as Value, Template};
use crate::tree::{Kind, Node};

/// Longest text of one template, in bytes: the largest body.
const MAX_BYTES: usize = crate::plan::MAX_BODY_BYTES;

/// A part of a text, not looked into yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Sent as it is.
    Text(&'a str),
    /// What stands between `{{` and `}}`.
    Slot(&'a str),
}

/// A word of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// As it stands there.
    Word(String),
    /// Without the quotes around it.
    Quoted(String),
}

impl Token {
    /// The text, however it was written.
    pub fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Quoted(text) => text,
        }
    }
}

/// The texts of words.
pub(super) fn words(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(Token::text).collect()
}

/// Splits a text into what is sent as it is and slots.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let braces = rest[at..].bytes().take_while(|byte| *byte == b'{').count();
        let open = at + braces - 2;
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 2..];
        let end = slot_end(inside)?;
        pieces.push(Piece::Slot(&inside[..end]));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Where the `}}` of a slot stands.
fn slot_end(inside: &str) -> Result<usize, String> {
    let bytes = inside.as_bytes();
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
    }
    let what = if quoted { "a quote ' that is not closed in {{ … }}" } else { "{{ without }} behind it" };
    Err(format!("has {what}; to send two braces, write {{{{'{{{{'}}}}"))
}

/// Splits a slot at `|`, and each part into words.
pub(super) fn tokens(slot: &str) -> Result<Vec<Vec<Token>>, String> {
    let mut parts = vec![Vec::new()];
    let mut rest = slot.trim_start();
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '|' => {
                parts.push(Vec::new());
                rest = rest[1..].trim_start();
                continue;
            }
            '\'' => {
                let (text, behind) = quoted(&rest[1..])?;
                rest = behind;
                Token::Quoted(text)
            }
            _ => {
                let end =
                    rest.find(|c: char| c.is_whitespace() || matches!(c, '|' | '\'')).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                rest = behind;
                Token::Word(word.to_owned())
            }
        };
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
        rest = rest.trim_start();
    }
    Ok(parts)
}

/// A quoted text, from behind its first quote, and what follows it.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut from = rest;
    loop {
        let Some((before, behind)) = from.split_once('\'') else {
            return Err("has a quote ' that is not closed".to_owned());
        };
        text.push_str(before);
        match behind.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                from = more;
            }
            None => return Ok((text, behind)),
        }
    }
}

/// A text as a quoted source, so that it is never read as something else.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Reads a template.
///
/// # Errors
/// The reason, which names what there is.
pub(super) fn parse(text: &str, names: &Names) -> Result<Template, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("is {} bytes long, and a text is at most {MAX_BYTES}", text.len()));
    }
    let mut template = Template::default();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => push_text(&mut template, &sent_text(text)?),
            Piece::Slot(inside) => template.parts.push(Part::Slot(slot(inside, names)?)),
        }
    }
    Ok(template)
}

/// A text without slots, whatever braces are in it.
pub(super) fn literal(text: &str) -> Result<Template, String> {
    sent_text(text).map(Template::literal)
}

/// The text that is sent for what a plan says: one dollar less before `{NAME}`.
fn sent_text(text: &str) -> Result<String, String> {
    placeholders::unescape(text).map_err(|name| {
        format!(
            "holds ${{{name}}}, which nothing is put in for: write {{{{env.{name}}}}} to have the value of the \
             environment there, or $${{{name}}} to send ${{{name}}} as it is"
        )
    })
}

/// Adds a text, joined with the one before it.
pub(super) fn push_text(template: &mut Template, more: &str) {
    match template.parts.last_mut() {
        _ if more.is_empty() => {}
        Some(Part::Text(text)) => text.push_str(more),
        _ => template.parts.push(Part::Text(more.to_owned())),
    }
}

/// A text, a number or a boolean as it is written in a plan.
pub(super) fn plain_text(node: &Node) -> Result<String, String> {
    match &node.kind {
        Kind::Text(text) => Ok(text.clone()),
        Kind::Integer(integer) => Ok(integer.to_string()),
        // As JSON writes it: 1.5, and 2.0 with its fraction.
        Kind::Float(number) if number.is_finite() => Ok(format!("{number:?}")),
        Kind::Bool(on) => Ok(on.to_string()),
        kind => Err(format!("expected a text, found {}", kind.name())),
    }
}

/// Reads a template of a tree; a number or a boolean is its text.
pub(super) fn read(node: &Node, names: &Names) -> Result<Template, String> {
    parse(&plain_text(node)?, names)
}

/// Reads the name of a variable or a column, as the keys of `when` and `until` are.
pub(super) fn source(text: &str, names: &Names) -> Result<Value, String> {
    let value = source_of(text.trim(), names)?;
    match value {
        Value::Variable(_) | Value::Column(..) => Ok(value),
        _ => Err(format!("expected a variable or a column of data, found {text:?}")),
    }
}

/// How the texts of a table are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// What templates may name.
    pub names: &'a Names,
    /// Braces are sent as they are: in `[request]`, unless `template = true`.
    pub literal: bool,
}

impl Reading<'_> {
    /// Reads a text.
    pub fn text(&self, text: &str) -> Result<Template, String> {
        if self.literal { literal(text) } else { parse(text, self.names) }
    }

    /// Reads a text of a tree; a number or a boolean is its text.
    pub fn node(&self, node: &Node) -> Result<Template, String> {
        self.text(&plain_text(node)?)
    }
}

fn slot(inside: &str, names: &Names) -> Result<Slot, String> {
    let parts = tokens(inside)?;
    let (value, filters) = parts.split_first().ok_or("has an empty {{}}")?;
    let value = value_of(value, names)?;
    let filters = filters.iter().map(|tokens| filter(tokens)).collect::<Result<Vec<Filter>, String>>()?;
    let before_last = filters.len().saturating_sub(1);
    if filters.iter().take(before_last).any(|filter| *filter == Filter::Raw) {
        return Err(
            "has raw before another filter; it must be the last, because it says that nothing is escaped"
                .to_owned(),
        );
    }
    Ok(Slot { value, filters })
}

fn value_of(tokens: &[Token], names: &Names) -> Result<Value, String> {
    let Some((first, arguments)) = tokens.split_first() else {
        return Err("has an empty {{}}; to send two braces, write {{'{{'}}".to_owned());
    };
    let name = match first {
        Token::Quoted(text) if arguments.is_empty() => return Ok(Value::Text(text.clone())),
        Token::Quoted(text) => {
            return Err(format!("has {:?} behind the text {text:?}; a filter follows a |", words(arguments)));
        }
        Token::Word(name) => name,
    };
    if let Some(function) = function(name, arguments, names) {
        return function.map(Value::Function);
    }
    let value = source_of(name, names)?;
    if arguments.is_empty() {
        return Ok(value);
    }
    Err(format!("has {:?} behind {name}; a filter follows a |", words(arguments)))
}

fn source_of(name: &str, names: &Names) -> Result<Value, String> {
    match name.split_once('.') {
        None if name == "session" => Ok(Value::Session),
        None if name == "driver" => Ok(Value::Driver),
        None => match names.find_variable(name) {
            Some(index) => Ok(Value::Variable(index)),
            None => Err(names.unknown_variable(name)),
        },
        Some(("test", "id")) => Ok(Value::TestId),
        Some(("test", _)) => Err(format!("unknown source {name:?}; did you mean test.id?")),
        Some(("secret", secret)) => match names.secrets.iter().position(|known| known == secret) {
            Some(index) => Ok(Value::Secret(index)),
            None => Err(unknown("secret", secret, &names.secrets)),
        },
        Some((table @ ("setup" | "shared"), _)) => Err(format!("{table}.… {NOT_YET}")),
        Some((table @ ("vars" | "env"), _)) => {
            Err(format!("{table} stands alone or before filters, as in {{{{{table}.NAME}}}}, found {name:?}"))
        }
        Some((data, column)) => names.column(data, column).map(|(data, column)| Value::Column(data, column)),
    }
}

impl Names {
    /// Why a plain name is not known, and what there is.
    pub fn unknown_variable(&self, name: &str) -> String {
        let variables: Vec<String> = self.variables.iter().map(|variable| variable.name.clone()).collect();
        if check_plain_name(name).is_err() {
            return format!(
                "{name:?} is not a name, a function or a text in quotes; to send two braces, write {{{{'{{{{'}}}}"
            );
        }
        let others: Vec<String> =
            NAMES.iter().chain(&["session", "driver"]).map(|word| (*word).to_owned()).collect();
        let all: Vec<String> = variables.iter().chain(&others).cloned().collect();
        match crate::tree::closest(name, all.iter().map(String::as_str)) {
            Some(meant) if others.iter().any(|word| word == meant) => {
                format!("unknown name {name:?}; did you mean {meant}?")
            }
            _ => format!("{}; functions are {}", unknown("variable", name, &variables), NAMES.join(", ")),
        }
    }
}

/// The variables that a template uses, as often as it does.
pub(super) fn variables_of(template: &Template) -> impl Iterator<Item = usize> {
    template
        .slots()
        .flat_map(|slot| match &slot.value {
            Value::Variable(index) => [Some(*index), None],
            Value::Function(Function::Int(low, high)) => [bound_variable(low), bound_variable(high)],
            _ => [None, None],
        })
        .flatten()
}

fn bound_variable(bound: &Bound) -> Option<usize> {
    match bound {
        Bound::Variable(index, _) => Some(*index),
        Bound::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::program::{DataSet, NowFormat, Order};

    fn names() -> Names {
        let mut names = Names::default();
        names.variable("from", 256, false);
        names.variable("payment", 256, false);
        names.secrets.push("admin".to_owned());
        names.data.push(DataSet {
            name: "product".to_owned(),
            columns: vec!["id".to_owned(), "price".to_owned()],
            rows: vec![vec!["1".to_owned(), "2".to_owned()]],
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
            ("{{setup.key}}", "is not supported yet"),
            ("{{shared.token.value}}", "is not supported yet"),
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
}
