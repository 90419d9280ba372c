//! Parsers from a value to a type. A failure has a reason that names what is expected.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{Kind, Node};
use crate::plan::{parse_duration, parse_rate, parse_ratio, write_duration};

/// The result of each parser: the value, or the reason why it cannot be read.
pub type Parsed<T> = Result<T, String>;

fn unexpected<T>(node: &Node, expected: &str) -> Parsed<T> {
    Err(format!("expected {expected}, found {}", node.kind.name()))
}

/// A text, possibly empty.
pub fn text(node: &Node) -> Parsed<String> {
    match &node.kind {
        Kind::Text(text) => Ok(text.clone()),
        _ => unexpected(node, "a text"),
    }
}

/// A text that is not empty, without the blanks around it.
pub fn word(node: &Node) -> Parsed<String> {
    let text = text(node)?.trim().to_owned();
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text) }
}

/// A text that a type reads by itself.
pub fn from_str<T: FromStr<Err: Display>>(node: &Node) -> Parsed<T> {
    word(node)?.parse().map_err(|error: T::Err| error.to_string())
}

/// `None` for an empty text, which is how a file leaves a value out.
pub fn or_none<T>(parse: impl FnOnce(&Node) -> Parsed<T>) -> impl FnOnce(&Node) -> Parsed<Option<T>> {
    |node| match &node.kind {
        Kind::Text(text) if text.trim().is_empty() => Ok(None),
        _ => parse(node).map(Some),
    }
}

/// `None` for a word like `auto` or `none`.
pub fn or_word<T>(
    word: &'static str,
    parse: impl FnOnce(&Node) -> Parsed<T>,
) -> impl FnOnce(&Node) -> Parsed<Option<T>> {
    move |node| match &node.kind {
        Kind::Text(text) if text.trim() == word => Ok(None),
        _ => parse(node).map(Some).map_err(|reason| format!("{reason}, or {word:?}")),
    }
}

/// A path; a text that is not empty.
pub fn path(node: &Node) -> Parsed<PathBuf> {
    text(node).and_then(|text| if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.into()) })
}

/// `true` or `false`.
pub fn boolean(node: &Node) -> Parsed<bool> {
    match &node.kind {
        Kind::Bool(on) => Ok(*on),
        Kind::Text(text) if node.loose => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        },
        _ => unexpected(node, "true or false"),
    }
}

/// A whole number within bounds.
pub fn integer<T: TryFrom<i128> + Display + Copy + Into<i128>>(
    bounds: RangeInclusive<T>,
) -> impl Fn(&Node) -> Parsed<T> {
    move |node| {
        let (low, high) = (*bounds.start(), *bounds.end());
        let found: i128 = match &node.kind {
            Kind::Integer(integer) => *integer,
            Kind::Text(text) if node.loose => {
                text.trim().parse().map_err(|_| "expected a whole number".to_owned())?
            }
            _ => return unexpected(node, "a whole number"),
        };
        if found < low.into() || found > high.into() {
            return Err(format!("must be from {low} to {high}"));
        }
        T::try_from(found).map_err(|_| format!("must be from {low} to {high}"))
    }
}

/// A rate in requests per second within bounds: a number, or a text with a unit, as in `"6/m"`.
pub fn rate(bounds: RangeInclusive<f64>) -> impl Fn(&Node) -> Parsed<f64> {
    move |node| {
        let found = match &node.kind {
            // Beyond 2^53 an integer is rounded, and beyond any bound of ours.
            Kind::Integer(integer) => *integer as f64,
            Kind::Float(number) => *number,
            Kind::Text(text) => parse_rate(text)?,
            _ => return unexpected(node, "a rate, as in 200 or \"6/m\""),
        };
        if bounds.contains(&found) {
            return Ok(found);
        }
        Err(format!("must be from {} to {} requests per second", bounds.start(), bounds.end()))
    }
}

/// A time with a unit within bounds, as in `"250ms"`.
pub fn duration(bounds: RangeInclusive<Duration>) -> impl Fn(&Node) -> Parsed<Duration> {
    move |node| {
        let found = match &node.kind {
            Kind::Text(text) => parse_duration(text)?,
            Kind::Integer(_) | Kind::Float(_) => {
                return Err(format!("expected a text with a unit, as in \"{node}s\" or \"{node}ms\""));
            }
            _ => return unexpected(node, "a time with a unit, as in \"250ms\""),
        };
        if bounds.contains(&found) {
            return Ok(found);
        }
        Err(format!("must be from {} to {}", write_duration(*bounds.start()), write_duration(*bounds.end())))
    }
}

/// A share of something, 0 to 1, or 0 % to 100 %.
pub fn ratio(node: &Node) -> Parsed<f64> {
    let found = match &node.kind {
        Kind::Text(text) => parse_ratio(text)?,
        Kind::Integer(integer) => *integer as f64,
        Kind::Float(number) => *number,
        _ => return unexpected(node, "a share, as in \"0.1%\" or 0.001"),
    };
    if (0.0..=1.0).contains(&found) { Ok(found) } else { Err("must be from 0% to 100%".to_owned()) }
}

/// One of a list of words.
pub fn one_of<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&Node) -> Parsed<T> {
    move |node| {
        let found = text(node)?;
        let found = found.trim();
        words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            match super::suggest::closest(found, words.iter().map(|(word, _)| *word)) {
                Some(meant) => format!("must be {}; did you mean {meant:?}?", all.join(" or ")),
                None => format!("must be {}", all.join(" or ")),
            }
        })
    }
}
