//! Parses bytes into one JSON object or one bare word, before any field is read. The bounds are far above every real
//! record. Every failure is a [`Rejected`].

use super::fields::{Fields, Names};
use super::reject::{RejectReason, Rejected};

/// Largest payload that is parsed, in bytes. Real ones, which repeat every sample so far, grow to 700 kB.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// Deepest nesting of objects and arrays that is parsed. Ours nest five deep.
pub const MAX_DEPTH: usize = 64;

/// How often JSON may be wrapped in a JSON string.
const MAX_WRAPPINGS: u8 = 2;

/// Longest word that can mean the end of a test, in letters.
const MAX_WORD_LETTERS: usize = 16;

/// Words that programs print for "nothing", not for "the end".
const NO_WORDS: [&str; 10] =
    ["null", "none", "nil", "undefined", "true", "false", "nan", "inf", "infinity", "yes"];

/// What a payload is, before its fields are read.
#[derive(Debug)]
pub(super) enum Payload {
    /// The fields of one JSON object.
    Object(Fields),
    /// A bare word.
    Word(String),
}

/// Parses a payload, keeping the fields that `names` lists.
pub(super) fn parse(payload: Option<&[u8]>, names: &Names) -> Result<Payload, Rejected> {
    let bytes = payload.unwrap_or_default();
    if bytes.len() > MAX_RECORD_BYTES {
        let detail = format!("{} bytes are more than {MAX_RECORD_BYTES}", bytes.len());
        return Err(Rejected::new(RejectReason::TooLarge, detail));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Rejected::new(RejectReason::NotUtf8, format!("no UTF-8 from byte {}", error.valid_up_to()))
    })?;
    parse_text(text, names, MAX_WRAPPINGS)
}

fn parse_text(text: &str, names: &Names, wrappings: u8) -> Result<Payload, Rejected> {
    // A byte order mark, and the zero byte at the end that C programs forget to leave out.
    let text = text.trim_start_matches('\u{feff}').trim_matches(|c: char| c.is_whitespace() || c == '\0');
    match text.as_bytes().first() {
        None => Err(Rejected::new(RejectReason::Empty, "nothing in the payload")),
        Some(b'{') => {
            check_depth(text)?;
            parse_object(text, names).map(Payload::Object)
        }
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(inner) if wrappings > 0 => parse_text(&inner, names, wrappings - 1),
            Ok(_) => Err(Rejected::new(RejectReason::NotObject, "a text within a text within a text")),
            Err(error) => Err(Rejected::new(RejectReason::NotJson, error.to_string())),
        },
        Some(b'[') => Err(Rejected::new(RejectReason::NotObject, "an array")),
        Some(_) if is_end_word(text) => Ok(Payload::Word(text.to_owned())),
        Some(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            Err(Rejected::new(RejectReason::NotObject, super::reject::shown(text)))
        }
        Some(_) => Err(Rejected::new(RejectReason::NotJson, super::reject::shown(text))),
    }
}

fn is_end_word(text: &str) -> bool {
    (2..=MAX_WORD_LETTERS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !NO_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Python writes `NaN` and `Infinity` into JSON: a text that does not parse is parsed again without them.
fn parse_object(text: &str, names: &Names) -> Result<Fields, Rejected> {
    let error = match Fields::from_json(text, names) {
        Ok(fields) => return Ok(fields),
        Err(error) => error,
    };
    if (text.contains("NaN") || text.contains("Infinity"))
        && let Ok(fields) = Fields::from_json(&without_not_numbers(text), names)
    {
        return Ok(fields);
    }
    Err(Rejected::new(RejectReason::NotJson, error.to_string()))
}

/// The text with every `NaN`, `Infinity` and `-Infinity` outside of strings made `null`.
fn without_not_numbers(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let (mut in_string, mut escaped) = (false, false);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        if let Some(word) = word.filter(|_| !in_string) {
            clean.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        clean.push(c);
        rest = &rest[c.len_utf8()..];
    }
    clean
}

/// Refuses what is nested deeper than [`MAX_DEPTH`] before anything recurses into it.
fn check_depth(text: &str) -> Result<(), Rejected> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Rejected::new(RejectReason::TooDeep, format!("nested deeper than {MAX_DEPTH}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_numbers_are_nulled_outside_of_strings_alone() {
        let text = r#"{"a": NaN, "NaN": "-Infinity \" NaN", "b": [-Infinity, Infinity]}"#;
        let clean = r#"{"a": null, "NaN": "-Infinity \" NaN", "b": [null, null]}"#;
        assert_eq!(without_not_numbers(text), clean);
    }

    #[test]
    fn depth_is_counted_outside_of_strings_alone() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(check_depth(&deep(MAX_DEPTH)).is_ok());
        assert!(check_depth(&deep(MAX_DEPTH + 1)).is_err());
        assert!(check_depth(&format!("{{\"a\": \"\\\"{}\"}}", deep(500))).is_ok());
    }

    #[test]
    fn only_a_short_word_of_letters_means_the_end() {
        for word in ["EOT", "EOFBREAK", "done"] {
            assert!(is_end_word(word), "{word}");
        }
        for other in ["null", "None", "NaN", "x", "two words", "EOT1", "abcdefghijklmnopq", "ende\u{301}"] {
            assert!(!is_end_word(other), "{other}");
        }
    }
}
