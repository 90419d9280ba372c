//! Rules about the target as a whole: no request succeeded, many completed after the schedule, or answers redirect.

use std::collections::BTreeMap;
use std::time::Duration;

use common::tls_cause::TlsCause;

use super::found::of_the_known;
use super::words::{AllFailed, Failed, Other, Redirects};
use super::{DriverFacts, Facts, Findings, Reported, Sample, failures};
use crate::model::Verdict;

/// Up to this share of the completed requests may come after the end of the schedule without a warning.
const AFTER_END: f64 = 0.1;

/// Checks whether any request completed, and whether requests completed in time. Drivers that do not report how their
/// requests ended are left out, and the reason lists them.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    // It is not known what completed after an interruption.
    if facts.interrupted.is_some() {
        return;
    }
    redirects(facts, findings);
    if facts.fleet.completed() > 0 || facts.drivers.iter().any(|driver| driver.sample.completed() > 0) {
        after_the_end(facts, findings);
        return;
    }
    let is_known = |reported: &Reported| reported.sent && reported.completed;
    let known = of_the_known(facts, None, is_known);
    let without: Vec<String> = facts
        .drivers
        .iter()
        .filter(|driver| !is_known(&driver.sample.reported))
        .map(|driver| driver.name.clone())
        .collect();
    // While the test runs, some requests are still waiting for their answer: count those that failed.
    let ended = if facts.over { known.sent() } else { known.failed() };
    let what = match ended {
        0 if !facts.over => return,
        0 if known.scheduled() == 0 && !without.is_empty() => return,
        0 if known.scheduled() == 0 => AllFailed::NoneDue,
        0 => AllFailed::NoneSent { due: known.scheduled(), without },
        sent => AllFailed::Failed(Failed {
            sent,
            failed: known.failed(),
            failures: failures::all(facts.plan, &known),
            tls_causes: tls_causes(&known),
            target: target(facts),
            tls: facts.plan.target.scheme() == "https",
            method: facts.plan.request.method.clone(),
            timeout: longest_timeout(facts),
            without,
        }),
    };
    findings.because(Verdict::Failed, None, what);
}

/// Warns of requests that completed after the schedule, of the drivers that report when theirs did.
fn after_the_end(facts: &Facts<'_>, findings: &mut Findings) {
    let reports = |driver: &&DriverFacts<'_>| !driver.classic && driver.sample.reported.sent;
    let (mut of, mut within) = (0, 0);
    for driver in facts.drivers.iter().filter(reports) {
        of += driver.sample.completed();
        within += driver.sample.counters.completed_in_schedule;
    }
    let after = of.saturating_sub(within);
    if facts.over && after > 0 && after as f64 > of as f64 * AFTER_END {
        let without = facts.drivers.iter().filter(|driver| !reports(driver));
        let without = without.map(|driver| driver.name.clone()).collect();
        findings.warn(None, Other::CompletedAfterEnd { after, of, without });
    }
}

/// Statuses that redirect a client to another address. (304 is not one: the client has the answer already.)
pub(super) const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// From this share of the answers on, redirects give a warning.
pub(super) const MANY_REDIRECTS: f64 = 0.01;

/// Warns of redirects. They may count as success, and then a test of the wrong address would pass without a hint.
fn redirects(facts: &Facts<'_>, findings: &mut Findings) {
    // With several requests, each of them says which redirects it asks for (`names`).
    if facts.plan.program.is_some() {
        return;
    }
    let statuses = facts.fleet.counters.after_warmup().status_codes;
    let of: u64 = statuses.values().sum();
    let by_status = most_first(statuses, |status| REDIRECTS.contains(&status));
    let n: u64 = by_status.iter().map(|(_, n)| n).sum();
    let (Some((most, _)), true) = (by_status.first(), n as f64 >= of as f64 * MANY_REDIRECTS) else { return };
    let expected = facts.plan.request.expects(*most);
    let to = facts.drivers.iter().find_map(|driver| driver.redirected_to.clone());
    findings.warn(None, Other::Redirects(Redirects { by_status, of, to, expected, name: None }));
}

/// Some of these statuses, the most frequent first.
pub(super) fn most_first(statuses: BTreeMap<u16, u64>, is_one: impl Fn(u16) -> bool) -> Vec<(u16, u64)> {
    let mut by_status: Vec<(u16, u64)> = statuses.into_iter().filter(|(status, _)| is_one(*status)).collect();
    by_status.sort_by_key(|(status, n)| (std::cmp::Reverse(*n), *status));
    by_status
}

/// Why TLS failed, the most frequent cause first.
fn tls_causes(fleet: &Sample<'_>) -> Vec<(TlsCause, u64)> {
    let causes = fleet.counters.tls_causes.iter().filter(|(_, n)| **n > 0);
    let mut causes: Vec<(TlsCause, u64)> = causes.map(|(cause, n)| (*cause, *n)).collect();
    causes.sort_by_key(|(cause, n)| (std::cmp::Reverse(*n), *cause));
    causes
}

/// The timeout of the request; of several the longest.
fn longest_timeout(facts: &Facts<'_>) -> Duration {
    let program = facts.plan.program.as_ref();
    let own = program.and_then(|program| program.requests.iter().map(|request| request.timeout).max());
    own.unwrap_or(facts.plan.request.timeout)
}

/// `host:port` of the target.
fn target(facts: &Facts<'_>) -> String {
    let url = &facts.plan.target;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    format!("{host}:{port}")
}
