//! The measured figure of a threshold, and what it leaves out.
//!
//! Other people's drivers may not report all counts, and then sums over the fleet are incomplete. The counts of the
//! other drivers are judged all the same. For the share of failed requests: if the drivers that report it break the
//! threshold, it is not met; if it holds over them, it is not decided. For a sum, a minimum and a maximum, unknown
//! counts can change the figure in one direction only: the threshold is decided where a change in that direction cannot
//! alter the outcome.

use std::borrow::Cow;

use common::counters::Counters;
use common::latency::{LatencyKind, Outcome, Quantile, Spread};
use common::plan::{Figure, LatencyFigure, Mode, Threshold};

use super::facts::Reported;
use super::words::Gaps;
use super::{DriverFacts, Facts, Sample};

/// The measured value of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Is(f64),
    /// The value over the drivers that report it; others do not.
    OfTheKnown(f64),
    /// A lower bound.
    AtLeast(f64),
    /// An upper bound.
    AtMost(f64),
    /// It falls among the failed or dropped requests, which count as slower than any completed one. The slowest
    /// completed one took so many ms; `None`: none completed.
    Beyond(Option<f64>),
    /// The threshold is on the time that failed requests took, and none failed: it holds.
    NoneFailed,
    /// The threshold is on completed requests, and none completed.
    NoneCompleted,
    /// There was nothing to measure.
    Nothing,
    /// The drivers do not report it.
    Unknown,
}

/// A figure and its origin.
#[derive(Debug, Clone)]
pub struct Found<'f, 'a> {
    pub value: Value,
    /// The sample that it was measured on, without the drivers that it leaves out.
    pub sample: Cow<'f, Sample<'a>>,
    /// What it leaves out.
    pub gaps: Gaps,
}

impl Found<'_, '_> {
    /// The value to show, and whether the threshold held; `None` where that is not decided.
    pub fn outcome(&self, threshold: &Threshold) -> (Option<f64>, Option<bool>) {
        let holds = |value: f64| threshold.comparison.holds(value, threshold.bound);
        // Decided where the known value and the extreme in the unknown direction give the same outcome.
        let decided = |value: f64, at_the_end: f64| (holds(value) == holds(at_the_end)).then(|| holds(value));
        match self.value {
            Value::Is(value) => (Some(value), Some(holds(value))),
            Value::OfTheKnown(value) => (Some(value), (!holds(value)).then_some(false)),
            Value::AtLeast(value) => (Some(value), decided(value, f64::INFINITY)),
            Value::AtMost(value) => (Some(value), decided(value, 0.0)),
            Value::Beyond(value) => (value, Some(holds(f64::INFINITY))),
            Value::NoneFailed => (None, Some(true)),
            Value::NoneCompleted => (None, Some(false)),
            Value::Nothing | Value::Unknown => (None, None),
        }
    }

    /// Whether the value is only a lower bound.
    pub fn is_lower_bound(&self) -> bool {
        matches!(self.value, Value::Beyond(_) | Value::AtLeast(_))
    }
}

/// Finds the figure of a threshold: of a driver, or of all.
pub fn find<'f, 'a>(
    facts: &'f Facts<'a>,
    threshold: &Threshold,
    driver: Option<&'f DriverFacts<'a>>,
) -> Found<'f, 'a> {
    match threshold.figure {
        Figure::Latency { of, kind, figure } => latency(facts, driver, of, kind, figure),
        Figure::ErrorsRatio => errors(facts, driver),
        Figure::DroppedRatio => dropped(facts, threshold, driver),
        Figure::Throughput => throughput(facts, driver),
    }
}

/// The drivers whose figure a threshold checks.
fn about<'f, 'a>(facts: &'f Facts<'a>, driver: Option<&'f DriverFacts<'a>>) -> &'f [DriverFacts<'a>] {
    driver.map_or(facts.drivers.as_slice(), std::slice::from_ref)
}

fn whole<'f, 'a>(facts: &'f Facts<'a>, driver: Option<&'f DriverFacts<'a>>) -> &'f Sample<'a> {
    driver.map_or(&facts.fleet, |driver| &driver.sample)
}

/// The names of the drivers that do not report something.
fn unknown(drivers: &[DriverFacts<'_>], is_known: impl Fn(&DriverFacts<'_>) -> bool) -> Vec<String> {
    drivers.iter().filter(|driver| !is_known(driver)).map(|driver| driver.name.clone()).collect()
}

/// The sample without the counters of the drivers for which `is_known` is false.
pub fn of_the_known<'f, 'a>(
    facts: &'f Facts<'a>,
    driver: Option<&'f DriverFacts<'a>>,
    is_known: impl Fn(&Reported) -> bool,
) -> Cow<'f, Sample<'a>> {
    let (drivers, whole) = (about(facts, driver), whole(facts, driver));
    if drivers.iter().all(|driver| is_known(&driver.sample.reported)) {
        return Cow::Borrowed(whole);
    }
    let mut counters = Counters::default();
    for driver in drivers.iter().filter(|driver| is_known(&driver.sample.reported)) {
        counters.add(&driver.sample.counters);
    }
    Cow::Owned(Sample { counters, ..whole.clone() })
}

fn errors<'f, 'a>(facts: &'f Facts<'a>, driver: Option<&'f DriverFacts<'a>>) -> Found<'f, 'a> {
    let drivers = about(facts, driver);
    let gaps = Gaps {
        sent: unknown(drivers, |one| one.sample.reported.sent),
        failed: unknown(drivers, |one| !one.sample.reported.sent || one.sample.reported.failed),
        ..Gaps::default()
    };
    let sample = of_the_known(facts, driver, |reported| reported.sent && reported.failed);
    let value = match sample.errors_ratio() {
        Some(ratio) if gaps.is_empty() => Value::Is(ratio),
        Some(ratio) => Value::OfTheKnown(ratio),
        None if gaps.is_empty() => Value::Nothing,
        None => Value::Unknown,
    };
    Found { value, sample, gaps }
}

/// The dropped ratio. A classic driver has no schedule and drops nothing, so whatever it sent makes the ratio smaller,
/// or leaves it at 0.
fn dropped<'f, 'a>(
    facts: &'f Facts<'a>,
    threshold: &Threshold,
    driver: Option<&'f DriverFacts<'a>>,
) -> Found<'f, 'a> {
    let drivers = about(facts, driver);
    let gaps = Gaps { sent: unknown(drivers, |one| one.sample.reported.sent), ..Gaps::default() };
    let only_classic = drivers.iter().all(|one| one.classic || one.sample.reported.sent);
    let holds = |ratio: f64| threshold.comparison.holds(ratio, threshold.bound);
    let sample = of_the_known(facts, driver, |reported| reported.sent);
    let value = match sample.dropped_ratio() {
        Some(ratio) if gaps.is_empty() => Value::Is(ratio),
        Some(ratio) if only_classic && holds(ratio) && holds(0.0) => Value::AtMost(ratio),
        Some(ratio) => Value::OfTheKnown(ratio),
        None if gaps.is_empty() => Value::Nothing,
        None if only_classic => Value::Is(0.0),
        None => Value::Unknown,
    };
    Found { value, sample, gaps }
}

/// The throughput. Drivers that do not report what completed within the schedule can only add to it in an open loop. In
/// a closed loop the sum is divided by the longest driver's length, which may be theirs and is unknown, so the
/// throughput may also be lower.
fn throughput<'f, 'a>(facts: &'f Facts<'a>, driver: Option<&'f DriverFacts<'a>>) -> Found<'f, 'a> {
    let when = unknown(about(facts, driver), |one| !one.classic && one.sample.reported.sent);
    let gaps = Gaps { when, ..Gaps::default() };
    let sample = whole(facts, driver);
    let value = match sample.throughput_per_s {
        Some(rate) if gaps.is_empty() => Value::Is(rate),
        Some(rate) if matches!(facts.plan.load.mode, Mode::Tsunami { .. }) => Value::AtLeast(rate),
        Some(_) => Value::Unknown,
        None if gaps.is_empty() => Value::Nothing,
        None => Value::Unknown,
    };
    Found { value, sample: Cow::Borrowed(sample), gaps }
}

/// A latency figure. Where histograms do not cover all requests, the measured minimum is an upper bound, and the
/// measured maximum a lower bound.
pub fn latency<'f, 'a>(
    facts: &'f Facts<'a>,
    driver: Option<&'f DriverFacts<'a>>,
    of: Outcome,
    kind: LatencyKind,
    figure: LatencyFigure,
) -> Found<'f, 'a> {
    let (drivers, sample) = (about(facts, driver), whole(facts, driver));
    let spread = sample.spread(of, kind);
    let reported = |one: &DriverFacts<'_>| one.sample.reported;
    let gaps = if of == Outcome::Failed {
        let failed = sample.failed_by_itself();
        Gaps {
            failed: unknown(drivers, |one| reported(one).sent && reported(one).failed),
            untimed: failed.saturating_sub(spread.samples().count()),
            ..Gaps::default()
        }
    } else {
        let unknown = || unknown(drivers, |one| reported(one).sent && reported(one).completed);
        match sample.coverage {
            None if unknown().is_empty() => {
                // All counts are known, but no histogram arrived.
                Gaps { covered: Some(0.0), ..Gaps::default() }
            }
            None => Gaps { completed: unknown(), ..Gaps::default() },
            covered => Gaps { covered: covered.filter(|share| *share < 1.0), ..Gaps::default() },
        }
    };
    let gaps = Gaps { abandoned: sample.of_sessions.abandoned, ..gaps };
    let found = figure_of(&spread, figure);
    let value = match (found, figure) {
        (Value::Nothing, _) if of == Outcome::Failed && gaps.is_empty() => Value::NoneFailed,
        (Value::Nothing, _) if of == Outcome::Success && gaps.is_empty() && sample.sent() > 0 => {
            Value::NoneCompleted
        }
        (found, _) if gaps.is_empty() => found,
        // What is unknown of abandoned sessions can only make a figure higher.
        (Value::Is(ms), LatencyFigure::Min) if gaps.only_abandoned() => Value::Is(ms),
        (Value::Is(ms), _) if gaps.only_abandoned() => Value::AtLeast(ms),
        (Value::Beyond(ms), _) if gaps.only_abandoned() => Value::Beyond(ms),
        (Value::Is(ms), LatencyFigure::Max) => Value::AtLeast(ms),
        (Value::Beyond(ms), LatencyFigure::Max) => Value::Beyond(ms),
        (Value::Is(ms), LatencyFigure::Min) => Value::AtMost(ms),
        _ => Value::Unknown,
    };
    Found { value, sample: Cow::Borrowed(sample), gaps }
}

fn figure_of(spread: &Spread<'_>, figure: LatencyFigure) -> Value {
    let quantile = |quantile: f64| match spread.quantile(quantile) {
        Quantile::Is(us) => Value::Is(us as f64 / 1e3),
        Quantile::AtLeast(us) => Value::Beyond(us.map(|us| us as f64 / 1e3)),
        Quantile::Nothing => Value::Nothing,
    };
    // Of completed requests only. Where there are none, the highest percentile shows why (failed or dropped, or
    // nothing).
    let of_completed = |us: Option<f64>| us.map_or_else(|| quantile(1.0), |us| Value::Is(us / 1e3));
    let samples = spread.samples();
    match figure {
        LatencyFigure::Min => of_completed(samples.min_us().map(|us| us as f64)),
        LatencyFigure::Mean => of_completed(samples.mean_us()),
        LatencyFigure::Mode => of_completed(samples.mode_us()),
        LatencyFigure::Max => quantile(1.0),
        LatencyFigure::Quantile(at) => quantile(at),
    }
}
