//! The figures of one tool's turn at a loop, from what the receiving end saw and what the tool used and said.

use std::time::Duration;

use crate::job::Outcome;
use crate::results::Figures;
use crate::seen::Summary;

/// How much of the asked rate must arrive for it to count as kept.
const REACHED: f64 = 0.99;
/// How late our attempts may begin at a rate that counts as kept, p99.
const LAG_P99_US: f64 = 1_000.0;

/// Requests a second between the first arrival and the last.
pub fn per_second(seen: &Summary) -> f64 {
    if seen.span_s > 0.0 { seen.received.saturating_sub(1) as f64 / seen.span_s } else { 0.0 }
}

/// A peer keeps a rate if it arrives, however unevenly; we keep it if our attempts also began on time.
pub fn keeps(outcome: &Outcome, seen: &Summary, rate_per_s: f64, duration: Duration) -> bool {
    let asked = rate_per_s * duration.as_secs_f64();
    let arrived = seen.received as f64 >= REACHED * asked && per_second(seen) >= REACHED * rate_per_s;
    arrived
        && outcome.said.lag_p99_us.is_none_or(|lag| lag <= LAG_P99_US)
        && outcome.said.dropped.is_none_or(|n| n == 0.0)
}

/// Of a closed loop.
pub fn closed_figures(outcome: &Outcome, seen: &Summary) -> Figures {
    let n = seen.received as f64;
    let us = |seconds: f64| seconds * 1e6 / n;
    let mut figures = Figures::from([
        ("requests_per_s", per_second(seen)),
        ("cpu_us", us(outcome.cpu.total_s())),
        ("user_us", us(outcome.cpu.user_s)),
        ("system_us", us(outcome.cpu.system_s)),
        ("per_cpu_s", n / outcome.cpu.total_s()),
        ("generator_core", outcome.cpu.total_s() / seen.span_s),
        ("sink_core", seen.cpu_s / seen.span_s),
        ("rss_peak_mb", outcome.memory.peak_mb()),
    ]);
    // The whole stack of a peer is its one process.
    let stack = outcome.stack_cpu.unwrap_or(outcome.cpu).total_s();
    figures.extend([("stack_us", us(stack)), ("stack_per_cpu_s", n / stack)]);
    figures.extend(outcome.said.failed.map(|n| ("failed", n)));
    figures
}

/// Of an open loop of that length.
pub fn open_figures(outcome: &Outcome, seen: &Summary, duration: Duration) -> Figures {
    let mut figures = Figures::from([
        ("reached_per_s", per_second(seen)),
        ("received", seen.received as f64),
        ("connections", seen.connections as f64),
        ("cpu_core", outcome.cpu.total_s() / seen.span_s.max(duration.as_secs_f64())),
        ("rss_peak_mb", outcome.memory.peak_mb()),
    ]);
    if let Some(off) = seen.off_schedule {
        figures.extend([("off_p50_us", off.p50_us), ("off_p99_us", off.p99_us), ("off_max_us", off.max_us)]);
    }
    if let Some(off) = seen.off_schedule_fitted {
        figures.extend([("off_fitted_p50_us", off.p50_us), ("off_fitted_p99_us", off.p99_us)]);
    }
    figures.extend(seen.variance_over_mean_1ms.map(|ratio| ("variance_over_mean", ratio)));
    figures.extend(outcome.said.lag_p99_us.map(|lag| ("lag_p99_us", lag)));
    figures.extend(outcome.said.dropped.map(|n| ("dropped", n)));
    figures
}
