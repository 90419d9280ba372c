//! What a report that is written page by page reads at a time, so that no more of a test is in memory.

use common::ids::TestId;
use common::latency::Latencies;

use super::{SecondsPage, Store, StoreError};

/// What the pages of a report hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOf {
    /// Seconds of each driver and of the fleet.
    Seconds,
    /// The latencies of all requests of the whole test: one page.
    Whole,
}

/// A page.
#[derive(Debug)]
pub enum ReportPage {
    Seconds(SecondsPage),
    /// `slower`: how many requests beside these count as slower than any completed one.
    Whole {
        latencies: Box<Latencies>,
        slower: u64,
    },
}

impl ReportPage {
    /// The first second of the next page; `None` where there is none.
    pub fn next(&self) -> Option<u64> {
        match self {
            Self::Seconds(page) => page.next,
            Self::Whole { .. } => None,
        }
    }
}

impl Store {
    /// A page of a test, from a second on.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn report_page(&self, test_id: &TestId, of: PageOf, from: u64) -> Result<ReportPage, StoreError> {
        match of {
            PageOf::Seconds => self.seconds_page(test_id, from).map(ReportPage::Seconds),
            PageOf::Whole => {
                let (latencies, slower) = self.whole_latencies(test_id)?;
                Ok(ReportPage::Whole { latencies: Box::new(latencies), slower })
            }
        }
    }
}
