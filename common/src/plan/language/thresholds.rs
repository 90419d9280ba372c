//! `[thresholds]` of a plan with `[requests]`: names may stand before the figures.

use crate::plan::program::Program;
use crate::plan::read::read_conditions;
use crate::plan::threshold::{Naming, StatisticsNames, Threshold};
use crate::tree::Table;

/// Reads `[thresholds]`. The faults are in the table. Without a program, whose requests have faults of their own, the
/// names are not checked.
pub(super) fn read<'a>(root: &mut Table, program: impl Into<Option<&'a Program>>) -> Vec<Threshold> {
    let names = program.into().map(StatisticsNames::of);
    let naming = names.as_ref().map_or(Naming::Any, Naming::Known);
    root.table("thresholds", |table| {
        read_conditions(table, "response.p99", |key, text| Threshold::parse_in(key, text, naming))
    })
}
