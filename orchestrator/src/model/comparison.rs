//! A comparison of tests: the answer to `GET /api/v1/compare`, and what `groundswell compare --json` writes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Verdict;

/// Tests beside one another: figure by figure, how the second side differs from the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Comparison)]
pub struct ComparisonView {
    /// The tests of the first side, which the second is compared with.
    pub a: Vec<ComparedTest>,
    /// The tests of the second side.
    pub b: Vec<ComparedTest>,
    /// What the answer is about.
    pub asked: ComparedWhat,
    /// The same as a sentence, and what it takes to answer for the service where it does not.
    pub about: String,
    /// Why the tests cannot be compared; empty in every answer with figures.
    pub refused: Vec<String>,
    /// What else differs, or makes figures of one side doubtful.
    pub warnings: Vec<String>,
    /// Tests whose figures rose or fell from the first quarter to the last.
    pub trend: Vec<String>,
    /// Each figure.
    pub figures: Vec<ComparedFigure>,
}

/// A test of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedTest {
    /// Its id.
    pub test_id: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// When its load began, RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// Windows of its load that were compared, as a rule one a second.
    pub windows: u64,
}

/// What a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedWhat {
    /// These tests alone: how windows of a test differ is what counts.
    Tests,
    /// The service: at least three tests a side, and how tests differ is what counts.
    Service,
}

/// How a figure differs between the sides. Intervals hold for all figures together with 95 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedFigure {
    /// throughput, errors, mean, p50, p90, p99 or p99.9. All but the first two are of response after the warm-up.
    pub figure: String,
    /// The unit of `a` and `b`: `per_s`, `ratio` (0 to 1) or `ms`.
    pub unit: String,
    /// The first side's; null where it has none, and where a percentile falls among failed or dropped requests.
    pub a: Option<f64>,
    /// The second side's, as `a`.
    pub b: Option<f64>,
    /// The first side's lower limit.
    pub a_low: Option<f64>,
    /// The first side's upper limit; null where nothing bounds it.
    pub a_high: Option<f64>,
    /// The second side's lower limit.
    pub b_low: Option<f64>,
    /// The second side's upper limit; null where nothing bounds it.
    pub b_high: Option<f64>,
    /// The second side's as a multiple of the first's; null where either has none, or the first's is 0.
    pub ratio: Option<f64>,
    /// The lower limit of the ratio.
    pub low: Option<f64>,
    /// The upper limit of the ratio; null where nothing bounds it.
    pub high: Option<f64>,
    /// Half the width of the ratio's interval, as a share: a difference below it does not show. Of errors in points of the
    /// ratio (0.01: one percentage point).
    pub half_width: Option<f64>,
    /// Of errors: the second side's ratio minus the first's, by which the outcome is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// Of errors: the lower limit of the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference_low: Option<f64>,
    /// Of errors: the upper limit of the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference_high: Option<f64>,
    /// What is known of the difference.
    pub outcome: ComparedOutcome,
    /// The same in words, as in `p99 is 12 % to 19 % higher: worse`.
    pub sentence: String,
}

/// What is known of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedOutcome {
    /// The second side's is better.
    Better,
    /// The second side's is worse.
    Worse,
    /// The second side's is higher, which is neither.
    Higher,
    /// The second side's is lower, which is neither.
    Lower,
    /// No difference that this data could show.
    Same,
    /// This data cannot tell.
    CannotTell,
}
