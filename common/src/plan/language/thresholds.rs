//! `[thresholds]` of a plan with `[requests]`: names may stand before the figures.

use crate::plan::program::Program;
use crate::plan::threshold::{Naming, StatisticsNames, Threshold, ThresholdError};
use crate::tree::{Kind, Table};

/// Reads `[thresholds]`. The faults are in the table. Without a program, whose requests have faults of their own, the
/// names are not checked.
pub(super) fn read<'a>(root: &mut Table, program: impl Into<Option<&'a Program>>) -> Vec<Threshold> {
    let names = program.into().map(StatisticsNames::of);
    let naming = names.as_ref().map_or(Naming::Any, Naming::Known);
    root.table("thresholds", |table| read_table(table, naming))
}

fn read_table(table: &mut Table, naming: Naming<'_>) -> Vec<Threshold> {
    let mut thresholds = Vec::new();
    for (key, node) in table.take_all() {
        let conditions = match &node.kind {
            Kind::List(conditions) if !conditions.is_empty() => conditions.clone(),
            _ => vec![node.clone()],
        };
        for condition in &conditions {
            let parsed = match &condition.kind {
                Kind::Text(text) => Threshold::parse_in(&key, text, naming),
                // An unquoted key with dots is a table of tables.
                Kind::Table(_) => Err(ThresholdError::Figure(format!(
                    "expected a condition, found a table; quote the key, as in \"{key}.response.p99\" = \"< 250ms\""
                ))),
                kind => Err(ThresholdError::Bound(format!(
                    "expected a condition, as in \"< 250ms\", found {}",
                    kind.name()
                ))),
            };
            match parsed {
                Ok(threshold) if thresholds.contains(&threshold) => {
                    table.fault_at(&key, condition, "is there twice");
                }
                Ok(threshold) => thresholds.push(threshold),
                Err(error) => table.fault_at(&key, condition, error.to_string()),
            }
        }
    }
    thresholds
}
