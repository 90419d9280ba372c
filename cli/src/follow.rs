//! Follows one test from its trigger to its verdict: progress while it runs, Ctrl-C once to stop it.

use std::collections::BTreeSet;
use std::time::Duration;

use common::wire::RESOLVING;
use orchestrator::model::{TestState, TestView};
use tokio::time::Instant;

use crate::client::{CallError, Client};
use crate::exit::{ExitCode, Stop};
use crate::progress::Progress;
use crate::signals::Interrupts;

/// How often the test is looked at: drivers tell their counters four times a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the orchestrator may be away before we give up: a restart takes a few seconds.
const AWAY: Duration = Duration::from_secs(15);

/// How often drivers are looked at while the trigger has no answer yet.
const LOOK_AT_DRIVERS_EVERY: Duration = Duration::from_secs(1);

/// Triggers a test and follows it to its end.
///
/// # Errors
/// Where it cannot be triggered, where the orchestrator goes away, or where the user leaves at once.
pub async fn follow(
    client: &Client,
    test_id: &str,
    interrupts: &mut Interrupts,
    progress: &mut Progress,
) -> Result<TestView, Stop> {
    let triggered = tokio::select! {
        triggered = client.trigger(test_id) => triggered.map(|test| {
            // The load has not begun yet: who is warned can still stop it.
            test.warnings.iter().for_each(|warning| progress.say(&format!("warning: {warning}")));
        }),
        () = say_who_resolves(client, test_id, progress) => Ok(()),
        () = interrupts.next() => {
            // Before the start: the stop ends the barrier, and with it the trigger's answer.
            client.stop(test_id).await.map(|_| ())
        }
    };
    triggered?;
    let mut stopping = false;
    let mut last_heard = Instant::now();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = interrupts.next() => {
                if stopping {
                    return Err(Stop { message: "left at once; the test was being stopped".to_owned(), code: ExitCode::Aborted });
                }
                stopping = true;
                progress.say("stopping; Ctrl-C again leaves at once");
                client.stop(test_id).await?;
            }
            _ = tick.tick() => match client.test(test_id).await {
                Ok(test) => {
                    last_heard = Instant::now();
                    progress.show(&test);
                    if test.state == TestState::Finished {
                        progress.finish();
                        return Ok(test);
                    }
                }
                Err(CallError::Unreachable { .. }) if last_heard.elapsed() < AWAY => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Says, once each, which drivers look up the target's name for a test that is about to start; never returns.
async fn say_who_resolves(client: &Client, test_id: &str, progress: &Progress) {
    let mut said = BTreeSet::new();
    loop {
        tokio::time::sleep(LOOK_AT_DRIVERS_EVERY).await;
        // Without an answer there is nothing to say; the trigger's own answer tells what is wrong.
        let Ok(drivers) = client.drivers().await else { continue };
        for driver in drivers.iter().filter(|driver| driver.test_id.as_deref() == Some(test_id)) {
            let name = driver.reason.as_deref().and_then(|reason| reason.strip_prefix(RESOLVING));
            if let Some(name) = name.filter(|_| said.insert(driver.node_id.clone())) {
                progress.say(&format!("driver {} is resolving {name}", driver.node_id));
            }
        }
    }
}
