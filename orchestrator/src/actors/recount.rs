//! Counts a test again from its stored records: after a restart, and when late windows were stored.

use common::kafka::Position;
use common::wire::Topic;

use crate::actors::store::{RecordsReader, StoreHandle};
use crate::refusal::CommandError;
use crate::store::StoredMetrics;
use crate::tally::Tally;

/// Most records of a page, which are in memory at a time. Where they are large, the store gives fewer.
const PAGE: u32 = 200;

/// Counts every stored record of the tally's test, and writes its spans again. An hour of a fleet takes seconds, so it runs
/// on a blocking thread, a page at a time.
///
/// # Errors
/// Where the store cannot read them, or the node is ending.
pub async fn recount(
    records: &RecordsReader,
    store: &StoreHandle,
    mut tally: Box<Tally>,
) -> Result<Box<Tally>, CommandError> {
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
        save_spans(store, &mut tally, from == 0).await;
    }
    Ok(tally)
}

/// Stores the spans that are complete since the last call. One that is not stored is read from the records.
pub async fn save_spans(store: &StoreHandle, tally: &mut Tally, anew: bool) {
    let changes = tally.take_spans();
    if changes.is_empty() && !anew {
        return;
    }
    if let Err(error) = store.save_spans(tally.test_id(), changes, anew).await {
        log::warn!(test_id:% = tally.test_id(), error:%; "spans not stored");
    }
}

fn count(tally: &mut Tally, record: &StoredMetrics) {
    let at = Position { topic: Topic::Metrics, partition: record.partition, offset: record.offset };
    tally.arrived(&record.metrics, at, record.arrived_at);
    // Discarded: listeners received these seconds when they arrived, and the series is read from the store.
    tally.take_windows();
}
