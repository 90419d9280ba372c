//! One `extract.VAR`: where its value is looked for, and how it becomes the variable's.

use std::ops::ControlFlow;

use common::plan::program::{Extract, Pick, Source};
use common::plan::{JsonPath, Segment};
use regex::bytes::{CaptureLocations, Regex};

use super::form::{Which, write_form};
use super::html::{Tags, decode_entities};
use super::json::Json;
use super::location::{decoded, query_values};
use super::{Draw, Field, LOOKED_AT, Page, Regexes, Scratch};
use crate::scenario::cookies::name_and_value;
use crate::scenario::variables::Variables;

/// The answer has no such value, or one that is too long, and there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFound;

/// An extract, ready to be applied.
#[derive(Debug, Clone)]
pub struct Finder {
    variable: usize,
    place: Where,
    pattern: Option<Pattern>,
    pick: Pick,
    default: Option<String>,
    max: usize,
}

#[derive(Debug, Clone)]
enum Where {
    Json(Vec<Segment>),
    Body,
    Header(String),
    Cookie(String),
    Location(String),
    Status,
    Input(String),
    Form(Which),
    /// Of a path or regex that cannot be read, which the plan's reader refuses.
    Nowhere,
}

/// A regex, and where its groups were found last.
#[derive(Debug, Clone)]
struct Pattern {
    regex: Regex,
    groups: CaptureLocations,
}

/// A value as it stands in the answer, and how it is read.
#[derive(Clone, Copy)]
enum Found<'a> {
    Plain(&'a [u8]),
    Json(Json<'a>),
    Html(&'a [u8]),
    Query(&'a [u8]),
    /// In `Scratch::value`.
    Made,
}

impl Finder {
    pub fn new(extract: &Extract, regexes: &mut Regexes) -> Self {
        let pattern = extract.regex.as_deref().map(|text| regexes.of(text));
        let place = match &extract.source {
            _ if matches!(pattern, Some(None)) => Where::Nowhere,
            Source::Json(path) => {
                JsonPath::parse(path).map_or(Where::Nowhere, |path| Where::Json(path.segments))
            }
            Source::Regex => Where::Body,
            Source::Header(name) => Where::Header(name.clone()),
            Source::Cookie(name) => Where::Cookie(name.clone()),
            Source::Location(key) => Where::Location(key.clone()),
            Source::Status => Where::Status,
            Source::Input(name) => Where::Input(name.clone()),
            Source::Form(which) => Where::Form(Which::of(which)),
        };
        Self {
            variable: extract.variable,
            place,
            pattern: pattern.flatten().map(|regex| Pattern { groups: regex.capture_locations(), regex }),
            pick: extract.pick,
            default: extract.default.clone(),
            max: extract.max,
        }
    }

    pub fn needs_fields(&self) -> bool {
        matches!(self.place, Where::Header(_) | Where::Cookie(_) | Where::Location(_))
    }

    /// Sets the variable to the value, or to the default.
    pub fn keep(
        &mut self,
        page: &mut Page<'_>,
        variables: &mut Variables,
        draw: Draw<'_>,
        scratch: &mut Scratch,
    ) -> Result<(), NotFound> {
        let found = self.find(page, draw, scratch);
        let narrows = !matches!(self.place, Where::Body);
        let text = found.and_then(|found| found.read(scratch)).and_then(|text| match &mut self.pattern {
            Some(pattern) if narrows => pattern.narrow(text),
            _ => Some(text),
        });
        let kept = text.filter(|text| text.len() <= self.max).map(|text| variables.set(self.variable, text));
        match (kept, &self.default) {
            (Some(Ok(())), _) => Ok(()),
            (_, Some(default)) => variables.set(self.variable, default.as_bytes()).map_err(|_| NotFound),
            (_, None) => Err(NotFound),
        }
    }

    fn find<'a>(&mut self, page: &mut Page<'a>, draw: Draw<'_>, scratch: &mut Scratch) -> Option<Found<'a>> {
        let (pick, fields) = (self.pick, page.answer.fields);
        match &self.place {
            Where::Json(path) => {
                let json = page.json()?;
                let found = picked(pick, draw, |visit| {
                    let _ = json.select(path, visit);
                })?;
                (!found.is_null()).then_some(Found::Json(found))
            }
            Where::Body => {
                let (text, pattern) = (page.looked_at().0, self.pattern.as_mut()?);
                picked(pick, draw, |visit| pattern.each(text, visit)).map(Found::Plain)
            }
            Where::Header(name) => {
                picked(pick, draw, |visit| each(Field::values(fields, name), visit)).map(Found::Plain)
            }
            Where::Cookie(name) => {
                let values = || {
                    let cookies = Field::values(fields, "set-cookie").filter_map(name_and_value);
                    cookies.filter(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
                };
                picked(pick, draw, |visit| each(values(), visit)).map(Found::Plain)
            }
            Where::Location(key) => {
                let address = Field::values(fields, "location").next()?;
                if key.is_empty() {
                    return Some(Found::Plain(address));
                }
                picked(pick, draw, |visit| {
                    let mut over = false;
                    query_values(address, key, &mut |value| over = over || visit(value).is_break());
                })
                .map(Found::Query)
            }
            Where::Status => {
                scratch.value.clear();
                // Three digits, or four of a status that HTTP does not have.
                let status = page.answer.status;
                let digits = [1_000, 100, 10, 1].map(|place| b'0' + (status / place % 10) as u8);
                scratch.value.extend_from_slice(if digits[0] == b'0' { &digits[1..] } else { &digits });
                Some(Found::Made)
            }
            Where::Input(name) => {
                let html = page.looked_at().0;
                let buffer = &mut scratch.other;
                picked(pick, draw, |visit| {
                    let inputs = Tags::new(html)
                        .filter(|tag| tag.opens("input") && tag.has("name", name.as_bytes(), buffer));
                    each(inputs.filter_map(|tag| tag.attribute("value")), visit);
                })
                .map(Found::Html)
            }
            Where::Form(which) => {
                let (html, cut) = page.looked_at();
                write_form(html, cut, which, &mut scratch.value, &mut scratch.other).then_some(Found::Made)
            }
            Where::Nowhere => None,
        }
    }
}

impl<'a> Found<'a> {
    /// The text of the value.
    fn read<'s>(self, scratch: &'s mut Scratch) -> Option<&'s [u8]>
    where
        'a: 's,
    {
        let value = &mut scratch.value;
        Some(match self {
            Self::Plain(text) => text,
            Self::Json(json) => json.unescaped(value),
            Self::Html(raw) => {
                value.clear();
                decode_entities(raw, value);
                value
            }
            Self::Query(raw) => {
                value.clear();
                value.extend(decoded(raw));
                value
            }
            Self::Made => value,
        })
    }
}

impl Pattern {
    /// The first group of the first match.
    fn narrow<'t>(&mut self, text: &'t [u8]) -> Option<&'t [u8]> {
        let text = &text[..text.len().min(LOOKED_AT)];
        self.regex.captures_read(&mut self.groups, text)?;
        self.groups.get(1).map(|(from, to)| &text[from..to])
    }

    /// The first group of each match that has one. Each search goes on where the last one ended, so a text with very
    /// many matches is searched once, unless the regex looks far ahead of each; it is the plan's own.
    fn each<'t>(&mut self, text: &'t [u8], visit: &mut dyn FnMut(&'t [u8]) -> ControlFlow<()>) {
        let mut at = 0;
        while at <= text.len() {
            let Some(found) = self.regex.captures_read_at(&mut self.groups, text, at) else { return };
            at = if found.is_empty() { found.end() + 1 } else { found.end() };
            if let Some((from, to)) = self.groups.get(1)
                && visit(&text[from..to]).is_break()
            {
                return;
            }
        }
    }
}

fn each<T>(values: impl Iterator<Item = T>, visit: &mut dyn FnMut(T) -> ControlFlow<()>) {
    let _ = { values }.try_for_each(visit);
}

/// The value that is picked of those that `each` hands out, again from the first whenever it is called.
fn picked<T>(
    pick: Pick,
    draw: Draw<'_>,
    mut each: impl FnMut(&mut dyn FnMut(T) -> ControlFlow<()>),
) -> Option<T> {
    let mut found = None;
    let nth = match pick {
        Pick::First => 0,
        Pick::Nth(n) => n,
        Pick::Last => {
            each(&mut |value| {
                found = Some(value);
                ControlFlow::Continue(())
            });
            return found;
        }
        Pick::Random => {
            let mut n = 0_u32;
            each(&mut |_| {
                n = n.saturating_add(1);
                ControlFlow::Continue(())
            });
            if n > 1 { draw(n) } else { 0 }
        }
    };
    let mut before = nth;
    each(&mut |value| match before.checked_sub(1) {
        Some(less) => {
            before = less;
            ControlFlow::Continue(())
        }
        None => {
            found = Some(value);
            ControlFlow::Break(())
        }
    });
    found
}
