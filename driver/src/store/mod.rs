//! The driver's own metrics store: every window it measured, as it was published, in SQLite. Windows that Kafka does
//! not have yet are read from here again, after an outage and after a restart. It knows no actor and no Kafka; it
//! blocks, so it runs on a thread of its own (`actors::store`).

use std::path::Path;
use std::sync::Arc;

use common::clock::UnixMicros;
use common::ids::{Epoch, TestId};
use common::sqlite::{self, OpenError, Step};
use common::wire::{Topic, WrittenRecord};
use rusqlite::{Connection, Row, params};

/// The store's file in the data folder.
pub const FILE: &str = "windows.sqlite3";
/// How many tests are kept, the newest; published or not.
pub const KEEP_TESTS: u32 = 50;
/// Most windows kept, whatever tests they belong to: some 500 MB at worst, a few days of one-second windows.
pub const KEEP_WINDOWS: u64 = 200_000;

/// Every step from an empty file to the current schema. Steps that were released never change.
const MIGRATIONS: [Step; 2] = [
    Step::sql(include_str!("migrations/0001_first.sql")),
    Step::sql(include_str!("migrations/0002_from_us.sql")),
];

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}")]
    Sqlite { path: String, source: rusqlite::Error },
    /// A later version of Groundswell wrote it.
    #[error("{path}: has schema version {found}, and this program knows {}", MIGRATIONS.len())]
    Newer {
        path: String,
        /// The version in the file.
        found: i64,
    },
}

/// Names a window of this driver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowKey {
    pub test_id: TestId,
    /// Measured in which life of the driver.
    pub epoch: Epoch,
    pub seq: u64,
    /// When it began: classic orchestrators number their tests anew, and one process may run two tests of one id.
    pub from_us: UnixMicros,
}

/// A window as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWindow {
    pub key: WindowKey,
    /// Whether it is the last of its test.
    pub is_final: bool,
    /// The `metrics` record, to be sent as it is, at whichever time. Shared, because a window is queued for Kafka and for
    /// the store at once, and published again where Kafka does not take it.
    pub record: Arc<WrittenRecord>,
}

/// What is written together, in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub windows: Vec<StoredWindow>,
    /// Windows that Kafka has.
    pub published: Vec<WindowKey>,
}

#[derive(Debug)]
pub struct WindowStore {
    path: String,
    db: Connection,
    keep_tests: u32,
    keep_windows: u64,
}

impl WindowStore {
    /// Opens or makes the store in a data folder.
    ///
    /// # Errors
    /// Where the file cannot be opened or made, or a later version wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let shown = path.display().to_string();
        let db = match sqlite::open(&path, &MIGRATIONS) {
            Ok(db) => db,
            Err(OpenError::Sqlite(source)) => return Err(StoreError::Sqlite { path: shown, source }),
            Err(OpenError::Newer { found }) => return Err(StoreError::Newer { path: shown, found }),
        };
        Ok(Self { path: shown, db, keep_tests: KEEP_TESTS, keep_windows: KEEP_WINDOWS })
    }

    fn fault(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |source| StoreError::Sqlite { path: path.clone(), source }
    }

    /// Writes a batch: all of it or nothing. A window that is there already stays as it is. With the last
    /// window of a test, the oldest tests beyond the bound go.
    ///
    /// # Errors
    /// Where SQLite cannot, as on a full disk.
    pub fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let fault = self.fault();
        let (keep_tests, keep_windows) = (self.keep_tests, self.keep_windows);
        let write = |db: &mut Connection| {
            let change = db.transaction()?;
            for window in &batch.windows {
                change
                    .prepare_cached(
                        "INSERT INTO window (test_id, epoch, seq, from_us, is_final, record_key, payload)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![
                        window.key.test_id.as_str(),
                        stored(window.key.epoch.0),
                        stored(window.key.seq),
                        window.key.from_us,
                        window.is_final,
                        window.record.key,
                        window.record.payload,
                    ])?;
            }
            for key in &batch.published {
                change
                    .prepare_cached(
                        "UPDATE window SET published = 1
                         WHERE test_id = ?1 AND epoch = ?2 AND seq = ?3 AND from_us = ?4",
                    )?
                    .execute(params![
                        key.test_id.as_str(),
                        stored(key.epoch.0),
                        stored(key.seq),
                        key.from_us
                    ])?;
            }
            if batch.windows.iter().any(|window| window.is_final || window.key.seq % 1_000 == 999) {
                prune(&change, keep_tests, keep_windows)?;
            }
            change.commit()
        };
        write(&mut self.db).map_err(fault)
    }

    /// The oldest windows that Kafka does not have, in the order in which they were measured.
    ///
    /// # Errors
    /// Where SQLite cannot read them.
    pub fn unpublished(&self, limit: u32) -> Result<Vec<StoredWindow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<StoredWindow>> {
            let mut select = self.db.prepare_cached(
                "SELECT test_id, epoch, seq, from_us, is_final, record_key, payload FROM window
                 WHERE published = 0 ORDER BY id LIMIT ?1",
            )?;
            select.query_map([limit], read_window)?.collect()
        };
        read().map_err(self.fault())
    }
}

fn prune(db: &Connection, keep_tests: u32, keep_windows: u64) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM window WHERE test_id NOT IN
         (SELECT test_id FROM window GROUP BY test_id ORDER BY max(id) DESC LIMIT ?1)",
        [keep_tests],
    )?;
    db.execute("DELETE FROM window WHERE id <= (SELECT max(id) FROM window) - ?1", [stored(keep_windows)])?;
    Ok(())
}

fn read_window(row: &Row<'_>) -> rusqlite::Result<StoredWindow> {
    let test_id: String = row.get(0)?;
    let test_id = TestId::new(&test_id).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })?;
    let (epoch, seq) = (Epoch(loaded(row.get(1)?)), loaded(row.get(2)?));
    let key = WindowKey { test_id, epoch, seq, from_us: row.get(3)? };
    let record = WrittenRecord { topic: Topic::Metrics, key: row.get(5)?, payload: row.get(6)? };
    Ok(StoredWindow { key, is_final: row.get(4)?, record: Arc::new(record) })
}

/// SQLite's integers are signed: the same 64 bits, both ways.
fn stored(value: u64) -> i64 {
    value.cast_signed()
}

fn loaded(value: i64) -> u64 {
    value.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl WindowStore {
        /// How many windows there are, and how many of them Kafka does not have.
        pub fn counts(&self) -> Result<(u64, u64), StoreError> {
            let counts = "SELECT count(*), count(*) FILTER (WHERE published = 0) FROM window";
            let read = |row: &Row<'_>| Ok((loaded(row.get(0)?), loaded(row.get(1)?)));
            self.db.query_row(counts, [], read).map_err(self.fault())
        }
    }

    fn window(test: &str, epoch: u64, seq: u64, is_final: bool) -> StoredWindow {
        let payload = format!("{{\"{test}\":{seq}}}");
        StoredWindow {
            key: WindowKey { test_id: TestId::new(test).unwrap(), epoch: Epoch(epoch), seq, from_us: 0 },
            is_final,
            record: Arc::new(WrittenRecord { topic: Topic::Metrics, key: "d1".into(), payload }),
        }
    }

    fn write(store: &mut WindowStore, windows: &[StoredWindow], published: &[StoredWindow]) {
        let published = published.iter().map(|window| window.key.clone()).collect();
        store.write(&Batch { windows: windows.to_vec(), published }).unwrap();
    }

    #[test]
    fn what_kafka_did_not_take_is_there_after_a_restart_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let windows = [window("t", 7, 0, false), window("t", 7, 1, false), window("t", u64::MAX, 2, true)];
        {
            let mut store = WindowStore::open(folder.path()).unwrap();
            write(&mut store, &windows, &[]);
            write(&mut store, &[], &windows[..1]);
            write(&mut store, &windows[..1], &[]);
        }
        let store = WindowStore::open(folder.path()).unwrap();
        assert_eq!(store.unpublished(10).unwrap(), windows[1..], "and a repeated write brought nothing back");
        assert_eq!(store.unpublished(1).unwrap(), windows[1..2]);
        assert_eq!(store.counts().unwrap(), (3, 2));
    }

    #[test]
    fn a_second_test_of_the_same_id_in_the_same_life_is_kept_beside_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = WindowStore::open(folder.path()).unwrap();
        let first = window("TSUNAMI_1", 7, 0, true);
        let mut second = first.clone();
        second.key.from_us = 5_000_000;
        write(&mut store, &[first.clone(), second.clone()], &[first]);
        assert_eq!(store.unpublished(10).unwrap(), [second]);
    }

    #[test]
    fn a_store_of_version_1_is_taken_over_with_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open(folder.path().join(FILE)).unwrap();
        db.execute_batch(
            "CREATE TABLE window (id INTEGER PRIMARY KEY AUTOINCREMENT, test_id TEXT NOT NULL, epoch INTEGER NOT NULL,
                 seq INTEGER NOT NULL, is_final INTEGER NOT NULL, record_key TEXT NOT NULL, payload TEXT NOT NULL,
                 published INTEGER NOT NULL DEFAULT 0, UNIQUE (test_id, epoch, seq)) STRICT;
             CREATE INDEX window_unpublished ON window (id) WHERE published = 0;
             INSERT INTO window (test_id, epoch, seq, is_final, record_key, payload, published)
                 VALUES ('t', 7, 0, 0, 'd1', '{\"t\":0}', 1), ('t', 7, 1, 1, 'd1', '{\"t\":1}', 0);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(db);
        for _ in 0..2 {
            let store = WindowStore::open(folder.path()).unwrap();
            assert_eq!(store.unpublished(10).unwrap(), [window("t", 7, 1, true)]);
            assert_eq!(store.counts().unwrap(), (2, 1));
        }
    }

    #[test]
    fn only_the_newest_tests_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = WindowStore::open(folder.path()).unwrap();
        store.keep_tests = 2;
        for test in ["a", "b", "c"] {
            write(&mut store, &[window(test, 1, 0, false), window(test, 1, 1, true)], &[]);
        }
        let left: Vec<_> = store.unpublished(10).unwrap().into_iter().map(|left| left.key.test_id).collect();
        let [b, c] = ["b", "c"].map(|test| TestId::new(test).unwrap());
        assert_eq!(left, [b.clone(), b, c.clone(), c]);
    }

    #[test]
    fn one_long_test_is_bounded_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = WindowStore::open(folder.path()).unwrap();
        store.keep_windows = 1_500;
        let windows: Vec<_> = (0..4_000).map(|seq| window("t", 1, seq, false)).collect();
        for batch in windows.chunks(100) {
            write(&mut store, batch, &[]);
        }
        assert_eq!(store.counts().unwrap().0, 1_500);
        assert_eq!(store.unpublished(1).unwrap()[0].key.seq, 2_500);
    }

    #[test]
    fn a_later_schema_and_a_missing_folder_are_reported_by_name() {
        let folder = tempfile::tempdir().unwrap();
        drop(WindowStore::open(folder.path()).unwrap());
        let db = Connection::open(folder.path().join(FILE)).unwrap();
        db.pragma_update(None, "user_version", 9).unwrap();
        let error = WindowStore::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("windows.sqlite3: has schema version 9, and this program knows 2"),
            "{error}"
        );
        let error = WindowStore::open(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none/windows.sqlite3"), "{error}");
    }
}
