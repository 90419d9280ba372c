//! What is certain about a plan before anything is sent: what it sends that is seldom meant (`traffic`), a load that its
//! sessions or its drivers' ports do not fit into (`load`), and thresholds whose outcome does not depend on the target
//! (`thresholds`). `validate` and `plan show` print these, `run` before its load begins, and a test has them among its
//! warnings until it is over. The input is the plan and the number of drivers. Pure.

mod load;
mod thresholds;
mod traffic;

use common::plan::{DriverChoice, Plan};

use super::words::Other;
use super::{Finding, Weight};
use crate::model::FindingView;

/// The same as findings, for a test that is not triggered yet or that runs.
pub fn findings(plan: &Plan, n_drivers: Option<usize>) -> Vec<FindingView> {
    let n_drivers = n_drivers.or_else(|| planned(plan));
    let of_plan = of_plan(plan, n_drivers).map(Other::ForeseenOfPlan);
    let of_thresholds = thresholds::warnings(plan, n_drivers).into_iter().map(Other::Foreseen);
    let finding = |what: Other| Finding { weight: Weight::Warning, driver: None, what: what.into() };
    of_plan.chain(of_thresholds).map(|what| finding(what).view()).collect()
}

/// A sentence for each, those of the plan's keys first, with their paths. `n_drivers`: how many drivers take part; `None`
/// where that is not decided yet, and the number in the plan is used.
pub fn warnings(plan: &Plan, n_drivers: Option<usize>) -> Vec<String> {
    let n_drivers = n_drivers.or_else(|| planned(plan));
    of_plan(plan, n_drivers).chain(thresholds::warnings(plan, n_drivers)).collect()
}

fn of_plan(plan: &Plan, n_drivers: Option<usize>) -> impl Iterator<Item = String> {
    let faults = traffic::warnings(plan).into_iter().chain(load::warnings(plan, n_drivers));
    faults.map(|fault| fault.to_string())
}

fn planned(plan: &Plan) -> Option<usize> {
    match &plan.drivers {
        DriverChoice::All => None,
        DriverChoice::Count(n) => usize::try_from(*n).ok(),
        DriverChoice::Named(ids) => Some(ids.len()),
    }
}
