//! What the manager itself keeps of a test, beside its lifecycle and its tally: name, times, timeline.

use common::clock::{UnixMicros, rfc3339};
use common::ids::{NodeId, TestId};
use common::plan::Plan;

use super::Meta;
use crate::lifecycle::{self, RATE_CHANGED};
use crate::model::{TestState, TestView, TimelineEntry};
use crate::tally::Tally;

/// Most lines of one test's timeline; later ones are left out, but for those that [`has_room`] makes room for.
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
    if has_room(timeline, what) {
        timeline.push(TimelineEntry {
            at: rfc3339(at_us),
            what: what.to_owned(),
            driver: driver.map(ToString::to_string),
            detail: detail.to_owned(),
        });
    }
}

/// Whether a timeline takes such a line. In a full one a change of the rate, which the report lists elsewhere, gives way to
/// any other line, and any line to those by which the next process decides.
fn has_room(timeline: &mut Vec<TimelineEntry>, what: &str) -> bool {
    if timeline.len() < MAX_TIMELINE {
        return true;
    }
    let gives_way = |entry: &TimelineEntry| {
        entry.what == RATE_CHANGED || (lifecycle::decides(what) && !lifecycle::decides(&entry.what))
    };
    let place = timeline.iter().rposition(gives_way).filter(|_| what != RATE_CHANGED);
    place.map(|place| timeline.remove(place)).is_some()
}

/// The view of a test without any counts.
pub fn empty_view(meta: &Meta, plan: &Plan) -> TestView {
    let mut tally = Tally::new(meta.test_id.clone(), plan.clone(), &[]);
    tally.rate_changed(meta.rate_changes.clone());
    // Without counts, no figure has an age.
    crate::assemble::view(&meta.borrowed(), &tally, None, meta.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_takes_what_decides_and_lets_changes_of_the_rate_go_first() {
        let mut timeline = Vec::new();
        let mut add = |what: &str, n: usize| {
            for _ in 0..n {
                note_to(&mut timeline, 0, what, "");
            }
            let of = |what: &str| timeline.iter().filter(|entry| entry.what == what).count();
            assert!(timeline.len() <= MAX_TIMELINE);
            (of(what), of(RATE_CHANGED), of("warned"))
        };
        add("triggered", 1);
        add("running", 1);
        assert_eq!(add(RATE_CHANGED, 900).0, 498);
        assert_eq!(add("warned", 497), (497, 1, 497));
        assert_eq!(add("finished", 2), (1, 0, 497), "one change was left to give way");
        assert_eq!(add(lifecycle::STOPPED, 1), (1, 0, 497));
        assert_eq!(add(lifecycle::STOPPED, 1), (2, 0, 496));
        assert_eq!(add(RATE_CHANGED, 1).0, 0);
        assert_eq!(
            timeline[..2].iter().map(|entry| entry.what.as_str()).collect::<Vec<_>>(),
            ["triggered", "running"]
        );
    }
}
