//! How a test ended and why: every rule of interface.md, over facts that the tally gives. Pure.
//!
//! The fleet decides: a driver's own lateness that the fleet's figures do not show is a warning that names
//! it, unless a threshold with the prefix `driver.` asks for that driver's figure.

mod complete;
mod facts;
mod honesty;
mod lateness;
mod remedy;
#[cfg(test)]
mod tests;
mod thresholds;

pub use facts::{DriverFacts, Facts, Machine, Quantile, Sample};
pub use remedy::MUCH_STEAL;

use common::plan::Mode;

use crate::model::{ThresholdView, Verdict};
use crate::report::human::{count, counted};

/// A verdict and all that explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The worst that holds.
    pub verdict: Verdict,
    /// Why, each a sentence that a person can act on; those of the worst verdict first.
    pub reasons: Vec<String>,
    /// What does not change the verdict and yet should be known.
    pub warnings: Vec<String>,
    /// What should be known of any test of this kind.
    pub notes: Vec<String>,
    /// What had to hold and whether it did.
    pub thresholds: Vec<ThresholdView>,
}

/// What the rules found.
#[derive(Debug, Default)]
struct Findings {
    reasons: Vec<(Verdict, String)>,
    warnings: Vec<String>,
}

impl Findings {
    fn because(&mut self, verdict: Verdict, reason: String) {
        self.reasons.push((verdict, reason));
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

/// Judges a test that is over.
pub fn judge(facts: &Facts<'_>) -> Judgement {
    let mut findings = Findings::default();
    if let Some(by) = &facts.stopped_by {
        let by = if by.is_empty() { String::new() } else { format!(": {by}") };
        findings.because(Verdict::Aborted, format!("it was stopped before its end{by}"));
    }
    complete::look(facts, &mut findings);
    let thresholds = if facts.started_at.is_some() {
        honesty::look(facts, &mut findings);
        nothing_completed(facts, &mut findings);
        thresholds::look(facts, &mut findings)
    } else {
        Vec::new()
    };
    // The worst first; of equals in the order they were found (the sort is stable).
    findings.reasons.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    Judgement {
        verdict: findings.reasons.first().map_or(Verdict::Passed, |(verdict, _)| *verdict),
        reasons: findings.reasons.into_iter().map(|(_, reason)| reason).collect(),
        warnings: findings.warnings,
        notes: notes(facts),
        thresholds,
    }
}

/// What holds for a test of this kind, however it went.
fn notes(facts: &Facts<'_>) -> Vec<String> {
    match facts.plan.load.mode {
        Mode::Tsunami { .. } => Vec::new(),
        Mode::Avalanche { .. } => vec![
            "a closed loop waits for its answers: what it could not send meanwhile it did not see, and the latencies \
             of a driver without CPU left are upper bounds"
                .to_owned(),
        ],
    }
}

fn nothing_completed(facts: &Facts<'_>, findings: &mut Findings) {
    let fleet = &facts.fleet;
    if fleet.completed() > 0 || fleet.partial {
        return;
    }
    let why = match (fleet.sent(), fleet.failed()) {
        (0, _) if fleet.scheduled() == 0 => "no request fell due".to_owned(),
        (0, _) => format!("none of {} that fell due was sent", counted(fleet.scheduled(), "request")),
        (sent, failed) => format!(
            "of {} {} failed{}: check the target's address, and that it listens",
            counted(sent, "request"),
            if failed == sent { "all".to_owned() } else { count(failed) },
            thresholds::kinds(facts, fleet),
        ),
    };
    findings.because(Verdict::Failed, format!("nothing completed: {why}"));
}
