//! Tests and who took part in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use common::clock::{UnixMicros, rfc3339};
use common::ids::{Epoch, NodeId, TestId};
use common::plan::files::FileHash;
use common::plan::read_value;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Cursor, Store, bits};
use super::{StoreError, StoredPlan, StoredTest, TestFilter};
use crate::data_files::hashes_in;
use crate::model::{TestPage, TestState, TestSummary, TestView, Verdict};
use crate::participant::Participant;

/// Most rows of a page.
const MAX_PAGE: u32 = 500;

const COLUMNS: &str =
    "test_id, plan, state, verdict, created_at, started_at, ended_at, revision, report, closing, kafka";

/// The string that serde writes for a state or a verdict.
fn word<T: Serialize>(value: T) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Some(word),
        _ => None,
    }
}

/// A plan as a row has it: JSON of the shape of TOML, with secrets.
fn plan_json(plan: &StoredPlan) -> Cow<'_, Value> {
    match plan {
        StoredPlan::Valid(plan) => Cow::Owned(plan.to_json()),
        StoredPlan::Invalid { json, .. } => Cow::Borrowed(json),
    }
}

/// The plan of a row.
fn read_plan(json: Value) -> StoredPlan {
    match read_value(&json) {
        Ok(plan) => plan.into(),
        Err(faults) => StoredPlan::Invalid { json, faults },
    }
}

impl Store {
    /// Stores a test, or replaces its row; the stored reports of the drivers stay.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn save_test(&mut self, test: &StoredTest) -> Result<(), StoreError> {
        let id = test.test_id.as_str();
        let at = format!("tests {id}");
        let plan = plan_json(&test.plan);
        let name = plan.get("name").and_then(Value::as_str).unwrap_or_default();
        let plan_text = self.text(&at, &plan)?;
        let report = test.report.as_ref().map(|report| self.text(&at, report)).transpose()?;
        let closing = test.closing.as_ref().map(|closing| self.text(&at, closing)).transpose()?;
        let shares = test.participants.iter().map(|one| self.text(&at, &one.share));
        let shares = shares.collect::<Result<Vec<_>, _>>()?;
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO tests (test_id, name, plan, state, verdict, created_at, started_at, ended_at, revision,
                       report, closing, kafka)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                     ON CONFLICT (test_id) DO UPDATE SET name = ?2, plan = ?3, state = ?4, verdict = ?5,
                       created_at = ?6, started_at = ?7, ended_at = ?8, revision = ?9, report = ?10, closing = ?11,
                       kafka = ?12",
                )?
                .execute(params![
                    id,
                    name,
                    plan_text,
                    word(test.state),
                    test.verdict.and_then(word),
                    test.created_at,
                    test.started_at,
                    test.ended_at,
                    test.revision,
                    report,
                    closing,
                    test.kafka.as_ref().map(ToString::to_string),
                ])?;
            transaction.execute("DELETE FROM participants WHERE test_id = ?1", [id])?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO participants (test_id, place, node_id, epoch, share) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for ((place, one), share) in (0_i64..).zip(&test.participants).zip(shares) {
                let epoch = one.epoch.map(|epoch| bits(epoch.0));
                insert.execute(params![id, place, one.node_id.as_str(), epoch, share])?;
            }
            Ok(())
        })
    }

    /// Replaces the verdict and the report of a finished test; does nothing where no finished test has that id.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn save_revision(&mut self, report: &TestView) -> Result<(), StoreError> {
        let id = report.test_id.as_str();
        let json = self.text(&format!("tests {id}"), report)?;
        let sql = "UPDATE tests SET verdict = ?2, report = ?3 WHERE test_id = ?1 AND state = 'finished'";
        self.connection
            .execute(sql, params![id, report.verdict.and_then(word), json])
            .map(|_| ())
            .map_err(|error| self.failed(error))
    }

    /// A test as stored.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn test(&self, id: &TestId) -> Result<Option<StoredTest>, StoreError> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM tests WHERE test_id = ?1"))
            .and_then(|mut statement| statement.query_row([id.as_str()], TestRow::read).optional())
            .map_err(|error| self.failed(error))?
            .map(|row| self.stored_test(row))
            .transpose()
    }

    /// Tests that are neither configured nor finished, oldest first.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn unfinished(&self) -> Result<Vec<StoredTest>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tests WHERE state NOT IN ('configured', 'finished') ORDER BY created_at, test_id"
        );
        self.rows(&sql, [], TestRow::read)?.into_iter().map(|row| self.stored_test(row)).collect()
    }

    /// One page of the tests that match the filter, newest first; `limit` is 1 to 500.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn page(
        &self,
        limit: u32,
        cursor: Option<&Cursor>,
        filter: &TestFilter,
    ) -> Result<TestPage, StoreError> {
        let limit = usize::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(1);
        let sql = "SELECT test_id, name, state, verdict, created_at, started_at, ended_at FROM tests
             WHERE (created_at, test_id) < (?1, ?2) AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR verdict = ?5)
             AND (?6 IS NULL OR instr(lower(name), ?6) > 0 OR instr(lower(test_id), ?6) > 0)
             ORDER BY created_at DESC, test_id DESC LIMIT ?3";
        // Without a cursor: after every possible instant.
        let (before, id) =
            cursor.map_or((i64::MAX, ""), |cursor| (cursor.created_at, cursor.test_id.as_str()));
        let (state, verdict) = (filter.state.and_then(word), filter.verdict.and_then(word));
        let text = filter.text.as_ref().map(|text| text.to_ascii_lowercase());
        let asked = params![before, id, limit as i64 + 1, state, verdict, text];
        let mut rows = self.rows(sql, asked, SummaryRow::read)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_cursor =
            last.map(|row| self.cursor_after(row)).transpose()?.map(|cursor| cursor.to_string());
        let tests = rows.into_iter().map(|row| self.summary(row)).collect::<Result<_, _>>()?;
        Ok(TestPage { tests, next_cursor })
    }

    /// How many tests there are by (state, verdict).
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn count_tests(&self) -> Result<BTreeMap<(String, Option<String>), u64>, StoreError> {
        let sql = "SELECT state, verdict, count(*) FROM tests GROUP BY state, verdict";
        let rows = self.rows(sql, [], |row| {
            let n: i64 = row.get(2)?;
            Ok(((row.get(0)?, row.get(1)?), u64::try_from(n).unwrap_or(0)))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// The data files that the plans of tests name.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn named_files(&self) -> Result<BTreeSet<FileHash>, StoreError> {
        let sql = "SELECT plan FROM tests WHERE instr(plan, 'sha256:') > 0";
        let named = self.rows(sql, [], |row| Ok(hashes_in(&row.get::<_, String>(0)?)))?;
        Ok(named.into_iter().flatten().collect())
    }

    /// Removes a test with the stored reports of its drivers, unless it is under way; false where nothing was removed.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn remove_test(&mut self, id: &TestId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM tests WHERE test_id = ?1 AND state IN ('configured', 'finished')";
        let n = self.connection.execute(sql, [id.as_str()]).map_err(|error| self.failed(error))?;
        Ok(n > 0)
    }

    /// Removes all finished tests but the `keep` newest, with the stored reports of their drivers, and the tests that
    /// were created before an instant and never started. Returns how many tests were removed.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn prune(&mut self, keep: u32, configured_before: UnixMicros) -> Result<usize, StoreError> {
        let sql = "DELETE FROM tests WHERE test_id IN (SELECT test_id FROM tests WHERE state = 'finished'
             ORDER BY created_at DESC, test_id DESC LIMIT -1 OFFSET ?1)
             OR (state = 'configured' AND created_at < ?2)";
        self.connection.execute(sql, params![keep, configured_before]).map_err(|error| self.failed(error))
    }

    /// All rows of a query.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(params, read)?.collect())
            .map_err(|error| self.failed(error))
    }

    /// JSON for a row.
    fn text(&self, row: &str, value: &impl Serialize) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|cause| self.bad_row(row, cause))
    }

    /// Reads JSON of a row.
    pub(super) fn json<T: DeserializeOwned>(&self, row: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|cause| self.bad_row(row, cause))
    }

    fn word<T: DeserializeOwned>(&self, row: &str, word: String) -> Result<T, StoreError> {
        serde_json::from_value(Value::String(word)).map_err(|cause| self.bad_row(row, cause))
    }

    fn stored_test(&self, row: TestRow) -> Result<StoredTest, StoreError> {
        let at = format!("tests {}", row.test_id);
        let sql = "SELECT node_id, epoch, share FROM participants WHERE test_id = ?1 ORDER BY place";
        let participants = self
            .rows(sql, [&row.test_id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?))
            })?
            .into_iter()
            .map(|(node, epoch, share)| {
                Ok(Participant {
                    node_id: NodeId::new(&node).map_err(|cause| self.bad_row(&at, cause))?,
                    epoch: epoch.map(|bits| Epoch(bits.cast_unsigned())),
                    share: self.json(&at, &share)?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(StoredTest {
            test_id: TestId::new(&row.test_id).map_err(|cause| self.bad_row(&at, cause))?,
            plan: read_plan(self.json(&at, &row.plan)?),
            state: self.word(&at, row.state)?,
            verdict: row.verdict.map(|verdict| self.word(&at, verdict)).transpose()?,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            kafka: row
                .kafka
                .map(|kafka| kafka.parse().map_err(|cause| self.bad_row(&at, cause)))
                .transpose()?,
            revision: row.revision,
            participants,
            report: row.report.map(|report| self.json(&at, &report)).transpose()?,
            closing: row.closing.map(|closing| self.json(&at, &closing)).transpose()?,
        })
    }

    fn cursor_after(&self, row: &SummaryRow) -> Result<Cursor, StoreError> {
        let test_id = TestId::new(&row.test_id)
            .map_err(|cause| self.bad_row(format!("tests {}", row.test_id), cause))?;
        Ok(Cursor { created_at: row.created_at, test_id })
    }

    fn summary(&self, row: SummaryRow) -> Result<TestSummary, StoreError> {
        let at = format!("tests {}", row.test_id);
        Ok(TestSummary {
            name: row.name,
            state: self.word::<TestState>(&at, row.state)?,
            verdict: row.verdict.map(|verdict| self.word::<Verdict>(&at, verdict)).transpose()?,
            created_at: rfc3339(row.created_at),
            started_at: row.started_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            test_id: row.test_id,
        })
    }
}

/// A row of `tests` as SQLite has it.
struct TestRow {
    test_id: String,
    plan: String,
    state: String,
    verdict: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    revision: u32,
    report: Option<String>,
    closing: Option<String>,
    kafka: Option<String>,
}

impl TestRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            test_id: row.get(0)?,
            plan: row.get(1)?,
            state: row.get(2)?,
            verdict: row.get(3)?,
            created_at: row.get(4)?,
            started_at: row.get(5)?,
            ended_at: row.get(6)?,
            revision: row.get(7)?,
            report: row.get(8)?,
            closing: row.get(9)?,
            kafka: row.get(10)?,
        })
    }
}

/// A row of the history as SQLite has it.
struct SummaryRow {
    test_id: String,
    name: String,
    state: String,
    verdict: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

impl SummaryRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            test_id: row.get(0)?,
            name: row.get(1)?,
            state: row.get(2)?,
            verdict: row.get(3)?,
            created_at: row.get(4)?,
            started_at: row.get(5)?,
            ended_at: row.get(6)?,
        })
    }
}
