//! A store of schema version 6, which took each record apart into columns, as that version wrote it
//! (`fixtures/store_v6.sql`: what `.dump` of sqlite3 prints). What it read from it is built here, record by record.

use common::counters::Counters;
use common::kafka::Position;
use common::latency::{Encoder, Latency};
use common::tls_cause::TlsCause;

use super::*;
use crate::assemble::{TestMeta, view};
use crate::model::TestView;
use crate::tally::Tally;
use crate::verdict::judge;

const PLAN: &str = "name = 'old'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '3s'\n";

/// A finished test of two drivers of ours and a classic one.
fn finished() -> StoredTest {
    let part = |name: &str, epoch: Option<u64>, index| Participant {
        node_id: node(name),
        epoch: epoch.map(Epoch),
        share: Share { rate_per_s: Some(10.0), max_in_flight: Some(1_024), ..share(index, 3) },
    };
    StoredTest {
        plan: fixtures::plan(PLAN).into(),
        state: TestState::Finished,
        verdict: Some(Verdict::Incomplete),
        created_at: START_US - 5_000_000,
        started_at: Some(START_US),
        ended_at: Some(START_US + 4_000_000),
        participants: vec![part("a", Some(5), 0), part("b", Some(7), 1), part("c", None, 2)],
        closing: Some(Closing::default()),
        ..test("t", 0)
    }
}

/// Its records, in the order of arrival.
fn records() -> Vec<StoredMetrics> {
    let mut records = Vec::new();
    for seq in 0..3 {
        for (name, epoch) in [("a", 5), ("b", 7)] {
            let mut metrics = window(name, epoch, seq);
            let window = metrics.ours.as_mut().unwrap();
            let latencies = &mut window.figures.all.latencies;
            *latencies = Latencies::new();
            latencies.of_mut(LatencyKind::Lag).record_n_us(15, 11);
            for us in [1_001, 2_500 * (seq + 1), 40_000 + epoch] {
                latencies.ended(us, us + 10, us != 40_000 + epoch);
                latencies.of_mut(LatencyKind::Connect).record_us(us / 10);
            }
            match (name, seq) {
                ("a", 1) => {
                    window.machine = MachineLoad {
                        cpu: Some(0.25),
                        steal: Some(0.0),
                        wait: Some(0.125),
                        stopped: vec![(window.from_us + 10, window.from_us + 2_010)],
                    };
                    window.figures.all.counters.tls_causes = [(TlsCause::ALL[0], 1)].into();
                    window.figures.all.counters.closed_on_reuse = 1;
                }
                // As windows of before extremes: those of the buckets are known.
                ("b", 1) => {
                    let mut encoder = Encoder::new();
                    let mut coarse = Latencies::new();
                    for kind in LatencyKind::ALL {
                        let samples = window.figures.all.latencies.of(kind);
                        *coarse.of_mut(kind) = Latency::decode_bytes(&encoder.bytes(samples)).unwrap();
                    }
                    window.figures.all.latencies = coarse;
                }
                // As windows of before statuses: their counters alone, and 0 for what was not counted yet.
                ("b", 0) => {
                    window.figures.all.counters = Counters {
                        scheduled: 11,
                        sent: 10,
                        completed: 9,
                        failed: 1,
                        dropped_late: 1,
                        ..Counters::default()
                    }
                }
                _ => {}
            }
            if seq == 2 {
                window.is_final = true;
                metrics.classic = ClassicMetrics {
                    mean_ms: Some(1.5),
                    median_ms: Some(1.0),
                    min_ms: Some(0.1 + 0.2),
                    max_ms: Some(40.0),
                    num_requests: Some(30),
                    complete: true,
                    ..ClassicMetrics::default()
                };
                window.ending = Some(Ending {
                    precision: Some("timer".to_owned()),
                    ..ending(START_US, START_US + 3_000_000)
                });
            }
            records.push(metrics);
        }
    }
    let figures = ClassicMetrics {
        mean_ms: Some(2.5),
        num_requests: Some(10),
        num_responses: Some(9),
        ..ClassicMetrics::default()
    };
    let bare = |classic| Metrics { node_id: node("c"), test_id: None, report_id: None, classic, ours: None };
    records.push(bare(figures.clone()));
    records.push(Metrics {
        test_id: Some(id("t")),
        report_id: Some("Bericht \"2\"".to_owned()),
        ..bare(ClassicMetrics {
            min_ms: Some(9.75),
            max_ms: Some(7.0),
            implausible: true,
            num_requests: Some(20),
            ..figures.clone()
        })
    });
    records.push(bare(ClassicMetrics::default()));
    records.push(bare(ClassicMetrics {
        median_ms: Some(2.0),
        mode_ms: Some(2.25),
        num_requests: Some(30),
        num_responses: Some(29),
        num_errors: Some(1),
        complete: true,
        ..ClassicMetrics::default()
    }));
    records.into_iter().zip(0..).map(|(metrics, offset)| record(metrics, offset)).collect()
}

/// The report, counted again from a store.
fn report(store: &Store) -> TestView {
    let stored = store.test(&id("t")).unwrap().unwrap();
    let plan = stored.plan.into_plan().unwrap();
    let mut tally = Tally::new(id("t"), plan.clone(), &stored.participants);
    tally.started(stored.started_at.unwrap());
    let mut after = Some(0);
    while let Some(from) = after {
        let page = store.metrics(&id("t"), from, 200).unwrap();
        for record in &page.records {
            let at = Position { topic: Topic::Metrics, partition: record.partition, offset: record.offset };
            tally.arrived(&record.metrics, at, record.arrived_at);
        }
        after = page.next;
    }
    tally.close(&stored.closing.unwrap());
    let judgement = judge(&tally.facts(None));
    let meta = TestMeta {
        test_id: &id("t"),
        name: "old",
        state: TestState::Finished,
        plan: plan.to_json(),
        created_at: stored.created_at,
        started_at: stored.started_at,
        ended_at: stored.ended_at,
        timeline: &[],
    };
    view(&meta, &tally, Some(&judgement), START_US)
}

/// The dump as a file of its own, and the store that is made of it.
fn migrated() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../fixtures/store_v6.sql")).unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    Fixture { folder, store }
}

#[test]
fn records_of_version_6_are_read_as_that_version_read_them() {
    let fixture = migrated();
    let seen = |store: &Store| {
        let page = store.metrics(&id("t"), 0, 100).unwrap();
        page.records
            .into_iter()
            .map(|one| (one.test_id, one.partition, one.offset, one.arrived_at, one.metrics))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = records()
        .into_iter()
        .map(|one| (one.test_id, one.partition, one.offset, one.arrived_at, one.metrics))
        .collect();
    for (read, expected) in seen(&fixture.store).iter().zip(&expected) {
        assert_eq!(read, expected);
    }
    assert_eq!(seen(&fixture.reopened()).len(), expected.len());
    assert_eq!(fixture.store.test(&id("t")).unwrap().unwrap().participants, finished().participants);
    assert_eq!(fixture.store.nodes().unwrap().len(), 1);
    assert_eq!(fixture.store.offsets("cluster").unwrap()[&(Topic::Metrics, 0)], 10);
}

#[test]
fn a_report_counted_again_from_a_store_of_version_6_has_the_same_figures() {
    let fixture = migrated();
    let report = serde_json::to_value(report(&fixture.store)).unwrap();
    for (figure, before) in [
        ("/verdict", json!("invalid")),
        ("/completeness/windows_received", json!(6)),
        ("/totals/scheduled", json!(92)),
        ("/totals/sent", json!(90)),
        ("/totals/completed", json!(87)),
        ("/totals/failed", json!(3)),
        ("/totals/dropped_by/late", json!(2)),
        ("/totals/bytes_received", json!(7540)),
        ("/totals/completed_in_schedule", json!(0)),
        ("/totals/warmup/sent", json!(8)),
        ("/totals/status_codes", json!({ "200": 58 })),
        ("/totals/errors", json!({ "refused": 2 })),
        ("/totals/latency_ms/response/count", json!(12)),
        ("/totals/latency_ms/response/min", json!(1.011)),
        ("/totals/latency_ms/response/mean", json!(3.010666666666667)),
        ("/totals/latency_ms/response/median", json!(5.011)),
        ("/totals/latency_ms/response/p99", json!(7.51)),
        ("/totals/latency_ms/service/median", json!(5.003)),
        ("/totals/latency_ms/lag/max", json!(0.015)),
        ("/totals/latency_ms/connect/mean", json!(1.5336666666666667)),
        ("/totals/latency_ms/failed/service/min", json!(40.0)),
        ("/totals/latency_ms/failed/service/max", json!(40.031)),
        ("/drivers/0/stopped", json!([{ "from_ms": 1000, "to_ms": 1002 }])),
        ("/drivers/0/wait_max", json!(0.125)),
        ("/drivers/0/engine", json!("wire")),
        ("/drivers/0/latency_ms/response/median", json!(2.511)),
        ("/drivers/1/cpu_max", json!(null)),
        ("/drivers/1/latency_ms/response/max", json!(7.51)),
        ("/drivers/2/implausible", json!(true)),
        ("/drivers/2/ended_by", json!("status")),
        ("/drivers/2/sent", json!(30)),
        ("/drivers/2/latency_ms/response/median", json!(2.0)),
        ("/drivers/2/latency_ms/response/mean", json!(null)),
    ] {
        assert_eq!(report.pointer(figure), Some(&before), "{figure}");
    }
    let windows = windows(&fixture.store, None, 0, 9);
    let seconds: Vec<_> = windows
        .iter()
        .map(|second| (second.seq, second.sent, second.failed, second.latency_ms.response.count))
        .collect();
    assert_eq!(seconds, [(0, 20, 2, 4), (1, 20, 0, 4), (2, 20, 0, 4)]);
}

#[test]
fn late_records_and_redeliveries_are_known_after_the_migration() {
    let mut fixture = migrated();
    let again = fixture.store.save_batch(&batch(records(), 10)).unwrap();
    assert_eq!(again, outcome(0, 10, 0));
    let late = StoredMetrics { counted: false, ..record(window("a", 5, 3), 11) };
    assert_eq!(fixture.store.save_batch(&batch(vec![late], 12)).unwrap().saved.late, [id("t")].into());
    assert_eq!(fixture.store.metrics(&id("t"), 10, 10).unwrap().records.len(), 1, "it arrived last");
}

#[test]
fn a_damaged_row_of_version_6_does_not_keep_the_others_from_being_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../fixtures/store_v6.sql")).unwrap();
    old.execute("UPDATE windows SET counters = '{' WHERE arrival = 1", []).unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    let error = store.metrics(&id("t"), 0, 100).unwrap_err().to_string();
    assert!(error.contains("row records 1: "), "{error}");
    assert_eq!(store.metrics(&id("t"), 1, 100).unwrap().records.len(), 9);
}
