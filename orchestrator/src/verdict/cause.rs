//! Why a load generator was the limit, as far as measurements show, and what would help. The causes are its own CPU,
//! other programs on its machine, other machines on its host, and a pause of the process. The advice includes the rate
//! that it did reach.

use common::plan::Per;

use super::busy::is_busy;
use super::{DriverFacts, Facts, GeneratorLoad, Stop};
use crate::human::rounded_down;
use crate::model::MUCH_STEAL;

/// From this CPU on, as a share of its cores, a process has none left.
const NO_CPU_LEFT: f64 = 0.8;

/// Below this CPU, as a share of its cores, a process whose worker had no idle time cannot have used a core: the worker
/// waited for one. Valid up to eight cores for each worker.
const HARDLY_ANY_CPU: f64 = 0.1;

/// Share of a window that threads wait for a core even on an idle machine.
const USUAL_WAIT: f64 = 0.02;

/// Steal is measured as a share of all cores of a machine, but it may have been taken from the driver's core only. The
/// share of that core is then up to so many times as large. On machines with more cores the host seldom takes from one
/// core only.
const CORES_OF_STEAL: f64 = 4.0;

/// A pause or a wait of at least this share of a lag explains it. Not all of it is needed: requests that were due later
/// in the pause are late by less.
const EXPLAINS: f64 = 0.5;

/// From this share of its planned rate on, a driver counts as having sent all of it.
const ALL_SENT: f64 = 0.995;

/// Why drivers were too slow, and what would help.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// What held them up.
    pub cause: Cause,
    /// Whether this is about several drivers.
    pub many: bool,
    /// CPU that they used in their busiest second, as a share of their cores.
    pub cpu_max: Option<f64>,
    /// A lower rate to suggest; `None` where none is known.
    pub slower: Option<Slower>,
}

/// What held a driver up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    /// The driver does not report what would show it.
    NotMeasured,
    /// It used up its own CPU.
    OwnCpu,
    /// Other programs on its machine used the cores; with the highest share of a window that a thread waited for one,
    /// where that is measured.
    Held(Option<f64>),
    /// Its host gave its machine's CPU time to others; at most this share in a second.
    Host(f64),
    /// It did not run at all for a while, although no other program used its cores.
    Stopped(Stop),
    /// It had CPU left and did not wait for a core.
    Pauses,
}

/// A rate to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slower {
    /// Requests per second.
    pub per_s: f64,
    /// Everything was sent, but late: the generator may keep a rate below this one.
    pub below: bool,
    pub whose: Whose,
}

/// Whose rate a plan names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    One,
    /// That of each driver.
    Each,
    /// That of the fleet.
    Fleet,
}

/// Why these drivers were `late_ms` late; `None` where the finding is not a lateness in ms.
pub fn why(facts: &Facts<'_>, drivers: &[&DriverFacts<'_>], late_ms: Option<f64>) -> Why {
    // Where several drivers have different causes, the one with the highest rank is shown.
    let causes = || drivers.iter().map(|driver| cause(driver, late_ms));
    let cause = causes().max_by_key(rank).unwrap_or(Cause::NotMeasured);
    let cpus = drivers.iter().filter_map(|driver| driver.machine.cpu_max);
    Why { cause, many: drivers.len() != 1, cpu_max: cpus.reduce(f64::max), slower: slower(facts, drivers) }
}

/// Rank of a cause: of several drivers with different causes, the highest rank is shown.
fn rank(cause: &Cause) -> u8 {
    match cause {
        Cause::NotMeasured => 0,
        Cause::Pauses => 1,
        Cause::Held(_) => 2,
        Cause::Host(_) => 3,
        Cause::OwnCpu => 4,
        Cause::Stopped(_) => 5,
    }
}

/// What held one driver up.
fn cause(driver: &DriverFacts<'_>, late_ms: Option<f64>) -> Cause {
    let machine = &driver.machine;
    let explains = |ms: f64| late_ms.is_none_or(|late| ms >= late * EXPLAINS);
    let longest = machine.stops.iter().max_by_key(|stop| stop.length_ms());
    if let Some(stop) = longest.filter(|stop| explains(stop.length_ms() as f64)) {
        return Cause::Stopped(*stop);
    }
    if let Some(steal) = blamed_steal(machine) {
        return Cause::Host(steal);
    }
    let busy = is_busy(&driver.sample);
    match (machine.cpu_max, machine.waited_max) {
        (Some(cpu), _) if cpu >= NO_CPU_LEFT => Cause::OwnCpu,
        (_, Some(waited)) if waited > USUAL_WAIT && explains(waited * 1e3) => Cause::Held(Some(waited)),
        (_, Some(_)) if busy => Cause::OwnCpu,
        (_, Some(_)) => Cause::Pauses,
        (Some(cpu), None) if cpu < HARDLY_ANY_CPU || !busy => Cause::Held(None),
        (Some(_), None) => Cause::OwnCpu,
        (None, None) => Cause::NotMeasured,
    }
}

/// The highest steal in a second, where it may explain a lag. `None` where the machine's own programs took more from
/// the driver, or the driver used up its CPU by itself: then those are the cause, and freeing a core helps where
/// another host would not.
fn blamed_steal(machine: &GeneratorLoad) -> Option<f64> {
    let mean = machine.steal_mean.filter(|mean| *mean >= MUCH_STEAL)?;
    let steal = machine.steal_max.unwrap_or(mean);
    let of_one_core = steal * CORES_OF_STEAL;
    let own_programs = machine.waited_max.is_some_and(|waited| waited > of_one_core);
    // Even without the steal it would have had no CPU left.
    let own_cpu = machine.cpu_max.is_some_and(|cpu| cpu >= NO_CPU_LEFT) && of_one_core <= 1.0 - NO_CPU_LEFT;
    (!own_programs && !own_cpu).then_some(steal)
}

/// The rate that the slowest of them really sent, rounded down. Where it sent everything, but late, the rate that it
/// could have kept is unknown: then it is the planned rate, with `below` set.
fn slower(facts: &Facts<'_>, drivers: &[&DriverFacts<'_>]) -> Option<Slower> {
    if !facts.rate_changes.is_empty() {
        // On average it kept some rate, but which of its rates it could not keep is not known.
        return None;
    }
    let kept = |driver: &&DriverFacts<'_>| {
        let share = driver.share?;
        let (planned, seconds) = (share.rate_per_s?, driver.sample.schedule_s.filter(|s| *s > 0.001)?);
        // The rate of a plan with sessions is theirs.
        let sessions = driver.sample.of_sessions.sessions;
        let sent =
            sessions.map_or_else(|| driver.sample.sent(), |sessions| sessions.started) as f64 / seconds;
        // A plan with per = "fleet" names the fleet's rate: suggest a rate of the fleet.
        let parts = if facts.plan.per == Per::Fleet { f64::from(share.of) } else { 1.0 };
        Some((sent.min(planned) * parts, planned * parts, share.of))
    };
    let kept = drivers.iter().filter_map(kept).min_by(|a, b| a.0.total_cmp(&b.0));
    let (sent, planned, of) = kept.filter(|(sent, ..)| *sent > 0.0)?;
    let whose = match (of, facts.plan.per) {
        (1, _) => Whose::One,
        (_, Per::Driver) => Whose::Each,
        (_, Per::Fleet) => Whose::Fleet,
    };
    let below = sent >= planned * ALL_SENT;
    Some(Slower { per_s: if below { planned } else { rounded_down(sent) }, below, whose })
}
