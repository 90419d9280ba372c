//! Data with `order = "once"`: each row at most once in a test, so it serves one scenario, without `draw`, and there is a
//! row for each session.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{scenarios::MIX_ENTRIES, stages, uses};
use crate::plan::program::{Arrival, DataSet, Order, Program, Scenario, SlotValue, Step};
use crate::plan::{DriverChoice, Fault, Load, Mode, Per};
use crate::tree::Table;

/// Checks that data whose rows are taken once is used by one scenario and not drawn.
pub(super) fn check_once(program: &Program, root: &Table) {
    for (index, data) in program.data.iter().enumerate().filter(|(_, data)| data.order == Order::Once) {
        let path = format!("data.{}.order", data.name);
        let fault = |reason: String| root.fault(Fault::contradiction(&path, "\"once\"", reason), None);
        let users: Vec<&str> = users_of(program, index).map(|scenario| scenario.name.as_str()).collect();
        if users.len() > 1 {
            fault(format!(
                "gives each row to one session of one scenario, and {} use it; give each a data set of its own",
                users.join(", ")
            ));
        }
        let draws = program.scenarios.iter().filter(|scenario| draws(&scenario.steps, index));
        let draws: Vec<&str> = draws.map(|scenario| scenario.name.as_str()).collect();
        if !draws.is_empty() {
            fault(format!("cannot be drawn from, and {} does; order = \"shuffle\" can", draws.join(", ")));
        }
    }
}

/// Checks that there is a row for each session, those of the warm-up included. Users without a number of sessions stop
/// when their rows are used up. Where the number of drivers is not known yet, it is checked again at the trigger.
pub(super) fn check_sessions(program: &Program, load: &Load, drivers: &DriverChoice, per: Per, root: &Table) {
    let n_drivers = match drivers {
        DriverChoice::All => 1,
        DriverChoice::Count(n) => *n as usize,
        DriverChoice::Named(ids) => ids.len(),
    };
    for few in too_few(program, load, per, n_drivers) {
        let path = format!("data.{}.order", few.data);
        root.fault(Fault::contradiction(path, "\"once\"", few.reason()), None);
    }
}

/// Data that gives each row once, with fewer rows than sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct TooFewRows {
    /// The name of the data.
    pub data: String,
    rows: u64,
    /// Of all drivers.
    sessions: f64,
    scenario: String,
}

impl TooFewRows {
    /// Both numbers, and what would be right.
    pub fn reason(&self) -> String {
        let Self { rows, sessions, scenario, .. } = self;
        format!(
            "has {rows} rows, each for one session, and up to {sessions} sessions of {scenario} start, the warm-up included; \
             add rows, start fewer sessions, or take them in another order (\"shuffle\" repeats them)"
        )
    }
}

/// Each data set whose rows are taken once and do not suffice for the sessions that so many drivers start.
pub fn too_few(program: &Program, load: &Load, per: Per, n_drivers: usize) -> Vec<TooFewRows> {
    let Some(sessions) = most_sessions(load) else { return Vec::new() };
    let n_drivers = if per == Per::Fleet { 1.0 } else { n_drivers as f64 };
    let shares: f64 = program.scenarios.iter().map(|scenario| f64::from(scenario.share)).sum();
    let of = |(index, data): (usize, &DataSet)| {
        let mut users = users_of(program, index);
        // More than one is a fault of its own.
        let (Some(scenario), None) = (users.next(), users.next()) else { return None };
        // The product of two decimals may be a little above a whole number.
        let sessions = (sessions * n_drivers * (1.0 - 1e-12)).ceil();
        let sessions = most_of(sessions, f64::from(scenario.share) / shares);
        let (data, rows, scenario) = (data.name.clone(), data.n_rows(), scenario.name.clone());
        (sessions > rows as f64).then_some(TooFewRows { data, rows, sessions, scenario })
    };
    let once = program.data.iter().enumerate().filter(|(_, data)| data.order == Order::Once);
    once.filter_map(of).collect()
}

/// The most sessions of a scenario among so many. Sessions take their scenarios from a shuffled table: each whole round of
/// it has the scenario's share, and what is left over is drawn without replacement. More than four standard deviations
/// above the mean are there about once in 30,000 tests, whose drivers start no session without a row.
fn most_of(sessions: f64, part: f64) -> f64 {
    let entries = MIX_ENTRIES as f64;
    let its_entries = (part * entries).ceil();
    let (rounds, rest) = ((sessions / entries).floor(), sessions % entries);
    let spread = (rest * part * (1.0 - part) * (entries - rest) / (entries - 1.0)).sqrt();
    rounds * its_entries + (rest * part + 4.0 * spread).ceil().min(rest).min(its_entries)
}

/// The most sessions that a load starts on a driver, or in the fleet that shares it; `None` where the plan does not
/// bound them.
pub(super) fn most_sessions(load: &Load) -> Option<f64> {
    let rate = match load.mode {
        Mode::Tsunami { pace, .. } => pace.map(|pace| pace.rate_per_s()),
        Mode::Avalanche { .. } => return load.requests.map(|sessions| sessions as f64),
    };
    let drawn = |mean: f64| match load.arrival {
        Arrival::Even => mean,
        // Four standard deviations: more are there once in 30,000 tests.
        Arrival::Poisson => mean + 4.0 * mean.sqrt(),
    };
    if !load.stages.is_empty() {
        return Some(drawn(stages::area(&load.stages)));
    }
    let rate = rate?;
    let warmup = drawn(rate * load.warmup.as_secs_f64());
    let of_time = load.duration.map(|duration: Duration| drawn(rate * duration.as_secs_f64()));
    let of_number = load.requests.map(|sessions| sessions as f64);
    let after = of_time.into_iter().chain(of_number).reduce(f64::min)?;
    Some(warmup.ceil() + after)
}

/// The scenarios whose sessions have a row of a data set.
fn users_of(program: &Program, data: usize) -> impl Iterator<Item = &Scenario> {
    program.scenarios.iter().filter(move |scenario| {
        let mut used = BTreeSet::new();
        for (_, text) in &scenario.lets {
            used.extend(uses::data(text));
        }
        used_by(program, &scenario.steps, &mut used);
        used.contains(&data)
    })
}

fn used_by(program: &Program, steps: &[Step], used: &mut BTreeSet<usize>) {
    for step in steps {
        let (request, conditions) = match step {
            Step::Request { request, .. } => (Some(*request), &[][..]),
            Step::Poll { request, until, .. } => (Some(*request), until.as_slice()),
            Step::When { conditions, .. } => (None, conditions.as_slice()),
            Step::Draw { data } => {
                used.insert(*data);
                continue;
            }
            _ => (None, &[][..]),
        };
        if let Some(request) = request.and_then(|request| program.requests.get(request)) {
            let lets = request.lets.iter().map(|(_, text)| text);
            for text in lets.chain(uses::of_request(request).into_iter().map(|(_, text)| text)) {
                used.extend(uses::data(text));
            }
            used.extend(request.split.iter().map(|split| split.data));
        }
        for condition in conditions {
            if let SlotValue::Column(data, _) = condition.value {
                used.insert(data);
            }
            condition.any_of.iter().for_each(|text| used.extend(uses::data(text)));
        }
        step.inner().into_iter().for_each(|steps| used_by(program, steps, used));
    }
}

fn draws(steps: &[Step], data: usize) -> bool {
    steps.iter().any(|step| match step {
        Step::Draw { data: drawn } => *drawn == data,
        _ => step.inner().into_iter().any(|steps| draws(steps, data)),
    })
}

#[cfg(test)]
mod tests {
    use super::most_of;

    #[test]
    fn sessions_of_a_scenario_are_bounded_by_its_share_and_what_chance_adds() {
        for (sessions, part, expected) in [
            (70.0, 1.0, 70.0),
            (25_000.0, 1.0, 25_000.0),
            (0.0, 0.25, 0.0),
            (1.0, 0.25, 1.0),
            // 100 and 4 × 8.5.
            (400.0, 0.25, 134.0),
            // A whole round: a quarter of 10,007, rounded up.
            (10_007.0, 0.25, 2_502.0),
            (10_006.0, 0.25, 2_502.0),
            (20_414.0, 0.25, 5_138.0),
        ] {
            assert!(
                (most_of(sessions, part) - expected).abs() < 0.5,
                "{sessions} × {part}: {}",
                most_of(sessions, part)
            );
        }
    }
}
