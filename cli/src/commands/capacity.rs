//! `capacity`: a test that looks for the highest rate at which an objective holds. It is led by the orchestrator; this
//! command starts it as `run` starts a test, and writes what was found.

use orchestrator::model::{TestView, Verdict};
use serde::Serialize;

use super::run;
use crate::args::CapacityArgs;
use crate::exit::{ExitCode, Stop};

/// What `--json` writes.
#[derive(Debug, Serialize)]
pub struct Found<'a> {
    test_id: &'a str,
    verdict: Option<Verdict>,
    /// The answer in one sentence, and what else was found.
    reasons: &'a [String],
    notes: &'a [String],
    warnings: &'a [String],
    #[serde(flatten)]
    capacity: Option<&'a orchestrator::model::CapacityView>,
}

impl<'a> Found<'a> {
    /// What a test found.
    pub fn of(test: &'a TestView) -> Self {
        Self {
            test_id: &test.test_id,
            verdict: test.verdict,
            reasons: &test.reasons,
            notes: &test.notes,
            warnings: &test.warnings,
            capacity: test.capacity.as_deref(),
        }
    }
}

/// Looks for the capacity; the exit code is the verdict.
///
/// # Errors
/// As [`run::run`].
pub async fn capacity(arguments: &CapacityArgs) -> Result<ExitCode, Stop> {
    run::run(&arguments.clone().into_run()).await
}
