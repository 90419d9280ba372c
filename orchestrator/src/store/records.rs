//! Metrics records as rows: each payload as it came on Kafka (deflated, see `packing`), beside the columns that queries
//! need. It is read by the same reader as when it arrived, so that no figure has a second form here.

use std::sync::Arc;

use common::ids::TestId;
use common::latency::LatencyError;
use common::wire::{ApartWindow, RawMetrics, Unit};
use rusqlite::{Connection, Row, params};

use super::packing::{Packer, unpack};
use super::{MetricsPage, StoreError, StoredMetrics};
use super::{Store, bits};

/// Most records of one page.
const MAX_RECORDS: u32 = 1_000;

/// Bytes of records, as they are kept, that end a page. What is read of them is an array of buckets for each histogram: with
/// latencies up to some seconds, a hundred times these bytes.
const PAGE_BYTES: usize = 128 * 1_024;

/// How many of these records, by their sizes as they are kept, make a page: at least one.
pub(super) fn in_a_page(sizes: impl Iterator<Item = usize>) -> usize {
    let mut before = 0_usize;
    sizes
        .take_while(|size| {
            let fits = before < PAGE_BYTES;
            before = before.saturating_add(*size);
            fits
        })
        .count()
}

/// The columns that [`RecordRow`] reads.
const COLUMNS: &str = "arrival, test_id, partition, position, arrived_at, latency_unit, packing, payload";

/// Stores a record. Returns false, and stores nothing, where it was stored before or its test is not stored.
pub fn insert(
    connection: &Connection,
    record: &StoredMetrics,
    packer: &mut Packer,
) -> rusqlite::Result<bool> {
    let window = record.metrics.ours.as_deref();
    let (payload, packing) = packer.pack(&record.raw.payload);
    let sql = "INSERT OR IGNORE INTO records
           (test_id, node_id, epoch, seq, partition, position, arrived_at, latency_unit, packing, payload)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE EXISTS (SELECT 1 FROM tests WHERE test_id = ?1)";
    let n = connection.prepare_cached(sql)?.execute(params![
        record.test_id.as_str(),
        record.metrics.node_id.as_str(),
        window.map(|window| bits(window.epoch.0)),
        window.map(|window| bits(window.seq)),
        record.partition,
        record.offset,
        record.arrived_at,
        record.raw.latency_unit.as_str(),
        packing,
        payload,
    ])?;
    Ok(n == 1)
}

impl Store {
    /// A test's records in the order of arrival; `limit` is 1 to 1,000. Large ones are fewer a page.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn metrics(&self, test_id: &TestId, after: i64, limit: u32) -> Result<MetricsPage, StoreError> {
        let limit = limit.clamp(1, MAX_RECORDS);
        let sql = format!(
            "SELECT {COLUMNS} FROM records WHERE test_id = ?1 AND arrival > ?2 ORDER BY arrival LIMIT ?3"
        );
        let mut rows = self.rows(&sql, (test_id.as_str(), after, limit), RecordRow::read)?;
        let fits = in_a_page(rows.iter().map(|row| row.payload.len()));
        let more = fits < rows.len() || rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(fits);
        let next = rows.last().filter(|_| more).map(|row| row.arrival);
        let records = rows.into_iter().map(|row| self.stored_metrics(row)).collect::<Result<_, _>>()?;
        Ok(MetricsPage { records, next })
    }

    /// Hands over the windows that a query's tail selects, their histograms unread, one after the other.
    pub(super) fn each_apart(
        &self,
        tail: &str,
        params: impl rusqlite::Params,
        mut take: impl FnMut(ApartWindow) -> Result<(), LatencyError>,
    ) -> Result<(), StoreError> {
        self.each_row(tail, params, |mut row| {
            let at = format!("records {}", row.arrival);
            let apart = self.raw(&mut row)?.read_apart();
            let apart = apart.map_err(|rejected| self.bad_row(&at, rejected.detail))?;
            apart.map_or(Ok(()), &mut take).map_err(|error| self.bad_row(&at, error))
        })
    }

    fn each_row(
        &self,
        tail: &str,
        params: impl rusqlite::Params,
        mut take: impl FnMut(RecordRow) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM records {tail}");
        let mut statement = self.connection.prepare_cached(&sql).map_err(|error| self.failed(error))?;
        let mut rows = statement.query(params).map_err(|error| self.failed(error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            take(RecordRow::read(row).map_err(|error| self.failed(error))?)?;
        }
        Ok(())
    }

    /// The record as it came.
    fn raw(&self, row: &mut RecordRow) -> Result<RawMetrics, StoreError> {
        let at = format!("records {}", row.arrival);
        let latency_unit = Unit::from_name(&row.latency_unit)
            .ok_or_else(|| self.bad_row(&at, format!("no such unit: {}", row.latency_unit)))?;
        let kept = std::mem::take(&mut row.payload);
        let payload = unpack(kept, row.packing).map_err(|cause| self.bad_row(&at, cause))?;
        Ok(RawMetrics { payload: payload.into(), latency_unit })
    }

    fn stored_metrics(&self, mut row: RecordRow) -> Result<StoredMetrics, StoreError> {
        let at = format!("records {}", row.arrival);
        let raw = self.raw(&mut row)?;
        let metrics = raw.read().map_err(|rejected| self.bad_row(&at, rejected.detail))?;
        Ok(StoredMetrics {
            test_id: TestId::new(&row.test_id).map_err(|cause| self.bad_row(&at, cause))?,
            counted: true,
            partition: row.partition,
            offset: row.position,
            arrived_at: row.arrived_at,
            raw,
            metrics: Arc::new(metrics),
        })
    }
}

/// A row of `records` as SQLite has it.
struct RecordRow {
    arrival: i64,
    test_id: String,
    partition: i32,
    position: i64,
    arrived_at: i64,
    latency_unit: String,
    packing: i64,
    payload: Vec<u8>,
}

impl RecordRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            arrival: row.get(0)?,
            test_id: row.get(1)?,
            partition: row.get(2)?,
            position: row.get(3)?,
            arrived_at: row.get(4)?,
            latency_unit: row.get(5)?,
            packing: row.get(6)?,
            payload: row.get(7)?,
        })
    }
}
