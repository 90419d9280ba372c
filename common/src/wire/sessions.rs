//! What our own drivers add to metrics where a plan has several requests: sessions, groups and polls of one window. Each
//! shape stands here once, for the writer and for the reader. Read strictly, as all that is counted: one impossible
//! figure rejects the whole record.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{Fields, bad};
use super::numbers::MAX_COUNT;
use super::reject::Rejected;
use crate::figures::MAX_REQUEST_NAMES;
use crate::ids::RequestName;
use crate::latency::{Encoder, Extremes, Latency};
use crate::session_figures::{
    AllSessions, MAX_STEPS, OTHER_STEPS, PassFigures, SessionCounters, SessionFigures, SharedCounters,
};

/// Longest name of a step: a request's name after those of the flows and groups around it.
const MAX_STEP_BYTES: usize = 1_024;

/// One scenario's sessions, as they stand on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ScenarioRecord {
    #[serde(flatten)]
    counters: SessionCounters,
    #[serde(default, skip_serializing_if = "is_nothing")]
    warmup: SessionCounters,
    #[serde(flatten)]
    response: ResponseRecord,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ended_at: BTreeMap<String, u64>,
}

/// A group's passes, or a request's polls, as they stand on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PassRecord {
    #[serde(default)]
    completed: u64,
    #[serde(default)]
    failed: u64,
    #[serde(flatten)]
    response: ResponseRecord,
}

/// A histogram and its exact smallest and largest sample, µs; both are absent where it is empty.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ResponseRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extremes: Option<[u64; 2]>,
}

fn is_nothing(counters: &SessionCounters) -> bool {
    *counters == SessionCounters::default()
}

impl ResponseRecord {
    fn of(latency: &Latency, encoder: &mut Encoder) -> Self {
        if latency.is_empty() {
            return Self::default();
        }
        Self { response: Some(encoder.text(latency)), extremes: latency.extremes().both() }
    }

    fn latency(&self) -> Result<Latency, String> {
        let mut latency = match &self.response {
            Some(text) => Latency::decode(text).map_err(|error| error.to_string())?,
            None => Latency::new(),
        };
        if let Some([min_us, max_us]) = self.extremes {
            let extremes = Extremes::new(min_us, max_us).ok_or("extremes are not in order")?;
            latency.set_extremes(extremes).map_err(|error| error.to_string())?;
        }
        Ok(latency)
    }
}

/// The sessions of each scenario, to be written. `encoder`: `None` leaves the histograms out.
pub(super) fn scenarios<'a>(
    all: &'a AllSessions,
    mut encoder: Option<&mut Encoder>,
) -> BTreeMap<&'a str, ScenarioRecord> {
    let mut room = MAX_STEPS;
    let mut record = |of: &SessionFigures| ScenarioRecord {
        counters: of.counters,
        warmup: of.warmup,
        response: response(&of.response, encoder.as_deref_mut()),
        ended_at: within(&of.ended_at, &mut room),
    };
    all.scenarios.iter().map(|(name, of)| (name.as_str(), record(of))).collect()
}

/// Steps as far as there is room for them in a window; the others together as one.
fn within(ended_at: &BTreeMap<String, u64>, room: &mut usize) -> BTreeMap<String, u64> {
    if ended_at.len() <= *room {
        *room -= ended_at.len();
        return ended_at.clone();
    }
    // One place is for the others; without it they are left out, and stay in the counts.
    let named = room.saturating_sub(1);
    let mut steps: BTreeMap<String, u64> =
        ended_at.iter().take(named).map(|(step, n)| (step.clone(), *n)).collect();
    if *room > 0 {
        *steps.entry(OTHER_STEPS.to_owned()).or_default() += ended_at.values().skip(named).sum::<u64>();
    }
    *room = 0;
    steps
}

/// The passes of groups, or the polls of requests, to be written. `encoder`: `None` leaves the histograms out.
pub(super) fn passes<'a>(
    all: &'a BTreeMap<RequestName, PassFigures>,
    mut encoder: Option<&mut Encoder>,
) -> BTreeMap<&'a RequestName, PassRecord> {
    let mut record = |of: &PassFigures| PassRecord {
        completed: of.completed,
        failed: of.failed,
        response: response(&of.response, encoder.as_deref_mut()),
    };
    all.iter().map(|(name, of)| (name, record(of))).collect()
}

fn response(latency: &Latency, encoder: Option<&mut Encoder>) -> ResponseRecord {
    encoder.map_or_else(ResponseRecord::default, |encoder| ResponseRecord::of(latency, encoder))
}

/// Reads sessions, groups and polls.
pub(super) fn read(fields: &Fields) -> Result<AllSessions, Rejected> {
    let mut all = AllSessions::default();
    let mut n_steps = 0;
    for (name, record) in named::<ScenarioRecord>(fields, "sessions")? {
        let object = fields.get("sessions").unwrap_or(&Value::Null);
        let wrong = |reason: String| bad("sessions", object, format!("{name}: {reason}"));
        let counts = |counters: &SessionCounters| {
            let SessionCounters { started, completed, failed, abandoned, dropped } = *counters;
            [started, completed, failed, abandoned, dropped]
        };
        let all_counts = counts(&record.counters).into_iter().chain(counts(&record.warmup));
        believable(all_counts.chain(record.ended_at.values().copied())).map_err(&wrong)?;
        n_steps += record.ended_at.len();
        if n_steps > MAX_STEPS {
            return Err(wrong(format!("more than {MAX_STEPS} steps at which sessions ended")));
        }
        if let Some(step) = record.ended_at.keys().find(|step| !is_name(step)) {
            return Err(wrong(format!("{step:?} is not the name of a step")));
        }
        let response = record.response.latency().map_err(&wrong)?;
        let (counters, warmup, ended_at) = (record.counters, record.warmup, record.ended_at);
        all.scenarios.insert(name.to_string(), SessionFigures { counters, warmup, response, ended_at });
    }
    all.groups = read_passes(fields, "groups")?;
    all.polls = read_passes(fields, "polls")?;
    all.shared = read_shared(fields)?;
    Ok(all)
}

/// What the driver sent by itself: counts alone.
fn read_shared(fields: &Fields) -> Result<BTreeMap<RequestName, SharedCounters>, Rejected> {
    let shared = named::<SharedCounters>(fields, "shared")?;
    for (name, of) in &shared {
        let counts = [of.sent, of.completed, of.failed].into_iter();
        let by_what = of.status_codes.values().chain(of.errors.values()).copied();
        believable(counts.chain(by_what)).map_err(|reason| {
            bad("shared", fields.get("shared").unwrap_or(&Value::Null), format!("{name}: {reason}"))
        })?;
    }
    Ok(shared)
}

fn read_passes(fields: &Fields, field: &str) -> Result<BTreeMap<RequestName, PassFigures>, Rejected> {
    let mut passes = BTreeMap::new();
    for (name, record) in named::<PassRecord>(fields, field)? {
        let object = fields.get(field).unwrap_or(&Value::Null);
        let wrong = |reason: String| bad(field, object, format!("{name}: {reason}"));
        believable([record.completed, record.failed].into_iter()).map_err(&wrong)?;
        let response = record.response.latency().map_err(&wrong)?;
        passes.insert(name, PassFigures { completed: record.completed, failed: record.failed, response });
    }
    Ok(passes)
}

/// A field whose keys are names, at most [`MAX_REQUEST_NAMES`] of them.
fn named<T: DeserializeOwned>(fields: &Fields, field: &str) -> Result<BTreeMap<RequestName, T>, Rejected> {
    let named: BTreeMap<RequestName, T> = fields.ours(field)?.unwrap_or_default();
    if named.len() > MAX_REQUEST_NAMES {
        let object = fields.get(field).unwrap_or(&Value::Null);
        return Err(bad(field, object, format!("has more than {MAX_REQUEST_NAMES} names")));
    }
    Ok(named)
}

/// Refuses counts whose sum over a fleet could overflow.
fn believable(mut counts: impl Iterator<Item = u64>) -> Result<(), String> {
    counts.find(|n| *n > MAX_COUNT).map_or(Ok(()), |n| Err(format!("{n} cannot be")))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_STEP_BYTES && !text.chars().any(char::is_control)
}
