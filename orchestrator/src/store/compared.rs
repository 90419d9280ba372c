//! The seconds of a test as a comparison needs them, a part of the test at a time.

use common::ids::TestId;

use super::Store;
use super::StoreError;
use crate::tally::seconds::{ComparedSecond, ComparedSeconds};

/// Seconds that one call reads: while it does, no other read is answered. Of a second of a driver two histograms are read, and
/// none is built.
const SECONDS_OF_A_CALL: u64 = 300;

impl Store {
    /// The fleet's seconds from `from` on, 300 of them at most; and where to go on, `None` after the last.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn compared_seconds(
        &self,
        test_id: &TestId,
        from: u64,
    ) -> Result<(Vec<ComparedSecond>, Option<u64>), StoreError> {
        let last = self.last_second(test_id)?.filter(|last| *last >= from);
        let Some(last) = last else { return Ok((Vec::new(), None)) };
        let to = last.min(from.saturating_add(SECONDS_OF_A_CALL - 1));
        let mut seconds = ComparedSeconds::default();
        self.each_own_second_of_all(test_id, None, (from, to), |second| seconds.add(&second))?;
        Ok((seconds.finish(), (to < last).then_some(to + 1)))
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Store::compared_seconds`].
    pub fn all_compared_seconds(&self, test_id: &TestId) -> Result<Vec<ComparedSecond>, StoreError> {
        let (mut seconds, mut next) = self.compared_seconds(test_id, 0)?;
        while let Some(from) = next {
            let (more, after) = self.compared_seconds(test_id, from)?;
            seconds.extend(more);
            next = after;
        }
        Ok(seconds)
    }
}
