//! The step from schema version 6: moves the rows of `windows`, in which earlier versions kept what they had read of a
//! record, to `records`, each as the payload that a driver would write with just those fields. Like every step it stays as
//! it is once it was released, so it depends on no type of the wire: what it writes is JSON.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rusqlite::{Row, Transaction, params};
use serde_json::{Map, Value, json};

use super::packing::Packer;

/// The columns that held histograms, named as on the wire.
const HISTOGRAMS: [&str; 10] = [
    "lag",
    "service",
    "response",
    "failed_service",
    "failed_response",
    "turn",
    "warmup_service",
    "warmup_response",
    "connect",
    "first_byte",
];

/// The counters that the wire has under the same names, all of which [`counters`] writes: where the reader does not
/// find one, its value is a guess from others.
const COUNTS: [&str; 8] = [
    "scheduled",
    "sent",
    "completed",
    "failed",
    "closed_on_reuse",
    "bytes_received",
    "completed_in_schedule",
    "short_gaps",
];

/// The fields of a classic report in the order of the column `classic`, without the last two: `implausible`, which the
/// reader derives, and `complete`.
const FIGURES: [&str; 8] = [
    "mean_latency",
    "median_latency",
    "min_latency",
    "max_latency",
    "mode_latency",
    "num_requests",
    "num_responses",
    "num_errors",
];

/// How many rows are moved before they are deleted: the rows that follow take their pages, so that the file does not double.
const ROWS: i64 = 256;

/// Moves all rows, one in memory at a time, and drops the table. The write-ahead log grows by about the size of the file
/// meanwhile, for either all is moved or nothing.
///
/// # Errors
/// Where SQLite fails. A row whose JSON is damaged is moved with an empty payload, so that reading it fails as it did
/// before; the others must not be lost for it.
pub fn move_to_records(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut packer = Packer::new();
    let (mut n_moved, mut n_damaged) = (0_u64, 0_u64);
    {
        let mut old = transaction.prepare("SELECT * FROM windows ORDER BY arrival LIMIT ?1")?;
        let mut delete = transaction.prepare("DELETE FROM windows WHERE arrival <= ?1")?;
        let mut insert = transaction.prepare(
            "INSERT INTO records
               (arrival, test_id, node_id, epoch, seq, partition, position, arrived_at, latency_unit, packing, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'ms', ?9, ?10)",
        )?;
        loop {
            let mut last = None;
            let mut rows = old.query([ROWS])?;
            while let Some(row) = rows.next()? {
                let payload = match payload(row)? {
                    Ok(record) => Value::Object(record).to_string(),
                    Err(_) => {
                        n_damaged += 1;
                        String::new()
                    }
                };
                let (payload, packing) = packer.pack(payload.as_bytes());
                let arrival: i64 = row.get("arrival")?;
                insert.execute(params![
                    arrival,
                    row.get::<_, String>("test_id")?,
                    row.get::<_, String>("node_id")?,
                    row.get::<_, Option<i64>>("epoch")?,
                    row.get::<_, Option<i64>>("seq")?,
                    row.get::<_, i64>("partition")?,
                    row.get::<_, i64>("position")?,
                    row.get::<_, i64>("arrived_at")?,
                    packing,
                    payload,
                ])?;
                n_moved += 1;
                last = Some(arrival);
            }
            drop(rows);
            let Some(last) = last else { break };
            delete.execute([last])?;
        }
    }
    if n_moved > 0 {
        log::info!(n_moved, n_damaged; "store brought up to date");
    }
    transaction.execute_batch("DROP TABLE windows")
}

/// The record of a row: the outer error is SQLite's, the inner one that of damaged JSON.
fn payload(row: &Row<'_>) -> rusqlite::Result<serde_json::Result<Map<String, Value>>> {
    let mut record = Map::new();
    record.insert("node_id".to_owned(), row.get::<_, String>("node_id")?.into());
    for (name, column) in [("test_id", "named_test"), ("report_id", "report_id")] {
        if let Some(text) = row.get::<_, Option<String>>(column)? {
            record.insert(name.to_owned(), text.into());
        }
    }
    let classic: Vec<Value> = match serde_json::from_str(&row.get::<_, String>("classic")?) {
        Ok(classic) => classic,
        Err(error) => return Ok(Err(error)),
    };
    let complete = classic.get(FIGURES.len() + 1) == Some(&Value::Bool(true));
    let figures = FIGURES.into_iter().zip(classic).filter(|(_, figure)| !figure.is_null());
    let figures: Map<_, _> = figures.map(|(name, figure)| (name.to_owned(), figure)).collect();
    record.insert("metrics".to_owned(), figures.into());
    if complete {
        record.insert("test_status".to_owned(), "complete".into());
    }
    if let Some(seq) = row.get::<_, Option<i64>>("seq")? {
        match window(row, seq)? {
            Ok(window) => record.extend(window),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(record))
}

/// What a window has beside the classic fields.
fn window(row: &Row<'_>, seq: i64) -> rusqlite::Result<serde_json::Result<Map<String, Value>>> {
    let read = |column: &str| -> rusqlite::Result<serde_json::Result<Option<Value>>> {
        let text = row.get::<_, Option<String>>(column)?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose())
    };
    let mut window = match read("counters")? {
        Ok(Some(Value::Object(stored))) => counters(stored),
        Ok(_) => Map::new(),
        Err(error) => return Ok(Err(error)),
    };
    let mut put = |name: &str, value: Value| window.insert(name.to_owned(), value);
    put("epoch", row.get::<_, i64>("epoch")?.cast_unsigned().into());
    put("seq", seq.cast_unsigned().into());
    put("window", json!({ "from": row.get::<_, i64>("from_us")?, "to": row.get::<_, i64>("to_us")? }));
    put("busy", row.get::<_, f64>("busy")?.into());
    put("final", row.get::<_, bool>("is_final")?.into());
    for share in ["cpu", "steal", "wait"] {
        if let Some(measured) = row.get::<_, Option<f64>>(share)? {
            put(share, measured.into());
        }
    }
    for column in ["extremes", "stopped", "ending"] {
        match read(column)? {
            Ok(Some(value)) => drop(put(column, value)),
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    let mut histograms = Map::new();
    for kind in HISTOGRAMS {
        if let Some(samples) = row.get::<_, Option<Vec<u8>>>(kind)? {
            histograms.insert(kind.to_owned(), STANDARD.encode(samples).into());
        }
    }
    put("histograms", histograms.into());
    Ok(Ok(window))
}

/// Counters as on the wire, from those of a row. A count that an early version did not store is 0, as it was read so far.
fn counters(mut stored: Map<String, Value>) -> Map<String, Value> {
    let mut take = |name: &str| stored.remove(name).unwrap_or_else(|| 0.into());
    let mut counters: Map<_, _> = COUNTS.into_iter().map(|name| (name.to_owned(), take(name))).collect();
    let (in_flight, late) = (take("dropped_in_flight"), take("dropped_late"));
    let dropped = in_flight.as_u64().unwrap_or(0).saturating_add(late.as_u64().unwrap_or(0));
    counters.insert("dropped".to_owned(), dropped.into());
    counters.insert("dropped_by".to_owned(), json!({ "in_flight": in_flight, "late": late }));
    // What is left: errors, tls_causes, status_codes, warmup, each where it was stored.
    counters.extend(stored);
    counters
}
