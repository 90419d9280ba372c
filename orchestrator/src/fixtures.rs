//! What many tests need and none of them is about: ids, plans, shares, windows, views. A test names what it is about, and
//! takes the rest from here (`Window { busy: 0.9, ..window(0, START, answered(10)) }`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::latency::Latency;
use common::plan::program::{
    BodyPlan, Connections, NamedRequest, OnFail, Program, Scenario, Step, Template, UrlPlan,
};
use common::plan::{Plan, PlanFormat, Share, read};
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures};
use common::wire::{
    ClassicMetrics, Ending, MachineLoad, Metrics, Outbound, PROTOCOL, RawMetrics, Unit, Window,
};
use serde_json::json;

use crate::model::{
    ComparedFigure, ComparedOutcome, ComparedWhat, ComparisonView, Completeness, DEFINITIONS, DriverView,
    TestState, TestView, Totals,
};
use crate::tally::gather::{Lives, OwnSecond};

pub fn node_id(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub fn test_id(text: &str) -> TestId {
    TestId::new(text).unwrap()
}

/// The plan that this TOML describes.
pub fn plan(toml: &str) -> Plan {
    read(toml, PlanFormat::Toml).unwrap()
}

/// A request of a plan with several, as it is where nothing but its name is given.
fn named_request(name: &str) -> NamedRequest {
    NamedRequest {
        name: request_name(name),
        method: Some("GET".to_owned()),
        url: UrlPlan::Path { host: 0, path: Template::default(), query: Vec::new() },
        headers: Vec::new(),
        basic: None,
        body: BodyPlan::None,
        timeout: Duration::from_secs(5),
        expect_status: vec![(200, 399)],
        follow: 0,
        connection_reuse: true,
        lets: Vec::new(),
        extracts: Vec::new(),
        checks: Vec::new(),
        split: None,
    }
}

pub fn request_name(text: &str) -> RequestName {
    RequestName::new(text).unwrap()
}

/// The scenario `pay` at 10 sessions/s for 2 s: in the group `checkout` the requests `create` and `confirm`, and then a poll
/// of `status`.
pub fn plan_of_sessions(seed: Option<u64>) -> Plan {
    let base =
        "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '2s'\n";
    let mut plan = plan(base);
    let send = |request| Step::Request { request, at: None };
    let group = Step::Group { group: 0, steps: vec![send(0), send(1)] };
    let poll = Step::Poll { request: 2, until: Vec::new(), every: Duration::from_millis(100), at_most: 3 };
    let pay = Scenario {
        name: "pay".to_owned(),
        share: 1,
        steps: vec![group, poll],
        lets: Vec::new(),
        cookie_bytes: None,
        connections: Connections::Shared,
        on_fail: OnFail::End,
    };
    plan.program = Some(Arc::new(Program {
        source: serde_json::Map::new(),
        seed,
        hosts: Vec::new(),
        secrets: Vec::new(),
        data: Vec::new(),
        requests: ["create", "confirm", "status"].map(named_request).into(),
        variables: Vec::new(),
        scenarios: vec![pay],
        groups: vec![request_name("checkout")],
        setup: None,
        teardown: None,
        shared: Vec::new(),
    }));
    plan
}

/// What `plan_of_sessions` made of so many sessions: each step was sent once, each response took so many µs.
pub fn sessions_of(counters: SessionCounters, us: u64) -> AllSessions {
    let latency = |n| {
        let mut latency = Latency::new();
        latency.record_n_us(us, n);
        latency
    };
    let SessionCounters { completed, failed, .. } = counters;
    let passes = PassFigures { completed, failed, response: latency(completed) };
    let ended_at = [("checkout.confirm".to_owned(), failed)].into_iter().filter(|(_, n)| *n > 0).collect();
    let pay = SessionFigures {
        counters,
        warmup: SessionCounters::default(),
        response: latency(completed),
        ended_at,
    };
    AllSessions {
        scenarios: [("pay".to_owned(), pay)].into(),
        groups: [(request_name("checkout"), passes.clone())].into(),
        polls: [(request_name("status"), passes)].into(),
        shared: BTreeMap::new(),
    }
}

/// A driver's share without any amounts.
pub fn share(index: u32, of: u32) -> Share {
    Share {
        index,
        of,
        rate_per_s: None,
        target_throughput: None,
        requests: None,
        connections: None,
        max_in_flight: None,
        fleet: None,
        stages_times: None,
    }
}

/// So many requests, all of them answered with 200 within the schedule.
pub fn answered(n: u64) -> Counters {
    Counters {
        scheduled: n,
        sent: n,
        completed: n,
        completed_in_schedule: n,
        status_codes: [(200, n)].into(),
        ..Counters::default()
    }
}

/// A window of one second, of epoch 1 and without samples, that others follow.
pub fn window(seq: u64, from_us: UnixMicros, counters: Counters) -> Window {
    Window {
        epoch: Epoch(1),
        seq,
        from_us,
        to_us: from_us + 1_000_000,
        figures: ByRequest::unnamed(Figures { counters, ..Figures::default() }),
        sessions: AllSessions::default(),
        users: None,
        busy: 0.25,
        machine: MachineLoad::default(),
        is_final: false,
        ending: None,
    }
}

/// The end of a schedule that ran its course.
pub fn ending(from_us: UnixMicros, to_us: UnixMicros) -> Ending {
    Ending {
        schedule_from_us: from_us,
        schedule_to_us: to_us,
        engine: "wire".to_owned(),
        workers: 1,
        precision: None,
        redirected_to: None,
        connections_opened: 3,
        handshakes: 0,
        cut_short: None,
        rows_used_up: None,
    }
}

/// The seconds that a store reads from these records, of which those of a driver are in order.
pub fn own_seconds(records: impl IntoIterator<Item = Metrics>) -> Vec<OwnSecond> {
    let mut lives = Lives::default();
    let read = |metrics: Metrics| {
        let payload = Outbound::Metrics(Box::new(metrics)).write().unwrap().payload.into_bytes().into();
        let raw = RawMetrics { payload, latency_unit: Unit::Milliseconds };
        lives.next(raw.read_apart().unwrap().unwrap())
    };
    records.into_iter().map(read).collect()
}

/// The record of a window.
pub fn metrics(node: &str, test: &str, window: Window) -> Metrics {
    Metrics {
        node_id: node_id(node),
        test_id: Some(test_id(test)),
        report_id: None,
        classic: ClassicMetrics::default(),
        ours: Some(Box::new(window)),
    }
}

/// A test as it is just after its creation.
pub fn test_view(id: &str, name: &str) -> TestView {
    TestView {
        test_id: id.to_owned(),
        name: name.to_owned(),
        state: TestState::Configured,
        verdict: None,
        standing: None,
        findings: Vec::new(),
        reasons: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        definitions: DEFINITIONS,
        plan: json!({}),
        seed: None,
        requests_per_session: None,
        created_at: "2026-11-24T00:00:00.000000Z".to_owned(),
        started_at: None,
        ended_at: None,
        setup: None,
        teardown: None,
        totals: Totals::default(),
        shared: BTreeMap::new(),
        drivers: Vec::new(),
        thresholds: Vec::new(),
        capacity: None,
        completeness: Completeness::default(),
        rate_changes: Vec::new(),
        timeline: Vec::new(),
    }
}

pub fn driver_view(id: &str) -> DriverView {
    DriverView {
        node_id: id.to_owned(),
        address: Some("127.0.0.1:0".to_owned()),
        classic: false,
        state: "idle".to_owned(),
        reason: None,
        liveness: "alive".to_owned(),
        alive: true,
        last_seen: "2026-11-24T00:00:00.000000Z".to_owned(),
        age_ms: 5,
        epoch: Some(1),
        protocol: Some(PROTOCOL),
        version: None,
        cores: Some(2),
        clock_offset_ms: None,
        max_rate: None,
        calibration: None,
        labels: BTreeMap::new(),
        test_id: None,
        requests_sent: None,
    }
}

/// A figure of a comparison of which nothing is known but its name and how it came out.
pub fn compared_figure(name: &str, outcome: ComparedOutcome, sentence: &str) -> ComparedFigure {
    ComparedFigure {
        figure: name.to_owned(),
        unit: "ms".to_owned(),
        a: None,
        b: None,
        a_low: None,
        a_high: None,
        b_low: None,
        b_high: None,
        ratio: None,
        low: None,
        high: None,
        half_width: None,
        difference: None,
        difference_low: None,
        difference_high: None,
        outcome,
        sentence: sentence.to_owned(),
    }
}

/// A comparison of two tests with these figures.
pub fn comparison(figures: Vec<ComparedFigure>) -> ComparisonView {
    ComparisonView {
        a: Vec::new(),
        b: Vec::new(),
        asked: ComparedWhat::Tests,
        about: String::new(),
        refused: Vec::new(),
        warnings: Vec::new(),
        trend: Vec::new(),
        figures,
    }
}
