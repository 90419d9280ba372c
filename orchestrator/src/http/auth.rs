//! The bearer token: what it is, and whether a request has it.

use actix_web::http::header::{self, HeaderMap};
use common::settings::Secret;
use subtle::ConstantTimeEq;

/// What everything but /healthz, /readyz and /docs asks for. It prints as `***`.
#[derive(Debug, Clone)]
pub struct Token(Secret);

impl Token {
    /// The token that a file held (`common::settings::read_secret`).
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Whether a request brings it as `Authorization: Bearer …`. Takes as long for any wrong token of its length.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::AUTHORIZATION);
        let (Some(given), None) = (given.next(), given.next()) else { return false };
        let Some((scheme, token)) = given.as_bytes().split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ")
            && bool::from(token.trim_ascii().ct_eq(self.0.expose().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let token = Token::new(Secret::new("s3cret"));
        for (given, opens) in [
            ("Bearer s3cret", true),
            ("bearer  s3cret ", true),
            ("Bearer s3cre", false),
            ("Bearer s3crets", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("", false),
            ("Basic s3cret", false),
            ("s3cret", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(given).unwrap());
            assert_eq!(token.is_in(&headers), opens, "{given:?}");
            headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"));
            assert!(!token.is_in(&headers), "two are none");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(!format!("{token:?}").contains("s3cret"));
    }
}
