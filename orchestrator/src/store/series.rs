//! A test's series, a window a second or one for several, from the stored records, with the same differences and the same
//! exact merge as the live series (`tally::series`).

use common::ids::{NodeId, TestId};

use super::{Store, StoreError};
use crate::model::WindowView;
use crate::tally::Step;
use crate::tally::gather::Gather;
use crate::tally::sum::Sum;

/// Most windows of one answer: of one second each, an hour.
pub const MAX_WINDOWS: u64 = 3_600;

/// Longest series of a whole test, s: two weeks, 20,160 windows of a minute.
const MAX_SERIES_S: u64 = 14 * 86_400;

/// Which part of a series is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsAsked {
    pub test_id: TestId,
    /// One driver's, or (`None`) the fleet's.
    pub driver: Option<NodeId>,
    /// The first second; windows of several seconds are whole.
    pub from: u64,
    /// The last second.
    pub to: u64,
    pub step: Step,
}

impl WindowsAsked {
    /// All windows of the fleet of a test up to its last second, as long each as `auto` makes them for so long a test, in parts
    /// that one answer holds; of a test of more than two weeks the newest two.
    pub fn whole(test_id: TestId, last: u64) -> impl Iterator<Item = Self> {
        let step = Step::of_series(last.saturating_add(1));
        let longest = MAX_WINDOWS * step.seconds();
        let first = step.last_of(last).saturating_add(1).saturating_sub(MAX_SERIES_S);
        (first..=last).step_by(longest as usize).map(move |from| {
            let to = last.min(from.saturating_add(longest - 1));
            Self { test_id: test_id.clone(), driver: None, from, to, step }
        })
    }
}

impl Store {
    /// The windows that have some of the seconds `from` to `to` (both included) of a driver, or of the fleet. Returns at most
    /// [`MAX_WINDOWS`] of them and leaves out the rest. Counts after a gap span it.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn windows(&self, asked: &WindowsAsked) -> Result<Vec<WindowView>, StoreError> {
        let WindowsAsked { test_id, driver, step, .. } = asked;
        let (driver, step) = (driver.as_ref(), *step);
        let from = step.first_of(asked.from);
        let Some(known) = self.last_second(test_id)? else { return Ok(Vec::new()) };
        let to = step.last_of(asked.to.min(known)).min(from.saturating_add(MAX_WINDOWS * step.seconds() - 1));
        let kept = self.shown_spans(test_id, driver, step, (from, to))?;
        let missing = missing(&kept, step, (from, to));
        if missing.is_empty() {
            return Ok(kept);
        }
        let covers_all = driver.is_some() || !self.has_classic(test_id)?;
        let mut views = kept;
        let mut show = |sum: Option<Sum<'static>>| {
            views.extend(sum.map(|sum| sum.view_with_heat(test_id, driver, covers_all)));
        };
        let lives = if step == Step::Second { Vec::new() } else { self.lives(test_id)? };
        for range in missing {
            match step {
                Step::Second => self.seconds(test_id, driver, range, &mut show)?,
                Step::Ten | Step::Minute | Step::TenMinutes => {
                    for first in (range.0..=range.1).step_by(step.seconds() as usize) {
                        let whole = (first, step.last_of(first));
                        show(self.gather(test_id, driver, &lives, whole, true)?.finish(first, step));
                    }
                }
            }
        }
        views.sort_by_key(|view| view.seq);
        Ok(views)
    }

    /// The seconds of a driver, or of the fleet, from the records.
    fn seconds(
        &self,
        test_id: &TestId,
        driver: Option<&NodeId>,
        range: (u64, u64),
        mut show: impl FnMut(Option<Sum<'static>>),
    ) -> Result<(), StoreError> {
        let mut open: Option<(u64, Gather)> = None;
        self.each_own_second_of_all(test_id, driver, range, |second| {
            // Rows come in the order of their seconds: the one before this one is complete.
            if let Some((seq, complete)) = open.take_if(|(seq, _)| *seq != second.seq()) {
                show(complete.finish(seq, Step::Second));
            }
            open.get_or_insert_with(|| (second.seq(), Gather::new(true))).1.second(&second)
        })?;
        if let Some((seq, complete)) = open {
            show(complete.finish(seq, Step::Second));
        }
        Ok(())
    }

    /// The last second of a test that some driver has sent.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn last_second(&self, test_id: &TestId) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT max(seq) FROM records WHERE test_id = ?1 AND seq >= 0";
        let seqs = self.rows(sql, [test_id.as_str()], |row| row.get::<_, Option<i64>>(0))?;
        Ok(seqs.into_iter().flatten().next().map(i64::cast_unsigned))
    }

    pub(super) fn has_classic(&self, test_id: &TestId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM participants WHERE test_id = ?1 AND epoch IS NULL LIMIT 1";
        Ok(!self.rows(sql, [test_id.as_str()], |_| Ok(()))?.is_empty())
    }
}

/// The ranges of whole windows within another that are not among these, which are in order.
fn missing(kept: &[WindowView], step: Step, (from, to): (u64, u64)) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    let mut next = from;
    for window in kept {
        if window.seq > next {
            ranges.push((next, window.seq - 1));
        }
        next = window.seq.saturating_add(step.seconds());
    }
    if next <= to {
        ranges.push((next, to));
    }
    ranges
}
