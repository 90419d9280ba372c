//! Tests of the store as a whole, on a file.

use std::path::PathBuf;
use std::sync::Arc;

use common::counters::{Counters, ErrorKind};
use common::ids::{Epoch, NodeId, TestId};
use common::latency::{Latencies, LatencyKind};
use common::plan::Share;
use common::wire::{ClassicMetrics, Ending, MachineLoad, Metrics, Register, RegisterOurs, Topic, Window};
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{BatchOutcome, Cursor, Store};
use crate::messages::{
    SaveBatch, SaveEvent, SavedBatch, StoreError, StoredMetrics, StoredParticipant, StoredTest,
};
use crate::model::{TestState, Verdict};
use crate::tally::Closing;

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

fn id(text: &str) -> TestId {
    TestId::new(text).unwrap()
}

fn node(text: &str) -> NodeId {
    NodeId::new(text).unwrap()
}

fn test(text: &str, created_at: i64) -> StoredTest {
    let share = Share {
        index: 0,
        of: 2,
        rate_per_s: Some(12.5),
        target_throughput: None,
        requests: Some(7),
        connections: None,
        max_in_flight: Some(1024),
    };
    let participant =
        |name: &str, epoch| StoredParticipant { node_id: node(name), epoch, share: share.clone() };
    StoredTest {
        test_id: id(text),
        plan: json!({ "name": format!("plan of {text}"), "request": { "headers": { "authorization": "s3cret" } } }),
        state: TestState::Running,
        verdict: None,
        created_at,
        started_at: Some(created_at + 1),
        ended_at: None,
        revision: 2,
        participants: vec![participant("b", Some(Epoch(u64::MAX))), participant("a", Some(Epoch(5)))],
        report: None,
        closing: None,
    }
}

/// A window of a driver that sends 10 requests a second, each 1 ms · (1 + index of the second).
fn window(name: &str, epoch: u64, seq: u64) -> Metrics {
    let n = 10 * (seq + 1);
    let mut latencies = Latencies::new();
    for kind in [LatencyKind::Response, LatencyKind::Service, LatencyKind::Lag] {
        latencies.of_mut(kind).record_n_us(1_000 * (seq + 1), 10);
    }
    let second = START_US + seq as i64 * 1_000_000;
    Metrics {
        node_id: node(name),
        test_id: Some(id("t")),
        report_id: Some(format!("{name}-{seq}")),
        classic: ClassicMetrics { num_requests: Some(n), ..ClassicMetrics::default() },
        ours: Some(Box::new(Window {
            epoch: Epoch(epoch),
            seq,
            from_us: second,
            to_us: second + 1_000_000,
            counters: Counters {
                scheduled: n + 1,
                sent: n,
                completed: n - 1,
                failed: 1,
                dropped_late: 1,
                ..Counters::default()
            },
            latencies,
            busy: 0.25,
            machine: MachineLoad::default(),
            is_final: false,
            ending: None,
        })),
    }
}

fn classic(name: &str) -> Metrics {
    Metrics { ours: None, test_id: None, report_id: None, ..window(name, 0, 0) }
}

fn record(metrics: Metrics, offset: i64) -> StoredMetrics {
    StoredMetrics {
        test_id: id("t"),
        counted: true,
        partition: 0,
        offset,
        arrived_at: START_US + offset,
        metrics: Arc::new(metrics),
    }
}

fn batch(metrics: Vec<StoredMetrics>, next: i64) -> SaveBatch {
    SaveBatch {
        cluster_id: Some("cluster".to_owned()),
        offsets: [((Topic::Metrics, 0), next)].into(),
        metrics,
        registered: Vec::new(),
    }
}

fn outcome(n_stored: u64, n_duplicate: u64, n_orphaned: u64) -> BatchOutcome {
    BatchOutcome { n_stored, n_duplicate, n_orphaned, saved: SavedBatch::default() }
}

#[test]
fn a_test_is_read_as_it_was_written_and_replaced() {
    let mut fixture = Fixture::new();
    let mut stored = test("t", 5);
    fixture.store.save_test(&stored).unwrap();
    assert_eq!(fixture.reopened().test(&id("t")).unwrap(), Some(stored.clone()));
    assert_eq!(fixture.store.unfinished().unwrap(), [stored.clone()]);
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    stored.state = TestState::Finished;
    stored.verdict = Some(Verdict::Incomplete);
    stored.participants.truncate(1);
    fixture.store.save_test(&stored).unwrap();
    let reopened = fixture.reopened();
    assert_eq!(reopened.test(&id("t")).unwrap(), Some(stored));
    assert_eq!(
        reopened.metrics(&id("t"), 0, 10).unwrap().records.len(),
        1,
        "replacing a test keeps its windows"
    );
    assert_eq!(reopened.unfinished().unwrap(), []);
    assert_eq!(reopened.test(&id("u")).unwrap(), None);
}

#[test]
fn a_redelivered_batch_changes_nothing() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records =
        || vec![record(window("a", 5, 0), 0), record(classic("c"), 1), record(window("a", 6, 0), 2)];
    assert_eq!(fixture.store.save_batch(&batch(records(), 3)).unwrap(), outcome(3, 0, 0));
    assert_eq!(fixture.store.save_batch(&batch(records(), 3)).unwrap(), outcome(0, 3, 0));
    // The same window at another place (a producer's retry) is one window; the same text of a classic driver is two.
    let moved = vec![record(window("a", 5, 0), 7), record(classic("c"), 8)];
    assert_eq!(fixture.store.save_batch(&batch(moved, 9)).unwrap(), outcome(1, 1, 0));
    assert_eq!(fixture.store.metrics(&id("t"), 0, 100).unwrap().records.len(), 4);
}

#[test]
fn a_record_of_an_unknown_test_is_counted_and_the_batch_goes_on() {
    let mut fixture = Fixture::new();
    let before = batch(vec![record(window("a", 5, 0), 0)], 1);
    assert_eq!(fixture.store.save_batch(&before).unwrap(), outcome(0, 0, 1));
    assert_eq!(fixture.store.offsets("cluster").unwrap()[&(Topic::Metrics, 0)], 1);
}

#[test]
fn a_late_record_is_kept_where_its_test_knows_the_node() {
    let mut fixture = Fixture::new();
    let late = |metrics, offset| StoredMetrics { counted: false, ..record(metrics, offset) };
    let save = |fixture: &mut Fixture, record| fixture.store.save_batch(&batch(vec![record], 1)).unwrap();
    let foreign =
        BatchOutcome { saved: SavedBatch { n_foreign: 1, ..SavedBatch::default() }, ..outcome(0, 0, 0) };
    assert_eq!(save(&mut fixture, late(window("a", 5, 0), 0)), foreign, "of a test that nobody knows");
    let configured = StoredTest { state: TestState::Configured, ..test("t", 5) };
    fixture.store.save_test(&configured).unwrap();
    assert_eq!(save(&mut fixture, late(window("a", 5, 0), 0)), foreign, "of a test that was not triggered");
    fixture.store.save_test(&StoredTest { state: TestState::Finished, ..test("t", 5) }).unwrap();
    assert_eq!(save(&mut fixture, late(window("z", 5, 0), 0)), foreign, "of a node that takes no part");
    let news = SavedBatch { late: [id("t")].into(), n_foreign: 0 };
    assert_eq!(
        save(&mut fixture, late(window("a", 5, 0), 0)),
        BatchOutcome { saved: news.clone(), ..outcome(1, 0, 0) }
    );
    assert_eq!(save(&mut fixture, late(window("a", 5, 0), 0)), outcome(0, 1, 0), "again: it is no news");
    // A classic driver that joined unchosen is known by what it reported.
    save(&mut fixture, record(classic("c"), 1));
    assert_eq!(save(&mut fixture, late(classic("c"), 2)), BatchOutcome { saved: news, ..outcome(1, 0, 0) });
    assert_eq!(fixture.store.metrics(&id("t"), 0, 10).unwrap().records.len(), 3);
}

#[test]
fn a_revision_replaces_report_and_verdict_of_a_finished_test_alone() {
    let mut fixture = Fixture::new();
    let report = crate::http::stub::view("t", "revised");
    let revised = crate::model::TestView { verdict: Some(Verdict::Passed), ..report };
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None, "a test that was forgotten stays forgotten");
    fixture.store.save_test(&test("t", 5)).unwrap();
    fixture.store.save_revision(&revised).unwrap();
    assert_eq!(fixture.store.test(&id("t")).unwrap().unwrap().report, None, "it runs");
    let closing = Closing { stopped_by: Some("someone".to_owned()), ..Closing::default() };
    let finished = StoredTest { state: TestState::Finished, closing: Some(closing), ..test("t", 5) };
    fixture.store.save_test(&finished).unwrap();
    fixture.store.save_revision(&revised).unwrap();
    let expected = StoredTest { verdict: Some(Verdict::Passed), report: Some(revised), ..finished };
    assert_eq!(fixture.reopened().test(&id("t")).unwrap(), Some(expected));
}

#[test]
fn offsets_belong_to_their_cluster() {
    let mut fixture = Fixture::new();
    let mut two = batch(Vec::new(), 5);
    two.offsets.insert((Topic::Heartbeat, 3), i64::MAX);
    fixture.store.save_batch(&two).unwrap();
    assert_eq!(fixture.reopened().offsets("cluster").unwrap(), two.offsets);
    assert!(fixture.store.offsets("other").unwrap().is_empty());
    two.cluster_id = None;
    two.offsets.insert((Topic::Metrics, 0), 99);
    fixture.store.save_batch(&two).unwrap();
    assert_eq!(
        fixture.store.offsets("cluster").unwrap()[&(Topic::Metrics, 0)],
        5,
        "the embedded broker's are not kept"
    );
}

#[test]
fn a_batch_that_fails_half_way_leaves_neither_windows_nor_offsets() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    // The offsets are written last: where that fails, the windows before it must go too.
    fixture.store.connection.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON offsets BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    ).unwrap();
    let error = fixture.store.save_batch(&batch(vec![record(window("a", 5, 1), 1)], 2)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("store.sqlite") && text.contains("disk is full"), "{text}");
    let reopened = fixture.reopened();
    assert_eq!(reopened.metrics(&id("t"), 0, 10).unwrap().records.len(), 1);
    assert_eq!(reopened.offsets("cluster").unwrap()[&(Topic::Metrics, 0)], 1);
    fixture.store.connection.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(
        fixture.store.save_batch(&batch(vec![record(window("a", 5, 1), 1)], 2)).unwrap(),
        outcome(1, 0, 0)
    );
}

#[test]
fn a_process_killed_before_the_commit_has_stored_nothing() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let transaction = fixture.store.connection.transaction().unwrap();
    super::batch::write(&transaction, &batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    // What a kill -9 leaves on the disk at this point: the files as they are.
    for file in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    transaction.commit().unwrap();
    let killed = Store::open(&copy.path().join("store.sqlite")).unwrap();
    assert_eq!(killed.test(&id("t")).unwrap().unwrap().revision, 2, "what was committed before is there");
    assert!(killed.metrics(&id("t"), 0, 10).unwrap().records.is_empty());
    assert!(killed.offsets("cluster").unwrap().is_empty());
    assert_eq!(fixture.reopened().metrics(&id("t"), 0, 10).unwrap().records.len(), 1);
}

#[test]
fn a_locked_file_is_an_error_with_its_path() {
    let mut fixture = Fixture::new();
    let other = fixture.reopened();
    other.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.store.connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    let Err(StoreError::Sqlite { path, cause }) = fixture.store.save_test(&test("t", 5)) else {
        panic!("it is locked")
    };
    assert!(path.ends_with("store.sqlite") && cause.contains("locked"), "{path}: {cause}");
}

#[test]
fn metrics_come_in_pages_in_the_order_of_arrival() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records: Vec<_> = (0..5).map(|n| record(window("a", 5, n as u64), n)).collect();
    fixture.store.save_batch(&batch(records.clone(), 5)).unwrap();
    let (mut read, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let page = fixture.store.metrics(&id("t"), from, 2).unwrap();
        assert!(page.records.len() <= 2);
        read.extend(page.records);
        after = page.next;
    }
    assert_eq!(read, records);
}

#[test]
fn the_history_is_whole_and_newest_first_whatever_the_page() {
    let mut fixture = Fixture::new();
    let times = [3, 1, 2, 2, 2, 9, 2];
    for (n, at) in times.into_iter().enumerate() {
        fixture.store.save_test(&test(&format!("t{n}"), at)).unwrap();
    }
    let expected = ["t5", "t0", "t6", "t4", "t3", "t2", "t1"];
    for limit in 1..=8 {
        let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let page = fixture.store.page(limit, cursor.as_ref()).unwrap();
            assert!(page.tests.len() <= limit as usize);
            seen.extend(page.tests.into_iter().map(|row| row.test_id));
            let Some(next) = page.next_cursor else { break };
            cursor = Some(next.parse().unwrap());
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

#[test]
fn the_series_is_what_happened_within_each_second() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let mut records = Vec::new();
    for seq in [0, 1, 2, 5] {
        records.push(record(window("a", 5, seq), seq as i64));
        records.push(record(window("b", u64::MAX, seq), 100 + seq as i64));
    }
    fixture.store.save_batch(&batch(records, 200)).unwrap();
    let seconds = |driver: Option<&str>, from, to| {
        let driver = driver.map(node);
        let windows = fixture.store.windows(&id("t"), driver.as_ref(), from, to).unwrap();
        windows
            .into_iter()
            .map(|window| (window.seq, window.sent, window.latency_ms.response.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(seconds(Some("a"), 0, 2), [(0, 10, 10), (1, 10, 10), (2, 10, 10)]);
    assert_eq!(seconds(None, 0, 2), [(0, 20, 20), (1, 20, 20), (2, 20, 20)]);
    assert_eq!(seconds(None, 1, 1), [(1, 20, 20)], "the difference is to the window before the range");
    assert_eq!(seconds(Some("a"), 2, 9), [(2, 10, 10), (5, 30, 10)], "counts after a gap span it");
    assert_eq!(seconds(Some("c"), 0, 9), []);
    assert_eq!(seconds(None, 6, 9), []);
    let fleet = fixture.store.windows(&id("t"), None, 1, 1).unwrap();
    assert_eq!(
        (fleet[0].latency_ms.coverage, fleet[0].node_id.as_deref(), fleet[0].busy),
        (Some(1.0), None, 0.25)
    );
    assert_eq!(fleet[0].from, "2026-11-23T17:57:19.000000Z");
}

#[test]
fn an_answer_holds_an_hour_at_most() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records = [0, 40, 3_599, 3_600].map(|seq| record(window("a", 5, seq), seq as i64));
    fixture.store.save_batch(&batch(records.to_vec(), 9_999)).unwrap();
    let seqs = |from, to| {
        let windows = fixture.store.windows(&id("t"), None, from, to).unwrap();
        windows.into_iter().map(|window| window.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, u64::MAX), [0, 40, 3_599]);
    assert_eq!(seqs(1, u64::MAX), [40, 3_599, 3_600]);
    assert!(seqs(u64::MAX, u64::MAX).is_empty());
}

#[test]
fn an_epoch_is_above_the_one_stored() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.store.take_epoch(1_000).unwrap(), Epoch(1_000));
    assert_eq!(fixture.store.take_epoch(1_000).unwrap(), Epoch(1_001));
    assert_eq!(fixture.reopened().take_epoch(5).unwrap(), Epoch(1_002), "the clock went back");
}

#[test]
fn old_finished_tests_go_with_all_they_have() {
    let mut fixture = Fixture::new();
    for (name, at) in [("t", 1), ("t2", 2), ("t3", 3)] {
        let state = if name == "t3" { TestState::Running } else { TestState::Finished };
        fixture.store.save_test(&StoredTest { state, ..test(name, at) }).unwrap();
    }
    fixture.store.save_batch(&batch(vec![record(window("a", 5, 0), 0)], 1)).unwrap();
    let event =
        SaveEvent { at: 1, test_id: Some(id("t")), what: "created".to_owned(), detail: String::new() };
    fixture.store.save_event(&event).unwrap();
    assert_eq!(fixture.store.count_tests().unwrap()[&("finished".to_owned(), None)], 2);
    assert_eq!(fixture.store.prune(1).unwrap(), 1, "the running test is not among those counted");
    assert_eq!(fixture.store.test(&id("t")).unwrap(), None);
    let n: i64 = fixture
        .store
        .connection
        .query_row("SELECT (SELECT count(*) FROM windows) + (SELECT count(*) FROM events)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(n, 0);
    assert_eq!(fixture.store.prune(1).unwrap(), 0);
}

#[test]
fn a_node_is_stored_as_it_registered_last() {
    let mut fixture = Fixture::new();
    let ours = RegisterOurs {
        protocol: 1,
        epoch: Epoch(u64::MAX),
        version: "1".to_owned(),
        cores: 2,
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        max_rate: Some(5.0),
    };
    let register =
        |address: &str, ours| Register { node_id: node("a"), address: Some(address.to_owned()), ours };
    let registered = vec![register("old", None), register("new", Some(ours))];
    fixture.store.save_batch(&SaveBatch { registered, ..batch(Vec::new(), 1) }).unwrap();
    let row: (i64, String, i64) = fixture
        .store
        .connection
        .query_row("SELECT count(*), max(address), max(epoch) FROM nodes", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, (1, "new".to_owned(), -1));
}

prop_compose! {
    fn any_window()(
        epoch: u64, seq: u64, from_us: i64, to_us: i64, scheduled: u64, failed: u64, busy in 0.0..=1.0_f64, is_final: bool,
        values in prop::collection::vec((0..8_usize, 0..common::latency::MAX_US), 0..40),
        ending in prop::option::of("[a-zäß ]{0,9}"),
        machine in [prop::option::of(0.0..=1.0_f64), prop::option::of(0.0..=1.0_f64)],
    ) -> Window {
        let [cpu, steal] = machine;
        let machine = MachineLoad { cpu, steal };
        let mut latencies = Latencies::new();
        for (kind, us) in values {
            latencies.of_mut(LatencyKind::ALL[kind]).record_us(us);
        }
        let errors = [(ErrorKind::LocalLimit, failed)].into();
        let counters = Counters { scheduled, failed, errors, status_codes: [(599, scheduled)].into(), ..Counters::default() };
        let ending = ending.map(|engine| Ending {
            schedule_from_us: from_us, schedule_to_us: to_us, engine, workers: 3, precision: None, connections_opened: seq,
            handshakes: 0, cut_short: None,
        });
        Window { epoch: Epoch(epoch), seq, from_us, to_us, counters, latencies, busy, machine, is_final, ending }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_record_is_read_as_it_was_written(
        ours in prop::option::of(any_window()),
        mean_us in prop::option::of(-1_000_000_000..1_000_000_000_i64),
        amount: Option<u64>,
        flags: (bool, bool, bool),
        report_id in prop::option::of(".{0,20}"),
        partition: i32, offset: i64, arrived_at: i64,
    ) {
        let mut fixture = Fixture::new();
        fixture.store.save_test(&test("t", 5)).unwrap();
        let classic = ClassicMetrics { mean_ms: mean_us.map(|us| us as f64 / 1_000.0), num_errors: amount, implausible: flags.0, complete: flags.1, ..ClassicMetrics::default() };
        let metrics = Metrics {
            node_id: node("a"),
            test_id: flags.2.then(|| id("other")),
            report_id,
            classic,
            ours: ours.map(Box::new),
        };
        let record = StoredMetrics { test_id: id("t"), counted: true, partition, offset, arrived_at, metrics: Arc::new(metrics) };
        fixture.store.save_batch(&batch(vec![record.clone()], 1)).unwrap();
        let page = fixture.store.metrics(&id("t"), 0, 10).unwrap();
        prop_assert_eq!(page.records, vec![record]);
    }
}
