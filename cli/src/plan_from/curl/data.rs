//! The data of a curl command (`-d` and its like): texts and files, joined into a body or a query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is written as %XX.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a text of the body comes from.
pub enum Datum {
    Text(String),
    File(String),
}

pub fn text_or_file(value: String) -> Datum {
    match value.strip_prefix('@') {
        Some(file) => Datum::File(file.to_owned()),
        None => Datum::Text(value),
    }
}

/// `--data-urlencode`: `content`, `=content`, `name=content`, `@file` or `name@file`.
pub fn urlencoded(value: &str) -> Result<Datum, String> {
    match value.split_once('=') {
        Some(("", content)) => Ok(Datum::Text(percent_encoded(content))),
        Some((name, content)) => Ok(Datum::Text(format!("{name}={}", percent_encoded(content)))),
        None if value.contains('@') => {
            Err("--data-urlencode with a file: its content would have to be encoded; give it as a text"
                .to_owned())
        }
        None => Ok(Datum::Text(percent_encoded(value))),
    }
}

/// All but unreserved characters as %XX (RFC 3986).
fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// A path with the data of `-G` in its query.
pub fn with_query(mut path: String, data: &[Datum], remarks: &mut Vec<String>) -> String {
    for datum in data {
        match datum {
            Datum::Text(text) => {
                path.push(if path.contains('?') { '&' } else { '?' });
                // What curl would send as it is breaks a request line: these characters at least are encoded.
                for c in text.chars() {
                    if c.is_ascii_graphic() && c != '#' {
                        path.push(c)
                    } else {
                        path.push_str(&percent_encoded(&c.to_string()))
                    }
                }
            }
            Datum::File(_) => {
                remarks.push("-G with @file: the file is not read; write the query into the URL".to_owned())
            }
        }
    }
    path
}
