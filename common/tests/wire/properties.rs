//! What must hold of the wire for any message and any bytes.

use crate::messages;
use common::clock::rfc3339;
use common::counters::{Counters, ErrorKind, WarmupCounters};
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::latency::{Latencies, Latency, LatencyKind};
use common::plan::{FleetSchedule, RateChange, Share};
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures, SharedCounters};
use common::tls_cause::TlsCause;
use common::wire::{
    Calibrated, ChangeRate, ClassicConfig, ClassicMetrics, ConfigOurs, DriverState, Ending, Heartbeat,
    HeartbeatOurs, MAX_STOPPED, MachineLoad, Metrics, Outbound, RateApplied, ReadAs, Register, RegisterOurs,
    Role, RowsUsedUp, StepsAsk, StepsCounts, StepsOf, StepsReport, StepsState, TestConfig, TestType, Topic,
    Trigger, Unit, Window, read,
};
use proptest::option;
use proptest::prelude::*;

const READ_AS: ReadAs = ReadAs::of(Unit::Seconds);

/// Highest Unix µs: the end of the year 9999.
const MAX_UNIX_US: i64 = 253_402_300_799_000_000;

fn node() -> impl Strategy<Value = NodeId> {
    "[a-zA-Z0-9µ\"\\\\/{}_.-]{1,40}".prop_map(|text| NodeId::new(&text).unwrap())
}

fn test() -> impl Strategy<Value = TestId> {
    "[a-z\"\\\\_-][a-z0-9_-]{0,40}".prop_map(|text| TestId::new(&text).unwrap())
}

fn epoch() -> impl Strategy<Value = Epoch> {
    (0..=1_u64 << 53).prop_map(Epoch)
}

/// A part and a whole of at most 2^40, with something left over.
fn part_and_whole() -> impl Strategy<Value = (u64, u64)> {
    (0..1_u64 << 40, 0..1_u64 << 40).prop_map(|(part, more)| (part, part + more))
}

fn counters() -> impl Strategy<Value = Counters> {
    let wholes = prop::collection::vec(part_and_whole(), 6);
    let kinds = prop::sample::select(&ErrorKind::ALL[..]);
    let errors = prop::collection::btree_map(kinds, part_and_whole(), 0..5);
    let causes = prop::collection::btree_map(prop::sample::select(&TlsCause::ALL[..]), 0..1_u64 << 40, 0..5);
    let status_codes = prop::collection::btree_map(100..1000_u16, part_and_whole(), 0..5);
    (wholes, (errors, causes), status_codes, any::<[u32; 5]>()).prop_map(
        |(wholes, (errors, tls_causes), status_codes, [a, b, c, d, e])| Counters {
            scheduled: wholes[0].1,
            sent: wholes[1].1,
            completed: wholes[2].1,
            failed: wholes[3].1,
            dropped_in_flight: wholes[4].1,
            dropped_late: wholes[5].1,
            closed_on_reuse: u64::from(a).min(wholes[3].1),
            bytes_received: u64::from(b),
            completed_in_schedule: u64::from(c).min(wholes[2].1),
            short_gaps: u64::from(d),
            errors: errors.iter().map(|(kind, (_, whole))| (*kind, *whole)).collect(),
            tls_causes,
            status_codes: status_codes.iter().map(|(status, (_, whole))| (*status, *whole)).collect(),
            warmup: WarmupCounters {
                scheduled: wholes[0].0,
                sent: wholes[1].0,
                completed: wholes[2].0,
                failed: wholes[3].0,
                dropped_in_flight: wholes[4].0,
                dropped_late: wholes[5].0,
                cancelled: u64::from(e).min(wholes[3].0),
                closed_on_reuse: u64::from(a / 2).min(wholes[3].1),
                short_gaps: u64::from(d / 3),
                errors: errors.into_iter().map(|(kind, (part, _))| (kind, part)).collect(),
                status_codes: status_codes.into_iter().map(|(status, (part, _))| (status, part)).collect(),
            },
        },
    )
}

/// Whether a kind is recorded where an attempt after the warm-up ends.
fn is_of_answers(kind: &LatencyKind) -> bool {
    let answers = ["service", "response", "failed_service", "failed_response"];
    answers.contains(&kind.as_str())
}

fn latencies() -> impl Strategy<Value = Latencies> {
    // `service`, `response` and their failed parts belong together: they are recorded together.
    let alone: Vec<_> = LatencyKind::ALL.into_iter().filter(|kind| !is_of_answers(kind)).collect();
    let samples = (prop::sample::select(alone), 0..4_000_000_000_u64, 1..1000_u64);
    let ended = (0..4_000_000_000_u64, 0..4_000_000_000_u64, any::<bool>());
    (prop::collection::vec(samples, 0..30), prop::collection::vec(ended, 0..30)).prop_map(
        |(samples, ended)| {
            let mut latencies = Latencies::new();
            samples.into_iter().for_each(|(kind, us, n)| latencies.of_mut(kind).record_n_us(us, n));
            ended
                .into_iter()
                .for_each(|(service, lag, completed)| latencies.ended(service, service + lag, completed));
            latencies
        },
    )
}

fn register() -> impl Strategy<Value = Register> {
    let labels = prop::collection::btree_map("[ -~]{0,9}", any::<String>(), 0..4);
    let kernel = option::of("[0-9a-f-]{1,36}");
    let rate = option::of(1e-6..1e9_f64);
    let numbers = (option::of(any::<u32>()), option::of(any::<u32>()), option::of(any::<u32>()));
    let calibrated =
        option::of((0..4_000_000_000_000_000_i64, option::of(1e-3..1e9_f64), 1e-3..1e9_f64).prop_map(
            |(at, open_per_s, closed_per_s)| Calibrated { at: rfc3339(at), open_per_s, closed_per_s },
        ));
    let ours = (numbers, epoch(), any::<String>(), any::<u32>(), labels, rate, kernel, calibrated);
    let ours = ours.prop_map(|(numbers, epoch, version, cores, labels, max_rate, kernel, calibrated)| {
        let (protocol, plan_language, rate_changes) = numbers;
        RegisterOurs {
            protocol,
            epoch,
            version,
            cores,
            labels,
            max_rate,
            kernel,
            plan_language,
            rate_changes,
            calibrated,
        }
    });
    (node(), "[a-z0-9.:]{1,40}", option::of(ours)).prop_map(|(node_id, address, ours)| Register {
        node_id,
        address: Some(address),
        ours,
    })
}

fn share() -> impl Strategy<Value = Share> {
    let whole = || option::of(any::<u32>());
    (
        0..9_u32,
        option::of(1e-6..1e9_f64),
        option::of(1e-6..1e9_f64),
        option::of(0..1_u64 << 53),
        whole(),
        whole(),
        option::of((1e-6..1e9_f64, option::of(0..1_u64 << 53))),
    )
        .prop_map(
            |(index, rate_per_s, target_throughput, requests, connections, max_in_flight, fleet)| Share {
                index,
                of: index + 1,
                rate_per_s,
                target_throughput,
                requests,
                connections,
                max_in_flight,
                fleet: fleet.map(|(rate_per_s, requests)| FleetSchedule { rate_per_s, requests }),
                stages_times: fleet.map(|_| index + 1),
            },
        )
}

fn test_config() -> impl Strategy<Value = TestConfig> {
    let test_type = prop_oneof![Just(TestType::Avalanche), Just(TestType::Tsunami)];
    let delay = prop_oneof![0.0..1e6_f64, (0..1_000_000_u32).prop_map(f64::from)];
    let url = option::of("https?://[a-z0-9.]{1,20}/[a-z?=&%\"]{0,20}");
    let classic = (test_type, delay, 0..1_u64 << 53, url, option::of(any::<u32>()));
    let shares = prop::collection::btree_map(node(), share(), 0..5);
    let ours = option::of((any::<u32>(), epoch(), shares));
    (test(), classic, ours).prop_map(
        |(test_id, (test_type, delay, message_count, target_url, num_drivers), ours)| {
            let plan = messages::test_config().ours.unwrap().plan;
            let ours =
                ours.map(|(revision, epoch, assignments)| ConfigOurs { revision, epoch, plan, assignments });
            let classic = ClassicConfig { test_type, delay, message_count, target_url, num_drivers };
            TestConfig { test_id, classic, ours, other_protocol: None }
        },
    )
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let start_at = option::of(0..=(MAX_UNIX_US / 1_000) as u64);
    (test(), any::<bool>(), start_at, option::of(any::<u32>()), values()).prop_map(
        |(test_id, start, start_at_ms, revision, setup)| {
            // Without a revision the record is another program's.
            let setup = if revision.is_some() { setup } else { Default::default() };
            Trigger { test_id, start, start_at_ms, revision, setup }
        },
    )
}

/// What setup extracted.
fn values() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z_][a-z0-9_]{0,8}", any::<String>(), 0..4)
}

fn steps_of() -> impl Strategy<Value = StepsOf> {
    prop_oneof![Just(StepsOf::Setup), Just(StepsOf::Teardown)]
}

fn ask() -> impl Strategy<Value = StepsAsk> {
    (test(), any::<u32>(), steps_of(), prop::collection::btree_set(node(), 0..4))
        .prop_map(|(test_id, revision, run, drivers)| StepsAsk { test_id, revision, run, drivers })
}

fn steps() -> impl Strategy<Value = StepsReport> {
    use StepsState::{Completed, Failed, Running};
    let state = prop::sample::select(vec![Running, Completed, Failed]);
    let texts = (option::of(any::<String>()), option::of(any::<String>()));
    let counts = (0..=1_u64 << 53, 0..=1_u64 << 53, 0..=1_u64 << 53).prop_map(|(sent, completed, failed)| {
        let status_codes = [(200, completed)].into();
        let errors = [(common::counters::ErrorKind::Check, failed)].into();
        StepsCounts { sent, completed, failed, status_codes, errors }
    });
    let requests = prop::collection::btree_map("[a-z]{1,8}", counts, 0..3).prop_map(|requests| {
        let named =
            |(name, counts): (String, StepsCounts)| (common::ids::RequestName::new(&name).unwrap(), counts);
        requests.into_iter().map(named).collect::<std::collections::BTreeMap<_, _>>()
    });
    ((test(), any::<u32>(), steps_of()), state, texts, values(), requests).prop_map(
        |((test_id, revision, run), state, (step, reason), values, requests)| StepsReport {
            test_id,
            revision,
            run,
            state,
            step,
            reason,
            values,
            requests,
        },
    )
}

fn change_rate() -> impl Strategy<Value = ChangeRate> {
    (test(), any::<u32>(), 1..=u32::MAX, 0.01..1e6_f64, 0..=MAX_UNIX_US).prop_map(
        |(test_id, revision, number, rate_per_s, at_us)| {
            let change = RateChange { number, rate_per_s, at_us };
            ChangeRate { test_id, revision, change }
        },
    )
}

fn ending() -> impl Strategy<Value = Ending> {
    let words = (any::<String>(), option::of(any::<String>()), option::of(any::<String>()));
    let rows = ("[a-z_-]{1,9}", any::<u64>())
        .prop_map(|(data, sessions)| RowsUsedUp { data: RequestName::new(&data).unwrap(), sessions });
    let rows = option::of(rows);
    (any::<[i64; 2]>(), words, any::<u32>(), any::<[u64; 2]>(), rows).prop_map(
        |(
            [schedule_from_us, schedule_to_us],
            (engine, precision, cut_short),
            workers,
            opened,
            rows_used_up,
        )| Ending {
            schedule_from_us,
            schedule_to_us,
            engine,
            workers,
            precision,
            redirected_to: None,
            connections_opened: opened[0],
            handshakes: opened[1],
            cut_short,
            rows_used_up,
        },
    )
}

fn latency() -> impl Strategy<Value = Latency> {
    prop::collection::vec((0..4_000_000_000_u64, 1..1000_u64), 0..9).prop_map(|samples| {
        let mut latency = Latency::new();
        samples.into_iter().for_each(|(us, n)| latency.record_n_us(us, n));
        latency
    })
}

fn session_counters() -> impl Strategy<Value = SessionCounters> {
    any::<[u32; 5]>().prop_map(|counts| {
        let [started, completed, failed, abandoned, dropped] = counts.map(u64::from);
        SessionCounters { started, completed, failed, abandoned, dropped }
    })
}

fn sessions() -> impl Strategy<Value = AllSessions> {
    let steps = prop::collection::btree_map("[a-z0-9.]{1,20}", 0..1_u64 << 40, 0..4);
    let warmup = prop_oneof![Just(SessionCounters::default()), session_counters()];
    let scenario =
        (session_counters(), warmup, latency(), steps).prop_map(|(counters, warmup, response, ended_at)| {
            SessionFigures { counters, warmup, response, ended_at }
        });
    let pass = || {
        let pass = (any::<u32>(), any::<u32>(), latency()).prop_map(|(completed, failed, response)| {
            PassFigures { completed: completed.into(), failed: failed.into(), response }
        });
        let name = "[a-zA-Z0-9_-]{1,9}".prop_map(|name| RequestName::new(&name).unwrap());
        prop::collection::btree_map(name, pass, 0..3)
    };
    let shared = (any::<u32>(), any::<u32>(), 100..600_u16).prop_map(|(completed, failed, status)| {
        let (completed, failed) = (u64::from(completed), u64::from(failed));
        SharedCounters {
            sent: completed + failed,
            completed,
            failed,
            status_codes: [(status, completed)].into(),
            errors: [(ErrorKind::Timeout, failed)].into(),
        }
    });
    let name = "[a-zA-Z0-9_-]{1,9}".prop_map(|name| RequestName::new(&name).unwrap());
    let shared = prop::collection::btree_map(name, shared, 0..3);
    (prop::collection::btree_map("[a-zA-Z0-9_-]{1,9}", scenario, 0..3), pass(), pass(), shared)
        .prop_map(|(scenarios, groups, polls, shared)| AllSessions { scenarios, groups, polls, shared })
}

fn window() -> impl Strategy<Value = Window> {
    let shares = [option::of(0.0..=1.0_f64), option::of(0.0..=1.0_f64), option::of(0.0..=1.0_f64)];
    let pause = (0..MAX_UNIX_US / 2, 0..MAX_UNIX_US / 2).prop_map(|(from, length)| (from, from + length));
    let machine = (shares, prop::collection::vec(pause, 0..MAX_STOPPED));
    let machine = machine.prop_map(|([cpu, steal, wait], stopped)| MachineLoad { cpu, steal, wait, stopped });
    let head = (epoch(), 0..10_000_000_u64, 0..MAX_UNIX_US / 2, 0..MAX_UNIX_US / 2, 0.0..=1.0_f64, machine);
    // All requests have one name, or none has one: the names never sum up to more than all.
    let figures =
        (counters(), latencies(), option::of("[a-z]{1,9}")).prop_map(|(counters, latencies, name)| {
            let all = Figures { counters, latencies };
            // Of a name, only the histograms that figures by name are made of are written.
            let mut of_a_name = all.clone();
            for kind in LatencyKind::ALL.into_iter().filter(|kind| !is_of_answers(kind)) {
                of_a_name.latencies.of_mut(kind).clear();
            }
            let named = name.map(|name| (RequestName::new(&name).unwrap(), of_a_name)).into_iter().collect();
            ByRequest { all, named }
        });
    let sessions = (sessions(), option::of(0..1_u64 << 53));
    (head, figures, sessions, option::of(ending()), any::<bool>()).prop_map(
        |((epoch, seq, from_us, length_us, busy, machine), figures, (sessions, users), ending, is_final)| {
            Window {
                epoch,
                seq,
                from_us,
                to_us: from_us + length_us,
                figures,
                sessions,
                users,
                busy,
                machine,
                is_final,
                ending,
            }
        },
    )
}

fn metrics() -> impl Strategy<Value = Metrics> {
    let count = || option::of(0..1000_u64);
    // In order, as real ones are: the reader marks what is not.
    let figures = prop::collection::vec(0.0..1e6_f64, 5).prop_map(|mut ms| {
        ms.sort_by(f64::total_cmp);
        ms
    });
    (node(), test(), "[a-z0-9_-]{1,40}", figures, (count(), count()), window()).prop_map(
        |(node_id, test_id, report_id, ms, (responses, errors), window)| {
            let classic = ClassicMetrics {
                mean_ms: Some(ms[3]),
                median_ms: Some(ms[2]),
                min_ms: Some(ms[0]),
                max_ms: Some(ms[4]),
                mode_ms: Some(ms[1]),
                num_requests: Some(1000),
                num_responses: responses,
                num_errors: errors,
                implausible: false,
                complete: window.is_final,
            };
            let ours = Some(Box::new(window));
            Metrics { node_id, test_id: Some(test_id), report_id: Some(report_id), classic, ours }
        },
    )
}

fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    use DriverState::{Draining, Idle, Ready, Refused, Running};
    let states = vec![Idle, Ready, Refused, Running, Draining];
    let role = prop_oneof![Just(Role::Driver), Just(Role::Orchestrator)];
    let ours = (
        (epoch(), role, option::of(prop::sample::select(states))),
        (option::of(any::<String>()), option::of(any::<String>())),
        (option::of(test()), option::of(any::<u32>()), option::of(any::<u64>())),
        (option::of(any::<i64>()), option::of(0.0..=1.0_f64), option::of(counters())),
        option::of((any::<u32>(), any::<i64>())),
        (option::of(ask()), option::of(steps())),
    );
    let ours = ours.prop_map(
        |(
            (epoch, role, state),
            (reason, warning),
            (test_id, revision, fetched_bytes),
            (clock_offset_us, cpu, counters),
            applied,
            (ask, steps),
        )| {
            HeartbeatOurs {
                epoch,
                role,
                state,
                reason,
                warning,
                test_id,
                revision,
                fetched_bytes,
                clock_offset_us,
                cpu,
                ask: ask.map(Box::new),
                steps: steps.map(Box::new),
                rate_change: applied.map(|(change, at)| RateApplied { change, at }),
                counters,
            }
        },
    );
    (node(), any::<bool>(), 0..=MAX_UNIX_US, option::of(ours))
        .prop_map(|(node_id, alive, at, ours)| Heartbeat { node_id, alive, sent_at_us: Some(at), ours })
}

fn message() -> impl Strategy<Value = Outbound> {
    prop_oneof![
        register().prop_map(Outbound::Register),
        test_config().prop_map(Box::new).prop_map(Outbound::TestConfig),
        trigger().prop_map(Outbound::Trigger),
        change_rate().prop_map(Outbound::ChangeRate),
        metrics().prop_map(Box::new).prop_map(Outbound::Metrics),
        heartbeat().prop_map(Box::new).prop_map(Outbound::Heartbeat),
    ]
}

/// JSON of any shape, whose keys are often those of the wire.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
        "[0-9.]{0,4}(ns|µs|ms|s|m|h)?([0-9.]{0,3}s)?".prop_map(Into::into),
        prop::sample::select(vec!["YES", "NO", "RATE", "TSUNAMI", "AVALANCHE", "", "0", "orchestrator"])
            .prop_map(Into::into),
    ];
    let key = prop_oneof![".{0,8}", prop::sample::select(KEYS).prop_map(str::to_owned)];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(key.clone(), inner, 0..12)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

const KEYS: &[&str] = &[
    "node_id",
    "test_id",
    "node_IP",
    "epoch",
    "protocol",
    "labels",
    "max_rate",
    "kernel",
    "calibrated",
    "closed_per_s",
    "test_type",
    "test_message_delay",
    "message_count_per_driver",
    "plan",
    "assignments",
    "revision",
    "trigger",
    "change",
    "rate",
    "at",
    "start_at",
    "metrics",
    "mean_latency",
    "Mean",
    "min_latency",
    "max_latency",
    "num_requests",
    "seq",
    "window",
    "from",
    "to",
    "scheduled",
    "sent",
    "completed",
    "failed",
    "dropped",
    "dropped_by",
    "errors",
    "status_codes",
    "warmup",
    "histograms",
    "extremes",
    "response",
    "by_request",
    "sessions",
    "groups",
    "polls",
    "started",
    "ended_at",
    "busy",
    "final",
    "ending",
    "heartbeat",
    "timestamp",
    "role",
    "state",
    "cpu",
    "steal",
    "kill",
    "test_status",
    "target",
    "url",
    "load",
    "request",
];

fn read_everywhere(payload: &[u8]) {
    for topic in Topic::ALL {
        for latency_unit in [Unit::Seconds, Unit::Milliseconds] {
            if let Err(rejected) = read(topic, Some(payload), &ReadAs::of(latency_unit)) {
                assert!(!rejected.detail.is_empty() && !rejected.detail.contains('\n'), "{rejected}");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        let record = message.write().unwrap();
        let read = read(record.topic, Some(record.payload.as_bytes()), &READ_AS);
        prop_assert_eq!(read, Ok(messages::as_read(message)));
    }

    #[test]
    fn what_is_written_survives_a_json_string(message in message()) {
        let record = message.write().unwrap();
        let wrapped = serde_json::to_string(&record.payload).unwrap();
        prop_assert_eq!(read(record.topic, Some(wrapped.as_bytes()), &READ_AS), Ok(messages::as_read(message)));
    }

    #[test]
    fn no_bytes_stop_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everywhere(&bytes);
    }

    #[test]
    fn no_json_stops_the_reader(json in any_json()) {
        read_everywhere(json.to_string().as_bytes());
    }

    /// Records of ours with bytes changed, dropped or repeated: close to what is real, and wrong.
    #[test]
    fn no_damage_stops_the_reader(message in message(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6)) {
        let mut bytes = message.write().unwrap().payload.into_bytes();
        for (at, byte, what) in damage {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => drop(bytes.split_off(at.max(1))),
                _ => bytes.insert(at, byte),
            }
        }
        read_everywhere(&bytes);
    }
}
