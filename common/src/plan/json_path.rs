//! Paths into JSON bodies: the part of RFC 9535 that plans may use. It owns what a path says and the reasons why a text
//! is none; it knows no body. The driver's scanner follows a path (`driver/src/scenario/answer/json.rs`).
//!
//! A path begins with `$`; then come `.name`, `['name']` (or in double quotes), `[0]`, `[-1]` (from the end), `[*]` or
//! `.*`, and at most one `[?@.key=='value']`.

use std::fmt;

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
        let mut reader = Reader { text, at: 0 };
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

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    /// What is left, for a reason.
    fn found(&self) -> String {
        match self.rest() {
            "" => "the end".to_owned(),
            rest => format!("{:?}", rest.chars().take(20).collect::<String>()),
        }
    }

    fn segment(&mut self) -> Result<Segment, String> {
        if self.take("..") {
            return Err(
                "\"..\" is not supported: name each step of the path, as in \"$.items[*].id\"".to_owned()
            );
        }
        if self.take(".*") {
            return Ok(Segment::Wildcard);
        }
        if self.take(".") {
            return self.name().map(Segment::Name);
        }
        if self.take("[") {
            return self.bracket();
        }
        Err(format!("expected \".name\", \"['name']\" or \"[0]\", found {}", self.found()))
    }

    /// A name after a dot: letters, digits and `_`, and whatever is not ASCII.
    fn name(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let length = rest.find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_');
        let name = &rest[..length.unwrap_or(rest.len())];
        self.at += name.len();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.at -= name.len();
            return Err(format!(
                "expected a name of letters, digits and _ after the dot, found {}: other names stand in \
                 brackets, as in \"$['first-name']\", and positions too, as in \"$[0]\"",
                self.found()
            ));
        }
        if matches!(self.peek(), Some(c) if !matches!(c, '.' | '[')) {
            return Err(format!(
                "unexpected {} after the name {name:?}: a name with other characters than letters, digits \
                 and _ stands in brackets, as in \"$['first-name']\"",
                self.found()
            ));
        }
        Ok(name.to_owned())
    }

    fn bracket(&mut self) -> Result<Segment, String> {
        self.skip_blanks();
        let segment = match self.peek() {
            Some('\'' | '"') => Segment::Name(self.string()?),
            Some('*') => {
                self.at += 1;
                Segment::Wildcard
            }
            Some('?') => {
                self.at += 1;
                self.filter()?
            }
            Some('-' | '0'..='9') => Segment::Index(self.index()?),
            _ => {
                return Err(format!(
                    "expected a name in quotes, a position, * or ?@.key=='value' in the brackets, found {}",
                    self.found()
                ));
            }
        };
        self.skip_blanks();
        if self.take("]") {
            return Ok(segment);
        }
        match self.peek() {
            Some(',') => Err("one name or position in brackets is supported, not several".to_owned()),
            Some(':') => Err("slices as in [0:2] are not supported: use [*] or one position".to_owned()),
            _ => Err(format!("expected ], found {}", self.found())),
        }
    }

    fn index(&mut self) -> Result<i64, String> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let text = &rest[..sign + digits];
        self.at += text.len();
        let written_once = text == "0" || !rest[sign..].starts_with('0');
        // RFC 9535: whole numbers that a JSON number holds exactly.
        text.parse().ok().filter(|index: &i64| written_once && index.unsigned_abs() < 1 << 53).ok_or_else(
            || format!("expected a position without leading zeros, as in [0] or [-1], found {text:?}"),
        )
    }

    /// `@.key=='value'`, also in parentheses.
    fn filter(&mut self) -> Result<Segment, String> {
        const EXPECTED: &str = "a filter is written [?@.key=='value']";
        self.skip_blanks();
        let in_parentheses = self.take("(");
        self.skip_blanks();
        if !self.take("@") {
            return Err(format!("{EXPECTED}: expected @, found {}", self.found()));
        }
        let key = if self.take("[") {
            self.skip_blanks();
            let key = self.string()?;
            self.skip_blanks();
            if !self.take("]") {
                return Err(format!("{EXPECTED}: expected ], found {}", self.found()));
            }
            key
        } else if self.take(".") {
            let rest = self.rest();
            let length = rest.find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_');
            let key = &rest[..length.unwrap_or(rest.len())];
            if key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("{EXPECTED}: expected a name after @., found {}", self.found()));
            }
            self.at += key.len();
            key.to_owned()
        } else {
            return Err(format!("{EXPECTED}: expected .key after @, found {}", self.found()));
        };
        self.skip_blanks();
        if !self.take("==") {
            return Err(format!("{EXPECTED}: expected ==, found {}", self.found()));
        }
        self.skip_blanks();
        if !matches!(self.peek(), Some('\'' | '"')) {
            return Err(format!("{EXPECTED}: expected a value in quotes, found {}", self.found()));
        }
        let value = self.string()?;
        self.skip_blanks();
        if in_parentheses && !self.take(")") {
            return Err(format!("{EXPECTED}: expected ), found {}", self.found()));
        }
        Ok(Segment::Filter { key, value })
    }

    /// A text in single or double quotes; its escapes are those of JSON, and `\'`.
    fn string(&mut self) -> Result<String, String> {
        let quote = self.next().unwrap_or('\'');
        let mut out = String::new();
        loop {
            match self.next() {
                None => return Err(format!("expected {quote} at the end of {:?}", out)),
                Some(c) if c == quote => return Ok(out),
                Some('\\') => out.push(self.escape(quote)?),
                Some(c) if c < ' ' => {
                    return Err(format!(
                        "a control character, U+{:04X}, is written as an escape",
                        u32::from(c)
                    ));
                }
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, String> {
        let c = self.next();
        Ok(match c {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => {
                let wrong = || "expected \\u and four hex digits of a character".to_owned();
                let high = self.hex4().ok_or_else(wrong)?;
                let code = if (0xd800..0xdc00).contains(&high) {
                    let low = if self.take("\\u") { self.hex4() } else { None };
                    let low = low.filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(wrong)?;
                    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                char::from_u32(code).ok_or_else(wrong)?
            }
            _ => {
                return Err("unknown escape in a name: \\\\, \\n, \\t, \\u0041 and \\' are some that exist"
                    .to_owned());
            }
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(name: &str) -> Segment {
        Segment::Name(name.to_owned())
    }

    #[test]
    fn a_path_is_a_row_of_segments() {
        let filter =
            |key: &str, value: &str| Segment::Filter { key: key.to_owned(), value: value.to_owned() };
        for (text, expected) in [
            ("$", vec![]),
            ("$.a", vec![name("a")]),
            ("$.a[0].b", vec![name("a"), Segment::Index(0), name("b")]),
            ("$['a b'][\"c\"]", vec![name("a b"), name("c")]),
            ("$[-1]", vec![Segment::Index(-1)]),
            ("$[ 2 ].x_1", vec![Segment::Index(2), name("x_1")]),
            ("$.a[*].b", vec![name("a"), Segment::Wildcard, name("b")]),
            ("$.*", vec![Segment::Wildcard]),
            ("$.größe", vec![name("größe")]),
            ("$['it\\'s']", vec![name("it's")]),
            ("$[\"\\u00e9\\ud83d\\ude00\\n\"]", vec![name("é😀\n")]),
            ("$.l[?@.rel=='next'].href", vec![name("l"), filter("rel", "next"), name("href")]),
            ("$.l[?(@.rel == \"next\")]", vec![name("l"), filter("rel", "next")]),
            ("$.l[?@['a-b']=='']", vec![name("l"), filter("a-b", "")]),
            ("$['']", vec![name("")]),
        ] {
            assert_eq!(JsonPath::parse(text), Ok(JsonPath { segments: expected }), "{text}");
        }
    }

    #[test]
    fn what_is_outside_the_subset_has_a_reason() {
        for (text, reason) in [
            ("", "begins with $"),
            ("a.b", "begins with $"),
            ("$a", "expected \".name\""),
            ("$..a", "\"..\" is not supported"),
            ("$.", "expected a name"),
            ("$.0", "positions too"),
            ("$.a-b", "stands in brackets"),
            ("$.a ", "unexpected"),
            ("$[0,1]", "not several"),
            ("$[0:2]", "slices"),
            ("$[01]", "leading zeros"),
            ("$[-0]", "leading zeros"),
            ("$[-]", "leading zeros"),
            ("$[9007199254740992]", "position"),
            ("$['a'", "expected ]"),
            ("$['a", "at the end"),
            ("$[a]", "in the brackets"),
            ("$[?@.a]", "expected =="),
            ("$[?@.a==1]", "in quotes"),
            ("$[?@.a!='b']", "expected =="),
            ("$[?$.a=='b']", "expected @"),
            ("$[?@.a=='b'&&@.c=='d']", "expected ]"),
            ("$[?@.a=='b'][?@.c=='d']", "one filter"),
            ("$['\\x']", "unknown escape"),
            ("$['\\ud800']", "four hex digits"),
        ] {
            let error = JsonPath::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(JsonPath::parse(&format!("${}", ".a".repeat(MAX_SEGMENTS))).is_ok());
        assert!(JsonPath::parse(&format!("${}", ".a".repeat(MAX_SEGMENTS + 1))).is_err());
    }

    #[test]
    fn a_path_may_select_one_value_or_several() {
        assert!(!JsonPath::parse("$.a[0]").unwrap().is_many());
        assert!(JsonPath::parse("$.a[*]").unwrap().is_many());
        assert!(JsonPath::parse("$[?@.a=='b']").unwrap().is_many());
    }

    fn segment() -> impl Strategy<Value = Segment> {
        prop_oneof![
            any::<String>().prop_map(Segment::Name),
            (-1_000_i64..1_000).prop_map(Segment::Index),
            Just(Segment::Wildcard),
        ]
    }

    proptest! {
        #[test]
        fn a_written_path_reads_the_same(
            mut segments in prop::collection::vec(segment(), 0..8),
            filter in prop::option::of((any::<String>(), any::<String>())),
        ) {
            segments.extend(filter.map(|(key, value)| Segment::Filter { key, value }));
            let path = JsonPath { segments };
            prop_assert_eq!(JsonPath::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\$[.a\\[\\]'\"0-9*?@=\\\\u -]{0,20}|.{0,40}") {
            let _ = JsonPath::parse(&text);
        }
    }
}
