//! Why TLS fails, distinguished by both engines alike; which certificates are trusted; and the client's own.

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use common::counters::ErrorKind::Tls;
use common::plan::program::TlsOptions;
use common::tls_cause::TlsCause;
use driver::driver_test::TlsConfig;
use driver::engine::{tls_config, tls_config_of};
use driver::settings::TlsSettings;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::support::drive::{BOTH, Drive, exchange};
use crate::support::server::{Peer, answer_all, listener, serve, server};
use crate::support::tls::{Identity, https, insecure, over_tls, trusting};
use crate::support::{ONE, failed, status, test_to, with_tls};

/// A certificate with its key, in PEM.
struct Made {
    certificate: String,
    key: String,
}

impl Made {
    /// For `localhost`, as `change` makes it; signed by itself, or by an authority.
    fn new(by: Option<&Issuer<'_, KeyPair>>, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = match by {
            Some(issuer) => params.signed_by(&key, issuer).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(Result::unwrap).collect()
    }

    fn server(&self) -> Arc<ServerConfig> {
        self.server_of(&[&TLS12, &TLS13], None)
    }

    /// A server with this certificate, that may demand one of a client, signed by `demands`.
    fn server_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        demands: Option<&Made>,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).unwrap();
        let builder = match demands {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                authority.chain().into_iter().for_each(|root| roots.add(root).unwrap());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        Arc::new(builder.with_single_cert(self.chain(), key).unwrap())
    }

    fn write(&self, folder: &Path, name: &str) -> TlsSettings {
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&certificate, &self.certificate).unwrap();
        std::fs::write(&key, &self.key).unwrap();
        TlsSettings { cert_file: Some(certificate), key_file: Some(key), ..TlsSettings::default() }
    }

    fn trusted(&self) -> TlsConfig {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, &self.certificate).unwrap();
        trusting(&path)
    }
}

fn is_ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

/// An authority, and what signs in its name.
fn authority() -> (Made, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "the tests' authority");
    is_ca(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let made = Made { certificate: certificate.pem(), key: key.serialize_pem() };
    (made, Issuer::new(params, key))
}

fn speaking_tls(config: Arc<ServerConfig>) -> std::net::SocketAddr {
    serve(listener(), move |peer| {
        let mut tcp = peer.tcp().try_clone().unwrap();
        answer_all(over_tls(peer, &config));
        // A close with bytes unread is a reset, which may overtake the alert.
        while tcp.read(&mut [0; 4_096]).is_ok_and(|n| n > 0) {}
    })
    .0
}

/// One attempt at a server with this certificate, by both engines.
async fn check(caption: &str, server: Arc<ServerConfig>, client: TlsConfig, expected: Result<(), TlsCause>) {
    let address = speaking_tls(server);
    for which in BOTH {
        let exchange = exchange(which, &https(address, "timeout = '10s'", client.clone())).await;
        let outcome = if expected.is_ok() { status(200) } else { failed(Tls) };
        assert_eq!(exchange.outcome, outcome, "{which:?}, {caption}: {exchange:?}");
        assert_eq!(exchange.tls_cause, expected.err(), "{which:?}, {caption}");
    }
}

#[actix_rt::test]
async fn certificates_that_are_not_trusted_say_why() {
    let (root, issuer) = authority();
    let (other_root, other_issuer) = authority();
    let self_signed = Made::new(None, |_| ());
    let signed = Made::new(Some(&issuer), |_| ());
    check("signed by a trusted one", signed.server(), root.trusted(), Ok(())).await;
    check("self-signed", self_signed.server(), root.trusted(), Err(TlsCause::SelfSigned)).await;
    let ours = Made::new(None, |_| ());
    check("another of that name is given", self_signed.server(), ours.trusted(), Err(TlsCause::SelfSigned))
        .await;
    // The two authorities have one name and two keys.
    check("the key is another's", signed.server(), other_root.trusted(), Err(TlsCause::UnknownIssuer)).await;
    let stranger = Made::new(Some(&other_issuer), |_| ());
    check("no such issuer", stranger.server(), ours.trusted(), Err(TlsCause::UnknownIssuer)).await;
    let expired = Made::new(Some(&issuer), |params| params.not_after = date_time_ymd(2020, 3, 1));
    check("expired", expired.server(), root.trusted(), Err(TlsCause::Expired)).await;
    let early = Made::new(Some(&issuer), |params| params.not_before = date_time_ymd(2090, 3, 1));
    check("not valid yet", early.server(), root.trusted(), Err(TlsCause::NotYetValid)).await;
    let elsewhere = Made::new(Some(&issuer), |params| {
        params.subject_alt_names =
            CertificateParams::new(vec!["shop.test".to_owned()]).unwrap().subject_alt_names;
    });
    check("another name", elsewhere.server(), root.trusted(), Err(TlsCause::WrongName)).await;
    check("not checked", elsewhere.server(), insecure(), Ok(())).await;
}

/// What `openssl req -x509` makes and curl takes: one self-signed file, CA:TRUE, for the server and for `--ca`.
#[actix_rt::test]
async fn a_certificate_that_is_given_itself_is_trusted_with_its_name_and_dates_checked() {
    let (_, issuer) = authority();
    let authoritys = Made::new(None, is_ca);
    check("self-signed, CA:TRUE", authoritys.server(), authoritys.trusted(), Ok(())).await;
    let plain = Made::new(None, |_| ());
    check("self-signed, CA:FALSE", plain.server(), plain.trusted(), Ok(())).await;
    let leaf = Made::new(Some(&issuer), |_| ());
    check("signed by a stranger", leaf.server(), leaf.trusted(), Ok(())).await;
    let other = Made::new(None, is_ca);
    check("another of that name", authoritys.server(), other.trusted(), Err(TlsCause::SelfSigned)).await;
    for (caption, by) in [("itself", None), ("a stranger", Some(&issuer))] {
        let expired = Made::new(by, |params| {
            is_ca(params);
            params.not_after = date_time_ymd(2021, 7, 1);
        });
        check(caption, expired.server(), expired.trusted(), Err(TlsCause::Expired)).await;
        let early = Made::new(by, |params| {
            is_ca(params);
            params.not_before = date_time_ymd(2091, 7, 1);
        });
        check(caption, early.server(), early.trusted(), Err(TlsCause::NotYetValid)).await;
        let elsewhere = Made::new(by, |params| {
            is_ca(params);
            params.subject_alt_names =
                CertificateParams::new(vec!["cart.test".to_owned()]).unwrap().subject_alt_names;
        });
        check(caption, elsewhere.server(), elsewhere.trusted(), Err(TlsCause::WrongName)).await;
    }
}

/// The handshake is signed with the certificate's key: who shows a copy of a trusted certificate has no such key.
#[actix_rt::test]
async fn a_copy_of_a_given_certificate_is_not_enough() {
    let given = Made::new(None, is_ca);
    let thief = Made::new(None, |_| ());
    let key = PrivateKeyDer::from_pem_slice(thief.key.as_bytes()).unwrap();
    let provider = ring::default_provider();
    let signing = provider.key_provider.load_private_key(key).unwrap();
    let shown = tokio_rustls::rustls::sign::CertifiedKey::new(given.chain(), signing);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(tokio_rustls::rustls::sign::SingleCertAndKey::from(shown)));
    check("a copy", Arc::new(config), given.trusted(), Err(TlsCause::BadCertificate)).await;
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[actix_rt::test]
async fn what_openssl_makes_by_default_is_trusted_where_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let curve = "ec_paramgen_curve:P-384";
    for (name, key) in [("rsa", &["rsa:3072"][..]), ("p384", &["ec", "-pkeyopt", curve])] {
        let (key_file, file) = (format!("{name}.key"), format!("{name}.pem"));
        let head = [&["req", "-x509", "-newkey"][..], key].concat();
        let rest = ["-nodes", "-days", "30", "-subj", "/CN=localhost", "-keyout", &key_file, "-out", &file];
        let names = ["-addext", "subjectAltName=DNS:localhost"];
        openssl(folder.path(), &[&head[..], &rest, &names].concat());
        let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
        let made = Made { certificate: read(&file), key: read(&key_file) };
        check(name, made.server(), made.trusted(), Ok(())).await;
    }
}

#[actix_rt::test]
async fn servers_that_do_not_get_as_far_as_a_certificate_say_why() {
    type Does = (&'static str, fn(Peer), TlsCause);
    const ALERT: [u8; 6] = [0x15, 3, 3, 0, 2, 2];
    fn alert(mut peer: Peer, description: u8) {
        peer.send(&[&ALERT[..], &[description]].concat());
        peer.linger();
    }
    let table: [Does; 10] = [
        (
            "plain http",
            |mut peer| {
                peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
                peer.linger();
            },
            TlsCause::NoTls,
        ),
        (
            "another protocol",
            |mut peer| {
                peer.send(b"SSH-2.0-tests\r\n");
                peer.linger();
            },
            TlsCause::NoTls,
        ),
        ("a close", Peer::close, TlsCause::ClosedInHandshake),
        ("a reset", Peer::reset, TlsCause::ClosedInHandshake),
        ("handshake_failure", |peer| alert(peer, 40), TlsCause::HandshakeRefused),
        ("protocol_version", |peer| alert(peer, 70), TlsCause::ProtocolVersion),
        ("unrecognized_name", |peer| alert(peer, 112), TlsCause::UnknownName),
        ("no_application_protocol", |peer| alert(peer, 120), TlsCause::NoHttp1),
        ("certificate_required", |peer| alert(peer, 116), TlsCause::ClientCertificateRequired),
        // Of a client that has no certificate, nothing else can be meant.
        ("bad_certificate", |peer| alert(peer, 42), TlsCause::ClientCertificateRequired),
    ];
    for which in BOTH {
        for (caption, does, cause) in table {
            let (address, _) = server(move |peer| {
                let mut greeting = [0; 5];
                if peer.tcp().read_exact(&mut greeting).is_ok() {
                    does(peer);
                }
            });
            let exchange = exchange(which, &https(address, "timeout = '10s'", insecure())).await;
            assert_eq!(exchange.outcome, failed(Tls), "{which:?}, {caption}: {exchange:?}");
            assert_eq!(exchange.tls_cause, Some(cause), "{which:?}, {caption}");
        }
    }
}

#[actix_rt::test]
async fn what_is_no_tls_failure_has_no_cause() {
    let identity = Identity::new();
    for which in BOTH {
        let (address, _) = identity.serve(answer_all);
        let mut drive = Drive::new(which, &https(address, "", identity.trusted()));
        for _ in 0..2 {
            assert_eq!(drive.exchange().await.tls_cause, None, "{which:?}");
        }
        let url = format!("https://elsewhere.test:{}/", address.port());
        let test = with_tls(test_to(&url, vec![address], "", ONE), identity.trusted());
        assert_eq!(exchange(which, &test).await.tls_cause, Some(TlsCause::WrongName), "{which:?}");
    }
}

#[actix_rt::test]
async fn a_server_that_demands_a_certificate_gets_the_one_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (root, issuer) = authority();
    let (_, stranger) = authority();
    let server = Made::new(None, |_| ());
    let ca_file = folder.path().join("server.pem");
    std::fs::write(&ca_file, &server.certificate).unwrap();
    let client = |by, name| {
        let files = Made::new(Some(by), |_| ()).write(folder.path(), name);
        tls_config(&TlsSettings { ca_file: Some(ca_file.clone()), ..files }).unwrap()
    };
    for version in [&TLS12, &TLS13] {
        let demands = || server.server_of(&[version], Some(&root));
        check("ours", demands(), client(&issuer, "ours"), Ok(())).await;
        let refused = Err(TlsCause::ClientCertificateRefused);
        check("a stranger's", demands(), client(&stranger, "theirs"), refused).await;
        let required = Err(TlsCause::ClientCertificateRequired);
        check("none", demands(), server.trusted(), required).await;
    }
}

/// A plan names files in the driver's folder of secrets, and brings the certificates that it trusts.
#[actix_rt::test]
async fn the_certificate_that_a_plan_names_takes_the_place_of_the_drivers_own() {
    let folder = tempfile::tempdir().unwrap();
    let (root, issuer) = authority();
    let (_, stranger) = authority();
    let server = Made::new(None, |_| ());
    Made::new(Some(&issuer), |_| ()).write(folder.path(), "ours");
    let own = Made::new(Some(&stranger), |_| ()).write(folder.path(), "theirs");
    let options = TlsOptions {
        ca_pem: Some(server.certificate.clone()),
        client: Some(("ours.pem".to_owned(), "ours.key".to_owned())),
        ..TlsOptions::default()
    };
    let tls = tls_config_of(&own, &options, Some(folder.path())).unwrap();
    check("the plan's", server.server_of(&[&TLS13], Some(&root)), tls, Ok(())).await;
}

#[test]
fn faults_of_the_clients_certificate_name_the_flag_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let one = Made::new(None, |_| ()).write(folder.path(), "one");
    let two = Made::new(None, |_| ()).write(folder.path(), "two");
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let empty = Some(folder.path().join("empty"));
    let missing = Some(folder.path().join("missing"));
    let with = |cert_file, key_file| TlsSettings { cert_file, key_file, insecure: true, ca_file: None };
    let cert = || one.cert_file.clone();
    let key = || one.key_file.clone();
    for (settings, words) in [
        (with(missing.clone(), key()), ["--cert", "missing"]),
        (with(empty.clone(), key()), ["--cert", "holds no certificate"]),
        (with(cert(), missing), ["--key", "missing"]),
        (with(cert(), empty), ["--key", "holds no private key"]),
        (with(cert(), two.key_file), ["--key", "is not the key of the certificate in"]),
    ] {
        let fault = tls_config(&settings).unwrap_err().to_string();
        assert!(words.iter().all(|word| fault.contains(word)), "{fault}");
        assert!(!fault.contains("PRIVATE"), "{fault}");
    }
}
