//! What setup and teardown came to, apart from the load's figures.

use std::collections::BTreeMap;

use common::wire::{StepsCounts, StepsReport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Setup or teardown of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Steps)]
pub struct StepsView {
    /// How it ended, or that it runs.
    pub outcome: StepsOutcome,
    /// The drivers that run it, or ran it.
    pub drivers: Vec<String>,
    /// Where it failed or was lost: the driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Where it failed: the step, after the flows and groups around it; left out where it failed for another reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where it failed or was lost: why, with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What its drivers sent, by name; nothing of it is in the totals.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, StepsRequest>,
}

/// How setup or teardown ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepsOutcome {
    /// It has not ended.
    Running,
    /// All its steps were done.
    Completed,
    /// A step failed, or its time was over.
    Failed,
    /// The test was stopped before it ended.
    Stopped,
    /// A driver or the orchestrator ended before it did.
    Lost,
}

/// What was sent under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepsRequest {
    /// Attempts.
    pub sent: u64,
    /// Those that came to what the plan expects.
    pub completed: u64,
    /// The others.
    pub failed: u64,
    /// Answers by status.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures by kind.
    pub errors: BTreeMap<String, u64>,
}

impl StepsOutcome {
    /// Its name in JSON and in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }
}

impl StepsView {
    /// Steps that these drivers were asked to run.
    pub fn running(drivers: Vec<String>) -> Self {
        let outcome = StepsOutcome::Running;
        Self { outcome, drivers, driver: None, step: None, reason: None, requests: BTreeMap::new() }
    }

    /// The same, ended otherwise than by a step.
    pub fn ended(self, outcome: StepsOutcome, driver: Option<&str>, reason: impl Into<String>) -> Self {
        Self { outcome, driver: driver.map(str::to_owned), reason: Some(reason.into()), ..self }
    }

    /// Whether they are over and did not complete. After such a setup no load is started.
    pub fn ended_early(&self) -> bool {
        !matches!(self.outcome, StepsOutcome::Running | StepsOutcome::Completed)
    }

    /// Takes the counts of all reports.
    pub fn count<'a>(&mut self, reports: impl Iterator<Item = &'a StepsReport>) {
        let mut sums: BTreeMap<String, StepsCounts> = BTreeMap::new();
        for (name, counts) in reports.flat_map(|report| &report.requests) {
            sums.entry(name.to_string()).or_default().add(counts);
        }
        self.requests = sums.into_iter().map(|(name, counts)| (name, StepsRequest::of(&counts))).collect();
    }
}

impl StepsRequest {
    fn of(counts: &StepsCounts) -> Self {
        Self {
            sent: counts.sent,
            completed: counts.completed,
            failed: counts.failed,
            status_codes: counts.status_codes.iter().map(|(status, n)| (status.to_string(), *n)).collect(),
            errors: counts.errors.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n)).collect(),
        }
    }
}
