//! The orchestrator's settings: every key, its unit, range and default. See config/orchestrator.toml.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::plan::TargetUrl;
use common::settings::{
    BrokersAllowed, ClassicSettings, KafkaSettings, NodeSettings, Section, SettingsError, TOKEN_CREDENTIAL,
    check_file, credential, defaults, fields,
};
use common::tree::{Table, parse};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct OrchestratorSettings {
    /// The build, as in `0.1.0 (abc1234)`. No key: the binary that runs the node knows its commit and sets it.
    pub version: String,
    /// `[node]`: its id and data folder.
    pub node: NodeSettings,
    /// `[kafka]`: embedded by default.
    pub kafka: KafkaSettings,
    /// `[classic]`: how other people's drivers are read and led.
    pub classic: ClassicSettings,
    /// `[http]`: REST and the dashboard.
    pub http: HttpSettings,
    /// `[test]`: how tests are led.
    pub test: TestSettings,
    /// `[store]`: what is kept.
    pub store: StoreSettings,
    /// `[data]`: the data files of plans.
    pub data: DataSettings,
    /// `[page]`: what the dashboard offers.
    pub page: PageSettings,
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it listens; 127.0.0.1:8080 by default, port 0 takes a free one.
    pub listen: SocketAddr,
    /// File that holds the bearer token which everything but /healthz, /readyz and /docs asks for; by default systemd's
    /// credential `groundswell.token`, where there is one.
    pub token_file: Option<PathBuf>,
    /// Whether it may listen beyond loopback without a token; false by default.
    pub allow_unauthenticated: bool,
    /// Most connections at once, 1 to 65536; 1024 by default.
    pub max_connections: u32,
    /// Largest body of a request in bytes, 1 KiB to 16 MiB; 1 MiB by default.
    pub max_body_bytes: usize,
}

/// `[test]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSettings {
    /// How long the chosen drivers have to become ready, 100 ms to 5 min; 10 s by default.
    pub ready_timeout: Duration,
    /// From the trigger to the common start of all drivers, 50 ms to 1 min; 1 s by default.
    pub start_delay: Duration,
    /// Silence after which a driver is lost, 1 s to 1 h; 10 s by default.
    pub lost_after: Duration,
    /// Silence after which a driver is suspect, 500 ms to 1 h, below `lost_after`; 3 s by default.
    pub suspect_after: Duration,
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Finished tests that are kept, newest first, 1 to 1,000,000; 1000 by default.
    pub keep_tests: u32,
    /// How long a test is kept that was never started, 1 min to 10 years; 7 days by default.
    pub keep_configured: Duration,
}

/// `[data]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSettings {
    /// Longest data file in bytes, 1 KiB to 1 TiB; 1 GiB by default.
    pub max_file_bytes: u64,
    /// Bytes of all data files together, 1 KiB to 1 PiB; 2 GiB by default.
    pub max_bytes: u64,
    /// How long a file is kept that no test names, 1 min to 10 years; 1 h by default.
    pub keep_unnamed: Duration,
}

/// `[page]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSettings {
    /// What the button on a page without tests sends a short test to; none by default. `up --target` sets its own target.
    pub try_target: Option<TargetUrl>,
}

impl Default for OrchestratorSettings {
    fn default() -> Self {
        defaults()
    }
}

impl OrchestratorSettings {
    /// Checks a file of settings.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn check_file(path: &Path) -> Result<(), SettingsError> {
        check_file::<Self>(path)
    }
}

impl Section for OrchestratorSettings {
    fn read(root: &mut Table) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: root.table("node", NodeSettings::read),
            kafka: root.table("kafka", |kafka| KafkaSettings::read(kafka, BrokersAllowed::EmbeddedOrAt)),
            classic: root.table("classic", ClassicSettings::read),
            http: root.table("http", HttpSettings::read),
            test: root.table("test", TestSettings::read),
            store: root.table("store", StoreSettings::read),
            data: root.table("data", DataSettings::read),
            page: root.table("page", PageSettings::read),
        }
    }
}

impl HttpSettings {
    fn read(table: &mut Table) -> Self {
        let shown = table.shown("listen");
        let settings = Self {
            listen: table
                .get("listen", fields::listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            token_file: table
                .get("token_file", parse::or_none(parse::path))
                .flatten()
                .or_else(|| credential(TOKEN_CREDENTIAL)),
            allow_unauthenticated: table.get("allow_unauthenticated", parse::boolean).unwrap_or(false),
            max_connections: table.get("max_connections", parse::integer(1..=65_536)).unwrap_or(1_024),
            max_body_bytes: table
                .get("max_body_bytes", parse::integer(1_024..=16 * 1024 * 1024_u32))
                .map_or(1024 * 1024, |bytes| bytes as usize),
        };
        let open = !fields::is_loopback(settings.listen.ip())
            && settings.token_file.is_none()
            && !settings.allow_unauthenticated;
        // A token file or a permission that cannot be read was meant to be there.
        if open && !table.is_faulty("token_file") && !table.is_faulty("allow_unauthenticated") {
            let reason = "is beyond loopback, where anyone could start tests; set http.token_file (a unit: the credential \
                          groundswell.token), or http.allow_unauthenticated = true";
            table.contradiction("listen", shown, reason);
        }
        settings
    }
}

impl TestSettings {
    fn read(table: &mut Table) -> Self {
        let (ms, s) = (Duration::from_millis(1), Duration::from_secs(1));
        let shown = table.shown("suspect_after");
        let settings = Self {
            ready_timeout: table.get("ready_timeout", parse::duration(100 * ms..=300 * s)).unwrap_or(10 * s),
            start_delay: table.get("start_delay", parse::duration(50 * ms..=60 * s)).unwrap_or(s),
            lost_after: table.get("lost_after", parse::duration(s..=3_600 * s)).unwrap_or(10 * s),
            suspect_after: table.get("suspect_after", parse::duration(500 * ms..=3_600 * s)).unwrap_or(3 * s),
        };
        if settings.suspect_after >= settings.lost_after {
            table.contradiction("suspect_after", shown, "must be below test.lost_after");
        }
        settings
    }
}

impl StoreSettings {
    fn read(table: &mut Table) -> Self {
        let (minute, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
        Self {
            keep_tests: table.get("keep_tests", parse::integer(1..=1_000_000)).unwrap_or(1_000),
            keep_configured: table
                .get("keep_configured", parse::duration(minute..=3_650 * day))
                .unwrap_or(7 * day),
        }
    }
}

impl DataSettings {
    fn read(table: &mut Table) -> Self {
        let (minute, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
        Self {
            max_file_bytes: table.get("max_file_bytes", parse::integer(1_024..=1 << 40)).unwrap_or(1 << 30),
            max_bytes: table.get("max_bytes", parse::integer(1_024..=1 << 50)).unwrap_or(1 << 31),
            keep_unnamed: table
                .get("keep_unnamed", parse::duration(minute..=3_650 * day))
                .unwrap_or(60 * minute),
        }
    }
}

impl PageSettings {
    fn read(table: &mut Table) -> Self {
        Self { try_target: table.get("try_target", parse::or_none(fields::target_url)).flatten() }
    }
}

#[cfg(test)]
mod tests {
    use common::settings::{Sources, keys_left_out, load};

    use super::*;

    fn with(flags: &[(&str, &str)]) -> Result<OrchestratorSettings, SettingsError> {
        load(&Sources::of_flags(flags))
    }

    #[test]
    fn the_shipped_config_is_every_key_at_its_default() {
        let config = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/orchestrator.toml"));
        let loaded: OrchestratorSettings = load(&Sources::of_file(&config)).unwrap();
        assert_eq!(loaded, OrchestratorSettings::default());
        assert_eq!(keys_left_out::<OrchestratorSettings>(&config).unwrap(), Vec::<String>::new());
        OrchestratorSettings::check_file(&config).unwrap();
    }

    #[test]
    fn beyond_loopback_it_needs_a_token_or_a_permission() {
        let listen = ("http.listen", "0.0.0.0:8080");
        let error = with(&[listen]).unwrap_err().to_string();
        let start = "command line: http.listen = 0.0.0.0:8080: is beyond loopback";
        assert!(error.starts_with(start) && error.lines().count() == 1, "{error}");
        assert!(with(&[("http.listen", "[::]:8080")]).is_err());
        assert!(with(&[listen, ("http.token_file", "/etc/token")]).is_ok());
        assert!(with(&[listen, ("http.allow_unauthenticated", "true")]).is_ok());
        assert!(with(&[listen, ("http.allow_unauthenticated", "false")]).is_err());
        for loopback in ["127.0.0.2:0", "[::1]:8080", "localhost:8080"] {
            assert!(with(&[("http.listen", loopback)]).is_ok(), "{loopback}");
        }
    }

    #[test]
    fn a_target_to_try_is_one_that_a_plan_may_have() {
        let url = with(&[("page.try_target", "http://127.0.0.1:8081/ping")]).unwrap().page.try_target;
        assert_eq!(url.map(|url| url.to_string()).as_deref(), Some("http://127.0.0.1:8081/ping"));
        assert_eq!(with(&[("page.try_target", "")]).unwrap().page.try_target, None);
        let error = with(&[("page.try_target", "ftp://127.0.0.1/")]).unwrap_err().to_string();
        assert!(error.starts_with("command line: page.try_target = ftp://127.0.0.1/: "), "{error}");
    }

    #[test]
    fn a_driver_is_suspect_before_it_is_lost() {
        let error = with(&[("test.suspect_after", "10s")]).unwrap_err().to_string();
        assert_eq!(error, "command line: test.suspect_after = 10s: must be below test.lost_after");
    }
}
