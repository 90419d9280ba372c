//! A request as it came: its first line, the fields of its head that the shop looks at, and its body. Nothing else of
//! HTTP: what the tools of this benchmark send is known.

/// More than any step sends.
const LARGEST: usize = 64 * 1024;

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub method: &'a [u8],
    /// With its query.
    pub path: &'a [u8],
    /// The value of the cookie `sid`, where there is one.
    pub sid: Option<&'a [u8]>,
    /// The header `x-token`.
    pub token: Option<&'a [u8]>,
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The request that `input` begins with, and its length in bytes; `None` while it is not whole.
    ///
    /// # Errors
    /// Where it is not understood; the connection cannot be read any further then.
    pub fn read(input: &'a [u8]) -> Result<Option<(Self, usize)>, &'static str> {
        let Some(head) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
            return if input.len() > LARGEST { Err("a head without an end") } else { Ok(None) };
        };
        let mut lines =
            input[..head].split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
        let (Some(method), Some(path), Some(b"HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
            return Err("not a first line of HTTP/1.1");
        };
        let (mut sids, mut sid, mut token, mut length) = (0, None, None, 0);
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                return Err("a line without a colon");
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"cookie") {
                for pair in value.split(|byte| *byte == b';') {
                    if let Some(value) = pair.trim_ascii().strip_prefix(b"sid=") {
                        (sids, sid) = (sids + 1, Some(value));
                    }
                }
            } else if name.eq_ignore_ascii_case(b"x-token") {
                token = Some(value);
            } else if name.eq_ignore_ascii_case(b"content-length") {
                let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                length = number.filter(|length| *length <= LARGEST).ok_or("a strange content-length")?;
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                return Err("a body in chunks");
            }
        }
        let from = head + 4;
        let Some(body) = input.get(from..from + length) else { return Ok(None) };
        let sid = sid.filter(|_| sids == 1);
        Ok(Some((Self { method, path, sid, token, body }, from + length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_last_byte() {
        let text = b"POST /cart HTTP/1.1\r\nHost: a\r\nCookie: x=1; sid=7\r\nX-Token:  t \r\ncontent-length: 2\r\n\r\n{}GET";
        let whole = text.len() - 3;
        for cut in 0..whole {
            assert_eq!(Request::read(&text[..cut]), Ok(None), "cut at {cut}");
        }
        let (request, length) = Request::read(text).unwrap().unwrap();
        assert_eq!(length, whole);
        let expected: Request<'_> =
            Request { method: b"POST", path: b"/cart", sid: Some(b"7"), token: Some(b"t"), body: b"{}" };
        assert_eq!(request, expected);
    }

    #[test]
    fn two_cookies_of_the_name_are_none() {
        let (request, _) = Request::read(b"GET / HTTP/1.1\r\ncookie: sid=1; sid=2\r\n\r\n").unwrap().unwrap();
        assert_eq!(request.sid, None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nnothing\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n",
        ] {
            assert!(Request::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
