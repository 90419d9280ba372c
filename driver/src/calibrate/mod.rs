//! `groundswell calibrate`: what this machine with these workers can do, measured against a sink in the same
//! process by the very loops and engine that send in a test. It owns the procedure; the figures' shapes are in
//! `figures`, what a driver makes of them in `kept` and `ceiling`.
//!
//! The sink runs on the same machine and takes part in every figure: they are what a driver keeps towards a target
//! that costs as much as the sink does, here.

mod ceiling;
mod clocks;
mod figures;
#[cfg(test)]
mod fixtures;
mod kept;
mod machine;
mod search;
mod sink;
mod step;

use std::time::{Duration, Instant};

use common::clock::{rfc3339, unix_us};
use common::latency::{Latency, LatencyKind};

pub use figures::{Calibration, ClockFigures, ClosedLoop, FORMAT, NoiseFloor, OpenLoop, Step};
pub use kept::{FILE, load, save};
pub use machine::MachineFacts;
use search::Search;
use sink::Sink;
use step::{Drive, Measured, Setting, measure};

use crate::cpu::MachineClock;
use crate::precision::Precision;
use crate::safety::RESERVED_DESCRIPTORS;

/// Lag p99 up to which a rate counts as kept, ms.
pub const MAX_LAG_P99_MS: f64 = 1.0;
/// Share of the schedule that may be dropped at a rate that counts as kept: the default of a plan.
const MAX_DROPPED: f64 = 0.001;
/// From this busy share on a worker, or the sink, has no idle time.
const BUSY: f64 = 0.95;
/// The rate of the noise floor, requests per second: one that leaves everything idle.
const FLOOR_PER_S: f64 = 500.0;
/// Connections of the closed loop; as many as there are workers, where these are more.
const CONNECTIONS: u32 = 64;
/// `max_in_flight` of an open loop: a plan's default.
const MAX_IN_FLIGHT: u32 = 1_024;

/// What is to be calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that send, at least 1.
    pub workers: u32,
    /// How they keep a schedule.
    pub precision: Precision,
    /// About ten seconds rather than up to a minute: coarser.
    pub quick: bool,
}

/// Why a calibration failed.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The system gives no socket, thread or timer.
    #[error("{doing}: {cause}")]
    System { doing: &'static str, cause: std::io::Error },
    /// A load could not be described, which is a bug.
    #[error("{0}")]
    Plan(String),
    /// A worker did not do its part.
    #[error("a worker ended early: {0}")]
    Worker(String),
    /// The sink answered nothing.
    #[error("nothing was answered: {0} requests failed against the sink in this process")]
    NoAnswer(u64),
}

fn cannot(doing: &'static str) -> impl FnOnce(std::io::Error) -> CalibrateError {
    move |cause| CalibrateError::System { doing, cause }
}

/// How long each part takes.
struct Spans {
    timer: Duration,
    floor: Duration,
    warmup: Duration,
    closed: Duration,
    step: Duration,
    /// The search is over by then, counted from the beginning.
    search_until: Duration,
    /// The search ends where the next rate is less than this share higher.
    resolution: f64,
    /// How often a rate is tried before it counts as missed: one hiccup of the machine must not set the ceiling.
    tries: u32,
}

const FULL: Spans = Spans {
    timer: Duration::from_secs(1),
    floor: Duration::from_secs(4),
    warmup: Duration::from_millis(300),
    closed: Duration::from_secs(4),
    step: Duration::from_millis(1_700),
    search_until: Duration::from_secs(55),
    resolution: 0.05,
    tries: 2,
};

const QUICK: Spans = Spans {
    timer: Duration::from_millis(300),
    floor: Duration::from_secs(1),
    warmup: Duration::from_millis(200),
    closed: Duration::from_secs(1),
    step: Duration::from_millis(600),
    search_until: Duration::from_millis(9_500),
    resolution: 0.1,
    tries: 1,
};

/// Measures; blocks for up to a minute. `progress` is called with the name of each part as it begins.
///
/// # Errors
/// Where the system refuses what it needs, or nothing is answered.
pub fn calibrate(options: Options, mut progress: impl FnMut(&str)) -> Result<Calibration, CalibrateError> {
    let began = Instant::now();
    let mut host = MachineClock::start(options.workers);
    let spans = if options.quick { &QUICK } else { &FULL };
    let descriptors = common::limits::raise_descriptors();
    progress("the clock and the timer");
    let clock = clocks::measure(spans.timer)?;
    let sink = Sink::start().map_err(cannot("cannot listen on 127.0.0.1"))?;
    // Both ends of each connection are ours.
    let room = u32::try_from(descriptors.saturating_sub(RESERVED_DESCRIPTORS) / 2).unwrap_or(u32::MAX);
    let setting = Setting {
        workers: options.workers,
        precision: options.precision,
        sink: sink.address(),
        max_in_flight: MAX_IN_FLIGHT.max(options.workers).min(room.max(1)),
        warmup: spans.warmup,
    };
    let run = |drive, duration| -> Result<(Measured, f64), CalibrateError> {
        let (at, waited) = (Instant::now(), sink.waited());
        let measured = measure(&setting, drive, duration)?;
        let waited = sink.waited().saturating_sub(waited).as_secs_f64();
        let busy = 1.0 - waited / at.elapsed().as_secs_f64();
        Ok((measured, share(busy)))
    };

    progress("the noise floor");
    let (floor, _) = run(Drive::Open { rate_per_s: FLOOR_PER_S }, spans.floor)?;
    let noise_floor = noise_floor(&floor);
    progress("the closed loop");
    let connections = CONNECTIONS.max(options.workers).min(room.max(1));
    let (closed, sink_busy) = run(Drive::Closed { connections }, spans.closed)?;
    if closed.figures.counters.completed_in_schedule == 0 {
        return Err(CalibrateError::NoAnswer(closed.figures.counters.failed));
    }
    let closed_loop = closed_loop(&closed, connections, sink_busy);
    progress("the highest rate kept");
    let mut search = Search::new(closed_loop.throughput_per_s, spans.resolution, spans.tries);
    let (mut steps, mut precision_kept) = (Vec::new(), floor.precision_kept);
    let one_step = spans.warmup + spans.step;
    while let Some(rate_per_s) = search.next()
        && began.elapsed() + one_step <= spans.search_until
    {
        let (measured, sink_busy) = run(Drive::Open { rate_per_s }, spans.step)?;
        let step = step(rate_per_s, &measured, sink_busy);
        search.record(step.kept);
        if search.highest_kept() == Some(rate_per_s) {
            precision_kept = measured.precision_kept;
        }
        steps.push(step);
    }
    Ok(Calibration {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        calibrated_at: rfc3339(unix_us()),
        quick: options.quick,
        took_s: share(began.elapsed().as_secs_f64()),
        machine: MachineFacts::this(),
        steal: host.load().steal.map(share),
        workers: options.workers,
        precision: options.precision,
        precision_kept,
        engine: closed.engine,
        clock,
        noise_floor,
        closed_loop,
        open_loop: open_loop(&search, spans.step, steps),
    })
}

/// To three decimals: more digits of a share, or of seconds, mean nothing.
fn share(value: f64) -> f64 {
    (value.max(0.0) * 1e3).round() / 1e3
}

fn ms(latency: &Latency, quantile: f64) -> Option<f64> {
    latency.quantile_us(quantile, 0).map(|us| us as f64 / 1e3)
}

fn noise_floor(measured: &Measured) -> NoiseFloor {
    let response = measured.figures.latencies.of(LatencyKind::Response);
    NoiseFloor {
        rate_per_s: FLOOR_PER_S,
        n_requests: response.count(),
        response_min_ms: response.min_us().map(|us| us as f64 / 1e3),
        response_p50_ms: ms(response, 0.5),
        response_p99_ms: ms(response, 0.99),
        lag_p99_ms: ms(measured.figures.latencies.of(LatencyKind::Lag), 0.99),
    }
}

fn closed_loop(measured: &Measured, connections: u32, sink_busy: f64) -> ClosedLoop {
    let response = measured.figures.latencies.of(LatencyKind::Response);
    ClosedLoop {
        connections,
        throughput_per_s: (measured.figures.counters.completed_in_schedule as f64 / measured.schedule_s)
            .round(),
        n_failed: measured.figures.counters.failed,
        response_p50_ms: ms(response, 0.5),
        response_p99_ms: ms(response, 0.99),
        busy: share(measured.busy),
        sink_busy,
        sink_was_limit: sink_busy >= BUSY,
    }
}

fn step(rate_per_s: f64, measured: &Measured, sink_busy: f64) -> Step {
    let counters = &measured.figures.counters;
    let lag = measured.figures.latencies.of(LatencyKind::Lag);
    let scheduled = counters.scheduled.saturating_sub(counters.warmup.scheduled);
    let warmup_dropped = counters.warmup.dropped_in_flight + counters.warmup.dropped_late;
    let n_dropped = counters.dropped().saturating_sub(warmup_dropped);
    let lag_p99_ms = ms(lag, 0.99);
    let busy = share(measured.busy);
    // A schedule whose requests fail, or are not sent, is not kept; neither is one that leaves a worker no idle
    // time, for a test at that rate would be invalid.
    let kept = lag_p99_ms.is_some_and(|lag| lag <= MAX_LAG_P99_MS)
        && n_dropped as f64 <= MAX_DROPPED * scheduled as f64
        && counters.failed == 0
        && busy < BUSY;
    Step {
        rate_per_s,
        n_requests: lag.count(),
        lag_p50_ms: ms(lag, 0.5),
        lag_p99_ms,
        n_dropped,
        n_failed: counters.failed,
        busy,
        sink_busy,
        kept,
    }
}

fn open_loop(search: &Search, step: Duration, steps: Vec<Step>) -> OpenLoop {
    let missed: Vec<&Step> = steps.iter().filter(|step| !step.kept).collect();
    OpenLoop {
        highest_rate_kept_per_s: search.highest_kept(),
        max_lag_p99_ms: MAX_LAG_P99_MS,
        step_s: step.as_secs_f64(),
        sink_was_limit: !missed.is_empty() && missed.iter().all(|step| step.sink_busy >= BUSY),
        steps,
    }
}
