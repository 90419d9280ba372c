//! What the target did with the requests as a whole: no request succeeded, or many completed after the schedule.

use super::words::{AllFailed, Failed, Other};
use super::{Facts, Findings, failures};
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
            target: target(facts),
            tls: facts.plan.target.scheme() == "https",
            method: facts.plan.request.method.clone(),
            timeout: facts.plan.request.timeout,
        }),
    };
    findings.because(Verdict::Failed, None, what);
}

/// `host:port` of the target.
fn target(facts: &Facts<'_>) -> String {
    let url = &facts.plan.target;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
    format!("{host}:{port}")
}
