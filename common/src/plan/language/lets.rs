//! `let`: texts that are fixed once, for an attempt or for a session, and may use each other.

use super::names::{MAX_VARIABLES, Names};
use super::template::Reading;
use super::uses;
use crate::plan::Fault;
use crate::plan::program::Template;
use crate::tree::Table;

/// Takes `let` out of a table and reads it. What others use stands before them; a ring is a fault.
pub(super) fn read(table: &mut Table, reading: Reading<'_>) -> Vec<(usize, Template)> {
    table.table("let", |lets| {
        let mut read = Vec::new();
        for (name, node) in lets.take_written() {
            match reading.node(&node) {
                // A name that is not a variable was reported when it was noted.
                Ok(template) => {
                    read.extend(reading.names.find_variable(&name).map(|index| (index, template)))
                }
                Err(reason) => lets.fault_at(&name, &node, reason),
            }
        }
        sorted(lets, reading.names, read)
    })
}

/// In the order in which they can be rendered.
fn sorted(lets: &Table, names: &Names, mut left: Vec<(usize, Template)>) -> Vec<(usize, Template)> {
    // Too many is a fault already, and the sort is quadratic.
    if left.len() > MAX_VARIABLES {
        return left;
    }
    let mut ready: Vec<(usize, Template)> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |template: &Template| {
            uses::variables(template).any(|used| left.iter().any(|(waiting, _)| *waiting == used))
        };
        let Some(at) = left.iter().position(|(_, template)| !waits(template)) else {
            let ring: Vec<&str> = left
                .iter()
                .filter_map(|(index, _)| names.variables.get(*index))
                .map(|variable| variable.name.as_str())
                .collect();
            let reason = format!("{} use each other in a ring, so none can be first", ring.join(", "));
            let first = ring.first().copied().unwrap_or_default();
            lets.fault(Fault::value(lets.path_of(first), "", reason), None);
            return ready;
        };
        ready.push(left.remove(at));
    }
    ready
}
