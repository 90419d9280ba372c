//! A place in a text that is JSON, or may be: checks a value, and skips one that was checked.

/// How deep tables and lists may stand in one another. One bit of a [`u128`] says what each level is.
const MAX_DEPTH: u32 = u128::BITS;

/// A place in a text.
pub struct Cursor<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

impl Cursor<'_> {
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    pub fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Checks the value that begins here, and everything in it; returns where it ends. It keeps no stack: which level is
    /// a table and which a list is one bit each.
    pub fn check_value(&mut self) -> Option<usize> {
        let (mut depth, mut tables) = (0_u32, 0_u128);
        loop {
            self.skip_blanks();
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    self.at += 1;
                    self.skip_blanks();
                    let table = open == b'{';
                    if self.peek()? == if table { b'}' } else { b']' } {
                        self.at += 1;
                    } else {
                        depth += 1;
                        tables = tables << 1 | u128::from(table);
                        if table {
                            self.check_name()?;
                        }
                        continue;
                    }
                }
                b'"' => self.check_string()?,
                b't' => self.check_word(b"true")?,
                b'f' => self.check_word(b"false")?,
                b'n' => self.check_word(b"null")?,
                _ => self.check_number()?,
            }
            // A value ended, and with it what it was the last of.
            loop {
                if depth == 0 {
                    return Some(self.at);
                }
                self.skip_blanks();
                let in_table = tables & 1 == 1;
                let next = self.peek()?;
                self.at += 1;
                match next {
                    b',' if in_table => {
                        self.skip_blanks();
                        self.check_name()?;
                        break;
                    }
                    b',' => break,
                    b'}' if in_table => {}
                    b']' if !in_table => {}
                    _ => return None,
                }
                depth -= 1;
                tables >>= 1;
            }
        }
    }

    /// A name and its colon.
    fn check_name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.check_string()?;
        self.skip_blanks();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn check_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
            self.at += plain + 1;
            match rest[plain] {
                b'"' => return Some(()),
                b'\\' => {
                    let escape = self.peek()?;
                    self.at += 1;
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let digits = self.text.get(self.at..self.at + 4)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }

    fn check_word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    fn check_number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.check_digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.check_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.check_digits()?;
        }
        Some(())
    }

    /// At least one digit.
    fn check_digits(&mut self) -> Option<()> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    /// Goes behind the string that begins here.
    pub fn skip_string(&mut self) {
        self.at += 1;
        while let Some(rest) = self.text.get(self.at..) {
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(at) if rest[at] == b'"' => {
                    self.at += at + 1;
                    return;
                }
                Some(at) => self.at += at + 2,
                None => break,
            }
        }
        self.at = self.text.len();
    }

    /// Goes behind the value that begins here, in a text that was checked.
    pub fn skip_value(&mut self) {
        let mut depth = 0_u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    self.at += 1;
                    depth += 1;
                    continue;
                }
                b'}' | b']' if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                // Behind a number or a word.
                b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r' if depth == 0 => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
        }
    }
}
