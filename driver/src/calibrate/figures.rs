//! The figures of a calibration, as they are shown, kept and read again: plain data. Latencies are in milliseconds
//! with microsecond precision, rates in requests per second, shares from 0 to 1.

use common::wire::Calibrated;
use serde::{Deserialize, Serialize};

use super::machine::MachineFacts;
use crate::precision::Precision;

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// What a machine with so many workers could do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Of this shape: [`FORMAT`].
    pub format: u32,
    /// The version of Groundswell that measured.
    pub version: String,
    /// When it was over, RFC 3339 in UTC.
    pub calibrated_at: String,
    /// Whether it was the short, coarser one.
    pub quick: bool,
    /// How long it took, seconds.
    pub took_s: f64,
    /// Where it was made.
    pub machine: MachineFacts,
    /// Share of the machine's time that its host gave to others meanwhile; null where the kernel does not report it.
    pub steal: Option<f64>,
    pub workers: u32,
    /// `[driver] precision`, as set.
    pub precision: Precision,
    /// How the highest rate was kept: `spin`, `timer` or `gave_up_spinning`.
    pub precision_kept: String,
    pub engine: String,
    /// The clock and the timer.
    pub clock: ClockFigures,
    /// Latencies at a rate that leaves everything idle.
    pub noise_floor: NoiseFloor,
    /// As fast as possible.
    pub closed_loop: ClosedLoop,
    pub open_loop: OpenLoop,
}

/// The resolution of the clock, and the lateness of the timer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockFigures {
    /// The smallest step between two readings of the monotonic clock that was not zero, nanoseconds.
    pub step_ns: u64,
    /// How late a sleep of 1 ms on a timerfd ends: half of them by no more.
    pub timer_late_p50_ms: f64,
    /// The same: 99 of 100 by no more.
    pub timer_late_p99_ms: f64,
}

/// Response (last byte - due) of an open loop at a low rate: what is left when the target costs nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseFloor {
    pub rate_per_s: f64,
    pub n_requests: u64,
    /// The lowest; null where nothing was answered, as for the others.
    pub response_min_ms: Option<f64>,
    pub response_p50_ms: Option<f64>,
    /// The 99th percentile.
    pub response_p99_ms: Option<f64>,
    /// 99th percentile of `lag` (began - due): where it is above the bound of the open loop, it is the machine that
    /// keeps no schedule, and not the load.
    pub lag_p99_ms: Option<f64>,
}

/// The closed loop: each connection sends as soon as its answer is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedLoop {
    /// Connections of all workers.
    pub connections: u32,
    /// Requests per second: the ceiling.
    pub throughput_per_s: f64,
    pub n_failed: u64,
    /// Median of `response`.
    pub response_p50_ms: Option<f64>,
    /// 99th percentile of `response`.
    pub response_p99_ms: Option<f64>,
    /// Busy share of the busiest worker.
    pub busy: f64,
    /// Share of the time in which the sink's thread did not wait.
    pub sink_busy: f64,
    /// Whether the sink had no idle time: then the ceiling is a lower bound.
    pub sink_was_limit: bool,
}

/// The open loop: each request when it is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenLoop {
    /// The highest rate kept, requests per second; null where none was.
    pub highest_rate_kept_per_s: Option<f64>,
    /// Up to which lag p99 a rate counts as kept. Besides: at most 0.1 % dropped, none failed, and a busy share
    /// below 95 %.
    pub max_lag_p99_ms: f64,
    /// How long each rate was tried, seconds.
    pub step_s: f64,
    /// Whether the sink had no idle time at any rate that was not kept: then the highest rate is a lower bound.
    pub sink_was_limit: bool,
    /// The rates that were tried, in order.
    pub steps: Vec<Step>,
}

/// One rate, tried once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Requests per second.
    pub rate_per_s: f64,
    pub n_requests: u64,
    /// Median of `lag`; null where nothing was sent.
    pub lag_p50_ms: Option<f64>,
    /// 99th percentile of `lag`.
    pub lag_p99_ms: Option<f64>,
    /// Ticks that were not sent, for whatever reason.
    pub n_dropped: u64,
    pub n_failed: u64,
    /// Busy share of the busiest worker.
    pub busy: f64,
    /// Share of the time in which the sink's thread did not wait.
    pub sink_busy: f64,
    /// Whether the rate was kept.
    pub kept: bool,
}

impl Calibration {
    /// The rates that the orchestrator and people are to know.
    pub fn ceilings(&self) -> Calibrated {
        Calibrated {
            at: self.calibrated_at.clone(),
            open_per_s: self.open_loop.highest_rate_kept_per_s,
            closed_per_s: self.closed_loop.throughput_per_s,
        }
    }

    /// Whether the machine kept a schedule that asks nothing of it: else others used it meanwhile, or it cannot.
    pub fn was_quiet(&self) -> bool {
        self.noise_floor.lag_p99_ms.is_some_and(|lag| lag <= self.open_loop.max_lag_p99_ms)
    }
}
