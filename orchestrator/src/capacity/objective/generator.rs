//! Whether the generator was the limit in a second, and why.

use common::counters::{Counters, ErrorKind};
use common::latency::{Latency, LatencyKind};
use common::plan::expect::Expect;
use common::plan::{Honesty, Mode, Plan};

use crate::capacity::Sign;
use crate::tally::{BUSY, Second};
use crate::verdict::LAG_SHARE;

/// The part of what is due that has to fall due.
const ON_SCHEDULE: f64 = 0.95;

/// What the generator is allowed.
#[derive(Debug, Clone)]
pub struct Generator {
    honesty: Honesty,
    /// Requests in flight that the plan allows, of all drivers together; sessions where it has them.
    max_in_flight: f64,
    /// How many of them the objective allows for each unit of the rate, s.
    per_rate_s: f64,
    is_program: bool,
}

impl Generator {
    /// Of so many drivers. `per_rate_s`: how many requests may be under way for each unit of the rate (`Pile`).
    pub fn of(plan: &Plan, drivers: usize, per_rate_s: Option<f64>) -> Self {
        let most = match plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => f64::from(max_in_flight),
            Mode::Avalanche { .. } => f64::MAX,
        };
        // A session keeps its place while it thinks.
        let thinking =
            plan.program.as_deref().map_or(0.0, |program| Expect::of(program).thinking.as_secs_f64());
        Self {
            honesty: plan.honesty.clone(),
            max_in_flight: most * drivers.max(1) as f64,
            per_rate_s: per_rate_s.unwrap_or(0.0) + thinking,
            is_program: plan.program.is_some(),
        }
    }

    /// Why it was the limit in a second; `rate`: what was to fall due in it, where that is known.
    pub fn sign(&self, second: &Second, measured: &Counters, rate: Option<f64>) -> Option<Sign> {
        let latencies = &second.figures.all.latencies;
        let p99 = |latency: &Latency| latency.quantile_us(0.99, 0).map_or(0.0, |us| us as f64);
        let allowed = self.honesty.max_lag_p99.as_secs_f64() * 1e6;
        let lag = p99(latencies.of(LatencyKind::Lag));
        let response = p99(latencies.of(LatencyKind::Response));
        let late = measured.dropped_late as f64;
        let sessions = second.sessions.counters();
        let (began, due) = if self.is_program {
            (sessions.started as f64, sessions.due() as f64)
        } else {
            (measured.sent as f64, measured.scheduled as f64)
        };
        let is_bound = measured.dropped_in_flight > 0 && self.max_in_flight < began * self.per_rate_s;
        let checks = [
            (measured.errors_of(ErrorKind::LocalLimit) > 0, Sign::LocalLimit),
            (late / measured.scheduled.max(1) as f64 > self.honesty.max_late, Sign::LateDrops),
            (is_bound, Sign::InFlightBound),
            (second.busy >= BUSY, Sign::Busy),
            (lag > allowed.max(LAG_SHARE * response), Sign::Lag),
            (rate.is_some_and(|rate| is_behind(due, rate)), Sign::Behind),
        ];
        checks.into_iter().find(|(is_so, _)| *is_so).map(|(_, sign)| sign)
    }
}

/// Whether less fell due in a second than a rate asks for; independent arrivals vary by themselves.
fn is_behind(due: f64, rate: f64) -> bool {
    due + 4.0 * rate.sqrt() < ON_SCHEDULE * rate
}
