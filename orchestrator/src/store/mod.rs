//! The persistent data: one SQLite file. This module owns the schema, the transactions and the rows. It has no access
//! to actors or a clock, and judges nothing.

mod batch;
mod compared;
mod cursor;
mod error;
mod gather;
mod kept;
mod nodes;
mod packing;
mod records;
mod report_page;
mod schema;
mod seconds;
mod series;
mod span;
mod spans;
mod tests_table;
mod windows_v6;

#[cfg(test)]
mod check;

use std::path::{Path, PathBuf};

use common::ids::Epoch;
use common::kafka::Offsets;
use common::wire::Topic;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

pub use batch::BatchOutcome;
pub use cursor::Cursor;
pub use error::StoreError;
pub use kept::{Batch, MetricsPage, SavedBatch, StoredMetrics, StoredPlan, StoredTest, TestFilter};
pub use report_page::{PageOf, ReportPage};
pub use seconds::SecondsPage;
pub use series::{MAX_WINDOWS, WindowsAsked};

/// The database's file in the orchestrator's data folder.
pub const FILE: &str = "orchestrator.sqlite3";

#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

/// An error of SQLite's, with the file's name.
fn failed(path: &Path, error: &rusqlite::Error) -> StoreError {
    let mut cause = error.to_string();
    // On a full disk SQLite reports an I/O error, because it cannot extend its shared-memory file.
    let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
        && path
            .parent()
            .and_then(|folder| rustix::fs::statvfs(folder).ok())
            .is_some_and(|disk| disk.f_bavail == 0);
    if full {
        cause.push_str(": the disk is full");
    }
    StoreError::Sqlite { path: path.display().to_string(), cause }
}

/// The 64 bits of a count as SQLite keeps them.
fn bits(count: u64) -> i64 {
    count.cast_signed()
}

impl Store {
    /// Opens the file, creates it where it is missing, and brings an older one up to date.
    ///
    /// # Errors
    /// Where SQLite cannot, or where a newer version wrote the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: schema::open(path)?, path: path.to_owned() })
    }

    /// Opens the file for reading only, whether or not an orchestrator writes it meanwhile. `None` where it is missing.
    /// Creates, locks and migrates nothing.
    ///
    /// # Errors
    /// Where SQLite cannot, or where the file has another schema version.
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Self { connection: schema::open_to_read(path)?, path: path.to_owned() }))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        failed(&self.path, &error)
    }

    fn bad_row(&self, row: impl Into<String>, cause: impl ToString) -> StoreError {
        StoreError::Row { path: self.path.display().to_string(), row: row.into(), cause: cause.to_string() }
    }

    /// The next offset to read, per topic and partition.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn offsets(&self, cluster_id: &str) -> Result<Offsets, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT topic, partition, next FROM offsets WHERE cluster_id = ?1")
            .map_err(|error| self.failed(error))?;
        let rows = statement
            .query_map([cluster_id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(|error| self.failed(error))?;
        let mut offsets = Offsets::new();
        for row in rows {
            let (name, partition, next) = row.map_err(|error| self.failed(error))?;
            let topic = Topic::from_name(&name)
                .ok_or_else(|| self.bad_row(format!("offsets {cluster_id} {name}"), "no such topic"))?;
            offsets.insert((topic, partition), next);
        }
        Ok(offsets)
    }

    /// Takes and stores the epoch of this life of the orchestrator: above the stored one, and no lower than the clock.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn take_epoch(&mut self, now_unix_ms: u64) -> Result<Epoch, StoreError> {
        self.write(|transaction| {
            let stored: Option<i64> = transaction
                .query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))
                .optional()?;
            let epoch = Epoch::next(stored.map(|bits| Epoch(bits.cast_unsigned())), now_unix_ms);
            transaction
                .execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?1)", [bits(epoch.0)])?;
            Ok(epoch)
        })
    }

    /// Writes in one transaction: all of it, or (on any error or panic) nothing.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { connection, path } = self;
        let written = move || {
            // Immediate takes the write lock first, so no other process can change a row between our read and write.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        written().map_err(|error| failed(path, &error))
    }
}
