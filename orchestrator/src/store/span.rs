//! The exact figures of any seconds of a test, from its stored spans and records.

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::ids::{NodeId, TestId};
use common::latency::Latencies;
use common::plan::Mode;

use super::gather::Life;
use super::{Store, StoreError, StoredPlan, StoredTest};
use crate::model::SpanView;
use crate::tally::Step;
use crate::tally::span::{Covered, DriverSpan, Of, SpanBuilder};

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
        let of = Of { test_id, closed_loop: facts.closed_loop, covers_all: !self.has_classic(test_id)? };
        let lives = self.lives(test_id)?;
        let schedules = self.schedules(test_id, &lives)?;
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
            let schedule = (facts.schedule_from_us, schedules.get(node).copied());
            builder.driver(&DriverSpan { node: node.clone(), sum, schedule });
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

    /// When the drivers' schedules ended, of those that have reported it.
    fn schedules(
        &self,
        test_id: &TestId,
        lives: &[Life],
    ) -> Result<BTreeMap<NodeId, UnixMicros>, StoreError> {
        let mut schedules = BTreeMap::new();
        for (name, epoch) in lives {
            self.each_apart(
                "WHERE test_id = ?1 AND node_id = ?2 AND epoch = ?3 AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1",
                (test_id.as_str(), name, epoch),
                |last| {
                    if let Some(ending) = last.window.ending {
                        schedules.insert(last.node_id, ending.schedule_to_us);
                    }
                    Ok(())
                },
            )?;
        }
        Ok(schedules)
    }
}

/// What the figures of a span need to know of its test.
struct TestFacts {
    /// The first second that is not whole in the warm-up.
    first: u64,
    closed_loop: bool,
    /// When the schedules began, after the warm-up.
    schedule_from_us: UnixMicros,
}

impl TestFacts {
    fn of(test: &StoredTest) -> Self {
        // Of a plan that this version cannot run nothing is known.
        let load = match &test.plan {
            StoredPlan::Valid(plan) => Some(&plan.load),
            StoredPlan::Invalid { .. } => None,
        };
        let warmup = load.map(|load| load.warmup).unwrap_or_default();
        let warmup_us = i64::try_from(warmup.as_micros()).unwrap_or(0);
        Self {
            first: warmup.as_secs(),
            closed_loop: load.is_some_and(|load| matches!(load.mode, Mode::Avalanche { .. })),
            schedule_from_us: test.started_at.unwrap_or(0).saturating_add(warmup_us),
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
