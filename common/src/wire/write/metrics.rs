//! The record of metrics: a window with its counters and histograms, behind the classic figures of the same driver.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::super::sessions::{PassRecord, ScenarioRecord, passes, scenarios};
use super::super::window::{DroppedBy, OF_A_NAME, Span, histograms};
use super::super::{ClassicMetrics, Ending, Metrics, Window};
use super::WriteError;
use super::records::{finite, is_false, share};
use crate::clock::UnixMicros;
use crate::counters::{Counters, WarmupCounters};
use crate::figures::Figures;
use crate::ids::{Epoch, NodeId, RequestName, TestId};
use crate::latency::{Encoder, LatencyKind};
use crate::session_figures::SharedCounters;

#[derive(Serialize)]
pub(super) struct MetricsRecord<'a> {
    node_id: &'a NodeId,
    test_id: &'a TestId,
    report_id: String,
    metrics: ClassicRecord,
    #[serde(flatten)]
    ours: Option<WindowRecord<'a>>,
    test_status: &'static str,
}

#[derive(Serialize)]
struct ClassicRecord {
    mean_latency: f64,
    median_latency: f64,
    min_latency: f64,
    max_latency: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode_latency: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_responses: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_errors: Option<u64>,
}

impl ClassicRecord {
    /// The four latencies are 0 before the first answer.
    fn of(metrics: &ClassicMetrics) -> Result<Self, WriteError> {
        Ok(Self {
            mean_latency: finite("mean_latency", metrics.mean_ms.unwrap_or(0.0))?,
            median_latency: finite("median_latency", metrics.median_ms.unwrap_or(0.0))?,
            min_latency: finite("min_latency", metrics.min_ms.unwrap_or(0.0))?,
            max_latency: finite("max_latency", metrics.max_ms.unwrap_or(0.0))?,
            mode_latency: metrics.mode_ms.filter(|mode| mode.is_finite()),
            num_requests: metrics.num_requests,
            num_responses: metrics.num_responses,
            num_errors: metrics.num_errors,
        })
    }
}

fn no_shared(shared: &&BTreeMap<RequestName, SharedCounters>) -> bool {
    shared.is_empty()
}

#[derive(Serialize)]
struct WindowRecord<'a> {
    epoch: Epoch,
    seq: u64,
    window: Span,
    #[serde(flatten)]
    all: FiguresRecord<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_request: BTreeMap<&'a RequestName, NamedRecord<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sessions: BTreeMap<&'a str, ScenarioRecord>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<&'a RequestName, PassRecord>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    polls: BTreeMap<&'a RequestName, PassRecord>,
    #[serde(skip_serializing_if = "no_shared")]
    shared: &'a BTreeMap<RequestName, SharedCounters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<u64>,
    busy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steal: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stopped: &'a [(UnixMicros, UnixMicros)],
    #[serde(rename = "final", skip_serializing_if = "is_false")]
    is_final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<&'a Ending>,
}

impl<'a> WindowRecord<'a> {
    fn of(window: &'a Window, detail: Detail) -> Result<Self, WriteError> {
        // One for all of them: each holds 300 kB.
        let mut encoder = Encoder::new();
        let all = FiguresRecord::of(&window.figures.all, &mut encoder);
        let mut by_name = (detail == Detail::Whole).then_some(&mut encoder);
        let named = window.figures.named.iter();
        let by_request =
            named.map(|(name, of)| (name, NamedRecord::of(of, by_name.as_deref_mut()))).collect();
        let sessions = &window.sessions;
        Ok(Self {
            epoch: window.epoch,
            seq: window.seq,
            window: Span { from: window.from_us, to: window.to_us },
            all,
            by_request,
            sessions: scenarios(sessions, by_name.as_deref_mut()),
            groups: passes(&sessions.groups, by_name.as_deref_mut()),
            polls: passes(&sessions.polls, by_name),
            shared: &sessions.shared,
            users: window.users,
            // A share measured by two clocks may come out a hair beyond the whole.
            busy: finite("busy", window.busy)?.clamp(0.0, 1.0),
            cpu: share(window.machine.cpu),
            steal: share(window.machine.steal),
            wait: share(window.machine.wait),
            stopped: &window.machine.stopped,
            is_final: window.is_final,
            ending: window.ending.as_ref(),
        })
    }
}

/// How much of a window is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Whole,
    /// The counts of each name, and no histograms of names, sessions, groups and polls: what a record has room for at
    /// any rate.
    Counts,
}

/// Of all requests.
#[derive(Serialize)]
struct FiguresRecord<'a> {
    #[serde(flatten)]
    counters: CountersRecord<'a>,
    histograms: BTreeMap<&'static str, String>,
    /// The exact smallest and largest sample of each histogram, µs: of `service` and `response`, of the completed requests.
    extremes: BTreeMap<&'static str, [u64; 2]>,
}

impl<'a> FiguresRecord<'a> {
    fn of(figures: &'a Figures, encoder: &mut Encoder) -> Self {
        Self {
            counters: CountersRecord::of(&figures.counters),
            histograms: histograms(&figures.latencies, &LatencyKind::ALL, encoder),
            extremes: figures.latencies.extremes(),
        }
    }
}

/// Of the requests of one name, of which there can be 256: what is 0 or empty is left out where a reader takes its absence
/// for that, and so are the histograms that no figure by name is made of.
#[derive(Serialize)]
struct NamedRecord<'a> {
    scheduled: u64,
    sent: u64,
    completed: u64,
    failed: u64,
    dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_by: Option<DroppedBy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tls_causes: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    status_codes: &'a BTreeMap<u16, u64>,
    #[serde(skip_serializing_if = "is_zero")]
    closed_on_reuse: u64,
    #[serde(skip_serializing_if = "is_zero")]
    bytes_received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_in_schedule: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    short_gaps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup: Option<&'a WarmupCounters>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    histograms: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extremes: BTreeMap<&'static str, [u64; 2]>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl<'a> NamedRecord<'a> {
    /// `encoder`: `None` leaves the histograms out.
    fn of(figures: &'a Figures, encoder: Option<&mut Encoder>) -> Self {
        let counters = &figures.counters;
        let CountersRecord { errors, tls_causes, dropped_by, .. } = CountersRecord::of(counters);
        let (histograms, mut extremes) = match encoder {
            Some(encoder) => {
                (histograms(&figures.latencies, OF_A_NAME, encoder), figures.latencies.extremes())
            }
            None => Default::default(),
        };
        extremes.retain(|kind, _| OF_A_NAME.iter().any(|of| of.as_str() == *kind));
        // What a reader takes where the field is absent.
        let in_schedule = counters.completed.saturating_sub(counters.warmup.completed);
        Self {
            scheduled: counters.scheduled,
            sent: counters.sent,
            completed: counters.completed,
            failed: counters.failed,
            dropped: counters.dropped(),
            dropped_by: (counters.dropped_in_flight > 0).then_some(dropped_by),
            errors,
            tls_causes,
            status_codes: &counters.status_codes,
            closed_on_reuse: counters.closed_on_reuse,
            bytes_received: counters.bytes_received,
            completed_in_schedule: Some(counters.completed_in_schedule).filter(|n| *n != in_schedule),
            short_gaps: counters.short_gaps,
            warmup: Some(&counters.warmup).filter(|warmup| **warmup != WarmupCounters::default()),
            histograms,
            extremes,
        }
    }
}

#[derive(Serialize)]
struct CountersRecord<'a> {
    scheduled: u64,
    sent: u64,
    completed: u64,
    failed: u64,
    dropped: u64,
    dropped_by: DroppedBy,
    errors: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tls_causes: BTreeMap<&'static str, u64>,
    status_codes: &'a BTreeMap<u16, u64>,
    closed_on_reuse: u64,
    bytes_received: u64,
    completed_in_schedule: u64,
    short_gaps: u64,
    warmup: &'a WarmupCounters,
}

impl<'a> CountersRecord<'a> {
    fn of(counters: &'a Counters) -> Self {
        Self {
            scheduled: counters.scheduled,
            sent: counters.sent,
            completed: counters.completed,
            failed: counters.failed,
            dropped: counters.dropped(),
            dropped_by: DroppedBy { in_flight: counters.dropped_in_flight, late: counters.dropped_late },
            errors: counters.errors.iter().map(|(kind, n)| (kind.as_str(), *n)).collect(),
            tls_causes: counters.tls_causes.iter().map(|(cause, n)| (cause.as_str(), *n)).collect(),
            status_codes: &counters.status_codes,
            closed_on_reuse: counters.closed_on_reuse,
            bytes_received: counters.bytes_received,
            completed_in_schedule: counters.completed_in_schedule,
            short_gaps: counters.short_gaps,
            warmup: &counters.warmup,
        }
    }
}

/// The counters of a heartbeat, among its other fields.
pub fn counters<S: Serializer>(counters: &Option<Counters>, serializer: S) -> Result<S::Ok, S::Error> {
    counters.as_ref().map(CountersRecord::of).serialize(serializer)
}

impl<'a> MetricsRecord<'a> {
    pub(super) fn of(metrics: &'a Metrics, detail: Detail) -> Result<Self, WriteError> {
        let test_id = metrics.test_id.as_ref().ok_or(WriteError::Missing("test_id"))?;
        let ours = metrics.ours.as_deref();
        let report_id = match (&metrics.report_id, ours) {
            (Some(id), _) => id.clone(),
            // Unique by itself: a node's windows are numbered within a test and one life of the node.
            (None, Some(window)) => {
                format!("{test_id}_{}_{}_{}", metrics.node_id, window.epoch, window.seq)
            }
            (None, None) => return Err(WriteError::Missing("report_id")),
        };
        let complete = metrics.classic.complete || ours.is_some_and(|window| window.is_final);
        Ok(Self {
            node_id: &metrics.node_id,
            test_id,
            report_id,
            metrics: ClassicRecord::of(&metrics.classic)?,
            ours: ours.map(|window| WindowRecord::of(window, detail)).transpose()?,
            test_status: if complete { "complete" } else { "running" },
        })
    }
}
