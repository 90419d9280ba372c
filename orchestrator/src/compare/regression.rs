//! What `--max-regression` goes by.

use crate::model::{ComparedFigure, ComparedOutcome, ComparisonView};

/// A figure that is worse by more than allowed, beyond doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// The figure's name.
    pub figure: String,
    /// Its sentence.
    pub sentence: String,
}

/// The figures that are worse by more than `max` (a share: 0.05 is 5 %), beyond doubt: even the end of the interval that is
/// nearest to no difference lies beyond it. A latency counts by how much higher it is, throughput by how much lower,
/// and errors by how much higher their ratio is as a share of the first side's; where that is 0, any increase that shows
/// counts. A figure of which this data cannot tell never counts.
pub fn regressions(comparison: &ComparisonView, max: f64) -> Vec<Regression> {
    let beyond = |figure: &&ComparedFigure| {
        if figure.outcome != ComparedOutcome::Worse {
            return false;
        }
        match figure.figure.as_str() {
            "throughput" => figure.high.is_some_and(|high| 1.0 - high > max),
            "errors" => figure.difference_low.zip(figure.a).is_some_and(|(low, a)| low > max * a),
            _ => figure.low.is_some_and(|low| low - 1.0 > max),
        }
    };
    let regression = |figure: &ComparedFigure| Regression {
        figure: figure.figure.clone(),
        sentence: figure.sentence.clone(),
    };
    comparison.figures.iter().filter(beyond).map(regression).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn figure(name: &str, outcome: ComparedOutcome) -> ComparedFigure {
        ComparedFigure { a: Some(1.0), ..fixtures::compared_figure(name, outcome, "") }
    }

    #[test]
    fn the_whole_interval_has_to_be_beyond() {
        use ComparedOutcome::{Better, CannotTell, Same, Worse};
        let ratio = |name, low, high, outcome| ComparedFigure {
            low: Some(low),
            high: Some(high),
            ..figure(name, outcome)
        };
        let errors =
            |a, low| ComparedFigure { a: Some(a), difference_low: Some(low), ..figure("errors", Worse) };
        for (caption, of, counts) in [
            ("beyond", ratio("p99", 1.06, 1.2, Worse), true),
            ("it may be less", ratio("p99", 1.04, 1.2, Worse), false),
            (
                "nothing bounds it above",
                ComparedFigure { high: None, ..ratio("p99", 1.06, 2.0, Worse) },
                true,
            ),
            ("better", ratio("p99", 0.5, 0.6, Better), false),
            ("not known", ratio("p99", 1.5, 1.6, CannotTell), false),
            ("the same", ratio("p99", 0.9, 1.6, Same), false),
            ("throughput falls", ratio("throughput", 0.8, 0.94, Worse), true),
            ("throughput falls a little", ratio("throughput", 0.8, 0.96, Worse), false),
            ("errors from none", errors(0.0, 0.000_1), true),
            ("errors grow by a tenth", errors(0.01, 0.001), true),
            ("errors grow by less", errors(0.01, 0.000_4), false),
        ] {
            let comparison = fixtures::comparison(vec![of]);
            assert_eq!(regressions(&comparison, 0.05).len(), usize::from(counts), "{caption}");
        }
    }
}
