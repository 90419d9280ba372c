//! A node's SQLite file: how it is opened, and how an older one is migrated. It knows no table; each node's store names
//! its own steps. Behind the feature `sqlite`, so that a crate without a store does not depend on SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How long a write waits for another process that holds the file (a backup, a person with sqlite3).
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One step from a schema version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Changes the tables.
    pub sql: &'static str,
    /// What SQL alone cannot do, after it and in the same transaction.
    pub then: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

impl Step {
    /// A step that is SQL alone.
    pub const fn sql(sql: &'static str) -> Self {
        Self { sql, then: None }
    }
}

/// Why a file could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// SQLite could not open or change it.
    Sqlite(rusqlite::Error),
    /// A newer version of the program wrote it.
    Newer {
        /// The schema version in the file.
        found: i64,
    },
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Opens a file, creates it where it is missing, and brings it to the current schema. `steps`: every step from an empty
/// file to that schema, of which `user_version` counts those taken. Steps that were released never change.
///
/// # Errors
/// Where SQLite cannot open or change it, or where more steps were taken than there are.
pub fn open(path: &Path, steps: &[Step]) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // WAL with synchronous=NORMAL: a killed process loses no commit, a power cut may lose the last ones.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(&mut connection, steps)?;
    Ok(connection)
}

/// The number of steps that were taken.
///
/// # Errors
/// Where SQLite cannot read the file.
pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection, steps: &[Step]) -> Result<(), OpenError> {
    let known = steps.len() as i64;
    // A file that is up to date is opened without a write, so that it can be read on a full disk.
    if version(connection)? == known {
        return Ok(());
    }
    // Immediate takes the write lock before the version is read again: another process may be migrating the file.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let taken = usize::try_from(found).map_err(|_| OpenError::Newer { found })?;
    for step in steps.get(taken..).ok_or(OpenError::Newer { found })? {
        transaction.execute_batch(step.sql)?;
        if let Some(then) = step.then {
            then(&transaction)?;
        }
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 2] = [
        Step::sql("CREATE TABLE a (x INTEGER);"),
        Step {
            sql: "ALTER TABLE a ADD COLUMN y INTEGER;",
            then: Some(|transaction| transaction.execute("UPDATE a SET y = x + 6", []).map(drop)),
        },
    ];

    #[test]
    fn each_step_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.sqlite");
        open(&path, &STEPS[..1]).unwrap().execute("INSERT INTO a VALUES (1)", []).unwrap();
        for _ in 0..2 {
            let connection = open(&path, &STEPS).unwrap();
            assert_eq!(version(&connection), Ok(2));
            let row = connection.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?)));
            assert_eq!(row, Ok((1, 7)), "with what follows its SQL");
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.sqlite");
        let broken = [STEPS[0], STEPS[1], Step::sql("no SQL")];
        assert!(matches!(open(&path, &broken), Err(OpenError::Sqlite(_))));
        let connection = open(&path, &[]).unwrap();
        assert_eq!(version(&connection), Ok(0));
        assert!(connection.prepare("SELECT x FROM a").is_err());
    }

    #[test]
    fn a_version_that_no_step_leads_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.sqlite");
        let connection = open(&path, &STEPS).unwrap();
        for found in [3, 99, -1] {
            connection.pragma_update(None, "user_version", found).unwrap();
            let refused = open(&path, &STEPS).unwrap_err();
            assert!(matches!(refused, OpenError::Newer { found: named } if named == found), "{refused:?}");
        }
    }
}
