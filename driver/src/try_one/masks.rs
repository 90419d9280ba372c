//! What must not be shown: secrets of the plan and of answers, and fields that carry log-ins. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
pub use common::plan::MASK;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// Fields whose values are log-ins.
const LOG_INS: [&str; 2] = ["authorization", "proxy-authorization"];

/// The secrets that are known so far, in each form in which a request or an answer may hold them.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    /// In lower case, the longest first.
    needles: Vec<Vec<u8>>,
}

impl Masks {
    /// Hides a value from now on.
    pub fn add(&mut self, secret: &[u8]) {
        let text = String::from_utf8_lossy(secret);
        let percent = percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let mut unreserved = percent.clone();
        for (code, character) in [("%2D", "-"), ("%2E", "."), ("%5F", "_"), ("%7E", "~")] {
            unreserved = unreserved.replace(code, character);
        }
        let json = serde_json::to_string(&text).unwrap_or_default();
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
        let mut forms = vec![
            secret.to_vec(),
            unreserved.replace("%20", "+").into_bytes(),
            unreserved.into_bytes(),
            percent.into_bytes(),
            json.replace('/', "\\/").into_bytes(),
            json.as_bytes().to_vec(),
            html_escape::encode_quoted_attribute(&text).as_bytes().to_vec(),
            STANDARD.encode(secret).into_bytes(),
            STANDARD_NO_PAD.encode(secret).into_bytes(),
            URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        ];
        forms.iter_mut().for_each(|form| form.make_ascii_lowercase());
        self.needles.extend(forms.into_iter().filter(|form| !form.is_empty()));
        self.needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.needles.dedup();
    }

    /// Hides what the other hides, too.
    pub fn join(&mut self, other: Self) {
        self.needles.extend(other.needles);
        self.needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.needles.dedup();
    }

    /// Whether a secret stands in it.
    pub fn is_in(&self, text: &[u8]) -> bool {
        (0..text.len()).any(|at| self.at(text, at).is_some())
    }

    /// The same without secrets, in any case.
    pub fn bytes(&self, text: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
        while at < text.len() {
            match self.at(text, at) {
                Some(length) => {
                    out.extend_from_slice(MASK.as_bytes());
                    at += length;
                }
                None => {
                    out.push(text[at]);
                    at += 1;
                }
            }
        }
        out
    }

    /// As [`Masks::bytes`], as a text.
    pub fn text(&self, text: &[u8]) -> String {
        String::from_utf8_lossy(&self.bytes(text)).into_owned()
    }

    /// The value of a field as it may be shown.
    pub fn field(&self, name: &str, value: &[u8]) -> String {
        let text = self.text(value);
        if LOG_INS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return match text.split_once(' ') {
                Some((scheme, _)) => format!("{scheme} {MASK}"),
                None => MASK.to_owned(),
            };
        }
        if name.eq_ignore_ascii_case("cookie") {
            return text.split("; ").map(hidden_value).collect::<Vec<_>>().join("; ");
        }
        if name.eq_ignore_ascii_case("set-cookie") {
            return match text.split_once(';') {
                Some((pair, attributes)) => format!("{};{attributes}", hidden_value(pair)),
                None => hidden_value(&text),
            };
        }
        text
    }

    /// How long the secret is that begins there.
    fn at(&self, text: &[u8], at: usize) -> Option<usize> {
        let begins = |needle: &&Vec<u8>| {
            text[at..].get(..needle.len()).is_some_and(|found| found.eq_ignore_ascii_case(needle))
        };
        self.needles.iter().find(begins).map(Vec::len)
    }
}

/// Whether the values of a field are log-ins or cookies.
pub fn is_hidden(name: &str) -> bool {
    LOG_INS.into_iter().chain(["cookie", "set-cookie"]).any(|known| name.eq_ignore_ascii_case(known))
}

fn hidden_value(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_all_their_forms() {
        let mut masks = Masks::default();
        masks.add(b"a b&\"c");
        masks.add(b"a b");
        masks.add(b"a/c");
        masks.add(b"d\"");
        masks.add(b"");
        for (text, expected) in [
            ("x a b&\"c y", "x *** y"),
            ("A B&\"C", "***"),
            ("q=a%20b%26%22c&r=a+b%26%22c", "q=***&r=***"),
            ("{\"k\":\"a b&\\\"c\"}", "{\"k\":\"***\"}"),
            ("a b&amp;&quot;c", "***"),
            (r"a\/c and a/c", "*** and ***"),
            (r#"{"k":"d\""}"#, r#"{"k":"***"}"#),
            ("YSBiJiJj", "***"),
            ("a b alone, a c not", "*** alone, a c not"),
        ] {
            assert_eq!(masks.text(text.as_bytes()), expected);
            assert!(masks.is_in(text.as_bytes()));
        }
        assert!(!masks.is_in(b"nothing"));
    }

    #[test]
    fn log_ins_and_cookies_are_hidden_and_their_names_are_not() {
        let masks = Masks::default();
        for (name, value, expected) in [
            ("Authorization", "Bearer abc", "Bearer ***"),
            ("authorization", "abc", "***"),
            ("cookie", "a=1; b=2=3", "a=***; b=***"),
            ("Set-Cookie", "sid=1; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly"),
            ("set-cookie", "sid=1", "sid=***"),
            ("x-other", "a=1", "a=1"),
        ] {
            assert_eq!(masks.field(name, value.as_bytes()), expected);
        }
    }
}
