//! Stores a batch of Kafka records and the offsets behind it in one transaction. If the process is killed in between,
//! neither is stored, and the records are read from Kafka again.

use rusqlite::{Transaction, params};

use super::Batch;
use super::packing::Packer;
use super::{SavedBatch, StoreError, StoredMetrics};
use super::{Store, bits, records, spans};
use crate::tally::spans::SpanChange;

/// What became of a batch's metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    pub n_stored: u64,
    pub n_duplicate: u64,
    /// Records of a test that is not stored (any more), which its tally had counted.
    pub n_orphaned: u64,
    /// The answer to the sender of the batch: which tests received late records, and the number of foreign records.
    pub saved: SavedBatch,
}

impl Store {
    /// Stores a batch whole or not at all.
    ///
    /// # Errors
    /// Where SQLite fails; nothing of the batch is stored then.
    pub fn save_batch(&mut self, batch: &Batch) -> Result<BatchOutcome, StoreError> {
        self.write(|transaction| write(transaction, batch))
    }
}

pub(super) fn write(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<BatchOutcome> {
    let mut outcome = BatchOutcome::default();
    let mut packer = Packer::new();
    for record in &batch.metrics {
        // Whether a late record belongs to its test is decided here, because the store knows all tests and their nodes.
        if !record.counted && !takes_part(transaction, record)? {
            outcome.saved.n_foreign += 1;
        } else if records::insert(transaction, record, &mut packer)? {
            outcome.n_stored += 1;
            if !record.counted {
                // Its spans are not what its records are any more: they are written again when the test is counted again.
                if outcome.saved.late.insert(record.test_id.clone()) {
                    spans::remove(transaction, &record.test_id)?;
                }
            }
        } else if is_stored(transaction, record.test_id.as_str())? {
            outcome.n_duplicate += 1;
        } else {
            outcome.n_orphaned += 1;
        }
    }
    let late = |change: &&SpanChange| outcome.saved.late.iter().any(|test| test.as_str() == change.test_id());
    spans::apply(transaction, batch.spans.iter().filter(|change| !late(change)), &mut packer)?;
    for node in &batch.registered {
        let ours = node.ours.as_ref();
        let labels = ours.and_then(|ours| serde_json::to_string(&ours.labels).ok());
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO nodes (node_id, address, epoch, version, cores, labels, max_rate)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                node.node_id.as_str(),
                node.address,
                ours.map(|ours| bits(ours.epoch.0)),
                ours.map(|ours| &ours.version),
                ours.map(|ours| ours.cores),
                labels,
                ours.and_then(|ours| ours.max_rate),
            ])?;
    }
    if let Some(cluster_id) = &batch.offsets_of {
        for ((topic, partition), next) in &batch.offsets {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO offsets (cluster_id, topic, partition, next) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![cluster_id, topic.as_str(), partition, next])?;
        }
    }
    Ok(outcome)
}

/// Whether a record's test was triggered and knows its node, as a participant or by an earlier record.
fn takes_part(transaction: &Transaction<'_>, record: &StoredMetrics) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM tests WHERE test_id = ?1 AND state <> 'configured'
         AND (EXISTS (SELECT 1 FROM participants WHERE test_id = ?1 AND node_id = ?2)
           OR EXISTS (SELECT 1 FROM records WHERE test_id = ?1 AND node_id = ?2))";
    let whose = [record.test_id.as_str(), record.metrics.node_id.as_str()];
    transaction.prepare_cached(sql)?.exists(whose)
}

fn is_stored(transaction: &Transaction<'_>, test_id: &str) -> rusqlite::Result<bool> {
    transaction.prepare_cached("SELECT 1 FROM tests WHERE test_id = ?1")?.exists([test_id])
}
