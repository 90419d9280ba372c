//! Latencies of other people's drivers that seem to be in another unit than the configured one. On the wire they are
//! plain numbers without a unit.

use common::latency::{LatencyKind, LatencyStats};

use super::words::{OddLatencies, Other};
use super::{DriverFacts, Facts, Findings};

/// No HTTP exchange is shorter, in ms: two system calls and a wake-up on each side, on one machine.
const SHORTEST_MS: f64 = 0.02;

/// A ratio of two latencies in this range counts as a factor of about 1,000, the step between two units. It leaves a
/// factor of three in either direction for real differences between the drivers.
const ABOUT_THOUSANDFOLD: std::ops::RangeInclusive<f64> = 300.0..=3_000.0;

/// Looks for latencies that are impossibly short, or about a thousandth or a thousand times those of the other drivers.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for driver in facts.drivers.iter().filter(|driver| driver.classic) {
        if let Some(odd) = odd(facts, driver) {
            findings.warn(Some(&driver.name), Other::LatencyUnit(odd));
        }
    }
}

fn odd(facts: &Facts<'_>, driver: &DriverFacts<'_>) -> Option<OddLatencies> {
    let own_ms = usual_ms(driver)?;
    if let Some(others_ms) = of_the_others(facts, driver) {
        if ABOUT_THOUSANDFOLD.contains(&(others_ms / own_ms)) {
            return Some(OddLatencies::Small { ms: own_ms, others_ms });
        }
        if ABOUT_THOUSANDFOLD.contains(&(own_ms / others_ms)) {
            return Some(OddLatencies::Large { ms: own_ms, others_ms });
        }
    }
    let shortest = figures(&driver.as_classic.response).into_iter().flatten().reduce(f64::min)?;
    (shortest < SHORTEST_MS).then_some(OddLatencies::Impossible { ms: shortest })
}

/// The usual latency of our drivers, whose unit is known; where there are none, that of the other classic drivers.
fn of_the_others(facts: &Facts<'_>, driver: &DriverFacts<'_>) -> Option<f64> {
    let of = |classic: bool| {
        let others = facts.drivers.iter().filter(|one| one.name != driver.name && one.classic == classic);
        middle(others.filter_map(usual_ms).collect())
    };
    of(false).or_else(|| of(true))
}

/// The median, or else the mean, of a driver's response times.
fn usual_ms(driver: &DriverFacts<'_>) -> Option<f64> {
    if driver.classic {
        let [median, mean, _] = figures(&driver.as_classic.response);
        return median.or(mean);
    }
    let response = driver.sample.latencies.of(LatencyKind::Response);
    response.quantile_us(0.5, 0).map(|us| us as f64 / 1e3).filter(|ms| *ms > 0.0)
}

/// Median, mean and minimum, without zeros: some drivers send 0 before the first answer.
fn figures(stats: &LatencyStats) -> [Option<f64>; 3] {
    [stats.median, stats.mean, stats.min].map(|ms| ms.filter(|ms| *ms > 0.0))
}

fn middle(mut of: Vec<f64>) -> Option<f64> {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied()
}
