//! Why TLS failed, read from rustls's errors. It counts nothing and knows no connection.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use common::tls_cause::TlsCause;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as RustlsError, InvalidMessage, OtherError, PeerIncompatible,
};

/// When an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During {
    /// Before requests could be written. In TLS 1.3 a server judges the client's certificate later than that.
    Handshake,
    Session,
}

/// The cause of an error of our own verifier (see `trust`); rustls has no kind for it.
struct NotTrusted(TlsCause);

/// rustls prints a verifier's error by its `Debug`.
impl fmt::Debug for NotTrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NotTrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.words())
    }
}

impl StdError for NotTrusted {}

/// An error of a verifier that [`cause_of`] reads as this cause.
pub fn not_trusted(cause: TlsCause) -> RustlsError {
    RustlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(NotTrusted(cause)))))
}

/// The cause of an error of rustls.
pub fn cause_of(error: &RustlsError, during: During) -> TlsCause {
    use RustlsError as E;
    match error {
        E::InvalidCertificate(error) => of_certificate(error),
        E::AlertReceived(alert) => of_alert(*alert),
        E::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => TlsCause::ProtocolVersion,
        E::PeerIncompatible(_) => TlsCause::Unsupported,
        E::NoApplicationProtocol => TlsCause::NoHttp1,
        // The first bytes are not a TLS record: the server speaks plain HTTP or another protocol.
        E::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) if during == During::Handshake => TlsCause::NoTls,
        _ => TlsCause::Other,
    }
}

/// The cause of an error of a socket under TLS, or of tokio-rustls, which wraps those of rustls.
pub fn cause_of_io(error: &io::Error, during: During) -> TlsCause {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>()) {
        return cause_of(error, during);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
            if during == During::Handshake =>
        {
            TlsCause::ClosedInHandshake
        }
        _ => TlsCause::Other,
    }
}

fn of_certificate(error: &CertificateError) -> TlsCause {
    use CertificateError as C;
    match error {
        C::Expired | C::ExpiredContext { .. } => TlsCause::Expired,
        C::NotValidYet | C::NotValidYetContext { .. } => TlsCause::NotYetValid,
        C::NotValidForName | C::NotValidForNameContext { .. } => TlsCause::WrongName,
        C::UnknownIssuer => TlsCause::UnknownIssuer,
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => TlsCause::Unsupported,
        C::Other(OtherError(error)) => {
            error.downcast_ref::<NotTrusted>().map_or(TlsCause::BadCertificate, |NotTrusted(cause)| *cause)
        }
        _ => TlsCause::BadCertificate,
    }
}

fn of_alert(alert: AlertDescription) -> TlsCause {
    use AlertDescription as A;
    match alert {
        A::HandshakeFailure | A::InsufficientSecurity => TlsCause::HandshakeRefused,
        A::CertificateRequired | A::NoCertificate => TlsCause::ClientCertificateRequired,
        // Alerts about the client's certificate; some servers also send them if it is missing, see `of_client`.
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied
        // Its signature is not that of the authority whose name it has.
        | A::DecryptError => TlsCause::ClientCertificateRefused,
        A::ProtocolVersion => TlsCause::ProtocolVersion,
        A::NoApplicationProtocol => TlsCause::NoHttp1,
        A::UnrecognisedName => TlsCause::UnknownName,
        A::CloseNotify | A::UserCanceled => TlsCause::ClosedInHandshake,
        _ => TlsCause::Other,
    }
}

/// Corrects a cause for a client without a certificate. Go's servers send `bad_certificate` in TLS 1.2 when the
/// client sent no certificate: then one is required, and none was refused.
pub fn of_client(cause: TlsCause, has_certificate: bool) -> TlsCause {
    match cause {
        TlsCause::ClientCertificateRefused if !has_certificate => TlsCause::ClientCertificateRequired,
        cause => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_a_certificate_that_was_not_sent_means_that_one_is_required() {
        let refused =
            cause_of(&RustlsError::AlertReceived(AlertDescription::BadCertificate), During::Session);
        assert_eq!(of_client(refused, true), TlsCause::ClientCertificateRefused);
        assert_eq!(of_client(refused, false), TlsCause::ClientCertificateRequired);
        assert_eq!(of_client(TlsCause::Expired, false), TlsCause::Expired);
    }

    #[test]
    fn bytes_that_are_no_record_mean_another_protocol_only_before_there_was_a_session() {
        let error = RustlsError::InvalidMessage(InvalidMessage::InvalidContentType);
        assert_eq!(cause_of(&error, During::Handshake), TlsCause::NoTls);
        assert_eq!(cause_of(&error, During::Session), TlsCause::Other);
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
        assert_eq!(cause_of_io(&wrapped, During::Handshake), TlsCause::NoTls);
    }

    #[test]
    fn a_close_is_a_cause_of_its_own_during_the_handshake() {
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            assert_eq!(cause_of_io(&kind.into(), During::Handshake), TlsCause::ClosedInHandshake);
            assert_eq!(cause_of_io(&kind.into(), During::Session), TlsCause::Other);
        }
    }
}
