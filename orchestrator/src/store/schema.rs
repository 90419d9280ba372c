//! The database file: how it is opened, and how an older one is migrated.

use std::path::Path;

use common::sqlite::{self, OpenError, Step};
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, windows_v6};

/// Every step from an empty file to the current schema; `user_version` counts those taken. Steps that were
/// released never change.
const MIGRATIONS: [Step; 8] = [
    Step::sql(include_str!("migrations/0001_first.sql")),
    Step::sql(include_str!("migrations/0002_machine.sql")),
    Step::sql(include_str!("migrations/0003_closing.sql")),
    Step::sql(include_str!("migrations/0004_extremes.sql")),
    Step::sql(include_str!("migrations/0005_kafka.sql")),
    Step::sql(include_str!("migrations/0006_pauses.sql")),
    Step { sql: include_str!("migrations/0007_records.sql"), then: Some(windows_v6::move_to_records) },
    Step::sql(include_str!("migrations/0008_spans.sql")),
];

/// Opens the file, creates it where it is missing, and brings it to the current schema.
///
/// # Errors
/// Where SQLite cannot open or change it, or where a newer version of this program wrote it.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    // A power cut may lose the last commits; records and their offsets are in the same commit, so the lost records are
    // read from Kafka again.
    sqlite::open(path, &MIGRATIONS).map_err(|error| match error {
        OpenError::Sqlite(error) => super::failed(path, &error),
        OpenError::Newer { found } => StoreError::Sqlite {
            path: path.display().to_string(),
            cause: format!(
                "schema version {found} was written by a newer groundswell; this one knows {} at most",
                MIGRATIONS.len()
            ),
        },
    })
}

/// Opens an existing file for reading only.
///
/// # Errors
/// Where SQLite cannot, or where the file has another schema version than this program.
pub fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| super::failed(path, &error);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // A writer that ended cleanly leaves no WAL file. SQLite would create one even for reading, unless the file is
    // opened as immutable.
    let unchanging = !Path::new(&log).exists();
    let mut url = url::Url::from_file_path(path).map_err(|()| StoreError::Sqlite {
        path: path.display().to_string(),
        cause: "the path is not absolute".to_owned(),
    })?;
    if unchanging {
        url.set_query(Some("immutable=1"));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(url.as_str(), flags).map_err(failed)?;
    connection.busy_timeout(sqlite::BUSY_TIMEOUT).map_err(failed)?;
    let version = sqlite::version(&connection).map_err(failed)?;
    if version != MIGRATIONS.len() as i64 {
        return Err(StoreError::Sqlite {
            path: path.display().to_string(),
            cause: format!(
                "has schema version {version}, this groundswell reads {}: an orchestrator of this version that opens it \
                 brings an older one up to date",
                MIGRATIONS.len()
            ),
        });
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        for _ in 0..2 {
            let connection = open(&path).unwrap();
            let pragma = |name: &str| {
                connection
                    .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                    .unwrap()
            };
            assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".to_owned()));
            assert_eq!(pragma("user_version"), rusqlite::types::Value::Integer(MIGRATIONS.len() as i64));
            assert_eq!(pragma("foreign_keys"), rusqlite::types::Value::Integer(1));
        }
    }

    #[test]
    fn a_file_of_an_earlier_version_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let first = Connection::open(&path).unwrap();
        first.execute_batch(MIGRATIONS[0].sql).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        drop(first);
        let connection = open(&path).unwrap();
        for columns in [
            "SELECT closing, kafka FROM tests",
            "SELECT packing, payload FROM records",
            "SELECT shown, payload FROM spans",
        ] {
            connection.prepare(columns).unwrap();
        }
        for dropped in ["windows", "events"] {
            assert!(!connection.table_exists(None, dropped).unwrap(), "{dropped}");
        }
    }

    /// What the version before `definitions` stored of a test: two drivers at 20/s for 2 s, a quarter rejected.
    const REPORT_V1: &str = include_str!("report_v1.json");

    #[test]
    fn a_report_that_an_earlier_version_stored_keeps_its_figures_and_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let third = Connection::open(&path).unwrap();
        MIGRATIONS[..3].iter().for_each(|step| third.execute_batch(step.sql).unwrap());
        third.pragma_update(None, "user_version", 3).unwrap();
        let sql = "INSERT INTO tests (test_id, name, state, verdict, created_at, revision, plan, report)
             VALUES ('t-1', 'old', 'finished', 'invalid', 5, 1, '{}', ?1)";
        third.execute(sql, [REPORT_V1]).unwrap();
        drop(third);
        let store = super::super::Store::open(&path).unwrap();
        let id = crate::fixtures::test_id("t-1");
        let report = store.test(&id).unwrap().unwrap().report.unwrap();
        assert_eq!(report.definitions, 1);
        let old: serde_json::Value = serde_json::from_str(REPORT_V1).unwrap();
        let read = serde_json::to_value(&report).unwrap();
        for figures in [
            "/verdict",
            "/reasons",
            "/totals/throughput_per_s",
            "/totals/latency_ms/response",
            "/totals/latency_ms/service",
            "/drivers/1/latency_ms/response",
        ] {
            assert!(old.pointer(figures).is_some_and(|value| !value.is_null()), "{figures}");
            assert_eq!(read.pointer(figures), old.pointer(figures), "{figures}");
        }
        let text = crate::report::text(&report);
        assert!(text.contains("note       figures as an earlier version defined them"), "{text}");
        assert!(
            !text.lines().any(|line| line.starts_with(" failed")),
            "as the earlier version had it: {text}"
        );
    }

    #[test]
    fn a_newer_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let text = open(&path).unwrap_err().to_string();
        assert!(text.contains("store.sqlite") && text.contains("99") && text.contains("newer"), "{text}");
    }

    #[test]
    fn a_file_that_is_not_a_database_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        std::fs::write(&path, "this is a text of more than a few bytes".repeat(100)).unwrap();
        let text = open(&path).unwrap_err().to_string();
        assert!(text.contains("store.sqlite") && text.contains("not a database"), "{text}");
    }
}
