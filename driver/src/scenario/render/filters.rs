//! What filters do to a value that stands at the end of a buffer.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use common::plan::program::Filter;
use sha2::{Digest, Sha256};

use super::escape::{expand, html, json, percent, replace};
use super::{MAX_RENDERED, RenderError};

/// Changes what stands in `out` from there on.
///
/// # Errors
/// Where it is not a number and `number` asks for one, or where it becomes longer than any request may be.
pub fn apply(filter: Filter, out: &mut Vec<u8>, from: usize) -> Result<(), RenderError> {
    let end = out.len();
    match filter {
        Filter::Json => expand(out, from, json),
        Filter::Url => expand(out, from, percent),
        Filter::Html => expand(out, from, html),
        Filter::Raw => {}
        Filter::Number if is_json_number(&out[from..]) => {}
        Filter::Number => return Err(RenderError::Template),
        Filter::Pad(width) => pad(out, from, usize::from(width)),
        Filter::Times(n) => times(out, from, usize::from(n))?,
        Filter::Base64 => base64(out, from)?,
        Filter::Sha256 => {
            let digest = Sha256::digest(&out[from..]);
            out.truncate(from);
            digest.iter().for_each(|byte| out.extend(lower_hex(*byte)));
        }
        Filter::Lower if out[from..].is_ascii() => out[from..].make_ascii_lowercase(),
        Filter::Lower => change_case(out, from, |c, into| c.to_lowercase().for_each(into)),
        Filter::Upper if out[from..].is_ascii() => out[from..].make_ascii_uppercase(),
        Filter::Upper => change_case(out, from, |c, into| c.to_uppercase().for_each(into)),
    }
    let grew = out.len() > end;
    if grew && out.len() - from > MAX_RENDERED { Err(RenderError::Template) } else { Ok(()) }
}

/// The two digits of a byte.
pub fn lower_hex(byte: u8) -> [u8; 2] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

fn pad(out: &mut Vec<u8>, from: usize, width: usize) {
    // Characters: bytes that do not continue one (of UTF-8).
    let characters = out[from..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let zeros = width.saturating_sub(characters);
    let end = out.len();
    out.resize(end + zeros, b'0');
    out.copy_within(from..end, from + zeros);
    out[from..from + zeros].fill(b'0');
}

fn times(out: &mut Vec<u8>, from: usize, n: usize) -> Result<(), RenderError> {
    let end = out.len();
    if (end - from).saturating_mul(n) > MAX_RENDERED {
        return Err(RenderError::Template);
    }
    if n == 0 {
        out.truncate(from);
    }
    (1..n).for_each(|_| out.extend_from_within(from..end));
    Ok(())
}

/// Replaces what stands in `out` from there on by its base64, with padding.
///
/// # Errors
/// Where it is longer than any request may be.
pub fn base64(out: &mut Vec<u8>, from: usize) -> Result<(), RenderError> {
    let end = out.len();
    let length = base64::encoded_len(end - from, true).ok_or(RenderError::Template)?;
    out.resize(end + length, 0);
    let (given, room) = out.split_at_mut(end);
    let written = BASE64.encode_slice(&given[from..], room).map_err(|_| RenderError::Template)?;
    out.truncate(end + written);
    replace(out, from, end);
    Ok(())
}

/// Changes each character; what is not UTF-8 stays as it is.
fn change_case(out: &mut Vec<u8>, from: usize, change: impl Fn(char, &mut dyn FnMut(char))) {
    let end = out.len();
    let mut at = from;
    while at < end {
        let length = match out[at] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => 1,
        };
        let bytes = out.get(at..(at + length).min(end)).unwrap_or_default();
        match std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()) {
            Some(c) => {
                change(c, &mut |c| out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()));
                at += length;
            }
            None => {
                out.push(out[at]);
                at += 1;
            }
        }
    }
    replace(out, from, end);
}

/// Whether these bytes are one number of JSON (RFC 8259, section 6).
fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = &fraction[n..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent =
            exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let n = digits(exponent);
        if n == 0 {
            return false;
        }
        rest = &exponent[n..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(filters: &[Filter], value: &str, expected: Option<&str>) {
        let mut out = b"x".to_vec();
        out.extend(value.as_bytes());
        let result = filters.iter().try_for_each(|filter| apply(*filter, &mut out, 1));
        let got = result.ok().map(|()| String::from_utf8(out[1..].to_vec()).unwrap());
        assert_eq!(got.as_deref(), expected, "{filters:?} {value:?}");
    }

    #[test]
    fn each_filter_changes_the_text_as_it_says() {
        check(&[Filter::Json], "a\"b", Some("a\\\"b"));
        check(&[Filter::Url], "a b/", Some("a%20b%2F"));
        check(&[Filter::Html], "<a href=\"x\">&'", Some("&lt;a href=&quot;x&quot;&gt;&amp;&#39;"));
        check(&[Filter::Raw], "a b", Some("a b"));
        check(&[Filter::Pad(2)], "9", Some("09"));
        check(&[Filter::Pad(4)], "ü", Some("000ü"));
        check(&[Filter::Pad(2)], "123", Some("123"));
        check(&[Filter::Pad(0)], "", Some(""));
        check(&[Filter::Times(3)], "ab", Some("ababab"));
        check(&[Filter::Times(0)], "ab", Some(""));
        check(&[Filter::Times(1)], "ab", Some("ab"));
        check(&[Filter::Times(u16::MAX), Filter::Times(u16::MAX)], "a", None);
        check(&[Filter::Base64], "user:pass", Some("dXNlcjpwYXNz"));
        check(&[Filter::Base64], "", Some(""));
        check(&[Filter::Base64], "a", Some("YQ=="));
        check(
            &[Filter::Sha256],
            "abc",
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        );
        check(&[Filter::Lower], "ÄBC", Some("äbc"));
        check(&[Filter::Upper], "straße", Some("STRASSE"));
        check(&[Filter::Upper, Filter::Lower, Filter::Pad(5)], "aB1", Some("00ab1"));
    }

    #[test]
    fn a_number_is_one_of_json() {
        for number in ["0", "-0", "12", "-1.5", "1e9", "1E+9", "0.10", "2.0e-3"] {
            check(&[Filter::Number], number, Some(number));
        }
        for other in
            ["", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", " 1", "1 ", "1,2", "--1", "1\n"]
        {
            check(&[Filter::Number], other, None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(value in prop::collection::vec(any::<u8>(), 0..100), n in 0_u16..50) {
            for filter in [
                Filter::Json, Filter::Url, Filter::Html, Filter::Raw, Filter::Number, Filter::Pad(n), Filter::Times(n),
                Filter::Base64, Filter::Sha256, Filter::Lower, Filter::Upper,
            ] {
                let mut out = b"kept".to_vec();
                out.extend(&value);
                let _ = apply(filter, &mut out, 4);
                prop_assert!(out.starts_with(b"kept"));
            }
        }

        #[test]
        fn cases_are_those_of_characters(text in "\\PC{0,20}") {
            let expected: String = text.chars().flat_map(char::to_lowercase).collect();
            check(&[Filter::Lower], &text, Some(&expected));
            check(&[Filter::Upper], &text, Some(&text.to_uppercase()));
        }

        #[test]
        fn numbers_are_what_serde_json_takes_for_numbers(text in "-?[0-9.eE+-]{0,8}") {
            let number = serde_json::from_str::<serde_json::Number>(&text).is_ok();
            // Too large for an f64, and yet a number.
            prop_assume!(number || !text.contains(['e', 'E']));
            check(&[Filter::Number], &text, number.then_some(text.as_str()));
        }
    }
}
