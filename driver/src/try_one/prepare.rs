//! What is done before a session of a plan, or its setup or teardown, is tried: its script, its number, and what is masked.

use std::sync::Arc;

use common::ids::{NodeId, TestId};
use common::plan::program::{Program, Variable};
use common::plan::{Plan, share_out};
use common::wire::StepsOf;

use super::masks::{MASK, Masks};
use super::{SetupValues, Trial, TrialError, steps, test_of, unsent};
use crate::assignment::Assignment;
use crate::driver_test::DriverTest;
use crate::scenario::files::{Bodies, Files};
use crate::scenario::script::Script;

/// What a tried session is called where a plan has the test's or the driver's name.
const NAME: &str = "try";
/// So many numbers are looked through for one of a scenario.
const NUMBERS: u64 = 100_000;

/// What stands around a variable's name in the place of its value.
const ROOM: usize = 16;

impl Trial {
    /// Prepares session number `g` of a plan whose seed is known; with a scenario, the first one from there on that has
    /// it. `secrets`: their values, by their index in the program; `setup`: what setup extracted; `files`: those that do not
    /// travel in the plan.
    ///
    /// # Errors
    /// Where the plan has no such session.
    pub fn new(
        plan: &Plan,
        secrets: &[String],
        setup: &SetupValues,
        files: Files,
        g: u64,
        scenario: Option<&str>,
    ) -> Result<Self, TrialError> {
        let program = Arc::clone(plan.program.as_ref().ok_or(TrialError::NoRequests)?);
        let (assignment, test_id, node_id) = alone(plan)?;
        let bodies = files.bodies.clone();
        let script = DriverTest::script_of(&assignment, (&test_id, &node_id), secrets, setup, files)
            .ok_or(TrialError::NoRequests)?;
        let g = number(&program, &script, g, scenario)?;
        if script.used_up(g).is_some() {
            return Err(TrialError::NoRow(g));
        }
        let mut masks = Masks::default();
        secrets.iter().for_each(|secret| masks.add(secret.as_bytes()));
        hide_setup(&mut masks, &program, setup);
        let mut before = Vec::new();
        for shared in &program.shared {
            let trial = Self::of_shared(&assignment, (&test_id, &node_id), (secrets, &bodies), shared)?;
            let mut trial = Self { shows: true, ..trial };
            secrets.iter().for_each(|secret| trial.masks.add(secret.as_bytes()));
            before.push((shared.clone(), trial));
        }
        let test = test_of(&assignment, (&test_id, &node_id), &script);
        let trial = Self { before, g, masks, shows: true, ..Self::with(test, script, program) };
        Ok(trial)
    }

    /// Prepares setup or teardown of a plan whose seed is known; `None`: the plan has none. `given`: the values of its
    /// secrets, and the contents of files that do not travel in it. `setup`: what setup extracted, for teardown.
    ///
    /// # Errors
    /// Where the plan cannot be prepared.
    pub fn of_steps(
        plan: &Plan,
        given: (&[String], &Bodies),
        setup: &SetupValues,
        run: StepsOf,
    ) -> Result<Option<Self>, TrialError> {
        let (assignment, test_id, node_id) = alone(plan)?;
        let ids = (test_id, node_id);
        Ok(steps::trial(assignment, ids, given, setup, run).map(|trial| Self { cuts: true, ..trial }))
    }

    /// Prepares a session for [`Trial::unsent`]: without secrets, and with room for the names of all variables.
    ///
    /// # Errors
    /// As [`Trial::new`].
    pub fn without_sending(
        plan: &Plan,
        files: Files,
        g: u64,
        scenario: Option<&str>,
    ) -> Result<Self, TrialError> {
        let mut plan = plan.clone();
        let program = Arc::make_mut(plan.program.as_mut().ok_or(TrialError::NoRequests)?);
        for variable in &mut program.variables {
            variable.max = variable.max.max(variable.name.len() + ROOM);
        }
        let secrets = vec![MASK.to_owned(); program.secrets.len()];
        let shared = program.shared_names().into_iter();
        let shared: Vec<_> = shared
            .map(|(shared, variable)| {
                Some(format!("<{}>", unsent::shared_name(&shared, &variable)).into_bytes())
            })
            .collect();
        // The names stand for the values of setup, too.
        let of_setup = |variable: &Variable| (variable.name.clone(), format!("<setup.{}>", variable.name));
        let setup = match &program.setup {
            Some(_) => program.variables.iter().map(of_setup).collect(),
            None => SetupValues::new(),
        };
        Ok(Self { shared: shared.into(), ..Self::new(&plan, &secrets, &setup, files, g, scenario)? })
    }
}

/// What the only driver of a plan does, and the names of that driver and its test.
fn alone(plan: &Plan) -> Result<(Assignment, TestId, NodeId), TrialError> {
    let prepare = |reason: &dyn std::fmt::Display| TrialError::Prepare(reason.to_string());
    let node_id = NodeId::new(NAME).map_err(|error| prepare(&error))?;
    let test_id = TestId::new(NAME).map_err(|error| prepare(&error))?;
    let shares = share_out(plan, std::slice::from_ref(&node_id)).map_err(|error| prepare(&error))?;
    let share = shares.into_iter().next().map(|(_, share)| share).unwrap_or_default();
    Ok((Assignment::of_plan(plan, share), test_id, node_id))
}

/// Hides the secret values of setup.
pub(super) fn hide_setup(masks: &mut Masks, program: &Program, setup: &SetupValues) {
    for variable in program.variables.iter().filter(|variable| variable.secret) {
        if let Some(value) = setup.get(&variable.name) {
            masks.add(value.as_bytes());
        }
    }
}

/// The first number from `from` on whose session has that scenario.
fn number(program: &Program, script: &Script, from: u64, scenario: Option<&str>) -> Result<u64, TrialError> {
    let Some(name) = scenario else { return Ok(from) };
    let known = || program.scenarios.iter().map(|scenario| scenario.name.as_str());
    let wanted = known()
        .position(|known| known == name)
        .ok_or_else(|| TrialError::NoScenario(name.to_owned(), known().collect::<Vec<_>>().join(", ")))?;
    let to = from.saturating_add(NUMBERS);
    (from..to)
        .find(|g| script.mix.scenario(*g) == wanted)
        .ok_or_else(|| TrialError::NotDrawn(from, to, name.to_owned()))
}
