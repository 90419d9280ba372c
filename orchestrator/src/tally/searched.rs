//! The search that a plan's `[capacity]` asks for, as the manager steers by it and the report has it.

use super::Tally;
use crate::capacity::Want;
use crate::model::CapacityView;

impl Tally {
    /// What the search of the plan's `[capacity]` wants now. Counted again from the same records it is the same.
    pub fn search_wants(&self) -> Want {
        self.searching.as_ref().map_or(Want::Nothing, |searching| searching.wants())
    }

    /// The drivers cannot take the rate that the search wants.
    pub fn search_refused(&mut self, why: &str) {
        if let Some(searching) = &mut self.searching {
            searching.refused(why);
        }
    }

    /// What the search found, or knows so far. What it had found at the end of the test stays as it was: late windows are
    /// not of what it went by.
    pub fn capacity(&self) -> Option<Box<CapacityView>> {
        if self.found.is_some() {
            return self.found.clone();
        }
        self.searching.as_ref().map(|searching| Box::new(searching.view(false)))
    }

    /// The same as it is kept with a test that ends now.
    pub(super) fn capacity_at_end(&self) -> Option<Box<CapacityView>> {
        self.searching.as_ref().map(|searching| Box::new(searching.view(true)))
    }
}
