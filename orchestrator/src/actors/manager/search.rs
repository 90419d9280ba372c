//! The search of a test's `[capacity]`: the rate that it wants is ordered as one that a user asks for.

use super::Manager;
use crate::capacity::Want;
use crate::lifecycle::Moved;
use crate::registry::NodeFacts;

impl Manager {
    /// What the search of the active test wants; `None`: the node is ending.
    pub(super) async fn search_wants(&self) -> Option<Want> {
        match &self.active {
            Some(active) if active.life.plan().capacity.is_some() => {
                self.unless_ending(self.links.tally.search().await)
            }
            _ => Some(Want::Nothing),
        }
    }

    /// Orders the rate that the search wants, unless that is done already.
    pub(super) async fn follow_search(&mut self, wanted: Want, nodes: &[NodeFacts]) {
        let Want::Rate { number, per_s } = wanted else { return };
        let now = self.settings.clock.now();
        let Some(active) = &mut self.active else { return };
        if active.life.rate_changes().len() >= number as usize {
            return;
        }
        match active.life.move_rate(per_s, now, nodes) {
            Moved::Changed(change, detail) => {
                // What is not published is taken back, and ordered again at the next look.
                if let Err(error) = self.order_rate(change, &detail, now).await {
                    log::error!(error:%; "rate of the search not changed");
                }
            }
            Moved::Refused(why) => {
                log::warn!(rate = per_s, reason:% = why; "rate of the search refused");
                self.unless_ending(self.links.tally.search_refused(why).await);
            }
            Moved::NotNow => {}
        }
    }
}
