//! What people and programs read of a test: the view that REST and reports share, as text and as JSON.

mod columns;
mod drivers_table;
pub mod human;
mod plan_line;
#[cfg(test)]
mod tests;
mod text;

use common::clock::UnixMicros;
use common::ids::TestId;

use crate::lifecycle;
use crate::model::{TestState, TestView, TimelineEntry};
use crate::tally::Tally;
use crate::verdict::Judgement;

pub use text::text;

/// What a test is beyond its figures.
#[derive(Debug, Clone)]
pub struct TestMeta<'a> {
    /// Its id.
    pub test_id: &'a TestId,
    /// The plan's name.
    pub name: &'a str,
    /// Where in its life it is.
    pub state: TestState,
    /// The plan as JSON, secrets masked.
    pub plan: serde_json::Value,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// What happened to it, oldest first.
    pub timeline: &'a [TimelineEntry],
}

/// The test as REST, events and reports show it. Without a judgement (before the end) verdict, reasons
/// and thresholds are empty, and warnings are what drivers said before the start.
pub fn view(
    meta: &TestMeta<'_>,
    tally: &Tally,
    judgement: Option<&Judgement>,
    now_us: UnixMicros,
) -> TestView {
    TestView {
        test_id: meta.test_id.to_string(),
        name: meta.name.to_owned(),
        state: meta.state,
        verdict: judgement.map(|judgement| judgement.verdict),
        reasons: judgement.map_or_else(Vec::new, |judgement| judgement.reasons.clone()),
        warnings: warnings(meta, judgement),
        notes: judgement.map_or_else(Vec::new, |judgement| judgement.notes.clone()),
        plan: meta.plan.clone(),
        created_at: common::clock::rfc3339(meta.created_at),
        started_at: meta.started_at.map(common::clock::rfc3339),
        ended_at: meta.ended_at.map(common::clock::rfc3339),
        totals: tally.totals(),
        drivers: tally.drivers(now_us),
        thresholds: judgement.map_or_else(Vec::new, |judgement| judgement.thresholds.clone()),
        completeness: tally.completeness(),
        timeline: meta.timeline.to_vec(),
    }
}

/// What drivers said before the load began, then what its figures say.
fn warnings(meta: &TestMeta<'_>, judgement: Option<&Judgement>) -> Vec<String> {
    let judged = judgement.map_or(&[][..], |judgement| judgement.warnings.as_slice());
    lifecycle::warnings(meta.timeline).chain(judged).cloned().collect()
}

/// The report as JSON, indented, with a final line break.
pub fn json(view: &TestView) -> String {
    // A view is plain data with text keys: it always serializes.
    let mut text = serde_json::to_string_pretty(view).unwrap_or_default();
    text.push('\n');
    text
}
