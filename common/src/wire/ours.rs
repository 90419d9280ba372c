//! What our nodes add to `register` and `heartbeat`: each field is spelt here once, for the writer and for the reader.
//!
//! The writer puts these structs behind the classic fields, in their order. The reader fills them from the fields that
//! it found ([`super::fields::Fields::read`]), one by one: a field that is absent or null has its default, and one
//! whose value is of another type rejects the record by the field's name. The counters are the exception. They are the
//! same as in `metrics`, depend on one another, and are read as a whole (`window::counters`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{StepsAsk, StepsReport, numbers, read, write};
use crate::clock::{UnixMicros, rfc3339};
use crate::counters::Counters;
use crate::ids::{Epoch, NodeId, TestId};

/// What our drivers add to `register`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterOurs {
    /// Version of the additions; `None` where the record has no such number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The epoch of the node's process.
    pub epoch: Epoch,
    /// The build, as in `0.1.0 (abc1234)`.
    #[serde(default)]
    pub version: String,
    /// Cores the driver may use.
    #[serde(default)]
    pub cores: u32,
    /// Free labels from its config.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `[safety] max_rate`, requests per second.
    #[serde(skip_serializing_if = "is_not_finite")]
    pub max_rate: Option<f64>,
    /// The kernel that it runs under ([`crate::host::kernel_id`]): nodes with the same one go by the same clock.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "short_text")]
    pub kernel: Option<String>,
    /// Version of the language of plans with `[requests]` that it reads ([`super::PLAN_LANGUAGE`]); `None`: it takes
    /// plans with one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_language: Option<u32>,
    /// Version of the records that change a running test's rate which it obeys ([`super::RATE_CHANGES`]); `None`: its rate
    /// stays as planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_changes: Option<u32>,
    /// What it could send when it was calibrated with the workers that it has; `None`: it never was. One that cannot be
    /// read counts as absent: it only describes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "calibrated")]
    pub calibrated: Option<Calibrated>,
}

/// The ceilings of a driver's last calibration, against a server in its own process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// When it was over, RFC 3339 in UTC.
    pub at: String,
    /// The highest rate of an open loop that it kept, requests per second; `None` where it kept none.
    #[serde(default)]
    pub open_per_s: Option<f64>,
    /// What a closed loop reached, requests per second.
    pub closed_per_s: f64,
}

impl Calibrated {
    /// Its instant as we write one, where that is an instant and its figures are rates.
    fn sound(self) -> Option<Self> {
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        let at: jiff::Timestamp = self.at.parse().ok()?;
        let is_sound = is_rate(self.closed_per_s) && self.open_per_s.is_none_or(is_rate);
        is_sound.then(|| Self { at: rfc3339(at.as_microsecond()), ..self })
    }
}

/// What our nodes add to `heartbeat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatOurs {
    /// The epoch of the node's process.
    pub epoch: Epoch,
    /// `orchestrator` beats here too; such records are never nodes. Drivers do not write it.
    #[serde(default, skip_serializing_if = "Role::is_driver")]
    pub role: Role,
    /// What it does; `None` from an orchestrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<DriverState>,
    /// Why it refused, or what it waits for (see [`Reason`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With `ready`: a warning about this test for the user before it begins; the text names the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Which test it holds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named_test")]
    pub test_id: Option<TestId>,
    /// The config it answers to, with `ready` and `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// With `idle`, while it fetches the data files of this test's plan: how many bytes of them it has received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_bytes: Option<u64>,
    /// Its clock's offset: orchestrator's clock - its own, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset_us: Option<i64>,
    /// Share of its cores the process used since the last beat, 0 to 1. One that could not be measured is left out: it
    /// must not prevent the heartbeat.
    #[serde(skip_serializing_if = "is_not_finite")]
    pub cpu: Option<f64>,
    /// Of an orchestrator: which drivers are to run setup or teardown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Box<StepsAsk>>,
    /// Of a driver that was asked for it: how setup or teardown went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Box<StepsReport>>,
    /// The change of its test's rate that it obeyed last; `None`: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_change: Option<RateApplied>,
    /// Counters since the start of the test, while one runs.
    #[serde(flatten, skip_deserializing, serialize_with = "write::counters")]
    pub counters: Option<Counters>,
}

impl HeartbeatOurs {
    /// A heartbeat with nothing but the sender.
    pub fn new(epoch: Epoch, role: Role) -> Self {
        Self {
            epoch,
            role,
            state: None,
            reason: None,
            warning: None,
            test_id: None,
            revision: None,
            fetched_bytes: None,
            clock_offset_us: None,
            cpu: None,
            ask: None,
            steps: None,
            rate_change: None,
            counters: None,
        }
    }

    /// What its reason means, by its state; `sender`: the node whose heartbeat it is.
    pub fn reason_in_parts(&self, sender: &NodeId) -> Option<Reason<'_>> {
        let text = self.reason.as_deref()?;
        match self.state? {
            DriverState::Idle => Reason::resolved_name(text).map(Reason::Resolving),
            DriverState::Refused => Some(Reason::Refusal(without_name(text, sender))),
            DriverState::Ready | DriverState::Running | DriverState::Draining => None,
        }
    }

    /// Its warning without the driver's own name before it; `sender`: the node whose heartbeat it is.
    pub fn warning_without_name(&self, sender: &NodeId) -> Option<&str> {
        self.warning.as_deref().map(|text| without_name(text, sender))
    }
}

/// A change of a running test's rate, as a driver obeyed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateApplied {
    /// The number of the change.
    pub change: u32,
    /// From when on, Unix µs by the orchestrator's clock: as ordered, or later where the order came too late.
    pub at: UnixMicros,
}

/// What a reason begins with while a driver looks up a target's name.
const RESOLVING: &str = "resolving ";

/// What the reason in a heartbeat means. On the wire it is one text, whose beginning is part of the contract
/// (docs/wire.md): this type alone writes and reads that beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'a> {
    /// With `idle`: it looks up this name of a target, and answers the config after that. `resolving shop.test`
    Resolving(&'a str),
    /// With `refused`: why. The record has the driver's own name and a colon before it; here they are left out.
    Refusal(&'a str),
}

impl<'a> Reason<'a> {
    /// The name that a driver looks up, from the text of its reason; `None`: the text says something else.
    pub fn resolved_name(text: &'a str) -> Option<&'a str> {
        text.strip_prefix(RESOLVING)
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving(name) => write!(f, "{RESOLVING}{name}"),
            Self::Refusal(why) => f.write_str(why),
        }
    }
}

/// A driver's sentence without its own name, which drivers put before a refusal and a warning: `a: not allowed`.
fn without_name<'a>(text: &'a str, sender: &NodeId) -> &'a str {
    let rest = text.strip_prefix(sender.as_str()).and_then(|rest| rest.strip_prefix(": "));
    rest.unwrap_or(text)
}

/// What kind of node beats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends load.
    #[default]
    Driver,
    /// Leads.
    Orchestrator,
}

impl Role {
    fn is_driver(&self) -> bool {
        *self == Self::Driver
    }
}

crate::named! {
    /// What a driver of ours does.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum DriverState {
        /// Waits for a test.
        Idle = "idle",
        /// Holds a config and waits for the trigger.
        Ready = "ready",
        /// Will not run the config it received.
        Refused = "refused",
        /// Sends.
        Running = "running",
        /// Sends no more and waits for answers.
        Draining = "draining",
    }
}

/// Whether there is no number that JSON can express.
fn is_not_finite(number: &Option<f64>) -> bool {
    !number.is_some_and(f64::is_finite)
}

/// A calibration that can be shown; anything else counts as absent.
fn calibrated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Calibrated>, D::Error> {
    let read = |value| serde_json::from_value::<Calibrated>(value).ok().and_then(Calibrated::sound);
    Value::deserialize(deserializer).map(read)
}

/// A text that only describes: one that is too long, or not a text, counts as absent.
fn short_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(|value| numbers::short_text(&value))
}

/// The test that a node names, as everywhere on the wire: `0` and an empty text name none.
fn named_test<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TestId>, D::Error> {
    read::named_test(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(state: DriverState, reason: &str, expected: Option<Reason<'_>>) {
        let beat = HeartbeatOurs {
            state: Some(state),
            reason: Some(reason.to_owned()),
            ..HeartbeatOurs::new(Epoch(1), Role::Driver)
        };
        let sender = NodeId::new("a").unwrap();
        assert_eq!(beat.reason_in_parts(&sender), expected, "{state:?}: {reason}");
    }

    #[test]
    fn a_reason_means_what_the_state_beside_it_makes_of_it() {
        use DriverState::{Idle, Ready, Refused};
        check(Idle, "resolving shop.test", Some(Reason::Resolving("shop.test")));
        check(Idle, "because", None);
        check(Ready, "resolving shop.test", None);
        check(Refused, "a: not allowed", Some(Reason::Refusal("not allowed")));
        check(Refused, "ab: not allowed", Some(Reason::Refusal("ab: not allowed")));
        check(Refused, "resolving shop.test", Some(Reason::Refusal("resolving shop.test")));
        check(Refused, "not allowed", Some(Reason::Refusal("not allowed")));
    }

    #[test]
    fn a_name_that_is_looked_up_is_written_as_it_is_read() {
        let text = Reason::Resolving("shop.test").to_string();
        assert_eq!((text.as_str(), Reason::resolved_name(&text)), ("resolving shop.test", Some("shop.test")));
    }

    #[test]
    fn a_calibration_that_cannot_be_read_counts_as_absent() {
        #[derive(Deserialize)]
        struct Read {
            #[serde(default, deserialize_with = "calibrated")]
            calibrated: Option<Calibrated>,
        }
        let read = |text: &str| {
            let record: Read = serde_json::from_str(&format!("{{\"calibrated\": {text}}}")).unwrap();
            record.calibrated
        };
        let at = "2026-11-30T09:00:00.000000Z".to_owned();
        let expected = Calibrated { at, open_per_s: Some(30_000.0), closed_per_s: 50_000.5 };
        let text = r#"{ "at": "2026-11-30T10:00:00+01:00", "open_per_s": 30000, "closed_per_s": 50000.5, "more": 1 }"#;
        assert_eq!(read(text), Some(expected));
        let kept_none = read(r#"{ "at": "2026-11-30T09:00:00Z", "closed_per_s": 5 }"#).unwrap();
        assert_eq!(kept_none.open_per_s, None);
        for unsound in [
            "null",
            "7",
            r#"{ "at": "2026-11-30T09:00:00Z" }"#,
            r#"{ "at": "2026-11-30T09:00:00Z", "closed_per_s": 0 }"#,
            r#"{ "at": "2026-11-30T09:00:00Z", "closed_per_s": 5, "open_per_s": -1 }"#,
            r#"{ "at": "yesterday", "closed_per_s": 5 }"#,
            r#"{ "at": 5, "closed_per_s": 5 }"#,
        ] {
            assert_eq!(read(unsound), None, "{unsound}");
        }
    }

    #[test]
    fn a_warning_is_read_without_the_drivers_own_name() {
        let of = |warning: &str| {
            let warning = Some(warning.to_owned());
            let beat = HeartbeatOurs { warning, ..HeartbeatOurs::new(Epoch(1), Role::Driver) };
            beat.warning_without_name(&NodeId::new("a").unwrap()).map(str::to_owned)
        };
        assert_eq!(of("a: beware").as_deref(), Some("beware"));
        assert_eq!(of("beware").as_deref(), Some("beware"));
    }

    /// The reader looks for the fields that these structs have: a name that is missing there would never be read.
    #[test]
    fn the_fields_are_looked_for_by_the_names_of_the_structs() {
        let names = super::super::fields::names_of::<HeartbeatOurs>();
        let expected = [
            "epoch",
            "role",
            "state",
            "reason",
            "warning",
            "test_id",
            "revision",
            "fetched_bytes",
            "clock_offset_us",
            "cpu",
            "ask",
            "steps",
            "rate_change",
        ];
        assert_eq!(names, expected, "the counters apart");
        let names = super::super::fields::names_of::<RegisterOurs>();
        assert_eq!(
            names,
            [
                "protocol",
                "epoch",
                "version",
                "cores",
                "labels",
                "max_rate",
                "kernel",
                "plan_language",
                "rate_changes",
                "calibrated"
            ]
        );
    }
}
