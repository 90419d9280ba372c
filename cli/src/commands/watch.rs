//! `watch`: looks at a test that runs, as `run` shows it, without a hand in it.

use orchestrator::model::TestState;

use crate::args::WatchArgs;
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
    let mut interrupts = Interrupts::listen()?;
    let client = reach(&arguments.at)?.client;
    let id = History::Running(client.clone()).id_of(&arguments.test).await?;
    let progress = ProgressView::of_running(arguments.progress);
    let test = look_on(&client, &id, &mut interrupts, &progress).await?;
    if test.state != TestState::Finished {
        say::line(format_args!("test {id} goes on: groundswell watch {id}"));
        return Ok(ExitCode::Done);
    }
    say::report(&test);
    Ok(test.verdict.map_or(ExitCode::Done, ExitCode::from))
}
