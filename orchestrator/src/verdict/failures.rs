//! The failures of a test, the most frequent first. All counts are of requests that were due after the warm-up.

use common::counters::ErrorKind;
use common::plan::Plan;

use super::Sample;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Its answer had this status, which the plan does not expect.
    Status(u16),
    /// There was no answer that could be used.
    Error(ErrorKind),
}

/// Failures and how often each occurred, the most frequent first.
pub type Failures = Vec<(Failure, u64)>;

/// The failures of a sample without cancelled requests, which a stop by the user caused.
pub fn of(plan: &Plan, sample: &Sample<'_>) -> Failures {
    let mut failures = all(plan, sample);
    failures.retain(|(failure, _)| *failure != Failure::Error(ErrorKind::Cancelled));
    failures
}

/// The failures of a sample, cancelled requests too.
pub fn all(plan: &Plan, sample: &Sample<'_>) -> Failures {
    // After the warm-up only, as everywhere in a verdict.
    let counters = sample.counters.after_warmup();
    let errors = counters.errors.iter().map(|(kind, n)| (Failure::Error(*kind), *n));
    let unexpected = counters.status_codes.iter().filter(|(status, _)| !plan.request.expects(**status));
    let mut failures: Failures =
        errors.chain(unexpected.map(|(status, n)| (Failure::Status(*status), *n))).collect();
    failures.retain(|(_, n)| *n > 0);
    failures.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    failures
}
