//! The exact figures of any seconds of a test, from its stored spans and records.

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::ids::{NodeId, TestId};
use common::latency::Latencies;
use common::plan::Mode;
use common::wire::Ending;

use super::gather::Life;
use super::{Store, StoreError, StoredPlan, StoredTest};
use crate::assemble::changes_of;
use crate::model::{SpanView, TestState};
use crate::tally::Step;
use crate::tally::span::{Covered, DriverSpan, Of, Schedule, SpanBuilder};
use crate::tally::throughput::{ended_length_s, own_start};

/// While a test runs, how far the last window of a driver may be behind the newest one of all before its missing seconds count
/// as seconds in which it completed nothing, µs: as long as it takes until a silent driver is lost (`test.lost_after`).
const BEHIND_US: UnixMicros = 10_000_000;

impl Store {
    /// The figures of the seconds `from` to `to`, by default those after the warm-up and up to the last one that is known.
    /// Both are rounded outwards to the step that a span of that length has. `None` where the test is not stored.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn span(
        &self,
        test_id: &TestId,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Option<SpanView>, StoreError> {
        let Some(test) = self.test(test_id)? else { return Ok(None) };
        let facts = TestFacts::of(&test);
        let last = self.last_second(test_id)?;
        let covered = covered(from.unwrap_or(facts.first), to, last);
        let of = Of {
            test_id,
            closed_loop: facts.closed_loop,
            covers_all: !self.has_classic(test_id)?,
            start_us: facts.start_us,
        };
        let lives = self.lives(test_id)?;
        let ends = self.ends(test_id, &lives)?;
        let ours = test.participants.iter().filter(|one| one.epoch.is_some());
        let mut nodes: Vec<NodeId> = ours.map(|one| one.node_id.clone()).collect();
        for node in lives.iter().filter_map(|(name, _)| NodeId::new(name).ok()) {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        let range = (covered.from, covered.to);
        let mut builder = SpanBuilder::new(of, covered);
        let fleet = self.gather_fleet(test_id, &nodes, &lives, range, |node, driver| {
            let sum = driver.finish(covered.from, covered.step);
            builder.driver(&DriverSpan { node: node.clone(), sum, schedule: schedule(&test, node, &ends) });
        })?;
        Ok(Some(builder.finish(fleet.finish(covered.from, covered.step).as_ref())))
    }

    /// The latencies of all requests of a test after the warm-up as histograms, and how many further requests count as slower
    /// than any completed one.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub(super) fn whole_latencies(&self, test_id: &TestId) -> Result<(Latencies, u64), StoreError> {
        let Some(last) = self.last_second(test_id)? else { return Ok((Latencies::new(), 0)) };
        let lives = self.lives(test_id)?;
        Ok(self.gather(test_id, None, &lives, (0, last), false)?.histograms())
    }

    /// The last window of each driver.
    fn ends(&self, test_id: &TestId, lives: &[Life]) -> Result<BTreeMap<NodeId, End>, StoreError> {
        let mut ends = BTreeMap::<NodeId, End>::new();
        for (name, epoch) in lives {
            self.each_apart(
                "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1",
                (test_id.as_str(), name, epoch),
                |last| {
                    let end = ends.entry(last.node_id).or_default();
                    end.last_us = end.last_us.max(last.window.to_us);
                    end.ending = last.window.ending.or(end.ending.take());
                    Ok(())
                },
            )?;
        }
        Ok(ends)
    }
}

/// What is known of a driver's end.
#[derive(Debug, Default)]
struct End {
    /// When its last window ended.
    last_us: UnixMicros,
    /// What it reported with its final window.
    ending: Option<Ending>,
}

/// The schedule of a driver: as it reported it; where it did not, as it was planned, up to the end of those that did.
fn schedule(test: &StoredTest, node: &NodeId, ends: &BTreeMap<NodeId, End>) -> Schedule {
    let start_us = test.started_at.unwrap_or(0);
    let share = test.participants.iter().find(|one| one.node_id == *node).map(|one| &one.share);
    // Of a plan that this version cannot run nothing is known.
    let plan = match &test.plan {
        StoredPlan::Valid(plan) => Some(plan.as_ref()),
        StoredPlan::Invalid { .. } => None,
    };
    let changes = || changes_of(test.report.as_ref(), start_us);
    let planned_s =
        plan.zip(share).and_then(|(plan, share)| share.planned_seconds(plan, start_us, &changes()));
    let after = |from_us: UnixMicros, s: f64| from_us.saturating_add((s * 1e6).round() as UnixMicros);
    let end = ends.get(node);
    if let Some(ending) = end.and_then(|end| end.ending.as_ref()) {
        let from_us = ending.schedule_from_us;
        return Schedule { from_us, to_us: Some(after(from_us, ended_length_s(ending, planned_s))) };
    }
    let from_us = plan.map_or(start_us, |plan| own_start(&plan.load, share, start_us));
    let to_us = if test.state == TestState::Finished {
        let reported = ends.values().filter_map(|end| end.ending.as_ref());
        let reported = reported.map(|ending| ending.schedule_to_us).max();
        planned_s.map(|s| after(from_us, s)).into_iter().chain(reported).min()
    } else {
        let newest = ends.values().map(|end| end.last_us).max().unwrap_or(0);
        end.map(|end| end.last_us).filter(|last_us| newest - last_us <= BEHIND_US)
    };
    Schedule { from_us, to_us }
}

/// What the figures of a span need to know of its test.
struct TestFacts {
    /// The first second that is not whole in the warm-up.
    first: u64,
    closed_loop: bool,
    /// When the first second began.
    start_us: UnixMicros,
}

impl TestFacts {
    fn of(test: &StoredTest) -> Self {
        // Of a plan that this version cannot run nothing is known.
        let load = match &test.plan {
            StoredPlan::Valid(plan) => Some(&plan.load),
            StoredPlan::Invalid { .. } => None,
        };
        let warmup = load.map(|load| load.warmup).unwrap_or_default();
        Self {
            first: warmup.as_secs(),
            closed_loop: load.is_some_and(|load| matches!(load.mode, Mode::Avalanche { .. })),
            start_us: test.started_at.unwrap_or(0),
        }
    }
}

/// The seconds that a span covers; `last`: the last one that is known.
fn covered(from: u64, to: Option<u64>, last: Option<u64>) -> Covered {
    let last = last.unwrap_or(0);
    let to = to.unwrap_or(last).min(last);
    let from = from.min(to);
    let step = Step::of_span(to - from + 1);
    Covered { from: step.first_of(from), to: step.last_of(to).min(last), step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_rounded_outwards_to_the_step_of_the_length() {
        #[track_caller]
        fn check(from: u64, to: Option<u64>, last: Option<u64>, expected: (u64, u64, u64)) {
            let covered = covered(from, to, last);
            assert_eq!((covered.from, covered.to, covered.step.seconds()), expected);
        }
        check(3, Some(62), Some(99), (3, 62, 1));
        check(3, Some(63), Some(99), (0, 69, 10));
        check(3, Some(63), Some(65), (0, 65, 10));
        check(5, None, Some(3_599), (0, 3_599, 60));
        check(61, Some(700), Some(3_599), (60, 719, 60));
        check(7, Some(9), Some(4), (4, 4, 1));
        check(0, None, None, (0, 0, 1));
    }
}
