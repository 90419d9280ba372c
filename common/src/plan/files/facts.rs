//! What the checker has to know of a file of rows that does not travel in the plan: its columns, how many rows there are,
//! which cells do not fit everywhere, and the values that statistics are split by. They are found by reading the file
//! once, with bounded memory.
//!
//! The command line finds them to check a plan before anything is sent. The orchestrator finds them again in the file
//! that it has, and puts its own in the place of a client's: whether `order = "once"` has a row for each session, and
//! under which names a report counts, must not depend on what a client claims. Drivers compare the numbers with the file
//! that they fetch.

use std::collections::HashMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::rows::{Columns, Format, MAX_COLUMNS, MAX_ROWS, each_row};

/// Most bytes that rows take in a driver's memory: 1 GiB.
pub const MAX_ROW_MEMORY: u64 = 1 << 30;
/// Bytes that a cell takes beside its text: where it ends.
pub const CELL_BYTES: u64 = 4;
/// Longest name of a column, in bytes.
pub const MAX_COLUMN_BYTES: usize = 200;
/// Most values of a column that are kept; a plan counts by no more names.
const MAX_KEPT_VALUES: usize = 254;
/// Most bytes that are kept of a value.
const MAX_KEPT_BYTES: usize = 1_024;
/// Most different values of a column that are counted apart while a file is read, and their bytes.
const MAX_VALUES: usize = 1_000_000;
const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;

/// What is known of a file of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// How many rows it has, 1 to 10 million.
    pub rows: u64,
    /// What its rows take in memory: their cells and where each ends.
    pub bytes: u64,
    /// In the order of the file.
    pub columns: Vec<ColumnFacts>,
}

/// What is known of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnFacts {
    /// As templates name it.
    pub name: String,
    /// The first row, from 1, with an empty cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<u64>,
    /// The first with a control character other than a tab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<u64>,
    /// The first with a blank or any control character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blank: Option<u64>,
    /// Its values, where a request is split by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

/// The different values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// How many there are.
    pub n: u64,
    /// What all of them weigh together.
    pub total: f64,
    /// Each with its weight: all of them in the order of their first row where there are at most 254, else the 254
    /// heaviest, the heaviest first.
    pub heaviest: Vec<(String, f64)>,
}

/// What is looked for in a file beside its columns and rows.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// The column of weights, where rows are drawn by it.
    pub weight: Option<String>,
    /// The columns that requests are split by.
    pub splits: Vec<String>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unfit {
    /// The key of the data set that this is about: `file` or `weight`.
    pub key: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl Facts {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read as rows, has no such column of weights, or weights that are not numbers.
    pub fn of(input: impl Read, format: Format, columns: &Columns, looked: &Looked) -> Result<Self, Unfit> {
        let unfit = |key: &'static str| move |reason: String| Unfit { key, reason };
        let (mut cells, mut rows, mut bytes) = (Vec::<FirstCells>::new(), 0_u64, 0_u64);
        let mut weights = Weights { column: looked.weight.as_deref(), sum: 0.0, absent: None };
        let mut splits: Vec<Distinct> = looked.splits.iter().map(|column| Distinct::of(column)).collect();
        let mut of_weight = None;
        let read = each_row(input, format, columns, &mut |names, row| {
            rows += 1;
            // Columns that objects bring later were empty before.
            cells.resize(names.len(), FirstCells::empty_before(rows));
            for (first, cell) in cells.iter_mut().zip(row) {
                first.take(cell, rows);
                bytes += cell.len() as u64;
            }
            if bytes + rows * row.len() as u64 * CELL_BYTES > MAX_ROW_MEMORY {
                return Err(format!(
                    "takes more than {MAX_ROW_MEMORY} bytes of memory, the most that rows may"
                ));
            }
            let weight = weights.of(names, row, rows).inspect_err(|_| of_weight = Some(()))?;
            splits.iter_mut().try_for_each(|split| split.take(names, row, weight))
        });
        let names = read.map_err(unfit(if of_weight.is_some() { "weight" } else { "file" }))?;
        check_names(&names).map_err(unfit("file"))?;
        weights.check(&names).map_err(unfit("weight"))?;
        let column = |(name, first): (&String, &FirstCells)| ColumnFacts {
            name: name.clone(),
            empty: first.empty,
            control: first.control,
            blank: first.blank,
            values: None,
        };
        let mut columns: Vec<ColumnFacts> = names.iter().zip(&cells).map(column).collect();
        for split in splits {
            // The checker reports a column that is not there, with those that are.
            if let Some(at) = columns.iter_mut().find(|column| column.name == split.column) {
                at.values = Some(split.finish());
            }
        }
        let n_cells = rows.saturating_mul(columns.len() as u64);
        Ok(Self { rows, bytes: bytes + n_cells * CELL_BYTES, columns })
    }

    /// Checks facts that came with a plan, before anything relies on their shape.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MAX_ROWS as u64).contains(&self.rows) {
            return Err(format!("say {} rows, and a file has from 1 to {MAX_ROWS}", self.rows));
        }
        if self.bytes > MAX_ROW_MEMORY {
            return Err(format!("say {} bytes, and rows take at most {MAX_ROW_MEMORY}", self.bytes));
        }
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        check_names(&names)?;
        for values in self.columns.iter().filter_map(|column| column.values.as_ref()) {
            let n = values.heaviest.len();
            let is_weight = |weight: f64| weight.is_finite() && weight >= 0.0;
            if n > MAX_KEPT_VALUES
                || (n as u64) != values.n.min(MAX_KEPT_VALUES as u64)
                || !is_weight(values.total)
                || !values.heaviest.iter().all(|(_, weight)| is_weight(*weight))
            {
                return Err("name values of a column that do not fit together".to_owned());
            }
        }
        Ok(())
    }
}

/// Checks the names of columns.
fn check_names(names: &[String]) -> Result<(), String> {
    if names.is_empty() || names.len() > MAX_COLUMNS {
        return Err(format!("names {} columns; from 1 to {MAX_COLUMNS} are taken", names.len()));
    }
    for (at, name) in names.iter().enumerate() {
        let shown: String = name.chars().take(60).collect();
        if name.trim() != name || name.is_empty() {
            return Err(format!("has a column named {shown:?}; give it a name without blanks around it"));
        }
        if name.len() > MAX_COLUMN_BYTES {
            return Err(format!(
                "has a column whose name is longer than {MAX_COLUMN_BYTES} bytes ({shown:?}…)"
            ));
        }
        if names[..at].contains(name) {
            return Err(format!("has two columns named {shown:?}"));
        }
    }
    Ok(())
}

/// The first rows of a column whose cell does not fit everywhere.
#[derive(Debug, Clone, Copy, Default)]
struct FirstCells {
    empty: Option<u64>,
    control: Option<u64>,
    blank: Option<u64>,
}

impl FirstCells {
    /// Of a column that appears in row `row`: the rows before have no cell there.
    fn empty_before(row: u64) -> Self {
        Self { empty: (row > 1).then_some(1), ..Self::default() }
    }

    fn take(&mut self, cell: &str, row: u64) {
        let [empty, control, blank] = unfit_in(cell);
        for (first, is_so) in
            [(&mut self.empty, empty), (&mut self.control, control), (&mut self.blank, blank)]
        {
            *first = first.or(is_so.then_some(row));
        }
    }
}

/// Whether a cell is empty, holds a control character other than a tab, and holds a blank or any control character.
pub fn unfit_in(cell: &str) -> [bool; 3] {
    let control = |c: char| c.is_control() && c != '\t';
    [cell.is_empty(), cell.contains(control), cell.contains(|c: char| c.is_control() || c == ' ')]
}

/// The weight of a cell.
///
/// # Errors
/// Where it is not a number from 0 on.
pub fn weight_in(cell: &str, row: u64) -> Result<f64, String> {
    let weight = cell.trim().parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0);
    weight.ok_or_else(|| {
        let shown: String = cell.chars().take(60).collect();
        format!("row {row} has the weight {shown:?}, which is not a number from 0 on")
    })
}

/// What weights say that are all 0.
pub const NO_WEIGHT: &str = "weighs every row with 0, so none could be drawn";

struct Weights<'a> {
    column: Option<&'a str>,
    sum: f64,
    /// The first row before the column was known.
    absent: Option<u64>,
}

impl Weights<'_> {
    /// The weight of a row; 1 where rows are not weighted.
    fn of(&mut self, names: &[String], row: &[&str], number: u64) -> Result<f64, String> {
        let Some(column) = self.column else { return Ok(1.0) };
        // Objects may bring the column in a later row; one that never comes is reported by the checker.
        let cell = names.iter().position(|name| name == column).and_then(|at| row.get(at));
        let Some(cell) = cell else {
            self.absent = self.absent.or(Some(number));
            return Ok(0.0);
        };
        let weight = weight_in(cell, number)?;
        self.sum += weight;
        Ok(weight)
    }

    fn check(&self, names: &[String]) -> Result<(), String> {
        // The checker reports a column that is not there, with those that are.
        if self.column.is_none_or(|column| names.iter().all(|name| name != column)) {
            return Ok(());
        }
        if let Some(row) = self.absent {
            return weight_in("", row).map(drop);
        }
        if self.sum > 0.0 { Ok(()) } else { Err(NO_WEIGHT.to_owned()) }
    }
}

/// The different values of a column, with their weights.
struct Distinct {
    column: String,
    values: HashMap<Box<str>, (usize, f64)>,
    bytes: usize,
}

impl Distinct {
    fn of(column: &str) -> Self {
        Self { column: column.to_owned(), values: HashMap::new(), bytes: 0 }
    }

    fn take(&mut self, names: &[String], row: &[&str], weight: f64) -> Result<(), String> {
        let at = names.iter().position(|name| *name == self.column);
        let value = at.and_then(|at| row.get(at)).copied().unwrap_or_default();
        if let Some((_, sum)) = self.values.get_mut(value) {
            *sum += weight;
            return Ok(());
        }
        self.bytes += value.len();
        if self.values.len() >= MAX_VALUES || self.bytes > MAX_VALUE_BYTES {
            return Err(format!(
                "has more different values in {} than can be counted apart ({MAX_VALUES} values of {MAX_VALUE_BYTES} bytes \
                 together), and a request is split by it",
                self.column
            ));
        }
        self.values.insert(value.into(), (self.values.len(), weight));
        Ok(())
    }

    fn finish(self) -> Values {
        let n = self.values.len();
        let total = self.values.values().map(|(_, weight)| weight).sum();
        let mut values: Vec<(Box<str>, (usize, f64))> = self.values.into_iter().collect();
        // In the order of the rows; of equal weights, the first in the file stands first.
        values.sort_by_key(|(_, (order, _))| *order);
        if n > MAX_KEPT_VALUES {
            values.sort_by(|(_, (_, a)), (_, (_, b))| b.total_cmp(a));
            values.truncate(MAX_KEPT_VALUES);
        }
        // The facts travel in the plan. What is cut off here is far too long to be a name, and a fault for that.
        let short =
            |value: &str| value.get(..value.floor_char_boundary(MAX_KEPT_BYTES)).unwrap_or(value).to_owned();
        let heaviest = values.into_iter().map(|(value, (_, weight))| (short(&value), weight)).collect();
        Values { n: n as u64, total, heaviest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, format: Format, weight: Option<&str>, splits: &[&str]) -> Result<Facts, Unfit> {
        let splits = splits.iter().map(|column| (*column).to_owned()).collect();
        let looked = Looked { weight: weight.map(str::to_owned), splits };
        Facts::of(text.as_bytes(), format, &Columns::default(), &looked)
    }

    #[test]
    fn columns_rows_and_cells_are_found() {
        let facts = of("id,name\n1,a b\n2,\n3,x\u{1}\n", Format::Csv, None, &[]).unwrap();
        let name = ColumnFacts {
            name: "name".to_owned(),
            empty: Some(2),
            control: Some(3),
            blank: Some(1),
            values: None,
        };
        assert_eq!((facts.rows, facts.bytes, &facts.columns[1]), (3, 8 + 6 * 4, &name));
        assert_eq!(facts.check(), Ok(()));
        let json = serde_json::to_value(&facts).unwrap();
        assert_eq!(json["columns"][0], serde_json::json!({ "name": "id" }));
        assert_eq!(serde_json::from_value::<Facts>(json).unwrap(), facts);
    }

    #[test]
    fn a_column_that_comes_later_was_empty_before() {
        let facts =
            of("{\"a\": 1}\n{\"a\": 2, \"b\": 3}\n{\"b\": 4}\n", Format::JsonLines, None, &["b"]).unwrap();
        assert_eq!(facts.columns.iter().map(|column| column.empty).collect::<Vec<_>>(), [Some(3), Some(1)]);
        let values = facts.columns[1].values.as_ref().unwrap();
        let expected = [("", 1.0), ("3", 1.0), ("4", 1.0)].map(|(value, weight)| (value.to_owned(), weight));
        assert_eq!(values.heaviest, expected);
    }

    #[test]
    fn values_of_a_split_are_weighed() {
        let facts = of("url,n\n/a,1\n/b,5\n/a,2\n", Format::Csv, Some("n"), &["url"]).unwrap();
        let values = facts.columns[0].values.as_ref().unwrap();
        assert_eq!((values.n, &values.heaviest), (2, &vec![("/a".to_owned(), 3.0), ("/b".to_owned(), 5.0)]));
        let many: String = (0..1_000).map(|i| format!("{i},{i}\n")).collect();
        let facts = of(&format!("url,n\n{many}"), Format::Csv, Some("n"), &["url"]).unwrap();
        let values = facts.columns[0].values.as_ref().unwrap();
        assert_eq!((values.n, values.heaviest.len(), values.total), (1_000, 254, 499_500.0));
        assert_eq!(values.heaviest[0], ("999".to_owned(), 999.0));
        assert_eq!(facts.check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_key() {
        for (text, weight, key, expected) in [
            ("a\n", None, "file", "holds no row"),
            ("a,a\n1,2\n", None, "file", "two columns named \"a\""),
            ("a,\n1,2\n", None, "file", "a column named \"\""),
            ("a\nx\n", Some("a"), "weight", "row 1 has the weight \"x\""),
            ("a\n-1\n", Some("a"), "weight", "not a number from 0 on"),
            ("a\n0\n0\n", Some("a"), "weight", "weighs every row with 0"),
        ] {
            let unfit = of(text, Format::Csv, weight, &[]).unwrap_err();
            assert!(unfit.key == key && unfit.reason.contains(expected), "{unfit:?}");
        }
        assert!(of("a\n1\n", Format::Csv, Some("none"), &["none"]).is_ok(), "the checker says what is there");
    }

    #[test]
    fn facts_that_do_not_fit_together_are_refused() {
        let facts = of("a\n1\n2\n", Format::Csv, None, &["a"]).unwrap();
        let broken = |change: &dyn Fn(&mut Facts)| {
            let mut facts = facts.clone();
            change(&mut facts);
            facts.check().unwrap_err()
        };
        broken(&|facts| facts.rows = 0);
        broken(&|facts| facts.rows = u64::MAX);
        broken(&|facts| facts.bytes = u64::MAX);
        broken(&|facts| facts.columns.clear());
        broken(&|facts| facts.columns[0].name = String::new());
        broken(&|facts| facts.columns[0].values.as_mut().unwrap().n = 7);
        broken(&|facts| facts.columns[0].values.as_mut().unwrap().heaviest[0].1 = f64::NAN);
    }
}
