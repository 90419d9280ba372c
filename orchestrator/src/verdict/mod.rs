//! How a test ended and why: every rule of interface.md, over facts that the tally gives. Pure.
//!
//! The rules (`complete`, `honesty`, `lateness`, `target`, `thresholds`, `units`) produce findings; only `words` turns
//! findings into sentences. So each reason and warning has a kind, and one text.
//!
//! The fleet's figures decide. A driver's own lateness that the fleet's figures do not show gives a warning with the
//! driver's name, unless a threshold with the prefix `driver.` checks that driver's figure.

pub mod beforehand;
pub mod breach;
mod busy;
mod capacity;
mod cause;
mod complete;
mod facts;
pub mod failures;
mod finding;
mod found;
mod honesty;
mod lateness;
mod names;
mod target;
#[cfg(test)]
mod tests;
mod thresholds;
mod units;
mod words;

pub use facts::{
    ClassicFacts, DriverFacts, Facts, GeneratorLoad, OfSessions, Quantile, Reported, Sample, SentMore, Stop,
};
pub use finding::{Finding, Weight};
pub(crate) use lateness::LAG_SHARE;
pub use words::Other;

use common::latency::{LatencyKind, Outcome};
use common::plan::{Mode, Per};

use self::finding::Findings;
use self::words::Ending;
use crate::model::{FindingView, Standing, ThresholdView, Verdict};
use crate::stopped_by::StoppedBy;

/// A verdict and all that explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The worst verdict for which a reason was found; while the test runs, the one that it would get if it ended with
    /// what is known now.
    pub verdict: Verdict,
    /// Reasons first, those of the verdict before the others; then warnings, then notes.
    pub findings: Vec<FindingView>,
    /// What had to hold and whether it did.
    pub thresholds: Vec<ThresholdView>,
}

impl Judgement {
    /// How the test stands, while it runs.
    pub fn standing(&self) -> Standing {
        match self.verdict {
            Verdict::Passed => Standing::Ok,
            Verdict::Failed => Standing::Failing,
            Verdict::Invalid => Standing::Invalid,
            Verdict::Incomplete | Verdict::Aborted => Standing::Incomplete,
        }
    }
}

/// Judges a test: finally where it is over, by what is known so far while it runs.
pub fn judge(facts: &Facts<'_>) -> Judgement {
    let (findings, thresholds) = look(facts);
    let verdict = findings.iter().find_map(|finding| match finding.weight {
        Weight::Reason(verdict) => Some(verdict),
        _ => None,
    });
    Judgement {
        verdict: verdict.unwrap_or(Verdict::Passed),
        findings: findings.iter().map(Finding::view).collect(),
        thresholds,
    }
}

fn look(facts: &Facts<'_>) -> (Vec<Finding>, Vec<ThresholdView>) {
    let mut findings = Findings::default();
    if let Some(by) = &facts.stopped_by {
        match by {
            StoppedBy::Named(name) => {
                findings.because(Verdict::Aborted, None, Ending::Stopped { by: name.clone() });
            }
            // The plan itself asks for that end: the target did not do what was asked.
            StoppedBy::Abort(breach) => {
                findings.because(Verdict::Failed, None, Ending::ByPlan { breach: breach.clone() });
            }
            // Its own end: what it found follows.
            StoppedBy::Search => {}
        }
    }
    complete::look(facts, &mut findings);
    if let Some(found) = &facts.capacity {
        if facts.started_at.is_some() {
            capacity::look(found, facts, &mut findings);
        }
        return (findings.sorted(), Vec::new());
    }
    let thresholds = if facts.started_at.is_some() {
        honesty::look(facts, &mut findings);
        target::look(facts, &mut findings);
        names::look(facts, &mut findings);
        units::look(facts, &mut findings);
        thresholds::look(facts, &mut findings)
    } else {
        Vec::new()
    };
    if let Mode::Avalanche { .. } = facts.plan.load.mode {
        findings.note(Other::ClosedLoop);
    }
    held(facts, &mut findings);
    (findings.sorted(), thresholds)
}

/// Notes that requests of an open loop waited for connections. Where none waited there is nothing to say. What is held is
/// the part of the mean response that is neither lag nor service.
fn held(facts: &Facts<'_>, findings: &mut Findings) {
    /// Below this mean, in ms, or this share of the response, the note would say nothing of use.
    const LEAST: (f64, f64) = (0.1, 0.01);
    let Some(connections) = facts.plan.load.connections else { return };
    let mean = |kind| facts.fleet.spread(Outcome::Success, kind).samples().mean_us().map(|us| us / 1e3);
    let lag = facts.fleet.spread(Outcome::All, LatencyKind::Lag).samples().mean_us().unwrap_or(0.0) / 1e3;
    let (Some(response), Some(service)) = (mean(LatencyKind::Response), mean(LatencyKind::Service)) else {
        return;
    };
    let held = response - service - lag;
    if held >= LEAST.0 && held >= LEAST.1 * response {
        let each = facts.plan.per == Per::Driver && facts.drivers.len() > 1;
        findings.note(Other::HeldByConnections {
            connections,
            each,
            means_ms: Some((held, response, service)),
        });
    }
}
