//! `run`: one test, from the plan to the verdict, on a stack of its own or on a running orchestrator.

use std::time::Duration;

use common::plan::files::LocalFiles;
use common::plan::program::SecretFrom;
use common::plan::{DriverChoice, Plan, parse_duration};
use orchestrator::model::{TestView, Verdict};
use orchestrator::report::files::Form;

use crate::args::{RunArgs, allow_secrets};
use crate::child::Ended;
use crate::client::Client;
use crate::commands::baseline::Baseline;
use crate::data_place::DataPlace;
use crate::exit::{ExitCode, Stop};
use crate::family::{Family, stop_together};
use crate::follow::{Followed, follow};
use crate::join::joined;
use crate::logs::show_logs;
use crate::plan_flags::{self, DRIVERS};
use crate::progress::ProgressView;
use crate::report_files::ReportFiles;
use crate::say;
use crate::signals::Interrupts;
use crate::stack::{Stack, workers_each};

/// What people call the first node of a stack.
const ORCHESTRATOR: &str = "orchestrator";

/// What a report holds that was left before the test had ended.
const LEFT: &str =
    "left at once while the test was being stopped: the figures are those of the last look at it";

/// What the user reads then.
const LEFT_AT_ONCE: &str = "left at once; the test was being stopped";

/// Runs the test; the exit code is its verdict.
///
/// # Errors
/// Where the plan is wrong, the stack cannot be started, or the orchestrator cannot be asked.
pub async fn run(arguments: &RunArgs) -> Result<ExitCode, Stop> {
    // First of all: from here on a signal ends what was started.
    let mut interrupts = Interrupts::listen()?;
    let mut reads = Vec::new();
    let planned = plan_flags::plan(arguments, &mut reads);
    // Before a plan with faults ends this: an old report would stay beside it.
    ReportFiles::of(arguments).prepare(arguments, &reads)?;
    let (mut plan, local) = planned?;
    let wait = wait_of(arguments)?;
    let mut baseline = Baseline::of(arguments)?;
    if let (Some(_), Some(flag)) = (&arguments.place.orchestrator, arguments.place.sending.words().first()) {
        return Err(Stop::usage(format!(
            "{flag}: is for drivers that this command starts; those of --orchestrator have their own settings"
        )));
    }
    let progress = ProgressView::new(arguments.quiet, arguments.progress);
    let family = Family::default();
    let pausing = progress.clone();
    stop_together(family.clone(), move || pausing.pause())?;
    let data = DataPlace::choose(arguments)?;
    if let Some(why) = data.why_passing() {
        progress.print(why);
    }
    let (mut stack, log) = Stack::new(family, data.path())?;
    actix_rt::spawn(show_logs(log, progress.clone()));
    let started = match &arguments.place.orchestrator {
        Some(address) => Client::new(
            address,
            arguments.place.token_file.as_deref(),
            arguments.place.orchestrator_ca.as_deref(),
        ),
        None => tokio::select! {
            client = own_stack(&mut plan, arguments, &mut stack) => client,
            () = interrupts.next() => Err(Stop { message: "interrupted before the start".to_owned(), code: ExitCode::Aborted }),
        },
    };
    let outcome = match started {
        Ok(client) => tokio::select! {
            outcome = test(&client, (&plan, &local), (arguments, wait), &mut baseline, &mut interrupts, &progress) => outcome,
            ended = watch_over(&mut stack, &progress) => Err(gone(&ended)),
        },
        Err(stop) => Err(stop),
    };
    progress.finish();
    let code = match outcome {
        Ok(Outcome::Reported(code)) => Ok(code),
        Err(stop) => Err(stop),
        // The nodes are killed with the stack: an orderly end takes seconds.
        Ok(Outcome::Left) => return Err(Stop { message: LEFT_AT_ONCE.to_owned(), code: ExitCode::Aborted }),
    };
    // Ctrl-C now leaves at once: what has not ended is killed with the stack.
    tokio::select! {
        () = stack.stop() => {}
        () = interrupts.next() => {}
    }
    code
}

/// How long the test waits for another one to end.
fn wait_of(arguments: &RunArgs) -> Result<Duration, Stop> {
    let Some(text) = &arguments.place.wait else { return Ok(Duration::ZERO) };
    parse_duration(text).map_err(|reason| Stop::usage(format!("--wait {text}: {reason}")))
}

/// How the test was left.
enum Outcome {
    /// With a report, which is shown.
    Reported(ExitCode),
    /// At once, by a second Ctrl-C.
    Left,
}

/// Completes when the orchestrator ends. The end of a driver is only shown: the orchestrator judges what it means for
/// the test.
async fn watch_over(stack: &mut Stack, progress: &ProgressView) -> Ended {
    loop {
        let (place, ended) = stack.one_ended().await;
        let label = stack.label(place);
        if label == ORCHESTRATOR {
            return ended;
        }
        progress.print_always(&format!("{label} ended: {}", ended.describe()));
    }
}

fn gone(ended: &Ended) -> Stop {
    Stop::could_not(format!(
        "the orchestrator ended ({}), and its embedded Kafka and this test with it",
        ended.describe()
    ))
}

/// Starts an orchestrator with embedded Kafka and the drivers, and waits until they have joined.
async fn own_stack(plan: &mut Plan, arguments: &RunArgs, stack: &mut Stack) -> Result<Client, Stop> {
    let n = match (&plan.drivers, arguments.place.drivers) {
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
    let address = stack.start(ORCHESTRATOR, &flags).await?.http.unwrap_or_default();
    let workers = workers_each(n, arguments.place.workers).to_string();
    let mut ids = Vec::new();
    for i in 1..=n {
        let mut flags = words(&["driver", "--orchestrator", &address, "--workers", &workers]);
        flags.extend(arguments.place.sending.words());
        flags.extend(allow_secrets(variables_of(plan)));
        ids.extend(stack.start(&format!("driver {i}"), &flags).await?.node_id);
    }
    let client = Client::new(&address, None, None)?;
    tokio::select! {
        joined = joined(&client, &ids) => joined?,
        (place, ended) = stack.one_ended() => {
            return Err(Stop::could_not(format!("{} ended: {}", stack.label(place), ended.describe())));
        }
    }
    plan.drivers = DriverChoice::Count(n);
    Ok(client)
}

/// The variables that a plan's secrets come from: its drivers have our environment, and may use these of it.
pub(super) fn variables_of(plan: &Plan) -> impl Iterator<Item = &str> {
    let secrets = plan.program.iter().flat_map(|program| &program.secrets);
    secrets.filter_map(|secret| match &secret.from {
        SecretFrom::Env(name) => Some(name.as_str()),
        SecretFrom::File(_) => None,
    })
}

async fn test(
    client: &Client,
    (plan, local): (&Plan, &LocalFiles),
    (arguments, wait): (&RunArgs, Duration),
    baseline: &mut Baseline,
    interrupts: &mut Interrupts,
    progress: &ProgressView,
) -> Result<Outcome, Stop> {
    let put = client.put_files(local).await?;
    let client = &client.clone().patient_for(put);
    baseline.find(client).await?;
    let test = client.create(&plan.to_json()).await?;
    if let Err(stop) = baseline.check(&test) {
        let _ = client.discard(&test.test_id).await;
        return Err(stop);
    }
    if let Some(address) = arguments.place.orchestrator.is_none().then(|| client.base()) {
        progress.print(&format!("test {} on {address}/ (live)", test.test_id));
    }
    match follow(client, &test.test_id, wait, interrupts, progress).await {
        Ok(Followed::Finished(finished)) => {
            let reported = async {
                let code = report(client, &finished, arguments, baseline.gaining()).await?;
                let files = ReportFiles::of(arguments);
                baseline.compare(client, &finished, code, &files).await.map(Outcome::Reported)
            };
            // Long files, and comparisons of long tests, take minutes. The summary comes first in any case.
            tokio::select! {
                biased;
                outcome = reported => outcome,
                () = interrupts.next() => Err(unfinished(&finished.test_id, arguments.place.orchestrator.as_deref())),
            }
        }
        Ok(Followed::Left(seen)) => {
            if let Some(mut seen) = seen {
                seen.verdict = Some(Verdict::Aborted);
                seen.reasons.insert(0, LEFT.to_owned());
                ReportFiles::of(arguments).write_seen(&seen);
            }
            Ok(Outcome::Left)
        }
        Err(stop) => {
            // A test that never began would stay in the history as one that can be triggered.
            let _ = client.discard(&test.test_id).await;
            Err(stop)
        }
    }
}

/// The end of a user who leaves while files are written.
fn unfinished(test_id: &str, orchestrator: Option<&str>) -> Stop {
    let at = orchestrator.map_or_else(String::new, |url| format!(" --orchestrator {url}"));
    let again = format!("groundswell report {test_id}{at}");
    let message = format!("left before every file was written; the test is in the history: {again}");
    Stop { message, code: ExitCode::Aborted }
}

/// Shows the report and keeps it, but for what waits for a comparison that adds to these `gaining` forms; the exit code is the
/// verdict.
async fn report(
    client: &Client,
    finished: &TestView,
    arguments: &RunArgs,
    gaining: &[Form],
) -> Result<ExitCode, Stop> {
    let files = ReportFiles::of(arguments);
    if files.take_stdout() {
        say::report_aside(finished);
    } else {
        say::report(finished);
    }
    files.write(client, finished, gaining).await;
    finished
        .verdict
        .map(ExitCode::from)
        .ok_or_else(|| Stop::could_not(format!("test {} is finished without a verdict", finished.test_id)))
}
