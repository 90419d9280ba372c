//! `plan`: looks at plans without running them, and tries one session.

use std::fs::File;
use std::io;

use common::plan::Plan;
use common::plan::files::{FileHash, LocalFiles};
use driver::scenario::files::Files;
use driver::secrets::{Machine, resolve};
use driver::settings::{SecretSettings, TlsSettings, VariableNames};
use driver::try_one::{Event, Outcome, Trial, TrialError};
use orchestrator::seed::{random_seed, with_seed};
use serde_json::json;

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
    let mut trial =
        Trial::new(&plan, secrets.expose(), files, arguments.session, arguments.scenario.as_deref())
            .map_err(|error| stop(&error))?;
    let tls = TlsSettings {
        ca_file: arguments.ca.clone(),
        insecure: arguments.insecure,
        cert_file: None,
        key_file: None,
    };
    let folder = arguments.secrets_dir.as_deref();
    let (number, scenario) = (trial.number(), trial.scenario().to_owned());
    let outcome = if arguments.json {
        let mut steps: Vec<Event> = Vec::new();
        let outcome = trial.run(&tls, folder, &mut |event| steps.push(event)).await;
        let outcome = outcome.map_err(|error| stop(&error))?;
        let document = json!({
            "plan": plan.name, "session": number, "scenario": scenario, "seed": seed, "steps": steps,
            "completed": outcome.completed, "failed_at": outcome.failed_at, "response_ms": outcome.response_ms,
        });
        say::line(format_args!("{document:#}"));
        outcome
    } else {
        say::text(trial_text::heading(&trial, seed));
        let colour = crate::colour::wanted(&std::io::stdout());
        let outcome =
            trial.run(&tls, folder, &mut |event| say::text(trial_text::event(&event, colour))).await;
        let outcome = outcome.map_err(|error| stop(&error))?;
        say::text(trial_text::end(&outcome, colour));
        outcome
    };
    Ok(exit_code(&outcome))
}

fn exit_code(outcome: &Outcome) -> ExitCode {
    if outcome.completed { ExitCode::Done } else { ExitCode::Failed }
}
