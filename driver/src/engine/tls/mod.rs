//! The client's TLS settings: rustls over ring, this machine's roots or one file of them.

mod cause;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, Error as RustlsError, RootCertStore};

pub use cause::{During, cause_of, cause_of_io, of_client};
use trust::{AnyCertificate, Trust};

use crate::driver_test::TlsConfig;
use crate::settings::TlsSettings;

/// Why no TLS settings could be made. The text names the flag first, as most people use that.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or does not hold what it should.
    #[error("{flag} ({key}) = {path}: {reason}")]
    File {
        /// The flag that names it, as in `--ca`.
        flag: &'static str,
        /// The setting that names it, as in `tls.ca_file`.
        key: &'static str,
        path: PathBuf,
        reason: String,
    },
    /// This machine has no roots.
    #[error("no root certificates on this machine ({reason}); give {flag} FILE")]
    NoRoots {
        /// The flag that names a file of them.
        flag: &'static str,
        /// Why there are none.
        reason: String,
    },
    /// rustls refused its own defaults.
    #[error("tls cannot be set up: {0}")]
    Rustls(#[from] RustlsError),
}

/// A file that settings name: the flag, the key, and where it is.
#[derive(Clone, Copy)]
struct Named<'a>(&'static str, &'static str, &'a Path);

impl Named<'_> {
    fn fault(self, reason: impl ToString) -> TlsError {
        let Self(flag, key, path) = self;
        TlsError::File { flag, key, path: path.to_owned(), reason: reason.to_string() }
    }

    /// The certificates that it holds in PEM, at least one.
    fn certificates(self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let certificates = CertificateDer::pem_file_iter(self.2).map_err(|error| self.fault(error))?;
        let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(|error| self.fault(error))?;
        if certificates.is_empty() {
            return Err(self.fault("holds no certificate in PEM"));
        }
        Ok(certificates)
    }
}

/// Loads the TLS settings of `[tls]`: the certificates of `ca_file` instead of this machine's roots, where given; no
/// check of the server's certificate at all where `insecure`; the client's own certificate where there is one. HTTP/1.1
/// alone is offered. It reads files: not for an async thread.
///
/// # Errors
/// Where a file is not what it should be, or there are no certificates to check the server's with.
pub fn tls_config(settings: &TlsSettings) -> Result<TlsConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier: Arc<dyn ServerCertVerifier> = if settings.insecure {
        Arc::new(AnyCertificate(provider))
    } else {
        let ca_file = settings.ca_file.as_deref().map(|path| Named("--ca", "tls.ca_file", path));
        trust(ca_file, "--ca", provider)?
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match (&settings.cert_file, &settings.key_file) {
        (Some(certificate), Some(key)) => {
            let certificates = Named("--cert", "tls.cert_file", certificate).certificates()?;
            let named = Named("--key", "tls.key_file", key);
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
                pem::Error::NoItemsFound => {
                    named.fault("holds no private key in PEM that can be read without a password")
                }
                error => named.fault(error),
            })?;
            builder.with_client_auth_cert(certificates, key).map_err(|error| match error {
                RustlsError::InconsistentKeys(_) => {
                    named.fault(format!("is not the key of the certificate in {}", certificate.display()))
                }
                error => named.fault(error),
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConfig(Arc::new(config)))
}

/// Loads the TLS settings towards an orchestrator: the certificates of `[orchestrator] ca_file` instead of this
/// machine's roots, where given. It reads files: not for an async thread with other work.
///
/// # Errors
/// As [`tls_config`].
pub fn orchestrator_tls(ca_file: Option<&Path>) -> Result<TlsConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let flag = "--orchestrator-ca";
    let ca_file = ca_file.map(|path| Named(flag, "orchestrator.ca_file", path));
    let verifier = trust(ca_file, flag, provider)?;
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConfig(Arc::new(config)))
}

/// Checks certificates against a file of them, or this machine's roots. `flag`: what would name a file.
fn trust(
    ca_file: Option<Named<'_>>,
    flag: &'static str,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut given = Vec::new();
    if let Some(named) = ca_file {
        given = named.certificates()?;
        for certificate in &given {
            roots.add(certificate.clone()).map_err(|error| named.fault(error))?;
        }
    } else {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            let reason = native.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            return Err(TlsError::NoRoots { flag, reason });
        }
    }
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    // Its builder refuses an empty store alone, and this one holds a root.
    let webpki = webpki.build().map_err(|error| RustlsError::General(error.to_string()))?;
    Ok(Arc::new(Trust { webpki, given }))
}
