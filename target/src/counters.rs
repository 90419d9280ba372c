//! What the target itself counted: requests for /ping, in total and per driver that sends its name. The counts of a
//! report can be checked against it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use common::clock::unix_us;
use common::ids::MAX_ID_BYTES;
use common::prometheus::Exposition;
use serde::Serialize;

/// Most drivers counted separately; more are counted together under [`OTHERS`].
const MAX_NODES: usize = 1_000;

/// The name under which drivers past [`MAX_NODES`] are counted, and ids that are too long for one.
const OTHERS: &str = "(others)";

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Counters {
    received: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    by_node: Mutex<BTreeMap<String, NodeCounts>>,
}

/// Counts of one driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeCounts {
    /// Requests whose head was read.
    pub requests_received: u64,
    /// Responses handed to the socket.
    pub responses_sent: u64,
    /// When the first came, Unix µs.
    pub first_request_unix_us: i64,
}

/// What `/metrics` says.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Requests whose head was read.
    pub requests_received: u64,
    /// Responses handed to the socket, of any status.
    pub responses_sent: u64,
    /// Connections closed on purpose instead of an answer.
    pub connections_dropped: u64,
    /// Per driver that sends `x-groundswell-node`.
    pub by_driver: BTreeMap<String, NodeCounts>,
}

impl Counters {
    /// Counts a request; returns its number, from 0.
    pub fn received(&self, node: Option<&str>) -> u64 {
        if let Some(node) = node {
            self.of_node(node, |counts| {
                if counts.requests_received == 0 {
                    counts.first_request_unix_us = unix_us();
                }
                counts.requests_received += 1;
            });
        }
        self.received.fetch_add(1, Relaxed)
    }

    /// Counts a response.
    pub fn sent(&self, node: Option<&str>) {
        self.sent.fetch_add(1, Relaxed);
        if let Some(node) = node {
            self.of_node(node, |counts| counts.responses_sent += 1);
        }
    }

    /// Counts a connection that was closed instead.
    pub fn dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    fn of_node(&self, node: &str, count: impl FnOnce(&mut NodeCounts)) {
        let mut nodes = self.by_node.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = nodes.get_mut(node) {
            return count(counts);
        }
        // No driver has an id that is longer.
        let is_kept = nodes.len() < MAX_NODES && node.len() <= MAX_ID_BYTES;
        let name = if is_kept { node } else { OTHERS };
        count(nodes.entry(name.to_owned()).or_default());
    }

    /// The counts now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            requests_received: self.received.load(Relaxed),
            responses_sent: self.sent.load(Relaxed),
            connections_dropped: self.dropped.load(Relaxed),
            by_driver: self.by_node.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Snapshot {
    /// As Prometheus reads it.
    pub fn prometheus(&self) -> String {
        let mut text = Exposition::new("groundswell_target_");
        for (name, help, value) in [
            ("requests_received_total", "Requests to /ping whose head was read.", self.requests_received),
            ("responses_sent_total", "Responses of /ping handed to the socket.", self.responses_sent),
            (
                "connections_dropped_total",
                "Connections closed on purpose instead of an answer.",
                self.connections_dropped,
            ),
        ] {
            text.counter(name, help).value(value);
        }
        let mut by_driver = text
            .counter("driver_requests_received_total", "Requests to /ping by the driver that names itself.");
        for (node, counts) in &self.by_driver {
            by_driver.labelled(&[("node", node)], counts.requests_received);
        }
        text.into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_all_and_per_driver() {
        let counters = Counters::default();
        assert_eq!(counters.received(Some("a")), 0);
        assert_eq!(counters.received(None), 1);
        counters.sent(Some("a"));
        let snapshot = counters.snapshot();
        assert_eq!((snapshot.requests_received, snapshot.responses_sent), (2, 1));
        assert_eq!(snapshot.by_driver["a"].requests_received, 1);
        assert!(snapshot.prometheus().contains("driver_requests_received_total{node=\"a\"} 1"));
    }

    #[test]
    fn made_up_names_do_not_eat_memory() {
        let counters = Counters::default();
        for n in 0..MAX_NODES + 50 {
            counters.received(Some(&format!("node-{n}")));
        }
        let snapshot = counters.snapshot();
        assert_eq!(snapshot.by_driver.len(), MAX_NODES + 1);
        assert_eq!(snapshot.by_driver[OTHERS].requests_received, 50);
        for length in [MAX_ID_BYTES, MAX_ID_BYTES + 1, 50_000] {
            let counters = Counters::default();
            counters.received(Some(&"x".repeat(length)));
            assert_eq!(counters.snapshot().by_driver.contains_key(OTHERS), length > MAX_ID_BYTES, "{length}");
        }
    }
}
