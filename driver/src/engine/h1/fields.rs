//! All fields of a head, for those who want them, so that an answer whose head is not wanted pays nothing.

use std::mem::MaybeUninit;

use httparse::{Header, Response};

use super::head::rules;
use crate::scenario::answer::Field;

/// Fields that there is room for without an allocation; the room for a few takes less to prepare.
const USUAL_FIELDS: usize = 64;
const FEW_FIELDS: usize = 12;

const NO_FIELD: Field<'static> = Field { name: &[], value: &[] };

/// Parses a whole head and gives its fields, in their order; nothing where the bytes are not a head.
pub fn with_fields(head: &[u8], give: impl FnOnce(&[Field<'_>])) {
    // Each field takes a line, and the status another.
    let lines = memchr::memchr_iter(b'\n', head).count();
    let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    let mut more = Vec::new();
    let room = if lines <= USUAL_FIELDS {
        &mut usual[..]
    } else {
        more.resize_with(lines, MaybeUninit::uninit);
        &mut more[..]
    };
    let mut response = Response::new(&mut []);
    if rules().parse_response_with_uninit_headers(&mut response, head, room).is_err() {
        return;
    }
    give_fields(head, response.headers, give);
}

/// Gives the fields of a whole head that was parsed.
pub fn give_fields(head: &[u8], headers: &[Header<'_>], give: impl FnOnce(&[Field<'_>])) {
    // Without folded fields each has one line, between the status and the empty line.
    let lines = memchr::memchr_iter(b'\n', head).count();
    if lines != headers.len() + 2 && headers.iter().any(is_folded) {
        return give_unfolded(headers, give);
    }
    if headers.len() <= FEW_FIELDS {
        let mut fields = [NO_FIELD; FEW_FIELDS];
        for (into, header) in fields.iter_mut().zip(headers) {
            *into = of(header);
        }
        return give(&fields[..headers.len()]);
    }
    if headers.len() > USUAL_FIELDS {
        return give(&headers.iter().map(of).collect::<Vec<_>>());
    }
    let mut fields = [NO_FIELD; USUAL_FIELDS];
    for (into, header) in fields.iter_mut().zip(headers) {
        *into = of(header);
    }
    give(&fields[..headers.len()]);
}

fn of<'a>(header: &Header<'a>) -> Field<'a> {
    Field { name: header.name.as_bytes(), value: header.value }
}

/// Whether a value has several lines.
fn is_folded(header: &Header<'_>) -> bool {
    memchr::memchr2(b'\r', b'\n', header.value).is_some()
}

/// Gives fields of which some have several lines: RFC 9112, 5.2 puts blanks in place of the line breaks.
fn give_unfolded(headers: &[Header<'_>], give: impl FnOnce(&[Field<'_>])) {
    let blank = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
    let values: Vec<Vec<u8>> =
        headers.iter().map(|header| header.value.iter().map(blank).collect()).collect();
    let mut fields = Vec::with_capacity(headers.len());
    for (header, value) in headers.iter().zip(&values) {
        fields.push(Field { name: header.name.as_bytes(), value });
    }
    give(&fields);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: &[(&str, &str)]) {
        let mut given = None;
        with_fields(head.as_bytes(), |fields| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            given =
                Some(fields.iter().map(|field| (text(field.name), text(field.value))).collect::<Vec<_>>());
        });
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(given, Some(expected), "{head}");
    }

    #[test]
    fn all_fields_come_in_their_order_as_they_were_written() {
        check("HTTP/1.1 200 OK\r\n\r\n", &[]);
        check(
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nx:\r\nSET-COOKIE:  b=2; Path=/ \r\nset-cookie: a=1\r\n\r\n",
            &[("Set-Cookie", "a=1"), ("x", ""), ("SET-COOKIE", "b=2; Path=/"), ("set-cookie", "a=1")],
        );
        check("HTTP/1.1 200 OK\nx: 1\n\n", &[("x", "1")]);
    }

    #[test]
    fn a_folded_value_has_blanks_in_place_of_line_breaks() {
        check("HTTP/1.1 200 OK\r\nx: a\r\n\tb\r\ny: c\r\n\r\n", &[("x", "a  \tb"), ("y", "c")]);
    }

    #[test]
    fn there_may_be_more_fields_than_usual() {
        for usual in [FEW_FIELDS, USUAL_FIELDS] {
            [usual - 2, usual - 1, usual, usual + 1].into_iter().for_each(check_n);
        }
        [0, 1_000].into_iter().for_each(check_n);
    }

    #[track_caller]
    fn check_n(n: usize) {
        let lines: String = (0..n).map(|i| format!("x{i}: {i}\r\n")).collect();
        let names: Vec<_> = (0..n).map(|i| (format!("x{i}"), i.to_string())).collect();
        let names: Vec<_> = names.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        check(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n"), &names);
    }
}
