//! Every tolerance of the wire, a table a topic: what arrives, and what it is read as or why it is not.

use common::wire::{
    ClassicMetrics, Inbound, Metrics, ReadAs, RejectReason, Rejected, Role, TestType, Topic, Unit, read,
};

const READ_AS: ReadAs = ReadAs::of(Unit::Milliseconds);

fn of(topic: Topic, payload: &str) -> Result<Inbound, Rejected> {
    read(topic, Some(payload.as_bytes()), &READ_AS)
}

fn metrics(payload: &str) -> Metrics {
    match of(Topic::Metrics, payload) {
        Ok(Inbound::Metrics(metrics)) => *metrics,
        other => panic!("{payload}: {other:?}"),
    }
}

/// The figures of a report with this `metrics` object.
fn figures(inside: &str, unit: Unit) -> ClassicMetrics {
    let payload = format!(r#"{{"node_id": "n", "test_id": "t", "metrics": {inside}}}"#);
    match read(Topic::Metrics, Some(payload.as_bytes()), &ReadAs::of(unit)) {
        Ok(Inbound::Metrics(metrics)) => metrics.classic,
        other => panic!("{payload}: {other:?}"),
    }
}

#[track_caller]
fn rejected(topic: Topic, payload: &str, reason: RejectReason) -> Rejected {
    let rejected = of(topic, payload).expect_err(payload);
    assert_eq!(rejected.reason, reason, "{payload:.200}: {rejected}");
    assert!(rejected.detail.chars().count() <= 300 && !rejected.detail.contains(['\n', '\r']), "{rejected}");
    rejected
}

#[test]
fn no_payload_holds_anything_on_any_topic() {
    let deep = format!(r#"{{"node_id": "n", "x": {}}}"#, "[".repeat(200_000));
    let huge = format!(r#"{{"node_id": "{}"}}"#, "x".repeat(5 << 20));
    for topic in Topic::ALL {
        let reason = |payload: Option<&[u8]>| read(topic, payload, &READ_AS).unwrap_err().reason;
        assert_eq!(reason(None), RejectReason::Empty);
        assert_eq!(reason(Some(b"")), RejectReason::Empty);
        assert_eq!(reason(Some(b"\xff\xfe{}")), RejectReason::NotUtf8);
        for (payload, expected) in [
            (" \n\t", RejectReason::Empty),
            ("\"\"", RejectReason::Empty),
            ("null", RejectReason::NotObject),
            ("true", RejectReason::NotObject),
            ("17", RejectReason::NotObject),
            ("[]", RejectReason::NotObject),
            (r#"[{"node_id": "n"}]"#, RejectReason::NotObject),
            (r#""[1]""#, RejectReason::NotObject),
            ("{", RejectReason::NotJson),
            ("{}{}", RejectReason::NotJson),
            ("two words", RejectReason::NotJson),
            ("None", RejectReason::NotJson),
            ("<html>", RejectReason::NotJson),
            ("\"never closed", RejectReason::NotJson),
            ("{}", RejectReason::MissingField),
            (&deep, RejectReason::TooDeep),
            (&huge, RejectReason::TooLarge),
        ] {
            rejected(topic, payload, expected);
        }
    }
}

#[test]
fn a_word_or_a_kill_is_an_end_without_an_id() {
    for topic in Topic::ALL {
        for (payload, word) in
            [("EOFBREAK", "EOFBREAK"), (" EOT\n", "EOT"), ("\"EOT\"", "EOT"), (r#"{"kill": 0}"#, "kill")]
        {
            assert_eq!(of(topic, payload), Ok(Inbound::EndWord(word.to_owned())), "{payload}");
        }
    }
    assert_eq!(metrics(r#"{"kill": 0, "node_id": "n"}"#).node_id.as_str(), "n", "with an id it is a report");
}

#[test]
fn a_node_registers_with_little() {
    for (caption, payload, id, address) in [
        (
            "all of it",
            r#"{"node_id": "n", "node_IP": "10.0.0.1:80", "message_type": "x"}"#,
            "n",
            Some("10.0.0.1:80"),
        ),
        ("an integer id", r#"{"node_id": 7, "node_ip": "10.0.0.1"}"#, "7", Some("10.0.0.1")),
        ("a literal word", r#"{"node_id": "n", "node_IP": "localhost"}"#, "n", Some("localhost")),
        ("no address", r#"{"node_id": "n"}"#, "n", None),
        ("an empty address", r#"{"node_id": "n", "node_IP": ""}"#, "n", None),
        ("an address that is a list", r#"{"node_id": "n", "node_IP": [1]}"#, "n", None),
        ("extra fields", r#"{"node_id": "n", "extra": {"a": [1, 2]}, "epoch": "1970"}"#, "n", None),
        ("JSON in a JSON string", r#""{\"node_id\": \"n\"}""#, "n", None),
        ("twice in a JSON string", r#""\"{\\\"node_id\\\": \\\"n\\\"}\"""#, "n", None),
        ("a byte order mark and a zero byte", "\u{feff}{\"node_id\": \"n\"}\0", "n", None),
    ] {
        let Ok(Inbound::Register(register)) = of(Topic::Register, payload) else { panic!("{caption}") };
        assert_eq!((register.node_id.as_str(), register.address.as_deref()), (id, address), "{caption}");
        assert!(register.ours.is_none(), "{caption}");
    }
    for (payload, reason) in [
        (r#"{"node_id": ""}"#, RejectReason::MissingField),
        (r#"{"node_id": null}"#, RejectReason::MissingField),
        (r#"{"node_id": true}"#, RejectReason::BadField),
        (r#"{"node_id": "a\u0000b"}"#, RejectReason::BadField),
        (r#"{"node_id": "n", "role": "orchestrator"}"#, RejectReason::BadField),
        (r#"{"node_id": "n", "epoch": 1, "protocol": "two"}"#, RejectReason::BadField),
        (r#"{"node_id": "n", "epoch": 1, "protocol": 1, "labels": [1]}"#, RejectReason::BadField),
        (r#"{"node_id": "n", "epoch": 1, "protocol": 1, "max_rate": -1}"#, RejectReason::BadField),
    ] {
        rejected(Topic::Register, payload, reason);
    }
    rejected(
        Topic::Register,
        &format!(r#"{{"node_id": "{}"}}"#, "x".repeat(1 << 20)),
        RejectReason::BadField,
    );
    let record =
        rejected(Topic::Register, r#"{"node_id": "n", "epoch": 1, "labels": 1}"#, RejectReason::BadField);
    assert_eq!(record.node_id.unwrap().as_str(), "n", "the log names the source");
}

#[test]
fn a_beat_is_a_sign_of_life_whatever_it_says() {
    for (payload, alive, sent_at_us) in [
        (r#"{"node_id": "n", "heartbeat": "YES"}"#, true, None),
        (
            r#"{"node_id": 1, "heartbeat": true, "timestamp": "2026-11-23T17:57:18Z"}"#,
            true,
            Some(1_795_456_638_000_000),
        ),
        (
            r#"{"node_id": "n", "heartbeat": "NO", "timestamp": 1795456638}"#,
            false,
            Some(1_795_456_638_000_000),
        ),
        (r#"{"node_id": "n", "heartbeat": "no", "timestamp": "20261123175718864000"}"#, false, None),
        (r#"{"node_id": "n", "timestamp": ""}"#, true, None),
        (r#"{"node_id": "n", "heartbeat": "alive"}"#, true, None),
    ] {
        let Ok(Inbound::Heartbeat(beat)) = of(Topic::Heartbeat, payload) else { panic!("{payload}") };
        assert_eq!((beat.alive, beat.sent_at_us), (alive, sent_at_us), "{payload}");
        assert!(beat.ours.is_none());
    }
    let orchestrator = r#"{"node_id": "o", "heartbeat": "YES", "role": "orchestrator", "epoch": 5}"#;
    let Ok(Inbound::Heartbeat(beat)) = of(Topic::Heartbeat, orchestrator) else { panic!() };
    assert_eq!(beat.ours.unwrap().role, Role::Orchestrator);
    for payload in [
        r#"{"node_id": "o", "role": "orchestrator"}"#,
        r#"{"node_id": "n", "epoch": 5, "role": "conductor"}"#,
        r#"{"node_id": "n", "epoch": 5, "state": "asleep"}"#,
        r#"{"node_id": "n", "epoch": 5, "cpu": "high"}"#,
    ] {
        rejected(Topic::Heartbeat, payload, RejectReason::BadField);
    }
    let half = r#"{"node_id": "n", "epoch": 5, "state": "running", "scheduled": 1, "sent": 1}"#;
    rejected(Topic::Heartbeat, half, RejectReason::MissingField);
}

#[test]
fn a_classic_config_comes_in_many_spellings() {
    let config = |payload: &str| match of(Topic::TestConfig, payload) {
        Ok(Inbound::TestConfig(config)) => *config,
        other => panic!("{payload}: {other:?}"),
    };
    let plain = config(
        r#"{"test_id": 3, "test_type": "tsunami", "test_message_delay": "0.3", "message_count_per_driver": "6", "plan": 1}"#,
    );
    assert_eq!((plain.test_id.as_str(), plain.classic.test_type), ("3", TestType::Tsunami));
    assert_eq!((plain.classic.delay, plain.classic.message_count), (0.3, 6));
    assert!(plain.ours.is_none(), "a plan without an epoch is somebody's extra field");

    let with = |rest: &str| {
        config(&format!(
            r#"{{"test_id": "t", "test_type": "Avalanche ", "message_count_per_driver": 0, {rest}}}"#
        ))
        .classic
    };
    assert_eq!(with(r#""test_message_delay": """#).delay, 0.0, "an Avalanche needs no delay");
    assert_eq!(with(r#""test_server": "http://a/""#).target_url.as_deref(), Some("http://a/"));
    let two = with(r#""target_url": "", "target_server_ip": " http://b/ ", "test_server": "http://a/""#);
    assert_eq!(two.target_url.as_deref(), Some("http://b/"));
    assert_eq!(with(r#""num_drivers": "2""#).num_drivers, Some(2));
    assert_eq!(with(r#""num_drivers": "many""#).num_drivers, None);

    let faulty = |kind: &str, delay: &str, count: &str, reason| {
        let payload = format!(
            r#"{{"test_id": "t", "test_type": {kind}, "test_message_delay": {delay}, "message_count_per_driver": {count}}}"#
        );
        rejected(Topic::TestConfig, &payload, reason);
    };
    faulty("\"FLOOD\"", "1", "1", RejectReason::BadField);
    faulty("1", "1", "1", RejectReason::BadField);
    faulty("null", "1", "1", RejectReason::MissingField);
    faulty("\"TSUNAMI\"", "\"\"", "1", RejectReason::MissingField);
    faulty("\"TSUNAMI\"", "-1", "1", RejectReason::BadField);
    faulty("\"TSUNAMI\"", "NaN", "1", RejectReason::MissingField);
    faulty("\"TSUNAMI\"", "\"soon\"", "1", RejectReason::BadField);
    faulty("\"TSUNAMI\"", "1", "null", RejectReason::MissingField);
    faulty("\"TSUNAMI\"", "1", "-1", RejectReason::BadField);
    faulty("\"TSUNAMI\"", "1", "1.5", RejectReason::BadField);
    faulty("\"TSUNAMI\"", "1", "1e30", RejectReason::BadField);
}

#[test]
fn a_change_of_the_rate_is_whole_or_rejected() {
    let change = |fields: &str| {
        let payload = format!(r#"{{"test_id": "t", "trigger": "RATE"{fields}}}"#);
        of(Topic::Trigger, &payload)
    };
    let whole = r#", "revision": 1, "change": 3, "rate": 250, "at": 1795456646406000"#;
    assert!(matches!(change(whole), Ok(Inbound::ChangeRate(order)) if order.change.rate_per_s == 250.0));
    for (wrong, reason) in [
        (r#", "revision": 1, "change": 3, "rate": 250"#, RejectReason::MissingField),
        (r#", "change": 3, "rate": 250, "at": 1795456646406000"#, RejectReason::MissingField),
        (r#", "revision": 1, "change": 0, "rate": 250, "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 1e9, "rate": 250, "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": 0, "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": -5, "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": 1e300, "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": "250", "at": 1795456646406000"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": 250, "at": -1"#, RejectReason::BadField),
        (r#", "revision": 1, "change": 3, "rate": 250, "at": 9e18"#, RejectReason::BadField),
    ] {
        assert_eq!(change(wrong).map_err(|rejected| rejected.reason), Err(reason), "{wrong}");
    }
}

#[test]
fn a_trigger_says_yes_or_no() {
    let trigger = |payload: &str| match of(Topic::Trigger, payload) {
        Ok(Inbound::Trigger(trigger)) => trigger,
        other => panic!("{payload}: {other:?}"),
    };
    for (word, start) in
        [("\"YES\"", true), ("\"Yes\"", true), ("true", true), ("\"no\"", false), ("false", false)]
    {
        assert_eq!(trigger(&format!(r#"{{"test_id": 1, "trigger": {word}}}"#)).start, start, "{word}");
    }
    let foreign = trigger(r#"{"test_id": 1, "trigger": "YES", "start_at": "2026-11-23T17:57:18Z"}"#);
    assert_eq!((foreign.start_at_ms, foreign.revision), (None, None), "somebody's extra field");
    for (payload, reason) in [
        (r#"{"test_id": 1, "trigger": "MAYBE"}"#, RejectReason::BadField),
        (r#"{"test_id": 1}"#, RejectReason::MissingField),
        (r#"{"trigger": "YES"}"#, RejectReason::MissingField),
        (r#"{"test_id": 1, "trigger": "YES", "revision": 1, "start_at": -5}"#, RejectReason::BadField),
    ] {
        rejected(Topic::Trigger, payload, reason);
    }
}

#[test]
fn a_report_names_a_test_or_none() {
    for (value, expected) in
        [("\"t\"", Some("t")), ("7", Some("7")), ("0", None), ("\"0\"", None), ("\"\"", None), ("null", None)]
    {
        let metrics = metrics(&format!(r#"{{"node_id": "n", "test_id": {value}}}"#));
        assert_eq!(metrics.test_id.as_ref().map(|id| id.as_str()), expected, "{value}");
        assert_eq!(metrics.classic, ClassicMetrics::default(), "absent figures are None");
        assert_eq!((metrics.report_id, metrics.ours), (None, None));
    }
    rejected(Topic::Metrics, r#"{"test_id": "t"}"#, RejectReason::MissingField);
    rejected(Topic::Metrics, r#"{"node_id": "n", "test_id": []}"#, RejectReason::BadField);
    for (status, complete) in [("complete", true), ("Completed", true), ("DONE", true), ("running", false)] {
        let payload = format!(r#"{{"node_id": "n", "test_status": "{status}"}}"#);
        assert_eq!(metrics(&payload).classic.complete, complete, "{status}");
    }
}

#[test]
fn figures_are_found_whatever_they_are_called() {
    let read = figures(
        r#"{"Mean": 2, "Median": "2.5", "Min": "850µs", "Max": "1.02s", "mode_latency": ""}"#,
        Unit::Milliseconds,
    );
    let expected = (Some(2.0), Some(2.5), Some(0.85), Some(1_020.0), None);
    assert_eq!((read.mean_ms, read.median_ms, read.min_ms, read.max_ms, read.mode_ms), expected);
    let seconds = figures(r#"{"mean_latency": 0.25, "max_latency": "500ms"}"#, Unit::Seconds);
    assert_eq!((seconds.mean_ms, seconds.max_ms), (Some(250.0), Some(500.0)), "a stated unit wins");
    for name in ["num_requests", "number_of_requests", "requests_sent", "Requests"] {
        assert_eq!(
            figures(&format!(r#"{{"{name}": 12}}"#), Unit::Milliseconds).num_requests,
            Some(12),
            "{name}"
        );
        let beside = metrics(&format!(r#"{{"node_id": "n", "{name}": "12", "metrics": {{}}}}"#));
        assert_eq!(beside.classic.num_requests, Some(12), "{name}");
    }
    for nothing in ["\"\"", "null", "-3", "1.5", "99999999999999999999", "NaN", "Infinity", "\"many\""] {
        let read =
            figures(&format!(r#"{{"num_requests": {nothing}, "mean_latency": 1}}"#), Unit::Milliseconds);
        assert_eq!((read.num_requests, read.mean_ms), (None, Some(1.0)), "{nothing}");
    }
}

#[test]
fn figures_that_cannot_be_are_kept_and_marked() {
    for (inside, implausible) in [
        (r#"{"mean_latency": 5, "median_latency": 5, "min_latency": 5, "max_latency": 5}"#, false),
        (r#"{"mean_latency": 0, "median_latency": 0, "min_latency": 0, "max_latency": 0}"#, false),
        (r#"{"mean_latency": 5, "min_latency": 5.000000000001}"#, false),
        (r#"{"mean_latency": 5, "min_latency": 6}"#, true),
        (r#"{"mean_latency": 5, "max_latency": 4}"#, true),
        (r#"{"median_latency": 5, "max_latency": 4}"#, true),
        (r#"{"mode_latency": 5, "min_latency": 6}"#, true),
        (r#"{"min_latency": 5, "max_latency": 4}"#, true),
        (r#"{"mean_latency": -5}"#, true),
        (r#"{"num_requests": 5, "num_responses": 6}"#, true),
        (r#"{"num_requests": 5, "num_responses": 5}"#, false),
    ] {
        assert_eq!(figures(inside, Unit::Milliseconds).implausible, implausible, "{inside}");
    }
    assert_eq!(figures(r#"{"mean_latency": -5}"#, Unit::Milliseconds).mean_ms, Some(-5.0), "as sent");
}

#[test]
fn a_report_that_repeats_every_sample_is_read_quickly() {
    let samples = vec!["9.769796999989921"; 40_000].join(", ");
    let payload = format!(
        r#"{{"node_id": "n", "latencies": [{samples}], "metrics": {{"mean": 1, "all": [{samples}]}}}}"#
    );
    assert!(payload.len() > 1_400_000);
    assert_eq!(metrics(&payload).classic.mean_ms, Some(1.0));
}

/// A window of a driver that sends what wire.md lists, and nothing more of ours.
fn window(rest: &str) -> String {
    format!(
        r#"{{"node_id": "n", "test_id": "t", "report_id": "r", "metrics": {{"mean_latency": 0.5}}, "epoch": 9, "seq": 0,
        "window": {{"from": 1000000, "to": 2000000, "later": 1}}, "scheduled": 10, "sent": 8, "completed": 5, "failed": 2,
        "dropped": 2, "busy": 0.5 {rest}}}"#
    )
}

#[test]
fn a_window_needs_no_more_than_the_wire_lists() {
    let payload = window(
        r#", "errors": {"reset": 2, "of_a_later_version": 1}, "histograms": {"later": 7}, "extremes": {"later": [2, 1]}, "later": [1]"#,
    );
    let read_as = ReadAs::of(Unit::Seconds);
    let Ok(Inbound::Metrics(metrics)) = read(Topic::Metrics, Some(payload.as_bytes()), &read_as) else {
        panic!()
    };
    assert_eq!(metrics.classic.mean_ms, Some(0.5), "ours are milliseconds, whatever classic drivers send");
    let window = metrics.ours.unwrap();
    assert_eq!((window.epoch.0, window.seq, window.from_us, window.to_us), (9, 0, 1_000_000, 2_000_000));
    let counters = &window.figures.all.counters;
    assert_eq!(
        (counters.dropped_in_flight, counters.dropped_late),
        (0, 2),
        "without dropped_by, drops count as late"
    );
    assert_eq!((counters.completed_in_schedule, counters.errors.len()), (5, 1));
    assert!(!window.is_final && window.ending.is_none());
}

/// The counters of one name, within `by_request`.
fn of_a_name(sent: u64) -> String {
    format!(
        r#"{{"scheduled": {sent}, "sent": {sent}, "completed": 1, "failed": 1, "dropped": 0, "later": []}}"#
    )
}

#[test]
fn the_requests_of_each_name_are_read_and_never_more_than_all() {
    let read_window = |names: &str| {
        let payload = window(&format!(r#", "by_request": {names}"#));
        match read(Topic::Metrics, Some(payload.as_bytes()), &ReadAs::of(Unit::Seconds)) {
            Ok(Inbound::Metrics(metrics)) => Ok(metrics.ours.unwrap().figures),
            Err(rejected) => Err(rejected.to_string()),
            Ok(other) => panic!("{other:?}"),
        }
    };
    let figures =
        read_window(&format!(r#"{{"login": {}, "a/b.c": {}}}"#, of_a_name(5), of_a_name(3))).unwrap();
    let sent: Vec<(&str, u64)> =
        figures.named.iter().map(|(name, of)| (name.as_str(), of.counters.sent)).collect();
    assert_eq!((sent, figures.all.counters.sent), (vec![("a/b.c", 3), ("login", 5)], 8));
    assert!(read_window("null").unwrap().named.is_empty());

    let many = |n: usize| {
        let none = r#"{"scheduled": 0, "sent": 0, "completed": 0, "failed": 0, "dropped": 0}"#;
        let names: Vec<String> = (0..n).map(|n| format!(r#""r{n}": {none}"#)).collect();
        format!("{{{}}}", names.join(", "))
    };
    assert_eq!(read_window(&many(256)).unwrap().named.len(), 256);
    for (names, reason) in [
        (many(257), "more than 256 names"),
        (format!(r#"{{"a": {}, "b": {}}}"#, of_a_name(6), of_a_name(3)), "more than all requests"),
        (format!(r#"{{" ": {}}}"#, of_a_name(1)), "is empty"),
        (r#"{"a": {"scheduled": 1, "sent": 1, "completed": 1, "failed": 0}}"#.to_owned(), "dropped is missing"),
        (r#"{"a": [1]}"#.to_owned(), "is missing"),
        (r#"{"a": {"scheduled": 1, "sent": 1, "completed": 1, "failed": 0, "dropped": 0, "histograms": {"lag": "x"}}}"#.to_owned(), "histograms.lag"),
        ("7".to_owned(), "by_request = 7"),
    ] {
        let rejected = read_window(&names).unwrap_err();
        assert!(rejected.contains(reason), "{names}: {rejected}");
    }
}

#[test]
fn what_only_explains_a_window_never_costs_it() {
    for (rest, cpu, steal) in [
        ("", None, None),
        (r#", "cpu": 1, "steal": 0.25"#, Some(1.0), Some(0.25)),
        (r#", "cpu": null, "steal": "12 %""#, None, None),
        (r#", "cpu": 1.5, "steal": -0.1"#, None, None),
        (r#", "cpu": [1], "steal": {"share": 1}"#, None, None),
    ] {
        let machine = metrics(&window(rest)).ours.unwrap().machine;
        assert_eq!((machine.cpu, machine.steal), (cpu, steal), "{rest}");
    }
}

#[test]
fn a_broken_window_is_no_window() {
    for rest in [
        r#", "seq": -1"#,
        r#", "seq": 1e18"#,
        r#", "seq": 18446744073709551615"#,
        r#", "window": 7"#,
        r#", "window": {"from": 2, "to": 1}"#,
        r#", "window": {"from": -2, "to": 1}"#,
        r#", "sent": "8""#,
        r#", "sent": 18446744073709551615"#,
        r#", "bytes_received": 18446744073709551615"#,
        r#", "dropped_by": {"in_flight": 2, "late": 2}"#,
        r#", "dropped_by": {"in_flight": 18446744073709551615, "late": 3}"#,
        r#", "warmup": {"sent": 9}"#,
        r#", "completed_in_schedule": 6"#,
        r#", "status_codes": {"5xx": 1}"#,
        r#", "status_codes": {"200": 18446744073709551615}"#,
        r#", "errors": [1]"#,
        r#", "busy": 1.5"#,
        r#", "busy": -0.1"#,
        r#", "final": "true""#,
        r#", "ending": {"engine": 1}"#,
        r#", "histograms": []"#,
        r#", "histograms": {"response": "AAAA"}"#,
        r#", "histograms": {"response": "not base64"}"#,
        r#", "extremes": []"#,
        r#", "extremes": {"turn": [1]}"#,
        r#", "extremes": {"turn": [1, 2]}"#,
        r#", "warmup": {"errors": {"reset": 1}}"#,
        r#", "warmup": {"status_codes": {"200": 1}}"#,
        r#", "role": "orchestrator""#,
    ] {
        let record = rejected(Topic::Metrics, &window(rest), RejectReason::BadField);
        assert_eq!(record.node_id.unwrap().as_str(), "n");
    }
    for name in ["seq", "window", "scheduled", "sent", "completed", "failed", "dropped", "test_id"] {
        let payload = window("").replace(&format!("\"{name}\":"), "\"gone\":");
        let record = rejected(Topic::Metrics, &payload, RejectReason::MissingField);
        assert_eq!(record.detail, format!("{name} is missing"));
    }
}

/// Whatever a later, or an earlier, protocol means by the rest, its number and its drivers are read.
#[test]
fn a_config_of_another_protocol_is_read_as_far_as_it_takes_to_refuse_it() {
    let config = |ours: &str| {
        let payload = format!(
            r#"{{"test_id": "t", "test_type": "TSUNAMI", "test_message_delay": 1, "message_count_per_driver": 5{ours}}}"#
        );
        match of(Topic::TestConfig, &payload) {
            Ok(Inbound::TestConfig(config)) => *config,
            other => panic!("{other:?}"),
        }
    };
    let rest = r#""epoch": 7, "revision": 3, "plan": {"phases": []}, "assignments": {"d1": 9, "d2": {}}"#;
    for (ours, expected) in [
        (format!(r#", "protocol": 3, {rest}"#), Some(3)),
        (format!(r#", "protocol": "two", {rest}"#), None),
        (format!(", {rest}"), None),
    ] {
        let config = config(&ours);
        assert!(config.ours.is_none());
        let other = config.other_protocol.unwrap();
        assert_eq!((other.protocol, other.revision, other.epoch.0), (expected, 3, 7));
        assert_eq!(other.drivers.iter().map(|node| node.as_str()).collect::<Vec<_>>(), ["d1", "d2"]);
    }
    let classic = config("");
    assert!(classic.ours.is_none() && classic.other_protocol.is_none(), "it is somebody else's");
}

#[test]
fn a_node_of_ours_without_a_protocol_number_is_one_of_ours() {
    let Ok(Inbound::Register(register)) = of(Topic::Register, r#"{"node_id": "n", "epoch": 1}"#) else {
        panic!()
    };
    let ours = register.ours.unwrap();
    assert_eq!((ours.epoch.0, ours.protocol), (1, None));
}

#[test]
fn sessions_groups_and_polls_are_read_and_bounded() {
    let read_window = |rest: &str| {
        let payload = window(&format!(", {rest}"));
        match read(Topic::Metrics, Some(payload.as_bytes()), &ReadAs::of(Unit::Seconds)) {
            Ok(Inbound::Metrics(metrics)) => Ok(metrics.ours.unwrap().sessions),
            Err(rejected) => Err(rejected.to_string()),
            Ok(other) => panic!("{other:?}"),
        }
    };
    let all = read_window(
        r#""sessions": {"pay": {"started": 5, "failed": 1, "ended_at": {"confirm": 1}, "later": 7}},
           "groups": {"checkout": {"completed": 3}}, "polls": null"#,
    )
    .unwrap();
    let pay = &all.scenarios["pay"];
    assert_eq!((pay.counters.started, pay.counters.failed, pay.counters.completed), (5, 1, 0));
    assert_eq!((pay.ended_at["confirm"], pay.response.count(), all.polls.len()), (1, 0, 0));
    assert_eq!(all.groups.values().next().map(|of| of.completed), Some(3));
    assert!(read_window(r#""sessions": {}"#).unwrap().is_empty());

    let many = |field: &str, n: usize| {
        let names: Vec<String> = (0..n).map(|n| format!(r#""r{n}": {{}}"#)).collect();
        format!(r#""{field}": {{{}}}"#, names.join(", "))
    };
    let steps = |n: usize| {
        let steps: Vec<String> = (0..n).map(|n| format!(r#""s{n}": 1"#)).collect();
        format!(r#""sessions": {{"a": {{"ended_at": {{{}}}}}}}"#, steps.join(", "))
    };
    assert_eq!(read_window(&many("polls", 256)).unwrap().polls.len(), 256);
    assert_eq!(read_window(&steps(1_024)).unwrap().scenarios["a"].ended_at.len(), 1_024);
    for (rest, reason) in [
        (many("sessions", 257), "more than 256 names"),
        (many("groups", 257), "more than 256 names"),
        (steps(1_025), "more than 1024 steps"),
        (r#""sessions": 7"#.to_owned(), "sessions = 7"),
        (r#""sessions": {"a": 7}"#.to_owned(), "sessions = an object"),
        (r#""sessions": {" ": {}}"#.to_owned(), "is empty"),
        (r#""sessions": {"a": {"started": -1}}"#.to_owned(), "sessions = an object"),
        (r#""sessions": {"a": {"started": 18446744073709551615}}"#.to_owned(), "cannot be"),
        (r#""sessions": {"a": {"warmup": {"failed": 18446744073709551615}}}"#.to_owned(), "cannot be"),
        (r#""sessions": {"a": {"ended_at": {"b": 18446744073709551615}}}"#.to_owned(), "cannot be"),
        (r#""sessions": {"a": {"ended_at": {"": 1}}}"#.to_owned(), "is not the name of a step"),
        (r#""sessions": {"a": {"response": "x"}}"#.to_owned(), "base64"),
        (r#""sessions": {"a": {"extremes": [2, 1]}}"#.to_owned(), "not in order"),
        (r#""sessions": {"a": {"extremes": [1, 2]}}"#.to_owned(), "not in the first"),
        (r#""groups": {"a": {"completed": 18446744073709551615}}"#.to_owned(), "cannot be"),
        (r#""polls": {"a": {"response": 7}}"#.to_owned(), "polls = an object"),
    ] {
        let rejected = read_window(&rest).unwrap_err();
        assert!(rejected.contains(reason), "{rest}: {rejected}");
    }
}
