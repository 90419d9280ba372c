//! `tests`, `drivers`, `stop`, `rate`, `delete`, `report`: look at tests and nodes, and steer a running orchestrator.

use common::plan::parse_rate;
use orchestrator::human::rate as per_second;
use orchestrator::model::{TestState, Verdict};
use orchestrator::report::files::{Form, LatencyOf, PagedForm, whole};

use crate::args::{OrchestratorAddress, RateArgs, ReportArgs, TestArgs, TestsArgs};
use crate::client::Client;
use crate::exit::Stop;
use crate::history::History;
use crate::reach::reach;
use crate::report_file;
use crate::report_files::{Long, write_long};
use crate::say;
use crate::table::Table;

/// Lists the tests, newest first.
///
/// # Errors
/// Where they cannot be read.
pub async fn tests(arguments: &TestsArgs) -> Result<(), Stop> {
    let tests = History::find(&arguments.history).await?.newest(arguments.limit, None).await?;
    if tests.is_empty() {
        say::line("no tests yet");
        return Ok(());
    }
    let mut table = Table::new(&["TEST", "CREATED", "STATE", "VERDICT", "NAME"]);
    for test in tests {
        let state = serde_json::to_value(test.state).map_or_else(|_| String::new(), plain);
        let verdict =
            test.verdict.and_then(|verdict| serde_json::to_value(verdict).ok()).map_or("-".to_owned(), plain);
        table.row(vec![test.test_id, seconds(&test.created_at), state, verdict, test.name]);
    }
    say::text(table);
    Ok(())
}

/// Lists the drivers.
///
/// # Errors
/// Where the orchestrator cannot be asked.
pub async fn drivers(at: &OrchestratorAddress) -> Result<(), Stop> {
    let drivers = reach(at)?.client.drivers().await?;
    if drivers.is_empty() {
        say::line("no drivers yet");
        return Ok(());
    }
    let mut table =
        Table::new(&["DRIVER", "ADDRESS", "LIVENESS", "STATE", "SEEN", "CORES", "SENT", "VERSION"]);
    for driver in drivers {
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        // A driver that listens nowhere has no port; one that was in no test has sent nothing.
        let address = driver.address.map(|address| address.strip_suffix(":0").unwrap_or(&address).to_owned());
        let sent = driver.requests_sent.map(|sent| sent.to_string());
        table.row(vec![
            driver.node_id,
            or_unknown(address),
            driver.liveness,
            driver.state,
            format!("{:.1} s ago", driver.age_ms as f64 / 1_000.0),
            or_unknown(driver.cores.map(|cores| cores.to_string())),
            or_unknown(sent),
            if driver.classic { "classic".to_owned() } else { or_unknown(driver.version) },
        ]);
    }
    say::text(table);
    Ok(())
}

/// Stops a test.
///
/// # Errors
/// Where the orchestrator cannot be asked, or refuses.
pub async fn stop(arguments: &TestArgs) -> Result<(), Stop> {
    let (client, id) = at_orchestrator(arguments).await?;
    let before = client.test(&id).await?;
    if before.state == TestState::Finished {
        let verdict = before.verdict.map_or("without a verdict", Verdict::as_str);
        say::line(format_args!("test {} is already finished: {verdict}", before.test_id));
        return Ok(());
    }
    client.stop(&id).await?;
    say::line(format_args!("stopping test {}", before.test_id));
    Ok(())
}

/// Changes the rate of a running test.
///
/// # Errors
/// Where the orchestrator cannot be asked, or refuses: the test does not run, or cannot have this rate.
pub async fn rate(arguments: &RateArgs) -> Result<(), Stop> {
    // A word that cannot be read as a rate is refused before the test is looked for.
    parse_rate(&arguments.rate).map_err(|reason| Stop::usage(format!("{}: {reason}", arguments.rate)))?;
    let (client, id) = at_orchestrator(&arguments.test).await?;
    let now = client.change_rate(&id, &arguments.rate).await?;
    say::line(format_args!(
        "test {}: {} from {:.1} s after its start on",
        now.test_id,
        per_second(now.rate),
        now.at_s
    ));
    Ok(())
}

/// Removes a test from the history.
///
/// # Errors
/// Where the orchestrator cannot be asked, or refuses: the test is under way.
pub async fn delete(arguments: &TestArgs) -> Result<(), Stop> {
    let (client, id) = at_orchestrator(arguments).await?;
    client.delete(&id).await?;
    say::line(format_args!("deleted test {id}"));
    Ok(())
}

/// The orchestrator, and the id of the test there that is meant.
async fn at_orchestrator(arguments: &TestArgs) -> Result<(Client, String), Stop> {
    let client = reach(&arguments.at)?.client;
    let id = History::Running(client.clone()).id_of(&arguments.test).await?;
    Ok((client, id))
}

/// Shows the report of a test, or writes it to a file.
///
/// # Errors
/// Where it cannot be read or written, or the test does not exist.
pub async fn report(arguments: &ReportArgs) -> Result<(), Stop> {
    let form = Form::from(arguments.format);
    let of = latency(arguments, form)?;
    if arguments.series && form != Form::Json {
        return Err(Stop::usage("--series: is for --format json; html and csv hold the windows anyway"));
    }
    let history = History::find(&arguments.history).await?;
    let id = history.id_of(&arguments.test).await?;
    let out = arguments.out.as_deref();
    let long = match form {
        Form::Html => Some(Long::Page),
        Form::Csv => Some(Long::Paged(PagedForm::Csv)),
        Form::Hgrm => Some(Long::Paged(PagedForm::Hgrm(of))),
        Form::Hlog => Some(Long::Paged(PagedForm::Hlog(of))),
        Form::Json if arguments.series => Some(Long::Series),
        Form::Json | Form::Text | Form::Junit | Form::Markdown => None,
    };
    if let Some(long) = long {
        return write_long(&history, &id, long, out).await;
    }
    let report = history.report(&id).await?;
    let cannot = |error: std::io::Error| Stop::could_not(error.to_string());
    match (out.filter(|path| !report_file::is_stdout(path)), form) {
        (None, Form::Text) => say::report(&report),
        (None, _) => say::text(whole(&report, form).map_err(cannot)?.unwrap_or_default()),
        (Some(path), _) => {
            let text = whole(&report, form).map_err(cannot)?.unwrap_or_default();
            let refused = |error| Stop::could_not(format!("--out {}: {error}", path.display()));
            report_file::write(path, &text).map_err(refused)?;
        }
    }
    Ok(())
}

/// The latency that is asked for.
fn latency(arguments: &ReportArgs, form: Form) -> Result<LatencyOf, Stop> {
    let Some(name) = &arguments.of else { return Ok(LatencyOf::default()) };
    if !matches!(form, Form::Hgrm | Form::Hlog) {
        return Err(Stop::usage(format!(
            "--of {name}: is for --format hgrm and hlog; the others hold every latency"
        )));
    }
    LatencyOf::read(name).map_err(|reason| Stop::usage(format!("--of {name}: {reason}")))
}

/// A JSON string without its quotes.
fn plain(value: serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An RFC 3339 instant without its fraction: what fits a table.
fn seconds(instant: &str) -> String {
    instant.split_once('.').map_or_else(|| instant.to_owned(), |(whole, _)| format!("{whole}Z"))
}
