//! Compares lag with the allowed lag: the larger of `max_lag_p99` and a tenth of the response at the same percentile.
//! Open loop only: a closed loop has no schedule, so it cannot be late.

use common::latency::LatencyKind;
use common::plan::{Figure, LatencyFigure, Plan, quantile_name};

use super::cause::why;
use super::words::Generator;
use super::{DriverFacts, Facts, Findings, Sample};
use crate::model::Verdict;

/// Percentiles that are always checked.
const ALWAYS: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Percentiles that decide the verdict where a threshold names them, and give a warning where none does.
const ABOVE: [f64; 3] = [0.999, 0.9999, 1.0];

/// Lag may be up to this share of the response at the same percentile.
pub const LAG_SHARE: f64 = 0.1;

/// From this p99 lag on, in ms, it gives a warning although it is allowed.
const NOTABLE_MS: f64 = 1.0;

/// A percentile at which the generator was too late.
struct Late {
    quantile: f64,
    lag_ms: f64,
    allowed_ms: f64,
}

/// Looks for lag that makes a test invalid, or gives a warning.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let fleet_quantiles = with_named(facts.plan, false);
    let found = late(facts.plan, &facts.fleet, &fleet_quantiles);
    if let Some(worst) = found.last() {
        fleet_is_late(facts, worst, &found, findings);
    } else {
        let asked = named(facts.plan, true);
        let mut named_late = false;
        for driver in &facts.drivers {
            if let Some(worst) = late(facts.plan, &driver.sample, &asked).last() {
                named_late = true;
                driver_is_late(facts, driver, worst, Vec::new(), findings);
            }
        }
        if !named_late {
            warn_of_drivers(facts, findings);
        }
    }
    warn(facts, &fleet_quantiles, found.is_empty(), findings);
}

/// The percentiles that thresholds name, for each driver or for the fleet.
fn named(plan: &Plan, each_driver: bool) -> Vec<f64> {
    let thresholds = plan.thresholds.iter().filter(|threshold| threshold.each_driver == each_driver);
    let mut quantiles: Vec<f64> = thresholds
        .filter_map(|threshold| match threshold.figure {
            Figure::Latency { figure: LatencyFigure::Quantile(quantile), .. } => Some(quantile),
            Figure::Latency { figure: LatencyFigure::Max, .. } => Some(1.0),
            _ => None,
        })
        .collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    quantiles
}

fn with_named(plan: &Plan, each_driver: bool) -> Vec<f64> {
    let mut quantiles = named(plan, each_driver);
    quantiles.extend(ALWAYS);
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    quantiles
}

/// Where a sample is later than allowed, lowest percentile first.
fn late(plan: &Plan, sample: &Sample<'_>, quantiles: &[f64]) -> Vec<Late> {
    let max_lag_ms = plan.honesty.max_lag_p99.as_secs_f64() * 1e3;
    let at = |quantile: f64| {
        let lag_ms = sample.quantile_ms(LatencyKind::Lag, quantile)?.ms();
        let response = sample.quantile_ms(LatencyKind::Response, quantile);
        let allowed_ms = max_lag_ms.max(response.map_or(0.0, |response| response.ms() * LAG_SHARE));
        (lag_ms > allowed_ms).then_some(Late { quantile, lag_ms, allowed_ms })
    };
    quantiles.iter().filter_map(|quantile| at(*quantile)).collect()
}

/// One finding for the fleet: which driver, how late, where else.
fn fleet_is_late(facts: &Facts<'_>, worst: &Late, found: &[Late], findings: &mut Findings) {
    let lag = |driver: &DriverFacts<'_>| {
        driver.sample.quantile_ms(LatencyKind::Lag, worst.quantile).map_or(0.0, |lag| lag.ms())
    };
    let latest = facts.drivers.iter().max_by(|a, b| lag(a).total_cmp(&lag(b)));
    let also: Vec<String> =
        found[..found.len() - 1].iter().map(|late| quantile_name(late.quantile)).collect();
    match latest.filter(|driver| lag(driver) > worst.allowed_ms) {
        Some(driver) => {
            let own = Late { lag_ms: lag(driver), ..*worst };
            driver_is_late(facts, driver, &own, also, findings);
        }
        None => {
            let all: Vec<&DriverFacts<'_>> = facts.drivers.iter().collect();
            findings.because(
                Verdict::Invalid,
                None,
                Generator::Late {
                    lag_ms: worst.lag_ms,
                    at: quantile_name(worst.quantile),
                    allowed_ms: worst.allowed_ms,
                    also,
                    why: why(facts, &all, Some(worst.lag_ms)),
                },
            );
        }
    }
}

fn driver_is_late(
    facts: &Facts<'_>,
    driver: &DriverFacts<'_>,
    late: &Late,
    also: Vec<String>,
    findings: &mut Findings,
) {
    let what = Generator::Late {
        lag_ms: late.lag_ms,
        at: quantile_name(late.quantile),
        allowed_ms: late.allowed_ms,
        also,
        why: why(facts, &[driver], Some(late.lag_ms)),
    };
    findings.because(Verdict::Invalid, Some(&driver.name), what);
}

/// Warns of drivers that were late although the fleet's figures are within the limits.
fn warn_of_drivers(facts: &Facts<'_>, findings: &mut Findings) {
    if facts.drivers.len() < 2 {
        return;
    }
    let own = |driver: &DriverFacts<'_>| late(facts.plan, &driver.sample, &ALWAYS).pop();
    let late: Vec<(&DriverFacts<'_>, Late)> =
        facts.drivers.iter().filter_map(|driver| Some((driver, own(driver)?))).collect();
    if let Some((_, worst)) = late.iter().max_by(|a, b| a.1.lag_ms.total_cmp(&b.1.lag_ms)) {
        let drivers: Vec<&DriverFacts<'_>> = late.iter().map(|(driver, _)| *driver).collect();
        let what = Generator::DriverLate {
            drivers: drivers.iter().map(|driver| driver.name.clone()).collect(),
            lag_ms: worst.lag_ms,
            at: quantile_name(worst.quantile),
            why: why(facts, &drivers, Some(worst.lag_ms)),
        };
        let only = (drivers.len() == 1).then(|| drivers[0].name.as_str());
        findings.warn(only, what);
    }
}

fn warn(facts: &Facts<'_>, decided: &[f64], not_late: bool, findings: &mut Findings) {
    let above: Vec<f64> = ABOVE.into_iter().filter(|quantile| !decided.contains(quantile)).collect();
    let found = late(facts.plan, &facts.fleet, &above);
    if let (true, Some(first)) = (not_late, found.first()) {
        findings
            .warn(None, Generator::LateAboveP99 { lag_ms: first.lag_ms, at: quantile_name(first.quantile) });
    }
    let p99 = facts.fleet.quantile_ms(LatencyKind::Lag, 0.99).map(|lag| lag.ms());
    if let (true, Some(p99_ms)) = (not_late, p99.filter(|p99| *p99 > NOTABLE_MS)) {
        findings.warn(None, Generator::LagInResponse { p99_ms });
    }
}
