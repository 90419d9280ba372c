//! Windows of 10 s and of 60 s as rows, and those of the fleet's seconds that are shown most. A row has the window as REST
//! shows it, for a series, and its counters and histograms, for sums over any range: of the fleet with those of each name, of
//! a driver of all requests alone, because no sum shows a driver's names. Spans of ten minutes are for sums alone.
//!
//! Sizes, of 300 s of 8 drivers with 20 requests each at 400/s, in which a record takes 7.4 kB: a span of the fleet 52 kB (10 s)
//! or 106 kB (60 s), one of a driver 6 kB or 12 kB, and 4 kB more each for what is shown, as of a second of the fleet. That is
//! 37 % of the records: the fleet's spans 13 %, the drivers' of 10 s 14 % and of 60 s 4 %, the fleet's seconds 7 %.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::figures::{ByRequest, Figures};
use common::ids::{Epoch, NodeId, RequestName, TestId};
use common::latency::compact::{put_bytes, put_text, take_bytes, take_text};
use common::latency::{CompactLatencies, Latencies};
use common::wire::{ClassicMetrics, MachineLoad, Metrics, Outbound, RawMetrics, Unit, Window};
use rusqlite::{Connection, params};

use super::packing::{Packer, unpack_at_most};
use super::{Store, StoreError, bits};
use crate::model::{DEFINITIONS, MachineShares, WindowView};
use crate::tally::Step;
use crate::tally::spans::{Span, SpanChange};

/// Longest payload of a span: 256 names with all their buckets take half of it.
const MAX_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;

/// Stands in the head of a span's payload for its driver, which is a column.
const ANYONE: &str = "span";

/// Does what is to be done to the spans of tests that are stored; those of others are left out.
pub(super) fn apply<'c>(
    connection: &Connection,
    changes: impl IntoIterator<Item = &'c SpanChange>,
    packer: &mut Packer,
) -> rusqlite::Result<()> {
    for change in changes {
        match change {
            SpanChange::Closed { test_id, node, covers_all, span } => {
                let shown = || span.sum().view_with_heat(test_id, node.as_ref(), *covers_all);
                let shown = span.step.is_shown().then(shown);
                if let Some(payload) = payload(span, node.is_none()) {
                    let node = node.as_ref().map_or("", NodeId::as_str);
                    let row = (test_id.as_str(), span.step.seconds(), node, span.first);
                    insert(connection, packer, row, shown.as_ref(), Some(&payload))?;
                }
            }
            SpanChange::Second(window) => {
                let row = (window.test_id.as_str(), window.seconds, "", window.seq);
                insert(connection, packer, row, Some(window), None)?;
            }
            SpanChange::Gone { test_id, node, step, first } => {
                let sql = "DELETE FROM spans WHERE test_id = ?1 AND seconds = ?2 AND node_id = ?3 AND first_seq = ?4";
                let node = node.as_ref().map_or("", NodeId::as_str);
                let row = params![test_id.as_str(), bits(step.seconds()), node, bits(*first)];
                connection.prepare_cached(sql)?.execute(row)?;
            }
            SpanChange::AllGone { test_id } => remove(connection, test_id)?,
        }
    }
    Ok(())
}

/// Removes all spans of a test: what it is counted from has changed.
pub(super) fn remove(connection: &Connection, test_id: &TestId) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM spans WHERE test_id = ?1")?.execute([test_id.as_str()])?;
    Ok(())
}

/// Stores a row, by its test, its length, its driver and its first second. `shown`: `None` of one that no series shows.
fn insert(
    connection: &Connection,
    packer: &mut Packer,
    (test_id, seconds, node, first): (&str, u64, &str, u64),
    shown: Option<&WindowView>,
    payload: Option<&[u8]>,
) -> rusqlite::Result<()> {
    // All map keys of a view are texts, so that it can be written.
    let Ok(shown) = shown.map(serde_json::to_vec).transpose() else { return Ok(()) };
    let shown = shown.unwrap_or_default();
    let (shown, shown_packing) = packer.pack(&shown);
    let shown = shown.to_vec();
    let (payload, packing) = match payload {
        Some(payload) => {
            let (payload, packing) = packer.pack(payload);
            (Some(payload), packing)
        }
        None => (None, 0),
    };
    let sql = "INSERT OR REPLACE INTO spans
           (test_id, seconds, node_id, first_seq, definitions, shown_packing, shown, packing, payload)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM tests WHERE test_id = ?1)";
    connection.prepare_cached(sql)?.execute(params![
        test_id,
        bits(seconds),
        node,
        bits(first),
        DEFINITIONS,
        shown_packing,
        shown,
        packing,
        payload,
    ])?;
    Ok(())
}

/// The sums of a span: a record of a window of that length, in which the histograms are missing, what was in flight at its
/// end, and the histograms in their compact form, those of all requests first. `None` where it cannot be written as a record,
/// or would be too long: its seconds are read then.
fn payload(span: &Span, with_names: bool) -> Option<Vec<u8>> {
    let figures = |counters: &Counters| Figures { counters: counters.clone(), latencies: Latencies::new() };
    let mut counters = span.counters.map(figures);
    if !with_names {
        counters.named.clear();
    }
    let window = Window {
        epoch: Epoch(0),
        seq: span.first,
        from_us: span.from_us,
        to_us: span.to_us,
        figures: counters,
        sessions: span.sessions.clone(),
        users: span.users,
        busy: span.busy,
        machine: MachineLoad {
            cpu: span.machine.cpu,
            steal: span.machine.steal,
            wait: span.machine.wait,
            stopped: Vec::new(),
        },
        is_final: false,
        ending: None,
    };
    let record = Metrics {
        node_id: NodeId::new(ANYONE).ok()?,
        test_id: TestId::new(ANYONE).ok(),
        report_id: Some(String::new()),
        classic: ClassicMetrics::default(),
        ours: Some(Box::new(window)),
    };
    let head = Outbound::Metrics(Box::new(record)).write().ok()?;
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, head.payload.as_bytes());
    put_bytes(&mut bytes, &span.in_flight.to_le_bytes());
    span.samples.all.write(&mut bytes);
    if with_names {
        for (name, samples) in &span.samples.named {
            put_text(&mut bytes, name.as_str());
            samples.write(&mut bytes);
        }
    }
    (bytes.len() <= MAX_PAYLOAD_BYTES).then_some(bytes)
}

/// What [`payload`] wrote.
fn span_of(step: Step, first: u64, mut bytes: &[u8]) -> Result<Span, String> {
    let short = || "its payload ends too early".to_owned();
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let head = take_bytes(&mut bytes).ok_or_else(short)?;
    let raw = RawMetrics { payload: head.into(), latency_unit: Unit::Milliseconds };
    let head = raw.read_apart().map_err(|rejected| rejected.detail)?.ok_or_else(short)?;
    let in_flight = take_bytes(&mut bytes).and_then(|bytes| bytes.try_into().ok()).ok_or_else(short)?;
    let all = CompactLatencies::read(&mut bytes).map_err(|error| text(&error))?;
    let mut samples = ByRequest::unnamed(all);
    while !bytes.is_empty() {
        let name = take_text(&mut bytes).map_err(|error| text(&error))?;
        let name = RequestName::new(&name).map_err(|error| text(&error))?;
        let of_name = CompactLatencies::read(&mut bytes).map_err(|error| text(&error))?;
        samples.named.insert(name, of_name);
    }
    let window = head.window;
    let (from_us, to_us): (UnixMicros, UnixMicros) = (window.from_us, window.to_us);
    Ok(Span {
        step,
        first,
        from_us,
        to_us,
        counters: head.counters,
        samples,
        sessions: window.sessions,
        users: window.users,
        busy: window.busy,
        in_flight: u64::from_le_bytes(in_flight),
        machine: MachineShares {
            cpu: window.machine.cpu,
            steal: window.machine.steal,
            wait: window.machine.wait,
        },
    })
}

impl Store {
    /// Does what is to be done to the spans of a test that was counted again; `anew`: after all of them were removed.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn save_spans(
        &mut self,
        test_id: &TestId,
        changes: &[SpanChange],
        anew: bool,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            if anew {
                remove(transaction, test_id)?;
            }
            apply(transaction, changes, &mut Packer::new())
        })
    }

    /// Which windows of a length are kept whose first second is in a range, as they are shown.
    pub(super) fn shown_spans(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        step: Step,
        (from, to): (u64, u64),
    ) -> Result<Vec<WindowView>, StoreError> {
        if !step.is_shown() {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT shown, shown_packing FROM spans WHERE test_id = ?1 AND seconds = ?2 AND node_id = ?3
             AND first_seq BETWEEN ?4 AND ?5 AND definitions = ?6 ORDER BY first_seq";
        let node = node.map_or("", NodeId::as_str);
        let asked = params![test_id.as_str(), bits(step.seconds()), node, last(from), last(to), DEFINITIONS];
        let rows = self.rows(sql, asked, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)))?;
        let bad = |cause: String| self.bad_row(format!("spans {test_id} {node}"), cause);
        let view = |(shown, packing)| {
            let shown =
                unpack_at_most(shown, packing, MAX_PAYLOAD_BYTES).map_err(|error| bad(error.to_string()))?;
            serde_json::from_slice(&shown).map_err(|error| bad(error.to_string()))
        };
        rows.into_iter().map(view).collect()
    }

    /// Which spans of a driver or of the fleet are kept whose first second is in a range.
    pub(super) fn kept_spans(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        (from, to): (u64, u64),
    ) -> Result<Vec<(Step, u64)>, StoreError> {
        let mut kept = Vec::new();
        for step in Step::SPANS {
            let sql = "SELECT first_seq FROM spans WHERE test_id = ?1 AND seconds = ?2 AND node_id = ?3
                 AND first_seq BETWEEN ?4 AND ?5";
            let node = node.map_or("", NodeId::as_str);
            let asked = params![test_id.as_str(), bits(step.seconds()), node, last(from), last(to)];
            let firsts = self.rows(sql, asked, |row| row.get::<_, i64>(0))?;
            kept.extend(firsts.into_iter().map(|first| (step, first.cast_unsigned())));
        }
        Ok(kept)
    }

    /// A span that is kept; `None` where it has gone meanwhile.
    pub(super) fn kept_span(
        &self,
        test_id: &TestId,
        node: Option<&NodeId>,
        (step, first): (Step, u64),
    ) -> Result<Option<Span>, StoreError> {
        let sql = "SELECT payload, packing FROM spans WHERE test_id = ?1 AND seconds = ?2 AND node_id = ?3
             AND first_seq = ?4 AND payload IS NOT NULL";
        let node = node.map_or("", NodeId::as_str);
        let asked = params![test_id.as_str(), bits(step.seconds()), node, bits(first)];
        let rows = self.rows(sql, asked, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)))?;
        let Some((payload, packing)) = rows.into_iter().next() else { return Ok(None) };
        let bad = |cause: String| self.bad_row(format!("spans {test_id} {node} {first}"), cause);
        let payload =
            unpack_at_most(payload, packing, MAX_PAYLOAD_BYTES).map_err(|error| bad(error.to_string()))?;
        span_of(step, first, &payload).map(Some).map_err(bad)
    }
}

/// A second as SQLite compares it; none is beyond its range.
pub(super) fn last(second: u64) -> i64 {
    i64::try_from(second).unwrap_or(i64::MAX)
}
