//! `plan`: looks at plans without running them, and tries one session.

use std::fs::File;
use std::io;
use std::path::Path;

use common::plan::Plan;
use common::plan::files::{FileHash, LocalFiles};
use common::wire::StepsOf;
use driver::scenario::files::{Bodies, Files};
use driver::secrets::{Machine, resolve};
use driver::settings::{SecretSettings, TlsSettings, VariableNames};
use driver::try_one::{Event, Outcome, SetupValues, Trial, TrialError};
use orchestrator::seed::{random_seed, with_seed};
use serde_json::{Value, json};

use super::plan_from;
use super::run::variables_of;
use crate::args::{PlanArgs, PlanCommand, PlanShowArgs, PlanTryArgs};
use crate::exit::{ExitCode, Stop};
use crate::{plan_flags, plan_text, say, trial_text};

/// Does what is asked with the plan.
///
/// # Errors
/// Where the plan cannot be read, or has faults: one line each. Where a session cannot be tried at all.
pub async fn plan(arguments: &PlanArgs) -> Result<ExitCode, Stop> {
    match &arguments.command {
        PlanCommand::Show(arguments) => show(arguments).map(|()| ExitCode::Done),
        PlanCommand::Try(arguments) => try_one(arguments).await,
        PlanCommand::From(arguments) => plan_from::from(&arguments.source).map(|()| ExitCode::Done),
    }
}

fn show(arguments: &PlanShowArgs) -> Result<(), Stop> {
    let (plan, local) = plan_flags::of_file(&arguments.plan, &arguments.put_in)?;
    if arguments.session.is_some() || arguments.scenario.is_some() {
        return show_session(arguments, plan, &local);
    }
    say::text(plan_text::text(&plan));
    for warning in orchestrator::verdict::beforehand::warnings(&plan, None) {
        say::line(format_args!("warning: {warning}"));
    }
    Ok(())
}

/// The plan with a seed, and that.
fn seeded(plan: Plan) -> (Plan, u64) {
    let plan = with_seed(plan, random_seed());
    let seed = plan.program.as_ref().and_then(|program| program.seed).unwrap_or(0);
    (plan, seed)
}

/// The plan's files that do not travel in it, from this machine. The plan has its seed.
fn files(plan: &Plan, local: &LocalFiles) -> Result<Files, Stop> {
    let Some(program) = &plan.program else { return Ok(Files::default()) };
    let open = |hash: &FileHash| match local.get(hash) {
        Some(path) => File::open(path),
        None => Err(io::Error::other("it is named by its hash, and not on this machine")),
    };
    Files::of(program, &open).map_err(Stop::could_not)
}

fn show_session(arguments: &PlanShowArgs, plan: Plan, local: &LocalFiles) -> Result<(), Stop> {
    let (plan, seed) = seeded(plan);
    let number = arguments.session.unwrap_or(0);
    let trial = Trial::without_sending(&plan, files(&plan, local)?, number, arguments.scenario.as_deref());
    let mut trial = trial.map_err(|error| stop(&error))?;
    say::text(trial_text::heading(&trial, seed));
    let outcome = trial.unsent(&mut |event| say::text(trial_text::event(&event, false)));
    say::text(trial_text::unsent_end(&outcome));
    Ok(())
}

fn stop(error: &TrialError) -> Stop {
    match error {
        TrialError::NoRequests => Stop::usage(format!(
            "{error}; plan try and plan show --session are for plans with [requests], and groundswell run -n 1 sends \
             one request"
        )),
        TrialError::NoScenario(..) => Stop::usage(format!("--scenario: {error}")),
        TrialError::NotDrawn(..) | TrialError::NoRow(_) => Stop::usage(format!("--session: {error}")),
        _ => Stop::could_not(error.to_string()),
    }
}

async fn try_one(arguments: &PlanTryArgs) -> Result<ExitCode, Stop> {
    let (plan, local) = plan_flags::of_file(&arguments.plan, &arguments.put_in)?;
    let (plan, seed) = seeded(plan);
    // As run allows the drivers that it starts: what the plan names.
    let allowed: Vec<VariableNames> = variables_of(&plan).filter_map(|name| name.parse().ok()).collect();
    let settings = SecretSettings { env: allowed, dir: arguments.secrets_dir.clone() };
    let program = plan.program.as_ref().ok_or_else(|| stop(&TrialError::NoRequests))?;
    let secrets =
        resolve(program, &settings, &Machine).map_err(|refused| Stop::could_not(refused.to_string()))?;
    let files = files(&plan, &local)?;
    let tls = TlsSettings {
        ca_file: arguments.ca.clone(),
        insecure: arguments.insecure,
        cert_file: None,
        key_file: None,
    };
    let bodies = files.bodies.clone();
    let around = Around {
        plan: &plan,
        given: (secrets.expose(), &bodies),
        tls: &tls,
        folder: arguments.secrets_dir.as_deref(),
    };
    let colour = crate::colour::wanted(&std::io::stdout());
    let mut document = json!({ "plan": plan.name, "seed": seed });
    let mut setup = SetupValues::new();
    let mut completed = true;
    if let Some((outcome, values)) =
        around.run(StepsOf::Setup, &setup, arguments.json, colour, &mut document).await?
    {
        completed = outcome.completed;
        setup = values;
    }
    // Where setup failed, a test starts no load, and runs teardown.
    if completed {
        let mut trial = Trial::new(
            &plan,
            secrets.expose(),
            &setup,
            files,
            arguments.session,
            arguments.scenario.as_deref(),
        )
        .map_err(|error| stop(&error))?;
        let folder = arguments.secrets_dir.as_deref();
        let (number, scenario) = (trial.number(), trial.scenario().to_owned());
        let mut steps: Vec<Event> = Vec::new();
        if !arguments.json {
            say::text(trial_text::heading(&trial, seed));
        }
        let mut note = |event: Event| match arguments.json {
            true => steps.push(event),
            false => say::text(trial_text::event(&event, colour)),
        };
        let outcome = trial.run(&tls, folder, &mut note).await.map_err(|error| stop(&error))?;
        document["session"] = json!(number);
        document["scenario"] = json!(scenario);
        document["steps"] = json!(steps);
        document["failed_at"] = json!(outcome.failed_at);
        document["response_ms"] = json!(outcome.response_ms);
        if !arguments.json {
            say::text(trial_text::end(&outcome, colour));
        }
        completed = outcome.completed;
    }
    // A warning in a test's report, and no failure.
    around.run(StepsOf::Teardown, &setup, arguments.json, colour, &mut document).await?;
    if arguments.json {
        document["completed"] = json!(completed);
        say::line(format_args!("{document:#}"));
    }
    Ok(if completed { ExitCode::Done } else { ExitCode::Failed })
}

/// What setup and teardown are tried with.
struct Around<'a> {
    plan: &'a Plan,
    /// The values of secrets, and the contents of files.
    given: (&'a [String], &'a Bodies),
    tls: &'a TlsSettings,
    folder: Option<&'a Path>,
}

impl Around<'_> {
    /// Runs setup or teardown, where the plan has it, and shows or notes its steps.
    async fn run(
        &self,
        run: StepsOf,
        setup: &SetupValues,
        as_json: bool,
        colour: bool,
        document: &mut Value,
    ) -> Result<Option<(Outcome, SetupValues)>, Stop> {
        let trial = Trial::of_steps(self.plan, self.given, setup, run).map_err(|error| stop(&error))?;
        let Some(mut trial) = trial else { return Ok(None) };
        let mut steps: Vec<Event> = Vec::new();
        if !as_json {
            say::text(trial_text::steps_heading(run));
        }
        let mut note = |event: Event| match as_json {
            true => steps.push(event),
            false => say::text(trial_text::event(&event, colour)),
        };
        let outcome = trial.run(self.tls, self.folder, &mut note).await.map_err(|error| stop(&error))?;
        document[run.as_str()] =
            json!({ "steps": steps, "completed": outcome.completed, "failed_at": outcome.failed_at });
        if !as_json {
            say::text(trial_text::steps_end(run, &outcome, colour));
        }
        Ok(Some((outcome, trial.values().clone())))
    }
}
