//! The characters of a text: which of them are a slot, and the words in a slot. It knows neither sources nor filters.

/// A part of a text, not looked into yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Sent as it is.
    Text(&'a str),
    /// What stands between `{{` and `}}`.
    Slot(&'a str),
}

/// A word of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// As it stands there.
    Word(String),
    /// Without the quotes around it.
    Quoted(String),
}

impl Token {
    /// The text, however it was written.
    pub fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Quoted(text) => text,
        }
    }
}

/// The texts of words.
pub fn words(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(Token::text).collect()
}

/// The first of some words, for a reason. What is quoted may be a value of the environment, and is left out.
pub fn shown(tokens: &[Token]) -> &str {
    match tokens.first() {
        Some(Token::Word(word)) => word,
        Some(Token::Quoted(_)) => "a text in quotes",
        None => "nothing",
    }
}

/// Splits a text into what is sent as it is and slots.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let braces = rest[at..].bytes().take_while(|byte| *byte == b'{').count();
        let open = at + braces - 2;
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 2..];
        let end = slot_end(inside)?;
        pieces.push(Piece::Slot(&inside[..end]));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Where the `}}` of a slot stands.
fn slot_end(inside: &str) -> Result<usize, String> {
    let bytes = inside.as_bytes();
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
    }
    let what = if quoted { "a quote ' that is not closed in {{ … }}" } else { "{{ without }} behind it" };
    Err(format!("has {what}; to send two braces, write {{{{'{{{{'}}}}"))
}

/// Splits a slot at `|`, and each part into words.
pub fn tokens(slot: &str) -> Result<Vec<Vec<Token>>, String> {
    let mut parts = vec![Vec::new()];
    let mut rest = slot.trim_start();
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '|' => {
                parts.push(Vec::new());
                rest = rest[1..].trim_start();
                continue;
            }
            '\'' => {
                let (text, behind) = quoted(&rest[1..])?;
                rest = behind;
                Token::Quoted(text)
            }
            _ => {
                let end =
                    rest.find(|c: char| c.is_whitespace() || matches!(c, '|' | '\'')).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                rest = behind;
                Token::Word(word.to_owned())
            }
        };
        if let Some(part) = parts.last_mut() {
            part.push(token);
        }
        rest = rest.trim_start();
    }
    Ok(parts)
}

/// A quoted text, from behind its first quote, and what follows it.
fn quoted(rest: &str) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut from = rest;
    loop {
        let Some((before, behind)) = from.split_once('\'') else {
            return Err("has a quote ' that is not closed".to_owned());
        };
        text.push_str(before);
        match behind.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                from = more;
            }
            None => return Ok((text, behind)),
        }
    }
}

/// A text as a quoted source, so that it is never read as something else.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
