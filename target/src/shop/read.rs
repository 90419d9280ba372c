//! Texts that a request carries: its query or form, its cookies, its credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A query or an urlencoded form, as names and values in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads `a=1&b=2`; what is not UTF-8 becomes U+FFFD.
    pub fn read(text: &str) -> Self {
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (decoded(name), decoded(value))
        };
        Self(text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A whole number in a range, where the name is there.
    ///
    /// # Errors
    /// A text that names the key and its value.
    pub fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(format!(
                "{name} = {text}: must be a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
    }
}

/// The value of a cookie in a `cookie` header.
pub fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The token of an `authorization` header of the kind Bearer.
pub fn bearer(header: &str) -> Option<&str> {
    credentials(header, "bearer")
}

/// User and password of an `authorization` header of the kind Basic.
pub fn basic(header: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(credentials(header, "basic")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn credentials<'a>(header: &'a str, kind: &str) -> Option<&'a str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case(kind).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_the_first_of_a_name_counts() {
        let pairs = Pairs::read("a=x+y%26z&b&a=2&&gr%C3%BC%C3%9Fe=ja");
        assert_eq!((pairs.get("a"), pairs.get("b"), pairs.get("c")), (Some("x y&z"), Some(""), None));
        assert_eq!(pairs.get("grüße"), Some("ja"));
    }

    #[test]
    fn a_number_out_of_its_range_is_named() {
        let pairs = Pairs::read("n=007&m=11&t=x");
        assert_eq!(pairs.number("n", 0..=10), Ok(Some(7)));
        assert_eq!(pairs.number("none", 0..=10), Ok(None));
        assert_eq!(pairs.number("m", 0..=10).unwrap_err(), "m = 11: must be a whole number from 0 to 10");
        assert!(pairs.number("t", 0..=10).unwrap_err().contains("t = x"));
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        assert_eq!(cookie("xa=1; a=2;b = 3", "a"), Some("2"));
        assert_eq!(cookie("xa=1", "a"), None);
        assert_eq!(cookie("", "a"), None);
    }

    #[test]
    fn credentials_of_both_kinds_are_read() {
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(basic("Basic bWU6c2U6Y3JldA=="), Some(("me".to_owned(), "se:cret".to_owned())));
        assert_eq!(basic("Basic ???"), None);
    }
}
