//! Targets of vegeta's http format: `METHOD URL`, then header lines, then `@file` for the body; a blank line or the next
//! target ends each.

use super::access_log::is_method;

/// One target, with the number of its first line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Target {
    pub line: u64,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body_file: Option<String>,
}

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Target(&'a str, &'a str),
    Header(&'a str, &'a str),
    Body(&'a str),
    Nothing,
    Unknown,
}

/// Reads a line.
pub fn read(line: &str) -> Line<'_> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Line::Nothing;
    }
    if let Some(file) = line.strip_prefix('@') {
        return Line::Body(file.trim());
    }
    if let Some((method, url)) = target(line) {
        return Line::Target(method, url);
    }
    match line.split_once(':') {
        Some((name, value)) if !name.contains(char::is_whitespace) => Line::Header(name, value),
        _ => Line::Unknown,
    }
}

/// A line of a method and an address, if it is one.
pub fn target(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (method, url) = (words.next()?, words.next()?);
    let is_address = url.starts_with('/') || url.contains("://");
    (words.next().is_none() && is_address && is_method(method)).then_some((method, url))
}
