//! `[data]`: rows that sessions take values from.

use serde::Deserialize;
use serde_json::Value;

use super::spelling::{check_name, unknown};
use super::template::plain_text;
use crate::plan::files::facts::{Facts, MAX_COLUMN_BYTES, MAX_ROW_MEMORY, NO_WEIGHT, weight_in};
use crate::plan::files::rows::MAX_COLUMNS;
use crate::plan::files::{Columns, FileHash, Format};
use crate::plan::program::{DataSet, Order, RowsFile};
use crate::plan::secrets::is_secret_parameter;
use crate::plan::{Fault, MASK};
use crate::tree::{Kind, Node, Table, parse};

/// Most data sets of a plan.
const MAX_SETS: usize = 64;
/// Most bytes of all cells together that travel in a plan.
const MAX_INLINE_BYTES: usize = 512 * 1024;

/// Reads the table `data`. A set that cannot be read has no columns, so that its uses are not reported too.
/// `tree`: what `root` was made of, which has the facts of files as they were found.
pub(super) fn read(root: &mut Table, tree: &Value) -> Vec<DataSet> {
    root.table("data", |table| {
        let mut sets = Vec::new();
        for name in table.names() {
            if sets.len() == MAX_SETS {
                let reason = format!("is one more than the {MAX_SETS} that a plan may have");
                table.fault(Fault::value(table.path_of(&name), "", reason), None);
                table.take_all();
                break;
            }
            if let Err(reason) = check_name(&name) {
                table.fault(Fault::value(table.path_of(&name), format!("{name:?}"), reason), None);
            }
            let facts = tree.get("data").and_then(|data| data.get(&name)).and_then(|set| set.get("facts"));
            let set = table.table(&name, |table| one(table, facts));
            let broken = DataSet {
                name: name.clone(),
                columns: Vec::new(),
                rows: Vec::new(),
                file: None,
                order: Order::Circular,
                weight: None,
            };
            sets.push(set.map_or(broken, |set| DataSet { name, ..set }));
        }
        let bytes: usize = sets.iter().flat_map(|set| &set.rows).flatten().map(String::len).sum();
        if bytes > MAX_INLINE_BYTES {
            let reason = format!(
                "holds {bytes} bytes in its rows, and at most {MAX_INLINE_BYTES} travel in a plan; name a file instead, which the command line puts at the orchestrator"
            );
            table.fault(Fault::value("data", "", reason), None);
        }
        let in_memory: u64 = sets.iter().filter_map(|set| set.file.as_ref()).map(|file| file.facts.bytes).sum();
        if in_memory > MAX_ROW_MEMORY {
            let reason = format!(
                "takes {in_memory} bytes of each driver's memory for its rows, and at most {MAX_ROW_MEMORY} are taken; use \
                 fewer rows, or fewer columns"
            );
            table.fault(Fault::value("data", "", reason), None);
        }
        sets
    })
}

/// One set, without its name.
fn one(table: &mut Table, facts: Option<&Value>) -> Option<DataSet> {
    let order = read_order(table);
    let weight = table.get("weight", parse::word);
    if table.has("file") {
        let set = of_file(table, facts, weight.as_deref(), order);
        table.take("columns");
        table.take("rows");
        return set;
    }
    for key in ["format", "delimiter", "facts"] {
        if let Some(node) = table.take(key) {
            table.fault_at(key, &node, "belongs to a file, and there is none");
        }
    }
    let columns = read_columns(table);
    let rows = read_rows(table, columns.as_deref());
    let (columns, rows) = (columns?, rows?);
    let weight = match weight {
        Some(name) => Some(read_weight(table, &name, &columns, &rows, order)?),
        None => None,
    };
    Some(DataSet { name: String::new(), columns, rows, file: None, order, weight })
}

/// A set whose rows are in a file at the orchestrator. What is known of the file stands beside it: the node that reads
/// the file puts it there (`plan::files`).
fn of_file(table: &mut Table, facts: Option<&Value>, weight: Option<&str>, order: Order) -> Option<DataSet> {
    let format = table.get("format", parse::one_of(&Format::WORDS)).unwrap_or(Format::Csv);
    let delimiter = table.get("delimiter", parse::text);
    let names = if table.has("columns") { Some(read_columns(table)?) } else { None };
    let given = table.take("facts");
    let hash = table.get("file", |node| match &node.kind {
        Kind::Text(text) if FileHash::is_named(text) => FileHash::of_plan(text),
        _ => {
            Err("only the command line reads files; send its content as columns and rows, or put it at PUT \
                  /api/v1/data/{sha256} and name it here as sha256:…"
                .to_owned())
        }
    });
    if table.has("rows") {
        table.contradiction("rows", "…", "file and rows are both given; leave one out");
    }
    let hash = hash?;
    let Some(given) = given else {
        let reason = "names a file that is not here, so that its columns and rows are not known; name the file by its path \
                      on the command line, or submit the plan to an orchestrator that has it";
        table.fault(Fault::value(table.path_of("file"), hash.in_plan(), reason), None);
        return None;
    };
    let facts = facts.map(Facts::deserialize).and_then(Result::ok).ok_or("cannot be read".to_owned());
    let facts = match facts.and_then(|facts| facts.check().map(|()| facts)) {
        Ok(facts) => facts,
        Err(reason) => {
            table.fault(Fault::value(table.path_of("facts"), "…", reason), given.origin);
            return None;
        }
    };
    let columns: Vec<String> = facts.columns.iter().map(|column| column.name.clone()).collect();
    let weight = match weight {
        Some(name) => Some(weight_column(table, name, &columns, order)?),
        None => None,
    };
    let file = RowsFile { hash, format, columns: Columns { names, delimiter }, facts };
    Some(DataSet { name: String::new(), columns, rows: Vec::new(), file: Some(file), order, weight })
}

fn read_order(table: &mut Table) -> Order {
    let words = [
        ("circular", Order::Circular),
        ("shuffle", Order::Shuffle),
        ("random", Order::Random),
        ("once", Order::Once),
    ];
    table.get("order", parse::one_of(&words)).unwrap_or(Order::Circular)
}

fn read_columns(table: &mut Table) -> Option<Vec<String>> {
    let Some(node) = table.take("columns") else {
        table.missing("columns", "is missing; rows have names for their cells, as in columns = [\"id\"]");
        return None;
    };
    let Kind::List(items) = &node.kind else {
        table.fault_at("columns", &node, format!("expected a list of names, found {}", node.kind.name()));
        return None;
    };
    if items.is_empty() || items.len() > MAX_COLUMNS {
        table.fault_at(
            "columns",
            &node,
            format!("names {} columns; from 1 to {MAX_COLUMNS} are taken", items.len()),
        );
        return None;
    }
    let mut columns: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let read = parse::word(item).and_then(|name| match name {
            _ if name.len() > MAX_COLUMN_BYTES => Err(format!("is longer than {MAX_COLUMN_BYTES} bytes")),
            _ if columns.contains(&name) => Err("is there twice".to_owned()),
            _ => Ok(name),
        });
        match read {
            Ok(name) => columns.push(name),
            Err(reason) => table.fault_at(&format!("columns[{index}]"), item, reason),
        }
    }
    (columns.len() == items.len()).then_some(columns)
}

fn read_rows(table: &mut Table, columns: Option<&[String]>) -> Option<Vec<Vec<String>>> {
    let Some(node) = table.take("rows") else {
        table.missing("rows", "is missing; data has rows, as in rows = [[\"a\"], [\"b\"]], or a file");
        return None;
    };
    let Kind::List(items) = &node.kind else {
        table.fault_at("rows", &node, format!("expected a list of rows, found {}", node.kind.name()));
        return None;
    };
    if items.is_empty() {
        table.fault_at("rows", &node, "has no row; sessions would have nothing to take");
        return None;
    }
    let columns = columns?;
    let mut rows = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let row = row(item, columns.len()).and_then(|row| {
            let is_mask = |(cell, column): (&String, &String)| cell == MASK && is_secret_parameter(column);
            if row.iter().zip(columns).any(is_mask) {
                return Err("holds the mask that a report shows instead of a secret; give the value itself"
                    .to_owned());
            }
            Ok(row)
        });
        match row {
            Ok(row) => rows.push(row),
            Err(reason) => {
                table.fault_at(&format!("rows[{index}]"), item, reason);
                // A mistake in all rows is one mistake.
                return None;
            }
        }
    }
    Some(rows)
}

fn row(node: &Node, n_columns: usize) -> Result<Vec<String>, String> {
    let Kind::List(cells) = &node.kind else {
        return Err(format!("expected a list of cells, found {}", node.kind.name()));
    };
    if cells.len() != n_columns {
        return Err(format!("has {} cells, and there are {n_columns} columns", cells.len()));
    }
    cells.iter().map(plain_text).collect()
}

fn read_weight(
    table: &Table,
    name: &str,
    columns: &[String],
    rows: &[Vec<String>],
    order: Order,
) -> Option<usize> {
    let column = weight_column(table, name, columns, order)?;
    let fault = |reason: String| {
        table.fault(Fault::value(table.path_of("weight"), format!("{name:?}"), reason), None);
    };
    let mut sum = 0.0;
    for (number, cell) in (1..).zip(rows.iter().filter_map(|row| row.get(column))) {
        match weight_in(cell, number) {
            Ok(weight) => sum += weight,
            Err(reason) => {
                fault(reason);
                return None;
            }
        }
    }
    if sum <= 0.0 {
        fault(NO_WEIGHT.to_owned());
        return None;
    }
    Some(column)
}

/// The column of weights, whose cells are checked where the rows are read.
fn weight_column(table: &Table, name: &str, columns: &[String], order: Order) -> Option<usize> {
    let shown = format!("{name:?}");
    if order != Order::Random {
        let reason =
            "weights rows that are drawn, and these are taken in order; write order = \"random\" too";
        table.contradiction("weight", shown, reason);
        return None;
    }
    let Some(column) = columns.iter().position(|known| known == name) else {
        table.fault(Fault::value(table.path_of("weight"), shown, unknown("column", name, columns)), None);
        return None;
    };
    Some(column)
}
