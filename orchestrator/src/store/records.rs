//! Metrics records as rows: counters and extremes as JSON, histograms as V2-deflate, empty ones left out.

use std::sync::Arc;

use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, TestId};
use common::latency::{Encoder, Latencies, Latency, LatencyKind};
use common::wire::{ClassicMetrics, MachineLoad, Metrics, Window};
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use serde_json::json;

use super::{MetricsPage, StoreError, StoredMetrics};
use super::{Store, bits};

/// Most records of one page.
const MAX_RECORDS: u32 = 1_000;

/// Columns of a record, in the order that [`values`] and [`RecordRow`] keep; the histograms' come after them.
const COLUMNS: [&str; 21] = [
    "test_id",
    "node_id",
    "epoch",
    "seq",
    "from_us",
    "to_us",
    "busy",
    "cpu",
    "steal",
    "is_final",
    "counters",
    "ending",
    "named_test",
    "report_id",
    "classic",
    "partition",
    "position",
    "arrived_at",
    "extremes",
    "wait",
    "stopped",
];

fn column_list() -> String {
    let histograms = LatencyKind::ALL.into_iter().map(LatencyKind::as_str);
    COLUMNS.into_iter().chain(histograms).collect::<Vec<_>>().join(", ")
}

/// Stores a record. Returns false, and stores nothing, where it was stored before or its test is not stored.
pub fn insert(
    connection: &Connection,
    record: &StoredMetrics,
    encoder: &mut Encoder,
) -> rusqlite::Result<bool> {
    let n_columns = COLUMNS.len() + LatencyKind::ALL.len();
    let slots = (1..=n_columns).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "INSERT OR IGNORE INTO windows ({}) SELECT {slots} WHERE EXISTS (SELECT 1 FROM tests WHERE test_id = ?1)",
        column_list()
    );
    let n = connection.prepare_cached(&sql)?.execute(params_from_iter(values(record, encoder)))?;
    Ok(n == 1)
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

fn values(record: &StoredMetrics, encoder: &mut Encoder) -> Vec<Value> {
    let metrics = &record.metrics;
    let window = metrics.ours.as_deref();
    let integer = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
    let real = |value: Option<f64>| value.map_or(Value::Null, Value::Real);
    let ending = window.and_then(|window| window.ending.as_ref());
    let mut values = vec![
        text(Some(record.test_id.as_str())),
        text(Some(metrics.node_id.as_str())),
        integer(window.map(|window| bits(window.epoch.0))),
        integer(window.map(|window| bits(window.seq))),
        integer(window.map(|window| window.from_us)),
        integer(window.map(|window| window.to_us)),
        real(window.map(|window| window.busy)),
        real(window.and_then(|window| window.machine.cpu)),
        real(window.and_then(|window| window.machine.steal)),
        integer(window.map(|window| i64::from(window.is_final))),
        window.map_or(Value::Null, |window| Value::Text(json!(window.figures.all.counters).to_string())),
        ending.map_or(Value::Null, |ending| Value::Text(json!(ending).to_string())),
        text(metrics.test_id.as_ref().map(TestId::as_str)),
        text(metrics.report_id.as_deref()),
        Value::Text(classic_json(&metrics.classic).to_string()),
        Value::Integer(i64::from(record.partition)),
        Value::Integer(record.offset),
        Value::Integer(record.arrived_at),
        window.map_or(Value::Null, |window| {
            Value::Text(json!(window.figures.all.latencies.extremes()).to_string())
        }),
        real(window.and_then(|window| window.machine.wait)),
        window
            .map(|window| &window.machine.stopped)
            .filter(|stopped| !stopped.is_empty())
            .map_or(Value::Null, |stopped| Value::Text(json!(stopped).to_string())),
    ];
    values.extend(LatencyKind::ALL.into_iter().map(|kind| {
        let latency =
            window.map(|window| window.figures.all.latencies.of(kind)).filter(|latency| !latency.is_empty());
        latency.map_or(Value::Null, |latency| Value::Blob(encoder.bytes(latency)))
    }));
    values
}

fn classic_json(classic: &ClassicMetrics) -> serde_json::Value {
    json!([
        classic.mean_ms,
        classic.median_ms,
        classic.min_ms,
        classic.max_ms,
        classic.mode_ms,
        classic.num_requests,
        classic.num_responses,
        classic.num_errors,
        classic.implausible,
        classic.complete,
    ])
}

type Number = Option<f64>;
type Amount = Option<u64>;

impl Store {
    /// A test's records in the order of arrival; `limit` is 1 to 1,000.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn metrics(&self, test_id: &TestId, after: i64, limit: u32) -> Result<MetricsPage, StoreError> {
        let limit = limit.clamp(1, MAX_RECORDS);
        let sql = format!(
            "SELECT arrival, {} FROM windows WHERE test_id = ?1 AND arrival > ?2 ORDER BY arrival LIMIT ?3",
            column_list()
        );
        let rows = self.rows(&sql, (test_id.as_str(), after, limit), RecordRow::read)?;
        let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = rows.last().filter(|_| full).map(|row| row.arrival);
        let records = rows.into_iter().map(|row| self.stored_metrics(row)).collect::<Result<_, _>>()?;
        Ok(MetricsPage { records, next })
    }

    /// The windows that a query's tail selects.
    pub(super) fn windows_where(
        &self,
        tail: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<StoredMetrics>, StoreError> {
        let sql = format!("SELECT arrival, {} FROM windows {tail}", column_list());
        let rows = self.rows(&sql, params, RecordRow::read)?;
        rows.into_iter().map(|row| self.stored_metrics(row)).collect()
    }

    fn stored_metrics(&self, row: RecordRow) -> Result<StoredMetrics, StoreError> {
        let at = format!("windows {}", row.arrival);
        let id = |text: &str| TestId::new(text).map_err(|cause| self.bad_row(&at, cause));
        let classic: (Number, Number, Number, Number, Number, Amount, Amount, Amount, bool, bool) =
            self.json(&at, &row.classic)?;
        let metrics = Metrics {
            node_id: NodeId::new(&row.node_id).map_err(|cause| self.bad_row(&at, cause))?,
            test_id: row.named_test.as_deref().map(id).transpose()?,
            report_id: row.report_id,
            classic: ClassicMetrics {
                mean_ms: classic.0,
                median_ms: classic.1,
                min_ms: classic.2,
                max_ms: classic.3,
                mode_ms: classic.4,
                num_requests: classic.5,
                num_responses: classic.6,
                num_errors: classic.7,
                implausible: classic.8,
                complete: classic.9,
            },
            ours: row.window.map(|window| self.window(&at, window).map(Box::new)).transpose()?,
        };
        Ok(StoredMetrics {
            test_id: id(&row.test_id)?,
            counted: true,
            partition: row.partition,
            offset: row.position,
            arrived_at: row.arrived_at,
            metrics: Arc::new(metrics),
        })
    }

    fn window(&self, at: &str, row: WindowRow) -> Result<Window, StoreError> {
        let mut latencies = Latencies::new();
        for (kind, bytes) in row.histograms {
            let read = Latency::decode_bytes(&bytes);
            *latencies.of_mut(kind) =
                read.map_err(|cause| self.bad_row(format!("{at} {}", kind.as_str()), cause))?;
        }
        if let Some(extremes) = &row.extremes {
            let set = latencies.set_extremes(&self.json(at, extremes)?);
            set.map_err(|cause| self.bad_row(format!("{at} extremes"), cause))?;
        }
        Ok(Window {
            epoch: Epoch(row.epoch.cast_unsigned()),
            seq: row.seq.cast_unsigned(),
            from_us: row.from_us,
            to_us: row.to_us,
            figures: ByRequest::unnamed(Figures { counters: self.json(at, &row.counters)?, latencies }),
            busy: row.busy,
            machine: MachineLoad {
                stopped: row.stopped.map(|stopped| self.json(at, &stopped)).transpose()?.unwrap_or_default(),
                ..row.machine
            },
            is_final: row.is_final,
            ending: row.ending.map(|ending| self.json(at, &ending)).transpose()?,
        })
    }
}

/// A row of `windows` as SQLite has it.
struct RecordRow {
    arrival: i64,
    test_id: String,
    node_id: String,
    named_test: Option<String>,
    report_id: Option<String>,
    classic: String,
    partition: i32,
    position: i64,
    arrived_at: i64,
    window: Option<WindowRow>,
}

/// The columns that only our own windows have.
struct WindowRow {
    epoch: i64,
    seq: i64,
    from_us: i64,
    to_us: i64,
    busy: f64,
    machine: MachineLoad,
    is_final: bool,
    counters: String,
    ending: Option<String>,
    histograms: Vec<(LatencyKind, Vec<u8>)>,
    extremes: Option<String>,
    stopped: Option<String>,
}

impl RecordRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let seq: Option<i64> = row.get("seq")?;
        Ok(Self {
            arrival: row.get("arrival")?,
            test_id: row.get("test_id")?,
            node_id: row.get("node_id")?,
            named_test: row.get("named_test")?,
            report_id: row.get("report_id")?,
            classic: row.get("classic")?,
            partition: row.get("partition")?,
            position: row.get("position")?,
            arrived_at: row.get("arrived_at")?,
            window: seq.map(|seq| WindowRow::read(row, seq)).transpose()?,
        })
    }
}

impl WindowRow {
    fn read(row: &Row<'_>, seq: i64) -> rusqlite::Result<Self> {
        let mut histograms = Vec::new();
        for kind in LatencyKind::ALL {
            if let Some(bytes) = row.get::<_, Option<Vec<u8>>>(kind.as_str())? {
                histograms.push((kind, bytes));
            }
        }
        Ok(Self {
            epoch: row.get("epoch")?,
            seq,
            from_us: row.get("from_us")?,
            to_us: row.get("to_us")?,
            busy: row.get("busy")?,
            machine: MachineLoad {
                cpu: row.get("cpu")?,
                steal: row.get("steal")?,
                wait: row.get("wait")?,
                stopped: Vec::new(),
            },
            is_final: row.get("is_final")?,
            counters: row.get("counters")?,
            ending: row.get("ending")?,
            histograms,
            extremes: row.get("extremes")?,
            stopped: row.get("stopped")?,
        })
    }
}
