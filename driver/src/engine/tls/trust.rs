//! Which server certificates are trusted.
//!
//! webpki, whose rules rustls applies, rejects a certificate of an authority (CA:TRUE) as a server's, and a server's
//! certificate as an authority. `openssl req -x509` makes exactly that, and people give the one file to the server
//! and as `--ca`, as curl takes it. So a server's certificate that is byte for byte one of `--ca` is trusted without
//! anything above it. Its dates, its name and the handshake's signature are checked as always.

use std::sync::Arc;

use common::tls_cause::TlsCause;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error as RustlsError, OtherError, SignatureScheme,
};
use webpki::EndEntityCert;

use super::cause::not_trusted;

/// Checks a server's certificate against roots, and lets those through that were given themselves.
#[derive(Debug)]
pub struct Trust {
    /// webpki's own rules, by the same roots.
    pub webpki: Arc<WebPkiServerVerifier>,
    /// The certificates of `--ca`; empty where this machine's roots are used.
    pub given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let check = |intermediates| {
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let Err(error) = check(intermediates) else { return Ok(ServerCertVerified::assertion()) };
        if self.given.iter().any(|given| given == end_entity) {
            // Check once more without the certificates that the server sent above it, so that the error is about this
            // one alone. webpki checks the dates first, then what the certificate is for, then its issuers: an error
            // of the last two kinds means that the dates are valid.
            let Err(error) = check(&[]) else { return Ok(ServerCertVerified::assertion()) };
            if !is_of_issuer_or_authority(&error) {
                return Err(error);
            }
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        if !is_of_issuer_or_authority(&error) {
            return Err(error);
        }
        let self_signed = EndEntityCert::try_from(end_entity)
            .is_ok_and(|certificate| certificate.issuer() == certificate.subject());
        Err(match error {
            RustlsError::InvalidCertificate(
                CertificateError::UnsupportedSignatureAlgorithmContext { .. }
                | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
            ) => error,
            _ if self_signed => not_trusted(TlsCause::SelfSigned),
            // An issuer of the same name as a root, but with another key, is not that root.
            RustlsError::InvalidCertificate(CertificateError::BadSignature) => {
                CertificateError::UnknownIssuer.into()
            }
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.webpki.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.webpki.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Whether an error is about a certificate's issuer, or about an authority's that is used as a server's.
fn is_of_issuer_or_authority(error: &RustlsError) -> bool {
    use CertificateError as C;
    match error {
        RustlsError::InvalidCertificate(C::Other(OtherError(error))) => {
            matches!(error.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        RustlsError::InvalidCertificate(
            C::UnknownIssuer
            | C::BadSignature
            | C::UnsupportedSignatureAlgorithmContext { .. }
            | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => true,
        _ => false,
    }
}

/// Takes any certificate, for `tls.insecure = true`; signatures of the handshake are still checked.
#[derive(Debug)]
pub struct AnyCertificate(pub Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
