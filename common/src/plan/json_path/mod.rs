//! Paths into JSON bodies: the part of RFC 9535 that plans may use. It owns what a path says and why a text is refused as a
//! path; it knows no body. The driver's scanner follows a path (`driver/src/scenario/answer/json/`).
//!
//! A path begins with `$`; then come `.name`, `['name']` (or in double quotes), `[0]`, `[-1]` (from the end), `[*]` or
//! `.*`, and at most one `[?@.key=='value']`.

mod reader;
#[cfg(test)]
mod tests;

use std::fmt;

use reader::Reader;

/// Most segments of a path. A segment costs a scan of what it looks into, so this bounds the work for one value.
pub const MAX_SEGMENTS: usize = 32;

/// A path that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    /// The steps from the root, in their order; none: the whole body.
    pub segments: Vec<Segment>,
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// The value of this name in a table, without escapes.
    Name(String),
    /// An element of a list, from 0; below zero from the end, where -1 is the last.
    Index(i64),
    /// Every value of a table or list.
    Wildcard,
    /// Every table in a list or table whose value of `key` is this string.
    Filter {
        /// The name, without escapes.
        key: String,
        /// The string, without escapes.
        value: String,
    },
}

impl Segment {
    /// Whether it may select several values.
    pub fn is_many(&self) -> bool {
        matches!(self, Self::Wildcard | Self::Filter { .. })
    }
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// The reason why the text is not a path of this kind, as the end of a sentence that begins with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(text);
        if !reader.take("$") {
            return Err("a JSON path begins with $, as in \"$.items[0].id\"".to_owned());
        }
        let mut segments = Vec::new();
        let mut filters = 0;
        while !reader.is_empty() {
            let segment = reader.segment()?;
            filters += usize::from(matches!(segment, Segment::Filter { .. }));
            if filters > 1 {
                return Err("a JSON path may hold one filter [?@.key=='value']".to_owned());
            }
            segments.push(segment);
            if segments.len() > MAX_SEGMENTS {
                return Err(format!("a JSON path may have at most {MAX_SEGMENTS} steps"));
            }
        }
        Ok(Self { segments })
    }

    /// Whether it may select several values.
    pub fn is_many(&self) -> bool {
        self.segments.iter().any(Segment::is_many)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for segment in &self.segments {
            match segment {
                Segment::Name(name) => write!(f, "[{}]", quoted(name))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Wildcard => f.write_str("[*]")?,
                Segment::Filter { key, value } => write!(f, "[?@[{}]=={}]", quoted(key), quoted(value))?,
            }
        }
        Ok(())
    }
}

/// A name or value in single quotes, as [`JsonPath::parse`] reads it.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}
