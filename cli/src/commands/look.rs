//! `tests`, `drivers`, `stop`, `report`: look at and steer a running orchestrator.

use orchestrator::model::{TestState, Verdict};

use crate::args::{FormatArg, OrchestratorAddress, ReportArgs, StopArgs, TestsArgs};
use crate::client::Client;
use crate::exit::Stop;
use crate::say;
use crate::table::Table;

fn client(at: &OrchestratorAddress) -> Result<Client, Stop> {
    Client::new(&at.orchestrator, at.token_file.as_deref(), at.orchestrator_ca.as_deref())
}

/// Lists the tests, newest first.
///
/// # Errors
/// Where the orchestrator cannot be asked.
pub async fn tests(arguments: &TestsArgs) -> Result<(), Stop> {
    let page = client(&arguments.at)?.tests(arguments.limit).await?;
    if page.tests.is_empty() {
        say::line("no tests yet");
        return Ok(());
    }
    let mut table = Table::new(&["TEST", "CREATED", "STATE", "VERDICT", "NAME"]);
    for test in page.tests {
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
    let drivers = client(at)?.drivers().await?;
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
pub async fn stop(arguments: &StopArgs) -> Result<(), Stop> {
    let client = client(&arguments.at)?;
    let before = client.test(&arguments.test).await?;
    if before.state == TestState::Finished {
        let verdict = before.verdict.map_or("without a verdict", Verdict::as_str);
        say::line(format_args!("test {} is already finished: {verdict}", before.test_id));
        return Ok(());
    }
    client.stop(&arguments.test).await?;
    say::line(format_args!("stopping test {}", before.test_id));
    Ok(())
}

/// Shows the report of a test.
///
/// # Errors
/// Where the orchestrator cannot be asked, or does not know the test.
pub async fn report(arguments: &ReportArgs) -> Result<(), Stop> {
    let report = client(&arguments.at)?.report(&arguments.test).await?;
    match arguments.format {
        FormatArg::Text => say::report(&report),
        FormatArg::Json => {
            let json = serde_json::to_string_pretty(&report)
                .map_err(|error| Stop::could_not(format!("cannot write the report as JSON: {error}")))?;
            say::line(json);
        }
    }
    Ok(())
}

/// A JSON string without its quotes.
fn plain(value: serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An RFC 3339 instant without its fraction: what fits a table.
fn seconds(instant: &str) -> String {
    instant.split_once('.').map_or_else(|| instant.to_owned(), |(whole, _)| format!("{whole}Z"))
}
