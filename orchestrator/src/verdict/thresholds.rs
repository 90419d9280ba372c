//! Thresholds, given and default: whether each held, and what to say where it did not.

use common::counters::ErrorKind;
use common::latency::LatencyKind;
use common::plan::{Comparison, Figure, LatencyFigure, Mode, Threshold};

use super::{Facts, Findings, Quantile, Sample, honesty};
use crate::model::{ThresholdView, Verdict};
use crate::report::human::{count, ms, names, percent, rate};

/// What a figure turned out to be.
enum Found {
    /// This.
    Is(f64),
    /// No less than this; more is not known.
    AtLeast(f64),
    /// Slower than any answer, of which this was the slowest: it falls among the dropped ticks.
    Beyond(f64),
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
    let (value, ok) = outcome(threshold, &found);
    let who = driver.map_or_else(String::new, |driver| format!("driver {driver}: "));
    match ok {
        Some(true) => {}
        Some(false) => {
            let verdict = blame(facts, threshold.figure, sample);
            let mut reason = format!("{who}{}", broken(facts, threshold, driver, sample, &found));
            if verdict == Verdict::Invalid {
                reason.push_str(&format!(
                    "; the drivers' CPU was used up (no idle time in {} of the seconds), so this says nothing of the \
                     target: use more drivers",
                    percent(honesty::busy_share(&facts.fleet).max(honesty::busy_share(sample)))
                ));
            }
            findings.because(verdict, reason);
        }
        None => {
            let why = match &found {
                Found::Untold(why) => why.clone(),
                Found::AtLeast(_) => "not everyone tells its part".to_owned(),
                // With nothing completed the test has failed already, which says more.
                _ if facts.fleet.completed() == 0 => String::new(),
                _ => "there was nothing to measure".to_owned(),
            };
            let sentence = format!("{who}{} cannot be decided: {why}", threshold.expression);
            match (why.is_empty(), given) {
                (true, _) => {}
                (false, true) => findings.because(Verdict::Incomplete, sentence),
                (false, false) => findings.warn(sentence),
            }
        }
    }
    ThresholdView {
        expression: threshold.expression.clone(),
        value,
        ok,
        given,
        driver: driver.map(str::to_owned),
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
        Figure::Latency { kind, figure } => latency(sample, kind, figure),
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
                None if unsaid => Found::Untold("a driver does not tell what it completed when".to_owned()),
                rate => rate.map_or(Found::Nothing, Found::Is),
            }
        }
    }
}

fn untold(facts: &Facts<'_>, driver: Option<&str>) -> String {
    let partial = facts.drivers.iter().filter(|one| one.sample.partial).map(|one| one.name.as_str());
    match driver {
        Some(_) => "it does not tell what it sent".to_owned(),
        None => format!("what {} sent is not known", names(partial)),
    }
}

fn latency(sample: &Sample<'_>, kind: LatencyKind, figure: LatencyFigure) -> Found {
    match sample.coverage {
        None => return Found::Untold("a driver does not tell how many answers it had".to_owned()),
        Some(coverage) if coverage < 1.0 => {
            return Found::Untold(format!("histograms cover {} of the answers", percent(coverage)));
        }
        Some(_) => {}
    }
    let latency = sample.latencies.of(kind);
    let quantile = |quantile: f64| match sample.quantile_ms(kind, quantile) {
        Some(Quantile::Known(ms)) => Found::Is(ms),
        Some(Quantile::AtLeast(ms)) => Found::Beyond(ms),
        None => Found::Nothing,
    };
    let ms = |us: Option<f64>| us.map_or(Found::Nothing, |us| Found::Is(us / 1e3));
    match figure {
        LatencyFigure::Min => ms(latency.min_us().map(|us| us as f64)),
        LatencyFigure::Mean => ms(latency.mean_us()),
        LatencyFigure::Mode => ms(latency.mode_us()),
        LatencyFigure::Max => quantile(1.0),
        LatencyFigure::Quantile(at) => quantile(at),
    }
}

/// The value to show, and whether it held.
fn outcome(threshold: &Threshold, found: &Found) -> (Option<f64>, Option<bool>) {
    let holds = |value: f64| threshold.comparison.holds(value, threshold.bound);
    match found {
        Found::Is(value) => (Some(*value), Some(holds(*value))),
        Found::Beyond(value) => (Some(*value), Some(holds(f64::INFINITY))),
        Found::AtLeast(value) => {
            // Decided where more of it would change nothing.
            let decided = holds(*value) == holds(f64::INFINITY);
            (Some(*value), decided.then(|| holds(*value)))
        }
        Found::Nothing | Found::Untold(_) => (None, None),
    }
}

fn broken(
    facts: &Facts<'_>,
    threshold: &Threshold,
    driver: Option<&str>,
    sample: &Sample<'_>,
    found: &Found,
) -> String {
    let (key, condition) = (threshold.key().trim_start_matches("driver."), threshold.condition());
    let (Found::Is(value) | Found::AtLeast(value) | Found::Beyond(value)) = *found else {
        return String::new();
    };
    match threshold.figure {
        Figure::Latency { .. } if matches!(found, Found::Beyond(_)) => format!(
            "{key} was beyond {}, the slowest answer (must be {condition}): dropped requests count as slower",
            ms(value)
        ),
        Figure::Latency { kind, figure } => {
            let parts = parts(facts, sample, kind, figure);
            format!("{key} was {} (must be {condition}){parts}", ms(value))
        }
        Figure::ErrorsRatio => {
            format!(
                "{} of the requests failed (errors.ratio must be {condition}){}",
                percent(value),
                kinds(facts, sample)
            )
        }
        Figure::DroppedRatio => match facts.plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => format!(
                "it did not keep up: {} of the schedule met {} requests in flight (dropped.ratio must be \
                 {condition}); the percentiles leave those out and are lower bounds",
                percent(value),
                count(u64::from(max_in_flight))
            ),
            Mode::Avalanche { .. } => format!("dropped.ratio was {} (must be {condition})", percent(value)),
        },
        Figure::Throughput => {
            let at_least = matches!(threshold.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
            let most = most_per_s(facts, driver).filter(|most| at_least && *most < threshold.bound);
            let asked = most.map_or_else(String::new, |most| {
                format!("; the plan sends no more than {}: raise its rate, or lower this", rate(most))
            });
            format!("throughput was {} (must be {condition}){asked}", rate(value))
        }
    }
}

/// The highest rate that the plan lets a driver, or all of them, send at; `None` where nothing bounds it.
fn most_per_s(facts: &Facts<'_>, driver: Option<&str>) -> Option<f64> {
    let of = facts.drivers.iter().filter(|one| driver.is_none_or(|driver| driver == one.name));
    of.map(|one| one.share.and_then(|share| share.rate_per_s.or(share.target_throughput))).sum()
}

/// Where the time of a response went, as in `; service was 305 ms there, lag 41 µs`. A closed loop's response is its
/// service.
fn parts(facts: &Facts<'_>, sample: &Sample<'_>, kind: LatencyKind, figure: LatencyFigure) -> String {
    let open = matches!(facts.plan.load.mode, Mode::Tsunami { .. });
    let of = |kind| match latency(sample, kind, figure) {
        Found::Is(ms) => Some(ms),
        _ => None,
    };
    match (of(LatencyKind::Service), of(LatencyKind::Lag)) {
        (Some(service), Some(lag)) if open && kind == LatencyKind::Response => {
            format!("; service was {} there, lag {}", ms(service), ms(lag))
        }
        _ => String::new(),
    }
}

/// The most frequent kinds of failure, as in `, most of them timeout (12), status 503 (3)`; empty for none.
pub fn kinds(facts: &Facts<'_>, sample: &Sample<'_>) -> String {
    let counters = &sample.counters;
    let errors = counters.errors.iter().filter(|(kind, _)| **kind != ErrorKind::Cancelled);
    let mut kinds: Vec<(u64, String)> = errors.map(|(kind, n)| (*n, kind.as_str().to_owned())).collect();
    let unexpected = counters.status_codes.iter().filter(|(status, _)| !facts.plan.request.expects(**status));
    kinds.extend(unexpected.map(|(status, n)| (*n, format!("status {status}"))));
    kinds.retain(|(n, _)| *n > 0);
    kinds.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    if kinds.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = kinds.iter().take(3).map(|(n, kind)| format!("{kind} {}", count(*n))).collect();
    format!(", by kind: {}", shown.join(", "))
}
