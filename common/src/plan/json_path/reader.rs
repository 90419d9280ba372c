//! Reads the text of a path, segment by segment: names with and without quotes, escapes, positions and filters.

use super::Segment;

/// A position in the text of a path.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
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

    pub(super) fn take(&mut self, token: &str) -> bool {
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

    pub(super) fn segment(&mut self) -> Result<Segment, String> {
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
