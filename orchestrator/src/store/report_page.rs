//! What a report that is written page by page reads at a time, so that no more of a test is in memory.

use common::ids::TestId;
use common::latency::{Latencies, LatencyKind};

use super::{SecondsPage, Store, StoreError};
use crate::model::WindowView;
use crate::tally::pages::Samples;

/// What the pages of a report hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOf {
    /// Figures of each second.
    Figures,
    /// Samples of each second, of these kinds.
    Samples(&'static [LatencyKind]),
    /// The latencies of all requests of the whole test: one page.
    Whole,
}

/// A page.
#[derive(Debug)]
pub enum ReportPage {
    Figures(SecondsPage<WindowView>),
    Samples(SecondsPage<Samples>),
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
            Self::Figures(page) => page.next,
            Self::Samples(page) => page.next,
            Self::Whole { .. } => None,
        }
    }
}

impl Store {
    /// A page of a test, from a second on.
    ///
    /// # Errors
    /// Where SQLite cannot, a row is not readable, or the test was deleted since the page before.
    pub fn report_page(&self, test_id: &TestId, of: PageOf, from: u64) -> Result<ReportPage, StoreError> {
        match of {
            PageOf::Figures => self.figures_page(test_id, from).map(ReportPage::Figures),
            PageOf::Samples(kinds) => self.samples_page(test_id, kinds, from).map(ReportPage::Samples),
            PageOf::Whole => {
                let (latencies, slower) = self.whole_latencies(test_id)?;
                Ok(ReportPage::Whole { latencies: Box::new(latencies), slower })
            }
        }
    }
}
