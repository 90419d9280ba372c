//! The resolution of this machine's clock, and how late its timer is: both are part of every latency.

use std::time::{Duration, Instant};

use common::latency::Latency;

use super::{CalibrateError, ClockFigures, cannot};
use crate::reactor::worker_runtime;
use crate::start_at::Nanos;
use crate::worker::timer::Timer;

/// How long the clock is read.
const READ_FOR: Duration = Duration::from_millis(50);
/// The length of the sleeps whose lateness is measured.
const SLEEP: Duration = Duration::from_millis(1);

/// Reads the clock a while, then sleeps again and again for a span.
pub fn measure(timer_for: Duration) -> Result<ClockFigures, CalibrateError> {
    let late = timer_lateness(timer_for)?;
    let late_ms = |quantile| late.quantile_us(quantile, 0).unwrap_or(0) as f64 / 1e3;
    Ok(ClockFigures {
        step_ns: clock_step_ns(READ_FOR),
        timer_late_p50_ms: late_ms(0.5),
        timer_late_p99_ms: late_ms(0.99),
    })
}

/// The smallest step between two readings that is not zero.
fn clock_step_ns(read_for: Duration) -> u64 {
    let began = Instant::now();
    let (mut last, mut least) = (began, Duration::MAX);
    while last.duration_since(began) < read_for {
        let now = Instant::now();
        if now > last {
            least = least.min(now.duration_since(last));
            last = now;
        }
    }
    u64::try_from(least.as_nanos()).unwrap_or(u64::MAX)
}

/// How late sleeps end, on the timer and the runtime that a worker waits with.
fn timer_lateness(sleep_for: Duration) -> Result<Latency, CalibrateError> {
    let sleep = move || -> std::io::Result<Latency> {
        let runtime = worker_runtime()?;
        runtime.block_on(async {
            let (mut timer, mut late, began) = (Timer::new()?, Latency::new(), Instant::now());
            let nanos = |span: Duration| Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX);
            while began.elapsed() < sleep_for {
                let now = nanos(began.elapsed());
                let until = now + nanos(SLEEP);
                timer.wait_until(until, now).await;
                late.record_us(u64::try_from((nanos(began.elapsed()) - until) / 1_000).unwrap_or(0));
            }
            Ok(late)
        })
    };
    let thread = std::thread::Builder::new().name("timer".to_owned()).spawn(sleep);
    let joined = thread.map_err(cannot("cannot start a thread"))?.join();
    joined.map_err(|_| CalibrateError::Worker("the timer's thread".to_owned()))?.map_err(cannot("no timer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_has_a_step_and_a_timer_is_never_early() {
        let figures = measure(Duration::from_millis(30)).unwrap();
        assert!((1..1_000_000_000).contains(&figures.step_ns), "{figures:?}");
        assert!(figures.timer_late_p50_ms <= figures.timer_late_p99_ms, "{figures:?}");
    }
}
