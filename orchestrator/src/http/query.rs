//! The query of a URL, read strictly: unknown, repeated, badly encoded and out of range parameters are faults, and
//! all of them are answered at once.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use percent_encoding::percent_decode_str;

use super::problem::{KeyProblem, Problem};

/// The parameters of a query, decoded, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Query {
    given: Vec<(String, String)>,
    faults: Vec<KeyProblem>,
}

impl Query {
    /// Reads a query that may have the parameters `known`, each once. The handler takes the values it knows, and then
    /// asks whether there were faults ([`Query::done`]).
    pub fn parse(query: &str, known: &[&str]) -> Self {
        let mut read = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(raw_name), decode(raw_value)) else {
                read.fault(raw_name, raw_value, "is not percent-encoded UTF-8");
                continue;
            };
            if !known.contains(&name.as_str()) {
                let reason = match known {
                    [] => "is unknown: this path has no parameters".to_owned(),
                    known => format!("is unknown: this path has {}", known.join(", ")),
                };
                read.fault(&name, &value, reason);
            } else if read.given.iter().any(|(given, _)| *given == name) {
                read.fault(&name, &value, "is given twice");
            } else {
                read.given.push((name, value));
            }
        }
        read
    }

    /// Checks a query that must have no parameters.
    ///
    /// # Errors
    /// 400 that names every parameter.
    pub fn none(query: &str) -> Result<(), Problem> {
        Self::parse(query, &[]).done()
    }

    /// A parameter's text, if it is given.
    pub fn text(&self, name: &str) -> Option<String> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// A parameter that a type reads, if it is given and the type takes it; what it does not take is a fault.
    pub fn get<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|error| self.fault(name, &text, error.to_string())).ok()
    }

    /// A parameter's whole number within a range, if it is given; another value is a fault.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.get(name, |text| {
            // Digits alone: u64's own parser takes "+5".
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<u64>().ok().filter(|number| digits && range.contains(number));
            number.ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// Whether all was right.
    ///
    /// # Errors
    /// 400 that names every fault.
    pub fn done(self) -> Result<(), Problem> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::parameters(StatusCode::BAD_REQUEST, self.faults))
        }
    }

    fn fault(&mut self, name: &str, value: &str, reason: impl Into<String>) {
        self.faults.push(KeyProblem::of_parameter(name, value, reason));
    }
}

/// Decodes `%xx` and `+`; `None` where an escape is broken or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    decode_segment(&text.replace('+', " "))
}

/// Decodes `%xx` of a path's segment.
pub fn decode_segment(text: &str) -> Option<String> {
    // The crate keeps a broken escape as it is. Here it is a fault, so that a typing error is not looked up as an id.
    let is_whole = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_whole) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let mut query = Query::parse("driver=a%20b+c&from=3&&", &["driver", "from", "to"]);
        assert_eq!(query.text("driver").as_deref(), Some("a b c"));
        assert_eq!(query.number("from", 0..=9), Some(3));
        assert_eq!(query.number("to", 0..=9), None);
        query.done().unwrap();
    }

    #[test]
    fn an_escape_is_decoded_once_and_a_plus_is_a_blank_in_a_query_alone() {
        for (text, of_a_query, of_a_path) in [
            ("a+b%2Bc", Some("a b+c"), Some("a+b+c")),
            ("%2525", Some("%25"), Some("%25")),
            ("%c3%BC", Some("ü"), Some("ü")),
            ("%C3", None, None),
            ("%é0", None, None),
            ("100%", None, None),
        ] {
            assert_eq!(decode(text).as_deref(), of_a_query, "{text}");
            assert_eq!(decode_segment(text).as_deref(), of_a_path, "{text}");
        }
    }

    /// The parameters that are named as wrong.
    fn wrong(query: &str) -> Vec<String> {
        let mut query = Query::parse(query, &["limit", "cursor"]);
        query.number("limit", 1..=200);
        let Err(problem) = query.done() else { return Vec::new() };
        assert_eq!(problem.status, 400);
        problem.errors.into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        for (query, names) in [
            ("x=1", &["x"][..]),
            ("limit=1&limit=1", &["limit"]),
            ("limit=%", &["limit"]),
            ("limit=%f", &["limit"]),
            ("limit=%ff", &["limit"]),
            ("limit=%2%30", &["limit"]),
            ("limit=%+5", &["limit"]),
            ("%zz=1", &["%zz"]),
            ("limit=many&colour=red", &["colour", "limit"]),
            ("a=1&b=2&limit=0&cursor=%&c", &["a", "b", "cursor", "c", "limit"]),
            ("limit=5", &[]),
        ] {
            assert_eq!(wrong(query), names, "{query}");
        }
        for limit in ["", "0", "201", "-1", "+1", "1.0", "x", "99999999999999999999", "١"] {
            assert_eq!(wrong(&format!("limit={limit}")), ["limit"], "{limit}");
        }
    }

    #[test]
    fn the_sentence_names_each_parameter_and_its_reason() {
        let mut query = Query::parse("limit=many&colour=red", &["limit"]);
        query.number("limit", 1..=9);
        assert_eq!(
            query.done().unwrap_err().detail,
            "2 parameters are wrong: colour: is unknown: this path has limit; limit: expected a whole number from 1 to 9"
        );
    }
}
