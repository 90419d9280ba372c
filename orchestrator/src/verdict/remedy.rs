//! What explains a generator that was the limit, and what a person can do about it: the driver's CPU, the time
//! that its host gave to others, and the rate that it did keep.

use common::plan::Per;

use super::{DriverFacts, Facts};
use crate::report::human::{percent, rate, rounded_down};

/// Share of a machine's time from which on its host is to blame before the driver is.
pub const MUCH_STEAL: f64 = 0.02;

/// Steal that is worth a word beside a driver's CPU.
const NOTABLE_STEAL: f64 = 0.005;

/// Share of its planned rate from which on a driver counts as having sent all of it.
const ALL_SENT: f64 = 0.995;

/// As in `CPU up to 97 %, steal up to 12 %`; `None` where the driver does not tell.
pub fn evidence(driver: &DriverFacts<'_>) -> Option<String> {
    let machine = &driver.machine;
    let cpu = machine.cpu_max.map(|cpu| format!("CPU up to {}", percent(cpu)));
    let steal = machine.steal_max.filter(|steal| *steal >= NOTABLE_STEAL);
    let steal = steal.map(|steal| format!("steal up to {}", percent(steal)));
    let told: Vec<String> = cpu.into_iter().chain(steal).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// What to do about drivers of an open loop that were too slow, as in `give it another core, or lower the rate to
/// 42,000/s`.
pub fn remedy(facts: &Facts<'_>, drivers: &[&DriverFacts<'_>]) -> String {
    format!("{}, or lower the rate{}", more(drivers), slower(facts, drivers).unwrap_or_default())
}

/// What the machine lacks.
pub fn more(drivers: &[&DriverFacts<'_>]) -> &'static str {
    let steals =
        |driver: &&&DriverFacts<'_>| driver.machine.steal_mean.is_some_and(|mean| mean >= MUCH_STEAL);
    match (drivers.len(), drivers.iter().any(|driver| steals(&driver))) {
        (1, false) => "give it another core",
        (1, true) => "give it a machine that shares its cores with nobody",
        (_, false) => "give them more cores",
        (_, true) => "give them machines that share their cores with nobody",
    }
}

/// As in ` to 42,000/s each`: what the slowest of them really sent a second, rounded down. Where all was sent,
/// though late, nothing says which lower rate it could have kept.
fn slower(facts: &Facts<'_>, drivers: &[&DriverFacts<'_>]) -> Option<String> {
    let kept = |driver: &&DriverFacts<'_>| {
        let share = driver.share?;
        let (planned, seconds) = (share.rate_per_s?, driver.sample.schedule_s.filter(|s| *s > 0.001)?);
        let sent = driver.sample.sent() as f64 / seconds;
        // Plans that share a rate out name that of the fleet.
        let parts = if facts.plan.per == Per::Fleet { f64::from(share.of) } else { 1.0 };
        Some((sent.min(planned) * parts, planned * parts, share.of))
    };
    let kept = drivers.iter().filter_map(kept).min_by(|a, b| a.0.total_cmp(&b.0));
    let (sent, planned, of) = kept.filter(|(sent, ..)| *sent > 0.0)?;
    let whose = match (of, facts.plan.per) {
        (1, _) => "",
        (_, Per::Driver) => " each",
        (_, Per::Fleet) => " in all",
    };
    Some(if sent < planned * ALL_SENT {
        format!(" to {}{whose}", rate(rounded_down(sent)))
    } else {
        format!(" below {}{whose}", rate(planned))
    })
}
