//! The wire as files: what the writer must produce for a message of ours, to the byte, and what the reader
//! must make of it. `UPDATE_GOLDEN=1` writes them anew, for a look at the difference.

use crate::messages;
use common::wire::{Inbound, Outbound, ReadAs, Topic, Unit, WriteError, read};

const READ_AS: ReadAs = ReadAs::of(Unit::Seconds);

#[track_caller]
fn check(name: &str, message: Outbound) {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let record = message.write().unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{}\n", record.payload)).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(without_histograms(&record.payload), without_histograms(golden.trim_end()), "{name}");
    let inbound = read(record.topic, Some(golden.as_bytes()), &READ_AS).unwrap();
    assert_eq!(inbound, messages::as_read(message), "{name}");
}

/// How well the samples are deflated is up to the build's zlib; that all are there is seen by reading them.
fn without_histograms(payload: &str) -> String {
    let mut parts = payload.split("\"HISTF");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.find('"').map_or("", |end| &part[end..]));
    }
    rest
}

#[test]
fn register_is_written_and_read_to_the_byte() {
    check("register", Outbound::Register(messages::register()));
    let classic = common::wire::Register { ours: None, ..messages::register() };
    check("register_classic", Outbound::Register(classic));
}

#[test]
fn test_config_is_written_and_read_to_the_byte() {
    check("test_config", Outbound::TestConfig(Box::new(messages::test_config())));
    let classic = common::wire::TestConfig { ours: None, ..messages::test_config() };
    check("test_config_classic", Outbound::TestConfig(Box::new(classic)));
}

#[test]
fn trigger_is_written_and_read_to_the_byte() {
    check("trigger", Outbound::Trigger(messages::trigger()));
    let stop =
        common::wire::Trigger { start: false, start_at_ms: None, revision: None, ..messages::trigger() };
    check("trigger_stop", Outbound::Trigger(stop));
    check("trigger_rate", Outbound::ChangeRate(messages::change_rate()));
}

#[test]
fn metrics_are_written_and_read_to_the_byte() {
    check("metrics", Outbound::Metrics(Box::new(messages::metrics(false))));
    check("metrics_final", Outbound::Metrics(Box::new(messages::metrics(true))));
    check("metrics_sessions", Outbound::Metrics(Box::new(messages::metrics_of_sessions())));
}

#[test]
fn heartbeat_is_written_and_read_to_the_byte() {
    check("heartbeat", Outbound::Heartbeat(Box::new(messages::heartbeat())));
    check("heartbeat_orchestrator", Outbound::Heartbeat(Box::new(messages::orchestrator_heartbeat())));
}

/// The one record of ours that is plain text: without quotes, and with nothing around it.
#[test]
fn an_end_word_is_written_as_it_is_and_read_as_an_end_word() {
    let node_id = common::ids::NodeId::new("d-1").unwrap();
    let message = Outbound::EndWord { node_id, word: "EOFBREAK".to_owned() };
    let record = message.write().unwrap();
    assert_eq!((record.topic, &*record.key, &*record.payload), (Topic::Metrics, "d-1", "EOFBREAK"));
    assert_eq!(read(record.topic, Some(record.payload.as_bytes()), &READ_AS), Ok(messages::as_read(message)));
}

/// Other programs know these names and no others.
#[test]
fn the_classic_fields_are_all_there() {
    for (message, fields) in [
        (Outbound::Register(messages::register()), vec!["/node_id", "/node_IP", "/message_type"]),
        (
            Outbound::TestConfig(Box::new(messages::test_config())),
            vec![
                "/test_id",
                "/test_type",
                "/test_message_delay",
                "/message_count_per_driver",
                "/target_url",
                "/target_server_ip",
                "/test_server",
                "/num_drivers",
            ],
        ),
        (Outbound::Trigger(messages::trigger()), vec!["/test_id", "/trigger"]),
        (
            Outbound::Metrics(Box::new(messages::metrics(false))),
            vec![
                "/node_id",
                "/test_id",
                "/report_id",
                "/metrics/mean_latency",
                "/metrics/median_latency",
                "/metrics/min_latency",
                "/metrics/max_latency",
                "/test_status",
            ],
        ),
        (Outbound::Heartbeat(Box::new(messages::heartbeat())), vec!["/node_id", "/heartbeat", "/timestamp"]),
    ] {
        let record = message.write().unwrap();
        let json: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
        for field in fields {
            assert!(
                json.pointer(field).is_some_and(|value| !value.is_null()),
                "{field} of {}",
                record.topic.as_str()
            );
        }
        let id = json.get("node_id").or(json.get("test_id")).unwrap();
        assert_eq!(id, &record.key);
    }
}

#[test]
fn before_the_first_answer_the_latencies_are_zero() {
    let mut metrics = messages::metrics(false);
    metrics.classic = common::wire::ClassicMetrics::default();
    metrics.report_id = None;
    let record = Outbound::Metrics(Box::new(metrics)).write().unwrap();
    let json: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
    let expected = serde_json::json!({"mean_latency": 0.0, "median_latency": 0.0, "min_latency": 0.0, "max_latency": 0.0});
    assert_eq!(json["metrics"], expected);
    assert_eq!(json["report_id"], "t-1_d-1_1795456638864_7", "built from the fields that identify a window");
}

#[test]
fn nothing_that_is_not_valid_is_written() {
    let mut nowhere = messages::register();
    nowhere.address = None;
    assert_eq!(Outbound::Register(nowhere).write(), Err(WriteError::Missing("node_IP")));

    let mut timeless = messages::heartbeat();
    timeless.sent_at_us = None;
    assert_eq!(Outbound::Heartbeat(Box::new(timeless)).write(), Err(WriteError::Missing("timestamp")));

    let mut nameless = messages::metrics(false);
    nameless.test_id = None;
    assert_eq!(Outbound::Metrics(Box::new(nameless)).write(), Err(WriteError::Missing("test_id")));

    let mut endless = messages::test_config();
    endless.classic.delay = f64::INFINITY;
    let written = Outbound::TestConfig(Box::new(endless)).write();
    assert_eq!(written, Err(WriteError::NotFinite("test_message_delay")));

    let mut heavy = messages::test_config();
    heavy.ours.as_mut().unwrap().plan.request.body = vec![1; 512 * 1024];
    let written = Outbound::TestConfig(Box::new(heavy)).write();
    assert!(matches!(written, Err(WriteError::TooLarge { bytes: 3_000_000.., .. })), "{written:?}");
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    for message in [
        Outbound::Register(messages::register()),
        Outbound::TestConfig(Box::new(messages::test_config())),
        Outbound::Trigger(messages::trigger()),
        Outbound::ChangeRate(messages::change_rate()),
        Outbound::Metrics(Box::new(messages::metrics(true))),
        Outbound::Metrics(Box::new(messages::metrics_of_sessions())),
        Outbound::Heartbeat(Box::new(messages::heartbeat())),
    ] {
        let record = message.write().unwrap();
        // Into every object but the plan, which is taken to the letter or refused.
        let mut json: serde_json::Value = serde_json::from_str(&record.payload).unwrap();
        let paths = [
            "",
            "/metrics",
            "/window",
            "/ending",
            "/dropped_by",
            "/warmup",
            "/errors",
            "/warmup/errors",
            "/assignments/d-1",
            "/sessions/pay",
            "/sessions/pay/warmup",
            "/groups/checkout",
            "/by_request/create",
        ];
        for path in paths {
            if let Some(object) = json.pointer_mut(path).and_then(serde_json::Value::as_object_mut) {
                object.insert("later".to_owned(), serde_json::json!(1));
            }
        }
        if let Some(extremes) = json.get_mut("extremes") {
            extremes["later"] = serde_json::json!([1, 2]);
        }
        let inbound: Inbound = read(record.topic, Some(json.to_string().as_bytes()), &READ_AS).unwrap();
        assert_eq!(inbound, messages::as_read(message));
    }
}
