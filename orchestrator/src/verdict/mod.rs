//! How a test ended and why: every rule of interface.md, over facts that the tally gives. Pure.

mod facts;

pub use facts::{DriverFacts, Facts, Quantile, Sample};

use crate::model::{ThresholdView, Verdict};

/// A verdict and all that explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The worst that holds.
    pub verdict: Verdict,
    /// Why, each a sentence that a person can act on; those of the worst verdict first.
    pub reasons: Vec<String>,
    /// What does not change the verdict and yet should be known.
    pub warnings: Vec<String>,
    /// What had to hold and whether it did.
    pub thresholds: Vec<ThresholdView>,
}

/// Judges a test that is over.
pub fn judge(_facts: &Facts<'_>) -> Judgement {
    Judgement { verdict: Verdict::Passed, reasons: vec![], warnings: vec![], thresholds: vec![] }
}
