//! Thresholds, given and default: whether each held, and the finding where it did not.

use common::latency::{LatencyKind, Outcome};
use common::plan::{Comparison, Figure, LatencyFigure, Mode, Threshold, ThresholdOf};

use super::busy::{busy_share, is_busy};
use super::found::{Found, Value, find, latency};
use super::words::{Missed, ThresholdFinding, Unit};
use super::{DriverFacts, Facts, Findings, Sample, failures};
use crate::human::percent;
use crate::model::{ThresholdView, Verdict};

/// While a test runs, a throughput threshold is judged from so many seconds on.
const THROUGHPUT_FROM_S: f64 = 3.0;

/// Decides all thresholds: those given, and the defaults where the plan names none of the figure.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) -> Vec<ThresholdView> {
    let mut views = Vec::new();
    for threshold in &facts.plan.thresholds {
        if let Some(about) = about(facts, &threshold.of) {
            decide(about, threshold, true, findings, &mut views);
        }
    }
    for threshold in facts.plan.default_thresholds() {
        let is_same = |given: &Threshold| given.figure == threshold.figure && given.of == threshold.of;
        if !facts.plan.thresholds.iter().any(is_same)
            && let Some(about) = about(facts, &threshold.of)
        {
            decide(about, &threshold, false, findings, &mut views);
        }
    }
    views
}

/// The facts of what a threshold looks at. The tally gives those of every name that a threshold looks at.
fn about<'a, 'f>(facts: &'a Facts<'f>, of: &ThresholdOf) -> Option<&'a Facts<'f>> {
    match of {
        ThresholdOf::All => Some(facts),
        _ => facts.of.iter().find(|(looked_at, _)| looked_at == of).map(|(_, facts)| facts),
    }
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
            views.push(one(facts, threshold, given, Some(driver), findings));
        }
    } else {
        views.push(one(facts, threshold, given, None, findings));
    }
}

fn one(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&DriverFacts<'_>>,
    findings: &mut Findings,
) -> ThresholdView {
    let found = find(facts, threshold, driver);
    let driver = driver.map(|driver| driver.name.as_str());
    let (_, ok) = found.outcome(threshold);
    if !facts.over {
        return so_far(facts, threshold, given, driver, &found, findings);
    }
    match ok {
        Some(true) => {}
        Some(false) => not_met(facts, threshold, given, driver, &found, findings),
        None => {
            let why = undecided(facts, threshold, &found);
            let expression = threshold.expression.clone();
            let what = |why| ThresholdFinding {
                expression,
                missed: Missed::Undecided { why },
                gaps: None,
                used_up: None,
            };
            match (why.is_empty(), given) {
                (true, _) => {}
                (false, true) => findings.because(Verdict::Incomplete, driver, what(why)),
                (false, false) => findings.warn(driver, what(why)),
            }
        }
    }
    view(threshold, given, driver, &found, ok)
}

/// Why a threshold is not decided; empty where another reason for the verdict already explains it.
fn undecided(facts: &Facts<'_>, threshold: &Threshold, found: &Found<'_, '_>) -> String {
    let why = found.gaps.text();
    match (found.value, threshold.figure) {
        (Value::OfTheKnown(ratio), Figure::ErrorsRatio | Figure::DroppedRatio) => {
            format!("{why}; over the others it is {}", percent(ratio))
        }
        _ if !why.is_empty() => why,
        // With nothing completed the test has failed already.
        _ if facts.fleet.completed() == 0 => String::new(),
        _ => "there was nothing to measure".to_owned(),
    }
}

fn view(
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    found: &Found<'_, '_>,
    ok: Option<bool>,
) -> ThresholdView {
    let (value, _) = found.outcome(threshold);
    ThresholdView {
        expression: threshold.expression.clone(),
        value,
        lower_bound: found.is_lower_bound(),
        ok,
        given,
        driver: driver.map(str::to_owned),
        without: if value.is_some() && driver.is_none() { found.gaps.drivers() } else { Vec::new() },
    }
}

/// A threshold while the test runs: met so far, not met so far but still possible, or no longer possible.
fn so_far(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    found: &Found<'_, '_>,
    findings: &mut Findings,
) -> ThresholdView {
    let (_, ok) = found.outcome(threshold);
    // In the first seconds a throughput is too low, because most answers have not arrived yet.
    let early = threshold.figure == Figure::Throughput
        && found.sample.schedule_s.is_none_or(|seconds| seconds < THROUGHPUT_FROM_S);
    if ok == Some(false) && !early {
        not_met(facts, threshold, given, driver, found, findings);
    }
    let ok = match ok {
        Some(false) if !is_lost(facts, threshold, driver, found) => None,
        ok => ok,
    };
    view(threshold, given, driver, found, ok)
}

/// Whether a threshold that is not met cannot be met any more, whatever happens in the rest of the test.
fn is_lost(facts: &Facts<'_>, threshold: &Threshold, driver: Option<&str>, found: &Found<'_, '_>) -> bool {
    let sample = &found.sample;
    let left_out = found.gaps.drivers();
    let upper = matches!(threshold.comparison, Comparison::Less | Comparison::LessOrEqual);
    let at_best = |bad: u64| {
        let planned = planned(facts, threshold, driver, &left_out)?;
        (planned > 0).then(|| bad as f64 / planned.max(sample.due()) as f64)
    };
    let lost = |ratio: Option<f64>| {
        upper && ratio.is_some_and(|best| !threshold.comparison.holds(best, threshold.bound))
    };
    match threshold.figure {
        // A maximum only rises, a minimum only falls.
        Figure::Latency { figure: LatencyFigure::Max, .. } => upper,
        Figure::Latency { figure: LatencyFigure::Min, .. } => !upper,
        Figure::ErrorsRatio => lost(at_best(sample.failed_by_itself())),
        Figure::DroppedRatio => lost(at_best(sample.due_and_dropped())),
        Figure::Latency { .. } | Figure::Throughput => false,
    }
}

/// How many of what a threshold looks at the plan has after the warm-up, for one driver or for all but those left out;
/// `None` where that is not known. With sessions the plan's amounts are theirs, and stages have none.
fn planned(
    facts: &Facts<'_>,
    threshold: &Threshold,
    driver: Option<&str>,
    left_out: &[String],
) -> Option<u64> {
    if !is_of_the_schedule(facts, threshold) {
        return None;
    }
    let load = &facts.plan.load;
    let of = facts.drivers.iter().filter(|one| driver.is_none_or(|driver| driver == one.name));
    let of = of.filter(|one| !left_out.contains(&one.name));
    let planned = |one: &DriverFacts<'_>| {
        let share = one.share?;
        // Where the rate was changed meanwhile, it is at most the highest rate times the whole time.
        let rates = facts.rate_changes.iter().map(|change| share.own_rate(facts.plan.per, change.rate_per_s));
        let highest = share.rate_per_s.map(|rate| rates.fold(rate, f64::max));
        let timed = highest.zip(load.duration).map(|(rate, duration)| {
            // At most: the product rounded up, or one more where it is a whole number.
            (rate * duration.as_secs_f64()) as u64 + 1
        });
        match (share.requests, timed) {
            (Some(requests), Some(timed)) => Some(requests.min(timed)),
            (requests, timed) => requests.or(timed),
        }
    };
    of.map(planned).sum()
}

/// Whether a threshold looks at what the plan's amounts count: all requests, or all sessions where the plan has them.
fn is_of_the_schedule(facts: &Facts<'_>, threshold: &Threshold) -> bool {
    let sessions = threshold.of == ThresholdOf::Sessions(None) || threshold.figure == Figure::DroppedRatio;
    match facts.plan.program {
        Some(_) => sessions && facts.plan.load.stages.is_empty(),
        None => true,
    }
}

/// Adds the finding that a threshold is not met.
fn not_met(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    found: &Found<'_, '_>,
    findings: &mut Findings,
) {
    let verdict = blame(facts, threshold.figure, &found.sample);
    let used_up = || busy_share(&facts.fleet).max(busy_share(&found.sample));
    let used_up = (verdict == Verdict::Invalid).then(used_up);
    if let Some(missed) = missed(facts, threshold, given, driver, found) {
        let expression = threshold.expression.clone();
        let gaps = Some(found.gaps.clone()).filter(|gaps| !gaps.is_empty());
        findings.because(verdict, driver, ThresholdFinding { expression, missed, gaps, used_up });
    }
}

/// The verdict for a threshold that is not met. A closed loop whose drivers had no CPU left measured itself: then a
/// latency or a throughput shows nothing about the target, and the test is invalid.
fn blame(facts: &Facts<'_>, figure: Figure, sample: &Sample<'_>) -> Verdict {
    let closed = matches!(facts.plan.load.mode, Mode::Avalanche { .. });
    let of_speed = matches!(figure, Figure::Latency { .. } | Figure::Throughput);
    let used_up = is_busy(&facts.fleet) || is_busy(sample);
    if closed && of_speed && used_up { Verdict::Invalid } else { Verdict::Failed }
}

/// What was missed; `None` where the figure has no value.
fn missed(
    facts: &Facts<'_>,
    threshold: &Threshold,
    given: bool,
    driver: Option<&str>,
    found: &Found<'_, '_>,
) -> Option<Missed> {
    let sample = &found.sample;
    let unbounded = |slowest_ms| {
        let failed = sample.failed_by_itself();
        let dropped = sample.dropped() + sample.of_sessions.unsent;
        Missed::Unbounded {
            figure: figure_name(threshold.key()).to_owned(),
            slowest_ms,
            dropped,
            failed,
            of: sample.completed() + failed + dropped,
            unit: Unit::of(&threshold.of),
        }
    };
    let value = match found.value {
        Value::Is(value) | Value::OfTheKnown(value) | Value::AtLeast(value) | Value::AtMost(value) => value,
        Value::Beyond(slowest_ms) => return Some(unbounded(slowest_ms)),
        Value::NoneCompleted => return Some(unbounded(None)),
        Value::NoneFailed | Value::Nothing | Value::Unknown => return None,
    };
    Some(match threshold.figure {
        Figure::Latency { of, kind, figure } => {
            Missed::Latency { was_ms: value, parts: parts(facts, driver, of, kind, figure) }
        }
        Figure::ErrorsRatio => {
            let kinds = failures::of(facts.plan, sample);
            let of = sample.sent().saturating_sub(sample.cancelled());
            let unit = Unit::of(&threshold.of);
            // Of sessions, groups and polls no kind is counted: their requests have them.
            let kinds = if unit == Unit::Request { kinds } else { Vec::new() };
            Missed::Errors { failed: sample.failed_by_itself(), of, ratio: value, kinds, unit }
        }
        Figure::DroppedRatio => match facts.plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => Missed::Dropped {
                dropped: sample.due_and_dropped(),
                of: sample.due(),
                ratio: value,
                max_in_flight: u64::from(max_in_flight),
                many: driver.is_none() && facts.drivers.len() > 1,
                given,
                unit: if facts.plan.program.is_some() { Unit::Session } else { Unit::Request },
            },
            Mode::Avalanche { .. } => Missed::DroppedRatio { ratio: value },
        },
        Figure::Throughput => {
            let at_least = matches!(threshold.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
            let most = is_of_the_schedule(facts, threshold).then(|| most_per_s(facts, driver)).flatten();
            let most = most.filter(|most| at_least && *most < threshold.bound);
            Missed::Throughput { per_s: value, most, unit: Unit::of(&threshold.of) }
        }
    })
}

/// As in `p99.9`, of a key like `driver.response.p99.9`.
fn figure_name(key: &str) -> &str {
    let kinds = ["response.", "service.", "lag."];
    let after = |kind: &&str| key.find(*kind).map(|at| &key[at + kind.len()..]);
    kinds.iter().find_map(after).unwrap_or(key)
}

/// The highest rate that the plan lets a driver, or all of them, send at; `None` where nothing bounds it, and where the
/// rate was changed meanwhile: then it is not the plan's.
fn most_per_s(facts: &Facts<'_>, driver: Option<&str>) -> Option<f64> {
    if !facts.rate_changes.is_empty() {
        return None;
    }
    let of = facts.drivers.iter().filter(|one| driver.is_none_or(|driver| driver == one.name));
    of.map(|one| one.share.and_then(|share| share.rate_per_s.or(share.target_throughput))).sum()
}

/// The service and the lag at the figure of a response, in ms. A closed loop's response is its service.
fn parts(
    facts: &Facts<'_>,
    driver: Option<&str>,
    of: Outcome,
    kind: LatencyKind,
    figure: LatencyFigure,
) -> Option<(f64, f64)> {
    let open = matches!(facts.plan.load.mode, Mode::Tsunami { .. });
    let driver = facts.drivers.iter().find(|one| Some(one.name.as_str()) == driver);
    let found = |kind| match latency(facts, driver, of, kind, figure).value {
        Value::Is(ms) => Some(ms),
        _ => None,
    };
    let parts = found(LatencyKind::Service).zip(found(LatencyKind::Lag));
    parts.filter(|_| open && of != Outcome::Failed && kind == LatencyKind::Response)
}
