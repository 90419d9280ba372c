//! Records that were read and are not stored yet. No actors here; time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::store::Batch;
use crate::tally::spans::SpanChange;

/// Most windows, reports and registers that wait in memory for the store: some minutes of a small fleet, and
/// 200 MB where every histogram is wide. At this bound, reading stops.
const MAX_RECORDS: usize = 1_000;

/// Most bytes of their payloads and of the spans with them, which wait beside what was read of them. Records of some kB, as most are, reach the other
/// bound first; a record of 1 MB is possible.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

/// Interval between two attempts to store the backlog.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Batches in one, for one transaction: whatever is stored is stored with the offsets it was read at.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Option<Batch>,
    /// Failed attempts since the last success: how many, and when the last one was.
    failures: Option<(u64, Instant)>,
}

impl Backlog {
    /// Whether the backlog is empty.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_none()
    }

    /// Whether there is room for more.
    pub fn is_full(&self) -> bool {
        self.waiting.as_ref().is_some_and(|batch| {
            let payload_bytes: usize = batch.metrics.iter().map(|record| record.raw.payload.len()).sum();
            let span_bytes: usize = batch.spans.iter().map(SpanChange::n_bytes).sum();
            batch.metrics.len() + batch.registered.len() >= MAX_RECORDS
                || payload_bytes + span_bytes >= MAX_PAYLOAD_BYTES
        })
    }

    /// Appends a batch to the backlog.
    pub fn add(&mut self, later: Batch) {
        let Some(waiting) = &mut self.waiting else {
            self.waiting = Some(later);
            return;
        };
        if waiting.offsets_of != later.offsets_of {
            // Offsets of another Kafka cannot be merged with these.
            waiting.offsets.clear();
            waiting.offsets_of = later.offsets_of;
        }
        waiting.offsets.extend(later.offsets);
        waiting.metrics.extend(later.metrics);
        waiting.spans.extend(later.spans);
        waiting.registered.retain(|known| later.registered.iter().all(|new| new.node_id != known.node_id));
        waiting.registered.extend(later.registered);
    }

    /// The whole backlog; `None` if it is empty, or the store failed less than [`STORE_AGAIN`] ago.
    pub fn due(&self, now: Instant) -> Option<Batch> {
        let early = self.failures.is_some_and(|(_, at)| now.saturating_duration_since(at) < STORE_AGAIN);
        self.waiting.as_ref().filter(|_| !early).cloned()
    }

    /// The store accepted the backlog; returns how many attempts had failed before.
    pub fn stored(&mut self) -> u64 {
        self.waiting = None;
        self.failures.take().map_or(0, |(n, _)| n)
    }

    /// The store refused the backlog; returns how many attempts have failed so far.
    pub fn failed(&mut self, now: Instant) -> u64 {
        let n = self.failures.map_or(0, |(n, _)| n) + 1;
        self.failures = Some((n, now));
        n
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::kafka::Offsets;
    use common::wire::{ClassicMetrics, Metrics, RawMetrics, Register, Topic, Unit};

    use super::*;
    use crate::fixtures::{node_id, test_id};
    use crate::store::StoredMetrics;

    fn batch(cluster: &str, heartbeat: i64, nodes: &[&str]) -> Batch {
        let register = |name: &&str| Register { node_id: node_id(name), address: None, ours: None };
        Batch {
            offsets_of: Some(cluster.to_owned()),
            offsets: Offsets::from([((Topic::Heartbeat, 0), heartbeat)]),
            metrics: Vec::new(),
            spans: Vec::new(),
            registered: nodes.iter().map(register).collect(),
        }
    }

    #[test]
    fn what_waits_is_stored_together_at_its_last_offsets() {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        assert!(backlog.is_empty() && backlog.due(now).is_none());
        backlog.add(batch("c", 5, &["a", "b"]));
        assert_eq!(backlog.failed(now), 1);
        backlog.add(batch("c", 9, &["b", "x"]));
        assert!(backlog.due(now + STORE_AGAIN / 2).is_none(), "too early");
        let due = backlog.due(now + STORE_AGAIN).unwrap();
        assert_eq!(due.offsets[&(Topic::Heartbeat, 0)], 9);
        let names: Vec<&str> = due.registered.iter().map(|node| node.node_id.as_str()).collect();
        assert_eq!(names, ["a", "b", "x"], "each node once, as it registered last");
        assert_eq!(backlog.failed(now + STORE_AGAIN), 2);
        assert_eq!((backlog.stored(), backlog.is_empty()), (2, true));
        assert_eq!(backlog.stored(), 0);
    }

    #[test]
    fn offsets_of_another_kafka_are_not_mixed_in() {
        let mut backlog = Backlog::default();
        backlog.add(Batch { offsets: Offsets::from([((Topic::Metrics, 3), 7)]), ..batch("c", 5, &[]) });
        backlog.add(batch("d", 1, &[]));
        let due = backlog.due(Instant::now()).unwrap();
        assert_eq!((due.offsets_of.as_deref(), due.offsets), (Some("d"), batch("d", 1, &[]).offsets));
    }

    #[test]
    fn it_has_a_bound() {
        let mut backlog = Backlog::default();
        for n in 0..MAX_RECORDS {
            assert!(!backlog.is_full(), "{n}");
            backlog.add(batch("c", 1, &[&format!("node{n}")]));
        }
        assert!(backlog.is_full());
        backlog.stored();
        assert!(!backlog.is_full());
    }

    #[test]
    fn it_has_a_bound_in_bytes() {
        let mut backlog = Backlog::default();
        let node_id = node_id("a");
        let classic = ClassicMetrics::default();
        let record = StoredMetrics {
            test_id: test_id("t"),
            counted: true,
            partition: 0,
            offset: 0,
            arrived_at: 0,
            raw: RawMetrics {
                payload: vec![b' '; MAX_PAYLOAD_BYTES / 4].into(),
                latency_unit: Unit::Milliseconds,
            },
            metrics: Arc::new(Metrics { node_id, test_id: None, report_id: None, classic, ours: None }),
        };
        for n in 0..4 {
            assert!(!backlog.is_full(), "{n}");
            backlog.add(Batch { metrics: vec![record.clone()], ..batch("c", 1, &[]) });
        }
        assert!(backlog.is_full());
    }
}
