//! Thresholds, given and default: whether each held, and what to say where it did not.

use common::latency::{LatencyKind, Outcome, Quantile, Spread};
use common::plan::{Comparison, Figure, LatencyFigure, Mode, Threshold};

use super::words::{Missed, ThresholdFinding};
use super::{DriverFacts, Facts, Findings, Sample, failures, honesty};
use crate::model::{ThresholdView, Verdict};
use crate::report::human::{counted, names, percent};

/// While a test runs, a throughput counts from so many seconds on.
const THROUGHPUT_FROM_S: f64 = 3.0;

/// What a figure turned out to be.
enum Found {
    /// This.
    Is(f64),
    /// No less than this; more is not known.
    AtLeast(f64),
    /// It falls among the failed or dropped requests, which count as slower than any completed one. The slowest of
    /// those took so many ms; `None`: nothing completed.
    Beyond(Option<f64>),
    /// The threshold is on the time that failed requests took, and none failed: none took too long.
    NoneFailed,
    /// The threshold is on completed requests, and none completed.
    NoneCompleted,
    /// There was nothing to measure.
    Nothing,
    /// Someone does not tell: why.
    Untold(String),
}

/// Decides all thresholds: those given, and the defaults where the plan names none of the figure.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) -> Vec<ThresholdView> {
    let mut views = Vec::new();
    for threshold in &facts.plan.thresholds {
        decide(facts, threshold, true, findings, &mut views);
    }
    for threshold in defaults() {
        if !facts.plan.thresholds.iter().any(|given| given.figure == threshold.figure) {
            decide(facts, &threshold, false, findings, &mut views);
        }
    }
    views
}

fn defaults() -> [Threshold; 2] {
    let default = |figure, bound, expression: &str| Threshold {
        each_driver: false,
        figure,
        comparison: Comparison::Less,
        bound,
        expression: expression.to_owned(),
    };
    [
        default(Figure::ErrorsRatio, 0.01, "errors.ratio < 1%"),
        default(Figure::DroppedRatio, 0.001, "dropped.ratio < 0.1%"),
    ]
}

fn decide(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    findings: &mut Findings,
    views: &mut Vec<ThresholdView>,
) {
    if threshold.each_driver {
        for driver in &facts.drivers {
            let view = one(facts, threshold, given, Some(&driver.name), &driver.sample, findings);
            views.push(view);
        }
    } else {
        views.push(one(facts, threshold, given, None, &facts.fleet, findings));
    }
}

fn one(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    sample: &Sample<'_>,
    findings: &mut Findings,
) -> ThresholdView {
    let found = find(facts, threshold.figure, sample, driver);
    let (_, ok) = outcome(threshold, &found);
    if !facts.over {
        return so_far(facts, threshold, given, driver, sample, &found, findings);
    }
    match ok {
        Some(true) => {}
        Some(false) => not_met(facts, threshold, given, driver, sample, &found, findings),
        None => {
            let why = match &found {
                Found::Untold(why) => why.clone(),
                Found::AtLeast(_) => "not every driver reports its part".to_owned(),
                // With nothing completed the test has failed already, which says more.
                _ if facts.fleet.completed() == 0 => String::new(),
                _ => "there was nothing to measure".to_owned(),
            };
            let expression = threshold.expression.clone();
            let what =
                |why| ThresholdFinding { expression, missed: Missed::Undecided { why }, used_up: None };
            match (why.is_empty(), given) {
                (true, _) => {}
                (false, true) => findings.because(Verdict::Incomplete, driver, what(why)),
                (false, false) => findings.warn(driver, what(why)),
            }
        }
    }
    view(threshold, given, driver, &found, ok)
}

fn view(
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    found: &Found,
    ok: Option<bool>,
) -> ThresholdView {
    let (value, _) = outcome(threshold, found);
    ThresholdView {
        expression: threshold.expression.clone(),
        value,
        lower_bound: matches!(found, Found::Beyond(_) | Found::AtLeast(_)),
        ok,
        given,
        driver: driver.map(str::to_owned),
    }
}

/// A threshold while the test runs. It is met so far, or not met and yet to be decided, or lost for good.
fn so_far(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    sample: &Sample<'_>,
    found: &Found,
    findings: &mut Findings,
) -> ThresholdView {
    let (_, ok) = outcome(threshold, found);
    // In its first seconds a throughput is mostly the answers that are still to come.
    let early = threshold.figure == Figure::Throughput
        && sample.schedule_s.is_none_or(|seconds| seconds < THROUGHPUT_FROM_S);
    if ok == Some(false) && !early {
        not_met(facts, threshold, given, driver, sample, found, findings);
    }
    let ok = match ok {
        Some(false) if !is_lost(facts, threshold, driver, sample) => None,
        ok => ok,
    };
    view(threshold, given, driver, found, ok)
}

/// Whether a threshold that is not met cannot be met any more, whatever comes.
fn is_lost(facts: &Facts<'_>, threshold: &Threshold, driver: Option<&str>, sample: &Sample<'_>) -> bool {
    let upper = matches!(threshold.comparison, Comparison::Less | Comparison::LessOrEqual);
    let at_best = |bad: u64| {
        let planned = planned(facts, driver)?;
        (planned > 0).then(|| bad as f64 / planned.max(sample.scheduled()) as f64)
    };
    let lost = |ratio: Option<f64>| {
        upper && ratio.is_some_and(|best| !threshold.comparison.holds(best, threshold.bound))
    };
    match threshold.figure {
        // These move in one direction only.
        Figure::Latency { figure: LatencyFigure::Max, .. } => upper,
        Figure::Latency { figure: LatencyFigure::Min, .. } => !upper,
        Figure::ErrorsRatio => lost(at_best(sample.failed_by_itself())),
        Figure::DroppedRatio => lost(at_best(sample.dropped_in_flight())),
        Figure::Latency { .. } | Figure::Throughput => false,
    }
}

/// Requests that the plan has for one driver, or for all of them, after the warm-up; `None` where that is not known.
fn planned(facts: &Facts<'_>, driver: Option<&str>) -> Option<u64> {
    let load = &facts.plan.load;
    let of = facts.drivers.iter().filter(|one| driver.is_none_or(|driver| driver == one.name));
    let planned = |one: &DriverFacts<'_>| {
        let share = one.share?;
        let timed = share.rate_per_s.zip(load.duration).map(|(rate, duration)| {
            // One more than the rate says, where the duration is no whole number of delays.
            (rate * duration.as_secs_f64()) as u64 + 1
        });
        match (share.requests, timed) {
            (Some(requests), Some(timed)) => Some(requests.min(timed)),
            (requests, timed) => requests.or(timed),
        }
    };
    of.map(planned).sum()
}

/// Says that a threshold is not met.
fn not_met(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    sample: &Sample<'_>,
    found: &Found,
    findings: &mut Findings,
) {
    let verdict = blame(facts, threshold.figure, sample);
    let used_up = || honesty::busy_share(&facts.fleet).max(honesty::busy_share(sample));
    let used_up = (verdict == Verdict::Invalid).then(used_up);
    if let Some(missed) = missed(facts, threshold, given, driver, sample, found) {
        let expression = threshold.expression.clone();
        findings.because(verdict, driver, ThresholdFinding { expression, missed, used_up });
    }
}

/// A closed loop whose drivers had no CPU left measured itself: what breaks then is not the target's.
fn blame(facts: &Facts<'_>, figure: Figure, sample: &Sample<'_>) -> Verdict {
    let closed = matches!(facts.plan.load.mode, Mode::Avalanche { .. });
    let of_speed = matches!(figure, Figure::Latency { .. } | Figure::Throughput);
    let used_up = honesty::is_busy(&facts.fleet) || honesty::is_busy(sample);
    if closed && of_speed && used_up { Verdict::Invalid } else { Verdict::Failed }
}

fn find(facts: &Facts<'_>, figure: Figure, sample: &Sample<'_>, driver: Option<&str>) -> Found {
    match figure {
        Figure::Latency { of, kind, figure } => latency(sample, of, kind, figure),
        Figure::ErrorsRatio | Figure::DroppedRatio if sample.partial => Found::Untold(untold(facts, driver)),
        Figure::ErrorsRatio => match sample.errors_ratio() {
            Some(ratio) if sample.failures_unsaid => Found::AtLeast(ratio),
            ratio => ratio.map_or(Found::Nothing, Found::Is),
        },
        Figure::DroppedRatio => sample.dropped_ratio().map_or(Found::Nothing, Found::Is),
        Figure::Throughput => {
            let leaves_out = |name: &str| driver.is_none_or(|driver| driver == name);
            let unsaid =
                facts.drivers.iter().any(|one| leaves_out(&one.name) && (one.classic || one.sample.partial));
            match sample.throughput_per_s {
                Some(rate) if unsaid => Found::AtLeast(rate),
                None if unsaid => {
                    Found::Untold("a driver does not report when its requests completed".to_owned())
                }
                rate => rate.map_or(Found::Nothing, Found::Is),
            }
        }
    }
}

fn untold(facts: &Facts<'_>, driver: Option<&str>) -> String {
    let partial = facts.drivers.iter().filter(|one| one.sample.partial).map(|one| one.name.as_str());
    match driver {
        Some(_) => "it does not report what it sent".to_owned(),
        None => format!("what {} sent is not known", names(partial)),
    }
}

fn latency(sample: &Sample<'_>, of: Outcome, kind: LatencyKind, figure: LatencyFigure) -> Found {
    let spread = sample.spread(of, kind);
    if of == Outcome::Failed {
        let failed = sample.failed_by_itself();
        return match failed {
            _ if sample.partial || sample.failures_unsaid => {
                Found::Untold("a driver does not report how many of its requests failed".to_owned())
            }
            0 => Found::NoneFailed,
            failed if spread.samples().count() < failed => {
                let unknown = failed - spread.samples().count();
                Found::Untold(format!("the time of {} is not known", counted(unknown, "failed request")))
            }
            _ => figure_of(&spread, figure),
        };
    }
    match sample.coverage {
        None => return Found::Untold("a driver does not report how many requests it completed".to_owned()),
        Some(coverage) if coverage < 1.0 => {
            return Found::Untold(format!(
                "histograms cover {} of the completed requests",
                percent(coverage)
            ));
        }
        Some(_) => {}
    }
    match (of, figure_of(&spread, figure)) {
        (Outcome::Success, Found::Nothing) if sample.sent() > 0 => Found::NoneCompleted,
        (_, found) => found,
    }
}

fn figure_of(spread: &Spread<'_>, figure: LatencyFigure) -> Found {
    let quantile = |quantile: f64| match spread.quantile(quantile) {
        Quantile::Is(us) => Found::Is(us as f64 / 1e3),
        Quantile::AtLeast(us) => Found::Beyond(us.map(|us| us as f64 / 1e3)),
        Quantile::Nothing => Found::Nothing,
    };
    // Of completed requests alone. Where there are none, all that is known is what a percentile says.
    let of_completed = |us: Option<f64>| us.map_or_else(|| quantile(1.0), |us| Found::Is(us / 1e3));
    let samples = spread.samples();
    match figure {
        LatencyFigure::Min => of_completed(samples.min_us().map(|us| us as f64)),
        LatencyFigure::Mean => of_completed(samples.mean_us()),
        LatencyFigure::Mode => of_completed(samples.mode_us()),
        LatencyFigure::Max => quantile(1.0),
        LatencyFigure::Quantile(at) => quantile(at),
    }
}

/// The value to show, and whether it held.
fn outcome(threshold: &Threshold, found: &Found) -> (Option<f64>, Option<bool>) {
    let holds = |value: f64| threshold.comparison.holds(value, threshold.bound);
    match found {
        Found::Is(value) => (Some(*value), Some(holds(*value))),
        Found::Beyond(value) => (*value, Some(holds(f64::INFINITY))),
        Found::AtLeast(value) => {
            // Decided where more of it would change nothing.
            let decided = holds(*value) == holds(f64::INFINITY);
            (Some(*value), decided.then(|| holds(*value)))
        }
        Found::NoneFailed => (None, Some(true)),
        Found::NoneCompleted => (None, Some(false)),
        Found::Nothing | Found::Untold(_) => (None, None),
    }
}

/// What was missed; `None` where the figure has no value.
fn missed(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    sample: &Sample<'_>,
    found: &Found,
) -> Option<Missed> {
    let unbounded = |slowest_ms| {
        let (failed, dropped) = (sample.failed_by_itself(), sample.dropped());
        Missed::Unbounded {
            figure: figure_name(threshold.key()).to_owned(),
            slowest_ms,
            dropped,
            failed,
            of: sample.completed() + failed + dropped,
        }
    };
    let value = match *found {
        Found::Is(value) | Found::AtLeast(value) => value,
        Found::Beyond(slowest_ms) => return Some(unbounded(slowest_ms)),
        Found::NoneCompleted => return Some(unbounded(None)),
        Found::NoneFailed | Found::Nothing | Found::Untold(_) => return None,
    };
    Some(match threshold.figure {
        Figure::Latency { of, kind, figure } => {
            Missed::Latency { was_ms: value, parts: parts(facts, sample, of, kind, figure) }
        }
        Figure::ErrorsRatio => {
            let kinds = failures::of(facts.plan, sample);
            let of = sample.sent().saturating_sub(sample.cancelled());
            Missed::Errors { failed: sample.failed_by_itself(), of, ratio: value, kinds }
        }
        Figure::DroppedRatio => match facts.plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => Missed::Dropped {
                dropped: sample.dropped_in_flight(),
                of: sample.scheduled(),
                ratio: value,
                max_in_flight: u64::from(max_in_flight),
                many: driver.is_none() && facts.drivers.len() > 1,
                given,
            },
            Mode::Avalanche { .. } => Missed::DroppedRatio { ratio: value },
        },
        Figure::Throughput => {
            let at_least = matches!(threshold.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
            let most = most_per_s(facts, driver).filter(|most| at_least && *most < threshold.bound);
            Missed::Throughput { per_s: value, most }
        }
    })
}

/// As in `p99.9`, of a key like `driver.response.p99.9`.
fn figure_name(key: &str) -> &str {
    let kinds = ["response.", "service.", "lag."];
    let after = |kind: &&str| key.find(*kind).map(|at| &key[at + kind.len()..]);
    kinds.iter().find_map(after).unwrap_or(key)
}

/// The highest rate that the plan lets a driver, or all of them, send at; `None` where nothing bounds it.
fn most_per_s(facts: &Facts<'_>, driver: Option<&str>) -> Option<f64> {
    let of = facts.drivers.iter().filter(|one| driver.is_none_or(|driver| driver == one.name));
    of.map(|one| one.share.and_then(|share| share.rate_per_s.or(share.target_throughput))).sum()
}

/// The service and the lag at the figure of a response, in ms. A closed loop's response is its service.
fn parts(
    facts: &Facts<'_>,
    sample: &Sample<'_>,
    of: Outcome,
    kind: LatencyKind,
    figure: LatencyFigure,
) -> Option<(f64, f64)> {
    let open = matches!(facts.plan.load.mode, Mode::Tsunami { .. });
    let found = |kind| match latency(sample, of, kind, figure) {
        Found::Is(ms) => Some(ms),
        _ => None,
    };
    let parts = found(LatencyKind::Service).zip(found(LatencyKind::Lag));
    parts.filter(|_| open && of != Outcome::Failed && kind == LatencyKind::Response)
}
