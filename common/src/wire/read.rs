//! The tolerant reader of what other people's programs really send. Classic fields are optional one by one. Our own
//! fields, which a record with an `epoch` has, must all be valid, or the record is rejected.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, bad, missing};
use super::names::names;
use super::numbers::{self, MAX_COUNT, MAX_UNIX_US, count, number, short_text, yes_or_no};
use super::parse::{Payload, parse};
use super::reject::Rejected;
use super::steps;
use super::window::{self, COUNTER_NAMES};
use super::{
    ChangeRate, ClassicConfig, ClassicMetrics, ConfigOurs, Heartbeat, HeartbeatOurs, Inbound, Metrics,
    OtherProtocol, PROTOCOL, ReadAs, Register, RegisterOurs, TestConfig, TestType, Topic, Trigger, Unit,
};
use crate::ids::{Epoch, IdError, NodeId, TestId};
use crate::plan::{self, RateChange, is_rate};

/// The word of a record that changes the rate of a running test.
pub(super) const RATE: &str = "RATE";

/// Most bytes of a target's URL in a classic test_config.
const MAX_URL_BYTES: usize = 8 * 1024;

/// Most labels of a node.
const MAX_LABELS: usize = 256;

/// Reads a record's payload.
///
/// # Errors
/// Where it cannot be used; the caller counts it, logs it once a reason and source, and goes on.
pub fn read(topic: Topic, payload: Option<&[u8]>, read_as: &ReadAs) -> Result<Inbound, Rejected> {
    let fields = match parse(payload, &names(topic))? {
        Payload::Word(word) => return Ok(Inbound::EndWord(word)),
        Payload::Object(fields) => fields,
    };
    let nameless = fields.get("node_id").is_none() && fields.get("test_id").is_none();
    if nameless && fields.has("kill") {
        return Ok(Inbound::EndWord("kill".to_owned()));
    }
    let inbound = match topic {
        Topic::Register => register(&fields).map(Inbound::Register),
        Topic::TestConfig => test_config(&fields).map(|config| Inbound::TestConfig(Box::new(config))),
        Topic::Trigger if changes_rate(&fields) => change_rate(&fields).map(Inbound::ChangeRate),
        Topic::Trigger => trigger(&fields).map(Inbound::Trigger),
        Topic::Metrics => metrics(&fields, read_as).map(|metrics| Inbound::Metrics(Box::new(metrics))),
        Topic::Heartbeat => heartbeat(&fields).map(|beat| Inbound::Heartbeat(Box::new(beat))),
    };
    inbound.map_err(|rejected| Rejected { node_id: node_id(&fields).ok(), ..rejected })
}

pub(super) fn node_id(fields: &Fields) -> Result<NodeId, Rejected> {
    needed_id(fields, "node_id", NodeId::new)
}

fn test_id(fields: &Fields) -> Result<TestId, Rejected> {
    needed_id(fields, "test_id", TestId::new)
}

fn needed_id<T>(
    fields: &Fields,
    name: &str,
    new: impl Fn(&str) -> Result<T, IdError>,
) -> Result<T, Rejected> {
    let value = fields.get(name).ok_or_else(|| missing(name))?;
    let id = id(value, new).map_err(|reason| bad(name, value, reason))?;
    id.ok_or_else(|| missing(name))
}

/// An id, from a text or a number; an empty text counts as missing.
fn id<T>(value: &Value, new: impl Fn(&str) -> Result<T, IdError>) -> Result<Option<T>, String> {
    let id = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => new(text),
        Value::Number(number) => new(&number.to_string()),
        _ => return Err("is not a valid id".to_owned()),
    };
    id.map(Some).map_err(|error| error.to_string())
}

/// The id of a test that a node names, where it names one: `0` and an empty text name none.
pub(super) fn named_test(value: &Value) -> Result<Option<TestId>, String> {
    Ok(id(value, TestId::new)?.filter(|id| id.as_str() != "0"))
}

/// The epoch, which marks our own records. A value that cannot be our epoch is another program's extra field.
pub(super) fn epoch(fields: &Fields) -> Option<Epoch> {
    fields.get("epoch").and_then(Value::as_u64).filter(|epoch| *epoch <= MAX_COUNT).map(Epoch)
}

/// Rejects a record whose role is orchestrator where only drivers are expected: an orchestrator is never listed as a
/// driver.
fn refuse_orchestrators(fields: &Fields) -> Result<(), Rejected> {
    match fields.get("role") {
        Some(role) if role == "orchestrator" => Err(bad("role", role, "an orchestrator is not a driver")),
        _ => Ok(()),
    }
}

fn register(fields: &Fields) -> Result<Register, Rejected> {
    refuse_orchestrators(fields)?;
    let ours = epoch(fields).map(|_| register_ours(fields)).transpose()?;
    Ok(Register { node_id: node_id(fields)?, address: fields.get("node_IP").and_then(short_text), ours })
}

fn register_ours(fields: &Fields) -> Result<RegisterOurs, Rejected> {
    let ours: RegisterOurs = fields.read()?;
    if ours.labels.len() > MAX_LABELS {
        return Err(bad("labels", &Value::from(ours.labels.len()), "more labels than a node has"));
    }
    if let Some(rate) = ours.max_rate.filter(|rate| rate.is_nan() || *rate <= 0.0) {
        return Err(bad("max_rate", &Value::from(rate), "is not a rate"));
    }
    Ok(ours)
}

fn test_config(fields: &Fields) -> Result<TestConfig, Rejected> {
    let test_id = test_id(fields)?;
    let classic = classic_config(fields)?;
    let mut config = TestConfig { test_id, classic, ours: None, other_protocol: None };
    let Some(epoch) = epoch(fields) else { return Ok(config) };
    // Checked first: the plan and the shares of another protocol may not be readable at all.
    let protocol = fields.get("protocol").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    if protocol == Some(PROTOCOL) {
        config.ours = Some(config_ours(fields, epoch)?);
    } else {
        let revision = fields.required("revision")?;
        let shares = fields.get("assignments").and_then(Value::as_object);
        let drivers = shares.into_iter().flatten().filter_map(|(node, _)| NodeId::new(node).ok()).collect();
        config.other_protocol = Some(OtherProtocol { protocol, revision, epoch, drivers });
    }
    Ok(config)
}

fn classic_config(fields: &Fields) -> Result<ClassicConfig, Rejected> {
    let test_type = fields.get("test_type").ok_or_else(|| missing("test_type"))?;
    let test_type = match test_type.as_str().map(|name| name.trim().to_ascii_uppercase()).as_deref() {
        Some("AVALANCHE") => TestType::Avalanche,
        Some("TSUNAMI") => TestType::Tsunami,
        _ => return Err(bad("test_type", test_type, "is neither AVALANCHE nor TSUNAMI")),
    };
    let delay = match filled(fields, "test_message_delay") {
        Some(value) => number(value)
            .filter(|delay| *delay >= 0.0)
            .ok_or_else(|| bad("test_message_delay", value, "is not a valid delay"))?,
        None if test_type == TestType::Avalanche => 0.0,
        None => return Err(missing("test_message_delay")),
    };
    let message_count =
        filled(fields, "message_count_per_driver").ok_or_else(|| missing("message_count_per_driver"))?;
    let message_count = count(message_count)
        .ok_or_else(|| bad("message_count_per_driver", message_count, "is not a valid count"))?;
    let num_drivers = fields.get("num_drivers").and_then(count).and_then(|n| u32::try_from(n).ok());
    Ok(ClassicConfig { test_type, delay, message_count, target_url: target_url(fields)?, num_drivers })
}

/// A field that has a value: neither null nor an empty text.
fn filled<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
}

/// The target, from the first of the three fields that holds a text.
fn target_url(fields: &Fields) -> Result<Option<String>, Rejected> {
    for name in ["target_url", "target_server_ip", "test_server"] {
        let Some(value) = filled(fields, name) else { continue };
        let Some(url) = value.as_str().map(str::trim) else { continue };
        if url.len() > MAX_URL_BYTES || url.chars().any(char::is_control) {
            return Err(bad(name, value, "is not a valid URL"));
        }
        return Ok(Some(url.to_owned()));
    }
    Ok(None)
}

fn config_ours(fields: &Fields, epoch: Epoch) -> Result<ConfigOurs, Rejected> {
    let plan = fields.get("plan").ok_or_else(|| missing("plan"))?;
    let plan = plan::read_value(plan).map_err(|faults| {
        let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        bad("plan", plan, faults)
    })?;
    let ours = ConfigOurs {
        revision: fields.required("revision")?,
        epoch,
        plan,
        assignments: fields.required("assignments")?,
    };
    for (node, share) in &ours.assignments {
        let rate = share.rate_per_s.is_none_or(|rate| rate.is_finite() && rate > 0.0);
        let ceiling = share.target_throughput.is_none_or(|rate| rate.is_finite() && rate > 0.0);
        let fleet = share.fleet.is_none_or(|fleet| {
            fleet.rate_per_s.is_finite()
                && fleet.rate_per_s > 0.0
                && fleet.requests.is_none_or(|n| n <= MAX_COUNT)
        });
        let requests = share.requests.is_none_or(|n| n <= MAX_COUNT);
        let stages = share.stages_times.is_none_or(|times| times == 1 || times == share.of);
        if share.index >= share.of || !rate || !ceiling || !requests || !fleet || !stages {
            return Err(bad("assignments", &Value::from(node.as_str()), "its share makes no sense"));
        }
    }
    Ok(ours)
}

/// Whether a record of the topic trigger changes the rate of a running test.
fn changes_rate(fields: &Fields) -> bool {
    fields.get("trigger").and_then(Value::as_str) == Some(RATE)
}

fn change_rate(fields: &Fields) -> Result<ChangeRate, Rejected> {
    let rate_per_s: f64 = fields.required("rate")?;
    let number: u32 = fields.required("change")?;
    let at_us: i64 = fields.required("at")?;
    let wrong = |name: &str, reason: &str| {
        let value = fields.get(name).cloned().unwrap_or_default();
        bad(name, &value, reason)
    };
    if !is_rate(rate_per_s) {
        return Err(wrong("rate", "is not a rate that a plan may have"));
    }
    if number == 0 {
        return Err(wrong("change", "changes are counted from 1"));
    }
    if !(0..=MAX_UNIX_US).contains(&at_us) {
        return Err(wrong("at", "is not an instant in Unix µs"));
    }
    let change = RateChange { number, rate_per_s, at_us };
    Ok(ChangeRate { test_id: test_id(fields)?, revision: fields.required("revision")?, change })
}

fn trigger(fields: &Fields) -> Result<Trigger, Rejected> {
    let test_id = test_id(fields)?;
    let word = fields.get("trigger").ok_or_else(|| missing("trigger"))?;
    let start = yes_or_no(word).ok_or_else(|| bad("trigger", word, "is neither YES nor NO"))?;
    let revision = fields.get("revision").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    let start_at_ms =
        fields.get("start_at").and_then(Value::as_u64).filter(|ms| *ms <= (MAX_UNIX_US / 1_000) as u64);
    // Without a revision the record is another program's, and its `start_at` is ignored.
    if let (Some(_), Some(value), None) = (revision, fields.get("start_at"), start_at_ms) {
        return Err(bad("start_at", value, "is not an instant in Unix ms"));
    }
    // So is what it calls `setup`.
    let setup = match revision {
        Some(_) => fields.ours::<BTreeMap<String, String>>("setup")?.unwrap_or_default(),
        None => BTreeMap::new(),
    };
    steps::check_values(&setup).map_err(|reason| bad("setup", &Value::from(setup.len()), reason))?;
    Ok(Trigger { test_id, start, start_at_ms, revision, setup })
}

fn metrics(fields: &Fields, read_as: &ReadAs) -> Result<Metrics, Rejected> {
    refuse_orchestrators(fields)?;
    let node_id = node_id(fields)?;
    let test_id = match fields.get("test_id") {
        Some(value) => named_test(value).map_err(|reason| bad("test_id", value, reason))?,
        None => None,
    };
    let ours = epoch(fields).map(|epoch| window::read(fields, epoch).map(Box::new)).transpose()?;
    if ours.is_some() && test_id.is_none() {
        return Err(missing("test_id"));
    }
    let unit = if ours.is_some() { Unit::Milliseconds } else { read_as.latency_unit(&node_id) };
    let mut classic = classic_metrics(fields, unit);
    classic.complete |= ours.as_ref().is_some_and(|window| window.is_final);
    Ok(Metrics { node_id, test_id, report_id: fields.get("report_id").and_then(short_text), classic, ours })
}

fn classic_metrics(fields: &Fields, unit: Unit) -> ClassicMetrics {
    let latency = |names: [&str; 2]| fields.figure(&names, |value| numbers::latency_ms(value, unit));
    let counted = |names: &[&str]| fields.figure(names, count);
    let status = fields.figure(&["test_status"], short_text).unwrap_or_default();
    let mut metrics = ClassicMetrics {
        mean_ms: latency(["mean_latency", "mean"]),
        median_ms: latency(["median_latency", "median"]),
        min_ms: latency(["min_latency", "min"]),
        max_ms: latency(["max_latency", "max"]),
        mode_ms: latency(["mode_latency", "mode"]),
        num_requests: counted(&["num_requests", "number_of_requests", "requests_sent", "requests"]),
        num_responses: counted(&["num_responses", "number_of_responses", "responses_received", "responses"]),
        num_errors: counted(&["num_errors", "number_of_errors", "errors"]),
        implausible: false,
        complete: ["complete", "completed", "done", "end", "ended", "finished"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(&status)),
    };
    metrics.implausible = is_implausible(&metrics);
    metrics
}

/// Whether the figures contradict each other, beyond what rounding explains.
fn is_implausible(metrics: &ClassicMetrics) -> bool {
    let above = |a: Option<f64>, b: Option<f64>| {
        a.zip(b).is_some_and(|(a, b)| a > b + 1e-9 * a.abs().max(b.abs()).max(1e-3))
    };
    let (min, max) = (metrics.min_ms, metrics.max_ms);
    let middles = [metrics.mean_ms, metrics.median_ms, metrics.mode_ms];
    let too_many = |part: Option<u64>| part.zip(metrics.num_requests).is_some_and(|(part, all)| part > all);
    middles.iter().chain([&min, &max]).flatten().any(|ms| *ms < 0.0)
        || middles.iter().any(|middle| above(min, *middle) || above(*middle, max))
        || above(min, max)
        || too_many(metrics.num_responses)
        || too_many(metrics.num_errors)
}

fn heartbeat(fields: &Fields) -> Result<Heartbeat, Rejected> {
    let ours = epoch(fields).map(|_| heartbeat_ours(fields)).transpose()?;
    if ours.is_none() {
        refuse_orchestrators(fields)?;
    }
    Ok(Heartbeat {
        node_id: node_id(fields)?,
        // A heartbeat with any word means alive; only a plain no means leaving.
        alive: fields.get("heartbeat").and_then(yes_or_no).unwrap_or(true),
        sent_at_us: fields.get("timestamp").and_then(numbers::instant_us),
        ours,
    })
}

fn heartbeat_ours(fields: &Fields) -> Result<HeartbeatOurs, Rejected> {
    let ours: HeartbeatOurs = fields.read()?;
    if let Some(report) = &ours.steps {
        report.check().map_err(|reason| bad("steps", &Value::from(report.test_id.as_str()), reason))?;
    }
    let counted = COUNTER_NAMES.iter().any(|name| fields.get(name).is_some());
    Ok(HeartbeatOurs { counters: counted.then(|| window::counters(fields)).transpose()?, ..ours })
}
