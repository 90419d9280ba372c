//! `watch`: looks at a test that runs, as `run` shows it, without a hand in it.

use std::path::PathBuf;

use crate::args::{OrchestratorAddress, WatchArgs};
use crate::exit::{ExitCode, Stop};
use crate::follow::look_on;
use crate::history::History;
use crate::progress::ProgressView;
use crate::reach::reach;
use crate::say;
use crate::signals::Interrupts;

/// Shows the test until it is finished or the user leaves. The exit code is the verdict, where there is one.
///
/// # Errors
/// Where the orchestrator cannot be asked, or has no such test.
pub async fn watch(arguments: &WatchArgs) -> Result<ExitCode, Stop> {
    let client = reach(&arguments.at)?.client;
    let id = History::Running(client.clone()).id_of(&arguments.test).await?;
    // Not before that: until there is a screen to give back, a signal may end this process by itself.
    let mut interrupts = Interrupts::listen()?;
    let progress = ProgressView::of_running(arguments.progress);
    let Some(test) = look_on(&client, &id, interrupts.next(), &progress).await? else {
        say::line(format_args!("test {id} goes on: {}", again(&id, &arguments.at)));
        return Ok(ExitCode::Done);
    };
    say::report(&test);
    Ok(test.verdict.map_or(ExitCode::Done, ExitCode::from))
}

/// The command that shows it again, at the same orchestrator.
fn again(id: &str, at: &OrchestratorAddress) -> String {
    let path = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
    let flags = [
        ("--orchestrator", at.orchestrator.clone()),
        ("--token-file", path(at.token_file.as_ref())),
        ("--orchestrator-ca", path(at.orchestrator_ca.as_ref())),
    ];
    let given = flags.into_iter().filter_map(|(flag, value)| Some(format!(" {flag} {}", value?)));
    format!("groundswell watch {id}{}", given.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_shows_it_again_asks_the_same_orchestrator() {
        let at = |orchestrator: Option<&str>, token: Option<&str>| OrchestratorAddress {
            orchestrator: orchestrator.map(str::to_owned),
            token_file: token.map(Into::into),
            orchestrator_ca: None,
        };
        assert_eq!(again("t", &at(None, None)), "groundswell watch t");
        let there = at(Some("10.0.0.1:8080"), Some("/etc/token"));
        assert_eq!(
            again("t", &there),
            "groundswell watch t --orchestrator 10.0.0.1:8080 --token-file /etc/token"
        );
    }
}
