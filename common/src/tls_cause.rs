//! Why TLS failed: a closed list, counted beside the error kind `tls`. The words for people are here too, so that
//! the text report, findings and the page say the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

crate::named! {
    /// Why an attempt failed as `tls`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum TlsCause {
        /// The server's certificate is signed by its own key, and is not one of the trusted ones.
        SelfSigned = "self_signed",
        /// Nothing that is trusted signed the server's certificate.
        UnknownIssuer = "unknown_issuer",
        /// The server's certificate, or one above it, is past its last day.
        Expired = "expired",
        /// The server's certificate, or one above it, is before its first day.
        NotYetValid = "not_yet_valid",
        /// The server's certificate is for other names than the URL's host.
        WrongName = "wrong_name",
        /// The server's certificate is malformed, revoked, for another purpose, or its signature is wrong.
        BadCertificate = "bad_certificate",
        /// A signature algorithm or curve that our TLS (ring) lacks, such as P-521.
        Unsupported = "unsupported",
        /// The server ended the handshake with the alert `handshake_failure` or `insufficient_security`, which has two
        /// usual reasons that look alike from here: nothing in common (a P-521 certificate, for one), or, in TLS 1.2, a
        /// client certificate that is missing.
        HandshakeRefused = "handshake_refused",
        /// The server demands a client certificate, and none was given.
        ClientCertificateRequired = "client_certificate_required",
        /// The server refuses the client certificate that it was given.
        ClientCertificateRefused = "client_certificate_refused",
        /// The server speaks neither TLS 1.2 nor TLS 1.3.
        ProtocolVersion = "protocol_version",
        /// The server offers no HTTP/1.1 (ALPN).
        NoHttp1 = "no_http_1_1",
        /// The server has no certificate for this name (alert `unrecognized_name`).
        UnknownName = "unknown_name",
        /// What answered does not speak TLS.
        NoTls = "no_tls",
        /// The server closed or reset the connection during the handshake.
        ClosedInHandshake = "closed_in_handshake",
        /// Anything else, and causes that a later version adds.
        Other = "other",
    }
}

impl TlsCause {
    /// Failures by cause, from counts by name. Those of a cause that this version does not know count as
    /// [`TlsCause::Other`], so that the sum stays.
    pub fn known(by_name: BTreeMap<String, u64>) -> BTreeMap<Self, u64> {
        let mut causes = BTreeMap::new();
        for (name, n) in by_name {
            let sum: &mut u64 = causes.entry(Self::from_name(&name).unwrap_or(Self::Other)).or_default();
            *sum = sum.saturating_add(n);
        }
        causes
    }

    /// What happened, for people; it reads on after `tls: 20` and at the head of a sentence alike.
    pub fn words(self) -> &'static str {
        match self {
            Self::SelfSigned => "certificate not trusted: self-signed",
            Self::UnknownIssuer => "certificate not trusted: unknown issuer",
            Self::Expired => "certificate expired",
            Self::NotYetValid => "certificate not valid yet",
            Self::WrongName => "certificate is for another name",
            Self::BadCertificate => "certificate malformed, revoked or for another purpose",
            Self::Unsupported => "signature algorithm or curve not supported here, as P-521 is not",
            Self::HandshakeRefused => "the server refused the handshake",
            Self::ClientCertificateRequired => "the server demands a client certificate",
            Self::ClientCertificateRefused => "the server refused the client certificate",
            Self::ProtocolVersion => "the server speaks neither TLS 1.2 nor 1.3",
            Self::NoHttp1 => "the server offers no HTTP/1.1",
            Self::UnknownName => "the server has no certificate for this name",
            Self::NoTls => "the server does not speak TLS on this port",
            Self::ClosedInHandshake => "the server closed the connection during the handshake",
            Self::Other => "handshake failed",
        }
    }

    /// What to do about it, in terms of flags; `None` where that depends on more than the cause.
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::SelfSigned | Self::UnknownIssuer => "--ca FILE trusts it, --insecure skips the check",
            Self::Expired | Self::NotYetValid => {
                "compare the certificate's dates with the clocks; --insecure skips the check"
            }
            Self::WrongName => {
                "put the name of the certificate in the URL, and --connect-to where the name leads elsewhere; \
                 --insecure skips the check"
            }
            Self::BadCertificate => "--insecure skips the check",
            Self::Unsupported => "give the server an RSA, P-256, P-384 or Ed25519 certificate",
            Self::HandshakeRefused => {
                "it shares no cipher or signature algorithm with groundswell (P-521 certificates are not \
                 supported), or it demands a client certificate: --cert FILE --key FILE"
            }
            Self::ClientCertificateRequired => "--cert FILE --key FILE gives it one",
            Self::ClientCertificateRefused => "check that the server trusts the issuer of --cert FILE",
            Self::NoTls => "use http:// in the URL, or the port that speaks TLS",
            Self::UnknownName => "check the host name in the URL",
            Self::ProtocolVersion | Self::NoHttp1 | Self::ClosedInHandshake | Self::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_one_name_on_the_wire_and_words_of_its_own() {
        for cause in TlsCause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
            assert_eq!(TlsCause::from_name(cause.as_str()), Some(cause));
            let same = TlsCause::ALL.into_iter().filter(|other| other.words() == cause.words());
            assert_eq!(same.count(), 1, "{cause:?}");
        }
    }

    #[test]
    fn causes_of_a_later_version_are_counted_as_other() {
        let by_name = [("later", 2), ("other", 3), ("expired", 1), ("latest", 4)];
        let by_name = by_name.map(|(name, n)| (name.to_owned(), n)).into();
        assert_eq!(TlsCause::known(by_name), [(TlsCause::Expired, 1), (TlsCause::Other, 9)].into());
    }
}
