//! The failures of a test, the most frequent first. All counts are of requests that were due after the warm-up.

use std::collections::BTreeMap;

use common::counters::{Counters, ErrorKind};
use common::ids::RequestName;
use common::plan::Plan;
use common::plan::program::{NamedRequest, Program};

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
    let statuses = sample.of_sessions.unexpected.clone().unwrap_or_else(|| {
        let unexpected = counters.status_codes.iter().filter(|(status, _)| !plan.request.expects(**status));
        unexpected.map(|(status, n)| (*status, *n)).collect()
    });
    let unexpected = statuses.into_iter().map(|(status, n)| (Failure::Status(status), n));
    let mut failures: Failures = errors.chain(unexpected).collect();
    failures.retain(|(_, n)| *n > 0);
    failures.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    failures
}

/// The request whose statistics have this name: its own, `NAME/VALUE` of a split; `None` for hops of redirects, whose
/// statuses are all expected, and for a name that the plan does not have.
pub fn request_of<'p>(program: &'p Program, name: &RequestName) -> Option<&'p NamedRequest> {
    let of = |text: &str| program.requests.iter().find(|request| request.name.as_str() == text);
    of(name.as_str()).or_else(|| name.as_str().split_once('/').and_then(|(name, _)| of(name)))
}

/// Answers after the warm-up whose status their own request does not expect, over these names.
pub fn unexpected<'a>(
    program: &Program,
    names: impl Iterator<Item = (&'a RequestName, &'a Counters)>,
) -> BTreeMap<u16, u64> {
    let mut unexpected = BTreeMap::new();
    for (name, counters) in names {
        let Some(request) = request_of(program, name) else { continue };
        for (status, n) in counters.after_warmup().status_codes {
            if !request.expects(status) {
                *unexpected.entry(status).or_default() += n;
            }
        }
    }
    unexpected
}
