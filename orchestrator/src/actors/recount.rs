//! Counts a test again from its stored records: after a restart, and when late windows were stored.

use common::kafka::Position;
use common::wire::Topic;

use crate::actors::store::RecordsReader;
use crate::refusal::CommandError;
use crate::store::StoredMetrics;
use crate::tally::Tally;

/// Records of a page: the number held in memory at a time.
const PAGE: u32 = 200;

/// Counts every stored record of the tally's test. An hour of a fleet takes seconds, so it runs on a
/// blocking thread, a page at a time.
///
/// # Errors
/// Where the store cannot read them, or the node is ending.
pub async fn recount(records: &RecordsReader, mut tally: Box<Tally>) -> Result<Box<Tally>, CommandError> {
    let ending = || CommandError::Internal("the node is ending".to_owned());
    let mut after = Some(0);
    while let Some(from) = after {
        let page = records.metrics(tally.test_id(), from, PAGE).await;
        let page = page.map_err(|error| CommandError::Internal(error.to_string()))?;
        after = page.next;
        let counted = tokio::task::spawn_blocking(move || {
            page.records.iter().for_each(|record| count(&mut tally, record));
            tally
        });
        tally = counted.await.map_err(|_| ending())?;
    }
    Ok(tally)
}

fn count(tally: &mut Tally, record: &StoredMetrics) {
    let at = Position { topic: Topic::Metrics, partition: record.partition, offset: record.offset };
    tally.arrived(&record.metrics, at, record.arrived_at);
    // Discarded: listeners received these seconds when they arrived, and the series is read from the store.
    tally.take_windows();
}
