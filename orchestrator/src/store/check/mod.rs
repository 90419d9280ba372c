//! Tests of the store as a whole, on a file. Here: the file, and what is stored in it.

mod batches;
mod fixture;
mod series;
mod spans;
mod tests_table;

use std::path::PathBuf;
use std::sync::Arc;

use common::counters::{Counters, ErrorKind, WarmupCounters};
use common::ids::Epoch;
use common::latency::{Latencies, LatencyKind};
use common::plan::{FleetSchedule, Plan, Share};
use common::wire::{
    ClassicMetrics, Ending, MachineLoad, Metrics, Outbound, RawMetrics, Register, RegisterOurs, Topic, Unit,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{BatchOutcome, Cursor, Store};
use crate::fixtures::{self, ending, metrics, node_id as node, share, test_id as id};
use crate::model::{TestState, Verdict, WindowView};
use crate::participant::Participant;
use crate::ran_on::RanOn;
use crate::store::{Batch, SavedBatch, StoreError, StoredMetrics, StoredTest, WindowsAsked};
use crate::tally::{Closing, Step};

const START_US: i64 = 1_795_456_638_000_000;

struct Fixture {
    folder: TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.sqlite")
    }

    /// What a new process would find.
    fn reopened(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }
}

/// A plan with a secret.
fn plan(name: &str) -> Plan {
    fixtures::plan(&format!(
        "name = '{name}'\n[target]\nurl = 'http://127.0.0.1:1/'\n[request]\nheaders = {{ authorization = 's3cret' }}\n\
         [load]\nmode = 'tsunami'\nrate = 25\nduration = '2s'\n"
    ))
}

fn test(text: &str, created_at: i64) -> StoredTest {
    let share = Share {
        rate_per_s: Some(12.5),
        requests: Some(7),
        max_in_flight: Some(1024),
        fleet: Some(FleetSchedule { rate_per_s: 25.0, requests: Some(13) }),
        ..share(0, 2)
    };
    let participant = |name: &str, epoch| Participant { node_id: node(name), epoch, share: share.clone() };
    StoredTest {
        state: TestState::Running,
        started_at: Some(created_at + 1),
        kafka: Some(RanOn::Cluster("c1".to_owned())),
        revision: 2,
        participants: vec![participant("b", Some(Epoch(u64::MAX))), participant("a", Some(Epoch(5)))],
        ..StoredTest::configured(id(text), plan(&format!("plan of {text}")), created_at)
    }
}

/// A window of a driver that sends 10 requests a second, each 1 ms · (1 + index of the second).
fn window(name: &str, epoch: u64, seq: u64) -> Metrics {
    let n = 10 * (seq + 1);
    let mut latencies = Latencies::new();
    for kind in [LatencyKind::Response, LatencyKind::Service, LatencyKind::Lag] {
        latencies.of_mut(kind).record_n_us(1_000 * (seq + 1), 10);
    }
    let counters = Counters {
        scheduled: n + 1,
        sent: n,
        completed: n - 1,
        failed: 1,
        dropped_late: 1,
        bytes_received: 130 * (n - 1),
        status_codes: [(200, n - 1)].into(),
        errors: [(ErrorKind::Refused, 1)].into(),
        warmup: WarmupCounters { sent: 4, scheduled: 4, completed: 4, ..WarmupCounters::default() },
        ..Counters::default()
    };
    let mut window = fixtures::window(seq, START_US + seq as i64 * 1_000_000, counters);
    (window.epoch, window.figures.all.latencies) = (Epoch(epoch), latencies);
    Metrics {
        report_id: Some(format!("{name}-{seq}")),
        classic: ClassicMetrics { num_requests: Some(n), ..ClassicMetrics::default() },
        ..metrics(name, "t", window)
    }
}

fn classic(name: &str) -> Metrics {
    Metrics { ours: None, test_id: None, report_id: None, ..window(name, 0, 0) }
}

/// The payload from which a record is read so. Of the classic figures it has just those that the record has.
fn raw(metrics: &Metrics) -> RawMetrics {
    let mut payload = match &metrics.ours {
        Some(_) => {
            let written = Outbound::Metrics(Box::new(metrics.clone())).write().unwrap();
            serde_json::from_str(&written.payload).unwrap()
        }
        None => json!({ "node_id": metrics.node_id, "test_id": metrics.test_id }),
    };
    let classic = &metrics.classic;
    payload["report_id"] = json!(metrics.report_id);
    payload["metrics"] = json!({
        "mean_latency": classic.mean_ms,
        "median_latency": classic.median_ms,
        "min_latency": classic.min_ms,
        "max_latency": classic.max_ms,
        "mode_latency": classic.mode_ms,
        "num_requests": classic.num_requests,
        "num_responses": classic.num_responses,
        "num_errors": classic.num_errors,
    });
    payload["test_status"] = if classic.complete { "complete".into() } else { Value::Null };
    RawMetrics { payload: payload.to_string().into_bytes().into(), latency_unit: Unit::Milliseconds }
}

fn record(metrics: Metrics, offset: i64) -> StoredMetrics {
    StoredMetrics {
        test_id: id("t"),
        counted: true,
        partition: 0,
        offset,
        arrived_at: START_US + offset,
        raw: raw(&metrics),
        metrics: Arc::new(metrics),
    }
}

fn batch(metrics: Vec<StoredMetrics>, next: i64) -> Batch {
    Batch {
        offsets_of: Some("cluster".to_owned()),
        offsets: [((Topic::Metrics, 0), next)].into(),
        metrics,
        spans: Vec::new(),
        registered: Vec::new(),
    }
}

/// Seconds of the test `t`, of a driver or of the fleet.
fn windows(store: &Store, driver: Option<&str>, from: u64, to: u64) -> Vec<WindowView> {
    stepped(store, driver, from, to, Step::Second)
}

fn stepped(store: &Store, driver: Option<&str>, from: u64, to: u64, step: Step) -> Vec<WindowView> {
    store.windows(&WindowsAsked { test_id: id("t"), driver: driver.map(node), from, to, step }).unwrap()
}

fn outcome(n_stored: u64, n_duplicate: u64, n_orphaned: u64) -> BatchOutcome {
    BatchOutcome { n_stored, n_duplicate, n_orphaned, saved: SavedBatch::default() }
}
