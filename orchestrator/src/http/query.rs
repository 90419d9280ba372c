//! The query of a URL, read strictly: unknown, repeated and badly encoded parameters are faults.

use actix_web::http::StatusCode;

use super::problem::Problem;

/// The parameters of a query, decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query that may have the parameters `known`, each once.
    ///
    /// # Errors
    /// 400 for the first parameter that is unknown, repeated or badly encoded.
    pub fn parse(query: &str, known: &[&str]) -> Result<Self, Problem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let fault = |reason: &str| Problem::parameter(StatusCode::BAD_REQUEST, name, value, reason);
            let encoding = "is no percent-encoded UTF-8";
            let name = decode(name).ok_or_else(|| fault(encoding))?;
            let value = decode(value).ok_or_else(|| fault(encoding))?;
            if !known.contains(&name.as_str()) {
                let reason = match known {
                    [] => "is unknown: there are no parameters here".to_owned(),
                    known => format!("is unknown: there are {}", known.join(", ")),
                };
                return Err(Problem::parameter(StatusCode::BAD_REQUEST, &name, &value, reason));
            }
            if parameters.iter().any(|(given, _)| *given == name) {
                return Err(Problem::parameter(StatusCode::BAD_REQUEST, &name, &value, "is given twice"));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// A parameter's text, if it is given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A parameter's whole number within a range, if it is given.
    ///
    /// # Errors
    /// 400 where it is no such number.
    pub fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // Digits alone: u64's own parser takes "+5".
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>().ok().filter(|number| digits && range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let reason = format!("expected a whole number from {} to {}", range.start(), range.end());
                Err(Problem::parameter(StatusCode::BAD_REQUEST, name, text, reason))
            }
        }
    }
}

/// Decodes `%xx` and `+`; `None` where an escape is broken or the bytes are no UTF-8.
fn decode(text: &str) -> Option<String> {
    percent_decode(text, true)
}

/// Decodes `%xx` of a path's segment.
pub fn decode_segment(text: &str) -> Option<String> {
    percent_decode(text, false)
}

fn percent_decode(text: &str, plus_is_blank: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' if plus_is_blank => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("driver=a%20b+c&from=3&&", &["driver", "from", "to"]).unwrap();
        assert_eq!(query.text("driver"), Some("a b c"));
        assert_eq!(query.number("from", 0..=9).unwrap(), Some(3));
        assert_eq!(query.number("to", 0..=9).unwrap(), None);
    }

    #[test]
    fn a_faulty_query_is_told_by_its_parameter() {
        for (query, name) in [
            ("x=1", "x"),
            ("limit=1&limit=1", "limit"),
            ("limit=%", "limit"),
            ("limit=%f", "limit"),
            ("limit=%ff", "limit"),
            ("%zz=1", "%zz"),
        ] {
            let problem = Query::parse(query, &["limit"]).unwrap_err();
            assert_eq!((problem.status, problem.errors[0].path.as_str()), (400, name), "{query}");
        }
        for limit in ["", "0", "201", "-1", "+1", "1.0", "x", "99999999999999999999", "١"] {
            let query = Query::parse(&format!("limit={limit}"), &["limit"]).unwrap();
            assert_eq!(query.number("limit", 1..=200).unwrap_err().status, 400, "{limit}");
        }
    }
}
