//! Values in a JSON body, found without making a tree of it. The body is checked once as a whole, and then each path is
//! followed by skipping whatever it does not name. This file knows paths and bytes, and nothing of plans or answers.
//!
//! A body that is not JSON from its first byte to its last, or is more than 128 deep, has no values at all: a value from
//! the first half of a broken answer would be taken for a good one. Names are compared without their escapes, the first
//! of equal names counts, numbers stay as they are written, and tables and lists are their own text. Where a string has half a
//! surrogate pair, U+FFFD stands in its place.
//!
//! A path of names and positions costs one scan from the outermost member that it names up to its value. `[*]`, a filter, and a position from the end each cost
//! one more of what they look into, so the work is linear in the body.

mod cursor;

use std::ops::{ControlFlow, Deref};

use common::plan::Segment;

use self::cursor::Cursor;

/// A body that is JSON, or a value in it: the text from its first byte to its last, without blanks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'a> {
    text: &'a [u8],
}

/// A body that is JSON, and where the members of its outermost table stand. That is known once the body is checked, and
/// saves the scan of what stands before a member: of `{"items":[…],"token":"…"}` in 2 kB that took as long as the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body<'a> {
    whole: Json<'a>,
    /// Of each member the places of its name, at the quote, and of its value.
    members: [(usize, usize); NOTED],
    /// How many there are, noted or not.
    n_members: usize,
}

/// So many members are noted; in a table with more they are looked for.
const NOTED: usize = 12;

impl<'a> Body<'a> {
    /// As [`Json::select`].
    pub fn select(
        &self,
        path: &[Segment],
        visit: &mut dyn FnMut(Json<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match (path.split_first(), self.members.get(..self.n_members)) {
            (Some((Segment::Name(name), rest)), Some(members)) => match self.member(members, name) {
                Some(value) => value.select(rest, visit),
                None => ControlFlow::Continue(()),
            },
            _ => self.whole.select(path, visit),
        }
    }

    /// The first value that a path selects.
    pub fn first(&self, path: &[Segment]) -> Option<Json<'a>> {
        let mut found = None;
        let _ = self.select(path, &mut |value| {
            found = Some(value);
            ControlFlow::Break(())
        });
        found
    }

    /// The first member of this name.
    fn member(&self, members: &[(usize, usize)], name: &str) -> Option<Open<'a>> {
        let text = self.whole.text;
        let is = |at: usize| {
            let mut cursor = Cursor { text, at };
            cursor.skip_string();
            let inside = text.get(at + 1..cursor.at.saturating_sub(1));
            inside.is_some_and(|inside| equal_unescaped(inside, name.as_bytes()))
        };
        let (_, value) = members.iter().find(|(name, _)| is(*name))?;
        text.get(*value..).map(Open)
    }
}

impl<'a> Deref for Body<'a> {
    type Target = Json<'a>;

    fn deref(&self) -> &Json<'a> {
        &self.whole
    }
}

impl<'a> Json<'a> {
    /// Reads a body. `None`: it is not JSON, or it is too deep.
    pub fn read(body: &'a [u8]) -> Option<Body<'a>> {
        std::str::from_utf8(body).ok()?;
        let mut cursor = Cursor { text: body, at: 0 };
        cursor.skip_blanks();
        let from = cursor.at;
        let (mut members, mut n_members) = ([(0, 0); NOTED], 0);
        let end = cursor.check_value(|name, value| {
            if let Some(place) = members.get_mut(n_members) {
                *place = (name - from, value - from);
            }
            n_members += 1;
        })?;
        cursor.skip_blanks();
        let whole = Self { text: &body[from..end] };
        (cursor.at == body.len()).then_some(Body { whole, members, n_members })
    }

    /// Calls `visit` with each value that a path selects, in their order, until it breaks.
    pub fn select(
        self,
        path: &[Segment],
        visit: &mut dyn FnMut(Json<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        Open(self.text).select(path, visit)
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.text == b"null"
    }

    /// The number that it is.
    pub fn as_number(self) -> Option<f64> {
        let number = matches!(self.text.first(), Some(b'-' | b'0'..=b'9'));
        std::str::from_utf8(self.text).ok().filter(|_| number)?.parse().ok()
    }

    /// The truth value that it is.
    pub fn as_bool(self) -> Option<bool> {
        match self.text {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is this string.
    pub fn is_text(self, text: &[u8]) -> bool {
        self.inside_quotes().is_some_and(|raw| equal_unescaped(raw, text))
    }

    /// The value as a variable keeps it: a string without quotes and escapes, anything else as it is written. `scratch`
    /// is used where there are escapes.
    pub fn unescaped<'s>(self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        match self.inside_quotes() {
            None => self.text,
            Some(raw) if memchr::memchr(b'\\', raw).is_none() => raw,
            Some(raw) => {
                scratch.clear();
                let _ = unescape(raw, &mut |piece| {
                    scratch.extend_from_slice(piece);
                    ControlFlow::Continue(())
                });
                scratch
            }
        }
    }

    /// What stands between the quotes of a string.
    fn inside_quotes(self) -> Option<&'a [u8]> {
        self.text.strip_prefix(b"\"")?.strip_suffix(b"\"")
    }
}

/// A value whose end has not been looked for: the text from its first byte on, and whatever comes behind it. A path that
/// leads through it then costs one scan, however deep it goes.
#[derive(Clone, Copy)]
struct Open<'a>(&'a [u8]);

impl<'a> Open<'a> {
    fn close(self) -> Json<'a> {
        let mut cursor = Cursor { text: self.0, at: 0 };
        cursor.skip_value();
        Json { text: self.0.get(..cursor.at).unwrap_or(self.0) }
    }

    fn select(self, path: &[Segment], visit: &mut dyn FnMut(Json<'a>) -> ControlFlow<()>) -> ControlFlow<()> {
        let Some((segment, rest)) = path.split_first() else { return visit(self.close()) };
        let one = match segment {
            Segment::Name(name) => self.member(name),
            Segment::Index(index) => self.element(*index),
            Segment::Wildcard => {
                return self.children().try_for_each(|(_, child)| child.select(rest, visit));
            }
            Segment::Filter { key, value } => {
                let wanted = |child: &Open<'_>| {
                    child.member(key).is_some_and(|found| found.close().is_text(value.as_bytes()))
                };
                let mut children = self.children().map(|(_, child)| child).filter(wanted);
                return children.try_for_each(|child| child.select(rest, visit));
            }
        };
        match one {
            Some(value) => value.select(rest, visit),
            None => ControlFlow::Continue(()),
        }
    }

    /// The first value of this name, where this is a table.
    fn member(self, name: &str) -> Option<Open<'a>> {
        let of_name = |(key, _): &(Option<&[u8]>, Open<'_>)| {
            key.is_some_and(|key| equal_unescaped(key, name.as_bytes()))
        };
        self.children().find(of_name).map(|(_, value)| value)
    }

    /// An element, where this is a list.
    fn element(self, index: i64) -> Option<Open<'a>> {
        if self.0.first() != Some(&b'[') {
            return None;
        }
        let index = match usize::try_from(index) {
            Ok(index) => index,
            Err(_) => self.children().count().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
        };
        self.children().nth(index).map(|(_, value)| value)
    }

    /// The values in a table, with their names inside their quotes, or in a list; none in anything else.
    fn children(self) -> Children<'a> {
        let table = self.0.first() == Some(&b'{');
        let at = if table || self.0.first() == Some(&b'[') { 1 } else { self.0.len() };
        Children { cursor: Cursor { text: self.0, at }, table, at_value: false }
    }
}

/// The values in a table or list that was checked.
struct Children<'a> {
    cursor: Cursor<'a>,
    table: bool,
    /// The value where the cursor stands was handed out, and is to be skipped.
    at_value: bool,
}

impl<'a> Iterator for Children<'a> {
    type Item = (Option<&'a [u8]>, Open<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = &mut self.cursor;
        if self.at_value {
            cursor.skip_value();
            self.at_value = false;
        }
        cursor.skip_blanks();
        if cursor.peek() == Some(b',') {
            cursor.at += 1;
            cursor.skip_blanks();
        }
        if matches!(cursor.peek(), None | Some(b'}' | b']')) {
            return None;
        }
        let key = match self.table {
            true => {
                let from = cursor.at + 1;
                cursor.skip_string();
                let key = cursor.text.get(from..cursor.at.saturating_sub(1));
                cursor.skip_blanks();
                // The colon.
                cursor.at += 1;
                cursor.skip_blanks();
                key
            }
            false => None,
        };
        // A text that was checked has a value here.
        let text = cursor.text.get(cursor.at..).filter(|text| !text.is_empty())?;
        self.at_value = true;
        Some((key, Open(text)))
    }
}

/// Whether the content of a JSON string, its escapes undone, is this text.
fn equal_unescaped(raw: &[u8], text: &[u8]) -> bool {
    if memchr::memchr(b'\\', raw).is_none() {
        return raw == text;
    }
    let mut left = text;
    let whole = unescape(raw, &mut |piece| match left.strip_prefix(piece) {
        Some(rest) => {
            left = rest;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    });
    whole.is_continue() && left.is_empty()
}

/// Calls `take` with the pieces of a JSON string's content, its escapes undone.
fn unescape(raw: &[u8], take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        take(&rest[..at])?;
        let Some((escape, after)) = rest[at + 1..].split_first() else { return ControlFlow::Continue(()) };
        rest = after;
        match escape {
            b'b' => take(b"\x08")?,
            b'f' => take(b"\x0c")?,
            b'n' => take(b"\n")?,
            b'r' => take(b"\r")?,
            b't' => take(b"\t")?,
            b'u' => {
                let (character, length) = escaped_character(rest);
                rest = &rest[length..];
                take(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
            other => take(&[*other])?,
        }
    }
    take(rest)
}

/// The character of the four hex digits behind `\u`, or of a surrogate pair of two such escapes; and how many bytes of
/// `rest` it takes.
fn escaped_character(rest: &[u8]) -> (char, usize) {
    let Some(code) = hex4(rest) else { return (char::REPLACEMENT_CHARACTER, 0) };
    if !(0xd800..0xdc00).contains(&code) {
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 4);
    }
    let low = rest[4..].strip_prefix(b"\\u").and_then(hex4).filter(|low| (0xdc00..0xe000).contains(low));
    match low.and_then(|low| char::from_u32(0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00))) {
        Some(character) => (character, 10),
        None => (char::REPLACEMENT_CHARACTER, 4),
    }
}

fn hex4(text: &[u8]) -> Option<u32> {
    text.get(..4)?.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests;
