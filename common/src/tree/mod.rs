//! A parsed but not yet validated text: a tree of values, each with its origin, and the walk that turns it into types
//! while it collects every fault. Plans and settings share it.

mod entries;
pub mod parse;
mod suggest;
mod table;

use std::fmt;
use std::rc::Rc;

pub use entries::Entries;
pub use suggest::closest;
pub use table::{Findings, Found, Table};

use crate::plan::Fault;

/// A value and its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The file, variable or flag that it came from, where that is not the same for the whole tree.
    pub origin: Option<Rc<str>>,
    /// Whether it is text of the environment or of a flag, whose type is the field's.
    pub loose: bool,
    /// The value.
    pub kind: Kind,
}

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// JSON's null: the same as a key that is not there.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and their values, in the order in which they were written.
    Table(Entries),
}

impl Kind {
    /// The type's name as people read it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    /// A value as a file has it.
    pub fn new(kind: Kind) -> Self {
        Self { origin: None, loose: false, kind }
    }

    /// A table without keys.
    pub fn empty() -> Self {
        Self::new(Kind::Table(Entries::default()))
    }

    /// The value of a key; `None` where this node is not a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Table(entries) => entries.get(key),
            _ => None,
        }
    }

    /// Whether it, or something in it, came from the environment or a flag.
    pub fn holds_loose(&self) -> bool {
        match &self.kind {
            Kind::Table(entries) => entries.values().any(Self::holds_loose),
            _ => self.loose,
        }
    }

    /// A text whose type is decided by the field that takes it.
    pub fn loose(text: impl Into<String>, origin: Option<Rc<str>>) -> Self {
        Self { origin, loose: true, kind: Kind::Text(text.into()) }
    }
}

impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        Self::new(match value {
            Value::Null => Kind::Null,
            Value::Bool(on) => Kind::Bool(*on),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Kind::Integer(i128::from(integer)),
                (None, Some(integer)) => Kind::Integer(i128::from(integer)),
                // Without serde_json's arbitrary precision, a number that is not an integer is an f64.
                (None, None) => Kind::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(list) => Kind::List(list.iter().map(Node::from).collect()),
            Value::Object(table) => {
                Kind::Table(table.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
        })
    }
}

impl From<config::Value> for Node {
    fn from(value: config::Value) -> Self {
        use config::ValueKind;
        let origin: Option<Rc<str>> = value.origin().map(Rc::from);
        let kind = match value.kind {
            ValueKind::Nil => Kind::Null,
            ValueKind::Boolean(on) => Kind::Bool(on),
            ValueKind::I64(integer) => Kind::Integer(i128::from(integer)),
            ValueKind::I128(integer) => Kind::Integer(integer),
            ValueKind::U64(integer) => Kind::Integer(i128::from(integer)),
            ValueKind::U128(integer) => Kind::Integer(i128::try_from(integer).unwrap_or(i128::MAX)),
            ValueKind::Float(number) => Kind::Float(number),
            ValueKind::String(text) => Kind::Text(text),
            ValueKind::Array(list) => Kind::List(list.into_iter().map(Node::from).collect()),
            // The maps of that library have an order of their own, which is another each time.
            ValueKind::Table(table) => Kind::Table(
                table.into_iter().map(|(key, value)| (key, value.into())).collect::<Entries>().sorted(),
            ),
        };
        Self { origin, loose: false, kind }
    }
}

/// As in a plan: texts in quotes, so that `"5"` and `5` look different and control characters are visible. What a slot
/// of a template has in quotes is left out, since it may be a value of the environment.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Null => f.write_str("null"),
            Kind::Bool(on) => on.fmt(f),
            Kind::Integer(integer) => integer.fmt(f),
            Kind::Float(number) => write!(f, "{number:?}"),
            Kind::Text(text) if self.loose && !text.is_empty() && !text.contains(char::is_control) => {
                f.write_str(text)
            }
            Kind::Text(text) => write!(f, "{:?}", crate::plan::hide_quoted(text)),
            Kind::List(list) => {
                f.write_str("[")?;
                for (index, item) in list.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Kind::Table(table) => {
                f.write_str("{")?;
                for (index, (key, item)) in table.iter().enumerate() {
                    let comma = if index == 0 { " " } else { ", " };
                    write!(f, "{comma}{key:?} = {item}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// Parses TOML.
///
/// # Errors
/// The first fault, with line and column.
pub fn parse_toml(text: &str) -> Result<toml::Table, Fault> {
    text.parse::<toml::Table>().map_err(|error: toml::de::Error| {
        let at = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            format!("line {line}, column {column}: ")
        });
        let message = error.message().trim().replace('\n', ", ");
        Fault::value("", "", format!("{}{message}", at.unwrap_or_default()))
    })
}

/// Why a text is not valid JSON, with line and column.
pub fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let message = text.strip_suffix(&at).unwrap_or(&text);
    format!("line {}, column {}: {message}", error.line(), error.column())
}
