//! Incomplete: drivers that were lost or left, and windows that did not arrive.

use common::clock::UnixMicros;
use common::wire::{self, StepsOf};

use super::words::{Ending, Other, OwnSessions};
use super::{DriverFacts, Facts, Findings};
use crate::model::{StepsOutcome, StepsView, Verdict};
use crate::participant::EndedBy;
use crate::participant::Reading;

/// Most runs of missing windows that are listed one by one.
const MAX_RUNS: usize = 4;

/// Looks for missing drivers and windows.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let is_setup_blamed = steps(facts, findings);
    let Some(start) = facts.started_at else {
        if facts.over && facts.stopped_by.is_none() && !is_setup_blamed {
            findings.because(Verdict::Incomplete, None, Ending::NeverStarted);
        }
        return;
    };
    if let Some(why) = &facts.interrupted {
        findings.because(Verdict::Incomplete, None, Ending::Interrupted { why: why.clone() });
    }
    for driver in &facts.drivers {
        let runs = !facts.over && driver.ended_by.is_none();
        let ending = missing_driver(driver, start, facts).filter(|_| !runs);
        if let Some(ending) = ending {
            findings.because(Verdict::Incomplete, Some(&driver.name), ending);
        }
        warn(driver, findings);
    }
    // After an interruption the windows are missing because no orchestrator received them. The reason above covers
    // them.
    let missing = if facts.interrupted.is_some() { &[] } else { facts.missing.as_slice() };
    for run in missing.iter().take(MAX_RUNS) {
        findings.because(Verdict::Incomplete, Some(&run.node_id), Ending::Windows(run.clone()));
    }
    let more = missing.len().saturating_sub(MAX_RUNS);
    if more > 0 {
        findings.because(Verdict::Incomplete, None, Ending::MoreWindows(more));
    }
    if !facts.foreign.is_empty() {
        findings.warn(None, Other::Foreign(facts.foreign.clone()));
    }
}

/// Looks at setup and teardown; true where setup is why the load was not started.
fn steps(facts: &Facts<'_>, findings: &mut Findings) -> bool {
    let failed = |steps: &&StepsView| matches!(steps.outcome, StepsOutcome::Failed | StepsOutcome::Lost);
    if let Some(teardown) = facts.steps.get(&StepsOf::Teardown).filter(failed) {
        let (step, why) = (teardown.step.clone(), teardown.reason.clone().unwrap_or_default());
        findings.warn(teardown.driver.as_deref(), Other::TeardownFailed { step, why });
    }
    let Some(setup) = facts.steps.get(&StepsOf::Setup).filter(failed) else { return false };
    let (driver, why) = (setup.driver.as_deref(), setup.reason.clone().unwrap_or_default());
    if setup.outcome == StepsOutcome::Failed {
        findings.because(Verdict::Failed, driver, Ending::SetupFailed { step: setup.step.clone(), why });
    } else {
        findings.because(Verdict::Incomplete, driver, Ending::SetupLost { why });
    }
    true
}

/// The sessions that end with a driver, and whose numbers no other one has.
fn sessions_of(driver: &DriverFacts<'_>, facts: &Facts<'_>) -> Option<OwnSessions> {
    let program = facts.plan.program.as_ref()?;
    let share = driver.share.filter(|share| share.of > 1)?;
    Some(OwnSessions { index: share.index, of: share.of, have_rows: !program.data.is_empty() })
}

fn missing_driver(driver: &DriverFacts<'_>, start: UnixMicros, facts: &Facts<'_>) -> Option<Ending> {
    let (aborted, sessions) = (facts.stopped_by.is_some(), sessions_of(driver, facts));
    let after_s = driver.last_report_at.map(|at| at.saturating_sub(start).max(0) / 1_000_000);
    let unresolved = driver.unresolved;
    match (driver.ended_by, driver.cut_short.as_deref()) {
        (Some(EndedBy::Deaf), _) => Some(Ending::Deaf),
        (Some(EndedBy::Overdue), _) => Some(Ending::Overdue { unresolved }),
        (None | Some(EndedBy::Lost), _) => Some(Ending::Lost { after_s, unresolved, sessions }),
        (Some(_), Some(wire::Ending::LEAVING)) => Some(Ending::Left { after_s, sessions }),
        // After a stop all loads end early: the verdict `aborted` covers that.
        (Some(_), Some(_)) if aborted => None,
        (Some(_), Some(why)) => Some(Ending::CutShort { after_s, why: why.to_owned(), sessions }),
        _ => None,
    }
}

fn warn(driver: &DriverFacts<'_>, findings: &mut Findings) {
    let runs_on = driver.ended_by == Some(EndedBy::RunsOn);
    let sends_more = driver.sent_more.map(|sent_more| Other::SentMore { sent_more, runs_on });
    let sends_more = sends_more.or(runs_on.then_some(Other::RunsOn));
    if let Some(warning) = sends_more {
        findings.warn(Some(&driver.name), warning);
    }
    let reported = driver.sample.reported;
    let reading = driver.as_classic.reading;
    let reports_nothing = driver.classic && !reported.sent && reading != Some(Reading::Unknown);
    let warnings = [
        (driver.silent, Other::Silent),
        (driver.other_life, Other::Restarted),
        (driver.joined, Other::JoinedLate),
        (driver.implausible, Other::Implausible),
        (driver.classic && driver.ended_by == Some(EndedBy::Silence), Other::FellSilent),
        (driver.classic, Other::ReportsNoLag),
        (reports_nothing, Other::ReportsNoCounts),
        (driver.classic && reported.sent && !reported.completed, Other::ReportsNoEnds),
    ];
    for (_, warning) in warnings.into_iter().filter(|(holds, _)| *holds) {
        findings.warn(Some(&driver.name), warning);
    }
    let sent = driver.sample.counters.sent;
    match reading {
        Some(Reading::PerInterval) => findings.warn(Some(&driver.name), Other::CountsAddedUp { sent }),
        Some(Reading::Unknown) => {
            let at_least = driver.as_classic.at_least.unwrap_or(0);
            findings.warn(Some(&driver.name), Other::CountsUnclear { at_least });
        }
        Some(Reading::Total) | None => {}
    }
}
