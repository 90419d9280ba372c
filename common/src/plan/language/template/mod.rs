//! Texts with `{{ source | filter }}`. A slot begins with the last two braces of a run, so that `{{{n}}}` is a slot in
//! braces; it ends with the first `}}` outside single quotes. Within quotes two quotes stand for one.

mod tokens;

#[cfg(test)]
mod tests;

pub(super) use self::tokens::{Piece, Token, pieces, quote, shown, tokens, words};
use super::functions::{NAMES, filter, function};
use super::names::Names;
use super::spelling::{check_plain_name, unknown};
use crate::plan::placeholders;
use crate::plan::program::{Filter, Part, Slot, SlotValue as Value, Template};
use crate::tree::{Kind, Node};

/// Longest text of one template, in bytes: the largest body.
const MAX_BYTES: usize = crate::plan::MAX_BODY_BYTES;

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
        Token::Quoted(_) => {
            return Err(format!("has {} behind a text in quotes; a filter follows a |", shown(arguments)));
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
    Err(format!("has {} behind {name}; a filter follows a |", shown(arguments)))
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
        Some(("setup", name)) => setup_value(name, names),
        Some(("shared", rest)) => match rest.split_once('.') {
            Some((shared, variable)) => names
                .shared_value(shared, variable)
                .map(|()| Value::Shared(shared.to_owned(), variable.to_owned())),
            None => Err(format!("names no value: shared.{rest}.VAR has the VAR that its request extracts")),
        },
        Some((table @ ("vars" | "env"), _)) => {
            Err(format!("{table} stands alone or before filters, as in {{{{{table}.NAME}}}}, found {name:?}"))
        }
        Some((data, column)) => names.column(data, column).map(|(data, column)| Value::Column(data, column)),
    }
}

/// Whether setup sets it on every way is checked when all steps are known (`paths`).
fn setup_value(name: &str, names: &Names) -> Result<Value, String> {
    if !names.has_setup {
        return Err(format!("setup.{name} has no value, because the plan has no setup"));
    }
    match names.find_variable(name) {
        Some(_) => Ok(Value::Setup(name.to_owned())),
        None => Err(format!("setup.{name} has no value, because no request extracts {name}")),
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
