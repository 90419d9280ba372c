//! How many of a load's sessions each scenario has: one at least, or the test would say nothing of it.

use super::load::decimals;
use super::rows::most_sessions;
use crate::plan::program::{Program, Scenario};
use crate::plan::{Fault, Load};

/// A fault for each scenario whose share is less than one of the sessions that so many drivers start. A fleet that
/// shares the amounts counts as one.
pub fn less_than_one(program: &Program, load: &Load, n_drivers: u32) -> Vec<Fault> {
    let Some(sessions) = most_sessions(load).map(|sessions| sessions * f64::from(n_drivers)) else {
        return Vec::new();
    };
    let sum: f64 = program.scenarios.iter().map(|scenario| f64::from(scenario.share)).sum();
    let of = |scenario: &Scenario| {
        let part = sessions * f64::from(scenario.share) / sum;
        let is_request = program.requests.iter().any(|request| request.name.as_str() == scenario.name);
        let table = if is_request { "requests" } else { "scenarios" };
        let reason = format!(
            "is {} of the {} sessions that the load starts, less than one; raise the share or start more sessions",
            decimals(part),
            sessions.floor()
        );
        let path = format!("{table}.{}.share", scenario.name);
        (part < 1.0 - 1e-9).then(|| Fault::contradiction(path, scenario.share, reason))
    };
    program.scenarios.iter().filter_map(of).collect()
}
