//! Waits until drivers that were started here are seen by their orchestrator: before that a test finds nobody.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::exit::Stop;

/// How long that may take: Kafka may have to be waited for.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits until all of these nodes are alive.
///
/// # Errors
/// Where the orchestrator cannot be asked, or one of them does not join in time: names it.
pub async fn joined(client: &Client, ids: &[String]) -> Result<(), Stop> {
    let deadline = Instant::now() + JOIN_TIMEOUT;
    loop {
        let known = client.drivers().await?;
        let alive = |id: &String| known.iter().any(|driver| driver.alive && driver.node_id == *id);
        let missing: Vec<&str> = ids.iter().filter(|id| !alive(id)).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let missing = missing.join(", ");
            return Err(Stop::could_not(format!(
                "did not join within {JOIN_TIMEOUT:?} (is Kafka there?): {missing}"
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
