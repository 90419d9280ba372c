//! `run`: one test, from the plan to the verdict, on a stack of its own or on a running orchestrator.

use std::path::Path;

use common::plan::{DriverChoice, Per, Plan};
use orchestrator::model::TestView;
use tokio::sync::mpsc;

use super::up::workers_each;
use crate::args::RunArgs;
use crate::client::Client;
use crate::exit::{ExitCode, Stop};
use crate::follow::follow;
use crate::join::joined;
use crate::plan_flags;
use crate::progress::{Goal, Progress};
use crate::say;
use crate::signals::Interrupts;
use crate::stack::Stack;

/// Drivers of a stack of our own, unless told.
const DRIVERS: u32 = 2;

/// Runs the test; the exit code is its verdict.
///
/// # Errors
/// Where the plan is wrong, the stack cannot be started, or the orchestrator cannot be asked.
pub async fn run(arguments: &RunArgs) -> Result<ExitCode, Stop> {
    let mut plan = plan_flags::plan(arguments)?;
    // Before the load, not after it: a report that cannot be kept is found out now.
    if let Some(path) = &arguments.json {
        writable(path)?;
    }
    if let (Some(_), Some(flag)) = (&arguments.orchestrator, arguments.sending.words().first()) {
        return Err(Stop::usage(format!(
            "{flag}: is for drivers that this command starts; those of --orchestrator have their own settings"
        )));
    }
    let mut interrupts = Interrupts::listen()?;
    let (mut stack, log) = Stack::new()?;
    let started = match &arguments.orchestrator {
        Some(address) => {
            Client::new(address, arguments.token_file.as_deref(), arguments.orchestrator_ca.as_deref())
        }
        None => tokio::select! {
            client = own_stack(&mut plan, arguments, &mut stack) => client,
            () = interrupts.next() => Err(Stop { message: "interrupted before the start".to_owned(), code: ExitCode::Aborted }),
        },
    };
    let outcome = match started {
        Ok(client) => test(&client, &plan, arguments, &mut interrupts, log).await,
        Err(stop) => Err(stop),
    };
    // Ctrl-C now leaves at once: the nodes end when our side of their pipes closes.
    tokio::select! {
        () = stack.stop() => {}
        () = interrupts.next() => {}
    }
    outcome
}

/// Starts an orchestrator with embedded Kafka and the drivers, and waits until they have joined.
async fn own_stack(plan: &mut Plan, arguments: &RunArgs, stack: &mut Stack) -> Result<Client, Stop> {
    let n = match (&plan.drivers, arguments.drivers) {
        (_, Some(n)) => n,
        (DriverChoice::Count(n), None) => *n,
        (DriverChoice::All, None) => DRIVERS,
        (DriverChoice::Named(_), None) => {
            return Err(Stop::usage(
                "drivers: the plan names drivers, which only a running orchestrator has: --orchestrator URL",
            ));
        }
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let flags = words(&["orchestrator", "--listen", "127.0.0.1:0", "--kafka", "embedded"]);
    let address = stack.start("orchestrator", &flags).await?.http.unwrap_or_default();
    let workers = workers_each(n).to_string();
    let mut ids = Vec::new();
    for i in 1..=n {
        let mut flags = words(&["driver", "--orchestrator", &address, "--workers", &workers]);
        flags.extend(arguments.sending.words());
        ids.extend(stack.start(&format!("driver {i}"), &flags).await?.node_id);
    }
    let client = Client::new(&address, None, None)?;
    joined(&client, &ids).await?;
    plan.drivers = DriverChoice::Count(n);
    Ok(client)
}

async fn test(
    client: &Client,
    plan: &Plan,
    arguments: &RunArgs,
    interrupts: &mut Interrupts,
    log: mpsc::Receiver<String>,
) -> Result<ExitCode, Stop> {
    let test = client.create(&plan.to_json()).await?;
    let mut progress = Progress::new(goal(plan), arguments.quiet);
    actix_rt::spawn(show_logs(log, progress.printer()));
    if let Some(address) = arguments.orchestrator.is_none().then(|| client.base()) {
        progress.say(&format!("test {} on {address}/ (live)", test.test_id));
    }
    let finished = follow(client, &test.test_id, interrupts, &mut progress).await?;
    say::text(orchestrator::report::text(&finished));
    if let Some(path) = &arguments.json {
        write_json(path, &finished)?;
    }
    finished
        .verdict
        .map(ExitCode::from)
        .ok_or_else(|| Stop::could_not(format!("test {} is finished without a verdict", finished.test_id)))
}

fn goal(plan: &Plan) -> Goal {
    let drivers = match (&plan.drivers, plan.per) {
        (DriverChoice::Count(n), Per::Driver) => Some(u64::from(*n)),
        (DriverChoice::Named(ids), Per::Driver) => Some(ids.len() as u64),
        (DriverChoice::All, Per::Driver) => None,
        (_, Per::Fleet) => Some(1),
    };
    Goal {
        length: plan.load.duration.map(|duration| plan.load.warmup + duration),
        requests: plan.load.requests.zip(drivers).map(|(requests, drivers)| requests.saturating_mul(drivers)),
    }
}

/// Finds out whether a report can be written, without touching what is there.
pub(super) fn writable(path: &Path) -> Result<(), Stop> {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
        .map_err(|error| Stop::could_not(format!("--json {}: {error}", path.display())))
}

fn write_json(path: &Path, report: &TestView) -> Result<(), Stop> {
    let cannot = |cause: String| Stop::could_not(format!("--json {}: {cause}", path.display()));
    let json = serde_json::to_string_pretty(report).map_err(|error| cannot(error.to_string()))?;
    std::fs::write(path, json + "\n").map_err(|error| cannot(error.to_string()))
}

/// Passes on what the nodes log, above the bar where there is one.
async fn show_logs(mut log: mpsc::Receiver<String>, bar: Option<indicatif::ProgressBar>) {
    while let Some(line) = log.recv().await {
        match &bar {
            Some(bar) => bar.suspend(|| say::aside(line)),
            None => say::aside(line),
        }
    }
}
