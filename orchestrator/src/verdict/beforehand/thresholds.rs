//! Which outcomes of a plan's thresholds are certain before anything is sent: thresholds that the plan's own rates and
//! amounts cannot meet, and thresholds that always hold and so check nothing. The input is the plan and the number of
//! drivers; nothing here depends on the target. Pure.

use common::latency::{LatencyKind, Outcome};
use common::plan::{Comparison, Figure, LatencyFigure, Mode, Pace, Per, Plan, Threshold, write_duration};

use crate::human::{counted, rate};

/// Tolerance for rounding when two rates are compared.
const ROUNDING: f64 = 1e-9;

/// From so many requests on the ceiling of a closed loop bounds its throughput. With fewer, the measured throughput can
/// be clearly above the ceiling: the first request is sent at once, and the length ends with the last attempt.
const MANY_REQUESTS: f64 = 100.0;

/// Shortest load, in seconds, for which the ceiling counts as a bound: a permit may be used up to 10 ms late.
const LONG_S: f64 = 1.0;

/// Factor by which the throughput of such a closed loop may be above its ceiling, for the two reasons above.
const CLOSED_LOOP_MARGIN: f64 = 1.05;

const RAISE_CEILING: &str = "raise load.target_throughput";

/// A sentence for each threshold whose outcome is certain. `n_drivers`: how many drivers take part, where that is known.
pub(super) fn warnings(plan: &Plan, n_drivers: Option<usize>) -> Vec<String> {
    let certain = plan.thresholds.iter().filter_map(|threshold| {
        let (outcome, why) = certain(plan, threshold, n_drivers)?;
        let outcome = match outcome {
            Certain::NeverHolds => "cannot be met",
            Certain::AlwaysHolds => "checks nothing",
        };
        Some(format!("{} {outcome}: {why}", threshold.expression))
    });
    certain.chain(contradictions(&plan.thresholds)).collect()
}

/// The certain outcome of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certain {
    NeverHolds,
    AlwaysHolds,
}

fn certain(plan: &Plan, threshold: &Threshold, n_drivers: Option<usize>) -> Option<(Certain, String)> {
    let (comparison, bound) = (threshold.comparison, threshold.bound);
    if comparison == Comparison::Less && bound <= 0.0 {
        return Some((Certain::NeverHolds, "nothing is below 0".to_owned()));
    }
    // With several requests a rate counts sessions, and each request has a timeout of its own.
    if plan.program.is_some() && matches!(threshold.figure, Figure::Throughput | Figure::Latency { .. }) {
        return None;
    }
    match threshold.figure {
        Figure::Throughput => {
            let most = most_per_s(plan, threshold.each_driver, n_drivers)?;
            let limit = most.per_s * most.margin;
            let never = match comparison {
                Comparison::Greater => bound >= limit * (1.0 - ROUNDING),
                Comparison::GreaterOrEqual => bound > limit * (1.0 + ROUNDING),
                _ => false,
            };
            let always = !at_least(comparison) && bound > limit * (1.0 + ROUNDING);
            let about = if most.margin > 1.0 { "about " } else { "" };
            let sends = format!("{} at most {about}{}", most.whose, rate(most.per_s));
            if never {
                let change = most.change;
                return Some((Certain::NeverHolds, format!("{sends}; {change}, or lower the threshold")));
            }
            always.then_some((Certain::AlwaysHolds, sends))
        }
        Figure::DroppedRatio if at_least(comparison) => {
            let closed = matches!(plan.load.mode, Mode::Avalanche { .. });
            let asks = !comparison.holds(0.0, bound);
            (closed && asks).then(|| {
                (Certain::NeverHolds, "a closed loop has no schedule, so it drops nothing".to_owned())
            })
        }
        Figure::ErrorsRatio | Figure::DroppedRatio => (comparison == Comparison::Greater && bound >= 1.0)
            .then(|| (Certain::NeverHolds, "a share is at most 100 %".to_owned())),
        Figure::Latency { of, kind, figure } => of_timeout(plan, threshold, of, kind, figure),
    }
}

/// What the timeout decides. No request takes longer than its timeout, counted from the attempt; a request that reaches
/// it has failed. The response of an open loop includes the generator's lag, which has no such bound.
fn of_timeout(
    plan: &Plan,
    threshold: &Threshold,
    of: Outcome,
    kind: LatencyKind,
    figure: LatencyFigure,
) -> Option<(Certain, String)> {
    let closed = matches!(plan.load.mode, Mode::Avalanche { .. });
    let from_attempt = kind == LatencyKind::Service || (closed && kind == LatencyKind::Response);
    let timeout_ms = plan.request.timeout.as_secs_f64() * 1e3;
    if !from_attempt || threshold.bound <= timeout_ms {
        return None;
    }
    // Failed requests count as slower than any completed one, so a percentile of all requests can exceed the timeout.
    let of_completed = match of {
        Outcome::Success => true,
        Outcome::All => matches!(figure, LatencyFigure::Min | LatencyFigure::Mean | LatencyFigure::Mode),
        Outcome::Failed => false,
    };
    let ends = format!("a request ends after {} (request.timeout)", write_duration(plan.request.timeout));
    match at_least(threshold.comparison) {
        true if of_completed => Some((Certain::NeverHolds, ends)),
        false if of_completed || of == Outcome::Failed => Some((Certain::AlwaysHolds, ends)),
        _ => None,
    }
}

fn at_least(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
}

/// The highest throughput that a plan can show.
struct Most {
    per_s: f64,
    /// Factor by which the measured figure may be above it.
    margin: f64,
    /// Subject and verb of the sentence, as in `the plan sends`.
    whose: String,
    /// The advice that makes it higher.
    change: &'static str,
}

/// The highest throughput of the fleet, or of the driver that sends least; `None` where the plan does not bound it.
fn most_per_s(plan: &Plan, each_driver: bool, n_drivers: Option<usize>) -> Option<Most> {
    let own = own_rate(plan)?;
    let n = n_drivers.map(|n| n.max(1) as f64);
    let (per_s, whose) = match (plan.per, each_driver) {
        (Per::Driver, true) => (own.per_s, "each driver sends".to_owned()),
        (Per::Driver, false) => {
            let n_drivers = n_drivers?;
            (own.per_s * n?, format!("{} {}", counted(n_drivers as u64, "driver"), plural(n_drivers)))
        }
        (Per::Fleet, false) => (own.per_s, "the plan sends".to_owned()),
        (Per::Fleet, true) => {
            // The driver that sends least: of n drivers that share the ticks of one schedule it is the last one.
            let per_s = match own.length_s {
                Some(length_s) => (own.requests / n?).floor() / length_s,
                None => own.per_s / n?,
            };
            (per_s, "a driver sends".to_owned())
        }
    };
    Some(Most { per_s, margin: own.margin, whose, change: own.change })
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "sends" } else { "send" }
}

/// The rate that follows from the plan's own amounts, for one driver or for a fleet that shares them.
struct Own {
    per_s: f64,
    margin: f64,
    requests: f64,
    length_s: Option<f64>,
    change: &'static str,
}

fn own_rate(plan: &Plan) -> Option<Own> {
    let load = &plan.load;
    let duration_s = load.duration.map(|duration| duration.as_secs_f64()).filter(|s| *s > 0.0);
    let requests = load.requests.map(|n| n as f64);
    let ceiling = |rate: f64| load.target_throughput.is_some_and(|ceiling| ceiling <= rate);
    match load.mode {
        Mode::Tsunami { pace, .. } => {
            let rate = load.open_loop_rate_per_s()?;
            let change = match pace {
                Some(Pace::Delay(_)) if !ceiling(rate) => "shorten load.delay",
                Some(Pace::Rate(_)) if !ceiling(rate) => "raise load.rate",
                _ => RAISE_CEILING,
            };
            // Ticks at 0, 1/rate, 2/rate, … that are due before the end.
            let ticks = duration_s.map(|s| (rate * s * (1.0 - ROUNDING)).ceil().max(1.0));
            let by_requests = requests.filter(|n| duration_s.is_none_or(|s| n / rate <= s));
            let (n, length_s) = match (by_requests, ticks, duration_s) {
                (Some(n), ..) => (n, n / rate),
                (None, Some(ticks), Some(s)) => (requests.map_or(ticks, |n| n.min(ticks)), s),
                _ => return None,
            };
            Some(Own { per_s: n / length_s, margin: 1.0, requests: n, length_s: Some(length_s), change })
        }
        Mode::Avalanche { .. } => {
            let rate = load.target_throughput?;
            let planned = duration_s.map(|s| s * rate);
            let planned = requests.into_iter().chain(planned).reduce(f64::min)?;
            let enough = planned >= MANY_REQUESTS && planned / rate >= LONG_S;
            enough.then_some(Own {
                per_s: rate,
                margin: CLOSED_LOOP_MARGIN,
                requests: planned,
                length_s: None,
                change: RAISE_CEILING,
            })
        }
    }
}

/// Pairs of thresholds on one figure that no value can meet together.
fn contradictions(thresholds: &[Threshold]) -> impl Iterator<Item = String> + '_ {
    let lower = thresholds.iter().filter(|threshold| at_least(threshold.comparison));
    lower.flat_map(move |lower| {
        let same = |upper: &&Threshold| {
            !at_least(upper.comparison)
                && upper.figure == lower.figure
                && upper.of == lower.of
                && upper.each_driver == lower.each_driver
        };
        let apart = |upper: &&Threshold| {
            let touch = upper.comparison == Comparison::LessOrEqual
                && lower.comparison == Comparison::GreaterOrEqual
                && upper.bound == lower.bound;
            upper.bound <= lower.bound && !touch
        };
        thresholds
            .iter()
            .filter(same)
            .filter(apart)
            .map(|upper| format!("{} and {} cannot both be met", lower.expression, upper.expression))
    })
}

#[cfg(test)]
mod tests {
    use crate::fixtures;

    #[track_caller]
    fn check(load: &str, thresholds: &str, n_drivers: Option<usize>, expected: &[&str]) {
        let text = format!(
            "{load}\n[target]\nurl = \"http://127.0.0.1:8081/ping\"\n[request]\ntimeout = \"2s\"\n[thresholds]\n\
             {thresholds}\n"
        );
        let plan = fixtures::plan(&text);
        assert_eq!(super::super::warnings(&plan, n_drivers), expected, "{load} {thresholds}");
    }

    const OPEN: &str = "load = { mode = \"tsunami\", rate = 25, duration = \"4s\" }";

    #[test]
    fn a_throughput_above_the_rate_is_named_before_the_test() {
        let met = "\"throughput\" = \">= 75/s\"\n\"driver.throughput\" = \">= 25/s\"";
        check(OPEN, met, Some(3), &[]);
        let above = "\"throughput\" = \"> 75/s\"\n\"driver.throughput\" = \">= 25.1/s\"";
        let expected = [
            "driver.throughput >= 25.1/s cannot be met: each driver sends at most 25/s; raise load.rate, or lower the \
             threshold",
            "throughput > 75/s cannot be met: 3 drivers send at most 75/s; raise load.rate, or lower the threshold",
        ];
        check(OPEN, above, Some(3), &expected);
        check(OPEN, "\"throughput\" = \">= 76/s\"", None, &[]);
        let named = format!("drivers = 2\n{OPEN}");
        let expected = "throughput >= 76/s cannot be met: 2 drivers send at most 50/s; raise load.rate, or lower the \
                        threshold";
        check(&named, "\"throughput\" = \">= 76/s\"", None, &[expected]);
        let ceiling = "load = { rate = 25, target_throughput = 10, requests = 7 }";
        let expected = "throughput >= 11/s cannot be met: 1 driver sends at most 10/s; raise load.target_throughput, \
                        or lower the threshold";
        check(ceiling, "\"throughput\" = \">= 11/s\"", Some(1), &[expected]);
        let delay = "load = { delay = \"40ms\", duration = \"4s\" }";
        let expected = "throughput >= 26/s cannot be met: 1 driver sends at most 25/s; shorten load.delay, or lower \
                        the threshold";
        check(delay, "\"throughput\" = \">= 26/s\"", Some(1), &[expected]);
        let expected = "throughput < 90/s checks nothing: 3 drivers send at most 75/s";
        check(OPEN, "\"throughput\" = \"< 90/s\"", Some(3), &[expected]);
    }

    #[test]
    fn the_last_tick_of_a_duration_counts_whole() {
        // Ticks at 0, 0.8 and 1.6 s: 3 in 2 s.
        let three = "load = { rate = 1.25, duration = \"2s\" }";
        check(three, "\"throughput\" = \">= 1.5/s\"", Some(1), &[]);
        let shared = "per = \"fleet\"\nload = { rate = 1.25, duration = \"2s\" }";
        check(shared, "\"throughput\" = \">= 1.5/s\"", None, &[]);
        let expected = "throughput >= 1.6/s cannot be met: the plan sends at most 1.5/s; raise load.rate, or lower the \
                        threshold";
        check(shared, "\"throughput\" = \">= 1.6/s\"", None, &[expected]);
        // Of 3 requests one driver of two sends 1.
        let expected = "driver.throughput >= 0.8/s cannot be met: a driver sends at most 0.5/s; raise load.rate, \
                        or lower the threshold";
        check(shared, "\"driver.throughput\" = \">= 0.8/s\"", Some(2), &[expected]);
    }

    #[test]
    fn a_closed_loop_is_bounded_by_its_ceiling_alone() {
        let free = "load = { mode = \"avalanche\", connections = 4, duration = \"9s\" }";
        check(free, "\"throughput\" = \">= 90000/s\"", Some(1), &[]);
        let capped =
            "load = { mode = \"avalanche\", connections = 4, target_throughput = 80, duration = \"9s\" }";
        check(capped, "\"throughput\" = \">= 80/s\"", Some(1), &[]);
        let expected = "throughput >= 120/s cannot be met: 1 driver sends at most about 80/s; raise load.target_throughput, \
                        or lower the threshold";
        check(capped, "\"throughput\" = \">= 120/s\"", Some(1), &[expected]);
        let few = "load = { mode = \"avalanche\", connections = 4, target_throughput = 80, requests = 9 }";
        check(few, "\"throughput\" = \">= 120/s\"", Some(1), &[]);
        let expected = "dropped.ratio > 1% cannot be met: a closed loop has no schedule, so it drops nothing";
        check(free, "\"dropped.ratio\" = \"> 1%\"", Some(1), &[expected]);
        check(OPEN, "\"dropped.ratio\" = \"> 1%\"", Some(1), &[]);
    }

    #[test]
    fn no_request_outlives_its_timeout() {
        let ends = "a request ends after 2s (request.timeout)";
        let expected = [
            format!("failed.service.p90 < 3s checks nothing: {ends}"),
            format!("service.min >= 3s cannot be met: {ends}"),
            format!("success.service.p99 < 3s checks nothing: {ends}"),
        ];
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let thresholds = "\"service.min\" = \">= 3s\"\n\"service.p99\" = \"< 3s\"\n\"success.service.p99\" = \"< 3s\"\n\
                          \"failed.service.p90\" = \"< 3s\"\n\"failed.service.p10\" = \"> 3s\"\n\"response.min\" = \"> 3s\"";
        check(OPEN, thresholds, Some(1), &expected);
        let closed = "load = { mode = \"avalanche\", connections = 4, duration = \"9s\" }";
        let expected = format!("response.mean > 2100ms cannot be met: {ends}");
        check(
            closed,
            "\"response.mean\" = \"> 2100ms\"\n\"response.p99\" = \"< 1900ms\"",
            Some(1),
            &[&expected],
        );
    }

    #[test]
    fn limits_that_leave_no_value_are_named() {
        check(
            OPEN,
            "\"errors.ratio\" = \"< 0%\"",
            Some(1),
            &["errors.ratio < 0% cannot be met: nothing is below 0"],
        );
        check(OPEN, "\"errors.ratio\" = [\">= 30%\", \"<= 30%\"]", Some(1), &[]);
        let expected = "response.p75 > 90ms and response.p75 < 80ms cannot both be met";
        check(OPEN, "\"response.p75\" = [\"< 80ms\", \"> 90ms\"]", Some(1), &[expected]);
        check(OPEN, "\"response.p75\" = \"< 80ms\"\n\"driver.response.p75\" = \"> 90ms\"", Some(1), &[]);
    }
}
