//! Counts of records read and rejected. Every rejection is counted; it is logged once per topic, reason and source.

use std::collections::BTreeSet;

use super::reading::ConsumerStats;
use crate::wire::{RejectReason, Rejected, Topic};

/// Most (topic, reason, source) remembered as logged: a flood of made-up node ids must not fill the memory.
const MAX_LOGGED: usize = 1_000;

/// Counts records, and decides which rejections to log.
#[derive(Debug, Default)]
pub(super) struct RecordCounts {
    stats: ConsumerStats,
    logged: BTreeSet<(Topic, RejectReason, Option<String>)>,
}

impl RecordCounts {
    /// Counts a record that arrived.
    pub fn read(&mut self, topic: Topic) {
        *self.stats.read.entry(topic).or_default() += 1;
    }

    /// Counts a record that cannot be used. `true` if this reason is new from this source, and should be logged.
    pub fn rejected(&mut self, topic: Topic, why: &Rejected) -> bool {
        *self.stats.rejected.entry((topic, why.reason)).or_default() += 1;
        if self.logged.len() >= MAX_LOGGED {
            return false;
        }
        let source = why.node_id.as_ref().map(|id| id.as_str().to_owned());
        let news = self.logged.insert((topic, why.reason, source));
        if self.logged.len() == MAX_LOGGED {
            log::warn!(
                n_kinds = MAX_LOGGED;
                "more kinds of rejected records than are remembered, from now on only counted"
            );
        }
        news
    }

    /// The counters so far.
    pub fn stats(&self) -> &ConsumerStats {
        &self.stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn from(node: &str) -> Rejected {
        Rejected { reason: RejectReason::NotJson, detail: "EOT?".to_owned(), node_id: NodeId::new(node).ok() }
    }

    #[test]
    fn a_rejection_is_news_once_a_source() {
        let mut counts = RecordCounts::default();
        assert!(counts.rejected(Topic::Metrics, &from("a")), "first");
        assert!(!counts.rejected(Topic::Metrics, &from("a")), "again");
        assert!(counts.rejected(Topic::Metrics, &from("b")), "another source");
        assert!(counts.rejected(Topic::Metrics, &from("")), "no source");
        assert!(counts.rejected(Topic::Trigger, &from("a")), "another topic");
        assert_eq!(counts.stats().rejected[&(Topic::Metrics, RejectReason::NotJson)], 4);
        assert_eq!(counts.stats().rejected[&(Topic::Trigger, RejectReason::NotJson)], 1);
    }

    #[test]
    fn a_flood_of_sources_is_counted_and_not_remembered() {
        let mut counts = RecordCounts::default();
        let news = (0..5_000).filter(|n| counts.rejected(Topic::Metrics, &from(&format!("node{n}")))).count();
        assert_eq!(news, MAX_LOGGED);
        assert_eq!(counts.stats().rejected[&(Topic::Metrics, RejectReason::NotJson)], 5_000);
        assert!(counts.logged.len() <= MAX_LOGGED);
    }
}
