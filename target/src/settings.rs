//! The target's settings: every key, its unit, range and default. See config/target.toml.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use common::settings::{Section, SettingsError, check_file, defaults, fields};
use common::tree::{Table, parse};

/// Longest delay, jitter or stall.
const HOUR: Duration = Duration::from_secs(3_600);

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetSettings {
    /// `[http]`: where it answers.
    pub http: HttpSettings,
    /// `[behaviour]`: how it is bad on purpose; good by default.
    pub behaviour: BehaviourSettings,
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it listens; 127.0.0.1:8081 by default, port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that answer, 1 to 1024; as many as there are cores by default.
    pub workers: Option<u32>,
}

/// `[behaviour]`.
#[derive(Debug, Clone, PartialEq)]
pub struct BehaviourSettings {
    /// Added before each answer, up to 1 h; 0 by default.
    pub delay: Duration,
    /// Up to so much more or less than `delay`, evenly spread, up to 1 h; 0 by default.
    pub jitter: Duration,
    /// Share of requests that are answered with `error_status`, 0 to 1; 0 by default.
    pub error_ratio: f64,
    /// The status of those, 100 to 999; 503 by default.
    pub error_status: u16,
    /// How long after the first request a stall begins, up to 1 h; 0 by default.
    pub stall_at: Duration,
    /// How long the stall lasts: nothing is answered meanwhile, and all that came is answered after it; 0, which is
    /// no stall, by default.
    pub stall_for: Duration,
    /// Most requests handled at once, others wait; as many as come by default.
    pub max_concurrent: Option<u32>,
    /// Share of requests whose connection is dropped without an answer, 0 to 1; 0 by default.
    pub drop_ratio: f64,
}

impl Default for TargetSettings {
    fn default() -> Self {
        defaults()
    }
}

impl TargetSettings {
    /// Checks a file of settings.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn check_file(path: &Path) -> Result<(), SettingsError> {
        check_file::<Self>(path)
    }
}

impl Section for TargetSettings {
    fn read(root: &mut Table) -> Self {
        Self {
            http: root.table("http", HttpSettings::read),
            behaviour: root.table("behaviour", BehaviourSettings::read),
        }
    }
}

impl HttpSettings {
    fn read(table: &mut Table) -> Self {
        Self {
            listen: table
                .get("listen", fields::listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8081))),
            workers: table.get("workers", parse::or_word("auto", parse::integer(1..=1_024_u32))).flatten(),
        }
    }
}

impl BehaviourSettings {
    fn read(table: &mut Table) -> Self {
        let time = || parse::duration(Duration::ZERO..=HOUR);
        let most = parse::or_word("none", parse::integer(1..=1_000_000_u32));
        Self {
            delay: table.get("delay", time()).unwrap_or_default(),
            jitter: table.get("jitter", time()).unwrap_or_default(),
            error_ratio: table.get("error_ratio", parse::ratio).unwrap_or(0.0),
            error_status: table.get("error_status", parse::integer(100..=999_u16)).unwrap_or(503),
            stall_at: table.get("stall_at", time()).unwrap_or_default(),
            stall_for: table.get("stall_for", time()).unwrap_or_default(),
            max_concurrent: table.get("max_concurrent", most).flatten(),
            drop_ratio: table.get("drop_ratio", parse::ratio).unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use common::settings::{Sources, keys_left_out, load};

    use super::*;

    fn with(flags: &[(&str, &str)]) -> Result<TargetSettings, SettingsError> {
        load(&Sources::of_flags(flags))
    }

    #[test]
    fn the_shipped_config_is_every_key_at_its_default() {
        let config = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/target.toml"));
        let loaded: TargetSettings = load(&Sources::of_file(&config)).unwrap();
        assert_eq!(loaded, TargetSettings::default());
        assert_eq!(keys_left_out::<TargetSettings>(&config).unwrap(), Vec::<String>::new());
        TargetSettings::check_file(&config).unwrap();
    }

    #[test]
    fn every_way_of_being_bad_can_be_asked_for() {
        let flags = [
            ("behaviour.delay", "20ms"),
            ("behaviour.error_ratio", "10%"),
            ("behaviour.error_status", "500"),
            ("behaviour.max_concurrent", "4"),
            ("behaviour.drop_ratio", "0.25"),
        ];
        let behaviour = with(&flags).unwrap().behaviour;
        assert_eq!((behaviour.delay, behaviour.error_ratio), (Duration::from_millis(20), 0.1));
        assert_eq!((behaviour.error_status, behaviour.max_concurrent), (500, Some(4)));
        assert_eq!(behaviour.drop_ratio, 0.25);
        let error =
            with(&[("behaviour.delay", "20"), ("behaviour.drop_ratio", "2")]).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
    }
}
