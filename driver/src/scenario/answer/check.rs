//! One line of `check`, and whether an answer holds what it asks for.

use std::ops::ControlFlow;

use common::counters::ErrorKind;
use common::plan::program::{
    BodyCheck, Check, Filter, HeaderCheck, JsonExpected, JsonText, Part, SizeCheck, Template,
};
use common::plan::{JsonPath, Segment};
use regex::bytes::Regex;

use super::json::Json;
use super::{Expected, Field, Page, Regexes};
use crate::scenario::variables::Variables;

/// A check, ready to be applied. Texts are indices into the examiner's templates.
#[derive(Debug, Clone)]
pub enum Rule {
    Contains(usize),
    Lacks(usize),
    Matches(Regex),
    HeaderIs(String, usize),
    HeaderAbsent(String),
    JsonIs(Vec<Segment>, Vec<Wanted>),
    JsonAbsent(Vec<Segment>),
    Size(SizeCheck),
    /// Of a regex or path that cannot be read, which the plan's reader refuses.
    Never,
}

/// A value that a JSON body may hold.
#[derive(Debug, Clone)]
pub enum Wanted {
    Text(usize),
    /// `"{{x | number}}"`: the number that the text says.
    NumberOf(usize),
    Number(f64),
    Bool(bool),
}

impl Rule {
    /// Reads a check; its texts are added to `templates`.
    pub fn new(check: &Check, templates: &mut Vec<Template>, regexes: &mut Regexes) -> Self {
        let mut text = |template: &Template| {
            templates.push(template.clone());
            templates.len() - 1
        };
        match check {
            Check::Body(BodyCheck::Contains(template)) => Self::Contains(text(template)),
            Check::Body(BodyCheck::Absent(template)) => Self::Lacks(text(template)),
            Check::Body(BodyCheck::Regex(regex)) => regexes.of(regex).map_or(Self::Never, Self::Matches),
            Check::Header(name, HeaderCheck::Is(template)) => Self::HeaderIs(name.clone(), text(template)),
            Check::Header(name, HeaderCheck::Absent) => Self::HeaderAbsent(name.clone()),
            Check::Size(size) => Self::Size(*size),
            Check::Json(json) => match (JsonPath::parse(&json.path), &json.expected) {
                (Err(_), _) => Self::Never,
                (Ok(path), JsonExpected::Absent) => Self::JsonAbsent(path.segments),
                (Ok(path), JsonExpected::OneOf(values)) => {
                    let wanted = values.iter().map(|value| match value {
                        JsonText::Text(template) if is_number(template) => Wanted::NumberOf(text(template)),
                        JsonText::Text(template) => Wanted::Text(text(template)),
                        JsonText::Number(number) => Wanted::Number(*number),
                        JsonText::Bool(bool) => Wanted::Bool(*bool),
                    });
                    Self::JsonIs(path.segments, wanted.collect())
                }
            },
        }
    }

    pub fn needs_fields(&self) -> bool {
        matches!(self, Self::HeaderIs(..) | Self::HeaderAbsent(_))
    }

    /// Whether the answer holds what the check asks for.
    ///
    /// A check of JSON fails where the body is not JSON, also where a value must be absent: an error page in HTML lacks
    /// `$.errors` too.
    ///
    /// # Errors
    /// What `expected` returns.
    pub fn holds(
        &self,
        page: &mut Page<'_>,
        variables: &Variables,
        expected: Expected<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, ErrorKind> {
        let mut text = |index: usize, buffer: &mut Vec<u8>| {
            buffer.clear();
            expected(index, variables, buffer)
        };
        let (body, fields) = (page.answer.body, page.answer.fields);
        Ok(match self {
            Self::Contains(index) => {
                text(*index, buffer)?;
                memchr::memmem::find(body, buffer).is_some()
            }
            Self::Lacks(index) => {
                text(*index, buffer)?;
                memchr::memmem::find(body, buffer).is_none()
            }
            Self::Matches(regex) => regex.is_match(page.looked_at().0),
            Self::HeaderIs(name, index) => {
                text(*index, buffer)?;
                Field::values(fields, name).any(|value| value == buffer.trim_ascii())
            }
            Self::HeaderAbsent(name) => Field::values(fields, name).next().is_none(),
            Self::JsonIs(path, wanted) => {
                let Some(found) = page.json().and_then(|json| json.first(path)) else { return Ok(false) };
                for wanted in wanted {
                    if let Wanted::Text(index) | Wanted::NumberOf(index) = wanted {
                        text(*index, buffer)?;
                    }
                    if wanted.is(found, buffer) {
                        return Ok(true);
                    }
                }
                false
            }
            Self::JsonAbsent(path) => page.json().is_some_and(|json| {
                let null = |value: Json<'_>| match value.is_null() {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                };
                json.select(path, &mut { null }).is_continue()
            }),
            Self::Size(size) => size.compare.holds(body.len() as f64, size.bytes as f64),
            Self::Never => false,
        })
    }
}

impl Wanted {
    fn is(&self, found: Json<'_>, text: &[u8]) -> bool {
        match self {
            Self::Text(_) => found.is_text(text),
            Self::NumberOf(_) => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
                number.is_some_and(|number: f64| found.as_number() == Some(number))
            }
            Self::Number(number) => found.as_number() == Some(*number),
            Self::Bool(bool) => found.as_bool() == Some(*bool),
        }
    }
}

/// Whether a text is wholly `{{… | number}}`, which is a number in JSON.
fn is_number(template: &Template) -> bool {
    match template.parts.as_slice() {
        [Part::Slot(slot)] => slot.filters.contains(&Filter::Number),
        _ => false,
    }
}
