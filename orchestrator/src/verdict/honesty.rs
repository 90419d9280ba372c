//! The rules for `invalid`: the load generator, not the target, was the limit. Also the warnings of a closed loop.

use common::counters::ErrorKind;
use common::latency::LatencyKind;
use common::plan::Mode;
use common::plan::program::Step;

use super::busy::{busy_share, is_busy};
use super::cause::why;
use super::words::Generator;
use super::{DriverFacts, Facts, Findings, Sample, lateness};
use crate::model::{MUCH_STEAL, Verdict};

/// From this share on a ceiling counts as reached.
const REACHED: f64 = 0.99;

/// Looks for signs that the generator was the limit.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    local_limits(facts, findings);
    stolen(facts, findings);
    let before = findings.len();
    match facts.plan.load.mode {
        Mode::Tsunami { .. } => {
            gave_up_spinning(facts, findings);
            late_drops(facts, findings);
            lateness::look(facts, findings);
            turns(facts, findings);
            if let Some((drivers, share)) = busy(facts) {
                let why = why(facts, &drivers, None);
                let what = Generator::NoIdleTime { drivers: named(&drivers), share, why };
                findings.because(Verdict::Invalid, only(&drivers), what);
            }
        }
        Mode::Avalanche { connections } => {
            if has_due_times(facts) {
                lateness::look(facts, findings);
                turns(facts, findings);
            }
            if let Some((drivers, share)) = busy(facts) {
                let why = why(facts, &drivers, None);
                findings.warn(only(&drivers), Generator::CpuUsedUp { drivers: named(&drivers), share, why });
            }
            ceiling(facts, connections, findings);
        }
    }
    stopped(facts, before, findings);
}

/// Whether something sets due times in a closed loop: thinking, `at` or `pacing`. Then what begins late is late by our doing.
fn has_due_times(facts: &Facts<'_>) -> bool {
    fn in_steps(steps: &[Step]) -> bool {
        steps.iter().any(|step| match step {
            Step::Think(_) | Step::Poll { .. } | Step::Request { at: Some(_), .. } => true,
            _ => step.inner().into_iter().any(in_steps),
        })
    }
    let scenarios = facts.plan.program.iter().flat_map(|program| &program.scenarios);
    facts.plan.load.pacing.is_some() || scenarios.into_iter().any(|scenario| in_steps(&scenario.steps))
}

/// Warns of the pauses of each driver's process, unless another finding names one of them already.
fn stopped(facts: &Facts<'_>, since: usize, findings: &mut Findings) {
    for driver in facts.drivers.iter().filter(|driver| !driver.machine.stops.is_empty()) {
        if !findings.blame_a_stop(since, &driver.name) {
            findings.warn(Some(&driver.name), Generator::Stopped { stops: driver.machine.stops.clone() });
        }
    }
}

/// Warns of drivers with fewer free cores than workers: they kept the schedule less precisely.
fn gave_up_spinning(facts: &Facts<'_>, findings: &mut Findings) {
    let gave_up: Vec<_> = facts.drivers.iter().filter(|driver| driver.machine.gave_up_spinning).collect();
    if !gave_up.is_empty() {
        findings.warn(only(&gave_up), Generator::GaveUpSpinning { drivers: named(&gave_up) });
    }
}

/// The drivers without idle time and the fleet's share of such seconds, where that is too much.
fn busy<'f, 'a>(facts: &'f Facts<'a>) -> Option<(Vec<&'f DriverFacts<'a>>, f64)> {
    let drivers = || facts.drivers.iter().filter(|driver| is_busy(&driver.sample)).collect();
    is_busy(&facts.fleet).then(|| (drivers(), busy_share(&facts.fleet)))
}

fn named(drivers: &[&DriverFacts<'_>]) -> Vec<String> {
    drivers.iter().map(|driver| driver.name.clone()).collect()
}

/// The name, where it is one driver alone.
fn only<'f>(drivers: &[&'f DriverFacts<'_>]) -> Option<&'f str> {
    match drivers {
        [one] => Some(&one.name),
        _ => None,
    }
}

/// Warns of hosts that took CPU time from drivers. In a closed loop that time is part of every latency, and no lag
/// shows it.
fn stolen(facts: &Facts<'_>, findings: &mut Findings) {
    for driver in &facts.drivers {
        let (Some(mean), Some(max)) = (driver.machine.steal_mean, driver.machine.steal_max) else { continue };
        if mean >= MUCH_STEAL {
            findings.warn(Some(&driver.name), Generator::HostTookCpu { mean, max });
        }
    }
}

/// The driver for which a figure is highest.
fn worst<'f, 'a>(
    facts: &'f Facts<'a>,
    of: impl Fn(&Sample<'a>) -> Option<f64>,
) -> Option<(&'f DriverFacts<'a>, f64)> {
    let figures = facts.drivers.iter().filter_map(|driver| Some((driver, of(&driver.sample)?)));
    figures.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn late_drops(facts: &Facts<'_>, findings: &mut Findings) {
    let allowed = facts.plan.honesty.max_late;
    let Some(share) = facts.fleet.late_ratio() else { return };
    let Some((driver, own)) = worst(facts, Sample::late_ratio) else { return };
    let why = || why(facts, &[driver], None);
    if share > allowed {
        let own = (facts.drivers.len() > 1).then_some(own);
        let what = Generator::LateDrops { share, allowed, own, why: why() };
        findings.because(Verdict::Invalid, Some(&driver.name), what);
    } else if own > allowed {
        findings.warn(Some(&driver.name), Generator::DriverLateDrops { own, allowed, why: why() });
    }
}

fn turns(facts: &Facts<'_>, findings: &mut Findings) {
    let allowed_ms = facts.plan.honesty.max_lag_p99.as_secs_f64() * 1e3;
    let p99 = |sample: &Sample<'_>| sample.quantile_ms(LatencyKind::Turn, 0.99).map(|turn| turn.ms());
    let Some(turn) = p99(&facts.fleet).filter(|turn| *turn > allowed_ms) else { return };
    let (turn_ms, drivers) = match worst(facts, p99).filter(|(_, own)| *own > allowed_ms) {
        Some((driver, own)) => (own, vec![driver]),
        None => (turn, facts.drivers.iter().collect()),
    };
    let why = why(facts, &drivers, Some(turn_ms));
    findings.because(Verdict::Invalid, only(&drivers), Generator::SlowToRead { turn_ms, allowed_ms, why });
}

fn local_limits(facts: &Facts<'_>, findings: &mut Findings) {
    let hit = |driver: &&DriverFacts<'_>| driver.sample.counters.errors_of(ErrorKind::LocalLimit) > 0;
    let drivers: Vec<&DriverFacts<'_>> = facts.drivers.iter().filter(hit).collect();
    if drivers.is_empty() {
        return;
    }
    let n = drivers.iter().map(|driver| driver.sample.counters.errors_of(ErrorKind::LocalLimit)).sum();
    findings.because(Verdict::Invalid, only(&drivers), Generator::LocalLimit { n, drivers: named(&drivers) });
}

/// Warns of a closed loop that did not reach its ceiling.
fn ceiling(facts: &Facts<'_>, connections: u32, findings: &mut Findings) {
    let shares = facts.drivers.iter().filter_map(|driver| driver.share?.target_throughput);
    let ceiling: f64 = shares.sum();
    let Some(seconds) = facts.fleet.schedule_s.filter(|seconds| *seconds > 0.001) else { return };
    let reached = facts.fleet.sent() as f64 / seconds;
    if ceiling > 0.0 && reached < ceiling * REACHED {
        let connections = u64::from(connections);
        findings.warn(None, Generator::CeilingNotReached { ceiling, reached, connections });
    }
}
