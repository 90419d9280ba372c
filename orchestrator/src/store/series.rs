//! A test's series per second, from the stored windows, with the same differences and the same exact merge as the live
//! series (`tally::series`).

use std::collections::BTreeMap;

use common::ids::{Epoch, NodeId, TestId};

use super::Store;
use super::{StoreError, StoredMetrics};
use crate::model::WindowView;
use crate::tally::series::{FleetSeries, Second, Series};

/// Most seconds of one answer: an hour.
pub const MAX_WINDOWS_SECONDS: u64 = 3_600;

/// Seconds that are decoded at a time, so that an hour of a fleet is never in memory at once.
const SLICE_SECONDS: i64 = 30;

/// The life of a node that a window belongs to.
type Life = (NodeId, Epoch);

impl Store {
    /// The seconds `from` to `to` (both included) of a driver, or of the fleet. Returns at most [`MAX_WINDOWS_SECONDS`]
    /// of them and leaves out the rest. Counts after a gap span it.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn windows(
        &self,
        test_id: &TestId,
        driver: Option<&NodeId>,
        from: u64,
        to: u64,
    ) -> Result<Vec<WindowView>, StoreError> {
        let to = to.min(from.saturating_add(MAX_WINDOWS_SECONDS - 1));
        let (Ok(from), Ok(to)) = (i64::try_from(from), i64::try_from(to.min(i64::MAX as u64))) else {
            return Ok(Vec::new());
        };
        let covers_all = driver.is_some() || !self.has_classic(test_id)?;
        let node = driver.map(NodeId::as_str);
        let mut lives: BTreeMap<Life, Series> = BTreeMap::new();
        // The last window of each life before the range: the base for its first difference.
        for base in self.records_where(
            "WHERE arrival IN (SELECT arrival FROM (SELECT arrival, max(seq) FROM records
               WHERE test_id = ?1 AND seq BETWEEN 0 AND ?2 - 1 AND (?3 IS NULL OR node_id = ?3)
               GROUP BY node_id, epoch))",
            (test_id.as_str(), from, node),
        )? {
            take(&mut lives, &base);
        }
        let mut views = Vec::new();
        let mut first = from;
        while first <= to {
            let last = to.min(first.saturating_add(SLICE_SECONDS - 1));
            let mut seconds = FleetSeries::default();
            let rows = self.records_where(
                "WHERE test_id = ?1 AND seq BETWEEN ?2 AND ?3 AND (?4 IS NULL OR node_id = ?4) ORDER BY seq",
                (test_id.as_str(), first, last, node),
            )?;
            for row in &rows {
                if let Some(second) = take(&mut lives, row) {
                    seconds.add(&second);
                }
            }
            let complete = seconds.take_below(u64::MAX);
            views.extend(complete.iter().map(|second| second.view(test_id, driver, covers_all)));
            if rows.is_empty() && !self.has_windows_after(test_id, node, last)? {
                break;
            }
            let Some(next) = last.checked_add(1) else { break };
            first = next;
        }
        Ok(views)
    }

    fn has_classic(&self, test_id: &TestId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM participants WHERE test_id = ?1 AND epoch IS NULL LIMIT 1";
        Ok(!self.rows(sql, [test_id.as_str()], |_| Ok(()))?.is_empty())
    }

    fn has_windows_after(&self, test_id: &TestId, node: Option<&str>, seq: i64) -> Result<bool, StoreError> {
        let sql =
            "SELECT 1 FROM records WHERE test_id = ?1 AND seq > ?2 AND (?3 IS NULL OR node_id = ?3) LIMIT 1";
        Ok(!self.rows(sql, (test_id.as_str(), seq, node), |_| Ok(()))?.is_empty())
    }
}

fn take(lives: &mut BTreeMap<Life, Series>, row: &StoredMetrics) -> Option<Second> {
    let window = row.metrics.ours.as_deref()?;
    let life = (row.metrics.node_id.clone(), window.epoch);
    lives.entry(life).or_default().take_in_order(window)
}
