//! A driver's settings: every key, its unit, range and default. See config/driver.toml.

mod habits;
mod secrets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::settings::allow::default_targets;
use common::settings::{
    AllowTarget, Brokers, BrokersAllowed, ClassicSettings, KafkaSettings, NodeSettings, Section,
    SettingsError, TOKEN_CREDENTIAL, check_file, credential, defaults, fields,
};
use common::tree::{Kind, Node, Table, parse};
use url::Url;

use crate::connect_to::ConnectTo;
use crate::cpu::cores;
use crate::precision::Precision;

pub use habits::Habits;
pub use secrets::{SecretSettings, VariableNames, is_own};

/// Where an orchestrator listens by default.
const DEFAULT_ORCHESTRATOR: &str = "http://127.0.0.1:8080";
/// Most workers of one driver.
const MAX_WORKERS: u32 = 1_024;
/// Most labels, and the longest name or value of one in bytes.
const MAX_LABELS: usize = 64;
const MAX_LABEL_BYTES: usize = 256;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverSettings {
    /// The build, as in `0.1.0 (abc1234)`. No key: the binary that runs the node knows its commit and sets it.
    pub version: String,
    /// `[node]`: its id and data folder.
    pub node: NodeSettings,
    /// `[kafka]`: by default the orchestrator is asked where it is.
    pub kafka: KafkaSettings,
    /// `[classic]`: how classic orchestrators are understood.
    pub classic: ClassicSettings,
    /// `[classic]` too: what the driver does for classic orchestrators beyond the classic fields.
    pub habits: Habits,
    /// `[orchestrator]`: where it gets Kafka's addresses and the time.
    pub orchestrator: OrchestratorClientSettings,
    /// `[http]`: its own small server.
    pub http: HttpSettings,
    /// `[driver]`: the load generator.
    pub driver: WorkSettings,
    /// `[safety]`: what plans may ask of it.
    pub safety: SafetySettings,
    /// `[secrets]`: what plans may use of its environment and files.
    pub secrets: SecretSettings,
    /// `[tls]`: towards targets.
    pub tls: TlsSettings,
}

/// `[orchestrator]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrchestratorClientSettings {
    /// Where it answers, as a URL; see [`DriverSettings::orchestrator_url`] for the default.
    pub url: Option<Url>,
    /// File that holds the bearer token for it.
    pub token_file: Option<PathBuf>,
    /// PEM file of the authorities that an https orchestrator is checked against; the system's by default.
    pub ca_file: Option<PathBuf>,
    /// How long it may be silent before the driver stops its load by itself, 1 s to 1 h; 60 s by default.
    pub grace: Duration,
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where /healthz and /metrics are served; nowhere by default, port 0 takes a free one.
    pub listen: Option<SocketAddr>,
}

/// `[driver]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkSettings {
    /// Threads that send, 1 to 1024; as many as there are cores by default.
    pub workers: Option<u32>,
    /// How close to its schedule it stays, and at what price; `auto` by default.
    pub precision: Precision,
    /// How often a target's host name is looked up again while a test runs, 1 s to 1 h; never by default.
    pub resolve_every: Option<Duration>,
    /// Places that connections go to instead of the URL's host and port; none by default.
    pub connect_to: Vec<ConnectTo>,
    /// What people know this driver by, as in `zone = "a"`; shown beside its id.
    pub labels: BTreeMap<String, String>,
}

/// `[safety]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetySettings {
    /// Networks and host names that a plan may send to; loopback and private networks by default.
    pub allow_targets: Vec<AllowTarget>,
    /// Highest rate that a plan may ask of this driver, requests per second; none by default.
    pub max_rate: Option<f64>,
}

/// `[tls]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of the authorities that targets are checked against; the system's by default.
    pub ca_file: Option<PathBuf>,
    /// Whether targets' certificates are not checked at all; false by default.
    pub insecure: bool,
    /// PEM file of our certificate, for targets that demand one, and of those above it; none by default.
    pub cert_file: Option<PathBuf>,
    /// PEM file of its key; none by default, and there where `cert_file` is.
    pub key_file: Option<PathBuf>,
}

impl Default for DriverSettings {
    fn default() -> Self {
        defaults()
    }
}

impl DriverSettings {
    /// Checks a file of settings.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn check_file(path: &Path) -> Result<(), SettingsError> {
        check_file::<Self>(path)
    }

    /// Where the orchestrator answers: as set; where it is not and Kafka is to be asked for, the default
    /// address on this machine; else none, for classic orchestrators have no HTTP.
    pub fn orchestrator_url(&self) -> Option<Url> {
        let asked = self.kafka.brokers == Brokers::Ask;
        self.orchestrator.url.clone().or_else(|| Url::parse(DEFAULT_ORCHESTRATOR).ok().filter(|_| asked))
    }
}

impl Section for DriverSettings {
    fn read(root: &mut Table) -> Self {
        let node = root.table("node", NodeSettings::read);
        let kafka = root.table("kafka", |kafka| KafkaSettings::read(kafka, BrokersAllowed::AskOrAt));
        let (classic, habits) =
            root.table("classic", |classic| (ClassicSettings::read(classic), Habits::read(classic)));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node,
            kafka,
            classic,
            habits,
            orchestrator: root.table("orchestrator", OrchestratorClientSettings::read),
            http: root.table("http", HttpSettings::read),
            driver: root.table("driver", WorkSettings::read),
            safety: root.table("safety", SafetySettings::read),
            secrets: root.table("secrets", SecretSettings::read),
            tls: root.table("tls", TlsSettings::read),
        }
    }
}

impl OrchestratorClientSettings {
    fn read(table: &mut Table) -> Self {
        let s = Duration::from_secs(1);
        Self {
            url: table.get("url", parse::or_none(fields::orchestrator_url)).flatten(),
            token_file: table
                .get("token_file", parse::or_none(parse::path))
                .flatten()
                .or_else(|| credential(TOKEN_CREDENTIAL)),
            ca_file: table.get("ca_file", parse::or_none(parse::path)).flatten(),
            grace: table.get("grace", parse::duration(s..=3_600 * s)).unwrap_or(60 * s),
        }
    }
}

impl HttpSettings {
    fn read(table: &mut Table) -> Self {
        Self { listen: table.get("listen", parse::or_none(fields::listen)).flatten() }
    }
}

impl WorkSettings {
    /// How many threads send: as set, or one a core.
    pub fn n_workers(&self) -> u32 {
        self.workers.unwrap_or_else(cores)
    }
}

impl WorkSettings {
    fn read(table: &mut Table) -> Self {
        let s = Duration::from_secs(1);
        let precisions = Precision::ALL.map(|precision| (precision.as_str(), precision));
        Self {
            workers: table.get("workers", parse::or_word("auto", parse::integer(1..=MAX_WORKERS))).flatten(),
            precision: table.get("precision", parse::one_of(&precisions)).unwrap_or_default(),
            resolve_every: table
                .get("resolve_every", parse::or_word("never", parse::duration(s..=3_600 * s)))
                .flatten(),
            connect_to: table.get_list("connect_to", parse::from_str::<ConnectTo>).unwrap_or_default(),
            labels: table.get("labels", labels).unwrap_or_default(),
        }
    }
}

/// A table of texts; from the environment `key=value` with commas between them.
fn labels(node: &Node) -> Result<BTreeMap<String, String>, String> {
    let labels: BTreeMap<String, String> = match &node.kind {
        Kind::Table(entries) => entries
            .iter()
            .map(|(key, value)| match parse::text(value) {
                Ok(value) => Ok((key.clone(), value)),
                Err(reason) => Err(format!("{key}: {reason}")),
            })
            .collect::<Result<_, String>>()?,
        Kind::Text(text) if node.loose => text
            .split(',')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
                None => Err("expected KEY=VALUE with commas between them".to_owned()),
            })
            .collect::<Result<_, String>>()?,
        kind => return Err(format!("expected a table of texts, found {}", kind.name())),
    };
    if labels.len() > MAX_LABELS {
        return Err(format!("more than {MAX_LABELS} labels"));
    }
    for (key, value) in &labels {
        let fits = |text: &str| text.len() <= MAX_LABEL_BYTES && !text.contains(char::is_control);
        if key.is_empty() || !fits(key) || !fits(value) {
            return Err(format!(
                "{key:?}: a label has a name, neither of its texts is longer than {MAX_LABEL_BYTES} bytes or holds \
                 a control character"
            ));
        }
    }
    Ok(labels)
}

impl SafetySettings {
    fn read(table: &mut Table) -> Self {
        let max_rate = parse::or_word("none", parse::rate(0.000_01..=10_000_000.0));
        Self {
            allow_targets: table
                .get_list("allow_targets", parse::from_str::<AllowTarget>)
                .unwrap_or_else(default_targets),
            max_rate: table.get("max_rate", max_rate).flatten(),
        }
    }
}

impl TlsSettings {
    fn read(table: &mut Table) -> Self {
        let settings = Self {
            ca_file: table.get("ca_file", parse::or_none(parse::path)).flatten(),
            insecure: table.get("insecure", parse::boolean).unwrap_or(false),
            cert_file: table.get("cert_file", parse::or_none(parse::path)).flatten(),
            key_file: table.get("key_file", parse::or_none(parse::path)).flatten(),
        };
        match (&settings.cert_file, &settings.key_file) {
            (Some(_), None) if !table.is_faulty("key_file") => {
                table.missing("key_file", "is missing: --cert needs the --key that belongs to it");
            }
            (None, Some(_)) if !table.is_faulty("cert_file") => {
                table.missing("cert_file", "is missing: --key needs the --cert that it belongs to");
            }
            _ => {}
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use common::settings::{Sources, keys_left_out, load};
    use common::wire::Unit;

    use super::*;

    fn with(flags: &[(&str, &str)]) -> Result<DriverSettings, SettingsError> {
        load(&Sources::of_flags(flags))
    }

    #[test]
    fn the_shipped_config_is_every_key_at_its_default() {
        let config = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/driver.toml"));
        let loaded: DriverSettings = load(&Sources::of_file(&config)).unwrap();
        assert_eq!(loaded, DriverSettings::default());
        assert_eq!(keys_left_out::<DriverSettings>(&config).unwrap(), Vec::<String>::new());
        DriverSettings::check_file(&config).unwrap();
    }

    #[test]
    fn the_addresses_as_flags_are_enough() {
        let settings = with(&[("kafka.brokers", "a:9092,b:9092"), ("orchestrator.url", "box:8080")]).unwrap();
        assert_eq!(settings.kafka.brokers, Brokers::At(vec!["a:9092".to_owned(), "b:9092".to_owned()]));
        assert_eq!(settings.orchestrator_url().unwrap().as_str(), "http://box:8080/");
        let asks = with(&[]).unwrap();
        assert_eq!(asks.orchestrator_url().unwrap().as_str(), "http://127.0.0.1:8080/");
        let classic = with(&[("kafka.brokers", "a:9092")]).unwrap();
        assert_eq!(classic.orchestrator_url(), None, "a classic orchestrator has no HTTP");
    }

    #[test]
    fn what_a_driver_is_not_is_refused_with_a_reason() {
        let long = "x".repeat(257);
        for (key, text, expected) in [
            ("kafka.brokers", "embedded", "lives in the orchestrator"),
            ("driver.workers", "0", "must be from 1 to 1024, or \"auto\""),
            ("driver.labels", "zone", "KEY=VALUE"),
            ("driver.precision", "high", "auto"),
            ("safety.allow_targets", "10.0.0.0/8,http://x", "is neither a network"),
            ("safety.max_rate", "0", "or \"none\""),
            ("orchestrator.url", "ftp://x", "HOST:PORT or a URL"),
            ("classic.target_url", "x", "no scheme"),
            ("classic.no_at_end", "NO!", "expected true or false"),
            ("classic.end_word", "a\u{7}", "holds a control character"),
            ("classic.end_word", &long, "is longer than 256 bytes"),
            ("classic.heartbeat_every", "49ms", "must be from 50ms to 10s"),
            ("classic.heartbeat_every", "10.1s", "must be from 50ms to 10s"),
        ] {
            let error = with(&[(key, text)]).unwrap_err().to_string();
            assert!(error.contains(expected) && error.lines().count() == 1, "{key} = {text}: {error}");
        }
    }

    #[test]
    fn what_other_peoples_orchestrators_wait_for_is_set_beside_how_they_are_understood() {
        assert_eq!(with(&[]).unwrap().habits, Habits::default());
        let flags = [
            ("classic.no_at_end", "true"),
            ("classic.register_after_trigger", "yes"),
            ("classic.end_word", " EOT "),
            ("classic.heartbeat_every", "50ms"),
            ("classic.delay_unit", "ms"),
        ];
        let settings = with(&flags).unwrap();
        let habits = Habits {
            no_at_end: true,
            register_after_trigger: true,
            end_word: Some("EOT".to_owned()),
            heartbeat_every: Duration::from_millis(50),
        };
        assert_eq!((settings.habits, settings.classic.delay_unit), (habits, Unit::Milliseconds));
    }

    #[test]
    fn lists_and_labels_come_from_flags_too() {
        let flags = [
            ("safety.allow_targets", "127.0.0.2, staging.example.com"),
            ("driver.labels", "zone=a, rack = 7"),
        ];
        let settings = with(&flags).unwrap();
        let targets: Vec<String> = settings.safety.allow_targets.iter().map(ToString::to_string).collect();
        assert_eq!(targets, ["127.0.0.2/32", "staging.example.com"]);
        let labels: Vec<(String, String)> = settings.driver.labels.into_iter().collect();
        assert_eq!(labels, [("rack".to_owned(), "7".to_owned()), ("zone".to_owned(), "a".to_owned())]);
        assert_eq!(with(&[("safety.allow_targets", "")]).unwrap().safety.allow_targets, []);
    }
}
