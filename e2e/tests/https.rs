//! An https target with a certificate made here: by either engine, whom to trust and whom not.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use e2e::process::command;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

const REQUESTS: u64 = 60;

/// What a server counted.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    handshakes: AtomicU64,
}

impl Counts {
    /// Requests and handshakes since the last call.
    fn take(&self) -> (u64, u64) {
        (self.requests.swap(0, Ordering::SeqCst), self.handshakes.swap(0, Ordering::SeqCst))
    }
}

/// A certificate for `localhost` in a file of its own, and its server's settings.
fn identity(folder: &Path, name: &str) -> (PathBuf, Arc<ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let path = folder.join(name);
    std::fs::write(&path, made.cert.pem()).unwrap();
    (path, Arc::new(config))
}

/// Answers each request on a connection, which it keeps.
fn answer(mut tcp: TcpStream, config: Arc<ServerConfig>, counts: &Counts) {
    let mut session = ServerConnection::new(config).unwrap();
    while session.is_handshaking() {
        if session.complete_io(&mut tcp).is_err() {
            return;
        }
    }
    counts.handshakes.fetch_add(1, Ordering::SeqCst);
    let mut stream = StreamOwned::new(session, tcp);
    let mut head = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
        if head.ends_with(b"\r\n\r\n") {
            counts.requests.fetch_add(1, Ordering::SeqCst);
            head.clear();
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong").is_err() {
                return;
            }
        }
    }
}

/// Serves on a port of its own, a thread a connection.
fn serve(config: Arc<ServerConfig>) -> (String, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let counts = Arc::new(Counts::default());
    let counted = Arc::clone(&counts);
    std::thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let (config, counts) = (Arc::clone(&config), Arc::clone(&counted));
            std::thread::spawn(move || answer(tcp, config, &counts));
        }
    });
    (url, counts)
}

/// A short closed loop of one driver, on a machine whose only root is in `roots`; returns the exit code and the report.
fn run(home: &Path, url: &str, roots: &Path, requests: u64, flags: &[&str]) -> (Option<i32>, Value) {
    let json = home.join("report.json");
    let requests = requests.to_string();
    let mut arguments = vec!["run", "--url", url, "--drivers", "1", "--quiet", "--mode", "avalanche"];
    arguments.extend(["--connections", "2", "--requests", &requests, "--duration", "20s"]);
    arguments.extend(["--json", json.to_str().unwrap()]);
    arguments.extend(flags);
    let output = command(home, &arguments).env("SSL_CERT_FILE", roots).output().unwrap();
    let report = std::fs::read(&json).unwrap();
    let report = serde_json::from_slice(&report).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        json!({ "unreadable": error.to_string(), "said": said })
    });
    (output.status.code(), report)
}

#[test]
fn an_https_target_is_tested_by_either_engine_if_its_certificate_is_trusted() {
    let home = tempfile::tempdir().unwrap();
    let (ca, config) = identity(home.path(), "ca.pem");
    let (stranger, _) = identity(home.path(), "stranger.pem");
    let ca = ca.to_str().unwrap();
    let (url, counts) = serve(config);
    for engine in ["wire", "awc"] {
        let trusts: [&[&str]; 2] = [&["--ca", ca], &["-k"]];
        for trust in trusts {
            let flags = [trust, &["--engine", engine]].concat();
            let (code, report) = run(home.path(), &url, &stranger, REQUESTS, &flags);
            assert_eq!(code, Some(0), "{flags:?}: {report:#}");
            let totals = &report["totals"];
            assert_eq!(
                (&totals["completed"], &totals["errors"]),
                (&json!(REQUESTS), &json!({})),
                "{report:#}"
            );
            assert_eq!(counts.take(), (REQUESTS, 2), "{flags:?}: each connection shakes hands once");
            let driver = &report["drivers"][0];
            let opened = (&driver["engine"], &driver["connections_opened"], &driver["handshakes"]);
            assert_eq!(opened, (&json!(engine), &json!(2), &json!(2)), "{report:#}");
        }
        let (code, report) = run(home.path(), &url, &stranger, 4, &["--engine", engine]);
        assert_eq!(code, Some(3), "{engine}: {report:#}");
        assert_eq!(report["totals"]["errors"], json!({ "tls": 4 }), "{engine}: {report:#}");
        assert_eq!(report["drivers"][0]["handshakes"], 0, "{engine}: {report:#}");
        assert_eq!(counts.take(), (0, 0), "{engine}: nothing was sent");
    }
}

#[test]
fn whom_to_trust_is_a_running_drivers_own_affair() {
    let home = tempfile::tempdir().unwrap();
    for flags in [&["--ca", "ca.pem"][..], &["--insecure"]] {
        let mut arguments =
            vec!["run", "--orchestrator", "http://127.0.0.1:1", "--url", "https://localhost:1/"];
        arguments.extend(["--rate", "1", "--duration", "1s"]);
        arguments.extend(flags);
        let output = command(home.path(), &arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(flags[0]), "{said}");
    }
}
