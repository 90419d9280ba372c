//! The seconds of a test driver by driver, a page at a time: for reports that hold the whole series, of which no more than a
//! page is in memory.

use std::collections::BTreeMap;

use common::ids::{NodeId, TestId};

use super::records::in_a_page;
use super::series::second_of;
use super::{Store, StoreError};
use crate::tally::series::{FleetSeries, Second};

/// Most windows of one page, unless one second alone has more. Each is up to a few hundred histograms, and while a page is
/// read no other read is answered: this many take some 0.1 s with 20 requests.
const PAGE_WINDOWS: u32 = 64;

/// Some seconds of a test.
#[derive(Debug, Default)]
pub struct SecondsPage {
    /// What each driver did in each of these seconds, in order of the seconds.
    pub(crate) drivers: Vec<(NodeId, Second)>,
    /// What all of them did.
    pub(crate) fleet: Vec<Second>,
    /// Whether every driver of the test sends histograms.
    pub(crate) covers_all: bool,
    /// The first second of the next page; `None` where there is none.
    pub next: Option<u64>,
}

impl Store {
    /// A page of seconds, from one on. Counts after a gap span it.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub(super) fn seconds_page(&self, test_id: &TestId, from: u64) -> Result<SecondsPage, StoreError> {
        let covers_all = !self.has_classic(test_id)?;
        let Ok(from) = i64::try_from(from) else { return Ok(SecondsPage::default()) };
        let ahead: Vec<(i64, usize)> = self.rows(
            "SELECT seq, length(payload) FROM records WHERE test_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
            (test_id.as_str(), from, PAGE_WINDOWS + 1),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        // The first that does not fit: by their number, or by their size.
        let fits = in_a_page(ahead.iter().map(|(_, size)| *size)).min(PAGE_WINDOWS as usize);
        let whole = fits >= ahead.len();
        let (Some((first, _)), Some((last, _))) = (ahead.first(), ahead.get(fits).or(ahead.last())) else {
            return Ok(SecondsPage { covers_all, ..SecondsPage::default() });
        };
        // It may be in a second of which some windows do fit: that second is left to the next page.
        let last = if whole || first == last { *last } else { last - 1 };
        let mut lives = BTreeMap::new();
        // The last window of each life before the page: the base for its first difference.
        self.each_last_before(test_id, None, from, |base| {
            second_of(&mut lives, base);
        })?;
        let mut fleet = FleetSeries::default();
        let mut drivers = Vec::new();
        self.each_record(
            "WHERE test_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq, node_id",
            (test_id.as_str(), from, last),
            |record| {
                if let Some(second) = second_of(&mut lives, record) {
                    fleet.add(&second);
                    drivers.push((record.metrics.node_id.clone(), second));
                }
            },
        )?;
        let next = (!whole).then(|| u64::try_from(last + 1).ok()).flatten();
        Ok(SecondsPage { drivers, fleet: fleet.take_below(u64::MAX), covers_all, next })
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
