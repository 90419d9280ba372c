//! The seconds of a test driver by driver, a page at a time: for reports that hold the whole series, of which no more than a
//! page is in memory.

use common::ids::TestId;
use common::latency::LatencyKind;

use super::records::in_a_page;
use super::{Store, StoreError};
use crate::model::WindowView;
use crate::tally::pages::{FigureLines, SampleLines, Samples};

/// Most windows of one page, unless one second alone has more. Each has up to a few hundred histograms, and while a page is
/// read no other read is answered: this many take some 0.1 s with 20 requests.
const PAGE_WINDOWS: u32 = 64;

/// A part of what a report has of each second: of the fleet, and behind it of each driver.
#[derive(Debug)]
pub struct SecondsPage<T> {
    pub lines: Vec<T>,
    /// The first second of the next page; `None` where there is none.
    pub next: Option<u64>,
}

impl<T> SecondsPage<T> {
    const NONE: Self = Self { lines: Vec::new(), next: None };
}

/// Which seconds a page is of.
struct Ahead {
    range: (u64, u64),
    next: Option<u64>,
}

impl Store {
    /// A page of figures, from a second on. Counts after a gap span it.
    ///
    /// # Errors
    /// Where SQLite cannot, a row is not readable, or the test was deleted since the page before.
    pub(super) fn figures_page(
        &self,
        test_id: &TestId,
        from: u64,
    ) -> Result<SecondsPage<WindowView>, StoreError> {
        let Some(Ahead { range, next }) = self.ahead(test_id, from)? else { return Ok(SecondsPage::NONE) };
        let mut lines = FigureLines::new(test_id, !self.has_classic(test_id)?);
        self.each_own_second_of_all(test_id, None, range, |second| lines.add(&second))?;
        Ok(SecondsPage { lines: lines.finish(), next })
    }

    /// A page of samples of these kinds, from a second on.
    ///
    /// # Errors
    /// As [`Store::figures_page`].
    pub(super) fn samples_page(
        &self,
        test_id: &TestId,
        kinds: &'static [LatencyKind],
        from: u64,
    ) -> Result<SecondsPage<Samples>, StoreError> {
        let Some(Ahead { range, next }) = self.ahead(test_id, from)? else { return Ok(SecondsPage::NONE) };
        let mut lines = SampleLines::new(kinds);
        self.each_own_second_of_all(test_id, None, range, |second| lines.add(&second))?;
        Ok(SecondsPage { lines: lines.finish(), next })
    }

    /// The seconds of the page that begins with a second; `None` where nothing follows.
    fn ahead(&self, test_id: &TestId, from: u64) -> Result<Option<Ahead>, StoreError> {
        let Ok(first) = i64::try_from(from) else { return Ok(None) };
        let ahead: Vec<(i64, usize)> = self.rows(
            "SELECT seq, length(payload) FROM records WHERE test_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            (test_id.as_str(), first, PAGE_WINDOWS + 1),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        // The first that does not fit: by their number, or by their size.
        let fits = in_a_page(ahead.iter().map(|(_, size)| *size)).min(PAGE_WINDOWS as usize);
        let whole = fits >= ahead.len();
        let (Some((first, _)), Some((last, _))) = (ahead.first(), ahead.get(fits).or(ahead.last())) else {
            // What was sent so far would be taken for the whole.
            return if from > 0 && !self.has_test(test_id)? { Err(StoreError::Deleted) } else { Ok(None) };
        };
        // It may be in a second of which some windows do fit: that second is left to the next page.
        let last = if whole || first == last { *last } else { last - 1 };
        let next = (!whole).then(|| u64::try_from(last + 1).ok()).flatten();
        Ok(Some(Ahead { range: (from, last.unsigned_abs()), next }))
    }

    fn has_test(&self, test_id: &TestId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tests WHERE test_id = ?1";
        Ok(!self.rows(sql, [test_id.as_str()], |_| Ok(()))?.is_empty())
    }

    /// How many windows of a test are stored.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn count_windows(&self, test_id: &TestId) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM records WHERE test_id = ?1 AND seq >= 0";
        let counted = self.rows(sql, [test_id.as_str()], |row| row.get::<_, i64>(0))?;
        Ok(counted.first().map_or(0, |n| n.unsigned_abs()))
    }
}
