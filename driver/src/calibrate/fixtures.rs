//! A calibration for the tests of this folder.

use super::{Calibration, ClockFigures, ClosedLoop, FORMAT, MachineFacts, NoiseFloor, OpenLoop};
use crate::precision::Precision;

pub fn example() -> Calibration {
    Calibration {
        format: FORMAT,
        version: "0.1.0".to_owned(),
        calibrated_at: "2026-11-23T17:57:26.000000Z".to_owned(),
        quick: false,
        took_s: 41.5,
        machine: MachineFacts {
            host: "h".to_owned(),
            cores: 2,
            cpu: "c".to_owned(),
            kernel: "6.1".to_owned(),
            clock_source: "tsc".to_owned(),
        },
        steal: Some(0.0),
        workers: 2,
        precision: Precision::Auto,
        precision_kept: "timer".to_owned(),
        engine: "wire".to_owned(),
        clock: ClockFigures { step_ns: 21, timer_late_p50_ms: 0.058, timer_late_p99_ms: 0.131 },
        noise_floor: NoiseFloor {
            rate_per_s: 500.0,
            n_requests: 2_000,
            response_min_ms: Some(0.041),
            response_p50_ms: Some(0.12),
            response_p99_ms: Some(0.48),
            lag_p99_ms: Some(0.14),
        },
        closed_loop: ClosedLoop {
            connections: 64,
            throughput_per_s: 60_000.0,
            n_failed: 0,
            response_p50_ms: Some(1.0),
            response_p99_ms: Some(2.5),
            busy: 0.99,
            sink_busy: 0.8,
            sink_was_limit: false,
        },
        open_loop: OpenLoop {
            highest_rate_kept_per_s: Some(30_000.0),
            max_lag_p99_ms: 1.0,
            step_s: 1.7,
            sink_was_limit: false,
            steps: Vec::new(),
        },
    }
}
