//! What the manager itself keeps of a test, beside its lifecycle and its tally: name, times, timeline.

use common::clock::{UnixMicros, rfc3339};
use common::ids::{NodeId, TestId};
use common::plan::Plan;

use super::Meta;
use crate::model::{TestState, TestView, TimelineEntry};
use crate::tally::Tally;

/// Most lines of one test's timeline; later ones are left out.
const MAX_TIMELINE: usize = 500;

/// The metadata of a test that was just created.
pub fn meta_of(test_id: &TestId, plan: &Plan, created_at: i64) -> Meta {
    Meta {
        test_id: test_id.clone(),
        name: plan.name.clone(),
        state: TestState::Configured,
        plan: plan.masked_json(),
        created_at,
        started_at: None,
        ended_at: None,
        kafka: None,
        rate_changes: Vec::new(),
        timeline: Vec::new(),
    }
}

/// Adds a line to its timeline.
pub fn note(meta: &mut Meta, at_us: UnixMicros, what: &str, detail: &str) {
    note_to(&mut meta.timeline, at_us, what, detail);
}

/// The same to a timeline.
pub fn note_to(timeline: &mut Vec<TimelineEntry>, at_us: UnixMicros, what: &str, detail: &str) {
    note_of(timeline, None, at_us, what, detail);
}

/// The same, about a driver where there is one.
pub fn note_of(
    timeline: &mut Vec<TimelineEntry>,
    driver: Option<&NodeId>,
    at_us: UnixMicros,
    what: &str,
    detail: &str,
) {
    if timeline.len() < MAX_TIMELINE {
        timeline.push(TimelineEntry {
            at: rfc3339(at_us),
            what: what.to_owned(),
            driver: driver.map(ToString::to_string),
            detail: detail.to_owned(),
        });
    }
}

/// The view of a test without any counts.
pub fn empty_view(meta: &Meta, plan: &Plan) -> TestView {
    let mut tally = Tally::new(meta.test_id.clone(), plan.clone(), &[]);
    tally.rate_changed(meta.rate_changes.clone());
    // Without counts, no figure has an age.
    crate::assemble::view(&meta.borrowed(), &tally, None, meta.created_at)
}
