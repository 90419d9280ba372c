//! How a value is written for the place it stands in. A value is the end of a buffer, and is changed there.

use common::plan::program::Place;

use super::RenderError;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What happens to a slot's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Nothing: the place has any byte.
    None,
    /// Nothing: the value has no byte that any place would escape.
    Never,
    /// %XX but for unreserved characters.
    Percent,
    /// Nothing, but a blank or a control character is an error: a raw path or query.
    Target,
    /// Nothing, but a control character other than a tab is an error.
    Header,
    /// As the content of a JSON string.
    Json,
    /// As a quoted parameter of a multipart head: `"` and line breaks as %XX, as browsers do.
    Quoted,
}

impl Escape {
    /// The escape of a place; `raw`: whether the slot's last filter says so.
    pub fn of(place: Place, raw: bool) -> Self {
        match (place, raw) {
            (Place::Path | Place::Query, false) => Self::Percent,
            (Place::Path | Place::Query, true) => Self::Target,
            (Place::Header, _) => Self::Header,
            (Place::JsonString, false) => Self::Json,
            (Place::JsonString, true) | (Place::Plain, _) => Self::None,
        }
    }

    /// Escapes what stands in `out` from there on.
    ///
    /// # Errors
    /// Where it cannot stand in this place.
    #[inline]
    pub fn apply(self, out: &mut Vec<u8>, from: usize) -> Result<(), RenderError> {
        let value = out.get(from..).unwrap_or_default();
        match self {
            Self::None | Self::Never => {}
            Self::Percent if value.iter().all(|b| is_unreserved(*b)) => {}
            Self::Percent => expand(out, from, percent),
            Self::Target if value.iter().any(|b| is_blank_or_control(*b)) => {
                return Err(RenderError::Template);
            }
            Self::Target => {}
            Self::Header if value.iter().any(|b| is_control(*b) && *b != b'\t') => {
                return Err(RenderError::Template);
            }
            Self::Header => {}
            Self::Json if !value.iter().any(|b| needs_json_escape(*b)) => {}
            Self::Json => expand(out, from, json),
            Self::Quoted if !value.iter().any(|b| matches!(b, b'"' | b'\r' | b'\n')) => {}
            Self::Quoted => expand(out, from, quoted),
        }
        Ok(())
    }
}

/// Replaces what stands in `out` from there on by what is appended for each of its bytes.
pub fn expand(out: &mut Vec<u8>, from: usize, append: impl Fn(u8, &mut Vec<u8>)) {
    let end = out.len();
    for at in from..end {
        let byte = out[at];
        append(byte, out);
    }
    replace(out, from, end);
}

/// Removes `from..end`, so that what was appended stands in its place.
pub fn replace(out: &mut Vec<u8>, from: usize, end: usize) {
    let length = out.len() - end;
    out.copy_within(end.., from);
    out.truncate(from + length);
}

/// Characters that stand for themselves everywhere in a URL (RFC 3986, section 2.3).
pub const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Whether no header value has it.
pub const fn is_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7F
}

/// Whether no request line has it inside its target.
pub const fn is_blank_or_control(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7F
}

const fn needs_json_escape(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\')
}

/// Appends a byte of a path, query or form.
pub fn percent(byte: u8, out: &mut Vec<u8>) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Appends a byte of a path as the plan has it: what no request line can hold is %XX, the rest as written.
pub fn literal_target(byte: u8, out: &mut Vec<u8>) {
    if is_blank_or_control(byte) || !byte.is_ascii() { percent(byte, out) } else { out.push(byte) }
}

/// Appends a byte of the content of a JSON string.
pub fn json(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        control if control < b' ' => {
            out.extend(b"\\u00");
            out.extend([HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
            return;
        }
        plain => return out.push(plain),
    };
    out.extend([b'\\', short]);
}

/// Appends a byte of a quoted parameter.
pub fn quoted(byte: u8, out: &mut Vec<u8>) {
    if matches!(byte, b'"' | b'\r' | b'\n') { percent(byte, out) } else { out.push(byte) }
}

/// Appends a byte of HTML text.
pub fn html(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'&' => out.extend(b"&amp;"),
        b'<' => out.extend(b"&lt;"),
        b'>' => out.extend(b"&gt;"),
        b'"' => out.extend(b"&quot;"),
        b'\'' => out.extend(b"&#39;"),
        plain => out.push(plain),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(escape: Escape, value: &[u8]) -> Result<Vec<u8>, RenderError> {
        let mut out = b"before ".to_vec();
        out.extend(value);
        escape.apply(&mut out, 7).map(|()| out[7..].to_vec())
    }

    #[test]
    fn each_place_has_its_escapes() {
        for (escape, value, expected) in [
            (Escape::Percent, "a-b_c.d~9", Some("a-b_c.d~9")),
            (Escape::Percent, "a b/ü?&+", Some("a%20b%2F%C3%BC%3F%26%2B")),
            (Escape::Target, "/a/?b=ü", Some("/a/?b=ü")),
            (Escape::Target, "/a b", None),
            (Escape::Target, "/a\r\nb", None),
            (Escape::Header, "a\tb ü", Some("a\tb ü")),
            (Escape::Header, "a\nb", None),
            (Escape::Header, "a\u{7f}b", None),
            (Escape::Json, "a\"b\\c\n\u{1}\u{1f}/ü", Some("a\\\"b\\\\c\\n\\u0001\\u001F/ü")),
            (Escape::Quoted, "a\"b\r\n;", Some("a%22b%0D%0A;")),
            (Escape::None, "a\n\"", Some("a\n\"")),
        ] {
            let got = escaped(escape, value.as_bytes());
            let expected = expected.map(|text| text.as_bytes().to_vec()).ok_or(RenderError::Template);
            assert_eq!(got, expected, "{escape:?} {value:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(value: Vec<u8>, text: String) {
            let sent = String::from_utf8(escaped(Escape::Percent, &value).unwrap()).unwrap();
            prop_assert_eq!(percent_encoding::percent_decode_str(&sent).collect::<Vec<u8>>(), value);
            let sent = String::from_utf8(escaped(Escape::Json, text.as_bytes()).unwrap()).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&format!("\"{sent}\"")).unwrap(), text);
        }
    }
}
