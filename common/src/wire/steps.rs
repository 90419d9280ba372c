//! `setup` and `teardown` on the wire: the orchestrator's heartbeat asks drivers to run the steps (`ask`), a driver's
//! heartbeat says how they went (`steps`), and the trigger has the values that setup extracted (`setup`). All of it is
//! read strictly and within bounds, since no record may crash a node or fill its memory.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::numbers::MAX_COUNT;
use crate::counters::ErrorKind;
use crate::ids::{NodeId, RequestName, TestId};

/// Most values that setup passes on: as many as a session has variables.
pub const MAX_SETUP_VALUES: usize = 64;
/// Longest of these values, in bytes: the largest `max` of an extract.
pub const MAX_SETUP_VALUE_BYTES: usize = 4 * 1024;
/// Longest name of a value, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Longest name of a step, and longest reason, in bytes.
pub const MAX_STEPS_TEXT_BYTES: usize = 2 * 1024;
/// Most requests that a report counts by name: the names of a plan, and a redirect of each.
const MAX_NAMES: usize = 512;

crate::named! {
    /// Which steps.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum StepsOf {
        /// Before the load.
        Setup = "setup",
        /// After it.
        Teardown = "teardown",
    }
}

/// The orchestrator asks these drivers to run the steps, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepsAsk {
    /// Of which test.
    pub test_id: TestId,
    /// Which config of it.
    pub revision: u32,
    /// Which steps.
    pub run: StepsOf,
    /// The drivers that run them.
    pub drivers: BTreeSet<NodeId>,
}

crate::named! {
    /// How far the steps are.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum StepsState {
        /// They are being done.
        Running = "running",
        /// All of them were done.
        Completed = "completed",
        /// One of them failed, and the rest was not done.
        Failed = "failed",
    }
}

/// What a driver says about steps that it was asked to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepsReport {
    /// Of which test.
    pub test_id: TestId,
    /// Which config of it.
    pub revision: u32,
    /// Which steps.
    pub run: StepsOf,
    /// How far they are.
    pub state: StepsState,
    /// With `failed`: the step that failed, after the flows and groups around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// With `failed`: why, with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What setup extracted, by variable, where it travels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What was sent, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<RequestName, StepsCounts>,
}

/// What was sent under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepsCounts {
    /// Attempts.
    pub sent: u64,
    /// Those that came to what the plan expects.
    pub completed: u64,
    /// The others.
    pub failed: u64,
    /// Answers by status, expected or not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub status_codes: BTreeMap<u16, u64>,
    /// Failures by kind; those that this version does not know are in `failed` alone.
    #[serde(deserialize_with = "crate::counters::known_kinds", skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorKind, u64>,
}

impl StepsCounts {
    /// Adds another driver's.
    pub fn add(&mut self, other: &Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.completed = self.completed.saturating_add(other.completed);
        self.failed = self.failed.saturating_add(other.failed);
        for (status, n) in &other.status_codes {
            *self.status_codes.entry(*status).or_default() += n;
        }
        for (kind, n) in &other.errors {
            *self.errors.entry(*kind).or_default() += n;
        }
    }

    fn all(&self) -> impl Iterator<Item = u64> + '_ {
        let counts = [self.sent, self.completed, self.failed].into_iter();
        counts.chain(self.status_codes.values().copied()).chain(self.errors.values().copied())
    }
}

impl StepsReport {
    /// A report of steps that have just begun.
    pub fn running(test_id: TestId, revision: u32, run: StepsOf) -> Self {
        let (values, requests) = (BTreeMap::new(), BTreeMap::new());
        Self {
            test_id,
            revision,
            run,
            state: StepsState::Running,
            step: None,
            reason: None,
            values,
            requests,
        }
    }

    /// The same, failed for a reason that lies outside its steps.
    pub fn failed(self, reason: impl Into<String>) -> Self {
        Self { state: StepsState::Failed, reason: Some(reason.into()), ..self }
    }

    /// Whether it keeps to the bounds of the wire.
    pub(super) fn check(&self) -> Result<(), String> {
        let too_long =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_STEPS_TEXT_BYTES);
        if too_long(&self.step) || too_long(&self.reason) {
            return Err("has a text that is too long".to_owned());
        }
        if self.requests.len() > MAX_NAMES {
            return Err("has more names than a plan".to_owned());
        }
        let mut counts = self.requests.values();
        let small = |of: &StepsCounts| of.status_codes.len() <= 1_000 && of.all().all(|n| n <= MAX_COUNT);
        if !counts.all(small) {
            return Err("has a count that cannot be".to_owned());
        }
        check_values(&self.values)
    }
}

/// Whether values keep to the bounds of the wire: how many, their names and their length.
pub(super) fn check_values(values: &BTreeMap<String, String>) -> Result<(), String> {
    if values.len() > MAX_SETUP_VALUES {
        return Err(format!("has {} values, and {MAX_SETUP_VALUES} are the most", values.len()));
    }
    for (name, value) in values {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !plain {
            return Err("has a value whose name is not one of a variable".to_owned());
        }
        if value.len() > MAX_SETUP_VALUE_BYTES {
            return Err(format!("{name} is longer than {MAX_SETUP_VALUE_BYTES} bytes"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> StepsReport {
        StepsReport::running(TestId::new("t").unwrap(), 1, StepsOf::Setup)
    }

    #[test]
    fn values_are_bounded_in_number_length_and_name() {
        let with = |name: &str, value: String| {
            StepsReport { values: BTreeMap::from([(name.to_owned(), value)]), ..report() }.check()
        };
        assert!(with("token", "a\u{0}\n\u{e4}".to_owned()).is_ok(), "a value may be any text");
        assert!(with("token", "x".repeat(MAX_SETUP_VALUE_BYTES + 1)).is_err());
        for name in ["", "a b", "a.b", "\u{e4}"] {
            assert!(with(name, String::new()).is_err(), "{name:?}");
        }
        let many = (0..=MAX_SETUP_VALUES).map(|n| (format!("v{n}"), String::new())).collect();
        assert!(StepsReport { values: many, ..report() }.check().is_err());
    }

    #[test]
    fn texts_and_counts_are_bounded() {
        assert!(report().failed("x".repeat(MAX_STEPS_TEXT_BYTES + 1)).check().is_err());
        let counts = StepsCounts { sent: MAX_COUNT + 1, ..StepsCounts::default() };
        let requests = BTreeMap::from([(RequestName::new("a").unwrap(), counts)]);
        assert!(StepsReport { requests, ..report() }.check().is_err());
    }
}
