//! Invalid: the generator, not the target, was the limit. And the warnings of a closed loop.

use common::counters::ErrorKind;
use common::latency::LatencyKind;
use common::plan::Mode;

use super::remedy::{MUCH_STEAL, evidence, more, remedy};
use super::{DriverFacts, Facts, Findings, Sample, lateness};
use crate::model::Verdict;
use crate::report::human::{count, counted, ms, names, percent, rate};

/// Share of the windows that may be without idle time.
const MAX_BUSY_WINDOWS: f64 = 0.01;

/// Share of a ceiling from which on it counts as reached.
const REACHED: f64 = 0.99;

/// Looks for signs that the generator was the limit.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    local_limits(facts, findings);
    stolen(facts, findings);
    match facts.plan.load.mode {
        Mode::Tsunami { .. } => {
            gave_up_spinning(facts, findings);
            late_drops(facts, findings);
            lateness::look(facts, findings);
            turns(facts, findings);
            if is_busy(&facts.fleet) {
                let busy = busy_drivers(facts);
                findings.because(
                    Verdict::Invalid,
                    format!(
                        "{} had no idle time in {} of the seconds{}: {}",
                        named(&busy),
                        percent(busy_share(&facts.fleet)),
                        in_brackets(&busy),
                        remedy(facts, &busy)
                    ),
                );
            }
        }
        Mode::Avalanche { connections } => {
            if is_busy(&facts.fleet) {
                let busy = busy_drivers(facts);
                findings.warn(format!(
                    "{} used up the CPU ({} of the seconds without idle time): throughput is a lower bound, \
                     latencies are upper bounds, for they hold the wait for the driver{}; {}, or use more drivers",
                    named(&busy),
                    percent(busy_share(&facts.fleet)),
                    in_brackets(&busy),
                    more(&busy)
                ));
            }
            ceiling(facts, connections, findings);
        }
    }
}

/// Fewer free cores than workers: the schedule was kept, less closely.
fn gave_up_spinning(facts: &Facts<'_>, findings: &mut Findings) {
    let gave_up: Vec<_> = facts.drivers.iter().filter(|driver| driver.machine.gave_up_spinning).collect();
    if !gave_up.is_empty() {
        findings.warn(format!(
            "{} gave up spinning, for others needed the same cores: a timer alone kept the schedule from then on, some \
             0.1 ms less closely; use fewer workers than there are free cores",
            named(&gave_up)
        ));
    }
}

/// Whether a sample's CPU was used up: no idle time in more than 1 % of the windows.
pub fn is_busy(sample: &Sample<'_>) -> bool {
    busy_share(sample) > MAX_BUSY_WINDOWS
}

/// Share of the windows without idle time.
pub fn busy_share(sample: &Sample<'_>) -> f64 {
    if sample.windows == 0 { 0.0 } else { sample.busy_windows as f64 / sample.windows as f64 }
}

fn busy_drivers<'f, 'a>(facts: &'f Facts<'a>) -> Vec<&'f DriverFacts<'a>> {
    facts.drivers.iter().filter(|driver| is_busy(&driver.sample)).collect()
}

/// As in `drivers a and b`.
fn named(drivers: &[&DriverFacts<'_>]) -> String {
    let word = if drivers.len() == 1 { "driver" } else { "drivers" };
    format!("{word} {}", names(drivers.iter().map(|driver| driver.name.as_str())))
}

/// What explains it, of the one with the least CPU left, as in ` (CPU up to 97 %)`.
fn in_brackets(drivers: &[&DriverFacts<'_>]) -> String {
    let cpu = |driver: &DriverFacts<'_>| driver.machine.cpu_max.unwrap_or(0.0);
    let fullest = drivers.iter().max_by(|a, b| cpu(a).total_cmp(&cpu(b)));
    fullest.and_then(|driver| evidence(driver)).map_or_else(String::new, |told| format!(" ({told})"))
}

/// A host that takes time from a driver is in every latency of a closed loop, and in no lag of it.
fn stolen(facts: &Facts<'_>, findings: &mut Findings) {
    for driver in &facts.drivers {
        let (Some(mean), Some(max)) = (driver.machine.steal_mean, driver.machine.steal_max) else { continue };
        if mean >= MUCH_STEAL {
            findings.warn(format!(
                "the host of driver {} gave {} of its machine's time to others (up to {} in a second): latencies hold \
                 that wait; give it a machine that shares its cores with nobody",
                driver.name,
                percent(mean),
                percent(max)
            ));
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
    let Some(late) = facts.fleet.late_ratio() else { return };
    let Some((driver, own)) = worst(facts, Sample::late_ratio) else { return };
    if late > allowed {
        let told = in_brackets(&[driver]);
        let whose = if facts.drivers.len() > 1 {
            format!(", driver {} {} of its own{told}", driver.name, percent(own))
        } else {
            format!(" by driver {}{told}", driver.name)
        };
        findings.because(
            Verdict::Invalid,
            format!(
                "{} of the schedule came too late to be sent (allowed {}){whose}: {}",
                percent(late),
                percent(allowed),
                remedy(facts, &[driver])
            ),
        );
    } else if own > allowed {
        findings.warn(format!(
            "driver {} alone dropped {} of its schedule as late (allowed {} of all): {}",
            driver.name,
            percent(own),
            percent(allowed),
            remedy(facts, &[driver])
        ));
    }
}

fn turns(facts: &Facts<'_>, findings: &mut Findings) {
    let allowed_ms = facts.plan.honesty.max_lag_p99.as_secs_f64() * 1e3;
    let p99 = |sample: &Sample<'_>| sample.quantile_ms(LatencyKind::Turn, 0.99).map(|turn| turn.ms());
    let Some(turn) = p99(&facts.fleet).filter(|turn| *turn > allowed_ms) else { return };
    let all = || facts.drivers.iter().collect::<Vec<_>>();
    let (who, turn, drivers) = match worst(facts, p99).filter(|(_, own)| *own > allowed_ms) {
        Some((driver, own)) => (format!("driver {}", driver.name), own, vec![driver]),
        None => ("the drivers".to_owned(), turn, all()),
    };
    findings.because(
        Verdict::Invalid,
        format!(
            "{who} read answers {} late at p99 (turn; allowed {}){}: latencies hold that delay of our own; {}",
            ms(turn),
            ms(allowed_ms),
            in_brackets(&drivers),
            remedy(facts, &drivers)
        ),
    );
}

fn local_limits(facts: &Facts<'_>, findings: &mut Findings) {
    let hit = |driver: &&DriverFacts<'_>| driver.sample.counters.errors_of(ErrorKind::LocalLimit) > 0;
    let drivers: Vec<&DriverFacts<'_>> = facts.drivers.iter().filter(hit).collect();
    if drivers.is_empty() {
        return;
    }
    let n = drivers.iter().map(|driver| driver.sample.counters.errors_of(ErrorKind::LocalLimit)).sum();
    findings.because(
        Verdict::Invalid,
        format!(
            "{} found no source port, descriptor or buffer space on {}: raise its limits (LimitNOFILE, \
             ip_local_port_range), or use more drivers",
            counted(n, "request"),
            names(drivers.iter().map(|driver| driver.name.as_str()))
        ),
    );
}

/// A closed loop with a ceiling that it did not reach.
fn ceiling(facts: &Facts<'_>, connections: u32, findings: &mut Findings) {
    let shares = facts.drivers.iter().filter_map(|driver| driver.share?.target_throughput);
    let ceiling: f64 = shares.sum();
    let Some(seconds) = facts.fleet.schedule_s.filter(|seconds| *seconds > 0.001) else { return };
    let reached = facts.fleet.sent() as f64 / seconds;
    if ceiling > 0.0 && reached < ceiling * REACHED {
        findings.warn(format!(
            "the ceiling of {} was not reached, only {}: with {} connections the answers set the pace",
            rate(ceiling),
            rate(reached),
            count(u64::from(connections))
        ));
    }
}
