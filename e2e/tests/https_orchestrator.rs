//! An orchestrator behind a TLS proxy: a driver joins through it, and commands ask through it, with the token encrypted.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use e2e::process::{PATIENCE, Process, output};
use e2e::wait_for;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

/// A certificate for `localhost` in a file, and a proxy that speaks TLS with it in front of a server.
fn tls_proxy(to: SocketAddr, certificate_file: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(certificate_file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            std::thread::spawn(move || drop(pass(client, to, config)));
        }
    });
    port
}

/// Passes bytes on in both directions until one side closes: it looks at either in turn, a few milliseconds each.
fn pass(mut client: TcpStream, to: SocketAddr, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let mut session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut client)?;
    }
    let mut server = TcpStream::connect(to)?;
    client.set_read_timeout(Some(Duration::from_millis(5)))?;
    server.set_read_timeout(Some(Duration::from_millis(5)))?;
    let nothing_yet =
        |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    let mut bytes = [0; 16_384];
    loop {
        match session.read_tls(&mut client) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                session.process_new_packets().map_err(std::io::Error::other)?;
                while let Ok(n @ 1..) = session.reader().read(&mut bytes) {
                    server.write_all(&bytes[..n])?;
                }
            }
            Err(error) if nothing_yet(&error) => {}
            Err(error) => return Err(error),
        }
        match server.read(&mut bytes) {
            Ok(0) => {
                session.send_close_notify();
                session.write_tls(&mut client)?;
                return Ok(());
            }
            Ok(n) => session.writer().write_all(&bytes[..n])?,
            Err(error) if nothing_yet(&error) => {}
            Err(error) => return Err(error),
        }
        while session.wants_write() {
            session.write_tls(&mut client)?;
        }
    }
}

#[test]
fn a_driver_joins_and_commands_ask_through_a_tls_proxy_whose_certificate_they_check() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (token_file, certificate) = (home.join("token"), home.join("proxy.pem"));
    std::fs::write(&token_file, "behind-the-proxy-4711\n").unwrap();
    let token = ["--token-file", token_file.to_str().unwrap()];
    let listen = ["orchestrator", "--kafka", "embedded", "--listen", "127.0.0.1:0"];
    let (_leader, ready) = Process::node("orchestrator", home, &[&listen[..], &token].concat());
    let at: SocketAddr = ready["http"].as_str().unwrap().parse().unwrap();
    let url = format!("https://localhost:{}", tls_proxy(at, &certificate));

    let asked = |flags: &[&str]| {
        let output = output(home, &[&["drivers", "--orchestrator", &url][..], &token, flags].concat());
        let [said, why] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (output.status.code(), said, why)
    };
    let trusts = ["--orchestrator-ca", certificate.to_str().unwrap()];
    let join = ["driver", "--node-id", "behind-tls", "--workers", "1", "--orchestrator", &url];
    let mut driver = Process::unready_node("driver", home, &[&join[..], &token, &trusts].concat());
    driver.wait_ready();
    wait_for("the driver to join", PATIENCE, || asked(&trusts).1.contains("behind-tls").then_some(()));
    let said = driver.logged().join("\n");
    assert!(!said.contains("clear text"), "{said}");

    let other = home.join("other.pem");
    tls_proxy(at, &other);
    for flags in [&["--orchestrator-ca", other.to_str().unwrap()][..], &[]] {
        let (code, _, why) = asked(flags);
        assert_eq!(code, Some(1), "{why}");
    }
    let (code, _, why) = asked(&["--orchestrator-ca", "/nowhere/ca.pem"]);
    assert_eq!(code, Some(1), "{why}");
    assert!(why.contains("--orchestrator-ca") && why.contains("/nowhere/ca.pem"), "{why}");
    driver.stop();
}

#[test]
fn a_token_in_clear_text_to_another_host_is_warned_of_once() {
    let home = tempfile::tempdir().unwrap();
    let token_file = home.path().join("token");
    std::fs::write(&token_file, "in-clear-text-4712\n").unwrap();
    let arguments =
        ["--orchestrator", "http://nowhere.invalid:1", "--token-file", token_file.to_str().unwrap()];
    let output = output(home.path(), &[&["tests"][..], &arguments].concat());
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{why}");
    assert_eq!(why.matches("in clear text").count(), 1, "{why}");
    assert!(!why.contains("4712"), "{why}");
}
