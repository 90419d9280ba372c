//! The URL that requests are sent to. Scheme, host and port are read as browsers read them; path and query are kept
//! and sent as they were given, because `..`, `%2e%2e` and `\\` in them may be what the test is about.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use url::{Position, Url};

use super::read::{MAX_URL_BYTES, parse_target_url};

/// A target's URL: http or https, with a host, without user and fragment.
///
/// As a [`Url`] it gives the scheme, the host and the port. The path and the query of that are those of a browser
/// (`/a/../b` is `/b`): what is sent is [`TargetUrl::path_and_query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    url: Url,
    /// The origin as a browser writes it, then path and query as they were given.
    text: String,
    /// Where the path begins in `text`.
    path_at: usize,
}

impl TargetUrl {
    /// Reads the URL of a target. Blanks and control characters are refused; what is not ASCII is sent as UTF-8,
    /// percent-encoded; any other character of path and query is sent as it is.
    ///
    /// # Errors
    /// The reason, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let url = parse_target_url(text)?;
        let (_, rest) = text.split_once("://").unwrap_or(("", text));
        // Where the URL standard ends the host.
        let path_at = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
        let given = &rest[path_at..];
        if path_at == 0 {
            return Err("has no host between :// and the path".to_owned());
        }
        if given.starts_with('\\') {
            return Err("has a path that begins with a backslash; write / before it".to_owned());
        }
        let mut text = url[..Position::BeforePath].to_owned();
        let path_at = text.len();
        // The path of a request is never empty (RFC 9112, 3.2.1).
        if !given.starts_with('/') {
            text.push('/');
        }
        for c in given.chars() {
            if c.is_ascii() {
                text.push(c);
            } else {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
            }
        }
        if text.len() > MAX_URL_BYTES {
            return Err(format!("is longer than {MAX_URL_BYTES} bytes"));
        }
        Ok(Self { url, text, path_at })
    }

    /// The whole URL as it is sent to.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Path and query as they are sent: the target of the request line.
    pub fn path_and_query(&self) -> &str {
        &self.text[self.path_at..]
    }

    /// The first character that the awc engine cannot send, if there is one: its type for a URI takes neither `<` nor
    /// `>`, nor a backtick in the path, nor `"` in the query. The wire engine sends all of them.
    pub fn beyond_awc(&self) -> Option<char> {
        let whole = self.path_and_query();
        let query_at = whole.find('?').unwrap_or(whole.len());
        let beyond = |(at, c): (usize, char)| {
            matches!(c, '<' | '>') || (c == '`' && at < query_at) || (c == '"' && at > query_at)
        };
        whole.char_indices().find(|it| beyond(*it)).map(|(_, c)| c)
    }

    /// The path as it is sent.
    pub fn path(&self) -> &str {
        let whole = self.path_and_query();
        whole.split_once('?').map_or(whole, |(path, _)| path)
    }
}

impl Deref for TargetUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for TargetUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn path_and_query_stay_as_they_were_given() {
        for (text, whole, sent) in [
            ("http://h/a/../b", "http://h/a/../b", "/a/../b"),
            ("http://h/..%2f./%2e%2E/x", "http://h/..%2f./%2e%2E/x", "/..%2f./%2e%2E/x"),
            ("http://h/a\\b\\..\\c", "http://h/a\\b\\..\\c", "/a\\b\\..\\c"),
            ("http://h//two///three", "http://h//two///three", "//two///three"),
            ("HTTP://Host:80/A", "http://host/A", "/A"),
            ("https://[::1]:8443/?", "https://[::1]:8443/?", "/?"),
            ("http://h", "http://h/", "/"),
            ("http://h?a=b?c/d", "http://h/?a=b?c/d", "/?a=b?c/d"),
            ("http://h/%zz%/'\"<>^`{|}", "http://h/%zz%/'\"<>^`{|}", "/%zz%/'\"<>^`{|}"),
            ("http://h/gr\u{fc}n?q=\u{20ac}", "http://h/gr%C3%BCn?q=%E2%82%AC", "/gr%C3%BCn?q=%E2%82%AC"),
            ("http://b\u{fc}cher.example/", "http://xn--bcher-kva.example/", "/"),
        ] {
            let url = TargetUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.path_and_query()), (whole, sent), "{text}");
            assert_eq!(url.to_string(), whole);
        }
        assert_eq!(TargetUrl::parse("http://h/../a?b").unwrap().path(), "/../a");
    }

    #[test]
    fn what_awc_cannot_send_depends_on_where_it_stands() {
        for (text, beyond) in [
            ("http://h/a\"b?c`d", None),
            ("http://h/a`b", Some('`')),
            ("http://h/?a\"", Some('"')),
            ("http://h/a>?<", Some('>')),
            ("http://h/?a?b<", Some('<')),
        ] {
            assert_eq!(TargetUrl::parse(text).unwrap().beyond_awc(), beyond, "{text}");
        }
    }

    #[test]
    fn what_no_request_line_carries_is_refused() {
        for (text, reason) in [
            ("http://h/a b", "%20"),
            ("http://h/a\u{a0}b", "%20"),
            ("http://h/a\tb", "%20"),
            ("http://h/\u{7f}", "%20"),
            ("http://h\\a", "backslash"),
            ("http:///h/a", "no host"),
            ("http://h/#a", "fragment"),
        ] {
            let error = TargetUrl::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
        let long = format!("http://h/{}", "\u{fc}".repeat(MAX_URL_BYTES / 3));
        assert!(TargetUrl::parse(&long).unwrap_err().contains("longer"), "it is, once it is encoded");
    }

    proptest! {
        #[test]
        fn any_visible_ascii_is_kept_and_read_again_as_the_same(
            path in "(/[!-~&&[^#]]{0,40})?",
            query in prop::option::of("[!-~&&[^#]]{0,20}"),
        ) {
            let given = query.map_or(path.clone(), |query| format!("{path}?{query}"));
            let url = TargetUrl::parse(&format!("http://127.0.0.1:8081{given}")).unwrap();
            let sent = if given.starts_with('/') { given } else { format!("/{given}") };
            prop_assert_eq!(url.path_and_query(), sent);
            prop_assert_eq!(TargetUrl::parse(url.as_str()).unwrap(), url);
        }
    }
}
