//! A small, strict reader of multipart/form-data (RFC 7578): a body that a careful sender would not send is malformed.
//! No preamble, no epilogue, no padding after a boundary, a name for each part.

use std::borrow::Cow;

use serde::Serialize;

/// Most parts of a body.
const MAX_PARTS: usize = 1_000;

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The name of its file, where it has one.
    pub filename: Option<String>,
    /// Its content type; `text/plain` where it has none.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Its length in bytes.
    pub size: usize,
}

/// Why a body is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The content type of the request.
    #[error("content-type is not multipart/form-data with a boundary of 1 to 70 characters")]
    ContentType,
    /// Where the body begins.
    #[error("the body does not begin with its boundary and a line end")]
    Beginning,
    /// After a boundary.
    #[error("a boundary is followed by something else than a line end or --")]
    AfterBoundary,
    /// A part's head.
    #[error("a part's head has no empty line after it, or a line that is not a header field")]
    Head,
    /// A part's content-disposition.
    #[error("a part has no content-disposition: form-data with a name in quotes, or has two")]
    Disposition,
    /// A part's encoding.
    #[error("a part has a content-transfer-encoding, which HTTP does not use")]
    Encoding,
    /// Where the body ends.
    #[error("the body does not end with its closing boundary")]
    End,
    /// Too many parts.
    #[error("the body has more than 1,000 parts")]
    TooMany,
}

/// Reads the parts of a body.
///
/// # Errors
/// Where the content type or the body is malformed.
pub fn read(content_type: &str, body: &[u8]) -> Result<Vec<Part>, Malformed> {
    let boundary = boundary(content_type).ok_or(Malformed::ContentType)?;
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    // The first boundary has no line end before it.
    let mut rest = body.strip_prefix(&delimiter[2..]).ok_or(Malformed::Beginning)?;
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            let whole = !parts.is_empty() && (end.is_empty() || end == b"\r\n");
            return if whole { Ok(parts) } else { Err(Malformed::End) };
        }
        // With its line end, so that a head of no lines is found too.
        if !rest.starts_with(b"\r\n") {
            return Err(if rest.is_empty() { Malformed::End } else { Malformed::AfterBoundary });
        }
        if parts.len() >= MAX_PARTS {
            return Err(Malformed::TooMany);
        }
        let head_end = find(rest, b"\r\n\r\n").ok_or(Malformed::Head)?;
        let head = rest.get(2..head_end).ok_or(Malformed::Disposition)?;
        // The line end of the empty line may be that of the boundary after a part without a body.
        let content = &rest[head_end + 2..];
        let content_end = find(content, delimiter).ok_or(Malformed::End)?;
        let size = content_end.saturating_sub(2);
        parts.push(part(head, size)?);
        rest = &content[content_end + delimiter.len()..];
    }
}

/// The boundary in a request's content type.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameter(parameters, "boundary")?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=70).contains(&value.len()) && !value.ends_with(' ') && value.bytes().all(good);
    fits.then_some(value)
}

fn part(head: &[u8], size: usize) -> Result<Part, Malformed> {
    let head = std::str::from_utf8(head).map_err(|_| Malformed::Head)?;
    let (mut disposition, mut content_type) = (None, None);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or(Malformed::Head)?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) || value.contains(['\r', '\n', '\0']) {
            return Err(Malformed::Head);
        }
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_some() => return Err(Malformed::Disposition),
            "content-disposition" => disposition = Some(value.trim()),
            "content-type" if content_type.is_some() => return Err(Malformed::Head),
            "content-type" => content_type = Some(value.trim()),
            "content-transfer-encoding" => return Err(Malformed::Encoding),
            // RFC 7578, section 4.8: others are ignored.
            _ => {}
        }
    }
    let (kind, parameters) =
        disposition.and_then(|text| text.split_once(';')).ok_or(Malformed::Disposition)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") || parameter(parameters, "filename*").is_some() {
        return Err(Malformed::Disposition);
    }
    Ok(Part {
        name: parameter(parameters, "name").ok_or(Malformed::Disposition)?,
        filename: parameter(parameters, "filename"),
        content_type: content_type.unwrap_or("text/plain").to_owned(),
        size,
    })
}

/// The value of a parameter in `a=b; c="d"`; none where the text is malformed before it is found.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            let end = end_of_quoted(quoted)?;
            (unquoted(&quoted[..end]), &quoted[end + 1..])
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// Where the quote is that ends a quoted text; one behind a backslash does not end it.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Without the escapes of either kind: `\"` and `\\`, and what browsers write, `%22`, `%0D` and `%0A`.
fn unquoted(text: &str) -> String {
    let mut out = Cow::Borrowed(text);
    for (escape, character) in [("\\\"", "\""), ("\\\\", "\\"), ("%22", "\""), ("%0D", "\r"), ("%0A", "\n")] {
        if out.contains(escape) {
            out = Cow::Owned(out.replace(escape, character));
        }
    }
    out.into_owned()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XX";

    fn sizes(body: &str) -> Result<Vec<usize>, Malformed> {
        Ok(read(TYPE, body.as_bytes())?.into_iter().map(|part| part.size).collect())
    }

    #[test]
    fn names_files_types_and_sizes_are_read() {
        let body = "--b 1\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nGrüße\r\n\
                    --b 1\r\ncontent-type: image/png\r\nX-Other: 1\r\n\
                    content-disposition: form-data; name=\"a \\\"b%22\"; filename=\"p;=1.png\"\r\n\r\n\r\n--b 2\r\n--b 1--\r\n";
        let parts = read("Multipart/Form-Data; charset=utf-8; boundary=\"b 1\"", body.as_bytes()).unwrap();
        let expected = [
            Part { name: "title".into(), filename: None, content_type: "text/plain".into(), size: 7 },
            Part {
                name: "a \"b\"".into(),
                filename: Some("p;=1.png".into()),
                content_type: "image/png".into(),
                size: 7,
            },
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_part_may_be_empty() {
        let head = "--XX\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n";
        assert_eq!(sizes(&format!("{head}\r\n--XX--")), Ok(vec![0]));
        assert_eq!(sizes(&format!("{head}--XX--")), Ok(vec![0]), "the empty line's end is the boundary's");
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_reason() {
        let good = "--XX\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--\r\n";
        assert_eq!(sizes(good), Ok(vec![1]));
        for (from, to, expected) in [
            ("--XX\r\nc", "hello\r\n--XX\r\nc", Malformed::Beginning),
            ("--XX\r\nc", "--XX \r\nc", Malformed::AfterBoundary),
            ("--XX--", "--XXY--", Malformed::AfterBoundary),
            ("--XX--", "--XX", Malformed::Head),
            ("--XX--\r\n", "--XX", Malformed::End),
            ("--XX--\r\n", "--XX--\r\nmore", Malformed::End),
            ("\r\n--XX--\r\n", "", Malformed::End),
            ("\r\n\r\n1", "\r\n1", Malformed::Head),
            ("content-disposition", "content disposition", Malformed::Head),
            ("; name=\"a\"", "", Malformed::Disposition),
            ("form-data", "attachment", Malformed::Disposition),
            ("name=\"a\"", "name=\"a", Malformed::Disposition),
            ("\"a\"", "\"a\"; filename*=UTF-8''x", Malformed::Disposition),
            ("content-disposition: form-data; name=\"a\"\r\n", "", Malformed::Disposition),
            ("\"a\"", "\"a\"\r\ncontent-transfer-encoding: base64", Malformed::Encoding),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(sizes(&good.replace(from, to)), Err(expected), "{from:?} -> {to:?}");
        }
        assert_eq!(sizes("--XX--\r\n"), Err(Malformed::End), "no part");
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=XX",
            "text/plain",
        ] {
            assert_eq!(read(kind, good.as_bytes()), Err(Malformed::ContentType), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn any_content_without_the_boundary_keeps_its_size(content in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(find(&content, b"--XX").is_none());
            let mut body = b"--XX\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n".to_vec();
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n--XX--\r\n");
            prop_assert_eq!(read(TYPE, &body).unwrap()[0].size, content.len());
        }

        #[test]
        fn no_body_panics(body in "(--XX|\r\n|--|content-disposition: form-data; name=\"a\"|\"|\\\\|;|=|x|ü){0,12}") {
            let _ = read(TYPE, body.as_bytes());
            let _ = read(&body, b"");
        }
    }
}
