//! Waits until drivers that were started here have joined their orchestrator: before that a test finds none of them.

use std::cell::RefCell;
use std::time::Duration;

use crate::call_error::CallError;
use crate::client::Client;
use crate::exit::Stop;
use crate::patience::within;

/// How long that may take: Kafka may have to be waited for.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Waits until all of these nodes are alive.
///
/// # Errors
/// Where the orchestrator cannot be asked, or one of them does not join in time: names it.
pub async fn joined(client: &Client, ids: &[String]) -> Result<(), Stop> {
    let absent = RefCell::new(ids.join(", "));
    match within(JOIN_TIMEOUT, looks(client, ids, &absent)).await {
        Some(joined) => Ok(joined?),
        None => Err(Stop::could_not(format!(
            "did not join within {JOIN_TIMEOUT:?} (is Kafka there?): {}",
            absent.borrow()
        ))),
    }
}

async fn looks(client: &Client, ids: &[String], absent: &RefCell<String>) -> Result<(), CallError> {
    loop {
        match client.drivers().await {
            Ok(known) => {
                let alive = |id: &String| known.iter().any(|driver| driver.alive && driver.node_id == *id);
                let missing: Vec<&str> = ids.iter().filter(|id| !alive(id)).map(String::as_str).collect();
                if missing.is_empty() {
                    return Ok(());
                }
                *absent.borrow_mut() = missing.join(", ");
            }
            // It was there a moment ago: it may be busy.
            Err(error) if error.may_heal() => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
