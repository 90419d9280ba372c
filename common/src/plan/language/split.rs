//! `split_by` and `split_top`: statistics for each value of a column. All values are known before the start, so each is a
//! name that is counted by, and what is not named apart is `NAME/other`.

use std::collections::HashMap;

use super::names::{MAX_NAMES, Names};
use crate::ids::RequestName;
use crate::plan::program::{DataSet, Split};
use crate::plan::secrets::{is_secret_parameter, secrets_of_address};
use crate::plan::{Fault, MASK};
use crate::tree::{Node, Table, parse};

/// The most values that can have names of their own: the request and the rest have one, too.
const MOST: usize = MAX_NAMES - 2;
/// The name of the values that are not counted apart.
const OTHER: &str = "other";

/// `split_by` and `split_top` of one table, before what all requests share is put under them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keys {
    /// The indices of the data set and its column.
    by: Option<(usize, usize)>,
    top: Option<usize>,
}

/// Takes both out of a table.
pub(super) fn read(table: &mut Table, names: &Names) -> Keys {
    let by = table.get("split_by", |node| column(node, names));
    let top = table.get("split_top", parse::integer(1..=MOST as u32)).map(|top| top as usize);
    Keys { by, top }
}

fn column(node: &Node, names: &Names) -> Result<(usize, usize), String> {
    let text = parse::word(node)?;
    let Some((data, column)) = text.split_once('.') else {
        return Err("expected a column of a data set, as in \"product.id\"".to_owned());
    };
    if is_secret_parameter(column) {
        return Err("is a column of secrets, and the values of a split stand in the report".to_owned());
    }
    names.column(data, column)
}

/// The split of the request that `table` is of; faults of its values are at the key that names the column.
pub(super) fn merge(
    table: &Table,
    name: &RequestName,
    own: Keys,
    shared: Keys,
    names: &Names,
) -> Option<Split> {
    let path = match own.by {
        None if shared.by.is_some() => "request.split_by".to_owned(),
        _ => table.path_of("split_by"),
    };
    let Some((data, column)) = own.by.or(shared.by) else {
        // One that cannot be read has its own fault.
        if own.top.is_some() && !table.is_faulty("split_by") {
            let reason = "is given without split_by, which names the column whose values are counted apart";
            table.contradiction("split_top", "", reason);
        }
        return None;
    };
    let set = names.data.get(data)?;
    let shown = format!("\"{}.{}\"", set.name, set.columns.get(column)?);
    match split(name, set, column, own.top.or(shared.top)) {
        Ok((values, other)) => Some(Split { data, column, values, other }),
        Err(reason) => {
            table.fault(Fault::value(path, shown, reason), None);
            None
        }
    }
}

/// The values that are counted apart, and whether there are others.
fn split(
    name: &RequestName,
    set: &DataSet,
    column: usize,
    top: Option<usize>,
) -> Result<(Vec<String>, bool), String> {
    let (mut values, n_values) = by_weight(set, column)?;
    match top {
        Some(top) => {
            // Of equal weights, the first in the data stands first.
            values.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            values.truncate(top);
        }
        None if n_values > MOST => {
            return Err(format!(
                "has {n_values} different values, and {MOST} can be counted apart (a plan has {MAX_NAMES} names of \
                 statistics); write split_top = 40 to count the 40 heaviest, and the rest as {name}/{OTHER}"
            ));
        }
        None => {}
    }
    let has_other = values.len() < n_values;
    for (value, _) in &values {
        check_value(name, value, has_other)?;
    }
    Ok((values.into_iter().map(|(value, _)| value.to_owned()).collect(), has_other))
}

/// Values of a column, each with its weight.
type Weighed<'a> = Vec<(&'a str, f64)>;

/// The different values in the order of their first row, each with its weight: that of its rows where they are weighted,
/// else their number; and how many there are. Of a file with more than can have names, the heaviest are enough.
fn by_weight(set: &DataSet, column: usize) -> Result<(Weighed<'_>, usize), String> {
    if let Some(file) = &set.file {
        let values = file.facts.columns.get(column).and_then(|column| column.values.as_ref());
        let values = values.ok_or("is a column of a file whose values are not known here")?;
        let heaviest = values.heaviest.iter().map(|(value, weight)| (value.as_str(), *weight));
        return Ok((heaviest.collect(), usize::try_from(values.n).unwrap_or(usize::MAX)));
    }
    let mut values = Weighed::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for row in &set.rows {
        let Some(value) = row.get(column) else { continue };
        let at = *known.entry(value.as_str()).or_insert_with(|| {
            values.push((value.as_str(), 0.0));
            values.len() - 1
        });
        if let Some((_, sum)) = values.get_mut(at) {
            *sum += set.weight_of(row);
        }
    }
    let n = values.len();
    Ok((values, n))
}

/// Whether a value can stand in a name of statistics.
fn check_value(name: &RequestName, value: &str, has_other: bool) -> Result<(), String> {
    if value.is_empty() {
        return Err("has an empty value, which cannot be a name; give the cell a text".to_owned());
    }
    if value == MASK {
        return Err(
            "holds the mask that a report shows instead of a secret; give the value itself".to_owned()
        );
    }
    if !secrets_of_address(value).is_empty() {
        return Err("has a value with a password or a secret in its query, and the values of a split stand in the report"
            .to_owned());
    }
    if value == OTHER && has_other {
        return Err(format!(
            "has the value \"{OTHER}\", which is the name of the rest; raise split_top until no value remains, or \
             rename it"
        ));
    }
    if value.trim() != value {
        return Err(format!(
            "has the value {value:?}, which begins or ends with a blank; leave the blank out"
        ));
    }
    match RequestName::new(&format!("{name}/{value}")) {
        Ok(_) => Ok(()),
        Err(error) => {
            let start: String = value.chars().take(60).collect();
            Err(format!("has a value that cannot be a name ({start:?}…): it {error}"))
        }
    }
}
