//! How our clients talk to Kafka: settings become librdkafka's configuration, its errors become ours.
//! Passwords and keys enter here, from files, and leave in no log and no error.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode};

use crate::ids::NodeId;
use crate::settings::{Brokers, KafkaSettings, read_secret};

/// Largest record we send or read: a `test_config` carries bodies of up to 512 KiB, and one classic driver's
/// reports grow to 700 kB.
pub(super) const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// Timeout of a single request to Kafka (metadata, watermarks). The caller retries when it expires.
pub(super) const ASK: Duration = Duration::from_secs(2);

/// How long to serve librdkafka's queue for the errors in it: log lines precede them, and a non-blocking poll
/// returns after the first.
pub(super) const SERVE: Duration = Duration::from_millis(20);

/// What went wrong with Kafka.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// The settings do not name a broker: `embedded` and `ask` must be resolved before a client is made.
    #[error("kafka.brokers names no broker yet")]
    NoBrokers,
    /// A file of the security settings cannot be read.
    #[error("kafka.security.{key} = {path}: {reason}")]
    File {
        /// The setting.
        key: &'static str,
        /// Its value.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// librdkafka does not take the configuration. Never holds a value: it may be a password.
    #[error("kafka settings are not usable: {0}")]
    Settings(String),
    /// The embedded broker did not start.
    #[error("the embedded kafka did not start: {0}")]
    Embedded(String),
    /// No broker answers.
    #[error("kafka does not answer at {brokers}: {reason}")]
    Unreachable {
        /// As in the settings.
        brokers: String,
        /// librdkafka's words.
        reason: String,
    },
    /// A topic is missing or cannot be made.
    #[error("kafka topic {topic}: {reason}")]
    Topic {
        /// Its name on this Kafka.
        topic: String,
        /// Kafka's words.
        reason: String,
    },
    /// The producer's queue reached its bound; the record was refused.
    #[error("the kafka producer's queue is full")]
    QueueFull,
    /// The bound of heartbeats awaiting delivery is reached; the record was refused.
    #[error("a heartbeat was held back: {undelivered} wait for kafka already")]
    HeartbeatHeldBack {
        /// How many wait.
        undelivered: u32,
    },
    /// Kafka refused the record, or did not acknowledge it in time.
    #[error("kafka did not take the record: {0}")]
    NotDelivered(String),
    /// The client was stopped before this was done.
    #[error("the kafka client was stopped")]
    Stopped,
}

impl KafkaError {
    /// Whether a retry may succeed.
    pub fn may_heal(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::QueueFull | Self::HeartbeatHeldBack { .. })
    }
}

/// The broker addresses as librdkafka takes them.
pub(super) fn bootstrap(settings: &KafkaSettings) -> Result<String, KafkaError> {
    match &settings.brokers {
        Brokers::At(addresses) if !addresses.is_empty() => Ok(addresses.join(",")),
        _ => Err(KafkaError::NoBrokers),
    }
}

/// What every client of ours has in common.
pub(super) fn base_config(settings: &KafkaSettings) -> Result<ClientConfig, KafkaError> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap(settings)?)
        .set("client.id", "groundswell")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        .set("log.connection.close", "false")
        .set("topic.metadata.refresh.interval.ms", "30000");
    secure(&mut config, settings)?;
    Ok(config)
}

/// A consumer whose offsets the caller assigns; it stores none in Kafka. librdkafka's assign wants a group id
/// (librdkafka#3261); nothing is ever subscribed or committed under it.
pub(super) fn consumer_config(
    settings: &KafkaSettings,
    node_id: &NodeId,
) -> Result<ClientConfig, KafkaError> {
    let mut config = base_config(settings)?;
    config
        .set("group.id", format!("groundswell-{node_id}"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "false")
        .set("auto.offset.reset", "error")
        .set("allow.auto.create.topics", "false")
        .set("max.poll.interval.ms", "86400000")
        .set("fetch.wait.max.ms", "50")
        .set("fetch.error.backoff.ms", "200")
        .set("fetch.queue.backoff.ms", "50")
        .set("fetch.message.max.bytes", MAX_RECORD_BYTES.to_string())
        .set("queued.min.messages", "10000")
        .set("queued.max.messages.kbytes", "16384");
    Ok(config)
}

/// A producer whose records arrive once and in order, or fail with an error. Uncompressed: snappy, lz4 and
/// zstd end the consumers of three classic drivers.
pub(super) fn producer_config(settings: &KafkaSettings) -> Result<ClientConfig, KafkaError> {
    let mut config = base_config(settings)?;
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", "none")
        .set("linger.ms", "5")
        .set("retry.backoff.max.ms", "1000")
        .set("message.timeout.ms", "300000")
        .set("message.max.bytes", MAX_RECORD_BYTES.to_string())
        .set("queue.buffering.max.messages", "10000")
        .set("queue.buffering.max.kbytes", "65536");
    Ok(config)
}

fn password(path: &Path) -> Result<String, KafkaError> {
    let secret = read_secret(path).map_err(|error| KafkaError::File {
        key: "sasl_password_file",
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(secret.expose().to_owned())
}

fn readable(key: &'static str, path: &Path) -> Result<String, KafkaError> {
    std::fs::File::open(path).map_err(|error| KafkaError::File {
        key,
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(path.display().to_string())
}

/// Adds encryption and sign-on.
fn secure(config: &mut ClientConfig, settings: &KafkaSettings) -> Result<(), KafkaError> {
    let security = &settings.security;
    config.set("security.protocol", security.protocol.as_str());
    let files = [
        ("ca_file", "ssl.ca.location", &security.ca_file),
        ("certificate_file", "ssl.certificate.location", &security.certificate_file),
        ("key_file", "ssl.key.location", &security.key_file),
    ];
    for (key, property, path) in files {
        if let Some(path) = path {
            config.set(property, readable(key, path)?);
        }
    }
    if let Some(mechanism) = &security.sasl_mechanism {
        config.set("sasl.mechanism", mechanism.as_str());
    }
    if let Some(username) = &security.sasl_username {
        config.set("sasl.username", username);
    }
    if let Some(path) = &security.sasl_password_file {
        config.set("sasl.password", password(path)?);
    } else if let Some(password) = &security.sasl_password {
        config.set("sasl.password", password.expose());
    }
    Ok(())
}

/// Describes why librdkafka could not create a client. Its own text ends with the value, which may be a password.
pub(super) fn not_made(error: &ClientError) -> KafkaError {
    KafkaError::Settings(match error {
        ClientError::ClientConfig(_, reason, key, _) => format!("{key}: {reason}"),
        other => other.to_string(),
    })
}

/// Lets one line through every 10 s: messages that repeat while a broker is unreachable appear, but do not fill a disk.
#[derive(Debug, Default)]
pub(super) struct LogGate {
    closed_until: Option<Instant>,
}

impl LogGate {
    const EVERY: Duration = Duration::from_secs(10);

    /// Whether to log now.
    pub fn opens(&mut self) -> bool {
        let now = Instant::now();
        let open = self.closed_until.is_none_or(|until| now >= until);
        if open {
            self.closed_until = Some(now + Self::EVERY);
        }
        open
    }
}

/// Logs librdkafka's own messages at debug, and remembers the last error: a refused connection explains more than the
/// timeout that follows it.
#[derive(Debug, Clone, Default)]
pub(super) struct QuietContext {
    last: Arc<Mutex<Option<(Instant, String)>>>,
}

impl QuietContext {
    /// How long a remembered error is used to explain later failures.
    const EXPLAINS: Duration = Duration::from_secs(5);

    /// The text for an error: librdkafka's recent reason, if there is one, else the error's own text.
    pub fn explain(&self, error: &ClientError) -> String {
        let recent = self.last.lock().ok().and_then(|last| last.clone());
        match recent {
            Some((at, reason)) if at.elapsed() < Self::EXPLAINS => reason,
            _ => error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string()),
        }
    }
}

impl ClientContext for QuietContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log::debug!(target: "librdkafka", level:?, facility, detail = text; "librdkafka log");
    }

    fn error(&self, error: ClientError, reason: &str) {
        log::debug!(target: "librdkafka", error:%, detail = reason; "librdkafka error");
        // "1/1 brokers are down" adds nothing to the error before it.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown)
            && let Ok(mut last) = self.last.lock()
        {
            *last = Some((Instant::now(), reason.to_owned()));
        }
    }
}

impl ConsumerContext for QuietContext {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{KafkaSecurity, SaslMechanism, Secret, SecurityProtocol};

    fn at(security: KafkaSecurity) -> KafkaSettings {
        let brokers = Brokers::At(vec!["127.0.0.1:9092".to_owned(), "[::1]:9093".to_owned()]);
        KafkaSettings { brokers, security, ..KafkaSettings::default() }
    }

    #[test]
    fn clients_are_configured_as_the_wire_says() {
        let settings = at(KafkaSecurity::default());
        let consumer = consumer_config(&settings, &NodeId::new("d1").unwrap()).unwrap();
        for (key, value) in [
            ("bootstrap.servers", "127.0.0.1:9092,[::1]:9093"),
            ("group.id", "groundswell-d1"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("reconnect.backoff.max.ms", "1000"),
            ("security.protocol", "plaintext"),
        ] {
            assert_eq!(consumer.get(key), Some(value), "{key}");
        }
        let producer = producer_config(&settings).unwrap();
        for (key, value) in [("enable.idempotence", "true"), ("acks", "all"), ("compression.type", "none")] {
            assert_eq!(producer.get(key), Some(value), "{key}");
        }
        consumer.create_native_config().expect("librdkafka takes the consumer's");
        producer.create_native_config().expect("librdkafka takes the producer's");
    }

    #[test]
    fn sign_on_comes_from_files_or_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let security = KafkaSecurity {
            protocol: SecurityProtocol::SaslPlaintext,
            sasl_mechanism: Some(SaslMechanism::ScramSha512),
            sasl_username: Some("groundswell".to_owned()),
            ..KafkaSecurity::default()
        };
        let by_file = KafkaSecurity { sasl_password_file: Some(file), ..security.clone() };
        let by_environment = KafkaSecurity { sasl_password: Some(Secret::new("hunter2")), ..security };
        for security in [by_file, by_environment] {
            let config = producer_config(&at(security)).unwrap();
            assert_eq!(config.get("security.protocol"), Some("sasl_plaintext"));
            assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
            assert_eq!(config.get("sasl.username"), Some("groundswell"));
            assert_eq!(config.get("sasl.password"), Some("hunter2"));
            config.create_native_config().expect("librdkafka was built with SCRAM");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_key() {
        let security = KafkaSecurity { ca_file: Some("/nowhere/ca.pem".into()), ..KafkaSecurity::default() };
        let error = producer_config(&at(security)).err().unwrap().to_string();
        assert!(error.starts_with("kafka.security.ca_file = /nowhere/ca.pem: "), "{error}");
    }

    #[test]
    fn a_value_that_librdkafka_refuses_is_not_repeated() {
        let refused = ClientError::ClientConfig(
            rdkafka::types::RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "Invalid value".to_owned(),
            "sasl.password".to_owned(),
            "hunter2".to_owned(),
        );
        let error = not_made(&refused).to_string();
        assert!(error.contains("sasl.password") && !error.contains("hunter2"), "{error}");
    }
}
