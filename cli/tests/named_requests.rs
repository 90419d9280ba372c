//! The figures of requests by name, on their whole way: recorded by two workers, merged by their driver, sent as a record
//! of the wire, stored, read again by an orchestrator that was restarted, tallied, judged and reported.
//!
//! This test needs no target: it records what a plan with two requests would bring, by a recorder's list of names and a
//! threshold on one of them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::sync::Arc;
use std::time::Instant;

use common::counters::ErrorKind;
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::kafka::Position;
use common::plan::{Plan, PlanFormat, Request, Threshold, ThresholdOf, share_out};
use common::wire::{Inbound, Metrics, Outbound, RawMetrics, ReadAs, Topic, Unit, read};
use driver::assignment::Assignment;
use driver::driver_test::DriverTest;
use driver::engine::{Exchange, Opened, Outcome};
use driver::merge::Merge;
use driver::precision::KeptBy;
use driver::start_at::{Nanos, StartAt};
use driver::worker::recorder::{Due, Recorder};
use driver::worker::report::{WorkerEnding, WorkerWindow};
use orchestrator::model::{TestState, Verdict};
use orchestrator::participant::Participant;
use orchestrator::store::{Batch, Store, StoredMetrics, StoredTest};
use orchestrator::tally::{Arrived, Tally};
use orchestrator::verdict::judge;

const MS: Nanos = 1_000_000;
const START_US: i64 = 1_795_477_200_000_000;
const EPOCH: Epoch = Epoch(7);

fn name(text: &str) -> RequestName {
    RequestName::new(text).unwrap()
}

fn plan() -> Plan {
    let text = "name = 'shop'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 20\nduration = '2s'\n";
    let mut plan = common::plan::read(text, PlanFormat::Toml).unwrap();
    for (request, key, bound) in [
        ("login", "response.max", "< 50ms"),
        ("buy", "response.max", "< 50ms"),
        ("buy", "errors.ratio", "< 30%"),
    ] {
        let threshold = Threshold::parse(key, bound).unwrap();
        plan.thresholds.push(Threshold { of: ThresholdOf::Request(name(request)), ..threshold });
    }
    plan
}

fn exchange(outcome: Outcome) -> Exchange {
    Exchange {
        outcome,
        tls_cause: None,
        bytes_received: 100,
        reused: true,
        unconnected: false,
        turn: None,
        connect: None,
        first_byte: None,
    }
}

/// Records 12 logins (10 ms each) and 8 purchases (90 ms each, every fourth reset) in each of two seconds.
fn record(recorder: &mut Recorder) {
    for at in [100 * MS, 1_100 * MS] {
        for n in 0..20 {
            let request = u16::from(n >= 12);
            let due = Due { request, at, held: 0, warmup: false };
            recorder.sent(due, at, false);
            let (took, outcome) = match n {
                0..12 => (10 * MS, Outcome::Status(200)),
                _ if n % 4 == 0 => (90 * MS, Outcome::Failed(ErrorKind::Reset)),
                _ => (90 * MS, Outcome::Status(201)),
            };
            recorder.ended(due, at, at + took, &exchange(outcome));
        }
    }
}

/// What a driver with two workers sends of it, as records of the wire.
fn sent_by_a_driver(plan: &Plan, node_id: &NodeId, test_id: &TestId) -> Vec<String> {
    let share = share_out(plan, std::slice::from_ref(node_id)).unwrap().remove(0).1;
    let test = DriverTest {
        test_id: test_id.clone(),
        node_id: node_id.clone(),
        assignment: Assignment::of_plan(plan, share),
        hosts: Vec::new(),
        shared: None,
        script: None,
        start: StartAt { monotonic: Instant::now(), unix_us: START_US },
        rates: Default::default(),
    };
    let mut merge = Merge::new(&test, 2, EPOCH);
    let requests: [(RequestName, &Request); 2] =
        [(name("login"), &plan.request), (name("buy"), &plan.request)];
    let mut records = Vec::new();
    let mut recorders = [0, 1].map(|_| Recorder::of_each(&requests, 2_000 * MS));
    recorders.iter_mut().for_each(record);
    for second in 0..2 {
        for (worker, recorder) in (0..).zip(&mut recorders) {
            let closed = recorder.windows.close(false);
            let ending = || WorkerEnding {
                schedule_from: 0,
                schedule_to: 2_000 * MS,
                ended: 2_000 * MS,
                engine: "wire",
                precision: KeptBy::Timer,
                opened: Opened { connections: 1, handshakes: 0 },
                redirected_to: None,
                cut_short: None,
                begun: 0,
                used_up: None,
            };
            let merged = merge.window(WorkerWindow {
                test_id: test_id.clone(),
                worker,
                seq: closed.seq,
                figures: closed.figures,
                sessions: closed.sessions,
                users: closed.users,
                busy: 0.1,
                last: (second == 1).then(ending),
            });
            records.extend(merged.into_iter().map(|merged| {
                let metrics = Metrics {
                    node_id: node_id.clone(),
                    test_id: Some(test_id.clone()),
                    report_id: None,
                    classic: merged.classic,
                    ours: Some(Box::new(merged.window)),
                };
                Outbound::Metrics(Box::new(metrics)).write().unwrap().payload.to_string()
            }));
        }
    }
    records
}

#[test]
fn two_names_go_from_the_recorder_to_the_report_and_sum_up_to_the_totals() {
    let (plan, test_id) = (plan(), TestId::new("t").unwrap());
    let drivers = ["a", "b"].map(|node| NodeId::new(node).unwrap());
    let shares = share_out(&plan, &drivers).unwrap();
    let participants: Vec<Participant> = shares
        .into_iter()
        .map(|(node_id, share)| Participant { node_id, epoch: Some(EPOCH), share })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.save_test(&stored_test(&test_id, &plan, &participants)).unwrap();
    let payloads: Vec<String> =
        drivers.iter().flat_map(|node_id| sent_by_a_driver(&plan, node_id, &test_id)).collect();
    assert_eq!(payloads.len(), 4, "two windows of each driver");
    store.save_batch(&batch(&test_id, &payloads)).unwrap();
    drop(store);

    let mut tally = Tally::new(test_id.clone(), plan.clone(), &participants);
    tally.started(START_US);
    let page = Store::open(&path).unwrap().metrics(&test_id, 0, 100).unwrap();
    for (offset, stored) in (0..).zip(&page.records) {
        let at = Position { topic: Topic::Metrics, partition: 0, offset };
        assert_eq!(tally.arrived(&stored.metrics, at, START_US), Arrived::New);
    }
    tally.finish();

    let totals = tally.totals();
    let of = |text: &str| &totals.requests[text];
    let counts = |text| (of(text).sent, of(text).completed, of(text).failed);
    assert_eq!((counts("login"), counts("buy")), ((96, 96, 0), (64, 48, 16)));
    assert_eq!(of("login").status_codes, [("200".to_owned(), 96)].into());
    assert_eq!(of("buy").errors, [("reset".to_owned(), 16)].into());
    let sum = |each: fn(&orchestrator::model::RequestTotals) -> u64| {
        Some(totals.requests.values().map(each).sum::<u64>())
    };
    assert_eq!((totals.sent, totals.completed), (sum(|one| one.sent), sum(|one| one.completed)));
    assert_eq!(totals.failed, sum(|one| one.failed));
    assert_eq!(Some(totals.latency_ms.response.count), sum(|one| one.latency_ms.response.count));
    assert_eq!(of("login").latency_ms.response.max, Some(10.0));
    assert_eq!(of("buy").latency_ms.service.min, Some(90.0));
    assert_eq!(
        of("buy").latency_ms.response.lower_bounds,
        ["p90", "p95", "p99", "p99.9", "p99.99"].map(str::to_owned)
    );

    let driver = &tally.drivers(START_US)[1].totals.requests["buy"];
    assert_eq!((driver.sent, driver.failed), (32, 8));
    let seconds = tally.take_windows();
    let second = seconds.iter().find(|second| second.node_id.is_none() && second.seq == 1).unwrap();
    assert_eq!((second.sent, second.requests["buy"].sent, second.requests["login"].sent), (80, 32, 48));

    let judgement = judge(&tally.facts(None));
    let held: Vec<(Option<f64>, Option<bool>)> =
        judgement.thresholds.iter().take(3).map(|view| (view.value, view.ok)).collect();
    assert_eq!(held, [(Some(10.0), Some(true)), (Some(90.0), Some(false)), (Some(0.25), Some(true))]);
    assert_eq!(judgement.verdict, Verdict::Failed);
}

fn stored_test(test_id: &TestId, plan: &Plan, participants: &[Participant]) -> StoredTest {
    StoredTest {
        state: TestState::Running,
        started_at: Some(START_US),
        participants: participants.to_vec(),
        ..StoredTest::configured(test_id.clone(), plan.clone(), START_US)
    }
}

fn batch(test_id: &TestId, payloads: &[String]) -> Batch {
    let record = |(offset, payload): (i64, &String)| {
        let read_as = ReadAs::of(Unit::Milliseconds);
        let Ok(Inbound::Metrics(metrics)) = read(Topic::Metrics, Some(payload.as_bytes()), &read_as) else {
            panic!("{payload}")
        };
        StoredMetrics {
            test_id: test_id.clone(),
            counted: true,
            partition: 0,
            offset,
            arrived_at: START_US,
            raw: RawMetrics::of(payload.as_bytes(), &metrics, &read_as),
            metrics: Arc::new(*metrics),
        }
    };
    Batch {
        offsets_of: None,
        offsets: [((Topic::Metrics, 0), 4)].into(),
        metrics: (0..).zip(payloads).map(record).collect(),
        spans: Vec::new(),
        registered: Vec::new(),
    }
}
