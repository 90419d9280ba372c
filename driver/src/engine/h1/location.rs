//! Where a redirect points: the `location` field of a head. It is read apart from the other fields, for the first
//! redirect of a connection alone, so that an ordinary answer pays nothing for it.

use crate::engine::MAX_LOCATION;

/// The field's value in a whole head; `None` if it is missing, empty, too long or not UTF-8.
pub fn location_in(head: &[u8]) -> Option<String> {
    let mut lines = head.split(|byte| *byte == b'\n').skip(1);
    let value = lines.find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        name.eq_ignore_ascii_case(b"location").then_some(&value[1..])
    })?;
    let value = value.trim_ascii();
    let usable = !value.is_empty() && value.len() <= MAX_LOCATION;
    usable.then(|| std::str::from_utf8(value).ok().map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_first_one_of_that_name() {
        let long = format!("HTTP/1.1 301 Moved\r\nlocation: /{}\r\n\r\n", "x".repeat(MAX_LOCATION));
        let table = [
            ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation:  /new?a=b:c \r\n\r\n", Some("/new?a=b:c")),
            ("HTTP/1.1 302 Found\nLOCATION:https://127.0.0.1/\n\n", Some("https://127.0.0.1/")),
            ("HTTP/1.1 302 Found\r\ncontent-location: /no\r\nx: location: /no\r\n\r\n", None),
            ("HTTP/1.1 302 location: /no\r\n\r\n", None),
            ("HTTP/1.1 302 Found\r\nlocation: \r\n\r\n", None),
            (&long, None),
        ];
        for (head, expected) in table {
            assert_eq!(location_in(head.as_bytes()).as_deref(), expected, "{head}");
        }
    }
}
