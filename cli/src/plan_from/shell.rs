//! Words of a command line as a POSIX shell reads them: quotes of both kinds, backslashes, `$'…'`, and line ends that a
//! backslash takes away. Nothing is put in for variables, and no command is run: such places are reported.

/// The words, and what a shell would have done beside.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub words: Vec<String>,
    /// One line each.
    pub remarks: Vec<String>,
}

/// Splits a command line into words.
///
/// # Errors
/// A quote that is not closed.
pub fn split(line: &str) -> Result<Words, String> {
    let mut reader = Reader { chars: line.chars().peekable(), word: None, read: Words::default() };
    reader.run()?;
    Ok(reader.read)
}

struct Reader<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    /// `Some`, though empty, behind an empty pair of quotes.
    word: Option<String>,
    read: Words,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.chars.next() {
                    Some('\n') => {}
                    Some('\r') if self.chars.peek() == Some(&'\n') => {
                        self.chars.next();
                    }
                    Some(c) => self.push(c),
                    None => {}
                },
                '\'' => self.single()?,
                '"' => self.double()?,
                '$' if self.chars.peek() == Some(&'\'') => {
                    self.chars.next();
                    self.ansi()?;
                }
                // Of a translated text, which is the text.
                '$' if self.chars.peek() == Some(&'"') => {}
                '#' if self.word.is_none() => {
                    while self.chars.peek().is_some_and(|c| *c != '\n') {
                        self.chars.next();
                    }
                }
                '\n' => {
                    self.end_word();
                    // Further lines are further commands; blank ones are nothing.
                    if !self.read.words.is_empty() && self.chars.clone().any(|c| !c.is_whitespace()) {
                        self.remark("a second line: is another command, and left out (a \\ at the end of a line continues it)");
                        break;
                    }
                }
                c if c.is_whitespace() => self.end_word(),
                '|' | ';' | '<' | '>' | '&' => {
                    self.end_word();
                    self.remark(&format!(
                        "{c}: ends the command in a shell, so what follows is left out; quote it where it belongs to the URL"
                    ));
                    break;
                }
                c => {
                    self.note(c);
                    self.push(c);
                }
            }
        }
        self.end_word();
        Ok(())
    }

    fn single(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.chars.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.push(c),
                None => return Err("a quote ' is not closed".to_owned()),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        self.word.get_or_insert_default();
        loop {
            match self.chars.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.chars.next() {
                    Some('\n') => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                    None => {}
                },
                Some(c) => {
                    self.note(c);
                    self.push(c);
                }
                None => return Err("a quote \" is not closed".to_owned()),
            }
        }
    }

    /// `$'…'`, as browsers write a text with quotes or line ends in it.
    fn ansi(&mut self) -> Result<(), String> {
        let not_closed = || "a quote $' is not closed".to_owned();
        self.word.get_or_insert_default();
        // Bytes, because \xc3\xbc is one character.
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            let c = self.chars.next().ok_or_else(not_closed)?;
            let mut push = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            match c {
                '\'' => break,
                '\\' => match self.chars.next().ok_or_else(not_closed)? {
                    'n' => push('\n'),
                    't' => push('\t'),
                    'r' => push('\r'),
                    'a' => push('\x07'),
                    'b' => push('\x08'),
                    'e' | 'E' => push('\x1b'),
                    'f' => push('\x0c'),
                    'v' => push('\x0b'),
                    'x' => bytes.push(u8::try_from(self.number(16, 2)).unwrap_or_default()),
                    'u' => self.unicode(4, &mut bytes),
                    'U' => self.unicode(8, &mut bytes),
                    c @ '0'..='7' => {
                        let first = c.to_digit(8).unwrap_or_default();
                        let mut value = first;
                        for _ in 0..2 {
                            let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(8)) else { break };
                            value = value * 8 + digit;
                            self.chars.next();
                        }
                        bytes.push((value & 0xff) as u8);
                    }
                    c @ ('\\' | '\'' | '"' | '?') => push(c),
                    c => {
                        push('\\');
                        push(c);
                    }
                },
                c => push(c),
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.word.get_or_insert_default().push_str(&text);
        Ok(())
    }

    fn unicode(&mut self, digits: usize, bytes: &mut Vec<u8>) {
        let mut code = self.number(16, digits);
        // JSON's pairs of surrogates, which browsers write as two of them.
        let mut ahead = self.chars.clone();
        if (0xd800..0xdc00).contains(&code) && ahead.next() == Some('\\') && ahead.next() == Some('u') {
            self.chars = ahead;
            let low = self.number(16, 4);
            if (0xdc00..0xe000).contains(&low) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// A number of at most so many digits.
    fn number(&mut self, radix: u32, digits: usize) -> u32 {
        let mut value: u32 = 0;
        for _ in 0..digits {
            let Some(digit) = self.chars.peek().and_then(|c| c.to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.chars.next();
        }
        value
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.read.words.extend(self.word.take());
    }

    /// Reports where a shell would put something in.
    fn note(&mut self, c: char) {
        let next = self.chars.peek().copied().unwrap_or(' ');
        if c == '$' && (next.is_ascii_alphabetic() || matches!(next, '_' | '{' | '(')) {
            let name: String = self
                .chars
                .clone()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '{'))
                .collect();
            let name = name.trim_start_matches('{').to_owned();
            self.remark(&format!(
                "${name}: is not put in; write {{{{env.NAME}}}} in the plan, or NAME = {{ env = \"…\" }} in [secrets]"
            ));
        } else if c == '`' {
            self.remark("`…`: no command is run; it is taken as text");
        }
    }

    fn remark(&mut self, text: &str) {
        if !self.read.remarks.iter().any(|known| known == text) {
            self.read.remarks.push(text.to_owned());
        }
    }
}
