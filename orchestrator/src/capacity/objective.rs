//! What of a second counts against the objective. A percentile below a limit is a share: `response.p99 < 100ms` says that at
//! most 1 % of the requests took 100 ms or longer, failed or were dropped. So no percentile is estimated, and shares of
//! seconds add up.

use common::counters::{Counters, ErrorKind};
use common::figures::Figures;
use common::latency::{Latency, LatencyKind, Outcome};
use common::plan::{Capacity, Comparison, Figure, Honesty, LatencyFigure, Mode, Plan, Threshold};

use super::share::Count;
use super::{Limit, Look, Rules, Sign};
use crate::tally::Second;
use crate::tally::Unstarted;

/// From this busy share on a second has no idle time.
const BUSY: f64 = 0.95;

/// Lag may be up to this share of the response at the same percentile, as for a verdict.
const LAG_SHARE: f64 = 0.1;

/// The part of what is due that has to fall due.
const ON_SCHEDULE: f64 = 0.95;

/// The objective of a plan, and what the generator is allowed.
#[derive(Debug, Clone)]
pub struct Objective {
    pub capacity: Capacity,
    conditions: Vec<Condition>,
    honesty: Honesty,
    /// Requests in flight that the plan allows, of all drivers together.
    max_in_flight: f64,
    is_program: bool,
}

/// What must hold, as a share that may be bad.
#[derive(Debug, Clone)]
struct Condition {
    threshold: Threshold,
    limit: Limit,
}

impl Objective {
    /// `None` for a plan without a search.
    pub fn of(plan: &Plan, drivers: usize) -> Option<Self> {
        let capacity = plan.capacity.clone()?;
        let conditions = capacity.conditions().into_iter().map(Condition::of).collect();
        let most = match plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => f64::from(max_in_flight),
            Mode::Avalanche { .. } => f64::MAX,
        };
        Some(Self {
            capacity,
            conditions,
            honesty: plan.honesty.clone(),
            max_in_flight: most * drivers.max(1) as f64,
            is_program: plan.program.is_some(),
        })
    }

    /// What the search goes by.
    pub fn rules(&self, plan: &Plan) -> Rules {
        let warmup = plan.load.warmup;
        let bounds = self.conditions.iter().filter(|one| one.limit.is_latency);
        let limit_s = bounds.map(|one| one.threshold.bound / 1e3).fold(f64::MAX, f64::min);
        let seconds = |time: std::time::Duration| usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
        let max = self.capacity.max_rate;
        let start = plan.load.open_loop_rate_per_s().unwrap_or(1.0);
        Rules {
            limits: self.conditions.iter().map(|one| one.limit).collect(),
            limit_s,
            within: self.capacity.within,
            horizon_s: seconds(self.capacity.horizon),
            level_s: seconds(self.capacity.level_for),
            start: max.map_or(start, |max| start.min(max)),
            max,
            least_for: super::LEAST_FOR,
            first: warmup.as_secs() + u64::from(warmup.subsec_nanos() > 0),
        }
    }

    /// The percentile of the condition that is named first, as a quantile and its bound in ms.
    pub fn quantile(&self) -> Option<f64> {
        self.conditions.iter().find_map(|one| match one.threshold.figure {
            Figure::Latency { figure: LatencyFigure::Quantile(quantile), .. } => Some(quantile),
            _ => None,
        })
    }

    /// A second as the search sees it; `rate`: what was to fall due in it, where that is known.
    pub fn look(&self, second: &Second, rate: Option<f64>) -> Look {
        let Figures { counters, latencies } = &second.figures.all;
        let measured = counters.after_warmup();
        let unsent = Unstarted::of(&second.sessions.counters()).beyond(counters);
        let due = if self.is_program {
            let sessions = second.sessions.counters();
            (sessions.started + sessions.dropped) as f64
        } else {
            measured.scheduled as f64
        };
        let counts =
            self.conditions.iter().map(|one| one.count(&measured, &second.figures.all, unsent)).collect();
        let completed = latencies.completed(LatencyKind::Response);
        Look {
            seq: second.seq,
            counts,
            completed: measured.completed,
            failed: failed(&measured),
            dropped: measured.dropped() + unsent,
            in_flight: second.in_flight as f64,
            median_us: completed.quantile_us(0.5, 0),
            sign: self.sign(second, &measured, rate.is_some_and(|rate| is_behind(due, rate))),
        }
    }

    fn sign(&self, second: &Second, measured: &Counters, is_behind: bool) -> Option<Sign> {
        let latencies = &second.figures.all.latencies;
        let p99 = |latency: &Latency| latency.quantile_us(0.99, 0).map_or(0.0, |us| us as f64);
        let allowed = self.honesty.max_lag_p99.as_secs_f64() * 1e6;
        let lag = p99(latencies.of(LatencyKind::Lag));
        let response = p99(latencies.of(LatencyKind::Response));
        let late = measured.dropped_late as f64;
        let due = measured.scheduled.max(1) as f64;
        // What the objective allows to be in flight on average (Little's law).
        let allows = measured.sent as f64 * self.shortest_s();
        let is_bound = measured.dropped_in_flight > 0 && self.max_in_flight < allows;
        let checks = [
            (measured.errors_of(ErrorKind::LocalLimit) > 0, Sign::LocalLimit),
            (late / due > self.honesty.max_late, Sign::LateDrops),
            (is_bound, Sign::InFlightBound),
            (second.busy >= BUSY, Sign::Busy),
            (lag > allowed.max(LAG_SHARE * response), Sign::Lag),
            (is_behind, Sign::Behind),
        ];
        checks.into_iter().find(|(is_so, _)| *is_so).map(|(_, sign)| sign)
    }

    fn shortest_s(&self) -> f64 {
        let bounds = self.conditions.iter().filter(|one| one.limit.is_latency);
        bounds.map(|one| one.threshold.bound / 1e3).fold(f64::MAX, f64::min)
    }
}

impl Condition {
    fn of(threshold: Threshold) -> Self {
        let limit = match threshold.figure {
            Figure::Latency { figure: LatencyFigure::Quantile(quantile), .. } => {
                // Without the noise of the last binary digits.
                Limit { share: ((1.0 - quantile) * 1e9).round() / 1e9, is_latency: true }
            }
            _ => Limit { share: threshold.bound, is_latency: false },
        };
        Self { threshold, limit }
    }

    /// What counts against it; `unsent`: requests of sessions that never began, beyond those that are counted as dropped.
    fn count(&self, measured: &Counters, figures: &Figures, unsent: u64) -> Count {
        let count = |bad: u64, of: u64| Count { bad, of };
        let dropped = measured.dropped();
        match self.threshold.figure {
            Figure::Latency { of, kind, .. } => {
                let completed = figures.latencies.completed(kind);
                let slow = slower(&completed, self.threshold.bound, self.threshold.comparison);
                let n = completed.count();
                match of {
                    Outcome::All => {
                        let worse = failed(measured) + dropped + unsent;
                        count(slow + worse, n + worse)
                    }
                    Outcome::Success | Outcome::Failed => count(slow, n),
                }
            }
            Figure::ErrorsRatio => count(failed(measured), measured.completed + failed(measured)),
            _ => count(dropped, measured.scheduled),
        }
    }
}

/// Whether less fell due in a second than a rate asks for; independent arrivals vary by themselves.
fn is_behind(due: f64, rate: f64) -> bool {
    due + 4.0 * rate.sqrt() < ON_SCHEDULE * rate
}

/// Failed requests, those left out that a stop cancelled.
fn failed(measured: &Counters) -> u64 {
    measured.failed.saturating_sub(measured.errors_of(ErrorKind::Cancelled))
}

/// How many samples are not below a bound, ms.
fn slower(latency: &Latency, bound_ms: f64, comparison: Comparison) -> u64 {
    let bound = bound_ms * 1e3;
    let is_slow = |us: u64| match comparison {
        Comparison::Less => us as f64 >= bound,
        _ => us as f64 > bound,
    };
    // A bucket that holds the bound is counted by its upper end, as a percentile is shown.
    latency.buckets().filter(|(us, _)| is_slow(*us)).map(|(_, n)| n).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use common::figures::ByRequest;
    use common::latency::Latencies;
    use common::plan::read_value;
    use common::session_figures::AllSessions;
    use serde_json::json;

    use super::*;
    use crate::model::MachineShares;
    use crate::tally::Step;

    fn objective(slo: &[&str]) -> (Objective, Plan) {
        let plan = json!({ "target": { "url": "http://127.0.0.1:8081/ping" }, "capacity": { "slo": slo },
                           "load": { "rate": 10, "warmup": "1500ms", "max_in_flight": 100 } });
        let plan = read_value(&plan).unwrap();
        (Objective::of(&plan, 2).unwrap(), plan)
    }

    fn second(completed_ms: &[u64], failed: u64, dropped: u64) -> Second {
        let mut latencies = Latencies::new();
        completed_ms.iter().for_each(|ms| latencies.ended(ms * 1_000, ms * 1_000, true));
        (0..failed).for_each(|_| latencies.ended(1_000, 1_000, false));
        let n = completed_ms.len() as u64;
        let counters = Counters {
            scheduled: n + failed + dropped,
            sent: n + failed,
            completed: n,
            failed,
            dropped_in_flight: dropped,
            errors: BTreeMap::from([(ErrorKind::Timeout, failed)]),
            ..Counters::default()
        };
        Second {
            seq: 3,
            step: Step::Second,
            from_us: 0,
            to_us: 1_000_000,
            figures: ByRequest::unnamed(Figures { counters, latencies }),
            sessions: AllSessions::default(),
            users: None,
            busy: 0.1,
            in_flight: 7,
            machine: MachineShares::default(),
        }
    }

    #[test]
    fn slow_failed_and_dropped_requests_count_against_a_percentile() {
        let (objective, plan) = objective(&["response.p99 < 100ms", "success.response.p50 <= 21ms"]);
        let rules = objective.rules(&plan);
        let limits: Vec<(f64, bool)> =
            rules.limits.iter().map(|limit| (limit.share, limit.is_latency)).collect();
        assert_eq!(limits, [(0.01, true), (0.5, true), (0.01, false), (0.001, false)]);
        assert_eq!((rules.start, rules.first, rules.limit_s), (10.0, 2, 0.021));
        let look = objective.look(&second(&[10, 20, 99, 100, 300], 2, 1), Some(8.0));
        let counts: Vec<(u64, u64)> = look.counts.iter().map(|count| (count.bad, count.of)).collect();
        assert_eq!(counts, [(5, 8), (3, 5), (2, 7), (1, 8)]);
        assert_eq!((look.in_flight, look.sign, look.completed, look.failed), (7.0, None, 5, 2));
    }

    #[test]
    fn what_the_generator_did_not_do_is_its_sign() {
        let (objective, _) = objective(&["response.p99 < 100ms"]);
        let mut late = second(&[10; 100], 0, 0);
        (0..100).for_each(|_| late.figures.all.latencies.of_mut(LatencyKind::Lag).record_us(6_000));
        assert_eq!(objective.look(&late, None).sign, Some(Sign::Lag));
        let busy = Second { busy: 0.97, ..second(&[10; 100], 0, 0) };
        assert_eq!(objective.look(&busy, None).sign, Some(Sign::Busy));
        assert_eq!(objective.look(&second(&[10; 90], 0, 0), Some(200.0)).sign, Some(Sign::Behind));
        // 3,000/s for 100 ms are 300 in flight, and two drivers may have 200.
        assert_eq!(objective.look(&second(&[10; 3_000], 0, 1), None).sign, Some(Sign::InFlightBound));
        assert_eq!(objective.look(&second(&[10; 1_000], 0, 1), None).sign, None, "the target holds too many");
    }
}
