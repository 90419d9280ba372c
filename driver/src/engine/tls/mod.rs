//! The client's TLS settings: rustls over ring, this machine's roots or one file of them.

mod cause;
mod trust;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::plan::program::TlsOptions;
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
    /// What a plan's `tls` of a target or host says cannot be done.
    #[error("target tls.{key}: {reason}")]
    Plan { key: &'static str, reason: String },
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
    tls_config_of(settings, &TlsOptions::default(), None)
}

/// As [`tls_config`], for a host whose plan has options of its own: its certificates are trusted beside those of the
/// settings, and its client certificate takes the place of theirs. `secrets_dir`: the folder of that certificate and its
/// key, `[secrets] dir`.
///
/// # Errors
/// As [`tls_config`], and where the plan names what this driver lacks.
pub fn tls_config_of(
    settings: &TlsSettings,
    options: &TlsOptions,
    secrets_dir: Option<&Path>,
) -> Result<TlsConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier: Arc<dyn ServerCertVerifier> = if settings.insecure || !options.verify {
        Arc::new(AnyCertificate(provider))
    } else {
        let ca_file = settings.ca_file.as_deref().map(|path| Named("--ca", "tls.ca_file", path));
        let of_plan = options.ca_pem.as_deref().map_or(Ok(Vec::new()), certificates_of_plan)?;
        trust(ca_file, of_plan, "--ca", provider)?
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let of_plan = match &options.client {
        Some((certificate, key)) => Some((
            secret_file(secrets_dir, "cert_file", certificate)?,
            secret_file(secrets_dir, "key_file", key)?,
        )),
        None => None,
    };
    let identity = match (&of_plan, &settings.cert_file, &settings.key_file) {
        (Some((certificate, key)), _, _) => Some((
            Named("the plan's certificate", "target tls.cert_file", certificate),
            Named("the plan's key", "target tls.key_file", key),
        )),
        (None, Some(certificate), Some(key)) => {
            Some((Named("--cert", "tls.cert_file", certificate), Named("--key", "tls.key_file", key)))
        }
        _ => None,
    };
    let mut config = match identity {
        Some((certificate, named)) => {
            let certificates = certificate.certificates()?;
            let key = PrivateKeyDer::from_pem_file(named.2).map_err(|error| match error {
                pem::Error::NoItemsFound => {
                    named.fault("holds no private key in PEM that can be read without a password")
                }
                error => named.fault(error),
            })?;
            builder.with_client_auth_cert(certificates, key).map_err(|error| match error {
                RustlsError::InconsistentKeys(_) => {
                    named.fault(format!("is not the key of the certificate in {}", certificate.2.display()))
                }
                error => named.fault(error),
            })?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConfig(Arc::new(config)))
}

/// The certificates that a plan brings.
fn certificates_of_plan(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fault = |reason: String| TlsError::Plan { key: "ca_file", reason };
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| fault(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fault("holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

/// The path of a file that a plan names in this driver's `[secrets] dir`. A name that could lead out of that folder is
/// refused: a plan may come from anyone who may submit one.
fn secret_file(dir: Option<&Path>, key: &'static str, name: &str) -> Result<PathBuf, TlsError> {
    let fault = |reason: &str| TlsError::Plan { key, reason: format!("{name}: {reason}") };
    let is_plain = Path::new(name).file_name() == Some(OsStr::new(name));
    if !is_plain {
        return Err(fault("must be the plain name of a file, without a path"));
    }
    Ok(dir.ok_or_else(|| fault("this driver has no [secrets] dir"))?.join(name))
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
    let verifier = trust(ca_file, Vec::new(), flag, provider)?;
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConfig(Arc::new(config)))
}

/// Checks certificates against a file of them, or this machine's roots, and against those of a plan beside them. `flag`:
/// what would name a file.
fn trust(
    ca_file: Option<Named<'_>>,
    of_plan: Vec<CertificateDer<'static>>,
    flag: &'static str,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in &of_plan {
        let fault = |error: RustlsError| TlsError::Plan { key: "ca_file", reason: error.to_string() };
        roots.add(certificate.clone()).map_err(fault)?;
    }
    let mut given = of_plan;
    if let Some(named) = ca_file {
        let certificates = named.certificates()?;
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|error| named.fault(error))?;
        }
        given.extend(certificates);
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
