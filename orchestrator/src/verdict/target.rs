//! What the target did with the requests as a whole: no request succeeded, or many completed after the schedule.

use common::tls_cause::TlsCause;

use super::words::{AllFailed, Failed, Other, Redirects};
use super::{Facts, Findings, Sample, failures};
use crate::model::Verdict;

/// Share of the completed requests that may come after the end of the schedule without a word.
const AFTER_END: f64 = 0.1;

/// Looks whether anything completed, and in time.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let fleet = &facts.fleet;
    // Of an interrupted test, what completed later is not known.
    if fleet.partial || facts.interrupted.is_some() {
        return;
    }
    redirects(facts, findings);
    let completed = fleet.completed();
    if completed > 0 {
        let after = completed.saturating_sub(fleet.counters.completed_in_schedule);
        // Classic drivers do not report which of theirs came after it.
        let known = facts.drivers.iter().all(|driver| !driver.classic);
        if facts.over && known && after as f64 > completed as f64 * AFTER_END {
            findings.warn(None, Other::CompletedAfterEnd { after, of: completed });
        }
        return;
    }
    // While it runs, the answers to some are still to come.
    let ended = if facts.over { fleet.sent() } else { fleet.failed() };
    let what = match ended {
        0 if !facts.over => return,
        0 if fleet.scheduled() == 0 => AllFailed::NoneDue,
        0 => AllFailed::NoneSent(fleet.scheduled()),
        sent => AllFailed::Failed(Failed {
            sent,
            failures: failures::all(facts.plan, fleet),
            tls_causes: tls_causes(fleet),
            target: target(facts),
            tls: facts.plan.target.scheme() == "https",
            method: facts.plan.request.method.clone(),
            timeout: facts.plan.request.timeout,
        }),
    };
    findings.because(Verdict::Failed, None, what);
}

/// Statuses that send a client to another address. (304 says that the client has the answer already.)
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Share of the answers from which on redirects are worth a word.
const MANY_REDIRECTS: f64 = 0.01;

/// Warns of redirects: a test of the wrong address passes without a word, because they count as success.
fn redirects(facts: &Facts<'_>, findings: &mut Findings) {
    let statuses = facts.fleet.counters.after_warmup().status_codes;
    let of: u64 = statuses.values().sum();
    let mut by_status: Vec<(u16, u64)> =
        statuses.into_iter().filter(|(s, _)| REDIRECTS.contains(s)).collect();
    by_status.sort_by_key(|(status, n)| (std::cmp::Reverse(*n), *status));
    let n: u64 = by_status.iter().map(|(_, n)| n).sum();
    let (Some((most, _)), true) = (by_status.first(), n as f64 >= of as f64 * MANY_REDIRECTS) else { return };
    let expected = facts.plan.request.expects(*most);
    let to = facts.drivers.iter().find_map(|driver| driver.redirected_to.clone());
    findings.warn(None, Other::Redirects(Redirects { by_status, of, to, expected }));
}

/// Why TLS failed, the most frequent cause first.
fn tls_causes(fleet: &Sample<'_>) -> Vec<(TlsCause, u64)> {
    let causes = fleet.counters.tls_causes.iter().filter(|(_, n)| **n > 0);
    let mut causes: Vec<(TlsCause, u64)> = causes.map(|(cause, n)| (*cause, *n)).collect();
    causes.sort_by_key(|(cause, n)| (std::cmp::Reverse(*n), *cause));
    causes
}

/// `host:port` of the target.
fn target(facts: &Facts<'_>) -> String {
    let url = &facts.plan.target;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    format!("{host}:{port}")
}
