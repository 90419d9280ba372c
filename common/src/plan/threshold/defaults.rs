//! The thresholds that hold where the plan names none of their figure.

use super::{Comparison, Figure, Threshold, ThresholdOf};
use crate::plan::Plan;
use crate::plan::program::{Program, Step};

impl Plan {
    /// What must hold unless the plan has a threshold of its own on the same figure of the same thing.
    pub fn default_thresholds(&self) -> Vec<Threshold> {
        let default = |of, figure, bound, expression: &str| Threshold {
            each_driver: false,
            of,
            figure,
            comparison: Comparison::Less,
            bound,
            expression: expression.to_owned(),
        };
        let mut defaults = vec![
            default(ThresholdOf::All, Figure::ErrorsRatio, 0.01, "errors.ratio < 1%"),
            default(ThresholdOf::All, Figure::DroppedRatio, 0.001, "dropped.ratio < 0.1%"),
        ];
        if self.program.as_ref().is_some_and(|program| program.has_several_steps()) {
            let of = ThresholdOf::Sessions(None);
            defaults.push(default(of, Figure::ErrorsRatio, 0.01, "session.errors.ratio < 1%"));
        }
        defaults
    }
}

impl Program {
    /// Whether the sessions of some scenario do more than send one request.
    pub fn has_several_steps(&self) -> bool {
        self.scenarios.iter().any(|scenario| !matches!(scenario.steps.as_slice(), [Step::Request { .. }]))
    }
}
