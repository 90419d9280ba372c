//! A place in a text that is JSON, or may be: checks a value, and skips one that was checked.

/// How deep tables and lists may stand in one another. One bit of a [`u128`] says what each level is.
const MAX_DEPTH: u32 = u128::BITS;

/// A place in a text.
pub struct Cursor<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

/// Where the next byte of a string stands that is not plain: a quote, a backslash or a control character.
///
/// Eight bytes at a time in one register: strings in JSON are short, so that a search with wider registers spends more on
/// its beginning and end than on the string, and byte by byte a check took a fifth longer.
#[inline]
fn special_at(text: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x80 * ONES;
    let mut at = from;
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        // The high bit of each byte that is below `n`, for n up to 128. A borrow may set those of bytes behind such a byte,
        // too, but never before it, and only the first counts.
        let below = |word: u64, n: u64| word.wrapping_sub(n * ONES) & !word & HIGHS;
        let is = |byte: u8| below(word ^ (u64::from(byte) * ONES), 1);
        let special = below(word, 0x20) | is(b'"') | is(b'\\');
        if special != 0 {
            return Some(at + special.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let last = text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    Some(at + last)
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

    /// The next byte that is not blank, where the cursor then stands; 0, which no JSON has, at the end.
    #[inline]
    fn next(&mut self) -> u8 {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => *byte,
            _ => self.next_behind_blanks(),
        }
    }

    #[cold]
    fn next_behind_blanks(&mut self) -> u8 {
        self.skip_blanks();
        self.peek().unwrap_or(0)
    }

    /// Checks the value that begins here, and everything in it; returns where it ends. It keeps no stack: which level is
    /// a table and which a list is one bit each. Where the value is a table, `member` is called with the places of each of
    /// its names, at the quote, and of the value behind it.
    pub fn check_value(&mut self, mut member: impl FnMut(usize, usize)) -> Option<usize> {
        let (mut depth, mut tables) = (0_u32, 0_u128);
        loop {
            match self.next() {
                b'"' => self.check_string()?,
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    self.at += 1;
                    let table = open == b'{';
                    // `}` and `]` stand two behind what they close.
                    if self.next() == open + 2 {
                        self.at += 1;
                    } else {
                        depth += 1;
                        tables = tables << 1 | u128::from(table);
                        if table {
                            self.next();
                            let name = self.at;
                            self.check_name()?;
                            if depth == 1 {
                                member(name, self.at);
                            }
                        }
                        continue;
                    }
                }
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
                let in_table = tables & 1 == 1;
                let next = self.next();
                self.at += 1;
                match next {
                    b',' if in_table => {
                        self.next();
                        let name = self.at;
                        self.check_name()?;
                        if depth == 1 {
                            member(name, self.at);
                        }
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

    /// The name that begins here, its colon, and the blanks behind it.
    #[inline]
    fn check_name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.check_string()?;
        if self.next() != b':' {
            return None;
        }
        self.at += 1;
        self.next();
        Some(())
    }

    fn check_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let special = special_at(self.text, self.at)?;
            self.at = special + 1;
            match self.text[special] {
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
        while let Some(special) = special_at(self.text, self.at) {
            self.at = special + 1;
            match self.text[special] {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_next_special_byte_is_found_wherever_it_stands(
            text in prop::collection::vec(prop_oneof![8 => b'a'..=b'z', 1 => any::<u8>(), 1 => Just(b'"')], 0..40),
            from in 0_usize..45,
        ) {
            let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            let expected = text.get(from..).and_then(|rest| rest.iter().position(special)).map(|at| from + at);
            prop_assert_eq!(special_at(&text, from), expected);
        }
    }
}
