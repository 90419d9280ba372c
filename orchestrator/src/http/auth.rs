//! The bearer token: what it is, and whether a request has it.

use actix_web::http::header::{self, HeaderMap};
use common::settings::Secret;
use hmac::{Hmac, Mac};
use sha2::Sha256;
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
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.is(token.trim_ascii())
    }

    /// Whether this is the token. Takes as long for any wrong one of its length.
    pub fn is(&self, given: &[u8]) -> bool {
        bool::from(given.ct_eq(self.0.expose().as_bytes()))
    }

    /// The signature of a text by a key that is derived from the token, for one purpose: whoever holds the signature
    /// learns neither the token nor a signature for another purpose.
    pub fn sign(&self, purpose: &str, text: &str) -> [u8; 32] {
        let key = hmac(self.0.expose().as_bytes(), purpose.as_bytes());
        hmac(&key, text.as_bytes())
    }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // A key of any length is taken; the other arm is never reached, and signs nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(text);
    mac.finalize().into_bytes().into()
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
