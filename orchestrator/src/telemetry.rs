//! What this process counts about itself, for `/metrics`: atomics that the code that does the work increments.
//! It depends on neither actors nor HTTP; `http/metrics.rs` writes it out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use common::service::Needs;
use common::wire::{RejectReason, Topic};

use crate::exposed::Exposed;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn one(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted since the process started.
#[derive(Debug, Default)]
pub struct Telemetry {
    read: [Count; Topic::ALL.len()],
    rejected: [[Count; RejectReason::ALL.len()]; Topic::ALL.len()],
    /// Windows and classic reports stored, each counted once.
    pub windows_stored: Count,
    /// Windows and classic reports that were stored already: redeliveries.
    pub windows_duplicate: Count,
    /// Windows and classic reports of tests that the store does not know: not kept.
    pub windows_orphaned: Count,
    /// Messages that SQLite could not serve.
    pub store_errors: Count,
    /// Listeners of the events, now.
    pub subscribers: AtomicU64,
    /// Listeners that were too slow and were disconnected.
    pub subscribers_dropped: Count,
    /// Listeners that were refused, for there were as many as there may be.
    pub subscribers_refused: Count,
    /// Events sent to listeners or kept for them.
    pub events: Count,
    /// Records of an earlier life of a node, ignored.
    pub records_fenced: Count,
    /// Records without an epoch under the id of a node of ours, ignored.
    pub records_conflicting: Count,
    /// Records of nodes for which there was no room.
    pub records_refused: Count,
    /// Windows and classic reports that belong to no test under way or just over: not counted.
    pub metrics_foreign: Count,
    /// Messages that a full mailbox did not take.
    pub mailbox_overflow: Count,
    /// The test that was under way last, as it ended or was given up.
    last_test: Mutex<Option<Arc<Exposed>>>,
}

impl Telemetry {
    /// Keeps a test that is no longer under way, in place of the one before.
    pub fn keep_test(&self, test: Exposed) {
        if let Ok(mut last) = self.last_test.lock() {
            *last = Some(Arc::new(test));
        }
    }

    /// Replaces the kept test by the same one counted again; leaves another as it is.
    pub fn revise_test(&self, test: Exposed) {
        if let Ok(mut last) = self.last_test.lock()
            && last.as_ref().is_some_and(|kept| kept.test_id == test.test_id)
        {
            *last = Some(Arc::new(test));
        }
    }

    /// The test that was under way last; `None`: there was none since the process started.
    pub fn last_test(&self) -> Option<Arc<Exposed>> {
        self.last_test.lock().ok()?.clone()
    }

    /// Counts a record that was read, understood or not.
    pub fn record_read(&self, topic: Topic) {
        self.read[topic as usize].one();
    }

    /// Counts a record that could not be used; it was counted as read too.
    pub fn record_rejected(&self, topic: Topic, reason: RejectReason) {
        self.rejected[topic as usize][reason as usize].one();
    }

    /// Records read from a topic.
    pub fn n_read(&self, topic: Topic) -> u64 {
        self.read[topic as usize].get()
    }

    /// Records of a topic that could not be used, for a reason.
    pub fn n_rejected(&self, topic: Topic, reason: RejectReason) -> u64 {
        self.rejected[topic as usize][reason as usize].get()
    }
}

/// Subjects of [`Readiness`].
const KAFKA: &str = "Kafka";
const STORE: &str = "store";

/// What `/readyz` and the service manager ask: whether Kafka and the store can be used. Set by those who know.
#[derive(Debug)]
pub struct Readiness {
    needs: Needs,
    /// What the service manager reads where Kafka is away.
    kafka: OnceLock<String>,
}

impl Default for Readiness {
    fn default() -> Self {
        let readiness = Self { needs: Needs::default(), kafka: OnceLock::new() };
        readiness.set_kafka(false);
        readiness.set_store(false);
        readiness
    }
}

impl Readiness {
    /// Names the brokers that it waits for, each `host:port`. The first call counts.
    pub fn expect_kafka(&self, brokers: &[String]) {
        let _ = self.kafka.set(format!("Kafka at {}", brokers.join(", ")));
        if !self.needs.is_met(KAFKA) {
            self.set_kafka(false);
        }
    }

    /// Whether Kafka's partitions are assigned and a broker answers.
    pub fn set_kafka(&self, ready: bool) {
        if ready {
            self.needs.met(KAFKA);
        } else {
            self.needs.wait_for(KAFKA, self.kafka.get().map_or(KAFKA, String::as_str));
        }
    }

    /// Whether the store can be read and written.
    pub fn set_store(&self, ready: bool) {
        if ready {
            self.needs.met(STORE);
        } else {
            self.needs.wait_for(STORE, "the store, which cannot be read or written");
        }
    }

    pub fn get(&self) -> (bool, bool) {
        (self.needs.is_met(KAFKA), self.needs.is_met(STORE))
    }

    /// The same, for the service manager.
    pub fn needs(&self) -> Needs {
        self.needs.clone()
    }
}
