//! `[kafka]`: where the brokers are, and how to talk to them. Both nodes have it.

use std::path::PathBuf;

use super::fields;
use super::secret::Secret;
use super::topics::{TopicNames, topic_prefix};
use crate::tree::{Kind, Node, Table, parse};

/// Most partitions of the metrics topic.
const MAX_PARTITIONS: u32 = 256;

/// The one key that no file may have.
pub(super) const PASSWORD_OF_ENVIRONMENT: &str = "kafka.security.sasl_password";

/// Where Kafka is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brokers {
    /// librdkafka's in-process broker, inside the orchestrator.
    Embedded,
    /// Addresses to begin with, `HOST:PORT` each.
    At(Vec<String>),
    /// The orchestrator is asked (a driver's default).
    Ask,
}

/// Which node reads the section, and so what `brokers` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokersAllowed {
    /// The orchestrator: embedded, or addresses.
    EmbeddedOrAt,
    /// A driver: ask, or addresses.
    AskOrAt,
}

/// `[kafka]`.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSettings {
    /// Where Kafka is.
    pub brokers: Brokers,
    /// Prefix of the name of each topic that `topics` does not rename; empty by default.
    pub topic_prefix: String,
    /// Names of topics that differ from the default names; none by default.
    pub topics: TopicNames,
    /// Partitions of the metrics topic when it is created; 1 by default.
    pub metrics_partitions: u32,
    /// Copies of each topic when it is created; 1 by default.
    pub replication: i16,
    /// Encryption and sign-on.
    pub security: KafkaSecurity,
}

/// `[kafka.security]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KafkaSecurity {
    /// How the connection is secured.
    pub protocol: SecurityProtocol,
    /// PEM file of the authorities that brokers are checked against; the system's by default.
    pub ca_file: Option<PathBuf>,
    /// PEM file of our certificate.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of its key.
    pub key_file: Option<PathBuf>,
    /// How we sign on.
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Our name.
    pub sasl_username: Option<String>,
    /// File that holds our password.
    pub sasl_password_file: Option<PathBuf>,
    /// Our password, which the environment alone may give
    /// (`GROUNDSWELL__KAFKA__SECURITY__SASL_PASSWORD`).
    pub sasl_password: Option<Secret>,
}

/// `security.protocol` of Kafka.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Neither encrypted nor signed on.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// Signed on, not encrypted.
    SaslPlaintext,
    /// Signed on, over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// As librdkafka and our settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    fn is_signed_on(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    fn is_encrypted(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

/// `sasl.mechanism` of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password as it is.
    Plain,
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// As librdkafka and our settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Default for KafkaSettings {
    /// The orchestrator's: an embedded broker.
    fn default() -> Self {
        Self {
            brokers: Brokers::Embedded,
            topic_prefix: String::new(),
            topics: TopicNames::default(),
            metrics_partitions: 1,
            replication: 1,
            security: KafkaSecurity::default(),
        }
    }
}

impl KafkaSettings {
    /// Reads the section.
    pub fn read(table: &mut Table, allowed: BrokersAllowed) -> Self {
        let default = match allowed {
            BrokersAllowed::EmbeddedOrAt => Brokers::Embedded,
            BrokersAllowed::AskOrAt => Brokers::Ask,
        };
        let brokers = read_brokers(table, allowed).unwrap_or(default);
        let topic_prefix = table.get("topic_prefix", topic_prefix).unwrap_or_default();
        Self {
            topics: table.table("topics", |topics| TopicNames::read(topics, &topic_prefix)),
            topic_prefix,
            metrics_partitions: table
                .get("metrics_partitions", parse::integer(1..=MAX_PARTITIONS))
                .unwrap_or(1),
            replication: table.get("replication", parse::integer(1..=i16::MAX)).unwrap_or(1),
            security: table.table("security", |security| KafkaSecurity::read(security, &brokers)),
            brokers,
        }
    }
}

fn read_brokers(table: &mut Table, allowed: BrokersAllowed) -> Option<Brokers> {
    let word = match table.kind_of("brokers") {
        Some(Kind::Text(text)) => text.trim().to_owned(),
        _ => String::new(),
    };
    let named = match (word.as_str(), allowed) {
        ("embedded", BrokersAllowed::EmbeddedOrAt) => Ok(Brokers::Embedded),
        ("ask", BrokersAllowed::AskOrAt) => Ok(Brokers::Ask),
        ("embedded", BrokersAllowed::AskOrAt) => Err(
            "the embedded broker lives in the orchestrator; leave this out, and it is asked for the address",
        ),
        ("ask", BrokersAllowed::EmbeddedOrAt) => {
            Err("an orchestrator has no other orchestrator to ask; use \"embedded\" or addresses (HOST:PORT)")
        }
        _ => {
            let addresses = addresses(table)?;
            return (!addresses.is_empty()).then_some(Brokers::At(addresses));
        }
    };
    let node = table.take("brokers")?;
    named.map_err(|reason| table.fault_at("brokers", &node, reason)).ok()
}

/// A list of addresses, or a text with commas between them, as `--kafka` takes it.
fn addresses(table: &mut Table) -> Option<Vec<String>> {
    if let Some(Kind::Text(text)) = table.kind_of("brokers") {
        let text = text.clone();
        let node = table.take("brokers")?;
        let parsed: Result<Vec<String>, String> = text
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty())
            .map(|address| fields::host_port(&Node::new(Kind::Text(address.to_owned()))))
            .collect();
        return match parsed {
            Ok(addresses) if addresses.is_empty() => {
                table.fault_at("brokers", &node, "is empty; expected HOST:PORT, with commas between them");
                None
            }
            Ok(addresses) => Some(addresses),
            Err(reason) => {
                table.fault_at("brokers", &node, reason);
                None
            }
        };
    }
    let empty = matches!(table.kind_of("brokers"), Some(Kind::List(items)) if items.is_empty());
    if empty && let Some(node) = table.take("brokers") {
        table.fault_at("brokers", &node, "is empty; expected addresses (HOST:PORT)");
        return None;
    }
    table.get_list("brokers", fields::host_port)
}

impl KafkaSecurity {
    fn read(table: &mut Table, brokers: &Brokers) -> Self {
        use SecurityProtocol::{Plaintext, SaslPlaintext, SaslSsl, Ssl};
        let protocols = [Plaintext, Ssl, SaslPlaintext, SaslSsl].map(|it| (it.as_str(), it));
        let mechanisms = [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512]
            .map(|it| (it.as_str(), it));
        let none = |path: Option<Option<PathBuf>>| path.flatten();
        let password = table.take("sasl_password");
        let settings = Self {
            protocol: table.get("protocol", parse::one_of(&protocols)).unwrap_or_default(),
            ca_file: none(table.get("ca_file", parse::or_none(parse::path))),
            certificate_file: none(table.get("certificate_file", parse::or_none(parse::path))),
            key_file: none(table.get("key_file", parse::or_none(parse::path))),
            sasl_mechanism: table.get("sasl_mechanism", parse::or_none(parse::one_of(&mechanisms))).flatten(),
            sasl_username: table.get("sasl_username", parse::or_none(parse::text)).flatten(),
            sasl_password_file: none(table.get("sasl_password_file", parse::or_none(parse::path))),
            sasl_password: password.and_then(|node| password_of_environment(table, &node)),
        };
        if *brokers == Brokers::Embedded && settings.protocol != Plaintext {
            let reason =
                "the embedded broker speaks plaintext alone; name the brokers of a Kafka of your own";
            table.contradiction("protocol", format!("{:?}", settings.protocol.as_str()), reason);
        }
        settings.check(table);
        settings
    }

    fn check(&self, table: &Table) {
        let protocol = self.protocol.as_str();
        if self.certificate_file.is_some() != self.key_file.is_some() {
            let (missing, there) = match self.key_file {
                None => ("key_file", "certificate_file"),
                Some(_) => ("certificate_file", "key_file"),
            };
            table.contradiction(missing, "", format!("is missing, and {there} is given; they go together"));
        }
        let files = [
            ("ca_file", &self.ca_file),
            ("certificate_file", &self.certificate_file),
            ("key_file", &self.key_file),
        ];
        for (key, path) in files {
            if let Some(path) = path.as_ref().filter(|_| !self.protocol.is_encrypted()) {
                let reason = format!("is of no use with protocol = {protocol:?}; \"ssl\" or \"sasl_ssl\"?");
                table.contradiction(key, format!("{path:?}"), reason);
            }
        }
        let has_password = self.sasl_password.is_some() || self.sasl_password_file.is_some();
        let given = [
            ("sasl_mechanism", self.sasl_mechanism.is_some()),
            ("sasl_username", self.sasl_username.is_some()),
            ("sasl_password_file", has_password),
        ];
        for (key, given) in given {
            match (given, self.protocol.is_signed_on()) {
                (false, true)
                    // A value that has a fault already is not reported as missing as well.
                    if !table.is_faulty(key) => {
                        table.contradiction(key, "", format!("is missing, and protocol is {protocol:?}"));
                    }
                (true, false) => {
                    let reason = format!("is of no use with protocol = {protocol:?}; \"sasl_ssl\"?");
                    table.contradiction(key, "", reason);
                }
                _ => {}
            }
        }
        if self.sasl_password.is_some() && self.sasl_password_file.is_some() {
            table.contradiction(
                "sasl_password",
                crate::plan::MASK,
                "is given, and sasl_password_file too; leave one out",
            );
        }
    }
}

/// The password, which only the environment may give. In a config file or a flag it is a fault: people copy files, and
/// `ps` shows command lines.
fn password_of_environment(table: &Table, node: &Node) -> Option<Secret> {
    let from_environment =
        node.loose && node.origin.as_deref().is_some_and(|origin| origin.starts_with("environment "));
    match &node.kind {
        Kind::Text(text) if text.is_empty() => None,
        Kind::Text(text) if from_environment => Some(Secret::new(text.clone())),
        _ => {
            let reason = "a password stands in a file of its own (sasl_password_file) or in the environment";
            table.fault(
                crate::plan::Fault::value(table.path_of("sasl_password"), crate::plan::MASK, reason),
                node.origin.clone(),
            );
            None
        }
    }
}
