//! `[data]`: rows that sessions take values from.

use super::names::{check_name, unknown};
use super::template::plain_text;
use crate::plan::program::{DataSet, Order};
use crate::plan::secrets::is_secret_parameter;
use crate::plan::{Fault, MASK};
use crate::tree::{Kind, Node, Table, parse};

/// Most data sets of a plan.
const MAX_SETS: usize = 64;
/// Most columns of one.
const MAX_COLUMNS: usize = 256;
/// Most bytes of all cells of a plan together, since they travel in it.
const MAX_INLINE_BYTES: usize = 512 * 1024;
/// Longest name of a column, in bytes.
const MAX_COLUMN_BYTES: usize = 200;

/// Reads the table `data`. A set that cannot be read has no columns, so that its uses are not reported too.
pub(super) fn read(root: &mut Table) -> Vec<DataSet> {
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
            let set = table.table(&name, one);
            let broken = DataSet {
                name: name.clone(),
                columns: Vec::new(),
                rows: Vec::new(),
                order: Order::Circular,
                weight: None,
            };
            sets.push(set.map_or(broken, |set| DataSet { name, ..set }));
        }
        let bytes: usize = sets.iter().flat_map(|set| &set.rows).flatten().map(String::len).sum();
        if bytes > MAX_INLINE_BYTES {
            let reason = format!(
                "holds {bytes} bytes in its rows, and at most {MAX_INLINE_BYTES} travel in a plan; use fewer or shorter rows"
            );
            table.fault(Fault::value("data", "", reason), None);
        }
        sets
    })
}

/// One set, without its name.
fn one(table: &mut Table) -> Option<DataSet> {
    let order = read_order(table);
    let weight = table.get("weight", parse::word);
    // Of a file; what reads the file makes rows of it.
    let delimiter = table.take("delimiter");
    if let Some(node) = table.take("file") {
        let reason = "only the command line reads files; send its content as columns and rows";
        table.fault_at("file", &node, reason);
        table.take("columns");
        table.take("rows");
        return None;
    }
    if let Some(node) = delimiter {
        table.fault_at("delimiter", &node, "belongs to a file, and there is none");
    }
    let columns = read_columns(table);
    let rows = read_rows(table, columns.as_deref());
    let (columns, rows) = (columns?, rows?);
    let weight = match weight {
        Some(name) => Some(read_weight(table, &name, &columns, &rows, order)?),
        None => None,
    };
    Some(DataSet { name: String::new(), columns, rows, order, weight })
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
    let mut sum = 0.0;
    for (index, cell) in rows.iter().filter_map(|row| row.get(column)).enumerate() {
        match cell.trim().parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0) {
            Some(weight) => sum += weight,
            None => {
                let reason =
                    format!("row {} has the weight {cell:?}, which is not a number from 0 on", index + 1);
                table.fault(Fault::value(table.path_of("weight"), shown, reason), None);
                return None;
            }
        }
    }
    if sum > 0.0 {
        return Some(column);
    }
    table.fault(
        Fault::value(table.path_of("weight"), shown, "weighs every row with 0, so none could be drawn"),
        None,
    );
    None
}
