//! What a driver asks the orchestrator over HTTP: which Kafka to use, what time it is, and the data files of a plan. It knows no
//! actor and decides nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use actix_rt::net::TcpStream;
use actix_service::Service;
use actix_tls::connect::{ConnectError as TcpConnectError, ConnectInfo, Connection};
use awc::error::{ConnectError, JsonPayloadError, SendRequestError};
use bytes::Bytes;
use common::clock::unix_us;
use common::http_contract::Time;
use common::plan::files::FileHash;
use common::settings::Secret;
use common::settings::fields::is_loopback;
use common::wire::PROTOCOL;
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use url::Url;

pub use common::http_contract::Bootstrap;

use crate::clock_sync::Sample;
use crate::driver_test::TlsConfig;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for the head of an answer with a file.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why the orchestrator's answer is missing or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no orchestrator at {url} yet (--orchestrator): {cause}")]
    Send {
        /// Where it was looked for.
        url: String,
        cause: String,
    },
    /// It requires a token, or rejects this one.
    #[error("the orchestrator refuses this driver's token (HTTP {0}): see --token-file")]
    Token(u16),
    /// It answers something else.
    #[error("the orchestrator answered HTTP {0}")]
    Status(u16),
    /// The body is not the JSON that an orchestrator sends.
    #[error("the orchestrator's answer cannot be read: {0}")]
    Body(#[from] JsonPayloadError),
    /// It is of another version.
    #[error("it speaks protocol {0}, this driver {PROTOCOL}: install the same version on both")]
    Protocol(u32),
    /// It has no Kafka yet.
    #[error("the orchestrator has no Kafka yet")]
    NoBrokers,
}

/// A builder of HTTP clients for an orchestrator; https needs `tls`.
pub fn http_client(
    tls: Option<TlsConfig>,
) -> awc::ClientBuilder<
    impl Service<
        ConnectInfo<awc::http::Uri>,
        Response = Connection<awc::http::Uri, TcpStream>,
        Error = TcpConnectError,
    > + Clone,
    (),
> {
    let connector = awc::Connector::new();
    awc::Client::builder().connector(match tls {
        Some(tls) => connector.rustls_0_23(tls.0),
        None => connector,
    })
}

/// Whether what is sent to a URL passes through networks in clear text: by plain http, to another host than this one. A
/// name other than `localhost` counts as another host.
pub fn is_clear_text(url: &Url) -> bool {
    let this_host = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => is_loopback(address.into()),
        Some(url::Host::Ipv6(address)) => is_loopback(address.into()),
        None => false,
    };
    url.scheme() == "http" && !this_host
}

/// What to do about a token that is sent in clear text.
pub const CLEAR_TEXT_REMEDY: &str =
    "use https:// behind a TLS proxy (--orchestrator https://… --orchestrator-ca FILE)";

/// The warning about a token that is sent in clear text.
pub fn clear_text_warning(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("the token travels to {host} in clear text: {CLEAR_TEXT_REMEDY}")
}

/// The content of a data file as it comes, in pieces; an error is why it broke off.
pub type DataFile = LocalBoxStream<'static, Result<Bytes, String>>;

#[derive(Clone)]
pub struct OrchestratorClient {
    client: awc::Client,
    /// For files, which take as long as they take; who reads them bounds the silence.
    downloads: awc::Client,
    url: Url,
    token: Option<Secret>,
}

impl OrchestratorClient {
    /// A client of the orchestrator at a URL. `tls`: how https is spoken, needed where the URL is one.
    pub fn new(url: Url, token: Option<Secret>, tls: Option<TlsConfig>) -> Self {
        let client = http_client(tls.clone()).timeout(TIMEOUT).disable_redirects().finish();
        let downloads = http_client(tls).disable_timeout().disable_redirects().finish();
        Self { client, downloads, url, token }
    }

    fn unreachable(&self, error: &SendRequestError) -> AskError {
        let cause = match error {
            // io reports rustls's errors as InvalidData; only rustls's own text says what is wrong.
            SendRequestError::Connect(ConnectError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                error.to_string()
            }
            SendRequestError::Connect(ConnectError::Io(error)) => error.kind().to_string(),
            error => error.to_string(),
        };
        AskError::Send { url: self.url.as_str().trim_end_matches('/').to_owned(), cause }
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Begins to download a data file.
    ///
    /// # Errors
    /// Where the orchestrator does not answer, refuses the token, or does not have the file.
    pub async fn data_file(&self, hash: &FileHash) -> Result<DataFile, AskError> {
        let url = format!("{}/api/v1/data/{hash}", self.url.as_str().trim_end_matches('/'));
        let mut request = self.downloads.get(url);
        if let Some(token) = &self.token {
            request = request.insert_header(("authorization", format!("Bearer {}", token.expose())));
        }
        let silent = |_| {
            let cause = format!("it did not answer within {} s", HEAD_TIMEOUT.as_secs());
            AskError::Send { url: self.url.as_str().trim_end_matches('/').to_owned(), cause }
        };
        let answer = tokio::time::timeout(HEAD_TIMEOUT, request.send()).await.map_err(silent)?;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        match answer.status().as_u16() {
            200 => Ok(answer.map(|piece| piece.map_err(|error| error.to_string())).boxed_local()),
            status @ (401 | 403) => Err(AskError::Token(status)),
            status => Err(AskError::Status(status)),
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        let url = format!("{}/{path}", self.url.as_str().trim_end_matches('/'));
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.insert_header(("authorization", format!("Bearer {}", token.expose())));
        }
        let mut answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        match answer.status().as_u16() {
            200 => Ok(answer.json().limit(MAX_ANSWER_BYTES).await?),
            status @ (401 | 403) => Err(AskError::Token(status)),
            status => Err(AskError::Status(status)),
        }
    }

    /// Asks which Kafka to use.
    ///
    /// # Errors
    /// Where the orchestrator does not answer, refuses the token, or sends what this driver cannot use.
    pub async fn bootstrap(&self) -> Result<Bootstrap, AskError> {
        let bootstrap: Bootstrap = self.get("api/v1/bootstrap").await?;
        if bootstrap.protocol != PROTOCOL {
            return Err(AskError::Protocol(bootstrap.protocol));
        }
        if bootstrap.brokers.is_empty() {
            return Err(AskError::NoBrokers);
        }
        Ok(bootstrap)
    }

    /// Asks for the time.
    ///
    /// # Errors
    /// Where the orchestrator does not answer, refuses the token, or sends something else.
    pub async fn time(&self) -> Result<Sample, AskError> {
        let (asked_us, asked) = (unix_us(), Instant::now());
        let time: Time = self.get("api/v1/time").await?;
        Ok(Sample { asked_us, round_trip: asked.elapsed(), answered_us: time.unix_us })
    }
}

/// The address from which this machine reaches a broker; the unspecified one if no broker has a route.
pub async fn source_address(brokers: &[String]) -> IpAddr {
    for broker in brokers {
        // Connecting a UDP socket sends nothing: it picks a route.
        for local in ["0.0.0.0:0", "[::]:0"] {
            let Ok(socket) = tokio::net::UdpSocket::bind(local).await else { continue };
            if socket.connect(broker.as_str()).await.is_ok()
                && let Ok(address) = socket.local_addr()
            {
                return address.ip();
            }
        }
    }
    IpAddr::V4(Ipv4Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use common::settings::TopicNames;
    use common::wire::Topic;

    use super::*;

    #[actix_rt::test]
    async fn the_source_address_is_the_one_towards_the_broker() {
        let towards = async |broker: &str| source_address(&[broker.to_owned()]).await.to_string();
        assert_eq!(towards("127.0.0.1:9092").await, "127.0.0.1");
        assert_eq!(towards("no port").await, "0.0.0.0");
    }

    #[test]
    fn plain_http_to_another_host_is_clear_text() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/", false),
            ("http://[::1]:8080/", false),
            ("http://localhost:8080/", false),
            ("http://10.0.0.1:8080/", true),
            ("http://[fd00::1]:8080/", true),
            ("http://box:8080/", true),
            ("https://box:8443/", false),
        ] {
            assert_eq!(is_clear_text(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[actix_rt::test]
    async fn the_answers_are_read_with_the_token_and_refusals_are_distinguished() {
        use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
        let server = HttpServer::new(|| {
            let bootstrap = |request: HttpRequest| async move {
                let token = request.headers().get("authorization").map(|value| value.to_str().unwrap());
                match token {
                    Some("Bearer right") => HttpResponse::Ok()
                        .content_type("application/json")
                        .body(
                            r#"{"brokers":["127.0.0.1:1"],"topic_prefix":"p.","topics":{"test_config":"c"},"protocol":2,"later":true}"#,
                        ),
                    Some("Bearer older") => HttpResponse::Ok()
                        .content_type("application/json")
                        .body(r#"{"brokers":["127.0.0.1:1"],"topic_prefix":"","protocol":1}"#),
                    _ => HttpResponse::Unauthorized().finish(),
                }
            };
            let time =
                || async { HttpResponse::Ok().content_type("application/json").body(r#"{"unix_us":5}"#) };
            App::new()
                .route("/api/v1/bootstrap", web::get().to(bootstrap))
                .route("/api/v1/time", web::get().to(time))
        });
        let server = server.workers(1).bind(("127.0.0.1", 0)).unwrap();
        let url: Url = format!("http://{}", server.addrs()[0]).parse().unwrap();
        let running = actix_rt::spawn(server.run());
        let client = |token: &str| OrchestratorClient::new(url.clone(), Some(Secret::new(token)), None);
        let expected = Bootstrap {
            brokers: vec!["127.0.0.1:1".into()],
            topic_prefix: "p.".into(),
            topics: TopicNames::of([(Topic::TestConfig, "c".into())]),
            protocol: PROTOCOL,
        };
        assert_eq!(client("right").bootstrap().await.unwrap(), expected);
        assert!(matches!(client("wrong").bootstrap().await, Err(AskError::Token(401))));
        let refused = client("older").bootstrap().await.unwrap_err().to_string();
        assert_eq!(refused, "it speaks protocol 1, this driver 2: install the same version on both");
        assert_eq!(client("any").time().await.unwrap().answered_us, 5);
        running.abort();
        let gone = OrchestratorClient::new("http://127.0.0.1:1".parse().unwrap(), None, None);
        assert_eq!(
            gone.bootstrap().await.unwrap_err().to_string(),
            "no orchestrator at http://127.0.0.1:1 yet (--orchestrator): connection refused"
        );
    }
}
