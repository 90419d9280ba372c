//! One message of ours of each kind, with every field filled, for the tests of the wire.

use common::counters::{Counters, ErrorKind, WarmupCounters};
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::latency::{Latencies, Latency, LatencyKind};
use common::plan::{self, FleetSchedule, RateChange, Share};
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures, SharedCounters};
use common::wire::{
    Calibrated, ChangeRate, ClassicConfig, ClassicMetrics, ConfigOurs, DriverState, Ending, Heartbeat,
    HeartbeatOurs, Inbound, MachineLoad, Metrics, Outbound, PLAN_LANGUAGE, PROTOCOL, RATE_CHANGES,
    RateApplied, Register, RegisterOurs, Role, TestConfig, TestType, Trigger, Window,
};

const EPOCH: Epoch = Epoch(1_795_456_638_864);

fn node() -> NodeId {
    NodeId::new("d-1").unwrap()
}

fn test() -> TestId {
    TestId::new("t-1").unwrap()
}

/// What the reader must make of a message that was written.
pub fn as_read(message: Outbound) -> Inbound {
    match message {
        Outbound::Register(register) => Inbound::Register(register),
        Outbound::TestConfig(config) => Inbound::TestConfig(config),
        Outbound::Trigger(trigger) => Inbound::Trigger(trigger),
        Outbound::ChangeRate(change) => Inbound::ChangeRate(change),
        Outbound::Metrics(metrics) => Inbound::Metrics(metrics),
        Outbound::Heartbeat(beat) => Inbound::Heartbeat(beat),
        Outbound::EndWord { word, .. } => Inbound::EndWord(word),
    }
}

pub fn register() -> Register {
    let labels = [("rack".to_owned(), "7".to_owned())].into();
    let version = "0.1.0 (abc1234)".to_owned();
    let ours = RegisterOurs {
        protocol: Some(PROTOCOL),
        epoch: EPOCH,
        version,
        cores: 4,
        labels,
        max_rate: Some(2_500.5),
        kernel: Some("838821f6-ef49-42fc-908f-1c536bad0891".to_owned()),
        plan_language: Some(PLAN_LANGUAGE),
        rate_changes: Some(RATE_CHANGES),
        calibrated: Some(Calibrated {
            at: "2026-11-30T09:00:00.000000Z".to_owned(),
            open_per_s: Some(30_000.0),
            closed_per_s: 51_234.5,
        }),
    };
    Register { node_id: node(), address: Some("127.0.0.1:0".to_owned()), ours: Some(ours) }
}

pub fn test_config() -> TestConfig {
    let plan = serde_json::json!({
        "name": "ping", "drivers": 1, "target": { "url": "http://127.0.0.1:8081/ping" },
        "load": { "mode": "tsunami", "delay": "1ms", "duration": "30s", "max_in_flight": 64 },
        "thresholds": { "response.p99": "< 250ms" },
    });
    let share = Share {
        index: 0,
        of: 1,
        rate_per_s: Some(1_000.0),
        target_throughput: None,
        requests: None,
        connections: None,
        max_in_flight: Some(64),
        fleet: Some(FleetSchedule { rate_per_s: 1_000.0, requests: Some(30_000) }),
        stages_times: None,
    };
    let classic = ClassicConfig {
        test_type: TestType::Tsunami,
        delay: 2.0,
        message_count: 30_000,
        target_url: Some("http://127.0.0.1:8081/ping".to_owned()),
        num_drivers: Some(1),
    };
    let plan = plan::read_value(&plan).unwrap();
    let ours = ConfigOurs { revision: 1, epoch: EPOCH, plan, assignments: [(node(), share)].into() };
    TestConfig { test_id: test(), classic, ours: Some(ours), other_protocol: None }
}

pub fn trigger() -> Trigger {
    Trigger {
        test_id: test(),
        start: true,
        start_at_ms: Some(1_795_456_646_406),
        revision: Some(1),
        setup: Default::default(),
    }
}

pub fn change_rate() -> ChangeRate {
    let change = RateChange { number: 2, rate_per_s: 512.5, at_us: 1_795_456_658_406_000 };
    ChangeRate { test_id: test(), revision: 1, change }
}

fn counters() -> Counters {
    Counters {
        scheduled: 8_000,
        sent: 7_990,
        completed: 7_900,
        failed: 80,
        dropped_in_flight: 7,
        dropped_late: 3,
        closed_on_reuse: 2,
        bytes_received: 1_234_567,
        completed_in_schedule: 6_900,
        short_gaps: 5,
        errors: [(ErrorKind::Closed, 2), (ErrorKind::ConnectTimeout, 8)].into(),
        tls_causes: [].into(),
        status_codes: [(200, 7_900), (503, 70)].into(),
        warmup: WarmupCounters {
            scheduled: 1_000,
            sent: 999,
            completed: 990,
            failed: 9,
            dropped_in_flight: 1,
            dropped_late: 0,
            cancelled: 0,
            closed_on_reuse: 1,
            short_gaps: 4,
            errors: [(ErrorKind::Closed, 1)].into(),
            status_codes: [(200, 990), (503, 8)].into(),
        },
    }
}

pub fn metrics(is_final: bool) -> Metrics {
    let mut latencies = Latencies::new();
    for (us, completed) in [(450, true), (850, true), (1_020, false), (25_400, true), (90_001, false)] {
        latencies.ended(us - 20, us, completed);
        latencies.of_mut(LatencyKind::Lag).record_us(20);
        latencies.of_mut(LatencyKind::FirstByte).record_us(us - 50);
    }
    latencies.of_mut(LatencyKind::Connect).record_us(310);
    let ending = Ending {
        schedule_from_us: 1_795_456_639_000_000,
        schedule_to_us: 1_795_456_646_999_000,
        engine: "wire".to_owned(),
        workers: 2,
        precision: Some("spin".to_owned()),
        redirected_to: Some("https://127.0.0.1:8443/moved".to_owned()),
        connections_opened: 12,
        handshakes: 0,
        cut_short: Some("stopped".to_owned()),
        rows_used_up: None,
    };
    let window = Window {
        epoch: EPOCH,
        seq: 7,
        from_us: 1_795_456_646_000_000,
        to_us: 1_795_456_647_000_000,
        figures: ByRequest::unnamed(Figures { counters: counters(), latencies }),
        sessions: AllSessions::default(),
        users: None,
        busy: 0.25,
        machine: MachineLoad {
            cpu: Some(0.5),
            steal: Some(0.125),
            wait: Some(0.0625),
            stopped: vec![(1_795_456_646_300_000, 1_795_456_646_900_000)],
        },
        is_final,
        ending: is_final.then_some(ending),
    };
    let classic = ClassicMetrics {
        mean_ms: Some(6.93),
        median_ms: Some(0.85),
        min_ms: Some(0.45),
        max_ms: Some(25.4),
        mode_ms: Some(0.45),
        num_requests: Some(7_990),
        num_responses: Some(7_970),
        num_errors: Some(80),
        implausible: false,
        complete: is_final,
    };
    Metrics {
        node_id: node(),
        test_id: Some(test()),
        report_id: Some("t-1-7".to_owned()),
        classic,
        ours: Some(Box::new(window)),
    }
}

pub fn heartbeat() -> Heartbeat {
    let ours = HeartbeatOurs {
        epoch: EPOCH,
        role: Role::Driver,
        state: Some(DriverState::Running),
        reason: Some("because".to_owned()),
        warning: Some("d-1: beware".to_owned()),
        test_id: Some(test()),
        revision: Some(1),
        fetched_bytes: None,
        clock_offset_us: Some(-120),
        cpu: Some(0.5),
        ask: None,
        steps: None,
        rate_change: Some(RateApplied { change: 2, at: 1_795_456_658_406_000 }),
        counters: Some(counters()),
    };
    Heartbeat { node_id: node(), alive: true, sent_at_us: Some(1_795_456_646_000_123), ours: Some(ours) }
}

pub fn orchestrator_heartbeat() -> Heartbeat {
    let ours = HeartbeatOurs::new(EPOCH, Role::Orchestrator);
    Heartbeat {
        node_id: NodeId::new("o-1").unwrap(),
        alive: true,
        sent_at_us: Some(1_795_456_646_000_000),
        ours: Some(ours),
    }
}

/// The window of a plan with several requests, in its second second: two names, a scenario, a group and a poll.
pub fn metrics_of_sessions() -> Metrics {
    let name = |text: &str| RequestName::new(text).unwrap();
    let mut metrics = metrics(false);
    let Some(window) = metrics.ours.as_deref_mut() else { return metrics };
    let of_a_name = |completed: u64, failed: u64| {
        let mut latencies = Latencies::new();
        (0..completed).for_each(|n| latencies.ended(500 + n, 520 + n, true));
        (0..failed).for_each(|n| latencies.ended(900 + n, 920 + n, false));
        let ended = completed + failed;
        let errors = [(ErrorKind::Check, failed)].into_iter().filter(|(_, n)| *n > 0).collect();
        let counters = Counters {
            scheduled: ended,
            sent: ended,
            completed,
            failed,
            bytes_received: 64 * ended,
            completed_in_schedule: completed,
            errors,
            status_codes: [(200, ended)].into(),
            ..Counters::default()
        };
        Figures { counters, latencies }
    };
    let named = [(name("create"), of_a_name(9, 0)), (name("confirm"), of_a_name(6, 2))];
    let mut all = Figures::default();
    named.iter().for_each(|(_, of)| all += &of.clone());
    window.figures = ByRequest { all, named: named.into() };
    let latency = |us: &[u64]| {
        let mut latency = Latency::new();
        us.iter().for_each(|us| latency.record_us(*us));
        latency
    };
    let pay = SessionFigures {
        counters: SessionCounters { started: 9, completed: 6, failed: 2, abandoned: 1, dropped: 3 },
        warmup: SessionCounters { started: 4, completed: 5, ..SessionCounters::default() },
        response: latency(&[1_040, 1_100, 90_002]),
        ended_at: [("confirm".to_owned(), 3)].into(),
    };
    window.sessions = AllSessions {
        scenarios: [("pay".to_owned(), pay)].into(),
        groups: [(
            name("checkout"),
            PassFigures { completed: 2, failed: 1, response: latency(&[1_040, 1_041]) },
        )]
        .into(),
        polls: [(name("status"), PassFigures { completed: 0, failed: 1, response: latency(&[]) })].into(),
        shared: [(
            name("token"),
            SharedCounters {
                sent: 3,
                completed: 2,
                failed: 1,
                status_codes: [(200, 2)].into(),
                errors: [(ErrorKind::Timeout, 1)].into(),
            },
        )]
        .into(),
    };
    metrics
}
