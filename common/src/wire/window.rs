//! What our own drivers add to metrics, and in part to heartbeats: windows, counters and histograms. Read
//! strictly: one impossible figure rejects the whole record, so that no total counts half a record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{Fields, bad, missing};
use super::names;
use super::numbers::{MAX_COUNT, MAX_UNIX_US};
use super::reject::Rejected;
use super::sessions;
use super::{Ending, MAX_STOPPED, MachineLoad, Window};
use crate::clock::UnixMicros;
use crate::counters::{Counters, ErrorKind, WarmupCounters};
use crate::figures::{ByRequest, Figures, MAX_REQUEST_NAMES};
use crate::ids::{Epoch, RequestName};
use crate::latency::{Encoder, Latencies, Latency, LatencyKind};
use crate::tls_cause::TlsCause;

/// Highest sequence number of a window: four months of seconds. The list of missing windows relies on this bound.
const MAX_SEQ: u64 = 10_000_000;

/// The counters that every record with counters has.
pub(super) const COUNTER_NAMES: [&str; 5] = ["scheduled", "sent", "completed", "failed", "dropped"];

/// When a window was.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) from: UnixMicros,
    pub(super) to: UnixMicros,
}

/// Why ticks were not sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct DroppedBy {
    pub(super) in_flight: u64,
    pub(super) late: u64,
}

/// Reads our additions to metrics.
pub(super) fn read(fields: &Fields, epoch: Epoch) -> Result<Window, Rejected> {
    let head = head(fields, epoch)?;
    Ok(Window { figures: by_request(fields)?, ..head })
}

/// Reads all but the figures, which are left empty.
pub(super) fn head(fields: &Fields, epoch: Epoch) -> Result<Window, Rejected> {
    let seq = fields.required("seq")?;
    if seq > MAX_SEQ {
        return Err(bad("seq", &Value::from(seq), "more windows than a test has"));
    }
    let span: Span = fields.required("window")?;
    if !(0 <= span.from && span.from <= span.to && span.to <= MAX_UNIX_US) {
        return Err(bad("window", &Value::from(span.from), "is not a span of time in Unix µs"));
    }
    let busy = fields.ours("busy")?.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&busy) {
        return Err(bad("busy", &Value::from(busy), "is not a share from 0 to 1"));
    }
    let users: Option<u64> = fields.ours("users")?;
    if let Some(users) = users.filter(|users| *users > MAX_COUNT) {
        return Err(bad("users", &Value::from(users), "are more than can be"));
    }
    Ok(Window {
        epoch,
        seq,
        from_us: span.from,
        to_us: span.to,
        figures: ByRequest::default(),
        sessions: sessions::read(fields)?,
        users,
        busy,
        machine: MachineLoad {
            cpu: share(fields, "cpu"),
            steal: share(fields, "steal"),
            wait: share(fields, "wait"),
            stopped: stopped(fields),
        },
        is_final: fields.ours("final")?.unwrap_or(false),
        ending: fields.ours::<Ending>("ending")?,
    })
}

/// Reads the figures of all requests, and those of each name where the test has names.
fn by_request(fields: &Fields) -> Result<ByRequest<Figures>, Rejected> {
    each_of(fields, figures, |figures| &figures.counters)
}

/// Reads the counters alone.
pub(super) fn counters_by_request(fields: &Fields) -> Result<ByRequest<Counters>, Rejected> {
    each_of(fields, counters, |counters| counters)
}

/// Reads something of all requests, and of those of each name; `counted`: the counters in it.
fn each_of<T>(
    fields: &Fields,
    read: fn(&Fields) -> Result<T, Rejected>,
    counted: fn(&T) -> &Counters,
) -> Result<ByRequest<T>, Rejected> {
    let all = read(fields)?;
    let objects: BTreeMap<RequestName, Value> = fields.ours("by_request")?.unwrap_or_default();
    let whole = fields.get("by_request").unwrap_or(&Value::Null);
    if objects.len() > MAX_REQUEST_NAMES {
        return Err(bad("by_request", whole, format!("has more than {MAX_REQUEST_NAMES} names")));
    }
    let of =
        |(name, object): (RequestName, Value)| Ok((name, read(&Fields::within(&object, names::FIGURES))?));
    let named = objects.into_iter().map(of).collect::<Result<BTreeMap<_, _>, Rejected>>()?;
    // Each request has one name, and one more where it is split: together they cannot have more than there are.
    let have_more = |parts: bool| {
        let mut sum = Counters::default();
        let summed = named.iter().filter(|(name, _)| name.is_part() == parts);
        summed.for_each(|(_, of)| sum += counted(of));
        let all = counted(&all);
        sum.scheduled > all.scheduled
            || sum.sent > all.sent
            || sum.completed > all.completed
            || sum.failed > all.failed
    };
    if have_more(false) || have_more(true) {
        return Err(bad("by_request", whole, "counts more than all requests"));
    }
    Ok(ByRequest { all, named })
}

fn figures(fields: &Fields) -> Result<Figures, Rejected> {
    Ok(Figures { counters: counters(fields)?, latencies: latencies(fields)? })
}

/// A share that only explains other figures: an impossible one counts as absent, and does not reject the record.
fn share(fields: &Fields, name: &str) -> Option<f64> {
    fields.get(name).and_then(Value::as_f64).filter(|share| (0.0..=1.0).contains(share))
}

/// Pauses of the sender. They too only explain other figures: an impossible one is left out.
fn stopped(fields: &Fields) -> Vec<(UnixMicros, UnixMicros)> {
    let pauses = fields.get("stopped").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let read = |pause: &Value| {
        let (from, to) = (pause.get(0)?.as_i64()?, pause.get(1)?.as_i64()?);
        (0 <= from && from <= to && to <= MAX_UNIX_US).then_some((from, to))
    };
    pauses.iter().take(MAX_STOPPED).filter_map(read).collect()
}

/// Reads cumulative counters. Every driver sends five; ours send more. For a sender of the five alone, the missing
/// ones get the more cautious value.
pub(super) fn counters(fields: &Fields) -> Result<Counters, Rejected> {
    let [scheduled, sent, completed, failed, dropped] =
        [0, 1, 2, 3, 4].map(|i| fields.required::<u64>(COUNTER_NAMES[i]));
    let (completed, dropped) = (completed?, dropped?);
    // Without `dropped_by`, blame ourselves (late) rather than the target (in flight).
    let by = fields.ours("dropped_by")?.unwrap_or(DroppedBy { in_flight: 0, late: dropped });
    if by.in_flight.checked_add(by.late) != Some(dropped) {
        return Err(bad("dropped", &Value::from(dropped), "is not the sum of dropped_by"));
    }
    let warmup: WarmupCounters = fields.ours("warmup")?.unwrap_or_default();
    let counters = Counters {
        scheduled: scheduled?,
        sent: sent?,
        completed,
        failed: failed?,
        dropped_in_flight: by.in_flight,
        dropped_late: by.late,
        closed_on_reuse: fields.ours("closed_on_reuse")?.unwrap_or(0),
        bytes_received: fields.ours("bytes_received")?.unwrap_or(0),
        completed_in_schedule: fields
            .ours("completed_in_schedule")?
            .unwrap_or(completed.saturating_sub(warmup.completed)),
        short_gaps: fields.ours("short_gaps")?.unwrap_or(0),
        errors: ErrorKind::known(fields.ours("errors")?.unwrap_or_default()),
        tls_causes: TlsCause::known(fields.ours("tls_causes")?.unwrap_or_default()),
        status_codes: fields.ours("status_codes")?.unwrap_or_default(),
        warmup,
    };
    check(&counters)?;
    Ok(counters)
}

/// Rejects counts whose sum over a fleet could overflow, and parts larger than their whole.
fn check(counters: &Counters) -> Result<(), Rejected> {
    let Counters { scheduled, sent, completed, failed, dropped_in_flight, dropped_late, warmup, .. } =
        counters;
    let whole_and_warmup = [
        ("scheduled", *scheduled, warmup.scheduled),
        ("sent", *sent, warmup.sent),
        ("completed", *completed, warmup.completed),
        ("failed", *failed, warmup.failed),
        ("dropped_by.in_flight", *dropped_in_flight, warmup.dropped_in_flight),
        ("dropped_by.late", *dropped_late, warmup.dropped_late),
        ("warmup.failed", *failed, warmup.cancelled),
        ("closed_on_reuse", counters.closed_on_reuse, warmup.closed_on_reuse),
        ("short_gaps", counters.short_gaps, warmup.short_gaps),
        ("completed_in_schedule", *completed, counters.completed_in_schedule),
        ("closed_on_reuse", *failed, counters.closed_on_reuse),
        ("bytes_received", counters.bytes_received, 0),
        ("short_gaps", counters.short_gaps, 0),
    ];
    for (name, whole, part) in whole_and_warmup {
        if whole > MAX_COUNT || part > whole {
            return Err(bad(name, &Value::from(whole), format!("cannot be, with {part} of it")));
        }
    }
    check_each("errors", &counters.errors, &warmup.errors)?;
    check_each("tls_causes", &counters.tls_causes, &BTreeMap::new())?;
    check_each("status_codes", &counters.status_codes, &warmup.status_codes)
}

fn check_each<K: Ord>(
    name: &str,
    whole: &BTreeMap<K, u64>,
    warmup: &BTreeMap<K, u64>,
) -> Result<(), Rejected> {
    let whole_of = |key: &K| whole.get(key).copied().unwrap_or(0);
    let too_many = whole.values().copied().find(|n| *n > MAX_COUNT);
    let more_than_all = warmup.iter().find(|(key, n)| **n > whole_of(key)).map(|(_, n)| *n);
    match too_many.or(more_than_all) {
        Some(n) => Err(bad(name, &Value::from(n), "cannot be")),
        None => Ok(()),
    }
}

/// Reads this window's histograms and, where the sender gives them, their exact extremes; kinds of a later version are
/// ignored.
fn latencies(fields: &Fields) -> Result<Latencies, Rejected> {
    let texts: BTreeMap<String, Value> = fields.ours("histograms")?.unwrap_or_default();
    let mut latencies = Latencies::new();
    for kind in LatencyKind::ALL {
        let Some(value) = texts.get(kind.as_str()).filter(|value| !value.is_null()) else { continue };
        let name = format!("histograms.{}", kind.as_str());
        let text = value.as_str().ok_or_else(|| missing(&name))?;
        *latencies.of_mut(kind) = Latency::decode(text).map_err(|error| bad(&name, value, error))?;
    }
    if let Some(extremes) = fields.ours("extremes")? {
        let value = fields.get("extremes").unwrap_or(&Value::Null);
        latencies.set_extremes(&extremes).map_err(|error| bad("extremes", value, error))?;
    }
    Ok(latencies)
}

/// The histograms that the requests of one name have on the wire: all that figures by name need.
pub(super) const OF_A_NAME: &[LatencyKind] =
    &[LatencyKind::Service, LatencyKind::Response, LatencyKind::FailedService, LatencyKind::FailedResponse];

/// This window's histograms of some kinds as texts, the empty ones left out.
pub(super) fn histograms(
    latencies: &Latencies,
    kinds: &[LatencyKind],
    encoder: &mut Encoder,
) -> BTreeMap<&'static str, String> {
    kinds
        .iter()
        .copied()
        .filter(|kind| !latencies.of(*kind).is_empty())
        .map(|kind| (kind.as_str(), encoder.text(latencies.of(kind))))
        .collect()
}
