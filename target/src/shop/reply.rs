//! A request to the shop as its parts see it, and what they answer: without actix, without a clock.

use serde::Serialize;

use super::read::{Pairs, cookie};

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, as it came.
    pub path: &'a str,
    /// What its query asks for.
    pub query: &'a Pairs,
    /// `authorization`, else empty.
    pub authorization: &'a str,
    /// `cookie`, else empty.
    pub cookies: &'a str,
    /// `content-type`, else empty.
    pub content_type: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        cookie(self.cookies, name)
    }

    /// Its body as an urlencoded form.
    ///
    /// # Errors
    /// An answer of 415 where the content type is another, and 400 where the body is not text.
    pub fn form(&self) -> Result<Pairs, Reply> {
        let kind = self.content_type.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Reply::refused(415, "content-type: must be application/x-www-form-urlencoded"));
        }
        let text = std::str::from_utf8(self.body);
        text.map(Pairs::read).map_err(|_| Reply::refused(400, "the form is not UTF-8"))
    }

    /// Its body as JSON.
    ///
    /// # Errors
    /// An answer of 400 that says where the body is wrong.
    pub fn json(&self) -> Result<serde_json::Value, Reply> {
        serde_json::from_slice(self.body)
            .map_err(|error| Reply::refused(400, &format!("the body is not JSON: {error}")))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its header fields but those of the body; the values are printable ASCII.
    pub fields: Vec<(&'static str, String)>,
    /// The type of its body.
    pub content_type: &'static str,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Self {
        // Values of the shop have texts as keys, which is all that could fail.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, fields: Vec::new(), content_type: "application/json", body }
    }

    /// A page.
    pub fn html(body: String) -> Self {
        Self {
            status: 200,
            fields: Vec::new(),
            content_type: "text/html; charset=utf-8",
            body: body.into_bytes(),
        }
    }

    /// A redirect.
    pub fn redirect(status: u16, to: String) -> Self {
        let body = b"see location\n".to_vec();
        Self { status, fields: vec![("location", to)], content_type: "text/plain; charset=utf-8", body }
    }

    /// JSON with the reason why not.
    pub fn refused(status: u16, error: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": error }))
    }

    /// The same with another header field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }

    /// The value of a header field, for tests.
    #[cfg(test)]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// Its body as JSON, for tests.
    #[cfg(test)]
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A query that asks for something wrong is answered with 400.
impl From<String> for Reply {
    fn from(problem: String) -> Self {
        Self::refused(400, &problem)
    }
}
