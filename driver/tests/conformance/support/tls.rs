//! Servers that speak TLS, with certificates made here.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driver::driver_test::{DriverTest, TlsConfig};
use driver::engine::tls_config;
use driver::settings::TlsSettings;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::server::{PONG, Peer, Seen, serve};
use super::{ONE, server, test_of, test_to, with_tls};

/// The bodies that a server received, in their order.
pub type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// A test to a plain server and one to a server that speaks TLS, and what each of the two sees. `request`: lines of its table.
pub fn plain_and_tls(
    identity: &Identity,
    request: &str,
    handle: impl Fn(Peer) + Clone + Send + Sync + 'static,
) -> [(DriverTest, Arc<Seen>); 2] {
    let (plain, at_plain) = server::server(handle.clone());
    let (tls, at_tls) = identity.serve(handle);
    [(test_of(plain, request), at_plain), (https(tls, request, identity.trusted()), at_tls)]
}

/// A test to a server that reads slowly what it receives, by TLS or not; what the server sees, and the bodies that came.
pub fn slow_reader(identity: &Identity, tls: bool) -> (DriverTest, Arc<Seen>, Bodies) {
    let listener = server::listener();
    socket2::SockRef::from(&listener).set_recv_buffer_size(64 << 10).unwrap();
    let received = Bodies::default();
    let (into, config) = (Arc::clone(&received), Arc::clone(&identity.server));
    let (address, seen) = serve(listener, move |peer| {
        let mut peer = if tls { over_tls(peer, &config) } else { peer };
        while let Some(request) = peer.request_slowly(4 << 20, Duration::from_millis(1)) {
            into.lock().unwrap().push(request.body);
            peer.send(PONG);
        }
    });
    let test = match tls {
        true => https(address, "timeout = '30s'", identity.trusted()),
        false => test_of(address, "timeout = '30s'"),
    };
    (test, seen, received)
}

/// A certificate for `localhost` and 127.0.0.1, its server's settings, and a folder with the file that vouches for it.
pub struct Identity {
    pub server: Arc<ServerConfig>,
    folder: tempfile::TempDir,
}

impl Identity {
    pub fn new() -> Self {
        Self::with(ALL_VERSIONS, |_| {})
    }

    /// With these versions of TLS, and other settings than rustls's own.
    pub fn with(versions: &[&'static SupportedProtocolVersion], set: impl FnOnce(&mut ServerConfig)) -> Self {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        set(&mut config);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        Self { server: Arc::new(config), folder }
    }

    /// The file that vouches for its certificate, in PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The settings of a client that trusts it.
    pub fn trusted(&self) -> TlsConfig {
        trusting(&self.ca_file())
    }

    /// A server whose connections are handled once TLS is over them; a handshake that fails ends its connection.
    pub fn serve(&self, handle: impl Fn(Peer) + Send + Sync + 'static) -> (SocketAddr, Arc<Seen>) {
        let config = Arc::clone(&self.server);
        serve(server::listener(), move |peer| handle(over_tls(peer, &config)))
    }
}

/// TLS over a connection, whose handshake is made with the first bytes.
pub fn over_tls(peer: Peer, config: &Arc<ServerConfig>) -> Peer {
    let session = ServerConnection::new(Arc::clone(config)).unwrap();
    peer.over(|tcp| Box::new(StreamOwned::new(session, tcp)))
}

/// The settings of a client that trusts a file of certificates.
pub fn trusting(ca_file: &Path) -> TlsConfig {
    let ca_file = Some(ca_file.to_owned());
    tls_config(&TlsSettings { ca_file, ..TlsSettings::default() }).unwrap()
}

/// The settings of a client that takes any certificate.
pub fn insecure() -> TlsConfig {
    tls_config(&TlsSettings { insecure: true, ..TlsSettings::default() }).unwrap()
}

/// A test whose requests go to `localhost` by https, at this address.
pub fn https(address: SocketAddr, request: &str, tls: TlsConfig) -> DriverTest {
    let url = format!("https://localhost:{}/", address.port());
    with_tls(test_to(&url, vec![address], request, ONE), tls)
}

/// A session that is spoken to by hand.
pub struct ByHand {
    pub session: ServerConnection,
    pub tcp: TcpStream,
}

impl ByHand {
    pub fn new(peer: &Peer, config: &Arc<ServerConfig>) -> Self {
        let session = ServerConnection::new(Arc::clone(config)).unwrap();
        Self { session, tcp: peer.tcp().try_clone().unwrap() }
    }

    /// Reads and decrypts until the session holds a whole head, handshake included; false where the client is gone.
    pub fn read_head(&mut self) -> bool {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.session.complete_io(&mut self.tcp).is_err() {
                return false;
            }
            let mut bytes = [0; 4_096];
            match self.session.reader().read(&mut bytes) {
                Ok(n @ 1..) => head.extend_from_slice(&bytes[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => return false,
            }
        }
        true
    }

    /// The bytes that the session has to send.
    pub fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut bytes).unwrap();
        }
        bytes
    }
}
