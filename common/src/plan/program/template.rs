//! Templates, parsed: text, and slots that are filled in for each attempt.

/// A text of a plan with its `{{ … }}` parsed. `vars` and `env` were put in before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// Its parts in their order; adjacent texts are joined, and no text is empty.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Sent as it is.
    Text(String),
    /// Filled in.
    Slot(Slot),
}

/// One `{{ value | filter | filter }}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Where the text comes from.
    pub value: Value,
    /// What changes it, in this order.
    pub filters: Vec<Filter>,
}

/// Where a slot's text comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A quoted text.
    Text(String),
    /// An extracted value or a `let`, by its index in `Program::variables`.
    Variable(usize),
    /// A column of the session's row: indices into `Program::data` and its columns.
    Column(usize, usize),
    /// By its index in `Program::secrets`.
    Secret(usize),
    /// An extracted value of `setup`, by name.
    Setup(String),
    /// An extracted value of a request that drivers share: the key in `[shared]` and the variable.
    Shared(String, String),
    /// The test's id.
    TestId,
    /// The session's number g, unique in the fleet.
    Session,
    /// The driver's node id.
    Driver,
    /// Generated anew at each occurrence.
    Function(Function),
}

/// What generates a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// A whole number, both bounds included. A bound is a number, or a variable and an offset.
    Int(Bound, Bound),
    /// A number from the first up to the second, with so many digits after the point.
    Float(f64, f64, u8),
    /// One of these texts.
    Choice(Vec<String>),
    /// So many of `0-9A-Za-z`.
    Alnum(u16),
    /// So many of `0-9a-f`.
    Hex(u16),
    /// A UUID of version 4's form.
    Uuid,
    /// 13 of `0-9a-z`; never twice in a test.
    Unique,
    /// The session's ordinal in its scenario, from 0.
    Counter,
    /// The time, in this form, so many ms later or earlier.
    Now(NowFormat, i64),
}

/// A bound of `int`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A number.
    Number(i64),
    /// The value of a variable, plus a number.
    Variable(usize, i64),
}

/// How `now` is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NowFormat {
    /// RFC 3339 in UTC, in whole seconds, as in `2026-11-29T23:41:38Z`.
    Rfc3339,
    /// Milliseconds since 1970.
    Ms,
    /// Seconds since 1970.
    S,
    /// By strftime's letters.
    Strftime(String),
}

/// What changes a slot's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// As the content of a JSON string, without the quotes.
    Json,
    /// As %XX but for unreserved characters.
    Url,
    /// `& < > " '` as entities.
    Html,
    /// Not escaped for its place; the last filter.
    Raw,
    /// A JSON number; anything else fails the attempt.
    Number,
    /// Zeros before it, up to so many characters.
    Pad(u16),
    /// So many times.
    Times(u16),
    /// Base64 with padding.
    Base64,
    /// SHA-256 in hex.
    Sha256,
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
}

impl Template {
    /// A text without slots.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// The text of a template without slots; `None` for others.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its slots.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Text(_) => None,
        })
    }
}
