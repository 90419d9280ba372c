//! Rules about the requests of one name, and about sessions: redirects that nothing asked for, checks and extracts that
//! dominate the failures, sessions that were abandoned. Nothing here applies to a plan with one request.

use common::counters::ErrorKind;
use common::ids::RequestName;

use super::failures::request_of;
use super::target::{MANY_REDIRECTS, REDIRECTS, most_first};
use super::words::{Other, Redirects};
use super::{Facts, Findings};

/// Most names that have a warning about redirects each.
const MAX_REDIRECTED: usize = 3;

/// Statuses that a request expects unless the plan says otherwise.
const DEFAULT_EXPECTED: (u16, u16) = (200, 399);

/// From this share of the failures on, checks and extracts are named.
const DOMINATE: f64 = 0.5;

/// From this share of the requests on, their failures are worth a warning.
const MANY_FAILED: f64 = 0.01;

/// Looks at names and sessions.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.plan.program.is_none() || facts.interrupted.is_some() {
        return;
    }
    redirects(facts, findings);
    unmet(facts, findings);
    abandoned(facts, findings);
    shared(facts, findings);
    used_up(facts, findings);
}

/// Warns of values of `[shared]` that could not be renewed: sessions went on with the old ones, which may have expired.
fn shared(facts: &Facts<'_>, findings: &mut Findings) {
    for (name, of) in facts.shared.iter().filter(|(_, of)| of.failed > 0) {
        let statuses = of.status_codes.iter().filter(|(status, _)| !(200..300).contains(*status));
        let statuses = statuses.map(|(status, n)| (format!("status {status}"), *n));
        let errors = of.errors.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n));
        let why = errors.chain(statuses).collect();
        let (name, failed, sent) = (name.to_string(), of.failed, of.sent);
        findings.warn(None, Other::SharedNotRenewed { name, failed, sent, why });
    }
}

/// Warns of redirects of a name that neither its `follow` nor an `expect_status` of its own asked for. They may count as
/// success, and then a test of log-ins would measure the way to the log-in page.
fn redirects(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(program) = &facts.plan.program else { return };
    let mut found = 0;
    for (name, counters) in facts.names.iter().filter(|(name, _)| !name.is_part()) {
        let Some(request) = request_of(program, name) else { continue };
        let own = request.expect_status.as_slice() != [DEFAULT_EXPECTED];
        let statuses = counters.after_warmup().status_codes;
        let of: u64 = statuses.values().sum();
        let asked = |status: u16| request.follow > 0 || (own && request.expects(status));
        let by_status = most_first(statuses, |status| REDIRECTS.contains(&status) && !asked(status));
        let n: u64 = by_status.iter().map(|(_, n)| n).sum();
        let Some((most, _)) = by_status.first().filter(|_| n as f64 >= of as f64 * MANY_REDIRECTS) else {
            continue;
        };
        found += 1;
        if found <= MAX_REDIRECTED {
            let expected = request.expects(*most);
            let name = Some(name.to_string());
            findings.warn(None, Other::Redirects(Redirects { by_status, of, to: None, expected, name }));
        }
    }
}

/// Warns where most failures are answers that did not hold what the plan says, and names the requests: such a plan is more
/// often wrong than the target.
fn unmet(facts: &Facts<'_>, findings: &mut Findings) {
    let counters = facts.fleet.counters.after_warmup();
    let of = |kind: ErrorKind| counters.errors_of(kind);
    let (checks, extracts) = (of(ErrorKind::Check), of(ErrorKind::Extract));
    let (unmet, failed) = (checks + extracts, facts.fleet.failed_by_itself());
    let many = unmet as f64 >= facts.fleet.sent() as f64 * MANY_FAILED;
    if unmet == 0 || !many || (unmet as f64) <= failed as f64 * DOMINATE {
        return;
    }
    let of_name = |(name, counters): (&RequestName, &common::counters::Counters)| {
        let after = counters.after_warmup();
        let n = after.errors_of(ErrorKind::Check) + after.errors_of(ErrorKind::Extract);
        (n > 0).then(|| (name.to_string(), n))
    };
    let mut names: Vec<(String, u64)> =
        facts.names.iter().filter(|(name, _)| !name.is_part()).filter_map(of_name).collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    findings.warn(None, Other::AnswersUnmet { checks, extracts, failed, names });
}

/// Warns of data that gives each row once and had none left, so that sessions of a driver did not begin.
fn used_up(facts: &Facts<'_>, findings: &mut Findings) {
    for driver in &facts.drivers {
        if let Some(rows) = &driver.rows_used_up {
            let what = Other::RowsUsedUp { data: rows.data.to_string(), sessions: rows.sessions };
            findings.warn(Some(&driver.name), what);
        }
    }
}

/// Warns of sessions that were ended between two steps, where they are too many for the figures of sessions to be whole.
fn abandoned(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(sessions) = facts.fleet.of_sessions.sessions else { return };
    if facts.over && sessions.leaves_open() {
        let stopped = facts.stopped_by.is_some();
        let (abandoned, of) = (sessions.abandoned, sessions.started);
        findings.warn(None, Other::SessionsAbandoned { abandoned, of, stopped });
    }
}
